#include "base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/id.h"

static int64_t read_us(clockid_t id)
{
    struct timespec at;
    clock_gettime(id, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static struct rw_now system_now(void *self)
{
    (void)self;
    return (struct rw_now){.utc_us = read_us(CLOCK_REALTIME), .boot_us = read_us(CLOCK_BOOTTIME)};
}

/* adjtimex(2): the kernel's own idea of how far the clock may be off. maxerror grows by 500 ppm
 * from the last update and the kernel declares STA_UNSYNC at 16 s. */
static struct rw_clock_state system_state(void *self)
{
    (void)self;
    struct timex tx = {0};
    int state = adjtimex(&tx);
    if (state < 0 || state == TIME_ERROR || (tx.status & STA_UNSYNC))
        return (struct rw_clock_state){.trust = RW_CLOCK_UNVERIFIED, .error_us = -1};
    bool fresh = tx.maxerror < 1000000;
    return (struct rw_clock_state){.trust = fresh ? RW_CLOCK_SYNCED : RW_CLOCK_HOLDOVER,
                                   .error_us = tx.maxerror};
}

static void system_boot_id(void *self, uint8_t id[16])
{
    (void)self;
    char text[64] = "";
    memset(id, 0, 16);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, text, 36);
    close(fd);
    if (got == 36)
        rw_uuid_parse(text, id);
}

const struct rw_clock *rw_clock_system(void)
{
    static const struct rw_clock clock = {
        .now = system_now, .state = system_state, .boot_id = system_boot_id};
    return &clock;
}

int64_t rw_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

struct rw_now rw_now(const struct rw_clock *clock)
{
    return clock->now(clock->self);
}

const char *rw_clock_trust_name(enum rw_clock_trust trust)
{
    switch (trust) {
    case RW_CLOCK_SYNCED:
        return "synced";
    case RW_CLOCK_HOLDOVER:
        return "holdover";
    case RW_CLOCK_UNVERIFIED:
        break;
    }
    return "unverified";
}
