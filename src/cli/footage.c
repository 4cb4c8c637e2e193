#include "cli/footage.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "media/source.h"

enum { BATCH = 2048, SAID_MAX = 5 };
#define HOLE_US (2 * RW_SECOND_US) /* longer than any fragment is late */
#define STEP_US RW_SECOND_US

struct run {
    const struct rw_footage_options *options;
    struct rw_footage_result *result;
    struct rw_reader *reader;
    struct rw_fragment *batch; /* BATCH; owned */
    int count;
    uint64_t last_seq; /* of the newest fragment that was taken */
    struct rw_film_bytes film;
    uint8_t init_hash[RW_HASH_SIZE]; /* of codec */
    struct rw_codec *codec;          /* owned; NULL before the first fragment */
    struct rw_decoder *decoder;
    bool wants_key, began;
    int64_t end_us; /* of the fragment before */
    bool stop;
};

static int collect(void *arg, const struct rw_fragment *fragment)
{
    struct run *run = arg;
    if (fragment->seq > run->last_seq)
        run->batch[run->count++] = *fragment;
    return run->count == BATCH;
}

static void break_off(struct run *run, bool stepped)
{
    if (run->decoder)
        rw_decoder_flush(run->decoder);
    run->wants_key = true;
    if (run->began)
        run->options->hole(run->options->arg, stepped);
}

static void skip(struct run *run, const struct rw_fragment *fragment, const char *why)
{
    char time[RW_TIME_SIZE];
    run->result->skipped++;
    if (run->result->skipped <= SAID_MAX)
        rw_complain(0, "%s: what was recorded at %s is passed over (%s)%s", run->options->camera,
                    rw_format_time(fragment->start_us, time), why,
                    run->result->skipped == SAID_MAX ? "; more of it is only counted" : "");
    break_off(run, false);
}

/* A hole before it, by its own word or by its time. */
static void look_for_hole(struct run *run, const struct rw_fragment *fragment)
{
    int64_t step = fragment->start_us - run->end_us;
    bool clock = step<-STEP_US, hole = fragment->gap_count> 0 || step > HOLE_US;
    for (int i = 0; i < fragment->gap_count; i++)
        clock |= fragment->gaps[i].cause == RW_CAUSE_CLOCK;
    if (run->began && (clock || hole))
        break_off(run, clock);
    run->end_us = fragment->start_us + fragment->duration_us;
}

static void take_pictures(struct run *run)
{
    struct rw_picture *picture;
    while ((picture = rw_decoder_take(run->decoder))) {
        if (!run->stop)
            run->stop = run->options->picture(run->options->arg, picture);
        run->began = true;
        rw_picture_unref(picture);
    }
}

static void decode(struct run *run, const struct rw_packet *packet)
{
    if (run->wants_key && !packet->keyframe)
        return;
    run->wants_key = false;
    if (rw_decoder_send(run->decoder, packet, NULL))
        run->wants_key = true; /* as live: the next keyframe, please */
    else
        take_pictures(run);
}

/* The codec of this fragment's init segment, with a decoder that goes on while it is the same. */
static int use_codec(struct run *run, const struct rw_packet *packet, struct rw_err *err)
{
    if (run->codec == packet->codec)
        return 0;
    rw_decoder_destroy(run->decoder);
    rw_codec_unref(run->codec);
    run->codec = rw_codec_ref(packet->codec);
    memcpy(run->init_hash, run->film.init_hash, sizeof run->init_hash);
    run->wants_key = true;
    run->decoder = rw_decoder_create(run->codec, err);
    return run->decoder ? 0 : -1;
}

static int read_film(struct run *run, const struct rw_fragment *fragment, struct rw_err *err)
{
    bool same = run->codec && !memcmp(run->init_hash, run->film.init_hash, RW_HASH_SIZE);
    struct rw_packet *packet;
    struct rw_source *source =
        rw_source_open_bytes(run->film.bytes.data, run->film.bytes.size, fragment->start_us,
                             same ? run->codec : NULL, err);
    if (!source)
        return -1;
    int failed = 0;
    while (!failed && !run->stop && (packet = rw_source_read(source, err))) {
        failed = use_codec(run, packet, err);
        if (!failed)
            decode(run, packet);
        rw_packet_unref(packet);
    }
    rw_source_close(source);
    return failed || (!run->stop && err->code != RW_EEND) ? -1 : 0;
}

static void take_fragment(struct run *run, const struct rw_fragment *fragment)
{
    struct rw_err err = {0};
    run->last_seq = fragment->seq;
    run->result->fragments++;
    look_for_hole(run, fragment);
    int got = fragment->damaged
                  ? 0
                  : rw_reader_load(run->reader, run->options->stream, fragment, &run->film, &err);
    if (got == 1 && !read_film(run, fragment, &err))
        run->result->length_us += fragment->duration_us;
    else
        skip(run, fragment, got ? err.text : "damaged, or overwritten meanwhile");
}

static int run_batches(struct run *run, struct rw_err *err)
{
    const struct rw_footage_options *o = run->options;
    do {
        run->count = 0;
        if (rw_reader_fragments(run->reader, o->stream, o->from_us, o->to_us, collect, run, err))
            return -1;
        for (int i = 0; i < run->count && !run->stop; i++)
            take_fragment(run, &run->batch[i]);
    } while (run->count && !run->stop);
    if (run->decoder && !run->stop && !rw_decoder_send(run->decoder, NULL, NULL))
        take_pictures(run);
    return 0;
}

int rw_footage_run(const struct rw_footage_options *options, struct rw_footage_result *result,
                   struct rw_err *err)
{
    struct run run = {.options = options, .result = result, .wants_key = true};
    *result = (struct rw_footage_result){.fragments = 0};
    run.reader = rw_reader_open(options->dir, err);
    if (!run.reader)
        return -1;
    run.batch = calloc(BATCH, sizeof *run.batch);
    if (!run.batch)
        abort();
    int failed = run_batches(&run, err);
    free(run.batch);
    rw_buf_finish(&run.film.bytes);
    rw_decoder_destroy(run.decoder);
    rw_codec_unref(run.codec);
    rw_reader_close(run.reader);
    return failed;
}
