#include "motion/light.h"

#include <stdbool.h>
#include <string.h>

#include "motion/memory.h"
#include "motion/vector.h"

enum {
    TILE = 10,                    /* blocks a side */
    TILE_LEAST = 5,               /* smaller grids have no local light */
    TILE_MAX = 20 * 20,           /* blocks in one tile, at most */
    LOCAL_MAX = 24 * RW_LUMA_ONE, /* more is a thing, not light */
    REACH = 512,                  /* where medians are looked for: all that may be one */
    REACH_NEAR = RW_LUMA_ONE / 2, /* and where they mostly are */
    SAMPLE_STEP = 3,              /* every third block speaks for the gain */
    SAMPLE_LEAST = 24,
    DARK = 24 * RW_LUMA_ONE, /* below, noise and black level; above BRIGHT the sensor clips */
    BRIGHT = 235 * RW_LUMA_ONE,
    GAIN_LOW = RW_GAIN_ONE / 8,
    GAIN_HIGH = RW_GAIN_ONE * 8,
    TILES_MAX = RW_GRID_COLS_MAX / TILE + 1, /* along a row */
    LANES = 32, /* loops go over a multiple of it: no vector is longer, nothing is left over */
};

enum { VALUES_MAX = (TILE_MAX + LANES - 1) / LANES * LANES };

_Static_assert(REACH >= LOCAL_MAX, "the limits can be found");
_Static_assert((int64_t)GAIN_HIGH *BRIGHT <= INT32_MAX, "a sample times a gain fits 32 bits");

static int padded(int count)
{
    return (count + LANES - 1) / LANES * LANES;
}

static int tiles_along(int blocks)
{
    return blocks < TILE_LEAST ? 0 : blocks < TILE ? 1 : (blocks + TILE / 2) / TILE;
}

/* Of one of the blocks along an axis: 256 a tile, 0 at the first centre. */
static struct rw_between between(int block, int blocks, int tiles)
{
    int at = (2 * block + 1) * tiles * 128 / blocks - 128;
    int first = at < 0 ? 0 : at / 256 < tiles - 1 ? at / 256 : tiles - 2;
    if (tiles == 1)
        return (struct rw_between){0, 0};
    return (struct rw_between){(int16_t)first, (int16_t)(at - first * 256)};
}

void rw_light_init(struct rw_light *light, const struct rw_grid *grid)
{
    int samples = grid->cols * grid->rows / SAMPLE_STEP + 1;

    light->cols = grid->cols;
    light->rows = grid->rows;
    light->tile_cols = tiles_along(grid->cols);
    light->tile_rows = tiles_along(grid->rows);
    if (!light->tile_cols || !light->tile_rows)
        light->tile_cols = light->tile_rows = 0;
    light->columns = rw_zeroed(grid->cols, sizeof *light->columns);
    for (int x = 0; light->tile_cols && x < grid->cols; x++)
        light->columns[x] = between(x, grid->cols, light->tile_cols);
    light->tiles = rw_zeroed(light->tile_rows * grid->cols + 1, sizeof *light->tiles);
    light->now = rw_zeroed(padded(samples), sizeof *light->now);
    light->before = rw_zeroed(padded(samples), sizeof *light->before);
}

void rw_light_finish(struct rw_light *light)
{
    free(light->columns);
    free(light->tiles);
    free(light->now);
    free(light->before);
}

/* The samples whose ratio is below the gain. */
RW_VECTOR static int count_below(const uint16_t *restrict now, const uint16_t *restrict before,
                                 int count, uint16_t gain)
{
    int below = 0;
    for (int i = 0; i < count; i++)
        below += now[i] * RW_GAIN_ONE < before[i] * gain;
    return below;
}

static bool is_good_sample(int luma)
{
    return luma > DARK && luma < BRIGHT;
}

static int take_samples(struct rw_light *light, const uint16_t *means, const uint16_t *background)
{
    uint16_t *restrict now = light->now, *restrict before = light->before;
    int blocks = light->cols * light->rows;
    int count = 0;
    for (int i = 0; i < blocks; i += SAMPLE_STEP) {
        int luma = means[i], luma_before = background[i] >> 4;
        now[count] = (uint16_t)luma;
        before[count] = (uint16_t)luma_before;
        count += is_good_sample(luma) & is_good_sample(luma_before);
    }
    for (int i = count; i < padded(count); i++)
        now[i] = before[i] = 0; /* below no gain */
    return count;
}

/* Most ratios are below it. The samples lie there up to a multiple of LANES. */
static bool is_above_median(const struct rw_light *light, int count, int gain)
{
    return count_below(light->now, light->before, padded(count), (uint16_t)gain) * 2 > count;
}

int rw_light_gain(struct rw_light *light, const uint16_t *means, const uint16_t *background)
{
    int count = take_samples(light, means, background);
    if (count < SAMPLE_LEAST)
        return RW_GAIN_ONE;
    /* The median of the ratios by bisection: no division, and it vectorises. */
    int low = GAIN_LOW, high = GAIN_HIGH;
    if (!is_above_median(light, count, RW_GAIN_ONE + RW_GAIN_SLACK))
        low = RW_GAIN_ONE + RW_GAIN_SLACK;
    else if (is_above_median(light, count, RW_GAIN_ONE - RW_GAIN_SLACK - 1))
        high = RW_GAIN_ONE - RW_GAIN_SLACK - 1;
    else
        return RW_GAIN_ONE;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (is_above_median(light, count, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static inline bool most_are_at_most(const int16_t *values, int lines, int count, int limit)
{
    int16_t at_most = 0;
    for (int i = 0; i < lines * LANES; i++)
        at_most = (int16_t)(at_most + (values[i] <= (int16_t)limit));
    return at_most * 2 > count;
}

/* The median, if it is in -reach + 1 .. reach, a power of two. No branch: where it lies is chance.
 */
static inline int search(const int16_t *values, int lines, int count, int reach)
{
    int below = -reach;
    for (int step = reach; step; step /= 2)
        below += step * !most_are_at_most(values, lines, count, below + step);
    return below + 1;
}

/* The median of the first count values, exact within +-LOCAL_MAX; beyond, the limit. From there to
 * a multiple of LANES the values are larger than REACH. */
RW_VECTOR static int median(const int16_t *values, int count)
{
    int lines = (count + LANES - 1) / LANES;
    if (most_are_at_most(values, lines, count, REACH_NEAR) &&
        !most_are_at_most(values, lines, count, -REACH_NEAR))
        return search(values, lines, count, REACH_NEAR);
    int middle = search(values, lines, count, REACH);
    return middle > LOCAL_MAX ? LOCAL_MAX : middle < -LOCAL_MAX ? -LOCAL_MAX : middle;
}

_Static_assert(TILE_LEAST >= 4, "a row of a tile has four blocks");

static inline void copy_four(int16_t *to, const int16_t *from, int at)
{
    memcpy(to + at, from + at, 4 * sizeof *to);
}

/* The differences of one tile, one row of it after the other, then values larger than any median.
 * Returns how many of them count. */
static int gather_tile(const struct rw_light *light, const int16_t *difference, int tile_col,
                       int tile_row, int16_t values[VALUES_MAX])
{
    int left = tile_col * light->cols / light->tile_cols;
    int width = (tile_col + 1) * light->cols / light->tile_cols - left;
    int top = tile_row * light->rows / light->tile_rows;
    int bottom = (tile_row + 1) * light->rows / light->tile_rows;
    int last = width - 4, second = last < 4 ? last : 4, third = last < 8 ? last : 8;
    int count = 0;

    /* Fours that overlap where the tile is narrower than sixteen: no row is copied in a loop. */
    for (int y = top; y < bottom; y++, count += width) {
        const int16_t *from = difference + y * light->cols + left;
        copy_four(values + count, from, 0);
        copy_four(values + count, from, second);
        copy_four(values + count, from, third);
        copy_four(values + count, from, last);
    }
    for (int i = count; i < padded(count); i++)
        values[i] = INT16_MAX;
    return count;
}

static void find_medians(const struct rw_light *light, const int16_t *difference, int tile_row,
                         int medians[TILES_MAX])
{
    int16_t values[2][VALUES_MAX];
    int count[2];

    /* The next tile is gathered before this one's median is looked for: vectors cannot be loaded
     * from where shorter words are still on their way to memory. */
    count[0] = gather_tile(light, difference, 0, tile_row, values[0]);
    for (int i = 0; i < light->tile_cols; i++) {
        int now = i & 1, next = !now;
        if (i + 1 < light->tile_cols)
            count[next] = gather_tile(light, difference, i + 1, tile_row, values[next]);
        medians[i] = median(values[now], count[now]);
    }
}

static void lay_out_tile_row(struct rw_light *light, const int16_t *difference, int tile_row)
{
    int medians[TILES_MAX];
    find_medians(light, difference, tile_row, medians);
    for (int x = 0; x < light->cols; x++) {
        struct rw_between at = light->columns[x];
        int second = at.share ? medians[at.first + 1] : 0;
        light->tiles[tile_row * light->cols + x] =
            (int16_t)((medians[at.first] * (256 - at.share) + second * at.share) / 256);
    }
}

/* Shares of 256. */
RW_VECTOR static void level_row(const int16_t *restrict up, const int16_t *restrict down,
                                int16_t share_up, int16_t share_down, int cols,
                                int16_t *restrict difference, int16_t *restrict local)
{
    for (int x = 0; x < cols; x++) {
        int16_t light = (int16_t)((up[x] * share_up + down[x] * share_down) / 256);
        light = light > LOCAL_MAX ? LOCAL_MAX : light;
        light = light < -LOCAL_MAX ? -LOCAL_MAX : light;
        local[x] = light;
        difference[x] = (int16_t)(difference[x] - light);
    }
}

void rw_light_level(struct rw_light *light, int16_t *difference, int16_t *local)
{
    for (int i = 0; i < light->tile_rows; i++)
        lay_out_tile_row(light, difference, i);
    for (int y = 0; light->tile_rows && y < light->rows; y++) {
        int at = y * light->cols;
        struct rw_between row = between(y, light->rows, light->tile_rows);
        const int16_t *up = light->tiles + row.first * light->cols;
        const int16_t *down = row.share ? up + light->cols : up;
        level_row(up, down, (int16_t)(256 - row.share), row.share, light->cols, difference + at,
                  local + at);
    }
}
