#include "alerts/payload.h"

#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
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

/* "19:00:00", and the day too when it is not the day that the reader has. */
static void add_when(struct rw_buf *out, int64_t at_us, int64_t sent_us, bool vietnamese)
{
    char clock[RW_TIME_SIZE];
    rw_buf_printf(out, "%s", rw_format_local_clock(at_us, clock));
    time_t at = (time_t)(at_us / RW_SECOND_US), sent = (time_t)(sent_us / RW_SECOND_US);
    struct tm day, today;
    localtime_r(&at, &day);
    localtime_r(&sent, &today);
    if (day.tm_year == today.tm_year && day.tm_yday == today.tm_yday)
        return;
    if (vietnamese)
        rw_buf_printf(out, " ngày %d/%d", day.tm_mday, day.tm_mon + 1);
    else
        rw_buf_printf(out, " on %04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
}

static const struct {
    const char *kind, *vi, *en;
    bool pictured;  /* it was seen, and there is a picture of it */
    bool momentary; /* it has no end to tell of */
} happenings[] = {
    {"motion", "có người hoặc xe chuyển động", "a person or vehicle moved", true, false},
    {"scene_change", "cả khung hình thay đổi", "the whole picture changed", true, false},
    {"camera_moved", "camera bị xoay hoặc xê dịch", "the camera was turned or shifted", true,
     false},
    {"covered", "camera bị che hoặc không nhìn thấy gì",
     "the camera was covered or could see nothing", true, false},
    {"fault", "camera gửi dữ liệu hỏng hoặc bị đứng hình",
     "the camera sends broken data or a picture that stands still", false, false},
    {"camera_changed", "camera có thể đã bị thay", "the camera may have been swapped", false, true},
};

_Static_assert(sizeof happenings / sizeof *happenings == RW_DIGEST_KINDS,
               "a digest counts every kind that has words");

/* Index of a kind; of one that is not known, motion's. */
static int happening(const char *kind)
{
    int i = RW_DIGEST_KINDS - 1;
    while (i > 0 && strcmp(kind, happenings[i].kind) != 0)
        i--;
    return i;
}

static const char *words_of(int index, bool vietnamese)
{
    return vietnamese ? happenings[index].vi : happenings[index].en;
}

/* " (road → gate, across the line)": where it went, as far as that tells a way. The phone's first
 * line has room for a few names. */
static void add_way(struct rw_buf *out, const struct rw_event *event, bool vietnamese)
{
    enum { SHOWN = 4 };
    bool zones = event->zone_count > 1, crossed = event->crossing_count > 0;
    if (!zones && !crossed)
        return;
    for (int i = 0; zones && i < event->zone_count && i < SHOWN; i++)
        rw_buf_printf(out, "%s%s", i ? " → " : " (", event->zones[i]);
    if (event->zone_count > SHOWN)
        rw_buf_printf(out, " → …");
    if (crossed)
        rw_buf_printf(out, "%s%s %s", zones ? ", " : " (", vietnamese ? "qua" : "across",
                      event->crossings[0].line);
    rw_buf_printf(out, ")");
}

static void add_end(struct rw_buf *out, const struct rw_event *event, int64_t sent_us,
                    bool vietnamese)
{
    if (event->phase != RW_PHASE_END || !event->end_us ||
        happenings[happening(event->kind)].momentary)
        return;
    if (event->lasting)
        rw_buf_printf(out, vietnamese ? ", vẫn như vậy lúc " : ", still so at ");
    else
        rw_buf_printf(out, vietnamese ? ", hết lúc " : ", over at ");
    add_when(out, event->end_us, sent_us, vietnamese);
}

/* "Cổng làng: có người hoặc xe chuyển động lúc 19:00:00" */
static void add_what(struct rw_buf *out, const char *name, const struct rw_event *event,
                     int64_t sent_us, bool vietnamese)
{
    rw_buf_printf(out, "%s: %s", name, words_of(happening(event->kind), vietnamese));
    add_way(out, event, vietnamese);
    rw_buf_printf(out, vietnamese ? " lúc " : " at ");
    add_when(out, event->start_us, sent_us, vietnamese);
}

static void set_event_text(json_t *object, const struct rw_config *config, const char *name,
                           const struct rw_event *event, int64_t sent_us)
{
    bool vi = config->site.vietnamese;
    struct rw_buf text;
    rw_buf_init(&text);
    add_what(&text, name, event, sent_us, vi);
    add_end(&text, event, sent_us, vi);
    set_text(object, "text", (const char *)text.data);
    rw_buf_finish(&text);
}

static json_t *links_json(const struct rw_event *event)
{
    char snapshot[80], clip[80];
    bool pictured = happenings[happening(event->kind)].pictured;
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
    set_event_text(json, config, camera->name, event, sent_us);
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
    digest->of_kind[happening(event->kind)]++;
}

/* "…: a person or vehicle moved (35), the camera was turned or shifted (2)" */
static void add_kinds(struct rw_buf *out, const struct rw_digest *digest, bool vietnamese)
{
    const char *before = ": ";
    for (int i = 0; i < RW_DIGEST_KINDS; i++) {
        if (!digest->of_kind[i])
            continue;
        rw_buf_printf(out, "%s%s (%lld)", before, words_of(i, vietnamese),
                      (long long)digest->of_kind[i]);
        before = ", ";
    }
}

static void add_unsent(struct rw_buf *out, const struct rw_digest *digest, int64_t sent_us,
                       bool vietnamese)
{
    rw_buf_printf(out, "%lld %s ", (long long)digest->events,
                  vietnamese ? "cảnh báo chưa gửi được, từ"
                             : "alerts that could not be sent, from");
    add_when(out, digest->from_us, sent_us, vietnamese);
    rw_buf_printf(out, vietnamese ? " đến " : " to ");
    add_when(out, digest->to_us, sent_us, vietnamese);
}

/* "12 lần trong 10 phút" */
static void add_often(struct rw_buf *out, const struct rw_digest *digest, int64_t sent_us,
                      bool vietnamese)
{
    int64_t minutes = (sent_us - digest->from_us) / (60 * RW_SECOND_US) + 1;
    rw_buf_printf(out, vietnamese ? "%lld lần trong %lld phút" : "%lld times in %lld min",
                  (long long)digest->events, (long long)minutes);
}

char *rw_payload_digest(const struct rw_config *config, const struct rw_camera_config *camera,
                        const struct rw_digest *digest, int64_t sent_us)
{
    bool vi = config->site.vietnamese;
    struct rw_buf text;
    rw_buf_init(&text);
    rw_buf_printf(&text, "%s: ", camera->name);
    if (digest->rate)
        add_often(&text, digest, sent_us, vi);
    else
        add_unsent(&text, digest, sent_us, vi);
    add_kinds(&text, digest, vi);

    json_t *json = json_object();
    json_object_set_new(json, "v", json_integer(1));
    set_text(json, "site", config->site.id);
    set_text(json, "camera", camera->id);
    set_text(json, "camera_name", camera->name);
    set_text(json, "why", digest->rate ? "rate" : "backlog");
    json_object_set_new(json, "events", json_integer((json_int_t)digest->events));
    set_time(json, "from", digest->from_us);
    set_time(json, "to", digest->to_us);
    set_text(json, "text", (const char *)text.data);
    rw_buf_finish(&text);
    return json_text(json);
}

char *rw_payload_escalate(const struct rw_config *config, const struct rw_camera_config *camera,
                          const struct rw_event *event, int step, int64_t sent_us)
{
    bool vi = config->site.vietnamese;
    const struct rw_escalation_config *list = &config->escalation;
    struct rw_buf text;
    rw_buf_init(&text);
    rw_buf_printf(&text, vi ? "Nhờ %s đi xem: " : "%s, please go and look: ", list->to[step]);
    add_what(&text, camera->name, event, sent_us, vi);
    rw_buf_printf(&text, vi ? ", chưa ai nhận" : "; nobody has answered yet");

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
    set_text(json, "text", (const char *)text.data);
    rw_buf_finish(&text);
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

char *rw_payload_status(const struct rw_status *status)
{
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
