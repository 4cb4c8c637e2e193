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

/* key: "cause" of gaps, "rule" of deletions, NULL. */
static json_t *list_json(const struct rw_span *spans, int count, const char *key)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        json_t *span = span_json(&spans[i]);
        if (key)
            json_object_set_new(span, key, json_string(rw_cause_name(spans[i].cause)));
        json_array_append_new(list, span);
    }
    return list;
}

static json_t *coverage_json(const char *camera, enum rw_stream stream,
                             const struct rw_coverage *coverage)
{
    struct rw_span asked = {.from_us = coverage->from_us, .to_us = coverage->to_us};
    json_t *out = span_json(&asked);
    json_object_set_new(out, "camera", json_string(camera));
    json_object_set_new(out, "stream", json_string(rw_stream_name(stream)));
    json_object_set_new(out, "spans", list_json(coverage->spans, coverage->span_count, NULL));
    json_object_set_new(out, "gaps", list_json(coverage->gaps, coverage->gap_count, "cause"));
    json_object_set_new(out, "deleted",
                        list_json(coverage->deletions, coverage->deletion_count, "rule"));
    json_object_set_new(out, "damaged", list_json(coverage->damages, coverage->damage_count, NULL));
    json_object_set_new(out, "recorded_s", json_real((double)coverage->recorded_us / 1e6));
    json_object_set_new(out, "gap_s", json_real((double)coverage->gap_us / 1e6));
    json_object_set_new(out, "deleted_s", json_real((double)coverage->deleted_us / 1e6));
    json_object_set_new(out, "damaged_s", json_real((double)coverage->damaged_us / 1e6));
    return out;
}

static void print_list(const char *word, const struct rw_span *spans, int count)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE];
    for (int i = 0; i < count; i++)
        printf("  %-9s %s  %s%s%s\n", word, rw_format_time(spans[i].from_us, from),
               rw_format_time(spans[i].to_us, to), spans[i].cause == RW_CAUSE_NONE ? "" : "  ",
               spans[i].cause == RW_CAUSE_NONE ? "" : rw_cause_name(spans[i].cause));
}

static void print_coverage(const char *camera, enum rw_stream stream,
                           const struct rw_coverage *coverage)
{
    printf("%s %s: %.3f s recorded, %.3f s missing, %.3f s deleted", camera, rw_stream_name(stream),
           (double)coverage->recorded_us / 1e6, (double)coverage->gap_us / 1e6,
           (double)coverage->deleted_us / 1e6);
    if (coverage->damage_count)
        printf("; %.3f s of the recorded came damaged", (double)coverage->damaged_us / 1e6);
    putchar('\n');
    print_list("recorded", coverage->spans, coverage->span_count);
    print_list("missing", coverage->gaps, coverage->gap_count);
    print_list("deleted", coverage->deletions, coverage->deletion_count);
    print_list("damaged", coverage->damages, coverage->damage_count);
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
    const struct rw_clock *clock = rw_clock_system();
    uint8_t boot_id[16];
    clock->boot_id(clock->self, boot_id);
    struct rw_now at = rw_now(clock);
    int64_t now = at.utc_us, from = now - 86400 * RW_SECOND_US, to = now;
    int status = rw_arguments_span(arguments, now, &from, &to);
    if (status)
        return status;
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, camera->id);
    struct rw_coverage coverage;
    struct rw_reader *reader = rw_reader_open(dir, &err);
    struct rw_asked asked = {.now_us = now,
                             .boot_us = now - at.boot_us,
                             .boot = rw_boot_number(boot_id),
                             .open_cause = reader ? open_cause(reader, stream, now) : 0};
    if (!reader || rw_reader_coverage(reader, stream, from, to, &asked, &coverage, &err)) {
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
