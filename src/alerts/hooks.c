#include "alerts/hooks.h"

#include <curl/curl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alerts/hook.h"
#include "base/file.h"
#include "base/log.h"
#include "base/units.h"

#define END_US RW_SECOND_US
#define REASON_US (60 * RW_SECOND_US) /* a new reason why it fails is logged no more often */
enum { ROW_SIZE = 64 };

struct way {
    const struct rw_hook_config *config;
    struct rw_hook *hook;
    struct rw_outbox *outbox;
    bool up;
    char reason[320]; /* why it does not deliver; "" : it does, or nothing was tried yet */
    char said[320];   /* as last logged */
    int64_t said_us;  /* CLOCK_BOOTTIME of that; 0: not since it last delivered */
    int64_t told_us;  /* UTC of the last delivery; 0: none yet */
    int64_t refused;  /* passed over because it would not have them, ever */
    int64_t told_kept_us, refused_kept; /* as they stand in alerts.db */
};

struct rw_hooks {
    const struct rw_config *config;
    struct rw_outbox_source source;
    const struct rw_clock *clock;
    int ready;
    char path[PATH_MAX + 32]; /* of webhooks.json */
    char *shown;              /* as it stands there; NULL: nothing does */
    int count;
    struct way ways[RW_HOOKS_MAX];
};

void rw_hooks_confine(const struct rw_config *config, struct rw_sandbox *sandbox)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    for (int i = 0; i < config->hook_count; i++) {
        const struct rw_hook_config *hook = &config->hooks[i];
        sandbox->may |= rw_power_for_host(hook->host);
        rw_sandbox_port(sandbox, hook->port);
        rw_sandbox_path(sandbox, hook->ca_file, RW_PATH_READ);
    }
    if (config->hook_count && curl->cainfo)
        rw_sandbox_path(sandbox, curl->cainfo, RW_PATH_READ);
}

/* -- rows of alerts.db ------------------------------------------------------------------------ */

static const char *row_name(const struct way *way, const char *row, char name[static ROW_SIZE])
{
    snprintf(name, ROW_SIZE, "%s/%s", way->config->id, row);
    return name;
}

static int64_t row_of(const struct rw_hooks *hooks, const struct way *way, const char *row)
{
    char name[ROW_SIZE];
    return hooks->source.cursor(hooks->source.self, row_name(way, row, name));
}

/* Nobody who adds a webhook wants to be told of last month. What cannot be read yet has no past. */
static void begin_with_now(struct rw_hooks *hooks, const struct way *way)
{
    char name[ROW_SIZE + 40];
    if (row_of(hooks, way, "begun"))
        return;
    for (int i = 0; i < hooks->config->camera_count; i++) {
        int64_t count = 0, highest = 0;
        if (hooks->source.waiting(hooks->source.self, i, 0, &count, &highest) || !highest)
            continue;
        snprintf(name, sizeof name, "%s/event/%s", way->config->id, hooks->config->cameras[i].id);
        hooks->source.keep(hooks->source.self, &(struct rw_cursor){name, highest}, 1);
    }
    hooks->source.keep(hooks->source.self, &(struct rw_cursor){row_name(way, "begun", name), 1}, 1);
}

static void keep_rows(struct rw_hooks *hooks, struct way *way)
{
    char told[ROW_SIZE], refused[ROW_SIZE];
    struct rw_cursor rows[] = {{row_name(way, "delivered", told), way->told_us},
                               {row_name(way, "refused", refused), way->refused}};
    if ((way->told_us == way->told_kept_us && way->refused == way->refused_kept) ||
        hooks->source.keep(hooks->source.self, rows, 2))
        return;
    way->told_kept_us = way->told_us;
    way->refused_kept = way->refused;
}

/* -- what is shown ---------------------------------------------------------------------------- */

static json_t *way_json(const struct way *way)
{
    char text[RW_TIME_SIZE];
    json_t *reason = json_string(way->reason);
    return json_pack(
        "{s:s, s:b, s:I, s:o, s:I, s:o}", "id", way->config->id, "ok", (int)!*way->reason,
        "waiting", (json_int_t)rw_outbox_waiting(way->outbox), "last_delivered",
        way->told_us ? json_string(rw_format_time(way->told_us, text)) : json_null(), "refused",
        (json_int_t)way->refused, "reason", reason ? reason : json_string("?"));
}

static void show(struct rw_hooks *hooks)
{
    struct rw_err err;
    json_t *list = json_array();
    for (int i = 0; i < hooks->count; i++)
        json_array_append_new(list, way_json(&hooks->ways[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (!text)
        abort();
    bool changed = !hooks->shown || strcmp(text, hooks->shown) != 0;
    if (!changed || rw_file_replace(hooks->path, text, strlen(text), 0, &err)) {
        free(text);
        return;
    }
    free(hooks->shown);
    hooks->shown = text;
}

void rw_hooks_show(struct rw_hooks *hooks)
{
    for (int i = 0; i < hooks->count; i++)
        keep_rows(hooks, &hooks->ways[i]);
    show(hooks);
}

/* -- news ------------------------------------------------------------------------------------- */

static void way_up(struct way *way)
{
    way->up = true;
    rw_outbox_connected(way->outbox);
    rw_outbox_look(way->outbox);
}

/* Once for a failure; a new reason for what fails after it is worth a line too, now and then. */
static void log_down(struct rw_hooks *hooks, struct way *way, const char *reason)
{
    int64_t now_us = rw_now(hooks->clock).boot_us;
    if (!strcmp(reason, way->said) || (way->said_us && now_us - way->said_us < REASON_US))
        return;
    rw_log(RW_LOG_WARNING, "alerts", "webhook %s: %s; alerts wait on disk, trying again",
           way->config->id, reason);
    snprintf(way->said, sizeof way->said, "%s", reason);
    way->said_us = now_us;
}

static void way_down(struct rw_hooks *hooks, struct way *way, const struct rw_hook_news *news)
{
    way->up = false;
    if (news->unwanted) {
        rw_log(RW_LOG_WARNING, "alerts",
               "webhook %s refuses a picture (%s); its alert goes without", way->config->id,
               news->text);
    } else {
        log_down(hooks, way, news->text);
        snprintf(way->reason, sizeof way->reason, "%s", news->text);
    }
    rw_outbox_lost(way->outbox);
}

static void way_told(struct rw_hooks *hooks, struct way *way)
{
    way->told_us = rw_now(hooks->clock).utc_us;
    if (way->said_us)
        rw_log(RW_LOG_INFO, "alerts", "webhook %s delivers again; %lld events wait",
               way->config->id, (long long)rw_outbox_waiting(way->outbox));
    way->reason[0] = way->said[0] = 0;
    way->said_us = 0;
}

static void way_turned_away(struct way *way, const struct rw_hook_news *news)
{
    way->refused++;
    snprintf(way->reason, sizeof way->reason, "it refused %s (%s)", news->about, news->text);
    rw_log(RW_LOG_WARNING, "alerts",
           "webhook %s refused %s (%s), which it is not told again; check its url, token and the "
           "rights that these give",
           way->config->id, news->about, news->text);
}

static void handle(struct rw_hooks *hooks, struct way *way, const struct rw_hook_news *news)
{
    switch (news->kind) {
    case RW_HOOK_UP:
        way_up(way);
        return;
    case RW_HOOK_DOWN:
        way_down(hooks, way, news);
        return;
    case RW_HOOK_TOLD:
        way_told(hooks, way);
        break;
    case RW_HOOK_TURNED_AWAY:
        way_turned_away(way, news);
        break;
    case RW_HOOK_PASSED:
        break;
    }
    rw_outbox_acked(way->outbox, news->ticket, NULL);
}

void rw_hooks_handle(struct rw_hooks *hooks)
{
    eventfd_t ignored;
    eventfd_read(hooks->ready, &ignored);
    for (int i = 0; i < hooks->count; i++) {
        struct rw_hook_news *news;
        while ((news = rw_hook_take(hooks->ways[i].hook))) {
            handle(hooks, &hooks->ways[i], news);
            free(news);
        }
    }
}

void rw_hooks_look(struct rw_hooks *hooks)
{
    for (int i = 0; i < hooks->count; i++)
        rw_outbox_look(hooks->ways[i].outbox);
}

bool rw_hooks_settled(const struct rw_hooks *hooks)
{
    bool settled = true;
    for (int i = 0; i < hooks->count; i++)
        settled &= !hooks->ways[i].up || rw_outbox_settled(hooks->ways[i].outbox);
    return settled;
}

int rw_hooks_fd(const struct rw_hooks *hooks)
{
    return hooks->ready;
}

/* -- beginning and end ------------------------------------------------------------------------ */

static int open_way(struct rw_hooks *hooks, const struct rw_hook_config *config, struct rw_err *err)
{
    struct way *way = &hooks->ways[hooks->count];
    way->config = config;
    way->hook = rw_hook_create(hooks->config, config, hooks->clock, hooks->ready, err);
    if (!way->hook)
        return -1;
    hooks->count++;
    begin_with_now(hooks, way);
    way->told_us = way->told_kept_us = row_of(hooks, way, "delivered");
    way->refused = way->refused_kept = row_of(hooks, way, "refused");
    struct rw_courier courier = rw_hook_courier(way->hook);
    way->outbox = rw_outbox_create(hooks->config, &hooks->source, &courier, hooks->clock);
    return 0;
}

struct rw_hooks *rw_hooks_create(const struct rw_config *config,
                                 const struct rw_outbox_source *source,
                                 const struct rw_clock *clock, struct rw_err *err)
{
    char runtime[PATH_MAX];
    struct rw_hooks *hooks = calloc(1, sizeof *hooks);
    if (!hooks)
        abort();
    hooks->config = config;
    hooks->source = *source;
    hooks->clock = clock;
    hooks->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rw_config_runtime_dir(config, runtime, sizeof runtime);
    snprintf(hooks->path, sizeof hooks->path, "%s/webhooks.json", runtime);
    int failed = hooks->ready < 0 || curl_global_init(CURL_GLOBAL_DEFAULT);
    if (failed)
        rw_fail(err, RW_ENOMEM, "the system has nothing left for webhooks");
    for (int i = 0; i < config->hook_count && !failed; i++)
        failed = open_way(hooks, &config->hooks[i], err);
    if (!failed)
        return hooks;
    rw_hooks_destroy(hooks);
    return NULL;
}

void rw_hooks_destroy(struct rw_hooks *hooks)
{
    if (!hooks)
        return;
    int64_t until_us = rw_now(hooks->clock).boot_us + END_US;
    for (int i = 0; i < hooks->count; i++)
        rw_hook_stop(hooks->ways[i].hook);
    for (int i = 0; i < hooks->count; i++) {
        struct way *way = &hooks->ways[i];
        keep_rows(hooks, way);
        snprintf(way->reason, sizeof way->reason, "the alerts role is not running");
    }
    show(hooks);
    bool ended = true;
    for (int i = 0; i < hooks->count; i++) {
        ended &= rw_hook_destroy(hooks->ways[i].hook, until_us);
        rw_outbox_destroy(hooks->ways[i].outbox);
    }
    if (ended && hooks->ready >= 0)
        close(hooks->ready);
    free(hooks->shown);
    free(hooks);
}
