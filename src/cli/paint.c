#include "cli/paint.h"

#include <stdlib.h>
#include <string.h>

#include "cli/font.h"

enum { TEXT_MAX = 160, EDGE = 170 };

static uint8_t clamp_byte(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

/* ITU-R BT.601, limited range. */
struct rw_colour rw_colour_of(int red, int green, int blue)
{
    double y = 0.299 * red + 0.587 * green + 0.114 * blue;
    return (struct rw_colour){.y = clamp_byte(16 + y * 219 / 255),
                              .cb = clamp_byte(128 + (blue - y) / 1.772 * 224 / 255),
                              .cr = clamp_byte(128 + (red - y) / 1.402 * 224 / 255)};
}

static int within(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void fill_plane(struct rw_canvas *canvas, int plane, int x0, int y0, int x1, int y1,
                       uint8_t value, int strength)
{
    for (int y = y0; y < y1; y++) {
        uint8_t *row = canvas->plane[plane] + (ptrdiff_t)y * canvas->stride[plane];
        for (int x = x0; x < x1; x++)
            row[x] = (uint8_t)(row[x] + ((value - row[x]) * strength) / RW_OPAQUE);
    }
}

void rw_paint_fill(struct rw_canvas *canvas, int x, int y, int w, int h, struct rw_colour colour,
                   int strength)
{
    int x0 = within(x, 0, canvas->width), y0 = within(y, 0, canvas->height);
    int x1 = within(x + w, x0, canvas->width), y1 = within(y + h, y0, canvas->height);
    if (x1 == x0 || y1 == y0)
        return;
    fill_plane(canvas, 0, x0, y0, x1, y1, colour.y, strength);
    fill_plane(canvas, 1, x0 / 2, y0 / 2, (x1 + 1) / 2, (y1 + 1) / 2, colour.cb, strength);
    fill_plane(canvas, 2, x0 / 2, y0 / 2, (x1 + 1) / 2, (y1 + 1) / 2, colour.cr, strength);
}

void rw_paint_box(struct rw_canvas *canvas, int x, int y, int w, int h, int thickness,
                  struct rw_colour colour)
{
    rw_paint_fill(canvas, x, y, w, thickness, colour, RW_OPAQUE);
    rw_paint_fill(canvas, x, y + h - thickness, w, thickness, colour, RW_OPAQUE);
    rw_paint_fill(canvas, x, y, thickness, h, colour, RW_OPAQUE);
    rw_paint_fill(canvas, x + w - thickness, y, thickness, h, colour, RW_OPAQUE);
}

void rw_paint_line(struct rw_canvas *canvas, int x0, int y0, int x1, int y1, int thickness,
                   struct rw_colour colour)
{
    int dx = x1 - x0, dy = y1 - y0, steps = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    for (int i = 0; i <= steps; i++) {
        int x = x0 + (int)(steps ? (int64_t)dx * i / steps : 0);
        int y = y0 + (int)(steps ? (int64_t)dy * i / steps : 0);
        rw_paint_fill(canvas, x - thickness / 2, y - thickness / 2, thickness, thickness, colour,
                      RW_OPAQUE);
    }
}

static void paint_letter(struct rw_canvas *canvas, int x, int y, int scale, struct rw_colour colour,
                         char letter)
{
    const uint8_t *rows = rw_font_rows(letter);
    for (int row = 0; row < RW_FONT_ROWS; row++)
        for (int col = 0; col < RW_FONT_COLS; col++)
            if (rows[row] >> (RW_FONT_COLS - 1 - col) & 1)
                rw_paint_fill(canvas, x + col * scale, y + row * scale, scale, scale, colour,
                              RW_OPAQUE);
}

int rw_paint_text(struct rw_canvas *canvas, int x, int y, int scale, struct rw_colour colour,
                  const char *text)
{
    char letters[TEXT_MAX];
    rw_font_plain(text, letters, sizeof letters);
    int width = (int)strlen(letters) * RW_FONT_ADVANCE * scale;
    rw_paint_fill(canvas, x - scale, y - scale, width + scale, (RW_FONT_ROWS + 1) * scale,
                  rw_colour_of(0, 0, 0), EDGE);
    for (int i = 0; letters[i]; i++)
        paint_letter(canvas, x + i * RW_FONT_ADVANCE * scale, y, scale, colour, letters[i]);
    return x + width;
}

int rw_paint_text_width(int scale, const char *text)
{
    char letters[TEXT_MAX];
    rw_font_plain(text, letters, sizeof letters);
    return (int)strlen(letters) * RW_FONT_ADVANCE * scale;
}
