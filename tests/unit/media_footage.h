/* Footage made on the fly: a bright block wanders over a slanted ramp. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "media/internal.h"

/* Debian's x265 keeps some of its memory for itself. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libx265\nleak:x265_param_parse\n";
}

enum { FOOTAGE_MAX = 128, FOOTAGE_INTERVAL_US = 66667 };

struct footage_options {
    const char *encoder; /* "libx264", "libx265", "mpeg4" */
    enum AVPixelFormat format;
    int width, height, pictures, gop, b_frames;
    enum AVColorRange range;
};

struct footage {
    struct rw_codec *codec;
    struct rw_packet *packets[FOOTAGE_MAX];
    int count;
};

static inline void footage_put(AVFrame *frame, int plane, int x, int y, int value)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    uint8_t *row = frame->data[plane] + y * frame->linesize[plane];
    if (format->comp[0].depth > 8)
        ((uint16_t *)row)[x] = (uint16_t)(value << (format->comp[0].depth - 8));
    else
        row[x] = (uint8_t)value;
}

static inline int footage_luma(int x, int y, int n)
{
    bool block = x >= 4 * n && x < 4 * n + 40 && y >= 30 && y < 70;
    return block ? 220 : 40 + (x + y) / 8 % 120;
}

static inline void footage_paint(AVFrame *frame, int n)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++)
            footage_put(frame, 0, x, y, footage_luma(x, y, n));
    }
    for (int plane = 1; plane < format->nb_components; plane++) {
        for (int y = 0; y < AV_CEIL_RSHIFT(frame->height, format->log2_chroma_h); y++) {
            for (int x = 0; x < AV_CEIL_RSHIFT(frame->width, format->log2_chroma_w); x++)
                footage_put(frame, plane, x, y, plane == 1 ? 90 : 160);
        }
    }
}

static inline AVCodecContext *footage_encoder(const struct footage_options *options)
{
    const AVCodec *found = avcodec_find_encoder_by_name(options->encoder);
    assert_non_null(found);
    AVCodecContext *context = avcodec_alloc_context3(found);
    context->width = options->width;
    context->height = options->height;
    context->pix_fmt = options->format;
    context->time_base = (AVRational){1, 15};
    context->gop_size = options->gop;
    context->max_b_frames = options->b_frames;
    context->color_range = options->range;
    context->thread_count = 1;
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(context->priv_data, "preset", "ultrafast", 0);
    av_opt_set(context->priv_data, "x265-params", "log-level=none:pools=none:frame-threads=1", 0);
    if (!options->b_frames)
        av_opt_set(context->priv_data, "tune", "zerolatency", 0);
    assert_int_equal(avcodec_open2(context, found, NULL), 0);
    return context;
}

static inline void footage_collect(struct footage *footage, AVCodecContext *context)
{
    for (;;) {
        AVPacket *coded = av_packet_alloc();
        if (avcodec_receive_packet(context, coded) < 0) {
            av_packet_free(&coded);
            return;
        }
        assert_in_range(footage->count, 0, FOOTAGE_MAX - 1);
        struct rw_packet fields = {.codec = footage->codec,
                                   .keyframe = coded->flags & AV_PKT_FLAG_KEY,
                                   .utc_us = coded->pts * FOOTAGE_INTERVAL_US,
                                   .boot_us = coded->pts * FOOTAGE_INTERVAL_US,
                                   .arrival_us = coded->pts * FOOTAGE_INTERVAL_US + 5,
                                   .dts_us = coded->dts * FOOTAGE_INTERVAL_US};
        footage->packets[footage->count++] = rw_packet_create(coded, &fields);
    }
}

static inline void footage_make(struct footage *footage, const struct footage_options *options)
{
    memset(footage, 0, sizeof *footage);
    rw_media_quiet();
    AVCodecContext *context = footage_encoder(options);
    AVCodecParameters *par = avcodec_parameters_alloc();
    assert_true(avcodec_parameters_from_context(par, context) >= 0);
    footage->codec = rw_codec_create(par, NULL);
    assert_non_null(footage->codec);
    AVFrame *frame = av_frame_alloc();
    frame->width = options->width;
    frame->height = options->height;
    frame->format = options->format;
    frame->color_range = options->range;
    for (int n = 0; n < options->pictures; n++) {
        assert_int_equal(av_frame_get_buffer(frame, 0), 0);
        footage_paint(frame, n);
        frame->pts = n;
        assert_int_equal(avcodec_send_frame(context, frame), 0);
        footage_collect(footage, context);
        for (int i = 0; i < AV_NUM_DATA_POINTERS; i++)
            av_buffer_unref(&frame->buf[i]);
    }
    avcodec_send_frame(context, NULL);
    footage_collect(footage, context);
    av_frame_free(&frame);
    avcodec_free_context(&context);
    assert_int_equal(footage->count, options->pictures);
}

static inline void footage_free(struct footage *footage)
{
    for (int i = 0; i < footage->count; i++)
        rw_packet_unref(footage->packets[i]);
    rw_codec_unref(footage->codec);
}

static inline struct footage_options footage_h264(void)
{
    return (struct footage_options){.encoder = "libx264",
                                    .format = AV_PIX_FMT_YUV420P,
                                    .width = 320,
                                    .height = 240,
                                    .pictures = 30,
                                    .gop = 15,
                                    .range = AVCOL_RANGE_MPEG};
}
