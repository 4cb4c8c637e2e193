/* How the watch of a camera goes: how many pictures are looked at, in what weather, whether they
 * are thinned. Told on the board and, of the thinning, in the log. Watcher thread only. */
#pragma once

#include "base/clock.h"
#include "camera/board.h"
#include "camera/thinning.h"
#include "media/packet.h"
#include "motion/motion.h"

struct rw_report {
    /* Set before the first call; pointers are borrowed. */
    const char *camera; /* its id */
    struct rw_board *board;
    const struct rw_clock *clock;
    const struct rw_motion *motion;
    const struct rw_thinning *thinning;
    int64_t from_us; /* the count's start; this and said_us: CLOCK_BOOTTIME */
    /* Begins as 0. */
    int looked, came;  /* pictures since from_us */
    int calm_smallest; /* the least "smallest thing" so far, blocks; 0: none yet */
    bool said_thinned; /* the log's last word */
    int64_t said_us;   /* when thinning was said last; 0: never */
};

/* After each pace and before the choice. */
void rw_report_thinned(struct rw_report *report, int64_t now_us);
/* After each look at a picture. */
void rw_report_looked(struct rw_report *report);
/* After all that was done about a picture that came; NULL: none came for a while. kind: of the
 * event that is on. */
void rw_report_came(struct rw_report *report, const struct rw_packet *packet,
                    enum rw_motion_kind kind);
