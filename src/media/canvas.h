/* A picture to draw on: 4:2:0, 8 bits, limited range (ITU-R BT.601), both sides even. */
#pragma once

#include "media/decode.h"

struct rw_canvas {
    int width, height; /* pixels */
    uint8_t *plane[3]; /* owned: Y, then Cb and Cr with half the rows of half the samples */
    int stride[3];     /* bytes from row to row */
};

/* Black. Odd sides grow by a pixel. Aborts without memory. */
struct rw_canvas *rw_canvas_create(int width, int height);
void rw_canvas_destroy(struct rw_canvas *canvas); /* takes NULL */
/* Puts the picture into the top left corner, each of its pixels as scale x scale (1 or more). What
 * does not fit is cut off, what it does not cover stays. */
void rw_canvas_show(struct rw_canvas *canvas, const struct rw_picture *picture, int scale);
