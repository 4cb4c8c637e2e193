/* Light that changes everywhere at once, or softly over a part of the picture, is not motion.
 *
 * Exposure: one gain for the whole picture, the median of block / background. Local light: the
 * median difference of tiles of about 10x10 blocks, bilinear between the tiles' centres: shadows
 * of clouds, the glow of headlights. Medians, because a median does not see the thing that covers
 * less than half (Huber, Robust Statistics, 1981). */
#pragma once

#include <stdint.h>

#include "motion/grid.h"

enum {
    RW_GAIN_ONE = 1024,
    RW_GAIN_SLACK = RW_GAIN_ONE / 64, /* nearer to one is one: left to the local light */
};

/* Where a column lies between two tile centres. */
struct rw_between {
    int16_t first; /* tile */
    int16_t share; /* of the next one, 1/256; beyond the outermost centres the line goes on */
};

struct rw_light {
    int cols, rows;             /* blocks */
    int tile_cols, tile_rows;   /* 0: too few blocks to tell light from things */
    struct rw_between *columns; /* cols, never changed */
    int16_t *tiles;             /* scratch: medians, laid out over cols: tile_rows * cols */
    uint16_t *now, *before;     /* scratch: samples of the gain, a third of the blocks */
};

void rw_light_init(struct rw_light *light, const struct rw_grid *grid);
void rw_light_finish(struct rw_light *light);

/* Gain from the background to the picture: RW_GAIN_ONE, or further from it than RW_GAIN_SLACK.
 * means: 1/16 luma, background: 1/256 luma, both one a block. */
int rw_light_gain(struct rw_light *light, const uint16_t *means, const uint16_t *background);

/* Subtracts the local light from difference (1/16 luma, one a block) and leaves it in local. */
void rw_light_level(struct rw_light *light, int16_t *difference, int16_t *local);
