/* From runs of motion to events: post time, cooldown, longest length. Pure: no clock, no thread, no
 * picture; the caller tells the time.
 *
 *   idle --begin--> open --still for `post`--> ended --begin within `cooldown`--> open (same event)
 *                    |                           `--begin later--> open (new event)
 *                    `--`max` long--> ended, and the next begins at once while motion goes on
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "motion/motion.h"

enum rw_alarm_word {
    RW_ALARM_NONE,
    RW_ALARM_START,  /* a new event: give it an id */
    RW_ALARM_UPDATE, /* the same event goes on, or shows better */
    RW_ALARM_END,
};

struct rw_alarm {
    struct rw_alert_config config;
    bool open, ended; /* neither: no event yet, or the last one is over for good */
    bool moving;      /* a run of motion is on */
    bool cut;         /* it ended by its length: what follows is another event */
    bool better;      /* the best picture has changed since it was told */
    int64_t start_us, decided_us, last_us, end_us, told_us;
    int64_t peak_us;
    struct rw_box box;
    float score;
    uint32_t zones, told_zones;
    struct rw_motion_run run; /* the newest */
};

void rw_alarm_init(struct rw_alarm *alarm, const struct rw_alert_config *config);
/* What the detector said of a picture at now_us (RW_MOTION_NONE: nothing). Returns what is to be
 * told; *show is set when this picture is the best of the event so far. At the end of `max` both an
 * end and a start are due: call again with RW_MOTION_NONE after an end. */
enum rw_alarm_word rw_alarm_feed(struct rw_alarm *alarm, enum rw_motion_change change,
                                 const struct rw_motion_run *run, int64_t now_us, bool *show);
/* The process ends: RW_ALARM_END where an event is open. */
enum rw_alarm_word rw_alarm_close(struct rw_alarm *alarm, int64_t now_us);
