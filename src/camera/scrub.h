/* The scrub thread: reads every recorded byte again, slowly and at idle priority, and tells the
 * recorder of records that no longer match their hash. A disk that rots is noticed before the day
 * on which the footage is wanted. */
#pragma once

#include "base/cancel.h"
#include "base/disk.h"
#include "base/mailbox.h"

struct rw_scrub_options {
    const char *dir; /* the camera's */
    const struct rw_disk *disk;
    int64_t pass_us;             /* a pass over full rings takes so long */
    struct rw_mailbox *recorder; /* is told */
    struct rw_cancel *cancel;    /* ends the thread */
};

struct rw_scrub;

/* Borrows everything in the options until stopped. NULL with *err: no thread to be had. */
struct rw_scrub *rw_scrub_start(const struct rw_scrub_options *options, struct rw_err *err);
/* Waits for the thread's end; options.cancel must have been requested. Takes NULL. */
void rw_scrub_stop(struct rw_scrub *scrub);
