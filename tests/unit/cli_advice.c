/* What an installer is told of streams, and what the file would say of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/advice.h"
#include "cli/propose.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

/* Ten seconds of a camera that is set as it should be. */
static struct rw_measure good(int fps, int width, int height, double mbit)
{
    return (struct rw_measure){.codec = "h264",
                               .width = width,
                               .height = height,
                               .pictures = 10 * fps + 1,
                               .keyframes = 5,
                               .bytes = (int64_t)(mbit * 1e6 / 8 * 10),
                               .span_us = 10 * SECOND,
                               .keys_us = 8 * SECOND,
                               .datagrams = 10000,
                               .clock_told = true,
                               .ahead_us = 40000};
}

static struct rw_measure good_main(void)
{
    return good(25, 1920, 1080, 2);
}

static struct rw_measure good_sub(void)
{
    return good(8, 640, 360, 0.3);
}

/* The only advice begins and goes on with these words. */
static void expect_only(const struct rw_advice *advice, const char *begin, const char *more)
{
    if (advice->count != 1)
        fail_msg("%d sentences, the last: %s", advice->count,
                 advice->count ? advice->lines[advice->count - 1] : "none");
    const char *line = advice->lines[0];
    if (strncmp(line, begin, strlen(begin)) != 0 || !strstr(line, more))
        fail_msg("\"%s\" is not \"%s ... %s\"", line, begin, more);
}

static void advise_sub(struct rw_advice *advice, const struct rw_measure *sub)
{
    struct rw_measure main = good_main();
    *advice = (struct rw_advice){0};
    rw_advise(advice, &main, sub, false);
}

static void advise_main(struct rw_advice *advice, const struct rw_measure *main, bool udp)
{
    struct rw_measure sub = good_sub();
    *advice = (struct rw_advice){0};
    rw_advise(advice, main, &sub, udp);
}

static void a_camera_that_is_set_well_is_left_alone(void **state)
{
    struct rw_advice advice;
    struct rw_measure sub = good_sub(), ten = good(10, 704, 576, 0.5);
    (void)state;
    advise_sub(&advice, &sub);
    assert_int_equal(advice.count, 0);
    advise_sub(&advice, &ten);
    assert_int_equal(advice.count, 0);
}

static void eight_pictures_a_second_are_enough_to_watch(void **state)
{
    static const struct {
        int fps;
        const char *words;
    } rows[] = {{12, "would lower the cost of watching (it sends 12)"},
                {15, "would halve the cost of watching (it sends 15)"},
                {25, "would cut the cost of watching to a third (it sends 25)"}};
    struct rw_advice advice;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_measure sub = good(rows[i].fps, 640, 360, 0.3);
        advise_sub(&advice, &sub);
        expect_only(&advice, "sub: 8 pictures a second ", rows[i].words);
    }
}

static void what_is_dear_to_watch_is_named(void **state)
{
    struct rw_advice advice = {0};
    struct rw_measure main = good_main(), large = good(8, 1280, 720, 1), hevc = good_sub();
    (void)state;
    strcpy(hevc.codec, "hevc");
    advise_sub(&advice, &hevc);
    expect_only(&advice, "sub: set it to H.264", "costs more");
    advise_sub(&advice, &large);
    expect_only(&advice, "sub: 1280x720 ", "640x360");
    advice = (struct rw_advice){0};
    rw_advise(&advice, &main, NULL, false);
    expect_only(&advice, "name a sub-stream (--sub URL)", "8 pictures a second");
}

static void keyframes_must_come_every_two_seconds(void **state)
{
    struct rw_advice advice;
    struct rw_measure rare = good_main(), once = good_sub();
    (void)state;
    rare.keyframes = 3; /* one in four seconds */
    advise_main(&advice, &rare, false);
    expect_only(&advice, "main: set its I-frame interval to 2 s (50 pictures)", "I-frame only");
    once.keyframes = 1;
    once.keys_us = 0;
    assert_true(rw_measure_gop(&once) == 0);
    advise_sub(&advice, &once);
    expect_only(&advice, "sub: set its I-frame interval to 2 s (16 pictures)", "");
}

static void losses_bitrate_and_clock_are_told_with_their_figures(void **state)
{
    struct rw_advice advice;
    struct rw_measure main = good_main();
    (void)state;
    main.lost = 5; /* of 10005 */
    advise_main(&advice, &main, true);
    assert_int_equal(advice.count, 0);
    main.lost = 204;
    advise_main(&advice, &main, true);
    expect_only(&advice, "main: 2.0 % of its packets are lost", "or set transport to tcp");
    advise_main(&advice, &main, false);
    expect_only(&advice, "main: 2.0 % of its packets are lost", "switch");
    assert_null(strstr(advice.lines[0], "transport"));
    main = good(25, 3840, 2160, 16);
    advise_main(&advice, &main, false);
    expect_only(&advice, "main: 16 Mbit/s fill 173 GB a day", "");
    main = good_main();
    main.ahead_us = -3600 * SECOND;
    advise_main(&advice, &main, false);
    expect_only(&advice, "its clock is 3600 s behind this box's", "NTP");
    main.ahead_us = 2 * SECOND;
    advise_main(&advice, &main, false);
    expect_only(&advice, "its clock is 2 s ahead of this box's", "NTP");
    main.clock_told = false;
    advise_main(&advice, &main, false);
    assert_int_equal(advice.count, 0);
}

static void a_certificate_that_ends_within_thirty_days_is_warned_of(void **state)
{
    static const struct {
        int64_t left_us;
        const char *words;
    } rows[] = {{-1, "its certificate is over"},
                {DAY - 1, "its certificate ends in 0 days"},
                {DAY, "its certificate ends in 1 day;"},
                {31 * DAY - 1, "its certificate ends in 30 days"}};
    struct rw_certificate certificate = {.shown = true, .ends_us = 1000 * DAY};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_advice advice = {0};
        rw_advise_certificate(&advice, &certificate, certificate.ends_us - rows[i].left_us);
        expect_only(&advice, rows[i].words, "");
    }
    struct rw_advice none = {0};
    rw_advise_certificate(&none, &certificate, certificate.ends_us - 31 * DAY);
    certificate.shown = false;
    rw_advise_certificate(&none, &certificate, certificate.ends_us);
    assert_int_equal(none.count, 0);
}

static void expect_in(const struct rw_buf *yaml, const char *words)
{
    if (!strstr((const char *)yaml->data, words))
        fail_msg("\"%s\" is not in:\n%s", words, (const char *)yaml->data);
}

static void the_file_has_all_that_was_found_and_no_password(void **state)
{
    struct rw_stream_config main = {.url = (char *)"rtsps://[fe80::1%25e]:322/a?b=\"c\"",
                                    .username = (char *)"xem \"x\"",
                                    .password = (char *)"geheim",
                                    .ca_file = (char *)"/etc/ca.pem",
                                    .udp = true};
    struct rw_stream_config sub = main;
    struct rw_measure m = good_main(), s = good_sub();
    struct rw_proposal proposal = {&main, &sub, &m, &s, 1};
    struct rw_buf yaml = {0};
    (void)state;
    m.certificate.shown = true;
    sub.url = (char *)"rtsp://10.0.0.11/2";
    sub.udp = false;
    rw_propose_camera(&proposal, &yaml);
    rw_buf_add(&yaml, "", 1);
    expect_in(&yaml, "cameras:\n  - id: cam-fe80-1-25e\n    name: \"fe80::1%25e\"\n    main:\n");
    expect_in(&yaml, "      url: \"rtsps://[fe80::1%25e]:322/a?b=\\\"c\\\"\"\n"
                     "      username: \"xem \\\"x\\\"\"\n"
                     "      password_file: cam-fe80-1-25e.pw #");
    expect_in(&yaml, "      transport: udp\n      ca_file: \"/etc/ca.pem\"\n"
                     "      check_host: false\n      keep: 21 GiB # 1 day at 2.00 Mbit/s\n");
    expect_in(&yaml, "    sub:\n      url: \"rtsp://10.0.0.11/2\"\n"
                     "      keep: 4 GiB # 1 day at 0.30 Mbit/s\n");
    assert_null(strstr((const char *)yaml.data, "geheim"));
    rw_buf_finish(&yaml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_that_is_set_well_is_left_alone),
        cmocka_unit_test(eight_pictures_a_second_are_enough_to_watch),
        cmocka_unit_test(what_is_dear_to_watch_is_named),
        cmocka_unit_test(keyframes_must_come_every_two_seconds),
        cmocka_unit_test(losses_bitrate_and_clock_are_told_with_their_figures),
        cmocka_unit_test(a_certificate_that_ends_within_thirty_days_is_warned_of),
        cmocka_unit_test(the_file_has_all_that_was_found_and_no_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
