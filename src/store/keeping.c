/* Events: rows with pictures, and their records in the ring. */
#include "store/parts.h"

#include <stdlib.h>

#include "store/event_json.h"

/* Puts an ended event into the ring; it stays for later where there is no open slot or no room. */
static int event_to_ring(struct rw_store *store, const struct rw_event *event, struct rw_err *err)
{
    enum rw_stream stream = store->has[RW_MAIN] ? RW_MAIN : RW_SUB;
    struct rw_ring *ring = &store->ring[stream];
    struct rw_buf jpeg = {0}, thumbnail = {0}, payload = {0};
    int result = rw_index_pictures(store->index, event->id, &jpeg, &thumbnail, err);
    char *json = rw_event_to_json(event);
    struct rw_pictures pictures = {jpeg.data, (int)jpeg.size, thumbnail.data, (int)thumbnail.size};
    rw_event_pack(json, &pictures, &payload);
    if (!result && (ring->open < 0 || payload.size > rw_ring_room(ring))) {
        store->events_wait = true;
    } else if (!result &&
               !(rw_ring_unsynced_full(ring) && rw_store_sync(store, (int)stream, err))) {
        struct rw_clock_state clock = store->clock->state(store->clock->self);
        struct rw_record record = {.kind = RW_RECORD_EVENT,
                                   .clock_trust = clock.trust,
                                   .clock_error_us = clock.error_us,
                                   .start_us = event->start_us,
                                   .boot_us = rw_now(store->clock).boot_us,
                                   .length = (uint32_t)payload.size};
        result = rw_ring_write(ring, &record, payload.data, err);
        if (result)
            result = rw_store_move_on(store, (int)stream, err);
    }
    free(json);
    rw_buf_finish(&jpeg);
    rw_buf_finish(&thumbnail);
    rw_buf_finish(&payload);
    return result;
}

int rw_store_put_event(struct rw_store *store, struct rw_event *event,
                       const struct rw_pictures *pictures, struct rw_err *err)
{
    if (event->end_us && event->end_us < event->start_us) /* the clock was set back */
        event->end_us = event->start_us;
    if (rw_index_begin(store->index, err))
        return -1;
    event->revision = rw_index_next_revision(store->index, err);
    char *json = rw_event_to_json(event);
    int failed =
        event->revision < 0 || rw_index_put_event(store->index, event, json, pictures, false, err);
    free(json);
    if (rw_index_end(store->index, failed, err))
        return -1;
    store->index_commits++;
    if (event->clock_trust == RW_CLOCK_UNVERIFIED && !event->clock_shift_us &&
        store->time_state[RW_MAIN] == RW_TIME_GOOD)
        store->time_state[RW_MAIN] = RW_TIME_FOUND; /* it began before the clock was good */
    if (event->end_us)
        store->events_wait = true; /* the next tick takes it to the ring */
    return 0;
}

struct collected {
    struct rw_event *events;
    int count, capacity;
};

static int collect_event(void *arg, const struct rw_event *event)
{
    struct collected *list = arg;
    list->events = rw_list_grow(list->events, list->count, &list->capacity, sizeof *list->events);
    list->events[list->count++] = *event;
    return list->count == 64; /* the rest at the next call */
}

int rw_store_events_to_ring(struct rw_store *store, struct rw_err *err)
{
    struct collected list = {0};
    store->events_wait = false;
    int failed =
        rw_index_events(store->index, RW_EVENTS_NOT_IN_RING, 0, 0, collect_event, &list, err);
    for (int i = 0; i < list.count && !failed; i++)
        failed = event_to_ring(store, &list.events[i], err);
    if (failed || list.count == 64)
        store->events_wait = true;
    free(list.events);
    return failed;
}

int rw_store_open_events(struct rw_store *store, void (*fn)(void *arg, struct rw_event *event),
                         void *arg, struct rw_err *err)
{
    struct collected list = {0};
    int failed = rw_index_events(store->index, RW_EVENTS_OPEN, 0, 0, collect_event, &list, err);
    for (int i = 0; i < list.count; i++)
        fn(arg, &list.events[i]);
    free(list.events);
    return failed;
}
