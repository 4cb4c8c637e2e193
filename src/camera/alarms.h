/* One alarm for each kind of happening, so that a lorry that fills the picture is not taken for
 * more of the motion before it, nor motion for more of the lorry: `post`, `cooldown` and `max` hold
 * for each kind by itself. At most one event is open: a run of another kind ends it. Pure, as
 * alarm.h. */
#pragma once

#include "camera/alarm.h"

enum { RW_KINDS = RW_KIND_COVERED + 1 };

struct rw_alarms {
    struct rw_alarm of[RW_KINDS];
    bool due;                 /* run begins an event as soon as the one of another kind is ended */
    struct rw_motion_run run; /* the newest word of it */
    enum rw_motion_kind kind; /* with which it began */
};

struct rw_told {
    enum rw_alarm_word word;
    enum rw_motion_kind kind; /* whose */
    bool show;                /* this picture is its best so far */
};

void rw_alarms_init(struct rw_alarms *alarms, const struct rw_alert_config *config);
/* As rw_alarm_feed(); run may be NULL with RW_MOTION_NONE. pictured: there is a picture. After an
 * end something else may be due: call again with RW_MOTION_NONE. */
struct rw_told rw_alarms_feed(struct rw_alarms *alarms, enum rw_motion_change change,
                              const struct rw_motion_run *run, int64_t now_us, bool pictured);
/* The process ends, or the clock was set: whatever is on is over for good. */
struct rw_told rw_alarms_close(struct rw_alarms *alarms, int64_t now_us);

/* As events name it: "motion", "scene_change", "camera_moved", "covered". */
const char *rw_kind_name(enum rw_motion_kind kind);
