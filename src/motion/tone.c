#include "motion/tone.h"

#include <string.h>

enum {
    BAND = 256 * 256 / RW_TONE_BANDS, /* 1/256 luma */
    REACH = 64,                       /* luma; more is a thing */
    LEAST = 16,                       /* blocks that speak for a band */
    LEAST_SHARE = 100,                /* and a hundredth of all */
    WHITE = 255 * 256,
    ALIKE = 4, /* luma around the median */
    ALIKE_PERCENT = 80,
};

struct counts {
    uint16_t of[RW_TONE_BANDS][2 * REACH + 1]; /* blocks by difference, luma */
    int all[RW_TONE_BANDS];
};

static void count_blocks(struct counts *counts, const uint16_t *means, const uint16_t *background,
                         int count)
{
    memset(counts, 0, sizeof *counts);
    for (int i = 0; i < count; i++) {
        int band = background[i] / BAND;
        int luma = (means[i] * 16 - background[i] + 128) >> 8;
        luma = luma < -REACH ? -REACH : luma > REACH ? REACH : luma;
        counts->of[band][luma + REACH]++;
        counts->all[band]++;
    }
}

static int median(const uint16_t *of, int all)
{
    int below = 0;
    for (int i = 0; i <= 2 * REACH; i++) {
        below += of[i];
        if (below * 2 >= all)
            return i - REACH;
    }
    return 0;
}

static int count_alike(const uint16_t *of, int middle)
{
    int alike = 0;
    for (int i = middle - ALIKE; i <= middle + ALIKE; i++)
        alike += i >= -REACH && i <= REACH ? of[i + REACH] : 0;
    return alike;
}

bool rw_tone_find(struct rw_tone *tone, const uint16_t *means, const uint16_t *background,
                  int count)
{
    struct counts counts;
    int least = count / LEAST_SHARE > LEAST ? count / LEAST_SHARE : LEAST;
    int shift[RW_TONE_BANDS] = {0}, alike = 0;

    count_blocks(&counts, means, background, count);
    for (int i = 0; i < RW_TONE_BANDS; i++)
        if (counts.all[i] >= least)
            shift[i] = median(counts.of[i], counts.all[i]);
    for (int i = 0; i < RW_TONE_BANDS; i++)
        alike += count_alike(counts.of[i], shift[i]);
    if (alike * 100 < count * ALIKE_PERCENT)
        return false;
    for (int i = 0; i <= RW_TONE_BANDS; i++) {
        int below = shift[i ? i - 1 : 0], above = shift[i < RW_TONE_BANDS ? i : i - 1];
        tone->shift[i] = (int16_t)((below + above) * 128);
    }
    return true;
}

void rw_tone_shift(const struct rw_tone *tone, uint16_t *background, int count)
{
    for (int i = 0; i < count; i++) {
        int band = background[i] / BAND, share = background[i] % BAND;
        int shift = tone->shift[band] + (tone->shift[band + 1] - tone->shift[band]) * share / BAND;
        int value = background[i] + shift;
        background[i] = (uint16_t)(value < 0 ? 0 : value > WHITE ? WHITE : value);
    }
}
