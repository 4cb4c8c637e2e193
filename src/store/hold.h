/* Holds: footage that must not be overwritten. The truth is a small file each,
 * <dir>/holds/<id>.json, and the place of the slots: what is held stands in <dir>/<stream>/held/.
 * Both are moved by rename, nothing is copied. */
#pragma once

#include "base/id.h"
#include "store/store.h"

enum { RW_REASON_SIZE = 256 };

struct rw_hold {
    char id[RW_ULID_SIZE];
    int64_t from_us, to_us; /* UTC; may lie in the future */
    int64_t created_us;     /* UTC */
    int64_t released_us;    /* UTC; 0: in force */
    char by[RW_NAME_SIZE];  /* who asked for it */
    char released_by[RW_NAME_SIZE];
    char reason[RW_REASON_SIZE];
    int slots[RW_STREAMS]; /* room that was taken for it when it was made */
};

struct rw_hold_cost {
    int slots;          /* that must be made for it */
    int64_t bytes;      /* of these */
    int64_t free_bytes; /* of the disk, before */
    double days;        /* of this camera's footage that so many bytes keep */
};

/* What a hold of this span costs; changes nothing. RW_ENOTFOUND: nothing of it is there any more.
 */
int rw_store_hold_cost(struct rw_store *store, int64_t from_us, int64_t to_us,
                       struct rw_hold_cost *cost, struct rw_err *err);
/* Keeps the span, in all streams. The caller sets from_us, to_us, by and reason. Durable when it
 * returns 0. RW_ENOSPC: refused with the numbers, and nothing is changed. */
int rw_store_hold(struct rw_store *store, struct rw_hold *hold, struct rw_hold_cost *cost,
                  struct rw_err *err);
/* Footage that no other hold keeps goes back into the ring, where it is the next to be overwritten.
 * RW_ENOTFOUND: no such hold in force. */
int rw_store_release(struct rw_store *store, const char *id, const char *by, struct rw_err *err);

/* Every hold of a camera's folder, released ones too, in order of their making. fn returns non-zero
 * to stop. */
int rw_holds_each(const struct rw_disk *disk, const char *dir,
                  int (*fn)(void *arg, const struct rw_hold *hold), void *arg, struct rw_err *err);
