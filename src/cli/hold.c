/* hold, hold --list, release: through the camera's process where it runs, on its store else. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/door.h"
#include "base/units.h"
#include "camera/camera.h"
#include "cli/cli.h"
#include "store/hold.h"

enum { ASK_MS = 12000 };

/* One request, however it is answered. */
struct order {
    const struct rw_config *config;
    const struct rw_camera_config *camera;
    bool release, dry_run;
    struct rw_hold hold;
    struct rw_hold_cost cost;
};

/* --- through the door --- */

static json_t *request_of(const struct order *order)
{
    const struct rw_hold *hold = &order->hold;
    return order->release
               ? json_pack("{s:s, s:s, s:s}", "cmd", "release", "id", hold->id, "by", hold->by)
               : json_pack("{s:s, s:b, s:I, s:I, s:s, s:s}", "cmd", "hold", "dry",
                           (int)order->dry_run, "from", (json_int_t)hold->from_us, "to",
                           (json_int_t)hold->to_us, "by", hold->by, "reason", hold->reason);
}

static int take_reply(struct order *order, const json_t *reply, struct rw_err *err)
{
    const char *error = json_string_value(json_object_get(reply, "error"));
    const char *id = json_string_value(json_object_get(reply, "id"));
    if (error)
        return rw_fail(err, RW_EINVAL, "%s", error);
    if (id)
        rw_copy_text(order->hold.id, sizeof order->hold.id, id);
    order->cost.slots = (int)json_integer_value(json_object_get(reply, "slots"));
    order->cost.bytes = json_integer_value(json_object_get(reply, "bytes"));
    order->cost.days = json_number_value(json_object_get(reply, "costs_days"));
    return 0;
}

/* 1: nobody is there to ask. */
static int ask_process(struct order *order, struct rw_err *err)
{
    char path[PATH_MAX + 64];
    struct rw_err why = {0};
    rw_config_door(order->config, order->camera->id, path, sizeof path);
    json_t *request = request_of(order);
    if (!request)
        return rw_fail(err, RW_EINVAL, "the reason or the name is not UTF-8");
    json_t *reply = rw_door_ask(path, request, ASK_MS, &why);
    json_decref(request);
    if (!reply)
        return why.code == RW_ETIMEOUT ? rw_fail(err, why.code, "%s", why.text) : 1;
    int failed = take_reply(order, reply, err);
    json_decref(reply);
    return failed;
}

/* --- on the store --- */

static int do_it_here(struct order *order, struct rw_err *err)
{
    char dir[RW_CAMERA_DIR_SIZE];
    struct rw_store_options options;
    rw_camera_store_options(order->config, order->camera, dir, &options);
    if (access(dir, F_OK))
        return rw_fail(err, RW_ENOTFOUND, "nothing has been recorded yet");
    struct rw_store *store = rw_store_open(&options, err);
    if (!store)
        return -1;
    struct rw_hold *hold = &order->hold;
    int failed = order->release ? rw_store_release(store, hold->id, hold->by, err)
                 : order->dry_run
                     ? rw_store_hold_cost(store, hold->from_us, hold->to_us, &order->cost, err)
                     : rw_store_hold(store, hold, &order->cost, err);
    rw_store_close(store);
    return failed;
}

static int carry_out(struct order *order)
{
    struct rw_err err = {0};
    int got = ask_process(order, &err);
    if (got == 1)
        got = do_it_here(order, &err);
    return got ? rw_complain(1, "%s: %s", order->camera->id, err.text) : 0;
}

/* --- words --- */

static void print_hold(const struct order *order, bool json)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE], size[RW_TIME_SIZE], days[RW_TIME_SIZE];
    const struct rw_hold *hold = &order->hold;
    rw_format_time(hold->from_us, from);
    rw_format_time(hold->to_us, to);
    if (json) {
        json_t *out = json_pack("{s:s, s:s, s:s, s:i, s:I, s:f}", "from", from, "to", to, "camera",
                                order->camera->id, "slots", order->cost.slots, "bytes",
                                (json_int_t)order->cost.bytes, "costs_days", order->cost.days);
        json_object_set_new(out, "id", *hold->id ? json_string(hold->id) : json_null());
        json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(out);
        return;
    }
    printf("%s: %s to %s %s %d more slots, %s: room for %s of this camera\n", order->camera->id,
           from, to, order->dry_run ? "would take" : "takes", order->cost.slots,
           rw_format_size(order->cost.bytes, size), rw_days_in_words(order->cost.days, days));
    if (*hold->id)
        puts(hold->id);
}

static const char *asker(const struct rw_arguments *arguments)
{
    static const char *const names[] = {"SUDO_USER", "USER", "LOGNAME"};
    if (arguments->by)
        return arguments->by;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]) && *getenv(names[i]))
            return getenv(names[i]);
    return "the box's console";
}

/* --- the list --- */

struct listing {
    const struct rw_arguments *arguments;
    const struct rw_config *config;
    const struct rw_camera_config *camera;
    const char *wanted; /* for release: this id; NULL: list */
    const struct rw_camera_config *found;
};

static json_t *hold_json(const struct listing *listing, const struct rw_hold *hold)
{
    char from[RW_TIME_SIZE], to[RW_TIME_SIZE], created[RW_TIME_SIZE], released[RW_TIME_SIZE];
    int slots = hold->slots[RW_MAIN] + hold->slots[RW_SUB];
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I}", "id", hold->id, "camera",
                  listing->camera->id, "from", rw_format_time(hold->from_us, from), "to",
                  rw_format_time(hold->to_us, to), "by", hold->by, "reason", hold->reason,
                  "created", rw_format_time(hold->created_us, created), "slots", slots, "bytes",
                  (json_int_t)slots * listing->config->storage.slot_size);
    if (hold->released_us) {
        json_object_set_new(out, "released",
                            json_string(rw_format_time(hold->released_us, released)));
        json_object_set_new(out, "released_by", json_string(hold->released_by));
    }
    return out;
}

static int take_hold(void *arg, const struct rw_hold *hold)
{
    struct listing *listing = arg;
    if (listing->wanted) {
        if (!hold->released_us && !strcmp(hold->id, listing->wanted))
            listing->found = listing->camera;
        return 0;
    }
    if (hold->released_us && !listing->arguments->all)
        return 0;
    json_t *json = hold_json(listing, hold);
    if (listing->arguments->json)
        json_dumpf(json, stdout, JSON_COMPACT);
    else
        printf("%s  %-12s %s  %s  %s: %s%s%s", hold->id, listing->camera->id,
               json_string_value(json_object_get(json, "from")),
               json_string_value(json_object_get(json, "to")), hold->by, hold->reason,
               hold->released_us ? ", released by " : "", hold->released_by);
    putchar('\n');
    json_decref(json);
    return 0;
}

static int each_hold(struct listing *listing)
{
    int status = 0;
    for (int i = 0; i < listing->config->camera_count; i++) {
        char dir[RW_CAMERA_DIR_SIZE];
        struct rw_err err = {0};
        struct rw_store_options options;
        listing->camera = &listing->config->cameras[i];
        const char *only = listing->arguments->camera;
        if (only && strcmp(only, listing->camera->id) != 0)
            continue;
        rw_camera_store_options(listing->config, listing->camera, dir, &options);
        if (rw_holds_each(options.disk, dir, take_hold, listing, &err))
            status = rw_complain(1, "%s: %s", listing->camera->id, err.text);
    }
    return status;
}

/* --- the commands --- */

static int hold_span(const struct rw_arguments *arguments, struct order *order)
{
    int64_t now = rw_now(rw_clock_system()).utc_us;
    if (!arguments->from || !arguments->to)
        return rw_complain(2, "hold needs --from TIME and --to TIME");
    if (!order->dry_run && (!arguments->reason || !*arguments->reason))
        return rw_complain(2, "hold needs --reason TEXT");
    int status = rw_arguments_span(arguments, now, &order->hold.from_us, &order->hold.to_us);
    if (status)
        return status;
    if (order->hold.from_us >= order->hold.to_us)
        return rw_complain(2, "--from must be before --to");
    return 0;
}

static int hold(const struct rw_arguments *arguments, const struct rw_config *config)
{
    struct order order = {.config = config, .dry_run = arguments->dry_run};
    const char *by = asker(arguments), *reason = arguments->reason ? arguments->reason : "-";
    order.camera = rw_config_camera(config, arguments->camera);
    if (!order.camera)
        return rw_complain(1, "%s has no camera \"%s\"", arguments->config_path, arguments->camera);
    int status = hold_span(arguments, &order);
    if (status)
        return status;
    if (strlen(by) >= sizeof order.hold.by || strlen(reason) >= sizeof order.hold.reason)
        return rw_complain(2, "--reason takes %zu bytes and --by %zu at the most",
                           sizeof order.hold.reason - 1, sizeof order.hold.by - 1);
    strcpy(order.hold.by, by);
    strcpy(order.hold.reason, reason);
    status = carry_out(&order);
    if (!status)
        print_hold(&order, arguments->json);
    return status;
}

int rw_command_hold(const struct rw_arguments *arguments)
{
    struct rw_err err;
    if (!arguments->list && !arguments->camera)
        return rw_complain(2, "hold needs --camera ID, or --list");
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    struct listing listing = {.arguments = arguments, .config = config};
    int status = arguments->list ? each_hold(&listing) : hold(arguments, config);
    rw_config_free(config);
    return status;
}

int rw_command_release(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    struct listing listing = {
        .arguments = arguments, .config = config, .wanted = arguments->operand};
    struct order order = {.config = config, .release = true};
    int status = each_hold(&listing);
    if (!status && !listing.found)
        status =
            rw_complain(1, "there is no hold %s in force; see hold --list", arguments->operand);
    if (!status) {
        order.camera = listing.found;
        rw_copy_text(order.hold.id, sizeof order.hold.id, arguments->operand);
        rw_copy_text(order.hold.by, sizeof order.hold.by, asker(arguments));
        status = carry_out(&order);
    }
    rw_config_free(config);
    return status;
}
