/* A stage to play the detector on: a textured scene, sensor noise from a fixed generator, and
 * things whose places are known. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "motion/motion.h"

enum { WIDTH = 320, HEIGHT = 184, NOISE_SIZE = 1 << 16, SECOND = 1000000 };

struct stage {
    uint64_t random;
    int8_t noise[NOISE_SIZE];
    uint8_t scene[WIDTH * HEIGHT];
    uint8_t picture[WIDTH * HEIGHT];
    int fps;
    int pictures; /* shown so far */
    struct rw_motion *motion;
    struct rw_motion_run run; /* of the last change */
    int begins, betters, ends;
    double begin_s; /* of the last BEGIN */
};

static inline uint32_t next_random(struct stage *stage)
{
    stage->random ^= stage->random << 13;
    stage->random ^= stage->random >> 7;
    stage->random ^= stage->random << 17;
    return (uint32_t)(stage->random >> 16);
}

/* Twelve uniform numbers make one that is near enough to normal. sigma in 1/10 luma. */
static inline void make_noise(struct stage *stage, int sigma)
{
    for (int i = 0; i < NOISE_SIZE; i++) {
        int sum = 0;
        for (int k = 0; k < 12; k++)
            sum += (int)(next_random(stage) & 1023) - 512;
        stage->noise[i] = (int8_t)(sum * sigma / 10240);
    }
}

static inline void make_scene(struct stage *stage, int shade)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            int luma = shade + x / 10 + y / 8 + ((x / 80 + y / 60) & 1) * 30;
            luma -= x % 97 < 3 ? 40 : 0;
            stage->scene[y * WIDTH + x] = (uint8_t)luma;
        }
    }
}

static inline struct stage *open_stage(int fps, int sigma, const struct rw_motion_options *options)
{
    struct rw_motion_options plain = {.sensitivity = 50};
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    stage->random = 88172645463325252u;
    stage->fps = fps;
    make_noise(stage, sigma);
    make_scene(stage, 80);
    stage->motion = rw_motion_create(options ? options : &plain);
    return stage;
}

static inline void close_stage(struct stage *stage)
{
    rw_motion_destroy(stage->motion);
    free(stage);
}

static inline void clear(struct stage *stage)
{
    memcpy(stage->picture, stage->scene, sizeof stage->picture);
}

static inline uint8_t clip(int luma)
{
    return (uint8_t)(luma < 0 ? 0 : luma > 255 ? 255 : luma);
}

static inline void draw(struct stage *stage, int left, int top, int width, int height, int contrast)
{
    for (int y = top < 0 ? 0 : top; y < top + height && y < HEIGHT; y++)
        for (int x = left < 0 ? 0 : left; x < left + width && x < WIDTH; x++)
            stage->picture[y * WIDTH + x] = clip(stage->picture[y * WIDTH + x] + contrast);
}

/* percent: exposure. */
static inline void expose(struct stage *stage, int percent)
{
    for (int y = 0; y < HEIGHT; y++) {
        const int8_t *noise = stage->noise + next_random(stage) % (NOISE_SIZE - WIDTH);
        uint8_t *row = stage->picture + y * WIDTH;
        for (int x = 0; x < WIDTH; x++)
            row[x] = clip(row[x] * percent / 100 + noise[x]);
    }
}

static inline double seconds(const struct stage *stage)
{
    return (double)stage->pictures / stage->fps;
}

static enum rw_motion_change look(struct stage *stage)
{
    struct rw_luma luma = {stage->picture, WIDTH, HEIGHT, WIDTH};
    int64_t time_us = (int64_t)stage->pictures * SECOND / stage->fps;
    enum rw_motion_change change = rw_motion_look(stage->motion, &luma, time_us, &stage->run);

    stage->begins += change == RW_MOTION_BEGIN;
    stage->betters += change == RW_MOTION_BETTER;
    stage->ends += change == RW_MOTION_END;
    if (change == RW_MOTION_BEGIN)
        stage->begin_s = seconds(stage);
    stage->pictures++;
    return change;
}

static inline void watch_quiet(struct stage *stage, double until_s)
{
    while (seconds(stage) < until_s) {
        clear(stage);
        expose(stage, 100);
        look(stage);
    }
}

/* A thing comes in from the left at start_s, speed in pixels a second, and leaves on the right. */
static inline void watch_crossing(struct stage *stage, int size, int contrast, double speed)
{
    double start_s = seconds(stage);
    for (double x = -size; x < WIDTH; x = -size + (seconds(stage) - start_s) * speed) {
        clear(stage);
        draw(stage, (int)x, 80, size, size, contrast);
        expose(stage, 100);
        look(stage);
    }
}

static inline bool finds_crossing(int fps, int sigma, int contrast, double speed, int sensitivity)
{
    struct rw_motion_options options = {.sensitivity = sensitivity};
    struct stage *stage = open_stage(fps, sigma, &options);
    watch_quiet(stage, 4);
    watch_crossing(stage, 24, contrast, speed);
    watch_quiet(stage, seconds(stage) + 3);
    bool found = stage->begins > 0;
    assert_int_equal(stage->begins, stage->ends);
    close_stage(stage);
    return found;
}
