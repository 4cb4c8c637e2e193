/* The detector: luma in, happenings out. Pure integer arithmetic on luma; no libav, no files, no
 * clock: time is what the caller says. Same code live and over files. One thread per detector. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roadwatch/picture.h"

enum {
    RW_REGIONS_MAX = 16,
    RW_POLYGON_MAX = 32,
    RW_LINES_MAX = 8,
    RW_PATH_MAX = 16,
    RW_THINGS_MAX = 64,
    RW_WATCH_WIDTH = 640,
};

struct rw_region {
    int points; /* 3 .. RW_POLYGON_MAX */
    struct rw_point polygon[RW_POLYGON_MAX];
    int sensitivity; /* 1 .. 100; of a mask also 0: nothing counts there */
};

struct rw_line {
    struct rw_point from, to;
};

struct rw_motion_options {
    int sensitivity;                        /* 1 .. 100, 50 by default: outside all zones */
    int zone_count;                         /* 0: the whole picture is watched */
    struct rw_region zones[RW_REGIONS_MAX]; /* with zones, motion outside them is ignored */
    int mask_count;
    struct rw_region masks[RW_REGIONS_MAX]; /* ignored always, or watched with less sensitivity */
    int line_count;
    struct rw_line lines[RW_LINES_MAX]; /* an event tells which were crossed, and which way */
    int64_t min_duration_us;            /* shorter motion is not told; 0: what is sure is told */
};

enum rw_motion_change {
    RW_MOTION_NONE,   /* nothing new */
    RW_MOTION_BEGIN,  /* sure now that something moves */
    RW_MOTION_BETTER, /* it goes on, and there is more to tell: this picture shows it better than
                       * any before (peak_us is its time), or another zone or line was reached */
    RW_MOTION_END,    /* it stopped a while ago */
};

enum rw_motion_kind {
    RW_KIND_MOTION,
    RW_KIND_SCENE_CHANGE, /* most of the picture is another: a lorry that fills it, a hand */
    RW_KIND_CAMERA_MOVED, /* the same scene at another place of the picture, and it stays */
    RW_KIND_COVERED,      /* nothing to be seen any more: covered, blinded, dark; and it stays */
};

/* One run of motion, without pre-roll or hold time. At most one is on at a time. */
struct rw_motion_run {
    enum rw_motion_kind kind;
    int64_t start_us;    /* first picture that moved */
    int64_t decided_us;  /* the picture at which it was sure */
    int64_t last_us;     /* last picture that moved */
    int64_t peak_us;     /* the best picture so far */
    struct rw_box box;   /* in the best picture: what moved, tight */
    struct rw_box whole; /* around everything that moved in the run */
    float score;         /* 0 to 1: how sure, how large */
    uint32_t zones;      /* bit i: touched zone i at any time of the run */
    int order_count;     /* zones touched, in the order of their first touch */
    uint8_t order[RW_REGIONS_MAX];
    uint8_t crossed_right, crossed_left; /* bit i: line i was crossed towards the side that is on
                                          * the right (left) when one looks along from -> to */
    int path_count; /* centre of what moves in the best picture, from where it began: oldest first,
                     * evenly thinned */
    struct rw_point path[RW_PATH_MAX];
};

struct rw_motion;

/* Copies the options. Sizes are learned from the pictures; another size starts afresh. */
struct rw_motion *rw_motion_create(const struct rw_motion_options *options);
void rw_motion_destroy(struct rw_motion *motion);

/* Looks at one picture taken at time_us (grows by one picture's time; steps are suffered). Large
 * pictures are shrunk first, by the whole factor that brings them nearest to RW_WATCH_WIDTH. *run
 * is written for every change but RW_MOTION_NONE. */
enum rw_motion_change rw_motion_look(struct rw_motion *motion, const struct rw_luma *luma,
                                     int64_t time_us, struct rw_motion_run *run);
/* The input ends or has a hole: ends the run that is on. RW_MOTION_END or RW_MOTION_NONE. */
enum rw_motion_change rw_motion_break(struct rw_motion *motion, struct rw_motion_run *run);
/* True while a run is on: between BEGIN and END. */
bool rw_motion_running(const struct rw_motion *motion);
/* True when the last picture itself had moving blocks that count. */
bool rw_motion_moving(const struct rw_motion *motion);

/* --- for people who want to see why --- */

enum { RW_SEEN_ON = 1 /* over its threshold */, RW_SEEN_WATCHED = 2 /* in a zone, in no mask */ };

struct rw_seen_block {
    float difference, threshold; /* luma */
    unsigned flags;              /* RW_SEEN_ON ... */
};

struct rw_seen_thing {
    struct rw_box box;
    bool sure;                       /* it is motion */
    float evidence, evidence_needed; /* 1: a picture of a middling thing */
    float travel;                    /* blocks */
};

struct rw_motion_view {
    int cols, rows; /* blocks; 0 before the first picture */
    int side;       /* of a block, pixels of the picture */
    float weather;  /* tiny flickering spots a picture, running mean */
    int smallest;   /* the smallest thing that counts now, blocks */
    int thing_count;
    struct rw_seen_thing things[RW_THINGS_MAX];
};

/* What the detector saw in its last picture. */
void rw_motion_see(const struct rw_motion *motion, struct rw_motion_view *view);
/* One block of it; col < cols, row < rows. */
struct rw_seen_block rw_motion_see_block(const struct rw_motion *motion, int col, int row);
