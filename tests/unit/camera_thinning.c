/* Fewer pictures where the processor is not enough: how many, which, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "camera/thinning.h"

#define SECOND INT64_C(1000000)
#define START (1000 * SECOND)

enum { FPS = 15 };

/* A camera before a processor that needs some time for each picture. */
struct stage {
    struct rw_thinning thinning;
    int gop;              /* pictures */
    int layers;           /* of so many pictures behind each other one is needed by others */
    int64_t cost_us;      /* to look at a picture */
    int64_t processor_us; /* when it is free */
    int count;            /* pictures that came */
    /* since tally() */
    int looked, stops, changes;
    int64_t waited_us; /* the most */
    int64_t blind_us;  /* the longest time between two pictures that were looked at */
    int64_t last_us;
    bool turned_on, turned_off;
    bool chain; /* the test's own: the next picture can be decoded */
};

static struct stage *stage_new(int gop, int layers)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    stage->gop = gop;
    stage->layers = layers;
    stage->processor_us = stage->last_us = START;
    return stage;
}

static void tally(struct stage *stage)
{
    stage->looked = stage->stops = stage->changes = 0;
    stage->waited_us = stage->blind_us = 0;
    stage->turned_on = stage->turned_off = false;
}

static void look(struct stage *stage, int64_t arrival_us)
{
    stage->looked++;
    stage->processor_us += stage->cost_us;
    if (arrival_us - stage->last_us > stage->blind_us)
        stage->blind_us = arrival_us - stage->last_us;
    stage->last_us = arrival_us;
}

static void show(struct stage *stage)
{
    int64_t arrival = START + stage->count * SECOND / FPS;
    bool key = stage->count % stage->gop == 0;
    bool disposable = !key && stage->count % stage->gop % stage->layers != 0;
    int level = stage->thinning.level;
    bool on = stage->thinning.on;
    stage->count++;
    if (stage->processor_us < arrival)
        stage->processor_us = arrival;
    int64_t waited = stage->processor_us - arrival;
    stage->waited_us = waited > stage->waited_us ? waited : stage->waited_us;
    rw_thinning_pace(&stage->thinning, key, waited, stage->processor_us);
    enum rw_thinning_word word = rw_thinning_choose(&stage->thinning, key, disposable, arrival);
    stage->changes += stage->thinning.level != level;
    stage->turned_on |= !on && stage->thinning.on;
    stage->turned_off |= on && !stage->thinning.on;
    stage->stops += word == RW_THINNING_STOP;
    if (word == RW_THINNING_TAKE) {
        assert_true(key || stage->chain); /* what it needs was looked at, too */
        stage->chain = true;
        look(stage, arrival);
    } else if (!disposable) {
        assert_int_equal(word == RW_THINNING_STOP, stage->chain);
        stage->chain = false;
    }
}

static void play(struct stage *stage, int seconds)
{
    for (int i = 0; i < seconds * FPS; i++)
        show(stage);
}

static void all_is_watched_while_the_processor_is_enough(void **state)
{
    (void)state;
    struct stage *stage = stage_new(30, 1);
    stage->cost_us = SECOND / FPS * 9 / 10;
    play(stage, 600);
    assert_int_equal(stage->looked, 600 * FPS);
    assert_int_equal(stage->changes, 0);
    assert_false(stage->thinning.on);
    free(stage);
}

static void a_pause_that_is_made_up_for_changes_nothing(void **state)
{
    (void)state;
    struct stage *stage = stage_new(30, 1);
    stage->cost_us = 1000;
    for (int i = 0; i < 20; i++) {
        play(stage, 10);
        stage->processor_us += 2500000;
    }
    assert_true(stage->waited_us >= 2000000);
    assert_int_equal(stage->changes, 0);
    assert_int_equal(stage->looked, 200 * FPS);
    free(stage);
}

/* Of a processor with this share of what is needed, after it has settled. */
static struct stage *short_of(int gop, int layers, int percent)
{
    struct stage *stage = stage_new(gop, layers);
    stage->cost_us = SECOND / FPS * 100 / percent;
    play(stage, 60);
    assert_true(stage->waited_us < 3 * SECOND); /* nobody had to break off */
    tally(stage);
    play(stage, 240);
    assert_true(stage->thinning.on);
    return stage;
}

static void a_short_processor_thins_evenly_and_is_never_far_behind(void **state)
{
    (void)state;
    static const struct {
        int percent, least, most; /* per cent of the pictures */
    } rows[] = {{95, 50, 75}, {80, 50, 60}, {60, 45, 55}, {40, 22, 30}, {20, 11, 15}, {10, 3, 7}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stage *stage = short_of(30, 1, rows[i].percent);
        int share = stage->looked * 100 / (240 * FPS);
        assert_in_range(share, rows[i].least, rows[i].most);
        assert_true(stage->waited_us < 2 * SECOND);
        assert_true(stage->blind_us <= 2 * SECOND + SECOND / FPS);
        assert_false(stage->turned_on || stage->turned_off);
        assert_true(stage->changes <= 240 / 10); /* attempts become rare */
        free(stage);
    }
}

static void the_last_level_is_keyframes(void **state)
{
    (void)state;
    struct stage *stage = short_of(30, 1, 5);
    assert_in_range(stage->looked, 110, 170);
    assert_true(stage->blind_us <= 2 * SECOND);
    free(stage);
}

static void what_no_picture_needs_goes_first(void **state)
{
    (void)state;
    struct stage *stage = short_of(30, 2, 60);
    play(stage, 4); /* no attempt is on */
    while (stage->thinning.level != 1)
        show(stage);
    play(stage, 2);
    tally(stage);
    play(stage, 4);
    assert_int_equal(stage->looked, 2 * FPS);
    assert_int_equal(stage->stops, 0);
    assert_true(stage->blind_us <= 2 * SECOND / FPS + 1);
    free(stage);
}

static void of_short_gops_whole_ones_go_in_turn(void **state)
{
    (void)state;
    for (int gop = 1; gop <= 5; gop += 4) {
        struct stage *stage = stage_new(gop, 1);
        stage->cost_us = SECOND / FPS * 2;
        while (stage->thinning.level != 2)
            stage->cost_us += 1000, show(stage);
        play(stage, 2);
        stage->cost_us = 1;
        tally(stage);
        play(stage, 4);
        assert_int_equal(stage->changes, 0);
        assert_in_range(stage->looked, FPS - 4, FPS + 4);
        assert_true(stage->blind_us <= SECOND);
        free(stage);
    }
}

static void keyframes_of_an_all_intra_stream_are_a_second_apart(void **state)
{
    (void)state;
    struct stage *stage = short_of(1, 1, 8);
    assert_in_range(stage->looked, 200, 290);
    assert_true(stage->blind_us <= SECOND + SECOND / FPS);
    free(stage);
}

static void all_is_watched_again_when_there_is_time(void **state)
{
    (void)state;
    struct stage *stage = short_of(30, 1, 15);
    stage->cost_us = 1000;
    play(stage, 90);
    assert_int_equal(stage->thinning.level, RW_THINNING_NONE);
    assert_false(stage->thinning.on);
    tally(stage);
    play(stage, 60);
    assert_int_equal(stage->looked, 60 * FPS);
    free(stage);
}

static void a_shortage_of_seconds_is_over_soon(void **state)
{
    (void)state;
    struct stage *stage = stage_new(30, 1);
    stage->cost_us = SECOND / FPS * 3;
    play(stage, 8);
    assert_true(stage->thinning.level > 0);
    stage->cost_us = 1000;
    play(stage, 14);
    assert_int_equal(stage->thinning.level, RW_THINNING_NONE);
    play(stage, 12);
    assert_false(stage->thinning.on);
    free(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_watched_while_the_processor_is_enough),
        cmocka_unit_test(a_pause_that_is_made_up_for_changes_nothing),
        cmocka_unit_test(a_short_processor_thins_evenly_and_is_never_far_behind),
        cmocka_unit_test(the_last_level_is_keyframes),
        cmocka_unit_test(what_no_picture_needs_goes_first),
        cmocka_unit_test(of_short_gops_whole_ones_go_in_turn),
        cmocka_unit_test(keyframes_of_an_all_intra_stream_are_a_second_apart),
        cmocka_unit_test(all_is_watched_again_when_there_is_time),
        cmocka_unit_test(a_shortage_of_seconds_is_over_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
