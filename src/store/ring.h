/* One stream's ring of slots on disk: the file side. Knows nothing of SQLite; what is written is
 * told to the caller as records, who keeps the index. Recorder thread only. */
#pragma once

#include "base/buf.h"
#include "store/scan.h"
#include "store/store.h"

struct rw_slot {
    int64_t size;      /* of the file; 0: there is none */
    uint64_t last_seq; /* of its newest record, 0: empty, or it has left the index */
    uint64_t left_seq; /* of a record that it still holds then; 0: none is known */
    bool held;         /* it stands in held/ and is not overwritten */
    int64_t stale_us;  /* UTC of the oldest picture in it that the index has forgotten; 0: none,
                        * or nobody asks (see aging.c) */
    int64_t stale_end; /* such bytes behind here are zeroed already; 0: none are */
};

/* A fragment written but not synced: kept until it is, in case the slot must be abandoned. */
struct rw_unsynced {
    struct rw_record record;
    int64_t offset;
    struct rw_buf payload;
};
enum { RW_UNSYNCED_MAX = 128 };

struct rw_ring_end {
    int64_t utc_us, boot_us; /* 0: there is none */
    uint64_t boot;           /* rw_boot_number() of the boot that recorded it */
    bool unverified;         /* nobody vouched for the clock, and it was not corrected since */
};

struct rw_ring {
    const struct rw_disk *disk;
    const struct rw_clock *clock;
    char dir[512];
    enum rw_stream stream;
    uint8_t id[16];
    int64_t slot_size;    /* of the slots made from now on; older ones may have another */
    int64_t budget;       /* bytes that all slots but the held ones may take together */
    int count;            /* file numbers run from 0 to below this */
    struct rw_slot *slot; /* by number; owned */

    int open;           /* number of the open slot, -1: none */
    int fd;             /* of the open slot, -1 */
    bool fresh;         /* made just now */
    int left;           /* slot with footage that the disk has just refused: not the next; -1 */
    int64_t at;         /* where the next record goes */
    int64_t base_us;    /* UTC of the slot's media time 0 */
    struct rw_buf init; /* ftyp moov of the open slot */
    uint8_t init_hash[RW_HASH_SIZE];

    uint64_t next_seq;
    uint8_t link[RW_HASH_SIZE];        /* of the newest record */
    uint8_t synced_link[RW_HASH_SIZE]; /* of the newest synced one */
    int64_t born_us;                   /* 0: nothing was ever recorded */
    struct rw_ring_end newest, synced; /* of the newest fragment; of the newest synced one */
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
    int64_t slot_size; /* of new slots */
    int slots;         /* what `keep` made */
};
enum { RW_SLOTS_MIN = 3 }; /* the open one, the next, and the one that readers may still have */

/* --- slots.c: the files --- */

/* Opens what is there or makes it; does not look into the slots. A new ring is allocated wholly or
 * not at all; one that was there goes on with the slots it has where the disk refuses more (fill
 * false: more are not even tried). The ring's memory is the caller's; finish in all cases. */
int rw_ring_init(struct rw_ring *ring, const struct rw_store_options *options,
                 enum rw_stream stream, bool fill, struct rw_err *err);
/* The same for looking only: nothing is made, ring->dir and ring->slot are filled. */
int rw_ring_look(struct rw_ring *ring, const struct rw_disk *disk, const char *dir,
                 enum rw_stream stream, const struct rw_ring_label *label, struct rw_err *err);
void rw_ring_finish(struct rw_ring *ring);
/* Reads <dir>/ring.json. 1 there, 0 not there, -1 with *err. site and camera may be NULL. */
int rw_ring_read_label(const struct rw_disk *disk, const char *dir, const char *site,
                       const char *camera, struct rw_ring_label *label, struct rw_err *err);
/* Is the ring's own disk still there? RW_EFOREIGN: another one is in its place. */
int rw_ring_check_disk(const struct rw_ring *ring, struct rw_err *err);
/* Bytes of slots that are not there yet; *usable: there are enough to record into. */
int64_t rw_ring_missing(const struct rw_store_options *options, enum rw_stream stream,
                        bool *usable);
int64_t rw_ring_bytes(const struct rw_ring *ring); /* of the slots that are not held */
int rw_ring_slots(const struct rw_ring *ring);     /* how many those are */
/* Makes slots as long as the budget has room; all that it makes, or none. */
int rw_ring_fill(struct rw_ring *ring, struct rw_err *err);
/* The same up to so many bytes, once; the budget stays. */
int rw_ring_fill_to(struct rw_ring *ring, int64_t bytes, struct rw_err *err);
/* The file goes away. wipe: its bytes are zeroed before. */
int rw_ring_remove(struct rw_ring *ring, int number, bool wipe, struct rw_err *err);
/* Zeroes [from, to) of a slot's file and syncs it. */
int rw_ring_zero(struct rw_ring *ring, int number, int64_t from, int64_t to, struct rw_err *err);
/* Moves a slot's file into held/ or back. Durable when it returns 0. */
int rw_ring_hold(struct rw_ring *ring, int number, bool held, struct rw_err *err);
/* <dir>/00012.mp4, or below held/ */
void rw_slot_path(const char *dir, int number, bool held, char *out, size_t size);
/* Opens a slot for reading wherever it stands; *size is its file's. -1 with errno. */
int rw_slot_open(const struct rw_disk *disk, const char *dir, int number, int64_t *size);
/* The same, to walk its records. 1: *scan stands before the first one, end it with rw_slot_end().
 * 0: the slot is empty or of another ring. -1 with *err, which names the slot. */
int rw_slot_scan(struct rw_scan *scan, const struct rw_disk *disk, const char *dir, int number,
                 const uint8_t ring[16], struct rw_err *err);
/* A killed program leaves bytes that only memory has: puts them on the disk before a row names
 * them, and begins the scan again from what the disk has. After a sync that it refused the kernel
 * takes such bytes for written: they must not be hashed. As rw_slot_scan(); end the scan in all
 * cases. */
int rw_slot_settle(struct rw_scan *scan, const char *dir, int number, struct rw_err *err);
void rw_slot_end(struct rw_scan *scan);

/* The disk may begin to read this slot, while others are looked at. */
void rw_ring_want(const struct rw_ring *ring, int number);

/* --- ring.c: writing --- */

/* The slot to be written after the open one: an empty one, else one that has left the index, else
 * the one with the oldest records. */
int rw_ring_next_slot(const struct rw_ring *ring);
/* The slot's rows are gone, its bytes are not yet: it keeps its turn. */
void rw_ring_leave(struct rw_ring *ring, int number);
/* Makes slot `number` the open one and writes its init segment. */
int rw_ring_begin(struct rw_ring *ring, int number, const uint8_t *init, size_t size,
                  int64_t base_us, struct rw_err *err);
/* Takes an existing slot as the open one, writing on at `at`; writes its free box anew and syncs
 * it: what is trimmed now must not come back with a cut. */
int rw_ring_resume(struct rw_ring *ring, int number, const struct rw_scan *scan, int64_t base_us,
                   struct rw_err *err);
size_t rw_ring_room(const struct rw_ring *ring);
struct rw_ring_end rw_ring_end_of(const struct rw_record *record); /* of a fragment */
/* Completes the record (ring, sequence, link, hashes, boot) and writes it with its payload. In all
 * cases but RW_EFULL it then is the last of ring->unsynced. */
int rw_ring_write(struct rw_ring *ring, struct rw_record *record, const uint8_t *payload,
                  struct rw_err *err);
bool rw_ring_unsynced_full(const struct rw_ring *ring); /* a sync must come before the next write */
/* Syncs the open slot. ring->unsynced then is on disk: use it, and forget it. */
int rw_ring_sync(struct rw_ring *ring, struct rw_err *err);
void rw_ring_forget_unsynced(struct rw_ring *ring);
/* Takes back what was not synced, for a slot to come. Frees the list itself. */
void rw_ring_carry(struct rw_ring *ring, struct rw_unsynced *list, int count);
/* Leaves the open slot as it is; its turn comes when its footage is the oldest. What was not synced
 * is no part of the chain any more. */
void rw_ring_abandon(struct rw_ring *ring);
