#include "motion/weather.h"

enum {
    TINY_US = 2000000, /* time constants */
    FAILURES_US = 6000000,
    BLOCKS = 3600,
    EXTRA_MAX = 8, /* blocks */
    TINY_PER_BLOCK = 4,
    CAUTION_MAX = 32,
    PROOF_PER_FAILURE_US = 200000,
    PROOF_PER_TINY_US = 45000,
    PROOF_MAX_US = 1500000,
    PROOF_TIMES_AREA = 7, /* as large as what comes to nothing: not one of these */
    ONE = 256,
};

/* Tiny components that are no part of anything sure, as many as there would be at 640x360: what
 * makes them meet by chance is how close together they are. */
static int count_tiny(const struct rw_blobs *blobs, const struct rw_tracks *tracks, int blocks)
{
    int tiny = blobs->tiny;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        const struct rw_track *track = &tracks->track[i];
        tiny -= track->used && track->sure && track->blob >= 0 && track->area <= RW_BLOB_TINY;
    }
    return tiny * BLOCKS / (blocks > BLOCKS / 4 ? blocks : BLOCKS / 4);
}

void rw_weather_feed(struct rw_weather *weather, const struct rw_blobs *blobs,
                     const struct rw_tracks *tracks, int blocks, int64_t learned_us, int step_us)
{
    int64_t constant_us = learned_us < TINY_US ? learned_us + step_us : TINY_US;
    int64_t more = (int64_t)(count_tiny(blobs, tracks, blocks) * ONE - weather->tiny) * step_us;
    weather->tiny += (int)(more / constant_us);

    int64_t rate = tracks->failed * (int64_t)ONE * 1000000 / step_us;
    weather->failures += (int)((rate - weather->failures) * step_us / FAILURES_US);
    if (tracks->failed > 0) {
        int area = tracks->failed_area * ONE / tracks->failed;
        weather->failed_area += (area - weather->failed_area) / 8;
    }
}

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

int rw_weather_extra(const struct rw_weather *weather)
{
    return (int)at_most(weather->tiny / (ONE * TINY_PER_BLOCK), EXTRA_MAX);
}

int rw_weather_caution(const struct rw_weather *weather)
{
    return (int)at_most(weather->tiny / ONE, CAUTION_MAX);
}

int64_t rw_weather_proof_us(const struct rw_weather *weather)
{
    int64_t proof = (int64_t)weather->failures * PROOF_PER_FAILURE_US +
                    (int64_t)weather->tiny * PROOF_PER_TINY_US;
    return at_most(proof / ONE, PROOF_MAX_US);
}

int rw_weather_proof_area(const struct rw_weather *weather)
{
    return weather->failed_area * PROOF_TIMES_AREA / ONE;
}
