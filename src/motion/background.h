/* The background: what each block looks like when nothing moves, and how much it flickers.
 *
 * A running average that forgets slowly where something moves (Wren et al., Pfinder, PAMI 1997;
 * Piccardi's survey, 2004) with a threshold from the block's own mean absolute deviation, the idea
 * of sigma-delta estimation (Manzanera and Richefeu, 2004) with means for its signs. A block next
 * to a step in brightness gets a sixth of that step on top: a pole that shakes by a pixel moves
 * an eighth of it over the border. Rates are in seconds: 5 and 30 pictures a second learn alike.
 *
 * What the design trades: a thing that stands for about ten seconds becomes background, and the
 * place it leaves is foreground as long. `recent` tells the two from motion: it follows the
 * difference within a third of a second, and a block that differs from the background but not
 * from a moment ago does not live. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "motion/light.h"
#include "motion/region.h"

/* Flags of a block. */
enum {
    RW_BLOCK_WEAK = 1,  /* half the threshold passed: joins strong neighbours together */
    RW_BLOCK_ON = 2,    /* foreground */
    RW_BLOCK_ALIVE = 4, /* differs from a moment ago */
};

enum rw_scene {
    RW_SCENE_SAME,
    RW_SCENE_CHANGED, /* most of the picture: the background was taken from this picture */
};

struct rw_background {
    int count, cols, rows;
    int64_t learned_us; /* since the picture it started from */
    bool started;
    struct rw_light light;
    /* State, one a block, owned. */
    int32_t *mean;    /* 1/4096 luma */
    uint16_t *spread; /* running mean of |difference|, 1/4096 luma */
    int16_t *recent;  /* the difference a moment ago, 1/64 luma */
    /* Of the last picture, one a block, owned. */
    int16_t *difference; /* 1/16 luma, light taken out */
    int16_t *threshold;  /* 1/16 luma */
    uint8_t *flags;
    uint8_t *before; /* flags of the picture before */
    int16_t *local;  /* the light taken out, 1/16 luma */
};

void rw_background_init(struct rw_background *background, const struct rw_grid *grid);
void rw_background_finish(struct rw_background *background);
/* Starts afresh from the next picture; how much each block flickers stays known. */
void rw_background_forget(struct rw_background *background);

/* True for the first seconds after a start. */
bool rw_background_learning(const struct rw_background *background);

/* means: one a block, 1/16 luma. step_us: since the picture before, 1 .. 500 ms. Fills the parts
 * "of the last picture" for all blocks, watched or not, then learns. */
enum rw_scene rw_background_look(struct rw_background *background, const uint16_t *means,
                                 const struct rw_regions *regions, int step_us);
