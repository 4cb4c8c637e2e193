#include "camera/alarm.h"

/* A growing event is told again at most this often, a new zone or line at once. */
#define UPDATE_US INT64_C(5000000)

void rw_alarm_init(struct rw_alarm *alarm, enum rw_motion_kind kind,
                   const struct rw_alert_config *config)
{
    *alarm = (struct rw_alarm){.config = *config, .kind = kind};
}

/* --- what an event gathers --- */

static void take_path(struct rw_alarm *alarm, const struct rw_motion_run *run)
{
    alarm->path_count = run->path_count < RW_PATH_MAX ? run->path_count : RW_PATH_MAX;
    for (int i = 0; i < alarm->path_count; i++)
        alarm->path[i] = run->path[i];
}

/* The picture at now_us, which the caller shows. */
static void take_best(struct rw_alarm *alarm, const struct rw_motion_run *run, int64_t now_us,
                      bool *show)
{
    alarm->peak_us = now_us;
    alarm->box = run->box;
    alarm->score = run->score;
    take_path(alarm, run);
    alarm->better = alarm->best_of_run = true;
    *show = true;
}

static void take_zone(struct rw_alarm *alarm, int zone)
{
    if (zone >= RW_REGIONS_MAX || alarm->zones >> zone & 1)
        return;
    alarm->zones |= UINT32_C(1) << zone;
    alarm->order[alarm->order_count++] = (uint8_t)zone;
}

static void take_crossings(struct rw_alarm *alarm, unsigned lines, bool right)
{
    for (int i = 0; i < alarm->crossing_count; i++)
        if (alarm->crossings[i].right == right)
            lines &= ~(1u << alarm->crossings[i].line);
    for (int line = 0; line < RW_LINES_MAX; line++)
        if (lines >> line & 1)
            alarm->crossings[alarm->crossing_count++] =
                (struct rw_alarm_crossing){(uint8_t)line, right};
}

/* Where it went: zones, lines, the box around all of it. */
static void gather(struct rw_alarm *alarm, const struct rw_motion_run *run)
{
    alarm->last_us = run->last_us;
    alarm->whole = rw_box_around(rw_box_around(alarm->whole, run->box), run->whole);
    for (int i = 0; i < run->order_count && i < RW_REGIONS_MAX; i++)
        take_zone(alarm, run->order[i]);
    for (int zone = 0; zone < RW_REGIONS_MAX; zone++)
        if (run->zones >> zone & 1)
            take_zone(alarm, zone);
    take_crossings(alarm, run->crossed_right & (uint8_t)~alarm->old_right, true);
    take_crossings(alarm, run->crossed_left & (uint8_t)~alarm->old_left, false);
}

static bool has_news(const struct rw_alarm *alarm)
{
    return (alarm->zones & ~alarm->told_zones) || alarm->crossing_count > alarm->told_crossings;
}

static enum rw_alarm_word told(struct rw_alarm *alarm, enum rw_alarm_word word, int64_t now_us)
{
    alarm->told_us = now_us;
    alarm->told_zones = alarm->zones;
    alarm->told_crossings = alarm->crossing_count;
    alarm->better = false;
    return word;
}

/* --- its life --- */

static bool lasts(const struct rw_alarm *alarm)
{
    return alarm->kind == RW_KIND_CAMERA_MOVED || alarm->kind == RW_KIND_COVERED;
}

static enum rw_alarm_word start_event(struct rw_alarm *alarm, int64_t start_us,
                                      const struct rw_motion_run *run, int64_t now_us, bool *show)
{
    struct rw_alarm fresh = {.config = alarm->config,
                             .kind = alarm->kind,
                             .open = true,
                             .moving = alarm->moving,
                             .old_right = alarm->old_right,
                             .old_left = alarm->old_left,
                             .start_us = start_us,
                             .decided_us = run->decided_us > start_us ? run->decided_us : start_us,
                             .run = *run};
    *alarm = fresh;
    gather(alarm, &fresh.run);
    take_best(alarm, &fresh.run, now_us, show);
    return told(alarm, RW_ALARM_START, now_us);
}

/* What follows an event that was cut: of the best picture only the newest is at hand, and where in
 * it something moves is not known closer than for the run. */
static enum rw_alarm_word start_next(struct rw_alarm *alarm, int64_t now_us, bool *show)
{
    struct rw_motion_run run = alarm->run;
    if (run.whole.w > 0)
        run.box = run.whole;
    alarm->old_right = run.crossed_right;
    alarm->old_left = run.crossed_left;
    return start_event(alarm, alarm->end_us, &run, now_us, show);
}

static bool within_cooldown(const struct rw_alarm *alarm, const struct rw_motion_run *run,
                            int64_t since_us)
{
    return alarm->config.cooldown_us > 0 && run->start_us - since_us <= alarm->config.cooldown_us;
}

static enum rw_alarm_word begin_run(struct rw_alarm *alarm, const struct rw_motion_run *run,
                                    int64_t now_us, bool *show)
{
    alarm->moving = true;
    alarm->best_of_run = false;
    alarm->old_right = alarm->old_left = 0;
    if (!alarm->open && rw_alarm_lasting(alarm) && within_cooldown(alarm, run, alarm->last_us)) {
        alarm->last_us = run->last_us; /* it has been told, and its event is long over */
        return RW_ALARM_NONE;
    }
    bool same =
        alarm->open || (alarm->ended && !alarm->cut && within_cooldown(alarm, run, alarm->end_us));
    if (!same)
        return start_event(alarm, run->start_us, run, now_us, show);
    bool reopened = !alarm->open;
    alarm->open = true;
    alarm->ended = false;
    alarm->end_us = 0;
    gather(alarm, run);
    if (run->score > alarm->score)
        take_best(alarm, run, now_us, show);
    return reopened ? told(alarm, RW_ALARM_UPDATE, now_us) : RW_ALARM_NONE;
}

/* The clock of day was set back: times that are still to come would keep the event open. */
static void follow_clock(struct rw_alarm *alarm, int64_t now_us)
{
    if (alarm->last_us > now_us)
        alarm->last_us = now_us;
    if (alarm->told_us > now_us)
        alarm->told_us = now_us;
    if (alarm->start_us > now_us)
        alarm->start_us = now_us;
}

static enum rw_alarm_word end_event(struct rw_alarm *alarm, int64_t end_us, bool cut,
                                    int64_t now_us)
{
    alarm->open = false;
    alarm->ended = true;
    alarm->cut = cut;
    alarm->end_us = end_us > alarm->start_us ? end_us : alarm->start_us;
    return told(alarm, RW_ALARM_END, now_us);
}

static void take_run(struct rw_alarm *alarm, enum rw_motion_change change,
                     const struct rw_motion_run *run, int64_t now_us, bool *show)
{
    if (alarm->open) {
        gather(alarm, run);
        /* A run may have news and its best picture still be an earlier one. */
        if (change == RW_MOTION_BETTER && show && run->peak_us == now_us &&
            (alarm->best_of_run || run->score > alarm->score))
            take_best(alarm, run, now_us, show);
        else if (alarm->best_of_run)
            take_path(alarm, run);
    } else if (rw_alarm_lasting(alarm)) {
        alarm->last_us = run->last_us;
    }
    if (change == RW_MOTION_END)
        alarm->moving = false;
}

enum rw_alarm_word rw_alarm_feed(struct rw_alarm *alarm, enum rw_motion_change change,
                                 const struct rw_motion_run *run, int64_t now_us, bool *show)
{
    if (show)
        *show = false;
    if (change != RW_MOTION_NONE)
        alarm->run = *run;
    if (change == RW_MOTION_BEGIN)
        return begin_run(alarm, run, now_us, show);
    if (change != RW_MOTION_NONE)
        take_run(alarm, change, run, now_us, show);
    if (!alarm->open && alarm->cut && alarm->moving && !lasts(alarm) && show)
        return start_next(alarm, now_us, show);
    if (!alarm->open)
        return RW_ALARM_NONE;
    follow_clock(alarm, now_us);
    if (now_us - alarm->start_us >= alarm->config.max_us)
        return end_event(alarm, now_us, alarm->moving, now_us);
    if (!alarm->moving && now_us - alarm->last_us >= alarm->config.post_us)
        return end_event(alarm, alarm->last_us, false, now_us);
    if (has_news(alarm))
        return told(alarm, RW_ALARM_UPDATE, now_us);
    if (alarm->better && now_us - alarm->told_us >= UPDATE_US)
        return told(alarm, RW_ALARM_UPDATE, now_us);
    return RW_ALARM_NONE;
}

enum rw_alarm_word rw_alarm_end(struct rw_alarm *alarm, int64_t now_us)
{
    return alarm->open ? end_event(alarm, alarm->moving ? now_us : alarm->last_us, false, now_us)
                       : RW_ALARM_NONE;
}

enum rw_alarm_word rw_alarm_close(struct rw_alarm *alarm, int64_t now_us)
{
    enum rw_alarm_word word = rw_alarm_end(alarm, now_us);
    alarm->ended = alarm->cut = false;
    return word;
}

bool rw_alarm_lasting(const struct rw_alarm *alarm)
{
    return alarm->ended && alarm->cut && lasts(alarm);
}
