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

static struct rw_config *parse(const char *schedule, struct rw_err *err)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "site: {id: a}\n"
             "cameras:\n"
             "- id: gate\n"
             "  main: {url: \"rtsp://h/s\", keep: 1 GiB}\n"
             "  detect:\n"
             "    schedule: %s\n",
             schedule);
    return rw_config_parse("r.yaml", yaml, strlen(yaml), err);
}

/* UTC microseconds of a local time, "2026-11-23 19:00". 2026-11-23 is a Monday. */
static int64_t local(const char *text)
{
    int64_t us = 0;
    assert_int_equal(rw_parse_time(text, 0, &us, NULL), 0);
    return us;
}

static bool armed(const char *schedule, const char *time)
{
    struct rw_err err;
    struct rw_config *config = parse(schedule, &err);
    if (!config)
        fail_msg("refused: %s", err.text);
    bool is = rw_schedule_armed(&config->cameras[0].detect, local(time));
    rw_config_free(config);
    return is;
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
        assert_int_equal(entry->from_min, rows[i].from_min);
        assert_int_equal(entry->to_min, rows[i].to_min);
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
        {"[{from: sunset, to: sunrise}]", ".from is sunset, which is not supported yet"},
        {"[{from: \"1:00\", to: sunrise}]", ".to is sunrise, which is not supported yet"},
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
