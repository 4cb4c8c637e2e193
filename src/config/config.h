/* The one YAML file: strict schema (libcyaml), then the checks that a schema cannot say. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "config/sun.h"
#include "roadwatch/event.h"
#include "roadwatch/picture.h"

struct rw_stream_config {
    char *url;      /* without a login in it; "" : there is no such stream */
    char *username; /* "" : none. Inherited by sub from main where sub has none */
    char *password; /* read from password_file where that was given */
    bool udp;
    char *ca_file;   /* of rtsps; "" : what the system trusts. Inherited by sub as the login */
    bool check_host; /* of rtsps: the camera's name must stand in its certificate */
    int64_t keep_bytes;
};

struct rw_zone_config {
    char *name;
    int points;
    struct rw_point *polygon; /* fractions */
    int sensitivity;          /* of the camera where not given; of a mask 0: nothing counts there */
    bool inherits;            /* it was not given */
};

struct rw_line_config {
    char *name;
    struct rw_point from, to; /* fractions, not the same */
};

enum rw_mark_of { RW_OF_MIDNIGHT, RW_OF_SUNRISE, RW_OF_SUNSET };

struct rw_mark {
    enum rw_mark_of of;
    int minutes; /* after it; of midnight: the local time of day. Before the sun's: negative */
};

struct rw_schedule_config {
    unsigned days; /* bit 0 Monday .. bit 6 Sunday: on which it begins */
    /* to is of the next day where it would usually be no later than from: sunrise counts as 06:00
     * in this, sunset as 18:00, so that it does not change with the seasons */
    struct rw_mark from, to;
};

struct rw_detect_config {
    bool enabled; /* detect: {enabled: false} records only */
    bool on_main; /* which stream is watched */
    int sensitivity;
    int zone_count;
    struct rw_zone_config *zones;
    int mask_count;
    struct rw_zone_config *masks;
    int line_count;
    struct rw_line_config *lines;
    int64_t min_duration_us; /* 0: whatever is sure */
    int schedule_count;      /* 0: always armed */
    struct rw_schedule_config *schedule;
    bool located; /* place is the site's, known */
    struct rw_place place;
};

enum { RW_ALERT_RATE_MAX = 60 };

struct rw_alert_config {
    int64_t pre_us, post_us, cooldown_us, max_us;
    int64_t clip_us;    /* length of the film that goes out after an event; 0: none does */
    int64_t clip_bytes; /* and the most that it weighs */
    int rate;           /* alerts in ten minutes; more go out as a digest; 0: all go out */
};

struct rw_camera_config {
    char *id;
    char *name;
    struct rw_stream_config main, sub; /* sub.url "" : none */
    struct rw_detect_config detect;
    struct rw_alert_config alert;
    int line;        /* in the file */
    char digest[65]; /* rw_config_camera_digest()'s, where it was asked for; else "" */
};

struct rw_mqtt_config {
    bool enabled; /* the section is there */
    char *host;
    int port;
    char *username, *password;            /* "" : none */
    char *ca_file, *cert_file, *key_file; /* "" : none; resolved against the file's folder */
    char *prefix;
    bool home_assistant;
    char digest[65]; /* rw_config_alerts_digest()'s, where it was asked for; else "" */
};

/* Who is told when nobody acknowledges an alert, in this order. */
struct rw_escalation_config {
    int count; /* 0: nobody is */
    char **to;
    int64_t after_us; /* between one and the next */
};

enum { RW_HOOKS_MAX = 8 };

enum rw_hook_type {
    RW_HOOK_ZALO,
    RW_HOOK_TELEGRAM,
    RW_HOOK_NTFY,
    RW_HOOK_JSON,
    RW_HOOK_FORM,
    RW_HOOK_MULTIPART,
};

/* What stands in braces in a template, "{camera_name}", and is replaced. */
enum rw_hook_word {
    RW_WORD_TEXT, /* the sentence */
    RW_WORD_CAMERA,
    RW_WORD_CAMERA_NAME,
    RW_WORD_KIND,
    RW_WORD_PHASE,
    RW_WORD_ZONE,
    RW_WORD_TIME, /* local */
    RW_WORD_START,
    RW_WORD_END,
    RW_WORD_ID,
    RW_WORD_REVISION,
    RW_WORD_SITE,
    RW_WORD_SITE_NAME,
    RW_WORD_ACKED_BY,
    RW_WORD_COUNT, /* of a digest */
    RW_HOOK_WORDS
};
/* Which word begins here, "{…}", and how long that is; RW_HOOK_WORDS: none that is known. */
enum rw_hook_word rw_hook_word_at(const char *text, size_t *size);

struct rw_hook_field {
    char *name, *value; /* value: a template */
};

struct rw_hook_config {
    char *id;
    enum rw_hook_type type;
    char *url;  /* a secret: many services put a key in it */
    char *host; /* where it leads, with port */
    int port;
    char *token;   /* "" : none */
    char *ca_file; /* "" : what the system trusts; resolved against the file's folder */
    char *chat_id; /* of a chat service */
    char *text;    /* a template */
    int field_count;
    struct rw_hook_field *fields;
    char *photo;  /* in which field of a multipart body the picture goes */
    bool updates; /* every revision of an event is told, not just its first word */
    int line;     /* in the file */
};

struct rw_web_config {
    bool enabled;
    char *listen_host;
    int listen_port;
    char *cert_file, *key_file;
};

struct rw_config {
    char *path; /* the file's, as given */
    struct {
        char *id, *name;
        bool vietnamese; /* language: vi (default) or en */
        bool located;
        struct rw_place place;
    } site;
    struct {
        char *path;
        int64_t slot_size;
        int64_t sync_us;
        int64_t max_age_us; /* 0: none */
        int64_t scrub_us;   /* in this time every byte is read again and checked; 0: never */
    } storage;
    struct rw_mqtt_config mqtt;
    struct rw_escalation_config escalation;
    struct rw_web_config web;
    int hook_count;
    struct rw_hook_config *hooks;
    int camera_count;
    struct rw_camera_config *cameras;
};

/* Reads the file. On failure NULL, and *err says "file:line: sentence". The result is the caller's
 * until rw_config_free(). All strings are non-NULL and owned by it. */
struct rw_config *rw_config_load(const char *path, struct rw_err *err);
/* The same of bytes already read; path names the file in sentences and is the folder that
 * password_file and the like are relative to. */
struct rw_config *rw_config_parse(const char *path, const void *bytes, size_t size,
                                  struct rw_err *err);
void rw_config_free(struct rw_config *config); /* takes NULL; secrets are wiped */

/* What a process that is taken over does not know it cannot give away. */
struct rw_secrets {
    const char *camera; /* an id: this one's are kept; NULL: no camera's */
    bool broker;        /* so are the broker's, and those of webhooks */
};
/* Wipes every other secret. They are "" after that. */
void rw_config_forget(struct rw_config *config, struct rw_secrets kept);

/* The environment variable through which a role is given the configuration that is in force: the
 * number of a descriptor holding the file's text. A file that has been spoilt meanwhile cannot keep
 * a role from being restarted. */
#define RW_CONFIG_FD "ROADWATCH_CONFIG_FD"

struct rw_apart {
    const char *path;       /* the file's; names it in sentences */
    int text;               /* a descriptor that holds its text, read from the start; -1: none */
    bool fill;              /* the file is read, and its text left in that descriptor */
    bool digests;           /* fill in the digests */
    struct rw_secrets kept; /* the others are not even in freed memory */
};
/* Reads the configuration in a process of its own, whose memory, with every secret that was ever in
 * it, ends with it; what comes over is the result. Before there are threads. As rw_config_load().
 */
struct rw_config *rw_config_load_apart(const struct rw_apart *apart, struct rw_err *err);
/* A deep copy in memory that take() gives: never NULL, size bytes, aligned for anything. */
struct rw_config *rw_config_copy(const struct rw_config *config,
                                 void *(*take)(size_t size, void *arg), void *arg);

const struct rw_camera_config *rw_config_camera(const struct rw_config *config, const char *id);

/* A fingerprint of all that a camera's process depends on: equal text, no restart needed. */
void rw_config_camera_digest(const struct rw_config *config, const struct rw_camera_config *camera,
                             char out[65]);
/* The same for the alerts role. */
void rw_config_alerts_digest(const struct rw_config *config, char out[65]);

/* Slots of a stream's ring: keep / slot_size, whole ones. */
int rw_config_slots(const struct rw_config *config, const struct rw_stream_config *stream);

/* Is the camera armed by its schedule at this UTC time, in the box's local zone? */
bool rw_schedule_armed(const struct rw_detect_config *detect, int64_t utc_us);

/* $RUNTIME_DIRECTORY, or <storage>/run. Written into out. */
void rw_config_runtime_dir(const struct rw_config *config, char *out, size_t size);
/* The door of a camera's process: <runtime>/ID.sock */
void rw_config_door(const struct rw_config *config, const char *camera, char *out, size_t size);
