#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

/* Lowercase hex. Aborts when the library has no SHA-256, which is to say never. */
static void sha256_hex(const void *bytes, size_t size, char out[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    if (!EVP_Digest(bytes, size, digest, &length, EVP_sha256(), NULL) || length != 32)
        abort();
    for (unsigned int i = 0; i < length; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* json_pack() aborts on the formats of this file only without memory. */
static json_t *sure(json_t *value)
{
    if (!value)
        abort();
    return value;
}

/* A secret takes part by its hash: JSON text is neither wiped nor always able to hold its bytes. */
static json_t *hashed(const char *secret)
{
    char hex[65];
    sha256_hex(secret, strlen(secret), hex);
    return sure(json_string(hex));
}

static json_t *stream_json(const struct rw_stream_config *stream)
{
    return sure(json_pack("{so so so so sb sb sI}", "url", hashed(stream->url), "username",
                          hashed(stream->username), "password", hashed(stream->password), "ca_file",
                          hashed(stream->ca_file), "check_host", stream->check_host, "udp",
                          stream->udp, "keep", (json_int_t)stream->keep_bytes));
}

static json_t *zones_json(const struct rw_zone_config *zones, int count)
{
    json_t *list = sure(json_array());
    for (int i = 0; i < count; i++) {
        json_t *points = sure(json_array());
        for (int k = 0; k < zones[i].points; k++)
            json_array_append_new(points, sure(json_pack("[ff]", (double)zones[i].polygon[k].x,
                                                         (double)zones[i].polygon[k].y)));
        json_array_append_new(list, sure(json_pack("{ss so si}", "name", zones[i].name, "polygon",
                                                   points, "sensitivity", zones[i].sensitivity)));
    }
    return list;
}

static json_t *lines_json(const struct rw_detect_config *detect)
{
    json_t *list = sure(json_array());
    for (int i = 0; i < detect->line_count; i++) {
        const struct rw_line_config *line = &detect->lines[i];
        json_array_append_new(
            list, sure(json_pack("[sffff]", line->name, (double)line->from.x, (double)line->from.y,
                                 (double)line->to.x, (double)line->to.y)));
    }
    return list;
}

static json_t *detect_json(const struct rw_detect_config *detect)
{
    json_t *schedule = sure(json_array());
    for (int i = 0; i < detect->schedule_count; i++) {
        const struct rw_schedule_config *entry = &detect->schedule[i];
        json_array_append_new(
            schedule, sure(json_pack("[iiiii]", (int)entry->days, (int)entry->from.of,
                                     entry->from.minutes, (int)entry->to.of, entry->to.minutes)));
    }
    return sure(json_pack(
        "{sb sb si so so so sI so}", "enabled", detect->enabled, "on_main", detect->on_main,
        "sensitivity", detect->sensitivity, "zones", zones_json(detect->zones, detect->zone_count),
        "masks", zones_json(detect->masks, detect->mask_count), "lines", lines_json(detect),
        "min_duration", (json_int_t)detect->min_duration_us, "schedule", schedule));
}

static json_t *camera_json(const struct rw_camera_config *camera)
{
    const struct rw_alert_config *alert = &camera->alert;
    return sure(json_pack("{ss ss so so so s[IIII]}", "id", camera->id, "name", camera->name,
                          "main", stream_json(&camera->main), "sub", stream_json(&camera->sub),
                          "detect", detect_json(&camera->detect), "alert",
                          (json_int_t)alert->pre_us, (json_int_t)alert->post_us,
                          (json_int_t)alert->cooldown_us, (json_int_t)alert->max_us));
}

static json_t *site_json(const struct rw_config *config)
{
    return sure(json_pack("{ss ss sb sb sf sf}", "id", config->site.id, "name", config->site.name,
                          "vietnamese", config->site.vietnamese, "located", config->site.located,
                          "latitude", config->site.place.latitude, "longitude",
                          config->site.place.longitude));
}

static json_t *storage_json(const struct rw_config *config)
{
    return sure(json_pack("{so sI sI sI sI}", "path", hashed(config->storage.path), "slot_size",
                          (json_int_t)config->storage.slot_size, "sync",
                          (json_int_t)config->storage.sync_us, "max_age",
                          (json_int_t)config->storage.max_age_us, "scrub",
                          (json_int_t)config->storage.scrub_us));
}

static json_t *mqtt_json(const struct rw_mqtt_config *mqtt)
{
    return sure(json_pack(
        "{sb so si so so so so so ss sb}", "enabled", mqtt->enabled, "host", hashed(mqtt->host),
        "port", mqtt->port, "username", hashed(mqtt->username), "password", hashed(mqtt->password),
        "ca_file", hashed(mqtt->ca_file), "cert_file", hashed(mqtt->cert_file), "key_file",
        hashed(mqtt->key_file), "prefix", mqtt->prefix, "home_assistant", mqtt->home_assistant));
}

static json_t *hook_json(const struct rw_hook_config *hook)
{
    json_t *fields = sure(json_array());
    for (int i = 0; i < hook->field_count; i++)
        json_array_append_new(fields, sure(json_pack("[oo]", hashed(hook->fields[i].name),
                                                     hashed(hook->fields[i].value))));
    return sure(json_pack("{ss si so so so so so so so sb}", "id", hook->id, "type",
                          (int)hook->type, "url", hashed(hook->url), "token", hashed(hook->token),
                          "ca_file", hashed(hook->ca_file), "chat_id", hashed(hook->chat_id),
                          "text", hashed(hook->text), "photo", hashed(hook->photo), "fields",
                          fields, "updates", hook->updates));
}

static json_t *hooks_json(const struct rw_config *config)
{
    json_t *hooks = sure(json_array());
    for (int i = 0; i < config->hook_count; i++)
        json_array_append_new(hooks, hook_json(&config->hooks[i]));
    return hooks;
}

/* Takes the reference. */
static void digest_json(json_t *value, char out[65])
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        abort();
    sha256_hex(text, strlen(text), out);
    free(text);
    json_decref(value);
}

void rw_config_camera_digest(const struct rw_config *config, const struct rw_camera_config *camera,
                             char out[65])
{
    digest_json(sure(json_pack("{so so so}", "site", site_json(config), "storage",
                               storage_json(config), "camera", camera_json(camera))),
                out);
}

/* What the cameras' processes need not know: they run on when it changes. */
static json_t *telling_json(const struct rw_alert_config *alert)
{
    return sure(
        json_pack("[IIi]", (json_int_t)alert->clip_us, (json_int_t)alert->clip_bytes, alert->rate));
}

static json_t *escalation_json(const struct rw_escalation_config *escalation)
{
    json_t *list = sure(json_pack("[I]", (json_int_t)escalation->after_us));
    for (int i = 0; i < escalation->count; i++)
        json_array_append_new(list, sure(json_string(escalation->to[i])));
    return list;
}

void rw_config_alerts_digest(const struct rw_config *config, char out[65])
{
    json_t *cameras = sure(json_array());
    for (int i = 0; i < config->camera_count; i++) {
        json_array_append_new(cameras, camera_json(&config->cameras[i]));
        json_array_append_new(cameras, telling_json(&config->cameras[i].alert));
    }
    digest_json(sure(json_pack("{so so so so so so}", "site", site_json(config), "storage",
                               storage_json(config), "mqtt", mqtt_json(&config->mqtt), "escalation",
                               escalation_json(&config->escalation), "webhooks", hooks_json(config),
                               "cameras", cameras)),
                out);
}
