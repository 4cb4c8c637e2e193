#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "config/config.h"

enum { MON = 1, TUE = 2, WED = 4, THU = 8, FRI = 16, SAT = 32, SUN = 64, ALL = 127 };

static int use_vietnams_zone(void **state)
{
    (void)state;
    setenv("TZ", "ICT-7", 1);
    tzset();
    return 0;
}

static struct rw_config *parse_at(const char *location, const char *schedule, struct rw_err *err)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "site: {id: a%s%s}\n"
             "cameras:\n"
             "- id: gate\n"
             "  main: {url: \"rtsp://h/s\", keep: 1 GiB}\n"
             "  detect:\n"
             "    schedule: %s\n",
             *location ? ", location: " : "", location, schedule);
    return rw_config_parse("r.yaml", yaml, strlen(yaml), err);
}

static struct rw_config *parse(const char *schedule, struct rw_err *err)
{
    return parse_at("", schedule, err);
}

/* UTC microseconds of a local time, "2026-11-23 19:00". 2026-11-23 is a Monday. */
static int64_t local(const char *text)
{
    int64_t us = 0;
    assert_int_equal(rw_parse_time(text, 0, &us, NULL), 0);
    return us;
}

static bool armed_at(const char *location, const char *schedule, const char *time)
{
    struct rw_err err;
    struct rw_config *config = parse_at(location, schedule, &err);
    if (!config)
        fail_msg("refused: %s", err.text);
    bool is = rw_schedule_armed(&config->cameras[0].detect, local(time));
    rw_config_free(config);
    return is;
}

static bool armed(const char *schedule, const char *time)
{
    return armed_at("", schedule, time);
}

static void without_a_schedule_it_is_always_armed(void **state)
{
    (void)state;
    assert_true(armed("[]", "2026-11-23 12:00"));
    assert_true(armed("[]", "2026-11-29 00:00"));
}

static void reads_days_and_times(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        unsigned days;
        int from_min, to_min;
    } rows[] = {
        {"[{days: mon-sun, from: \"22:00\", to: \"05:00\"}]", ALL, 1320, 300},
        {"[{days: mon-fri, from: 22:00, to: 05:00}]", MON | TUE | WED | THU | FRI, 1320, 300},
        {"[{days: \"mon,wed,sat-sun\", from: \"0:00\", to: \"24:00\"}]", MON | WED | SAT | SUN, 0,
         1440},
        {"[{days: \"Sat - Mon , thu\", from: \"6:30\", to: \"06:31\"}]", SAT | SUN | MON | THU, 390,
         391},
        {"[{days: tue, from: \"23:59\", to: \"00:00\"}]", TUE, 1439, 0},
        {"[{from: \"01:00\", to: \"02:00\"}]", ALL, 60, 120},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_err err;
        struct rw_config *config = parse(rows[i].words, &err);
        if (!config)
            fail_msg("refused: %s", err.text);
        const struct rw_schedule_config *entry = config->cameras[0].detect.schedule;
        assert_int_equal(entry->days, rows[i].days);
        assert_int_equal(entry->from.minutes, rows[i].from_min);
        assert_int_equal(entry->to.minutes, rows[i].to_min);
        rw_config_free(config);
    }
}

static void refuses_other_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *expected;
    } rows[] = {
        {"[{days: monday, from: \"1:00\", to: \"2:00\"}]", ".days must be days such as mon-fri"},
        {"[{days: mon-, from: \"1:00\", to: \"2:00\"}]", ".days must be days such as mon-fri"},
        {"[{days: \"mon,\", from: \"1:00\", to: \"2:00\"}]", ".days must be days such as mon-fri"},
        {"[{days: \",\", from: \"1:00\", to: \"2:00\"}]", ".days must be days such as mon-fri"},
        {"[{from: \"24:00\", to: \"2:00\"}]", ".from must be a time of day such as \"22:00\""},
        {"[{from: \"1:00\", to: \"24:01\"}]", ".to must be a time of day such as \"22:00\""},
        {"[{from: \"1:60\", to: \"2:00\"}]", ".from must be a time of day"},
        {"[{from: \"1:0\", to: \"2:00\"}]", ".from must be a time of day"},
        {"[{from: \"100:00\", to: \"2:00\"}]", ".from must be a time of day"},
        {"[{from: \"1\", to: \"2:00\"}]", ".from must be a time of day"},
        {"[{from: \"-1:00\", to: \"2:00\"}]", ".from must be a time of day"},
        {"[{from: sunset, to: sunrise}]", ".from is sunset, which needs the place: add location: "
                                          "[latitude, longitude] to site"},
        {"[{from: \"1:00\", to: sunrise+30m}]", ".to is sunrise+30m, which needs the place"},
        {"[{from: sunset-4h, to: \"2:00\"}]", "up to 3h earlier or later"},
        {"[{from: sunset+181m, to: \"2:00\"}]", "up to 3h earlier or later"},
        {"[{from: sunset-30s, to: \"2:00\"}]", "up to 3h earlier or later"},
        {"[{from: sunset-, to: \"2:00\"}]", "up to 3h earlier or later"},
        {"[{from: sunset30m, to: \"2:00\"}]", "up to 3h earlier or later"},
        {"[{from: \"sunset--30m\", to: \"2:00\"}]", "up to 3h earlier or later"},
        {"[{from: sundown, to: \"2:00\"}]", "or sunset or sunrise"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_err err = {.text = ""};
        struct rw_config *config = parse(rows[i].words, &err);
        if (config || !strstr(err.text, rows[i].expected) ||
            strncmp(err.text, "r.yaml:6: cameras[gate].detect.schedule[1]", 42))
            fail_msg("%s: %s", rows[i].words, config ? "taken" : err.text);
    }
}

static void is_armed_from_its_first_minute_to_before_its_last(void **state)
{
    (void)state;
    const char *day = "[{days: mon, from: \"08:00\", to: \"17:00\"}]";
    assert_false(armed(day, "2026-11-23 07:59:59"));
    assert_true(armed(day, "2026-11-23 08:00:00"));
    assert_true(armed(day, "2026-11-23 16:59:59"));
    assert_false(armed(day, "2026-11-23 17:00:00"));
    assert_false(armed(day, "2026-11-24 12:00"));
    assert_false(armed(day, "2026-11-22 12:00"));
}

static void a_night_belongs_to_the_day_it_began(void **state)
{
    (void)state;
    const char *night = "[{days: fri-sun, from: \"22:00\", to: \"05:00\"}]";
    assert_false(armed(night, "2026-11-27 04:00")); /* Friday, the night of Thursday */
    assert_false(armed(night, "2026-11-27 21:59"));
    assert_true(armed(night, "2026-11-27 22:00"));
    assert_true(armed(night, "2026-11-28 00:00"));
    assert_true(armed(night, "2026-11-28 04:59"));
    assert_false(armed(night, "2026-11-28 05:00"));
    assert_true(armed(night, "2026-11-29 23:00"));
    assert_true(armed(night, "2026-11-30 04:59")); /* Monday, the night of Sunday */
    assert_false(armed(night, "2026-11-30 22:00"));
}

static void equal_times_are_a_whole_day(void **state)
{
    (void)state;
    const char *day = "[{days: sat, from: \"06:00\", to: \"06:00\"}]";
    assert_false(armed(day, "2026-11-28 05:59"));
    assert_true(armed(day, "2026-11-28 06:00"));
    assert_true(armed(day, "2026-11-29 05:59"));
    assert_false(armed(day, "2026-11-29 06:00"));
    assert_true(armed("[{from: \"00:00\", to: \"24:00\"}]", "2026-11-29 23:59:59"));
    assert_true(armed("[{from: \"00:00\", to: \"00:00\"}]", "2026-11-29 00:00"));
}

static void any_entry_arms(void **state)
{
    (void)state;
    const char *two = "[{days: mon, from: \"01:00\", to: \"02:00\"}, "
                      "{days: mon, from: \"03:00\", to: \"04:00\"}]";
    assert_true(armed(two, "2026-11-23 01:30"));
    assert_false(armed(two, "2026-11-23 02:30"));
    assert_true(armed(two, "2026-11-23 03:30"));
}

static void goes_by_the_boxs_own_zone(void **state)
{
    (void)state;
    struct rw_err err;
    struct rw_config *config = parse("[{from: \"22:00\", to: \"23:00\"}]", &err);
    assert_non_null(config);
    int64_t utc = 0; /* 22:30 in Vietnam */
    assert_int_equal(rw_parse_time("2026-11-23T15:30:00Z", 0, &utc, NULL), 0);
    assert_true(rw_schedule_armed(&config->cameras[0].detect, utc));
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_false(rw_schedule_armed(&config->cameras[0].detect, utc));
    rw_config_free(config);
}

/* Hanoi, 23 November 2026: sunrise 06:11:40, sunset 17:13:57; the next sunrise 06:12:18 (PyEphem
 * 4.1.4). */
#define HANOI "[21.0285, 105.8542]"

static void reads_the_suns_times(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        struct rw_mark from, to;
    } rows[] = {
        {"[{from: sunset, to: sunrise}]", {RW_OF_SUNSET, 0}, {RW_OF_SUNRISE, 0}},
        {"[{from: sunset-30m, to: sunrise+1h}]", {RW_OF_SUNSET, -30}, {RW_OF_SUNRISE, 60}},
        {"[{from: \"Sunset + 3h\", to: \"6:00\"}]", {RW_OF_SUNSET, 180}, {RW_OF_MIDNIGHT, 360}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_err err;
        struct rw_config *config = parse_at(HANOI, rows[i].words, &err);
        if (!config)
            fail_msg("refused: %s", err.text);
        const struct rw_schedule_config *entry = config->cameras[0].detect.schedule;
        assert_memory_equal(&entry->from, &rows[i].from, sizeof entry->from);
        assert_memory_equal(&entry->to, &rows[i].to, sizeof entry->to);
        rw_config_free(config);
    }
}

static void a_night_is_from_sunset_to_sunrise(void **state)
{
    (void)state;
    const char *night = "[{days: mon, from: sunset, to: sunrise}]";
    assert_false(armed_at(HANOI, night, "2026-11-23 05:00")); /* Sunday's */
    assert_false(armed_at(HANOI, night, "2026-11-23 17:13"));
    assert_true(armed_at(HANOI, night, "2026-11-23 17:17"));
    assert_true(armed_at(HANOI, night, "2026-11-24 00:00"));
    assert_true(armed_at(HANOI, night, "2026-11-24 06:11"));
    assert_false(armed_at(HANOI, night, "2026-11-24 06:15"));
    assert_false(armed_at(HANOI, night, "2026-11-24 20:00"));
}

static void the_suns_times_may_be_shifted_and_mixed_with_the_clocks(void **state)
{
    (void)state;
    const char *shifted = "[{from: sunset-30m, to: sunrise+1h}]";
    assert_false(armed_at(HANOI, shifted, "2026-11-23 16:43"));
    assert_true(armed_at(HANOI, shifted, "2026-11-23 16:47"));
    assert_true(armed_at(HANOI, shifted, "2026-11-24 07:10"));
    assert_false(armed_at(HANOI, shifted, "2026-11-24 07:15"));
    const char *evening = "[{from: sunset, to: \"22:00\"}]";
    assert_true(armed_at(HANOI, evening, "2026-11-23 21:59"));
    assert_false(armed_at(HANOI, evening, "2026-11-23 22:00"));
    assert_false(armed_at(HANOI, evening, "2026-11-24 03:00"));
    const char *morning = "[{from: \"04:00\", to: sunrise}]";
    assert_false(armed_at(HANOI, morning, "2026-11-23 03:59"));
    assert_true(armed_at(HANOI, morning, "2026-11-23 06:10"));
    assert_false(armed_at(HANOI, morning, "2026-11-23 06:15"));
    const char *day = "[{from: sunrise, to: sunset}]";
    assert_true(armed_at(HANOI, day, "2026-11-23 12:00"));
    assert_false(armed_at(HANOI, day, "2026-11-23 00:00"));
}

/* Oslo in June: sunset 22:44. A span that ends before it begins is nothing, not a whole day. */
static void an_evening_that_the_summer_ate_is_never_armed(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    const char *oslo = "[59.91, 10.75]", *evening = "[{from: sunset, to: \"21:00\"}]";
    assert_false(armed_at(oslo, evening, "2026-06-21 20:59"));
    assert_false(armed_at(oslo, evening, "2026-06-21 23:00"));
    assert_false(armed_at(oslo, evening, "2026-06-22 12:00"));
    assert_true(armed_at(oslo, evening, "2026-12-21 20:59"));
}

/* Sunset in Reykjavik is at 00:04 of the next date there, and still belongs to the day before. */
static void a_sunset_after_midnight_belongs_to_the_day_it_ends(void **state)
{
    (void)state;
    setenv("TZ", "GMT0", 1);
    tzset();
    const char *reykjavik = "[64.15, -21.94]", *night = "[{days: sun, from: sunset, to: sunrise}]";
    assert_false(armed_at(reykjavik, night, "2026-06-21 01:00"));
    assert_false(armed_at(reykjavik, night, "2026-06-21 23:59"));
    assert_true(armed_at(reykjavik, night, "2026-06-22 00:10"));
    assert_true(armed_at(reykjavik, night, "2026-06-22 02:50"));
    assert_false(armed_at(reykjavik, night, "2026-06-22 03:00"));
}

static void under_the_midnight_sun_there_is_no_night_and_in_the_polar_night_no_day(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    const char *tromso = "[69.65, 18.96]";
    for (int hour = 0; hour < 24; hour++) {
        char june[32], december[32];
        snprintf(june, sizeof june, "2026-06-21 %02d:30", hour);
        snprintf(december, sizeof december, "2026-12-21 %02d:30", hour);
        assert_false(armed_at(tromso, "[{from: sunset, to: sunrise}]", june));
        assert_true(armed_at(tromso, "[{from: sunrise, to: sunset}]", june));
        assert_true(armed_at(tromso, "[{from: sunset, to: sunrise}]", december));
        assert_false(armed_at(tromso, "[{from: sunrise, to: sunset}]", december));
    }
}

/* The box's zone may be any other: the sun is where the site is. 2026-11-23 is a Monday. */
static void a_box_in_another_zone_sees_the_same_nights(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC0", "ICT-7", "PST8", "NZST-12"};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        const char *night = "[{from: sunset, to: sunrise}]";
        assert_false(armed_at(HANOI, night, "2026-11-23T10:13:00Z"));
        assert_true(armed_at(HANOI, night, "2026-11-23T10:17:00Z"));
        assert_true(armed_at(HANOI, night, "2026-11-23T23:11:00Z"));
        assert_false(armed_at(HANOI, night, "2026-11-23T23:15:00Z"));
    }
}

/* Berlin, 25 October 2026: 02:00 to 03:00 comes twice. 29 March: it does not come. */
static void where_clocks_are_set_a_span_loses_nothing(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    const char *night = "[{from: \"22:00\", to: \"02:30\"}]";
    assert_true(armed(night, "2026-10-25T00:40:00Z")); /* 02:40, the first time */
    assert_true(armed(night, "2026-10-25T01:29:59Z")); /* 02:29:59, the second time */
    assert_false(armed(night, "2026-10-25T01:30:00Z"));
    const char *morning = "[{from: \"02:30\", to: \"05:00\"}]";
    assert_false(armed(morning, "2026-10-25T00:29:59Z"));
    assert_true(armed(morning, "2026-10-25T00:30:00Z")); /* 02:30, the first time */
    assert_true(armed(morning, "2026-03-29T01:30:00Z")); /* 03:30 in summer time */
    const char *berlin = "[52.52, 13.40]";               /* sunrise 06:49:42 */
    assert_true(armed_at(berlin, "[{from: sunset, to: sunrise}]", "2026-10-25T05:40:00Z"));
    assert_false(armed_at(berlin, "[{from: sunset, to: sunrise}]", "2026-10-25T05:55:00Z"));
}

#define TEST(name) cmocka_unit_test_setup(name, use_vietnams_zone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_schedule_it_is_always_armed),
        TEST(reads_days_and_times),
        TEST(refuses_other_words),
        TEST(is_armed_from_its_first_minute_to_before_its_last),
        TEST(a_night_belongs_to_the_day_it_began),
        TEST(equal_times_are_a_whole_day),
        TEST(any_entry_arms),
        TEST(goes_by_the_boxs_own_zone),
        TEST(reads_the_suns_times),
        TEST(a_night_is_from_sunset_to_sunrise),
        TEST(the_suns_times_may_be_shifted_and_mixed_with_the_clocks),
        TEST(an_evening_that_the_summer_ate_is_never_armed),
        TEST(a_sunset_after_midnight_belongs_to_the_day_it_ends),
        TEST(under_the_midnight_sun_there_is_no_night_and_in_the_polar_night_no_day),
        TEST(a_box_in_another_zone_sees_the_same_nights),
        TEST(where_clocks_are_set_a_span_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
