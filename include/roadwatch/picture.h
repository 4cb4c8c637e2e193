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

/* The smallest box around two; one that is none (w == 0) adds nothing. */
static inline struct rw_box rw_box_around(struct rw_box a, struct rw_box b)
{
    if (!(a.w > 0))
        return b;
    if (!(b.w > 0))
        return a;
    float right = a.x + a.w > b.x + b.w ? a.x + a.w : b.x + b.w;
    float bottom = a.y + a.h > b.y + b.h ? a.y + a.h : b.y + b.h;
    float x = a.x < b.x ? a.x : b.x, y = a.y < b.y ? a.y : b.y;
    return (struct rw_box){x, y, right - x, bottom - y};
}

struct rw_point {
    float x, y; /* fractions */
};
