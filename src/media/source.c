#include "media/source.h"

#include <stdlib.h>
#include <time.h>

#include "base/units.h"
#include "media/source_internal.h"

enum { CLOSE_MS = 500 };

int64_t rw_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * RW_SECOND_US + now.tv_nsec / 1000;
}

void rw_watchdog_start(struct rw_watchdog *watchdog, int timeout_ms)
{
    watchdog->expired = false;
    watchdog->deadline_us = rw_monotonic_us() + timeout_ms * INT64_C(1000);
}

struct rw_source *rw_source_create(void)
{
    rw_media_quiet();
    struct rw_source *source = calloc(1, sizeof *source);
    if (!source)
        return NULL;
    source->piece = av_packet_alloc();
    source->context = avformat_alloc_context();
    if (!source->piece || !source->context) {
        rw_source_close(source);
        return NULL;
    }
    return source;
}

struct rw_packet *rw_source_read(struct rw_source *source, struct rw_err *err)
{
    return source->read(source, err);
}

void rw_source_close(struct rw_source *source)
{
    if (!source)
        return;
    source->watchdog.cancel = NULL;
    rw_watchdog_start(&source->watchdog, CLOSE_MS);
    avformat_close_input(&source->context);
    if (source->io)
        av_freep(&source->io->buffer);
    avio_context_free(&source->io);
    av_packet_free(&source->piece);
    rw_codec_unref(source->codec);
    rw_buf_finish(&source->gathering.bytes);
    free(source);
}
