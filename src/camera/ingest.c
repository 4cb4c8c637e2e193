#include "camera/ingest.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "camera/faults.h"
#include "camera/post.h"
#include "camera/stale.h"
#include "media/source.h"

/* From connect to the first answer after PLAY, and between two pictures. */
enum { OPEN_TIMEOUT_MS = 6000, READ_TIMEOUT_MS = 8000 };
/* Nobody waits for a stream that is not watched: it is read, and the recorder woken, this often. */
enum { PATIENCE_MS = 390 };
/* Short enough that a camera is back within 5 s of its return; a refused login is not repeated so
 * fast that the camera locks the account, and where it has no session left ours may be one that it
 * has not forgotten yet. */
#define SAY_AGAIN_US INT64_C(60000000)
enum { RETRY_FIRST_MS = 500, RETRY_MAX_MS = 3000, RETRY_LOGIN_MS = 10000, RETRY_BUSY_MS = 5000 };

struct rw_ingest {
    struct rw_ingest_options options;
    pthread_t thread;
    /* ingest thread only */
    int retry_ms;
    char said[200];           /* the last trouble logged */
    int64_t said_boot_us;     /* when */
    bool said_good;           /* the log's last word is that pictures come */
    enum rw_cause lost_cause; /* why packets are missing for the recorder, NONE: none are */
    bool recorder_wants_key, watcher_wants_key;
    const struct rw_codec *codec; /* of the last packet, owned: its identity has been told */
    struct rw_stale_coded stale;
    struct rw_pulse_clock clock;
    unsigned ails; /* as they stand on the board: the bits that are this thread's */
};

/* --- how it is --- */

static void ail(struct rw_ingest *ingest, enum rw_ail what, bool on)
{
    if (on == ((ingest->ails & (unsigned)what) != 0))
        return;
    ingest->ails ^= (unsigned)what;
    rw_board_ail(ingest->options.board, ingest->options.stream, what, on);
}

static void identify(struct rw_ingest *ingest, const struct rw_packet *packet)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    size_t size;
    if (packet->codec == ingest->codec)
        return;
    rw_codec_unref((struct rw_codec *)ingest->codec);
    ingest->codec = rw_codec_ref(packet->codec);
    const uint8_t *sets = rw_codec_sets(packet->codec, &size);
    SHA256(sets, size, hash);
    rw_faults_identify(ingest->options.board, ingest->options.stream, RW_IDENTITY_SETS, hash);
}

/* Who answered, as far as it can be told before a picture came. A certificate that is not trusted
 * is told as well: it may be another's. source: NULL, it was refused or is away. */
static void identify_source(struct rw_ingest *ingest, const struct rw_source *source,
                            const struct rw_certificate *shown)
{
    const struct rw_ingest_options *o = &ingest->options;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    if (shown->shown)
        rw_faults_identify(o->board, o->stream, RW_IDENTITY_CERTIFICATE, shown->sha256);
    if (source && rw_source_description(source, hash))
        rw_faults_identify(o->board, o->stream, RW_IDENTITY_DESCRIPTION, hash);
}

static void feel_pulse(struct rw_ingest *ingest, const struct rw_packet *packet)
{
    identify(ingest, packet);
    ail(ingest, RW_AIL_SAME_CODED, rw_stale_coded_feed(&ingest->stale, packet));
    ail(ingest, RW_AIL_CLOCK_STILL,
        rw_pulse_clock_feed(&ingest->clock, packet->camera_us, packet->arrival_us));
}

/* The source ended, or there is none. vain: it spoke for a while, and no picture came of it. */
static void lose_pulse(struct rw_ingest *ingest, bool vain)
{
    ingest->stale = (struct rw_stale_coded){0};
    ingest->clock = (struct rw_pulse_clock){0};
    ail(ingest, RW_AIL_VAIN, vain);
    ail(ingest, RW_AIL_SAME_CODED, false);
    ail(ingest, RW_AIL_CLOCK_STILL, false);
}

static void say_trouble(struct rw_ingest *ingest, const struct rw_err *err)
{
    const struct rw_ingest_options *o = &ingest->options;
    rw_board_lost(o->board, o->stream, err->text);
    if (err->code == RW_EHOSTILE)
        rw_faults_tell(o->board, o->stream, err);
    int64_t now = rw_now(o->clock).boot_us;
    bool same = !strncmp(ingest->said, err->text, sizeof ingest->said - 1);
    if (same && (!ingest->said_good || now - ingest->said_boot_us < SAY_AGAIN_US))
        return; /* nothing new, or a camera that comes and goes */
    ingest->said_good = false;
    ingest->said_boot_us = now;
    rw_log(RW_LOG_WARNING, o->camera, "%s stream: %s; trying again", rw_stream_name(o->stream),
           err->text);
    snprintf(ingest->said, sizeof ingest->said, "%.199s", err->text);
}

/* Recording is sacred: a packet is refused only when the recorder is megabytes behind; then all up
 * to the next keyframe are, and the hole is told. */
static void give_recorder(struct rw_ingest *ingest, const struct rw_packet *packet)
{
    const struct rw_ingest_options *o = &ingest->options;
    if (ingest->recorder_wants_key && !packet->keyframe)
        return;
    struct rw_post *post = rw_post_packet(o->stream, rw_packet_ref(packet), ingest->lost_cause);
    if (!rw_mailbox_put_quietly(o->recorder, &post->mail)) { /* it looks by itself */
        ingest->recorder_wants_key = false;
        ingest->lost_cause = RW_CAUSE_NONE;
        return;
    }
    rw_post_destroy(post);
    if (!ingest->recorder_wants_key)
        rw_log(RW_LOG_ERROR, o->camera,
               "%s stream: the disk does not keep up; pictures are dropped to the next keyframe",
               rw_stream_name(o->stream));
    ingest->recorder_wants_key = true;
    ingest->lost_cause = RW_CAUSE_OVERLOAD;
}

/* Detection is lossy: where the watcher is late it gets the newest keyframe next. */
static void give_watcher(struct rw_ingest *ingest, const struct rw_packet *packet)
{
    const struct rw_ingest_options *o = &ingest->options;
    if (!o->watcher || (ingest->watcher_wants_key && !packet->keyframe))
        return;
    struct rw_post *post = rw_post_packet(o->stream, rw_packet_ref(packet), RW_CAUSE_NONE);
    ingest->watcher_wants_key = rw_mailbox_put_quietly(o->watcher, &post->mail) != 0;
    if (ingest->watcher_wants_key)
        rw_post_destroy(post);
}

static void tell_lost(struct rw_ingest *ingest)
{
    const struct rw_ingest_options *o = &ingest->options;
    rw_post_send(o->recorder, rw_post_create(RW_POST_LOST, o->stream));
    if (o->watcher)
        rw_post_send(o->watcher, rw_post_create(RW_POST_LOST, o->stream));
    ingest->lost_cause = RW_CAUSE_CAMERA_LOST;
    ingest->recorder_wants_key = ingest->watcher_wants_key = true;
}

static void say_connected(struct rw_ingest *ingest, const struct rw_packet *packet)
{
    const struct rw_ingest_options *o = &ingest->options;
    rw_board_connected(o->board, o->stream);
    ingest->retry_ms = RETRY_FIRST_MS;
    if (ingest->said_good)
        return;
    ingest->said_good = true;
    rw_log(RW_LOG_INFO, o->camera, "%s stream: pictures come, %s %dx%d", rw_stream_name(o->stream),
           rw_codec_name(packet->codec), rw_codec_width(packet->codec),
           rw_codec_height(packet->codec));
}

/* All that had come is handed on. The recorder is woken by the main stream alone: it then finds the
 * other's pictures, too. */
static void end_burst(struct rw_ingest *ingest, struct rw_source *source)
{
    const struct rw_ingest_options *o = &ingest->options;
    if (o->watcher)
        rw_mailbox_wake(o->watcher);
    if (o->stream == RW_MAIN)
        rw_mailbox_wake(o->recorder);
    rw_source_set_patience(source, o->watcher ? rw_board_patience(o->board) : PATIENCE_MS);
}

/* While it reads it hears, but only pictures come of what is good. */
static bool heard_in_vain(const struct rw_heard *heard, uint64_t bytes, uint64_t units)
{
    return atomic_load_explicit(&heard->bytes, memory_order_relaxed) != bytes &&
           atomic_load_explicit(&heard->units, memory_order_relaxed) == units;
}

static void read_source(struct rw_ingest *ingest, struct rw_source *source)
{
    const struct rw_ingest_options *o = &ingest->options;
    struct rw_heard *heard = rw_board_heard(o->board, o->stream);
    uint64_t bytes = heard->bytes, units = heard->units;
    struct rw_packet *packet;
    struct rw_err err = {0};
    bool first = true;
    rw_source_count(source, heard);
    while ((packet = rw_source_read(source, &err))) {
        if (first)
            say_connected(ingest, packet);
        else
            ail(ingest, RW_AIL_VAIN, false); /* one picture is no proof that it is well */
        first = false;
        rw_board_picture(o->board, o->stream, packet->arrival_us, packet->utc_us);
        feel_pulse(ingest, packet);
        give_recorder(ingest, packet);
        give_watcher(ingest, packet);
        rw_packet_unref(packet);
        if (!rw_source_ready(source))
            end_burst(ingest, source);
        bytes = heard->bytes;
        units = heard->units;
    }
    if (!first)
        tell_lost(ingest);
    lose_pulse(ingest, err.code == RW_ETIMEOUT && heard_in_vain(heard, bytes, units));
    if (err.code == RW_EFORMAT) /* it began well */
        rw_faults_tell(o->board, o->stream, &err);
    if (err.code != RW_ECANCELED)
        say_trouble(ingest, &err);
}

/* Waits before the next try: longer each time, with jitter so that cameras do not queue up. */
static void wait_to_retry(struct rw_ingest *ingest, enum rw_code why)
{
    int wait = ingest->retry_ms;
    if (why == RW_EAUTH)
        wait = RETRY_LOGIN_MS;
    else if (why == RW_EBUSY)
        wait = RETRY_BUSY_MS;
    else if (ingest->retry_ms < RETRY_MAX_MS)
        ingest->retry_ms += RETRY_FIRST_MS;
    uint8_t jitter;
    rw_random(&jitter, 1);
    rw_cancel_wait(ingest->options.cancel, wait - wait * jitter / 1024);
}

static void *ingest_main(void *arg)
{
    struct rw_ingest *ingest = arg;
    const struct rw_ingest_options *o = &ingest->options;
    struct rw_certificate shown;
    struct rw_source_options source_options = {.url = o->config->url,
                                               .username = o->config->username,
                                               .password = o->config->password,
                                               .udp = o->config->udp,
                                               .open_timeout_ms = OPEN_TIMEOUT_MS,
                                               .read_timeout_ms = READ_TIMEOUT_MS,
                                               .cancel = o->cancel,
                                               .dial = o->dial,
                                               .tls = o->tls,
                                               .shown = &shown,
                                               .clock = o->clock};
    while (!rw_cancel_requested(o->cancel)) {
        struct rw_err err = {0};
        shown = (struct rw_certificate){0};
        struct rw_source *source = rw_source_open(&source_options, &err);
        identify_source(ingest, source, &shown);
        if (source)
            read_source(ingest, source);
        else
            lose_pulse(ingest, false);
        if (!source && err.code != RW_ECANCELED)
            say_trouble(ingest, &err);
        rw_source_close(source);
        wait_to_retry(ingest, err.code);
    }
    return NULL;
}

struct rw_ingest *rw_ingest_start(const struct rw_ingest_options *options, struct rw_err *err)
{
    struct rw_ingest *ingest = calloc(1, sizeof *ingest);
    if (!ingest)
        abort();
    ingest->options = *options;
    ingest->retry_ms = RETRY_FIRST_MS;
    rw_board_use(options->board, options->stream);
    if (!pthread_create(&ingest->thread, NULL, ingest_main, ingest))
        return ingest;
    free(ingest);
    rw_fail(err, RW_ENOMEM, "no thread for the %s stream", rw_stream_name(options->stream));
    return NULL;
}

void rw_ingest_stop(struct rw_ingest *ingest)
{
    if (!ingest)
        return;
    pthread_join(ingest->thread, NULL);
    rw_codec_unref((struct rw_codec *)ingest->codec);
    free(ingest);
}
