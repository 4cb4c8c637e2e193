/* Plays the detector with drawn pictures. */
#include "motion_stage.h"

#include "motion/grid.h"
#include "motion/region.h"

static void is_silent_for_minutes_of_noise(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 80, NULL);
    watch_quiet(stage, 100);
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void is_silent_for_noise_at_full_sensitivity(void **state)
{
    (void)state;
    struct rw_motion_options options = {.sensitivity = 100};
    struct stage *stage = open_stage(15, 50, &options);
    watch_quiet(stage, 30);
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void is_silent_when_the_exposure_jumps(void **state)
{
    (void)state;
    static const int percents[] = {50, 70, 85, 120, 150, 200};
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        struct stage *stage = open_stage(15, 30, NULL);
        watch_quiet(stage, 4);
        while (seconds(stage) < 9) {
            clear(stage);
            expose(stage, seconds(stage) < 6.5 ? percents[i] : 100);
            look(stage);
        }
        assert_int_equal(stage->begins, 0);
        close_stage(stage);
    }
}

static void is_silent_when_lightning_strikes(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    for (int i = 0; i < 15 * 20; i++) {
        clear(stage);
        expose(stage, i > 60 && i % 40 < 2 ? 160 : 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void is_silent_for_drift_and_flicker(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    for (int i = 0; i < 15 * 30; i++) {
        int triangle = abs(i % 300 - 150); /* 20 s */
        int flicker = i % 5 * 4;
        clear(stage);
        expose(stage, 70 + triangle / 3 + flicker);
        look(stage);
    }
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void is_silent_when_a_cloud_passes(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    for (int i = 0; i < 15 * 14; i++) {
        clear(stage);
        for (int x = 0; x < WIDTH; x++) {
            int shade = (i - 45) * 8 - x; /* a soft edge 150 pixels wide, 120 pixels a second */
            shade = shade < 0 ? 0 : shade > 150 ? 150 : shade;
            for (int y = 0; y < HEIGHT; y++) {
                uint8_t *at = &stage->picture[y * WIDTH + x];
                *at = (uint8_t)(*at * (500 - shade) / 500);
            }
        }
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void is_silent_when_a_lamp_goes_on(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    while (seconds(stage) < 20) {
        clear(stage);
        draw(stage, 60, 40, 100, 60, 60);
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void draw_rain(struct stage *stage, int streaks)
{
    for (int i = 0; i < streaks; i++)
        draw(stage, (int)(next_random(stage) % WIDTH), (int)(next_random(stage) % HEIGHT), 2,
             10 + (int)(next_random(stage) % 20), 70);
}

static void is_silent_in_rain(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    while (seconds(stage) < 30) {
        clear(stage);
        draw_rain(stage, 8 + stage->pictures / 40); /* more and more */
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void finds_a_person_in_rain(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    while (seconds(stage) < 12) {
        clear(stage);
        draw_rain(stage, 6);
        draw(stage, (int)((seconds(stage) - 8) * 70) - 30, 80, 30, 60, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 1);
    assert_true(stage->begin_s > 8 && stage->begin_s < 9);
    close_stage(stage);
}

static void is_silent_when_the_pole_shakes(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 20, NULL);
    while (seconds(stage) < 20) {
        int dx = (int)(next_random(stage) % 3) - 1, dy = (int)(next_random(stage) % 3) - 1;
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                int from_x = x + dx < 0 ? 0 : x + dx >= WIDTH ? WIDTH - 1 : x + dx;
                int from_y = y + dy < 0 ? 0 : y + dy >= HEIGHT ? HEIGHT - 1 : y + dy;
                stage->picture[y * WIDTH + x] = stage->scene[from_y * WIDTH + from_x];
            }
        }
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 0);
    close_stage(stage);
}

static void finds_slow_and_fast_things_at_any_rate(void **state)
{
    (void)state;
    static const int rates[] = {5, 15, 30};
    static const double speeds[] = {30, 120, 400, 600}; /* 2 to 40 pixels a picture at 15 */
    for (size_t r = 0; r < 3; r++)
        for (size_t s = 0; s < 4; s++)
            if (speeds[s] / rates[r] < 100) /* it must be in view for more than two pictures */
                assert_true(finds_crossing(rates[r], 30, 25, speeds[s], 50));
}

static void finds_things_in_strong_noise(void **state)
{
    (void)state;
    assert_true(finds_crossing(15, 80, 25, 120, 50));
}

static void tells_a_lorry_in_three_pictures_and_a_cat_within_a_second(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    watch_crossing(stage, 80, 60, 450);
    assert_int_equal(stage->begins, 1);
    assert_true(stage->begin_s <= 4 + 3 / 15.0);
    watch_quiet(stage, seconds(stage) + 4);
    double cat_s = seconds(stage);
    watch_crossing(stage, 16, 20, 60);
    assert_int_equal(stage->begins, 2);
    assert_in_range((int)((stage->begin_s - cat_s) * 1000), 200, 1000);
    close_stage(stage);
}

static void says_when_and_where_it_was(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    watch_crossing(stage, 40, 40, 100);
    double gone_s = seconds(stage);
    while (look(stage) != RW_MOTION_END && seconds(stage) < gone_s + 5) {
        clear(stage);
        expose(stage, 100);
    }
    const struct rw_motion_run *run = &stage->run;
    assert_int_equal(stage->ends, 1);
    assert_in_range(run->start_us, 4000000, 4400000);
    assert_in_range(run->decided_us, run->start_us, 4800000);
    assert_in_range(run->last_us, (int64_t)((gone_s - 0.4) * SECOND),
                    (int64_t)((gone_s + 0.4) * SECOND));
    assert_in_range((int)((seconds(stage) - gone_s) * 10), 13, 24);
    /* the box at the peak: the thing was 40 pixels wide, its left edge at -40 + 100 t */
    double left = -40 + ((double)run->peak_us / SECOND - 4) * 100;
    assert_in_range((int)(run->box.x * WIDTH) + 16, (int)left + 4, (int)left + 28);
    assert_in_range((int)(run->box.y * HEIGHT), 72, 88);
    assert_in_range((int)(run->box.w * WIDTH), 32, 56);
    assert_in_range((int)(run->box.h * HEIGHT), 32, 56);
    assert_true(run->score > 0.3f && run->score <= 1);
    close_stage(stage);
}

static void shows_a_growing_thing_better_about_once_a_second(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    struct rw_box first = {0};
    watch_quiet(stage, 4);
    int64_t shown_us = 0;
    for (int i = 0; i < 15 * 6; i++) {
        int size = 16 + i;
        clear(stage);
        draw(stage, 150 - i, 90 - size / 2, size, size, 40);
        expose(stage, 100);
        enum rw_motion_change change = look(stage);
        if (change == RW_MOTION_BEGIN)
            first = stage->run.box;
        if (change == RW_MOTION_BETTER)
            assert_true(stage->run.peak_us - shown_us >= 330000);
        shown_us = stage->run.peak_us;
    }
    assert_int_equal(stage->begins, 1);
    assert_in_range(stage->betters, 2, 8);
    assert_true(stage->run.box.w > first.w * 1.5f);
    assert_true(stage->run.peak_us > stage->run.decided_us);
    close_stage(stage);
}

static void finds_what_comes_straight_at_it(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    while (seconds(stage) < 8) {
        int size = (int)((seconds(stage) - 4) * 30);
        clear(stage);
        draw(stage, 164 - size / 2, 92 - size / 2, size, size, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 1);
    assert_true(stage->begin_s < 6.5);
    close_stage(stage);
}

static void ends_the_run_when_the_car_has_parked(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    while (seconds(stage) < 15) {
        double x = (seconds(stage) - 4) * 80;
        clear(stage);
        draw(stage, x < 160 ? (int)x : 160, 90, 60, 40, 50); /* stands from 6 s */
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 1);
    assert_int_equal(stage->ends, 1);
    assert_in_range(stage->run.last_us, 5800000, 7000000);
    assert_false(rw_motion_running(stage->motion));
    close_stage(stage);
}

static void finds_who_moves_while_the_background_is_learned(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    while (seconds(stage) < 4) {
        clear(stage);
        draw(stage, 40 + (int)(seconds(stage) * 50), 80, 20, 40, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 1);
    assert_true(stage->begin_s < 2);
    assert_int_equal(stage->ends, 0);
    close_stage(stage);
}

static void finds_who_stood_still_and_then_walks(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    while (seconds(stage) < 24) {
        double walked = seconds(stage) < 20 ? 0 : (seconds(stage) - 20) * 40;
        clear(stage);
        draw(stage, 100 + (int)walked, 80, 20, 40, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 1);
    assert_true(stage->begin_s > 20 && stage->begin_s < 21);
    close_stage(stage);
}

/* Another place altogether: nothing of the first scene's steps is in it. */
static void make_other_scene(struct stage *stage)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            stage->scene[y * WIDTH + x] =
                (uint8_t)(60 + ((unsigned)(x / 26 * 37 + y / 22 * 101) * 2654435761u >> 25));
}

static void keeps_the_run_when_the_scene_changes_under_it(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    while (seconds(stage) < 7.5) {
        if (stage->pictures == 15 * 6)
            make_other_scene(stage);
        clear(stage);
        draw(stage, (int)((seconds(stage) - 4) * 50), 80, 40, 40, -60);
        expose(stage, 100);
        look(stage);
    }
    assert_int_equal(stage->begins, 1);
    assert_int_equal(stage->ends, 0);
    watch_quiet(stage, seconds(stage) + 6);
    assert_int_equal(stage->begins, 1);
    assert_int_equal(stage->ends, 1);
    assert_int_equal(stage->run.kind, RW_KIND_MOTION);
    close_stage(stage);
}

static void tells_once_that_the_scene_changed(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    make_other_scene(stage);
    watch_quiet(stage, 4.5);
    assert_int_equal(stage->begins, 1);
    assert_int_equal(stage->run.kind, RW_KIND_SCENE_CHANGE);
    assert_true(stage->begin_s < 4.3);
    watch_quiet(stage, 20);
    assert_int_equal(stage->begins, 1);
    assert_int_equal(stage->ends, 1);
    close_stage(stage);
}

static void tells_that_the_camera_is_covered_for_as_long_as_it_is(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 6);
    memset(stage->scene, 25, sizeof stage->scene);
    watch_quiet(stage, 10);
    assert_int_equal(stage->run.kind, RW_KIND_COVERED);
    assert_true(rw_motion_running(stage->motion));
    int begins = stage->begins;
    watch_quiet(stage, 30);
    assert_int_equal(stage->begins, begins);
    assert_true(rw_motion_running(stage->motion));
    make_scene(stage, 80);
    watch_quiet(stage, 40);
    assert_false(rw_motion_running(stage->motion));
    assert_int_equal(stage->run.kind, RW_KIND_COVERED);
    assert_int_equal(stage->begins, stage->ends);
    close_stage(stage);
}

static void tells_that_the_camera_was_turned(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    make_other_scene(stage);
    watch_quiet(stage, 6);
    for (int y = 0; y < HEIGHT; y++) {
        uint8_t *row = stage->scene + y * WIDTH;
        memmove(row, row + 48, WIDTH - 48);
        memset(row + WIDTH - 48, 90, 48);
    }
    watch_quiet(stage, 16);
    assert_int_equal(stage->run.kind, RW_KIND_CAMERA_MOVED);
    assert_int_equal(stage->begins, stage->ends);
    assert_true(stage->begins <= 2); /* the change, and what it was */
    close_stage(stage);
}

static struct rw_region rectangle(float x, float y, float w, float h, int sensitivity)
{
    return (struct rw_region){
        .points = 4,
        .polygon = {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}},
        .sensitivity = sensitivity,
    };
}

static int begins_with(const struct rw_motion_options *options, uint32_t *zones)
{
    struct stage *stage = open_stage(15, 30, options);
    watch_quiet(stage, 4);
    watch_crossing(stage, 24, 40, 100); /* rows 80 to 104 of 184 */
    watch_quiet(stage, seconds(stage) + 3);
    int begins = stage->begins;
    *zones = stage->run.zones;
    close_stage(stage);
    return begins;
}

static void ignores_what_moves_in_a_mask(void **state)
{
    (void)state;
    uint32_t zones;
    struct rw_motion_options options = {.sensitivity = 50, .mask_count = 1};
    options.masks[0] = rectangle(0, 0.35f, 1, 0.3f, 0);
    assert_int_equal(begins_with(&options, &zones), 0);
    options.masks[0] = rectangle(0, 0.7f, 1, 0.3f, 0);
    assert_int_equal(begins_with(&options, &zones), 1);
}

static void watches_only_the_zones_and_names_those_touched(void **state)
{
    (void)state;
    uint32_t zones;
    struct rw_motion_options options = {.sensitivity = 50, .zone_count = 1};
    options.zones[0] = rectangle(0, 0.7f, 1, 0.3f, 50);
    assert_int_equal(begins_with(&options, &zones), 0);
    options.zone_count = 3;
    options.zones[1] = rectangle(0.1f, 0.3f, 0.3f, 0.4f, 50);
    options.zones[2] = rectangle(0.3f, 0.3f, 0.4f, 0.4f, 50);
    assert_int_equal(begins_with(&options, &zones), 1);
    assert_int_equal(zones, 1u << 1 | 1u << 2);
}

static void keeps_the_box_inside_the_zone(void **state)
{
    (void)state;
    uint32_t zones;
    struct rw_motion_options options = {.sensitivity = 50, .zone_count = 1};
    options.zones[0] = rectangle(0.25f, 0, 0.25f, 1, 50); /* whole blocks */
    assert_int_equal(begins_with(&options, &zones), 1);
    struct stage *stage = open_stage(15, 30, &options);
    watch_quiet(stage, 4);
    watch_crossing(stage, 60, 40, 100);
    assert_true(stage->run.box.x >= 0.25f);
    assert_true(stage->run.box.x + stage->run.box.w <= 0.5f);
    assert_true(stage->run.last_us < 7200000); /* the zone's end is at 160, the thing's tail there
                                                * after 2.2 s + learning what it hid */
    close_stage(stage);
}

static void lets_a_mask_win_over_a_zone(void **state)
{
    (void)state;
    uint32_t zones;
    struct rw_motion_options options = {.sensitivity = 50, .zone_count = 1, .mask_count = 1};
    options.zones[0] = rectangle(0, 0, 1, 1, 100);
    options.masks[0] = rectangle(0, 0.35f, 1, 0.3f, 0);
    assert_int_equal(begins_with(&options, &zones), 0);
}

static void finds_more_with_more_sensitivity(void **state)
{
    (void)state;
    static const int contrasts[] = {4, 8, 14, 22, 34};
    int found_before = 0;
    for (int sensitivity = 1; sensitivity <= 100; sensitivity += 33) {
        int found = 0;
        for (size_t i = 0; i < sizeof contrasts / sizeof *contrasts; i++)
            found += finds_crossing(15, 10, contrasts[i], 90, sensitivity);
        assert_true(found >= found_before);
        found_before = found;
    }
    assert_true(finds_crossing(15, 10, 8, 90, 100));
    assert_false(finds_crossing(15, 10, 8, 90, 1));
}

static void takes_one_honest_curve_for_sensitivity(void **state)
{
    (void)state;
    struct rw_grid grid;
    assert_int_equal(rw_grid_plan(&grid, 8, 8), 0);
    int floor = 1 << 16, multiple = 1 << 16, least = 1 << 16;
    for (int sensitivity = 1; sensitivity <= 100; sensitivity++) {
        struct rw_motion_options options = {.sensitivity = sensitivity};
        struct rw_regions regions;
        rw_regions_init(&regions, &grid, &options);
        int coarse = regions.coarse[0];
        assert_true(RW_COARSE_FLOOR(coarse) <= floor && RW_COARSE_MULTIPLE(coarse) <= multiple);
        assert_true(rw_coarse_least(coarse) <= least && rw_coarse_least(coarse) >= 1);
        floor = RW_COARSE_FLOOR(coarse);
        multiple = RW_COARSE_MULTIPLE(coarse);
        least = rw_coarse_least(coarse);
        if (sensitivity == 50) {
            assert_int_equal(floor, 5 * RW_LUMA_ONE);
            assert_int_equal(multiple, 6 * 256);
            assert_int_equal(least, 2);
        }
        rw_regions_finish(&regions);
    }
}

static void covers_a_block_with_a_zone_smaller_than_it(void **state)
{
    (void)state;
    struct rw_grid grid;
    struct rw_regions regions;
    struct rw_motion_options options = {.sensitivity = 50, .zone_count = 1};
    options.zones[0] = rectangle(0.501f, 0.501f, 0.001f, 0.001f, 50);
    assert_int_equal(rw_grid_plan(&grid, WIDTH, HEIGHT), 0);
    rw_regions_init(&regions, &grid, &options);
    int watched = 0;
    for (int i = 0; i < grid.cols * grid.rows; i++)
        watched += regions.place[i] != 0;
    assert_int_equal(watched, 1);
    assert_true(regions.place[HEIGHT / 2 / 8 * grid.cols + WIDTH / 2 / 8]);
    rw_regions_finish(&regions);
}

static void suffers_polygons_of_nonsense(void **state)
{
    (void)state;
    uint32_t zones;
    struct rw_motion_options options = {.sensitivity = -7, .zone_count = 99, .mask_count = -3};
    for (int i = 0; i < RW_REGIONS_MAX; i++) {
        options.zones[i] = rectangle(-1e30f, 1e30f, 1e38f, -3e38f, 1000);
        options.zones[i].points = 1 << 30;
        options.zones[i].polygon[3].x = __builtin_nanf("");
    }
    assert_in_range(begins_with(&options, &zones), 0, 1);
}

static void ends_the_run_at_a_break(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    struct rw_motion_run run = {0};
    watch_quiet(stage, 4);
    assert_int_equal(rw_motion_break(stage->motion, &run), RW_MOTION_NONE);
    watch_quiet(stage, 8);
    for (int i = 0; i < 15; i++) {
        clear(stage);
        draw(stage, i * 8, 80, 40, 40, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_true(rw_motion_running(stage->motion));
    assert_true(rw_motion_moving(stage->motion));
    assert_int_equal(rw_motion_break(stage->motion, &run), RW_MOTION_END);
    assert_false(rw_motion_running(stage->motion));
    assert_false(rw_motion_moving(stage->motion));
    assert_in_range(run.last_us, run.decided_us, (int64_t)(seconds(stage) * SECOND));
    assert_int_equal(rw_motion_break(stage->motion, &run), RW_MOTION_NONE);
    close_stage(stage);
}

/* What comes of a picture so many seconds from the last while a run is on. */
static enum rw_motion_change change_after_step(double step_s)
{
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    for (int i = 0; i < 15; i++) {
        clear(stage);
        draw(stage, i * 8, 80, 40, 40, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_true(rw_motion_running(stage->motion));
    struct rw_luma luma = {stage->picture, WIDTH, HEIGHT, WIDTH};
    int64_t time_us = (int64_t)((seconds(stage) + step_s) * SECOND);
    enum rw_motion_change change = rw_motion_look(stage->motion, &luma, time_us, &stage->run);
    assert_true(stage->run.start_us <= stage->run.last_us);
    close_stage(stage);
    return change;
}

static void suffers_steps_of_time(void **state)
{
    (void)state;
    assert_int_equal(change_after_step(-3600), RW_MOTION_END);
    assert_int_equal(change_after_step(3600), RW_MOTION_END);
    assert_int_equal(change_after_step(0.2), RW_MOTION_NONE);
    assert_int_equal(change_after_step(-1 / 15.0), RW_MOTION_NONE); /* the same time twice */
}

static void starts_afresh_with_another_size(void **state)
{
    (void)state;
    struct stage *stage = open_stage(15, 30, NULL);
    watch_quiet(stage, 4);
    for (int i = 0; i < 15; i++) {
        clear(stage);
        draw(stage, i * 8, 80, 40, 40, 40);
        expose(stage, 100);
        look(stage);
    }
    assert_true(rw_motion_running(stage->motion));
    struct rw_luma half = {stage->picture, WIDTH / 2, HEIGHT / 2, WIDTH};
    assert_int_equal(rw_motion_look(stage->motion, &half, 5100000, &stage->run), RW_MOTION_END);
    for (int i = 0; i < 30; i++) {
        clear(stage);
        expose(stage, 100);
        assert_int_equal(rw_motion_look(stage->motion, &half, 5200000 + i * 66667, &stage->run),
                         RW_MOTION_NONE);
    }
    close_stage(stage);
}

static void takes_pictures_of_any_size(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},     {7, 5},     {8, 8},     {9, 17},   {64, 1},
                                   {1, 8192},  {8192, 1},  {641, 361}, {100, 99}, {1920, 1080},
                                   {704, 576}, {8192, 16}, {13, 2000}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width = sizes[i][0], height = sizes[i][1];
        struct rw_motion_options options = {.sensitivity = 100};
        struct rw_motion *motion = rw_motion_create(&options);
        struct rw_motion_run run;
        for (int n = 0; n < 6; n++) {
            uint8_t *data = malloc((size_t)width * (size_t)height); /* not a byte more */
            assert_non_null(data);
            memset(data, n % 2 ? 200 : 60, (size_t)width * (size_t)height);
            struct rw_luma luma = {data, width, height, width};
            rw_motion_look(motion, &luma, n * 66667, &run);
            free(data);
        }
        rw_motion_destroy(motion);
    }
}

static void suffers_pictures_of_nonsense(void **state)
{
    (void)state;
    struct rw_motion_options options = {.sensitivity = 100};
    struct stage *stage = open_stage(15, 30, &options);
    int64_t time_us = 0;
    for (int n = 0; n < 300; n++) {
        int kind = n < 60 ? 0 : (int)(next_random(stage) % 12);
        clear(stage);
        draw(stage, n * 7 % WIDTH, 80, 30, 30, 60);
        for (int i = 0; kind > 9 && i < 60; i++)
            draw(stage, (int)(next_random(stage) % WIDTH), (int)(next_random(stage) % HEIGHT),
                 (int)(next_random(stage) % (kind == 10 ? 20 : 150)),
                 (int)(next_random(stage) % (kind == 10 ? 20 : 150)), n % 2 ? 255 : -255);
        struct rw_luma luma = {stage->picture, WIDTH, HEIGHT, WIDTH};
        time_us += next_random(stage) % (n % 7 ? 40000 : 700000);
        enum rw_motion_change change = rw_motion_look(stage->motion, &luma, time_us, &stage->run);
        const struct rw_motion_run *run = &stage->run;
        if (change == RW_MOTION_NONE)
            continue;
        assert_true(run->start_us <= run->decided_us && run->decided_us <= run->last_us);
        assert_true(run->decided_us <= run->peak_us && run->peak_us <= run->last_us);
        assert_true(run->box.x >= 0 && run->box.w > 0 && run->box.x + run->box.w <= 1.0001f);
        assert_true(run->box.y >= 0 && run->box.h > 0 && run->box.y + run->box.h <= 1.0001f);
        assert_true(run->score >= 0 && run->score <= 1);
        stage->begins++;
    }
    assert_true(stage->begins > 0);
    close_stage(stage);
}

static void refuses_pictures_without_a_size(void **state)
{
    (void)state;
    struct rw_motion_options options = {.sensitivity = 50};
    struct rw_motion *motion = rw_motion_create(&options);
    struct rw_motion_run run;
    uint8_t one = 0;
    static const int sizes[][2] = {{0, 1}, {1, 0}, {-8, 8}, {8193, 8}, {8, 1 << 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rw_luma luma = {&one, sizes[i][0], sizes[i][1], sizes[i][0]};
        assert_int_equal(rw_motion_look(motion, &luma, 0, &run), RW_MOTION_NONE);
    }
    struct rw_luma none = {NULL, 8, 8, 8};
    assert_int_equal(rw_motion_look(motion, &none, 0, &run), RW_MOTION_NONE);
    rw_motion_destroy(motion);
    rw_motion_destroy(NULL);
}

static void averages_blocks_whatever_the_size_and_the_padding(void **state)
{
    (void)state;
    static const int sizes[][2] = {{24, 16}, {21, 13}, {1300, 50}, {3, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rw_grid grid;
        int width = sizes[i][0], height = sizes[i][1], stride = width + 37;
        assert_int_equal(rw_grid_plan(&grid, width, height), 0);
        uint8_t *data = malloc((size_t)stride * (size_t)height);
        uint16_t *columns = calloc((size_t)width, sizeof *columns);
        uint16_t *means = calloc((size_t)(grid.cols * grid.rows), sizeof *means);
        assert_true(data && columns && means);
        for (int p = 0; p < stride * height; p++)
            data[p] = (uint8_t)(p % stride < width ? p * 31 + p / 7 : 255);
        struct rw_luma luma = {data, width, height, stride};
        rw_grid_means(&grid, &luma, columns, means);
        for (int block = 0; block < grid.cols * grid.rows; block++) {
            int left = block % grid.cols * grid.side, top = block / grid.cols * grid.side;
            int64_t sum = 0, count = 0;
            for (int y = top; y < top + grid.side && y < height; y++)
                for (int x = left; x < left + grid.side && x < width; x++, count++)
                    sum += data[y * stride + x];
            assert_int_equal(means[block], sum * 16 / count);
        }
        free(data);
        free(columns);
        free(means);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_silent_for_minutes_of_noise),
        cmocka_unit_test(is_silent_for_noise_at_full_sensitivity),
        cmocka_unit_test(is_silent_when_the_exposure_jumps),
        cmocka_unit_test(is_silent_when_lightning_strikes),
        cmocka_unit_test(is_silent_for_drift_and_flicker),
        cmocka_unit_test(is_silent_when_a_cloud_passes),
        cmocka_unit_test(is_silent_when_a_lamp_goes_on),
        cmocka_unit_test(is_silent_in_rain),
        cmocka_unit_test(finds_a_person_in_rain),
        cmocka_unit_test(is_silent_when_the_pole_shakes),
        cmocka_unit_test(finds_slow_and_fast_things_at_any_rate),
        cmocka_unit_test(finds_things_in_strong_noise),
        cmocka_unit_test(tells_a_lorry_in_three_pictures_and_a_cat_within_a_second),
        cmocka_unit_test(says_when_and_where_it_was),
        cmocka_unit_test(shows_a_growing_thing_better_about_once_a_second),
        cmocka_unit_test(finds_what_comes_straight_at_it),
        cmocka_unit_test(ends_the_run_when_the_car_has_parked),
        cmocka_unit_test(finds_who_moves_while_the_background_is_learned),
        cmocka_unit_test(finds_who_stood_still_and_then_walks),
        cmocka_unit_test(keeps_the_run_when_the_scene_changes_under_it),
        cmocka_unit_test(tells_once_that_the_scene_changed),
        cmocka_unit_test(tells_that_the_camera_is_covered_for_as_long_as_it_is),
        cmocka_unit_test(tells_that_the_camera_was_turned),
        cmocka_unit_test(ignores_what_moves_in_a_mask),
        cmocka_unit_test(watches_only_the_zones_and_names_those_touched),
        cmocka_unit_test(keeps_the_box_inside_the_zone),
        cmocka_unit_test(lets_a_mask_win_over_a_zone),
        cmocka_unit_test(finds_more_with_more_sensitivity),
        cmocka_unit_test(takes_one_honest_curve_for_sensitivity),
        cmocka_unit_test(covers_a_block_with_a_zone_smaller_than_it),
        cmocka_unit_test(suffers_polygons_of_nonsense),
        cmocka_unit_test(ends_the_run_at_a_break),
        cmocka_unit_test(suffers_steps_of_time),
        cmocka_unit_test(starts_afresh_with_another_size),
        cmocka_unit_test(takes_pictures_of_any_size),
        cmocka_unit_test(suffers_pictures_of_nonsense),
        cmocka_unit_test(refuses_pictures_without_a_size),
        cmocka_unit_test(averages_blocks_whatever_the_size_and_the_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
