/* storage.max_age: what is too old is zeroed where it lies, in the slots, in the index and in its
 * WAL, and a cut in between forgets none of it. */
#include "store_box.h"

#include "store/hold.h"

enum { MARK_SIZE = 16 };

/* Every second has a mark of its own in its picture: what a carver looks for. */
static void mark(char out[MARK_SIZE + 1], int second)
{
    snprintf(out, MARK_SIZE + 1, "FRAME%07d=EOF", second);
}

static int marked(const struct box *box)
{
    return (int)((box->weather.boot_us - 5 * SECOND) / SECOND);
}

static void record(struct box *box, int seconds, size_t size)
{
    for (int i = 0; i < seconds; i++) {
        char text[MARK_SIZE + 1];
        mark(text, marked(box));
        memcpy(picture + 100, text, MARK_SIZE);
        append(box, size);
    }
}

/* Is the text anywhere in the camera's folder? */
static bool carve(struct box *box, const char *text)
{
    char command[400];
    snprintf(command, sizeof command, "grep -rqa '%s' %s", text, box->dir);
    return system(command) == 0;
}

static bool carve_second(struct box *box, int second)
{
    char text[MARK_SIZE + 1];
    mark(text, second);
    return carve(box, text);
}

static void put_event(struct box *box, const char *id, const char *jpeg)
{
    struct rw_err err = {0};
    struct rw_event event = {.kind = "motion", .phase = RW_PHASE_END, .armed = true};
    strcpy(event.id, id);
    event.start_us = box->weather.utc_us - 2 * SECOND;
    event.end_us = box->weather.utc_us - SECOND;
    struct rw_pictures pictures = {(const uint8_t *)jpeg, (int)strlen(jpeg), (const uint8_t *)jpeg,
                                   (int)strlen(jpeg)};
    assert_int_equal(rw_store_put_event(box->store, &event, &pictures, &err), 0);
}

static void pass_ticks(struct box *box, int seconds)
{
    struct rw_err err = {0};
    for (int i = 0; i < seconds; i++) {
        pass(box, 1);
        if (rw_store_tick(box->store, box->weather.boot_us, &err))
            fail_msg("%s", err.text);
    }
}

static void what_is_too_old_is_zeroed_to_the_second_and_the_rest_stays(void **state)
{
    struct box *box = *state;
    box->max_age_us = 100 * SECOND;
    box->slots = 16;
    open_store(box);
    record(box, 60, 100000); /* ten a slot */
    put_event(box, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "JPEG-OF-THE-MINUTE");
    record(box, 60, 100000);
    assert_true(carve(box, "JPEG-OF-THE-MINUTE"));
    pass_ticks(box, 8);
    for (int second = 0; second < 120; second++) {
        if (second < 28) /* 128 s after the first */
            assert_false(carve_second(box, second));
        else if (second >= 30)
            assert_true(carve_second(box, second));
    }
    struct rw_coverage coverage = cover(box, T0, T0 + 120 * SECOND);
    assert_in_range(coverage.deleted_us, 28 * SECOND, 30 * SECOND);
    assert_int_equal(coverage.deletions[0].cause, RW_CAUSE_AGED);
    assert_int_equal(coverage.gap_us, 0);
    rw_coverage_finish(&coverage);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
    assert_int_equal(check(box, true).problems, 0);
    open_store(box);
    record(box, 5, 100000); /* and recording goes on */
    pass_ticks(box, 300);
    assert_false(
        carve(box, "JPEG-OF-THE-MINUTE")); /* neither in a slot nor in index.db or its WAL */
    assert_false(carve(box, "FRAME"));
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static void what_was_to_be_zeroed_when_the_power_went_is_zeroed_after_the_start(void **state)
{
    struct box *box = *state;
    box->max_age_us = 20 * SECOND;
    open_store(box);
    record(box, 18, 100000);
    pass(box, 25);
    box->weather.fail_after = 0; /* rows go, the zeros do not come */
    for (int i = 0; i < 3; i++)
        rw_store_tick(box->store, box->weather.boot_us += SECOND, NULL);
    box->weather.fail_after = -1;
    assert_true(carve_second(box, 5));
    crash(box);
    assert_true(carve_second(box, 5));
    open_store(box);
    pass_ticks(box, 10);
    assert_false(carve_second(box, 5));
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static void what_the_ring_has_dropped_but_not_overwritten_ages_too(void **state)
{
    struct box *box = *state;
    box->max_age_us = 1000 * SECOND;
    open_store(box);
    record(box, 45, 100000); /* four slots: the first is retired, the last just begun */
    close_store(box);
    assert_true(carve_second(box, 5));
    pass(box, 2000);
    open_store(box);
    pass_ticks(box, 40);
    assert_false(carve(box, "FRAME"));
    record(box, 30, 100000);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static void held_footage_does_not_age_until_it_is_released(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    struct rw_hold_cost cost;
    struct rw_hold hold = {.from_us = T0 + 2 * SECOND, .to_us = T0 + 5 * SECOND};
    strcpy(hold.by, "Hà");
    strcpy(hold.reason, "vụ 12");
    box->max_age_us = 50 * SECOND;
    open_store(box);
    put_event(box, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "JPEG-THAT-AGES");
    record(box, 4, 100000);
    put_event(box, "01ARZ3NDEKTSV4RRFFQ69G5FAW", "JPEG-THAT-IS-HELD");
    record(box, 16, 100000);
    assert_int_equal(rw_store_hold(box->store, &hold, &cost, &err), 0);
    record(box, 10, 100000);
    pass_ticks(box, 200);
    assert_true(carve_second(box, 3));
    assert_true(carve(box, "JPEG-THAT-IS-HELD"));
    assert_false(carve_second(box, 25));
    assert_int_equal(rw_store_release(box->store, hold.id, "Hà", &err), 0);
    pass_ticks(box, 100);
    assert_false(carve(box, "FRAME"));
    assert_false(carve(box, "JPEG-THAT-IS-HELD"));
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static void a_clock_that_jumps_ahead_deletes_nothing_for_an_hour(void **state)
{
    struct box *box = *state;
    box->max_age_us = 100 * SECOND;
    box->weather.trust = RW_CLOCK_UNVERIFIED;
    open_store(box);
    record(box, 20, 100000);
    box->weather.utc_us += 86400 * SECOND; /* and nobody vouches for it */
    pass_ticks(box, 60);
    assert_true(carve_second(box, 3));
    pass(box, 3600);
    pass_ticks(box, 20);
    assert_false(carve_second(box, 3));
}

int main(void)
{
    make_bytes();
    const struct CMUnitTest tests[] = {
        CASE(what_is_too_old_is_zeroed_to_the_second_and_the_rest_stays),
        CASE(what_was_to_be_zeroed_when_the_power_went_is_zeroed_after_the_start),
        CASE(what_the_ring_has_dropped_but_not_overwritten_ages_too),
        CASE(held_footage_does_not_age_until_it_is_released),
        CASE(a_clock_that_jumps_ahead_deletes_nothing_for_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
