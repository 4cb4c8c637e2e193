/* The option table: every key of the file is one row here. libcyaml fills the raw structs from it,
 * the strict pass refuses by it, and sentences take their examples from it. */
#pragma once

#include <cyaml/cyaml.h>
#include <stdbool.h>

#include "config/config.h"
#include "config/tree.h"
#include "roadwatch/picture.h"

enum {
    RW_CAMERAS_MAX = 256,
    RW_ESCALATION_MAX = 16,
    RW_SCHEDULE_MAX = 32,
    RW_CONFIG_ZONES_MAX = 16,
    RW_CONFIG_LINES_MAX = 8,
    RW_CONFIG_POLYGON_MIN = 3,
    RW_CONFIG_POLYGON_MAX = 32,
    RW_HOOK_FIELDS_MAX = 16,
};

/* As written: a NULL pointer is an absent key; sizes, durations and times are still words. */
struct rw_raw_login {
    char *username, *password, *password_file;
};

enum rw_raw_watch { RW_RAW_WATCH_UNSET, RW_RAW_WATCH_MAIN, RW_RAW_WATCH_SUB };

struct rw_raw_stream {
    char *url;
    struct rw_raw_login login;
    bool udp;
    char *ca_file;
    bool *check_host;
    char *keep;
};

struct rw_raw_zone {
    char *name;
    struct rw_point *polygon;
    unsigned polygon_count;
    int *sensitivity;
};

struct rw_raw_line {
    char *name;
    float from[2], to[2]; /* x, y */
};

struct rw_raw_schedule {
    char *days, *from, *to;
};

struct rw_raw_detect {
    bool *enabled;
    enum rw_raw_watch stream;
    int *sensitivity;
    struct rw_raw_zone *zones, *masks;
    unsigned zones_count, masks_count;
    struct rw_raw_line *lines;
    unsigned lines_count;
    char *min_duration;
    struct rw_raw_schedule *schedule;
    unsigned schedule_count;
};

struct rw_raw_clip {
    int *seconds;
    char *max;
};

struct rw_raw_alert {
    char *pre, *post, *cooldown, *max;
    struct rw_raw_clip clip;
    int *rate;
};

struct rw_raw_camera {
    char *id, *name;
    struct rw_raw_stream main, *sub;
    struct rw_raw_detect detect;
    struct rw_raw_alert alert;
};

struct rw_raw_site {
    char *id, *name;
    bool english;
    double *location; /* two: latitude, longitude */
};

struct rw_raw_storage {
    char *path, *slot_size, *sync, *max_age, *scrub;
};

struct rw_raw_mqtt {
    char *host;
    int *port;
    struct rw_raw_login login;
    char *ca_file, *cert_file, *key_file;
    char *prefix;
    bool home_assistant;
};

struct rw_raw_escalation {
    char *after;
    char **to;
    unsigned to_count;
};

struct rw_raw_web {
    char *listen, *cert_file, *key_file;
};

struct rw_raw_hook_field {
    char *name, *value;
};

struct rw_raw_hook {
    char *id;
    enum rw_hook_type type;
    char *url, *url_file;
    char *token, *token_file;
    char *ca_file;
    char *chat_id;
    char *text;
    char *photo;
    bool *updates;
    struct rw_raw_hook_field *fields;
    unsigned fields_count;
};

struct rw_raw {
    struct rw_raw_site site;
    struct rw_raw_storage storage;
    struct rw_raw_mqtt *mqtt;
    struct rw_raw_escalation *escalation;
    struct rw_raw_web *web;
    struct rw_raw_hook *webhooks;
    unsigned webhooks_count;
    struct rw_raw_camera *cameras;
    unsigned cameras_count;
};

extern const cyaml_schema_value_t rw_schema; /* of the whole file, a struct rw_raw */

/* What a good value of this key looks like, as it would be written; NULL: no such key. */
const char *rw_schema_example(const char *key);
/* The same of a key in this section: a line's from is not a schedule's. */
const char *rw_schema_example_in(const char *section, const char *key);

/* Refuses whatever has no row, is of the wrong type, is missing, too long or too many. */
int rw_strict_check(const struct rw_reading *reading, const struct rw_node *root);

/* Loads bytes that passed the strict check. NULL on failure; rw_raw_free() wipes and frees. */
struct rw_raw *rw_raw_load(const struct rw_reading *reading, const void *bytes, size_t size);
void rw_raw_free(struct rw_raw *raw);
