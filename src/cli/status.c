#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/door.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/cli.h"
#include "store/reader.h"

enum { ASK_MS = 1500 };

static json_t *time_or_null(int64_t utc_us)
{
    char text[RW_TIME_SIZE];
    return utc_us > 0 ? json_string(rw_format_time(utc_us, text)) : json_null();
}

/* What the directory tells, whether the camera's process runs or not. */
static void read_store(const struct rw_config *config, const char *id, json_t *out)
{
    char dir[PATH_MAX];
    struct rw_err err = {0};
    struct rw_camera_state state = {0};
    struct rw_extent extent = {0};
    snprintf(dir, sizeof dir, "%s/%s", config->storage.path, id);
    struct rw_reader *reader = rw_reader_open(dir, &err);
    bool good = reader && !rw_reader_state(reader, &state, &err) &&
                !rw_reader_extent(reader, RW_MAIN, &extent, &err);
    rw_reader_close(reader);
    int64_t now = rw_now(rw_clock_system()).utc_us;
    if (!good)
        strcpy(state.state, "offline");
    else if (!state.writer_alive)
        strcpy(state.state, "offline");
    const char *reason = !good                ? err.text
                         : state.writer_alive ? state.reason
                         : *state.reason      ? state.reason
                                              : "the recorder of this camera is not running";
    bool recording = state.writer_alive && extent.any && now - extent.newest_us < RW_RECORDING_US;
    json_object_set_new(out, "state", json_string(state.state));
    json_object_set_new(out, "since", time_or_null(state.since_us));
    json_object_set_new(out, "reason", json_string(reason));
    json_object_set_new(out, "recording", json_boolean(recording));
    json_object_set_new(out, "oldest", time_or_null(extent.oldest_us));
    json_object_set_new(out, "newest", time_or_null(extent.newest_us));
    double days = rw_extent_days(&extent);
    json_object_set_new(out, "days_kept", json_real(days));
    json_object_set_new(out, "watch_fps", json_real(0));
    json_object_set_new(out, "watch", json_null());
}

/* What a process that could not begin has left. */
static void read_last_word(const char *runtime, const char *id, json_t *out)
{
    char path[PATH_MAX + 64];
    struct rw_buf text = {0};
    snprintf(path, sizeof path, "%s/%s.json", runtime, id);
    if (!rw_file_read(path, 65536, &text, NULL)) {
        json_t *word = json_loadb((const char *)text.data, text.size, 0, NULL);
        json_t *reason = json_object_get(word, "reason");
        if (json_is_string(reason))
            json_object_set(out, "reason", reason);
        json_decref(word);
    }
    rw_buf_finish(&text);
}

/* What the process itself says of this moment. */
static void ask_process(const struct rw_config *config, const char *id, json_t *out)
{
    char path[PATH_MAX + 64];
    rw_config_door(config, id, path, sizeof path);
    json_t *request = json_pack("{s:s}", "cmd", "status");
    json_t *reply = rw_door_ask(path, request, ASK_MS, NULL);
    static const char *const keys[] = {
        "state", "since",        "reason",      "watch_fps",     "watch",
        "armed", "last_picture", "disarmed_by", "snoozed_until", "lost_percent"};
    for (size_t i = 0; reply && i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(reply, keys[i]);
        if (value)
            json_object_set(out, keys[i], value);
    }
    json_decref(reply);
    json_decref(request);
}

static json_t *camera_status(const struct rw_config *config, const char *runtime,
                             const struct rw_camera_config *camera)
{
    json_t *out = json_pack("{s:s, s:s}", "id", camera->id, "name", camera->name);
    read_store(config, camera->id, out);
    read_last_word(runtime, camera->id, out);
    ask_process(config, camera->id, out);
    return out;
}

static json_t *alerts_status(const struct rw_config *config, const char *runtime)
{
    char path[PATH_MAX + 64];
    struct rw_buf text = {0};
    json_t *json = NULL;
    if (!config->mqtt.enabled)
        return json_pack("{s:b, s:i, s:n, s:s}", "connected", 0, "waiting", 0, "last_delivered",
                         "reason", "no broker is configured");
    snprintf(path, sizeof path, "%s/alerts.json", runtime);
    if (!rw_file_read(path, 65536, &text, NULL))
        json = json_loadb((const char *)text.data, text.size, 0, NULL);
    rw_buf_finish(&text);
    if (!json)
        json = json_pack("{s:b, s:i, s:n, s:s}", "connected", 0, "waiting", 0, "last_delivered",
                         "reason", "the alerts role is not running");
    return json;
}

/* What the role says of each webhook; an empty list where there are none, or it has not said
 * anything yet. */
static json_t *hooks_status(const struct rw_config *config, const char *runtime)
{
    char path[PATH_MAX + 64];
    struct rw_buf text = {0};
    json_t *json = NULL;
    snprintf(path, sizeof path, "%s/webhooks.json", runtime);
    if (config->hook_count && !rw_file_read(path, 65536, &text, NULL))
        json = json_loadb((const char *)text.data, text.size, 0, NULL);
    rw_buf_finish(&text);
    return json_is_array(json) ? json : json_array();
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "-";
}

/* What the watch cannot see just now, and why. */
static void print_watch(const json_t *watch)
{
    const char *on = json_string_value(json_object_get(watch, "on"));
    if (on && !strcmp(on, "covered"))
        printf("  COVERED: it sees nothing");
    else if (on && !strcmp(on, "camera_moved"))
        printf("  MOVED: it looks elsewhere than before");
    if (json_is_true(json_object_get(watch, "thinned")))
        printf("  watches %.1f of %.1f pictures a second",
               json_number_value(json_object_get(watch, "fps")),
               json_number_value(json_object_get(watch, "of")));
    if (json_is_true(json_object_get(watch, "raised")))
        printf("  bad weather: nothing smaller than %lld blocks counts",
               (long long)json_integer_value(json_object_get(watch, "smallest")));
}

static void print_loss(const json_t *lost)
{
    const char *stream;
    json_t *percent;
    json_object_foreach((json_t *)lost, stream, percent)
    {
        if (json_number_value(percent) > 0)
            printf("  %.1f %% of %s lost", json_number_value(percent), stream);
    }
}

/* Whether motion is announced just now. Nothing: the process, which knows, did not answer. */
static void print_arming(const json_t *camera)
{
    char clock[RW_TIME_SIZE];
    int64_t until = 0;
    const char *by = json_string_value(json_object_get(camera, "disarmed_by"));
    if (json_is_true(json_object_get(camera, "armed")))
        printf("  armed");
    else if (by && !strcmp(by, "snooze") &&
             !rw_parse_time(text_of(camera, "snoozed_until"), 0, &until, NULL))
        printf("  snoozed until %s", rw_format_local_clock(until, clock));
    else if (by)
        printf("  disarmed by %s%s", strcmp(by, "schedule") ? "" : "its ", by);
}

static void print_hooks(const json_t *hooks)
{
    size_t i;
    json_t *hook;
    json_array_foreach(hooks, i, hook)
    {
        json_int_t refused = json_integer_value(json_object_get(hook, "refused"));
        printf("%-12s %s, %lld waiting, last delivered %s", text_of(hook, "id"),
               json_is_true(json_object_get(hook, "ok")) ? "webhook" : "WEBHOOK FAILS",
               (long long)json_integer_value(json_object_get(hook, "waiting")),
               text_of(hook, "last_delivered"));
        if (refused)
            printf(", %lld refused", (long long)refused);
        printf("%s%s\n", *text_of(hook, "reason") ? "  " : "", text_of(hook, "reason"));
    }
}

static void print_status(const json_t *status)
{
    size_t i;
    json_t *camera;
    json_array_foreach(json_object_get(status, "cameras"), i, camera)
    {
        printf("%-12s %-10s %s  back to %s (%.1f days)", text_of(camera, "id"),
               text_of(camera, "state"),
               json_is_true(json_object_get(camera, "recording")) ? "recording    "
                                                                  : "NOT RECORDING",
               text_of(camera, "oldest"), json_number_value(json_object_get(camera, "days_kept")));
        print_arming(camera);
        if (*text_of(camera, "reason"))
            printf("  %s", text_of(camera, "reason"));
        print_watch(json_object_get(camera, "watch"));
        print_loss(json_object_get(camera, "lost_percent"));
        putchar('\n');
    }
    const json_t *alerts = json_object_get(status, "alerts");
    printf("alerts       %s, %lld waiting, last delivered %s\n",
           json_is_true(json_object_get(alerts, "connected")) ? "connected" : "NOT CONNECTED",
           (long long)json_integer_value(json_object_get(alerts, "waiting")),
           text_of(alerts, "last_delivered"));
    print_hooks(json_object_get(status, "webhooks"));
}

int rw_command_status(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    char runtime[PATH_MAX];
    rw_config_runtime_dir(config, runtime, sizeof runtime);
    json_t *cameras = json_array();
    bool well = true;
    for (int i = 0; i < config->camera_count; i++) {
        json_t *camera = camera_status(config, runtime, &config->cameras[i]);
        well = well && json_is_true(json_object_get(camera, "recording"));
        json_array_append_new(cameras, camera);
    }
    json_t *status = json_pack(
        "{s:s, s:b, s:o, s:o, s:o}", "site", config->site.id, "ok", (int)well, "cameras", cameras,
        "alerts", alerts_status(config, runtime), "webhooks", hooks_status(config, runtime));
    if (arguments->json) {
        json_dumpf(status, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
    } else {
        print_status(status);
    }
    json_decref(status);
    rw_config_free(config);
    return 0;
}
