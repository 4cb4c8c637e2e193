/* The store's own parts, shared by store.c (fragments), opening.c, turning.c (from the ring to the
 * index, from slot to slot) and keeping.c (events). Recorder thread only. */
#pragma once

#include "store/index.h"
#include "store/ring.h"

struct rw_store {
    /* recorder thread only */
    char dir[512], camera[33];
    const struct rw_disk *disk;
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

/* Rows for what is synced, as it is now; a chunk that goes on is replaced later. */
int rw_store_flush(struct rw_store *store, struct rw_err *err);
void rw_store_forget_full(struct rw_store *store);
/* What is synced goes into the chunk; a full chunk becomes a row. */
int rw_store_absorb(struct rw_store *store, int stream, struct rw_err *err);
/* Syncs the open slot; where the disk refuses, moves on. */
int rw_store_sync(struct rw_store *store, int stream, struct rw_err *err);
/* The disk refused the open slot: leaves it, and writes everything since its last sync again to the
 * next, up to three of them. */
int rw_store_move_on(struct rw_store *store, int stream, struct rw_err *err);
/* Ended events whose record is not in the ring yet. */
int rw_store_events_to_ring(struct rw_store *store, struct rw_err *err);
