/* Events of the camera itself: when they begin and end, and what names a camera. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "camera/faults.h"
#include "camera/post.h"
#include "sim_clock.h"
#include "sim_disk.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define T0 INT64_C(1790000000000000)

/* --- spells --- */

struct spell {
    struct rw_spell spell;
    struct rw_now now;
    int starts, updates, ends;
};

static void feed(struct spell *s, const char *reason)
{
    enum rw_alarm_word word = rw_spell_feed(&s->spell, reason, s->now);
    s->starts += word == RW_ALARM_START;
    s->updates += word == RW_ALARM_UPDATE;
    s->ends += word == RW_ALARM_END;
    s->now.utc_us += SECOND / 2;
    s->now.boot_us += SECOND / 2;
}

static void pass(struct spell *s, int64_t us, const char *reason)
{
    for (int64_t end_us = s->now.boot_us + us; s->now.boot_us < end_us;)
        feed(s, reason);
}

static void assert_told(const struct spell *s, int starts, int updates, int ends)
{
    assert_int_equal(s->starts, starts);
    assert_int_equal(s->updates, updates);
    assert_int_equal(s->ends, ends);
}

static void a_fault_is_told_at_once_and_over_when_it_was_well_for_a_minute(void **state)
{
    (void)state;
    struct spell s = {.now = {T0, 100 * SECOND}};
    pass(&s, HOUR, NULL);
    assert_told(&s, 0, 0, 0);
    int64_t start_us = s.now.utc_us;
    pass(&s, 5 * SECOND, "x");
    assert_told(&s, 1, 0, 0);
    assert_int_equal(s.spell.start_us, start_us);
    pass(&s, RW_SPELL_COOLDOWN_US - SECOND, NULL);
    assert_told(&s, 1, 0, 0);
    pass(&s, 2 * SECOND, NULL);
    assert_told(&s, 1, 0, 1);
    assert_int_equal(s.spell.end_us, start_us + 5 * SECOND - SECOND / 2);
}

static void a_fault_that_comes_back_every_second_is_one_event_that_lasts(void **state)
{
    (void)state;
    struct spell s = {.now = {T0, 100 * SECOND}};
    for (int i = 0; i < 24 * 3600; i++) {
        feed(&s, "x");
        feed(&s, NULL);
    }
    assert_told(&s, 1, 0, 0);
}

static void whatever_the_rhythm_a_day_has_few_events(void **state)
{
    (void)state;
    for (int minutes = 1; minutes <= 9; minutes++) {
        struct spell s = {.now = {T0, 100 * SECOND}};
        while (s.now.utc_us < T0 + 24 * HOUR) {
            feed(&s, "x");
            pass(&s, minutes * RW_SPELL_COOLDOWN_US + SECOND, NULL);
        }
        assert_in_range(s.starts, 1, 6);
        assert_int_equal(s.updates, 0);
    }
}

static void another_reason_is_news_but_ever_more_seldom(void **state)
{
    (void)state;
    struct spell s = {.now = {T0, 100 * SECOND}};
    pass(&s, 10 * SECOND, "x");
    pass(&s, 10 * SECOND, "y");
    assert_told(&s, 1, 0, 0);
    pass(&s, 50 * SECOND, "y");
    assert_told(&s, 1, 1, 0);
    assert_string_equal(s.spell.told, "y");
    while (s.now.utc_us < T0 + 24 * HOUR) {
        feed(&s, "x");
        feed(&s, "y");
    }
    assert_int_equal(s.starts, 1);
    assert_in_range(s.updates, 2, 40);
}

static void after_a_quiet_day_it_is_as_at_the_first(void **state)
{
    (void)state;
    struct spell s = {.now = {T0, 100 * SECOND}};
    for (int i = 0; i < 5; i++) {
        feed(&s, "x");
        pass(&s, s.spell.cooldown_us + SECOND, NULL);
    }
    assert_told(&s, 5, 0, 5);
    assert_int_equal(s.spell.cooldown_us, 16 * RW_SPELL_COOLDOWN_US);
    pass(&s, 24 * HOUR, NULL);
    feed(&s, "x");
    assert_int_equal(s.spell.cooldown_us, RW_SPELL_COOLDOWN_US);
    assert_int_equal(rw_spell_close(&s.spell), RW_ALARM_END);
    assert_int_equal(rw_spell_close(&s.spell), RW_ALARM_NONE);
}

/* --- with a board, a store and a mailbox --- */

struct world {
    struct sim_clock clock;
    struct rw_camera_config camera;
    struct sim_disk *disk;
    struct rw_board *board;
    struct rw_mailbox *recorder;
    struct rw_store *store;
    struct rw_faults *faults;
    struct rw_event event; /* the newest */
    int events, words;
};

/* The recorder: keeps words, counts events. */
static void record(struct world *world)
{
    struct rw_post *post;
    struct rw_err err;
    while ((post = rw_post_take(world->recorder, 0))) {
        if (post->kind == RW_POST_WORD) {
            world->words++;
            assert_int_equal(rw_store_put_word(world->store, post->text, post->number, &err), 0);
        } else {
            assert_int_equal(post->kind, RW_POST_EVENT);
            assert_int_equal(rw_store_put_event(world->store, post->event, NULL, &err), 0);
            world->event = *post->event;
            world->events++;
        }
        rw_post_destroy(post);
    }
}

static void begin(struct world *world)
{
    struct rw_faults_options options = {&world->camera, world->board, world->recorder,
                                        &world->clock.table};
    world->faults = rw_faults_create(&options, world->store);
    record(world);
}

static void end(struct world *world)
{
    rw_faults_destroy(world->faults);
    record(world);
}

static void wait(struct world *world, int64_t us)
{
    for (int64_t end_us = world->clock.now.boot_us + us; world->clock.now.boot_us < end_us;) {
        sim_clock_pass(&world->clock, SECOND / 2);
        rw_faults_look(world->faults);
        record(world);
    }
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct rw_err err;
    sim_clock_init(&world->clock, T0);
    world->camera = (struct rw_camera_config){.id = (char *)"gate"};
    world->camera.main.url = (char *)"rtsp://10.0.0.11/1";
    world->camera.sub.url = (char *)"rtsp://10.0.0.11/2";
    world->disk = sim_disk_create(1);
    struct rw_store_options options = {.dir = "/gate",
                                       .site = "a",
                                       .camera = "gate",
                                       .slots = {4, 0},
                                       .slot_size = 1 << 20,
                                       .sync_us = 2 * SECOND,
                                       .disk = sim_disk_table(world->disk),
                                       .clock = &world->clock.table};
    world->store = rw_store_open(&options, &err);
    if (!world->store)
        fail_msg("%s", err.text);
    world->board = rw_board_create();
    world->recorder = rw_mailbox_create(1 << 20);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    rw_store_close(world->store);
    rw_mailbox_close(world->recorder);
    rw_mailbox_destroy(world->recorder);
    rw_board_destroy(world->board);
    sim_disk_destroy(world->disk);
    free(world);
    return 0;
}

static void identify(struct world *world, enum rw_stream stream, enum rw_identity what, int who)
{
    uint8_t hash[32];
    memset(hash, who, sizeof hash);
    rw_faults_identify(world->board, stream, what, hash);
}

static void what_no_camera_should_send_is_an_event_with_its_sentence(void **state)
{
    struct world *world = *state;
    struct rw_err err = {RW_EHOSTILE, "its header never ends"};
    begin(world);
    wait(world, 5 * SECOND);
    assert_int_equal(world->events, 0);
    rw_faults_tell(world->board, RW_SUB, &err);
    wait(world, SECOND);
    assert_int_equal(world->events, 1);
    assert_string_equal(world->event.kind, "fault");
    assert_string_equal(world->event.reason, "sub stream: its header never ends");
    assert_int_equal(world->event.phase, RW_PHASE_START);
    assert_true(world->event.armed);
    for (int i = 0; i < 100; i++) {
        rw_faults_tell(world->board, RW_SUB, &err);
        wait(world, SECOND);
    }
    assert_int_equal(world->events, 1);
    wait(world, RW_SPELL_COOLDOWN_US);
    assert_int_equal(world->events, 2);
    assert_int_equal(world->event.phase, RW_PHASE_END);
    struct rw_event kept;
    assert_int_equal(rw_store_get_event(world->store, world->event.id, &kept, NULL), 1);
    assert_string_equal(kept.reason, "sub stream: its header never ends");
    end(world);
    assert_int_equal(world->events, 2);
}

static void an_ail_is_a_fault_while_it_lasts_and_a_missing_keyframe_is_none(void **state)
{
    struct world *world = *state;
    begin(world);
    rw_board_ail(world->board, RW_MAIN, RW_AIL_NO_KEYFRAME, true);
    wait(world, 20 * SECOND);
    assert_int_equal(world->events, 0);
    rw_board_ail(world->board, RW_SUB, RW_AIL_CLOCK_STILL, true);
    wait(world, HOUR);
    assert_int_equal(world->events, 1);
    assert_non_null(strstr(world->event.reason, "sub stream: the clock of its stream"));
    rw_board_ail(world->board, RW_SUB, RW_AIL_CLOCK_STILL, false);
    wait(world, RW_SPELL_COOLDOWN_US + SECOND);
    assert_int_equal(world->event.phase, RW_PHASE_END);
    end(world);
}

static void data_that_are_heard_in_vain_are_an_ail_of_the_stream(void **state)
{
    struct world *world = *state;
    struct rw_notice notice;
    begin(world);
    for (int i = 0; i < 20; i++) {
        rw_heard_add(rw_board_heard(world->board, RW_MAIN), 1000, 0, 1, 0);
        wait(world, SECOND / 2);
    }
    rw_board_read(world->board, &notice);
    assert_int_equal(notice.stream[RW_MAIN].ails, RW_AIL_NO_PICTURES);
    assert_int_equal(world->events, 1);
    rw_board_picture(world->board, RW_MAIN, world->clock.now.boot_us, world->clock.now.utc_us);
    wait(world, SECOND);
    rw_board_read(world->board, &notice);
    assert_int_equal(notice.stream[RW_MAIN].ails, 0);
    end(world);
}

static void what_is_lost_on_the_way_is_told_and_is_no_fault(void **state)
{
    struct world *world = *state;
    struct rw_notice notice;
    begin(world);
    for (int i = 0; i < 40; i++) {
        rw_heard_add(rw_board_heard(world->board, RW_SUB), 1000, 1, 8, 2);
        rw_board_picture(world->board, RW_SUB, world->clock.now.boot_us, world->clock.now.utc_us);
        wait(world, SECOND / 2);
    }
    rw_board_read(world->board, &notice);
    assert_int_equal(notice.stream[RW_SUB].ails, RW_AIL_LOSSY);
    assert_float_equal(notice.stream[RW_SUB].lost_percent, 20, 0.001);
    assert_int_equal(notice.stream[RW_MAIN].ails, 0);
    assert_int_equal(world->events, 0);
    wait(world, 11 * SECOND);
    rw_board_read(world->board, &notice);
    assert_int_equal(notice.stream[RW_SUB].ails, 0);
    assert_float_equal(notice.stream[RW_SUB].lost_percent, 0, 0.001);
    end(world);
}

static void disarmed_by_hand_or_snoozed_it_is_kept_quietly(void **state)
{
    struct world *world = *state;
    struct rw_err err = {RW_EHOSTILE, "x"};
    begin(world);
    rw_board_arm(world->board, false, 0);
    rw_faults_tell(world->board, RW_MAIN, &err);
    wait(world, SECOND);
    assert_false(world->event.armed);
    wait(world, RW_SPELL_COOLDOWN_US + SECOND);
    rw_board_arm(world->board, true, world->clock.now.utc_us + HOUR);
    rw_faults_tell(world->board, RW_MAIN, &err);
    wait(world, SECOND);
    assert_int_equal(world->events, 3);
    assert_false(world->event.armed);
    end(world);
}

static void the_first_sight_of_a_camera_is_remembered_silently(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) { /* and over restarts */
        begin(world);
        identify(world, RW_MAIN, RW_IDENTITY_SETS, 1);
        identify(world, RW_SUB, RW_IDENTITY_CERTIFICATE, 2);
        wait(world, 2 * SECOND);
        end(world);
    }
    assert_int_equal(world->events, 0);
    assert_int_equal(world->words, 4); /* and the urls */
}

static void another_camera_is_one_event_that_names_all_that_is_other(void **state)
{
    struct world *world = *state;
    begin(world);
    identify(world, RW_MAIN, RW_IDENTITY_SETS, 1);
    identify(world, RW_MAIN, RW_IDENTITY_CERTIFICATE, 2);
    identify(world, RW_SUB, RW_IDENTITY_DESCRIPTION, 3);
    wait(world, SECOND);
    end(world);
    begin(world);
    identify(world, RW_MAIN, RW_IDENTITY_CERTIFICATE, 9);
    wait(world, SECOND);
    identify(world, RW_MAIN, RW_IDENTITY_SETS, 9);
    identify(world, RW_SUB, RW_IDENTITY_DESCRIPTION, 9);
    wait(world, HOUR);
    assert_string_equal(world->event.kind, "camera_changed");
    assert_int_equal(world->event.phase, RW_PHASE_END);
    assert_string_equal(world->event.reason,
                        "main stream: another certificate (SHA-256 09090909, was 02020202), other "
                        "parameter sets; sub stream: another description of itself; look whether "
                        "it is still your camera");
    int events = world->events;
    end(world);
    begin(world); /* it is known now */
    identify(world, RW_MAIN, RW_IDENTITY_CERTIFICATE, 9);
    identify(world, RW_MAIN, RW_IDENTITY_SETS, 9);
    wait(world, SECOND);
    end(world);
    assert_int_equal(world->events, events);
    assert_in_range(events, 2, 3);
}

static void a_camera_at_another_url_is_nobodys_surprise(void **state)
{
    struct world *world = *state;
    begin(world);
    identify(world, RW_MAIN, RW_IDENTITY_SETS, 1);
    wait(world, SECOND);
    end(world);
    world->camera.main.url = (char *)"rtsp://10.0.0.12/1";
    begin(world);
    identify(world, RW_MAIN, RW_IDENTITY_SETS, 2);
    wait(world, SECOND);
    end(world);
    assert_int_equal(world->events, 0);
    begin(world);
    identify(world, RW_MAIN, RW_IDENTITY_SETS, 3);
    wait(world, SECOND);
    assert_int_equal(world->events, 1);
    end(world);
}

static void one_that_changes_all_the_time_floods_neither_phone_nor_disk(void **state)
{
    struct world *world = *state;
    begin(world);
    for (int i = 0; i < 7200; i++) {
        identify(world, RW_MAIN, RW_IDENTITY_SETS, 1 + i % 50);
        wait(world, SECOND / 2);
    }
    assert_int_equal(world->events, 1);
    assert_in_range(world->words, 2, 65);
    end(world);
    assert_int_equal(world->event.phase, RW_PHASE_END);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_is_told_at_once_and_over_when_it_was_well_for_a_minute),
        cmocka_unit_test(a_fault_that_comes_back_every_second_is_one_event_that_lasts),
        cmocka_unit_test(whatever_the_rhythm_a_day_has_few_events),
        cmocka_unit_test(another_reason_is_news_but_ever_more_seldom),
        cmocka_unit_test(after_a_quiet_day_it_is_as_at_the_first),
        WORLD(what_no_camera_should_send_is_an_event_with_its_sentence),
        WORLD(an_ail_is_a_fault_while_it_lasts_and_a_missing_keyframe_is_none),
        WORLD(data_that_are_heard_in_vain_are_an_ail_of_the_stream),
        WORLD(what_is_lost_on_the_way_is_told_and_is_no_fault),
        WORLD(disarmed_by_hand_or_snoozed_it_is_kept_quietly),
        WORLD(the_first_sight_of_a_camera_is_remembered_silently),
        WORLD(another_camera_is_one_event_that_names_all_that_is_other),
        WORLD(a_camera_at_another_url_is_nobodys_surprise),
        WORLD(one_that_changes_all_the_time_floods_neither_phone_nor_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
