#include "media/decode.h"

#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "media/internal.h"

enum { FAULTS_MAX = 64 }; /* useless pictures in a row that one take passes over */

/* The public part comes first, so that a pointer to it is a pointer to the whole. */
struct shared_picture {
    struct rw_picture picture;
    atomic_int refs;
    AVFrame *frame; /* owned; 8 bits a sample */
};

struct rw_decoder {
    AVCodecContext *context;
    AVPacket *packet; /* scratch */
    AVFrame *frame;   /* scratch */
};

struct rw_picture *rw_picture_ref(const struct rw_picture *picture)
{
    struct shared_picture *shared = (struct shared_picture *)picture;
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return &shared->picture;
}

void rw_picture_unref(struct rw_picture *picture)
{
    struct shared_picture *shared = (struct shared_picture *)picture;
    if (!shared || atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) != 1)
        return;
    av_frame_free(&shared->frame);
    free(shared);
}

const AVFrame *rw_picture_frame(const struct rw_picture *picture)
{
    return ((const struct shared_picture *)picture)->frame;
}

struct rw_decoder *rw_decoder_create(const struct rw_codec *codec, struct rw_err *err)
{
    rw_media_quiet();
    const AVCodecParameters *par = rw_codec_parameters(codec);
    if ((int64_t)par->width * par->height > RW_WATCHED_PIXELS_MAX) {
        rw_fail(err, RW_EFORMAT, "pictures of %d x %d are too large; watch a smaller stream",
                par->width, par->height);
        return NULL;
    }
    const AVCodec *found = avcodec_find_decoder(par->codec_id);
    if (!found) {
        rw_fail(err, RW_EFORMAT, "there is no decoder for %s here", rw_codec_name(codec));
        return NULL;
    }
    int rc = AVERROR(ENOMEM);
    struct rw_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        goto out;
    decoder->context = avcodec_alloc_context3(found);
    decoder->packet = av_packet_alloc();
    decoder->frame = av_frame_alloc();
    if (!decoder->context || !decoder->packet || !decoder->frame)
        goto out;
    rc = avcodec_parameters_to_context(decoder->context, par);
    if (rc < 0)
        goto out;
    decoder->context->thread_count = 1;
    decoder->context->pkt_timebase = (AVRational){1, 1000000};
    decoder->context->max_pixels = RW_WATCHED_PIXELS_MAX;
    rc = avcodec_open2(decoder->context, found, NULL);
out:
    if (rc < 0) {
        rw_fail_av(err, RW_EFORMAT, "the decoder refuses the stream's parameters", rc);
        rw_decoder_destroy(decoder);
        return NULL;
    }
    return decoder;
}

void rw_decoder_destroy(struct rw_decoder *decoder)
{
    if (!decoder)
        return;
    avcodec_free_context(&decoder->context);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->frame);
    free(decoder);
}

int rw_decoder_send(struct rw_decoder *decoder, const struct rw_packet *packet, struct rw_err *err)
{
    int rc;
    if (packet) {
        /* A packet's bytes have libav's padding behind them, see rw_packet_create(). */
        decoder->packet->data = (uint8_t *)packet->data;
        decoder->packet->size = (int)packet->size;
        decoder->packet->pts = packet->utc_us;
        decoder->packet->dts = AV_NOPTS_VALUE;
        decoder->packet->flags = packet->keyframe ? AV_PKT_FLAG_KEY : 0;
        decoder->context->reordered_opaque = packet->arrival_us;
        rc = avcodec_send_packet(decoder->context, decoder->packet);
        decoder->packet->data = NULL;
        decoder->packet->size = 0;
    } else {
        rc = avcodec_send_packet(decoder->context, NULL);
    }
    if (rc < 0 && rc != AVERROR_EOF)
        return rw_fail_av(err, RW_EFORMAT, "a picture cannot be decoded", rc);
    return 0;
}

/* Planar luma first, 8 to 16 bits a sample. */
static bool is_watchable(const AVPixFmtDescriptor *format)
{
    const uint64_t others = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_HWACCEL |
                            AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT;
    if (!format || format->flags & others || format->comp[0].plane != 0 ||
        format->comp[0].offset != 0)
        return false;
    return format->comp[0].depth == 8 ? format->comp[0].step == 1
                                      : format->comp[0].depth > 8 && format->comp[0].step == 2;
}

static void narrow_plane(uint8_t *restrict to, int to_stride, const uint8_t *restrict from,
                         int from_stride, int width, int height, int shift)
{
    for (int y = 0; y < height; y++) {
        const uint16_t *row = (const uint16_t *)(from + (ptrdiff_t)y * from_stride);
        uint8_t *out = to + (ptrdiff_t)y * to_stride;
        for (int x = 0; x < width; x++)
            out[x] = (uint8_t)(row[x] >> shift);
    }
}

static enum AVPixelFormat narrow_format(const AVPixFmtDescriptor *format)
{
    if (format->nb_components < 3 || format->comp[1].plane == format->comp[2].plane)
        return AV_PIX_FMT_GRAY8;
    if (format->log2_chroma_w == 1)
        return format->log2_chroma_h == 1 ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV422P;
    return format->log2_chroma_h == 0 ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_GRAY8;
}

/* More than 8 bits a sample become 8. A new frame, or NULL. */
static AVFrame *narrow(const AVFrame *wide, const AVPixFmtDescriptor *format)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = narrow_format(format);
    frame->width = wide->width;
    frame->height = wide->height;
    if (av_frame_get_buffer(frame, 0) < 0 || av_frame_copy_props(frame, wide) < 0) {
        av_frame_free(&frame);
        return NULL;
    }
    int planes = frame->format == AV_PIX_FMT_GRAY8 ? 1 : 3;
    for (int i = 0; i < planes; i++) {
        int width = i ? AV_CEIL_RSHIFT(wide->width, format->log2_chroma_w) : wide->width;
        int height = i ? AV_CEIL_RSHIFT(wide->height, format->log2_chroma_h) : wide->height;
        narrow_plane(frame->data[i], frame->linesize[i], wide->data[i], wide->linesize[i], width,
                     height, format->comp[i].depth - 8 + format->comp[i].shift);
    }
    return frame;
}

/* Takes the content of frame. NULL: it is of no use. */
static struct rw_picture *make_picture(AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (frame->flags & AV_FRAME_FLAG_CORRUPT || frame->decode_error_flags ||
        !is_watchable(format) || frame->linesize[0] <= 0 || frame->width > RW_PICTURE_SIDE_MAX ||
        frame->height > RW_PICTURE_SIDE_MAX)
        return NULL;
    struct shared_picture *shared = calloc(1, sizeof *shared);
    AVFrame *own = format->comp[0].depth > 8 ? narrow(frame, format) : av_frame_alloc();
    if (!shared || !own) {
        av_frame_free(&own);
        free(shared);
        return NULL;
    }
    if (format->comp[0].depth == 8)
        av_frame_move_ref(own, frame);
    atomic_init(&shared->refs, 1);
    shared->frame = own;
    shared->picture.utc_us = own->pts;
    shared->picture.arrival_us = own->reordered_opaque;
    shared->picture.keyframe = own->key_frame;
    shared->picture.luma = (struct rw_luma){.data = own->data[0],
                                            .width = own->width,
                                            .height = own->height,
                                            .stride = own->linesize[0]};
    return &shared->picture;
}

struct rw_picture *rw_decoder_take(struct rw_decoder *decoder)
{
    struct rw_picture *picture = NULL;
    for (int i = 0; !picture && i < FAULTS_MAX; i++) {
        int rc = avcodec_receive_frame(decoder->context, decoder->frame);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return NULL;
        if (rc < 0)
            continue;
        picture = make_picture(decoder->frame);
        av_frame_unref(decoder->frame);
    }
    return picture;
}

void rw_decoder_flush(struct rw_decoder *decoder)
{
    avcodec_flush_buffers(decoder->context);
}
