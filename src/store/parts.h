/* The store's own parts, shared by store.c (fragments), opening.c, turning.c (from the ring to the
 * index, from slot to slot), keeping.c (events), holding.c (holds) and aging.c (max_age). Recorder
 * thread only. */
#pragma once

#include "store/hold.h"
#include "store/index.h"
#include "store/ring.h"

enum rw_time_state {
    RW_TIME_GOOD,
    RW_TIME_BAD,   /* there may be rows of a bad clock */
    RW_TIME_FOUND, /* and the clock has become good: they are corrected at the next sync */
};

struct rw_aging {
    int64_t next_boot_us;   /* when to look again */
    int64_t offset_us;      /* UTC minus CLOCK_BOOTTIME at the last look: a step is told by it */
    int64_t steady_boot_us; /* since when the clock of day has made no step */
    bool wal_wait;          /* pictures were deleted: the WAL is to be zeroed */
};

struct rw_store {
    /* recorder thread only */
    char dir[512], camera[33];
    const struct rw_disk *disk;
    const struct rw_clock *clock;
    int64_t sync_us, max_age_us;
    int64_t keep[RW_STREAMS]; /* bytes of the ring, the held slots not counted */
    int lock;
    struct rw_index *index;
    bool has[RW_STREAMS];
    struct rw_ring ring[RW_STREAMS];
    struct rw_chunk chunk[RW_STREAMS]; /* synced records without a row yet */
    struct rw_chunk *full;             /* full ones that wait for their row; owned */
    int full_count;
    bool resumed[RW_STREAMS];       /* something was appended since it was opened */
    int64_t opened_boot_us;         /* CLOCK_BOOTTIME */
    int64_t deleted_us[RW_STREAMS]; /* as in rw_ring_row */
    int64_t aged_us[RW_STREAMS];
    enum rw_time_state time_state[RW_STREAMS];
    struct {
        int64_t from_us, to_us; /* UTC minus CLOCK_BOOTTIME before the last step and since */
        enum rw_clock_trust from_trust, to_trust;
    } stepped;
    bool index_damaged;
    int64_t look_boot_us;  /* when to look again whether the disk is still ours */
    struct rw_hold *holds; /* those in force; owned */
    int hold_count;
    struct rw_aging aging;
    bool index_waits; /* rows were refused: tried again every tick */
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

/* --- turning.c --- */
/* Slots that the budget has no room for leave the index, then the disk, the oldest first; the one
 * that is next then leaves the index. */
int rw_store_shrink(struct rw_store *store, int stream, struct rw_err *err);
/* A slot's rows go, then its file. */
int rw_store_remove_slot(struct rw_store *store, int stream, int number, struct rw_err *err);
/* Where the oldest footage that is not held begins now. moved: its times were corrected, nothing
 * was deleted. */
int rw_store_measure(struct rw_store *store, int stream, bool moved, struct rw_err *err);
int rw_store_put_ring_row(struct rw_store *store, int stream, int open_slot, struct rw_err *err);

/* --- hold_file.c --- */
/* Durable when it returns 0. */
int rw_hold_write(const struct rw_disk *disk, const char *dir, const struct rw_hold *hold,
                  struct rw_err *err);

/* A killed program may have made a hold that only memory has: nobody is told of it before a cut can
 * no longer take it. */
int rw_holds_sync(const struct rw_disk *disk, const char *dir, struct rw_err *err);

/* --- holding.c --- */
/* Reads the holds' files, moves slots that should be held or no longer be, sets the budgets. */
int rw_store_open_holds(struct rw_store *store, struct rw_err *err);
/* A slot was closed: it is held where a hold asks for it. Never fails a turn: says so in the log.
 */
void rw_store_keep_closed(struct rw_store *store, int stream);
/* Marks by number the slots that some hold in force asks for. NULL: failed. Free with free(). */
bool *rw_store_asked_for(struct rw_store *store, int stream, struct rw_err *err);
void rw_store_free_holds(struct rw_store *store);

/* --- aging.c --- */
int rw_store_open_aging(struct rw_store *store, struct rw_err *err);
/* Deletes what is older than max_age, a few MiB a call. */
int rw_store_age(struct rw_store *store, struct rw_now now, struct rw_err *err);
/* The slot is about to be written anew: what the index has forgotten of it is still in the file. */
void rw_store_note_stale(struct rw_store *store, int stream, int slot);
/* The open slot is about to be closed: what the lap before left behind its last record is zeroed at
 * once. Later nobody knows of it, and the slot's own footage is younger. */
void rw_store_clean_tail(struct rw_store *store, int stream);
