#include "media/source.h"

#include <stdlib.h>

#include "media/source_internal.h"

struct rw_source *rw_source_create(void)
{
    rw_media_quiet();
    struct rw_source *source = calloc(1, sizeof *source);
    if (!source)
        abort();
    return source;
}

struct rw_source *rw_source_create_for_file(void)
{
    struct rw_source *source = rw_source_create();
    source->piece = av_packet_alloc();
    source->context = avformat_alloc_context();
    if (source->piece && source->context)
        return source;
    rw_source_close(source);
    return NULL;
}

void rw_source_count(struct rw_source *source, struct rw_heard *heard)
{
    source->heard = heard;
}

struct rw_packet *rw_source_read(struct rw_source *source, struct rw_err *err)
{
    return source->read(source, err);
}

void rw_source_close(struct rw_source *source)
{
    if (!source)
        return;
    rw_rtsp_close(source->rtsp);
    rw_tls_destroy(source->own_tls);
    avformat_close_input(&source->context);
    if (source->io)
        av_freep(&source->io->buffer);
    avio_context_free(&source->io);
    av_packet_free(&source->piece);
    rw_codec_unref(source->codec);
    free(source);
}
