/* The parts of the accuracy table: clips, the detector's runs over one, and what they are worth. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "motion/motion.h"
#include "scene.h"

enum { RUNS_MAX = 512, DELAYS_MAX = 512 };

extern const struct scene_plan accuracy_clips[];
extern const int accuracy_clip_count;

/* Of one clip, or of all together. */
struct score {
    double seconds;
    int intervals, hits, misplaced;
    int false_alarms;
    long quiet_pictures, flagged;
    double quiet_s, true_s, covered_s;
    int delay_count;
    float delays[DELAYS_MAX]; /* seconds; sorted by score_delay */
    int kinds_expected, kinds_seen, kinds_false;
    double detector_ns_pixel; /* mean */
};

struct take {
    const struct scene_plan *plan;
    const struct scene_truth *truth;
    int fps, width, height;
    int run_count;
    struct rw_motion_run runs[RUNS_MAX];
};

/* Adds what is written about each run and miss to *notes (the caller's, realloc'd) if notes. */
void score_take(const struct take *take, struct score *score, char **notes);
void score_add(struct score *all, const struct score *one);
float score_delay(struct score *score, float share); /* seconds; 0 without hits */
