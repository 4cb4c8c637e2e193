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

/* A block's coarseness: 64 at sensitivity 50, 255 at 1, 32 at 100. */
#define RW_COARSE_FLOOR(coarse) ((coarse)*5 / 4)             /* least threshold, 1/16 luma */
#define RW_COARSE_MULTIPLE(coarse) (2 * 256 + 16 * (coarse)) /* noise multiple, 1/256 */

enum { RW_PLACES_MAX = 255 };

struct rw_regions {
    uint8_t *coarse; /* one a block, owned */
    uint8_t *place;  /* one a block, owned: 0: nothing counts here; else index of zones */
    int places;
    uint16_t zones[RW_PLACES_MAX + 1]; /* bit i: in zone i */
    int line_count;
    struct rw_course {
        int x0, y0, x1, y1; /* 1/16 block */
    } lines[RW_LINES_MAX];
};

/* Smallest thing that counts in a block of this coarseness, blocks. */
int rw_coarse_least(int coarse);

/* Rasterises: a block belongs to a polygon when its centre is inside (even-odd rule), or when the
 * polygon is too small for any centre and its middle is in the block. Where zones overlap the
 * more sensitive one decides, where masks do the less sensitive. Aborts without memory. */
void rw_regions_init(struct rw_regions *regions, const struct rw_grid *grid,
                     const struct rw_motion_options *options);
void rw_regions_finish(struct rw_regions *regions);
