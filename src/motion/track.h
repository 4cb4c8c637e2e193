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

enum { RW_TRACKS_MAX = 30 };

/* Zones in the order of their first touch. */
struct rw_order {
    uint8_t count;
    uint8_t zone[RW_REGIONS_MAX];
};

/* Where a thing went: evenly spaced in time, every second point dropped when it is full. */
struct rw_path {
    int64_t next_us; /* now_us of the next point */
    int32_t every_us;
    int16_t count;
    struct {
        int16_t x, y;
    } at[RW_PATH_MAX];
};

struct rw_track {
    bool used;
    bool sure;              /* it is motion */
    int8_t blob;            /* in the last picture; -1: not seen */
    uint8_t right, left;    /* lines crossed, see struct rw_motion_run */
    struct rw_order order;  /* of zones, since start_us */
    int16_t x, y;           /* where it is */
    int16_t from_x, from_y; /* where it was a few seconds ago: follows slowly */
    int16_t line_x, line_y; /* where crossing of lines was looked at last */
    int16_t evidence;       /* area and contrast added up, 1/16 pictures at 15 a second */
    int vx, vy;             /* how it moves */
    int way;                /* made since from_, with all its detours, 1/16 block */
    int first_area;         /* when it appeared, follows slowly; 1/16 blocks */
    int area;               /* blocks */
    int hits;               /* pictures that showed it alive */
    int64_t seen_us;        /* now_us */
    int64_t alive_us;       /* now_us */
    int64_t start_us;       /* the caller's time: first picture of it alive */
    struct rw_path path;    /* since start_us */
};

struct rw_tracks {
    struct rw_track track[RW_TRACKS_MAX];
    int failed, failed_area; /* in the last picture: ended, and had never been sure */
};

/* What a picture's step means to the tracks. */
struct rw_pace {
    int64_t now_us;
    int64_t time_us;         /* the caller's */
    int step_us;             /* since the picture before, at most 500 ms */
    int need;                /* evidence asked, as struct rw_track's */
    bool settling;           /* the exposure moves: what is vast is light */
    int64_t min_duration_us; /* alive at least so long */
    int64_t proof_us;        /* the same of what is not larger than */
    int proof_area;          /* blocks */
};

/* Follows the blobs of a picture. */
void rw_tracks_follow(struct rw_tracks *tracks, const struct rw_blobs *blobs,
                      const struct rw_regions *regions, const struct rw_pace *pace);
void rw_tracks_clear(struct rw_tracks *tracks);
/* Evidence asked; caution 16: the usual, 48: three times as much. */
int rw_tracks_need(int caution);
/* How far it is from where it was a few seconds ago, 1/16 block. */
int rw_track_travel(const struct rw_track *track);
/* Adds the zones of bits that are not in the order yet. */
void rw_order_add(struct rw_order *order, uint32_t zones);
