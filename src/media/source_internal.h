/* The two kinds of source: source_rtsp.c and source_file.c fill one of these. */
#pragma once

#include <libavformat/avformat.h>

#include "media/internal.h"
#include "media/rtsp/rtsp.h"
#include "media/source.h"
#include "media/timeline.h"
#include "media/url.h"

/* A film in memory and how far it was read. */
struct rw_bytes {
    const uint8_t *data; /* borrowed */
    size_t size, at;
};

struct rw_source {
    struct rw_packet *(*read)(struct rw_source *source, struct rw_err *err);
    struct rw_codec *codec; /* of the packets now */
    bool delivered;         /* a usable keyframe has been handed out; those after it may follow */
    struct rw_heard *heard; /* NULL: nobody wants to know */

    /* rtsp */
    struct rw_rtsp *rtsp;
    struct rw_dial_system own_dial;
    struct rw_tls *own_tls;
    struct rw_rtsp_count counted; /* so much was added to heard */
    int read_timeout_ms;
    struct rw_timeline timeline;
    int64_t first_ticks;      /* RTP time of the first unit; INT64_MIN: none yet */
    bool jump_waits;          /* a jump fell on a picture that was not handed out */
    int64_t keyless_since_us; /* CLOCK_MONOTONIC */

    /* file */
    AVFormatContext *context;
    int stream;      /* index of the video */
    AVPacket *piece; /* scratch */
    int64_t file_start_us, file_next_us, file_dts_us;
    int64_t file_interval_us; /* between pictures */
    int64_t file_zero_us;     /* what the first picture's time becomes */
    bool file_by_dts;         /* its decoding time */
    struct rw_bytes bytes;    /* instead of a file */
    AVIOContext *io;          /* of bytes; owned */
};

struct rw_source *rw_source_create(void);
struct rw_source *rw_source_create_for_file(void); /* NULL: no memory */
/* Finds the video of an open context and reads packets from it; source->codec may be set already.
 * what names it in sentences. */
int rw_source_read_as_file(struct rw_source *source, const char *what, struct rw_err *err);
