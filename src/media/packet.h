/* A coded picture with honest time. Immutable once handed on; shared by reference. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum rw_codec_id { RW_CODEC_H264, RW_CODEC_HEVC, RW_CODEC_OTHER };

/* What a decoder and a muxer must know before the first picture. A change of it (other parameter
 * sets in mid-stream) is another rw_codec, so comparing pointers of successive packets of one
 * source tells of it. Immutable, shared by reference, any thread. */
struct rw_codec;
struct rw_codec *rw_codec_ref(const struct rw_codec *codec);
void rw_codec_unref(struct rw_codec *codec); /* takes NULL */
enum rw_codec_id rw_codec_id(const struct rw_codec *codec);
const char *rw_codec_name(const struct rw_codec *codec); /* "h264", "hevc" */
int rw_codec_width(const struct rw_codec *codec);        /* pixels; 0 while unknown */
int rw_codec_height(const struct rw_codec *codec);
/* The parameter sets, Annex B or as the file holds them; borrowed, *size 0 where there are none. */
const uint8_t *rw_codec_sets(const struct rw_codec *codec, size_t *size);

struct rw_packet {
    int64_t utc_us;     /* presentation, UTC */
    int64_t boot_us;    /* the same instant on CLOCK_BOOTTIME */
    int64_t dts_us;     /* decoding order time on the utc_us axis: grows with every packet, unless
                         * after_jump set it back */
    int64_t arrival_us; /* CLOCK_BOOTTIME when it was read */
    int64_t camera_us;  /* the camera's own timestamp, from its first picture; INT64_MIN: none */
    bool keyframe;
    bool damaged;        /* what the network lost belongs into it, or right before it */
    bool after_jump;     /* the camera's or the box's clock jumped before this packet */
    const uint8_t *data; /* as the camera sent it (Annex B) or the file holds it */
    size_t size;
    const struct rw_codec *codec;
};

struct rw_packet *rw_packet_ref(const struct rw_packet *packet); /* any thread */
void rw_packet_unref(struct rw_packet *packet);                  /* takes NULL */
