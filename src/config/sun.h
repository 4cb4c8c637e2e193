/* Sunrise and sunset of a place: when the sun's upper edge stands on a level horizon, the air's
 * bending included (its centre at -0.833 degrees). Low-accuracy position of the sun, Meeus,
 * Astronomical Algorithms, 2nd edition, chapters 25 and 28. Within two minutes up to 65 degrees of
 * latitude, in this century. Pure: no clock, no zone. */
#pragma once

#include <stdint.h>

struct rw_place {
    double latitude, longitude; /* degrees; north and east are positive */
};

struct rw_sun_day {
    int64_t rise_us, set_us; /* UTC */
};

/* Of the solar day whose mean noon is nearest to that time; the local noon of a date asks for what
 * people there call that date's. Where the sun does not set, it rises at solar midnight and sets at
 * the next; where it does not rise, both are solar noon. So a night is nothing there, or a whole
 * day, and neither begins with a jump. */
struct rw_sun_day rw_sun_day(struct rw_place place, int64_t near_us);
