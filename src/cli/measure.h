/* Looking at a camera's stream for some seconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config/config.h"
#include "media/rtsp/tls.h"

struct rw_measure {
    char codec[8]; /* "h264" */
    int width, height;
    int pictures, keyframes;
    int64_t bytes;
    int64_t span_us;          /* from the first picture to the last */
    int64_t keys_us;          /* from the first keyframe to the last */
    uint64_t datagrams, lost; /* of RTP: that came, and that are missing between them */
    bool clock_told;
    int64_t ahead_us; /* the camera's clock, of the box's */
    struct rw_certificate certificate;
};

/* 0, or -1 with *err, a sentence without the camera's name; what the camera showed of itself is in
 * out->certificate all the same. Takes so long and a few seconds for connecting. Any thread. */
int rw_measure_stream(const struct rw_stream_config *config, int64_t span_us,
                      struct rw_measure *out, struct rw_err *err);

double rw_measure_fps(const struct rw_measure *measure);  /* pictures a second */
double rw_measure_gop(const struct rw_measure *measure);  /* seconds; 0: no two keyframes came */
double rw_measure_bits(const struct rw_measure *measure); /* a second */
double rw_measure_loss(const struct rw_measure *measure); /* 0 to 1 */

/* One line each, behind the name of what was measured. */
void rw_measure_print(FILE *out, const char *name, const struct rw_measure *measure);
/* Fingerprint and end; nothing where there is none. */
void rw_measure_print_certificate(FILE *out, const char *name,
                                  const struct rw_certificate *certificate);
/* Days until it ends, rounded down; negative: it is over. */
int rw_measure_days_left(const struct rw_certificate *certificate, int64_t now_us);
