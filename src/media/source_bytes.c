#include <string.h>

#include "media/source_internal.h"

enum { IO_BYTES = 32 << 10 };

static int read_bytes(void *arg, uint8_t *out, int size)
{
    struct rw_bytes *bytes = arg;
    size_t left = bytes->size - bytes->at;
    size_t part = (size_t)size < left ? (size_t)size : left;
    if (!part)
        return AVERROR_EOF;
    memcpy(out, bytes->data + bytes->at, part);
    bytes->at += part;
    return (int)part;
}

static int64_t seek_bytes(void *arg, int64_t offset, int whence)
{
    struct rw_bytes *bytes = arg;
    if (whence & AVSEEK_SIZE)
        return (int64_t)bytes->size;
    int64_t base = whence == SEEK_CUR   ? (int64_t)bytes->at
                   : whence == SEEK_END ? (int64_t)bytes->size
                                        : 0;
    if (offset < -base || offset > (int64_t)bytes->size - base)
        return AVERROR(EINVAL);
    bytes->at = (size_t)(base + offset);
    return base + offset;
}

static int open_io(struct rw_source *source)
{
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (buffer)
        source->io =
            avio_alloc_context(buffer, IO_BYTES, 0, &source->bytes, read_bytes, NULL, seek_bytes);
    if (!source->io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    source->context->pb = source->io;
    return 0;
}

struct rw_source *rw_source_open_bytes(const uint8_t *bytes, size_t size, int64_t start_us,
                                       const struct rw_codec *codec, struct rw_err *err)
{
    struct rw_source *source = rw_source_create_for_file();
    if (!source) {
        rw_fail(err, RW_ENOMEM, "no memory for a fragment");
        return NULL;
    }
    source->bytes = (struct rw_bytes){.data = bytes, .size = size};
    int rc = open_io(source);
    if (rc >= 0)
        rc = avformat_open_input(&source->context, NULL, av_find_input_format("mov"), NULL);
    if (rc < 0) {
        rw_fail_av(err, RW_EFORMAT, "a fragment cannot be read", rc);
        rw_source_close(source);
        return NULL;
    }
    if (codec)
        source->codec = rw_codec_ref(codec);
    if (rw_source_read_as_file(source, "a fragment", err) < 0) {
        rw_source_close(source);
        return NULL;
    }
    source->delivered = true; /* its first picture need not be a keyframe */
    source->file_by_dts = true;
    source->file_zero_us = start_us;
    return source;
}
