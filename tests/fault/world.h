/* One scenario's world: a disk, a clock, a store of two streams, and what the store has promised so
 * far. The steps that a play is made of; each tells the witness. */
#pragma once

#include "sim_clock.h"
#include "sim_disk.h"
#include "sim_random.h"
#include "store/hold.h"
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
    int64_t clock_off_us;       /* the true time minus what the clock says, since a boot in 1970 */
    bool battery;               /* behind its clock: it does not boot in 1970 */
    bool stepped;               /* the clock has jumped: the newest is not the latest */
    int slots_sure[RW_STREAMS]; /* of the ring, at the least, while slots of several sizes are in it
                                 */
    int64_t largest;            /* slot that may be in it */
    int begun[RW_STREAMS];      /* slots since its geometry was changed */
    int open_event;             /* index of the witness's event that goes on, -1: none */
    bool faulty;                /* the disk refuses things now */
    bool storms;                /* disks that refuse and lie, not only cuts */
    bool calm;                  /* this scenario's disk refuses nothing */
    bool rebuilt;               /* the index was made anew */
    bool steps;                 /* its clock does not only run */
    int64_t age_done_us;        /* what is older was told as deleted last */
    bool opened;                /* the store has been, so there is something to look at */
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
double world_seconds(int64_t utc_us); /* since the scenario began */

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
int world_version(const struct rw_event *event); /* of those that were asked for */
void world_begin_event(struct world *world);
void world_change_event(struct world *world, bool end);
void world_put_word(struct world *world);
void world_end_open_events(struct world *world); /* as a recorder does when it starts */
/* The store refused something. In good weather that is a broken promise. */
void world_refuse(struct world *world, const char *what, const struct rw_err *err);

/* --- holds.c --- */

void world_hold(struct world *world); /* in the past, running, or to come */
void world_hold_span(struct world *world, int64_t from_us, int64_t to_us); /* relative to now */
void world_release(struct world *world);
void world_release_all(struct world *world);
/* Their files are as they were asked for; one that was not acknowledged is settled. */
void world_check_holds(struct world *world);

/* What a reader sees now is right; strict: and everything promised is there. */
void world_check(struct world *world, bool strict);
/* fsck finds nothing. */
void world_fsck(struct world *world, bool rebuild);
/* The store is closed. The checker finds nothing; the index made anew tells the same. */
void world_check_files(struct world *world);

/* --- geometry.c --- */

/* `keep` and `slot_size` are others when it is opened next. */
void world_change_geometry(struct world *world);
/* The rings' files are what was asked for. */
void world_check_geometry(struct world *world);

/* --- clocks.c --- */

void world_step_clock(struct world *world); /* hours ahead, or back by up to a day */
void world_set_clock(struct world *world);  /* of a box that has booted in 1970 */

/* --- ages.c --- */

/* The store has a look at max_age, at the latest now. */
void world_note_age(struct world *world);
/* Time goes on until some of it is too old, and the store is told so until all that is due is done.
 */
void world_let_age(struct world *world);
/* A rebuild has found events again in slots that are held, or not due yet: they are deleted anew.
 */
void world_events_are_back(struct world *world);
/* Nothing that was told as deleted can be carved from the disk. */
void world_check_aged(struct world *world);
