/* From the ring to the index, and from slot to slot. */
#include "store/parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/event_json.h"
#include "store/rebuild.h"

/* A run of pictures goes on in the open slot after a hole of at most this, or of a day while the
 * slot is less than half full. */
#define RESUME_US INT64_C(60000000)
#define RESUME_YOUNG_US INT64_C(86400000000)

enum { MOVES_MAX = 3 }; /* slots tried after one that was refused */

void rw_store_forget_full(struct rw_store *store)
{
    for (int i = 0; i < store->full_count; i++)
        rw_chunk_finish(&store->full[i]);
    free(store->full);
    store->full = NULL;
    store->full_count = 0;
}

int rw_store_put_ring_row(struct rw_store *store, int stream, int open_slot, struct rw_err *err)
{
    const struct rw_ring *ring = &store->ring[stream];
    struct rw_ring_row row = {.born_us = ring->born_us,
                              .open_slot = open_slot,
                              .last_seq = ring->next_seq - 1,
                              .deleted_us = store->deleted_us[stream],
                              .aged_us = store->aged_us[stream]};
    memcpy(row.ring, ring->id, 16);
    return rw_index_put_ring(store->index, (enum rw_stream)stream, &row, err);
}

/* The chunk as it is, and the full ones that an index which refused has left waiting. */
static int flush_chunk(struct rw_store *store, int stream, struct rw_err *err)
{
    const struct rw_chunk *chunk = &store->chunk[stream];
    for (int i = 0; i < store->full_count; i++)
        if (rw_index_put_chunk(store->index, &store->full[i], err))
            return -1;
    return chunk->count ? rw_index_put_chunk(store->index, chunk, err) : 0;
}

static void set_full_chunk_aside(struct rw_store *store, int stream)
{
    store->full = realloc(store->full, (size_t)(store->full_count + 1) * sizeof *store->full);
    if (!store->full)
        abort();
    store->full[store->full_count++] = store->chunk[stream];
    rw_chunk_init(&store->chunk[stream], (enum rw_stream)stream);
}

/* A damaged index cannot be mended while it is in use: rw_store_tick() says so. */
static void note_index(struct rw_store *store, const struct rw_err *err)
{
    if (err->code == RW_EFORMAT)
        store->index_damaged = true;
}

int rw_store_measure(struct rw_store *store, int stream, bool moved, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    int64_t *deleted = &store->deleted_us[stream];
    int64_t before = *deleted, first_seq, first_us;
    if (rw_ring_oldest(ring, store->index, deleted, err) ||
        rw_index_first(store->index, ring->stream, &first_seq, &first_us, err))
        return -1;
    if (!*deleted && ring->born_us)
        *deleted = ring->synced.utc_us > before ? ring->synced.utc_us : before; /* all of it */
    bool first_lap = first_seq == 1 || (before && before == ring->born_us);
    if (moved && first_lap && first_us)
        ring->born_us = first_us; /* it was born under a bad clock */
    return 0;
}

/* Rows of a bad clock get their true time, once a row with a good one of the same boot is there. */
static int correct_times(struct rw_store *store, struct rw_err *err)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        int changed;
        if (!store->has[stream] || store->time_state[stream] != RW_TIME_FOUND)
            continue;
        if (rw_index_correct(store->index, (enum rw_stream)stream, stream == RW_MAIN, &changed,
                             err) ||
            (changed && rw_store_measure(store, stream, true, err)))
            return -1;
    }
    return 0;
}

/* Both chunks as they are, in one transaction; a chunk that goes on is replaced later. */
static int flush_rows(struct rw_store *store, struct rw_err *err)
{
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream] && flush_chunk(store, stream, err))
            return -1;
    if (correct_times(store, err))
        return -1;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream] &&
            rw_store_put_ring_row(store, stream, store->ring[stream].open, err))
            return -1;
    return 0;
}

int rw_store_flush(struct rw_store *store, struct rw_err *err)
{
    if (rw_index_begin(store->index, err))
        return -1;
    int failed = flush_rows(store, err);
    if (failed)
        note_index(store, err);
    store->index_commits += !failed;
    if (rw_index_end(store->index, failed, err))
        return -1;
    rw_store_forget_full(store);
    return 0;
}

static int mark_event(struct rw_store *store, const struct rw_unsynced *synced, struct rw_err *err)
{
    const char *json;
    size_t json_size;
    struct rw_pictures pictures;
    struct rw_event event;
    if (rw_event_unpack(synced->payload.data, synced->payload.size, &json, &json_size, &pictures) ||
        rw_event_from_json(json, json_size, &event))
        return 0;
    return rw_index_mark_in_ring(store->index, event.id, event.revision, err);
}

static int absorb_record(struct rw_store *store, int stream, const struct rw_unsynced *synced,
                         struct rw_err *err)
{
    struct rw_chunk *chunk = &store->chunk[stream];
    int failed = 0, open = store->ring[stream].open;
    if (!rw_chunk_add(chunk, open, &synced->record, synced->offset)) {
        set_full_chunk_aside(store, stream);
        failed |= rw_store_flush(store, err);
        rw_chunk_add(chunk, open, &synced->record, synced->offset);
    }
    if (synced->record.kind == RW_RECORD_EVENT)
        failed |= mark_event(store, synced, err);
    if (synced->record.step_us)
        failed |=
            rw_index_put_step(store->index, (enum rw_stream)stream, open, &synced->record, err);
    return failed;
}

int rw_store_absorb(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    int failed = 0;
    bool good_time = false;
    for (int i = 0; i < ring->unsynced_count; i++) {
        const struct rw_record *record = &ring->unsynced[i].record;
        failed |= absorb_record(store, stream, &ring->unsynced[i], err);
        good_time |=
            record->kind == RW_RECORD_FRAGMENT && record->clock_trust != RW_CLOCK_UNVERIFIED;
    }
    rw_ring_forget_unsynced(ring);
    if (good_time && store->time_state[stream] == RW_TIME_FOUND) {
        int refused = rw_store_flush(store, err); /* and corrects the rows before */
        if (!refused)
            store->time_state[stream] = RW_TIME_GOOD;
        failed |= refused;
    }
    return failed ? -1 : 0;
}

/* --- slots --- */

static int drop_old_events(struct rw_store *store, struct rw_err *err)
{
    enum rw_stream first = store->has[RW_MAIN] ? RW_MAIN : RW_SUB;
    int64_t deleted = store->deleted_us[first];
    int dropped = 0;
    if (deleted > store->ring[first].born_us &&
        rw_index_drop_events_before(store->index, first, deleted, &dropped, err))
        return -1;
    if (dropped)
        store->aging.wal_wait = true; /* their pictures can still be read there */
    return 0;
}

/* The slot after `number`, once that is the newest; -1: none. */
static int slot_after(struct rw_ring *ring, int number)
{
    uint64_t kept = ring->slot[number].last_seq;
    ring->slot[number].last_seq = ring->next_seq;
    int after = rw_ring_next_slot(ring);
    ring->slot[number].last_seq = kept;
    return after == number ? -1 : after;
}

/* The slot to be written and the one after it leave the index before a byte is written: what a
 * reader was given stays valid for at least one more slot's time. */
static int turn_index(struct rw_store *store, int stream, int number, int after, struct rw_err *err)
{
    if (rw_index_begin(store->index, err))
        return -1;
    int failed =
        flush_chunk(store, stream, err) ||
        rw_index_drop_slot(store->index, (enum rw_stream)stream, number, err) ||
        (after >= 0 && rw_index_drop_slot(store->index, (enum rw_stream)stream, after, err)) ||
        rw_store_measure(store, stream, false, err) || drop_old_events(store, err) ||
        rw_store_put_ring_row(store, stream, number, err);
    return rw_index_end(store->index, failed, err);
}

/* --- geometry --- */

static int forget_rows(struct rw_store *store, int stream, int number, struct rw_err *err)
{
    if (rw_index_begin(store->index, err))
        return -1;
    int failed = rw_index_drop_slot(store->index, (enum rw_stream)stream, number, err) ||
                 rw_store_measure(store, stream, false, err) || drop_old_events(store, err) ||
                 rw_store_put_ring_row(store, stream, store->ring[stream].open, err);
    return rw_index_end(store->index, failed, err);
}

/* Rows first, then the file: a row never names what is not there. */
int rw_store_remove_slot(struct rw_store *store, int stream, int number, struct rw_err *err)
{
    if (forget_rows(store, stream, number, err))
        return -1;
    return rw_ring_remove(&store->ring[stream], number, store->max_age_us != 0, err);
}

/* The slot next to be written leaves the index a turn before, as it does when the ring turns: a
 * reader who was given it could not be quick enough, and a rebuild takes it for one that has left.
 */
static int retire_next(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    int number = rw_ring_next_slot(ring);
    if (number < 0 || !ring->slot[number].last_seq)
        return 0;
    rw_store_note_stale(store, stream, number);
    if (forget_rows(store, stream, number, err))
        return -1;
    rw_ring_leave(ring, number);
    return 0;
}

int rw_store_shrink(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    while (rw_ring_bytes(ring) > ring->budget && rw_ring_slots(ring) > RW_SLOTS_MIN) {
        int number = rw_ring_next_slot(ring);
        if (number < 0)
            return 0;
        if (rw_store_remove_slot(store, stream, number, err))
            return -1;
    }
    return retire_next(store, stream, err);
}

static bool has_room_for(const struct rw_ring *ring, int64_t bytes)
{
    int64_t available = ring->disk->free_bytes(ring->disk->self, ring->dir);
    return available >= bytes;
}

/* However large the old ones are, so many slots are needed to go on. */
static int fill_to_least(struct rw_ring *ring, struct rw_err *err)
{
    int64_t wanting = RW_SLOTS_MIN - rw_ring_slots(ring);
    int64_t least = rw_ring_bytes(ring) + wanting * ring->slot_size;
    bool more = wanting > 0 && least > ring->budget;
    return rw_ring_fill_to(ring, more ? least : ring->budget, err);
}

/* storage.slot_size was changed: the slots that are next make way for new ones of that size. */
static void refit(struct rw_store *store, int stream)
{
    struct rw_ring *ring = &store->ring[stream];
    struct rw_err err = {0};
    int failed = 0;
    while (!failed) {
        int number = rw_ring_next_slot(ring);
        if (number < 0 || ring->slot[number].size == ring->slot_size ||
            !has_room_for(ring, ring->slot_size - ring->slot[number].size))
            return;
        failed = rw_store_remove_slot(store, stream, number, &err) || fill_to_least(ring, &err);
    }
    rw_log(RW_LOG_ERROR, store->camera, "%s; slots of the size before stay in use", err.text);
}

enum turned { TURNED, INDEX_REFUSED, SLOT_REFUSED };

/* INDEX_REFUSED: nothing is changed, the open slot stays open. *tried: the slot that was to be the
 * next, -1: none. */
static enum turned turn(struct rw_store *store, int stream, const uint8_t *init, size_t size,
                        int64_t base_us, int *tried, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    *tried = -1;
    if (rw_ring_check_disk(ring, err))
        return INDEX_REFUSED;
    refit(store, stream);
    int number = rw_ring_next_slot(ring);
    *tried = number;
    if (number < 0) {
        rw_fail(err, RW_EIO, "no slot of the %s ring can be written",
                rw_stream_name((enum rw_stream)stream));
        return INDEX_REFUSED;
    }
    int after = slot_after(ring, number);
    rw_store_clean_tail(store, stream);
    rw_store_note_stale(store, stream, number);
    if (after >= 0)
        rw_store_note_stale(store, stream, after);
    if (turn_index(store, stream, number, after, err)) {
        note_index(store, err);
        return INDEX_REFUSED;
    }
    store->index_commits++;
    if (after >= 0)
        rw_ring_leave(ring, after);
    rw_store_forget_full(store);
    rw_chunk_finish(&store->chunk[stream]);
    rw_chunk_init(&store->chunk[stream], (enum rw_stream)stream);
    if (rw_ring_begin(ring, number, init, size, base_us, err))
        return SLOT_REFUSED;
    rw_store_keep_closed(store, stream);
    return TURNED;
}

static int write_again(struct rw_ring *ring, struct rw_unsynced *lost, int count,
                       struct rw_err *err)
{
    for (int i = 0; i < count; i++)
        if (rw_ring_write(ring, &lost[i].record, lost[i].payload.data, err))
            return -1;
    return rw_ring_sync(ring, err);
}

static void free_unsynced(struct rw_unsynced *list, int count)
{
    for (int i = 0; i < count; i++)
        rw_buf_finish(&list[i].payload);
    free(list);
}

/* No slot takes anything: those tried are the first to be tried again, so that a disk which refuses
 * for hours does not take slot after slot of good footage out of the index. */
static void give_back(struct rw_ring *ring, const int *tried, int count)
{
    for (int i = 0; i < count; i++)
        if (tried[i] >= 0)
            ring->slot[tried[i]].last_seq = ring->slot[tried[i]].left_seq = 0;
}

/* The disk refused the open slot: leave it, and write everything since its last sync again to the
 * next, up to three of them. Never retried in place and called saved. Where none takes it, it is
 * kept in memory, see rw_store_revive(). */
int rw_store_move_on(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    int count = ring->unsynced_count, failed = -1, tries = 0;
    bool holds_some = count && ring->unsynced[0].offset > (int64_t)ring->init.size;
    int tried[1 + MOVES_MAX] = {holds_some ? -1 : ring->open};
    struct rw_unsynced *lost = calloc((size_t)count + 1, sizeof *lost);
    if (!lost)
        abort();
    memcpy(lost, ring->unsynced, (size_t)count * sizeof *lost);
    memset(ring->unsynced, 0, (size_t)count * sizeof *lost);
    enum turned turned = TURNED;
    while (failed && turned != INDEX_REFUSED && tries < MOVES_MAX) {
        if (ring->open >= 0)
            rw_log(RW_LOG_ERROR, store->camera, "%s; recording goes on in the next slot",
                   err->text);
        rw_ring_abandon(ring);
        ring->unsynced_count = 0;
        ring->unsynced_bytes = 0;
        turned = turn(store, stream, ring->init.data, ring->init.size, ring->base_us,
                      &tried[++tries], err);
        failed = turned != TURNED || write_again(ring, lost, count, err);
    }
    if (!failed) {
        free_unsynced(lost, count);
        return rw_store_absorb(store, stream, err);
    }
    rw_ring_abandon(ring);
    rw_ring_carry(ring, lost, count);
    give_back(ring, tried, tries + 1);
    return -1;
}

int rw_store_sync(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    if (!ring->unsynced_count)
        return 0;
    if (ring->open < 0)
        return rw_store_revive(store, (enum rw_stream)stream, err);
    return rw_ring_sync(ring, err) ? rw_store_move_on(store, stream, err)
                                   : rw_store_absorb(store, stream, err);
}

int rw_store_revive(struct rw_store *store, enum rw_stream stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    if (!ring->unsynced_count || ring->open >= 0)
        return 0;
    rw_fail(err, RW_EIO, "%s stream: %d fragments wait for a slot", rw_stream_name(stream),
            ring->unsynced_count);
    return rw_store_move_on(store, (int)stream, err);
}

size_t rw_store_room(const struct rw_store *store, enum rw_stream stream)
{
    return rw_ring_room(&store->ring[stream]);
}

size_t rw_store_capacity(const struct rw_store *store, size_t init_size)
{
    const struct rw_ring *ring = &store->ring[store->has[RW_MAIN] ? RW_MAIN : RW_SUB];
    int64_t room = ring->slot_size - (int64_t)init_size - RW_RECORD_SIZE - 8;
    return room > 0 ? (size_t)room : 0;
}

bool rw_store_resumable(const struct rw_store *store, enum rw_stream stream, const uint8_t *init,
                        size_t size, int64_t start_us, int64_t *base_us)
{
    const struct rw_ring *ring = &store->ring[stream];
    if (ring->open < 0 || ring->init.size != size || memcmp(ring->init.data, init, size) ||
        start_us < ring->newest.utc_us || start_us < ring->base_us)
        return false;
    int64_t hole = start_us - ring->newest.utc_us;
    bool young = ring->at < ring->slot_size / 2;
    if (hole > (young ? RESUME_YOUNG_US : RESUME_US))
        return false;
    *base_us = ring->base_us;
    return true;
}

int rw_store_begin(struct rw_store *store, enum rw_stream stream, const uint8_t *init, size_t size,
                   int64_t base_us, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    if (size > rw_store_capacity(store, 0))
        return rw_fail(err, RW_EINVAL, "the init segment of %zu bytes does not fit into a slot",
                       size);
    if (rw_store_sync(store, (int)stream, err))
        return -1;
    int tried[MOVES_MAX];
    for (int tries = 0; tries < MOVES_MAX; tries++) {
        enum turned turned = turn(store, (int)stream, init, size, base_us, &tried[tries], err);
        if (turned == TURNED)
            return 0;
        if (turned == INDEX_REFUSED)
            return -1;
        rw_ring_abandon(ring);
    }
    give_back(ring, tried, MOVES_MAX);
    return -1;
}
