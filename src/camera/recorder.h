/* The recorder thread: the only writer of the camera's directory. Packets, events and states come
 * by mail. */
#pragma once

#include "base/mailbox.h"
#include "camera/board.h"
#include "camera/dialer.h"
#include "store/store.h"

struct rw_recorder_options {
    const char *camera;
    struct rw_store *store; /* the thread's own until it is stopped */
    bool streams[RW_STREAMS];
    struct rw_mailbox *mailbox;
    struct rw_board *board;
    struct rw_dialer *dialer; /* pokes the alerts role when there is something to tell */
    const struct rw_clock *clock;
};

struct rw_recorder;

/* Borrows everything in the options until stopped. */
struct rw_recorder *rw_recorder_start(const struct rw_recorder_options *options,
                                      struct rw_err *err);
/* Closes the mailbox, writes what is in it and what is held, waits. Takes NULL. */
void rw_recorder_stop(struct rw_recorder *recorder);
