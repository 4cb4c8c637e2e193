#include "motion/grid.h"

#include <stddef.h>
#include <string.h>

#include "motion/vector.h"

_Static_assert(RW_BLOCK_PIXELS == 8, "add_eight_rows() takes a whole block of rows");
/* a column of a block must fit 16 bits: 8 * ceil(8192 / 640) rows of 255 */
_Static_assert((RW_PICTURE_SIDE_MAX / RW_WATCH_WIDTH + 1) * RW_BLOCK_PIXELS * 255 <= UINT16_MAX,
               "column sums overflow");

int rw_grid_plan(struct rw_grid *grid, int width, int height)
{
    if (width < 1 || height < 1 || width > RW_PICTURE_SIDE_MAX || height > RW_PICTURE_SIDE_MAX)
        return -1;
    int factor = (width + RW_WATCH_WIDTH - 1) / RW_WATCH_WIDTH;
    grid->width = width;
    grid->height = height;
    grid->side = factor * RW_BLOCK_PIXELS;
    grid->cols = (width + grid->side - 1) / grid->side;
    grid->rows = (height + grid->side - 1) / grid->side;
    return 0;
}

RW_VECTOR static void add_eight_rows(uint16_t *restrict columns, const uint8_t *restrict at,
                                     int stride, int width)
{
    const uint8_t *a = at, *b = a + stride, *c = b + stride, *d = c + stride;
    const uint8_t *e = d + stride, *f = e + stride, *g = f + stride, *h = g + stride;

    for (int x = 0; x < width; x++)
        columns[x] = (uint16_t)(columns[x] + a[x] + b[x] + c[x] + d[x] + e[x] + f[x] + g[x] + h[x]);
}

RW_VECTOR static void add_row(uint16_t *restrict columns, const uint8_t *restrict at, int width)
{
    for (int x = 0; x < width; x++)
        columns[x] = (uint16_t)(columns[x] + at[x]);
}

/* 16 / pixels as a fraction of 2^32, so that a block needs no division. */
static uint64_t share_of(int pixels)
{
    return ((uint64_t)RW_LUMA_ONE << 32) / (uint64_t)pixels + 1;
}

RW_VECTOR static void sum_eights(const uint16_t *restrict columns, uint32_t *restrict sums,
                                 int count)
{
    for (int i = 0; i < count; i++) {
        const uint16_t *c = columns + i * 8;
        sums[i] = (uint32_t)(c[0] + c[1] + c[2] + c[3] + c[4] + c[5] + c[6] + c[7]);
    }
}

/* One row of blocks from its column sums; lines: how many rows of pixels are in them. */
static void average_row(const struct rw_grid *grid, const uint16_t *columns, int lines,
                        uint16_t *means)
{
    int side = grid->side;
    int whole = grid->width / side;
    uint64_t share = share_of(side * lines);
    uint32_t sums[RW_WATCH_WIDTH / RW_BLOCK_PIXELS];

    if (side == RW_BLOCK_PIXELS)
        sum_eights(columns, sums, whole);
    for (int i = 0; i < whole; i++) {
        uint32_t sum = side == RW_BLOCK_PIXELS ? sums[i] : 0;
        for (int x = 0; side != RW_BLOCK_PIXELS && x < side; x++)
            sum += columns[i * side + x];
        means[i] = (uint16_t)(sum * share >> 32);
    }
    if (whole < grid->cols) {
        uint32_t sum = 0;
        for (int x = whole * side; x < grid->width; x++)
            sum += columns[x];
        means[whole] = (uint16_t)(sum * share_of((grid->width - whole * side) * lines) >> 32);
    }
}

void rw_grid_means(const struct rw_grid *grid, const struct rw_luma *luma, uint16_t *columns,
                   uint16_t *means)
{
    for (int row = 0; row < grid->rows; row++) {
        int top = row * grid->side;
        int end = top + grid->side < grid->height ? top + grid->side : grid->height;
        int y = top;

        memset(columns, 0, (size_t)grid->width * sizeof *columns);
        for (; y + 8 <= end; y += 8)
            add_eight_rows(columns, luma->data + (ptrdiff_t)y * luma->stride, luma->stride,
                           grid->width);
        for (; y < end; y++)
            add_row(columns, luma->data + (ptrdiff_t)y * luma->stride, grid->width);
        average_row(grid, columns, end - top, means + (ptrdiff_t)row * grid->cols);
    }
}
