#include "motion/background.h"

#include <string.h>

#include "motion/memory.h"
#include "motion/tone.h"
#include "motion/vector.h"

enum {
    LEARN_US = 2500000,      /* quick learning after a start */
    MEAN_QUIET_US = 1070000, /* time constants */
    MEAN_MOVING_US = 4300000,
    SPREAD_QUIET_US = 1600000,
    SPREAD_MOVING_US = 6400000,
    RECENT_US = 300000,
    RATE_ONE = 65536,
    RATE_MAX = RATE_ONE / 4 - 1,  /* twice as much fits 16 bits */
    SPREAD_FIRST = 4096 * 3 / 2,  /* 1.5 luma until better is known */
    SPREAD_MAX = 8 * RW_LUMA_ONE, /* one picture's say, 1/16 luma */
    WHITE = 255 * 256,            /* of the mean */
    JUMP = RW_GAIN_ONE / 8,       /* of the gain, in one picture */
    DRIFT = RW_GAIN_ONE / 10,
    DRIFT_US = 400000,   /* time constant */
    SETTLE_US = 1500000, /* after the gain moved */
    RISE_US = 62500,     /* restless: +2 every so often while the block lives */
    RISE = 2,
    FALL_US = 1000000, /* -1 every so often: living one time in thirty keeps it where it is */
    RESTLESS_MAX = 192,
    RESTLESS_DOUBLE = 64,
    EDGE = RW_SHAKE_ONE / 6, /* share of the step to a neighbour that is no difference */
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
    background->restless = rw_zeroed(count, sizeof *background->restless);
    background->difference = rw_zeroed(count, sizeof *background->difference);
    background->threshold = rw_zeroed(count, sizeof *background->threshold);
    background->taken = rw_zeroed(count, sizeof *background->taken);
    background->flags = rw_zeroed(count, sizeof *background->flags);
    for (int i = 0; i < count; i++)
        background->spread[i] = SPREAD_FIRST;
    rw_light_init(&background->light, grid);
}

void rw_background_finish(struct rw_background *background)
{
    free(background->mean);
    free(background->spread);
    free(background->recent);
    free(background->restless);
    free(background->difference);
    free(background->threshold);
    free(background->taken);
    free(background->flags);
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

bool rw_background_settling(const struct rw_background *background)
{
    return background->settle_us > 0;
}

void rw_background_take(struct rw_background *background, const uint16_t *means)
{
    for (int i = 0; i < background->count; i++)
        background->mean[i] = (uint16_t)(means[i] << 4);
    memset(background->recent, 0, (size_t)background->count * sizeof *background->recent);
    memset(background->difference, 0, (size_t)background->count * sizeof *background->difference);
    memset(background->taken, 0, (size_t)background->count * sizeof *background->taken);
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

RW_VECTOR static void scale(uint16_t *mean, int count, int gain)
{
    for (int i = 0; i < count; i++) {
        int scaled = mean[i] * gain / RW_GAIN_ONE;
        mean[i] = (uint16_t)(scaled > WHITE ? WHITE : scaled);
    }
}

RW_VECTOR static void subtract(const uint16_t *restrict means, const uint16_t *restrict mean,
                               int16_t *restrict difference, int count)
{
    for (int i = 0; i < count; i++)
        difference[i] = (int16_t)(means[i] - (mean[i] >> 4));
}

static inline int absolute(int value)
{
    return value < 0 ? -value : value;
}

static inline int larger(int a, int b)
{
    return a > b ? a : b;
}

static inline uint16_t apart(uint16_t a, uint16_t b)
{
    return (uint16_t)(a > b ? a - b : b - a);
}

static inline uint16_t larger16(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

/* a * b / 65536 in 16 bits: what vector units multiply fastest. */
static inline uint16_t high_part(uint16_t a, uint16_t b)
{
    return (uint16_t)((uint32_t)a * b >> 16);
}

/* The largest step of the background from each block of a row to its four neighbours, 1/16 luma.
 * up and down are the row itself at the picture's edges. */
RW_VECTOR static void steps_of_row(const uint16_t *restrict up, const uint16_t *restrict row,
                                   const uint16_t *restrict down, int cols, int16_t *restrict steps)
{
    for (int x = 0; x < cols; x++)
        steps[x] = (int16_t)(larger16(apart(row[x], up[x]), apart(row[x], down[x])) >> 4);
    for (int x = 0; x < cols - 1; x++)
        steps[x] = (int16_t)larger16((uint16_t)steps[x], apart(row[x], row[x + 1]) >> 4);
    for (int x = 1; x < cols; x++)
        steps[x] = (int16_t)larger16((uint16_t)steps[x], apart(row[x], row[x - 1]) >> 4);
}

/* threshold holds the steps and gets the sum. edge: share of a step, 1/64, at most 64. */
RW_VECTOR static void add_noise(int16_t *restrict threshold, const uint16_t *restrict spread,
                                const uint8_t *restrict coarse, const uint8_t *restrict restless,
                                int edge, int count)
{
    const uint16_t share = (uint16_t)(edge * 128);
    for (int i = 0; i < count; i++) {
        uint16_t noise = high_part(spread[i], (uint16_t)RW_COARSE_MULTIPLE(coarse[i]));
        uint16_t least = larger16(noise, (uint16_t)RW_COARSE_FLOOR(coarse[i]));
        uint16_t more = high_part((uint16_t)(least * 4), (uint16_t)(restless[i] * 256));
        uint16_t step = high_part((uint16_t)(threshold[i] * 8), share);
        threshold[i] = (int16_t)(least + more + step);
    }
}
_Static_assert(RESTLESS_DOUBLE == 64 && RW_SHAKE_ONE == 64, "add_noise() counts in 1/64");

static void find_thresholds(struct rw_background *background, const struct rw_regions *regions)
{
    int cols = background->cols, rows = background->rows;
    for (int y = 0; y < rows; y++) {
        const uint16_t *row = background->mean + y * cols;
        steps_of_row(y ? row - cols : row, row, y < rows - 1 ? row + cols : row, cols,
                     background->threshold + y * cols);
    }
    add_noise(background->threshold, background->spread, regions->coarse, background->restless,
              EDGE + rw_shake_size(background->shake) / 2, background->count);
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

/* value * rate / RATE_ONE in 16 bits. */
static inline int16_t part(int16_t value, int16_t rate)
{
    return (int16_t)(value * rate >> 16);
}

static inline int16_t choose(uint8_t flags, int16_t moving, int16_t quiet)
{
    int16_t mask = (int16_t) - ((flags & RW_BLOCK_ON) >> 1); /* all bits or none */
    return (int16_t)((moving & mask) | (quiet & ~mask));
}

RW_VECTOR static void learn_mean(uint16_t *restrict mean, const int16_t *restrict difference,
                                 const int16_t *restrict taken, const uint8_t *restrict flags,
                                 const struct rates *rates, int count)
{
    const int16_t moving = (int16_t)(rates->mean_moving * 2);
    const int16_t quiet = (int16_t)(rates->mean_quiet * 2);
    for (int i = 0; i < count; i++) {
        int16_t whole = (int16_t)((difference[i] + taken[i]) * 8);
        mean[i] = (uint16_t)(mean[i] + part(whole, choose(flags[i], moving, quiet)));
    }
}

RW_VECTOR static void learn_spread(uint16_t *restrict spread, const int16_t *restrict difference,
                                   const uint8_t *restrict flags, const struct rates *rates,
                                   int count)
{
    const int16_t moving = (int16_t)rates->spread_moving, quiet = (int16_t)rates->spread_quiet;
    for (int i = 0; i < count; i++) {
        int16_t size = (int16_t)(difference[i] < 0 ? -difference[i] : difference[i]);
        size = size > SPREAD_MAX ? SPREAD_MAX : size;
        int16_t away = (int16_t)(size * 256 - spread[i]);
        spread[i] = (uint16_t)(spread[i] + part(away, choose(flags[i], moving, quiet)));
    }
}

RW_VECTOR static void learn_recent(int16_t *restrict recent, const int16_t *restrict difference,
                                   const struct rates *rates, int count)
{
    const int16_t rate = (int16_t)rates->recent;
    for (int i = 0; i < count; i++)
        recent[i] = (int16_t)(recent[i] + part((int16_t)(difference[i] * 4 - recent[i]), rate));
}

_Static_assert(RW_BLOCK_ON == 2, "choose() makes a mask of it");

/* The light jumped: what was quiet before and is not now is a place where the gain does not hold
 * (clipped, black level), and this picture its background. Returns how many blocks. */
static int forgive(struct rw_background *background, const uint16_t *means)
{
    int forgiven = 0;
    for (int i = 0; i < background->count; i++) {
        bool quiet = absolute(background->recent[i]) / 2 < background->threshold[i];
        if (!quiet || !(background->flags[i] & RW_BLOCK_WEAK))
            continue;
        forgiven += (background->flags[i] & RW_BLOCK_ON) != 0;
        background->mean[i] = (uint16_t)(means[i] << 4);
        background->difference[i] = background->taken[i] = 0;
        background->flags[i] = 0;
    }
    return forgiven;
}

static int follow_exposure(struct rw_background *background, const uint16_t *means)
{
    int count = background->count;
    int gain = rw_light_gain(&background->light, means, background->mean);
    if (gain != RW_GAIN_ONE) {
        scale(background->mean, count, gain);
        background->drift += gain - RW_GAIN_ONE;
    }
    if (absolute(background->drift) > DRIFT)
        background->settle_us = SETTLE_US;
    if (background->settle_us > 0) {
        struct rw_tone tone;
        if (rw_tone_find(&tone, means, background->mean, count))
            rw_tone_shift(&tone, background->mean, count);
    }
    return gain;
}

int rw_background_look(struct rw_background *background, const uint16_t *means,
                       const struct rw_regions *regions)
{
    int count = background->count, cols = background->cols, rows = background->rows;
    if (!background->started) {
        rw_background_take(background, means);
        find_thresholds(background, regions);
        return 0;
    }
    int gain = follow_exposure(background, means);
    subtract(means, background->mean, background->difference, count);
    rw_light_level(&background->light, background->difference, background->taken);
    background->shake = rw_shake_find(background->mean, background->difference, cols, rows);
    rw_shake_level(background->shake, background->mean, cols, rows, background->difference,
                   background->taken);
    find_thresholds(background, regions);
    int on = find_flags(background->difference, background->threshold, background->recent,
                        background->flags, count);
    /* Where most differs, texture must tell whether it was light at all. */
    if (absolute(gain - RW_GAIN_ONE) > JUMP && on * 100 <= count * RW_CHANGED_PERCENT)
        on -= forgive(background, means);
    return on;
}

void rw_background_learn(struct rw_background *background, int step_us)
{
    struct rates rates = plan_rates(background, step_us);
    int count = background->count;
    learn_mean(background->mean, background->difference, background->taken, background->flags,
               &rates, count);
    learn_spread(background->spread, background->difference, background->flags, &rates, count);
    learn_recent(background->recent, background->difference, &rates, count);
    background->learned_us += step_us;
    background->drift -= background->drift * (step_us < DRIFT_US ? step_us : DRIFT_US) / DRIFT_US;
    if (background->settle_us > 0)
        background->settle_us -= step_us;
}

RW_VECTOR static void rise(uint8_t *restrict restless, const uint8_t *restrict flags, int count)
{
    const uint8_t lives = RW_BLOCK_ON | RW_BLOCK_ALIVE;
    for (int i = 0; i < count; i++) {
        uint8_t up = (flags[i] & (lives | RW_BLOCK_GOES)) == lives ? RISE : 0;
        restless[i] = (uint8_t)(restless[i] + (restless[i] < RESTLESS_MAX ? up : 0));
    }
}

RW_VECTOR static void fall(uint8_t *restless, int count)
{
    for (int i = 0; i < count; i++)
        restless[i] = (uint8_t)(restless[i] - (restless[i] > 0));
}

void rw_background_remember(struct rw_background *background, int step_us)
{
    background->rise_us += step_us;
    background->fall_us += step_us;
    if (background->rise_us >= RISE_US) {
        rise(background->restless, background->flags, background->count);
        background->rise_us = 0;
    }
    if (background->fall_us >= FALL_US) {
        fall(background->restless, background->count);
        background->fall_us -= FALL_US;
    }
}
