/* When the processor is not enough for every picture: how many are looked at, and which. Pure: the
 * caller tells the time, CLOCK_BOOTTIME. Begin as {0}; one thread.
 *
 * How many: a level. A picture that waits too long, for a while, is the evidence that the processor
 * is too slow; a pause that is made up for at once is none. Then the level rises, step by step; it
 * falls when pictures have been on time for long enough, which is longer after each attempt that
 * failed. All watchers of a box see the same shortage and come to the same level.
 *
 * Which: pictures that no other needs go first, which is even. Of the others, each needs the one
 * before it, so that the first of each GOP remain; of GOPs shorter than a second whole ones go, in
 * turn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    RW_THINNING_NONE, /* all pictures; each level up to RW_THINNING_KEYFRAMES halves them */
    RW_THINNING_KEYFRAMES = 4, /* only these, and of these at most about one a second */
};

struct rw_thinning {
    int level;
    bool on; /* there was, or recently was, a level: for people, who need no news of attempts */
    /* the pace */
    int64_t behind_since_us, calm_since_us; /* 0: it is not */
    int64_t calm_us;                        /* so long before the next attempt; 0: not set yet */
    int64_t thinned_us;                     /* when the level rose; 0: never */
    bool far_behind;                        /* too far to go on with this GOP */
    int64_t tried_us;                       /* when the level fell; 0: that has proven right */
    /* the choice */
    int pictures; /* since the last keyframe */
    int credit;   /* so many more of this GOP are looked at, in eighths */
    int64_t taken_us;
    bool broken; /* what the next pictures need was left out */
};

/* For each picture, before the choice: how long it has waited. */
void rw_thinning_pace(struct rw_thinning *thinning, bool keyframe, int64_t waited_us,
                      int64_t now_us);

enum rw_thinning_word {
    RW_THINNING_TAKE,
    RW_THINNING_SKIP,
    RW_THINNING_STOP, /* skip this and all up to the next keyframe; said once for these */
};
/* disposable: no other picture needs it. arrival_us: when it came. */
enum rw_thinning_word rw_thinning_choose(struct rw_thinning *thinning, bool keyframe,
                                         bool disposable, int64_t arrival_us);
