/* A camera's events on one of their ways to people, in order of revision: what is on its way is a
 * short queue, and what counts as told is the part before the first that is not confirmed. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RW_LANE_MAX = 16 }; /* events on their way */

struct rw_letter {
    int64_t revision;
    uint64_t words, picture; /* tickets; 0: confirmed, or there was none */
};

struct rw_lane {
    int64_t told; /* up to this revision all is confirmed, or passed over */
    int64_t read; /* up to this one all was looked at; at least told */
    bool more;    /* there may be more to look at behind that */
    int first, count;
    struct rw_letter letters[RW_LANE_MAX]; /* a ring */
};

enum rw_lane_part { RW_LANE_NONE, RW_LANE_WORDS, RW_LANE_PICTURE };

/* Nothing is on its way; it goes on behind this revision. */
void rw_lane_begin(struct rw_lane *lane, int64_t told);
/* There is room. */
void rw_lane_put(struct rw_lane *lane, const struct rw_letter *letter);
/* Nothing has to be sent up to this revision, which was looked at. */
void rw_lane_pass(struct rw_lane *lane, int64_t revision);
/* Whose the ticket is. From then on it is confirmed. */
enum rw_lane_part rw_lane_confirm(struct rw_lane *lane, uint64_t ticket);
/* Moves told as far as all is confirmed. The number of letters that became told. */
int rw_lane_settle(struct rw_lane *lane);
bool rw_lane_carries_picture(const struct rw_lane *lane); /* one is on its way */
