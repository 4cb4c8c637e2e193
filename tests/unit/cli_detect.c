/* What `detect` is asked, and two lists of events beside each other. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/compare.h"
#include "cli/font.h"
#include "cli/paint.h"
#include "cli/tune.h"

/* Calls detect with standard error in said. */
static int detect(const struct rw_arguments *arguments, char said[400])
{
    char path[] = "/tmp/roadwatch-cli-XXXXXX";
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    assert_true(fd >= 0 && saved >= 0);
    dup2(fd, STDERR_FILENO);
    int status = rw_command_detect(arguments);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t got = pread(fd, said, 399, 0);
    said[got > 0 ? got : 0] = 0;
    close(fd);
    unlink(path);
    return status;
}

static void what_does_not_go_together_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        struct rw_arguments arguments;
        const char *named;
    } bad[] = {
        {{.operand = NULL}, "FILE"},
        {{.camera = "gate"}, "--from"},
        {{.from = "-1h"}, "--camera"},
        {{.operand = "a.mp4", .from = "-1h"}, "--from"},
        {{.operand = "a.mp4", .to = "now"}, "--to"},
        {{.operand = "a.mp4", .changed = "b.yaml"}, "--try"},
        {{.operand = "a.mp4", .pictures = "b"}, "--pictures"},
        {{.operand = "a.mp4", .sensitivity = "101"}, "\"101\""},
        {{.operand = "/dev/null", .overlay = "/dev/../dev/null"}, "overwrite"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char said[400];
        assert_int_equal(detect(&bad[i].arguments, said), 2);
        if (!strstr(said, bad[i].named) || strchr(said, '\n') != said + strlen(said) - 1)
            fail_msg("no sentence about %s: %s", bad[i].named, said);
    }
}

static void a_sensitivity_is_one_to_a_hundred_and_nothing_else(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   "0",   "101", "-5",  "+5",
                                      "5 ", "5.0", "abc", "1e1", "99999999999999999999"};
    struct rw_arguments arguments = {.sensitivity = NULL};
    assert_int_equal(rw_arguments_sensitivity(&arguments), 0);
    for (int i = 1; i <= 100; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        arguments.sensitivity = text;
        assert_int_equal(rw_arguments_sensitivity(&arguments), i);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char said[400];
        arguments = (struct rw_arguments){.operand = "a.mp4", .sensitivity = bad[i]};
        assert_int_equal(detect(&arguments, said), 2);
        assert_non_null(strstr(said, "--sensitivity"));
    }
}

static void another_sensitivity_leaves_zones_with_their_own_and_masks(void **state)
{
    (void)state;
    struct rw_zone_config zones[2] = {{.sensitivity = 50, .inherits = true}, {.sensitivity = 50}};
    struct rw_detect_config config = {.zone_count = 2, .zones = zones};
    struct rw_motion_options options = {.sensitivity = 50, .zone_count = 2, .mask_count = 1};
    options.zones[0].sensitivity = options.zones[1].sensitivity = 50;
    options.masks[0].sensitivity = 7;
    rw_tune_sensitivity(&options, &config, 80);
    assert_int_equal(options.sensitivity, 80);
    assert_int_equal(options.zones[0].sensitivity, 80);
    assert_int_equal(options.zones[1].sensitivity, 50);
    assert_int_equal(options.masks[0].sensitivity, 7);
    rw_tune_sensitivity(&options, NULL, 20);
    assert_int_equal(options.sensitivity, 20);
    assert_int_equal(options.zones[0].sensitivity, 80);
}

static struct rw_happening at(int64_t start_us, int64_t end_us)
{
    return (struct rw_happening){.start_us = start_us, .end_us = end_us};
}

static void events_are_the_same_when_they_share_a_moment(void **state)
{
    (void)state;
    static const struct {
        int64_t a[2], b[2];
        bool same;
    } cases[] = {
        {{10, 20}, {12, 15}, true},  {{10, 20}, {20, 30}, true}, {{10, 20}, {21, 30}, false},
        {{10, 0}, {500, 600}, true}, {{10, 0}, {1, 9}, false},   {{10, 0}, {5, 0}, true},
        {{10, 10}, {10, 10}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rw_happening a = at(cases[i].a[0], cases[i].a[1]);
        struct rw_happening b = at(cases[i].b[0], cases[i].b[1]);
        assert_int_equal(rw_happening_overlaps(&a, &b), cases[i].same);
        assert_int_equal(rw_happening_overlaps(&b, &a), cases[i].same);
    }
}

/* The list as the tuning keeps it: many events, with and without pictures. */
static void lists_tell_what_the_other_one_lacks(void **state)
{
    (void)state;
    struct rw_happenings before = {.list = NULL}, after = {.list = NULL};
    for (int i = 0; i < 100; i++) {
        struct rw_happening *event = rw_happenings_add(&before);
        event->start_us = 1000 * i + 1;
        event->end_us = event->start_us + 500;
        event->armed = i % 2;
        rw_buf_add(&event->jpeg, "x", 1);
        if (i % 4 == 0) /* in pieces: both are the same event */
            for (int piece = 0; piece < 2; piece++) {
                struct rw_happening *part = rw_happenings_add(&after);
                part->start_us = event->start_us + 200 * piece;
                part->end_us = part->start_us + 100;
            }
    }
    for (int i = 0; i < before.count; i++)
        before.list[i].matched = rw_happenings_have(&after, &before.list[i]);
    for (int i = 0; i < after.count; i++)
        after.list[i].matched = rw_happenings_have(&before, &after.list[i]);
    assert_int_equal(before.count, 100);
    assert_int_equal(rw_happenings_unmatched(&before), 75);
    assert_int_equal(rw_happenings_unmatched(&after), 0);
    assert_int_equal(rw_happenings_armed(&before), 50);
    rw_happenings_drop(&before);
    assert_int_equal(rw_happenings_unmatched(&before), 74);
    rw_happenings_finish(&before);
    rw_happenings_finish(&after);
    assert_int_equal(before.count, 0);
}

static void any_text_becomes_letters_that_the_font_has(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain;
    } cases[] = {{"Cổng làng", "Cong lang"},
                 {"Ngã ba chợ ĐƯỜNG đường", "Nga ba cho DUONG duong"},
                 {"Thôn Dùng: ỹ Ỹ ẵ Ặ", "Thon Dung: y Y a A"},
                 {"e\xcc\x81", "e"},
                 {"\xe6\xb5\xb7", "?"},
                 {"a\xff\xc3", "a??"},
                 {"\xf0\x9f", "??"},
                 {"tab\t", "tab?"}};
    char out[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rw_font_plain(cases[i].text, out, sizeof out);
        assert_string_equal(out, cases[i].plain);
    }
    rw_font_plain("cut here", out, 4);
    assert_string_equal(out, "cut");
    for (int letter = 1; letter < 256; letter++) {
        const uint8_t *rows = rw_font_rows((char)letter);
        unsigned any = 0;
        for (int i = 0; i < RW_FONT_ROWS; i++)
            any |= rows[i];
        assert_true(any < 32);
        assert_int_equal(any == 0, letter == ' ');
    }
}

static void drawing_ends_at_the_edge_of_the_canvas(void **state)
{
    (void)state;
    struct rw_colour white = rw_colour_of(255, 255, 255);
    assert_int_equal(white.y, 235);
    for (int size = 1; size < 40; size += 3) {
        struct rw_canvas *canvas = rw_canvas_create(size, size + 1);
        for (int x = -50; x < 90; x += 9) {
            rw_paint_fill(canvas, x, x, 20, 20, white, 128);
            rw_paint_box(canvas, x, 90 - x, 30, 30, 3, white);
            rw_paint_line(canvas, x, -x, 90 - x, 20, 2, white);
            rw_paint_text(canvas, x, x, 2, white, "đường");
        }
        rw_paint_fill(canvas, 0, 0, size, size + 1, white, RW_OPAQUE);
        assert_int_equal(canvas->plane[0][0], white.y);
        rw_canvas_destroy(canvas);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_go_together_is_refused_by_name),
        cmocka_unit_test(a_sensitivity_is_one_to_a_hundred_and_nothing_else),
        cmocka_unit_test(another_sensitivity_leaves_zones_with_their_own_and_masks),
        cmocka_unit_test(events_are_the_same_when_they_share_a_moment),
        cmocka_unit_test(lists_tell_what_the_other_one_lacks),
        cmocka_unit_test(any_text_becomes_letters_that_the_font_has),
        cmocka_unit_test(drawing_ends_at_the_edge_of_the_canvas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
