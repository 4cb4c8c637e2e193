/* The same picture again and again, and what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "camera/stale.h"
#include "media/internal.h"

#define SECOND INT64_C(1000000)
#define START (1000 * SECOND)

enum { WIDTH = 64, HEIGHT = 48, STRIDE = 80, FPS = 10, KEY_BYTES = 4000 };

/* --- decoded --- */

struct scene {
    struct rw_stale_luma stale;
    uint8_t pixels[HEIGHT * STRIDE];
    int64_t now_us;
    int gop; /* pictures */
    int count;
    unsigned seed;
};

static void paint(struct scene *scene, int most)
{
    for (size_t i = 0; i < sizeof scene->pixels; i++)
        scene->pixels[i] = (uint8_t)(i * 7 % (size_t)most);
}

static void add_noise(struct scene *scene)
{
    scene->seed = scene->seed * 1103515245u + 12345u;
    scene->pixels[HEIGHT / 2 * STRIDE + (int)(scene->seed >> 16) % WIDTH] ^= 1;
    scene->pixels[HEIGHT / 3 * STRIDE + (int)(scene->seed >> 8) % WIDTH] ^= 1;
}

static bool show(struct scene *scene)
{
    struct rw_luma luma = {scene->pixels, WIDTH, HEIGHT, STRIDE};
    bool key = scene->count++ % scene->gop == 0;
    scene->now_us += SECOND / FPS;
    return rw_stale_luma_feed(&scene->stale, &luma, key, scene->now_us);
}

/* Seconds until it is told; -1: not within these. */
static double frozen_after(struct scene *scene, int seconds)
{
    for (int i = 1; i <= seconds * FPS; i++)
        if (show(scene))
            return (double)i / FPS;
    return -1;
}

static void a_living_camera_is_never_stale(void **state)
{
    (void)state;
    struct scene scene = {.now_us = START, .gop = 20};
    paint(&scene, 200);
    for (int i = 0; i < 60 * FPS; i++) {
        scene.seed += (unsigned)i;
        add_noise(&scene);
        scene.pixels[20 * STRIDE + i % WIDTH] += 3;
        assert_false(show(&scene));
    }
}

static void a_frozen_picture_is_told_within_ten_seconds_for_every_usual_gop(void **state)
{
    (void)state;
    for (int gop = 1; gop <= 4 * FPS; gop++) {
        for (int phase = 0; phase < gop; phase += 3) {
            struct scene scene = {.now_us = START, .gop = gop, .count = phase + 1};
            paint(&scene, 200);
            double after = frozen_after(&scene, 20);
            assert_true(after >= RW_STALE_US / (double)SECOND - 0.2);
            assert_true(after <= 10);
        }
    }
}

static void it_is_over_with_the_next_keyframe_that_differs(void **state)
{
    (void)state;
    struct scene scene = {.now_us = START, .gop = 10};
    paint(&scene, 200);
    assert_true(frozen_after(&scene, 10) > 0);
    bool stale = true;
    for (int i = 0; stale && i < 2 * scene.gop; i++) {
        add_noise(&scene);
        stale = show(&scene);
    }
    assert_false(stale);
}

static void skipped_pictures_between_keyframes_that_differ_are_no_fault(void **state)
{
    (void)state;
    struct scene scene = {.now_us = START, .gop = 20};
    paint(&scene, 200);
    for (int i = 0; i < 60 * FPS; i++) {
        if (scene.count % scene.gop == 0)
            add_noise(&scene);
        assert_false(show(&scene));
    }
}

static void a_film_of_one_gop_in_a_loop_is_not_frozen(void **state)
{
    (void)state;
    struct scene scene = {.now_us = START, .gop = 20};
    for (int i = 0; i < 60 * FPS; i++) {
        paint(&scene, 100 + i % scene.gop);
        assert_false(show(&scene));
    }
}

static void a_picture_without_contrast_says_nothing(void **state)
{
    (void)state;
    struct scene scene = {.now_us = START, .gop = 20};
    paint(&scene, 20); /* black, and the limits of the codec */
    assert_true(frozen_after(&scene, 30) < 0);
}

static void a_clock_in_the_corner_of_a_frozen_picture_hides_nothing(void **state)
{
    (void)state;
    struct scene scene = {.now_us = START, .gop = 20};
    paint(&scene, 200);
    double after = -1;
    for (int i = 0; i < 10 * FPS && after < 0; i++) {
        scene.pixels[2 * STRIDE + 5] = (uint8_t)i;
        scene.pixels[(HEIGHT - 3) * STRIDE + 5] = (uint8_t)i;
        if (show(&scene))
            after = (double)i / FPS;
    }
    assert_true(after > 0);
}

/* --- coded --- */

struct coded {
    struct rw_stale_coded stale;
    struct rw_codec *codec;
    int64_t now_us;
    uint8_t bytes[KEY_BYTES];
};

static int set_up(void **state)
{
    struct coded *coded = calloc(1, sizeof *coded);
    AVCodecParameters *par = avcodec_parameters_alloc();
    par->codec_id = AV_CODEC_ID_H264;
    coded->codec = rw_codec_create(par, NULL);
    coded->now_us = START;
    *state = coded;
    return 0;
}

static int tear_down(void **state)
{
    struct coded *coded = *state;
    rw_codec_unref(coded->codec);
    free(coded);
    return 0;
}

/* mark: what stands in the SEI before the slice; what: in the slice. */
static bool send(struct coded *coded, bool key, size_t size, int mark, int what)
{
    const uint8_t head[] = {0, 0, 0, 1, 6, (uint8_t)mark, 0x80, 0, 0, 0, 1, key ? 0x65 : 0x41};
    memset(coded->bytes, 0x55, sizeof coded->bytes);
    memcpy(coded->bytes, head, sizeof head);
    coded->bytes[sizeof head] = 0x88;
    coded->bytes[sizeof head + 1] = (uint8_t)what;
    struct rw_packet packet = {.arrival_us = coded->now_us,
                               .keyframe = key,
                               .data = coded->bytes,
                               .size = size,
                               .codec = coded->codec};
    coded->now_us += SECOND / FPS;
    return rw_stale_coded_feed(&coded->stale, &packet);
}

/* A second: a keyframe and others of this size. */
static bool send_gop(struct coded *coded, size_t others, int mark, int what)
{
    bool stale = send(coded, true, KEY_BYTES, mark, what);
    for (int i = 1; i < FPS; i++)
        stale = send(coded, false, others, mark, i);
    return stale;
}

static void the_same_keyframe_again_and_again_is_told_within_ten_seconds(void **state)
{
    struct coded *coded = *state;
    int seconds = 0;
    while (!send_gop(coded, 40, 10 + seconds, 7)) /* a clock in the SEI */
        assert_true(++seconds < 10);
    assert_true(send_gop(coded, 40, 1, 7));
    assert_false(send_gop(coded, 40, 1, 8));
}

static void ids_in_turn_do_not_hide_it(void **state)
{
    struct coded *coded = *state;
    int seconds = 0;
    while (!send_gop(coded, 40, 1, 7 + seconds % 2))
        assert_true(++seconds < 10);
}

static void other_keyframes_or_much_between_them_are_no_fault(void **state)
{
    struct coded *coded = *state;
    for (int i = 0; i < 60; i++)
        assert_false(send_gop(coded, 40, 1, i % 3));
    for (int i = 0; i < 60; i++)
        assert_false(send_gop(coded, KEY_BYTES / 10, 1, 7)); /* a film of one GOP */
}

static void bytes_that_are_no_picture_are_suffered(void **state)
{
    struct coded *coded = *state;
    struct rw_packet packet = {
        .keyframe = true, .data = coded->bytes, .codec = coded->codec, .arrival_us = START};
    for (packet.size = 0; packet.size < 40; packet.size++)
        rw_stale_coded_feed(&coded->stale, &packet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_living_camera_is_never_stale),
        cmocka_unit_test(a_frozen_picture_is_told_within_ten_seconds_for_every_usual_gop),
        cmocka_unit_test(it_is_over_with_the_next_keyframe_that_differs),
        cmocka_unit_test(skipped_pictures_between_keyframes_that_differ_are_no_fault),
        cmocka_unit_test(a_film_of_one_gop_in_a_loop_is_not_frozen),
        cmocka_unit_test(a_picture_without_contrast_says_nothing),
        cmocka_unit_test(a_clock_in_the_corner_of_a_frozen_picture_hides_nothing),
        cmocka_unit_test_setup_teardown(
            the_same_keyframe_again_and_again_is_told_within_ten_seconds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_in_turn_do_not_hide_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_keyframes_or_much_between_them_are_no_fault, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_picture_are_suffered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
