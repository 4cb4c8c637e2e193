/* Shapes that several rooms share. */
#pragma once

#include <stdint.h>

/* Luma, full or limited range: height rows of stride bytes, of which width are picture.
 * Borrowed: valid as long as whoever handed it out says. */
struct rw_luma {
    const uint8_t *data;
    int width, height, stride;
};

/* Fractions of the picture, 0 to 1, origin top left. w == 0: no box. */
struct rw_box {
    float x, y, w, h;
};

struct rw_point {
    float x, y; /* fractions */
};
