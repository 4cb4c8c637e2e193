#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/units.h"
#include "config/check.h"

enum { DAYS = 7, ALL_DAYS = (1 << DAYS) - 1, DAY_MIN = 24 * 60, SHIFT_MAX_MIN = 3 * 60 };
#define MINUTE_US (60 * RW_SECOND_US)

/* A day's three letters at *at, past which it then points. 0: Monday; -1: no day. */
static int take_day(const char **at)
{
    static const char names[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int day = 0; day < DAYS; day++) {
        if (strncasecmp(*at, names[day], 3))
            continue;
        *at += 3;
        return day;
    }
    return -1;
}

static void skip_spaces(const char **at)
{
    while (**at == ' ')
        ++*at;
}

/* "mon,wed,sat-sun"; a range may go over the week's end. 0 (no day): not understood. */
static unsigned parse_days(const char *at)
{
    unsigned days = 0;
    for (;; at++) {
        skip_spaces(&at);
        int day = take_day(&at), last = day;
        skip_spaces(&at);
        if (*at == '-') {
            at++;
            skip_spaces(&at);
            last = take_day(&at);
            skip_spaces(&at);
        }
        if (day < 0 || last < 0 || (*at && *at != ','))
            return 0;
        for (; day != last; day = (day + 1) % DAYS)
            days |= 1u << day;
        days |= 1u << last;
        if (!*at)
            return days;
    }
}

/* "22:00", up to "24:00": minutes of the day. -1: not a time. */
static int parse_clock(const char *text)
{
    size_t hour_digits = strspn(text, "0123456789");
    if (hour_digits < 1 || hour_digits > 2 || text[hour_digits] != ':')
        return -1;
    const char *minute = text + hour_digits + 1;
    if (strlen(minute) != 2 || !isdigit((unsigned char)minute[0]) ||
        !isdigit((unsigned char)minute[1]))
        return -1;
    int hours = text[0] - '0', minutes = (minute[0] - '0') * 10 + (minute[1] - '0');
    if (hour_digits == 2)
        hours = hours * 10 + (text[1] - '0');
    int total = hours * 60 + minutes;
    return minutes < 60 && total <= DAY_MIN ? total : -1;
}

/* "sunset", "sunrise + 1h", "sunset-30m". 0, or -1 where it is neither of them. */
static int parse_sun(const char *text, struct rw_mark *out)
{
    static const struct {
        const char *word;
        enum rw_mark_of of;
    } words[] = {{"sunrise", RW_OF_SUNRISE}, {"sunset", RW_OF_SUNSET}};
    int64_t shift_us = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t size = strlen(words[i].word);
        if (strncasecmp(text, words[i].word, size))
            continue;
        const char *at = text + size;
        skip_spaces(&at);
        bool earlier = *at == '-';
        if (*at && *at++ != '-' && at[-1] != '+')
            return -1;
        skip_spaces(&at);
        if (at != text + size && rw_parse_duration(at, &shift_us, NULL))
            return -1;
        out->of = words[i].of;
        out->minutes = (int)(shift_us / MINUTE_US) * (earlier ? -1 : 1);
        return shift_us <= SHIFT_MAX_MIN * MINUTE_US && shift_us % MINUTE_US == 0 ? 0 : -1;
    }
    return -1;
}

static int check_mark(const struct rw_reading *reading, const struct rw_node *node,
                      const char *words, int latest, bool located, struct rw_mark *out)
{
    char shown[48];
    if (!parse_sun(words, out)) {
        if (located)
            return 0;
        return rw_fail_at(reading, node,
                          "is %s, which needs the place: add location: [latitude, longitude] to "
                          "site, for example [21.40, 105.39]",
                          rw_node_shown(node, shown));
    }
    *out = (struct rw_mark){RW_OF_MIDNIGHT, parse_clock(words)};
    if (out->minutes >= 0 && out->minutes <= latest)
        return 0;
    return rw_fail_at(reading, node,
                      "must be a time of day such as \"22:00\", or sunset or sunrise, up to 3h "
                      "earlier or later as in sunset-30m, not \"%s\"",
                      rw_node_shown(node, shown));
}

int rw_check_schedule(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_schedule *raw, bool located,
                      struct rw_schedule_config *out)
{
    char shown[48];
    const struct rw_node *days = rw_node_get(node, "days");
    out->days = raw->days ? parse_days(raw->days) : ALL_DAYS;
    if (!out->days)
        return rw_fail_at(reading, days,
                          "must be days such as mon-fri or mon,wed,sat-sun, not \"%s\"",
                          rw_node_shown(days, shown));
    if (check_mark(reading, rw_node_get(node, "from"), raw->from, DAY_MIN - 1, located, &out->from))
        return -1;
    return check_mark(reading, rw_node_get(node, "to"), raw->to, DAY_MIN, located, &out->to);
}

/* --- is it armed now? --- */

/* The date so many days after that of local. */
static struct tm date_after(const struct tm *local, int days)
{
    struct tm date = {
        .tm_year = local->tm_year, .tm_mon = local->tm_mon, .tm_mday = local->tm_mday + days};
    timegm(&date); /* the calendar alone, in no zone */
    return date;
}

/* The UTC instant of a local time of day; of one that comes twice, in autumn, the first or last. */
static int64_t clock_us(const struct tm *date, int minutes, bool last)
{
    char text[64];
    int64_t us = 0;
    struct tm day = date_after(date, minutes / DAY_MIN);
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d", day.tm_year + 1900, day.tm_mon + 1,
             day.tm_mday, minutes % DAY_MIN / 60, minutes % 60);
    (last ? rw_parse_last_time : rw_parse_time)(text, 0, &us, NULL);
    return us;
}

static int64_t mark_us(const struct rw_mark *mark, struct rw_place place, const struct tm *date,
                       bool last)
{
    if (mark->of == RW_OF_MIDNIGHT)
        return clock_us(date, mark->minutes, last);
    struct rw_sun_day sun = rw_sun_day(place, clock_us(date, DAY_MIN / 2, false));
    return (mark->of == RW_OF_SUNRISE ? sun.rise_us : sun.set_us) + mark->minutes * MINUTE_US;
}

static int usual_minute(const struct rw_mark *mark)
{
    static const int usual[] = {[RW_OF_SUNRISE] = 6 * 60, [RW_OF_SUNSET] = 18 * 60};
    return usual[mark->of] + mark->minutes;
}

static bool entry_armed(const struct rw_schedule_config *entry, struct rw_place place,
                        const struct tm *date, int64_t utc_us)
{
    int weekday = (date->tm_wday + DAYS - 1) % DAYS;
    if (!(entry->days >> weekday & 1))
        return false;
    bool overnight = usual_minute(&entry->to) <= usual_minute(&entry->from);
    struct tm last = date_after(date, overnight);
    return utc_us >= mark_us(&entry->from, place, date, false) &&
           utc_us < mark_us(&entry->to, place, &last, true);
}

bool rw_schedule_armed(const struct rw_detect_config *detect, int64_t utc_us)
{
    if (!detect->schedule_count)
        return true;
    time_t seconds = (time_t)(utc_us / RW_SECOND_US);
    struct tm local;
    if (!localtime_r(&seconds, &local))
        return true; /* an alert too many rather than one too few */
    /* Where the box's zone is far from the sun's, a date's sunset may come on the date before. */
    for (int days = -2; days <= 1; days++) {
        struct tm date = date_after(&local, days);
        for (int i = 0; i < detect->schedule_count; i++)
            if (entry_armed(&detect->schedule[i], detect->place, &date, utc_us))
                return true;
    }
    return false;
}
