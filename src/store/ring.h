/* One stream's ring of slots on disk: the file side. Knows nothing of SQLite; what is written is
 * told to the caller as records, who keeps the index. Recorder thread only. */
#pragma once

#include "base/buf.h"
#include "store/scan.h"
#include "store/store.h"

struct rw_slot {
    bool present;      /* the file is there and of the right size */
    uint64_t last_seq; /* of its newest record, 0: empty */
};

/* A fragment written but not synced: kept until it is, in case the slot must be abandoned. */
struct rw_unsynced {
    struct rw_record record;
    int64_t offset;
    struct rw_buf payload;
};
enum { RW_UNSYNCED_MAX = 128 };

struct rw_ring {
    const struct rw_disk *disk;
    const struct rw_clock *clock;
    char dir[512];
    enum rw_stream stream;
    uint8_t id[16];
    int64_t slot_size;
    int slots;            /* how many are in use */
    int numbers;          /* file numbers run from 0 to below this */
    struct rw_slot *slot; /* by number; owned */

    int open;           /* number of the open slot, -1: none */
    int fd;             /* of the open slot, -1 */
    int64_t at;         /* where the next record goes */
    int64_t base_us;    /* UTC of the slot's media time 0 */
    struct rw_buf init; /* ftyp moov of the open slot */
    uint8_t init_hash[RW_HASH_SIZE];

    uint64_t next_seq;
    uint8_t link[RW_HASH_SIZE];        /* of the newest record */
    uint8_t synced_link[RW_HASH_SIZE]; /* of the newest synced one */
    int64_t born_us;                   /* 0: nothing was ever recorded */
    int64_t newest_us;                 /* end of the newest fragment */
    int64_t synced_newest_us;          /* end of the newest synced one */
    uint8_t boot_id[16];               /* this boot's */

    struct rw_unsynced unsynced[RW_UNSYNCED_MAX];
    int unsynced_count;
    int64_t unsynced_since_us; /* boot-time start of the oldest unsynced picture */
    size_t unsynced_bytes;

    struct rw_buf scratch; /* header, payload and free header of one write */
    struct rw_store_counters counters;
};

/* What a ring on disk says of itself: ring.json. */
struct rw_ring_label {
    uint8_t id[16];
    int64_t slot_size;
    int slots, numbers;
};

/* Opens what is there or makes it, all slots allocated; does not look into the slots.
 * The ring's memory is the caller's; finish in all cases. */
int rw_ring_init(struct rw_ring *ring, const struct rw_store_options *options,
                 enum rw_stream stream, struct rw_err *err);
void rw_ring_finish(struct rw_ring *ring);
/* Reads <dir>/ring.json. 1 there, 0 not there, -1 with *err. site and camera may be NULL. */
int rw_ring_read_label(const struct rw_disk *disk, const char *dir, const char *site,
                       const char *camera, struct rw_ring_label *label, struct rw_err *err);
/* Bytes of slots that are not there yet. */
int64_t rw_ring_missing(const struct rw_store_options *options, enum rw_stream stream);

void rw_slot_path(const char *dir, int number, char *out, size_t size);

/* The slot to be written after the open one: an empty one, else the one with the oldest records. */
int rw_ring_next_slot(const struct rw_ring *ring);
/* Makes slot `number` the open one and writes its init segment. */
int rw_ring_begin(struct rw_ring *ring, int number, const uint8_t *init, size_t size,
                  int64_t base_us, struct rw_err *err);
/* Takes an existing slot as the open one, writing on at `at`; writes its free box anew. */
int rw_ring_resume(struct rw_ring *ring, int number, const struct rw_scan *scan, int64_t base_us,
                   struct rw_err *err);
size_t rw_ring_room(const struct rw_ring *ring);
/* Completes the record (ring, sequence, link, hashes, boot) and writes it with its payload. In all
 * cases but RW_EFULL it then is the last of ring->unsynced. */
int rw_ring_write(struct rw_ring *ring, struct rw_record *record, const uint8_t *payload,
                  struct rw_err *err);
bool rw_ring_unsynced_full(const struct rw_ring *ring); /* a sync must come before the next write */
/* Syncs the open slot. ring->unsynced then is on disk: use it, and forget it. */
int rw_ring_sync(struct rw_ring *ring, struct rw_err *err);
void rw_ring_forget_unsynced(struct rw_ring *ring);
/* Leaves the open slot as it is; it will be the last to be used again. What was not synced is no
 * part of the chain any more. */
void rw_ring_abandon(struct rw_ring *ring);
