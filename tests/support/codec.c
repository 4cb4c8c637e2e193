#include "codec.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

struct codec {
    AVCodecContext *encoder, *decoder;
    AVPacket *packet;
    AVFrame *in, *out;
    int64_t pts;
};

static AVCodecContext *open_x264(int width, int height, int fps, int kbit, int flags)
{
    const AVCodec *x264 = avcodec_find_encoder_by_name("libx264");
    AVCodecContext *c = x264 ? avcodec_alloc_context3(x264) : NULL;
    if (!c)
        return NULL;
    av_log_set_level(AV_LOG_ERROR); /* x264 has much to say */
    c->width = width;
    c->height = height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){1, fps};
    c->framerate = (AVRational){fps, 1};
    c->bit_rate = c->rc_max_rate = kbit * 1000;
    c->rc_buffer_size = kbit * 1000;
    c->gop_size = c->keyint_min = 2 * fps;
    c->max_b_frames = 0;
    c->thread_count = 1;
    c->flags |= flags;
    av_opt_set(c->priv_data, "preset", "superfast", 0);
    av_opt_set(c->priv_data, "tune", "zerolatency", 0);
    av_opt_set(c->priv_data, "x264-params", "scenecut=0:open-gop=0", 0);
    if (avcodec_open2(c, x264, NULL) < 0)
        avcodec_free_context(&c);
    return c;
}

static AVFrame *new_frame(int format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = format;
    frame->width = width;
    frame->height = height;
    if (av_frame_get_buffer(frame, 0) < 0)
        av_frame_free(&frame);
    return frame;
}

/* The encoder may still hold the frame of last time: then this one is written elsewhere. */
static int fill(AVFrame *frame, const uint8_t *luma, int64_t pts)
{
    if (av_frame_make_writable(frame) < 0)
        return -1;
    for (int y = 0; y < frame->height; y++)
        memcpy(frame->data[0] + y * frame->linesize[0], luma + (ptrdiff_t)y * frame->width,
               (size_t)frame->width);
    for (int plane = 1; plane < 3 && frame->data[plane]; plane++)
        memset(frame->data[plane], 128,
               (size_t)frame->linesize[plane] * (size_t)((frame->height + 1) / 2));
    frame->pts = pts;
    return 0;
}

struct codec *codec_create(int width, int height, int fps, int kbit)
{
    struct codec *codec = calloc(1, sizeof *codec);
    if (!codec)
        return NULL;
    codec->encoder = open_x264(width, height, fps, kbit, 0);
    codec->decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    codec->packet = av_packet_alloc();
    codec->in = new_frame(AV_PIX_FMT_YUV420P, width, height);
    codec->out = av_frame_alloc();
    if (codec->decoder) {
        codec->decoder->thread_count = 1;
        codec->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
    }
    if (!codec->encoder || !codec->in || avcodec_open2(codec->decoder, NULL, NULL) < 0) {
        codec_destroy(codec);
        return NULL;
    }
    return codec;
}

void codec_destroy(struct codec *codec)
{
    if (!codec)
        return;
    avcodec_free_context(&codec->encoder);
    avcodec_free_context(&codec->decoder);
    av_packet_free(&codec->packet);
    av_frame_free(&codec->in);
    av_frame_free(&codec->out);
    free(codec);
}

const uint8_t *codec_pass(struct codec *codec, const uint8_t *luma, int *stride)
{
    if (fill(codec->in, luma, codec->pts++) < 0 ||
        avcodec_send_frame(codec->encoder, codec->in) < 0 ||
        avcodec_receive_packet(codec->encoder, codec->packet) < 0)
        return NULL;
    int failed = avcodec_send_packet(codec->decoder, codec->packet) < 0 ||
                 avcodec_receive_frame(codec->decoder, codec->out) < 0;
    av_packet_unref(codec->packet);
    if (failed)
        return NULL;
    *stride = codec->out->linesize[0];
    return codec->out->data[0];
}

/* --- films --- */

struct codec_file {
    AVFormatContext *format;
    AVCodecContext *encoder;
    AVPacket *packet;
    AVFrame *frame;
    int64_t pts;
};

static AVCodecContext *open_ffv1(int width, int height, int fps, int flags)
{
    const AVCodec *ffv1 = avcodec_find_encoder(AV_CODEC_ID_FFV1);
    AVCodecContext *c = ffv1 ? avcodec_alloc_context3(ffv1) : NULL;
    if (!c)
        return NULL;
    c->width = width;
    c->height = height;
    c->pix_fmt = AV_PIX_FMT_GRAY8;
    c->time_base = (AVRational){1, fps};
    c->thread_count = 1;
    c->flags |= flags;
    if (avcodec_open2(c, ffv1, NULL) < 0)
        avcodec_free_context(&c);
    return c;
}

static int open_film(struct codec_file *file, const char *path)
{
    AVStream *stream = avformat_new_stream(file->format, NULL);
    if (!stream || avcodec_parameters_from_context(stream->codecpar, file->encoder) < 0)
        return -1;
    stream->time_base = file->encoder->time_base;
    if (avio_open(&file->format->pb, path, AVIO_FLAG_WRITE) < 0)
        return -1;
    return avformat_write_header(file->format, NULL);
}

struct codec_file *codec_file_create(const char *path, int width, int height, int fps, int kbit,
                                     int mask)
{
    struct codec_file *file = calloc(1, sizeof *file);
    if (!file ||
        avformat_alloc_output_context2(&file->format, NULL, mask ? "matroska" : "mp4", path) < 0) {
        free(file);
        return NULL;
    }
    int header = AV_CODEC_FLAG_GLOBAL_HEADER;
    file->encoder =
        mask ? open_ffv1(width, height, fps, header) : open_x264(width, height, fps, kbit, header);
    file->packet = av_packet_alloc();
    file->frame = new_frame(mask ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_YUV420P, width, height);
    if (!file->encoder || !file->frame || open_film(file, path) < 0) {
        avio_closep(&file->format->pb);
        avformat_free_context(file->format);
        file->format = NULL;
        codec_file_close(file);
        return NULL;
    }
    return file;
}

static void drain(struct codec_file *file, const AVFrame *frame)
{
    AVStream *stream = file->format->streams[0];
    avcodec_send_frame(file->encoder, frame);
    while (avcodec_receive_packet(file->encoder, file->packet) >= 0) {
        file->packet->duration = 1;
        av_packet_rescale_ts(file->packet, file->encoder->time_base, stream->time_base);
        av_interleaved_write_frame(file->format, file->packet);
    }
}

void codec_file_write(struct codec_file *file, const uint8_t *luma)
{
    if (fill(file->frame, luma, file->pts++) == 0)
        drain(file, file->frame);
}

void codec_file_close(struct codec_file *file)
{
    if (!file)
        return;
    if (file->format) {
        drain(file, NULL);
        av_write_trailer(file->format);
        avio_closep(&file->format->pb);
        avformat_free_context(file->format);
    }
    avcodec_free_context(&file->encoder);
    av_packet_free(&file->packet);
    av_frame_free(&file->frame);
    free(file);
}
