#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct unit {
    const char *name;
    double factor;
};

/* A decimal number, then one of the units (spaces between are allowed). */
static int parse_number(const char *text, const struct unit *units, double *out)
{
    while (isspace((unsigned char)*text))
        text++;
    if (!isdigit((unsigned char)*text))
        return -1;
    char *end;
    double number = strtod(text, &end);
    if (end != text + strspn(text, "0123456789."))
        return -1; /* strtod() knows more ways to write a number than people mean */
    while (isspace((unsigned char)*end))
        end++;
    for (; units->name; units++) {
        if (strcmp(end, units->name))
            continue;
        *out = number * units->factor;
        return *out < 9e18 ? 0 : -1;
    }
    return -1;
}

int rw_parse_size(const char *text, int64_t *bytes, struct rw_err *err)
{
    static const struct unit units[] = {{"", 1},         {"B", 1},        {"KiB", 0x1p10},
                                        {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
                                        {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},
                                        {"GB", 1e9},     {"TB", 1e12},    {NULL, 0}};
    double value;
    if (parse_number(text, units, &value))
        return rw_fail(err, RW_EINVAL,
                       "\"%.40s\" is not a size; write for example 64 MiB or 200 GiB", text);
    *bytes = (int64_t)value;
    return 0;
}

int rw_parse_duration(const char *text, int64_t *us, struct rw_err *err)
{
    static const struct unit units[] = {{"ms", 1e3},  {"s", 1e6},     {"m", 60e6},
                                        {"h", 3.6e9}, {"d", 86400e6}, {NULL, 0}};
    static const struct unit zero[] = {{"", 0}, {NULL, 0}};
    double value;
    if (parse_number(text, units, &value) &&
        (parse_number(text, zero, &value) || strspn(text, "0 ") != strlen(text)))
        return rw_fail(err, RW_EINVAL,
                       "\"%.40s\" is not a duration; write for example 5s, 250ms, 5m, 12h or 30d",
                       text);
    *us = (int64_t)value;
    return 0;
}

/* One to `most` digits; *text moves behind them. */
static bool take_digits(const char **text, int most, int *out)
{
    int taken = 0;
    for (*out = 0; taken < most && isdigit((unsigned char)**text); taken++)
        *out = *out * 10 + (*(*text)++ - '0');
    return taken > 0;
}

/* The same, then one of the characters of `marks`, which may be "" for none. */
static bool take_field(const char **text, int most, const char *marks, int *out)
{
    if (!take_digits(text, most, out))
        return false;
    if (!*marks)
        return true;
    return **text && strchr(marks, *(*text)++);
}

static int parse_zone(const char *text, int64_t *offset_s)
{
    *offset_s = 0;
    if (!strcmp(text, "Z") || !strcmp(text, "z"))
        return 0;
    int hours, minutes, sign = *text == '-' ? -1 : 1;
    if (*text != '+' && *text != '-')
        return -1;
    text++;
    if (!take_field(&text, 2, ":", &hours) || !take_field(&text, 2, "", &minutes) || *text ||
        hours > 14 || minutes > 59)
        return -1;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return 0;
}

/* What follows "YYYY-MM-DDThh:mm": seconds, a fraction. Returns what follows it, NULL if bad. */
static const char *parse_seconds(const char *text, struct tm *tm, int64_t *fraction_us)
{
    *fraction_us = 0;
    if (*text != ':')
        return text;
    if (!isdigit((unsigned char)text[1]) || !isdigit((unsigned char)text[2]))
        return NULL;
    tm->tm_sec = (text[1] - '0') * 10 + (text[2] - '0');
    text += 3;
    if (*text != '.')
        return text;
    if (!isdigit((unsigned char)text[1]))
        return NULL;
    int64_t unit = 100000;
    for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
        *fraction_us += (*text - '0') * unit;
    return text;
}

static int days_of_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
    return days[month] + (month == 1 && leap);
}

static bool fields_in_range(const struct tm *tm)
{
    return tm->tm_year >= 70 && tm->tm_year < 400 && tm->tm_mon >= 0 && tm->tm_mon < 12 &&
           tm->tm_mday >= 1 && tm->tm_mday <= days_of_month(tm->tm_year + 1900, tm->tm_mon) &&
           tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* The instant that local clocks show as tm, were they so far ahead of UTC as at `when`. False: they
 * never show it so. */
static bool local_as_at(const struct tm *tm, time_t when, time_t *seconds)
{
    struct tm then, fields = *tm, shown;
    if (!localtime_r(&when, &then))
        return false;
    *seconds = timegm(&fields) - then.tm_gmtoff;
    return localtime_r(seconds, &shown) && shown.tm_hour == fields.tm_hour &&
           shown.tm_min == fields.tm_min && shown.tm_mday == fields.tm_mday;
}

/* mktime(3) takes either where a local time comes twice. */
static time_t local_seconds(const struct tm *tm, bool last)
{
    enum { DAY_S = 86400 };
    struct tm fields = *tm, guess = *tm;
    time_t about = timegm(&fields), seconds;
    if (local_as_at(tm, last ? about + DAY_S : about - DAY_S, &seconds) ||
        local_as_at(tm, last ? about - DAY_S : about + DAY_S, &seconds))
        return seconds;
    return mktime(&guess); /* left out in spring */
}

static int parse_calendar(const char *text, bool last, int64_t *us)
{
    struct tm tm = {.tm_isdst = -1};
    if (!take_field(&text, 4, "-", &tm.tm_year) || !take_field(&text, 2, "-", &tm.tm_mon) ||
        !take_field(&text, 2, "Tt ", &tm.tm_mday) || !take_field(&text, 2, ":", &tm.tm_hour) ||
        !take_field(&text, 2, "", &tm.tm_min))
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t fraction_us, offset_s = 0;
    const char *rest = parse_seconds(text, &tm, &fraction_us);
    if (!rest || !fields_in_range(&tm))
        return -1;
    bool local = !*rest;
    if (!local && parse_zone(rest, &offset_s))
        return -1;
    time_t seconds = local ? local_seconds(&tm, last) : timegm(&tm);
    *us = ((int64_t)seconds - offset_s) * RW_SECOND_US + fraction_us;
    return 0;
}

static int parse_time(const char *text, int64_t now_us, bool last, int64_t *us, struct rw_err *err)
{
    if (!strcmp(text, "now")) {
        *us = now_us;
        return 0;
    }
    int64_t apart;
    if ((*text == '-' || *text == '+') && !rw_parse_duration(text + 1, &apart, NULL)) {
        *us = *text == '-' ? now_us - apart : now_us + apart;
        return 0;
    }
    if (parse_calendar(text, last, us))
        return rw_fail(err, RW_EINVAL,
                       "\"%.40s\" is not a time; write for example \"2026-11-23 19:00\", "
                       "2026-11-23T12:00:00Z, now, -15m or +15m",
                       text);
    return 0;
}

int rw_parse_time(const char *text, int64_t now_us, int64_t *us, struct rw_err *err)
{
    return parse_time(text, now_us, false, us, err);
}

int rw_parse_last_time(const char *text, int64_t now_us, int64_t *us, struct rw_err *err)
{
    return parse_time(text, now_us, true, us, err);
}

const char *rw_format_time(int64_t utc_us, char out[RW_TIME_SIZE])
{
    int64_t ms = utc_us / 1000, second = ms / 1000;
    if (ms % 1000 < 0)
        second--;
    time_t seconds = (time_t)second;
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || tm.tm_year > 8099 || tm.tm_year < -1900)
        return strcpy(out, "1970-01-01T00:00:00.000Z");
    size_t used = strftime(out, RW_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + used, RW_TIME_SIZE - used, ".%03dZ", (int)(ms - second * 1000));
    return out;
}

const char *rw_format_local_clock(int64_t utc_us, char out[RW_TIME_SIZE])
{
    time_t seconds = (time_t)(utc_us / RW_SECOND_US);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return strcpy(out, "00:00:00");
    strftime(out, RW_TIME_SIZE, "%H:%M:%S", &tm);
    return out;
}

const char *rw_format_size(int64_t bytes, char out[RW_TIME_SIZE])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    while (fabs(value) >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    bool whole = fabs(value - nearbyint(value)) < 0.05;
    snprintf(out, RW_TIME_SIZE, whole ? "%.0f %s" : "%.1f %s", value, names[unit]);
    return out;
}

void rw_copy_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length >= size) {
        length = size - 1;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out, text, length);
    out[length] = 0;
}

bool rw_id_valid(const char *id)
{
    size_t size = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size >= 1 && size <= 32 && !id[size];
}
