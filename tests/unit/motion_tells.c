/* What a run tells beside that something moves: the way it took, zones, lines; and the promises
 * that hold for any picture. */
#include "motion_stage.h"

/* Under a sanitizer everything takes ten times as long, and so does an hour. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LONG_S = 240 };
#else
enum { LONG_S = 3600 };
#endif

static struct rw_region rectangle(float x, float y, float w, float h)
{
    return (struct rw_region){
        .points = 4,
        .polygon = {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}},
        .sensitivity = 50,
    };
}

/* Something crosses from left to right, or back; the last run is left in *run. */
static int play(const struct rw_motion_options *options, bool back, struct rw_motion_run *run)
{
    struct stage *stage = open_stage(15, 30, options);
    watch_quiet(stage, 4);
    for (int i = 0; i < 15 * 4; i++) {
        int x = i * 6;
        clear(stage);
        draw(stage, back ? WIDTH - x : x - 24, 80, 24, 24, 50);
        expose(stage, 100);
        look(stage);
    }
    watch_quiet(stage, seconds(stage) + 4);
    int begins = stage->begins;
    assert_int_equal(stage->ends, begins);
    *run = stage->run;
    close_stage(stage);
    return begins;
}

static struct rw_motion_options three_zones(void)
{
    struct rw_motion_options options = {.sensitivity = 50, .zone_count = 3};
    options.zones[0] = rectangle(0.4f, 0.2f, 0.2f, 0.6f);
    options.zones[1] = rectangle(0.6f, 0.2f, 0.4f, 0.6f);
    options.zones[2] = rectangle(0, 0.2f, 0.4f, 0.6f);
    return options;
}

static void tells_the_zones_in_the_order_of_the_way(void **state)
{
    (void)state;
    struct rw_motion_options options = three_zones();
    struct rw_motion_run run;
    assert_int_equal(play(&options, false, &run), 1);
    assert_int_equal(run.order_count, 3);
    assert_int_equal(run.order[0], 2);
    assert_int_equal(run.order[1], 0);
    assert_int_equal(run.order[2], 1);
    assert_int_equal(play(&options, true, &run), 1);
    assert_int_equal(run.order_count, 3);
    assert_int_equal(run.order[0], 1);
    assert_int_equal(run.order[1], 0);
    assert_int_equal(run.order[2], 2);
}

static void tells_which_lines_were_crossed_and_which_way(void **state)
{
    (void)state;
    struct rw_motion_options options = {.sensitivity = 50, .line_count = 3};
    options.lines[0] = (struct rw_line){{0.5f, 1}, {0.5f, 0}}; /* looking up: its right is right */
    options.lines[1] = (struct rw_line){{0.5f, 0}, {0.5f, 1}}; /* looking down */
    options.lines[2] = (struct rw_line){{0.5f, 0}, {0.5f, 0.2f}}; /* ends above the way */
    struct rw_motion_run run;
    assert_int_equal(play(&options, false, &run), 1);
    assert_int_equal(run.crossed_right, 1);
    assert_int_equal(run.crossed_left, 2);
    assert_int_equal(play(&options, true, &run), 1);
    assert_int_equal(run.crossed_right, 2);
    assert_int_equal(run.crossed_left, 1);
}

static void tells_the_path_and_what_lies_around_all_of_it(void **state)
{
    (void)state;
    struct rw_motion_options options = {.sensitivity = 50};
    struct rw_motion_run run;
    assert_int_equal(play(&options, false, &run), 1);
    assert_in_range(run.path_count, 4, RW_PATH_MAX);
    for (int i = 1; i < run.path_count; i++) {
        assert_true(run.path[i].x >= run.path[i - 1].x - 0.02f);
        assert_true(run.path[i].y > 0.4f && run.path[i].y < 0.6f);
    }
    assert_true(run.path[0].x < 0.2f && run.path[run.path_count - 1].x > 0.7f);
    assert_true(run.whole.w > 0.9f && run.whole.h < 0.3f);
    assert_true(run.box.w < 0.2f);
}

static void tells_a_new_zone_at_once(void **state)
{
    (void)state;
    struct rw_motion_options options = three_zones();
    struct stage *stage = open_stage(15, 30, &options);
    uint32_t told = 0;
    watch_quiet(stage, 4);
    for (int i = 0; i < 15 * 4; i++) {
        clear(stage);
        draw(stage, i * 6 - 24, 80, 24, 24, 50);
        expose(stage, 100);
        if (look(stage) != RW_MOTION_NONE)
            told = stage->run.zones;
        if (i * 6 - 24 > WIDTH * 4 / 10 + 16 && i * 6 < WIDTH)
            assert_true(told & 1);
    }
    close_stage(stage);
}

static void does_not_tell_what_is_shorter_than_asked(void **state)
{
    (void)state;
    struct rw_motion_run run;
    struct rw_motion_options options = {.sensitivity = 50, .min_duration_us = 2 * SECOND};
    assert_int_equal(play(&options, false, &run), 1); /* four seconds */
    assert_true(run.decided_us - run.start_us >= 2 * SECOND);
    options.min_duration_us = 5 * SECOND;
    assert_int_equal(play(&options, false, &run), 0);
}

static void counts_in_a_mask_with_a_sensitivity_only_what_is_clear(void **state)
{
    (void)state;
    struct rw_motion_run run;
    struct rw_motion_options options = {.sensitivity = 50, .mask_count = 1};
    options.masks[0] = rectangle(0, 0, 1, 1);
    options.masks[0].sensitivity = 1;
    assert_int_equal(play(&options, false, &run), 1); /* contrast 50 */
    options.masks[0].sensitivity = 0;
    assert_int_equal(play(&options, false, &run), 0);
}

static void is_silent_for_an_hour_of_noise(void **state)
{
    (void)state;
    static const int sigmas[] = {80, 30}; /* 1/10 luma */
    for (size_t i = 0; i < sizeof sigmas / sizeof *sigmas; i++) {
        struct stage *stage = open_stage(15, sigmas[i], NULL);
        make_scene(stage, 40 + (int)i * 80);
        watch_quiet(stage, LONG_S / (double)(1 + i * 5));
        assert_int_equal(stage->begins, 0);
        close_stage(stage);
    }
}

static void is_silent_for_noise_over_any_constant_picture(void **state)
{
    (void)state;
    for (int shade = 0; shade <= 255; shade += 51) {
        struct stage *stage = open_stage(15, 80, NULL);
        memset(stage->scene, shade, sizeof stage->scene);
        watch_quiet(stage, 60);
        assert_int_equal(stage->begins, 0);
        close_stage(stage);
    }
}

/* 24x24, contrast 25, 2 to 40 pixels a picture; lighter and darker than what is behind it. */
static void finds_any_patch_that_crosses(void **state)
{
    (void)state;
    static const int speeds[] = {2, 3, 4, 6, 8, 11, 15, 20, 26, 33, 40};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        assert_true(finds_crossing(15, 30, 25, speeds[i] * 15, 50));
        assert_true(finds_crossing(15, 30, -25, speeds[i] * 15, 50));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_zones_in_the_order_of_the_way),
        cmocka_unit_test(tells_which_lines_were_crossed_and_which_way),
        cmocka_unit_test(tells_the_path_and_what_lies_around_all_of_it),
        cmocka_unit_test(tells_a_new_zone_at_once),
        cmocka_unit_test(does_not_tell_what_is_shorter_than_asked),
        cmocka_unit_test(counts_in_a_mask_with_a_sensitivity_only_what_is_clear),
        cmocka_unit_test(is_silent_for_an_hour_of_noise),
        cmocka_unit_test(is_silent_for_noise_over_any_constant_picture),
        cmocka_unit_test(finds_any_patch_that_crosses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
