#include "motion/grid.h"

#include <stddef.h>
#include <string.h>

#include "motion/vector.h"

enum { EIGHTS_MAX = RW_PICTURE_SIDE_MAX / RW_BLOCK_PIXELS };

enum { ROWS_MAX = 512 };

_Static_assert(RW_BLOCK_PIXELS == 8, "add_rows() takes eight rows, add_eights() eight columns");
/* a pair of columns of a block must fit 16 bits: 2 * 8 * ceil(8192 / 640) rows of 255 */
_Static_assert((RW_PICTURE_SIDE_MAX / RW_WATCH_WIDTH + 1) * RW_BLOCK_PIXELS * 2 * 255 <= UINT16_MAX,
               "sums of pairs overflow");

_Static_assert(RW_GRID_COLS_MAX *ROWS_MAX <= UINT16_MAX, "a block has a 16-bit number");

int rw_grid_plan(struct rw_grid *grid, int width, int height)
{
    if (width < 1 || height < 1 || width > RW_PICTURE_SIDE_MAX || height > RW_PICTURE_SIDE_MAX)
        return -1;
    int factor = (width + RW_WATCH_WIDTH / 2) / RW_WATCH_WIDTH;
    int tall = (height + ROWS_MAX * RW_BLOCK_PIXELS - 1) / (ROWS_MAX * RW_BLOCK_PIXELS);
    factor = factor > tall ? factor : tall; /* at least 1 */
    grid->width = width;
    grid->height = height;
    grid->side = factor * RW_BLOCK_PIXELS;
    grid->cols = (width + grid->side - 1) / grid->side;
    grid->rows = (height + grid->side - 1) / grid->side;
    return 0;
}

/* Two neighbouring pixels as one number. Which of them is its upper half is the machine's. */
static inline uint16_t pair_at(const uint8_t *row, int pair)
{
    uint16_t both;
    memcpy(&both, row + 2 * pair, sizeof both);
    return both;
}

/* Adds eight rows. No pixel is widened on its own: the upper halves are summed, and the pairs
 * whole, modulo 2^16; what that is more than 256 times the uppers is the lower halves. */
RW_VECTOR static void add_eight_rows(uint16_t *restrict pairs, const uint8_t *restrict at,
                                     int stride, int count)
{
    const uint8_t *a = at, *b = a + stride, *c = b + stride, *d = c + stride;
    const uint8_t *e = d + stride, *f = e + stride, *g = f + stride, *h = g + stride;

    for (int i = 0; i < count; i++) {
        uint16_t p = pair_at(a, i), q = pair_at(b, i), r = pair_at(c, i), s = pair_at(d, i);
        uint16_t t = pair_at(e, i), u = pair_at(f, i), v = pair_at(g, i), w = pair_at(h, i);
        uint16_t all = (uint16_t)(p + q + r + s + t + u + v + w);
        uint16_t upper = (uint16_t)((p >> 8) + (q >> 8) + (r >> 8) + (s >> 8) + (t >> 8) +
                                    (u >> 8) + (v >> 8) + (w >> 8));
        pairs[i] = (uint16_t)(pairs[i] + upper + (uint16_t)(all - (upper << 8)));
    }
}

static void add_row(uint16_t *restrict pairs, const uint8_t *restrict row, int count)
{
    for (int i = 0; i < count; i++)
        pairs[i] = (uint16_t)(pairs[i] + row[2 * i] + row[2 * i + 1]);
}

/* The rows of pixels from top to end, as sums of two columns. Of an odd width the last sum is one
 * column. */
static void add_rows(const struct rw_luma *luma, int top, int end, uint16_t *pairs)
{
    int whole = luma->width / 2, y = top;

    memset(pairs, 0, (size_t)(luma->width + 1) / 2 * sizeof *pairs);
    for (; y + 8 <= end; y += 8)
        add_eight_rows(pairs, luma->data + (ptrdiff_t)y * luma->stride, luma->stride, whole);
    for (; y < end; y++)
        add_row(pairs, luma->data + (ptrdiff_t)y * luma->stride, whole);
    for (y = top; luma->width & 1 && y < end; y++)
        pairs[whole] =
            (uint16_t)(pairs[whole] + luma->data[(ptrdiff_t)y * luma->stride + luma->width - 1]);
}

/* Four sums of pairs are one number of 64 bits, whose quarters are added. */
RW_VECTOR static void add_pairs(const uint16_t *restrict pairs, uint32_t *restrict eights,
                                int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t four;
        memcpy(&four, pairs + 4 * i, sizeof four);
        four = (four & UINT64_C(0x0000ffff0000ffff)) + (four >> 16 & UINT64_C(0x0000ffff0000ffff));
        eights[i] = (uint32_t)(four + (four >> 32));
    }
}

RW_VECTOR static void average_eights(const uint32_t *restrict eights, uint16_t *restrict means,
                                     int count)
{
    for (int i = 0; i < count; i++)
        means[i] = (uint16_t)(eights[i] / (RW_BLOCK_PIXELS * RW_BLOCK_PIXELS / RW_LUMA_ONE));
}

/* 16 / pixels as a fraction of 2^32, so that a block needs no division. */
static uint64_t share_of(int pixels)
{
    return ((uint64_t)RW_LUMA_ONE << 32) / (uint64_t)pixels + 1;
}

/* One row of blocks; lines: how many rows of pixels are in the sums. */
static void average_row(const struct rw_grid *grid, const uint16_t *pairs, int lines,
                        uint16_t *means)
{
    int side = grid->side, factor = side / RW_BLOCK_PIXELS;
    int whole = grid->width / side;
    uint32_t eights[EIGHTS_MAX];

    add_pairs(pairs, eights, whole * factor);
    if (side * lines == RW_BLOCK_PIXELS * RW_BLOCK_PIXELS)
        average_eights(eights, means, whole);
    uint64_t share = share_of(side * lines);
    for (int i = 0; side * lines != RW_BLOCK_PIXELS * RW_BLOCK_PIXELS && i < whole; i++) {
        uint32_t sum = 0;
        for (int k = 0; k < factor; k++)
            sum += eights[i * factor + k];
        means[i] = (uint16_t)(sum * share >> 32);
    }
    if (whole < grid->cols) {
        uint32_t sum = 0;
        for (int i = whole * side / 2; i < (grid->width + 1) / 2; i++)
            sum += pairs[i];
        means[whole] = (uint16_t)(sum * share_of((grid->width - whole * side) * lines) >> 32);
    }
}

void rw_grid_means(const struct rw_grid *grid, const struct rw_luma *luma, uint16_t *pairs,
                   uint16_t *means)
{
    for (int row = 0; row < grid->rows; row++) {
        int top = row * grid->side;
        int end = top + grid->side < grid->height ? top + grid->side : grid->height;

        add_rows(luma, top, end, pairs);
        average_row(grid, pairs, end - top, means + (ptrdiff_t)row * grid->cols);
    }
}
