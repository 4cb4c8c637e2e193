#include "media/timeline.h"

#include <string.h>

#include "base/units.h"

enum {
    JUMP_US = 1000000,   /* camera time against arrival */
    STEP_US = 500000,    /* the box's UTC against its boot time */
    STALL_US = 30000000, /* the longest that a network may hold pictures back */
    WINDOW_US = 10000000,
    DOWN_PART = 8,  /* 1/8 of the media time: an early picture is a proof */
    UP_PART = 1000, /* 1 ms per second follows 1000 ppm */
    UTC_PART = 100,
    RECENT = sizeof((struct rw_timeline *)0)->recent_us / sizeof(int64_t),
    SAME_US = 1000, /* pictures nearer than this are not out of order */
    DEPTH_MAX = 4,  /* no camera's B-frames reach farther */
};

/* Times beyond this (36,000 years) are nonsense, and within it no sum of a few overflows. */
#define TIME_LIMIT_US (INT64_C(1) << 60)

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

void rw_timeline_init(struct rw_timeline *timeline)
{
    memset(timeline, 0, sizeof *timeline);
}

static void anchor(struct rw_timeline *t, int64_t media_us, int64_t arrival_us)
{
    t->have_media = true;
    t->offset_us = t->target_us = t->window_min_us = arrival_us - media_us;
    t->window_end_us = media_us + WINDOW_US;
    t->last_media_us = media_us;
}

/* True when the camera's time and the arrival can no longer be told by one steady clock. */
static bool media_jumped(const struct rw_timeline *t, int64_t media_us, int64_t arrival_us)
{
    int64_t late_us = arrival_us - (media_us + t->offset_us);
    int64_t advance_us = media_us - t->last_media_us;
    return late_us < -JUMP_US || advance_us < -JUMP_US || late_us > STALL_US;
}

/* Closes the window when its time is over. True when all of it was so late that the camera's clock
 * must have lost time. */
static bool measure(struct rw_timeline *t, int64_t media_us, int64_t arrival_us)
{
    int64_t sample = arrival_us - media_us;
    if (sample < t->window_min_us)
        t->window_min_us = sample;
    if (media_us < t->window_end_us)
        return false;
    t->target_us = t->window_min_us;
    t->window_min_us = sample;
    t->window_end_us = media_us + WINDOW_US;
    return t->target_us - t->offset_us > JUMP_US;
}

static void follow(struct rw_timeline *t, int64_t media_us, int64_t arrival_us)
{
    int64_t advance_us = clamp(media_us - t->last_media_us, 0, RW_SECOND_US);
    int64_t late_us = arrival_us - (media_us + t->offset_us);
    if (late_us < 0)
        t->offset_us -= clamp(-late_us, 0, advance_us / DOWN_PART);
    else
        t->offset_us += clamp(t->target_us - t->offset_us, 0, advance_us / UP_PART + 1);
}

/* The instant on CLOCK_BOOTTIME. */
static int64_t stamp_boot(struct rw_timeline *t, int64_t media_us, int64_t arrival_us, bool *jumped)
{
    if (media_us < -TIME_LIMIT_US || media_us > TIME_LIMIT_US)
        return arrival_us;
    if (!t->have_media) {
        anchor(t, media_us, arrival_us);
        return arrival_us;
    }
    /* A camera whose time stands still sends none. */
    if (media_us == t->last_media_us && arrival_us - media_us - t->offset_us > JUMP_US)
        return arrival_us;
    if (media_jumped(t, media_us, arrival_us) || measure(t, media_us, arrival_us)) {
        anchor(t, media_us, arrival_us);
        *jumped = true;
        return arrival_us;
    }
    follow(t, media_us, arrival_us);
    t->last_media_us = media_us;
    return media_us + t->offset_us;
}

/* The box's UTC against its boot time: steps are taken, small corrections are followed. */
static void follow_utc(struct rw_timeline *t, int64_t offset_us, int64_t elapsed_us, bool *jumped)
{
    int64_t error_us = offset_us - t->utc_offset_us;
    if (error_us > STEP_US || error_us < -STEP_US) {
        t->utc_offset_us = offset_us;
        *jumped = true;
        return;
    }
    int64_t most_us = clamp(elapsed_us, 0, RW_SECOND_US) / UTC_PART + 1;
    t->utc_offset_us += clamp(error_us, -most_us, most_us);
}

static int count_above(const struct rw_timeline *t, int64_t utc_us)
{
    int above = 0;
    for (int i = 0; i < t->recent_count; i++)
        above += t->recent_us[i] > utc_us;
    return above;
}

static void remember(struct rw_timeline *t, int64_t utc_us)
{
    if (t->recent_count == RECENT) {
        memmove(t->recent_us, t->recent_us + 1, (RECENT - 1) * sizeof t->recent_us[0]);
        t->recent_count--;
    }
    t->recent_us[t->recent_count++] = utc_us;
}

/* The recent time that only `depth` others exceed: it grows by one picture each time, and is never
 * later than the newest one. */
static int64_t nth_largest(const struct rw_timeline *t, int depth)
{
    int64_t found = t->recent_us[t->recent_count - 1];
    for (int i = 0; i < t->recent_count; i++) {
        if (t->recent_us[i] < found && count_above(t, t->recent_us[i]) <= depth)
            found = t->recent_us[i];
    }
    return found;
}

static int64_t stamp_dts(struct rw_timeline *t, int64_t utc_us, bool restart)
{
    if (restart)
        t->recent_count = t->depth = 0;
    int later = count_above(t, utc_us + SAME_US);
    if (later > t->depth)
        t->depth = later < DEPTH_MAX ? later : DEPTH_MAX;
    remember(t, utc_us);
    int64_t dts_us = nth_largest(t, t->depth);
    return restart || dts_us > t->last_dts_us ? dts_us : t->last_dts_us + 1;
}

struct rw_stamp rw_timeline_stamp(struct rw_timeline *timeline, int64_t media_us,
                                  struct rw_now arrival)
{
    struct rw_timeline *t = timeline;
    struct rw_stamp stamp = {0};
    int64_t arrival_us = clamp(arrival.boot_us, -TIME_LIMIT_US, TIME_LIMIT_US);
    int64_t utc_us = clamp(arrival.utc_us, -TIME_LIMIT_US, TIME_LIMIT_US);
    bool first = !t->started;
    if (first) {
        t->started = true;
        t->utc_offset_us = utc_us - arrival_us;
        t->last_boot_us = arrival_us;
    }
    stamp.boot_us = stamp_boot(t, media_us, arrival_us, &stamp.jumped);
    follow_utc(t, utc_us - arrival_us, stamp.boot_us - t->last_boot_us, &stamp.jumped);
    stamp.utc_us = stamp.boot_us + t->utc_offset_us;
    stamp.dts_us = stamp_dts(t, stamp.utc_us, first || stamp.jumped);
    t->last_boot_us = stamp.boot_us;
    t->last_dts_us = stamp.dts_us;
    return stamp;
}
