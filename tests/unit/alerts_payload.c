#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts/payload.h"
#include "alerts/states.h"
#include "base/clock.h"
#include "base/units.h"

#define NOON_US INT64_C(1795435200123000) /* 2026-11-23T12:00:00.123Z, 19:00 in Vietnam */
#define LONG_AGO_US (NOON_US - 30 * 3600 * RW_SECOND_US)

static struct rw_camera_config cameras[] = {{.id = (char *)"gate", .name = (char *)"Cổng làng"}};
static struct rw_config vietnamese = {
    .site = {.id = (char *)"thon-dung", .name = (char *)"Thôn Dùng", .vietnamese = true},
    .camera_count = 1,
    .cameras = cameras,
};

static struct rw_event example(void)
{
    struct rw_event event = {
        .id = "01JDBS7K3M5N7P9Q1R3S5T7V9X",
        .revision = 7,
        .phase = RW_PHASE_START,
        .kind = "motion",
        .start_us = NOON_US,
        .peak_us = NOON_US + 1400000,
        .seen_us = NOON_US + 400000,
        .decided_us = NOON_US + 420000,
        .box = {0.41f, 0.52f, 0.08f, 0.21f},
        .whole = {0.3f, 0.5f, 0.25f, 0.3f},
        .score = 0.834f,
        .armed = true,
        .clock_trust = RW_CLOCK_SYNCED,
        .clock_error_us = 11500,
        .zone_count = 1,
        .zones = {"road"},
        .path_count = 2,
        .path = {{0.3f, 0.5f}, {1.0f / 3, 0.625f}},
    };
    return event;
}

static json_t *told(const struct rw_config *config, const struct rw_event *event,
                    const void *thumbnail, size_t size, int64_t sent_us)
{
    char *text = rw_payload_event(config, &cameras[0], event, thumbnail, size, sent_us);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void assert_text(const struct rw_config *config, const struct rw_event *event,
                        int64_t sent_us, const char *expected)
{
    json_t *json = told(config, event, NULL, 0, sent_us);
    assert_string_equal(text_of(json, "text"), expected);
    json_decref(json);
}

static void event_has_every_field_of_the_contract(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.crossing_count = 2;
    event.crossings[0] = (struct rw_crossing){"cổng", true};
    event.crossings[1] = (struct rw_crossing){"cổng", false};
    char *text = rw_payload_event(&vietnamese, &cameras[0], &event, "abc", 3, NOON_US + 500000);
    assert_string_equal(
        text,
        "{\"v\":1,\"id\":\"01JDBS7K3M5N7P9Q1R3S5T7V9X\",\"site\":\"thon-dung\",\"camera\":\"gate\","
        "\"camera_name\":\"Cổng làng\",\"kind\":\"motion\",\"phase\":\"start\",\"revision\":7,"
        "\"start\":\"2026-11-23T12:00:00.123Z\",\"end\":null,"
        "\"peak\":\"2026-11-23T12:00:01.523Z\",\"zones\":[\"road\"],"
        "\"lines\":[{\"name\":\"cổng\",\"to\":\"right\"},{\"name\":\"cổng\",\"to\":\"left\"}],"
        "\"box\":[0.41,0.52,0.08,0.21],\"whole\":[0.3,0.5,0.25,0.3],"
        "\"path\":[[0.3,0.5],[0.3333,0.625]],\"score\":0.83,\"thumbnail\":\"YWJj\","
        "\"text\":\"Cổng làng: có người hoặc xe chuyển động (qua cổng) lúc 19:00:00\","
        "\"clock\":{\"state\":\"synced\",\"error_ms\":12},"
        "\"times\":{\"seen\":\"2026-11-23T12:00:00.523Z\",\"decided\":\"2026-11-23T12:00:00.543Z\","
        "\"sent\":\"2026-11-23T12:00:00.623Z\"},"
        "\"links\":{\"snapshot\":\"/api/v1/events/01JDBS7K3M5N7P9Q1R3S5T7V9X/snapshot.jpg\","
        "\"clip\":\"/api/v1/events/01JDBS7K3M5N7P9Q1R3S5T7V9X/clip.mp4\"}}");
    free(text);
}

static void text_is_in_the_language_of_the_site(void **state)
{
    (void)state;
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    struct rw_event event = example();
    assert_text(&english, &event, NOON_US, "Cổng làng: a person or vehicle moved at 19:00:00");
    event.phase = RW_PHASE_END;
    event.end_us = NOON_US + 20 * RW_SECOND_US;
    assert_text(&english, &event, NOON_US,
                "Cổng làng: a person or vehicle moved at 19:00:00, over at 19:00:20");
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: có người hoặc xe chuyển động lúc 19:00:00, hết lúc 19:00:20");
}

static void text_says_what_kind_of_happening_it_was(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"scene_change", "cả khung hình thay đổi lúc", "the whole picture changed at"},
        {"camera_moved", "camera bị xoay hoặc xê dịch lúc", "the camera was turned or shifted at"},
        {"covered", "camera bị che hoặc không nhìn thấy gì lúc",
         "the camera was covered or could see nothing at"},
        {"of another build", "có người hoặc xe chuyển động lúc", "a person or vehicle moved at"},
    };
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[200];
        struct rw_event event = example();
        strcpy(event.kind, rows[i][0]);
        snprintf(expected, sizeof expected, "Cổng làng: %s 19:00:00", rows[i][1]);
        assert_text(&vietnamese, &event, NOON_US, expected);
        snprintf(expected, sizeof expected, "Cổng làng: %s 19:00:00", rows[i][2]);
        assert_text(&english, &event, NOON_US, expected);
    }
}

static void text_of_what_lasts_does_not_say_that_it_is_over(void **state)
{
    (void)state;
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    struct rw_event event = example();
    strcpy(event.kind, "covered");
    event.phase = RW_PHASE_END;
    event.end_us = NOON_US + 300 * RW_SECOND_US;
    event.lasting = true;
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: camera bị che hoặc không nhìn thấy gì lúc 19:00:00, vẫn như vậy lúc "
                "19:05:00");
    assert_text(&english, &event, NOON_US,
                "Cổng làng: the camera was covered or could see nothing at 19:00:00, still so at "
                "19:05:00");
    json_t *json = told(&vietnamese, &event, NULL, 0, NOON_US);
    assert_true(json_is_true(json_object_get(json, "lasting")));
    json_decref(json);
    event.lasting = false;
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: camera bị che hoặc không nhìn thấy gì lúc 19:00:00, hết lúc 19:05:00");
    json = told(&vietnamese, &event, NULL, 0, NOON_US);
    assert_null(json_object_get(json, "lasting"));
    json_decref(json);
}

static void text_tells_the_way_that_zones_and_lines_show(void **state)
{
    (void)state;
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    struct rw_event event = example();
    event.zone_count = 2;
    strcpy(event.zones[0], "đường");
    strcpy(event.zones[1], "cổng");
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: có người hoặc xe chuyển động (đường → cổng) lúc 19:00:00");
    event.crossing_count = 2;
    strcpy(event.crossings[0].line, "vạch trắng");
    strcpy(event.crossings[1].line, "vạch trắng");
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: có người hoặc xe chuyển động (đường → cổng, qua vạch trắng) lúc "
                "19:00:00");
    event.zone_count = 5;
    for (int i = 0; i < 5; i++)
        snprintf(event.zones[i], sizeof event.zones[i], "%c", 'a' + i);
    event.crossing_count = 0;
    assert_text(&english, &event, NOON_US,
                "Cổng làng: a person or vehicle moved (a → b → c → d → …) at 19:00:00");
}

static void text_of_another_day_names_the_day(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.start_us = LONG_AGO_US;
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: có người hoặc xe chuyển động lúc 13:00:00 ngày 22/11");
}

static void end_names_its_phase_and_time(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.phase = RW_PHASE_END;
    event.end_us = NOON_US + 20 * RW_SECOND_US;
    json_t *json = told(&vietnamese, &event, NULL, 0, NOON_US);
    assert_string_equal(text_of(json, "phase"), "end");
    assert_string_equal(text_of(json, "end"), "2026-11-23T12:00:20.123Z");
    json_decref(json);
}

static void update_says_who_acknowledged(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.phase = RW_PHASE_UPDATE;
    strcpy(event.acked_by, "Hà");
    json_t *json = told(&vietnamese, &event, NULL, 0, NOON_US);
    assert_string_equal(text_of(json, "phase"), "update");
    assert_string_equal(text_of(json, "acked_by"), "Hà");
    json_decref(json);
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: có người hoặc xe chuyển động lúc 19:00:00, Hà nhận đi xem");
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    event.start_us = LONG_AGO_US;
    assert_text(&english, &event, NOON_US,
                "Cổng làng: a person or vehicle moved at 13:00:00 on 22 Nov, Hà goes to look");
}

static void what_is_unknown_is_null(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.clock_error_us = -1;
    event.clock_trust = RW_CLOCK_UNVERIFIED;
    event.box = event.whole = (struct rw_box){0}; /* the whole one: kept by an older build */
    event.path_count = 0;
    event.peak_us = 0;
    event.seen_us = 0;
    json_t *json = told(&vietnamese, &event, NULL, 0, NOON_US);
    json_t *clock = json_object_get(json, "clock");
    assert_string_equal(text_of(clock, "state"), "unverified");
    assert_true(json_is_null(json_object_get(clock, "error_ms")));
    assert_true(json_is_null(json_object_get(json, "box")));
    assert_true(json_is_null(json_object_get(json, "whole")));
    assert_true(json_is_null(json_object_get(json, "peak")));
    assert_int_equal(json_array_size(json_object_get(json, "path")), 0);
    assert_true(json_is_array(json_object_get(json, "lines")));
    assert_null(json_object_get(json, "thumbnail"));
    assert_true(json_is_null(json_object_get(json_object_get(json, "times"), "seen")));
    json_decref(json);
}

static void thumbnail_goes_up_to_ten_kilobytes_and_no_further(void **state)
{
    (void)state;
    uint8_t jpeg[RW_THUMBNAIL_MAX + 1];
    for (size_t i = 0; i < sizeof jpeg; i++)
        jpeg[i] = (uint8_t)(i * 7);
    struct rw_event event = example();
    json_t *fits = told(&vietnamese, &event, jpeg, RW_THUMBNAIL_MAX, NOON_US);
    assert_int_equal(json_string_length(json_object_get(fits, "thumbnail")),
                     (RW_THUMBNAIL_MAX + 2) / 3 * 4);
    json_decref(fits);
    json_t *large = told(&vietnamese, &event, jpeg, RW_THUMBNAIL_MAX + 1, NOON_US);
    assert_null(json_object_get(large, "thumbnail"));
    json_decref(large);
}

static void names_and_numbers_gone_bad_still_make_json(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.score = NAN;
    event.box.x = -INFINITY;
    event.zone_count = RW_ZONES_MAX + 5;
    event.crossing_count = RW_CROSSINGS_MAX + 5;
    event.path_count = RW_EVENT_PATH_MAX + 5;
    event.path[0].x = NAN;
    strcpy(event.crossings[0].line, "\xff");
    strcpy(event.zones[0], "\xff\xfe");
    json_t *json = told(&vietnamese, &event, NULL, 0, NOON_US);
    assert_int_equal(json_array_size(json_object_get(json, "zones")), RW_ZONES_MAX);
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "zones"), 0)), "?");
    assert_true(json_real_value(json_object_get(json, "score")) == 0.0);
    assert_int_equal(json_array_size(json_object_get(json, "path")), RW_EVENT_PATH_MAX);
    json_t *lines = json_object_get(json, "lines");
    assert_int_equal(json_array_size(lines), RW_CROSSINGS_MAX);
    assert_string_equal(text_of(json_array_get(lines, 0), "name"), "?");
    json_decref(json);
}

static void box_has_four_decimals(void **state)
{
    (void)state;
    struct rw_event event = example();
    event.box = (struct rw_box){0.123456f, 0.99999f, 1.0f / 3, 1.0f};
    char *text = rw_payload_event(&vietnamese, &cameras[0], &event, NULL, 0, NOON_US);
    assert_non_null(strstr(text, "\"box\":[0.1235,1.0,0.3333,1.0]"));
    free(text);
}

static void a_camera_at_fault_is_told_with_its_reason_and_without_a_picture(void **state)
{
    (void)state;
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    struct rw_event event = {.phase = RW_PHASE_END,
                             .kind = "fault",
                             .start_us = NOON_US,
                             .end_us = NOON_US + 60 * RW_SECOND_US,
                             .reason = "main stream: its header never ends"};
    assert_text(&vietnamese, &event, NOON_US,
                "Cổng làng: camera gửi dữ liệu hỏng hoặc bị đứng hình lúc 19:00:00, hết lúc "
                "19:01:00");
    assert_text(&english, &event, NOON_US,
                "Cổng làng: the camera sends broken data or a picture that stands still at "
                "19:00:00, over at 19:01:00");
    json_t *json = told(&vietnamese, &event, NULL, 0, NOON_US);
    assert_string_equal(text_of(json, "reason"), "main stream: its header never ends");
    const json_t *links = json_object_get(json, "links");
    assert_true(json_is_null(json_object_get(links, "snapshot")));
    assert_true(json_is_string(json_object_get(links, "clip")));
    assert_true(json_is_null(json_object_get(json, "box")));
    assert_true(json_is_null(json_object_get(json, "peak")));
    json_decref(json);
    struct rw_event motion = example();
    json = told(&vietnamese, &motion, NULL, 0, NOON_US);
    assert_null(json_object_get(json, "reason"));
    json_decref(json);
}

static void a_camera_that_may_be_another_has_no_end(void **state)
{
    (void)state;
    struct rw_event event = {.phase = RW_PHASE_END,
                             .kind = "camera_changed",
                             .start_us = NOON_US,
                             .end_us = NOON_US + 60 * RW_SECOND_US};
    assert_text(&vietnamese, &event, NOON_US, "Cổng làng: camera có thể đã bị thay lúc 19:00:00");
}

static void add_to_digest(struct rw_digest *digest, const char *kind, int64_t start_us,
                          int64_t end_us)
{
    struct rw_event event = {.start_us = start_us, .end_us = end_us};
    strcpy(event.kind, kind);
    rw_digest_add(digest, &event);
}

static void digest_counts_and_spans_the_backlog(void **state)
{
    (void)state;
    struct rw_digest digest = {0};
    add_to_digest(&digest, "motion", LONG_AGO_US + 1, 0);
    add_to_digest(&digest, "motion", LONG_AGO_US, NOON_US);
    char *text = rw_payload_digest(&vietnamese, &cameras[0], &digest, NOON_US);
    assert_string_equal(
        text, "{\"v\":1,\"site\":\"thon-dung\",\"camera\":\"gate\",\"camera_name\":\"Cổng làng\","
              "\"why\":\"backlog\",\"events\":2,\"from\":\"2026-11-22T06:00:00.123Z\","
              "\"to\":\"2026-11-23T12:00:00.123Z\",\"text\":\"Cổng làng: 2 cảnh báo chưa gửi "
              "được, từ 13:00:00 ngày 22/11 đến 19:00:00: có người hoặc xe chuyển động (2)\"}");
    free(text);
}

static void digest_of_too_many_says_how_often(void **state)
{
    (void)state;
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    struct rw_digest digest = {.rate = true};
    for (int i = 0; i < 12; i++)
        add_to_digest(&digest, "motion", NOON_US - (9 * 60 + 30 - i) * RW_SECOND_US, NOON_US);
    char *text = rw_payload_digest(&vietnamese, &cameras[0], &digest, NOON_US);
    assert_non_null(strstr(text, "\"why\":\"rate\""));
    assert_non_null(
        strstr(text, "\"Cổng làng: 12 lần trong 10 phút: có người hoặc xe chuyển động (12)\""));
    free(text);
    text = rw_payload_digest(&english, &cameras[0], &digest, NOON_US);
    assert_non_null(strstr(text, "12 times in 10 min: a person or vehicle moved (12)"));
    free(text);
}

static void digest_tells_kinds_apart(void **state)
{
    (void)state;
    struct rw_config english = vietnamese;
    english.site.vietnamese = false;
    struct rw_digest digest = {0};
    add_to_digest(&digest, "covered", LONG_AGO_US, 0);
    add_to_digest(&digest, "motion", LONG_AGO_US, 0);
    add_to_digest(&digest, "camera_moved", LONG_AGO_US, 0);
    add_to_digest(&digest, "covered", LONG_AGO_US, NOON_US);
    add_to_digest(&digest, "later_build", LONG_AGO_US, 0);
    char *text = rw_payload_digest(&vietnamese, &cameras[0], &digest, NOON_US);
    assert_non_null(strstr(text, "Cổng làng: 5 cảnh báo chưa gửi được, từ "));
    assert_non_null(strstr(text, " đến 19:00:00: có người hoặc xe chuyển động (2), camera bị xoay "
                                 "hoặc xê dịch (1), camera bị che hoặc không nhìn thấy gì (2)\"}"));
    free(text);
    text = rw_payload_digest(&english, &cameras[0], &digest, NOON_US);
    assert_non_null(strstr(text,
                           ": a person or vehicle moved (2), the camera was turned or shifted "
                           "(1), the camera was covered or could see nothing (2)\"}"));
    free(text);
}

static void health_is_what_status_reads(void **state)
{
    (void)state;
    struct rw_health health = {.waiting = 3, .reason = "no connection"};
    char *text = rw_payload_health(&health);
    assert_string_equal(text, "{\"connected\":false,\"waiting\":3,\"last_delivered\":null,"
                              "\"reason\":\"no connection\"}");
    free(text);
}

static void status_of_a_recording_camera(void **state)
{
    (void)state;
    struct rw_camera_state row = {
        .state = "online", .since_us = NOON_US - 60 * RW_SECOND_US, .writer_alive = true};
    struct rw_extent extent = {
        .present = true,
        .any = true,
        .oldest_us = NOON_US - 2 * RW_SECOND_US - 36 * 3600 * RW_SECOND_US,
        .newest_us = NOON_US - 2 * RW_SECOND_US,
    };
    struct rw_status status;
    rw_status_make(&row, &extent, NOON_US, &status);
    char *text = rw_payload_status(&vietnamese, &cameras[0], &status, NOON_US);
    assert_string_equal(text, "{\"state\":\"online\",\"since\":\"2026-11-23T11:59:00.123Z\","
                              "\"reason\":\"\",\"last_picture\":\"2026-11-23T11:59:58.123Z\","
                              "\"recording\":true,\"days_kept\":1.5,\"watch\":null,"
                              "\"armed\":null,\"disarmed_by\":null,"
                              "\"text\":\"Cổng làng: đang ghi hình\"}");
    free(text);
    status.watch = (struct rw_watch){
        .known = true, .fps = 9.96, .of = 14.98, .thinned = true, .weather = 3.14, .smallest = 2};
    text = rw_payload_status(&vietnamese, &cameras[0], &status, NOON_US);
    assert_non_null(strstr(
        text, "\"watch\":{\"fps\":10.0,\"of\":15.0,\"thinned\":true,\"weather\":3.1,\"smallest\":2,"
              "\"raised\":false,\"on\":null},\"armed\":null"));
    free(text);
    status.watch.raised = true;
    strcpy(status.watch.on, "covered");
    status.arming = (struct rw_arming){.known = true, .by_hand = true};
    text = rw_payload_status(&vietnamese, &cameras[0], &status, NOON_US);
    assert_non_null(strstr(text, "\"raised\":true,\"on\":\"covered\"},"
                                 "\"armed\":true,\"disarmed_by\":null,"));
    free(text);
    strcpy(status.arming.disarmed_by, "schedule");
    text = rw_payload_status(&vietnamese, &cameras[0], &status, NOON_US);
    assert_non_null(strstr(text, "\"armed\":false,\"disarmed_by\":\"schedule\","));
    free(text);
}

static void status_without_a_recorder_is_offline_since_the_last_picture(void **state)
{
    (void)state;
    struct rw_camera_state row = {.state = "online", .since_us = 1, .writer_alive = false};
    struct rw_extent extent = {
        .present = true, .any = true, .oldest_us = LONG_AGO_US, .newest_us = NOON_US - 1000};
    struct rw_status status;
    rw_status_make(&row, &extent, NOON_US, &status);
    assert_string_equal(status.state, "offline");
    assert_string_equal(status.reason, "the recorder of this camera is not running");
    assert_int_equal(status.since_us, NOON_US - 1000);
    assert_false(status.recording);
}

static void status_of_an_old_picture_is_not_recording(void **state)
{
    (void)state;
    struct rw_camera_state row = {.state = "connecting", .since_us = 1, .writer_alive = true};
    struct rw_extent extent = {
        .present = true, .any = true, .oldest_us = LONG_AGO_US, .newest_us = NOON_US - 7000000};
    struct rw_status status;
    rw_status_make(&row, &extent, NOON_US, &status);
    assert_string_equal(status.state, "connecting");
    assert_false(status.recording);
    rw_status_make(NULL, NULL, NOON_US, &status);
    assert_string_equal(status.state, "offline");
    assert_int_equal(status.last_picture_us, 0);
}

static int in_vietnam(void **state)
{
    (void)state;
    setenv("TZ", "ICT-7", 1);
    tzset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_has_every_field_of_the_contract),
        cmocka_unit_test(text_is_in_the_language_of_the_site),
        cmocka_unit_test(text_says_what_kind_of_happening_it_was),
        cmocka_unit_test(text_of_what_lasts_does_not_say_that_it_is_over),
        cmocka_unit_test(text_tells_the_way_that_zones_and_lines_show),
        cmocka_unit_test(text_of_another_day_names_the_day),
        cmocka_unit_test(end_names_its_phase_and_time),
        cmocka_unit_test(update_says_who_acknowledged),
        cmocka_unit_test(what_is_unknown_is_null),
        cmocka_unit_test(thumbnail_goes_up_to_ten_kilobytes_and_no_further),
        cmocka_unit_test(names_and_numbers_gone_bad_still_make_json),
        cmocka_unit_test(box_has_four_decimals),
        cmocka_unit_test(a_camera_at_fault_is_told_with_its_reason_and_without_a_picture),
        cmocka_unit_test(a_camera_that_may_be_another_has_no_end),
        cmocka_unit_test(digest_counts_and_spans_the_backlog),
        cmocka_unit_test(digest_of_too_many_says_how_often),
        cmocka_unit_test(digest_tells_kinds_apart),
        cmocka_unit_test(health_is_what_status_reads),
        cmocka_unit_test(status_of_a_recording_camera),
        cmocka_unit_test(status_without_a_recorder_is_offline_since_the_last_picture),
        cmocka_unit_test(status_of_an_old_picture_is_not_recording),
    };
    return cmocka_run_group_tests_name("alerts_payload", tests, in_vietnam, NULL);
}
