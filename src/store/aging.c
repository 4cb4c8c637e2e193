/* storage.max_age: what is older goes from the index first, then its bytes are overwritten with
 * zeros where they lie. What is still to be zeroed is a row, so a cut forgets none of it.
 *
 * Footage that the ring itself has dropped (the next slot, and what the open one has not reached
 * yet) is older than anything in the index; its turn comes by rw_slot.stale_us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "store/parts.h"
#include "store/rebuild.h"

/* Zeroed in one go, and so often in one call: pictures wait meanwhile. */
#define PIECE (INT64_C(2) << 20)
enum { STEPS_MAX = 6 };
#define STEP_US (60 * RW_SECOND_US)
#define STEADY_US (3600 * RW_SECOND_US)

enum { UNKNOWN_AGE = 1 }; /* of stale bytes found at the start: as old as can be */

/* Footage goes in runs of a hundredth of the age, too early rather than too late. */
static int64_t run_us(const struct rw_store *store)
{
    int64_t run = store->max_age_us / 100;
    return run < 3600 * RW_SECOND_US ? run : 3600 * RW_SECOND_US;
}

/* --- the clock --- */

/* A clock that has just jumped may be a wrong one: an hour passes before anything is deleted by it,
 * unless somebody vouches for it. */
static bool clock_is_steady(struct rw_store *store, struct rw_now now)
{
    struct rw_aging *aging = &store->aging;
    int64_t offset = now.utc_us - now.boot_us;
    if (llabs(offset - aging->offset_us) > STEP_US)
        aging->steady_boot_us = now.boot_us + STEADY_US;
    aging->offset_us = offset;
    return now.boot_us >= aging->steady_boot_us ||
           store->clock->state(store->clock->self).trust == RW_CLOCK_SYNCED;
}

/* --- zeroing --- */

/* The bytes of a free box's header from `at` to the slot's byte `to`. */
static int write_free(const struct rw_ring *ring, int number, int64_t at, int64_t to,
                      struct rw_err *err)
{
    char path[600];
    uint8_t head[8];
    rw_slot_path(ring->dir, number, ring->slot[number].held, path, sizeof path);
    rw_free_box_pack(head, to - at);
    return rw_disk_patch(ring->disk, path, head, sizeof head, at, err);
}

/* As rw_slot_scan(). */
static int measure_init(const struct rw_ring *ring, int number, int64_t *length, struct rw_err *err)
{
    struct rw_scan scan;
    int got = rw_slot_scan(&scan, ring->disk, ring->dir, number, ring->id, err);
    if (got <= 0)
        return got;
    *length = scan.init_length;
    rw_slot_end(&scan);
    return 1;
}

/* One piece of the front of a slot. The free box over all of it comes first: a reader of the file
 * passes over what is half zeroed. */
static int wipe_piece(struct rw_store *store, const struct rw_wipe *wipe, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[wipe->stream];
    struct rw_wipe rest = *wipe;
    int64_t init = 0; /* stays so where a cut has torn it */
    bool there =
        store->has[wipe->stream] && wipe->slot < ring->count && ring->slot[wipe->slot].size;
    if (!there)
        return rw_index_drop_wipe(store->index, wipe, err);
    if (measure_init(ring, wipe->slot, &init, err) < 0)
        return -1;
    if (rest.to > ring->slot[wipe->slot].size)
        rest.to = ring->slot[wipe->slot].size;
    rest.from = rest.to - wipe->from > PIECE ? wipe->from + PIECE : rest.to;
    int64_t zero_from = wipe->from < init + 8 ? init + 8 : wipe->from;
    if (write_free(ring, wipe->slot, init, rest.to, err) ||
        rw_ring_zero(ring, wipe->slot, zero_from, rest.from, err) ||
        rw_index_begin(store->index, err))
        return -1;
    int failed = rw_index_drop_wipe(store->index, wipe, err) ||
                 (rest.from < rest.to && rw_index_put_wipe(store->index, &rest, err));
    return rw_index_end(store->index, failed, err);
}

/* One piece of what a slot holds of a lap before, from its end towards what is of this lap. */
static int wipe_stale(struct rw_store *store, int stream, int number, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    struct rw_slot *slot = &ring->slot[number];
    int64_t low = number == ring->open ? ring->at + 8 : 8;
    int64_t high = slot->stale_end ? slot->stale_end : slot->size;
    int64_t from = high - PIECE > low ? high - PIECE : low;
    if (number != ring->open && !slot->stale_end && write_free(ring, number, 0, slot->size, err))
        return -1;
    if (from < high && rw_ring_zero(ring, number, from, high, err))
        return -1;
    slot->stale_end = from;
    if (from <= low)
        slot->stale_us = slot->stale_end = 0;
    return 0;
}

void rw_store_clean_tail(struct rw_store *store, int stream)
{
    struct rw_err err = {0};
    struct rw_ring *ring = &store->ring[stream];
    struct rw_slot *slot = ring->open < 0 ? NULL : &ring->slot[ring->open];
    if (!store->max_age_us || !slot || !slot->stale_us)
        return;
    if (ring->at + 8 < slot->size && rw_ring_zero(ring, ring->open, ring->at + 8, slot->size, &err))
        rw_log(RW_LOG_ERROR, store->camera,
               "%s; what %s slot %d held before stays in it until it is written again", err.text,
               rw_stream_name(ring->stream), ring->open);
    slot->stale_us = slot->stale_end = 0;
}

/* 1: a piece was zeroed; 0: nothing is stale and too old; -1 failed. */
static int age_stale(struct rw_store *store, int stream, int64_t limit_us, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    for (int number = 0; number < ring->count; number++) {
        struct rw_slot *slot = &ring->slot[number];
        if (slot->size && !slot->held && slot->stale_us && slot->stale_us < limit_us)
            return wipe_stale(store, stream, number, err) ? -1 : 1;
    }
    return 0;
}

void rw_store_note_stale(struct rw_store *store, int stream, int slot)
{
    int64_t start = 0, end;
    struct rw_slot *at = &store->ring[stream].slot[slot];
    if (!store->max_age_us ||
        rw_index_slot_extent(store->index, (enum rw_stream)stream, slot, &start, &end, NULL))
        return;
    if (rw_index_wipe_end(store->index, (enum rw_stream)stream, slot))
        start = UNKNOWN_AGE;
    if (start)
        *at = (struct rw_slot){.size = at->size, .last_seq = at->last_seq, .stale_us = start};
}

/* --- expiring --- */

/* A slot's records that end before cut_us, up to the first that does not. */
struct expiry {
    struct rw_store *store;
    struct rw_err *err;
    int64_t cut_us;
    int64_t from, to; /* bytes */
    uint64_t seq;     /* of the first that stays; 0: none is known yet */
    bool failed;
};

static int find_first_kept(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct expiry *e = arg;
    if (kind == RW_RECORD_EVENT || fragment->start_us + fragment->duration_us <= e->cut_us)
        return 0;
    e->seq = fragment->seq;
    e->to = fragment->offset - RW_RECORD_SIZE;
    return 1;
}

static int cut_row(struct expiry *e, const struct rw_chunk *chunk)
{
    struct rw_index *index = e->store->index;
    struct rw_chunk rest = *chunk;
    rest.entries = (struct rw_buf){0};
    rw_buf_add(&rest.entries, chunk->entries.data, chunk->entries.size);
    int failed = rw_chunk_cut(&rest, e->seq) || rw_index_drop_chunk(index, chunk, e->err) ||
                 (rest.count && rw_index_put_chunk(index, &rest, e->err));
    rw_chunk_finish(&rest);
    return failed;
}

static int expire_chunk(void *arg, const struct rw_chunk *chunk)
{
    struct expiry *e = arg;
    if (e->from < 0)
        e->from = chunk->offset;
    e->to = chunk->offset + chunk->span;
    if (!chunk->end_us || chunk->end_us <= e->cut_us) {
        e->failed = rw_index_drop_chunk(e->store->index, chunk, e->err);
        return e->failed;
    }
    rw_chunk_each(chunk, find_first_kept, e);
    if (!e->seq)
        return 0; /* a damaged row: it goes with its slot */
    e->failed = e->seq > chunk->first_seq ? cut_row(e, chunk) : 0;
    return 1;
}

/* The chunk in memory is written again and again: it must not bring back what went. */
static void cut_chunk_in_memory(struct rw_store *store, int stream, int slot, uint64_t seq)
{
    struct rw_chunk *chunk = &store->chunk[stream];
    if (!chunk->count || chunk->slot != slot)
        return;
    uint64_t next = chunk->first_seq + (uint64_t)chunk->count;
    if (!seq || seq > next)
        seq = next;
    if (seq > chunk->first_seq)
        rw_chunk_cut(chunk, seq);
}

static int expire_rows(struct rw_store *store, int stream, int slot, struct expiry *e,
                       struct rw_err *err)
{
    if (rw_index_chunks(store->index, (enum rw_stream)stream, slot, 0, 0, expire_chunk, e, err) ||
        e->failed)
        return -1;
    if (e->from < 0 || e->to <= e->from)
        return 0;
    const struct rw_ring *ring = &store->ring[stream];
    struct rw_wipe wipe = {(enum rw_stream)stream, slot, e->from, e->to};
    if (!e->seq && slot != ring->open)
        wipe.to = ring->slot[slot].size; /* nothing of it is left */
    store->aged_us[stream] =
        e->cut_us > store->aged_us[stream] ? e->cut_us : store->aged_us[stream];
    return rw_index_put_wipe(store->index, &wipe, err) ||
                   rw_store_measure(store, stream, false, err) ||
                   rw_store_put_ring_row(store, stream, ring->open, err)
               ? -1
               : 0;
}

/* 1: some of it went; 0: the oldest fragment is still young enough; -1 failed. */
static int expire_slot(struct rw_store *store, int stream, int slot, int64_t cut_us,
                       struct rw_err *err)
{
    struct expiry e = {.store = store, .err = err, .cut_us = cut_us, .from = -1};
    if (rw_store_flush(store, err) || rw_index_begin(store->index, err))
        return -1;
    if (rw_index_end(store->index, expire_rows(store, stream, slot, &e, err), err))
        return -1;
    if (e.from < 0 || e.to <= e.from)
        return 0;
    cut_chunk_in_memory(store, stream, slot, e.seq);
    if (!e.seq && slot != store->ring[stream].open)
        store->ring[stream].slot[slot].last_seq = 0;
    return 1;
}

/* Records of events alone have no time of their own: they are as old as the newest footage, which
 * may be deleted by now. */
static int is_due_alone(struct rw_store *store, int stream, int number, int64_t limit_us,
                        struct rw_err *err)
{
    const struct rw_ring *ring = &store->ring[stream];
    int64_t first = rw_index_first_seq(store->index, ring->stream, number, err);
    return first < 0 ? -1 : first > 0 && ring->newest.utc_us < limit_us;
}

/* The clock has just become good, and what this boot recorded before gets its true time with the
 * first picture that is synced. Until then it only looks decades old. */
static int waits_for_its_time(struct rw_store *store, int stream, int number, struct rw_err *err)
{
    if (store->time_state[stream] == RW_TIME_GOOD ||
        store->clock->state(store->clock->self).trust == RW_CLOCK_UNVERIFIED)
        return 0;
    return rw_index_untimed(store->index, (enum rw_stream)stream, number,
                            rw_boot_number(store->ring[stream].boot_id), err);
}

/* 1: its footage is too old. */
static int is_due(struct rw_store *store, int stream, int number, int64_t limit_us,
                  struct rw_err *err)
{
    int64_t start, end;
    int waits = waits_for_its_time(store, stream, number, err);
    if (waits)
        return waits < 0 ? -1 : 0;
    if (rw_index_slot_extent(store->index, (enum rw_stream)stream, number, &start, &end, err))
        return -1;
    return start ? start < limit_us : is_due_alone(store, stream, number, limit_us, err);
}

/* What is too old may have no row yet: nothing has come for long. */
static int flush_old(struct rw_store *store, int stream, int64_t limit_us, struct rw_err *err)
{
    const struct rw_chunk *chunk = &store->chunk[stream];
    int64_t start = chunk->end_us ? chunk->start_us : store->ring[stream].newest.utc_us;
    return chunk->count && start < limit_us ? rw_store_flush(store, err) : 0;
}

/* The oldest slot with something too old in it, -1: none. asked_for: a hold asks for it while it is
 * still being written, or has found no room yet in held/. */
static int find_due(struct rw_store *store, int stream, const bool *asked_for, int64_t limit_us,
                    int *found, struct rw_err *err)
{
    const struct rw_ring *ring = &store->ring[stream];
    *found = -1;
    for (int number = 0; number < ring->count; number++) {
        const struct rw_slot *slot = &ring->slot[number];
        if (!slot->size || slot->held || !slot->last_seq || asked_for[number] ||
            (*found >= 0 && slot->last_seq > ring->slot[*found].last_seq))
            continue;
        int due = is_due(store, stream, number, limit_us, err);
        if (due < 0)
            return -1;
        if (due)
            *found = number;
    }
    return 0;
}

/* The oldest first, so that a cut leaves no hole between what stays. 1: something was expired; 0:
 * nothing is too old; -1 failed. */
static int age_stream(struct rw_store *store, int stream, int64_t limit_us, struct rw_err *err)
{
    if (flush_old(store, stream, limit_us, err))
        return -1;
    int slot;
    bool *asked_for = rw_store_asked_for(store, stream, err);
    int failed = !asked_for || find_due(store, stream, asked_for, limit_us, &slot, err);
    free(asked_for);
    if (failed)
        return -1;
    return slot < 0 ? 0 : expire_slot(store, stream, slot, limit_us + run_us(store), err);
}

static int age_events(struct rw_store *store, int64_t cut_us, struct rw_err *err)
{
    struct rw_span *kept = calloc((size_t)store->hold_count + 1, sizeof *kept);
    int dropped = 0;
    if (!kept)
        abort();
    for (int i = 0; i < store->hold_count; i++)
        kept[i] =
            (struct rw_span){.from_us = store->holds[i].from_us, .to_us = store->holds[i].to_us};
    int failed = rw_index_begin(store->index, err);
    if (!failed) {
        failed = rw_index_age_events(store->index, cut_us, kept, store->hold_count, &dropped, err);
        failed = rw_index_end(store->index, failed, err);
    }
    free(kept);
    if (!failed && dropped)
        store->aging.wal_wait = true;
    return failed ? -1 : 0;
}

/* --- looking --- */

/* An index that was put aside, or that a cut rebuild has left, has pictures that would never age.
 * What it knew is taken over. */
static void forget_other_indexes(struct rw_store *store)
{
    static const char *const ends[] = {"damaged", "rebuilt"};
    for (int i = 0; i < 2; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/index.db.%s", store->dir, ends[i]);
        rw_index_remove(store->disk, path, true);
    }
}

int rw_store_open_aging(struct rw_store *store, struct rw_err *err)
{
    struct rw_now now = rw_now(store->clock);
    store->aging.offset_us = now.utc_us - now.boot_us;
    if (!store->max_age_us)
        return 0;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        for (int number = 0; number < store->ring[stream].count; number++) {
            struct rw_ring *ring = &store->ring[stream];
            int64_t init;
            if (number == ring->open || (!ring->slot[number].last_seq && ring->slot[number].size &&
                                         measure_init(ring, number, &init, NULL) == 1))
                ring->slot[number].stale_us = UNKNOWN_AGE;
        }
    store->aging.wal_wait = true;
    forget_other_indexes(store);
    return rw_index_forget_well(store->index, err);
}

/* Events first: they are few, and their pictures are the clearest. */
static int look(struct rw_store *store, int64_t limit_us, struct rw_err *err)
{
    int got = age_events(store, limit_us + run_us(store), err);
    for (int stream = 0; stream < RW_STREAMS && !got; stream++) {
        if (!store->has[stream])
            continue;
        got = age_stream(store, stream, limit_us, err);
        if (!got)
            got = age_stale(store, stream, limit_us, err);
    }
    return got;
}

static int empty_wal(struct rw_store *store, struct rw_err *err)
{
    struct rw_err why = {0};
    if (!store->aging.wal_wait)
        return 0;
    if (!rw_index_empty_wal(store->index, store->disk, &why))
        store->aging.wal_wait = false;
    else if (why.code != RW_EBUSY)
        return rw_fail(err, why.code, "%s", why.text);
    return 0;
}

/* 1: something was done and more may be to do; 0: all is well for a while; -1 failed. */
static int step(struct rw_store *store, struct rw_now now, bool steady, struct rw_err *err)
{
    struct rw_wipe wipe;
    int got = rw_index_next_wipe(store->index, &wipe, err);
    if (got == 1)
        return wipe_piece(store, &wipe, err) ? -1 : 1;
    if (got < 0 || !steady || now.boot_us < store->aging.next_boot_us)
        return got;
    got = look(store, now.utc_us - store->max_age_us, err);
    if (!got) /* a short age is looked at often */
        store->aging.next_boot_us = now.boot_us + run_us(store) / 4;
    return got;
}

int rw_store_age(struct rw_store *store, struct rw_now now, struct rw_err *err)
{
    bool steady = clock_is_steady(store, now);
    int got = 1;
    for (int steps = 0; got == 1 && steps < STEPS_MAX; steps++)
        got = step(store, now, steady, err);
    return got < 0 || empty_wal(store, err) ? -1 : 0;
}
