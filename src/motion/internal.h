/* What the files of the detector share. Not for other rooms. */
#pragma once

#include "motion/background.h"
#include "motion/motion.h"
#include "motion/scene.h"
#include "motion/track.h"
#include "motion/weather.h"

/* What depends on the size of the pictures. */
struct rw_view {
    struct rw_grid grid;
    struct rw_regions regions;
    struct rw_background background;
    struct rw_scene scene;
    uint16_t *columns; /* scratch */
    uint16_t *means;
    uint16_t *stack; /* scratch */
};

struct rw_motion {
    struct rw_motion_options options;
    struct rw_view view;
    bool viewing;     /* view is made */
    int64_t time_us;  /* of the last picture, the caller's */
    bool timed;       /* time_us is set */
    int step_us;      /* the last step that was one */
    int64_t now_us;   /* sum of all steps: a clock that cannot jump */
    int64_t pause_us; /* now_us until which nothing begins */
    struct rw_weather weather;
    int need;              /* evidence asked in the last picture */
    struct rw_blobs blobs; /* of the last picture */
    struct rw_tracks tracks;
    enum rw_scene_news news;    /* of the last picture */
    enum rw_scene_news pending; /* to be told as soon as the run that was on has ended */
    struct rw_box changed;      /* around what differed when the scene changed last */
    bool running, moving;
    struct rw_motion_run run;
    int64_t moved_us; /* now_us of the last motion */
    int64_t shown_us; /* now_us of the best picture */
    int64_t quality;  /* of the best picture */
    int sharpness;    /* of the best picture, see rw_run_judge */
    int best;         /* track of the best picture; -1: none, or it is gone */
};

/* A blob's box as fractions of the picture (see.c). */
struct rw_box rw_box_of(const struct rw_grid *grid, const struct rw_blob *blob);

/* From tracks and scene to a run (run.c). luma: the picture that was looked at. */
enum rw_motion_change rw_run_judge(struct rw_motion *motion, const struct rw_luma *luma);
/* Nothing is on, nothing is remembered of what moved. */
void rw_run_forget(struct rw_motion *motion);
