#include "motion/shake.h"

#include <stddef.h>
#include <stdlib.h>

#include "motion/vector.h"

enum {
    GRADIENT_MAX = 64,        /* luma a block */
    DIFFERENCE_MAX = 32 * 16, /* 1/16 luma */
    RIDGE = 1,                /* luma^2 a block: no answer from a picture without edges */
    EXPLAINED_PERCENT = 30,
    SHIFT_MAX = RW_SHAKE_ONE * 3 / 4,
    LEAST = 5, /* blocks a side */
};

/* Sums over blocks; g: gradient in luma, d: difference in 1/16 luma. */
struct sums {
    int64_t xx, xy, yy, xd, yd, dd;
};

static inline int within(int value, int limit)
{
    return value < -limit ? -limit : value > limit ? limit : value;
}

/* Half the step over two blocks, luma. */
static inline int slope(int from, int to)
{
    return within((to - from) / 512, GRADIENT_MAX);
}

RW_VECTOR static void add_row(struct sums *sums, const uint16_t *restrict up,
                              const uint16_t *restrict row, const uint16_t *restrict down,
                              const int16_t *restrict difference, int cols)
{
    int xx = 0, xy = 0, yy = 0, xd = 0, yd = 0, dd = 0;
    for (int x = 1; x < cols - 1; x++) {
        int gx = slope(row[x - 1], row[x + 1]), gy = slope(up[x], down[x]);
        int d = within(difference[x], DIFFERENCE_MAX);
        xx += gx * gx;
        xy += gx * gy;
        yy += gy * gy;
        xd += gx * d;
        yd += gy * d;
        dd += d * d;
    }
    sums->xx += xx;
    sums->xy += xy;
    sums->yy += yy;
    sums->xd += xd;
    sums->yd += yd;
    sums->dd += dd;
}

struct rw_shake rw_shake_find(const uint16_t *mean, const int16_t *difference, int cols, int rows)
{
    struct sums s = {0};
    struct rw_shake none = {0, 0};
    if (cols < LEAST || rows < LEAST)
        return none;
    for (int y = 1; y < rows - 1; y++) {
        const uint16_t *row = mean + (ptrdiff_t)y * cols;
        add_row(&s, row - cols, row, row + cols, difference + (ptrdiff_t)y * cols, cols);
    }
    int64_t ridge = (int64_t)RIDGE * cols * rows;
    int64_t xx = s.xx + ridge, yy = s.yy + ridge;
    int64_t determinant = xx * yy - s.xy * s.xy;
    /* difference = x * gx + y * gy, x and y in 1/16 blocks */
    int64_t x = yy * s.xd - s.xy * s.yd, y = xx * s.yd - s.xy * s.xd;
    int64_t scale = determinant / (RW_SHAKE_ONE / 16);
    if (scale <= 0)
        return none;
    int64_t fit_x = x / scale, fit_y = y / scale;
    int64_t explained = (fit_x * s.xd + fit_y * s.yd) / (RW_SHAKE_ONE / 16);
    if (explained * 100 < s.dd * EXPLAINED_PERCENT || llabs(fit_x) > SHIFT_MAX ||
        llabs(fit_y) > SHIFT_MAX)
        return none;
    return (struct rw_shake){(int)fit_x, (int)fit_y};
}

RW_VECTOR static void level_row(struct rw_shake shake, const uint16_t *restrict up,
                                const uint16_t *restrict row, const uint16_t *restrict down,
                                int16_t *restrict difference, int16_t *restrict taken, int cols)
{
    for (int x = 1; x < cols - 1; x++) {
        int gx = slope(row[x - 1], row[x + 1]), gy = slope(up[x], down[x]);
        int part = (gx * shake.x + gy * shake.y) / (RW_SHAKE_ONE / 16);
        difference[x] = (int16_t)(difference[x] - part);
        taken[x] = (int16_t)(taken[x] + part);
    }
}

void rw_shake_level(struct rw_shake shake, const uint16_t *mean, int cols, int rows,
                    int16_t *difference, int16_t *taken)
{
    if (!shake.x && !shake.y)
        return;
    for (int y = 1; y < rows - 1; y++) {
        ptrdiff_t at = (ptrdiff_t)y * cols;
        const uint16_t *row = mean + at;
        level_row(shake, row - cols, row, row + cols, difference + at, taken + at, cols);
    }
}

int rw_shake_size(struct rw_shake shake)
{
    int x = abs(shake.x), y = abs(shake.y);
    return x > y ? x + y / 2 : y + x / 2;
}
