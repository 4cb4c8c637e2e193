#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "config/check.h"

_Static_assert((int)RW_CONFIG_ZONES_MAX == (int)RW_ZONES_MAX, "an event names every zone");
_Static_assert((int)RW_CONFIG_LINES_MAX == (int)RW_EVENT_LINES_MAX, "and every line");

static int check_point(const struct rw_reading *reading, const struct rw_node *node,
                       struct rw_point point)
{
    if (point.x >= 0 && point.x <= 1 && point.y >= 0 && point.y <= 1)
        return 0;
    return rw_fail_at(reading, node,
                      "must be [x, y] as fractions of the picture, 0 to 1 from its top left "
                      "corner, for example [0.5, 0.4]");
}

static int check_polygon(const struct rw_reading *reading, const struct rw_node *node,
                         const struct rw_raw_zone *raw, struct rw_zone_config *out)
{
    out->points = (int)raw->polygon_count;
    out->polygon = calloc(raw->polygon_count, sizeof *out->polygon);
    if (!out->polygon)
        abort();
    const struct rw_node *point = rw_node_get(node, "polygon")->first;
    for (unsigned i = 0; i < raw->polygon_count; i++, point = point->next) {
        if (check_point(reading, point, raw->polygon[i]))
            return -1;
        out->polygon[i] = raw->polygon[i];
    }
    return 0;
}

static int check_zone(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_zone *raw, int sensitivity, struct rw_zone_config *out)
{
    out->name = rw_text_copy(raw->name);
    out->sensitivity = sensitivity;
    out->inherits = !raw->sensitivity;
    if (check_polygon(reading, node, raw, out))
        return -1;
    return rw_check_int(reading, node, "sensitivity", raw->sensitivity, 1, 100, &out->sensitivity);
}

/* Zones or masks, with the sensitivity of those that do not say. *out gets count entries, zeroed
 * where a failure ended it. */
static int check_zones(const struct rw_reading *reading, const struct rw_node *list,
                       const struct rw_raw_zone *raw, unsigned count, int sensitivity,
                       struct rw_zone_config **out)
{
    if (!count)
        return 0;
    *out = calloc(count, sizeof **out);
    if (!*out)
        abort();
    const struct rw_node *entry = list->first;
    for (unsigned i = 0; i < count; i++, entry = entry->next)
        if (check_zone(reading, entry, &raw[i], sensitivity, &(*out)[i]))
            return -1;
    return 0;
}

/* Events name the zones they touched. */
static int check_names_differ(const struct rw_reading *reading, const struct rw_node *list,
                              const struct rw_detect_config *detect)
{
    const struct rw_node *entry = list ? list->first : NULL;
    for (int i = 0; entry; i++, entry = entry->next)
        for (int k = 0; k < i; k++)
            if (!strcmp(detect->zones[k].name, detect->zones[i].name))
                return rw_fail_at(reading, rw_node_get(entry, "name"),
                                  "is another zone's name already; every zone needs its own");
    return 0;
}

static int check_line(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_line *raw, struct rw_line_config *out)
{
    const struct rw_node *from = rw_node_get(node, "from"), *to = rw_node_get(node, "to");
    out->name = rw_text_copy(raw->name);
    out->from = (struct rw_point){raw->from[0], raw->from[1]};
    out->to = (struct rw_point){raw->to[0], raw->to[1]};
    if (check_point(reading, from, out->from) || check_point(reading, to, out->to))
        return -1;
    if (out->from.x == out->to.x && out->from.y == out->to.y)
        return rw_fail_at(reading, to,
                          "is the same point as from; a line goes from one point of the picture "
                          "to another");
    return 0;
}

/* Events name the lines that were crossed. */
static int check_lines(const struct rw_reading *reading, const struct rw_node *list,
                       const struct rw_raw_detect *raw, struct rw_detect_config *out)
{
    if (!raw->lines_count)
        return 0;
    out->lines = calloc(raw->lines_count, sizeof *out->lines);
    if (!out->lines)
        abort();
    out->line_count = (int)raw->lines_count;
    const struct rw_node *entry = list->first;
    for (int i = 0; i < out->line_count; i++, entry = entry->next) {
        if (check_line(reading, entry, &raw->lines[i], &out->lines[i]))
            return -1;
        for (int k = 0; k < i; k++)
            if (!strcmp(out->lines[k].name, out->lines[i].name))
                return rw_fail_at(reading, rw_node_get(entry, "name"),
                                  "is another line's name already; every line needs its own");
    }
    return 0;
}

static int check_schedules(const struct rw_reading *reading, const struct rw_node *list,
                           const struct rw_raw_detect *raw, struct rw_detect_config *out)
{
    if (!raw->schedule_count)
        return 0;
    out->schedule = calloc(raw->schedule_count, sizeof *out->schedule);
    if (!out->schedule)
        abort();
    out->schedule_count = (int)raw->schedule_count;
    const struct rw_node *entry = list->first;
    for (int i = 0; i < out->schedule_count; i++, entry = entry->next)
        if (rw_check_schedule(reading, entry, &raw->schedule[i], out->located, &out->schedule[i]))
            return -1;
    return 0;
}

int rw_check_detect(const struct rw_reading *reading, const struct rw_node *node,
                    const struct rw_raw_detect *raw, bool has_sub, struct rw_detect_config *out)
{
    static const struct rw_bounds shortest = {0, 60 * RW_SECOND_US, "0 to 60s"};
    out->enabled = raw->enabled ? *raw->enabled : true;
    out->on_main = raw->stream == RW_RAW_WATCH_UNSET ? !has_sub : raw->stream == RW_RAW_WATCH_MAIN;
    out->sensitivity = 50;
    out->zone_count = (int)raw->zones_count;
    out->mask_count = (int)raw->masks_count;
    if (!out->on_main && !has_sub)
        return rw_fail_at(reading, rw_node_get(node, "stream"),
                          "is sub, but this camera has no sub; write main or add sub");
    const struct rw_node *zones = rw_node_get(node, "zones"), *masks = rw_node_get(node, "masks");
    if (rw_check_int(reading, node, "sensitivity", raw->sensitivity, 1, 100, &out->sensitivity) ||
        check_zones(reading, zones, raw->zones, raw->zones_count, out->sensitivity, &out->zones) ||
        check_names_differ(reading, zones, out) ||
        check_zones(reading, masks, raw->masks, raw->masks_count, 0, &out->masks) ||
        check_lines(reading, rw_node_get(node, "lines"), raw, out) ||
        rw_check_duration(reading, node, "min_duration", raw->min_duration, shortest,
                          &out->min_duration_us))
        return -1;
    return check_schedules(reading, rw_node_get(node, "schedule"), raw, out);
}
