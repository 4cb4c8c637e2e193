/* Rain, snow and insects: many small things that come to nothing. What they do raises what is asked
 * of a thing before it is told. */
#pragma once

#include <stdint.h>

#include "motion/track.h"

struct rw_weather {
    int tiny;        /* running mean of tiny components per 3600 blocks, 1/256 */
    int failures;    /* tracks that came to nothing, 1/256 a second, running mean */
    int failed_area; /* of such a track, 1/256 block, running mean */
};

/* Learns from a picture's blobs and tracks. learned_us: how long the background is known. */
void rw_weather_feed(struct rw_weather *weather, const struct rw_blobs *blobs,
                     const struct rw_tracks *tracks, int blocks, int64_t learned_us, int step_us);
/* Blocks that it adds to the smallest thing. */
int rw_weather_extra(const struct rw_weather *weather);
/* Evidence that it adds, see rw_tracks_need; 0 .. 32. */
int rw_weather_caution(const struct rw_weather *weather);
/* Flakes and insects come in numbers and are gone within a second: what is not larger than
 * rw_weather_proof_area (blocks) must be followed for so long. */
int64_t rw_weather_proof_us(const struct rw_weather *weather);
int rw_weather_proof_area(const struct rw_weather *weather);
