/* What the watcher tells the detector of the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "camera/watcher.h"
#include "config/config.h"

static struct rw_config *parse(const char *detect)
{
    char yaml[2000];
    struct rw_err err;
    snprintf(yaml, sizeof yaml,
             "site: {id: a}\ncameras: [{id: gate, main: {url: \"rtsp://h/s\", keep: 1 GiB}, "
             "detect: {%s}}]\n",
             detect);
    struct rw_config *config = rw_config_parse("r.yaml", yaml, strlen(yaml), &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static void the_detector_is_told_all_that_the_file_says(void **state)
{
    (void)state;
    struct rw_config *config =
        parse("sensitivity: 40, min_duration: 2s, "
              "zones: [{name: a, polygon: [[0,0],[1,0],[1,1]]}, "
              "{name: b, polygon: [[0,0],[1,0],[1,1],[0,1]], sensitivity: 70}], "
              "masks: [{polygon: [[0,0],[1,0],[1,0.25]]}, "
              "{polygon: [[0,0],[1,0],[1,0.5]], sensitivity: 20}], "
              "lines: [{name: l, from: [0,0.5], to: [1,0.25]}]");
    struct rw_motion_options options;
    rw_watcher_motion_options(&config->cameras[0].detect, &options);
    assert_int_equal(options.sensitivity, 40);
    assert_int_equal(options.min_duration_us, 2000000);
    assert_int_equal(options.zone_count, 2);
    assert_int_equal(options.zones[0].sensitivity, 40); /* the camera's */
    assert_int_equal(options.zones[1].sensitivity, 70);
    assert_int_equal(options.zones[1].points, 4);
    assert_int_equal(options.mask_count, 2);
    assert_int_equal(options.masks[0].sensitivity, 0); /* nothing counts there */
    assert_int_equal(options.masks[1].sensitivity, 20);
    assert_true(options.masks[0].polygon[2].y == 0.25f);
    assert_int_equal(options.line_count, 1);
    assert_true(options.lines[0].from.y == 0.5f && options.lines[0].to.x == 1.0f);
    rw_config_free(config);
}

static void without_regions_the_whole_picture_is_watched(void **state)
{
    (void)state;
    struct rw_config *config = parse("enabled: true");
    struct rw_motion_options options;
    rw_watcher_motion_options(&config->cameras[0].detect, &options);
    assert_int_equal(options.sensitivity, 50);
    assert_int_equal(options.zone_count + options.mask_count + options.line_count, 0);
    assert_int_equal(options.min_duration_us, 0);
    rw_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_detector_is_told_all_that_the_file_says),
        cmocka_unit_test(without_regions_the_whole_picture_is_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
