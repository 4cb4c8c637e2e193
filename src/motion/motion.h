/* The detector: luma in, happenings out. Pure integer arithmetic on luma; no libav, no files, no
 * clock: time is what the caller says. Same code live and over files. One thread per detector. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roadwatch/picture.h"

enum { RW_REGIONS_MAX = 16, RW_POLYGON_MAX = 32, RW_WATCH_WIDTH = 640 };

struct rw_region {
    int points; /* 3 .. RW_POLYGON_MAX */
    struct rw_point polygon[RW_POLYGON_MAX];
    int sensitivity; /* 1 .. 100; zones only */
};

struct rw_motion_options {
    int sensitivity;                        /* 1 .. 100, 50 by default: outside all zones */
    int zone_count;                         /* 0: the whole picture is watched */
    struct rw_region zones[RW_REGIONS_MAX]; /* with zones, motion outside them is ignored */
    int mask_count;
    struct rw_region masks[RW_REGIONS_MAX]; /* ignored always */
};

enum rw_motion_change {
    RW_MOTION_NONE,   /* nothing new */
    RW_MOTION_BEGIN,  /* sure now that something moves */
    RW_MOTION_BETTER, /* it goes on, and this picture shows it better than any before */
    RW_MOTION_END,    /* it stopped a while ago */
};

/* One run of motion, without pre-roll or hold time. */
struct rw_motion_run {
    int64_t start_us;   /* first picture that moved */
    int64_t decided_us; /* the picture at which it was sure */
    int64_t last_us;    /* last picture that moved */
    int64_t peak_us;    /* the best picture so far */
    struct rw_box box;  /* in the best picture: what moved, tight */
    float score;        /* 0 to 1: how sure, how large */
    uint32_t zones;     /* bit i: touched zone i at any time of the run */
};

struct rw_motion;

/* Copies the options. Sizes are learned from the pictures; another size starts afresh. */
struct rw_motion *rw_motion_create(const struct rw_motion_options *options);
void rw_motion_destroy(struct rw_motion *motion);

/* Looks at one picture taken at time_us (grows by one picture's time; steps are suffered). Larger
 * pictures than RW_WATCH_WIDTH are shrunk by a whole factor first. *run is written for every
 * change but RW_MOTION_NONE. */
enum rw_motion_change rw_motion_look(struct rw_motion *motion, const struct rw_luma *luma,
                                     int64_t time_us, struct rw_motion_run *run);
/* The input ends or has a hole: ends the run that is on. RW_MOTION_END or RW_MOTION_NONE. */
enum rw_motion_change rw_motion_break(struct rw_motion *motion, struct rw_motion_run *run);
/* True while a run is on: between BEGIN and END. */
bool rw_motion_running(const struct rw_motion *motion);
/* True when the last picture itself had moving blocks that count. */
bool rw_motion_moving(const struct rw_motion *motion);
