#include <libavutil/mathematics.h>
#include <string.h>

#include "base/units.h"
#include "media/source_internal.h"

enum { DEFAULT_INTERVAL_US = 40000 };
#define FILE_TIME_LIMIT_US (INT64_C(1) << 60)

static int64_t to_us(const struct rw_source *source, int64_t time)
{
    AVRational base = source->context->streams[source->stream]->time_base;
    if (time == AV_NOPTS_VALUE)
        return AV_NOPTS_VALUE;
    int64_t us = av_rescale_q(time, base, (AVRational){1, 1000000});
    return us < -FILE_TIME_LIMIT_US || us > FILE_TIME_LIMIT_US ? AV_NOPTS_VALUE : us;
}

static int64_t first_of(const struct rw_source *source, int64_t pts_us, int64_t dts_us)
{
    int64_t first = source->file_by_dts && dts_us != AV_NOPTS_VALUE ? dts_us : pts_us;
    return first != AV_NOPTS_VALUE ? first : 0;
}

/* Presentation and decoding time; a file without either is played at its frame rate. */
static void stamp(struct rw_source *source, struct rw_packet *fields)
{
    const AVPacket *piece = source->piece;
    int64_t pts_us = to_us(source, piece->pts != AV_NOPTS_VALUE ? piece->pts : piece->dts);
    int64_t dts_us = to_us(source, piece->dts);
    if (source->file_start_us == AV_NOPTS_VALUE)
        source->file_start_us = first_of(source, pts_us, dts_us) - source->file_zero_us;
    pts_us = pts_us != AV_NOPTS_VALUE ? pts_us - source->file_start_us : source->file_next_us;
    dts_us = dts_us != AV_NOPTS_VALUE ? dts_us - source->file_start_us : pts_us;
    if (dts_us <= source->file_dts_us)
        dts_us = source->file_dts_us + 1;
    source->file_dts_us = dts_us;
    source->file_next_us = pts_us + source->file_interval_us;
    fields->utc_us = fields->boot_us = fields->arrival_us = fields->camera_us = pts_us;
    fields->dts_us = dts_us;
}

static struct rw_packet *read_file(struct rw_source *source, struct rw_err *err)
{
    for (;;) {
        av_packet_unref(source->piece);
        int rc = av_read_frame(source->context, source->piece);
        if (rc == AVERROR_EOF) {
            rw_fail(err, RW_EEND, "the end of the file");
            return NULL;
        }
        if (rc < 0) {
            rw_fail_av(err, RW_EFORMAT, "the file cannot be read further", rc);
            return NULL;
        }
        if (source->piece->stream_index != source->stream || source->piece->size <= 0)
            continue;
        bool keyframe = source->piece->flags & AV_PKT_FLAG_KEY;
        if (!source->delivered && !keyframe)
            continue;
        source->delivered = true;
        struct rw_packet fields = {.keyframe = keyframe, .codec = source->codec};
        stamp(source, &fields);
        AVPacket *coded = av_packet_alloc();
        if (!coded || av_packet_make_refcounted(source->piece) < 0) {
            av_packet_free(&coded);
            rw_fail(err, RW_ENOMEM, "no memory for a picture");
            return NULL;
        }
        av_packet_move_ref(coded, source->piece);
        struct rw_packet *packet = rw_packet_create(coded, &fields);
        if (!packet)
            rw_fail(err, RW_ENOMEM, "no memory for a picture");
        return packet;
    }
}

static int find_video(struct rw_source *source, const char *path, struct rw_err *err)
{
    AVFormatContext *context = source->context;
    source->stream = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (source->stream < 0)
        return rw_fail(err, RW_EFORMAT, "%s: there is no video in it", path);
    for (unsigned i = 0; i < context->nb_streams; i++) {
        if ((int)i != source->stream)
            context->streams[i]->discard = AVDISCARD_ALL;
    }
    const AVStream *stream = context->streams[source->stream];
    AVRational rate = stream->avg_frame_rate.num ? stream->avg_frame_rate : stream->r_frame_rate;
    source->file_interval_us = DEFAULT_INTERVAL_US;
    if (rate.num > 0 && rate.den > 0 && rate.num / rate.den <= 1000)
        source->file_interval_us = av_rescale(RW_SECOND_US, rate.den, rate.num);
    if (source->codec)
        return 0;
    AVCodecParameters *par = avcodec_parameters_alloc();
    if (!par || avcodec_parameters_copy(par, stream->codecpar) < 0) {
        avcodec_parameters_free(&par);
        return rw_fail(err, RW_ENOMEM, "no memory for a codec");
    }
    source->codec = rw_codec_create(par, err);
    if (!source->codec)
        return rw_fail_in(err, path);
    return 0;
}

int rw_source_read_as_file(struct rw_source *source, const char *what, struct rw_err *err)
{
    source->read = read_file;
    source->file_start_us = AV_NOPTS_VALUE;
    source->file_dts_us = INT64_MIN;
    return find_video(source, what, err);
}

struct rw_source *rw_source_open_file(const char *path, struct rw_err *err)
{
    struct rw_source *source = rw_source_create_for_file();
    AVDictionary *options = NULL;
    struct rw_buf url;
    rw_buf_init(&url);
    if (!source) {
        rw_fail(err, RW_ENOMEM, "no memory for a file");
        return NULL;
    }
    /* A path is a path, whatever colons it has; and a playlist opens nothing else. */
    rw_buf_printf(&url, "file:%s", path);
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    int rc = avformat_open_input(&source->context, (const char *)url.data, NULL, &options);
    if (rc >= 0)
        rc = avformat_find_stream_info(source->context, NULL);
    if (rc < 0) {
        enum rw_code code = rc == AVERROR(ENOENT)   ? RW_ENOTFOUND
                            : rc == AVERROR(EACCES) ? RW_EIO
                                                    : RW_EFORMAT;
        rw_fail_av(err, code, path, rc);
    }
    if (rc < 0 || rw_source_read_as_file(source, path, err) < 0) {
        rw_source_close(source);
        source = NULL;
    }
    av_dict_free(&options);
    rw_buf_finish(&url);
    return source;
}
