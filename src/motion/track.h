/* Tracks: the same thing in picture after picture. What makes it motion is evidence: area and
 * contrast, added up over time, and that it went somewhere or grew. Light that goes on, a thing
 * that left a hole, a branch that swings around its place: none of them goes anywhere.
 *
 * Positions are 1/16 blocks, velocities 1/16 blocks a second. `now_us` is the detector's own
 * clock: it grows by one picture's time whatever the caller's does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "motion/components.h"

enum { RW_TRACKS_MAX = 64 };

struct rw_track {
    bool used;
    bool sure;          /* it is motion */
    int blob;           /* in the last picture; -1: not seen */
    int x, y, vx, vy;   /* where it is and how it moves */
    int from_x, from_y; /* where it was a few seconds ago: follows slowly */
    int path;           /* way made since then, with all its detours, 1/16 block */
    int first_area;     /* when it appeared, follows slowly; 1/16 blocks */
    int area;           /* blocks */
    int hits;           /* pictures that showed it alive */
    int evidence;       /* area and contrast added up, 1/16 pictures at 15 a second */
    int64_t seen_us;    /* now_us */
    int64_t alive_us;   /* now_us */
    int64_t start_us;   /* the caller's time: first picture of it alive */
    uint16_t zones;     /* touched since start_us */
};

struct rw_tracks {
    struct rw_track track[RW_TRACKS_MAX];
};

/* Follows the blobs of a picture taken at time_us (the caller's). step_us: since the one before,
 * at most 500 ms. caution: evidence asked, 16 (the usual) to 48 (three times as much). */
void rw_tracks_follow(struct rw_tracks *tracks, const struct rw_blobs *blobs, int64_t now_us,
                      int64_t time_us, int step_us, int caution);
void rw_tracks_clear(struct rw_tracks *tracks);
/* How far it is from where it was a few seconds ago, 1/16 block. */
int rw_track_travel(const struct rw_track *track);
