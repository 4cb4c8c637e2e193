#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

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

static json_t *zone_names(const struct detection *d)
{
    json_t *names = json_array();
    for (int i = 0; d->config && i < d->config->zone_count; i++)
        if (d->run.zones >> i & 1)
            json_array_append_new(names, json_string(d->config->zones[i].name));
    return names;
}

static void print_run(struct detection *d)
{
    const struct rw_motion_run *run = &d->run;
    d->events++;
    json_t *json = json_pack("{s:f, s:f, s:f, s:f, s:f, s:[f,f,f,f], s:o}", "start",
                             seconds(run->start_us), "decided", seconds(run->decided_us), "end",
                             seconds(run->last_us), "peak", seconds(run->peak_us), "score",
                             (double)run->score, "box", (double)run->box.x, (double)run->box.y,
                             (double)run->box.w, (double)run->box.h, "zones", zone_names(d));
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
