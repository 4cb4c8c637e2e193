#include "motion/background.h"

#include <string.h>

#include "motion/memory.h"
#include "motion/vector.h"

enum {
    LEARN_US = 2500000,      /* quick learning after a start */
    MEAN_QUIET_US = 1070000, /* time constants */
    MEAN_MOVING_US = 4300000,
    SPREAD_QUIET_US = 1600000,
    SPREAD_MOVING_US = 6400000,
    RECENT_US = 300000,
    RATE_ONE = 65536,
    RATE_MAX = RATE_ONE / 4,
    SPREAD_FIRST = 4096 * 3 / 2,   /* 1.5 luma until better is known */
    SPREAD_MAX = 8 * RW_LUMA_ONE,  /* one picture's say, 1/16 luma */
    GAIN_SLACK = RW_GAIN_ONE / 64, /* smaller steps are left to the local light */
    CHANGED_PERCENT = 45,
    WHITE = 255 * RW_LUMA_ONE,
    JUMP = RW_GAIN_ONE / 8, /* of the gain, in one picture */
};

/* Shares of RATE_ONE by which one picture moves the state. */
struct rates {
    int mean_quiet, mean_moving, spread_quiet, spread_moving, recent;
};

void rw_background_init(struct rw_background *background, const struct rw_grid *grid)
{
    int count = grid->cols * grid->rows;

    memset(background, 0, sizeof *background);
    background->count = count;
    background->cols = grid->cols;
    background->rows = grid->rows;
    background->mean = rw_zeroed(count, sizeof *background->mean);
    background->spread = rw_zeroed(count, sizeof *background->spread);
    background->recent = rw_zeroed(count, sizeof *background->recent);
    background->difference = rw_zeroed(count, sizeof *background->difference);
    background->threshold = rw_zeroed(count, sizeof *background->threshold);
    background->flags = rw_zeroed(count, sizeof *background->flags);
    background->before = rw_zeroed(count, sizeof *background->before);
    background->local = rw_zeroed(count, sizeof *background->local);
    for (int i = 0; i < count; i++)
        background->spread[i] = SPREAD_FIRST;
    rw_light_init(&background->light, grid);
}

void rw_background_finish(struct rw_background *background)
{
    free(background->mean);
    free(background->spread);
    free(background->recent);
    free(background->difference);
    free(background->threshold);
    free(background->flags);
    free(background->before);
    free(background->local);
    rw_light_finish(&background->light);
}

void rw_background_forget(struct rw_background *background)
{
    background->started = false;
}

bool rw_background_learning(const struct rw_background *background)
{
    return background->learned_us < LEARN_US;
}

/* The picture is the background. */
static void take(struct rw_background *background, const uint16_t *means)
{
    for (int i = 0; i < background->count; i++)
        background->mean[i] = means[i] << 8;
    memset(background->recent, 0, (size_t)background->count * sizeof *background->recent);
    memset(background->flags, 0, (size_t)background->count);
    background->started = true;
    background->learned_us = 0;
}

static int rate(int step_us, int constant_us)
{
    int64_t share = (int64_t)RATE_ONE * step_us / constant_us;
    return share > RATE_MAX ? RATE_MAX : (int)share;
}

static struct rates plan_rates(const struct rw_background *background, int step_us)
{
    struct rates rates = {
        .mean_quiet = rate(step_us, MEAN_QUIET_US),
        .mean_moving = rate(step_us, MEAN_MOVING_US),
        .spread_quiet = rate(step_us, SPREAD_QUIET_US),
        .spread_moving = rate(step_us, SPREAD_MOVING_US),
        .recent = rate(step_us, RECENT_US),
    };
    /* A plain mean over all pictures since the start, until the running mean is as slow. Where
     * something moves half of that, which still forgets whoever stood in the first picture. */
    if (rw_background_learning(background)) {
        int mean = rate(step_us, (int)background->learned_us + step_us);
        rates.mean_quiet = mean > rates.mean_quiet ? mean : rates.mean_quiet;
        rates.mean_moving = mean / 2 > rates.mean_moving ? mean / 2 : rates.mean_moving;
    }
    return rates;
}

RW_VECTOR static void scale(int32_t *mean, int count, int gain)
{
    for (int i = 0; i < count; i++) {
        int32_t scaled = (mean[i] >> 4) * gain / (RW_GAIN_ONE >> 4);
        mean[i] = scaled > WHITE << 8 ? WHITE << 8 : scaled;
    }
}

RW_VECTOR static void subtract(const uint16_t *restrict means, const int32_t *restrict mean,
                               int16_t *restrict difference, int count)
{
    for (int i = 0; i < count; i++)
        difference[i] = (int16_t)(means[i] - (mean[i] >> 8));
}

static inline int absolute(int value)
{
    return value < 0 ? -value : value;
}

static inline int larger(int a, int b)
{
    return a > b ? a : b;
}

/* The largest step of the background from each block of a row to its four neighbours, 1/16 luma.
 * up and down are the row itself at the picture's edges. */
RW_VECTOR static void steps_of_row(const int32_t *restrict up, const int32_t *restrict row,
                                   const int32_t *restrict down, int cols, int16_t *restrict steps)
{
    for (int x = 0; x < cols; x++)
        steps[x] = (int16_t)(larger(absolute(row[x] - up[x]), absolute(row[x] - down[x])) >> 8);
    for (int x = 0; x < cols - 1; x++)
        steps[x] = (int16_t)larger(steps[x], absolute(row[x] - row[x + 1]) >> 8);
    for (int x = 1; x < cols; x++)
        steps[x] = (int16_t)larger(steps[x], absolute(row[x] - row[x - 1]) >> 8);
}

RW_VECTOR static void add_noise(int16_t *restrict threshold, const uint16_t *restrict spread,
                                const uint16_t *restrict floor, const uint16_t *restrict multiple,
                                int count)
{
    for (int i = 0; i < count; i++) {
        int noise = (spread[i] * multiple[i]) >> 16;
        threshold[i] = (int16_t)(larger(noise, floor[i]) + threshold[i] / 6);
    }
}

static void find_thresholds(struct rw_background *background, const struct rw_regions *regions)
{
    int cols = background->cols, rows = background->rows;
    for (int y = 0; y < rows; y++) {
        const int32_t *row = background->mean + y * cols;
        steps_of_row(y ? row - cols : row, row, y < rows - 1 ? row + cols : row, cols,
                     background->threshold + y * cols);
    }
    add_noise(background->threshold, background->spread, regions->floor, regions->multiple,
              background->count);
}

RW_VECTOR static int find_flags(const int16_t *restrict difference,
                                const int16_t *restrict threshold, const int16_t *restrict recent,
                                uint8_t *restrict flags, int count)
{
    int on = 0;
    for (int i = 0; i < count; i++) {
        int size = absolute(difference[i]);
        int weak = size * 2 > threshold[i];
        int strong = size > threshold[i];
        int change = absolute(difference[i] - (recent[i] >> 2));
        int alive = (change * 2 > threshold[i]) & (change * 4 > size);
        flags[i] = (uint8_t)(weak * RW_BLOCK_WEAK | strong * RW_BLOCK_ON | alive * RW_BLOCK_ALIVE);
        on += strong;
    }
    return on;
}

RW_VECTOR static void learn(struct rw_background *background, const struct rates *rates)
{
    int32_t *restrict mean = background->mean;
    uint16_t *restrict spread = background->spread;
    int16_t *restrict recent = background->recent;
    const int16_t *restrict difference = background->difference;
    const int16_t *restrict local = background->local;
    const uint8_t *restrict flags = background->flags;
    struct rates r = *rates;
    int count = background->count;

    for (int i = 0; i < count; i++) {
        int moving = (flags[i] & RW_BLOCK_ON) != 0;
        int e = difference[i];
        int size = absolute(e) > SPREAD_MAX ? SPREAD_MAX : absolute(e);
        int mean_rate = r.mean_quiet + moving * (r.mean_moving - r.mean_quiet);
        int spread_rate = r.spread_quiet + moving * (r.spread_moving - r.spread_quiet);
        mean[i] += ((e + local[i]) * mean_rate) >> 8;
        spread[i] = (uint16_t)(spread[i] + ((size * 256 - spread[i]) * spread_rate) / RATE_ONE);
        recent[i] = (int16_t)(recent[i] + ((e * 4 - recent[i]) * r.recent) / RATE_ONE);
    }
}

/* The light jumped: what was quiet before and is not now is a place where the gain does not hold
 * (clipped, black level), and this picture its background. Returns how many blocks. */
static int forgive(struct rw_background *background, const uint16_t *means)
{
    int forgiven = 0;
    for (int i = 0; i < background->count; i++) {
        if (background->before[i] & RW_BLOCK_WEAK || !(background->flags[i] & RW_BLOCK_WEAK))
            continue;
        forgiven += (background->flags[i] & RW_BLOCK_ON) != 0;
        background->mean[i] = means[i] << 8;
        background->difference[i] = background->local[i] = 0;
        background->flags[i] = 0;
    }
    return forgiven;
}

enum rw_scene rw_background_look(struct rw_background *background, const uint16_t *means,
                                 const struct rw_regions *regions, int step_us)
{
    int count = background->count;
    if (!background->started) {
        take(background, means);
        return RW_SCENE_SAME;
    }
    int gain = rw_light_gain(&background->light, means, background->mean);
    if (absolute(gain - RW_GAIN_ONE) > GAIN_SLACK)
        scale(background->mean, count, gain);
    subtract(means, background->mean, background->difference, count);
    rw_light_level(&background->light, background->difference, background->local);
    find_thresholds(background, regions);
    memcpy(background->before, background->flags, (size_t)count);
    int on = find_flags(background->difference, background->threshold, background->recent,
                        background->flags, count);
    if (absolute(gain - RW_GAIN_ONE) > JUMP)
        on -= forgive(background, means);
    if ((int64_t)on * 100 > (int64_t)count * CHANGED_PERCENT && count > 100) {
        take(background, means);
        return RW_SCENE_CHANGED;
    }
    struct rates rates = plan_rates(background, step_us);
    learn(background, &rates);
    background->learned_us += step_us;
    return RW_SCENE_SAME;
}
