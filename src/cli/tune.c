#include "cli/tune.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "camera/alarms.h"
#include "camera/watcher.h"
#include "cli/compare.h"
#include "cli/footage.h"
#include "cli/overlay.h"
#include "media/jpeg.h"

enum { JPEG_QUALITY = 80, BEFORE = 0, AFTER = 1 };
/* Of footage before the span, so that the background is known in it. */
#define LEARN_US (60 * RW_SECOND_US)
/* No event begins so long before it is known. */
#define SETTLE_US (10 * RW_SECOND_US)
#define PROGRESS_US (RW_SECOND_US / 2)

/* One way to look at the footage. */
struct side {
    struct rw_motion_options options;
    struct rw_motion *motion;
    struct rw_alarms alarms;
    struct rw_happenings events;
    struct rw_picture *best; /* of the newest event; owned */
    int settled;             /* so many of the events, from the first */
};

struct tuning {
    const struct rw_arguments *arguments;
    const struct rw_camera_config *camera; /* as it is */
    const struct rw_camera_config *other;  /* as it might be; the same but for --try */
    int64_t from_us, to_us, now_us;
    int64_t at_us; /* of the newest picture */
    int sides;     /* 1: nothing to compare with */
    struct side side[2];
    struct rw_overlay *overlay; /* NULL: none */
    long pictures;
    bool shows_progress;
    int64_t progress_us; /* CPU time when it was told */
    struct rw_footage_result footage;
    struct rw_err err; /* that ended the run */
};

void rw_tune_sensitivity(struct rw_motion_options *options, const struct rw_detect_config *config,
                         int sensitivity)
{
    options->sensitivity = sensitivity;
    for (int i = 0; i < options->zone_count; i++)
        if (config && i < config->zone_count && config->zones[i].inherits)
            options->zones[i].sensitivity = sensitivity;
}

static int64_t cpu_us(void)
{
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return cpu.tv_sec * RW_SECOND_US + cpu.tv_nsec / 1000;
}

/* "2026-11-23 19:00:00" */
static const char *local_text(int64_t utc_us, char out[RW_TIME_SIZE])
{
    struct tm local;
    time_t second = (time_t)(utc_us / RW_SECOND_US);
    if (!localtime_r(&second, &local) || !strftime(out, RW_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local))
        snprintf(out, RW_TIME_SIZE, "?");
    return out;
}

/* The same as a part of a file's name: no blank, no colon. */
static const char *local_name(int64_t utc_us, char out[RW_TIME_SIZE])
{
    local_text(utc_us, out);
    for (char *at = out; *at; at++)
        *at = (char)(*at == ' ' ? '_' : *at == ':' ? '-' : *at);
    return out;
}

/* --- pictures --- */

static const char *fate_of(const struct tuning *tuning, const struct side *side)
{
    return tuning->sides == 1 ? "event" : side == &tuning->side[BEFORE] ? "goes" : "new";
}

static int encode(const struct side *side, struct rw_happening *event, struct rw_err *err)
{
    const struct rw_luma *luma = &side->best->luma;
    struct rw_canvas *canvas = rw_canvas_create(luma->width, luma->height);
    rw_canvas_show(canvas, side->best, 1);
    rw_overlay_mark(canvas, event->box);
    int failed = rw_jpeg_encode_canvas(canvas, JPEG_QUALITY, &event->jpeg, err);
    rw_canvas_destroy(canvas);
    return failed;
}

/* Named by local time, to the millisecond. */
static int write_picture(struct tuning *tuning, const struct side *side, struct rw_happening *event)
{
    char time[RW_TIME_SIZE];
    struct rw_buf path = {0};
    rw_buf_printf(&path, "%s/%s_%s.%03d_%s.jpg", tuning->arguments->pictures, tuning->camera->id,
                  local_name(event->start_us, time), (int)(event->start_us % RW_SECOND_US / 1000),
                  fate_of(tuning, side));
    event->picture = (char *)path.data;
    return rw_file_replace(event->picture, event->jpeg.data, event->jpeg.size, 0, &tuning->err);
}

static void settle_one(struct tuning *tuning, struct side *side, struct rw_happening *event)
{
    if (tuning->sides == 2)
        event->matched = rw_happenings_have(
            &tuning->side[side == &tuning->side[BEFORE] ? AFTER : BEFORE].events, event);
    if (!event->matched && event->jpeg.size && !tuning->err.code)
        write_picture(tuning, side, event);
    rw_buf_finish(&event->jpeg);
    event->settled = true;
}

/* Events whose fate is known. all: no more of this time will come, on either side. */
static void settle(struct tuning *tuning, bool all)
{
    for (int i = 0; i < tuning->sides; i++) {
        struct side *side = &tuning->side[i];
        int final = all ? side->events.count : side->events.count - 1;
        for (; side->settled < final; side->settled++) {
            struct rw_happening *event = &side->events.list[side->settled];
            if (!all && tuning->at_us - event->end_us < SETTLE_US)
                break;
            settle_one(tuning, side, event);
        }
    }
}

/* --- events --- */

/* The newest event is over for good: nothing reopens it. */
static void conclude(struct tuning *tuning, struct side *side)
{
    struct rw_happenings *events = &side->events;
    if (events->count == side->settled)
        return;
    struct rw_happening *event = &events->list[events->count - 1];
    if (event->end_us < tuning->from_us) { /* while the background was learned */
        rw_happenings_drop(events);
        return;
    }
    if (tuning->arguments->pictures && side->best && !event->jpeg.size && !tuning->err.code)
        encode(side, event, &tuning->err);
}

static void take_word(struct tuning *tuning, struct side *side, struct rw_told told)
{
    const struct rw_alarm *alarm = &side->alarms.of[told.kind];
    enum rw_alarm_word word = told.word;
    if (word == RW_ALARM_START)
        rw_happenings_add(&side->events)->start_us = alarm->start_us;
    struct rw_happening *event = &side->events.list[side->events.count - 1];
    event->end_us = word == RW_ALARM_END ? alarm->end_us : 0;
    event->decided_us = alarm->decided_us;
    event->peak_us = alarm->peak_us;
    event->box = alarm->box;
    event->score = alarm->score;
    event->zones = alarm->zones;
    if (word == RW_ALARM_START)
        event->armed = rw_schedule_armed(&tuning->camera->detect, alarm->decided_us);
}

static void feed(struct tuning *tuning, struct side *side, enum rw_motion_change change,
                 const struct rw_motion_run *run, const struct rw_picture *picture)
{
    struct rw_told told;
    do {
        told = rw_alarms_feed(&side->alarms, change, run, tuning->at_us, picture != NULL);
        if (told.word == RW_ALARM_START)
            conclude(tuning, side);
        if (told.show && picture) {
            rw_picture_unref(side->best);
            side->best = rw_picture_ref(picture);
        }
        if (told.word != RW_ALARM_NONE)
            take_word(tuning, side, told);
        change = RW_MOTION_NONE;
    } while (told.word == RW_ALARM_END);
}

static void close_side(struct tuning *tuning, struct side *side)
{
    struct rw_told told = rw_alarms_close(&side->alarms, tuning->at_us);
    if (told.word != RW_ALARM_NONE)
        take_word(tuning, side, told);
    conclude(tuning, side);
}

/* --- footage --- */

static void show_progress(struct tuning *tuning)
{
    char time[RW_TIME_SIZE];
    int64_t now = cpu_us();
    if (!tuning->shows_progress || now - tuning->progress_us < PROGRESS_US)
        return;
    tuning->progress_us = now;
    int64_t whole = tuning->to_us - tuning->from_us, done = tuning->at_us - tuning->from_us;
    fprintf(stderr, "\r%s: %s, %.0f %%\033[K", tuning->camera->id, local_text(tuning->at_us, time),
            whole > 0 && done > 0 ? 100.0 * (double)done / (double)whole : 0.0);
}

static void look(struct tuning *tuning, struct side *side, const struct rw_picture *picture,
                 bool drawn)
{
    struct rw_motion_run run;
    enum rw_motion_change change =
        rw_motion_look(side->motion, &picture->luma, picture->utc_us, &run);
    feed(tuning, side, change, &run, picture);
    if (drawn && tuning->overlay && !tuning->err.code && picture->utc_us >= tuning->from_us)
        rw_overlay_add(tuning->overlay, picture, side->motion, change, &run, &tuning->err);
}

static int take_picture(void *arg, const struct rw_picture *picture)
{
    struct tuning *tuning = arg;
    if (picture->utc_us >= tuning->to_us)
        return 0;
    tuning->at_us = picture->utc_us;
    tuning->pictures += picture->utc_us >= tuning->from_us;
    for (int i = 0; i < tuning->sides; i++)
        look(tuning, &tuning->side[i], picture, i == tuning->sides - 1);
    settle(tuning, false);
    show_progress(tuning);
    return tuning->err.code != RW_OK;
}

static void take_hole(void *arg, bool stepped)
{
    struct tuning *tuning = arg;
    for (int i = 0; i < tuning->sides; i++) {
        struct side *side = &tuning->side[i];
        struct rw_motion_run run;
        feed(tuning, side, rw_motion_break(side->motion, &run), &run, NULL);
        if (stepped)
            close_side(tuning, side);
    }
    if (stepped)
        settle(tuning, true);
    if (tuning->overlay)
        rw_overlay_break(tuning->overlay);
}

static int run_footage(struct tuning *tuning, const struct rw_config *config)
{
    char dir[PATH_MAX];
    struct rw_footage_options options = {
        .dir = dir,
        .camera = tuning->camera->id,
        .stream = tuning->camera->detect.on_main ? RW_MAIN : RW_SUB,
        .from_us = tuning->from_us - LEARN_US,
        .to_us = tuning->to_us,
        .picture = take_picture,
        .hole = take_hole,
        .arg = tuning,
    };
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, tuning->camera->id);
    struct rw_err err = {0};
    int failed = rw_footage_run(&options, &tuning->footage, &err);
    if (tuning->shows_progress)
        fputs("\r\033[K", stderr);
    take_hole(tuning, true); /* the end */
    return failed ? rw_fail(&tuning->err, err.code, "%s", err.text) : tuning->err.code ? -1 : 0;
}

/* --- what came of it --- */

static const char *zones_text(const struct rw_camera_config *camera, uint32_t zones,
                              struct rw_buf *out)
{
    rw_buf_clear(out);
    rw_buf_printf(out, "%s", "");
    for (int i = 0; i < camera->detect.zone_count; i++)
        if (zones >> i & 1)
            rw_buf_printf(out, "  %s", camera->detect.zones[i].name);
    return (const char *)out->data;
}

static json_t *zones_json(const struct rw_camera_config *camera, uint32_t zones)
{
    json_t *list = json_array();
    for (int i = 0; i < camera->detect.zone_count; i++)
        if (zones >> i & 1)
            json_array_append_new(list, json_string(camera->detect.zones[i].name));
    return list;
}

static void put_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(json);
}

static void tell_event(const struct tuning *tuning, const struct side *side,
                       const struct rw_happening *event)
{
    char start[RW_TIME_SIZE], end[RW_TIME_SIZE], peak[RW_TIME_SIZE];
    const struct rw_camera_config *camera =
        side == &tuning->side[AFTER] ? tuning->other : tuning->camera;
    if (tuning->arguments->json) {
        put_json(json_pack("{s:s, s:s, s:s, s:s, s:f, s:[f,f,f,f], s:o, s:b, s:s?}", "change",
                           fate_of(tuning, side), "start", rw_format_time(event->start_us, start),
                           "end", rw_format_time(event->end_us, end), "peak",
                           rw_format_time(event->peak_us, peak), "score", (double)event->score,
                           "box", (double)event->box.x, (double)event->box.y, (double)event->box.w,
                           (double)event->box.h, "zones", zones_json(camera, event->zones), "armed",
                           event->armed, "picture", event->picture));
        return;
    }
    struct rw_buf zones = {0};
    printf("%-5s  %s  %6.1f s  score %.2f%s%s\n", fate_of(tuning, side),
           local_text(event->start_us, start), (double)(event->end_us - event->start_us) / 1e6,
           (double)event->score, zones_text(camera, event->zones, &zones),
           event->armed ? "" : "  (not armed)");
    rw_buf_finish(&zones);
}

/* Both lists in order of time, what they share left out. */
static void tell_events(const struct tuning *tuning)
{
    int at[2] = {0, 0};
    for (;;) {
        const struct side *first = NULL;
        for (int i = 0; i < tuning->sides; i++) {
            const struct rw_happenings *events = &tuning->side[i].events;
            while (at[i] < events->count && events->list[at[i]].matched)
                at[i]++;
            if (at[i] < events->count &&
                (!first || events->list[at[i]].start_us < first->events.list[at[BEFORE]].start_us))
                first = &tuning->side[i];
        }
        if (!first)
            return;
        tell_event(tuning, first, &first->events.list[at[first - tuning->side]++]);
    }
}

/* "24 h", "90 min", "12 s" */
static const char *length_text(int64_t us, char out[RW_TIME_SIZE])
{
    double s = (double)us / 1e6;
    if (s >= 3 * 3600)
        snprintf(out, RW_TIME_SIZE, "%.4g h", (double)(long)(s / 360 + 0.5) / 10);
    else if (s >= 180)
        snprintf(out, RW_TIME_SIZE, "%.0f min", s / 60);
    else
        snprintf(out, RW_TIME_SIZE, "%.0f s", s);
    return out;
}

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

static void tell_sum(const struct tuning *tuning)
{
    char span[RW_TIME_SIZE], looked[RW_TIME_SIZE];
    const struct rw_happenings *before = &tuning->side[BEFORE].events;
    const struct rw_happenings *after = &tuning->side[AFTER].events;
    length_text(tuning->to_us - tuning->from_us, span);
    if (tuning->sides == 1)
        printf("%s, %s: %d event%s", tuning->camera->id, span, before->count,
               plural(before->count));
    else
        printf("%s, %s: %d → %d event%s; %d would go, %d would be new", tuning->camera->id, span,
               before->count, after->count, plural(after->count), rw_happenings_unmatched(before),
               rw_happenings_unmatched(after));
    if (tuning->camera->detect.schedule_count && tuning->sides == 1)
        printf("; %d of them announced", rw_happenings_armed(before));
    else if (tuning->camera->detect.schedule_count)
        printf("; announced: %d → %d", rw_happenings_armed(before), rw_happenings_armed(after));
    printf("\n%s of footage in %.1f s of CPU time", length_text(tuning->footage.length_us, looked),
           (double)cpu_us() / 1e6);
    if (tuning->footage.skipped)
        printf("; %ld of %ld fragments passed over", tuning->footage.skipped,
               tuning->footage.fragments);
    putchar('\n');
}

static void tell_sum_json(const struct tuning *tuning)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE];
    const struct rw_happenings *before = &tuning->side[BEFORE].events;
    const struct rw_happenings *after = &tuning->side[AFTER].events;
    json_t *sum = json_pack(
        "{s:s, s:s, s:s, s:f, s:I, s:I, s:f}", "camera", tuning->camera->id, "from",
        rw_format_time(tuning->from_us, from), "to", rw_format_time(tuning->to_us, to), "footage_s",
        (double)tuning->footage.length_us / 1e6, "pictures", (json_int_t)tuning->pictures,
        "skipped", (json_int_t)tuning->footage.skipped, "cpu_s", (double)cpu_us() / 1e6);
    if (tuning->sides == 1) {
        json_object_set_new(sum, "events", json_integer(before->count));
    } else {
        json_object_set_new(sum, "before", json_integer(before->count));
        json_object_set_new(sum, "after", json_integer(after->count));
        json_object_set_new(sum, "goes", json_integer(rw_happenings_unmatched(before)));
        json_object_set_new(sum, "new", json_integer(rw_happenings_unmatched(after)));
    }
    put_json(sum);
}

/* --- the run --- */

static void begin_side(struct side *side, const struct rw_camera_config *camera, int sensitivity)
{
    rw_watcher_motion_options(&camera->detect, &side->options);
    if (sensitivity)
        rw_tune_sensitivity(&side->options, &camera->detect, sensitivity);
    side->motion = rw_motion_create(&side->options);
    rw_alarms_init(&side->alarms, &camera->alert);
}

static int make_folder(const char *path)
{
    struct rw_err err;
    if (!path)
        return 0;
    if (rw_make_path(path, &err))
        return rw_complain(1, "--pictures %s", err.text);
    return access(path, W_OK | X_OK)
               ? rw_complain(1, "--pictures %s cannot be written to (%s)", path, strerror(errno))
               : 0;
}

static int finish_overlay(struct tuning *tuning)
{
    struct rw_err err = {0};
    if (!tuning->overlay)
        return 0;
    if (rw_overlay_finish(tuning->overlay, &err))
        return rw_complain(1, "--overlay: %s", err.text);
    rw_overlay_tell_codec(tuning->overlay);
    return 0;
}

static int tell(struct tuning *tuning)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE];
    const char *id = tuning->camera->id;
    if (tuning->err.code && tuning->err.code != RW_ENOTFOUND)
        return rw_complain(1, "%s: %s", id, tuning->err.text);
    if (!tuning->pictures)
        return rw_complain(1, "%s: nothing of its %s stream is recorded from %s to %s", id,
                           tuning->camera->detect.on_main ? "main" : "sub",
                           local_text(tuning->from_us, from), local_text(tuning->to_us, to));
    int status = finish_overlay(tuning);
    if (status)
        return status;
    tell_events(tuning);
    if (tuning->arguments->json)
        tell_sum_json(tuning);
    else
        tell_sum(tuning);
    return 0;
}

static int run(struct tuning *tuning, const struct rw_config *config, int sensitivity)
{
    const struct rw_arguments *arguments = tuning->arguments;
    tuning->sides = sensitivity || arguments->changed ? 2 : 1;
    tuning->shows_progress = isatty(STDERR_FILENO);
    begin_side(&tuning->side[BEFORE], tuning->camera, 0);
    if (tuning->sides == 2)
        begin_side(&tuning->side[AFTER], tuning->other, sensitivity);
    if (arguments->overlay)
        tuning->overlay =
            rw_overlay_create(arguments->overlay, &tuning->side[tuning->sides - 1].options,
                              &tuning->other->detect, true);
    run_footage(tuning, config);
    int status = tell(tuning);
    rw_overlay_destroy(tuning->overlay);
    for (int i = 0; i < tuning->sides; i++) {
        rw_motion_destroy(tuning->side[i].motion);
        rw_picture_unref(tuning->side[i].best);
        rw_happenings_finish(&tuning->side[i].events);
    }
    return status;
}

static const struct rw_camera_config *find_camera(const struct rw_config *config, const char *id)
{
    const struct rw_camera_config *camera = rw_config_camera(config, id);
    if (!camera)
        rw_complain(1, "%s has no camera \"%s\"", config->path, id);
    else if (!camera->detect.enabled)
        rw_complain(1, "%s: detection is off in %s; write enabled: true below detect", id,
                    config->path);
    else
        return camera;
    return NULL;
}

/* The camera in the file to compare with. */
static int find_other(struct tuning *tuning, const struct rw_config *changed)
{
    tuning->other = changed ? find_camera(changed, tuning->arguments->camera) : tuning->camera;
    if (!tuning->other)
        return 1;
    if (tuning->other->detect.on_main != tuning->camera->detect.on_main)
        return rw_complain(1, "%s: %s watches the other stream; compare what watches the same one",
                           tuning->camera->id, changed->path);
    return 0;
}

static int prepare(struct tuning *tuning, const struct rw_config *config,
                   const struct rw_config *changed)
{
    const struct rw_arguments *arguments = tuning->arguments;
    int64_t now = rw_now(rw_clock_system()).utc_us;
    tuning->from_us = now - 86400 * RW_SECOND_US;
    tuning->to_us = now;
    int status = rw_arguments_span(arguments, now, &tuning->from_us, &tuning->to_us);
    if (status)
        return status;
    tuning->camera = find_camera(config, arguments->camera);
    if (!tuning->camera)
        return 1;
    status = find_other(tuning, changed);
    return status ? status : make_folder(arguments->pictures);
}

int rw_tune(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct tuning tuning = {.arguments = arguments};
    struct rw_config *changed = NULL, *config = rw_arguments_config(arguments, &err);
    int status = 1;
    if (config && arguments->changed)
        changed = rw_config_load(arguments->changed, &err);
    if (!config || (arguments->changed && !changed))
        rw_complain(1, "%s", err.text);
    else
        status = prepare(&tuning, config, changed);
    if (!status)
        status = run(&tuning, config, rw_arguments_sensitivity(arguments));
    rw_config_free(changed);
    rw_config_free(config);
    return status;
}
