/* Light that changes everywhere at once, or softly over a part of the picture, is not motion.
 *
 * Exposure: one gain for the whole picture, the median of block / background. Local light: the
 * median difference of tiles of about 10x10 blocks, bilinear between the tiles' centres: shadows
 * of clouds, the glow of headlights. Medians, because a median does not see the thing that covers
 * less than half (Huber, Robust Statistics, 1981). */
#pragma once

#include <stdint.h>

#include "motion/grid.h"

enum { RW_GAIN_ONE = 1024 };

struct rw_light {
    int cols, rows;           /* blocks */
    int tile_cols, tile_rows; /* 0: too few blocks to tell light from things */
    int16_t *tiles;           /* median of each, then laid out over cols: tile_rows * cols */
    int32_t *now, *before;    /* samples of the gain */
};

void rw_light_init(struct rw_light *light, const struct rw_grid *grid);
void rw_light_finish(struct rw_light *light);

/* Gain from the background to the picture, RW_GAIN_ONE = same. means: 1/16 luma, background:
 * 1/256 luma, both one a block. */
int rw_light_gain(struct rw_light *light, const uint16_t *means, const uint16_t *background);

/* Subtracts the local light from difference (1/16 luma, one a block) and leaves it in local. */
void rw_light_level(struct rw_light *light, int16_t *difference, int16_t *local);
