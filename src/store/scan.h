/* Walking the records of one slot file. Bounded and total over any bytes. */
#pragma once

#include "base/disk.h"
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
};

/* Reads the init segment. -1 with RW_EFORMAT: the slot is empty or not ours; RW_EIO. */
int rw_scan_open(struct rw_scan *scan, const struct rw_disk *disk, int fd, int64_t slot_size,
                 const uint8_t ring[16], struct rw_err *err);
/* Goes on behind a record already known. */
void rw_scan_skip_to(struct rw_scan *scan, int64_t at, uint64_t last_seq);
/* 1: *record stands at *offset (its header checks; the payload was not read). 0: no more records of
 * this lap. -1: the disk refused. */
int rw_scan_next(struct rw_scan *scan, struct rw_record *record, int64_t *offset,
                 struct rw_err *err);
/* Reads and hashes the payload: 1 good, 0 damaged, -1 the disk refused. */
int rw_scan_verify(const struct rw_scan *scan, const struct rw_record *record, int64_t offset,
                   struct rw_err *err);
