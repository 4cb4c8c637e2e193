#include "motion/light.h"

#include "motion/memory.h"
#include "motion/vector.h"

enum {
    TILE = 10,                    /* blocks a side */
    TILE_LEAST = 5,               /* smaller grids have no local light */
    TILE_MAX = 20 * 20,           /* blocks in one tile, at most */
    LOCAL_MAX = 24 * RW_LUMA_ONE, /* more is a thing, not light */
    SAMPLE_STEP = 3,              /* every third block speaks for the gain */
    SAMPLE_LEAST = 24,
    DARK = 24 * RW_LUMA_ONE, /* below, noise and black level; above BRIGHT the sensor clips */
    BRIGHT = 235 * RW_LUMA_ONE,
    GAIN_LOW = RW_GAIN_ONE / 8,
    GAIN_HIGH = RW_GAIN_ONE * 8,
};

static int tiles_along(int blocks)
{
    return blocks < TILE_LEAST ? 0 : blocks < TILE ? 1 : (blocks + TILE / 2) / TILE;
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
    light->tiles = rw_zeroed(light->tile_rows * grid->cols + 1, sizeof *light->tiles);
    light->now = rw_zeroed(samples, sizeof *light->now);
    light->before = rw_zeroed(samples, sizeof *light->before);
}

void rw_light_finish(struct rw_light *light)
{
    free(light->tiles);
    free(light->now);
    free(light->before);
}

RW_VECTOR static int count_below(const int32_t *restrict now, const int32_t *restrict before,
                                 int count, int gain)
{
    int below = 0;
    for (int i = 0; i < count; i++)
        below += now[i] * RW_GAIN_ONE < before[i] * gain;
    return below;
}

int rw_light_gain(struct rw_light *light, const uint16_t *means, const uint16_t *background)
{
    int blocks = light->cols * light->rows;
    int count = 0;
    for (int i = 0; i < blocks; i += SAMPLE_STEP) {
        light->now[count] = means[i];
        light->before[count] = background[i] >> 4;
        count += means[i] > DARK && means[i] < BRIGHT && light->before[count] > DARK &&
                 light->before[count] < BRIGHT;
    }
    if (count < SAMPLE_LEAST)
        return RW_GAIN_ONE;

    /* The median of the ratios by bisection: no division, and it vectorises. */
    int low = GAIN_LOW, high = GAIN_HIGH;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (count_below(light->now, light->before, count, middle) * 2 > count)
            high = middle;
        else
            low = middle;
    }
    return high;
}

RW_VECTOR static int count_at_most(const int16_t *values, int count, int16_t limit)
{
    int16_t at_most = 0;
    for (int i = 0; i < count; i++)
        at_most = (int16_t)(at_most + (values[i] <= limit));
    return at_most;
}

/* The median, exact, for values within +-LOCAL_MAX; beyond, the limit. */
static int median(const int16_t *values, int count)
{
    int low = -LOCAL_MAX - 1, high = LOCAL_MAX;
    while (high - low > 1) {
        int middle = (low + high) >> 1;
        if (count_at_most(values, count, (int16_t)middle) * 2 > count)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static int tile_median(const struct rw_light *light, const int16_t *difference, int tile_col,
                       int tile_row)
{
    int left = tile_col * light->cols / light->tile_cols;
    int right = (tile_col + 1) * light->cols / light->tile_cols;
    int top = tile_row * light->rows / light->tile_rows;
    int bottom = (tile_row + 1) * light->rows / light->tile_rows;
    int16_t values[TILE_MAX];
    int count = 0;

    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            values[count++] = difference[y * light->cols + x];
    return median(values, count);
}

/* Where a block lies between two tile centres: the first tile, and the share of the second in
 * 1/256. Along one axis. Outside the outermost centres the line goes on. */
static int between(int block, int blocks, int tiles, int *share)
{
    int at = (2 * block + 1) * tiles * 128 / blocks - 128; /* 256 a tile, 0 at the first centre */
    int first = at < 0 ? 0 : at / 256 < tiles - 1 ? at / 256 : tiles - 2;
    *share = tiles == 1 ? 0 : at - first * 256;
    return tiles == 1 ? 0 : first;
}

static void lay_out_tile_row(struct rw_light *light, const int16_t *difference, int tile_row)
{
    int medians[RW_WATCH_WIDTH / RW_BLOCK_PIXELS];
    for (int i = 0; i < light->tile_cols; i++)
        medians[i] = tile_median(light, difference, i, tile_row);
    for (int x = 0; x < light->cols; x++) {
        int share;
        int first = between(x, light->cols, light->tile_cols, &share);
        int second = share ? medians[first + 1] : 0;
        light->tiles[tile_row * light->cols + x] =
            (int16_t)((medians[first] * (256 - share) + second * share) / 256);
    }
}

RW_VECTOR static void level_row(const int16_t *restrict up, const int16_t *restrict down, int share,
                                int cols, int16_t *restrict difference, int16_t *restrict local)
{
    for (int x = 0; x < cols; x++) {
        int light = (up[x] * (256 - share) + down[x] * share) / 256;
        light = light > LOCAL_MAX ? LOCAL_MAX : light < -LOCAL_MAX ? -LOCAL_MAX : light;
        local[x] = (int16_t)light;
        difference[x] = (int16_t)(difference[x] - light);
    }
}

void rw_light_level(struct rw_light *light, int16_t *difference, int16_t *local)
{
    for (int i = 0; i < light->tile_rows; i++)
        lay_out_tile_row(light, difference, i);
    for (int y = 0; light->tile_rows && y < light->rows; y++) {
        int share, at = y * light->cols;
        int first = between(y, light->rows, light->tile_rows, &share);
        const int16_t *up = light->tiles + first * light->cols;
        const int16_t *down = share ? up + light->cols : up;
        level_row(up, down, share, light->cols, difference + at, local + at);
    }
}
