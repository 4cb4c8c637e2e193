#include "media/film.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "media/internal.h"

/* 16 bits, because MPEG-4 Part 2 has no more for it. */
enum { TIMESCALE = 60000, GOP = 50, TYPICAL_FPS = 15, MPEG4_QUALITY = 4 };

struct rw_film {
    char *path, *part; /* owned */
    AVFormatContext *format;
    AVCodecContext *encoder;
    AVFrame *frame;   /* of the encoder's size; owned */
    AVPacket *packet; /* scratch */
    bool started, finished;
    int64_t first_us, last_pts;
};

static char *join(const char *a, const char *b)
{
    struct rw_buf text = {0};
    rw_buf_printf(&text, "%s%s", a, b);
    return (char *)text.data;
}

static int open_encoder(struct rw_film *film, int width, int height)
{
    const AVCodec *found = avcodec_find_encoder_by_name("libx264");
    if (!found)
        found = avcodec_find_encoder(AV_CODEC_ID_MPEG4);
    if (!found)
        return AVERROR_ENCODER_NOT_FOUND;
    AVCodecContext *encoder = film->encoder = avcodec_alloc_context3(found);
    if (!encoder)
        return AVERROR(ENOMEM);
    encoder->width = width;
    encoder->height = height;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->color_range = AVCOL_RANGE_MPEG;
    encoder->time_base = (AVRational){1, TIMESCALE};
    encoder->framerate = (AVRational){TYPICAL_FPS, 1};
    encoder->gop_size = GOP;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER; /* MP4 wants parameter sets in front */
    if (found->id == AV_CODEC_ID_MPEG4) {
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
        encoder->global_quality = FF_QP2LAMBDA * MPEG4_QUALITY;
    }
    AVDictionary *options = NULL;
    av_dict_set(&options, "preset", "veryfast", 0);
    av_dict_set(&options, "crf", "21", 0);
    int rc = avcodec_open2(encoder, found, &options);
    av_dict_free(&options);
    return rc;
}

static int open_format(struct rw_film *film)
{
    AVDictionary *options = NULL;
    char *url = join("file:", film->part); /* whatever colons the path has */
    int rc = avformat_alloc_output_context2(&film->format, NULL, "mp4", url);
    AVStream *stream = rc < 0 ? NULL : avformat_new_stream(film->format, NULL);
    if (rc >= 0 && !stream)
        rc = AVERROR(ENOMEM);
    if (rc >= 0)
        rc = avcodec_parameters_from_context(stream->codecpar, film->encoder);
    if (rc >= 0) {
        stream->time_base = film->encoder->time_base;
        stream->avg_frame_rate = film->encoder->framerate;
        rc = avio_open(&film->format->pb, url, AVIO_FLAG_WRITE);
    }
    if (rc >= 0) {
        av_dict_set(&options, "movflags", "+faststart", 0);
        rc = avformat_write_header(film->format, &options);
        av_dict_free(&options);
    }
    free(url);
    return rc;
}

static int make_scratch(struct rw_film *film)
{
    film->packet = av_packet_alloc();
    film->frame = av_frame_alloc();
    if (!film->packet || !film->frame)
        return AVERROR(ENOMEM);
    film->frame->format = film->encoder->pix_fmt;
    film->frame->width = film->encoder->width;
    film->frame->height = film->encoder->height;
    return av_frame_get_buffer(film->frame, 0);
}

struct rw_film *rw_film_open(const char *path, int width, int height, struct rw_err *err)
{
    rw_media_quiet();
    struct rw_film *film = calloc(1, sizeof *film);
    if (!film)
        abort();
    film->path = join(path, "");
    film->part = join(path, ".part");
    int rc = open_encoder(film, width, height);
    if (rc >= 0)
        rc = make_scratch(film);
    if (rc < 0) {
        rw_fail_av(err, RW_EINVAL, "a film cannot be coded here", rc);
    } else if ((rc = open_format(film)) < 0) {
        rw_fail_av(err, RW_EIO, path, rc);
    }
    if (rc < 0) {
        rw_film_close(film);
        return NULL;
    }
    return film;
}

const char *rw_film_codec(const struct rw_film *film)
{
    return avcodec_get_name(film->encoder->codec_id);
}

/* Writes what the encoder has ready. */
static int write_packets(struct rw_film *film)
{
    for (;;) {
        int rc = avcodec_receive_packet(film->encoder, film->packet);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
            return 0;
        if (rc < 0)
            return rc;
        av_packet_rescale_ts(film->packet, film->encoder->time_base,
                             film->format->streams[0]->time_base);
        film->packet->stream_index = 0;
        rc = av_interleaved_write_frame(film->format, film->packet);
        if (rc < 0)
            return rc;
    }
}

static int64_t pts_of(struct rw_film *film, int64_t time_us)
{
    if (!film->started) {
        film->started = true;
        film->first_us = time_us;
        film->last_pts = -1;
    }
    int64_t pts = av_rescale(time_us - film->first_us, TIMESCALE, 1000000);
    return film->last_pts = pts > film->last_pts ? pts : film->last_pts + 1;
}

static void copy_planes(AVFrame *frame, const struct rw_canvas *canvas)
{
    for (int i = 0; i < 3; i++) {
        size_t width = (size_t)(i ? frame->width / 2 : frame->width);
        for (int y = 0; y < (i ? frame->height / 2 : frame->height); y++)
            memcpy(frame->data[i] + (ptrdiff_t)y * frame->linesize[i],
                   canvas->plane[i] + (ptrdiff_t)y * canvas->stride[i], width);
    }
}

int rw_film_add(struct rw_film *film, const struct rw_canvas *canvas, int64_t time_us,
                struct rw_err *err)
{
    if (canvas->width != film->frame->width || canvas->height != film->frame->height)
        return rw_fail(err, RW_EINVAL, "a film of %d x %d takes no picture of %d x %d",
                       film->frame->width, film->frame->height, canvas->width, canvas->height);
    int rc = av_frame_make_writable(film->frame);
    if (rc >= 0) {
        copy_planes(film->frame, canvas);
        film->frame->pts = pts_of(film, time_us);
        if (film->encoder->flags & AV_CODEC_FLAG_QSCALE)
            film->frame->quality = film->encoder->global_quality;
        rc = avcodec_send_frame(film->encoder, film->frame);
    }
    if (rc >= 0)
        rc = write_packets(film);
    return rc < 0 ? rw_fail_av(err, RW_EIO, film->path, rc) : 0;
}

int rw_film_finish(struct rw_film *film, struct rw_err *err)
{
    int rc = avcodec_send_frame(film->encoder, NULL);
    if (rc >= 0)
        rc = write_packets(film);
    if (rc >= 0)
        rc = av_write_trailer(film->format);
    if (rc >= 0)
        rc = avio_closep(&film->format->pb);
    if (rc < 0)
        return rw_fail_av(err, RW_EIO, film->path, rc);
    if (rename(film->part, film->path))
        return rw_fail(err, rw_code_of_errno(errno), "%s (%s)", film->path, strerror(errno));
    film->finished = true;
    return 0;
}

void rw_film_close(struct rw_film *film)
{
    if (!film)
        return;
    bool began = film->format && film->format->pb;
    if (film->format)
        avio_closep(&film->format->pb);
    if (began && !film->finished)
        unlink(film->part);
    avformat_free_context(film->format);
    avcodec_free_context(&film->encoder);
    av_frame_free(&film->frame);
    av_packet_free(&film->packet);
    free(film->path);
    free(film->part);
    free(film);
}
