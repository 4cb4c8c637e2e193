/* Opening and closing a store: the lock, the rings, the index, recovery. */
#include "store/parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "store/rebuild.h"
#include "store/recover.h"

/* What a slot's rows take in the index: 64 MiB are some 5 minutes of a main stream, half an hour of
 * a sub stream. */
#define INDEX_PER_SLOT 4096
#define WAL_ROOM (INT64_C(8) << 20)

int rw_store_need(const struct rw_store_options *options, int64_t *missing_bytes,
                  int64_t *free_bytes, bool *usable, struct rw_err *err)
{
    bool all = true;
    *missing_bytes = 0;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        bool this_one = true;
        if (options->slots[stream])
            *missing_bytes += rw_ring_missing(options, (enum rw_stream)stream, &this_one);
        all = all && this_one;
    }
    if (usable)
        *usable = all;
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

/* *fill: there is room for what is missing. A ring that is there is recorded into even so. */
static int check_room(const struct rw_store_options *options, bool *fill, struct rw_err *err)
{
    int64_t missing, available;
    bool usable;
    char want[RW_TIME_SIZE], have[RW_TIME_SIZE];
    if (rw_store_need(options, &missing, &available, &usable, err))
        return -1;
    *fill = !missing || missing + RW_DISK_RESERVE <= available;
    if (*fill || usable)
        return 0;
    return rw_fail(err, RW_ENOSPC,
                   "the ring does not fit: it needs %s more and the disk of %s has %s free; lower "
                   "`keep` or free the disk",
                   rw_format_size(missing + RW_DISK_RESERVE, want), options->dir,
                   rw_format_size(available, have));
}

static int take_lock(struct rw_store *store, struct rw_err *err)
{
    char path[600];
    struct rw_err why;
    snprintf(path, sizeof path, "%s/lock", store->dir);
    store->lock = rw_disk_lock(store->disk, path, false, &why);
    if (store->lock >= 0)
        return 0;
    if (why.code == RW_EBUSY)
        return rw_fail(err, RW_EBUSY,
                       "another roadwatch program records into %s; stop it, or give this one "
                       "another storage.path",
                       store->dir);
    return rw_fail(err, why.code, "%s", why.text);
}

/* Room that the index will need while it grows, so that a disk filled by somebody else does not
 * stop a turn. */
static int64_t index_room(const struct rw_store *store)
{
    int64_t slots = 0;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream])
            slots +=
                store->keep[stream] / store->ring[stream].slot_size * (stream == RW_SUB ? 6 : 1);
    return (INT64_C(4) << 20) + slots * INDEX_PER_SLOT;
}

/* Before SQLite opens them: the files are made as their folder's owner, and there are blocks for
 * the WAL. A transaction whose sync was refused, of a program then killed, may stand in memory only
 * and look whole. SQLite would go on behind it, and a cut would take all that followed: so it has
 * to see what the disk has. (The sync writes what can be written; a refusal changes nothing.) */
static void prepare_index_files(const struct rw_store *store)
{
    static const char *const ends[] = {"", "-wal"};
    const struct rw_disk *disk = store->disk;
    for (int i = 0; i < 2; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/index.db%s", store->dir, ends[i]);
        int fd = disk->open(disk->self, path, O_RDWR | O_CREAT, 0640);
        if (fd < 0)
            continue;
        if (i && disk->reserve(disk->self, fd, WAL_ROOM))
            rw_log(RW_LOG_DEBUG, store->camera, "no blocks are reserved for %s", path);
        disk->fdatasync(disk->self, fd);
        if (disk->forget)
            disk->forget(disk->self, fd, 0, 0);
        disk->close(disk->self, fd);
    }
}

static int open_index(struct rw_store *store, struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/index.db", store->dir);
    store->index = rw_index_create(store->disk, path, err);
    if (!store->index)
        return -1;
    rw_index_reserve(store->index, index_room(store));
    return 0;
}

/* The index is a cache: the damaged one is put aside, to be made again from the slots. */
static void put_index_aside(struct rw_store *store, const char *why)
{
    char path[600], aside[600];
    rw_log(RW_LOG_WARNING, store->camera, "%s; the index is made anew from the slots", why);
    rw_index_close(store->index);
    store->index = NULL;
    snprintf(path, sizeof path, "%s/index.db", store->dir);
    snprintf(aside, sizeof aside, "%s/index.db.damaged", store->dir);
    rw_index_rename(store->disk, path, aside);
}

/* A slot was begun when the power went, and nothing in it is whole, perhaps not even its init
 * segment: pictures may be left in it that nobody else knows of. */
static int wipe_begun(struct rw_store *store, int stream, int number, struct rw_err *err)
{
    const struct rw_ring *ring = &store->ring[stream];
    if (number < 0 || number >= ring->count || number == ring->open)
        return 0;
    const struct rw_slot *slot = &ring->slot[number];
    struct rw_wipe wipe = {ring->stream, number, 0, slot->size};
    return slot->size && !slot->held && !slot->last_seq
               ? rw_index_put_wipe(store->index, &wipe, err)
               : 0;
}

static int recover_stream(struct rw_store *store, int stream, bool clean, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    struct rw_ring_row before = {.open_slot = -1}, row = {0};
    if (rw_index_get_ring(store->index, ring->stream, &before, err) < 0 ||
        rw_recover(store->index, ring, clean, err) ||
        rw_index_get_ring(store->index, ring->stream, &row, err) < 0)
        return -1;
    store->deleted_us[stream] = row.deleted_us;
    store->aged_us[stream] = row.aged_us;
    if (!ring->newest.utc_us && !row.deleted_us)
        ring->born_us = 0;                   /* a cut took all there was */
    store->time_state[stream] = RW_TIME_BAD; /* the first good time may find nothing to do */
    return rw_store_measure(store, stream, true, err) ||
                   (store->max_age_us && wipe_begun(store, stream, before.open_slot, err)) ||
                   rw_store_put_ring_row(store, stream, ring->open, err)
               ? -1
               : 0;
}

static int recover_all(struct rw_store *store, struct rw_err *err)
{
    int64_t clean;
    if (rw_index_read_meta(store->index, "clean", &clean, err))
        return -1;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream] && recover_stream(store, stream, clean == 1, err))
            return -1;
    return rw_index_put_meta(store->index, "clean", 0, err);
}

static int recover(struct rw_store *store, struct rw_err *err)
{
    if (rw_index_begin(store->index, err))
        return -1;
    store->events_wait = true;
    return rw_index_end(store->index, recover_all(store, err), err);
}

static int open_parts(struct rw_store *store, const struct rw_store_options *options, bool fill,
                      struct rw_err *err)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (!options->slots[stream])
            continue;
        store->has[stream] = true;
        rw_chunk_init(&store->chunk[stream], (enum rw_stream)stream);
        if (rw_ring_init(&store->ring[stream], options, (enum rw_stream)stream, fill, err))
            return -1;
        store->keep[stream] = store->ring[stream].budget;
    }
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
    rw_rebuild_salvage(store->index, store->disk, aside); /* what was in the index only */
    return 0;
}

/* Rings are measured and made by one process at a time: two could each think that they fit. */
static int make_rings(struct rw_store *store, const struct rw_store_options *options,
                      struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/../allocate.lock", store->dir);
    int turn_lock = rw_disk_lock(store->disk, path, true, err);
    if (turn_lock < 0)
        return -1;
    bool fill;
    int failed = check_room(options, &fill, err) || open_parts(store, options, fill, err);
    store->disk->close(store->disk->self, turn_lock);
    return failed ? -1 : 0;
}

static void free_store(struct rw_store *store)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (store->has[stream])
            rw_ring_finish(&store->ring[stream]);
        rw_chunk_finish(&store->chunk[stream]);
    }
    rw_store_forget_full(store);
    rw_store_free_holds(store);
    rw_index_close(store->index);
    if (store->lock >= 0)
        store->disk->close(store->disk->self, store->lock);
    free(store);
}

struct rw_store *rw_store_open(const struct rw_store_options *options, struct rw_err *err)
{
    struct rw_store *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    snprintf(store->dir, sizeof store->dir, "%s", options->dir);
    snprintf(store->camera, sizeof store->camera, "%s", options->camera);
    store->disk = options->disk;
    store->clock = options->clock;
    store->sync_us = options->sync_us;
    store->lock = -1;
    store->max_age_us = options->max_age_us;
    struct rw_now now = rw_now(store->clock);
    enum rw_clock_trust trust = store->clock->state(store->clock->self).trust;
    store->opened_boot_us = now.boot_us;
    store->stepped.from_us = store->stepped.to_us = now.utc_us - now.boot_us;
    store->stepped.from_trust = store->stepped.to_trust = trust;
    if (!rw_disk_make_path(store->disk, store->dir, err) && !take_lock(store, err) &&
        !make_rings(store, options, err)) {
        prepare_index_files(store);
        if (!open_and_recover(store, err) && !rw_store_open_holds(store, err) &&
            !rw_store_open_aging(store, err))
            return store;
    }
    free_store(store);
    return NULL;
}

void rw_store_close(struct rw_store *store)
{
    if (!store)
        return;
    struct rw_err err = {0};
    int failed = store->events_wait && rw_store_events_to_ring(store, &err);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream])
            failed |= rw_store_sync(store, stream, &err);
    failed |= rw_store_flush(store, &err);
    if (!failed)
        failed = rw_index_put_meta(store->index, "clean", 1, &err);
    if (failed)
        rw_log(RW_LOG_ERROR, store->camera, "%s; the next start recovers what is on disk",
               err.text);
    free_store(store);
}
