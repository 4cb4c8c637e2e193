/* After the exposure moved, one gain is not all: the sky had been clipped, shadows lift, the camera
 * bends its curve. Within one band of brightness everything moves alike, so each band's median
 * difference is light (the idea of histogram matching; Gonzalez and Woods, 3.3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RW_TONE_BANDS = 16 };

struct rw_tone {
    int16_t shift[RW_TONE_BANDS + 1]; /* at the bands' edges, 1/256 luma */
};

/* means: 1/16 luma; background: 1/256 luma; count of both. False when the bands do not move as one:
 * it was no exposure but a lamp that lights a part of the picture. */
bool rw_tone_find(struct rw_tone *tone, const uint16_t *means, const uint16_t *background,
                  int count);
void rw_tone_shift(const struct rw_tone *tone, uint16_t *background, int count);
