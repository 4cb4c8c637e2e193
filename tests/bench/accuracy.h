/* The parts of the accuracy table: clips, the detector's runs over one, and what they are worth. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "motion/motion.h"
#include "scene.h"

enum { DELAYS_MAX = 512 };

extern const struct scene_plan accuracy_clips[];
extern const int accuracy_clip_count;

struct options {
    const char *only, *film, *write, *baseline;
    bool full, hours, no_codec, verbose;
    int sensitivity, jobs, kbit, seed;
};

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
    struct rw_motion_run *runs; /* owned by who plays the clip */
};

/* Adds what is written about each run and miss to *notes (the caller's, realloc'd) if notes. */
void score_take(const struct take *take, struct score *score, char **notes);
void score_add(struct score *all, const struct score *one);
float score_delay(struct score *score, float share); /* seconds; 0 without hits */

/* Draws a clip, codes it, shows it to the detector and scores what that says (accuracy_play.c).
 * *notes as in score_take. False when the codec failed. */
bool play_clip(const struct options *options, const struct scene_stock *stock,
               const struct scene_plan *plan, struct score *score, char **notes);

/* The table (accuracy_table.c). */
void table_head(FILE *out);
void table_line(FILE *out, const char *name, struct score *score);
/* Prints what is other than in the table in the file; false when the totals are worse there, or of
 * other clips. */
bool table_no_worse(const char *path, const char *table);
