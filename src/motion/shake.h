/* A pole in the wind: the whole picture moves by a part of a block, and every edge in it differs
 * from the background. One displacement for the picture by least squares over the gradients of the
 * background (Lucas and Kanade, IJCAI 1981), taken only when it explains a good part of all the
 * differences: a thing that moves does not. */
#pragma once

#include <stdint.h>

enum { RW_SHAKE_ONE = 64 };

struct rw_shake {
    int x, y; /* RW_SHAKE_ONE: a block; both 0: it stands still */
};

/* mean: background, 1/256 luma; difference: 1/16 luma; cols * rows both. */
struct rw_shake rw_shake_find(const uint16_t *mean, const int16_t *difference, int cols, int rows);
/* Takes what the displacement explains out of difference and adds it to taken, both 1/16 luma. */
void rw_shake_level(struct rw_shake shake, const uint16_t *mean, int cols, int rows,
                    int16_t *difference, int16_t *taken);
/* How far, RW_SHAKE_ONE: a block. */
int rw_shake_size(struct rw_shake shake);
