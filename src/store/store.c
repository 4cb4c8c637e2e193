#include "store/store.h"

#include <string.h>

#include "store/parts.h"

#define FRAGMENT_MAX_US INT64_C(60000000)
/* How often the disk is looked at: is it still ours? */
#define LOOK_US INT64_C(3000000)
/* The longest that pictures are gathered for one write. */
#define GATHER_US INT64_C(1000000)
/* How late a fragment may come: it ends with a whole picture, and mail waits to be looked for. */
#define LATE_US INT64_C(400000)
/* How far a picture's stamp may be from the clock that it was taken from. */
#define STAMP_US INT64_C(500000)

static void add_gap(struct rw_record *record, enum rw_cause cause, int64_t length_us)
{
    if (length_us <= 0)
        return;
    if (record->gap_count == RW_GAPS_MAX)
        record->gaps[RW_GAPS_MAX - 1].length_us += length_us;
    else
        record->gaps[record->gap_count++] = (struct rw_gap_part){cause, length_us};
}

/* The box was off, however its clock stood: all that is missing, but what is known by
 * CLOCK_BOOTTIME since it came up. */
static void explain_reboot(const struct rw_store *store, const struct rw_fragment_in *in,
                           struct rw_record *record)
{
    enum rw_cause cause = in->cause == RW_CAUSE_NONE ? RW_CAUSE_CAMERA_LOST : in->cause;
    record->gaps[record->gap_count++] = (struct rw_gap_part){RW_CAUSE_POWER, RW_GAP_OPEN};
    int64_t up = in->boot_us < store->opened_boot_us ? in->boot_us : store->opened_boot_us;
    add_gap(record, RW_CAUSE_RECORDER_OFF, up);
    add_gap(record, cause, in->boot_us - up);
}

/* Why the time between the newest fragment's end and this one's start is missing. What the two
 * clocks tell apart is a step of the clock of day. */
static void explain_hole(const struct rw_store *store, int stream, const struct rw_fragment_in *in,
                         struct rw_record *record)
{
    const struct rw_ring *ring = &store->ring[stream];
    const struct rw_ring_end *newest = &ring->newest;
    enum rw_cause cause = in->cause == RW_CAUSE_NONE ? RW_CAUSE_CAMERA_LOST : in->cause;
    if (!newest->utc_us && ring->born_us) /* all that was there has been deleted */
        record->gaps[record->gap_count++] = (struct rw_gap_part){cause, RW_GAP_OPEN};
    if (!newest->utc_us)
        return;
    if (newest->boot != rw_boot_number(ring->boot_id)) {
        explain_reboot(store, in, record);
        return;
    }
    int64_t hole = in->start_us - newest->utc_us, passed = in->boot_us - newest->boot_us;
    if (hole <= RW_GAP_TOLERANCE_US)
        return;
    int64_t step = hole - passed > RW_GAP_TOLERANCE_US ? hole - passed : 0;
    if (hole - step <= RW_GAP_TOLERANCE_US)
        step = step ? hole : 0;
    int64_t missing = hole - step;
    int64_t off = store->resumed[stream] ? 0 : store->opened_boot_us - newest->boot_us;
    off = off < 0 ? 0 : off < missing ? off : missing;
    add_gap(record, RW_CAUSE_CLOCK, step);
    add_gap(record, RW_CAUSE_RECORDER_OFF, off);
    add_gap(record, cause, missing - off);
}

/* --- the clock --- */

static bool same_clock(int64_t offset, int64_t other)
{
    return offset - other <= STAMP_US && other - offset <= STAMP_US;
}

/* A picture that was stamped before a step of the clock is as good as the clock was then. */
static enum rw_clock_trust trust_of(struct rw_store *store, const struct rw_fragment_in *in,
                                    enum rw_clock_trust trust)
{
    struct rw_now now = rw_now(store->clock);
    int64_t offset = now.utc_us - now.boot_us, stamped = in->start_us - in->boot_us;
    if (!same_clock(offset, store->stepped.to_us)) {
        store->stepped.from_us = store->stepped.to_us;
        store->stepped.from_trust = store->stepped.to_trust;
    }
    store->stepped.to_us = offset;
    store->stepped.to_trust = trust;
    if (same_clock(stamped, offset))
        return trust;
    return same_clock(stamped, store->stepped.from_us) ? store->stepped.from_trust
                                                       : RW_CLOCK_UNVERIFIED;
}

/* The first good time after bad: what was recorded in this boot gets its true time, see
 * rw_index_correct(); here the end of it, so that no hole of years is seen. */
static void follow_clock(struct rw_store *store, int stream, const struct rw_fragment_in *in,
                         enum rw_clock_trust trust)
{
    struct rw_ring *ring = &store->ring[stream];
    struct rw_ring_end *newest = &ring->newest;
    if (trust == RW_CLOCK_UNVERIFIED) {
        store->time_state[stream] = RW_TIME_BAD;
        return;
    }
    if (store->time_state[stream] != RW_TIME_BAD)
        return;
    store->time_state[stream] = RW_TIME_FOUND;
    int64_t offset = in->start_us - in->boot_us;
    int64_t shift = newest->boot_us + offset - newest->utc_us;
    if (newest->utc_us && newest->unverified && newest->boot == rw_boot_number(ring->boot_id) &&
        (shift > RW_GAP_TOLERANCE_US || shift < -RW_GAP_TOLERANCE_US))
        newest->utc_us += shift;
}

/* --- writing --- */

/* A picture may wait for its fragment's end, and the fragment as long for the next sync. */
int64_t rw_store_fragment_us(const struct rw_store *store)
{
    return store->sync_us / 2 < GATHER_US ? store->sync_us / 2 : GATHER_US;
}

static bool sync_due(const struct rw_store *store, const struct rw_ring *ring,
                     const struct rw_fragment_in *in)
{
    /* Waiting for the next fragment could make the oldest unsynced picture this old. */
    int64_t next = in->boot_us + in->duration_us + rw_store_fragment_us(store) + LATE_US;
    int64_t age = next - ring->unsynced_since_us;
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
                               .came_damaged = in->came_damaged,
                               .clock_trust = trust_of(store, in, clock.trust),
                               .clock_error_us = clock.error_us,
                               .start_us = in->start_us,
                               .boot_us = in->boot_us,
                               .duration_us = (uint32_t)in->duration_us,
                               .length = (uint32_t)in->size,
                               .step_us = in->step_us};
    follow_clock(store, (int)stream, in, record.clock_trust);
    explain_hole(store, (int)stream, in, &record);
    store->resumed[stream] = true;
    int failed = rw_ring_write(ring, &record, in->bytes, err);
    bool due = !failed && sync_due(store, ring, in);
    if (due)
        failed = rw_ring_sync(ring, err);
    *moved = failed != 0;
    if (*moved)
        failed = rw_store_move_on(store, (int)stream, err);
    else if (due)
        failed = rw_store_absorb(store, (int)stream, err);
    if (failed && rw_store_waits(store, stream))
        return 1;
    store->index_waits |= failed != 0; /* the fragment is on disk, its row is not */
    return 0;
}

static int look_at_disk(struct rw_store *store, int64_t boot_us, struct rw_err *err)
{
    if (boot_us < store->look_boot_us)
        return 0;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream] && rw_ring_check_disk(&store->ring[stream], err))
            return -1; /* and again at the next tick */
    store->look_boot_us = boot_us + LOOK_US;
    return 0;
}

int rw_store_tick(struct rw_store *store, int64_t boot_us, struct rw_err *err)
{
    int failed = 0;
    struct rw_err own = {0};
    if (!err)
        err = &own;
    if (store->index_damaged)
        return rw_fail(err, RW_EFORMAT, "the index of %s is damaged", store->dir);
    if (look_at_disk(store, boot_us, err))
        return -1;
    if (store->index_waits) {
        failed |= rw_store_flush(store, err);
        store->index_waits = failed;
    }
    if (store->events_wait)
        failed |= rw_store_events_to_ring(store, err);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct rw_ring *ring = &store->ring[stream];
        if (store->has[stream] && ring->unsynced_count &&
            boot_us + RW_STORE_TICK_US - ring->unsynced_since_us > store->sync_us)
            failed |= rw_store_sync(store, stream, err);
    }
    struct rw_now now = {rw_now(store->clock).utc_us, boot_us};
    if (!failed && store->max_age_us)
        failed = rw_store_age(store, now, err);
    return failed ? -1 : 0;
}

bool rw_store_waits(const struct rw_store *store, enum rw_stream stream)
{
    return store->ring[stream].unsynced_count && store->ring[stream].open < 0;
}

int rw_store_mark_damaged(struct rw_store *store, enum rw_stream stream, uint64_t seq, int slot,
                          struct rw_err *err)
{
    return rw_index_put_damaged(store->index, stream, seq, slot, rw_now(store->clock).utc_us, err);
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
    return store->ring[stream].newest.utc_us;
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
