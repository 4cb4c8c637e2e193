/* How the camera is, in one word and one sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "camera/state.h"

#define T0 INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)

struct scene {
    struct rw_board *board;
    struct rw_state state;
    struct rw_now now;
    int64_t started_us;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    scene->board = rw_board_create();
    scene->now = (struct rw_now){T0, 1000 * SECOND};
    scene->started_us = scene->now.boot_us;
    rw_board_use(scene->board, RW_MAIN);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    rw_board_destroy(scene->board);
    free(scene);
    return 0;
}

static void pass(struct scene *scene, int64_t us)
{
    scene->now.utc_us += us;
    scene->now.boot_us += us;
}

static bool update(struct scene *scene)
{
    struct rw_notice notice;
    rw_board_read(scene->board, &notice);
    return rw_state_update(&scene->state, &notice, scene->started_us, scene->now);
}

static void picture(struct scene *scene, enum rw_stream stream)
{
    rw_board_connected(scene->board, stream);
    rw_board_picture(scene->board, stream, scene->now.boot_us, scene->now.utc_us);
}

static void it_connects_and_is_online_with_the_first_picture(void **state)
{
    struct scene *scene = *state;
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "connecting");
    assert_string_equal(scene->state.reason, "");
    assert_int_equal(scene->state.since_us, T0);
    pass(scene, SECOND);
    assert_false(update(scene)); /* nothing new, nothing to tell */
    picture(scene, RW_MAIN);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    assert_int_equal(scene->state.since_us, T0 + SECOND);
    assert_false(update(scene));
}

static void a_connection_without_pictures_is_offline_after_ten_seconds(void **state)
{
    struct scene *scene = *state;
    rw_board_connected(scene->board, RW_MAIN);
    pass(scene, 10 * SECOND - 1);
    update(scene);
    assert_string_equal(scene->state.word, "connecting");
    pass(scene, 1);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "offline");
    assert_string_not_equal(scene->state.reason, "");
}

static void pictures_that_stop_are_offline_after_ten_seconds_whatever_the_connection_says(
    void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    update(scene);
    pass(scene, 10 * SECOND - 1);
    assert_false(update(scene));
    pass(scene, 1);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "offline");
    assert_int_equal(scene->state.since_us, T0 + 10 * SECOND);
    picture(scene, RW_MAIN);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    assert_string_equal(scene->state.reason, "");
}

static void a_lost_connection_is_connecting_then_offline_with_its_reason(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    update(scene);
    rw_board_lost(scene->board, RW_MAIN, "the camera refused the login");
    pass(scene, SECOND);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "connecting");
    assert_string_equal(scene->state.reason, "the camera refused the login");
    pass(scene, 10 * SECOND);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "offline");
    assert_string_equal(scene->state.reason, "the camera refused the login");
    int64_t since = scene->state.since_us;
    rw_board_lost(scene->board, RW_MAIN, "no route to host");
    pass(scene, SECOND);
    assert_true(update(scene)); /* another reason is news, and not another state */
    assert_int_equal(scene->state.since_us, since);
    assert_string_equal(scene->state.reason, "no route to host");
}

static void a_camera_that_refused_at_the_very_start_is_offline_at_once(void **state)
{
    struct scene *scene = *state;
    rw_board_lost(scene->board, RW_MAIN, "connection refused");
    update(scene);
    assert_string_equal(scene->state.word, "offline");
    assert_string_equal(scene->state.reason, "connection refused");
}

static void a_disk_that_refuses_is_told_while_the_camera_is_online(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    update(scene);
    rw_board_disk(scene->board, &(struct rw_err){RW_EIO, "writing a.mp4 failed"});
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    assert_string_equal(scene->state.reason,
                        "writing a.mp4 failed; look at the disk and its cable");
    assert_int_equal(scene->state.since_us, T0);
    rw_board_disk(scene->board, &(struct rw_err){RW_EFOREIGN, "it is another disk"});
    assert_true(update(scene));
    assert_string_equal(scene->state.reason, "it is another disk");
    rw_board_disk(scene->board, NULL);
    assert_true(update(scene));
    assert_string_equal(scene->state.reason, "");
}

static void a_sub_stream_that_is_away_is_named_and_one_that_is_not_used_is_not(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    rw_board_lost(scene->board, RW_SUB, "not found");
    update(scene);
    assert_string_equal(scene->state.reason, "");
    rw_board_use(scene->board, RW_SUB);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    assert_string_equal(scene->state.reason, "sub stream: not found");
    picture(scene, RW_SUB);
    assert_true(update(scene));
    assert_string_equal(scene->state.reason, "");
}

static void a_processor_that_is_not_enough_is_the_least_of_troubles(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    rw_board_watch(scene->board, &(struct rw_watch_notice){.fps = 4, .of = 15, .thinned = true});
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    assert_non_null(strstr(scene->state.reason, "the processor is not enough"));
    rw_board_watch(scene->board, &(struct rw_watch_notice){.fps = 7, .of = 15, .thinned = true});
    assert_false(update(scene)); /* no news */
    rw_board_lost(scene->board, RW_MAIN, "not found");
    assert_true(update(scene));
    assert_string_equal(scene->state.reason, "not found");
    picture(scene, RW_MAIN);
    rw_board_watch(scene->board, &(struct rw_watch_notice){.fps = 15, .of = 15});
    assert_true(update(scene));
    assert_string_equal(scene->state.reason, "");
}

static void the_clock_of_day_may_jump_without_making_the_camera_stale(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    update(scene);
    scene->now.utc_us += 3600 * SECOND;
    assert_false(update(scene));
    scene->now.utc_us -= 7200 * SECOND;
    assert_false(update(scene));
    assert_string_equal(scene->state.word, "online");
}

static void a_long_reason_stays_in_its_bounds(void **state)
{
    struct scene *scene = *state;
    char reason[600];
    memset(reason, 'x', sizeof reason);
    reason[sizeof reason - 1] = 0;
    picture(scene, RW_MAIN);
    rw_board_use(scene->board, RW_SUB);
    rw_board_lost(scene->board, RW_SUB, reason);
    update(scene);
    assert_in_range(strlen(scene->state.reason), 100, sizeof scene->state.reason - 1);
    rw_board_lost(scene->board, RW_MAIN, reason);
    struct rw_err err = {RW_EIO, ""};
    memset(err.text, 'x', sizeof err.text - 1);
    rw_board_disk(scene->board, &err);
    update(scene);
    assert_in_range(strlen(scene->state.reason), 100, sizeof scene->state.reason - 1);
}

static void a_camera_that_talks_in_vain_is_offline_with_what_to_do(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    update(scene);
    rw_board_ail(scene->board, RW_MAIN, RW_AIL_VAIN, true);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "offline");
    assert_string_equal(scene->state.reason, rw_ail_sentence(RW_AIL_VAIN));
    rw_board_lost(scene->board, RW_MAIN, "no picture for 8 s"); /* it is known better why */
    assert_false(update(scene));
    picture(scene, RW_MAIN);
    rw_board_ail(scene->board, RW_MAIN, RW_AIL_VAIN, false);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    assert_string_equal(scene->state.reason, "");
}

static void what_is_recorded_though_it_is_of_no_use_is_online_with_its_reason(void **state)
{
    struct scene *scene = *state;
    char expected[200];
    picture(scene, RW_MAIN);
    rw_board_use(scene->board, RW_SUB);
    picture(scene, RW_SUB);
    update(scene);
    rw_board_ail(scene->board, RW_SUB, RW_AIL_SAME_SEEN, true);
    assert_true(update(scene));
    assert_string_equal(scene->state.word, "online");
    snprintf(expected, sizeof expected, "sub stream: %s", rw_ail_sentence(RW_AIL_SAME_SEEN));
    assert_string_equal(scene->state.reason, expected);
    rw_board_ail(scene->board, RW_SUB, RW_AIL_SAME_CODED, true);
    assert_false(update(scene)); /* the same, seen twice */
    rw_board_ail(scene->board, RW_MAIN, RW_AIL_CLOCK_STILL, true);
    assert_true(update(scene));
    assert_string_equal(scene->state.reason, rw_ail_sentence(RW_AIL_CLOCK_STILL));
    assert_int_equal(scene->state.since_us, T0);
}

static void loss_on_the_way_is_the_last_thing_to_say(void **state)
{
    struct scene *scene = *state;
    picture(scene, RW_MAIN);
    rw_board_use(scene->board, RW_SUB);
    rw_board_ail(scene->board, RW_MAIN, RW_AIL_LOSSY, true);
    update(scene);
    assert_string_equal(scene->state.word, "online");
    assert_string_equal(scene->state.reason, "sub stream: connecting");
    picture(scene, RW_SUB);
    update(scene);
    assert_string_equal(scene->state.reason, rw_ail_sentence(RW_AIL_LOSSY));
    rw_board_ail(scene->board, RW_SUB, RW_AIL_UNDECODABLE, true);
    update(scene);
    assert_memory_equal(scene->state.reason, "sub stream: its pictures", 24);
}

static void recording_means_that_the_newest_picture_is_on_disk(void **state)
{
    struct scene *scene = *state;
    struct rw_notice notice;
    rw_board_read(scene->board, &notice);
    assert_false(rw_state_recording(&notice, T0)); /* never */
    assert_false(rw_state_recording(&notice, 0));
    rw_board_written(scene->board, RW_MAIN, T0);
    rw_board_written(scene->board, RW_SUB, T0 + 100 * SECOND);
    rw_board_read(scene->board, &notice);
    assert_true(rw_state_recording(&notice, T0));
    assert_true(rw_state_recording(&notice, T0 + 5 * SECOND));
    assert_true(rw_state_recording(&notice, T0 - SECOND)); /* held pictures may be a bit ahead */
    assert_false(rw_state_recording(&notice, T0 + 20 * SECOND));
    assert_false(rw_state_recording(&notice, T0 - 20 * SECOND)); /* written before a step back */
}

/* At noon, with a schedule that is for the night. */
static void the_schedule_silences_motion_and_never_tampering(void **state)
{
    (void)state;
    struct rw_schedule_config nightly = {
        .days = 0x7f, .from = {.minutes = 22 * 60}, .to = {.minutes = 5 * 60}};
    struct rw_detect_config detect = {.schedule_count = 1, .schedule = &nightly};
    struct rw_notice notice = {.armed_by_hand = true};
    setenv("TZ", "UTC", 1);
    int64_t noon = INT64_C(1795435200000000), night = noon + 11 * 3600 * SECOND;
    assert_false(rw_state_armed(&notice, &detect, RW_KIND_MOTION, noon));
    assert_false(rw_state_armed(&notice, &detect, RW_KIND_SCENE_CHANGE, noon));
    assert_string_equal(rw_state_disarmed_by(&notice, &detect, RW_KIND_MOTION, noon), "schedule");
    assert_true(rw_state_armed(&notice, &detect, RW_KIND_COVERED, noon));
    assert_null(rw_state_disarmed_by(&notice, &detect, RW_KIND_COVERED, noon));
    assert_true(rw_state_armed(&notice, &detect, RW_KIND_CAMERA_MOVED, noon));
    for (int kind = RW_KIND_MOTION; kind <= RW_KIND_COVERED; kind++)
        assert_true(rw_state_armed(&notice, &detect, (enum rw_motion_kind)kind, night));
}

static void disarming_and_snoozing_by_hand_silence_every_kind(void **state)
{
    (void)state;
    struct rw_detect_config always = {.schedule_count = 0};
    struct rw_notice disarmed = {.armed_by_hand = false};
    struct rw_notice snoozed = {.armed_by_hand = true, .snoozed_until_us = T0 + SECOND};
    for (int kind = RW_KIND_MOTION; kind <= RW_KIND_COVERED; kind++) {
        enum rw_motion_kind of = (enum rw_motion_kind)kind;
        assert_false(rw_state_armed(&disarmed, &always, of, T0));
        assert_string_equal(rw_state_disarmed_by(&disarmed, &always, of, T0), "hand");
        assert_false(rw_state_armed(&snoozed, &always, of, T0));
        assert_string_equal(rw_state_disarmed_by(&snoozed, &always, of, T0), "snooze");
        assert_true(rw_state_armed(&snoozed, &always, of, T0 + SECOND));
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(it_connects_and_is_online_with_the_first_picture),
        CASE(a_connection_without_pictures_is_offline_after_ten_seconds),
        CASE(pictures_that_stop_are_offline_after_ten_seconds_whatever_the_connection_says),
        CASE(a_lost_connection_is_connecting_then_offline_with_its_reason),
        CASE(a_camera_that_refused_at_the_very_start_is_offline_at_once),
        CASE(a_disk_that_refuses_is_told_while_the_camera_is_online),
        CASE(a_sub_stream_that_is_away_is_named_and_one_that_is_not_used_is_not),
        CASE(a_processor_that_is_not_enough_is_the_least_of_troubles),
        CASE(the_clock_of_day_may_jump_without_making_the_camera_stale),
        CASE(a_long_reason_stays_in_its_bounds),
        CASE(the_schedule_silences_motion_and_never_tampering),
        CASE(disarming_and_snoozing_by_hand_silence_every_kind),
        CASE(a_camera_that_talks_in_vain_is_offline_with_what_to_do),
        CASE(what_is_recorded_though_it_is_of_no_use_is_online_with_its_reason),
        CASE(loss_on_the_way_is_the_last_thing_to_say),
        CASE(recording_means_that_the_newest_picture_is_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
