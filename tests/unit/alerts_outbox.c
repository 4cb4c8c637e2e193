#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/lane.h"
#include "alerts/mqtt.h"
#include "alerts/outbox.h"
#include "base/units.h"

enum { EVENTS_MAX = 64, SENT_MAX = 256, ROWS_MAX = 16 };

/* The store, the broker and the clock, played by the test. */
struct sent {
    char topic[64];
    bool retain, behind; /* behind: over the second connection */
    uint64_t ticket;
    char id[RW_EVENT_ID_SIZE]; /* of events */
    int64_t number;            /* revision of events, count of digests */
    bool pictured;             /* the event has its thumbnail in it */
};

struct shelf {
    struct rw_event events[EVENTS_MAX]; /* in order of revision */
    int count;
    int64_t revision;
};

struct world {
    struct shelf shelves[2];
    char picture[32]; /* of every event; "" : none */
    struct {
        char name[64];
        int64_t value;
    } rows[ROWS_MAX];
    int row_count;
    bool disk_full, unreadable, no_room, filmed, film_later;
    struct sent sent[SENT_MAX];
    int sent_count;
    uint64_t ticket;
    int64_t boot_us;
    struct rw_mqtt mqtt;
    struct rw_outbox *outbox;
};

static struct rw_zone_config zones[] = {{.name = (char *)"yard"}};
static struct rw_camera_config cameras[] = {
    {.id = (char *)"gate",
     .name = (char *)"Cổng làng",
     .alert.clip_us = 10000000,
     .detect = {.zones = zones, .zone_count = 1}},
    {.id = (char *)"yard", .name = (char *)"Sân"},
};
static const struct rw_config config = {
    .site = {.id = (char *)"thon-dung", .name = (char *)"", .vietnamese = true},
    .camera_count = 2,
    .cameras = cameras,
};

static bool thin_line;

static int world_waiting(void *self, int camera, int64_t after, int64_t *count, int64_t *highest)
{
    struct world *world = self;
    *count = *highest = 0;
    if (world->unreadable)
        return -1;
    const struct shelf *shelf = &world->shelves[camera];
    for (int i = 0; i < shelf->count; i++) {
        *count += shelf->events[i].revision > after;
        *highest = shelf->events[i].revision;
    }
    return 0;
}

static int world_events_after(void *self, int camera, int64_t after, int limit,
                              int (*fn)(void *arg, const struct rw_event *event), void *arg)
{
    struct world *world = self;
    if (world->unreadable)
        return -1;
    int given = 0;
    const struct shelf *shelf = &world->shelves[camera];
    for (int i = 0; i < shelf->count; i++) {
        if (shelf->events[i].revision <= after)
            continue;
        if (fn(arg, &shelf->events[i]) || (limit && ++given == limit))
            break;
    }
    return 0;
}

static int world_pictures(void *self, int camera, const char *event_id, struct rw_buf *jpeg,
                          struct rw_buf *thumbnail)
{
    (void)camera, (void)event_id;
    struct world *world = self;
    rw_buf_add(jpeg, world->picture, strlen(world->picture));
    rw_buf_add(thumbnail, world->picture[0] ? world->picture : "T", 1);
    return 0;
}

static int world_clip(void *self, int camera, const struct rw_event *event, struct rw_buf *mp4)
{
    (void)camera, (void)event;
    struct world *world = self;
    rw_buf_add(mp4, "film", world->filmed ? 4 : 0);
    return world->film_later ? -1 : 0;
}

static int64_t *world_row(struct world *world, const char *name)
{
    int i = 0;
    while (i < world->row_count && strcmp(world->rows[i].name, name) != 0)
        i++;
    assert_true(i < ROWS_MAX);
    if (i == world->row_count)
        snprintf(world->rows[world->row_count++].name, sizeof world->rows[0].name, "%s", name);
    return &world->rows[i].value;
}

static int64_t world_cursor(void *self, const char *name)
{
    return *world_row(self, name);
}

static int world_keep(void *self, const struct rw_cursor *rows, int count)
{
    struct world *world = self;
    if (world->disk_full)
        return -1;
    for (int i = 0; i < count; i++)
        *world_row(world, rows[i].name) = rows[i].value;
    return 0;
}

static uint64_t world_publish(void *self, const struct rw_message *message)
{
    struct world *world = self;
    if (world->no_room)
        return 0;
    assert_true(world->sent_count < SENT_MAX);
    struct sent *sent = &world->sent[world->sent_count++];
    *sent = (struct sent){.retain = message->retain, .ticket = ++world->ticket};
    snprintf(sent->topic, sizeof sent->topic, "%s", message->topic);
    bool picture = strstr(message->topic, "snapshot") || strstr(message->topic, "thumbnail") ||
                   strstr(message->topic, "clip");
    json_t *json = picture ? NULL : json_loadb(message->payload, message->size, 0, NULL);
    const char *id = json_string_value(json_object_get(json, "id"));
    snprintf(sent->id, sizeof sent->id, "%s", id ? id : "");
    sent->pictured = json_object_get(json, "thumbnail") != NULL;
    sent->number = json_integer_value(json_object_get(json, id ? "revision" : "events"));
    json_decref(json);
    return sent->ticket;
}

static uint64_t world_publish_behind(void *self, const struct rw_message *message)
{
    struct world *world = self;
    uint64_t ticket = world_publish(self, message);
    if (ticket)
        world->sent[world->sent_count - 1].behind = true;
    return ticket;
}

static bool world_thin(void *self)
{
    (void)self;
    return thin_line;
}

static struct rw_now world_now(void *self)
{
    struct world *world = self;
    return (struct rw_now){.utc_us = INT64_C(1795435200000000) + world->boot_us,
                           .boot_us = world->boot_us};
}

static struct rw_clock world_clock;

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    strcpy(world->picture, "jpeg");
    world->boot_us = 1000 * RW_SECOND_US;
    world_clock = (struct rw_clock){.self = world, .now = world_now};
    *state = world;
    return 0;
}

static void start(struct world *world)
{
    struct rw_outbox_source source = {.self = world,
                                      .waiting = world_waiting,
                                      .events_after = world_events_after,
                                      .pictures = world_pictures,
                                      .clip = world_clip,
                                      .cursor = world_cursor,
                                      .keep = world_keep};
    world->mqtt = (struct rw_mqtt){.config = &config,
                                   .clock = &world_clock,
                                   .sink = {world, world_publish},
                                   .pictures = {world, world_publish_behind}};
    struct rw_courier courier = rw_mqtt_courier(&world->mqtt);
    courier.thin = world_thin;
    rw_outbox_destroy(world->outbox);
    world->outbox = rw_outbox_create(&config, &source, &courier, &world_clock);
}

static void start_connected(struct world *world)
{
    start(world);
    rw_outbox_connected(world->outbox);
    rw_outbox_look(world->outbox);
}

static int end(void **state)
{
    struct world *world = *state;
    rw_outbox_destroy(world->outbox);
    cameras[0].alert.rate = 0;
    thin_line = false;
    free(world);
    return 0;
}

static struct rw_event *add_event_of(struct world *world, int camera, bool armed)
{
    struct shelf *shelf = &world->shelves[camera];
    assert_true(shelf->count < EVENTS_MAX);
    struct rw_event *event = &shelf->events[shelf->count++];
    *event = (struct rw_event){.revision = ++shelf->revision,
                               .start_us = 1 + shelf->revision,
                               .armed = armed,
                               .clock_error_us = -1};
    snprintf(event->id, sizeof event->id, "%c%d", camera ? 'Y' : 'E', shelf->count);
    return event;
}

static struct rw_event *add_event(struct world *world, bool armed)
{
    return add_event_of(world, 0, armed);
}

static void add_events(struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        add_event(world, true);
}

/* The store keeps an event's newest revision only. */
static void change_event(struct world *world, int index, enum rw_phase phase)
{
    struct shelf *shelf = &world->shelves[0];
    struct rw_event changed = shelf->events[index];
    changed.revision = ++shelf->revision;
    changed.phase = phase;
    changed.end_us = phase == RW_PHASE_END ? changed.start_us + 1 : 0;
    memmove(&shelf->events[index], &shelf->events[index + 1],
            (size_t)(shelf->count - index - 1) * sizeof shelf->events[0]);
    shelf->events[shelf->count - 1] = changed;
}

static int64_t cursor(struct world *world)
{
    return *world_row(world, "event/gate");
}

static void ack(struct world *world, int sent)
{
    assert_true(sent < world->sent_count);
    rw_outbox_acked(world->outbox, world->sent[sent].ticket, NULL);
}

static void ack_all(struct world *world)
{
    for (int i = 0; i < world->sent_count; i++)
        ack(world, i);
}

static void assert_sent(const struct world *world, int at, const char *topic, int64_t number)
{
    assert_true(at < world->sent_count);
    assert_string_equal(world->sent[at].topic, topic);
    if (number)
        assert_int_equal(world->sent[at].number, number);
}

static void picture_goes_before_its_event_and_is_retained(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start_connected(world);
    assert_int_equal(world->sent_count, 2);
    assert_sent(world, 0, "gate/snapshot", 0);
    assert_sent(world, 1, "gate/event", 1);
    assert_true(world->sent[0].retain);
    assert_false(world->sent[1].retain);
}

static void cursor_waits_for_both_confirmations(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start_connected(world);
    ack(world, 1);
    assert_int_equal(cursor(world), 0);
    assert_int_equal(rw_outbox_delivered_us(world->outbox), 0);
    ack(world, 0);
    assert_int_equal(cursor(world), 1);
    assert_true(rw_outbox_delivered_us(world->outbox) > 0);
    assert_int_equal(rw_outbox_waiting(world->outbox), 0);
}

static void events_are_on_their_way_together_in_order(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_events(world, RW_LANE_MAX + 2);
    start_connected(world);
    assert_int_equal(world->sent_count, RW_LANE_MAX);
    ack(world, 0);
    ack(world, 1);
    assert_int_equal(world->sent_count, RW_LANE_MAX + 2);
    for (int i = 0; i < world->sent_count; i++)
        assert_sent(world, i, "gate/event", i + 1);
}

static void cursor_moves_over_the_confirmed_part_only(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_events(world, 3);
    start_connected(world);
    world->boot_us += RW_SECOND_US;
    ack(world, 1);
    ack(world, 2);
    assert_int_equal(cursor(world), 0);
    ack(world, 0);
    assert_int_equal(cursor(world), 3);
}

static void rows_of_a_run_are_not_written_for_every_event(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_events(world, 3);
    start_connected(world);
    world->boot_us += RW_SECOND_US;
    ack(world, 0);
    assert_int_equal(cursor(world), 1);
    ack(world, 1);
    assert_int_equal(cursor(world), 1);
    ack(world, 2);
    assert_int_equal(cursor(world), 3);
}

static void same_picture_is_sent_once_on_a_connection(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start_connected(world);
    ack_all(world);
    change_event(world, 0, RW_PHASE_END);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 3);
    assert_sent(world, 2, "gate/event", 2);
    ack(world, 2);

    strcpy(world->picture, "better");
    add_event(world, true);
    rw_outbox_look(world->outbox);
    assert_sent(world, 3, "gate/snapshot", 0);
    assert_sent(world, 4, "gate/event", 3);
}

static void event_without_a_picture_goes_alone_and_leaves_the_last_one(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start_connected(world);
    ack_all(world);
    world->picture[0] = 0;
    add_event(world, true);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 3);
    assert_sent(world, 2, "gate/event", 2);
    ack(world, 2);
    assert_int_equal(cursor(world), 2);
}

static void picture_is_sent_again_on_a_new_connection(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start_connected(world);
    ack_all(world);
    change_event(world, 0, RW_PHASE_END);
    rw_outbox_lost(world->outbox);
    rw_outbox_connected(world->outbox);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 4);
    assert_sent(world, 2, "gate/snapshot", 0);
}

static void nothing_goes_out_without_a_connection(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start(world);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 0);
    assert_int_equal(rw_outbox_waiting(world->outbox), 1);
}

static void what_was_on_its_way_is_sent_again_after_a_loss(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    add_event(world, true);
    start_connected(world);
    rw_outbox_lost(world->outbox);
    ack_all(world); /* late, of the lost connection */
    assert_int_equal(cursor(world), 0);
    rw_outbox_connected(world->outbox);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 6);
    assert_sent(world, 3, "gate/snapshot", 0);
    assert_sent(world, 4, "gate/event", 1);
    assert_sent(world, 5, "gate/event", 2);
}

static void event_that_came_and_went_meanwhile_is_sent_once_as_its_end(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    start_connected(world);
    rw_outbox_lost(world->outbox);
    add_event(world, true);
    add_event(world, true);
    change_event(world, 0, RW_PHASE_END); /* revision 3 */
    rw_outbox_connected(world->outbox);
    rw_outbox_look(world->outbox);
    ack_all(world);
    ack_all(world);
    assert_int_equal(world->sent_count, 2);
    assert_string_equal(world->sent[0].id, "E2");
    assert_string_equal(world->sent[1].id, "E1");
    assert_int_equal(world->sent[1].number, 3);
}

static void change_while_on_its_way_is_sent_after(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_event(world, true);
    start_connected(world);
    change_event(world, 0, RW_PHASE_END);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 2);
    assert_sent(world, 1, "gate/event", 2);
    ack(world, 0);
    assert_int_equal(cursor(world), 1);
}

static void restart_goes_on_from_the_cursor(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    for (int i = 0; i < 3; i++)
        add_event(world, true);
    start_connected(world);
    world->boot_us += RW_SECOND_US;
    ack(world, 0);
    start_connected(world);
    assert_int_equal(world->sent_count, 5);
    assert_sent(world, 3, "gate/event", 2);
}

static void disarmed_events_are_passed_over_and_not_looked_at_again(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_event(world, false);
    add_event(world, false);
    add_event(world, true);
    add_event(world, false);
    start_connected(world);
    assert_int_equal(cursor(world), 2);
    assert_int_equal(world->sent_count, 1);
    ack(world, 0);
    assert_int_equal(world->sent_count, 1);
    assert_int_equal(cursor(world), 4);
}

static void long_backlog_is_preceded_by_one_digest(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_events(world, RW_BACKLOG_MAX + 1);
    add_event(world, false);
    start_connected(world);
    assert_int_equal(world->sent_count, 1);
    assert_sent(world, 0, "gate/digest", RW_BACKLOG_MAX + 1);
    assert_false(world->sent[0].retain);
    for (int i = 0; i < RW_BACKLOG_MAX + 2; i++)
        ack(world, i);
    for (int i = 1; i < RW_BACKLOG_MAX + 2; i++) {
        assert_sent(world, i, "gate/event", i);
        assert_false(world->sent[i].pictured);
    }
    assert_int_equal(cursor(world), RW_BACKLOG_MAX + 2);
}

static int find_sent(const struct world *world, const char *topic)
{
    for (int i = 0; i < world->sent_count; i++)
        if (!strcmp(world->sent[i].topic, topic))
            return i;
    return -1;
}

static void ack_the_rest(struct world *world, int from)
{
    for (int i = from; i < world->sent_count; i++)
        ack(world, i);
}

/* From the first thumbnail on: every event's once in order, with the newest whole picture. */
static void assert_pictures(const struct world *world, int from, int events)
{
    for (int i = 0; i < events; i++) {
        char topic[64];
        snprintf(topic, sizeof topic, "gate/thumbnail/E%d", i + 1);
        assert_sent(world, from + i, topic, 0);
        assert_false(world->sent[from + i].retain);
    }
    assert_sent(world, from + events, "gate/snapshot", 0);
    assert_int_equal(world->sent_count, from + events + 1);
}

static void pictures_of_a_backlog_go_after_the_words_of_all_cameras(void **state)
{
    struct world *world = *state;
    add_events(world, RW_BACKLOG_MAX + 2);
    for (int i = 0; i < RW_BACKLOG_MAX + 2; i++)
        add_event_of(world, 1, true);
    world->shelves[1].events[3].armed = false;
    start_connected(world);
    ack_the_rest(world, 0);
    int first = find_sent(world, "gate/thumbnail/E1");
    int words = 0, digests = 0;
    for (int i = 0; i < first; i++) {
        words += strstr(world->sent[i].topic, "/event") != NULL;
        digests += strstr(world->sent[i].topic, "/digest") != NULL;
    }
    assert_int_equal(words, 2 * RW_BACKLOG_MAX + 3);
    assert_int_equal(digests, 2);
    assert_true(find_sent(world, "yard/thumbnail/Y1") > first);
    assert_int_equal(find_sent(world, "yard/thumbnail/Y4"), -1);
    assert_true(find_sent(world, "yard/snapshot") > find_sent(world, "yard/thumbnail/Y21"));
    assert_true(find_sent(world, "gate/snapshot") > find_sent(world, "gate/thumbnail/E21"));
    assert_int_equal(world->sent_count, first + 2 * RW_BACKLOG_MAX + 3 + 2);
}

static void pictures_that_are_owed_survive_a_restart(void **state)
{
    struct world *world = *state;
    add_events(world, RW_BACKLOG_MAX + 1);
    start_connected(world);
    int words = 0;
    for (int i = 0; words < RW_BACKLOG_MAX + 1; i++) {
        ack(world, i);
        words += !strcmp(world->sent[i].topic, "gate/event");
    }
    int before = world->sent_count;
    start_connected(world);
    ack_the_rest(world, before);
    assert_pictures(world, before, RW_BACKLOG_MAX + 1);
    start_connected(world);
    assert_int_equal(world->sent_count, before + RW_BACKLOG_MAX + 2);
}

static void news_goes_before_the_pictures_of_a_backlog_and_has_its_own(void **state)
{
    struct world *world = *state;
    add_events(world, RW_BACKLOG_MAX + 1);
    start_connected(world);
    int at = 0;
    for (; find_sent(world, "gate/thumbnail/E1") < 0; at++)
        ack(world, at);
    strcpy(world->picture, "newer");
    add_event(world, true);
    int before = world->sent_count;
    rw_outbox_look(world->outbox);
    assert_sent(world, before, "gate/snapshot", 0);
    assert_sent(world, before + 1, "gate/event", RW_BACKLOG_MAX + 2);
    assert_true(world->sent[before + 1].pictured);
    int thumbnails = world->sent_count;
    assert_true(thumbnails - before == 2);
    ack_the_rest(world, at);
    assert_true(find_sent(world, "gate/thumbnail/E21") > before);
    assert_int_equal(find_sent(world, "gate/thumbnail/E22"), -1);
    assert_int_equal(find_sent(world, "gate/snapshot"), before);
}

static void picture_that_is_refused_is_not_owed_any_more(void **state)
{
    struct world *world = *state;
    add_events(world, RW_BACKLOG_MAX + 1);
    start_connected(world);
    int at = 0;
    for (; find_sent(world, "gate/thumbnail/E1") < 0; at++)
        ack(world, at);
    for (; at < world->sent_count; at++)
        rw_outbox_acked(world->outbox, world->sent[at].ticket,
                        strstr(world->sent[at].topic, "thumbnail") ? "Not authorized" : NULL);
    assert_int_equal(*world_row(world, "picture/gate"), RW_BACKLOG_MAX + 1);
    assert_non_null(strstr(rw_outbox_trouble(world->outbox), "small pictures of gate"));
}

static void short_backlog_has_no_digest(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < RW_BACKLOG_MAX; i++)
        add_event(world, true);
    for (int i = 0; i < 10; i++)
        add_event(world, false);
    start_connected(world);
    assert_sent(world, 0, "gate/snapshot", 0);
}

static void busy_hour_while_connected_has_no_digest(void **state)
{
    struct world *world = *state;
    start_connected(world);
    add_events(world, RW_BACKLOG_MAX + 5);
    rw_outbox_look(world->outbox);
    assert_sent(world, 0, "gate/event", 1);
}

static void refused_event_stays_and_is_tried_again_later(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_event(world, true);
    start_connected(world);
    rw_outbox_acked(world->outbox, world->sent[0].ticket, "Not authorized");
    assert_non_null(strstr(rw_outbox_trouble(world->outbox), "Not authorized"));
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 1);
    world->boot_us += 11 * RW_SECOND_US;
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 2);
    assert_int_equal(cursor(world), 0);
    ack(world, 1);
    assert_int_equal(cursor(world), 1);
    assert_string_equal(rw_outbox_trouble(world->outbox), "");
}

static void refused_picture_does_not_hold_up_its_event(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start_connected(world);
    rw_outbox_acked(world->outbox, world->sent[0].ticket, "Packet too large");
    ack(world, 1);
    assert_int_equal(cursor(world), 1);
}

static void picture_that_costs_two_connections_is_left_out(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    start(world);
    for (int i = 0; i < 2; i++) {
        rw_outbox_connected(world->outbox);
        rw_outbox_look(world->outbox);
        assert_sent(world, world->sent_count - 2, "gate/snapshot", 0);
        rw_outbox_lost(world->outbox);
    }
    rw_outbox_connected(world->outbox);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 5);
    assert_sent(world, 4, "gate/event", 1);
}

static void full_disk_does_not_send_an_event_twice(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_event(world, true);
    start_connected(world);
    world->disk_full = true;
    ack(world, 0);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 1);
    assert_int_equal(cursor(world), 0);
    world->disk_full = false;
    rw_outbox_look(world->outbox);
    assert_int_equal(cursor(world), 1);
}

static void events_numbered_anew_are_told_from_the_first(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    *world_row(world, "event/gate") = 500;
    add_event(world, true);
    start_connected(world);
    assert_int_equal(cursor(world), 0);
    assert_sent(world, 0, "gate/event", 1);
}

static void nothing_is_lost_when_the_sink_has_no_room(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    world->no_room = true;
    start_connected(world);
    world->no_room = false;
    rw_outbox_look(world->outbox);
    assert_sent(world, 0, "gate/snapshot", 0);
    assert_sent(world, 1, "gate/event", 1);
}

static void unreadable_camera_is_tried_again(void **state)
{
    struct world *world = *state;
    add_event(world, true);
    world->unreadable = true;
    start_connected(world);
    assert_int_equal(world->sent_count, 0);
    world->unreadable = false;
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 2);
}

/* An event that ended just now. */
static void add_ended(struct world *world)
{
    struct rw_event *event = add_event(world, true);
    event->phase = RW_PHASE_END;
    event->end_us = world_now(world).utc_us;
}

static void film_goes_after_all_words_once(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    world->filmed = true;
    add_event(world, true);
    add_ended(world);
    start_connected(world);
    ack(world, 1);
    assert_int_equal(find_sent(world, "gate/clip/E2"), -1);
    ack(world, 0);
    assert_int_equal(find_sent(world, "gate/clip/E2"), 2);
    assert_false(world->sent[2].retain);
    ack(world, 2);
    change_event(world, 1, RW_PHASE_END); /* somebody goes and looks */
    world->shelves[0].events[1].end_us = world_now(world).utc_us;
    rw_outbox_look(world->outbox);
    ack(world, 3);
    assert_int_equal(world->sent_count, 4);
}

static void film_that_is_not_recorded_yet_is_waited_for(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    world->film_later = world->filmed = true;
    add_ended(world);
    start_connected(world);
    ack(world, 0);
    assert_int_equal(world->sent_count, 1);
    world->film_later = false;
    rw_outbox_look(world->outbox);
    assert_int_equal(find_sent(world, "gate/clip/E1"), 1);
}

static void film_on_its_way_is_sent_again_after_a_restart(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    world->filmed = true;
    start_connected(world);
    add_ended(world);
    add_ended(world);
    rw_outbox_look(world->outbox);
    ack(world, 0);
    ack(world, 1);
    assert_int_equal(find_sent(world, "gate/clip/E1"), 2);
    ack(world, 2);
    assert_int_equal(find_sent(world, "gate/clip/E2"), 3);
    start_connected(world);
    assert_int_equal(world->sent_count, 5);
    assert_sent(world, 4, "gate/clip/E2", 0);
}

static void film_of_long_ago_is_not_sent(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    world->filmed = true;
    add_ended(world);
    world->boot_us += 3700 * RW_SECOND_US;
    start_connected(world);
    ack(world, 0);
    assert_int_equal(world->sent_count, 1);
}

static void event_without_a_film_holds_up_no_other(void **state)
{
    struct world *world = *state;
    world->picture[0] = 0;
    add_ended(world);
    start_connected(world);
    ack(world, 0);
    world->filmed = true;
    add_ended(world);
    rw_outbox_look(world->outbox);
    ack(world, 1);
    assert_int_equal(world->sent_count, 3);
    assert_sent(world, 2, "gate/clip/E2", 0);
}

/* Above this many the camera's alerts go out as a digest. */
static void on_a_thin_line_words_go_ahead_of_the_newest_picture(void **state)
{
    struct world *world = *state;
    thin_line = true;
    add_events(world, 2);
    start_connected(world);
    assert_int_equal(world->sent_count, 2);
    assert_sent(world, 0, "gate/event", 1);
    assert_true(world->sent[0].pictured);
    assert_sent(world, 1, "gate/event", 2);
    ack(world, 0);
    assert_int_equal(world->sent_count, 2);
    ack(world, 1);
    assert_int_equal(cursor(world), 2);
    assert_int_equal(world->sent_count, 3);
    assert_sent(world, 2, "gate/snapshot", 0);
    assert_true(world->sent[2].behind && world->sent[2].retain);
    ack(world, 2);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 3);
}

static void on_a_thin_line_an_update_goes_without_the_same_thumbnail(void **state)
{
    struct world *world = *state;
    thin_line = true;
    add_event(world, true);
    start_connected(world);
    world->no_room = true;
    change_event(world, 0, RW_PHASE_UPDATE);
    rw_outbox_look(world->outbox);
    world->no_room = false;
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 2);
    assert_true(world->sent[0].pictured);
    assert_false(world->sent[1].pictured);
    strcpy(world->picture, "another");
    change_event(world, 0, RW_PHASE_END);
    rw_outbox_look(world->outbox);
    assert_sent(world, 2, "gate/event", 3);
    assert_true(world->sent[2].pictured);
}

static void thumbnail_that_found_no_room_is_not_spared(void **state)
{
    struct world *world = *state;
    thin_line = true;
    world->no_room = true;
    add_event(world, true);
    start_connected(world);
    world->no_room = false;
    rw_outbox_look(world->outbox);
    assert_sent(world, 0, "gate/event", 1);
    assert_true(world->sent[0].pictured);
}

static void what_the_second_connection_lost_is_sent_again(void **state)
{
    struct world *world = *state;
    world->filmed = true;
    add_ended(world);
    start_connected(world);
    int film = world->sent_count;
    for (int i = 0; i < film; i++)
        ack(world, i);
    assert_sent(world, film, "gate/clip/E1", 0);
    assert_true(world->sent[film].behind);
    thin_line = true;
    strcpy(world->picture, "another");
    add_event(world, true);
    rw_outbox_look(world->outbox);
    ack(world, film + 1);
    assert_sent(world, film + 2, "gate/snapshot", 0);
    int count = world->sent_count;
    rw_outbox_pictures_lost(world->outbox);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, count + 2);
    assert_sent(world, count, "gate/snapshot", 0);
    assert_sent(world, count + 1, "gate/clip/E1", 0);
    ack(world, film); /* of a connection that is gone */
    ack(world, count);
    ack(world, count + 1);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, count + 2);
}

static void start_with_rate(struct world *world, int rate)
{
    world->picture[0] = 0;
    cameras[0].alert.rate = rate;
    start_connected(world);
}

/* An alert of now comes, goes out or not, and is confirmed. */
static struct rw_event *happen(struct world *world, const char *kind)
{
    struct rw_event *event = add_event(world, true);
    strcpy(event->kind, kind);
    event->start_us = world_now(world).utc_us;
    int before = world->sent_count;
    rw_outbox_look(world->outbox);
    ack_the_rest(world, before);
    return event;
}

static void too_many_go_out_as_a_digest_at_once_and_then_every_ten_minutes(void **state)
{
    struct world *world = *state;
    start_with_rate(world, 3);
    for (int i = 0; i < 5; i++)
        happen(world, "motion");
    assert_int_equal(world->sent_count, 4);
    assert_sent(world, 2, "gate/event", 3);
    assert_sent(world, 3, "gate/digest", 4); /* the fourth came; all of ten minutes count */
    assert_int_equal(cursor(world), 5);
    for (int i = 0; i < 8; i++) {
        world->boot_us += 70 * RW_SECOND_US;
        happen(world, "motion");
    }
    assert_int_equal(world->sent_count, 4);
    world->boot_us += 39 * RW_SECOND_US;
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 4);
    world->boot_us += 2 * RW_SECOND_US;
    rw_outbox_look(world->outbox);
    assert_sent(world, 4, "gate/digest", 9);
    ack(world, 4);
    world->boot_us += 601 * RW_SECOND_US;
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 5); /* nothing more to tell */
    happen(world, "motion");
    assert_sent(world, 5, "gate/event", 14); /* and the flood is over */
}

static void end_of_what_went_out_gets_through(void **state)
{
    struct world *world = *state;
    start_with_rate(world, 1);
    happen(world, "motion");
    happen(world, "motion");
    assert_int_equal(world->sent_count, 2);
    change_event(world, 1, RW_PHASE_END);
    change_event(world, 0, RW_PHASE_END);
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, 3);
    assert_string_equal(world->sent[2].id, "E1");
}

static void new_kind_and_new_zone_get_through(void **state)
{
    struct world *world = *state;
    start_with_rate(world, 1);
    happen(world, "motion");
    happen(world, "motion");
    happen(world, "covered");
    assert_sent(world, world->sent_count - 1, "gate/event", 3);
    int before = world->sent_count;
    struct rw_event *event = add_event(world, true);
    strcpy(event->kind, "motion");
    strcpy(event->zones[0], "yard");
    event->zone_count = 1;
    rw_outbox_look(world->outbox);
    ack_the_rest(world, before);
    assert_sent(world, before, "gate/event", 4);
    event = add_event(world, true);
    strcpy(event->kind, "motion");
    strcpy(event->zones[0], "yard");
    event->zone_count = 1;
    rw_outbox_look(world->outbox);
    assert_int_equal(world->sent_count, before + 1);
}

static void muted_events_are_told_after_a_restart(void **state)
{
    struct world *world = *state;
    start_with_rate(world, 2);
    for (int i = 0; i < 6; i++)
        happen(world, "motion");
    int before = world->sent_count;
    start_connected(world);
    assert_int_equal(world->sent_count, before + 1);
    assert_sent(world, before, "gate/digest", 3); /* those behind the first digest */
    ack(world, before);
    start_connected(world);
    assert_int_equal(world->sent_count, before + 1);
}

static void refused_digest_is_tried_again(void **state)
{
    struct world *world = *state;
    start_with_rate(world, 1);
    happen(world, "motion");
    strcpy(add_event(world, true)->kind, "motion");
    rw_outbox_look(world->outbox);
    assert_sent(world, 1, "gate/digest", 2);
    rw_outbox_acked(world->outbox, world->sent[1].ticket, "Not authorized");
    world->boot_us += 11 * RW_SECOND_US;
    rw_outbox_look(world->outbox);
    assert_sent(world, 2, "gate/digest", 2);
}

static void backlog_is_told_one_by_one_whatever_the_rate(void **state)
{
    struct world *world = *state;
    cameras[0].alert.rate = 1;
    world->picture[0] = 0;
    add_events(world, RW_BACKLOG_MAX + 1);
    start_connected(world);
    for (int i = 0; i < RW_BACKLOG_MAX + 2; i++)
        ack(world, i);
    assert_sent(world, RW_BACKLOG_MAX + 1, "gate/event", RW_BACKLOG_MAX + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(picture_goes_before_its_event_and_is_retained),
        TEST(cursor_waits_for_both_confirmations),
        TEST(events_are_on_their_way_together_in_order),
        TEST(cursor_moves_over_the_confirmed_part_only),
        TEST(rows_of_a_run_are_not_written_for_every_event),
        TEST(same_picture_is_sent_once_on_a_connection),
        TEST(picture_is_sent_again_on_a_new_connection),
        TEST(event_without_a_picture_goes_alone_and_leaves_the_last_one),
        TEST(nothing_goes_out_without_a_connection),
        TEST(what_was_on_its_way_is_sent_again_after_a_loss),
        TEST(event_that_came_and_went_meanwhile_is_sent_once_as_its_end),
        TEST(change_while_on_its_way_is_sent_after),
        TEST(restart_goes_on_from_the_cursor),
        TEST(disarmed_events_are_passed_over_and_not_looked_at_again),
        TEST(long_backlog_is_preceded_by_one_digest),
        TEST(pictures_of_a_backlog_go_after_the_words_of_all_cameras),
        TEST(pictures_that_are_owed_survive_a_restart),
        TEST(news_goes_before_the_pictures_of_a_backlog_and_has_its_own),
        TEST(picture_that_is_refused_is_not_owed_any_more),
        TEST(short_backlog_has_no_digest),
        TEST(busy_hour_while_connected_has_no_digest),
        TEST(refused_event_stays_and_is_tried_again_later),
        TEST(refused_picture_does_not_hold_up_its_event),
        TEST(picture_that_costs_two_connections_is_left_out),
        TEST(full_disk_does_not_send_an_event_twice),
        TEST(events_numbered_anew_are_told_from_the_first),
        TEST(nothing_is_lost_when_the_sink_has_no_room),
        TEST(unreadable_camera_is_tried_again),
        TEST(film_goes_after_all_words_once),
        TEST(film_that_is_not_recorded_yet_is_waited_for),
        TEST(film_on_its_way_is_sent_again_after_a_restart),
        TEST(film_of_long_ago_is_not_sent),
        TEST(event_without_a_film_holds_up_no_other),
        TEST(on_a_thin_line_words_go_ahead_of_the_newest_picture),
        TEST(on_a_thin_line_an_update_goes_without_the_same_thumbnail),
        TEST(thumbnail_that_found_no_room_is_not_spared),
        TEST(what_the_second_connection_lost_is_sent_again),
        TEST(too_many_go_out_as_a_digest_at_once_and_then_every_ten_minutes),
        TEST(end_of_what_went_out_gets_through),
        TEST(new_kind_and_new_zone_get_through),
        TEST(muted_events_are_told_after_a_restart),
        TEST(refused_digest_is_tried_again),
        TEST(backlog_is_told_one_by_one_whatever_the_rate),
    };
    return cmocka_run_group_tests_name("alerts_outbox", tests, NULL, NULL);
}
