#include <string.h>

#include "config/config.h"

struct pool {
    void *(*take)(size_t size, void *arg);
    void *arg;
};

/* An empty list may be NULL. */
static void *copy_block(const struct pool *pool, const void *from, size_t size)
{
    return size ? memcpy(pool->take(size, pool->arg), from, size) : NULL;
}

static void copy_text(const struct pool *pool, char **text)
{
    *text = copy_block(pool, *text, strlen(*text) + 1);
}

static void copy_stream(const struct pool *pool, struct rw_stream_config *stream)
{
    copy_text(pool, &stream->url);
    copy_text(pool, &stream->username);
    copy_text(pool, &stream->password);
    copy_text(pool, &stream->ca_file);
}

static struct rw_zone_config *copy_zones(const struct pool *pool, const struct rw_zone_config *from,
                                         int count)
{
    struct rw_zone_config *zones = copy_block(pool, from, (size_t)count * sizeof *zones);
    for (int i = 0; i < count; i++) {
        copy_text(pool, &zones[i].name);
        zones[i].polygon =
            copy_block(pool, zones[i].polygon, (size_t)zones[i].points * sizeof *zones[i].polygon);
    }
    return zones;
}

static void copy_detect(const struct pool *pool, struct rw_detect_config *detect)
{
    detect->zones = copy_zones(pool, detect->zones, detect->zone_count);
    detect->masks = copy_zones(pool, detect->masks, detect->mask_count);
    detect->lines =
        copy_block(pool, detect->lines, (size_t)detect->line_count * sizeof *detect->lines);
    for (int i = 0; i < detect->line_count; i++)
        copy_text(pool, &detect->lines[i].name);
    detect->schedule = copy_block(pool, detect->schedule,
                                  (size_t)detect->schedule_count * sizeof *detect->schedule);
}

static void copy_mqtt(const struct pool *pool, struct rw_mqtt_config *mqtt)
{
    copy_text(pool, &mqtt->host);
    copy_text(pool, &mqtt->username);
    copy_text(pool, &mqtt->password);
    copy_text(pool, &mqtt->ca_file);
    copy_text(pool, &mqtt->cert_file);
    copy_text(pool, &mqtt->key_file);
    copy_text(pool, &mqtt->prefix);
}

static void copy_escalation(const struct pool *pool, struct rw_escalation_config *escalation)
{
    escalation->to =
        copy_block(pool, escalation->to, (size_t)escalation->count * sizeof *escalation->to);
    for (int i = 0; i < escalation->count; i++)
        copy_text(pool, &escalation->to[i]);
}

static void copy_hook(const struct pool *pool, struct rw_hook_config *hook)
{
    char **texts[] = {&hook->id,      &hook->url,     &hook->host, &hook->token,
                      &hook->ca_file, &hook->chat_id, &hook->text, &hook->photo};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        copy_text(pool, texts[i]);
    hook->fields = copy_block(pool, hook->fields, (size_t)hook->field_count * sizeof *hook->fields);
    for (int i = 0; i < hook->field_count; i++) {
        copy_text(pool, &hook->fields[i].name);
        copy_text(pool, &hook->fields[i].value);
    }
}

struct rw_config *rw_config_copy(const struct rw_config *config,
                                 void *(*take)(size_t size, void *arg), void *arg)
{
    const struct pool pool = {take, arg};
    struct rw_config *copy = copy_block(&pool, config, sizeof *config);
    copy_text(&pool, &copy->path);
    copy_text(&pool, &copy->site.id);
    copy_text(&pool, &copy->site.name);
    copy_text(&pool, &copy->storage.path);
    copy_text(&pool, &copy->web.listen_host);
    copy_text(&pool, &copy->web.cert_file);
    copy_text(&pool, &copy->web.key_file);
    copy_mqtt(&pool, &copy->mqtt);
    copy_escalation(&pool, &copy->escalation);
    copy->hooks = copy_block(&pool, copy->hooks, (size_t)copy->hook_count * sizeof *copy->hooks);
    for (int i = 0; i < copy->hook_count; i++)
        copy_hook(&pool, &copy->hooks[i]);
    copy->cameras =
        copy_block(&pool, copy->cameras, (size_t)copy->camera_count * sizeof *copy->cameras);
    for (int i = 0; i < copy->camera_count; i++) {
        struct rw_camera_config *camera = &copy->cameras[i];
        copy_text(&pool, &camera->id);
        copy_text(&pool, &camera->name);
        copy_stream(&pool, &camera->main);
        copy_stream(&pool, &camera->sub);
        copy_detect(&pool, &camera->detect);
    }
    return copy;
}
