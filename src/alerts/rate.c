#include "alerts/rate.h"

#include <string.h>

enum { TOLD = (int)(sizeof((struct rw_rate *)0)->told / sizeof((struct rw_rate *)0)->told[0]) };

static uint32_t zones_of(const struct rw_camera_config *camera, const struct rw_event *event)
{
    uint32_t bits = 0;
    for (int i = 0; i < event->zone_count; i++)
        for (int zone = 0; zone < camera->detect.zone_count; zone++)
            if (!strcmp(event->zones[i], camera->detect.zones[zone].name))
                bits |= UINT32_C(1) << zone;
    return bits;
}

static bool is_recent(const struct rw_rate *rate, int i, int64_t boot_us)
{
    return rate->told[i].id[0] && boot_us - rate->told[i].at_us < RW_RATE_PERIOD_US;
}

static bool went_out(const struct rw_rate *rate, const char *id)
{
    for (int i = 0; i < TOLD; i++)
        if (!strcmp(rate->told[i].id, id))
            return true;
    return false;
}

bool rw_rate_allows(const struct rw_rate *rate, const struct rw_camera_config *camera,
                    const struct rw_event *event, int64_t boot_us)
{
    int recent = 0;
    bool kind_known = false;
    uint32_t zones_known = 0;
    if (!camera->alert.rate || event->acked_by[0] || went_out(rate, event->id))
        return true;
    for (int i = 0; i < TOLD; i++) {
        if (!is_recent(rate, i, boot_us))
            continue;
        recent++;
        kind_known |= !strcmp(rate->told[i].kind, event->kind);
        zones_known |= rate->told[i].zones;
    }
    return recent < camera->alert.rate || !kind_known || (zones_of(camera, event) & ~zones_known);
}

void rw_rate_note(struct rw_rate *rate, const struct rw_camera_config *camera,
                  const struct rw_event *event, int64_t boot_us)
{
    if (went_out(rate, event->id))
        return;
    int i = rate->next;
    memcpy(rate->told[i].id, event->id, sizeof rate->told[i].id);
    memcpy(rate->told[i].kind, event->kind, sizeof rate->told[i].kind);
    rate->told[i].zones = zones_of(camera, event);
    rate->told[i].revision = event->revision;
    rate->told[i].at_us = boot_us;
    rate->next = (i + 1) % TOLD;
}

int64_t rw_rate_begin(const struct rw_rate *rate, int64_t boot_us, int64_t otherwise)
{
    int64_t lowest = otherwise + 1;
    for (int i = 0; i < TOLD; i++)
        if (is_recent(rate, i, boot_us) && rate->told[i].revision < lowest)
            lowest = rate->told[i].revision;
    return lowest - 1;
}
