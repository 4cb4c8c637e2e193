#include "media/packet.h"

#include <libavutil/avutil.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "media/internal.h"

struct rw_codec {
    atomic_int refs;
    AVCodecParameters *par; /* owned */
};

/* The public part comes first, so that a pointer to it is a pointer to the whole. */
struct shared_packet {
    struct rw_packet packet;
    atomic_int refs;
    AVPacket *coded; /* owned; packet.data points into it */
};

void rw_media_quiet(void)
{
    av_log_set_level(AV_LOG_QUIET);
}

int rw_fail_av(struct rw_err *err, enum rw_code code, const char *prefix, int av_error)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(av_error, text, sizeof text);
    return rw_fail(err, code, "%s (%s)", prefix, text);
}

struct rw_codec *rw_codec_create(AVCodecParameters *par, struct rw_err *err)
{
    struct rw_codec *codec = NULL;
    if (par->width > RW_PICTURE_SIDE_MAX || par->height > RW_PICTURE_SIDE_MAX) {
        rw_fail(err, RW_EFORMAT, "its pictures of %d x %d are larger than %d x %d", par->width,
                par->height, RW_PICTURE_SIDE_MAX, RW_PICTURE_SIDE_MAX);
        goto out;
    }
    codec = calloc(1, sizeof *codec);
    if (!codec) {
        rw_fail(err, RW_ENOMEM, "no memory for a codec");
        goto out;
    }
    atomic_init(&codec->refs, 1);
    codec->par = par;
    par = NULL;
out:
    avcodec_parameters_free(&par);
    return codec;
}

struct rw_codec *rw_codec_ref(const struct rw_codec *codec)
{
    struct rw_codec *shared = (struct rw_codec *)codec;
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void rw_codec_unref(struct rw_codec *codec)
{
    if (!codec || atomic_fetch_sub_explicit(&codec->refs, 1, memory_order_acq_rel) != 1)
        return;
    avcodec_parameters_free(&codec->par);
    free(codec);
}

const AVCodecParameters *rw_codec_parameters(const struct rw_codec *codec)
{
    return codec->par;
}

enum rw_codec_id rw_codec_id(const struct rw_codec *codec)
{
    switch (codec->par->codec_id) {
    case AV_CODEC_ID_H264:
        return RW_CODEC_H264;
    case AV_CODEC_ID_HEVC:
        return RW_CODEC_HEVC;
    default:
        return RW_CODEC_OTHER;
    }
}

const char *rw_codec_name(const struct rw_codec *codec)
{
    return avcodec_get_name(codec->par->codec_id);
}

int rw_codec_width(const struct rw_codec *codec)
{
    return codec->par->width;
}

int rw_codec_height(const struct rw_codec *codec)
{
    return codec->par->height;
}

const uint8_t *rw_codec_sets(const struct rw_codec *codec, size_t *size)
{
    *size = codec->par->extradata ? (size_t)codec->par->extradata_size : 0;
    return codec->par->extradata;
}

struct rw_packet *rw_packet_create(AVPacket *coded, const struct rw_packet *fields)
{
    struct shared_packet *shared = calloc(1, sizeof *shared);
    if (!shared) {
        av_packet_free(&coded);
        return NULL;
    }
    shared->packet = *fields;
    shared->packet.data = coded->data;
    shared->packet.size = (size_t)coded->size;
    shared->packet.codec = rw_codec_ref(fields->codec);
    shared->coded = coded;
    atomic_init(&shared->refs, 1);
    return &shared->packet;
}

struct rw_packet *rw_packet_ref(const struct rw_packet *packet)
{
    struct shared_packet *shared = (struct shared_packet *)packet;
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return &shared->packet;
}

void rw_packet_unref(struct rw_packet *packet)
{
    struct shared_packet *shared = (struct shared_packet *)packet;
    if (!shared || atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) != 1)
        return;
    rw_codec_unref((struct rw_codec *)shared->packet.codec);
    av_packet_free(&shared->coded);
    free(shared);
}
