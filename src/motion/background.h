/* The background: what each block looks like when nothing moves, and how much it flickers.
 *
 * A running average that forgets slowly where something moves (Wren et al., Pfinder, PAMI 1997;
 * Piccardi's survey, 2004) with a threshold from the block's own mean absolute deviation, the idea
 * of sigma-delta estimation (Manzanera and Richefeu, 2004) with means for its signs. A block next
 * to a step in brightness gets a sixth of that step on top: what coding and a shaking pole leave
 * there. Rates are in seconds: 5 and 30 pictures a second learn alike.
 *
 * Two memories tell restlessness from motion. `recent` follows the difference within a third of a
 * second: a block that differs from the background but not from a moment ago does not live (a
 * parked car, the hole it left). `restless` counts for minutes how often a block lived although
 * nothing went anywhere (branches, water, a thread before the lens): its threshold grows. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "motion/light.h"
#include "motion/region.h"
#include "motion/shake.h"

/* Flags of a block. */
enum {
    RW_BLOCK_WEAK = 1,  /* half the threshold passed: joins strong neighbours together */
    RW_BLOCK_ON = 2,    /* foreground */
    RW_BLOCK_ALIVE = 4, /* differs from a moment ago */
    RW_BLOCK_GOES = 8,  /* part of something that goes somewhere */
};

enum { RW_CHANGED_PERCENT = 45 }; /* of the blocks are on: perhaps another scene */

struct rw_background {
    int count, cols, rows;
    int64_t learned_us; /* since the picture it started from */
    bool started;
    int rise_us, fall_us; /* since restless rose and fell */
    int drift;            /* how far the gain went lately, RW_GAIN_ONE: doubled; flicker cancels */
    int settle_us;        /* how long the exposure may still be settling */
    struct rw_light light;
    struct rw_shake shake; /* of the last picture */
    /* State, one a block, owned. */
    uint16_t *mean;    /* 1/256 luma */
    uint16_t *spread;  /* running mean of |difference|, 1/4096 luma */
    int16_t *recent;   /* the difference a moment ago, 1/64 luma */
    uint8_t *restless; /* 64: the threshold is twice as high */
    /* Of the last picture, one a block, owned. */
    int16_t *difference; /* 1/16 luma, light and shaking taken out */
    int16_t *threshold;  /* 1/16 luma */
    int16_t *taken;      /* the light and shaking taken out, 1/16 luma */
    uint8_t *flags;
};

void rw_background_init(struct rw_background *background, const struct rw_grid *grid);
void rw_background_finish(struct rw_background *background);
/* Starts afresh from the next picture; how much each block flickers stays known. */
void rw_background_forget(struct rw_background *background);

/* True for the first seconds after a start. */
bool rw_background_learning(const struct rw_background *background);
/* True while the exposure moves or has just moved. */
bool rw_background_settling(const struct rw_background *background);

/* means: one a block, 1/16 luma. Fills the parts "of the last picture" for all blocks, watched or
 * not. Returns how many blocks are on; in the picture it starts from, none. */
int rw_background_look(struct rw_background *background, const uint16_t *means,
                       const struct rw_regions *regions);
/* Learns from the picture looked at. step_us: since the picture before, 1 .. 500 ms. */
void rw_background_learn(struct rw_background *background, int step_us);
/* After the flags say what goes somewhere: remembers what lives and goes nowhere. */
void rw_background_remember(struct rw_background *background, int step_us);
/* This picture is the background. */
void rw_background_take(struct rw_background *background, const uint16_t *means);
