#include "config/schema.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEED = CYAML_FLAG_DEFAULT, MAY = CYAML_FLAG_OPTIONAL };
enum { ID_MAX = 32, NAME_MAX = 64, WORD_MAX = 64, SECRET_MAX = 256, LONG_MAX_SIZE = 1024 };

/* clang-format off */
static const cyaml_strval_t languages[] = {{"vi", false}, {"en", true}};
static const cyaml_strval_t transports[] = {{"tcp", false}, {"udp", true}};
static const cyaml_strval_t hook_types[] = {
    {"zalo", RW_HOOK_ZALO}, {"telegram", RW_HOOK_TELEGRAM}, {"ntfy", RW_HOOK_NTFY},
    {"json", RW_HOOK_JSON}, {"form", RW_HOOK_FORM}, {"multipart", RW_HOOK_MULTIPART}};
static const cyaml_strval_t streams[] = {{"main", RW_RAW_WATCH_MAIN}, {"sub", RW_RAW_WATCH_SUB}};

static const cyaml_schema_value_t degrees = {CYAML_VALUE_FLOAT(NEED, double)};
static const cyaml_schema_value_t fraction = {CYAML_VALUE_FLOAT(NEED, float)};
static const cyaml_schema_value_t point = {CYAML_VALUE_SEQUENCE_FIXED(NEED, float, &fraction, 2)};

#define LOGIN_ROWS(type) \
    CYAML_FIELD_STRING_PTR("username", MAY, type, login.username, 1, SECRET_MAX), \
    CYAML_FIELD_STRING_PTR("password", MAY, type, login.password, 1, SECRET_MAX), \
    CYAML_FIELD_STRING_PTR("password_file", MAY, type, login.password_file, 1, LONG_MAX_SIZE)

static const cyaml_schema_field_t site_rows[] = {
    CYAML_FIELD_STRING_PTR("id", NEED, struct rw_raw_site, id, 1, ID_MAX),
    CYAML_FIELD_STRING_PTR("name", MAY, struct rw_raw_site, name, 1, NAME_MAX),
    CYAML_FIELD_ENUM("language", MAY | CYAML_FLAG_STRICT, struct rw_raw_site, english, languages, 2),
    CYAML_FIELD_SEQUENCE_FIXED("location", MAY | CYAML_FLAG_POINTER, struct rw_raw_site, location,
                               &degrees, 2),
    CYAML_FIELD_END};

static const cyaml_schema_field_t storage_rows[] = {
    CYAML_FIELD_STRING_PTR("path", MAY, struct rw_raw_storage, path, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("slot_size", MAY, struct rw_raw_storage, slot_size, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("sync", MAY, struct rw_raw_storage, sync, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("max_age", MAY, struct rw_raw_storage, max_age, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("scrub", MAY, struct rw_raw_storage, scrub, 1, WORD_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_field_t mqtt_rows[] = {
    CYAML_FIELD_STRING_PTR("host", NEED, struct rw_raw_mqtt, host, 1, 253),
    CYAML_FIELD_INT_PTR("port", MAY, struct rw_raw_mqtt, port),
    LOGIN_ROWS(struct rw_raw_mqtt),
    CYAML_FIELD_STRING_PTR("ca_file", MAY, struct rw_raw_mqtt, ca_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("cert_file", MAY, struct rw_raw_mqtt, cert_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("key_file", MAY, struct rw_raw_mqtt, key_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("prefix", MAY, struct rw_raw_mqtt, prefix, 1, WORD_MAX),
    CYAML_FIELD_BOOL("home_assistant", MAY, struct rw_raw_mqtt, home_assistant),
    CYAML_FIELD_END};

static const cyaml_schema_field_t web_rows[] = {
    CYAML_FIELD_STRING_PTR("listen", MAY, struct rw_raw_web, listen, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("cert_file", MAY, struct rw_raw_web, cert_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("key_file", MAY, struct rw_raw_web, key_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_END};

static const cyaml_schema_field_t hook_field_rows[] = {
    CYAML_FIELD_STRING_PTR("name", NEED, struct rw_raw_hook_field, name, 1, NAME_MAX),
    CYAML_FIELD_STRING_PTR("value", NEED, struct rw_raw_hook_field, value, 1, LONG_MAX_SIZE),
    CYAML_FIELD_END};

static const cyaml_schema_value_t hook_field = {
    CYAML_VALUE_MAPPING(NEED, struct rw_raw_hook_field, hook_field_rows)};

static const cyaml_schema_field_t hook_rows[] = {
    CYAML_FIELD_STRING_PTR("id", NEED, struct rw_raw_hook, id, 1, ID_MAX),
    CYAML_FIELD_ENUM("type", CYAML_FLAG_STRICT, struct rw_raw_hook, type, hook_types, 6),
    CYAML_FIELD_STRING_PTR("url", MAY, struct rw_raw_hook, url, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("url_file", MAY, struct rw_raw_hook, url_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("token", MAY, struct rw_raw_hook, token, 1, SECRET_MAX),
    CYAML_FIELD_STRING_PTR("token_file", MAY, struct rw_raw_hook, token_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("ca_file", MAY, struct rw_raw_hook, ca_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_STRING_PTR("chat_id", MAY, struct rw_raw_hook, chat_id, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("text", MAY, struct rw_raw_hook, text, 1, LONG_MAX_SIZE),
    CYAML_FIELD_SEQUENCE("fields", MAY | CYAML_FLAG_POINTER, struct rw_raw_hook, fields,
                         &hook_field, 1, RW_HOOK_FIELDS_MAX),
    CYAML_FIELD_STRING_PTR("photo", MAY, struct rw_raw_hook, photo, 1, NAME_MAX),
    CYAML_FIELD_BOOL_PTR("updates", MAY, struct rw_raw_hook, updates),
    CYAML_FIELD_END};

static const cyaml_schema_value_t hook = {
    CYAML_VALUE_MAPPING(NEED, struct rw_raw_hook, hook_rows)};

static const cyaml_schema_field_t stream_rows[] = {
    CYAML_FIELD_STRING_PTR("url", NEED, struct rw_raw_stream, url, 1, LONG_MAX_SIZE),
    LOGIN_ROWS(struct rw_raw_stream),
    CYAML_FIELD_ENUM("transport", MAY | CYAML_FLAG_STRICT, struct rw_raw_stream, udp, transports, 2),
    CYAML_FIELD_STRING_PTR("ca_file", MAY, struct rw_raw_stream, ca_file, 1, LONG_MAX_SIZE),
    CYAML_FIELD_BOOL_PTR("check_host", MAY, struct rw_raw_stream, check_host),
    CYAML_FIELD_STRING_PTR("keep", NEED, struct rw_raw_stream, keep, 1, WORD_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_field_t zone_rows[] = {
    CYAML_FIELD_STRING_PTR("name", NEED, struct rw_raw_zone, name, 1, NAME_MAX),
    CYAML_FIELD_SEQUENCE("polygon", CYAML_FLAG_POINTER, struct rw_raw_zone, polygon, &point,
                         RW_CONFIG_POLYGON_MIN, RW_CONFIG_POLYGON_MAX),
    CYAML_FIELD_INT_PTR("sensitivity", MAY, struct rw_raw_zone, sensitivity),
    CYAML_FIELD_END};

static const cyaml_schema_field_t mask_rows[] = {
    CYAML_FIELD_STRING_PTR("name", MAY, struct rw_raw_zone, name, 1, NAME_MAX),
    CYAML_FIELD_SEQUENCE("polygon", CYAML_FLAG_POINTER, struct rw_raw_zone, polygon, &point,
                         RW_CONFIG_POLYGON_MIN, RW_CONFIG_POLYGON_MAX),
    CYAML_FIELD_INT_PTR("sensitivity", MAY, struct rw_raw_zone, sensitivity),
    CYAML_FIELD_END};

static const cyaml_schema_field_t line_rows[] = {
    CYAML_FIELD_STRING_PTR("name", NEED, struct rw_raw_line, name, 1, NAME_MAX),
    CYAML_FIELD_SEQUENCE_FIXED("from", NEED, struct rw_raw_line, from, &fraction, 2),
    CYAML_FIELD_SEQUENCE_FIXED("to", NEED, struct rw_raw_line, to, &fraction, 2),
    CYAML_FIELD_END};

static const cyaml_schema_field_t schedule_rows[] = {
    CYAML_FIELD_STRING_PTR("days", MAY, struct rw_raw_schedule, days, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("from", NEED, struct rw_raw_schedule, from, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("to", NEED, struct rw_raw_schedule, to, 1, WORD_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_value_t zone = {CYAML_VALUE_MAPPING(NEED, struct rw_raw_zone, zone_rows)};
static const cyaml_schema_value_t mask = {CYAML_VALUE_MAPPING(NEED, struct rw_raw_zone, mask_rows)};
static const cyaml_schema_value_t crossed = {
    CYAML_VALUE_MAPPING(NEED, struct rw_raw_line, line_rows)};
static const cyaml_schema_value_t watch_time = {
    CYAML_VALUE_MAPPING(NEED, struct rw_raw_schedule, schedule_rows)};

static const cyaml_schema_field_t detect_rows[] = {
    CYAML_FIELD_BOOL_PTR("enabled", MAY, struct rw_raw_detect, enabled),
    CYAML_FIELD_ENUM("stream", MAY | CYAML_FLAG_STRICT, struct rw_raw_detect, stream, streams, 2),
    CYAML_FIELD_INT_PTR("sensitivity", MAY, struct rw_raw_detect, sensitivity),
    CYAML_FIELD_SEQUENCE("zones", MAY | CYAML_FLAG_POINTER, struct rw_raw_detect, zones, &zone,
                         0, RW_CONFIG_ZONES_MAX),
    CYAML_FIELD_SEQUENCE("masks", MAY | CYAML_FLAG_POINTER, struct rw_raw_detect, masks, &mask,
                         0, RW_CONFIG_ZONES_MAX),
    CYAML_FIELD_SEQUENCE("lines", MAY | CYAML_FLAG_POINTER, struct rw_raw_detect, lines, &crossed,
                         0, RW_CONFIG_LINES_MAX),
    CYAML_FIELD_STRING_PTR("min_duration", MAY, struct rw_raw_detect, min_duration, 1, WORD_MAX),
    CYAML_FIELD_SEQUENCE("schedule", MAY | CYAML_FLAG_POINTER, struct rw_raw_detect, schedule,
                         &watch_time, 0, RW_SCHEDULE_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_field_t clip_rows[] = {
    CYAML_FIELD_INT_PTR("seconds", MAY, struct rw_raw_clip, seconds),
    CYAML_FIELD_STRING_PTR("max", MAY, struct rw_raw_clip, max, 1, WORD_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_field_t alert_rows[] = {
    CYAML_FIELD_STRING_PTR("pre", MAY, struct rw_raw_alert, pre, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("post", MAY, struct rw_raw_alert, post, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("cooldown", MAY, struct rw_raw_alert, cooldown, 1, WORD_MAX),
    CYAML_FIELD_STRING_PTR("max", MAY, struct rw_raw_alert, max, 1, WORD_MAX),
    CYAML_FIELD_MAPPING("clip", MAY, struct rw_raw_alert, clip, clip_rows),
    CYAML_FIELD_INT_PTR("rate", MAY, struct rw_raw_alert, rate),
    CYAML_FIELD_END};

static const cyaml_schema_field_t camera_rows[] = {
    CYAML_FIELD_STRING_PTR("id", NEED, struct rw_raw_camera, id, 1, ID_MAX),
    CYAML_FIELD_STRING_PTR("name", MAY, struct rw_raw_camera, name, 1, NAME_MAX),
    CYAML_FIELD_MAPPING("main", NEED, struct rw_raw_camera, main, stream_rows),
    CYAML_FIELD_MAPPING_PTR("sub", MAY, struct rw_raw_camera, sub, stream_rows),
    CYAML_FIELD_MAPPING("detect", MAY, struct rw_raw_camera, detect, detect_rows),
    CYAML_FIELD_MAPPING("alert", MAY, struct rw_raw_camera, alert, alert_rows),
    CYAML_FIELD_END};

static const cyaml_schema_value_t camera = {
    CYAML_VALUE_MAPPING(NEED, struct rw_raw_camera, camera_rows)};

static const cyaml_schema_value_t person = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, NAME_MAX)};

static const cyaml_schema_field_t escalation_rows[] = {
    CYAML_FIELD_STRING_PTR("after", MAY, struct rw_raw_escalation, after, 1, WORD_MAX),
    CYAML_FIELD_SEQUENCE("to", CYAML_FLAG_POINTER, struct rw_raw_escalation, to, &person,
                         1, RW_ESCALATION_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_field_t file_rows[] = {
    CYAML_FIELD_MAPPING("site", NEED, struct rw_raw, site, site_rows),
    CYAML_FIELD_MAPPING("storage", MAY, struct rw_raw, storage, storage_rows),
    CYAML_FIELD_MAPPING_PTR("mqtt", MAY, struct rw_raw, mqtt, mqtt_rows),
    CYAML_FIELD_MAPPING_PTR("escalation", MAY, struct rw_raw, escalation, escalation_rows),
    CYAML_FIELD_MAPPING_PTR("web", MAY, struct rw_raw, web, web_rows),
    CYAML_FIELD_SEQUENCE("webhooks", MAY | CYAML_FLAG_POINTER, struct rw_raw, webhooks, &hook,
                         0, RW_HOOKS_MAX),
    CYAML_FIELD_SEQUENCE("cameras", CYAML_FLAG_POINTER, struct rw_raw, cameras, &camera,
                         1, RW_CAMERAS_MAX),
    CYAML_FIELD_END};

const cyaml_schema_value_t rw_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct rw_raw, file_rows)};

static const struct {
    const char *key, *example;
} examples[] = {
    {"site", "{id: thon-dung}"},
    {"storage", "{path: /var/lib/roadwatch}"},
    {"mqtt", "{host: localhost}"},
    {"web", "{listen: 0.0.0.0:8080}"},
    {"webhooks", "[{id: phones, type: ntfy, url: https://ntfy.example/thon-dung}]"},
    {"cameras", "[{id: gate, main: {url: rtsp://10.0.0.11/stream1, keep: 200 GiB}}]"},
    {"id", "gate"},
    {"name", "Cổng làng"},
    {"language", "vi"},
    {"location", "[21.40, 105.39]"},
    {"path", "/var/lib/roadwatch"},
    {"slot_size", "64 MiB"},
    {"sync", "2s"},
    {"max_age", "30d"},
    {"scrub", "7d"},
    {"host", "localhost"},
    {"port", "1883"},
    {"username", "viewer"},
    {"password", "\"…\""},
    {"password_file", "gate.pw"},
    {"ca_file", "/etc/roadwatch/ca.pem"},
    {"cert_file", "/etc/roadwatch/cert.pem"},
    {"key_file", "/etc/roadwatch/key.pem"},
    {"prefix", "roadwatch"},
    {"home_assistant", "true"},
    {"listen", "0.0.0.0:8080"},
    {"main", "{url: rtsp://10.0.0.11/stream1, keep: 200 GiB}"},
    {"sub", "{url: rtsp://10.0.0.11/stream2, keep: 20 GiB}"},
    {"url", "rtsp://10.0.0.11/stream1"},
    {"transport", "tcp"},
    {"check_host", "true"},
    {"keep", "200 GiB"},
    {"detect", "{sensitivity: 50}"},
    {"enabled", "true"},
    {"stream", "sub"},
    {"sensitivity", "50"},
    {"zones", "[{name: road, polygon: [[0,0.4],[1,0.4],[1,1],[0,1]]}]"},
    {"masks", "[{name: sky, polygon: [[0,0],[1,0],[1,0.2],[0,0.2]]}]"},
    {"lines", "[{name: gate, from: [0.3, 1], to: [0.7, 0.6]}]"},
    {"lines.name", "gate"},
    {"lines.from", "[0.3, 1]"},
    {"lines.to", "[0.7, 0.6]"},
    {"min_duration", "1s"},
    {"polygon", "[[0,0.4],[1,0.4],[1,1],[0,1]]"},
    {"schedule", "[{days: mon-sun, from: \"22:00\", to: \"05:00\"}]"},
    {"days", "mon-fri"},
    {"from", "\"22:00\""},
    {"to", "\"05:00\""},
    {"alert", "{pre: 5s, post: 5s}"},
    {"pre", "5s"},
    {"post", "5s"},
    {"cooldown", "10s"},
    {"max", "5m"},
    {"clip", "{seconds: 10, max: 600 kB}"},
    {"clip.max", "600 kB"},
    {"seconds", "10"},
    {"rate", "30"},
    {"escalation", "{after: 3m, to: [Hà, Dũng]}"},
    {"escalation.to", "[Hà, Dũng]"},
    {"after", "3m"},
    {"type", "json"},
    {"webhooks.id", "phones"},
    {"webhooks.url", "https://ntfy.example/thon-dung"},
    {"url_file", "phones.url"},
    {"token", "\"…\""},
    {"token_file", "phones.token"},
    {"chat_id", "\"-1001234567890\""},
    {"text", "\"{text}\""},
    {"fields", "[{name: text, value: \"{text}\"}]"},
    {"fields.name", "text"},
    {"value", "\"{text}\""},
    {"photo", "photo"},
    {"updates", "true"},
};
/* clang-format on */

const char *rw_schema_example(const char *key)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (!strcmp(examples[i].key, key))
            return examples[i].example;
    return NULL;
}

const char *rw_schema_example_in(const char *section, const char *key)
{
    char path[64];
    snprintf(path, sizeof path, "%s.%s", section, key);
    const char *example = rw_schema_example(path);
    return example ? example : rw_schema_example(key);
}

/* Wipes what it frees: passwords pass through here. */
static void *wiping_memory(void *context, void *old, size_t size)
{
    (void)context;
    if (size)
        return realloc(old, size);
    if (old)
        explicit_bzero(old, malloc_usable_size(old));
    free(old);
    return NULL;
}

/* Keeps the line of the innermost level from libcyaml's trace, and none of its words: they quote
 * values. */
static void note_line(cyaml_log_t level, void *context, const char *format, va_list args)
{
    (void)level;
    int *line = context;
    char text[512];
    vsnprintf(text, sizeof text, format, args);
    const char *at = strstr(text, "(line: ");
    if (at && !*line)
        *line = atoi(at + strlen("(line: "));
    explicit_bzero(text, sizeof text);
}

static const cyaml_config_t settings = {
    .mem_fn = wiping_memory,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_NO_ALIAS,
};

struct rw_raw *rw_raw_load(const struct rw_reading *reading, const void *bytes, size_t size)
{
    int line = 0;
    cyaml_config_t config = settings;
    config.log_fn = note_line;
    config.log_ctx = &line;
    struct rw_raw *raw = NULL;
    cyaml_err_t failure =
        cyaml_load_data(bytes, size, &config, &rw_schema, (cyaml_data_t **)&raw, NULL);
    if (failure != CYAML_OK || !raw) {
        rw_fail_on_line(reading, line ? line : 1, "a value here is not accepted (%s)",
                        cyaml_strerror(failure));
        return NULL;
    }
    return raw;
}

void rw_raw_free(struct rw_raw *raw)
{
    if (raw)
        cyaml_free(&settings, &rw_schema, raw, 0);
}
