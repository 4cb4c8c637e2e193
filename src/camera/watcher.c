#include "camera/watcher.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/id.h"
#include "base/log.h"
#include "base/units.h"
#include "camera/alarms.h"
#include "camera/post.h"
#include "camera/report.h"
#include "camera/stale.h"
#include "camera/state.h"
#include "camera/thinning.h"
#include "media/decode.h"
#include "media/jpeg.h"
#include "media/nal.h"
#include "motion/motion.h"

/* While nothing is about to be decided pictures come in bursts: of three or four at 15 a second, of
 * six while an event is on. A burst is decoded in warm caches. It delays the first moving picture; to
 * be sure takes as long, and what comes then is looked at at once. */
enum { BURST_MS = 240, BURST_RUNNING_MS = 390 };
/* Without pictures the time is looked at this often. */
enum { LOOK_MS = 500, JPEG_QUALITY = 75, THUMBNAIL_MAX = 5 * 1024 };
/* A picture that arrived longer ago than this is not worth decoding: the newest keyframe is. */
#define LATE_US INT64_C(3000000)
/* All watchers yield to all that receives and records. */
enum { NICE = 5 };
/* The clock of day was set by at least this. */
#define STEP_US RW_SECOND_US

_Static_assert((int)RW_EVENT_LINES_MAX == (int)RW_LINES_MAX &&
                   (int)RW_EVENT_PATH_MAX == (int)RW_PATH_MAX &&
                   (int)RW_ZONES_MAX == (int)RW_REGIONS_MAX,
               "an event holds all that a run tells");

/* The event of a kind that is on, or may go on. */
struct happening {
    struct rw_event event;
    struct rw_picture *best; /* not told yet; NULL: it was. Owned */
};

struct rw_watcher {
    struct rw_watcher_options options;
    pthread_t thread;
    /* watcher thread only */
    struct rw_decoder *decoder;
    const struct rw_codec *codec; /* owned; of the decoder */
    struct rw_motion *motion;
    struct rw_alarms alarms;
    struct happening happenings[RW_KINDS];
    bool wants_key;
    int64_t now_us;    /* UTC of the newest picture, or of the clock without one */
    int64_t offset_us; /* of the clock of day from CLOCK_BOOTTIME; 0: not known */
    struct rw_thinning thinning;
    struct rw_report report;
    bool decode_failed;    /* said once */
    enum rw_stream stream; /* that packets come of */
    struct rw_stale_luma stale;
    struct rw_pulse_blind blind;
    unsigned ails; /* as they stand on the board: the bits that are this thread's */
};

static void copy_region(const struct rw_zone_config *from, struct rw_region *to)
{
    to->points = from->points < RW_POLYGON_MAX ? from->points : RW_POLYGON_MAX;
    memcpy(to->polygon, from->polygon, (size_t)to->points * sizeof *to->polygon);
    to->sensitivity = from->sensitivity;
}

void rw_watcher_motion_options(const struct rw_detect_config *config, struct rw_motion_options *out)
{
    *out = (struct rw_motion_options){.sensitivity = config->sensitivity,
                                      .min_duration_us = config->min_duration_us};
    for (int i = 0; i < config->zone_count && i < RW_REGIONS_MAX; i++)
        copy_region(&config->zones[i], &out->zones[out->zone_count++]);
    for (int i = 0; i < config->mask_count && i < RW_REGIONS_MAX; i++)
        copy_region(&config->masks[i], &out->masks[out->mask_count++]);
    for (int i = 0; i < config->line_count && i < RW_LINES_MAX; i++)
        out->lines[out->line_count++] =
            (struct rw_line){config->lines[i].from, config->lines[i].to};
}

/* --- events --- */

static bool armed_now(const struct rw_watcher *watcher, enum rw_motion_kind kind, int64_t utc_us)
{
    struct rw_notice notice;
    rw_board_read(watcher->options.board, &notice);
    return rw_state_armed(&notice, &watcher->options.camera->detect, kind, utc_us);
}

static void new_event(struct rw_watcher *watcher, enum rw_motion_kind kind)
{
    const struct rw_clock *clock = watcher->options.clock;
    struct happening *happening = &watcher->happenings[kind];
    struct rw_event *event = &happening->event;
    struct rw_now now = rw_now(clock);
    struct rw_clock_state state = clock->state(clock->self);
    *event = (struct rw_event){.start_us = watcher->alarms.of[kind].start_us,
                               .seen_us = now.utc_us,
                               .decided_us = now.utc_us,
                               .armed = armed_now(watcher, kind, now.utc_us),
                               .clock_trust = (int)state.trust,
                               .clock_error_us = state.error_us};
    snprintf(event->kind, sizeof event->kind, "%s", rw_kind_name(kind));
    if (happening->best)
        event->seen_us = now.utc_us - (now.boot_us - happening->best->arrival_us);
    rw_ulid_make(event->start_us, event->id);
}

/* What the alarm gathered, by the names that people gave. */
static void name_places(const struct rw_detect_config *detect, const struct rw_alarm *alarm,
                        struct rw_event *event)
{
    event->zone_count = event->crossing_count = 0;
    for (int i = 0; i < alarm->order_count; i++)
        if (alarm->order[i] < detect->zone_count)
            rw_copy_text(event->zones[event->zone_count++], RW_NAME_SIZE,
                         detect->zones[alarm->order[i]].name);
    for (int i = 0; i < alarm->crossing_count; i++) {
        const struct rw_alarm_crossing *crossing = &alarm->crossings[i];
        if (crossing->line >= detect->line_count)
            continue;
        struct rw_crossing *out = &event->crossings[event->crossing_count++];
        rw_copy_text(out->line, sizeof out->line, detect->lines[crossing->line].name);
        out->right = crossing->right;
    }
}

void rw_watcher_fill_event(const struct rw_detect_config *detect, const struct rw_alarm *alarm,
                           struct rw_event *event)
{
    event->end_us = alarm->end_us;
    event->peak_us = alarm->peak_us;
    event->box = alarm->box;
    event->whole = alarm->whole;
    event->score = alarm->score;
    event->lasting = rw_alarm_lasting(alarm);
    event->path_count = alarm->path_count;
    memcpy(event->path, alarm->path, sizeof event->path);
    name_places(detect, alarm, event);
}

/* A best picture is encoded when it is told, once. */
static void make_pictures(struct rw_watcher *watcher, struct happening *happening,
                          struct rw_post *post)
{
    struct rw_err err;
    if (!happening->best)
        return;
    if (rw_jpeg_encode(happening->best, JPEG_QUALITY, &post->jpeg, &err) ||
        rw_jpeg_crop(happening->best, happening->event.box, THUMBNAIL_MAX, &post->thumbnail,
                     &err)) {
        rw_log(RW_LOG_ERROR, watcher->options.camera->id, "no picture of event %s: %s",
               happening->event.id, err.text);
        rw_buf_clear(&post->jpeg);
        return;
    }
    rw_picture_unref(happening->best);
    happening->best = NULL;
}

static void tell(struct rw_watcher *watcher, enum rw_alarm_word word, enum rw_motion_kind kind)
{
    static const enum rw_phase phases[] = {[RW_ALARM_START] = RW_PHASE_START,
                                           [RW_ALARM_UPDATE] = RW_PHASE_UPDATE,
                                           [RW_ALARM_END] = RW_PHASE_END};
    struct happening *happening = &watcher->happenings[kind];
    struct rw_event *event = &happening->event;
    if (word == RW_ALARM_START)
        new_event(watcher, kind);
    event->phase = phases[word];
    rw_watcher_fill_event(&watcher->options.camera->detect, &watcher->alarms.of[kind], event);
    struct rw_post *post = rw_post_event(event);
    make_pictures(watcher, happening, post);
    post->mail.bytes = sizeof *post + post->jpeg.size + post->thumbnail.size;
    if (word != RW_ALARM_UPDATE)
        rw_log(RW_LOG_INFO, watcher->options.camera->id, "event %s (%s) %s", event->id, event->kind,
               word == RW_ALARM_START ? "starts" : "ends");
    rw_post_send(watcher->options.recorder, post);
}

static void close_event(struct rw_watcher *watcher, int64_t now_us)
{
    struct rw_told told = rw_alarms_close(&watcher->alarms, now_us);
    if (told.word != RW_ALARM_NONE)
        tell(watcher, told.word, told.kind);
}

static void show_best(struct happening *happening, const struct rw_picture *picture)
{
    rw_picture_unref(happening->best);
    happening->best = rw_picture_ref(picture);
}

static void feed(struct rw_watcher *watcher, enum rw_motion_change change,
                 const struct rw_motion_run *run, const struct rw_picture *picture)
{
    struct rw_told told;
    do {
        told = rw_alarms_feed(&watcher->alarms, change, run, watcher->now_us, picture != NULL);
        if (told.show)
            show_best(&watcher->happenings[told.kind], picture);
        if (told.word != RW_ALARM_NONE)
            tell(watcher, told.word, told.kind);
        change = RW_MOTION_NONE;
    } while (told.word == RW_ALARM_END);
}

/* --- what ails the stream --- */

static void ail(struct rw_watcher *watcher, enum rw_ail what, bool on)
{
    if (on == ((watcher->ails & (unsigned)what) != 0))
        return;
    watcher->ails ^= (unsigned)what;
    rw_board_ail(watcher->options.board, watcher->stream, what, on);
}

static void lose_pulse(struct rw_watcher *watcher)
{
    watcher->stale = (struct rw_stale_luma){0};
    watcher->blind = (struct rw_pulse_blind){0};
    ail(watcher, RW_AIL_SAME_SEEN, false);
    ail(watcher, RW_AIL_UNDECODABLE, false);
}

/* --- pictures --- */

/* Between the first flagged block and the decision every picture counts at once. */
static void set_patience(struct rw_watcher *watcher)
{
    int ms = watcher->thinning.level || rw_motion_running(watcher->motion) ? BURST_RUNNING_MS
             : rw_motion_moving(watcher->motion)                           ? 0
                                                                           : BURST_MS;
    rw_board_set_patience(watcher->options.board, ms);
}

static void look(struct rw_watcher *watcher, const struct rw_picture *picture)
{
    struct rw_motion_run run;
    enum rw_motion_change change =
        rw_motion_look(watcher->motion, &picture->luma, picture->utc_us, &run);
    ail(watcher, RW_AIL_SAME_SEEN,
        rw_stale_luma_feed(&watcher->stale, &picture->luma, picture->keyframe,
                           picture->arrival_us));
    watcher->now_us = picture->utc_us;
    rw_report_looked(&watcher->report);
    feed(watcher, change, &run, picture);
    set_patience(watcher);
}

/* A hole in the pictures: what moved before it is over, the background is learned anew. */
static void break_off(struct rw_watcher *watcher)
{
    struct rw_motion_run run;
    enum rw_motion_change change = rw_motion_break(watcher->motion, &run);
    feed(watcher, change, &run, NULL);
    if (watcher->decoder)
        rw_decoder_flush(watcher->decoder);
    watcher->wants_key = true;
}

/* The box's clock of day was set: an event lies wholly before that, or after it. */
static void part_at_step(struct rw_watcher *watcher, const struct rw_packet *packet)
{
    int64_t offset = packet->utc_us - packet->boot_us, step = offset - watcher->offset_us;
    bool stepped = watcher->offset_us && (step > STEP_US || step < -STEP_US);
    watcher->offset_us = offset;
    if (!stepped)
        return;
    break_off(watcher);
    close_event(watcher, watcher->now_us);
}

static void use_codec(struct rw_watcher *watcher, const struct rw_codec *codec)
{
    struct rw_err err;
    if (codec == watcher->codec)
        return;
    rw_decoder_destroy(watcher->decoder);
    rw_codec_unref((struct rw_codec *)watcher->codec);
    watcher->codec = rw_codec_ref(codec);
    watcher->decoder = rw_decoder_create(codec, &err);
    if (!watcher->decoder)
        rw_log(RW_LOG_ERROR, watcher->options.camera->id, "watching is not possible: %s", err.text);
}

static bool too_late(const struct rw_watcher *watcher, const struct rw_packet *packet)
{
    return rw_now(watcher->options.clock).boot_us - packet->arrival_us > LATE_US;
}

static bool send_to_decoder(struct rw_watcher *watcher, const struct rw_packet *packet)
{
    struct rw_err err;
    if (!rw_decoder_send(watcher->decoder, packet, &err))
        return true;
    if (!watcher->decode_failed)
        rw_log(RW_LOG_WARNING, watcher->options.camera->id,
               "a picture cannot be decoded (%s); it is recorded as it came", err.text);
    watcher->decode_failed = true;
    watcher->wants_key = true;
    return false;
}

/* How many pictures came of it. */
static int look_at_all(struct rw_watcher *watcher)
{
    struct rw_picture *picture;
    int count = 0;
    for (; (picture = rw_decoder_take(watcher->decoder)); count++) {
        watcher->decode_failed = false;
        look(watcher, picture);
        rw_picture_unref(picture);
    }
    return count;
}

static enum rw_thinning_word thin(struct rw_watcher *watcher, const struct rw_packet *packet)
{
    struct rw_thinning *thinning = &watcher->thinning;
    int64_t now = rw_now(watcher->options.clock).boot_us;
    rw_thinning_pace(thinning, packet->keyframe, now - packet->arrival_us, now);
    rw_report_thinned(&watcher->report, now);
    bool disposable = thinning->level &&
                      rw_nal_disposable(rw_codec_id(packet->codec), packet->data, packet->size);
    return rw_thinning_choose(thinning, packet->keyframe, disposable, packet->arrival_us);
}

/* What the decoder holds is shown now: the next picture may be seconds away. */
static int pause_decoder(struct rw_watcher *watcher)
{
    int seen = 0;
    if (!watcher->decoder || watcher->wants_key)
        return 0;
    if (send_to_decoder(watcher, NULL))
        seen = look_at_all(watcher);
    rw_decoder_flush(watcher->decoder);
    return seen;
}

static void count_blind(struct rw_watcher *watcher, bool keyframe_given, int seen,
                        int64_t arrival_us)
{
    ail(watcher, RW_AIL_UNDECODABLE,
        rw_pulse_blind_feed(&watcher->blind, keyframe_given, seen > 0, arrival_us));
}

static void decode(struct rw_watcher *watcher, const struct rw_packet *packet)
{
    int seen = 0;
    part_at_step(watcher, packet);
    enum rw_thinning_word word = thin(watcher, packet);
    if (word == RW_THINNING_STOP)
        seen = pause_decoder(watcher);
    if (word != RW_THINNING_TAKE) {
        count_blind(watcher, false, seen, packet->arrival_us);
        return;
    }
    if (!watcher->wants_key && too_late(watcher, packet))
        break_off(watcher);
    if (watcher->wants_key && (!packet->keyframe || too_late(watcher, packet)))
        return;
    watcher->wants_key = false;
    use_codec(watcher, packet->codec);
    if (watcher->decoder && send_to_decoder(watcher, packet))
        seen = look_at_all(watcher);
    count_blind(watcher, packet->keyframe, seen, packet->arrival_us);
}

static void *watcher_main(void *arg)
{
    struct rw_watcher *watcher = arg;
    const struct rw_watcher_options *o = &watcher->options;
    setpriority(PRIO_PROCESS, 0, NICE); /* 0: this thread */
    for (;;) {
        struct rw_post *post = rw_post_take(o->mailbox, LOOK_MS);
        if (!post && rw_mailbox_closed(o->mailbox))
            break;
        const struct rw_packet *packet = post && post->kind == RW_POST_PACKET ? post->packet : NULL;
        if (packet) {
            watcher->stream = post->stream;
            decode(watcher, packet);
        } else if (post) {
            break_off(watcher);
        }
        if (post && post->kind == RW_POST_LOST)
            lose_pulse(watcher);
        if (!packet) { /* no picture tells the time */
            watcher->now_us = rw_now(o->clock).utc_us;
            feed(watcher, RW_MOTION_NONE, NULL, NULL);
        }
        rw_report_came(&watcher->report, packet, watcher->alarms.kind);
        rw_post_destroy(post);
    }
    close_event(watcher, rw_now(o->clock).utc_us);
    return NULL;
}

static void free_watcher(struct rw_watcher *watcher)
{
    rw_decoder_destroy(watcher->decoder);
    rw_codec_unref((struct rw_codec *)watcher->codec);
    rw_motion_destroy(watcher->motion);
    for (int kind = 0; kind < RW_KINDS; kind++)
        rw_picture_unref(watcher->happenings[kind].best);
    free(watcher);
}

struct rw_watcher *rw_watcher_start(const struct rw_watcher_options *options, struct rw_err *err)
{
    struct rw_watcher *watcher = calloc(1, sizeof *watcher);
    if (!watcher)
        abort();
    watcher->options = *options;
    watcher->wants_key = true;
    struct rw_motion_options motion;
    rw_watcher_motion_options(&options->camera->detect, &motion);
    watcher->motion = rw_motion_create(&motion);
    rw_alarms_init(&watcher->alarms, &options->camera->alert);
    watcher->report = (struct rw_report){.camera = options->camera->id,
                                         .board = options->board,
                                         .clock = options->clock,
                                         .motion = watcher->motion,
                                         .thinning = &watcher->thinning,
                                         .from_us = rw_now(options->clock).boot_us};
    if (watcher->motion && !pthread_create(&watcher->thread, NULL, watcher_main, watcher))
        return watcher;
    free_watcher(watcher);
    rw_fail(err, RW_ENOMEM, "the watcher thread cannot be started");
    return NULL;
}

void rw_watcher_stop(struct rw_watcher *watcher)
{
    if (!watcher)
        return;
    rw_mailbox_close(watcher->options.mailbox);
    pthread_join(watcher->thread, NULL);
    free_watcher(watcher);
}
