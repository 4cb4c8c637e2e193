#include "store/store.h"

#include <string.h>

#include "store/parts.h"

#define FRAGMENT_MAX_US INT64_C(60000000)

static void add_gap(struct rw_record *record, enum rw_cause cause, int64_t length_us)
{
    if (length_us <= 0)
        return;
    if (record->gap_count == RW_GAPS_MAX)
        record->gaps[RW_GAPS_MAX - 1].length_us += length_us;
    else
        record->gaps[record->gap_count++] = (struct rw_gap_part){cause, length_us};
}

/* Why the time between the newest fragment's end and this one's start is missing. */
static void explain_hole(const struct rw_store *store, int stream, const struct rw_fragment_in *in,
                         struct rw_record *record)
{
    const struct rw_ring *ring = &store->ring[stream];
    int64_t hole = in->start_us - ring->newest_us;
    if (!ring->newest_us || hole <= RW_GAP_TOLERANCE_US)
        return;
    if (in->step_us > 0) {
        int64_t step = in->step_us < hole ? in->step_us : hole;
        add_gap(record, RW_CAUSE_CLOCK, step);
        hole -= step;
    }
    int64_t down = store->opened_us - ring->newest_us;
    if (!store->resumed[stream] && down > 0) {
        down = down < hole ? down : hole;
        add_gap(record, store->down_cause[stream], down);
        hole -= down;
    }
    add_gap(record, in->cause == RW_CAUSE_NONE ? RW_CAUSE_CAMERA_LOST : in->cause, hole);
}

static bool sync_due(const struct rw_store *store, const struct rw_ring *ring,
                     const struct rw_fragment_in *in)
{
    /* Waiting for the next fragment would make the oldest unsynced picture this old. */
    int64_t age = in->boot_us + 2 * in->duration_us - ring->unsynced_since_us;
    return age >= store->sync_us || age < 0 || rw_ring_unsynced_full(ring);
}

static int check_fragment(const struct rw_store *store, enum rw_stream stream,
                          const struct rw_fragment_in *in, struct rw_err *err)
{
    if (in->duration_us < 0 || in->duration_us > FRAGMENT_MAX_US || in->start_us <= 0)
        return rw_fail(err, RW_EINVAL, "a fragment of %lld us makes no sense",
                       (long long)in->duration_us);
    if (in->size > rw_store_room(store, stream))
        return rw_fail(err, RW_EFULL, "the %s slot is full", rw_stream_name(stream));
    return 0;
}

int rw_store_append(struct rw_store *store, enum rw_stream stream, const struct rw_fragment_in *in,
                    bool *moved, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    *moved = false;
    if (check_fragment(store, stream, in, err))
        return -1;
    struct rw_clock_state clock = store->clock->state(store->clock->self);
    struct rw_record record = {.kind = RW_RECORD_FRAGMENT,
                               .keyframe = in->keyframe,
                               .clock_trust = clock.trust,
                               .clock_error_us = clock.error_us,
                               .start_us = in->start_us,
                               .boot_us = in->boot_us,
                               .duration_us = (uint32_t)in->duration_us,
                               .length = (uint32_t)in->size,
                               .step_us = in->step_us};
    explain_hole(store, (int)stream, in, &record);
    int failed = rw_ring_write(ring, &record, in->bytes, err);
    if (!failed && sync_due(store, ring, in)) {
        failed = rw_ring_sync(ring, err);
        if (!failed)
            failed = rw_store_absorb(store, (int)stream, err) ? -2 : 0;
    }
    store->resumed[stream] = true;
    if (failed != -1)
        return failed ? -1 : 0;
    *moved = true;
    return rw_store_move_on(store, (int)stream, err);
}

int rw_store_tick(struct rw_store *store, int64_t boot_us, struct rw_err *err)
{
    int failed = 0;
    if (store->index_damaged)
        return rw_fail(err, RW_EFORMAT, "the index of %s is damaged", store->dir);
    if (store->events_wait)
        failed |= rw_store_events_to_ring(store, err);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct rw_ring *ring = &store->ring[stream];
        if (store->has[stream] && ring->unsynced_count &&
            boot_us - ring->unsynced_since_us >= store->sync_us)
            failed |= rw_store_sync(store, stream, err);
    }
    return failed ? -1 : 0;
}

int rw_store_get_event(struct rw_store *store, const char *id, struct rw_event *event,
                       struct rw_err *err)
{
    return rw_index_get_event(store->index, id, event, err);
}

int rw_store_put_word(struct rw_store *store, const char *key, int64_t value, struct rw_err *err)
{
    return rw_index_put_meta(store->index, key, value, err);
}

int64_t rw_store_get_word(struct rw_store *store, const char *key)
{
    return rw_index_get_meta(store->index, key);
}

int rw_store_put_state(struct rw_store *store, const char *state, int64_t since_us,
                       const char *reason, struct rw_err *err)
{
    return rw_index_put_state(store->index, state, since_us, reason, err);
}

int64_t rw_store_newest(const struct rw_store *store, enum rw_stream stream)
{
    return store->ring[stream].newest_us;
}

struct rw_store_counters rw_store_counters(const struct rw_store *store)
{
    struct rw_store_counters sum = {.index_commits = store->index_commits};
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        const struct rw_store_counters *part = &store->ring[stream].counters;
        sum.bytes_written += part->bytes_written;
        sum.payload_bytes += part->payload_bytes;
        sum.writes += part->writes;
        sum.syncs += part->syncs;
        sum.slots_begun += part->slots_begun;
        sum.slots_abandoned += part->slots_abandoned;
    }
    return sum;
}
