#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/units.h"
#include "config/check.h"

enum { DAYS = 7, ALL_DAYS = (1 << DAYS) - 1, DAY_MIN = 24 * 60 };

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

static int check_clock(const struct rw_reading *reading, const struct rw_node *node,
                       const char *words, int latest, int *out)
{
    char shown[48];
    if (!strcasecmp(words, "sunset") || !strcasecmp(words, "sunrise"))
        return rw_fail_at(reading, node,
                          "is %s, which is not supported yet; write a time such as "
                          "\"18:30\"",
                          rw_node_shown(node, shown));
    *out = parse_clock(words);
    if (*out >= 0 && *out <= latest)
        return 0;
    return rw_fail_at(reading, node, "must be a time of day such as \"22:00\", not \"%s\"",
                      rw_node_shown(node, shown));
}

int rw_check_schedule(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_schedule *raw, struct rw_schedule_config *out)
{
    char shown[48];
    const struct rw_node *days = rw_node_get(node, "days");
    out->days = raw->days ? parse_days(raw->days) : ALL_DAYS;
    if (!out->days)
        return rw_fail_at(reading, days,
                          "must be days such as mon-fri or mon,wed,sat-sun, not \"%s\"",
                          rw_node_shown(days, shown));
    if (check_clock(reading, rw_node_get(node, "from"), raw->from, DAY_MIN - 1, &out->from_min))
        return -1;
    return check_clock(reading, rw_node_get(node, "to"), raw->to, DAY_MIN, &out->to_min);
}

static bool entry_armed(const struct rw_schedule_config *entry, int day, int minute)
{
    bool today = entry->days >> day & 1;
    bool yesterday = entry->days >> (day + DAYS - 1) % DAYS & 1;
    if (entry->from_min < entry->to_min)
        return today && minute >= entry->from_min && minute < entry->to_min;
    return (today && minute >= entry->from_min) || (yesterday && minute < entry->to_min);
}

bool rw_schedule_armed(const struct rw_detect_config *detect, int64_t utc_us)
{
    if (!detect->schedule_count)
        return true;
    time_t seconds = (time_t)(utc_us / RW_SECOND_US);
    struct tm local;
    if (!localtime_r(&seconds, &local))
        return true; /* an alert too many rather than one too few */
    int day = (local.tm_wday + DAYS - 1) % DAYS;
    int minute = local.tm_hour * 60 + local.tm_min;
    for (int i = 0; i < detect->schedule_count; i++)
        if (entry_armed(&detect->schedule[i], day, minute))
            return true;
    return false;
}
