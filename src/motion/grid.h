/* The grid: a picture as the mean luma of square blocks. Everything after works on blocks, which
 * takes the sensor's noise down to an eighth and the work to a sixty-fourth. */
#pragma once

#include <stdint.h>

#include "motion/motion.h"

enum {
    RW_BLOCK_PIXELS = 8, /* a side, after shrinking by the whole factor */
    RW_LUMA_ONE = 16,    /* one step of luma in block means */
    RW_PICTURE_SIDE_MAX = 8192,
    RW_GRID_COLS_MAX = RW_WATCH_WIDTH * 3 / 2 / RW_BLOCK_PIXELS, /* before it is shrunk */
};

struct rw_grid {
    int width, height; /* of the picture, pixels */
    int side;          /* of a block, source pixels: 8 times the shrinking factor */
    int cols, rows;    /* blocks; the last ones may be cut by the picture's edge */
};

/* 0, or -1 for a size that is no picture (below 1 or above RW_PICTURE_SIDE_MAX). */
int rw_grid_plan(struct rw_grid *grid, int width, int height);

/* means: cols * rows, 16 times the mean luma. pairs: scratch of (width + 1) / 2 values. The luma
 * has the planned size. Shrinking by f and taking 8x8 means is the same as 8f x 8f means: done in
 * one. */
void rw_grid_means(const struct rw_grid *grid, const struct rw_luma *luma, uint16_t *pairs,
                   uint16_t *means);
