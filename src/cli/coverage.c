#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"
#include "store/reader.h"

static json_t *span_json(const struct rw_span *span)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE];
    return json_pack("{s:s, s:s}", "from", rw_format_time(span->from_us, from), "to",
                     rw_format_time(span->to_us, to));
}

static json_t *coverage_json(const char *camera, enum rw_stream stream,
                             const struct rw_coverage *coverage)
{
    struct rw_span asked = {.from_us = coverage->from_us, .to_us = coverage->to_us};
    json_t *out = span_json(&asked), *spans = json_array(), *gaps = json_array();
    for (int i = 0; i < coverage->span_count; i++)
        json_array_append_new(spans, span_json(&coverage->spans[i]));
    for (int i = 0; i < coverage->gap_count; i++) {
        json_t *gap = span_json(&coverage->gaps[i]);
        json_object_set_new(gap, "cause", json_string(rw_cause_name(coverage->gaps[i].cause)));
        json_array_append_new(gaps, gap);
    }
    json_object_set_new(out, "camera", json_string(camera));
    json_object_set_new(out, "stream", json_string(rw_stream_name(stream)));
    json_object_set_new(out, "spans", spans);
    json_object_set_new(out, "gaps", gaps);
    json_object_set_new(out, "recorded_s", json_real((double)coverage->recorded_us / 1e6));
    json_object_set_new(out, "gap_s", json_real((double)coverage->gap_us / 1e6));
    json_object_set_new(out, "deleted_s", json_real((double)coverage->deleted_us / 1e6));
    return out;
}

static void print_coverage(const char *camera, enum rw_stream stream,
                           const struct rw_coverage *coverage)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE];
    printf("%s %s: %.3f s recorded, %.3f s missing, %.3f s overwritten\n", camera,
           rw_stream_name(stream), (double)coverage->recorded_us / 1e6,
           (double)coverage->gap_us / 1e6, (double)coverage->deleted_us / 1e6);
    for (int i = 0; i < coverage->span_count; i++)
        printf("  recorded  %s  %s\n", rw_format_time(coverage->spans[i].from_us, from),
               rw_format_time(coverage->spans[i].to_us, to));
    for (int i = 0; i < coverage->gap_count; i++)
        printf("  missing   %s  %s  %s\n", rw_format_time(coverage->gaps[i].from_us, from),
               rw_format_time(coverage->gaps[i].to_us, to), rw_cause_name(coverage->gaps[i].cause));
}

/* Why there is nothing newer than the newest picture. */
static enum rw_cause open_cause(struct rw_reader *reader, enum rw_stream stream, int64_t now_us)
{
    struct rw_camera_state state;
    struct rw_extent extent;
    if (rw_reader_state(reader, &state, NULL) || !state.writer_alive)
        return RW_CAUSE_RECORDER_OFF;
    if (!rw_reader_extent(reader, stream, &extent, NULL) && extent.any &&
        now_us - extent.newest_us < RW_RECORDING_US && !strcmp(state.state, "online"))
        return RW_CAUSE_NONE;
    return RW_CAUSE_CAMERA_LOST;
}

static int cover(const struct rw_arguments *arguments, const struct rw_config *config)
{
    struct rw_err err;
    char dir[PATH_MAX];
    const struct rw_camera_config *camera = rw_config_camera(config, arguments->camera);
    if (!camera)
        return rw_complain(1, "%s has no camera \"%s\"", arguments->config_path, arguments->camera);
    enum rw_stream stream =
        arguments->stream && !strcmp(arguments->stream, "sub") ? RW_SUB : RW_MAIN;
    if (stream == RW_SUB && !*camera->sub.url)
        return rw_complain(1, "%s: this camera has no sub stream", camera->id);
    int64_t now = rw_now(rw_clock_system()).utc_us, from = now - 86400 * RW_SECOND_US, to = now;
    int status = rw_arguments_span(arguments, now, &from, &to);
    if (status)
        return status;
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, camera->id);
    struct rw_coverage coverage;
    struct rw_reader *reader = rw_reader_open(dir, &err);
    if (!reader || rw_reader_coverage(reader, stream, from, to, now,
                                      open_cause(reader, stream, now), &coverage, &err)) {
        rw_reader_close(reader);
        return rw_complain(1, "%s: %s", camera->id, err.text);
    }
    rw_reader_close(reader);
    if (arguments->json) {
        json_t *json = coverage_json(camera->id, stream, &coverage);
        json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
        putchar('\n');
        json_decref(json);
    } else {
        print_coverage(camera->id, stream, &coverage);
    }
    rw_coverage_finish(&coverage);
    return 0;
}

int rw_command_coverage(const struct rw_arguments *arguments)
{
    struct rw_err err;
    if (!arguments->camera)
        return rw_complain(2, "coverage needs --camera ID");
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    int status = cover(arguments, config);
    rw_config_free(config);
    return status;
}
