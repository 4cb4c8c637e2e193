#include "motion/shake.h"

#include <stddef.h>
#include <stdlib.h>

#include "motion/grid.h"
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

/* Slopes of a row of blocks, and its differences within bounds: what is summed. */
struct row {
    int16_t x[RW_GRID_COLS_MAX], y[RW_GRID_COLS_MAX], d[RW_GRID_COLS_MAX];
};

static inline int16_t within(int16_t value, int16_t limit)
{
    return (int16_t)(value < -limit ? -limit : value > limit ? limit : value);
}

/* Half the step over two blocks, luma. */
static inline int16_t slope(uint16_t from, uint16_t to)
{
    return within((int16_t)(((to >> 1) - (from >> 1)) >> 8), GRADIENT_MAX);
}

RW_VECTOR static void fill_row(struct row *restrict out, const uint16_t *restrict up,
                               const uint16_t *restrict row, const uint16_t *restrict down,
                               const int16_t *restrict difference, int cols)
{
    for (int x = 0; x < cols - 2; x++) {
        out->x[x] = slope(row[x], row[x + 2]);
        out->y[x] = slope(up[x + 1], down[x + 1]);
        out->d[x] = within(difference[x + 1], DIFFERENCE_MAX);
    }
}

RW_VECTOR static int sum_of_products(const int16_t *restrict a, const int16_t *restrict b,
                                     int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

RW_VECTOR static int sum_of_squares(const int16_t *a, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += a[i] * a[i];
    return sum;
}

static void add_row(struct sums *sums, const struct row *row, int count)
{
    sums->xx += sum_of_squares(row->x, count);
    sums->xy += sum_of_products(row->x, row->y, count);
    sums->yy += sum_of_squares(row->y, count);
    sums->xd += sum_of_products(row->x, row->d, count);
    sums->yd += sum_of_products(row->y, row->d, count);
    sums->dd += sum_of_squares(row->d, count);
}

struct rw_shake rw_shake_find(const uint16_t *mean, const int16_t *difference, int cols, int rows)
{
    struct sums s = {0};
    struct rw_shake none = {0, 0};
    if (cols < LEAST || rows < LEAST)
        return none;
    for (int y = 1; y < rows - 1; y++) {
        const uint16_t *at = mean + (ptrdiff_t)y * cols;
        struct row row;
        fill_row(&row, at - cols, at, at + cols, difference + (ptrdiff_t)y * cols, cols);
        add_row(&s, &row, cols - 2);
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
