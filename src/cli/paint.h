/* Drawing on a canvas. All coordinates are its pixels, from the top left; what lies outside is cut
 * off. */
#pragma once

#include "media/canvas.h"

struct rw_colour {
    uint8_t y, cb, cr;
};
/* From red, green, blue, 0 to 255 each. */
struct rw_colour rw_colour_of(int red, int green, int blue);

enum { RW_OPAQUE = 256 };
/* strength: 0 leaves what is there, RW_OPAQUE covers it. */
void rw_paint_fill(struct rw_canvas *canvas, int x, int y, int w, int h, struct rw_colour colour,
                   int strength);
/* The outline of a box, thickness pixels inwards. */
void rw_paint_box(struct rw_canvas *canvas, int x, int y, int w, int h, int thickness,
                  struct rw_colour colour);
void rw_paint_line(struct rw_canvas *canvas, int x0, int y0, int x1, int y1, int thickness,
                   struct rw_colour colour);
/* One line of UTF-8 with a dark edge that makes it readable on anything; each dot of the font as
 * scale x scale. Returns where it ends. */
int rw_paint_text(struct rw_canvas *canvas, int x, int y, int scale, struct rw_colour colour,
                  const char *text);
int rw_paint_text_width(int scale, const char *text); /* pixels */
