#include "alerts/payload.h"

#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/sentences.h"
#include "base/clock.h"
#include "base/units.h"

static char *json_text(json_t *owned)
{
    /* Six digits show every value here as it was rounded. */
    char *text = json_dumps(owned, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(owned);
    if (!text)
        abort(); /* no memory */
    return text;
}

/* Names come from files that people wrote; what is not UTF-8 becomes "?". */
static void set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);
    json_object_set_new(object, key, value ? value : json_string("?"));
}

static void set_time(json_t *object, const char *key, int64_t utc_us)
{
    char text[RW_TIME_SIZE];
    json_object_set_new(object, key,
                        utc_us ? json_string(rw_format_time(utc_us, text)) : json_null());
}

static json_t *rounded(double value, double steps)
{
    return json_real(isfinite(value) ? round(value * steps) / steps : 0.0);
}

static json_t *box_json(const struct rw_box *box)
{
    if (!(box->w > 0))
        return json_null();
    return json_pack("[o,o,o,o]", rounded(box->x, 1e4), rounded(box->y, 1e4), rounded(box->w, 1e4),
                     rounded(box->h, 1e4));
}

static json_t *path_json(const struct rw_event *event)
{
    json_t *path = json_array();
    for (int i = 0; i < event->path_count && i < RW_EVENT_PATH_MAX; i++)
        json_array_append_new(path, json_pack("[o,o]", rounded(event->path[i].x, 1e4),
                                              rounded(event->path[i].y, 1e4)));
    return path;
}

static json_t *lines_json(const struct rw_event *event)
{
    json_t *lines = json_array();
    for (int i = 0; i < event->crossing_count && i < RW_CROSSINGS_MAX; i++) {
        json_t *line = json_object();
        set_text(line, "name", event->crossings[i].line);
        set_text(line, "to", event->crossings[i].right ? "right" : "left");
        json_array_append_new(lines, line);
    }
    return lines;
}

static json_t *zones_json(const struct rw_event *event)
{
    json_t *zones = json_array();
    for (int i = 0; i < event->zone_count && i < RW_ZONES_MAX; i++) {
        json_t *name = json_string(event->zones[i]);
        json_array_append_new(zones, name ? name : json_string("?"));
    }
    return zones;
}

static void set_thumbnail(json_t *object, const void *bytes, size_t size)
{
    if (!bytes || !size || size > RW_THUMBNAIL_MAX)
        return;
    unsigned char text[(RW_THUMBNAIL_MAX + 2) / 3 * 4 + 1];
    int length = EVP_EncodeBlock(text, bytes, (int)size);
    json_object_set_new(object, "thumbnail", json_stringn((const char *)text, (size_t)length));
}

static json_t *clock_json(const struct rw_event *event)
{
    json_t *error = event->clock_error_us < 0
                        ? json_null()
                        : json_integer((json_int_t)((event->clock_error_us + 999) / 1000));
    return json_pack("{s:s, s:o}", "state",
                     rw_clock_trust_name((enum rw_clock_trust)event->clock_trust), "error_ms",
                     error);
}

static json_t *times_json(const struct rw_event *event, int64_t sent_us)
{
    json_t *times = json_object();
    set_time(times, "seen", event->seen_us);
    set_time(times, "decided", event->decided_us);
    set_time(times, "sent", sent_us);
    return times;
}

static const char *phase_name(enum rw_phase phase)
{
    return phase == RW_PHASE_START ? "start" : phase == RW_PHASE_END ? "end" : "update";
}

/* Takes what is in the buffer. */
static void set_sentence(json_t *object, struct rw_buf *sentence)
{
    set_text(object, "text", (const char *)sentence->data);
    rw_buf_finish(sentence);
}

static json_t *links_json(const struct rw_event *event)
{
    char snapshot[80], clip[80];
    bool pictured = rw_happening_at(rw_happening_index(event->kind))->pictured;
    snprintf(snapshot, sizeof snapshot, "/api/v1/events/%s/snapshot.jpg", event->id);
    snprintf(clip, sizeof clip, "/api/v1/events/%s/clip.mp4", event->id);
    return json_pack("{s:s?, s:s}", "snapshot", pictured ? snapshot : NULL, "clip", clip);
}

static void set_places(json_t *json, const struct rw_event *event)
{
    json_object_set_new(json, "zones", zones_json(event));
    json_object_set_new(json, "lines", lines_json(event));
    json_object_set_new(json, "box", box_json(&event->box));
    json_object_set_new(json, "whole", box_json(&event->whole));
    json_object_set_new(json, "path", path_json(event));
}

char *rw_payload_event(const struct rw_config *config, const struct rw_camera_config *camera,
                       const struct rw_event *event, const void *thumbnail, size_t thumbnail_size,
                       int64_t sent_us)
{
    struct rw_buf sentence;
    rw_buf_init(&sentence);
    rw_sentence_event(&sentence, config, camera->name, event, sent_us);
    json_t *json = json_object();
    json_object_set_new(json, "v", json_integer(1));
    set_text(json, "id", event->id);
    set_text(json, "site", config->site.id);
    set_text(json, "camera", camera->id);
    set_text(json, "camera_name", camera->name);
    set_text(json, "kind", event->kind);
    set_text(json, "phase", phase_name(event->phase));
    json_object_set_new(json, "revision", json_integer((json_int_t)event->revision));
    set_time(json, "start", event->start_us);
    set_time(json, "end", event->end_us);
    set_time(json, "peak", event->peak_us);
    set_places(json, event);
    json_object_set_new(json, "score", rounded((double)event->score, 100.0));
    if (event->lasting)
        json_object_set_new(json, "lasting", json_true());
    if (event->reason[0])
        set_text(json, "reason", event->reason);
    if (event->acked_by[0])
        set_text(json, "acked_by", event->acked_by);
    set_thumbnail(json, thumbnail, thumbnail_size);
    set_sentence(json, &sentence);
    json_object_set_new(json, "clock", clock_json(event));
    json_object_set_new(json, "times", times_json(event, sent_us));
    json_object_set_new(json, "links", links_json(event));
    return json_text(json);
}

void rw_digest_add(struct rw_digest *digest, const struct rw_event *event)
{
    int64_t end_us = event->end_us ? event->end_us : event->start_us;
    if (!digest->events || event->start_us < digest->from_us)
        digest->from_us = event->start_us;
    if (!digest->events || end_us > digest->to_us)
        digest->to_us = end_us;
    digest->events++;
    digest->of_kind[rw_happening_index(event->kind)]++;
}

char *rw_payload_digest(const struct rw_config *config, const struct rw_camera_config *camera,
                        const struct rw_digest *digest, int64_t sent_us)
{
    struct rw_buf sentence;
    rw_buf_init(&sentence);
    rw_sentence_digest(&sentence, config, camera->name, digest, sent_us);
    json_t *json = json_object();
    json_object_set_new(json, "v", json_integer(1));
    set_text(json, "site", config->site.id);
    set_text(json, "camera", camera->id);
    set_text(json, "camera_name", camera->name);
    set_text(json, "why", digest->rate ? "rate" : "backlog");
    json_object_set_new(json, "events", json_integer((json_int_t)digest->events));
    set_time(json, "from", digest->from_us);
    set_time(json, "to", digest->to_us);
    set_sentence(json, &sentence);
    return json_text(json);
}

char *rw_payload_escalate(const struct rw_config *config, const struct rw_camera_config *camera,
                          const struct rw_event *event, int step, int64_t sent_us)
{
    const struct rw_escalation_config *list = &config->escalation;
    struct rw_buf sentence;
    rw_buf_init(&sentence);
    rw_sentence_call(&sentence, config, camera->name, event, list->to[step], sent_us);
    json_t *json = json_object();
    json_object_set_new(json, "v", json_integer(1));
    set_text(json, "id", event->id);
    set_text(json, "site", config->site.id);
    set_text(json, "camera", camera->id);
    set_text(json, "camera_name", camera->name);
    set_text(json, "kind", event->kind);
    set_time(json, "start", event->start_us);
    set_text(json, "to", list->to[step]);
    json_object_set_new(json, "step", json_integer(step + 1));
    json_object_set_new(json, "of", json_integer(list->count));
    set_time(json, "sent", sent_us);
    set_sentence(json, &sentence);
    return json_text(json);
}

static json_t *watch_json(const struct rw_watch *watch)
{
    if (!watch->known)
        return json_null();
    return json_pack("{s:o, s:o, s:b, s:o, s:i, s:b, s:o}", "fps", rounded(watch->fps, 10.0), "of",
                     rounded(watch->of, 10.0), "thinned", (int)watch->thinned, "weather",
                     rounded(watch->weather, 10.0), "smallest", watch->smallest, "raised",
                     (int)watch->raised, "on", *watch->on ? json_string(watch->on) : json_null());
}

bool rw_watch_blind(const struct rw_watch *watch)
{
    return !strcmp(watch->on, "covered") || !strcmp(watch->on, "camera_moved");
}

char *rw_payload_status(const struct rw_config *config, const struct rw_camera_config *camera,
                        const struct rw_status *status, int64_t now_us)
{
    struct rw_buf sentence;
    rw_buf_init(&sentence);
    rw_sentence_status(&sentence, config, camera->name, status, now_us);
    json_t *json = json_object();
    set_text(json, "state", status->state);
    set_time(json, "since", status->since_us);
    set_text(json, "reason", status->reason);
    set_time(json, "last_picture", status->last_picture_us);
    json_object_set_new(json, "recording", json_boolean(status->recording));
    json_object_set_new(json, "days_kept", rounded(status->days_kept, 100.0));
    json_object_set_new(json, "watch", watch_json(&status->watch));
    const struct rw_arming *arming = &status->arming;
    bool disarmed = *arming->disarmed_by;
    json_object_set_new(json, "armed", arming->known ? json_boolean(!disarmed) : json_null());
    json_object_set_new(json, "disarmed_by",
                        disarmed ? json_string(arming->disarmed_by) : json_null());
    set_sentence(json, &sentence);
    return json_text(json);
}

char *rw_payload_health(const struct rw_health *health)
{
    json_t *json = json_object();
    json_object_set_new(json, "connected", json_boolean(health->connected));
    json_object_set_new(json, "waiting", json_integer((json_int_t)health->waiting));
    set_time(json, "last_delivered", health->last_delivered_us);
    set_text(json, "reason", health->reason);
    return json_text(json);
}
