/* A camera's directory: its rings and its index. One process opens it for writing (a lock says so),
 * one thread of that process writes. Everybody else reads through reader.h.
 *
 *   <dir>/lock            held while a writer is alive
 *   <dir>/index.db        SQLite, WAL, synchronous=FULL: a cache of the slots, and the events
 *   <dir>/main/ring.json  whose ring this is: ring id, site, camera, stream, slot size
 *   <dir>/main/00000.mp4  slots, all allocated when the ring is made
 *   <dir>/sub/…           the same
 */
#pragma once

#include "base/clock.h"
#include "base/disk.h"
#include "roadwatch/event.h"
#include "store/fragment.h"

enum rw_stream { RW_MAIN = 0, RW_SUB = 1, RW_STREAMS = 2 };
const char *rw_stream_name(enum rw_stream stream);
/* What a stream is taken to need until it has been recorded for a while, bits a second. */
double rw_stream_bits(enum rw_stream stream);

/* A camera whose newest picture on disk is younger than this records now: a fragment is up to a
 * second long, its last picture is held for the next one, and a sync may be slow. */
#define RW_RECORDING_US INT64_C(6000000)

struct rw_store_options {
    const char *dir; /* <storage>/<camera> */
    const char *site, *camera;
    int slots[RW_STREAMS]; /* 0: no such stream. With slot_size what `keep` allows: a ring that has
                            * more gives it back, one that has less takes it, and slots of another
                            * size are replaced as the ring turns */
    int64_t slot_size;
    int64_t sync_us;    /* storage.sync */
    int64_t max_age_us; /* storage.max_age; 0: none */
    const struct rw_disk *disk;
    const struct rw_clock *clock;
};

struct rw_store;

/* Makes what is missing, takes the lock, recovers the open slots, brings the index up to the files.
 * Failures are one sentence without the camera's id. RW_EBUSY: another program writes here.
 * RW_EFOREIGN: the directory is another box's or camera's. RW_ENOSPC: the ring does not fit; the
 * sentence has the numbers, and nothing was left half-made. */
struct rw_store *rw_store_open(const struct rw_store_options *options, struct rw_err *err);
/* Syncs, writes the index, notes a clean end, unlocks. Takes NULL. */
void rw_store_close(struct rw_store *store);

/* Bytes left in the open slot for one more record's payload; 0 when there is no open slot. */
size_t rw_store_room(const struct rw_store *store, enum rw_stream stream);
/* Payload bytes that an empty slot takes after an init segment of this size. */
size_t rw_store_capacity(const struct rw_store *store, size_t init_size);
/* May a run of pictures that begins at start_us go on in the open slot (after a reconnection or a
 * restart of the program)? Yes when the slot has the same init segment and the hole is not absurd;
 * *base_us is then the UTC of the slot's media time 0. A camera that comes and goes does not eat
 * the ring slot by slot. */
bool rw_store_resumable(const struct rw_store *store, enum rw_stream stream, const uint8_t *init,
                        size_t size, int64_t start_us, int64_t *base_us);
/* Turns to the next slot, whose first bytes will be init (ftyp moov, copied) and whose media time 0
 * is base_us. */
int rw_store_begin(struct rw_store *store, enum rw_stream stream, const uint8_t *init, size_t size,
                   int64_t base_us, struct rw_err *err);

struct rw_fragment_in {
    const uint8_t *bytes; /* moof mdat */
    size_t size;
    int64_t start_us, boot_us, duration_us;
    bool keyframe;
    bool came_damaged;   /* as in a record */
    int64_t step_us;     /* clock step before it, 0: none: kept as a row */
    enum rw_cause cause; /* why there is a hole before it, where there is one */
};
/* How long fragments should be, so that storage.sync can be kept. */
int64_t rw_store_fragment_us(const struct rw_store *store);
/* Writes a fragment to the open slot, in one write, and syncs when storage.sync asks for it. A hole
 * between the last fragment's end and this start becomes the gap that `cause` names (in part
 * recorder-off or power, where this is the first since the store was opened).
 * Where the disk refuses, the slot is abandoned and everything since its last sync is written again
 * to the next one; *moved says so. 1 with *err: three slots refused, there is no open slot, and the
 * fragment waits in memory with those before it. -1: it was not taken (RW_EFULL: it does not fit,
 * begin another slot). An index that refuses is told by rw_store_tick(). */
int rw_store_append(struct rw_store *store, enum rw_stream stream, const struct rw_fragment_in *in,
                    bool *moved, struct rw_err *err);
/* Finds a slot for fragments that wait in memory, and writes them. 0: none wait any more; the slot
 * that took them is open. */
int rw_store_revive(struct rw_store *store, enum rw_stream stream, struct rw_err *err);
/* Do some? */
bool rw_store_waits(const struct rw_store *store, enum rw_stream stream);
/* Syncs both rings if they would be due before the next tick after this CLOCK_BOOTTIME, and writes
 * the index when it has waited long enough. To be called this often. */
#define RW_STORE_TICK_US INT64_C(1000000)
int rw_store_tick(struct rw_store *store, int64_t boot_us, struct rw_err *err);

/* Keeps an event: new where its id is, else changed. Sets event->revision, and an end before the
 * start (the clock was set back) to the start. Row and pictures are one
 * transaction, synced before this returns. pictures may be NULL (as they were). With phase end
 * its record also goes into the ring of the first stream. */
int rw_store_put_event(struct rw_store *store, struct rw_event *event,
                       const struct rw_pictures *pictures, struct rw_err *err);

/* The record's bytes no longer match its hash: readers are told so from now on. */
int rw_store_mark_damaged(struct rw_store *store, enum rw_stream stream, uint64_t seq, int slot,
                          struct rw_err *err);

/* An event as it is kept now: 1 there, 0 not there, -1 failed. */
int rw_store_get_event(struct rw_store *store, const char *id, struct rw_event *event,
                       struct rw_err *err);

/* Small numbers that outlive the process ("disarmed"); 0 when never put. */
int rw_store_put_word(struct rw_store *store, const char *key, int64_t value, struct rw_err *err);
int64_t rw_store_get_word(struct rw_store *store, const char *key);

/* The camera's state as readers see it, a row of the index. */
int rw_store_put_state(struct rw_store *store, const char *state, int64_t since_us,
                       const char *reason, struct rw_err *err);

/* UTC end of the newest fragment, 0 when there is none. */
int64_t rw_store_newest(const struct rw_store *store, enum rw_stream stream);
/* Events left open by a process that died: calls fn for each; fn may call rw_store_put_event. */
int rw_store_open_events(struct rw_store *store, void (*fn)(void *arg, struct rw_event *event),
                         void *arg, struct rw_err *err);

/* Counters since open, for benchmarks and metrics. */
struct rw_store_counters {
    uint64_t bytes_written, payload_bytes, writes, syncs, index_commits, slots_begun,
        slots_abandoned;
};
struct rw_store_counters rw_store_counters(const struct rw_store *store);

/* What a ring of this many slots needs beyond what is there, and what the disk has. *usable (may be
 * NULL): what is there is enough to record into, if for less time. Works before the directory
 * exists. */
int rw_store_need(const struct rw_store_options *options, int64_t *missing_bytes,
                  int64_t *free_bytes, bool *usable, struct rw_err *err);
/* Kept free beside the slots, for the index and the file system's own needs. */
#define RW_DISK_RESERVE (INT64_C(16) << 20)
