#include "media/clip.h"

#include <libavformat/avformat.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "media/internal.h"

enum {
    TIMESCALE = 90000,
    IO_BYTES = 32 << 10,
    FIXED_BYTES = 4096, /* of the index, with the parameter sets of every codec */
    PICTURE_BYTES = 40, /* of the index, at most, for every picture */
    FREE_BOX = 8,       /* what is left of the room in front is one, and no smaller */
    USUAL_TICKS = 90000 / 25,
};

struct rw_clip {
    size_t max_bytes, bytes;
    int count, room;
    struct rw_packet **packets;
};

struct rw_clip *rw_clip_create(size_t max_bytes)
{
    struct rw_clip *clip = calloc(1, sizeof *clip);
    if (!clip)
        abort();
    clip->max_bytes = max_bytes;
    clip->bytes = FIXED_BYTES;
    return clip;
}

void rw_clip_destroy(struct rw_clip *clip)
{
    if (!clip)
        return;
    for (int i = 0; i < clip->count; i++)
        rw_packet_unref(clip->packets[i]);
    free(clip->packets);
    free(clip);
}

bool rw_clip_add(struct rw_clip *clip, struct rw_packet *packet)
{
    size_t bytes = packet->size + PICTURE_BYTES;
    if (clip->bytes + bytes > clip->max_bytes || (!clip->count && !packet->keyframe) ||
        (clip->count && packet->codec != clip->packets[0]->codec))
        return false;
    clip->packets = rw_list_grow(clip->packets, clip->count, &clip->room, sizeof *clip->packets);
    clip->packets[clip->count++] = rw_packet_ref(packet);
    clip->bytes += bytes;
    return true;
}

/* -- the file being written ------------------------------------------------------------------- */

struct file {
    AVFormatContext *context;
    AVPacket *packet; /* scratch */
    struct rw_buf bytes;
    size_t at;
};

static int write_bytes(void *arg, uint8_t *bytes, int size)
{
    struct file *file = arg;
    size_t end = file->at + (size_t)size;
    if (end > file->bytes.size) {
        size_t old = file->bytes.size;
        memset(rw_buf_grow(&file->bytes, end - old), 0, end - old);
    }
    memcpy(file->bytes.data + file->at, bytes, (size_t)size);
    file->at = end;
    return size;
}

static int64_t seek_bytes(void *arg, int64_t offset, int whence)
{
    struct file *file = arg;
    if (whence & AVSEEK_SIZE)
        return (int64_t)file->bytes.size;
    int64_t base = whence == SEEK_CUR   ? (int64_t)file->at
                   : whence == SEEK_END ? (int64_t)file->bytes.size
                                        : 0;
    if (offset < -base || offset > INT32_MAX - base)
        return AVERROR(EINVAL);
    file->at = (size_t)(base + offset);
    return base + offset;
}

static int file_open(struct file *file, const struct rw_codec *codec)
{
    int rc = avformat_alloc_output_context2(&file->context, NULL, "mp4", NULL);
    if (rc < 0)
        return rc;
    file->packet = av_packet_alloc();
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (buffer)
        file->context->pb =
            avio_alloc_context(buffer, IO_BYTES, 1, file, NULL, write_bytes, seek_bytes);
    if (!file->context->pb)
        av_free(buffer);
    AVStream *stream = avformat_new_stream(file->context, NULL);
    if (!file->packet || !file->context->pb || !stream)
        return AVERROR(ENOMEM);
    file->context->flags |= AVFMT_FLAG_BITEXACT;
    stream->time_base = (AVRational){1, TIMESCALE};
    rc = avcodec_parameters_copy(stream->codecpar, rw_codec_parameters(codec));
    stream->codecpar->codec_tag =
        rw_codec_id(codec) == RW_CODEC_HEVC ? MKTAG('h', 'v', 'c', '1') : 0;
    return rc;
}

static void file_close(struct file *file)
{
    AVIOContext *io = file->context ? file->context->pb : NULL;
    avformat_free_context(file->context);
    if (io) {
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
    av_packet_free(&file->packet);
    rw_buf_finish(&file->bytes);
}

static int64_t to_ticks(int64_t us)
{
    return (us * 9 + 50) / 100;
}

/* libavformat wants no picture shown before it is decoded: all are shown so much later. */
static int64_t latest_us(const struct rw_clip *clip)
{
    int64_t late_us = 0;
    for (int i = 0; i < clip->count; i++) {
        int64_t ahead_us = clip->packets[i]->dts_us - clip->packets[i]->utc_us;
        late_us = ahead_us > late_us ? ahead_us : late_us;
    }
    return late_us;
}

static int write_packets(struct file *file, const struct rw_clip *clip)
{
    int64_t zero_us = clip->packets[0]->dts_us, late_us = latest_us(clip), next = 0;
    int64_t usual = USUAL_TICKS;
    int rc = 0;
    for (int i = 0; i < clip->count && rc >= 0; i++) {
        const struct rw_packet *from = clip->packets[i];
        AVPacket *to = file->packet;
        rc = av_new_packet(to, (int)from->size);
        if (rc < 0)
            return rc;
        memcpy(to->data, from->data, from->size);
        int64_t dts = to_ticks(from->dts_us - zero_us);
        int64_t pts = to_ticks(from->utc_us + late_us - zero_us);
        to->dts = dts > next ? dts : next; /* grows, wherever the clock was set */
        to->pts = pts > to->dts ? pts : to->dts;
        next = to->dts + 1;
        if (i + 1 < clip->count && clip->packets[i + 1]->dts_us > from->dts_us)
            usual = to_ticks(clip->packets[i + 1]->dts_us - from->dts_us);
        to->duration = usual;
        to->flags = from->keyframe ? AV_PKT_FLAG_KEY : 0;
        rc = av_write_frame(file->context, to);
        av_packet_unref(to);
    }
    return rc;
}

/* index_bytes: the room in front that is left for the index; 0: it comes behind the pictures. */
static int write_file(struct file *file, const struct rw_clip *clip, size_t index_bytes)
{
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "video_track_timescale", TIMESCALE, 0);
    if (index_bytes)
        av_dict_set_int(&options, "moov_size", (int64_t)index_bytes, 0);
    int rc = file_open(file, clip->packets[0]->codec);
    if (rc >= 0)
        rc = avformat_write_header(file->context, &options);
    if (rc >= 0)
        rc = write_packets(file, clip);
    if (rc >= 0)
        rc = av_write_trailer(file->context);
    av_dict_free(&options);
    return rc;
}

/* Of a file's `moov`; 0 when it has none. */
static size_t index_size(const struct rw_buf *file)
{
    for (size_t at = 0; at + 8 <= file->size;) {
        size_t size = rw_get_be32(file->data + at);
        if (!memcmp(file->data + at + 4, "moov", 4))
            return size;
        if (size < 8)
            return 0;
        at += size;
    }
    return 0;
}

/* Written twice: the first one says how large the index is, the second has it in front. */
int rw_clip_write(const struct rw_clip *clip, struct rw_buf *out, struct rw_err *err)
{
    if (!clip->count)
        return 0;
    rw_media_quiet();
    struct file behind = {0}, before = {0};
    int rc = write_file(&behind, clip, 0);
    size_t size = rc < 0 ? 0 : index_size(&behind.bytes);
    if (size)
        rc = write_file(&before, clip, size + FREE_BOX);
    else if (rc >= 0)
        rc = AVERROR_INVALIDDATA;
    if (rc >= 0)
        rw_buf_add(out, before.bytes.data, before.bytes.size);
    file_close(&behind);
    file_close(&before);
    return rc < 0 ? rw_fail_av(err, RW_EFORMAT, "the pictures do not fit into a film", rc) : 0;
}
