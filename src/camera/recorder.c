#include "camera/recorder.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/door.h"
#include "base/log.h"
#include "camera/post.h"
#include "camera/track.h"

/* Without packets the thread looks this often. */
enum { LOOK_MS = 1000, WAITING_MAX = 256 };
#define REFUSED_MAX_US INT64_C(60000000)

struct rw_recorder {
    struct rw_recorder_options options;
    pthread_t thread;
    /* recorder thread only */
    struct rw_track *track[RW_STREAMS];
    struct rw_post *waiting[WAITING_MAX]; /* events the disk refused, oldest first */
    int waiting_count;
    bool index_refused;
    int64_t refused_since_us; /* CLOCK_BOOTTIME */
};

/* An index that is damaged is put aside and made anew when the store is opened, and one that is
 * refused for long may be so because its disk went away and came back: begin anew. */
static bool should_begin_anew(struct rw_recorder *recorder, const struct rw_err *err)
{
    int64_t now = rw_now(recorder->options.clock).boot_us;
    if (!recorder->index_refused)
        recorder->refused_since_us = now;
    return recorder->index_refused ? now - recorder->refused_since_us > REFUSED_MAX_US
                                   : err->code == RW_EFORMAT;
}

static void say_index(struct rw_recorder *recorder, const struct rw_err *err)
{
    if (err && should_begin_anew(recorder, err))
        kill(getpid(), SIGTERM);
    if (err && !recorder->index_refused)
        rw_log(RW_LOG_ERROR, recorder->options.camera, "%s; trying again", err->text);
    if (err || recorder->index_refused)
        rw_board_disk(recorder->options.board, err);
    recorder->index_refused = err != NULL;
}

static int keep_event(struct rw_recorder *recorder, struct rw_post *post)
{
    struct rw_err err = {0};
    struct rw_event kept;
    if (!*post->event->acked_by &&
        rw_store_get_event(recorder->options.store, post->event->id, &kept, NULL) == 1)
        memcpy(post->event->acked_by, kept.acked_by, sizeof kept.acked_by);
    struct rw_pictures pictures = {post->jpeg.data, (int)post->jpeg.size, post->thumbnail.data,
                                   (int)post->thumbnail.size};
    if (rw_store_put_event(recorder->options.store, post->event, post->jpeg.size ? &pictures : NULL,
                           &err)) {
        say_index(recorder, &err);
        return -1;
    }
    say_index(recorder, NULL);
    rw_dialer_poke(recorder->options.dialer);
    return 0;
}

/* An event that the disk refuses is tried again, in order, before any later one. */
static void take_event(struct rw_recorder *recorder, struct rw_post *post)
{
    if (!recorder->waiting_count && !keep_event(recorder, post)) {
        rw_post_destroy(post);
        return;
    }
    if (recorder->waiting_count == WAITING_MAX) {
        rw_log(RW_LOG_ERROR, recorder->options.camera,
               "event %s is lost: the disk has refused %d events before it", post->event->id,
               WAITING_MAX);
        rw_post_destroy(post);
        return;
    }
    recorder->waiting[recorder->waiting_count++] = post;
}

static void retry_events(struct rw_recorder *recorder)
{
    int done = 0;
    while (done < recorder->waiting_count && !keep_event(recorder, recorder->waiting[done]))
        rw_post_destroy(recorder->waiting[done++]);
    recorder->waiting_count -= done;
    memmove(recorder->waiting, recorder->waiting + done,
            (size_t)recorder->waiting_count * sizeof *recorder->waiting);
}

static void acknowledge(struct rw_recorder *recorder, const struct rw_post *post)
{
    struct rw_store *store = recorder->options.store;
    struct rw_err err = {0};
    struct rw_event event;
    int got = rw_store_get_event(store, post->text, &event, &err);
    if (got == 1) {
        snprintf(event.acked_by, sizeof event.acked_by, "%.64s", post->more);
        event.phase = RW_PHASE_UPDATE; /* also of an event that has ended: its end stays */
        got = rw_store_put_event(store, &event, NULL, &err) ? -1 : 1;
    }
    if (got < 0)
        say_index(recorder, &err);
    else
        rw_dialer_poke(recorder->options.dialer);
}

static void take_state(struct rw_recorder *recorder, const struct rw_post *post)
{
    struct rw_err err = {0};
    if (rw_store_put_state(recorder->options.store, post->text, post->number, post->more, &err))
        say_index(recorder, &err);
    rw_dialer_poke(recorder->options.dialer);
}

static void mark_damaged(struct rw_recorder *recorder, const struct rw_post *post)
{
    struct rw_err err = {0};
    rw_log(
        RW_LOG_ERROR, recorder->options.camera,
        "%s slot %d: the bytes of record %lld are no longer those that were written; it is marked "
        "as damaged, and the disk may be failing",
        rw_stream_name(post->stream), post->slot, (long long)post->number);
    if (rw_store_mark_damaged(recorder->options.store, post->stream, (uint64_t)post->number,
                              post->slot, &err))
        say_index(recorder, &err);
}

/* Takes the post. */
static void handle(struct rw_recorder *recorder, struct rw_post *post)
{
    struct rw_err err = {0};
    switch (post->kind) {
    case RW_POST_PACKET:
        rw_track_add(recorder->track[post->stream], post->packet, post->cause);
        post->packet = NULL;
        break;
    case RW_POST_LOST:
        rw_track_end(recorder->track[post->stream]);
        break;
    case RW_POST_EVENT:
        take_event(recorder, post);
        return;
    case RW_POST_STATE:
        take_state(recorder, post);
        break;
    case RW_POST_ACK:
        acknowledge(recorder, post);
        break;
    case RW_POST_WORD:
        if (rw_store_put_word(recorder->options.store, post->text, post->number, &err))
            say_index(recorder, &err);
        break;
    case RW_POST_ASK:
        rw_ask_answer(post->ask, recorder->options.store);
        post->ask = NULL;
        break;
    case RW_POST_DAMAGED:
        mark_damaged(recorder, post);
        break;
    }
    rw_post_destroy(post);
}

static void tick(struct rw_recorder *recorder, int64_t boot_us)
{
    struct rw_err err = {0};
    if (recorder->waiting_count)
        retry_events(recorder);
    if (rw_store_tick(recorder->options.store, boot_us, &err))
        say_index(recorder, &err);
    else if (recorder->index_refused && !recorder->waiting_count &&
             !rw_store_put_word(recorder->options.store, "refused_until", boot_us, &err))
        say_index(recorder, NULL); /* a real commit went through */
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (recorder->track[stream])
            rw_track_tick(recorder->track[stream], boot_us);
}

/* The last pictures; what waits for the disk gets its last chance. */
static void end_tracks(struct rw_recorder *recorder)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct rw_track *track = recorder->track[stream];
        if (!track)
            continue;
        rw_track_end(track);
        rw_track_tick(track, rw_now(recorder->options.clock).boot_us);
        if (rw_track_waits(track))
            rw_log(RW_LOG_ERROR, recorder->options.camera,
                   "%s stream: the disk still refuses; what waited in memory is lost",
                   rw_stream_name((enum rw_stream)stream));
    }
}

static void *recorder_main(void *arg)
{
    struct rw_recorder *recorder = arg;
    const struct rw_recorder_options *o = &recorder->options;
    int64_t next_tick = 0;
    for (;;) {
        struct rw_post *post = rw_post_take(o->mailbox, LOOK_MS);
        if (!post && rw_mailbox_closed(o->mailbox))
            break;
        if (post)
            handle(recorder, post);
        int64_t now = rw_now(o->clock).boot_us;
        if (now >= next_tick) {
            tick(recorder, now);
            next_tick = now + RW_STORE_TICK_US;
        }
    }
    end_tracks(recorder);
    retry_events(recorder);
    return NULL;
}

/* Events that a dead process left open end where it last knew of them. */
static void close_event(void *arg, struct rw_event *event)
{
    struct rw_recorder *recorder = arg;
    struct rw_err err = {0};
    event->end_us = event->peak_us > event->start_us ? event->peak_us : event->start_us;
    event->phase = RW_PHASE_END;
    if (rw_store_put_event(recorder->options.store, event, NULL, &err))
        rw_log(RW_LOG_ERROR, recorder->options.camera, "event %s cannot be ended: %s", event->id,
               err.text);
}

struct rw_recorder *rw_recorder_start(const struct rw_recorder_options *options, struct rw_err *err)
{
    struct rw_recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        abort();
    recorder->options = *options;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (options->streams[stream])
            recorder->track[stream] = rw_track_create(options->store, (enum rw_stream)stream,
                                                      options->camera, options->board);
    if (!rw_store_open_events(options->store, close_event, recorder, err) &&
        !pthread_create(&recorder->thread, NULL, recorder_main, recorder))
        return recorder;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        rw_track_destroy(recorder->track[stream]);
    free(recorder);
    rw_fail(err, RW_ENOMEM, "the recorder thread cannot be started");
    return NULL;
}

void rw_recorder_stop(struct rw_recorder *recorder)
{
    if (!recorder)
        return;
    rw_mailbox_close(recorder->options.mailbox);
    pthread_join(recorder->thread, NULL);
    for (int i = 0; i < recorder->waiting_count; i++) {
        rw_log(RW_LOG_ERROR, recorder->options.camera, "event %s is lost: the disk still refuses",
               recorder->waiting[i]->event->id);
        rw_post_destroy(recorder->waiting[i]);
    }
    for (int stream = 0; stream < RW_STREAMS; stream++)
        rw_track_destroy(recorder->track[stream]);
    free(recorder);
}
