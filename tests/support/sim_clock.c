#include "sim_clock.h"

#include "base/buf.h"

static struct rw_now tell(void *self)
{
    return ((struct sim_clock *)self)->now;
}

static struct rw_clock_state tell_state(void *self)
{
    return ((struct sim_clock *)self)->state;
}

static void tell_boot(void *self, uint8_t id[16])
{
    uint64_t boot = ((struct sim_clock *)self)->boot;
    rw_put_be64(id, boot * 0x9e3779b97f4a7c15u);
    rw_put_be64(id + 8, ~boot);
}

void sim_clock_init(struct sim_clock *clock, int64_t utc_us)
{
    *clock = (struct sim_clock){.now = {.utc_us = utc_us, .boot_us = 5000000},
                                .state = {RW_CLOCK_SYNCED, 12000},
                                .boot = 1};
    clock->table = (struct rw_clock){clock, tell, tell_state, tell_boot};
}

void sim_clock_pass(struct sim_clock *clock, int64_t us)
{
    clock->now.utc_us += us;
    clock->now.boot_us += us;
}

void sim_clock_step(struct sim_clock *clock, int64_t us)
{
    clock->now.utc_us += us;
}

void sim_clock_boot(struct sim_clock *clock, int64_t down_us, bool battery)
{
    clock->boot++;
    clock->now.utc_us = battery ? clock->now.utc_us + down_us : 7000000;
    clock->now.boot_us = 7000000;
    if (!battery)
        clock->state = (struct rw_clock_state){RW_CLOCK_UNVERIFIED, -1};
}
