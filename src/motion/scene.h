/* Is it still the same scene? When most of the picture differs at once, its texture tells light
 * from a lorry: under other light the steps from place to place stay where they were (correlation
 * of gradients), behind a hand, a lorry or a turned camera they do not.
 *
 *   well --most of the picture differs, texture too--> doubtful --it was told--> changed
 *   doubtful, changed --texture is back--> well
 *   changed --still another after some seconds--> covered (no texture) | moved (texture elsewhere)
 *                                                 | well (another scene for good: learned)
 *   covered --texture is there--> well
 *
 * Works on cells of 2x2 blocks, against a reference that follows within half a minute. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "motion/grid.h"

enum rw_scene_news {
    RW_SCENE_NOTHING,
    RW_SCENE_LIGHT,   /* most of the picture differs, but it is light */
    RW_SCENE_CHANGED, /* to be told */
    RW_SCENE_MOVED,
    RW_SCENE_COVERED,
    RW_SCENE_OVER, /* what was told is over */
};

struct rw_scene {
    int cols, rows; /* cells; 0: too few for a scene */
    int grid_cols, grid_rows;
    enum { RW_SCENE_IS_WELL, RW_SCENE_IS_DOUBTFUL, RW_SCENE_IS_CHANGED, RW_SCENE_IS_COVERED } state;
    bool known;          /* the reference is set */
    int since_us;        /* in this state */
    int still_us;        /* the picture has not changed for so long */
    int look_us;         /* since the reference was compared and followed */
    uint16_t *reference; /* 1/256 luma, one a cell, owned */
    uint16_t *now;       /* scratch, the same of this picture */
};

void rw_scene_init(struct rw_scene *scene, const struct rw_grid *grid);
void rw_scene_finish(struct rw_scene *scene);
/* What was told is over; how the scene looks stays known. */
void rw_scene_forget(struct rw_scene *scene);
/* means: 1/16 luma, one a block. changed: most blocks differ from the background. on_percent:
 * blocks that do. */
enum rw_scene_news rw_scene_look(struct rw_scene *scene, const uint16_t *means, bool changed,
                                 int on_percent, int step_us);
