#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "alerts/payload.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"
#include "store/reader.h"

struct listing {
    const struct rw_config *config;
    const struct rw_camera_config *camera;
    int64_t now_us;
};

static int print_event(void *arg, const struct rw_event *event)
{
    const struct listing *listing = arg;
    char *json =
        rw_payload_event(listing->config, listing->camera, event, NULL, 0, listing->now_us);
    puts(json);
    free(json);
    return 0;
}

static int list_camera(const struct rw_config *config, const struct rw_camera_config *camera,
                       int64_t from_us, int64_t to_us)
{
    char dir[PATH_MAX];
    struct rw_err err = {0};
    struct listing listing = {config, camera, rw_now(rw_clock_system()).utc_us};
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, camera->id);
    struct rw_reader *reader = rw_reader_open(dir, &err);
    if (!reader && err.code == RW_ENOTFOUND)
        return 0; /* nothing recorded yet: no events */
    int failed =
        !reader || rw_reader_events_between(reader, from_us, to_us, print_event, &listing, &err);
    rw_reader_close(reader);
    return failed ? rw_complain(1, "%s: %s", camera->id, err.text) : 0;
}

int rw_command_events(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    /* Without --to there is no end: a clock that was set back has events that are still to come. */
    int64_t now = rw_now(rw_clock_system()).utc_us, from = 0, to = INT64_MAX;
    const struct rw_camera_config **list = calloc((size_t)config->camera_count, sizeof *list);
    int count = list ? rw_arguments_cameras(arguments, config, list) : -1;
    int status = count < 0 ? 1 : rw_arguments_span(arguments, now, &from, &to);
    for (int i = 0; i < count && status != 2; i++)
        status |= list_camera(config, list[i], from, to);
    free(list);
    rw_config_free(config);
    return status;
}
