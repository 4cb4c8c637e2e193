#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "camera/alarms.h"
#include "camera/watcher.h"
#include "cli/cli.h"
#include "cli/overlay.h"
#include "cli/tune.h"
#include "media/decode.h"
#include "media/source.h"
#include "motion/motion.h"

struct detection {
    const struct rw_arguments *arguments;
    const struct rw_detect_config *config; /* NULL: defaults, no zones */
    struct rw_motion_options options;
    struct rw_motion *motion;
    struct rw_overlay *overlay; /* NULL: none */
    struct rw_decoder *decoder;
    const struct rw_codec *codec; /* borrowed from the newest packet's source */
    struct rw_motion_run run;
    long frames, decoded, events;
};

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

/* As the alarm makes an event of a run, here of one run alone. */
static void describe(const struct detection *d, struct rw_event *event)
{
    static const struct rw_detect_config nothing = {.zone_count = 0};
    static const struct rw_alert_config at_once = {.max_us = INT64_MAX};
    struct rw_alarm alarm;
    bool show;
    rw_alarm_init(&alarm, d->run.kind, &at_once);
    rw_alarm_feed(&alarm, RW_MOTION_BEGIN, &d->run, d->run.peak_us, &show);
    rw_watcher_fill_event(d->config ? d->config : &nothing, &alarm, event);
}

static json_t *zone_names(const struct rw_event *event)
{
    json_t *names = json_array();
    for (int i = 0; i < event->zone_count; i++)
        json_array_append_new(names, json_string(event->zones[i]));
    return names;
}

static json_t *line_names(const struct rw_event *event)
{
    json_t *lines = json_array();
    for (int i = 0; i < event->crossing_count; i++)
        json_array_append_new(lines, json_pack("{s:s, s:s}", "name", event->crossings[i].line, "to",
                                               event->crossings[i].right ? "right" : "left"));
    return lines;
}

static json_t *path_points(const struct rw_event *event)
{
    json_t *path = json_array();
    for (int i = 0; i < event->path_count; i++)
        json_array_append_new(
            path, json_pack("[f,f]", (double)event->path[i].x, (double)event->path[i].y));
    return path;
}

static void print_run(struct detection *d)
{
    const struct rw_motion_run *run = &d->run;
    struct rw_event event = {.start_us = run->start_us};
    d->events++;
    describe(d, &event);
    json_t *json =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:[f,f,f,f], s:o, s:s, s:[f,f,f,f], s:o, s:o}",
                  "start", seconds(run->start_us), "decided", seconds(run->decided_us), "end",
                  seconds(run->last_us), "peak", seconds(run->peak_us), "score", (double)run->score,
                  "box", (double)run->box.x, (double)run->box.y, (double)run->box.w,
                  (double)run->box.h, "zones", zone_names(&event), "kind", rw_kind_name(run->kind),
                  "whole", (double)event.whole.x, (double)event.whole.y, (double)event.whole.w,
                  (double)event.whole.h, "path", path_points(&event), "lines", line_names(&event));
    json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    putchar('\n');
    fflush(stdout);
    json_decref(json);
}

static int look(struct detection *d, const struct rw_picture *picture, struct rw_err *err)
{
    d->decoded++;
    enum rw_motion_change change =
        rw_motion_look(d->motion, &picture->luma, picture->utc_us, &d->run);
    if (change == RW_MOTION_END)
        print_run(d);
    return d->overlay ? rw_overlay_add(d->overlay, picture, d->motion, change, &d->run, err) : 0;
}

static int take_pictures(struct detection *d, struct rw_err *err)
{
    struct rw_picture *picture;
    int failed = 0;
    while (!failed && (picture = rw_decoder_take(d->decoder))) {
        failed = look(d, picture, err);
        rw_picture_unref(picture);
    }
    return failed;
}

static int feed(struct detection *d, const struct rw_packet *packet, struct rw_err *err)
{
    if (packet->codec != d->codec) {
        rw_decoder_destroy(d->decoder);
        rw_codec_unref((struct rw_codec *)d->codec);
        d->codec = rw_codec_ref(packet->codec);
        d->decoder = rw_decoder_create(d->codec, err);
        if (!d->decoder)
            return -1;
    }
    d->frames++;
    return rw_decoder_send(d->decoder, packet, NULL) ? 0 : take_pictures(d, err);
}

static int read_file(struct detection *d, struct rw_source *source, struct rw_err *err)
{
    struct rw_packet *packet;
    int failed = 0;
    while (!failed && (packet = rw_source_read(source, err))) {
        failed = feed(d, packet, err);
        rw_packet_unref(packet);
    }
    if (failed || err->code != RW_EEND)
        return -1;
    if (d->decoder && !rw_decoder_send(d->decoder, NULL, NULL))
        return take_pictures(d, err);
    return 0;
}

static int detect_file(struct detection *d, struct rw_err *err)
{
    struct rw_source *source = rw_source_open_file(d->arguments->operand, err);
    if (!source)
        return -1;
    int failed = read_file(d, source, err);
    if (rw_motion_break(d->motion, &d->run) == RW_MOTION_END)
        print_run(d);
    rw_source_close(source);
    return !failed && d->overlay ? rw_overlay_finish(d->overlay, err) : failed;
}

static int run_detection(struct detection *d)
{
    struct rw_err err = {0};
    int sensitivity = rw_arguments_sensitivity(d->arguments);
    d->options = (struct rw_motion_options){.sensitivity = 50};
    if (d->config)
        rw_watcher_motion_options(d->config, &d->options);
    if (sensitivity)
        rw_tune_sensitivity(&d->options, d->config, sensitivity);
    d->motion = rw_motion_create(&d->options);
    if (d->arguments->overlay)
        d->overlay = rw_overlay_create(d->arguments->overlay, &d->options, d->config, false);
    int failed = detect_file(d, &err);
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    if (!failed)
        printf("{\"frames\":%ld,\"decoded\":%ld,\"cpu_s\":%.3f,\"events\":%ld}\n", d->frames,
               d->decoded, (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9, d->events);
    if (!failed && d->overlay)
        rw_overlay_tell_codec(d->overlay);
    rw_overlay_destroy(d->overlay);
    rw_motion_destroy(d->motion);
    rw_decoder_destroy(d->decoder);
    rw_codec_unref((struct rw_codec *)d->codec);
    return failed ? rw_complain(1, "%s: %s", d->arguments->operand, err.text) : 0;
}

/* A film must not replace what it is made of. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return !stat(a, &one) && !stat(b, &other) && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static int check_arguments(const struct rw_arguments *arguments)
{
    bool span = arguments->from || arguments->to;
    if (!arguments->operand && (!arguments->camera || !arguments->from))
        return rw_complain(2, "detect needs FILE, or --camera ID and --from TIME for what that "
                              "camera has recorded; see roadwatch detect --help");
    if (arguments->operand && (span || arguments->changed || arguments->pictures))
        return rw_complain(2, "%s is for what a camera has recorded: leave %s away",
                           span                 ? "--from or --to"
                           : arguments->changed ? "--try"
                                                : "--pictures",
                           arguments->operand);
    if (rw_arguments_sensitivity(arguments) < 0)
        return 2;
    if (arguments->operand && arguments->overlay &&
        is_same_file(arguments->operand, arguments->overlay))
        return rw_complain(2,
                           "--overlay %s would overwrite the recording itself; name another file",
                           arguments->overlay);
    return 0;
}

static int detect_as_camera(struct detection *detection)
{
    struct rw_err err;
    const struct rw_arguments *arguments = detection->arguments;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    const struct rw_camera_config *camera = rw_config_camera(config, arguments->camera);
    int status = 1;
    if (camera) {
        detection->config = &camera->detect;
        status = run_detection(detection);
    } else {
        rw_complain(1, "%s has no camera \"%s\"", arguments->config_path, arguments->camera);
    }
    rw_config_free(config);
    return status;
}

int rw_command_detect(const struct rw_arguments *arguments)
{
    struct detection detection = {.arguments = arguments};
    int status = check_arguments(arguments);
    if (status)
        return status;
    if (!arguments->operand)
        return rw_tune(arguments);
    return arguments->camera ? detect_as_camera(&detection) : run_detection(&detection);
}
