#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/escalation.h"
#include "base/units.h"

enum { EVENTS_MAX = 16, ROWS_MAX = 16 };

/* The store, the courier, the broker and the clock, played by the test. One camera. */
struct world {
    struct rw_event events[EVENTS_MAX]; /* in order of start; revisions as they come */
    int count;
    int64_t revision;
    struct {
        char name[64];
        int64_t value;
    } rows[ROWS_MAX];
    uint64_t ticket, told_ticket, called_ticket;
    int calls;
    char called[RW_NAME_SIZE], about[RW_EVENT_ID_SIZE], text[200];
    int64_t now_us;
    struct rw_outbox *outbox;
    struct rw_escalation *escalation;
};

static struct rw_camera_config cameras[] = {{.id = (char *)"gate", .name = (char *)"Cổng làng"}};
static char *names[] = {(char *)"Hà", (char *)"Dũng"};
static const struct rw_config config = {
    .site = {.id = (char *)"thon-dung", .name = (char *)"", .vietnamese = true},
    .escalation = {.count = 2, .to = names, .after_us = 180 * RW_SECOND_US},
    .camera_count = 1,
    .cameras = cameras,
};
static struct rw_clock world_clock;

static int world_waiting(void *self, int camera, int64_t after, int64_t *count, int64_t *highest)
{
    (void)camera;
    struct world *world = self;
    *count = world->revision > after;
    *highest = world->revision;
    return 0;
}

static int by_revision(const void *a, const void *b)
{
    const struct rw_event *one = a, *other = b;
    return (one->revision > other->revision) - (one->revision < other->revision);
}

static int world_events_after(void *self, int camera, int64_t after, int limit,
                              int (*fn)(void *arg, const struct rw_event *event), void *arg)
{
    (void)camera, (void)limit;
    struct world *world = self;
    struct rw_event sorted[EVENTS_MAX];
    memcpy(sorted, world->events, sizeof sorted);
    qsort(sorted, (size_t)world->count, sizeof sorted[0], by_revision);
    for (int i = 0; i < world->count; i++)
        if (sorted[i].revision > after && fn(arg, &sorted[i]))
            break;
    return 0;
}

static int world_events_between(void *self, int camera, int64_t from_us, int64_t to_us,
                                int (*fn)(void *arg, const struct rw_event *event), void *arg)
{
    (void)camera;
    struct world *world = self;
    for (int i = 0; i < world->count; i++)
        if (world->events[i].start_us >= from_us && world->events[i].start_us < to_us &&
            fn(arg, &world->events[i]))
            break;
    return 0;
}

static int world_pictures(void *self, int camera, const char *event_id, struct rw_buf *jpeg,
                          struct rw_buf *thumbnail)
{
    (void)self, (void)camera, (void)event_id, (void)jpeg, (void)thumbnail;
    return 0;
}

static int64_t *row(struct world *world, const char *name)
{
    int i = 0;
    while (world->rows[i].name[0] && strcmp(world->rows[i].name, name) != 0)
        assert_true(++i < ROWS_MAX);
    snprintf(world->rows[i].name, sizeof world->rows[i].name, "%s", name);
    return &world->rows[i].value;
}

static int64_t world_cursor(void *self, const char *name)
{
    return *row(self, name);
}

static int world_keep(void *self, const struct rw_cursor *rows, int count)
{
    for (int i = 0; i < count; i++)
        *row(self, rows[i].name) = rows[i].value;
    return 0;
}

static uint64_t world_send(void *self, const struct rw_item *item)
{
    (void)item;
    struct world *world = self;
    return world->told_ticket = ++world->ticket;
}

static uint64_t world_publish(void *self, const struct rw_message *message)
{
    struct world *world = self;
    assert_string_equal(message->topic, "escalate");
    assert_false(message->retain);
    json_t *json = json_loadb(message->payload, message->size, 0, NULL);
    snprintf(world->called, sizeof world->called, "%s",
             json_string_value(json_object_get(json, "to")));
    snprintf(world->text, sizeof world->text, "%s",
             json_string_value(json_object_get(json, "text")));
    snprintf(world->about, sizeof world->about, "%s", message->about);
    assert_int_equal(json_integer_value(json_object_get(json, "of")), 2);
    json_decref(json);
    world->calls++;
    return world->called_ticket = ++world->ticket;
}

static struct rw_now world_now(void *self)
{
    int64_t now_us = ((struct world *)self)->now_us;
    return (struct rw_now){.utc_us = now_us, .boot_us = now_us};
}

static void start(struct world *world)
{
    struct rw_outbox_source source = {.self = world,
                                      .waiting = world_waiting,
                                      .events_after = world_events_after,
                                      .events_between = world_events_between,
                                      .pictures = world_pictures,
                                      .cursor = world_cursor,
                                      .keep = world_keep};
    struct rw_courier courier = {
        .self = world, .name = "", .carries = RW_ITEM_EVENT, .send = world_send};
    struct rw_sink sink = {world, world_publish};
    rw_escalation_destroy(world->escalation);
    rw_outbox_destroy(world->outbox);
    world->outbox = rw_outbox_create(&config, &source, &courier, &world_clock);
    world->escalation = rw_escalation_create(&config, &source, world->outbox, &sink, &world_clock);
    rw_outbox_connected(world->outbox);
    rw_escalation_connected(world->escalation, true);
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->now_us = INT64_C(1795435200000000);
    world_clock = (struct rw_clock){.self = world, .now = world_now};
    start(world);
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    rw_escalation_destroy(world->escalation);
    rw_outbox_destroy(world->outbox);
    free(world);
    return 0;
}

/* A second later; whatever goes out is confirmed. */
static void look(struct world *world)
{
    world->now_us += RW_SECOND_US;
    rw_outbox_look(world->outbox);
    if (world->told_ticket)
        rw_outbox_acked(world->outbox, world->told_ticket, NULL);
    world->told_ticket = 0;
    rw_escalation_look(world->escalation);
    rw_escalation_acked(world->escalation, world->called_ticket, NULL);
    world->called_ticket = 0;
}

static struct rw_event *happen(struct world *world)
{
    struct rw_event *event = &world->events[world->count++];
    *event = (struct rw_event){.revision = ++world->revision,
                               .start_us = world->now_us,
                               .kind = "motion",
                               .armed = true,
                               .clock_error_us = -1};
    snprintf(event->id, sizeof event->id, "E%d", world->count);
    look(world);
    return event;
}

static void acknowledge(struct world *world, struct rw_event *event)
{
    strcpy(event->acked_by, "Hà");
    event->revision = ++world->revision;
    look(world);
}

static void pass(struct world *world, int seconds)
{
    for (int i = 0; i < seconds; i++)
        look(world);
}

static void names_are_called_in_turn_until_the_list_ends(void **state)
{
    struct world *world = *state;
    happen(world);
    pass(world, 178);
    assert_int_equal(world->calls, 0);
    pass(world, 3);
    assert_int_equal(world->calls, 1);
    assert_string_equal(world->called, "Hà");
    assert_string_equal(world->about, "E1");
    assert_non_null(
        strstr(world->text, "Nhờ Hà đi xem: Cổng làng: có người hoặc xe chuyển động lúc "));
    pass(world, 181);
    assert_int_equal(world->calls, 2);
    assert_string_equal(world->called, "Dũng");
    pass(world, 4000);
    assert_int_equal(world->calls, 2);
}

static void acknowledgement_stops_it(void **state)
{
    struct world *world = *state;
    struct rw_event *event = happen(world);
    pass(world, 100);
    acknowledge(world, event);
    pass(world, 1000);
    assert_int_equal(world->calls, 0);
}

static void acknowledgement_between_two_names_stops_it(void **state)
{
    struct world *world = *state;
    struct rw_event *event = happen(world);
    pass(world, 181);
    assert_int_equal(world->calls, 1);
    acknowledge(world, event);
    pass(world, 1000);
    assert_int_equal(world->calls, 1);
}

static void what_begins_meanwhile_calls_nobody_else(void **state)
{
    struct world *world = *state;
    happen(world);
    pass(world, 60);
    struct rw_event *second = happen(world);
    pass(world, 60);
    happen(world);
    acknowledge(world, second);
    pass(world, 1000);
    assert_int_equal(world->calls, 0);
}

static void next_alert_after_an_answer_begins_anew(void **state)
{
    struct world *world = *state;
    acknowledge(world, happen(world));
    pass(world, 10);
    happen(world);
    pass(world, 181);
    assert_int_equal(world->calls, 1);
    assert_string_equal(world->called, "Hà");
    assert_string_equal(world->about, "E2");
}

static void restart_goes_on_with_the_next_name(void **state)
{
    struct world *world = *state;
    happen(world);
    pass(world, 181);
    start(world);
    pass(world, 170);
    assert_int_equal(world->calls, 1);
    pass(world, 12);
    assert_int_equal(world->calls, 2);
    assert_string_equal(world->called, "Dũng");
}

static void call_that_was_lost_is_made_again(void **state)
{
    struct world *world = *state;
    happen(world);
    world->now_us += 181 * RW_SECOND_US;
    rw_escalation_look(world->escalation);
    assert_int_equal(world->calls, 1);
    rw_escalation_connected(world->escalation, false);
    rw_escalation_look(world->escalation);
    assert_int_equal(world->calls, 1);
    rw_escalation_connected(world->escalation, true);
    look(world);
    assert_int_equal(world->calls, 2);
    assert_string_equal(world->called, "Hà");
    pass(world, 100);
    assert_int_equal(world->calls, 2);
}

static void refused_call_is_made_again_later(void **state)
{
    struct world *world = *state;
    happen(world);
    world->now_us += 181 * RW_SECOND_US;
    rw_escalation_look(world->escalation);
    rw_escalation_acked(world->escalation, world->called_ticket, "Not authorized");
    world->called_ticket = 0;
    pass(world, 9);
    assert_int_equal(world->calls, 1);
    pass(world, 2);
    assert_int_equal(world->calls, 2);
    assert_string_equal(world->called, "Hà");
}

static void what_was_told_hours_late_calls_nobody(void **state)
{
    struct world *world = *state;
    world->events[world->count++] =
        (struct rw_event){.id = "E1",
                          .revision = ++world->revision,
                          .start_us = world->now_us - 7200 * RW_SECOND_US,
                          .kind = "motion",
                          .armed = true,
                          .clock_error_us = -1};
    pass(world, 400);
    assert_int_equal(world->calls, 0);
}

static void clock_that_is_set_back_does_not_stop_it(void **state)
{
    struct world *world = *state;
    struct rw_event *event = happen(world);
    world->now_us -= 86400 * RW_SECOND_US;
    event->start_us -= 86400 * RW_SECOND_US; /* as the store corrects it */
    *row(world, "chain/gate") -= 86400 * RW_SECOND_US;
    start(world);
    pass(world, 182);
    assert_int_equal(world->calls, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_called_in_turn_until_the_list_ends),
        TEST(acknowledgement_stops_it),
        TEST(acknowledgement_between_two_names_stops_it),
        TEST(what_begins_meanwhile_calls_nobody_else),
        TEST(next_alert_after_an_answer_begins_anew),
        TEST(restart_goes_on_with_the_next_name),
        TEST(call_that_was_lost_is_made_again),
        TEST(refused_call_is_made_again_later),
        TEST(what_was_told_hours_late_calls_nobody),
        TEST(clock_that_is_set_back_does_not_stop_it),
    };
    return cmocka_run_group_tests_name("alerts_escalation", tests, NULL, NULL);
}
