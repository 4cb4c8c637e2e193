#include "store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/units.h"
#include "store/event_json.h"
#include "store/index.h"
#include "store/rebuild.h"
#include "store/recover.h"
#include "store/ring.h"

/* Kept free beside the slots, for the index and the file system's own needs. */
#define DISK_RESERVE (INT64_C(16) << 20)
#define FRAGMENT_MAX_US INT64_C(60000000)
/* A run of pictures goes on in the open slot after a hole of at most this, or of a day while the
 * slot is less than half full. */
#define RESUME_US INT64_C(60000000)
#define RESUME_YOUNG_US INT64_C(86400000000)

/* What a slot's rows take in the index: 64 MiB are some 5 minutes of a main stream, half an hour of
 * a sub stream. */
#define INDEX_PER_SLOT 4096

enum { MOVES_MAX = 3 }; /* slots tried after one that was refused */

struct rw_store {
    /* recorder thread only */
    char dir[512], camera[33];
    const struct rw_clock *clock;
    int64_t sync_us;
    int lock;
    struct rw_index *index;
    bool has[RW_STREAMS];
    struct rw_ring ring[RW_STREAMS];
    struct rw_chunk chunk[RW_STREAMS]; /* synced records without a row yet */
    struct rw_chunk *full;             /* full ones that wait for their row; owned */
    int full_count;
    bool resumed[RW_STREAMS];             /* something was appended since it was opened */
    int64_t opened_us;                    /* UTC */
    enum rw_cause down_cause[RW_STREAMS]; /* why nothing was recorded before that */
    bool index_damaged;
    bool events_wait; /* some ended event is not in the ring yet */
    uint64_t index_commits;
};

int rw_store_need(const struct rw_store_options *options, int64_t *missing_bytes,
                  int64_t *free_bytes, struct rw_err *err)
{
    *missing_bytes = 0;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (options->slots[stream])
            *missing_bytes += rw_ring_missing(options, (enum rw_stream)stream);
    char path[512];
    snprintf(path, sizeof path, "%s", options->dir);
    for (;;) { /* the nearest folder that is there already */
        *free_bytes = options->disk->free_bytes(options->disk->self, path);
        if (*free_bytes >= 0)
            return 0;
        char *slash = strrchr(path, '/');
        if (!strcmp(path, "/") || !strcmp(path, "."))
            return rw_fail(err, RW_EIO, "the disk of %s cannot be measured", options->dir);
        if (!slash)
            strcpy(path, ".");
        else
            slash[slash == path] = 0;
    }
}

static int check_room(const struct rw_store_options *options, struct rw_err *err)
{
    int64_t missing, available;
    char want[RW_TIME_SIZE], have[RW_TIME_SIZE];
    if (rw_store_need(options, &missing, &available, err))
        return -1;
    if (!missing || missing + DISK_RESERVE <= available)
        return 0;
    return rw_fail(err, RW_ENOSPC,
                   "the ring does not fit: it needs %s more and the disk of %s has %s free; lower "
                   "`keep` or free the disk",
                   rw_format_size(missing + DISK_RESERVE, want), options->dir,
                   rw_format_size(available, have));
}

static int take_lock(struct rw_store *store, struct rw_err *err)
{
    char path[600];
    struct rw_err why;
    snprintf(path, sizeof path, "%s/lock", store->dir);
    store->lock = rw_lock_take(path, &why);
    if (store->lock >= 0)
        return 0;
    if (why.code == RW_EBUSY)
        return rw_fail(err, RW_EBUSY,
                       "another roadwatch program records into %s; stop it, or give this one "
                       "another storage.path",
                       store->dir);
    return rw_fail(err, why.code, "%s", why.text);
}

/* Blocks that the index will need while it grows, so that a disk filled by somebody else does not
 * stop a turn. Before SQLite opens the files: closing a descriptor would drop its locks. */
static void reserve_index(const struct rw_store *store, const struct rw_store_options *options)
{
    static const char *const ends[] = {"", "-wal"};
    int64_t slots = (int64_t)options->slots[RW_MAIN] + 6 * (int64_t)options->slots[RW_SUB];
    int64_t sizes[] = {(INT64_C(4) << 20) + slots * INDEX_PER_SLOT, INT64_C(8) << 20};
    for (int i = 0; i < 2; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/index.db%s", store->dir, ends[i]);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
        if (fd < 0)
            continue;
        if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, sizes[i]))
            rw_log(RW_LOG_DEBUG, store->camera, "no blocks are reserved for %s", path);
        close(fd);
    }
}

static int open_index(struct rw_store *store, struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/index.db", store->dir);
    store->index = rw_index_create(path, err);
    return store->index ? 0 : -1;
}

/* The index is a cache: the damaged one is put aside, to be made again from the slots. */
static void put_index_aside(struct rw_store *store, const char *why)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    rw_log(RW_LOG_WARNING, store->camera, "%s; the index is made anew from the slots", why);
    rw_index_close(store->index);
    store->index = NULL;
    for (int i = 0; i < 3; i++) {
        char path[600], aside[620];
        snprintf(path, sizeof path, "%s/index.db%s", store->dir, ends[i]);
        snprintf(aside, sizeof aside, "%s/index.db.damaged%s", store->dir, ends[i]);
        rename(path, aside);
    }
}

static enum rw_cause why_down(const struct rw_ring *ring, struct rw_index *index)
{
    return rw_index_get_meta(index, "boot") == (int64_t)(rw_get_be64(ring->boot_id) >> 1)
               ? RW_CAUSE_RECORDER_OFF
               : RW_CAUSE_POWER;
}

static int recover_all(struct rw_store *store, struct rw_err *err)
{
    bool clean = rw_index_get_meta(store->index, "clean") == 1;
    int64_t boot = 0;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (!store->has[stream])
            continue;
        struct rw_ring *ring = &store->ring[stream];
        store->down_cause[stream] = why_down(ring, store->index);
        boot = (int64_t)(rw_get_be64(ring->boot_id) >> 1);
        if (rw_recover(store->index, ring, clean, err))
            return -1;
    }
    return rw_index_put_meta(store->index, "clean", 0, err) ||
                   rw_index_put_meta(store->index, "boot", boot, err)
               ? -1
               : 0;
}

static int recover(struct rw_store *store, struct rw_err *err)
{
    if (rw_index_begin(store->index, err))
        return -1;
    if (recover_all(store, err)) {
        rw_index_rollback(store->index);
        return -1;
    }
    store->events_wait = true;
    return rw_index_commit(store->index, err);
}

static void warn_of_geometry(const struct rw_store *store, const struct rw_store_options *options)
{
    char now[RW_TIME_SIZE], want[RW_TIME_SIZE];
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        const struct rw_ring *ring = &store->ring[stream];
        if (store->has[stream] && ring->slot_size != options->slot_size)
            rw_log(RW_LOG_WARNING, store->camera,
                   "the %s ring was made with slots of %s and keeps them; storage.slot_size %s "
                   "counts for new rings",
                   rw_stream_name((enum rw_stream)stream), rw_format_size(ring->slot_size, now),
                   rw_format_size(options->slot_size, want));
    }
}

static int open_parts(struct rw_store *store, const struct rw_store_options *options,
                      struct rw_err *err)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (!options->slots[stream])
            continue;
        store->has[stream] = true;
        rw_chunk_init(&store->chunk[stream], (enum rw_stream)stream);
        if (rw_ring_init(&store->ring[stream], options, (enum rw_stream)stream, err))
            return -1;
    }
    warn_of_geometry(store, options);
    return 0;
}

static int open_and_recover(struct rw_store *store, struct rw_err *err)
{
    struct rw_err why = {0};
    if (!open_index(store, &why) && !recover(store, &why))
        return 0;
    if (why.code != RW_EFORMAT)
        return rw_fail(err, why.code, "%s", why.text);
    put_index_aside(store, why.text);
    if (open_index(store, err) || recover(store, err))
        return -1;
    char aside[600];
    snprintf(aside, sizeof aside, "%s/index.db.damaged", store->dir);
    rw_rebuild_salvage(store->index, aside); /* what was in the index only */
    return 0;
}

/* Rings are measured and made by one process at a time: two could each think that they fit. */
static int make_rings(struct rw_store *store, const struct rw_store_options *options,
                      struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/../allocate.lock", store->dir);
    int turn_lock = rw_lock_wait(path, err);
    if (turn_lock < 0)
        return -1;
    int failed = check_room(options, err) || open_parts(store, options, err);
    close(turn_lock);
    return failed ? -1 : 0;
}

static void forget_full_chunks(struct rw_store *store)
{
    for (int i = 0; i < store->full_count; i++)
        rw_chunk_finish(&store->full[i]);
    free(store->full);
    store->full = NULL;
    store->full_count = 0;
}

static void free_store(struct rw_store *store)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (store->has[stream])
            rw_ring_finish(&store->ring[stream]);
        rw_chunk_finish(&store->chunk[stream]);
    }
    forget_full_chunks(store);
    rw_index_close(store->index);
    if (store->lock >= 0)
        close(store->lock);
    free(store);
}

/* `keep` was lowered: slots beyond it leave the index, then the disk, the oldest first. */
static int shrink_ring(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    int present = 0;
    for (int number = 0; number < ring->numbers; number++)
        present += ring->slot[number].present;
    for (; present > ring->slots; present--) {
        char path[600];
        int number = rw_ring_next_slot(ring);
        if (number < 0 || rw_index_drop_slot(store->index, (enum rw_stream)stream, number, err))
            return -1;
        rw_slot_path(ring->dir, number, path, sizeof path);
        ring->disk->unlink(ring->disk->self, path);
        ring->slot[number] = (struct rw_slot){.present = false};
    }
    return 0;
}

static int shrink_rings(struct rw_store *store, struct rw_err *err)
{
    int failed = 0;
    for (int stream = 0; stream < RW_STREAMS && !failed; stream++)
        failed = store->has[stream] && shrink_ring(store, stream, err);
    return failed ? -1 : 0;
}

struct rw_store *rw_store_open(const struct rw_store_options *options, struct rw_err *err)
{
    struct rw_store *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    snprintf(store->dir, sizeof store->dir, "%s", options->dir);
    snprintf(store->camera, sizeof store->camera, "%s", options->camera);
    store->clock = options->clock;
    store->sync_us = options->sync_us;
    store->lock = -1;
    store->opened_us = rw_now(store->clock).utc_us;
    if (!rw_make_path(store->dir, err) && !take_lock(store, err) &&
        !make_rings(store, options, err)) {
        reserve_index(store, options);
        if (!open_and_recover(store, err) && !shrink_rings(store, err))
            return store;
    }
    free_store(store);
    return NULL;
}

/* --- from the ring to the index --- */

static int put_ring_row(struct rw_store *store, int stream, int open_slot, struct rw_err *err)
{
    const struct rw_ring *ring = &store->ring[stream];
    struct rw_ring_row row = {
        .born_us = ring->born_us, .open_slot = open_slot, .last_seq = ring->next_seq - 1};
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

/* Both chunks as they are, in one transaction; a chunk that goes on is replaced later. */
static int flush_index(struct rw_store *store, struct rw_err *err)
{
    if (rw_index_begin(store->index, err))
        return -1;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream] && (flush_chunk(store, stream, err) ||
                                   put_ring_row(store, stream, store->ring[stream].open, err))) {
            note_index(store, err);
            rw_index_rollback(store->index);
            return -1;
        }
    store->index_commits++;
    if (rw_index_commit(store->index, err))
        return -1;
    forget_full_chunks(store);
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

/* What is synced goes into the chunk; a full chunk becomes a row. */
static int absorb_synced(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    struct rw_chunk *chunk = &store->chunk[stream];
    int failed = 0;
    for (int i = 0; i < ring->unsynced_count; i++) {
        const struct rw_unsynced *synced = &ring->unsynced[i];
        if (!rw_chunk_add(chunk, ring->open, &synced->record, synced->offset)) {
            set_full_chunk_aside(store, stream);
            failed |= flush_index(store, err);
            rw_chunk_add(chunk, ring->open, &synced->record, synced->offset);
        }
        if (synced->record.kind == RW_RECORD_EVENT)
            failed |= mark_event(store, synced, err);
    }
    rw_ring_forget_unsynced(ring);
    return failed ? -1 : 0;
}

/* --- slots --- */

static int drop_old_events(struct rw_store *store, struct rw_err *err)
{
    struct rw_index_extent extent;
    enum rw_stream first = store->has[RW_MAIN] ? RW_MAIN : RW_SUB;
    if (rw_index_extent(store->index, first, &extent, err))
        return -1;
    return extent.oldest_us ? rw_index_drop_events_before(store->index, extent.oldest_us, err) : 0;
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
    if (flush_chunk(store, stream, err) ||
        rw_index_drop_slot(store->index, (enum rw_stream)stream, number, err) ||
        (after >= 0 && rw_index_drop_slot(store->index, (enum rw_stream)stream, after, err)) ||
        drop_old_events(store, err) || put_ring_row(store, stream, number, err)) {
        rw_index_rollback(store->index);
        return -1;
    }
    return rw_index_commit(store->index, err);
}

enum turned { TURNED, INDEX_REFUSED, SLOT_REFUSED };

/* INDEX_REFUSED: nothing is changed, the open slot stays open. *tried: the slot that was to be the
 * next, -1: none. */
static enum turned turn(struct rw_store *store, int stream, const uint8_t *init, size_t size,
                        int64_t base_us, int *tried, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    int number = rw_ring_next_slot(ring);
    *tried = number;
    if (number < 0) {
        rw_fail(err, RW_EIO, "no slot of the %s ring can be written",
                rw_stream_name((enum rw_stream)stream));
        return INDEX_REFUSED;
    }
    int after = slot_after(ring, number);
    if (turn_index(store, stream, number, after, err)) {
        note_index(store, err);
        return INDEX_REFUSED;
    }
    store->index_commits++;
    if (after >= 0)
        ring->slot[after].last_seq = 0;
    forget_full_chunks(store);
    rw_chunk_finish(&store->chunk[stream]);
    rw_chunk_init(&store->chunk[stream], (enum rw_stream)stream);
    return rw_ring_begin(ring, number, init, size, base_us, err) ? SLOT_REFUSED : TURNED;
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
            ring->slot[tried[i]].last_seq = 0;
}

/* The disk refused the open slot: leave it, and write everything since its last sync again to the
 * next, up to three of them. Never retried in place and called saved. */
static int move_on(struct rw_store *store, int stream, struct rw_err *err)
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
        rw_log(RW_LOG_ERROR, store->camera, "%s; recording goes on in the next slot", err->text);
        rw_ring_abandon(ring);
        ring->unsynced_count = 0;
        ring->unsynced_bytes = 0;
        turned = turn(store, stream, ring->init.data, ring->init.size, ring->base_us,
                      &tried[++tries], err);
        failed = turned != TURNED || write_again(ring, lost, count, err);
    }
    free_unsynced(lost, count);
    if (!failed)
        return absorb_synced(store, stream, err);
    rw_ring_abandon(ring);
    rw_ring_forget_unsynced(ring);
    give_back(ring, tried, tries + 1);
    return -1;
}

static int sync_stream(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    if (!ring->unsynced_count)
        return 0;
    return rw_ring_sync(ring, err) ? move_on(store, stream, err)
                                   : absorb_synced(store, stream, err);
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
        start_us < ring->newest_us || start_us < ring->base_us)
        return false;
    int64_t hole = start_us - ring->newest_us;
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
    if (ring->open >= 0 && sync_stream(store, (int)stream, err))
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

/* --- fragments --- */

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
            failed = absorb_synced(store, (int)stream, err) ? -2 : 0;
    }
    store->resumed[stream] = true;
    if (failed != -1)
        return failed ? -1 : 0;
    *moved = true;
    return move_on(store, (int)stream, err);
}

/* --- events --- */

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
    } else if (!result && !(rw_ring_unsynced_full(ring) && sync_stream(store, (int)stream, err))) {
        struct rw_clock_state clock = store->clock->state(store->clock->self);
        struct rw_record record = {.kind = RW_RECORD_EVENT,
                                   .clock_trust = clock.trust,
                                   .clock_error_us = clock.error_us,
                                   .start_us = event->start_us,
                                   .boot_us = rw_now(store->clock).boot_us,
                                   .length = (uint32_t)payload.size};
        result = rw_ring_write(ring, &record, payload.data, err);
        if (result)
            result = move_on(store, (int)stream, err);
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
    if (rw_index_begin(store->index, err))
        return -1;
    event->revision = rw_index_next_revision(store->index, err);
    char *json = rw_event_to_json(event);
    int failed =
        event->revision < 0 || rw_index_put_event(store->index, event, json, pictures, false, err);
    free(json);
    if (failed) {
        rw_index_rollback(store->index);
        return -1;
    }
    if (rw_index_commit(store->index, err))
        return -1;
    store->index_commits++;
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
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 8;
        list->events = realloc(list->events, (size_t)list->capacity * sizeof *list->events);
        if (!list->events)
            abort();
    }
    list->events[list->count++] = *event;
    return list->count == 64; /* the rest at the next call */
}

static int take_events_to_ring(struct rw_store *store, struct rw_err *err)
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

/* --- the rest --- */

int rw_store_tick(struct rw_store *store, int64_t boot_us, struct rw_err *err)
{
    int failed = 0;
    if (store->index_damaged)
        return rw_fail(err, RW_EFORMAT, "the index of %s is damaged", store->dir);
    if (store->events_wait)
        failed |= take_events_to_ring(store, err);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct rw_ring *ring = &store->ring[stream];
        if (store->has[stream] && ring->unsynced_count &&
            boot_us - ring->unsynced_since_us >= store->sync_us)
            failed |= sync_stream(store, stream, err);
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

void rw_store_close(struct rw_store *store)
{
    if (!store)
        return;
    struct rw_err err = {0};
    int failed = store->events_wait && take_events_to_ring(store, &err);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream])
            failed |= sync_stream(store, stream, &err);
    failed |= flush_index(store, &err);
    if (!failed)
        failed = rw_index_put_meta(store->index, "clean", 1, &err);
    if (failed)
        rw_log(RW_LOG_ERROR, store->camera, "%s; the next start recovers what is on disk",
               err.text);
    free_store(store);
}
