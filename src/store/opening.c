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

/* Kept free beside the slots, for the index and the file system's own needs. */
#define DISK_RESERVE (INT64_C(16) << 20)
/* What a slot's rows take in the index: 64 MiB are some 5 minutes of a main stream, half an hour of
 * a sub stream. */
#define INDEX_PER_SLOT 4096
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

/* Blocks that the index will need while it grows, so that a disk filled by somebody else does not
 * stop a turn. Before SQLite opens the files: closing a descriptor would drop its locks. */
static void reserve_index(const struct rw_store *store, const struct rw_store_options *options)
{
    static const char *const ends[] = {"", "-wal"};
    const struct rw_disk *disk = store->disk;
    int64_t slots = (int64_t)options->slots[RW_MAIN] + 6 * (int64_t)options->slots[RW_SUB];
    int64_t sizes[] = {(INT64_C(4) << 20) + slots * INDEX_PER_SLOT, INT64_C(8) << 20};
    for (int i = 0; i < 2; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/index.db%s", store->dir, ends[i]);
        int fd = disk->open(disk->self, path, O_RDWR | O_CREAT, 0640);
        if (fd < 0)
            continue;
        if (disk->reserve(disk->self, fd, sizes[i]))
            rw_log(RW_LOG_DEBUG, store->camera, "no blocks are reserved for %s", path);
        disk->close(disk->self, fd);
    }
}

static int open_index(struct rw_store *store, struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/index.db", store->dir);
    store->index = rw_index_create(store->disk, path, err);
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
        store->disk->rename(store->disk->self, path, aside);
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
    int failed = check_room(options, err) || open_parts(store, options, err);
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
    rw_index_close(store->index);
    if (store->lock >= 0)
        store->disk->close(store->disk->self, store->lock);
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
    store->disk = options->disk;
    store->clock = options->clock;
    store->sync_us = options->sync_us;
    store->lock = -1;
    store->opened_us = rw_now(store->clock).utc_us;
    if (!rw_disk_make_path(store->disk, store->dir, err) && !take_lock(store, err) &&
        !make_rings(store, options, err)) {
        reserve_index(store, options);
        if (!open_and_recover(store, err) && !shrink_rings(store, err))
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
