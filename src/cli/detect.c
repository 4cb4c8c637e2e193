#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "camera/alarms.h"
#include "camera/watcher.h"
#include "cli/cli.h"
#include "media/decode.h"
#include "media/source.h"
#include "motion/motion.h"

struct detection {
    const struct rw_arguments *arguments;
    const struct rw_detect_config *config; /* NULL: defaults, no zones */
    struct rw_motion *motion;
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

static void look(struct detection *d, const struct rw_picture *picture)
{
    d->decoded++;
    if (rw_motion_look(d->motion, &picture->luma, picture->utc_us, &d->run) == RW_MOTION_END)
        print_run(d);
}

static void take_pictures(struct detection *d)
{
    struct rw_picture *picture;
    while ((picture = rw_decoder_take(d->decoder))) {
        look(d, picture);
        rw_picture_unref(picture);
    }
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
    if (!rw_decoder_send(d->decoder, packet, NULL))
        take_pictures(d);
    return 0;
}

static int detect_file(struct detection *d, struct rw_err *err)
{
    struct rw_source *source = rw_source_open_file(d->arguments->operand, err);
    struct rw_packet *packet;
    int failed = 0;
    if (!source)
        return -1;
    while (!failed && (packet = rw_source_read(source, err))) {
        failed = feed(d, packet, err);
        rw_packet_unref(packet);
    }
    if (!failed && d->decoder && !rw_decoder_send(d->decoder, NULL, NULL))
        take_pictures(d);
    if (rw_motion_break(d->motion, &d->run) == RW_MOTION_END)
        print_run(d);
    rw_source_close(source);
    return failed || err->code != RW_EEND ? -1 : 0;
}

static int run_detection(struct detection *d)
{
    struct rw_motion_options options = {.sensitivity = 50};
    struct rw_err err = {0};
    if (d->config)
        rw_watcher_motion_options(d->config, &options);
    d->motion = rw_motion_create(&options);
    int failed = detect_file(d, &err);
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    if (!failed)
        printf("{\"frames\":%ld,\"decoded\":%ld,\"cpu_s\":%.3f,\"events\":%ld}\n", d->frames,
               d->decoded, (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9, d->events);
    rw_motion_destroy(d->motion);
    rw_decoder_destroy(d->decoder);
    rw_codec_unref((struct rw_codec *)d->codec);
    return failed ? rw_complain(1, "%s: %s", d->arguments->operand, err.text) : 0;
}

int rw_command_detect(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct detection detection = {.arguments = arguments};
    struct rw_config *config = NULL;
    if (arguments->camera) {
        config = rw_arguments_config(arguments, &err);
        if (!config)
            return rw_complain(1, "%s", err.text);
        const struct rw_camera_config *camera = rw_config_camera(config, arguments->camera);
        if (!camera) {
            rw_config_free(config);
            return rw_complain(1, "%s has no camera \"%s\"", arguments->config_path,
                               arguments->camera);
        }
        detection.config = &camera->detect;
    }
    int status = run_detection(&detection);
    rw_config_free(config);
    return status;
}
