/* A camera that goes on sending, and sends nothing of use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "camera/pulse.h"

#define SECOND INT64_C(1000000)
#define LOOK (SECOND / 2)

/* --- data without pictures --- */

struct hearing {
    struct rw_pulse_heard heard;
    uint64_t bytes, units;
    int64_t picture_us, now_us;
};

/* Looks twice a second while data (and units, and pictures) come; the last answer. */
static unsigned listen(struct hearing *h, int64_t for_us, bool data, bool units, bool pictures)
{
    unsigned ails = 0;
    for (int64_t end_us = h->now_us + for_us; h->now_us < end_us;) {
        h->now_us += LOOK;
        h->bytes += data ? 1400 : 0;
        h->units += units;
        h->picture_us = pictures ? h->now_us : h->picture_us;
        ails = rw_pulse_heard_feed(&h->heard, h->bytes, h->units, h->picture_us, h->now_us);
    }
    return ails;
}

static void pictures_are_well(void **state)
{
    (void)state;
    struct hearing h = {.now_us = 1000 * SECOND};
    assert_int_equal(listen(&h, 60 * SECOND, true, true, true), 0);
}

static void data_without_pictures_are_told_within_ten_seconds(void **state)
{
    (void)state;
    struct hearing h = {.now_us = 1000 * SECOND};
    listen(&h, 5 * SECOND, true, true, true);
    assert_int_equal(listen(&h, 7 * SECOND, true, false, false), 0);
    assert_int_equal(listen(&h, 3 * SECOND, true, false, false), RW_AIL_NO_PICTURES);
    assert_int_equal(listen(&h, LOOK, true, true, true), 0);
}

static void pictures_without_a_keyframe_have_their_own_reason(void **state)
{
    (void)state;
    struct hearing h = {.now_us = 1000 * SECOND};
    assert_int_equal(listen(&h, 10 * SECOND, true, true, false), RW_AIL_NO_KEYFRAME);
}

static void silence_is_not_talking(void **state)
{
    (void)state;
    struct hearing h = {.now_us = 1000 * SECOND};
    listen(&h, 5 * SECOND, true, true, true);
    assert_int_equal(listen(&h, 60 * SECOND, false, false, false), 0);
    /* it is back, and its first picture takes a moment */
    assert_int_equal(listen(&h, 3 * SECOND, true, false, false), 0);
}

static void a_reconnection_in_vain_does_not_clear_it(void **state)
{
    (void)state;
    struct hearing h = {.now_us = 1000 * SECOND};
    listen(&h, 10 * SECOND, true, false, false);
    assert_int_equal(listen(&h, 4 * SECOND, false, false, false), RW_AIL_NO_PICTURES);
    assert_int_equal(listen(&h, 4 * SECOND, true, false, false), RW_AIL_NO_PICTURES);
    assert_int_equal(listen(&h, 20 * SECOND, false, false, false), 0); /* it is gone */
}

/* --- datagrams that are lost on the way --- */

/* Looks so often, while so many come and so many do not; the last answer. */
static double lose(struct rw_pulse_loss *loss, uint64_t counts[2], int looks, uint64_t come,
                   uint64_t missing)
{
    double percent = 0;
    for (int i = 0; i < looks; i++)
        percent = rw_pulse_loss_feed(loss, counts[0] += come, counts[1] += missing);
    return percent;
}

static void what_is_lost_is_told_in_percent_of_the_last_ten_seconds(void **state)
{
    (void)state;
    struct rw_pulse_loss loss = {0};
    uint64_t counts[2] = {0};
    assert_float_equal(lose(&loss, counts, 100, 50, 0), 0, 0);
    assert_false(loss.lossy);
    assert_float_equal(lose(&loss, counts, 10, 40, 10), 10, 0.001); /* half of that time */
    assert_true(loss.lossy);
    assert_float_equal(lose(&loss, counts, 10, 40, 10), 20, 0.001);
    assert_float_equal(lose(&loss, counts, 10, 0, 0), 20, 0.001); /* silence says nothing */
    assert_float_equal(lose(&loss, counts, 10, 0, 0), 0, 0);
    assert_false(loss.lossy);
}

static void a_datagram_now_and_then_is_no_reason_to_say_so(void **state)
{
    (void)state;
    struct rw_pulse_loss loss = {0};
    uint64_t counts[2] = {0};
    lose(&loss, counts, RW_PULSE_LOOKS, 50, 0);
    lose(&loss, counts, 1, 50, 9); /* of a thousand */
    assert_false(loss.lossy);
    lose(&loss, counts, 1, 50, 9);
    assert_true(loss.lossy);
    lose(&loss, counts, RW_PULSE_LOOKS - 1, 50, 0);
    assert_true(loss.lossy); /* and it does not come and go */
    lose(&loss, counts, 1, 50, 0);
    assert_false(loss.lossy);
}

/* --- a clock that stands still --- */

/* Packets every `every_us` with camera times that advance by `advance_us`; the last answer. */
static bool run_clock(struct rw_pulse_clock *clock, int64_t *camera_us, int64_t *now_us,
                      int64_t for_us, int64_t every_us, int64_t advance_us)
{
    bool still = false;
    for (int64_t end_us = *now_us + for_us; *now_us < end_us;) {
        *now_us += every_us;
        *camera_us += advance_us;
        still = rw_pulse_clock_feed(clock, *camera_us, *now_us);
    }
    return still;
}

static void a_clock_that_stands_still_is_told_within_ten_seconds(void **state)
{
    (void)state;
    struct rw_pulse_clock clock = {0};
    int64_t camera_us = 7 * SECOND, now_us = 1000 * SECOND;
    assert_false(run_clock(&clock, &camera_us, &now_us, 30 * SECOND, 66667, 66667));
    assert_false(run_clock(&clock, &camera_us, &now_us, 5 * SECOND, 66667, 0));
    assert_true(run_clock(&clock, &camera_us, &now_us, 3 * SECOND, 66667, 0));
    assert_true(run_clock(&clock, &camera_us, &now_us, 3600 * SECOND, 66667, 0));
    assert_false(run_clock(&clock, &camera_us, &now_us, 2 * SECOND, 66667, 66667));
}

static void a_clock_that_creeps_stands_still_and_one_that_is_slow_does_not(void **state)
{
    (void)state;
    struct rw_pulse_clock clock = {0};
    int64_t camera_us = 0, now_us = 1000 * SECOND;
    assert_false(run_clock(&clock, &camera_us, &now_us, 5 * SECOND, 66667, 11));
    for (int i = 0; i < 3600; i++) {
        bool still = run_clock(&clock, &camera_us, &now_us, SECOND, 66667, 11);
        assert_true(still || i < 3);
    }
    assert_false(run_clock(&clock, &camera_us, &now_us, 30 * SECOND, 66667, 33333));
}

static void a_camera_that_sends_no_time_has_a_clock_that_stands_still(void **state)
{
    (void)state;
    struct rw_pulse_clock clock = {0};
    bool still = false;
    for (int i = 0; i < 150; i++)
        still = rw_pulse_clock_feed(&clock, INT64_MIN, 1000 * SECOND + i * 66667);
    assert_true(still);
}

static void what_a_network_held_back_is_no_clock_that_stands_still(void **state)
{
    (void)state;
    struct rw_pulse_clock clock = {0};
    int64_t camera_us = 0, now_us = 1000 * SECOND;
    for (int i = 0; i < 10; i++) {
        now_us += 7 * SECOND; /* nothing, then all of it at once */
        assert_false(run_clock(&clock, &camera_us, &now_us, 105 * 100, 100, 66667));
    }
}

static void clocks_that_leap_anywhere_are_suffered(void **state)
{
    (void)state;
    struct rw_pulse_clock clock = {0};
    static const int64_t leaps[] = {INT64_MAX, INT64_MIN + 1, -1, INT64_MAX, 0, INT64_MIN};
    for (int i = 0; i < 600; i++)
        assert_false(rw_pulse_clock_feed(&clock, leaps[i % 6], 1000 * SECOND + i * 66667));
}

/* --- pictures that cannot be decoded --- */

static void keyframes_that_give_no_picture_are_told_within_ten_seconds(void **state)
{
    (void)state;
    struct rw_pulse_blind blind = {0};
    int64_t now_us = 1000 * SECOND;
    assert_false(rw_pulse_blind_feed(&blind, true, true, now_us));
    for (int i = 1; i <= 3; i++) /* a keyframe every two seconds */
        assert_false(rw_pulse_blind_feed(&blind, true, false, now_us + i * 2 * SECOND));
    assert_true(rw_pulse_blind_feed(&blind, true, false, now_us + 8 * SECOND));
    assert_false(rw_pulse_blind_feed(&blind, false, true, now_us + 9 * SECOND));
}

static void one_spoilt_keyframe_of_a_long_gop_is_no_fault(void **state)
{
    (void)state;
    struct rw_pulse_blind blind = {0};
    assert_false(rw_pulse_blind_feed(&blind, true, false, 1000 * SECOND));
    for (int i = 1; i < 15 * 12; i++)
        assert_false(rw_pulse_blind_feed(&blind, false, false, 1000 * SECOND + i * 66667));
    assert_false(rw_pulse_blind_feed(&blind, true, true, 1012 * SECOND));
}

/* --- words --- */

static void every_ail_says_what_to_do(void **state)
{
    (void)state;
    assert_string_equal(rw_ail_sentence(0), "");
    for (unsigned ail = 1; ail <= RW_AIL_LOSSY; ail <<= 1) {
        assert_true(strstr(rw_ail_sentence(ail), "restart") || strstr(rw_ail_sentence(ail), "set"));
        assert_true(strlen(rw_ail_sentence(ail)) + strlen("main stream: ") < 200);
    }
    assert_string_equal(rw_ail_sentence(RW_AIL_VAIN | RW_AIL_CLOCK_STILL),
                        rw_ail_sentence(RW_AIL_NO_PICTURES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_well),
        cmocka_unit_test(data_without_pictures_are_told_within_ten_seconds),
        cmocka_unit_test(pictures_without_a_keyframe_have_their_own_reason),
        cmocka_unit_test(silence_is_not_talking),
        cmocka_unit_test(a_reconnection_in_vain_does_not_clear_it),
        cmocka_unit_test(what_is_lost_is_told_in_percent_of_the_last_ten_seconds),
        cmocka_unit_test(a_datagram_now_and_then_is_no_reason_to_say_so),
        cmocka_unit_test(a_clock_that_stands_still_is_told_within_ten_seconds),
        cmocka_unit_test(a_clock_that_creeps_stands_still_and_one_that_is_slow_does_not),
        cmocka_unit_test(a_camera_that_sends_no_time_has_a_clock_that_stands_still),
        cmocka_unit_test(what_a_network_held_back_is_no_clock_that_stands_still),
        cmocka_unit_test(clocks_that_leap_anywhere_are_suffered),
        cmocka_unit_test(keyframes_that_give_no_picture_are_told_within_ten_seconds),
        cmocka_unit_test(one_spoilt_keyframe_of_a_long_gop_is_no_fault),
        cmocka_unit_test(every_ail_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
