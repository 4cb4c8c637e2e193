/* What the files of this room know of each other. */
#pragma once

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>

#include "media/decode.h"
#include "media/packet.h"

/* What is recorded: sides in pixels, and coded. What is decoded is smaller: each of a decoder's
 * pictures takes 1.5 bytes a pixel. */
enum {
    RW_PICTURE_SIDE_MAX = 8192,
    RW_PICTURE_BYTES_MAX = 8 << 20,
    RW_WATCHED_PIXELS_MAX = 4096 * 3072,
};

/* libav prints URLs with logins in them and every fault of a hostile stream: all of it is silenced,
 * what matters comes back as an error. */
void rw_media_quiet(void);

/* Takes the parameters in all cases. NULL with *err when they are of no use. */
struct rw_codec *rw_codec_create(AVCodecParameters *par, struct rw_err *err);
const AVCodecParameters *rw_codec_parameters(const struct rw_codec *codec);

/* Takes the reference in coded. Every other field of fields is copied. */
struct rw_packet *rw_packet_create(AVPacket *coded, const struct rw_packet *fields);

/* 8 bits a sample, planar; the picture's own. */
const AVFrame *rw_picture_frame(const struct rw_picture *picture);

bool rw_frame_is_full_range(const AVFrame *frame);

/* "prefix: what libav says". Returns -1. */
int rw_fail_av(struct rw_err *err, enum rw_code code, const char *prefix, int av_error);
