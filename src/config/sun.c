#include "config/sun.h"

#include <math.h>

#define DAY_S 86400.0
#define J2000_S 946728000.0 /* 2000-01-01 12:00, UTC; dynamical time is a minute off, no matter */
#define CENTURY_S (36525 * DAY_S)
#define HORIZON_DEG (-0.833)

static const double DEGREE = 3.14159265358979323846 / 180;

struct sun {
    double declination; /* radians */
    double ahead_s;     /* the equation of time: sundials are so far ahead of clocks */
};

static struct sun sun_at(double utc_s)
{
    double t = (utc_s - J2000_S) / CENTURY_S;
    double longitude = (280.46646 + t * (36000.76983 + t * 0.0003032)) * DEGREE; /* mean */
    double anomaly = (357.52911 + t * (35999.05029 - t * 0.0001537)) * DEGREE;   /* mean */
    double eccentricity = 0.016708634 - t * (0.000042037 + t * 0.0000001267);
    double centre = ((1.914602 - t * (0.004817 + t * 0.000014)) * sin(anomaly) +
                     (0.019993 - t * 0.000101) * sin(2 * anomaly) + 0.000289 * sin(3 * anomaly)) *
                    DEGREE;
    double node = (125.04 - 1934.136 * t) * DEGREE;
    double apparent = longitude + centre - (0.00569 + 0.00478 * sin(node)) * DEGREE;
    double tilt = (23.439291 - 0.0130042 * t + 0.00256 * cos(node)) * DEGREE;
    double y = tan(tilt / 2) * tan(tilt / 2);
    double equation = y * sin(2 * longitude) - 2 * eccentricity * sin(anomaly) +
                      4 * eccentricity * y * sin(anomaly) * cos(2 * longitude) -
                      y * y / 2 * sin(4 * longitude) -
                      5 * eccentricity * eccentricity / 4 * sin(2 * anomaly);
    return (struct sun){.declination = asin(sin(tilt) * sin(apparent)),
                        .ahead_s = equation / (360 * DEGREE) * DAY_S};
}

/* When clocks of mean solar time show mean_s, a sundial is not quite there: this is when it is. */
static double by_sundial(double mean_s)
{
    double at = mean_s;
    for (int i = 0; i < 3; i++)
        at = mean_s - sun_at(at).ahead_s;
    return at;
}

/* From noon to the horizon, as a share of half a day: 0 where it does not rise, 1 not set. */
static double half_day(double latitude, double declination)
{
    double cosine = (sin(HORIZON_DEG * DEGREE) - sin(latitude) * sin(declination)) /
                    (cos(latitude) * cos(declination));
    return cosine >= 1 ? 0 : cosine <= -1 ? 1 : acos(cosine) / (180 * DEGREE);
}

/* way -1: sunrise, 1: sunset. The sun moves on while it climbs, so it is asked again where it was
 * found. */
static double horizon(double latitude, double noon_s, int way)
{
    double at = noon_s + way * DAY_S / 4, share = 0;
    for (int i = 0; i < 6; i++) {
        struct sun sun = sun_at(at);
        share = half_day(latitude, sun.declination);
        at = noon_s - sun.ahead_s + way * share * DAY_S / 2;
    }
    if (share >= 1)
        return by_sundial(noon_s + way * DAY_S / 2);
    return share <= 0 ? by_sundial(noon_s) : at;
}

struct rw_sun_day rw_sun_day(struct rw_place place, int64_t near_us)
{
    double first_noon_s = DAY_S / 2 - place.longitude / 360 * DAY_S;
    double days = floor(((double)near_us / 1e6 - first_noon_s) / DAY_S + 0.5);
    double noon_s = first_noon_s + days * DAY_S, latitude = place.latitude * DEGREE;
    return (struct rw_sun_day){.rise_us = (int64_t)(horizon(latitude, noon_s, -1) * 1e6),
                               .set_us = (int64_t)(horizon(latitude, noon_s, 1) * 1e6)};
}
