/* The ingest thread: one stream of one camera, kept connected; every packet goes to the recorder,
 * and to the watcher where that looks at this stream. */
#pragma once

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "camera/board.h"
#include "config/config.h"
#include "media/source.h"

struct rw_ingest_options {
    const char *camera; /* id, for the log */
    const struct rw_stream_config *config;
    enum rw_stream stream;
    struct rw_mailbox *recorder;
    struct rw_mailbox *watcher; /* NULL: this stream is not watched */
    struct rw_board *board;
    struct rw_cancel *cancel;   /* ends the thread */
    const struct rw_dial *dial; /* who connects */
    struct rw_tls *tls;         /* NULL: the url is not of rtsps */
    const struct rw_clock *clock;
};

struct rw_ingest;

/* Borrows everything in the options until stopped. NULL with *err: no thread to be had. */
struct rw_ingest *rw_ingest_start(const struct rw_ingest_options *options, struct rw_err *err);
/* Waits for the thread's end; options.cancel must have been requested. Takes NULL. */
void rw_ingest_stop(struct rw_ingest *ingest);
