#include "clip.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>

struct loader {
    AVFormatContext *format;
    AVBSFContext *filter; /* to Annex B */
    AVStream *video;
    AVPacket *packet;
};

static void picture_clear(gpointer data)
{
    g_bytes_unref(((struct picture *)data)->bytes);
}

void clip_destroy(struct clip *clip)
{
    if (!clip)
        return;
    g_array_unref(clip->pictures);
    g_free(clip);
}

const struct picture *clip_picture(const struct clip *clip, guint index)
{
    return &g_array_index(clip->pictures, struct picture, index);
}

guint clip_keyframe(const struct clip *clip, int64_t position_us)
{
    int64_t place = position_us % clip->duration_us;
    guint key = 0;
    for (guint i = 0; i < clip->pictures->len && clip_picture(clip, i)->dts_us <= place; i++) {
        if (clip_picture(clip, i)->key)
            key = i;
    }
    return key;
}

static const char *loader_open(struct loader *in, const char *file)
{
    if (avformat_open_input(&in->format, file, NULL, NULL) < 0)
        return "cannot be read";
    int index = av_find_best_stream(in->format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (index < 0)
        return "has no video";
    in->video = in->format->streams[index];
    enum AVCodecID codec = in->video->codecpar->codec_id;
    if (codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_HEVC)
        return "is neither H.264 nor H.265";
    const char *name = codec == AV_CODEC_ID_HEVC ? "hevc_mp4toannexb" : "h264_mp4toannexb";
    if (av_bsf_alloc(av_bsf_get_by_name(name), &in->filter) < 0 ||
        avcodec_parameters_copy(in->filter->par_in, in->video->codecpar) < 0)
        return "does not fit in memory";
    in->filter->time_base_in = in->video->time_base;
    if (av_bsf_init(in->filter) < 0)
        return "has broken parameter sets";
    in->packet = av_packet_alloc();
    return in->packet ? NULL : "does not fit in memory";
}

static void loader_close(struct loader *in)
{
    av_packet_free(&in->packet);
    av_bsf_free(&in->filter);
    avformat_close_input(&in->format);
}

static int64_t loader_us(const struct loader *in, int64_t time)
{
    return av_rescale_q(time, in->video->time_base, AV_TIME_BASE_Q);
}

static void take_picture(struct loader *in, struct clip *clip)
{
    const AVPacket *packet = in->packet;
    bool key = packet->flags & AV_PKT_FLAG_KEY;
    if (!key && clip->pictures->len == 0)
        return;
    struct picture picture = {
        .bytes = g_bytes_new(packet->data, (gsize)packet->size),
        .pts_us = loader_us(in, packet->pts),
        .dts_us = loader_us(in, packet->dts),
        .key = key,
    };
    g_array_append_val(clip->pictures, picture);
    clip->duration_us = picture.dts_us + loader_us(in, packet->duration);
}

static void read_pictures(struct loader *in, struct clip *clip)
{
    while (av_read_frame(in->format, in->packet) >= 0) {
        if (in->packet->stream_index != in->video->index) {
            av_packet_unref(in->packet);
            continue;
        }
        if (av_bsf_send_packet(in->filter, in->packet) < 0)
            return;
        while (av_bsf_receive_packet(in->filter, in->packet) >= 0) {
            take_picture(in, clip);
            av_packet_unref(in->packet);
        }
    }
}

static void start_at_zero(struct clip *clip)
{
    int64_t first_us = clip_picture(clip, 0)->dts_us;
    for (guint i = 0; i < clip->pictures->len; i++) {
        struct picture *picture = &g_array_index(clip->pictures, struct picture, i);
        picture->dts_us -= first_us;
        picture->pts_us -= first_us;
    }
    clip->duration_us -= first_us;
}

struct clip *clip_load(const char *file, char **error)
{
    struct loader in = {0};
    struct clip *clip = g_new0(struct clip, 1);
    clip->pictures = g_array_new(FALSE, FALSE, sizeof(struct picture));
    g_array_set_clear_func(clip->pictures, picture_clear);

    const char *wrong = loader_open(&in, file);
    if (!wrong) {
        clip->hevc = in.video->codecpar->codec_id == AV_CODEC_ID_HEVC;
        read_pictures(&in, clip);
        if (clip->pictures->len == 0)
            wrong = "has no keyframe";
        else
            start_at_zero(clip);
        if (!wrong && clip->duration_us <= 0)
            wrong = "has no length";
    }
    loader_close(&in);
    if (wrong) {
        *error = g_strdup_printf("%s %s", file, wrong);
        clip_destroy(clip);
        return NULL;
    }
    return clip;
}
