/* The clock of a box without a battery: what it recorded before it knew the time gets its true
 * time, and nothing is lost on the way. */
#include "store_box.h"

#define DAY (86400 * SECOND)

static void set_clock(struct box *box, int64_t utc_us, enum rw_clock_trust trust)
{
    box->weather.utc_us = utc_us;
    box->weather.trust = trust;
}

static void reboot(struct box *box, int64_t utc_us, enum rw_clock_trust trust)
{
    box->weather.boot++;
    box->weather.boot_us = 20 * SECOND;
    set_clock(box, utc_us, trust);
}

static void record(struct box *box, int seconds)
{
    for (int i = 0; i < seconds; i++)
        append(box, 20000);
}

static void a_box_that_boots_in_1970_finds_its_footage_at_its_true_time_when_the_clock_is_set(
    void **state)
{
    struct box *box = *state;
    open_store(box);
    record(box, 10);
    crash(box); /* the power goes at T0 + 10 */
    reboot(box, 30 * SECOND, RW_CLOCK_UNVERIFIED);
    int64_t began = T0 + 600 * SECOND; /* in truth: the box was off for almost ten minutes */
    open_store(box);
    record(box, 60);
    assert_int_equal(count_fragments(box, 30 * SECOND, 90 * SECOND), 60); /* as it was told */
    set_clock(box, began + 60 * SECOND, RW_CLOCK_SYNCED);
    record(box, 5);
    assert_int_equal(count_fragments(box, began, began + 65 * SECOND), 65);
    assert_int_equal(count_fragments(box, 0, DAY), 0);
    struct rw_coverage coverage = cover(box, T0, began + 65 * SECOND);
    assert_int_equal(coverage.recorded_us, 75 * SECOND);
    assert_int_equal(coverage.gap_count, 2);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(coverage.gaps[0].from_us, T0 + 10 * SECOND);
    assert_int_equal(coverage.gaps[1].to_us, began);
    rw_coverage_finish(&coverage);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0); /* the records themselves stay as they were */
    assert_int_equal(check(box, true).problems, 0);
    assert_int_equal(count_fragments(box, began, began + 65 * SECOND), 65);
}

static int take_event(void *arg, const struct rw_event *event)
{
    *(struct rw_event *)arg = *event;
    return 0;
}

static void an_event_of_a_bad_clock_gets_its_true_time_and_keeps_the_other(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    struct rw_event event = {.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .kind = "motion", .armed = true};
    reboot(box, 30 * SECOND, RW_CLOCK_UNVERIFIED);
    open_store(box);
    record(box, 10);
    event.start_us = box->weather.utc_us - 5 * SECOND;
    event.end_us = box->weather.utc_us - 2 * SECOND;
    event.phase = RW_PHASE_END;
    event.clock_trust = RW_CLOCK_UNVERIFIED;
    struct rw_pictures none = {0};
    assert_int_equal(rw_store_put_event(box->store, &event, &none, &err), 0);
    int64_t revision = event.revision;
    set_clock(box, T0 + 40 * SECOND, RW_CLOCK_SYNCED); /* it began at T0 + 30 in truth */
    record(box, 3);
    close_store(box);
    for (int rebuilt = 0; rebuilt < 2; rebuilt++) {
        struct rw_event got = {0};
        struct rw_reader *reader = rw_reader_open(box->dir, &err);
        assert_non_null(reader);
        assert_int_equal(rw_reader_events_between(reader, T0, T0 + DAY, take_event, &got, &err), 0);
        rw_reader_close(reader);
        assert_string_equal(got.id, event.id);
        assert_int_equal(got.start_us, T0 + 35 * SECOND);
        assert_int_equal(got.end_us, T0 + 38 * SECOND);
        assert_int_equal(got.start_us - got.clock_shift_us, event.start_us);
        assert_int_equal(got.revision, revision); /* it is not told again */
        assert_int_equal(check(box, true).problems, 0);
    }
}

static void a_box_born_under_a_bad_clock_has_no_life_before(void **state)
{
    struct box *box = *state;
    reboot(box, 30 * SECOND, RW_CLOCK_UNVERIFIED);
    open_store(box);
    record(box, 10);
    set_clock(box, T0 + 10 * SECOND, RW_CLOCK_SYNCED);
    record(box, 5);
    for (int rebuilt = 0; rebuilt < 2; rebuilt++) {
        struct rw_coverage coverage = cover(box, T0 - 100 * SECOND, T0 + 15 * SECOND);
        assert_int_equal(coverage.recorded_us, 15 * SECOND);
        assert_int_equal(coverage.gap_count, 1);
        assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_BEFORE_FIRST);
        rw_coverage_finish(&coverage);
        if (box->store)
            close_store(box);
        assert_int_equal(check(box, true).problems, 0);
    }
}

static void a_step_of_an_hour_forward_is_a_gap_of_the_clock_and_back_again_loses_nothing(
    void **state)
{
    struct box *box = *state;
    box->slots = 8;
    open_store(box);
    record(box, 20);
    set_clock(box, box->weather.utc_us + 3600 * SECOND, RW_CLOCK_SYNCED);
    record(box, 20);
    set_clock(box, box->weather.utc_us - DAY, RW_CLOCK_SYNCED);
    int64_t back = box->weather.utc_us;
    record(box, 20);
    assert_int_equal(count_fragments(box, T0, T0 + 20 * SECOND), 20);
    assert_int_equal(count_fragments(box, T0 + 3620 * SECOND, T0 + 3640 * SECOND), 20);
    assert_int_equal(count_fragments(box, back, back + 20 * SECOND), 20);
    /* asked while the clock is a day behind the footage: it is there */
    struct rw_coverage coverage = cover(box, back, T0 + 9999 * SECOND);
    assert_int_equal(coverage.recorded_us, 60 * SECOND);
    assert_int_equal(coverage.to_us, T0 + 3640 * SECOND);
    assert_int_equal(coverage.gap_count, 2);
    assert_int_equal(coverage.gaps[0].from_us, back + 20 * SECOND);
    assert_int_equal(coverage.gaps[0].to_us, T0);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_BEFORE_FIRST);
    rw_coverage_finish(&coverage);
    box->weather.utc_us += 2 * DAY; /* and when it has been set right */
    coverage = cover(box, T0, T0 + 3640 * SECOND);
    assert_int_equal(coverage.recorded_us, 40 * SECOND);
    assert_int_equal(coverage.gap_count, 1);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_CLOCK);
    assert_int_equal(coverage.gap_us, 3600 * SECOND);
    rw_coverage_finish(&coverage);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

int main(void)
{
    make_bytes();
    const struct CMUnitTest tests[] = {
        CASE(a_box_that_boots_in_1970_finds_its_footage_at_its_true_time_when_the_clock_is_set),
        CASE(an_event_of_a_bad_clock_gets_its_true_time_and_keeps_the_other),
        CASE(a_box_born_under_a_bad_clock_has_no_life_before),
        CASE(a_step_of_an_hour_forward_is_a_gap_of_the_clock_and_back_again_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
