/* Connected components: which foreground blocks hang together (8-connected; Rosenfeld and Pfaltz,
 * 1966, here as a flood fill). Weak blocks join strong ones (hysteresis, Canny 1986) but only
 * strong, watched ones are measured. */
#pragma once

#include <stdint.h>

#include "motion/background.h"

enum { RW_BLOBS_MAX = 64, RW_BLOB_TINY = 4 /* blocks; smaller or equal: weather */ };

struct rw_blob {
    int area;                     /* blocks */
    int alive;                    /* blocks that differ from a moment ago */
    int left, top, right, bottom; /* blocks, right and bottom outside */
    int x, y;                     /* centre weighted by difference, 1/16 block */
    int contrast;                 /* mean difference / threshold, 1/16, at most 16 */
    uint16_t zones;
    bool cut;  /* touches the picture's edge */
    bool vast; /* its box is more than half of the picture */
    bool soft; /* fades out on all sides: light, fog, something far out of focus */
};

struct rw_blobs {
    int count; /* at most RW_BLOBS_MAX: where there are more, the largest */
    struct rw_blob blob[RW_BLOBS_MAX];
    int tiny; /* components of at most RW_BLOB_TINY blocks, kept or not */
};

/* stack: scratch of cols * rows. extra: blocks that weather adds to the smallest thing. Clears
 * the flags. */
void rw_blobs_find(struct rw_blobs *blobs, struct rw_background *background,
                   const struct rw_regions *regions, int extra, uint16_t *stack);
