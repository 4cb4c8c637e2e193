#include "alerts/discovery.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/words.h"
#include "base/log.h"
#include "base/units.h"

#define SITE (-1)  /* in place of a camera's index */
#define SLACK_S 60 /* an event is over when it may last no longer, told or not */
enum { TEXT_SIZE = 256 };

struct rw_discovery {
    const struct rw_config *config;
    struct rw_sink sink;
    bool connected;
    bool complained;   /* on this connection */
    int next;          /* SITE or a camera: to be told next on this connection */
    uint64_t *tickets; /* of all of them, the site first; 0: not on its way */
};

struct rw_discovery *rw_discovery_create(const struct rw_config *config, const struct rw_sink *sink)
{
    struct rw_discovery *discovery = calloc(1, sizeof *discovery);
    if (!discovery)
        abort();
    discovery->config = config;
    discovery->sink = *sink;
    discovery->tickets = calloc((size_t)config->camera_count + 1, sizeof *discovery->tickets);
    if (!discovery->tickets)
        abort();
    return discovery;
}

void rw_discovery_destroy(struct rw_discovery *discovery)
{
    if (!discovery)
        return;
    free(discovery->tickets);
    free(discovery);
}

/* -- names ------------------------------------------------------------------------------------ */

/* Ids have no "_" in them, so no two are the same: roadwatch_thon-dung_gate */
static const char *identity(const struct rw_config *config, int camera, char out[static TEXT_SIZE])
{
    snprintf(out, TEXT_SIZE, "roadwatch_%s%s%s", config->site.id, camera == SITE ? "" : "_",
             camera == SITE ? "" : config->cameras[camera].id);
    return out;
}

static const char *discovery_topic(const struct rw_config *config, int camera,
                                   char out[static TEXT_SIZE])
{
    snprintf(out, TEXT_SIZE, "%s%s/%s%sconfig", RW_DISCOVERY_BASE, config->site.id,
             camera == SITE ? "" : config->cameras[camera].id, camera == SITE ? "" : "/");
    return out;
}

/* A new string: a topic of the site's, or of a camera's. */
static json_t *topic(const struct rw_config *config, int camera, const char *leaf)
{
    return json_sprintf("%s/%s/%s%s%s", config->mqtt.prefix, config->site.id,
                        camera == SITE ? "" : config->cameras[camera].id, camera == SITE ? "" : "/",
                        leaf);
}

/* People's names come from a file; what is not UTF-8 becomes "?". */
static json_t *name(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_string("?");
}

/* -- payloads --------------------------------------------------------------------------------- */

static json_t *device(const struct rw_config *config, int camera)
{
    char self[TEXT_SIZE];
    json_t *json =
        json_pack("{s:[s], s:o, s:s, s:s, s:s}", "identifiers", identity(config, camera, self),
                  "name", name(camera == SITE ? config->site.name : config->cameras[camera].name),
                  "manufacturer", "Roadwatch", "model", camera == SITE ? "Roadwatch" : "Camera",
                  "sw_version", ROADWATCH_VERSION);
    if (camera != SITE)
        json_object_set_new(json, "via_device", json_string(identity(config, SITE, self)));
    return json;
}

static json_t *site_is_there(const struct rw_config *config)
{
    return json_pack("{s:o}", "topic", topic(config, SITE, "status"));
}

static json_t *camera_is_there(const struct rw_config *config, int camera)
{
    return json_pack("{s:o, s:s}", "topic", topic(config, camera, "status"), "value_template",
                     "{{ 'online' if value_json.state == 'online' else 'offline' }}");
}

/* Takes part, and puts it among the parts of *components. */
static void add_part(json_t *components, const struct rw_config *config, int camera,
                     const char *part, enum rw_words words, json_t *json)
{
    char self[TEXT_SIZE];
    json_object_set_new(json, "unique_id",
                        json_sprintf("%s_%s", identity(config, camera, self), part));
    json_object_set_new(json, "name", json_string(rw_words(words, rw_language_of(config))));
    json_object_set_new(components, part, json);
}

/* The end is asked for, not the phase: who acknowledges what is over makes it an update. */
static json_t *motion(const struct rw_config *config, int camera)
{
    int64_t longest_us = config->cameras[camera].alert.max_us;
    return json_pack("{s:s, s:s, s:o, s:s, s:I}", "platform", "binary_sensor", "device_class",
                     "motion", "state_topic", topic(config, camera, "event"), "value_template",
                     "{% if value_json.kind == 'motion' %}"
                     "{{ 'ON' if value_json.end is none else 'OFF' }}{% endif %}",
                     "off_delay", (json_int_t)(longest_us / RW_SECOND_US + SLACK_S));
}

/* Of use, too, while the camera is away: what it saw last. */
static json_t *picture(const struct rw_config *config, int camera)
{
    return json_pack("{s:s, s:o, s:s, s:[o]}", "platform", "image", "image_topic",
                     topic(config, camera, "snapshot"), "content_type", "image/jpeg",
                     "availability", site_is_there(config));
}

/* Home Assistant takes states of 255 letters, and keeps attributes: without the picture. */
static json_t *last_event(const struct rw_config *config, int camera)
{
    return json_pack("{s:s, s:o, s:s, s:o, s:s, s:[o], s:s}", "platform", "sensor", "state_topic",
                     topic(config, camera, "event"), "value_template",
                     "{{ value_json.text[:255] }}", "json_attributes_topic",
                     topic(config, camera, "event"), "json_attributes_template",
                     "{{ dict(id=value_json.id, kind=value_json.kind, phase=value_json.phase, "
                     "start=value_json.start, end=value_json.end, zones=value_json.zones, "
                     "score=value_json.score) | tojson }}",
                     "availability", site_is_there(config), "icon", "mdi:cctv");
}

static json_t *armed(const struct rw_config *config, int camera)
{
    return json_pack("{s:s, s:o, s:o, s:s}", "platform", "switch", "state_topic",
                     topic(config, camera, "armed"), "command_topic",
                     topic(config, camera, "armed/set"), "icon", "mdi:shield-home");
}

/* Must not be unavailable just when it has something to say. */
static json_t *connection(const struct rw_config *config, int camera)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:[o]}", "platform", "binary_sensor",
                     "device_class", "connectivity", "entity_category", "diagnostic", "state_topic",
                     topic(config, camera, "status"), "value_template",
                     "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
                     "json_attributes_topic", topic(config, camera, "status"), "availability",
                     site_is_there(config));
}

static json_t *site_connection(const struct rw_config *config)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s}", "platform", "binary_sensor", "device_class",
                     "connectivity", "entity_category", "diagnostic", "state_topic",
                     topic(config, SITE, "status"), "payload_on", "online", "payload_off",
                     "offline");
}

static void add_camera(json_t *json, json_t *parts, const struct rw_config *config, int camera)
{
    json_object_set_new(
        json, "availability",
        json_pack("[o, o]", site_is_there(config), camera_is_there(config, camera)));
    json_object_set_new(json, "availability_mode", json_string("all"));
    add_part(parts, config, camera, "motion", RW_SAY_HOME_MOTION, motion(config, camera));
    add_part(parts, config, camera, "picture", RW_SAY_HOME_PICTURE, picture(config, camera));
    add_part(parts, config, camera, "last_event", RW_SAY_HOME_LAST_EVENT,
             last_event(config, camera));
    add_part(parts, config, camera, "armed", RW_SAY_HOME_ARMED, armed(config, camera));
    add_part(parts, config, camera, "connection", RW_SAY_HOME_CONNECTION,
             connection(config, camera));
}

/* The caller's for free(). */
static char *payload(const struct rw_config *config, int camera)
{
    json_t *parts = json_object();
    json_t *json = json_pack("{s:o, s:{s:s, s:s}, s:O, s:i}", "device", device(config, camera),
                             "origin", "name", "Roadwatch", "sw_version", ROADWATCH_VERSION,
                             "components", parts, "qos", 1);
    if (camera == SITE)
        add_part(parts, config, SITE, "connection", RW_SAY_HOME_CONNECTION,
                 site_connection(config));
    else
        add_camera(json, parts, config, camera);
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        abort(); /* no memory */
    json_decref(parts);
    json_decref(json);
    return text;
}

/* -- telling it ------------------------------------------------------------------------------- */

static uint64_t publish(struct rw_discovery *discovery, const char *at, const char *text)
{
    struct rw_message message = {.topic = at,
                                 .whole = true,
                                 .payload = text,
                                 .size = strlen(text),
                                 .retain = true,
                                 .type = *text ? "application/json" : NULL};
    return discovery->sink.publish(discovery->sink.self, &message);
}

/* False: there is no room now. */
static bool tell(struct rw_discovery *discovery, int camera)
{
    char at[TEXT_SIZE];
    char *text = payload(discovery->config, camera);
    uint64_t ticket = publish(discovery, discovery_topic(discovery->config, camera, at), text);
    free(text);
    discovery->tickets[camera + 1] = ticket;
    return ticket != 0;
}

void rw_discovery_look(struct rw_discovery *discovery)
{
    const struct rw_config *config = discovery->config;
    if (!discovery->connected || !config->mqtt.home_assistant)
        return;
    while (discovery->next < config->camera_count && tell(discovery, discovery->next))
        discovery->next++;
}

static void begin(struct rw_discovery *discovery, bool connected)
{
    discovery->connected = connected;
    discovery->complained = false;
    discovery->next = SITE;
    memset(discovery->tickets, 0,
           ((size_t)discovery->config->camera_count + 1) * sizeof *discovery->tickets);
}

void rw_discovery_connected(struct rw_discovery *discovery)
{
    begin(discovery, true);
    rw_discovery_look(discovery);
}

void rw_discovery_lost(struct rw_discovery *discovery)
{
    begin(discovery, false);
}

static bool wanted(const struct rw_config *config, const char *found)
{
    char at[TEXT_SIZE];
    bool is = false;
    for (int i = SITE; config->mqtt.home_assistant && i < config->camera_count; i++)
        is |= !strcmp(found, discovery_topic(config, i, at));
    return is;
}

/* Where there is no room for it, the next connection finds it again. */
void rw_discovery_found(struct rw_discovery *discovery, const char *found)
{
    if (!wanted(discovery->config, found))
        publish(discovery, found, "");
}

void rw_discovery_acked(struct rw_discovery *discovery, uint64_t ticket, const char *refused)
{
    for (int i = 0; ticket && i <= discovery->config->camera_count; i++) {
        if (discovery->tickets[i] != ticket)
            continue;
        discovery->tickets[i] = 0;
        if (refused && !discovery->complained)
            rw_log(RW_LOG_WARNING, "alerts",
                   "the broker does not take what Home Assistant must know (%s); allow this box to "
                   "write homeassistant/#, or set mqtt.home_assistant to false",
                   refused);
        discovery->complained |= refused != NULL;
        return;
    }
}
