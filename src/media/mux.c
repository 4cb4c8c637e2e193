#include "media/mux.h"

#include <libavformat/avformat.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "media/internal.h"

enum { TIMESCALE = 90000, IO_BYTES = 32 << 10 };
#define DURATION_MAX_US (3600 * RW_SECOND_US) /* 32 bits of ticks hold 13 hours */

/* libavformat wants pts >= dts, where an MP4 file needs it not: it adds the first packet's
 * difference to all its dts (negative_cts_offsets). A large one makes room and leaves no trace. */
enum { HEADROOM = 10 * TIMESCALE };

struct rw_mux {
    AVFormatContext *context;
    AVPacket *packet;    /* scratch */
    struct rw_buf *out;  /* borrowed during a call of libavformat */
    struct rw_buf waste; /* what it writes at other times */
    int64_t media_us;    /* decoding time of the next packet, from 0 */
    bool started;
    int64_t first_offset; /* presentation - decoding time of the first packet, in ticks */
    int64_t next_ticks;   /* the least that it may be in ticks: they grow, too */
};

static int write_out(void *arg, uint8_t *bytes, int size)
{
    struct rw_mux *mux = arg;
    rw_buf_add(mux->out, bytes, (size_t)size);
    return size;
}

static int64_t to_ticks(int64_t us)
{
    return (us * 9 + 50) / 100;
}

static int add_stream(struct rw_mux *mux, const struct rw_codec *codec)
{
    AVStream *stream = avformat_new_stream(mux->context, NULL);
    if (!stream)
        return AVERROR(ENOMEM);
    int rc = avcodec_parameters_copy(stream->codecpar, rw_codec_parameters(codec));
    stream->codecpar->codec_tag =
        rw_codec_id(codec) == RW_CODEC_HEVC ? MKTAG('h', 'v', 'c', '1') : 0;
    stream->time_base = (AVRational){1, TIMESCALE};
    return rc;
}

static int write_init(struct rw_mux *mux, struct rw_buf *init)
{
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags",
                "frag_custom+frag_discont+empty_moov+default_base_moof+negative_cts_offsets"
                "+skip_trailer",
                0);
    av_dict_set_int(&options, "video_track_timescale", TIMESCALE, 0);
    av_dict_set_int(&options, "use_editlist", 0, 0);
    mux->out = init;
    int rc = avformat_write_header(mux->context, &options);
    avio_flush(mux->context->pb);
    mux->out = &mux->waste;
    av_dict_free(&options);
    return rc;
}

static int open_context(struct rw_mux *mux)
{
    int rc = avformat_alloc_output_context2(&mux->context, NULL, "mp4", NULL);
    if (rc < 0)
        return rc;
    mux->packet = av_packet_alloc();
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (buffer)
        mux->context->pb = avio_alloc_context(buffer, IO_BYTES, 1, mux, NULL, write_out, NULL);
    if (!mux->context->pb) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    mux->context->pb->seekable = 0;
    mux->context->flags |= AVFMT_FLAG_BITEXACT;
    mux->context->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    return mux->packet ? 0 : AVERROR(ENOMEM);
}

struct rw_mux *rw_mux_create(const struct rw_codec *codec, struct rw_buf *init, struct rw_err *err)
{
    rw_media_quiet();
    struct rw_mux *mux = calloc(1, sizeof *mux);
    if (!mux) {
        rw_fail(err, RW_ENOMEM, "no memory for a muxer");
        return NULL;
    }
    mux->out = &mux->waste;
    int rc = open_context(mux);
    if (rc >= 0)
        rc = add_stream(mux, codec);
    if (rc >= 0)
        rc = write_init(mux, init);
    if (rc < 0) {
        rw_fail_av(err, RW_EFORMAT, "the stream's parameters do not fit into MP4", rc);
        rw_mux_destroy(mux);
        return NULL;
    }
    return mux;
}

void rw_mux_destroy(struct rw_mux *mux)
{
    if (!mux)
        return;
    mux->out = &mux->waste;
    AVIOContext *io = mux->context ? mux->context->pb : NULL;
    avformat_free_context(mux->context);
    if (io) {
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
    av_packet_free(&mux->packet);
    rw_buf_finish(&mux->waste);
    free(mux);
}

void rw_mux_start_at(struct rw_mux *mux, int64_t media_us)
{
    mux->media_us = media_us;
    mux->next_ticks = to_ticks(media_us);
}

/* In ticks: presentation - decoding time, which no stream has larger than a few pictures. */
static int64_t shown_after(const struct rw_packet *packet)
{
    int64_t offset_us = packet->utc_us - packet->dts_us;
    bool sane = offset_us > -4 * RW_SECOND_US && offset_us < 4 * RW_SECOND_US;
    return sane ? offset_us * 9 / 100 : 0;
}

int rw_mux_add(struct rw_mux *mux, const struct rw_packet *packet, int64_t duration_us,
               struct rw_err *err)
{
    AVPacket *scratch = mux->packet;
    if (packet->size > RW_PICTURE_BYTES_MAX || duration_us < 0 || duration_us > DURATION_MAX_US)
        return rw_fail(err, RW_EINVAL, "a picture of %zu bytes and %lld us cannot be muxed",
                       packet->size, (long long)duration_us);
    int64_t dts = to_ticks(mux->media_us);
    if (dts < mux->next_ticks)
        dts = mux->next_ticks;
    int64_t offset = shown_after(packet);
    if (!mux->started)
        mux->first_offset = offset;
    mux->started = true;
    mux->media_us += duration_us;
    scratch->data = (uint8_t *)packet->data;
    scratch->size = (int)packet->size;
    scratch->dts = dts - HEADROOM;
    scratch->pts = dts + offset - mux->first_offset;
    int64_t end = to_ticks(mux->media_us);
    mux->next_ticks = end > dts ? end : dts + 1;
    scratch->duration = mux->next_ticks - dts;
    scratch->flags = packet->keyframe ? AV_PKT_FLAG_KEY : 0;
    int rc = av_write_frame(mux->context, scratch);
    av_packet_unref(scratch);
    return rc < 0 ? rw_fail_av(err, RW_EFORMAT, "a picture does not fit into MP4", rc) : 0;
}

int rw_mux_flush(struct rw_mux *mux, struct rw_buf *fragment, struct rw_err *err)
{
    mux->out = fragment;
    int rc = av_write_frame(mux->context, NULL);
    avio_flush(mux->context->pb);
    mux->out = &mux->waste;
    return rc < 0 ? rw_fail_av(err, RW_EFORMAT, "a fragment could not be written", rc) : 0;
}

/* moof, mfhd, traf, tfhd, tfdt, trun and mdat without samples take 112 bytes, a sample at most 16
 * in trun; and a unit's start code of three bytes becomes a length of four. Cameras' start codes
 * have four, but room is left for 48 units a picture. */
size_t rw_mux_overhead(int packets)
{
    return 128 + (size_t)packets * (16 + 48);
}
