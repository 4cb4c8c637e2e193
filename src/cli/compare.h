/* Two lists of events of the same time: which are in one of them only. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "motion/motion.h"

struct rw_happening {
    int64_t start_us, end_us; /* UTC; end 0: it goes on */
    int64_t decided_us, peak_us;
    struct rw_box box;
    float score;
    uint32_t zones;
    bool armed;
    bool settled;  /* matched is final */
    bool matched;  /* the other list has it too */
    char *picture; /* file name; owned; NULL: none */
    struct rw_buf jpeg;
};

struct rw_happenings {
    struct rw_happening *list; /* in order of their beginning in the footage; owned */
    int count, capacity;
};

/* Adds one, zeroed. Valid until the next. */
struct rw_happening *rw_happenings_add(struct rw_happenings *happenings);
/* Takes the last one away. */
void rw_happenings_drop(struct rw_happenings *happenings);
void rw_happenings_finish(struct rw_happenings *happenings);

/* True when they share a moment; ends count. */
bool rw_happening_overlaps(const struct rw_happening *a, const struct rw_happening *b);
/* Is there one in the list that overlaps it? */
bool rw_happenings_have(const struct rw_happenings *happenings, const struct rw_happening *one);
int rw_happenings_unmatched(const struct rw_happenings *happenings);
int rw_happenings_armed(const struct rw_happenings *happenings);
