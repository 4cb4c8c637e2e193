/* Random numbers that a seed repeats on any machine: splitmix64 (Steele, Lea, Flood 2014). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* 0 to below - 1; 0 where below is not positive. */
static inline int64_t sim_random_below(struct sim_random *random, int64_t below)
{
    return below > 0 ? (int64_t)(sim_random_next(random) % (uint64_t)below) : 0;
}

static inline int64_t sim_random_between(struct sim_random *random, int64_t low, int64_t high)
{
    return low + sim_random_below(random, high - low + 1);
}

static inline bool sim_random_chance(struct sim_random *random, int in, int of)
{
    return sim_random_below(random, of) < in;
}
