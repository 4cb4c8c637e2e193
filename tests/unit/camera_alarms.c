/* Happenings of several kinds beside each other, played on a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "camera/alarms.h"
#include "camera/watcher.h"

#define T0 INT64_C(1790000000000000)
#define MS INT64_C(1000)
#define SECOND INT64_C(1000000)

struct play {
    struct rw_alarms alarms;
    struct rw_motion_run run;
    int64_t now_us;
    char heard[1000]; /* "+motion -motion ..." : + start, ~ update, - end */
};

static void play_init(struct play *play, int64_t post_us, int64_t cooldown_us)
{
    struct rw_alert_config config = {
        .post_us = post_us, .cooldown_us = cooldown_us, .max_us = 60 * SECOND};
    *play = (struct play){.now_us = T0};
    rw_alarms_init(&play->alarms, &config);
}

/* As the watcher does: after an end whatever else is due. */
static void feed(struct play *play, enum rw_motion_change change)
{
    struct rw_told told;
    do {
        told = rw_alarms_feed(&play->alarms, change, &play->run, play->now_us, true);
        if (told.word == RW_ALARM_START)
            assert_true(told.show);
        if (told.word != RW_ALARM_NONE) {
            size_t used = strlen(play->heard);
            snprintf(play->heard + used, sizeof play->heard - used, "%s%c%s", used ? " " : "",
                     " +~-"[told.word], rw_kind_name(told.kind));
        }
        change = RW_MOTION_NONE;
    } while (told.word == RW_ALARM_END);
}

static void begin(struct play *play, enum rw_motion_kind kind)
{
    play->run = (struct rw_motion_run){.kind = kind,
                                       .start_us = play->now_us - 300 * MS,
                                       .decided_us = play->now_us,
                                       .last_us = play->now_us,
                                       .peak_us = play->now_us,
                                       .box = {0.25f, 0.25f, 0.5f, 0.5f},
                                       .score = 0.5f};
    feed(play, RW_MOTION_BEGIN);
}

static void stop(struct play *play)
{
    play->run.last_us = play->now_us;
    feed(play, RW_MOTION_END);
}

static void pass(struct play *play, int64_t us)
{
    for (int64_t until = play->now_us + us; play->now_us < until;) {
        play->now_us += 100 * MS;
        feed(play, RW_MOTION_NONE);
    }
}

static void another_kind_ends_motion_that_waits_for_more_and_is_an_event_of_its_own(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 10 * SECOND);
    begin(&play, RW_KIND_MOTION);
    pass(&play, 2 * SECOND);
    int64_t last = play.now_us;
    stop(&play);
    pass(&play, SECOND);
    begin(&play, RW_KIND_SCENE_CHANGE);
    assert_string_equal(play.heard, "+motion -motion +scene_change");
    assert_int_equal(play.alarms.of[RW_KIND_MOTION].end_us, last);
    assert_int_equal(play.alarms.of[RW_KIND_SCENE_CHANGE].start_us, play.now_us - 300 * MS);
}

static void cooldown_holds_for_each_kind_by_itself(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND);
    begin(&play, RW_KIND_MOTION); /* somebody walks */
    stop(&play);
    begin(&play, RW_KIND_SCENE_CHANGE); /* a lorry fills the picture */
    stop(&play);
    begin(&play, RW_KIND_MOTION); /* it is gone, and that one walks on */
    stop(&play);
    pass(&play, 3 * SECOND);
    assert_string_equal(play.heard, "+motion -motion +scene_change -scene_change ~motion -motion");
    begin(&play, RW_KIND_COVERED);
    stop(&play);
    pass(&play, 30 * SECOND);
    strcpy(play.heard, "");
    begin(&play, RW_KIND_MOTION); /* after its cooldown it is another one */
    assert_string_equal(play.heard, "+motion");
}

static void an_event_that_is_due_waits_for_the_end_of_the_other_only(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 5 * SECOND, 0);
    begin(&play, RW_KIND_COVERED);
    stop(&play);
    play.now_us += 100 * MS;
    play.run = (struct rw_motion_run){.kind = RW_KIND_MOTION, .start_us = play.now_us};
    struct rw_told told =
        rw_alarms_feed(&play.alarms, RW_MOTION_BEGIN, &play.run, play.now_us, true);
    assert_int_equal(told.word, RW_ALARM_END);
    assert_int_equal(told.kind, RW_KIND_COVERED);
    assert_false(told.show); /* this picture shows what comes, not what was */
    told = rw_alarms_feed(&play.alarms, RW_MOTION_NONE, NULL, play.now_us, true);
    assert_int_equal(told.word, RW_ALARM_START);
    assert_int_equal(told.kind, RW_KIND_MOTION);
    assert_true(told.show);
    assert_int_equal(play.alarms.of[RW_KIND_MOTION].peak_us, play.now_us);
}

static void a_run_is_of_the_kind_with_which_it_began(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND);
    begin(&play, RW_KIND_MOTION);
    play.run.kind = RW_KIND_SCENE_CHANGE;
    stop(&play);
    pass(&play, 120 * SECOND);
    assert_string_equal(play.heard, "+motion -motion");
}

static void motion_after_a_cover_that_lasted_is_told(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND);
    begin(&play, RW_KIND_COVERED);
    pass(&play, 600 * SECOND);
    stop(&play);
    assert_string_equal(play.heard, "+covered -covered");
    pass(&play, SECOND);
    begin(&play, RW_KIND_MOTION);
    pass(&play, SECOND);
    stop(&play);
    pass(&play, 3 * SECOND);
    assert_string_equal(play.heard, "+covered -covered +motion -motion");
}

static void the_end_of_the_process_ends_what_is_on(void **state)
{
    (void)state;
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND);
    begin(&play, RW_KIND_CAMERA_MOVED);
    struct rw_told told = rw_alarms_close(&play.alarms, play.now_us);
    assert_int_equal(told.word, RW_ALARM_END);
    assert_int_equal(told.kind, RW_KIND_CAMERA_MOVED);
    assert_int_equal(rw_alarms_close(&play.alarms, play.now_us).word, RW_ALARM_NONE);
}

/* Whatever happens, events of all kinds together alternate between start and end, none is cut short
 * without a word, and no kind is open beside another. */
static void whatever_happens_at_most_one_event_is_open(void **state)
{
    (void)state;
    uint32_t seed = 11;
    for (int round = 0; round < 20; round++) {
        struct play play;
        play_init(&play, round % 3 * SECOND, round % 4 * SECOND);
        bool running = false;
        for (int i = 0; i < 3000; i++) {
            play.now_us += 100 * MS;
            play.heard[0] = 0;
            seed = seed * 1664525u + 1013904223u;
            if ((seed >> 16) % 30)
                feed(&play, RW_MOTION_NONE);
            else if (running ^= true)
                begin(&play, (enum rw_motion_kind)(seed >> 24 & 3));
            else
                stop(&play);
            int open = 0;
            for (int kind = 0; kind < RW_KINDS; kind++)
                open += play.alarms.of[kind].open;
            assert_in_range(open, 0, 1);
            assert_false(play.alarms.due);
        }
    }
}

static void an_event_names_zones_and_lines_in_their_order(void **state)
{
    (void)state;
    struct rw_zone_config zones[] = {{.name = (char *)"đường"}, {.name = (char *)"cổng"}};
    struct rw_line_config lines[] = {{.name = (char *)"vạch"}};
    struct rw_detect_config detect = {
        .zone_count = 2, .zones = zones, .line_count = 1, .lines = lines};
    struct play play;
    play_init(&play, 2 * SECOND, 10 * SECOND);
    begin(&play, RW_KIND_MOTION);
    play.now_us += SECOND;
    play.run.whole = (struct rw_box){0.125f, 0.25f, 0.75f, 0.5f};
    play.run.zones = 3 | 1 << 9; /* one that is not in the file any more */
    play.run.order_count = 2;
    memcpy(play.run.order, (uint8_t[]){1, 0}, 2);
    play.run.crossed_right = 1 | 1 << 5;
    play.run.path_count = 2;
    play.run.path[1] = (struct rw_point){0.5f, 0.75f};
    stop(&play);
    struct rw_event event = {.kind = "motion"};
    rw_watcher_fill_event(&detect, &play.alarms.of[RW_KIND_MOTION], &event);
    assert_int_equal(event.zone_count, 2);
    assert_string_equal(event.zones[0], "cổng");
    assert_string_equal(event.zones[1], "đường");
    assert_int_equal(event.crossing_count, 1);
    assert_string_equal(event.crossings[0].line, "vạch");
    assert_true(event.crossings[0].right);
    assert_int_equal(event.path_count, 2);
    assert_true(event.path[1].y == 0.75f);
    assert_true(event.whole.w == 0.75f && event.box.w == 0.5f);
    assert_int_equal(event.peak_us, T0);
    assert_false(event.lasting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_kind_ends_motion_that_waits_for_more_and_is_an_event_of_its_own),
        cmocka_unit_test(cooldown_holds_for_each_kind_by_itself),
        cmocka_unit_test(an_event_that_is_due_waits_for_the_end_of_the_other_only),
        cmocka_unit_test(a_run_is_of_the_kind_with_which_it_began),
        cmocka_unit_test(motion_after_a_cover_that_lasted_is_told),
        cmocka_unit_test(the_end_of_the_process_ends_what_is_on),
        cmocka_unit_test(whatever_happens_at_most_one_event_is_open),
        cmocka_unit_test(an_event_names_zones_and_lines_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
