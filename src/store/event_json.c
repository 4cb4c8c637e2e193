#include "store/event_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"

static json_t *zones_json(const struct rw_event *event)
{
    json_t *zones = json_array();
    for (int i = 0; i < event->zone_count; i++)
        json_array_append_new(zones, json_string(event->zones[i]));
    return zones;
}

static json_t *box_json(const struct rw_box *box)
{
    return json_pack("[f,f,f,f]", (double)box->x, (double)box->y, (double)box->w, (double)box->h);
}

static json_t *crossings_json(const struct rw_event *event)
{
    json_t *lines = json_array();
    for (int i = 0; i < event->crossing_count; i++)
        json_array_append_new(lines, json_pack("{s:s, s:s}", "name", event->crossings[i].line, "to",
                                               event->crossings[i].right ? "right" : "left"));
    return lines;
}

static json_t *path_json(const struct rw_event *event)
{
    json_t *path = json_array();
    for (int i = 0; i < event->path_count; i++)
        json_array_append_new(
            path, json_pack("[f,f]", (double)event->path[i].x, (double)event->path[i].y));
    return path;
}

char *rw_event_to_json(const struct rw_event *event)
{
    json_t *json = json_pack(
        "{s:s, s:I, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:f, s:b, s:i, s:I, s:I, s:o, "
        "s:o, s:o, s:b, s:s}",
        "id", event->id, "revision", (json_int_t)event->revision, "phase", (int)event->phase,
        "kind", event->kind, "start", (json_int_t)event->start_us, "end", (json_int_t)event->end_us,
        "peak", (json_int_t)event->peak_us, "seen", (json_int_t)event->seen_us, "decided",
        (json_int_t)event->decided_us, "box", box_json(&event->box), "whole",
        box_json(&event->whole), "score", (double)event->score, "armed", (int)event->armed,
        "clock_trust", event->clock_trust, "clock_error", (json_int_t)event->clock_error_us,
        "clock_shift", (json_int_t)event->clock_shift_us, "zones", zones_json(event), "lines",
        crossings_json(event), "path", path_json(event), "lasting", (int)event->lasting, "acked_by",
        event->acked_by);
    if (json && *event->reason)
        json_object_set_new(json, "reason", json_string(event->reason));
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (!text)
        abort(); /* no memory, or a name that is not UTF-8: the configuration refuses those */
    return text;
}

static int64_t take_int(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

/* A fraction; what is none, as a stranger's slot may hold it, is 0. */
static float take_fraction(const json_t *json)
{
    double value = json_number_value(json);
    return value >= 0 && value <= 1 ? (float)value : 0;
}

static bool take_zones(const json_t *zones, struct rw_event *event)
{
    size_t count = json_array_size(zones);
    if (count > RW_ZONES_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(zones, i));
        if (!name || strlen(name) >= RW_NAME_SIZE)
            return false;
        strcpy(event->zones[i], name);
    }
    event->zone_count = (int)count;
    return true;
}

static struct rw_box take_box(const json_t *box)
{
    return (struct rw_box){
        take_fraction(json_array_get(box, 0)), take_fraction(json_array_get(box, 1)),
        take_fraction(json_array_get(box, 2)), take_fraction(json_array_get(box, 3))};
}

static bool take_crossings(const json_t *lines, struct rw_event *event)
{
    size_t count = json_array_size(lines);
    if (count > RW_CROSSINGS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *line = json_array_get(lines, i);
        const char *to = json_string_value(json_object_get(line, "to"));
        if (!to || !rw_json_copy_text(line, "name", event->crossings[i].line, RW_NAME_SIZE))
            return false;
        event->crossings[i].right = !strcmp(to, "right");
    }
    event->crossing_count = (int)count;
    return true;
}

/* One that is too long is cut: it is for people. */
static void take_reason(const json_t *json, struct rw_event *event)
{
    const char *reason = json_string_value(json_object_get(json, "reason"));
    rw_copy_text(event->reason, sizeof event->reason, reason ? reason : "");
}

static bool take_path(const json_t *path, struct rw_event *event)
{
    size_t count = json_array_size(path);
    if (count > RW_EVENT_PATH_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *point = json_array_get(path, i);
        event->path[i] = (struct rw_point){take_fraction(json_array_get(point, 0)),
                                           take_fraction(json_array_get(point, 1))};
    }
    event->path_count = (int)count;
    return true;
}

int rw_event_from_json(const char *text, size_t size, struct rw_event *event)
{
    struct rw_event got = {0};
    json_t *json = json_loadb(text, size, 0, NULL);
    const json_t *box = json_object_get(json, "box");
    int64_t phase = take_int(json, "phase");
    bool good = json_is_object(json) && rw_json_copy_text(json, "id", got.id, sizeof got.id) &&
                rw_json_copy_text(json, "kind", got.kind, sizeof got.kind) &&
                rw_json_copy_text(json, "acked_by", got.acked_by, sizeof got.acked_by) &&
                take_zones(json_object_get(json, "zones"), &got) &&
                take_crossings(json_object_get(json, "lines"), &got) &&
                take_path(json_object_get(json, "path"), &got) && json_array_size(box) == 4 &&
                phase >= RW_PHASE_START && phase <= RW_PHASE_END;
    if (good) {
        got.revision = take_int(json, "revision");
        got.phase = (enum rw_phase)phase;
        got.start_us = take_int(json, "start");
        got.end_us = take_int(json, "end");
        got.peak_us = take_int(json, "peak");
        got.seen_us = take_int(json, "seen");
        got.decided_us = take_int(json, "decided");
        got.box = take_box(box);
        got.whole = take_box(json_object_get(json, "whole"));
        got.score = take_fraction(json_object_get(json, "score"));
        got.armed = json_is_true(json_object_get(json, "armed"));
        got.clock_trust = (int)take_int(json, "clock_trust");
        got.clock_error_us = take_int(json, "clock_error");
        got.clock_shift_us = take_int(json, "clock_shift");
        got.lasting = json_is_true(json_object_get(json, "lasting"));
        take_reason(json, &got);
        *event = got;
    }
    json_decref(json);
    return good ? 0 : -1;
}

static void add_part(struct rw_buf *out, const void *bytes, size_t size)
{
    rw_put_be32(rw_buf_grow(out, 4), (uint32_t)size);
    rw_buf_add(out, bytes, size);
}

void rw_event_pack(const char *json, const struct rw_pictures *pictures, struct rw_buf *out)
{
    add_part(out, json, strlen(json));
    add_part(out, pictures->jpeg, (size_t)pictures->jpeg_size);
    add_part(out, pictures->thumbnail, (size_t)pictures->thumbnail_size);
}

static const uint8_t *take_part(const uint8_t **at, size_t *left, size_t *size)
{
    if (*left < 4)
        return NULL;
    *size = rw_get_be32(*at);
    const uint8_t *part = *at + 4;
    if (*size > *left - 4)
        return NULL;
    *at = part + *size;
    *left -= 4 + *size;
    return part;
}

int rw_event_unpack(const uint8_t *payload, size_t size, const char **json, size_t *json_size,
                    struct rw_pictures *pictures)
{
    size_t jpeg = 0, thumbnail = 0;
    *json = (const char *)take_part(&payload, &size, json_size);
    pictures->jpeg = *json ? take_part(&payload, &size, &jpeg) : NULL;
    pictures->thumbnail = pictures->jpeg ? take_part(&payload, &size, &thumbnail) : NULL;
    pictures->jpeg_size = (int)jpeg;
    pictures->thumbnail_size = (int)thumbnail;
    return pictures->thumbnail && !size ? 0 : -1;
}
