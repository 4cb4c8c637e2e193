/* From runs of one kind to events: post time, cooldown, longest length. Pure: no clock, no thread,
 * no picture; the caller tells the time. alarms.h has one of these for each kind.
 *
 *   idle --begin--> open --still for `post`--> ended --begin within `cooldown`--> open (same event)
 *                    |                           `--begin later--> open (new event)
 *                    `--`max` long--> ended, and the next begins at once while motion goes on
 *
 * A camera that is covered or displaced may stay so for days. That is one happening: after `max`
 * its event ends, and no other begins until it was over for longer than `cooldown`.
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

struct rw_alarm_crossing {
    uint8_t line;
    bool right;
};

struct rw_alarm {
    struct rw_alert_config config;
    enum rw_motion_kind kind;
    bool open, ended; /* neither: no event yet, or the last one is over for good */
    bool moving;      /* a run of motion is on */
    bool cut;         /* it ended by its length */
    bool better;      /* the best picture has changed since it was told */
    bool best_of_run; /* it is of the run that is on, or was last */
    int64_t start_us, decided_us, last_us, end_us, told_us;
    int64_t peak_us;     /* of the best picture, which is the one that was last shown */
    struct rw_box box;   /* in it */
    struct rw_box whole; /* around all that moved in the event */
    float score;
    uint32_t zones, told_zones;
    int order_count; /* zones in the order in which the event first touched them */
    uint8_t order[RW_REGIONS_MAX];
    int crossing_count, told_crossings;
    struct rw_alarm_crossing crossings[2 * RW_LINES_MAX]; /* the first first */
    int path_count; /* of the run that the best picture is of */
    struct rw_point path[RW_PATH_MAX];
    struct rw_motion_run run;    /* the newest */
    uint8_t old_right, old_left; /* what it had crossed before this event began */
};

void rw_alarm_init(struct rw_alarm *alarm, enum rw_motion_kind kind,
                   const struct rw_alert_config *config);
/* What the detector said of a picture at now_us (RW_MOTION_NONE: nothing). Returns what is to be
 * told; *show is set when this picture is the best of the event so far: within a run the detector
 * decides that, between runs the score. show NULL: there is no picture, so nothing can begin or be
 * better. At the end of `max` both an end and a start are due: call again
 * with RW_MOTION_NONE after an end. */
enum rw_alarm_word rw_alarm_feed(struct rw_alarm *alarm, enum rw_motion_change change,
                                 const struct rw_motion_run *run, int64_t now_us, bool *show);
/* Ends the event where one is open: RW_ALARM_END. It may go on within `cooldown`. */
enum rw_alarm_word rw_alarm_end(struct rw_alarm *alarm, int64_t now_us);
/* The same for good: the process ends, or the clock was set. */
enum rw_alarm_word rw_alarm_close(struct rw_alarm *alarm, int64_t now_us);
/* The event that ended did so by its length, and what it tells of is as it was. */
bool rw_alarm_lasting(const struct rw_alarm *alarm);
