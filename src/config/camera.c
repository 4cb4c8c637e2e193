#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "config/check.h"

enum { RING_SLOTS_MIN = 3, RING_SLOTS_MAX = 99999 };

/* Names that stand beside the cameras' in <storage>, in the runtime folder or as a topic. */
static int check_reserved(const struct rw_reading *reading, const struct rw_node *node,
                          const char *id)
{
    static const char *const taken[] = {"alerts", "event", "evidence", "run",
                                        "signer", "web",   "webhooks"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (!strcmp(id, taken[i]))
            return rw_fail_at(reading, rw_node_get(node, "id"),
                              "is a name that the program uses itself; choose another, for "
                              "example %s-cam",
                              id);
    return 0;
}

static int check_unique(const struct rw_reading *reading, const struct rw_node *node,
                        const struct rw_config *config, const char *id)
{
    for (int i = 0; i < config->camera_count; i++)
        if (config->cameras[i].id && !strcmp(config->cameras[i].id, id))
            return rw_fail_at(reading, rw_node_get(node, "id"),
                              "is the id of the camera in line %d already; every camera needs its "
                              "own",
                              config->cameras[i].line);
    return 0;
}

static int check_ring(const struct rw_reading *reading, const struct rw_node *node, int64_t keep,
                      int64_t slot_size)
{
    char least[RW_TIME_SIZE], slot[RW_TIME_SIZE];
    int64_t slots = keep / slot_size;
    if (slots < RING_SLOTS_MIN)
        return rw_fail_at(reading, rw_node_get(node, "keep"),
                          "must be %s or more: a ring has at least %d slots of %s "
                          "(storage.slot_size)",
                          rw_format_size(RING_SLOTS_MIN * slot_size, least), RING_SLOTS_MIN,
                          rw_format_size(slot_size, slot));
    if (slots > RING_SLOTS_MAX)
        return rw_fail_at(reading, rw_node_get(node, "keep"),
                          "needs more than %d slots of %s; make storage.slot_size larger",
                          RING_SLOTS_MAX, rw_format_size(slot_size, slot));
    return 0;
}

/* raw NULL: there is no such stream. */
static int check_stream(const struct rw_reading *reading, const struct rw_node *node,
                        const struct rw_raw_stream *raw, int64_t slot_size,
                        struct rw_stream_config *out)
{
    static const struct rw_bounds keep = {0, INT64_C(1) << 50, "at most 1024 TiB"};
    if (!raw) {
        out->url = rw_text_copy("");
        out->username = rw_text_copy("");
        out->password = rw_text_copy("");
        out->ca_file = rw_text_copy("");
        return 0;
    }
    out->udp = raw->udp;
    out->ca_file = rw_path_beside(reading, raw->ca_file);
    out->check_host = !raw->check_host || *raw->check_host;
    if (rw_check_url(reading, rw_node_get(node, "url"), raw->url, &out->url, &out->username,
                     &out->password) ||
        rw_check_login(reading, node, &raw->login, &out->username, &out->password) ||
        rw_check_size(reading, node, "keep", raw->keep, keep, &out->keep_bytes))
        return -1;
    if (raw->ca_file && strncmp(out->url, "rtsps://", 8) != 0)
        return rw_fail_at(reading, rw_node_get(node, "ca_file"),
                          "is for a url that begins with rtsps://; without TLS there is no "
                          "certificate to check");
    return check_ring(reading, node, out->keep_bytes, slot_size);
}

static void inherit(const struct rw_stream_config *main, struct rw_stream_config *sub)
{
    if (!*sub->url)
        return;
    if (!*sub->ca_file) {
        free(sub->ca_file);
        sub->ca_file = rw_text_copy(main->ca_file);
        sub->check_host &= main->check_host;
    }
    if (*sub->username || *sub->password)
        return;
    rw_text_wipe(&sub->username);
    rw_text_wipe(&sub->password);
    sub->username = rw_text_copy(main->username);
    sub->password = rw_text_copy(main->password);
}

static int check_clip(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_clip *raw, struct rw_alert_config *out)
{
    static const struct rw_bounds weight = {50 * 1000, 8 * 1000 * 1000, "50 kB to 8 MB"};
    int seconds = 10;
    if (rw_check_int(reading, node, "seconds", raw->seconds, 0, 60, &seconds))
        return -1;
    out->clip_us = seconds * RW_SECOND_US;
    out->clip_bytes = 600 * 1000;
    return rw_check_size(reading, node, "max", raw->max, weight, &out->clip_bytes);
}

static int check_alert(const struct rw_reading *reading, const struct rw_node *node,
                       const struct rw_raw_alert *raw, struct rw_alert_config *out)
{
    static const struct rw_bounds roll = {0, 300 * RW_SECOND_US, "0 to 5m"};
    static const struct rw_bounds pause = {0, 86400 * RW_SECOND_US, "0 to 24h"};
    static const struct rw_bounds longest = {RW_SECOND_US, 86400 * RW_SECOND_US, "1s to 24h"};
    *out = (struct rw_alert_config){
        .pre_us = 5 * RW_SECOND_US,
        .post_us = 5 * RW_SECOND_US,
        .cooldown_us = 10 * RW_SECOND_US,
        .max_us = 300 * RW_SECOND_US,
    };
    if (rw_check_duration(reading, node, "pre", raw->pre, roll, &out->pre_us) ||
        rw_check_duration(reading, node, "post", raw->post, roll, &out->post_us) ||
        rw_check_duration(reading, node, "cooldown", raw->cooldown, pause, &out->cooldown_us))
        return -1;
    if (rw_check_duration(reading, node, "max", raw->max, longest, &out->max_us))
        return -1;
    out->rate = 30;
    if (rw_check_int(reading, node, "rate", raw->rate, 0, RW_ALERT_RATE_MAX, &out->rate))
        return -1;
    return check_clip(reading, rw_node_get(node, "clip"), &raw->clip, out);
}

static int check_camera(const struct rw_reading *reading, const struct rw_node *node,
                        const struct rw_raw_camera *raw, const struct rw_config *config,
                        struct rw_camera_config *out)
{
    out->line = node->line;
    if (rw_check_id(reading, node, raw->id) || check_reserved(reading, node, raw->id) ||
        check_unique(reading, node, config, raw->id))
        return -1;
    out->id = rw_text_copy(raw->id);
    out->name = rw_text_copy(raw->name ? raw->name : raw->id);
    int64_t slot_size = config->storage.slot_size;
    if (check_stream(reading, rw_node_get(node, "main"), &raw->main, slot_size, &out->main) ||
        check_stream(reading, rw_node_get(node, "sub"), raw->sub, slot_size, &out->sub))
        return -1;
    inherit(&out->main, &out->sub);
    out->detect.located = config->site.located;
    out->detect.place = config->site.place;
    if (rw_check_detect(reading, rw_node_get(node, "detect"), &raw->detect, raw->sub != NULL,
                        &out->detect))
        return -1;
    return check_alert(reading, rw_node_get(node, "alert"), &raw->alert, &out->alert);
}

int rw_check_cameras(const struct rw_reading *reading, const struct rw_node *node,
                     const struct rw_raw *raw, struct rw_config *out)
{
    out->cameras = calloc(raw->cameras_count, sizeof *out->cameras);
    if (!out->cameras)
        abort();
    out->camera_count = (int)raw->cameras_count;
    const struct rw_node *entry = node->first;
    for (int i = 0; i < out->camera_count; i++, entry = entry->next)
        if (check_camera(reading, entry, &raw->cameras[i], out, &out->cameras[i]))
            return -1;
    return 0;
}
