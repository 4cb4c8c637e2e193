/* One scenario's world: a disk, a clock, a store of two streams, and what the store has promised so
 * far. The steps that a play is made of; each tells the witness. */
#pragma once

#include "sim_clock.h"
#include "sim_disk.h"
#include "sim_random.h"
#include "store/store.h"
#include "witness.h"

#define SECOND INT64_C(1000000)
#define ROOT "/disk"
#define DIR ROOT "/gate"

enum { INIT_MAX = 700, PAYLOAD_MAX = 1 << 16 };

struct camera {
    bool running; /* a run of pictures goes on */
    int kind;     /* of its init segment */
    uint8_t init[INIT_MAX];
    size_t init_size;
    enum rw_cause cause; /* why the next fragment may have a hole before it */
    bool waits; /* fragments are in memory only: no slot takes them, and they go with the program */
    int64_t step_us; /* a clock step that the next fragment tells of */
};

struct world {
    bool verbose;
    struct sim_random random;
    struct sim_disk *disk;
    const struct rw_disk *table;
    struct sim_clock clock;
    struct rw_store_options options;
    struct rw_store *store; /* NULL: closed, or it could not be opened */
    struct camera camera[RW_STREAMS];
    int open_event; /* index of the witness's event that goes on, -1: none */
    bool faulty;    /* the disk refuses things now */
    bool storms;    /* disks that refuse and lie, not only cuts */
    bool rebuilding;
    bool rotten;       /* the disk has lied: what it holds may be anything */
    bool rotten_index; /* of index.db too: rows may be of pages that never arrived */
    struct witness witness;
    char failure[400]; /* the first thing that was wrong; "" : nothing */
};

void world_init(struct world *world, uint64_t seed, bool verbose, bool storms);
void world_finish(struct world *world);
bool world_well(const struct world *world); /* nothing was wrong so far */
/* A promise is broken: the scenario is over. */
void world_blame(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_tell(struct world *world, const char *format, ...) /* with verbose only */
    __attribute__((format(printf, 2, 3)));

/* False: it could not be opened, which is blamed in good weather. */
bool world_open(struct world *world);
void world_close(struct world *world); /* the memory too, where the disk is dead */
/* After a cut or a kill: the box boots, or the program starts again. */
void world_power_on(struct world *world, bool killed);

void world_pass(struct world *world, int64_t us);
void world_tick(struct world *world);
/* Time goes on by duration_us, and both cameras give a fragment of it. */
void world_record(struct world *world, int64_t duration_us);
void world_lose_camera(struct world *world, int64_t us);
void world_change_camera(struct world *world, enum rw_stream stream);
void world_begin_event(struct world *world);
void world_change_event(struct world *world, bool end);
void world_put_word(struct world *world);
void world_end_open_events(struct world *world); /* as a recorder does when it starts */

/* What a reader sees now is right; strict: and everything promised is there. */
void world_check(struct world *world, bool strict);
/* fsck finds nothing. */
void world_fsck(struct world *world, bool rebuild);
/* The store is closed. The checker finds nothing; the index made anew tells the same. */
void world_check_files(struct world *world);
