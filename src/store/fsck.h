/* The checker of the invariants I1 to I5 (see README.md here), and the rebuilder of the index. */
#pragma once

#include "store/store.h"

struct rw_fsck_report {
    int slots, records, events;
    int64_t bytes; /* read and hashed */
    int problems;
    int damaged; /* records known and marked as damaged: no problem any more */
    bool rebuilt;
};
/* Reads every slot of every ring in dir, hashes every record, follows the chain, compares with the
 * index. say() gets one sentence a problem. With rebuild the index is made anew from the slots
 * (RW_EBUSY while a writer is alive). Returns 0 when it could look, whatever it found. */
int rw_fsck(const char *dir, const struct rw_disk *disk, bool rebuild,
            void (*say)(void *arg, const char *sentence), void *arg, struct rw_fsck_report *report,
            struct rw_err *err);
