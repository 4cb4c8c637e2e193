/* Polygons on blocks, and what a sensitivity means.
 *
 * Sensitivity is one curve, x: 4 at 1, 1 at 50 and 1/2 at 100, straight between. It scales
 *   the floor of the threshold   5 luma * x        (20 .. 2.5 luma)
 *   the noise multiple           2 + 4 * x         (18 .. 4 mean deviations of the block)
 *   the smallest thing           2 blocks * x      (8 .. 1 blocks of 8x8 pixels at 640 wide)
 * More sensitive finds the dimmer, the smaller and the farther, and pays with insects, rain and
 * swaying leaves. It does not change how long a thing must be followed: the delay stays. */
#pragma once

#include <stdint.h>

#include "motion/grid.h"

/* One value a block, cols * rows, owned. */
struct rw_regions {
    uint8_t *watched;   /* 0xff: motion here counts, 0: it does not */
    uint16_t *zones;    /* bit i: in zone i */
    uint16_t *floor;    /* least threshold, 1/16 luma */
    uint16_t *multiple; /* noise multiple, 1/256 */
    uint8_t *least;     /* smallest thing, blocks */
};

/* Rasterises: a block belongs to a polygon when its centre is inside (even-odd rule), or when the
 * polygon is too small for any centre and its middle is in the block. Where zones overlap the
 * more sensitive one decides. Aborts without memory. */
void rw_regions_init(struct rw_regions *regions, const struct rw_grid *grid,
                     const struct rw_motion_options *options);
void rw_regions_finish(struct rw_regions *regions);
