#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "media/nal.h"
#include "media/source_internal.h"

enum {
    KEYLESS_US = 60000000,      /* the longest wait for a first keyframe */
    RTP_BUFFER_BYTES = 1 << 20, /* a keyframe may come as one burst of datagrams */
    REORDER_US = 200000,        /* UDP only */
};

/* True when url leads to another host or port than place. */
static bool leads_away(const char *url, const char *place)
{
    const char *body = strstr(url, "://");
    body = body ? body + 3 : url;
    size_t length = strcspn(body, "/?#");
    const char *login = memchr(body, '@', length); /* percent-encoded: there is one '@' */
    if (login) {
        length -= (size_t)(login + 1 - body);
        body = login + 1;
    }
    return strlen(place) != length || strncasecmp(body, place, length) != 0;
}

/* Returns 1 to end libav's call. A redirect replaces the context's url; libav may connect there
 * before it asks here, but says nothing. */
static int interrupted(void *arg)
{
    struct rw_watchdog *watchdog = arg;
    if (watchdog->cancel && rw_cancel_requested(watchdog->cancel))
        return 1;
    if (rw_monotonic_us() >= watchdog->deadline_us)
        watchdog->expired = true;
    if (watchdog->context && watchdog->context->url &&
        leads_away(watchdog->context->url, watchdog->place))
        watchdog->strayed = true;
    return watchdog->expired || watchdog->strayed;
}

static AVDictionary *open_options(const struct rw_source_options *options)
{
    AVDictionary *dict = NULL;
    av_dict_set(&dict, "rtsp_transport", options->udp ? "udp" : "tcp", 0);
    av_dict_set(&dict, "allowed_media_types", "video", 0);
    av_dict_set(&dict, "protocol_whitelist", "rtsp,rtsps,rtp,udp,tcp,tls", 0);
    /* The watchdog is the one that ends calls; libav's own limits only must not come before it. */
    int64_t timeout_ms = FFMAX(options->open_timeout_ms, options->read_timeout_ms) + INT64_C(1000);
    av_dict_set_int(&dict, "timeout", timeout_ms * 1000, 0);
    av_dict_set_int(&dict, "buffer_size", RTP_BUFFER_BYTES, 0);
    if (options->udp)
        av_dict_set_int(&dict, "max_delay", REORDER_US, 0);
    return dict;
}

/* Access units are put together here: libavformat's parsers would copy all of it once more, guess
 * decoding times that an RTP stream does not have, and hide when a picture's last byte came. */
static int connect_rtsp(struct rw_source *source, const struct rw_source_options *options,
                        const struct rw_url *url, struct rw_err *err)
{
    AVFormatContext *context = source->context;
    struct rw_buf login;
    rw_buf_init(&login);
    if (rw_url_with_login(options->url, options->username, options->password, &login, err) < 0) {
        rw_buf_finish(&login);
        return -1;
    }
    AVDictionary *dict = open_options(options);
    context->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN | AVFMT_FLAG_NOBUFFER;
    context->correct_ts_overflow = 0;
    context->interrupt_callback = (AVIOInterruptCB){interrupted, &source->watchdog};
    source->watchdog.context = context;
    snprintf(source->watchdog.place, sizeof source->watchdog.place, "%s", url->place);
    /* On failure libav frees the context, but not before its last call of interrupted(). */
    int rc = avformat_open_input(&source->context, (const char *)login.data,
                                 av_find_input_format("rtsp"), &dict);
    source->watchdog.context = NULL;
    av_dict_free(&dict);
    explicit_bzero(login.data, login.size);
    rw_buf_finish(&login);
    return rc < 0 ? rw_fail_open(options, url, &source->watchdog, rc, err) : 0;
}

static int choose_video(struct rw_source *source, struct rw_err *err)
{
    const AVFormatContext *context = source->context;
    for (unsigned i = 0; i < context->nb_streams; i++) {
        const AVCodecParameters *par = context->streams[i]->codecpar;
        if (par->codec_type != AVMEDIA_TYPE_VIDEO)
            continue;
        source->stream = (int)i;
        if (par->codec_id == AV_CODEC_ID_H264)
            source->codec_id = RW_CODEC_H264;
        else if (par->codec_id == AV_CODEC_ID_HEVC)
            source->codec_id = RW_CODEC_HEVC;
        else
            return rw_fail(err, RW_EFORMAT, "the camera sends %s; set it to H.264 or H.265",
                           avcodec_get_name(par->codec_id));
        return 0;
    }
    return rw_fail(err, RW_EFORMAT, "the stream has no video");
}

/* Width, height and profile, from the keyframe itself. 0, or -1 when it does not tell. */
static int measure(AVCodecParameters *par, const AVPacket *keyframe)
{
    uint8_t *out;
    int out_size, rc = -1;
    AVCodecParserContext *parser = av_parser_init(par->codec_id);
    AVCodecContext *context = avcodec_alloc_context3(NULL);
    if (!parser || !context || avcodec_parameters_to_context(context, par) < 0)
        goto out;
    parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    av_parser_parse2(parser, context, &out, &out_size, keyframe->data, keyframe->size,
                     AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
    par->width = parser->width;
    par->height = parser->height;
    par->format = parser->format;
    par->profile = context->profile;
    par->level = context->level;
    rc = par->width > 0 && par->height > 0 ? 0 : -1;
out:
    av_parser_close(parser);
    avcodec_free_context(&context);
    return rc;
}

/* A codec from the keyframe's parameter sets, filled up with those known before. False with *err
 * untouched: the keyframe is of no use. */
static struct rw_codec *codec_of_keyframe(const struct rw_source *source, const AVPacket *keyframe,
                                          const uint8_t *old, size_t old_size, struct rw_err *err)
{
    struct rw_codec *codec = NULL;
    struct rw_buf sets;
    rw_buf_init(&sets);
    AVCodecParameters *par = avcodec_parameters_alloc();
    if (!par || !rw_nal_sets_merge(source->codec_id, keyframe->data, (size_t)keyframe->size, old,
                                   old_size, &sets))
        goto out;
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = source->context->streams[source->stream]->codecpar->codec_id;
    par->extradata = av_mallocz(sets.size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!par->extradata)
        goto out;
    memcpy(par->extradata, sets.data, sets.size);
    par->extradata_size = (int)sets.size;
    if (measure(par, keyframe) < 0)
        goto out;
    codec = rw_codec_create(par, err);
    par = NULL;
out:
    avcodec_parameters_free(&par);
    rw_buf_finish(&sets);
    return codec;
}

/* Sees to it that source->codec is the keyframe's. 1: it is, 0: the keyframe is of no use. */
static int learn_codec(struct rw_source *source, const AVPacket *keyframe, struct rw_err *err)
{
    const AVCodecParameters *told = source->context->streams[source->stream]->codecpar;
    const AVCodecParameters *known = source->codec ? rw_codec_parameters(source->codec) : told;
    size_t known_size = known->extradata ? (size_t)known->extradata_size : 0;
    if (source->codec && rw_nal_sets_known(source->codec_id, keyframe->data, (size_t)keyframe->size,
                                           known->extradata, known_size))
        return 1;
    struct rw_err fault = {0};
    struct rw_codec *codec =
        codec_of_keyframe(source, keyframe, known->extradata, known_size, &fault);
    if (!codec) {
        if (fault.code != RW_OK && err)
            *err = fault;
        return fault.code != RW_OK ? -1 : 0;
    }
    rw_codec_unref(source->codec);
    source->codec = codec;
    return 1;
}

/* The first slice of a picture: H.264, 7.3.3: first_mb_in_slice 0; H.265, 7.3.6.1:
 * first_slice_segment_in_pic_flag. */
static bool begins_picture(enum rw_codec_id codec, const AVPacket *piece)
{
    struct rw_nal nal;
    const uint8_t *at = piece->data, *end = at + piece->size;
    size_t header = codec == RW_CODEC_HEVC ? 2 : 1;
    bool found = rw_nal_next(codec, &at, end, &nal);
    return found && nal.data == piece->data + 4 && nal.size > header &&
           (nal.kind == RW_NAL_SLICE || nal.kind == RW_NAL_KEY_SLICE) && nal.data[header] & 0x80;
}

/* True when the piece belongs to the next access unit. Parameter sets alone wait for their picture,
 * whatever time they bear. libavformat takes a first RTP time of 0 for none: the first two pictures
 * of such a session both have the time 0. */
static bool completes(const struct rw_source *source, const AVPacket *piece)
{
    const struct rw_gathering *gathering = &source->gathering;
    bool same = piece->pts == gathering->pts;
    return gathering->picture &&
           (!same || (piece->pts == 0 && begins_picture(source->codec_id, piece)));
}

/* Some cameras send the parameter sets of the next picture with the time of the one before; others
 * repeat them between the slices of one. So they are the next picture's when no slice follows. */
static void note_tail(struct rw_source *source, const AVPacket *piece, bool slice)
{
    struct rw_gathering *gathering = &source->gathering;
    if (slice)
        gathering->tail = 0;
    if (slice || gathering->tail || !gathering->picture || piece->size < 5)
        return;
    if (piece->data[0] || piece->data[1] || piece->data[2] || piece->data[3] != 1)
        return;
    enum rw_nal_kind kind = rw_nal_kind(source->codec_id, piece->data[4]);
    if (kind == RW_NAL_DELIMITER || kind == RW_NAL_VPS || kind == RW_NAL_SPS)
        gathering->tail = gathering->bytes.size;
}

static int gather(struct rw_source *source, struct rw_err *err)
{
    struct rw_gathering *gathering = &source->gathering;
    const AVPacket *piece = source->piece;
    if (gathering->bytes.size + (size_t)piece->size > RW_PICTURE_BYTES_MAX)
        return rw_fail(err, RW_EFORMAT, "the camera sent a picture larger than %d MiB",
                       RW_PICTURE_BYTES_MAX >> 20);
    bool slice = rw_nal_summarize(source->codec_id, piece->data, (size_t)piece->size).picture;
    note_tail(source, piece, slice);
    if (!gathering->picture)
        gathering->pts = piece->pts;
    gathering->picture |= slice;
    gathering->arrival = rw_now(source->clock);
    rw_buf_add(&gathering->bytes, piece->data, (size_t)piece->size);
    return 0;
}

/* Pieces until an access unit is whole. 1: one is, 0: the stream has ended, -1 with *err. */
static int gather_unit(struct rw_source *source, struct rw_err *err)
{
    for (;;) {
        if (source->piece_waits) {
            source->piece_waits = false;
            if (gather(source, err) < 0)
                return -1;
        }
        av_packet_unref(source->piece);
        int rc = av_read_frame(source->context, source->piece);
        if (interrupted(&source->watchdog))
            return rw_fail_read(source, rc, err);
        if (rc == AVERROR(EAGAIN))
            continue;
        if (rc < 0 && source->gathering.picture) {
            source->ended = true;
            return 1;
        }
        if (rc < 0)
            return rw_fail_read(source, rc, err);
        if (source->piece->stream_index != source->stream || source->piece->size <= 0)
            continue;
        source->piece_waits = true;
        if (completes(source, source->piece))
            return 1;
    }
}

/* The bytes gathered, as a packet of libav's; what is the next picture's stays. */
static AVPacket *take_unit(struct rw_source *source)
{
    struct rw_gathering *gathering = &source->gathering;
    struct rw_buf *bytes = &gathering->bytes;
    size_t size = gathering->tail ? gathering->tail : bytes->size;
    AVPacket *coded = av_packet_alloc();
    if (!coded || av_new_packet(coded, (int)size) < 0)
        av_packet_free(&coded);
    else
        memcpy(coded->data, bytes->data, size);
    memmove(bytes->data, bytes->data + size, bytes->size - size);
    bytes->size -= size;
    gathering->picture = false;
    gathering->tail = 0;
    return coded;
}

/* The packet, NULL with *err untouched to go on without it, or NULL with *err. */
static struct rw_packet *make_packet(struct rw_source *source, struct rw_err *err)
{
    const struct rw_gathering *gathering = &source->gathering;
    AVRational base = source->context->streams[source->stream]->time_base;
    int64_t media_us = INT64_MIN;
    if (gathering->pts != AV_NOPTS_VALUE)
        media_us = av_rescale_q(gathering->pts, base, (AVRational){1, 1000000});
    struct rw_stamp stamp = rw_timeline_stamp(&source->timeline, media_us, gathering->arrival);
    struct rw_packet fields = {.utc_us = stamp.utc_us,
                               .boot_us = stamp.boot_us,
                               .dts_us = stamp.dts_us,
                               .camera_us = media_us,
                               .arrival_us = gathering->arrival.boot_us};
    source->jump_waits = source->codec && (source->jump_waits || stamp.jumped);
    AVPacket *coded = take_unit(source);
    if (!coded) {
        rw_fail(err, RW_ENOMEM, "no memory for a picture");
        return NULL;
    }
    fields.keyframe = rw_nal_summarize(source->codec_id, coded->data, (size_t)coded->size).keyframe;
    int usable = fields.keyframe ? learn_codec(source, coded, err) : source->delivered;
    if (usable <= 0) {
        if (source->delivered)
            source->keyless_since_us = rw_monotonic_us();
        source->delivered = false;
        av_packet_free(&coded);
        return NULL;
    }
    source->delivered = true;
    fields.codec = source->codec;
    fields.after_jump = source->jump_waits;
    source->jump_waits = false;
    struct rw_packet *packet = rw_packet_create(coded, &fields);
    if (!packet)
        rw_fail(err, RW_ENOMEM, "no memory for a picture");
    return packet;
}

static struct rw_packet *read_rtsp(struct rw_source *source, struct rw_err *err)
{
    struct rw_err fault = {0};
    struct rw_packet *packet = NULL;
    while (!packet) {
        rw_watchdog_start(&source->watchdog, source->read_timeout_ms);
        if (source->ended) {
            rw_fail(err, RW_EEND, "the camera ended the stream");
            return NULL;
        }
        if (gather_unit(source, err) < 0)
            return NULL;
        packet = make_packet(source, &fault);
        if (fault.code != RW_OK) {
            if (err)
                *err = fault;
            return NULL;
        }
        if (!source->delivered && rw_monotonic_us() - source->keyless_since_us > KEYLESS_US) {
            rw_fail(err, RW_EFORMAT,
                    "the camera sent no usable keyframe for %d s; set its I-frame "
                    "interval to a few seconds",
                    (int)(KEYLESS_US / RW_SECOND_US));
            return NULL;
        }
    }
    return packet;
}

struct rw_source *rw_source_open(const struct rw_source_options *options, struct rw_err *err)
{
    struct rw_url url;
    if (rw_url_parse(options->url, &url, err) < 0)
        return NULL;
    struct rw_source *source = rw_source_create();
    if (!source) {
        rw_fail(err, RW_ENOMEM, "no memory for a camera");
        return NULL;
    }
    source->read = read_rtsp;
    source->clock = options->clock;
    source->read_timeout_ms = options->read_timeout_ms;
    source->watchdog.cancel = options->cancel;
    rw_watchdog_start(&source->watchdog, options->open_timeout_ms);
    rw_timeline_init(&source->timeline);
    if (rw_url_resolve(&url, &source->watchdog, err) < 0 ||
        connect_rtsp(source, options, &url, err) < 0 || choose_video(source, err) < 0) {
        rw_source_close(source);
        return NULL;
    }
    source->keyless_since_us = rw_monotonic_us();
    return source;
}
