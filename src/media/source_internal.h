/* The two kinds of source: source_rtsp.c and source_file.c fill one of these. */
#pragma once

#include <libavformat/avformat.h>

#include "media/internal.h"
#include "media/source.h"
#include "media/timeline.h"
#include "media/url.h"

/* Ends a blocking call of libav. */
struct rw_watchdog {
    struct rw_cancel *cancel;     /* may be NULL */
    int64_t deadline_us;          /* CLOCK_MONOTONIC */
    bool expired;                 /* the deadline ended a call */
    AVFormatContext *context;     /* its url is looked at while opening, NULL after that */
    char place[RW_HOST_SIZE + 8]; /* host:port, the only one it may connect to */
    bool strayed;                 /* a redirect led elsewhere */
};
void rw_watchdog_start(struct rw_watchdog *watchdog, int timeout_ms);

/* Gathers the pieces of one access unit: what bears one RTP timestamp (RFC 6184, 5.1). */
struct rw_gathering {
    struct rw_buf bytes;
    int64_t pts;           /* RTP time, unwrapped */
    bool picture;          /* a slice is among them */
    size_t tail;           /* where units begin that belong to the next picture; 0: none */
    struct rw_now arrival; /* of the last piece */
};

/* A film in memory and how far it was read. */
struct rw_bytes {
    const uint8_t *data; /* borrowed */
    size_t size, at;
};

struct rw_source {
    struct rw_packet *(*read)(struct rw_source *source, struct rw_err *err);
    AVFormatContext *context;
    int stream;             /* index of the video */
    AVPacket *piece;        /* scratch */
    struct rw_codec *codec; /* of the packets now */

    /* rtsp */
    struct rw_watchdog watchdog;
    const struct rw_clock *clock;
    int read_timeout_ms;
    enum rw_codec_id codec_id;
    struct rw_timeline timeline;
    struct rw_gathering gathering;
    bool piece_waits; /* piece begins the next access unit */
    bool ended;
    bool delivered;           /* a usable keyframe has been handed out; those after it may follow */
    bool jump_waits;          /* a jump fell on a packet that was not handed out */
    int64_t keyless_since_us; /* CLOCK_MONOTONIC */

    /* file */
    int64_t file_start_us, file_next_us, file_dts_us;
    int64_t file_interval_us; /* between pictures */
    int64_t file_zero_us;     /* what the first picture's time becomes */
    bool file_by_dts;         /* its decoding time */
    struct rw_bytes bytes;    /* instead of a file */
    AVIOContext *io;          /* of bytes; owned */
};

struct rw_source *rw_source_create(void);
int64_t rw_monotonic_us(void);
/* Finds the video of an open context and reads packets from it; source->codec may be set already.
 * what names it in sentences. */
int rw_source_read_as_file(struct rw_source *source, const char *what, struct rw_err *err);

/* Sees to it that the host's name is known, within the watchdog's time. */
int rw_url_resolve(const struct rw_url *url, const struct rw_watchdog *watchdog,
                   struct rw_err *err);

/* Why it failed, in a sentence. Return -1. rc is libav's. */
int rw_fail_open(const struct rw_source_options *options, const struct rw_url *url,
                 const struct rw_watchdog *watchdog, int rc, struct rw_err *err);
int rw_fail_read(const struct rw_source *source, int rc, struct rw_err *err);
