#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "media/nal.h"
#include "media/source_internal.h"

enum { KEYLESS_US = 60000000 }; /* the longest wait for a first keyframe */

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

/* A codec from the keyframe's parameter sets, filled up with those known before. NULL with *err
 * untouched: the keyframe is of no use. */
static struct rw_codec *codec_of_keyframe(const struct rw_source *source, const AVPacket *keyframe,
                                          const uint8_t *old, size_t old_size, struct rw_err *err)
{
    enum rw_codec_id id = rw_rtsp_description(source->rtsp)->codec;
    struct rw_codec *codec = NULL;
    struct rw_buf sets;
    rw_buf_init(&sets);
    AVCodecParameters *par = avcodec_parameters_alloc();
    if (!par ||
        !rw_nal_sets_merge(id, keyframe->data, (size_t)keyframe->size, old, old_size, &sets))
        goto out;
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = id == RW_CODEC_HEVC ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264;
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

/* Sees to it that source->codec is the keyframe's. 1: it is, 0: the keyframe is of no use. What is
 * damaged teaches nothing new. */
static int learn_codec(struct rw_source *source, const AVPacket *keyframe, bool damaged,
                       struct rw_err *err)
{
    const struct rw_sdp *sdp = rw_rtsp_description(source->rtsp);
    const uint8_t *known = sdp->sets.data;
    size_t known_size = sdp->sets.size;
    if (source->codec) {
        const AVCodecParameters *par = rw_codec_parameters(source->codec);
        known = par->extradata;
        known_size = (size_t)par->extradata_size;
    }
    if (source->codec &&
        rw_nal_sets_known(sdp->codec, keyframe->data, (size_t)keyframe->size, known, known_size))
        return 1;
    if (damaged)
        return 0;
    struct rw_err fault = {0};
    struct rw_codec *codec = codec_of_keyframe(source, keyframe, known, known_size, &fault);
    if (!codec) {
        if (fault.code != RW_OK && err)
            *err = fault;
        return fault.code != RW_OK ? -1 : 0;
    }
    rw_codec_unref(source->codec);
    source->codec = codec;
    return 1;
}

static AVPacket *copy_unit(const struct rw_rtp_unit *unit)
{
    AVPacket *coded = av_packet_alloc();
    if (!coded || av_new_packet(coded, (int)unit->size) < 0)
        av_packet_free(&coded);
    else
        memcpy(coded->data, unit->data, unit->size);
    return coded;
}

static struct rw_packet stamp_unit(struct rw_source *source, const struct rw_rtp_unit *unit)
{
    struct rw_now arrival = rw_rtsp_arrival(source->rtsp);
    if (source->first_ticks == INT64_MIN)
        source->first_ticks = unit->ticks;
    int64_t media_us = av_rescale(unit->ticks - source->first_ticks, RW_SECOND_US,
                                  rw_rtsp_description(source->rtsp)->clock_hz);
    struct rw_stamp stamp = rw_timeline_stamp(&source->timeline, media_us, arrival);
    source->jump_waits = source->codec && (source->jump_waits || stamp.jumped);
    return (struct rw_packet){.utc_us = stamp.utc_us,
                              .boot_us = stamp.boot_us,
                              .dts_us = stamp.dts_us,
                              .camera_us = media_us,
                              .arrival_us = arrival.boot_us};
}

/* Is the picture one that can be handed out? 1, 0, or -1 with *err. */
static int is_usable(struct rw_source *source, const AVPacket *coded, bool keyframe, bool damaged,
                     struct rw_err *err)
{
    int usable = keyframe ? learn_codec(source, coded, damaged, err) : source->delivered;
    if (usable <= 0 && source->delivered)
        source->keyless_since_us = rw_monotonic_us();
    source->delivered = usable > 0;
    return usable;
}

/* The packet, NULL with *err untouched to go on without it, or NULL with *err. */
static struct rw_packet *make_packet(struct rw_source *source, const struct rw_rtp_unit *unit,
                                     struct rw_err *err)
{
    struct rw_packet fields = stamp_unit(source, unit);
    AVPacket *coded = copy_unit(unit);
    if (!coded) {
        rw_fail(err, RW_ENOMEM, "no memory for a picture");
        return NULL;
    }
    enum rw_codec_id id = rw_rtsp_description(source->rtsp)->codec;
    fields.keyframe = rw_nal_summarize(id, coded->data, (size_t)coded->size).keyframe;
    if (is_usable(source, coded, fields.keyframe, unit->damaged, err) <= 0) {
        av_packet_free(&coded);
        return NULL;
    }
    fields.codec = source->codec;
    fields.after_jump = source->jump_waits;
    fields.damaged = unit->damaged;
    source->jump_waits = false;
    struct rw_packet *packet = rw_packet_create(coded, &fields);
    if (!packet)
        rw_fail(err, RW_ENOMEM, "no memory for a picture");
    return packet;
}

static void count(struct rw_source *source, int units)
{
    struct rw_rtsp_count now = rw_rtsp_count(source->rtsp), *before = &source->counted;
    rw_heard_add(source->heard, now.bytes - before->bytes, (uint64_t)units,
                 now.datagrams - before->datagrams, now.lost - before->lost);
    *before = now;
}

static struct rw_packet *read_rtsp(struct rw_source *source, struct rw_err *err)
{
    struct rw_err fault = {0};
    struct rw_packet *packet = NULL;
    while (!packet) {
        struct rw_rtp_unit unit;
        int failed = rw_rtsp_read(source->rtsp, source->read_timeout_ms, &unit, err);
        count(source, failed ? 0 : 1);
        if (failed)
            return NULL;
        packet = make_packet(source, &unit, &fault);
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

/* Connected by this process, trusting what the system trusts, where the caller gives nothing else.
 */
static int open_rtsp(struct rw_source *source, const struct rw_source_options *options,
                     struct rw_err *err)
{
    rw_dial_system_init(&source->own_dial);
    struct rw_tls *tls = options->tls;
    if (!tls && !strncmp(options->url, "rtsps://", 8)) {
        tls = source->own_tls = rw_tls_create(NULL, true, err);
        if (!tls)
            return -1;
    }
    struct rw_rtsp_options rtsp = {.url = options->url,
                                   .username = options->username,
                                   .password = options->password,
                                   .udp = options->udp,
                                   .dial = options->dial ? options->dial : &source->own_dial.dial,
                                   .tls = tls,
                                   .shown = options->shown,
                                   .clock = options->clock,
                                   .cancel = options->cancel,
                                   .open_timeout_ms = options->open_timeout_ms,
                                   .picture_max = RW_PICTURE_BYTES_MAX};
    source->rtsp = rw_rtsp_open(&rtsp, err);
    return source->rtsp ? 0 : -1;
}

struct rw_source *rw_source_open(const struct rw_source_options *options, struct rw_err *err)
{
    struct rw_source *source = rw_source_create();
    source->read = read_rtsp;
    source->read_timeout_ms = options->read_timeout_ms;
    source->first_ticks = INT64_MIN;
    rw_timeline_init(&source->timeline);
    if (open_rtsp(source, options, err)) {
        rw_source_close(source);
        return NULL;
    }
    source->keyless_since_us = rw_monotonic_us();
    return source;
}

bool rw_source_ready(struct rw_source *source)
{
    return !source->rtsp || rw_rtsp_ready(source->rtsp);
}

void rw_source_set_patience(struct rw_source *source, int ms)
{
    if (source->rtsp)
        rw_rtsp_set_patience(source->rtsp, ms);
}

bool rw_source_description(const struct rw_source *source, uint8_t hash[32])
{
    if (!source->rtsp)
        return false;
    memcpy(hash, rw_rtsp_description(source->rtsp)->identity, 32);
    return true;
}

bool rw_source_clock(const struct rw_source *source, int64_t *ahead_us)
{
    int64_t utc_us;
    uint32_t ticks;
    struct rw_now arrival;
    if (!source->rtsp || !rw_rtsp_sender_time(source->rtsp, &utc_us, &ticks, &arrival))
        return false;
    *ahead_us = utc_us - arrival.utc_us;
    return true;
}
