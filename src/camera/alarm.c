#include "camera/alarm.h"

/* A growing event is told again at most this often, a new zone at once. */
#define UPDATE_US INT64_C(5000000)

void rw_alarm_init(struct rw_alarm *alarm, const struct rw_alert_config *config)
{
    *alarm = (struct rw_alarm){.config = *config};
}

static void take_best(struct rw_alarm *alarm, const struct rw_motion_run *run)
{
    alarm->peak_us = run->peak_us;
    alarm->box = run->box;
    alarm->score = run->score;
    alarm->better = true;
}

static enum rw_alarm_word told(struct rw_alarm *alarm, enum rw_alarm_word word, int64_t now_us)
{
    alarm->told_us = now_us;
    alarm->told_zones = alarm->zones;
    alarm->better = false;
    return word;
}

static enum rw_alarm_word start_event(struct rw_alarm *alarm, int64_t start_us,
                                      const struct rw_motion_run *run, int64_t now_us, bool *show)
{
    alarm->open = true;
    alarm->ended = alarm->cut = false;
    alarm->start_us = start_us;
    alarm->decided_us = run->decided_us > start_us ? run->decided_us : start_us;
    alarm->last_us = run->last_us;
    alarm->end_us = 0;
    alarm->zones = run->zones;
    take_best(alarm, run);
    *show = true;
    return told(alarm, RW_ALARM_START, now_us);
}

static enum rw_alarm_word begin_run(struct rw_alarm *alarm, const struct rw_motion_run *run,
                                    int64_t now_us, bool *show)
{
    bool same = alarm->open || (alarm->ended && !alarm->cut &&
                                run->start_us - alarm->end_us <= alarm->config.cooldown_us &&
                                alarm->config.cooldown_us > 0);
    alarm->moving = true;
    if (!same)
        return start_event(alarm, run->start_us, run, now_us, show);
    bool reopened = !alarm->open;
    alarm->open = true;
    alarm->ended = false;
    alarm->end_us = 0;
    alarm->last_us = run->last_us;
    alarm->zones |= run->zones;
    if (run->score > alarm->score) {
        take_best(alarm, run);
        *show = true;
    }
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
                     const struct rw_motion_run *run, bool *show)
{
    if (alarm->open) {
        alarm->last_us = run->last_us;
        alarm->zones |= run->zones;
        if (change == RW_MOTION_BETTER && run->score >= alarm->score) {
            take_best(alarm, run);
            *show = true;
        }
    }
    if (change == RW_MOTION_END)
        alarm->moving = false;
}

enum rw_alarm_word rw_alarm_feed(struct rw_alarm *alarm, enum rw_motion_change change,
                                 const struct rw_motion_run *run, int64_t now_us, bool *show)
{
    *show = false;
    if (change != RW_MOTION_NONE)
        alarm->run = *run;
    if (change == RW_MOTION_BEGIN)
        return begin_run(alarm, run, now_us, show);
    if (change != RW_MOTION_NONE)
        take_run(alarm, change, run, show);
    if (!alarm->open && alarm->cut && alarm->moving) {
        alarm->run.peak_us = now_us;
        return start_event(alarm, alarm->end_us, &alarm->run, now_us, show);
    }
    if (!alarm->open)
        return RW_ALARM_NONE;
    follow_clock(alarm, now_us);
    if (now_us - alarm->start_us >= alarm->config.max_us)
        return end_event(alarm, now_us, alarm->moving, now_us);
    if (!alarm->moving && now_us - alarm->last_us >= alarm->config.post_us)
        return end_event(alarm, alarm->last_us, false, now_us);
    if (alarm->zones & ~alarm->told_zones)
        return told(alarm, RW_ALARM_UPDATE, now_us);
    if (alarm->better && now_us - alarm->told_us >= UPDATE_US)
        return told(alarm, RW_ALARM_UPDATE, now_us);
    return RW_ALARM_NONE;
}

enum rw_alarm_word rw_alarm_close(struct rw_alarm *alarm, int64_t now_us)
{
    return alarm->open ? end_event(alarm, alarm->moving ? now_us : alarm->last_us, false, now_us)
                       : RW_ALARM_NONE;
}
