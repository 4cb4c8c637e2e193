#include "store/recover.h"

#include <string.h>

#include "base/log.h"
#include "store/rebuild.h"

/* After an unclean end the newest sequence numbers may have been seen by a witness and lost by the
 * disk: numbers go on beyond what can have been lost between two syncs. */
enum { SEQ_SKIP = RW_UNSYNCED_MAX + 1 };

struct tail {
    struct rw_scan scan;
    struct rw_record last;
    bool any;
    int64_t base_us;
};

/* Of a first write that a cut left unfinished, a later record may stand right behind one of the lap
 * before. */
static bool is_next(const struct tail *tail, const struct rw_record *record)
{
    return !tail->any || !memcmp(record->previous_link, tail->last.link, RW_HASH_SIZE);
}

/* Walks the slot; records above `known` are verified and indexed, the first bad one ends it. */
static int walk_tail(struct rw_index *index, struct rw_ring *ring, int number, uint64_t known,
                     struct tail *tail, struct rw_err *err)
{
    struct rw_chunk chunk;
    struct rw_record record;
    int64_t offset;
    int got;
    rw_chunk_init(&chunk, ring->stream);
    while ((got = rw_scan_next(&tail->scan, &record, &offset, err)) == 1) {
        if (record.seq > known) {
            int good =
                !is_next(tail, &record) ? 0 : rw_scan_verify(&tail->scan, &record, offset, err);
            if (good == 1)
                got = rw_index_add_record(index, &chunk, number, &record, offset, err);
            if (good <= 0 || got < 0) {
                got = good == 0 ? 0 : -1;
                rw_scan_skip_to(&tail->scan, offset, tail->any ? tail->last.seq : 0);
                break;
            }
        }
        tail->last = record;
        tail->any = true;
        tail->base_us = record.base_us;
    }
    if (!got && chunk.count)
        got = rw_index_put_chunk(index, &chunk, err);
    rw_chunk_finish(&chunk);
    return got;
}

/* 1: the slot holds records of this ring, told in *tail. 0: it does not. */
static int read_tail(struct rw_index *index, struct rw_ring *ring, int number, uint64_t known,
                     struct tail *tail, struct rw_err *err)
{
    *tail = (struct tail){0};
    int got = rw_slot_scan(&tail->scan, ring->disk, ring->dir, number, ring->id, err);
    if (got <= 0)
        return got;
    got = rw_slot_settle(&tail->scan, ring->dir, number, err);
    if (got > 0)
        got = walk_tail(index, ring, number, known, tail, err);
    rw_slot_end(&tail->scan);
    return got < 0 ? -1 : tail->any;
}

static void note_slot(void *arg, int slot, uint64_t last_seq)
{
    struct rw_ring *ring = arg;
    if (slot >= 0 && slot < ring->count)
        ring->slot[slot].last_seq = last_seq;
}

/* Slots that have left the index keep their turn. Where nothing was deleted yet none has, and the
 * empty ones, which may be thousands, need not be read. */
static void read_left(struct rw_ring *ring, const struct rw_ring_row *row)
{
    if (!row->deleted_us || row->deleted_us == row->born_us)
        return;
    for (int number = 0; number < ring->count; number++) {
        struct rw_slot *slot = &ring->slot[number];
        struct rw_scan scan;
        struct rw_record record;
        int64_t offset;
        if (!slot->size || slot->held || slot->last_seq ||
            rw_slot_scan(&scan, ring->disk, ring->dir, number, ring->id, NULL) <= 0)
            continue;
        if (rw_scan_next(&scan, &record, &offset, NULL) == 1)
            slot->left_seq = record.seq;
        rw_slot_end(&scan);
    }
}

static int newest_slot(const struct rw_ring *ring)
{
    int best = -1;
    for (int number = 0; number < ring->count; number++)
        if (ring->slot[number].size && ring->slot[number].last_seq &&
            (best < 0 || ring->slot[number].last_seq > ring->slot[best].last_seq))
            best = number;
    return best;
}

/* used: the highest number that was ever given, as far as the index knows. */
static void adopt_tail(struct rw_ring *ring, int number, const struct tail *tail, uint64_t used,
                       bool clean)
{
    uint64_t last = tail->last.seq > used ? tail->last.seq : used;
    ring->slot[number].last_seq = tail->last.seq;
    ring->next_seq = last + (clean ? 1 : SEQ_SKIP);
    if (!ring->born_us)
        ring->born_us = tail->last.born_us;
    memcpy(ring->link, tail->last.link, RW_HASH_SIZE);
    memcpy(ring->synced_link, tail->last.link, RW_HASH_SIZE);
}

/* The slot cannot be read as far as the index knows it: it is left as it is for fsck and a
 * technician, and recording goes on in the next. */
static int leave_slot(struct rw_ring *ring, uint64_t known, const struct rw_err *why)
{
    rw_log(RW_LOG_ERROR, rw_stream_name(ring->stream), "%s; recording goes on in the next slot",
           why->text);
    ring->next_seq = known + SEQ_SKIP;
    return 0;
}

/* Recording goes on in the slot, or, where the disk refuses that, in the next: an opening that
 * failed would fail again at every start. Its rows stay, they are synced. */
static int go_on_in(struct rw_ring *ring, int number, const struct tail *tail, struct rw_err *err)
{
    struct rw_err why = {0};
    if (!rw_ring_resume(ring, number, &tail->scan, tail->base_us, &why))
        return 0;
    if (why.code == RW_EFOREIGN)
        return rw_fail(err, why.code, "%s", why.text);
    rw_log(RW_LOG_ERROR, rw_stream_name(ring->stream), "%s; recording goes on in the next slot",
           why.text);
    rw_ring_abandon(ring);
    return 0;
}

/* The open slot by the index: after a cut between its turn and its first fragment it still holds
 * the lap before, which the index has forgotten and so must we. */
static int recover_ring(struct rw_index *index, struct rw_ring *ring, const struct rw_ring_row *row,
                        bool clean, struct rw_err *err)
{
    struct tail tail = {.any = false};
    struct rw_err why = {0};
    int newest = newest_slot(ring), got = 0, number = row->open_slot;
    uint64_t known = newest >= 0 ? ring->slot[newest].last_seq : 0;
    uint64_t used = known > row->last_seq ? known : row->last_seq;
    if (number >= 0 && number < ring->count && number != newest && ring->slot[number].size) {
        got = read_tail(index, ring, number, known, &tail, &why);
        if (got < 0)
            return leave_slot(ring, used, &why);
        if (got && tail.last.seq <= known)
            got = 0;
    }
    if (!got && newest >= 0) {
        number = newest;
        got = read_tail(index, ring, newest, known, &tail, &why);
        if (got <= 0 || tail.last.seq < known) {
            if (tail.any)
                adopt_tail(ring, newest, &tail, used, clean);
            ring->slot[newest].last_seq = known;
            if (got >= 0)
                rw_fail(&why, RW_EFORMAT, "%s slot %d: a record is missing", ring->dir, newest);
            return leave_slot(ring, used, &why);
        }
    }
    if (got <= 0) {
        ring->next_seq = ring->fresh ? 1 : used + (clean ? 1 : SEQ_SKIP);
        return 0;
    }
    adopt_tail(ring, number, &tail, used, clean);
    if (ring->slot[number].held) /* it was closed, and its successor has nothing in it yet */
        return 0;
    return go_on_in(ring, number, &tail, err);
}

static int read_end(struct rw_index *index, struct rw_ring *ring, const struct rw_ring_row *row,
                    struct rw_err *err)
{
    struct rw_index_extent extent;
    if (rw_index_extent(index, ring->stream, &extent, err))
        return -1;
    /* what came after held footage may have been deleted: then nobody knows where it ended */
    int newest = newest_slot(ring);
    if (newest >= 0 && ring->slot[newest].held && row->deleted_us > extent.newest_us)
        return 0;
    ring->newest = ring->synced = (struct rw_ring_end){.utc_us = extent.newest_us,
                                                       .boot_us = extent.newest_boot_us,
                                                       .boot = extent.newest_boot,
                                                       .unverified = extent.newest_unverified};
    return 0;
}

int rw_recover(struct rw_index *index, struct rw_ring *ring, bool clean, struct rw_err *err)
{
    struct rw_ring_row row;
    int got = rw_index_get_ring(index, ring->stream, &row, err);
    if (got < 0)
        return -1;
    if (!got || memcmp(row.ring, ring->id, 16)) {
        if (rw_index_drop_stream(index, ring->stream, err) ||
            rw_rebuild_stream(index, ring, false, NULL, NULL, err) ||
            rw_index_get_ring(index, ring->stream, &row, err) < 0)
            return -1;
        clean = false;
    }
    if (rw_index_slots(index, ring->stream, note_slot, ring, err))
        return -1;
    read_left(ring, &row);
    ring->born_us = row.born_us;
    int changed;
    return recover_ring(index, ring, &row, clean, err) ||
                   rw_index_correct(index, ring->stream, ring->stream == RW_MAIN, &changed, err) ||
                   read_end(index, ring, &row, err)
               ? -1
               : 0;
}
