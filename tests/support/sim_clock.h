/* A clock that a test winds. */
#pragma once

#include "base/clock.h"

struct sim_clock {
    struct rw_clock table; /* hand this in */
    struct rw_now now;
    struct rw_clock_state state;
    uint64_t boot; /* counts boots */
};

/* Caller's memory, which must not move; nothing to finish. Synced within 12 ms. */
void sim_clock_init(struct sim_clock *clock, int64_t utc_us);
void sim_clock_pass(struct sim_clock *clock, int64_t us);
/* UTC jumps, the time since boot does not. */
void sim_clock_step(struct sim_clock *clock, int64_t us);
/* The box was off for down_us and boots: another boot id, boot time from zero. Without a battery
 * behind its clock it wakes in 1970, unverified, until somebody steps the clock. */
void sim_clock_boot(struct sim_clock *clock, int64_t down_us, bool battery);
