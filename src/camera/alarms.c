#include "camera/alarms.h"

void rw_alarms_init(struct rw_alarms *alarms, const struct rw_alert_config *config)
{
    *alarms = (struct rw_alarms){.due = false};
    for (int kind = 0; kind < RW_KINDS; kind++)
        rw_alarm_init(&alarms->of[kind], (enum rw_motion_kind)kind, config);
}

static enum rw_motion_kind kind_of(const struct rw_motion_run *run)
{
    return (unsigned)run->kind < RW_KINDS ? run->kind : RW_KIND_MOTION;
}

static struct rw_told feed_one(struct rw_alarms *alarms, enum rw_motion_kind kind,
                               enum rw_motion_change change, int64_t now_us, bool pictured)
{
    struct rw_told told = {.kind = kind};
    told.word = rw_alarm_feed(&alarms->of[kind], change, &alarms->run, now_us,
                              pictured ? &told.show : NULL);
    return told;
}

/* Ends the event of another kind that is still waiting for more of its own. */
static struct rw_told end_other(struct rw_alarms *alarms, int64_t now_us)
{
    for (int other = 0; other < RW_KINDS; other++)
        if (other != (int)alarms->kind && alarms->of[other].open)
            return (struct rw_told){.word = rw_alarm_end(&alarms->of[other], now_us),
                                    .kind = (enum rw_motion_kind)other};
    return (struct rw_told){.word = RW_ALARM_NONE};
}

static struct rw_told begin(struct rw_alarms *alarms, int64_t now_us)
{
    struct rw_told told = end_other(alarms, now_us);
    alarms->due = told.word == RW_ALARM_END;
    return alarms->due ? told : feed_one(alarms, alarms->kind, RW_MOTION_BEGIN, now_us, true);
}

/* Time passes for all of them; the one that is open may have something to say of it. */
static struct rw_told tick(struct rw_alarms *alarms, int64_t now_us, bool pictured)
{
    struct rw_told told = {.word = RW_ALARM_NONE};
    for (int kind = 0; kind < RW_KINDS && told.word == RW_ALARM_NONE; kind++)
        told = feed_one(alarms, (enum rw_motion_kind)kind, RW_MOTION_NONE, now_us, pictured);
    return told;
}

struct rw_told rw_alarms_feed(struct rw_alarms *alarms, enum rw_motion_change change,
                              const struct rw_motion_run *run, int64_t now_us, bool pictured)
{
    if (change != RW_MOTION_NONE)
        alarms->run = *run;
    if (change == RW_MOTION_BEGIN)
        alarms->kind = kind_of(run);
    if (pictured && (change == RW_MOTION_BEGIN || alarms->due))
        return begin(alarms, now_us);
    if (change == RW_MOTION_NONE)
        return tick(alarms, now_us, pictured);
    return feed_one(alarms, alarms->kind, change, now_us, pictured);
}

struct rw_told rw_alarms_close(struct rw_alarms *alarms, int64_t now_us)
{
    struct rw_told told = {.word = RW_ALARM_NONE};
    alarms->due = false;
    for (int kind = 0; kind < RW_KINDS; kind++)
        if (rw_alarm_close(&alarms->of[kind], now_us) == RW_ALARM_END)
            told = (struct rw_told){.word = RW_ALARM_END, .kind = (enum rw_motion_kind)kind};
    return told;
}

const char *rw_kind_name(enum rw_motion_kind kind)
{
    static const char *const names[RW_KINDS] = {[RW_KIND_MOTION] = "motion",
                                                [RW_KIND_SCENE_CHANGE] = "scene_change",
                                                [RW_KIND_CAMERA_MOVED] = "camera_moved",
                                                [RW_KIND_COVERED] = "covered"};
    return names[(unsigned)kind < RW_KINDS ? kind : RW_KIND_MOTION];
}
