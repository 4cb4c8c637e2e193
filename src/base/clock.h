/* The clock comes in through the front door: a table of functions, so a test can be the clock. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum rw_clock_trust {
    RW_CLOCK_SYNCED = 0,     /* disciplined now, error_us is its bound */
    RW_CLOCK_HOLDOVER = 1,   /* was synced, the bound grows */
    RW_CLOCK_UNVERIFIED = 2, /* nobody has vouched for it since boot */
};

struct rw_now {
    int64_t utc_us;  /* CLOCK_REALTIME */
    int64_t boot_us; /* CLOCK_BOOTTIME: steady, counts sleep */
};

struct rw_clock_state {
    enum rw_clock_trust trust;
    int64_t error_us; /* -1: unknown */
};

struct rw_clock {
    void *self;
    struct rw_now (*now)(void *self);
    struct rw_clock_state (*state)(void *self);
    void (*boot_id)(void *self, uint8_t id[16]);
};

/* The machine's own clock. Static, never freed, any thread. */
const struct rw_clock *rw_clock_system(void);

struct rw_now rw_now(const struct rw_clock *clock);
int64_t rw_monotonic_us(void); /* CLOCK_MONOTONIC of the machine: for deadlines of system calls */
const char *rw_clock_trust_name(enum rw_clock_trust trust); /* "synced", "holdover", "unverified" */
