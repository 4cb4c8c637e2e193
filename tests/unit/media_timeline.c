/* The timeline under all weathers: a simulated camera with its own clock, a network with jitter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"
#include "media/timeline.h"

#define UTC_OFFSET_US INT64_C(1795466923000000)
#define MS INT64_C(1000)

struct weather {
    struct rw_timeline timeline;
    uint32_t noise;
    int64_t true_us;  /* CLOCK_BOOTTIME when the picture is taken */
    int64_t media_us; /* the camera's clock */
    int64_t utc_offset_us;
    int64_t interval_us;
    int drift_ppm;      /* of the camera's clock */
    int64_t drift_rest; /* of a microsecond, in millionths */
    int64_t jitter_us;  /* delays are even between 0 and this */
    int64_t delay_us;   /* of the network now, on top */
    /* what came of it */
    struct rw_stamp stamp;
    int64_t error_us; /* of the last stamp's boot_us, and so of its utc_us */
    int64_t worst_us; /* of all errors */
    int64_t last_dts_us;
    int jumps;
};

static void weather_init(struct weather *w)
{
    *w = (struct weather){.noise = 1,
                          .true_us = 100 * RW_SECOND_US,
                          .media_us = 7777,
                          .utc_offset_us = UTC_OFFSET_US,
                          .interval_us = 66667};
    w->last_dts_us = INT64_MIN;
    rw_timeline_init(&w->timeline);
}

static int64_t random_below(struct weather *w, int64_t limit)
{
    w->noise = w->noise * 1664525u + 1013904223u;
    return limit > 0 ? (int64_t)(w->noise >> 8) % limit : 0;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

/* One picture, and what must hold whatever the weather. */
static void one_picture(struct weather *w)
{
    int64_t arrival_us = w->true_us + w->delay_us + random_below(w, w->jitter_us);
    struct rw_now now = {.boot_us = arrival_us, .utc_us = arrival_us + w->utc_offset_us};
    w->stamp = rw_timeline_stamp(&w->timeline, w->media_us, now);
    w->error_us = w->stamp.boot_us - w->true_us;
    if (magnitude(w->error_us) > w->worst_us)
        w->worst_us = magnitude(w->error_us);
    w->jumps += w->stamp.jumped;
    assert_true(w->stamp.jumped || w->stamp.dts_us > w->last_dts_us);
    assert_int_equal(w->stamp.utc_us - w->stamp.boot_us, w->timeline.utc_offset_us);
    w->last_dts_us = w->stamp.dts_us;
    w->true_us += w->interval_us;
    w->drift_rest += w->interval_us * w->drift_ppm;
    w->media_us += w->interval_us + w->drift_rest / 1000000;
    w->drift_rest %= 1000000;
}

static void pictures(struct weather *w, int64_t seconds)
{
    for (int64_t n = seconds * RW_SECOND_US / w->interval_us; n > 0; n--)
        one_picture(w);
}

static void gives_the_first_picture_its_arrival_time(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    w.delay_us = 50 * MS;
    one_picture(&w);
    assert_int_equal(w.error_us, 50 * MS);
    assert_int_equal(w.stamp.utc_us, w.stamp.boot_us + UTC_OFFSET_US);
    assert_int_equal(w.stamp.dts_us, w.stamp.utc_us);
    assert_false(w.stamp.jumped);
}

static void keeps_pictures_evenly_spaced_under_jitter(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    w.jitter_us = 300 * MS;
    pictures(&w, 20);
    for (int i = 0; i < 1000; i++) {
        int64_t before_us = w.stamp.utc_us;
        one_picture(&w);
        assert_in_range(w.stamp.utc_us - before_us, w.interval_us * 9 / 10,
                        w.interval_us * 11 / 10);
        assert_true(magnitude(w.error_us) < 30 * MS);
    }
    assert_int_equal(w.jumps, 0);
}

/* Pictures that the network holds back for so long, then hands over at one instant. */
static void stall(struct weather *w, int64_t held_us)
{
    for (; held_us > 0; held_us -= w->interval_us) {
        w->delay_us = held_us;
        one_picture(w);
    }
    w->delay_us = 0;
}

/* 15 pictures a second; the network is late by up to 300 ms, and every ten minutes it stands still
 * for up to 7 s. The first picture counts, too. */
static void follows_drift_for_a_day(int ppm)
{
    struct weather w;
    weather_init(&w);
    w.drift_ppm = ppm;
    w.jitter_us = 300 * MS;
    for (int i = 0; i < 24 * 6; i++) {
        pictures(&w, 590);
        stall(&w, RW_SECOND_US * (i % 7 + 1));
        pictures(&w, 9 - i % 7);
        assert_true(w.worst_us < 500 * MS);
        if (!i)
            w.worst_us = 0; /* the first picture's own delay is forgotten */
    }
    assert_true(w.true_us - 100 * RW_SECOND_US > 86000 * RW_SECOND_US);
    assert_int_equal(w.jumps, 0);
    assert_true(w.worst_us < 100 * MS);
}

static void follows_a_slow_camera_for_a_day(void **state)
{
    (void)state;
    follows_drift_for_a_day(-500);
}

static void follows_a_fast_camera_for_a_day(void **state)
{
    (void)state;
    follows_drift_for_a_day(500);
}

static void forgets_a_late_first_picture_within_seconds(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    w.delay_us = 600 * MS;
    one_picture(&w);
    w.delay_us = 0;
    pictures(&w, 8);
    assert_true(magnitude(w.error_us) < 10 * MS);
    assert_int_equal(w.jumps, 0);
}

static void takes_a_forward_jump_of_the_camera_at_once(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 5);
    w.media_us += 3600 * RW_SECOND_US;
    one_picture(&w);
    assert_true(w.stamp.jumped);
    assert_true(magnitude(w.error_us) < 2 * MS);
    pictures(&w, 5);
    assert_int_equal(w.jumps, 1);
}

static void takes_a_backward_jump_of_the_camera_at_once(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 5);
    w.media_us -= 3600 * RW_SECOND_US;
    one_picture(&w);
    assert_true(w.stamp.jumped);
    pictures(&w, 5);
    assert_int_equal(w.jumps, 1);
    assert_true(magnitude(w.error_us) < 2 * MS);
}

/* A day of leaps, each of hours: one of them costs nothing but the mark. */
static void takes_leaps_of_hours_one_after_the_other(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    w.jitter_us = 300 * MS;
    pictures(&w, 60);
    for (int i = 0; i < 24; i++) {
        int64_t hours = i % 5 + 1;
        w.media_us += (i % 2 ? -hours : hours) * 3600 * RW_SECOND_US;
        pictures(&w, 3600);
        assert_int_equal(w.jumps, i + 1);
    }
    assert_true(w.worst_us < 500 * MS);
    assert_true(magnitude(w.error_us) < 60 * MS);
}

/* Too small to be told from a network that is late: no jump, and the error never grows beyond it.
 */
static void slews_over_a_step_of_less_than_a_second(int64_t step_us, int64_t seconds)
{
    struct weather w;
    weather_init(&w);
    pictures(&w, 30);
    w.media_us += step_us;
    pictures(&w, seconds);
    assert_int_equal(w.jumps, 0);
    assert_true(w.worst_us <= magnitude(step_us) + 10 * MS);
    w.worst_us = 0;
    pictures(&w, 600);
    assert_true(w.worst_us < 500 * MS);
    assert_true(magnitude(w.error_us) < 10 * MS);
}

static void slews_over_small_steps_of_the_camera(void **state)
{
    (void)state;
    slews_over_a_step_of_less_than_a_second(900 * MS, 4); /* pictures before their time: a proof */
    slews_over_a_step_of_less_than_a_second(-400 * MS, 1);
    slews_over_a_step_of_less_than_a_second(-900 * MS, 420);
}

/* Some cameras step back a picture or two now and then. */
static void suffers_backward_and_repeated_times(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    w.jitter_us = 50 * MS;
    for (int i = 0; i < 15 * 600; i++) {
        int64_t media_us = w.media_us;
        if (i % 10 > 6)
            w.media_us -= (i % 10 - 6) * w.interval_us;
        one_picture(&w);
        w.media_us = media_us + w.interval_us;
        assert_true(w.stamp.dts_us - w.stamp.utc_us < w.interval_us * 4);
    }
    assert_int_equal(w.jumps, 0);
    assert_true(w.worst_us < 500 * MS);
}

static void notices_a_camera_clock_that_lost_two_seconds(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 15);
    w.true_us += 2 * RW_SECOND_US; /* the camera's clock stood still meanwhile */
    pictures(&w, 25);
    assert_int_equal(w.jumps, 1);
    assert_true(magnitude(w.error_us) < 10 * MS);
}

static void keeps_the_spacing_of_pictures_that_a_stall_held_back(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 15);
    stall(&w, 5 * RW_SECOND_US);
    pictures(&w, 30);
    assert_int_equal(w.jumps, 0);
    assert_true(w.worst_us < 10 * MS);
}

static void keeps_time_over_lost_pictures(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 5);
    w.true_us += 4 * RW_SECOND_US;
    w.media_us += 4 * RW_SECOND_US;
    one_picture(&w);
    assert_true(magnitude(w.error_us) < 2 * MS);
    assert_int_equal(w.jumps, 0);
}

static void takes_a_step_of_the_boxs_clock_at_once(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 5);
    w.utc_offset_us += 3600 * RW_SECOND_US;
    one_picture(&w);
    assert_true(w.stamp.jumped);
    assert_true(magnitude(w.stamp.utc_us - w.stamp.boot_us - w.utc_offset_us) < MS);
    pictures(&w, 5);
    w.utc_offset_us -= 7200 * RW_SECOND_US;
    one_picture(&w);
    assert_true(w.stamp.jumped);
    assert_int_equal(w.stamp.dts_us, w.stamp.utc_us);
    pictures(&w, 5);
    assert_int_equal(w.jumps, 2);
    assert_true(magnitude(w.error_us) < 2 * MS);
}

static void follows_a_small_correction_of_the_boxs_clock(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    pictures(&w, 5);
    w.utc_offset_us -= 400 * MS;
    int64_t before_us = w.stamp.utc_us;
    one_picture(&w);
    assert_true(w.stamp.utc_us > before_us);
    pictures(&w, 60);
    assert_int_equal(w.jumps, 0);
    assert_true(magnitude(w.stamp.utc_us - w.stamp.boot_us - w.utc_offset_us) < MS);
}

static void uses_arrival_where_the_camera_sends_no_time(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    for (int i = 0; i < 100; i++) {
        w.media_us = INT64_MIN;
        w.delay_us = i % 3 * MS;
        int64_t arrival_us = w.true_us + w.delay_us;
        one_picture(&w);
        assert_int_equal(w.stamp.boot_us, arrival_us);
    }
    assert_int_equal(w.jumps, 0);
}

static void suffers_a_camera_whose_time_stands_still(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    for (int i = 0; i < 3000; i++) {
        w.media_us = 5;
        one_picture(&w);
        assert_true(magnitude(w.error_us) <= 1001 * MS);
    }
    assert_int_equal(w.jumps, 0);
}

/* I P B B P B B as sent: the P comes two pictures before its turn. */
static void send_group(struct weather *w, int64_t *picture, int64_t *late)
{
    static const int SHOWN[3] = {3, 1, 2};
    for (int i = 0; i < 3; i++) {
        int64_t media_us = (*picture + SHOWN[i]) * w->interval_us;
        struct rw_now now = {.boot_us = w->true_us, .utc_us = w->true_us + UTC_OFFSET_US};
        w->stamp = rw_timeline_stamp(&w->timeline, media_us, now);
        assert_false(w->stamp.jumped);
        assert_true(w->stamp.dts_us > w->last_dts_us);
        *late += w->stamp.dts_us > w->stamp.utc_us;
        w->last_dts_us = w->stamp.dts_us;
        w->true_us += w->interval_us;
    }
    *picture += 3;
}

static void decodes_before_it_shows_when_pictures_are_reordered(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    int64_t picture = 0, late = 0;
    send_group(&w, &picture, &late);
    send_group(&w, &picture, &late);
    late = 0;
    for (int i = 0; i < 200; i++) {
        int64_t before_us = w.last_dts_us;
        send_group(&w, &picture, &late);
        if (i > 50)
            assert_in_range(w.last_dts_us - before_us, 2 * w.interval_us, 4 * w.interval_us);
    }
    assert_int_equal(late, 0);
    assert_int_equal(w.timeline.depth, 1);
}

/* x264's pyramid, I P B b b: shown 4 2 1 3 as sent. Pictures come in the order of coding, each when
 * it is made, over a network with jitter, from a camera that is fast. */
static void keeps_a_pyramid_of_b_frames_in_order_for_an_hour(void **state)
{
    (void)state;
    static const int SHOWN[4] = {4, 2, 1, 3};
    struct weather w;
    weather_init(&w);
    int64_t first_us = w.true_us;
    int late = 0;
    for (int64_t i = 0; i < 15 * 3600; i++) {
        int64_t shown_us = (i / 4 * 4 + SHOWN[i % 4]) * w.interval_us;
        int64_t arrival_us = first_us + (i + 4) * w.interval_us + random_below(&w, 100 * MS);
        struct rw_now now = {.boot_us = arrival_us, .utc_us = arrival_us + UTC_OFFSET_US};
        struct rw_stamp stamp =
            rw_timeline_stamp(&w.timeline, shown_us + shown_us * 500 / 1000000, now);
        assert_false(stamp.jumped);
        assert_true(stamp.dts_us > w.last_dts_us);
        if (i > 15 * 60) {
            late += stamp.dts_us > stamp.utc_us;
            assert_in_range(stamp.utc_us - stamp.dts_us, 0, 6 * w.interval_us);
            assert_true(magnitude(stamp.boot_us - first_us - shown_us) < 500 * MS);
        }
        w.last_dts_us = stamp.dts_us;
    }
    assert_int_equal(late, 0);
    assert_int_equal(w.timeline.depth, 2);
}

static void takes_equal_times_without_calling_them_reordered(void **state)
{
    (void)state;
    struct weather w;
    weather_init(&w);
    for (int i = 0; i < 100; i++) {
        one_picture(&w);
        w.media_us -= w.interval_us; /* two packets bear one time */
        w.true_us -= w.interval_us;
        one_picture(&w);
    }
    assert_int_equal(w.timeline.depth, 0);
    assert_int_equal(w.jumps, 0);
}

static void survives_any_numbers(void **state)
{
    (void)state;
    static const int64_t ODD[] = {INT64_MIN,
                                  INT64_MIN + 1,
                                  INT64_MAX,
                                  INT64_MAX - 1,
                                  0,
                                  -1,
                                  1,
                                  INT64_C(1) << 60,
                                  -(INT64_C(1) << 60),
                                  (INT64_C(1) << 60) + 1,
                                  INT64_C(1) << 59,
                                  1000000,
                                  -1000001,
                                  INT64_C(1795466923000000)};
    enum { ODDS = sizeof ODD / sizeof ODD[0] };
    struct weather w;
    weather_init(&w);
    int64_t last_us = INT64_MIN;
    for (int i = 0; i < 200000; i++) {
        int64_t media_us = ODD[random_below(&w, ODDS)] / (random_below(&w, 4) + 1);
        struct rw_now now = {.boot_us = ODD[random_below(&w, ODDS)],
                             .utc_us = ODD[random_below(&w, ODDS)]};
        struct rw_stamp stamp = rw_timeline_stamp(&w.timeline, media_us, now);
        assert_true(stamp.jumped || stamp.dts_us > last_us);
        last_us = stamp.dts_us;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_first_picture_its_arrival_time),
        cmocka_unit_test(keeps_pictures_evenly_spaced_under_jitter),
        cmocka_unit_test(follows_a_slow_camera_for_a_day),
        cmocka_unit_test(follows_a_fast_camera_for_a_day),
        cmocka_unit_test(forgets_a_late_first_picture_within_seconds),
        cmocka_unit_test(takes_a_forward_jump_of_the_camera_at_once),
        cmocka_unit_test(takes_a_backward_jump_of_the_camera_at_once),
        cmocka_unit_test(takes_leaps_of_hours_one_after_the_other),
        cmocka_unit_test(slews_over_small_steps_of_the_camera),
        cmocka_unit_test(suffers_backward_and_repeated_times),
        cmocka_unit_test(notices_a_camera_clock_that_lost_two_seconds),
        cmocka_unit_test(keeps_the_spacing_of_pictures_that_a_stall_held_back),
        cmocka_unit_test(keeps_time_over_lost_pictures),
        cmocka_unit_test(takes_a_step_of_the_boxs_clock_at_once),
        cmocka_unit_test(follows_a_small_correction_of_the_boxs_clock),
        cmocka_unit_test(uses_arrival_where_the_camera_sends_no_time),
        cmocka_unit_test(suffers_a_camera_whose_time_stands_still),
        cmocka_unit_test(decodes_before_it_shows_when_pictures_are_reordered),
        cmocka_unit_test(keeps_a_pyramid_of_b_frames_in_order_for_an_hour),
        cmocka_unit_test(takes_equal_times_without_calling_them_reordered),
        cmocka_unit_test(survives_any_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
