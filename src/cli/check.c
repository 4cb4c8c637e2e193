#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "camera/camera.h"
#include "cli/advice.h"
#include "cli/cli.h"
#include "cli/measure.h"
#include "store/reader.h"

/* Less recording than this says too little. */
#define ENOUGH_US (600 * RW_SECOND_US)
#define LOOK_US (6 * RW_SECOND_US)

struct promise {
    double days;
    double bits; /* a second */
    bool measured;
};

static struct promise promise_of(struct rw_reader *reader, const struct rw_stream_config *config,
                                 enum rw_stream stream)
{
    int64_t bytes, recorded_us;
    struct promise promise = {.bits = rw_stream_bits(stream)};
    if (reader && !rw_reader_totals(reader, stream, &bytes, &recorded_us, NULL) &&
        recorded_us > ENOUGH_US) {
        promise.bits = (double)bytes * 8e6 / (double)recorded_us;
        promise.measured = true;
    }
    promise.days = (double)config->keep_bytes * 8 / promise.bits / 86400;
    return promise;
}

static double print_promise(const char *id, const struct rw_stream_config *config,
                            enum rw_stream stream, struct rw_reader *reader)
{
    char keep[RW_TIME_SIZE], days[RW_TIME_SIZE];
    struct promise promise = promise_of(reader, config, stream);
    printf("%s %s: %s = %s at %.2f Mbit/s (%s)\n", id, rw_stream_name(stream),
           rw_format_size(config->keep_bytes, keep), rw_days_in_words(promise.days, days),
           promise.bits / 1e6,
           promise.measured ? "measured" : "assumed until it has recorded for ten minutes");
    return promise.days;
}

/* The fewest days any stream of the camera is kept. */
static double camera_days(const struct rw_config *config, const struct rw_camera_config *camera)
{
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, camera->id);
    struct rw_reader *reader = rw_reader_open(dir, NULL);
    double days = print_promise(camera->id, &camera->main, RW_MAIN, reader);
    if (*camera->sub.url) {
        double sub = print_promise(camera->id, &camera->sub, RW_SUB, reader);
        days = sub < days ? sub : days;
    }
    rw_reader_close(reader);
    return days;
}

static int camera_need(const struct rw_config *config, const struct rw_camera_config *camera,
                       int64_t *missing, int64_t *available, struct rw_err *err)
{
    char dir[RW_CAMERA_DIR_SIZE];
    struct rw_store_options options;
    rw_camera_store_options(config, camera, dir, &options);
    return rw_store_need(&options, missing, available, NULL, err);
}

/* Rings are taken in the file's order: the first that does not fit beside those before is named. */
static int check_disk(const struct rw_config *config)
{
    int64_t sum = 0, missing, available = 0;
    char want[RW_TIME_SIZE], have[RW_TIME_SIZE];
    struct rw_err err;
    for (int i = 0; i < config->camera_count; i++) {
        const struct rw_camera_config *camera = &config->cameras[i];
        if (camera_need(config, camera, &missing, &available, &err))
            return rw_complain(1, "%s: %s", camera->id, err.text);
        sum += missing;
        if (sum > available)
            return rw_complain(1,
                               "%s:%d: camera %s: its ring does not fit: the cameras up to this "
                               "one need %s more and the disk of %s has %s free; lower `keep` or "
                               "free the disk",
                               config->path, camera->line, camera->id, rw_format_size(sum, want),
                               config->storage.path, rw_format_size(available, have));
    }
    printf("disk %s: %s free, %s still to be taken by the rings\n", config->storage.path,
           rw_format_size(available, have), rw_format_size(sum, want));
    return 0;
}

/* The camera may allow only as many sessions as the recorder has. */
static void warn_of_recorder(const struct rw_config *config, const struct rw_camera_config *camera)
{
    char dir[PATH_MAX];
    struct rw_camera_state state = {0};
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, camera->id);
    struct rw_reader *reader = rw_reader_open(dir, NULL);
    if (reader && !rw_reader_state(reader, &state, NULL) && state.writer_alive)
        printf(
            "%s: its recorder is running; what follows takes a session of the camera beside those "
            "it has\n",
            camera->id);
    rw_reader_close(reader);
}

static int look_at_stream(const char *camera, const char *stream,
                          const struct rw_stream_config *config)
{
    struct rw_measure measure;
    struct rw_advice advice = {0};
    struct rw_err err;
    char name[RW_NAME_SIZE];
    snprintf(name, sizeof name, "%s %s", camera, stream);
    int failed = rw_measure_stream(config, LOOK_US, &measure, &err);
    if (failed)
        rw_complain(1, "%s: %s stream: %s", camera, stream, err.text);
    else
        rw_measure_print(stdout, name, &measure);
    rw_measure_print_certificate(stdout, name, &measure.certificate);
    rw_advise_certificate(&advice, &measure.certificate, rw_now(rw_clock_system()).utc_us);
    for (int i = 0; i < advice.count; i++)
        printf("%s: %s\n", name, advice.lines[i]);
    return failed ? 1 : 0;
}

static int check_live(const struct rw_config *config)
{
    int status = 0;
    for (int i = 0; i < config->camera_count; i++) {
        const struct rw_camera_config *camera = &config->cameras[i];
        warn_of_recorder(config, camera);
        status |= look_at_stream(camera->id, "main", &camera->main);
        if (*camera->sub.url)
            status |= look_at_stream(camera->id, "sub", &camera->sub);
    }
    return status;
}

int rw_command_check(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config) {
        fprintf(stderr, "%s\n", err.text); /* file:line: sentence, as compilers write it */
        return 1;
    }
    double days = 0;
    for (int i = 0; i < config->camera_count; i++) {
        double these = camera_days(config, &config->cameras[i]);
        days = !i || these < days ? these : days;
    }
    char words[RW_TIME_SIZE];
    printf("%d camera%s = %s\n", config->camera_count, config->camera_count == 1 ? "" : "s",
           rw_days_in_words(days, words));
    int status = check_disk(config);
    if (!status && arguments->live)
        status = check_live(config);
    rw_config_free(config);
    return status;
}
