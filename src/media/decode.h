/* Coded pictures in, luma out. One thread; libavcodec with one thread of its own. */
#pragma once

#include "base/err.h"
#include "media/packet.h"
#include "roadwatch/picture.h"

/* A decoded picture, immutable, shared by reference. luma points into it. */
struct rw_picture {
    struct rw_luma luma;
    int64_t utc_us;
    int64_t arrival_us; /* CLOCK_BOOTTIME when its packet was read */
    bool keyframe;
};
struct rw_picture *rw_picture_ref(const struct rw_picture *picture);
void rw_picture_unref(struct rw_picture *picture); /* takes NULL */

struct rw_decoder;
struct rw_decoder *rw_decoder_create(const struct rw_codec *codec, struct rw_err *err);
void rw_decoder_destroy(struct rw_decoder *decoder);
/* Gives the decoder one packet, or NULL at the end of the input. Then take pictures until NULL.
 * -1 with *err when the packet could not be decoded: go on with the next keyframe. */
int rw_decoder_send(struct rw_decoder *decoder, const struct rw_packet *packet, struct rw_err *err);
struct rw_picture *rw_decoder_take(struct rw_decoder *decoder); /* caller's reference, or NULL */
void rw_decoder_flush(struct rw_decoder *decoder); /* forgets what it holds, before a skip */
