/* Walking the records of one slot file. Bounded and total over any bytes. */
#pragma once

#include "base/buf.h"
#include "base/disk.h"
#include "roadwatch/event.h"
#include "store/fragment.h"

struct rw_scan {
    const struct rw_disk *disk;
    int fd; /* borrowed */
    int64_t slot_size;
    uint8_t ring[16];
    uint32_t init_length; /* ftyp moov */
    uint8_t init_hash[RW_HASH_SIZE];
    int64_t at;        /* where the next record would stand */
    uint64_t last_seq; /* 0: none yet */
    bool search;       /* behind damage, look for the next record instead of ending there */
    int64_t aged_to;   /* end of the free box that aged footage has left, 0: none was met */
    bool lost;         /* the last record returned stands behind such damage */
};

/* Reads the init segment. -1 with RW_EFORMAT: the slot is empty or not ours; RW_EIO. */
int rw_scan_open(struct rw_scan *scan, const struct rw_disk *disk, int fd, int64_t slot_size,
                 const uint8_t ring[16], struct rw_err *err);
/* Goes on behind a record already known. */
void rw_scan_skip_to(struct rw_scan *scan, int64_t at, uint64_t last_seq);
/* 1: *record stands at *offset (its header checks; the payload was not read). 0: no more records of
 * this lap. -1: the disk refused. Passes over the one free box that aged footage leaves at a slot's
 * beginning. */
int rw_scan_next(struct rw_scan *scan, struct rw_record *record, int64_t *offset,
                 struct rw_err *err);
/* Does a record from here on have this link? */
bool rw_scan_find_link(struct rw_scan *scan, const uint8_t link[RW_HASH_SIZE]);
/* Is what stands at the offset a good record of this sequence number and payload length? 1 yes,
 * 0 no, -1 the disk refused. The payload is hashed. */
int rw_scan_check(struct rw_scan *scan, int64_t offset, uint64_t seq, uint32_t length,
                  struct rw_err *err);
/* The same, and appends the payload to out. */
int rw_scan_load(struct rw_scan *scan, int64_t offset, uint64_t seq, uint32_t length,
                 struct rw_buf *out, struct rw_err *err);
/* Reads and hashes the payload: 1 good, 0 damaged, -1 the disk refused. */
int rw_scan_verify(const struct rw_scan *scan, const struct rw_record *record, int64_t offset,
                   struct rw_err *err);
/* The event of a record: 1, 0: the payload is none that we know, -1 the disk refused. *pictures
 * points into the payload, which is the caller's to finish. */
int rw_scan_event(const struct rw_scan *scan, const struct rw_record *record, int64_t offset,
                  struct rw_buf *payload, struct rw_event *event, struct rw_pictures *pictures,
                  struct rw_err *err);
