/* Words that people write: sizes, durations, times, ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/units.h"

#define NOON INT64_C(1795435200000000) /* 2026-11-23T12:00:00Z */

static int64_t size_of(const char *text)
{
    struct rw_err err;
    int64_t bytes = -1;
    if (rw_parse_size(text, &bytes, &err))
        fail_msg("%s", err.text);
    return bytes;
}

static int64_t duration_of(const char *text)
{
    struct rw_err err;
    int64_t us = -1;
    if (rw_parse_duration(text, &us, &err))
        fail_msg("%s", err.text);
    return us;
}

static int64_t time_of(const char *text)
{
    struct rw_err err;
    int64_t us = -1;
    if (rw_parse_time(text, NOON, &us, &err))
        fail_msg("%s", err.text);
    return us;
}

static void reads_sizes_in_powers_of_1024_and_of_1000(void **state)
{
    (void)state;
    assert_int_equal(size_of("64 MiB"), 64 << 20);
    assert_int_equal(size_of("200GiB"), INT64_C(200) << 30);
    assert_int_equal(size_of("  1.5  KiB"), 1536);
    assert_int_equal(size_of("1024"), 1024);
    assert_int_equal(size_of("7 B"), 7);
    assert_int_equal(size_of("3kB"), 3000);
    assert_int_equal(size_of("2 TB"), INT64_C(2000000000000));
    assert_int_equal(size_of("8000 TiB"), INT64_C(8000) << 40);
    assert_int_equal(size_of("0"), 0);
}

static void refuses_what_is_not_a_size_and_names_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " ",
                                      "MiB",
                                      "-1",
                                      "+1",
                                      "64 mib",
                                      "64 MiBs",
                                      "64 Mi B",
                                      "64 MiB ",
                                      "0x10",
                                      "0x1p3",
                                      "1e3",
                                      "1e3 MiB",
                                      "1.2.3",
                                      "inf",
                                      "nan",
                                      "1,5 GiB",
                                      "9000000 TiB",
                                      "99999999999999999999",
                                      "1_000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rw_err err = {0};
        int64_t bytes = 77;
        if (!rw_parse_size(bad[i], &bytes, &err))
            fail_msg("\"%s\" was taken as %lld bytes", bad[i], (long long)bytes);
        assert_int_equal(err.code, RW_EINVAL);
        assert_int_equal(bytes, 77);
        assert_non_null(strstr(err.text, bad[i]));
        assert_non_null(strstr(err.text, "64 MiB"));
    }
}

static void reads_durations(void **state)
{
    (void)state;
    assert_int_equal(duration_of("5s"), 5000000);
    assert_int_equal(duration_of("250ms"), 250000);
    assert_int_equal(duration_of("5 m"), 300000000);
    assert_int_equal(duration_of("12h"), INT64_C(43200000000));
    assert_int_equal(duration_of("30d"), INT64_C(2592000000000));
    assert_int_equal(duration_of("0.5s"), 500000);
    assert_int_equal(duration_of("0"), 0);
    assert_int_equal(duration_of("0s"), 0);
}

static void refuses_what_is_not_a_duration(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "s",          "5",    "5 x",    "-5s",
                                      "5s5s", "0x5s",       "1e3s", "5 mins", "1m30s",
                                      "0 0",  "200000000d", "00.0"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rw_err err = {0};
        int64_t us = 77;
        if (!rw_parse_duration(bad[i], &us, &err))
            fail_msg("\"%s\" was taken as %lld us", bad[i], (long long)us);
        assert_int_equal(us, 77);
        assert_non_null(strstr(err.text, "is not a duration"));
    }
}

static void reads_rfc_3339_with_any_zone(void **state)
{
    (void)state;
    assert_int_equal(time_of("2026-11-23T12:00:00Z"), NOON);
    assert_int_equal(time_of("2026-11-23t12:00:00z"), NOON);
    assert_int_equal(time_of("2026-11-23 12:00:00Z"), NOON);
    assert_int_equal(time_of("2026-11-23T12:00Z"), NOON);
    assert_int_equal(time_of("2026-11-23T19:00:00+07:00"), NOON);
    assert_int_equal(time_of("2026-11-23T08:30:00-03:30"), NOON);
    assert_int_equal(time_of("2026-11-24T02:00:00+14:00"), NOON);
    assert_int_equal(time_of("2026-11-23T12:00:00-00:00"), NOON);
    assert_int_equal(time_of("2026-11-23T12:00:00.123Z"), NOON + 123000);
    assert_int_equal(time_of("2026-11-23T12:00:00.123456789+00:00"), NOON + 123456);
    assert_int_equal(time_of("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(time_of("2028-02-29T00:00:00Z"), INT64_C(1835395200000000));
    assert_int_equal(time_of("2026-12-31T23:59:60Z"), time_of("2027-01-01T00:00:00Z"));
}

static void reads_local_time_as_the_zone_of_the_box_says(void **state)
{
    (void)state;
    setenv("TZ", "UTC-7", 1); /* POSIX counts westward: this is Hanoi */
    tzset();
    assert_int_equal(time_of("2026-11-23 19:00"), NOON);
    assert_int_equal(time_of("2026-11-23 19:00:30"), NOON + 30 * RW_SECOND_US);
    assert_int_equal(time_of("2026-11-23T19:00:30.5"), NOON + 30500000);
    assert_int_equal(time_of("2026-11-23T12:00:00Z"), NOON);
    char text[RW_TIME_SIZE];
    assert_string_equal(rw_format_local_clock(NOON, text), "19:00:00");
    /* Berlin in summer and in winter: the zone of the day counts, not that of today */
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    assert_int_equal(time_of("2026-07-01 12:00"), time_of("2026-07-01T10:00:00Z"));
    assert_int_equal(time_of("2026-12-01 12:00"), time_of("2026-12-01T11:00:00Z"));
    unsetenv("TZ");
    tzset();
}

static int64_t last_time_of(const char *text)
{
    struct rw_err err;
    int64_t us;
    if (rw_parse_last_time(text, NOON, &us, &err))
        fail_msg("%s", err.text);
    return us;
}

static void reads_a_local_time_that_comes_twice_as_the_first_or_the_last(void **state)
{
    (void)state;
    static const char *const zones[] = {"EST5EDT,M3.2.0,M11.1.0", "America/New_York"};
    for (int i = 0; i < 2; i++) {
        setenv("TZ", zones[i], 1);
        tzset();
        assert_int_equal(time_of("2026-11-01 01:30"), time_of("2026-11-01T05:30:00Z"));
        assert_int_equal(last_time_of("2026-11-01 01:30"), time_of("2026-11-01T06:30:00Z"));
        assert_int_equal(time_of("2026-11-01 01:30-05:00"), time_of("2026-11-01T06:30:00Z"));
        /* once each: before, behind, and in spring, when there is no half past two */
        assert_int_equal(last_time_of("2026-11-01 00:59:59"), time_of("2026-11-01T04:59:59Z"));
        assert_int_equal(last_time_of("2026-11-01 02:00"), time_of("2026-11-01T07:00:00Z"));
        assert_int_equal(time_of("2026-11-01 02:00"), time_of("2026-11-01T07:00:00Z"));
        assert_int_equal(time_of("2026-03-08 01:59"), time_of("2026-03-08T06:59:00Z"));
        assert_int_equal(last_time_of("2026-03-08 03:00"), time_of("2026-03-08T07:00:00Z"));
        assert_in_range(time_of("2026-03-08 02:30"), time_of("2026-03-08T06:30:00Z"),
                        time_of("2026-03-08T07:30:00Z"));
    }
    setenv("TZ", "Asia/Ho_Chi_Minh", 1);
    tzset();
    assert_int_equal(time_of("2026-11-23 19:00"), NOON);
    assert_int_equal(last_time_of("2026-11-23 19:00"), NOON);
    unsetenv("TZ");
    tzset();
    assert_int_equal(last_time_of("-15m"), time_of("-15m"));
}

static void reads_now_and_times_before_it(void **state)
{
    (void)state;
    assert_int_equal(time_of("now"), NOON);
    assert_int_equal(time_of("-15m"), NOON - INT64_C(900000000));
    assert_int_equal(time_of("+2h"), NOON + INT64_C(7200000000));
    assert_int_equal(time_of("-1d"), NOON - INT64_C(86400000000));
    assert_int_equal(time_of("-0"), NOON);
}

static void refuses_what_is_not_a_time(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "15m",
                                      "--15m",
                                      "yesterday",
                                      "now ",
                                      " now",
                                      "2026-11-23",
                                      "2026-11-23 19",
                                      "2026-11-23 19:",
                                      "2026-11-23 19:00 ",
                                      "2026-11-23 19:00x",
                                      "2026-11-23 24:00",
                                      "2026-11-23 19:60",
                                      "2026-11-23T19:00:61Z",
                                      "2026-11-23T19:00:5Z",
                                      "2026-11-23T19:00:05.Z",
                                      "2026-11-23TTT19:00",
                                      "2026-11-23 \t19:00",
                                      "2026- 1- 5 19:00",
                                      "2026--1-05 19:00",
                                      "2026-00-05 19:00",
                                      "2026-13-05 19:00",
                                      "2026-11-00 19:00",
                                      "2026-11-31 19:00",
                                      "2026-02-29 19:00",
                                      "2100-02-29 19:00",
                                      "1969-12-31T23:59:59Z",
                                      "9999-01-01T00:00:00Z",
                                      "20266-01-01T00:00:00Z",
                                      "2026-11-23T12:00:00+15:00",
                                      "2026-11-23T12:00:00+07:60",
                                      "2026-11-23T12:00:00+07:-5",
                                      "2026-11-23T12:00:00+07: 5",
                                      "2026-11-23T12:00:00+-7:00",
                                      "2026-11-23T12:00:00+07",
                                      "2026-11-23T12:00:00+0700",
                                      "2026-11-23T12:00:00+07:00Z",
                                      "2026-11-23T12:00:00ZZ"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rw_err err = {0};
        int64_t us = 77;
        if (!rw_parse_time(bad[i], NOON, &us, &err))
            fail_msg("\"%s\" was taken as %lld", bad[i], (long long)us);
        assert_int_equal(err.code, RW_EINVAL);
        assert_non_null(strstr(err.text, "is not a time"));
    }
}

static void a_written_time_reads_back_to_the_millisecond(void **state)
{
    (void)state;
    char text[RW_TIME_SIZE];
    assert_string_equal(rw_format_time(NOON + 123999, text), "2026-11-23T12:00:00.123Z");
    assert_string_equal(rw_format_time(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(rw_format_time(-1000, text), "1969-12-31T23:59:59.999Z");
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t us = (int64_t)((seed >> 20) % UINT64_C(10413792000000000)); /* until 2300 */
        int64_t back = time_of(rw_format_time(us, text));
        assert_int_equal(back, us - us % 1000);
    }
}

static void a_time_out_of_all_reason_is_still_written_in_bounds(void **state)
{
    (void)state;
    static const int64_t wild[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX,
                                   INT64_C(253402300800000000)};
    char text[RW_TIME_SIZE];
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        assert_int_equal(strlen(rw_format_time(wild[i], text)), 24);
        assert_true(strlen(rw_format_local_clock(wild[i], text)) == 8);
    }
}

static void writes_sizes_as_people_read_them(void **state)
{
    (void)state;
    char text[RW_TIME_SIZE];
    assert_string_equal(rw_format_size(0, text), "0 B");
    assert_string_equal(rw_format_size(1023, text), "1023 B");
    assert_string_equal(rw_format_size(INT64_C(200) << 30, text), "200 GiB");
    assert_string_equal(rw_format_size(3 << 19, text), "1.5 MiB");
    assert_string_equal(rw_format_size(-(INT64_C(3) << 19), text), "-1.5 MiB");
    assert_string_equal(rw_format_size(INT64_C(5) << 50, text), "5120 TiB");
    assert_true(strlen(rw_format_size(INT64_MAX, text)) < RW_TIME_SIZE);
    assert_true(strlen(rw_format_size(INT64_MIN, text)) < RW_TIME_SIZE);
    assert_int_equal(size_of(rw_format_size(INT64_C(123) << 20, text)), 123 << 20);
}

static void an_id_is_one_to_32_small_letters_digits_and_dashes(void **state)
{
    (void)state;
    assert_true(rw_id_valid("a"));
    assert_true(rw_id_valid("thon-dung-7"));
    assert_true(rw_id_valid("01234567890123456789012345678901"));
    static const char *const bad[] = {"",    "Gate", "a b",  "a/b",
                                      "..",  "a.b",  "cổng", "a_b",
                                      "a\n", "a+b",  "#",    "012345678901234567890123456789012"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rw_id_valid(bad[i]))
            fail_msg("\"%s\" was taken as an id", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_sizes_in_powers_of_1024_and_of_1000),
        cmocka_unit_test(refuses_what_is_not_a_size_and_names_it),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(refuses_what_is_not_a_duration),
        cmocka_unit_test(reads_rfc_3339_with_any_zone),
        cmocka_unit_test(reads_local_time_as_the_zone_of_the_box_says),
        cmocka_unit_test(reads_a_local_time_that_comes_twice_as_the_first_or_the_last),
        cmocka_unit_test(reads_now_and_times_before_it),
        cmocka_unit_test(refuses_what_is_not_a_time),
        cmocka_unit_test(a_written_time_reads_back_to_the_millisecond),
        cmocka_unit_test(a_time_out_of_all_reason_is_still_written_in_bounds),
        cmocka_unit_test(writes_sizes_as_people_read_them),
        cmocka_unit_test(an_id_is_one_to_32_small_letters_digits_and_dashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
