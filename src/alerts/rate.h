/* Not a flood: so many alerts of a camera in ten minutes go out one by one, the rest in a digest.
 * What is new always gets through: a kind or a zone that none of those had. Pure. */
#pragma once

#include "config/config.h"

#define RW_RATE_PERIOD_US (INT64_C(600) * 1000000)

/* Alerts that went out by themselves, the last ones. Zero it first. */
struct rw_rate {
    int next;
    struct {
        char id[RW_EVENT_ID_SIZE];
        char kind[RW_KIND_SIZE];
        uint32_t zones; /* bits: indices of the camera's zones */
        int64_t revision;
        int64_t at_us; /* CLOCK_BOOTTIME */
    } told[RW_ALERT_RATE_MAX + 4];
};

/* May it go out by itself? Updates and the end of what went out always may. */
bool rw_rate_allows(const struct rw_rate *rate, const struct rw_camera_config *camera,
                    const struct rw_event *event, int64_t boot_us);
/* It goes out by itself. */
void rw_rate_note(struct rw_rate *rate, const struct rw_camera_config *camera,
                  const struct rw_event *event, int64_t boot_us);
/* Below the revisions of all that went out in the last ten minutes; `otherwise` if none did. */
int64_t rw_rate_begin(const struct rw_rate *rate, int64_t boot_us, int64_t otherwise);
