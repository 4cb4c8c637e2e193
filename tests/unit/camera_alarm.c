/* From runs of motion to events: a pure state machine, played on a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "camera/alarm.h"

#define T0 INT64_C(1790000000000000)
#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)

struct play {
    struct rw_alarm alarm;
    struct rw_motion_run run;
    int64_t now_us;
    bool show; /* of the newest picture */
};

static void play_kind(struct play *play, enum rw_motion_kind kind, int64_t post_us,
                      int64_t cooldown_us, int64_t max_us)
{
    struct rw_alert_config config = {
        .pre_us = 5 * SECOND, .post_us = post_us, .cooldown_us = cooldown_us, .max_us = max_us};
    *play = (struct play){.now_us = T0};
    rw_alarm_init(&play->alarm, kind, &config);
}

static void play_init(struct play *play, int64_t post_us, int64_t cooldown_us, int64_t max_us)
{
    play_kind(play, RW_KIND_MOTION, post_us, cooldown_us, max_us);
}

static enum rw_alarm_word feed(struct play *play, enum rw_motion_change change)
{
    return rw_alarm_feed(&play->alarm, change, &play->run, play->now_us, &play->show);
}

static enum rw_alarm_word begin(struct play *play, float score, uint32_t zones)
{
    play->run = (struct rw_motion_run){.start_us = play->now_us - 300 * MS,
                                       .decided_us = play->now_us,
                                       .last_us = play->now_us,
                                       .peak_us = play->now_us,
                                       .box = {0.1f, 0.2f, 0.3f, 0.4f},
                                       .score = score,
                                       .zones = zones};
    return feed(play, RW_MOTION_BEGIN);
}

static enum rw_alarm_word better(struct play *play, float score, uint32_t zones)
{
    play->run.last_us = play->run.peak_us = play->now_us;
    play->run.score = score;
    play->run.zones |= zones;
    play->run.box.x += 0.01f;
    return feed(play, RW_MOTION_BETTER);
}

static enum rw_alarm_word stop(struct play *play)
{
    return feed(play, RW_MOTION_END);
}

/* Pictures without a change, one each 100 ms for `us`. Expects silence. */
static void quiet(struct play *play, int64_t us)
{
    for (int64_t until = play->now_us + us; play->now_us < until;) {
        play->now_us += 100 * MS;
        enum rw_alarm_word word = feed(play, RW_MOTION_NONE);
        if (word != RW_ALARM_NONE)
            fail_msg("%d was told at %lld ms", (int)word, (long long)(play->now_us - T0) / 1000);
        assert_false(play->show);
    }
}

/* Pictures without a change until something is told, at most for `us`. */
static enum rw_alarm_word wait(struct play *play, int64_t us)
{
    enum rw_alarm_word word = RW_ALARM_NONE;
    for (int64_t until = play->now_us + us; play->now_us < until && word == RW_ALARM_NONE;) {
        play->now_us += 100 * MS;
        word = feed(play, RW_MOTION_NONE);
    }
    return word;
}

static void nothing_moves_and_nothing_is_told(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    quiet(&play, 60 * SECOND);
    assert_int_equal(rw_alarm_close(&play.alarm, play.now_us), RW_ALARM_NONE);
}

static void an_event_begins_at_once_with_its_first_motion_and_best_picture(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    assert_int_equal(begin(&play, 0.5f, 2), RW_ALARM_START);
    assert_true(play.show);
    assert_int_equal(play.alarm.start_us, T0 - 300 * MS);
    assert_int_equal(play.alarm.decided_us, T0);
    assert_int_equal(play.alarm.end_us, 0);
    assert_int_equal(play.alarm.peak_us, T0);
    assert_int_equal(play.alarm.zones, 2);
    assert_true(play.alarm.score == 0.5f && play.alarm.box.w == 0.3f);
}

static void it_ends_when_nothing_moved_for_post_and_says_when_it_last_did(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 0);
    quiet(&play, 2 * SECOND);
    play.run.last_us = play.now_us;
    play.now_us += 800 * MS; /* the detector is sure of the end a while after it */
    assert_int_equal(stop(&play), RW_ALARM_NONE);
    quiet(&play, 4100 * MS);
    play.now_us += 100 * MS;
    assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_END);
    assert_int_equal(play.alarm.end_us, T0 + 2 * SECOND);
    quiet(&play, 60 * SECOND);
}

static void motion_within_post_goes_on_silently(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 0, 300 * SECOND);
    begin(&play, 0.5f, 1);
    stop(&play);
    quiet(&play, 4 * SECOND);
    assert_int_equal(begin(&play, 0.4f, 1), RW_ALARM_NONE);
    assert_false(play.show); /* the first picture was better */
    assert_int_equal(play.alarm.peak_us, T0);
    int64_t last = play.now_us;
    stop(&play);
    quiet(&play, 4900 * MS);
    assert_int_equal(wait(&play, SECOND), RW_ALARM_END);
    assert_int_equal(play.alarm.start_us, T0 - 300 * MS);
    assert_int_equal(play.alarm.end_us, last);
}

static void a_better_picture_in_a_later_run_is_shown(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 0, 300 * SECOND);
    begin(&play, 0.5f, 1);
    stop(&play);
    quiet(&play, SECOND);
    begin(&play, 0.9f, 1);
    assert_true(play.show);
    assert_int_equal(play.alarm.peak_us, T0 + SECOND);
    play.now_us += 100 * MS;
    better(&play, 0.7f, 0); /* its run's best, so says the detector, and its run has the best */
    assert_true(play.show);
    assert_int_equal(play.alarm.peak_us, T0 + 1100 * MS);
    assert_true(play.alarm.score == 0.7f);
    stop(&play);
    quiet(&play, SECOND);
    begin(&play, 0.2f, 1);
    play.now_us += 100 * MS;
    better(&play, 0.7f, 0); /* the best of its run, not of the event */
    assert_false(play.show);
    assert_int_equal(play.alarm.peak_us, T0 + 1100 * MS);
    play.now_us += 100 * MS;
    better(&play, 0.71f, 0);
    assert_true(play.show);
    assert_int_equal(play.alarm.peak_us, play.now_us);
}

static void box_and_path_are_those_of_the_picture_that_is_shown(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    for (int i = 0; i < 40; i++) {
        play.now_us += 700 * MS;
        play.run.path_count = 1 + i % 3;
        play.run.path[i % 3] = (struct rw_point){(float)i / 100, 0.5f};
        if (i % 7 == 6)
            stop(&play);
        else if (i % 7 == 0 && i)
            begin(&play, (float)(i * 37 % 40) / 40, 1);
        else
            better(&play, (float)(i * 11 % 40) / 40, 0);
        if (play.show) {
            assert_int_equal(play.alarm.peak_us, play.now_us);
            assert_true(play.alarm.box.x == play.run.box.x);
            assert_true(play.alarm.score == play.run.score);
            assert_int_equal(play.alarm.path_count, play.run.path_count);
        }
        assert_true(play.alarm.open);
    }
}

static void news_without_a_better_picture_keep_the_one_that_is_shown(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us += 100 * MS;
    play.run.last_us = play.now_us;
    play.run.zones |= 2;
    play.run.path_count = 2;
    assert_int_equal(feed(&play, RW_MOTION_BETTER), RW_ALARM_UPDATE); /* peak_us is as it was */
    assert_false(play.show);
    assert_int_equal(play.alarm.peak_us, T0);
    assert_int_equal(play.alarm.path_count, 2); /* it went on */
}

static void motion_within_cooldown_is_the_same_event_as_an_update(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    stop(&play);
    assert_int_equal(wait(&play, 3 * SECOND), RW_ALARM_END);
    assert_int_equal(play.alarm.end_us, T0);
    play.now_us = T0 + 10 * SECOND + 300 * MS; /* its first motion was 10 s after the end */
    assert_int_equal(begin(&play, 0.3f, 4), RW_ALARM_UPDATE);
    assert_int_equal(play.alarm.start_us, T0 - 300 * MS);
    assert_int_equal(play.alarm.end_us, 0);
    assert_int_equal(play.alarm.zones, 5);
    int64_t last = play.now_us;
    stop(&play);
    assert_int_equal(wait(&play, 3 * SECOND), RW_ALARM_END);
    assert_int_equal(play.alarm.end_us, last);
    play.now_us = last + 5 * SECOND; /* cooldown counts from the newest end */
    assert_int_equal(begin(&play, 0.3f, 1), RW_ALARM_UPDATE);
}

static void motion_after_cooldown_is_another_event(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.9f, 1);
    stop(&play);
    assert_int_equal(wait(&play, 3 * SECOND), RW_ALARM_END);
    play.now_us = T0 + 10 * SECOND + 301 * MS;
    assert_int_equal(begin(&play, 0.3f, 4), RW_ALARM_START);
    assert_true(play.show);
    assert_int_equal(play.alarm.start_us, play.now_us - 300 * MS);
    assert_int_equal(play.alarm.zones, 4); /* nothing of the one before */
    assert_true(play.alarm.score == 0.3f);
}

static void without_cooldown_every_run_is_its_own_event(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 0, 0, 300 * SECOND);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(begin(&play, 0.5f, 1), RW_ALARM_START);
        assert_int_equal(stop(&play), RW_ALARM_END); /* without post at once */
        assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_NONE);
        play.now_us += 400 * MS;
    }
}

static void after_max_it_ends_and_the_next_begins_at_once_where_it_ended(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    begin(&play, 0.5f, 3);
    int64_t start = play.alarm.start_us;
    for (int round = 0; round < 3; round++) {
        play.now_us = start + 60 * SECOND - 100 * MS;
        assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_NONE);
        play.now_us += 100 * MS;
        play.run.last_us = play.now_us;
        assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_END);
        assert_int_equal(play.alarm.end_us, start + 60 * SECOND);
        assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_START);
        assert_true(play.show); /* it needs a picture of its own */
        assert_int_equal(play.alarm.start_us, start + 60 * SECOND); /* nothing between them */
        assert_int_equal(play.alarm.peak_us, play.now_us);
        assert_int_equal(play.alarm.end_us, 0);
        assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_NONE);
        start = play.alarm.start_us;
    }
}

static void an_event_cut_by_max_ends_for_good_when_motion_stops_there(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us = T0 + 60 * SECOND;
    assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_END);
    play.run.last_us = play.now_us;
    assert_int_equal(stop(&play), RW_ALARM_NONE);
    quiet(&play, 2 * SECOND);
    /* the cut one is not reopened, cooldown or not */
    assert_int_equal(begin(&play, 0.5f, 1), RW_ALARM_START);
}

static void motion_in_a_new_zone_is_told_with_the_next_picture(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us += 100 * MS;
    assert_int_equal(better(&play, 0.6f, 4), RW_ALARM_UPDATE);
    assert_true(play.show);
    assert_int_equal(play.alarm.zones, 5);
    play.now_us += 100 * MS;
    assert_int_equal(better(&play, 0.7f, 4), RW_ALARM_NONE); /* that zone was told */
    stop(&play);
    play.now_us += 100 * MS;
    enum rw_alarm_word first = begin(&play, 0.1f, 2); /* within post, elsewhere */
    play.now_us += 100 * MS;
    enum rw_alarm_word second = feed(&play, RW_MOTION_NONE);
    assert_true((first == RW_ALARM_UPDATE) != (second == RW_ALARM_UPDATE)); /* once */
    assert_int_equal(play.alarm.zones, 7);
}

static void zones_stand_in_the_order_in_which_the_event_touched_them(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1u << 7);
    play.now_us += 100 * MS;
    play.run.order_count = 3;
    memcpy(play.run.order, (uint8_t[]){7, 2, 5}, 3);
    assert_int_equal(better(&play, 0.6f, 1u << 2 | 1u << 5), RW_ALARM_UPDATE);
    stop(&play);
    begin(&play, 0.1f, 1u << 0 | 1u << 5); /* the next run touched them the other way around */
    play.run.order_count = 2;
    memcpy(play.run.order, (uint8_t[]){5, 0}, 2);
    play.now_us += 100 * MS;
    assert_int_equal(stop(&play), RW_ALARM_UPDATE);
    assert_int_equal(play.alarm.order_count, 4);
    assert_memory_equal(play.alarm.order, ((uint8_t[]){7, 2, 5, 0}), 4);
    assert_int_equal(play.alarm.zones, 1u << 7 | 1u << 2 | 1u << 5 | 1u << 0);
}

static void the_whole_box_is_around_everything_that_moved_in_all_runs(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1); /* a detector that tells no whole box yet: the box itself */
    assert_memory_equal(&play.alarm.whole, &play.alarm.box, sizeof play.alarm.box);
    play.run.whole = (struct rw_box){0.0625f, 0.25f, 0.5f, 0.5f};
    play.run.box = (struct rw_box){0.25f, 0.25f, 0.25f, 0.25f};
    play.now_us += 100 * MS;
    feed(&play, RW_MOTION_END);
    begin(&play, 0.1f, 1);
    play.run.box = play.run.whole = (struct rw_box){0.5f, 0.125f, 0.25f, 0.25f};
    stop(&play);
    struct rw_box whole = play.alarm.whole;
    assert_true(whole.x == 0.0625f && whole.y == 0.125f);
    assert_float_equal(whole.x + whole.w, 0.75f, 1e-6);
    assert_float_equal(whole.y + whole.h, 0.75f, 1e-6);
}

static void a_crossed_line_is_told_at_once_and_each_way_once(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us += 100 * MS;
    play.run.crossed_left = 4;
    assert_int_equal(feed(&play, RW_MOTION_BETTER), RW_ALARM_UPDATE);
    play.now_us += 100 * MS;
    assert_int_equal(feed(&play, RW_MOTION_BETTER), RW_ALARM_NONE);
    play.run.crossed_right = 4; /* and back */
    assert_int_equal(stop(&play), RW_ALARM_UPDATE);
    begin(&play, 0.1f, 1);
    play.run.crossed_left = 4 | 1;
    assert_int_equal(feed(&play, RW_MOTION_END), RW_ALARM_UPDATE);
    assert_int_equal(play.alarm.crossing_count, 3);
    static const struct rw_alarm_crossing expected[] = {{2, false}, {2, true}, {0, false}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(play.alarm.crossings[i].line, expected[i].line);
        assert_int_equal(play.alarm.crossings[i].right, expected[i].right);
    }
}

static void what_was_crossed_before_the_cut_is_not_counted_again_after_it(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    begin(&play, 0.5f, 1);
    play.run.crossed_left = 1;
    feed(&play, RW_MOTION_BETTER);
    assert_int_equal(wait(&play, 61 * SECOND), RW_ALARM_END);
    assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_START);
    assert_int_equal(play.alarm.crossing_count, 0);
    play.run.crossed_right = 1;
    assert_int_equal(feed(&play, RW_MOTION_BETTER), RW_ALARM_UPDATE);
    assert_int_equal(play.alarm.crossing_count, 1);
    assert_true(play.alarm.crossings[0].right);
    stop(&play);
    begin(&play, 0.2f, 1); /* another run crosses the line anew */
    play.run.crossed_left = 1;
    assert_int_equal(feed(&play, RW_MOTION_BETTER), RW_ALARM_UPDATE);
    assert_int_equal(play.alarm.crossing_count, 2);
}

static void all_zones_and_lines_at_once_have_room(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, UINT32_MAX);
    play.run.crossed_left = play.run.crossed_right = 0xff;
    play.run.order_count = 200;
    play.run.path_count = 200;
    memset(play.run.order, 0xee, sizeof play.run.order);
    play.now_us += 100 * MS;
    assert_int_equal(better(&play, 0.6f, UINT32_MAX), RW_ALARM_UPDATE);
    assert_int_equal(play.alarm.order_count, RW_REGIONS_MAX);
    assert_int_equal(play.alarm.crossing_count, 2 * RW_LINES_MAX);
    assert_int_equal(play.alarm.path_count, RW_PATH_MAX);
    assert_int_equal(stop(&play), RW_ALARM_NONE);
}

static void a_camera_that_stays_covered_is_one_event_however_long(void **state)
{
    (void)state;
    static const enum rw_motion_kind kinds[] = {RW_KIND_COVERED, RW_KIND_CAMERA_MOVED};
    for (int i = 0; i < 2; i++) {
        struct play play;
        play_kind(&play, kinds[i], 5 * SECOND, 10 * SECOND, 60 * SECOND);
        assert_int_equal(begin(&play, 0.9f, 0), RW_ALARM_START);
        assert_int_equal(wait(&play, 61 * SECOND), RW_ALARM_END);
        assert_int_equal(play.alarm.end_us - play.alarm.start_us, 60 * SECOND);
        assert_true(rw_alarm_lasting(&play.alarm));
        quiet(&play, 3600 * SECOND);
        play.run.last_us = play.now_us;
        assert_int_equal(stop(&play), RW_ALARM_NONE);
        quiet(&play, 8 * SECOND);
        /* somebody lets go of the cover for a moment */
        assert_int_equal(begin(&play, 0.9f, 0), RW_ALARM_NONE);
        assert_false(play.show);
        quiet(&play, 1800 * SECOND);
        play.run.last_us = play.now_us;
        assert_int_equal(stop(&play), RW_ALARM_NONE);
        quiet(&play, 11 * SECOND);
        assert_int_equal(begin(&play, 0.9f, 0), RW_ALARM_START); /* covered another time */
        assert_false(rw_alarm_lasting(&play.alarm));
    }
}

static void a_cover_that_is_taken_off_within_max_ends_its_event(void **state)
{
    (void)state;
    struct play play;
    play_kind(&play, RW_KIND_COVERED, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    begin(&play, 0.9f, 0);
    quiet(&play, 20 * SECOND);
    play.run.last_us = play.now_us;
    int64_t last = play.now_us;
    stop(&play);
    assert_int_equal(wait(&play, 6 * SECOND), RW_ALARM_END);
    assert_int_equal(play.alarm.end_us, last);
    assert_false(rw_alarm_lasting(&play.alarm));
    play.now_us = last + 9 * SECOND;
    assert_int_equal(begin(&play, 0.9f, 0), RW_ALARM_UPDATE); /* the same hand */
}

static void a_flapping_cover_is_told_once_also_beyond_max(void **state)
{
    (void)state;
    struct play play;
    play_kind(&play, RW_KIND_COVERED, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    int starts = 0;
    for (int i = 0; i < 100; i++) {
        starts += begin(&play, 0.9f, 0) == RW_ALARM_START;
        for (int k = 0; k < 70; k++) {
            play.now_us += 100 * MS;
            starts += feed(&play, RW_MOTION_NONE) == RW_ALARM_START;
        }
        play.run.last_us = play.now_us;
        stop(&play);
        for (int k = 0; k < 80; k++) {
            play.now_us += 100 * MS;
            starts += feed(&play, RW_MOTION_NONE) == RW_ALARM_START;
        }
    }
    assert_int_equal(starts, 1);
}

static void nothing_begins_without_a_picture_to_show(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 60 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us = T0 + 60 * SECOND;
    assert_int_equal(rw_alarm_feed(&play.alarm, RW_MOTION_NONE, NULL, play.now_us, NULL),
                     RW_ALARM_END);
    play.now_us += SECOND;
    assert_int_equal(rw_alarm_feed(&play.alarm, RW_MOTION_NONE, NULL, play.now_us, NULL),
                     RW_ALARM_NONE);
    play.now_us += SECOND;
    assert_int_equal(feed(&play, RW_MOTION_NONE), RW_ALARM_START);
    assert_true(play.show);
    assert_int_equal(play.alarm.peak_us, play.now_us);
    assert_int_equal(play.alarm.start_us, T0 + 60 * SECOND);
}

static void what_was_closed_is_not_opened_again(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND, 60 * SECOND);
    begin(&play, 0.5f, 1);
    stop(&play);
    assert_int_equal(wait(&play, 3 * SECOND), RW_ALARM_END);
    assert_int_equal(rw_alarm_close(&play.alarm, play.now_us), RW_ALARM_NONE);
    play.now_us -= 3600 * SECOND; /* the clock was set back */
    assert_int_equal(begin(&play, 0.5f, 1), RW_ALARM_START);
}

static void a_better_picture_is_told_each_five_seconds_at_most(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.01f, 1);
    int64_t told[10];
    int count = 0;
    for (int i = 0; i < 200; i++) { /* 20 s of ever better pictures */
        play.now_us += 100 * MS;
        if (better(&play, 0.01f + (float)i / 300, 0) == RW_ALARM_UPDATE)
            told[count++] = play.now_us;
        assert_true(play.show);
        assert_in_range(count, 0, 5);
    }
    assert_int_equal(count, 4);
    assert_int_equal(told[0], T0 + 5 * SECOND);
    for (int i = 1; i < count; i++)
        assert_int_equal(told[i] - told[i - 1], 5 * SECOND);
    quiet(&play, 30 * SECOND); /* the last was told and none is better */
}

static void a_better_picture_soon_after_another_is_told_when_its_time_comes(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us += SECOND;
    assert_int_equal(better(&play, 0.6f, 0), RW_ALARM_NONE);
    quiet(&play, 3900 * MS);
    assert_int_equal(wait(&play, SECOND), RW_ALARM_UPDATE);
    assert_int_equal(play.now_us, T0 + 5 * SECOND);
    assert_true(play.alarm.score == 0.6f);
    assert_int_equal(play.alarm.peak_us, T0 + SECOND);
}

static void the_end_of_the_process_ends_the_event(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    play.now_us += 3 * SECOND;
    assert_int_equal(rw_alarm_close(&play.alarm, play.now_us), RW_ALARM_END);
    assert_int_equal(play.alarm.end_us, T0 + 3 * SECOND); /* it moved until now */
    assert_int_equal(rw_alarm_close(&play.alarm, play.now_us), RW_ALARM_NONE);
    play_init(&play, 5 * SECOND, 10 * SECOND, 300 * SECOND);
    begin(&play, 0.5f, 1);
    stop(&play);
    play.now_us += 3 * SECOND;
    assert_int_equal(rw_alarm_close(&play.alarm, play.now_us), RW_ALARM_END);
    assert_int_equal(play.alarm.end_us, T0); /* it had stopped */
}

static void a_clock_that_is_set_back_does_not_keep_an_event_open(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 0, 60 * SECOND);
    begin(&play, 0.5f, 1);
    stop(&play);
    play.now_us -= 3600 * SECOND;
    assert_int_equal(wait(&play, 6 * SECOND), RW_ALARM_END);
    assert_true(play.alarm.end_us >= play.alarm.start_us);
    begin(&play, 0.5f, 1); /* and one that goes on is cut by its length */
    play.now_us -= 3600 * SECOND;
    assert_int_equal(wait(&play, 61 * SECOND), RW_ALARM_END);
}

/* Random runs: starts and ends alternate, no event lasts longer than max and one picture, none ends
 * before it starts, and an event is only reopened when cooldown allows it. */
static void whatever_moves_starts_and_ends_alternate_within_max(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 40; round++) {
        struct play play;
        int64_t cooldown = round % 2 ? 3 * SECOND : 0;
        play_init(&play, round % 3 * SECOND, cooldown, 20 * SECOND);
        bool moving = false, open = false;
        for (int i = 0; i < 5000; i++) {
            play.now_us += 100 * MS;
            seed = seed * 1664525u + 1013904223u;
            bool flip = (seed >> 16) % (moving ? 60 : 40) == 0;
            enum rw_alarm_word word;
            if (flip && !moving)
                word = begin(&play, (float)(seed >> 24) / 256, 1u << (seed >> 20 & 3));
            else if (flip)
                word = stop(&play);
            else
                word = feed(&play, RW_MOTION_NONE);
            moving ^= flip;
            if (word == RW_ALARM_START) {
                assert_false(open);
                open = true;
            } else if (word == RW_ALARM_UPDATE && !open) {
                assert_true(cooldown > 0);
                open = true;
            } else if (word == RW_ALARM_END) {
                assert_true(open);
                open = false;
                assert_true(play.alarm.end_us >= play.alarm.start_us);
                assert_true(play.alarm.end_us <= play.now_us);
            }
            assert_int_equal(open, play.alarm.open);
            if (open && !cooldown)
                assert_true(play.now_us - play.alarm.start_us <= 20 * SECOND);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_moves_and_nothing_is_told),
        cmocka_unit_test(an_event_begins_at_once_with_its_first_motion_and_best_picture),
        cmocka_unit_test(it_ends_when_nothing_moved_for_post_and_says_when_it_last_did),
        cmocka_unit_test(motion_within_post_goes_on_silently),
        cmocka_unit_test(a_better_picture_in_a_later_run_is_shown),
        cmocka_unit_test(box_and_path_are_those_of_the_picture_that_is_shown),
        cmocka_unit_test(news_without_a_better_picture_keep_the_one_that_is_shown),
        cmocka_unit_test(motion_within_cooldown_is_the_same_event_as_an_update),
        cmocka_unit_test(motion_after_cooldown_is_another_event),
        cmocka_unit_test(without_cooldown_every_run_is_its_own_event),
        cmocka_unit_test(after_max_it_ends_and_the_next_begins_at_once_where_it_ended),
        cmocka_unit_test(an_event_cut_by_max_ends_for_good_when_motion_stops_there),
        cmocka_unit_test(motion_in_a_new_zone_is_told_with_the_next_picture),
        cmocka_unit_test(zones_stand_in_the_order_in_which_the_event_touched_them),
        cmocka_unit_test(the_whole_box_is_around_everything_that_moved_in_all_runs),
        cmocka_unit_test(a_crossed_line_is_told_at_once_and_each_way_once),
        cmocka_unit_test(what_was_crossed_before_the_cut_is_not_counted_again_after_it),
        cmocka_unit_test(all_zones_and_lines_at_once_have_room),
        cmocka_unit_test(a_camera_that_stays_covered_is_one_event_however_long),
        cmocka_unit_test(a_cover_that_is_taken_off_within_max_ends_its_event),
        cmocka_unit_test(a_flapping_cover_is_told_once_also_beyond_max),
        cmocka_unit_test(nothing_begins_without_a_picture_to_show),
        cmocka_unit_test(what_was_closed_is_not_opened_again),
        cmocka_unit_test(a_better_picture_is_told_each_five_seconds_at_most),
        cmocka_unit_test(a_better_picture_soon_after_another_is_told_when_its_time_comes),
        cmocka_unit_test(the_end_of_the_process_ends_the_event),
        cmocka_unit_test(a_clock_that_is_set_back_does_not_keep_an_event_open),
        cmocka_unit_test(whatever_moves_starts_and_ends_alternate_within_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
