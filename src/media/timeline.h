/* Honest time for packets. A camera's RTP time gives the spacing of pictures, the box's clock gives
 * the time of day: the camera's clock is measured, never trusted. Arrival is late by a varying
 * delay, never early. So a picture that comes earlier than foretold pulls the offset down soon,
 * while the smallest delay of a window raises it slowly, and pictures stay evenly spaced. A jump
 * (camera restarted its clock, box stepped its own) is taken at once and marked. Pictures that a
 * stalled network holds back keep their spacing. Pure arithmetic: no clock of its own, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct rw_timeline {
    /* ingest thread only */
    bool started;
    bool have_media;       /* last_media_us and offset_us are set */
    int64_t last_media_us; /* camera time of the last packet */
    int64_t offset_us;     /* boot_us = media_us + offset_us */
    int64_t window_min_us; /* smallest arrival - media seen in the open window */
    int64_t window_end_us; /* camera time */
    int64_t target_us;     /* smallest of the last window */
    int64_t utc_offset_us; /* utc_us = boot_us + utc_offset_us */
    int64_t last_boot_us, last_dts_us;
    int64_t recent_us[8]; /* utc_us of the last packets, newest last */
    int recent_count;
    int depth; /* pictures that may be sent before one shown earlier: B-frames */
};

/* dts_us grows with every packet, but where a jump sets it back together with utc_us. It is at most
 * utc_us, except for the first pictures after B-frames show. */
struct rw_stamp {
    int64_t utc_us, boot_us, dts_us;
    bool jumped;
};

void rw_timeline_init(struct rw_timeline *timeline);
/* media_us: the camera's timestamp, or INT64_MIN where it sent none. */
struct rw_stamp rw_timeline_stamp(struct rw_timeline *timeline, int64_t media_us,
                                  struct rw_now arrival);
