#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/states.h"
#include "base/units.h"

enum { SENT_MAX = 64 };

/* The camera, the broker and the clock, played by the test. */
struct world {
    struct rw_status status;
    char sent[SENT_MAX][400]; /* topic, space, payload */
    uint64_t tickets[SENT_MAX];
    int sent_count;
    uint64_t ticket;
    int64_t boot_us;
    struct rw_states *states;
};

static struct rw_camera_config cameras[] = {{.id = (char *)"gate", .name = (char *)""}};
static const struct rw_config config = {.camera_count = 1, .cameras = cameras};
static struct rw_clock world_clock;

static void world_read(void *self, int camera, struct rw_status *out)
{
    (void)camera;
    *out = ((struct world *)self)->status;
}

static uint64_t world_publish(void *self, const struct rw_message *message)
{
    struct world *world = self;
    assert_true(message->retain);
    assert_true(world->sent_count < SENT_MAX);
    snprintf(world->sent[world->sent_count], sizeof world->sent[0], "%s %.*s", message->topic,
             (int)message->size, (const char *)message->payload);
    world->tickets[world->sent_count++] = ++world->ticket;
    return world->ticket;
}

static struct rw_now world_now(void *self)
{
    struct world *world = self;
    return (struct rw_now){.utc_us = INT64_C(1795435200000000) + world->boot_us,
                           .boot_us = world->boot_us};
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->boot_us = 1000 * RW_SECOND_US;
    strcpy(world->status.state, "online");
    world->status.since_us = 1;
    world->status.recording = true;
    world_clock = (struct rw_clock){.self = world, .now = world_now};
    struct rw_sink sink = {world, world_publish};
    world->states = rw_states_create(&config, world_read, world, &sink, &world_clock);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    rw_states_destroy(world->states);
    free(world);
    return 0;
}

static void confirm(struct world *world)
{
    for (int i = 0; i < world->sent_count; i++)
        rw_states_acked(world->states, world->tickets[i]);
    world->sent_count = 0;
}

static void look_later(struct world *world, int64_t seconds)
{
    world->boot_us += seconds * RW_SECOND_US;
    rw_states_look(world->states);
}

static void hear(struct world *world, bool by_hand, const char *disarmed_by)
{
    struct rw_arming arming = {.known = true, .by_hand = by_hand};
    strcpy(arming.disarmed_by, disarmed_by);
    rw_states_arming(world->states, 0, &arming);
}

static void connection_begins_with_online_then_the_cameras(void **state)
{
    struct world *world = *state;
    rw_states_look(world->states);
    assert_int_equal(world->sent_count, 0);
    hear(world, true, "");
    rw_states_connected(world->states);
    assert_int_equal(world->sent_count, 3);
    assert_string_equal(world->sent[0], "status online");
    assert_memory_equal(world->sent[1], "gate/status {", 13);
    assert_string_equal(world->sent[2], "gate/armed ON");
}

static void change_is_told_and_growth_is_not(void **state)
{
    struct world *world = *state;
    rw_states_connected(world->states);
    confirm(world);
    world->status.last_picture_us += RW_SECOND_US;
    world->status.days_kept += 0.1;
    look_later(world, 1);
    assert_int_equal(world->sent_count, 0);
    strcpy(world->status.state, "offline");
    look_later(world, 1);
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"state\":\"offline\""));
}

static void everything_is_told_again_every_minute(void **state)
{
    struct world *world = *state;
    rw_states_connected(world->states);
    confirm(world);
    look_later(world, 59);
    assert_int_equal(world->sent_count, 0);
    look_later(world, 1);
    assert_int_equal(world->sent_count, 2);
    assert_string_equal(world->sent[0], "status online");
}

static void one_status_of_a_camera_is_on_its_way_at_a_time(void **state)
{
    struct world *world = *state;
    rw_states_connected(world->states);
    world->sent_count = 0; /* none confirmed */
    world->status.recording = false;
    look_later(world, 1);
    strcpy(world->status.reason, "new");
    look_later(world, 1);
    assert_int_equal(world->sent_count, 0);
    for (uint64_t ticket = 1; ticket <= world->ticket; ticket++)
        rw_states_acked(world->states, ticket);
    assert_int_equal(world->sent_count, 1); /* at once, not at the next look */
    assert_non_null(strstr(world->sent[0], "\"reason\":\"new\""));
}

static void is_settled_when_the_newest_state_is_confirmed(void **state)
{
    struct world *world = *state;
    assert_true(rw_states_settled(world->states)); /* nobody to tell */
    rw_states_connected(world->states);
    assert_false(rw_states_settled(world->states));
    world->sent_count = 0; /* those are on their way while this happens */
    strcpy(world->status.state, "offline");
    look_later(world, 0);
    for (uint64_t ticket = 1; ticket <= 2; ticket++)
        rw_states_acked(world->states, ticket);
    assert_false(rw_states_settled(world->states));
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"state\":\"offline\""));
    confirm(world);
    assert_true(rw_states_settled(world->states));
    hear(world, true, "");
    assert_false(rw_states_settled(world->states));
    rw_states_lost(world->states);
    assert_true(rw_states_settled(world->states));
}

static void since_unknown_stays_when_it_was_first_seen(void **state)
{
    struct world *world = *state;
    world->status.since_us = 0;
    rw_states_connected(world->states);
    assert_non_null(strstr(world->sent[1], "\"since\":\"2026-11-23T12:16:40.000Z\""));
    confirm(world);
    look_later(world, 5);
    assert_int_equal(world->sent_count, 0);
}

static void armed_is_told_on_change_only(void **state)
{
    struct world *world = *state;
    rw_states_connected(world->states);
    confirm(world);
    hear(world, false, "hand");
    assert_int_equal(world->sent_count, 2);
    assert_non_null(strstr(world->sent[0], "\"armed\":false,\"disarmed_by\":\"hand\""));
    assert_string_equal(world->sent[1], "gate/armed OFF");
    confirm(world);
    hear(world, false, "hand");
    assert_int_equal(world->sent_count, 0);
}

/* The switch is people's: it does not turn by itself. */
static void a_schedule_shows_in_the_status_and_leaves_the_switch_alone(void **state)
{
    struct world *world = *state;
    rw_states_connected(world->states);
    hear(world, true, "");
    confirm(world);
    hear(world, true, "schedule");
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"armed\":false,\"disarmed_by\":\"schedule\""));
    confirm(world);
    hear(world, true, "");
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"armed\":true,\"disarmed_by\":null"));
    confirm(world);
    rw_states_arming(world->states, 0, &(struct rw_arming){.known = false});
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"armed\":null"));
}

static void watch_and_arming_go_out_in_one_message(void **state)
{
    struct world *world = *state;
    struct rw_watch watch = {.known = true, .fps = 10, .smallest = 2, .on = "covered"};
    rw_states_connected(world->states);
    hear(world, true, "");
    confirm(world);
    rw_states_watch(world->states, 0, &watch);
    hear(world, true, "schedule");
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"on\":\"covered\"}"));
    assert_non_null(strstr(world->sent[0], "\"disarmed_by\":\"schedule\""));
}

static void nothing_is_sent_on_a_lost_connection(void **state)
{
    struct world *world = *state;
    rw_states_connected(world->states);
    rw_states_lost(world->states);
    world->sent_count = 0;
    strcpy(world->status.state, "offline");
    hear(world, false, "hand");
    look_later(world, 100);
    assert_int_equal(world->sent_count, 0);
    rw_states_connected(world->states);
    assert_int_equal(world->sent_count, 3);
}

static void a_camera_that_sees_nothing_is_told_at_once_and_weather_with_the_next(void **state)
{
    struct world *world = *state;
    struct rw_watch watch = {.known = true, .fps = 10, .smallest = 2};
    rw_states_connected(world->states);
    assert_non_null(strstr(world->sent[1], "\"watch\":null"));
    confirm(world);
    rw_states_watch(world->states, 0, &watch);
    look_later(world, 1);
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"watch\":{\"fps\":10.0,"));
    confirm(world);
    watch = (struct rw_watch){.known = true, .fps = 9, .weather = 7, .smallest = 5, .raised = true};
    strcpy(watch.on, "motion");
    rw_states_watch(world->states, 0, &watch);
    look_later(world, 1);
    assert_int_equal(world->sent_count, 0);
    strcpy(watch.on, "covered");
    rw_states_watch(world->states, 0, &watch);
    look_later(world, 1);
    assert_int_equal(world->sent_count, 1);
    assert_non_null(strstr(world->sent[0], "\"smallest\":5,\"raised\":true,\"on\":\"covered\""));
    confirm(world);
    watch.on[0] = 0;
    rw_states_watch(world->states, 0, &watch);
    look_later(world, 1);
    assert_int_equal(world->sent_count, 1); /* and that it sees again */
}

static void a_camera_that_is_away_is_not_watched(void **state)
{
    struct world *world = *state;
    struct rw_watch watch = {.known = true, .fps = 10, .smallest = 2};
    rw_states_watch(world->states, 0, &watch);
    rw_states_connected(world->states);
    confirm(world);
    strcpy(world->status.state, "offline");
    look_later(world, 1);
    assert_non_null(strstr(world->sent[0], "\"watch\":null"));
    confirm(world);
    strcpy(world->status.state, "online");
    look_later(world, 1);
    assert_non_null(strstr(world->sent[0], "\"watch\":null")); /* until it says so again */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connection_begins_with_online_then_the_cameras),
        TEST(change_is_told_and_growth_is_not),
        TEST(everything_is_told_again_every_minute),
        TEST(one_status_of_a_camera_is_on_its_way_at_a_time),
        TEST(is_settled_when_the_newest_state_is_confirmed),
        TEST(since_unknown_stays_when_it_was_first_seen),
        TEST(armed_is_told_on_change_only),
        TEST(a_camera_that_sees_nothing_is_told_at_once_and_weather_with_the_next),
        TEST(a_camera_that_is_away_is_not_watched),
        TEST(a_schedule_shows_in_the_status_and_leaves_the_switch_alone),
        TEST(watch_and_arming_go_out_in_one_message),
        TEST(nothing_is_sent_on_a_lost_connection),
    };
    return cmocka_run_group_tests_name("alerts_states", tests, NULL, NULL);
}
