/* The ledger: every microsecond asked for is recorded, a gap with a cause, or deleted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/coverage.h"
#include "store/index.h"

static struct rw_coverage settle(struct rw_ledger *ledger, struct rw_ledger_bounds bounds,
                                 int64_t from_us, int64_t to_us)
{
    struct rw_coverage out = {.from_us = from_us, .to_us = to_us};
    rw_ledger_settle(ledger, &bounds, &out);
    rw_ledger_finish(ledger);
    assert_int_equal(out.recorded_us + out.gap_us + out.deleted_us, to_us - from_us);
    return out;
}

static int64_t sum(const struct rw_span *list, int count)
{
    int64_t total = 0;
    for (int i = 0; i < count; i++)
        total += list[i].to_us - list[i].from_us;
    return total;
}

static void expect_sorted(const struct rw_span *list, int count, int64_t from_us, int64_t to_us)
{
    for (int i = 0; i < count; i++) {
        assert_true(list[i].from_us < list[i].to_us);
        assert_true(list[i].from_us >= (i ? list[i - 1].to_us : from_us));
        assert_true(list[i].to_us <= to_us);
    }
}

static const struct rw_ledger_bounds usual = {
    .born_us = 1000000, .deleted_us = 1000000, .newest_us = 9000000, .open_cause = RW_CAUSE_DISK};

static void an_empty_ring_has_only_time_before_the_first_picture(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    struct rw_coverage out = settle(&ledger, (struct rw_ledger_bounds){0}, 5, 105);
    assert_int_equal(out.gap_us, 100);
    assert_int_equal(out.gap_count, 1);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_BEFORE_FIRST);
    rw_coverage_finish(&out);
    out = settle(&ledger, usual, 77, 77); /* no time at all */
    assert_int_equal(out.gap_count + out.span_count, 0);
    rw_coverage_finish(&out);
}

static void holes_within_tolerance_join_and_larger_ones_do_not(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    rw_ledger_add_span(&ledger, 1000000, 2000000);
    rw_ledger_add_span(&ledger, 2000000 + RW_GAP_TOLERANCE_US, 3000000);
    rw_ledger_add_span(&ledger, 3000000 + RW_GAP_TOLERANCE_US + 1, 9000000);
    struct rw_coverage out = settle(&ledger, usual, 1000000, 9000000);
    assert_int_equal(out.span_count, 2);
    assert_int_equal(out.spans[0].to_us, 3000000);
    assert_int_equal(out.gap_count, 1);
    assert_int_equal(out.gap_us, RW_GAP_TOLERANCE_US + 1);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_UNKNOWN); /* no row says why: fsck's business */
    rw_coverage_finish(&out);
}

static void the_parts_of_a_gap_end_where_it_ends_oldest_first(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    const struct rw_gap_part parts[] = {{RW_CAUSE_POWER, 3000000}, {RW_CAUSE_CAMERA_LOST, 1000000}};
    rw_ledger_add_span(&ledger, 6000000, 9000000); /* as they come, in any order */
    rw_ledger_add_gaps(&ledger, 6000000, parts, 2);
    rw_ledger_add_span(&ledger, 1000000, 2000000);
    struct rw_coverage out = settle(&ledger, usual, 1500000, 8000000);
    assert_int_equal(out.gap_count, 2);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(out.gaps[0].from_us, 2000000);
    assert_int_equal(out.gaps[1].cause, RW_CAUSE_CAMERA_LOST);
    assert_int_equal(out.gaps[1].from_us, 5000000);
    assert_int_equal(out.gaps[1].to_us, 6000000);
    assert_int_equal(out.recorded_us, 2500000);
    rw_coverage_finish(&out);
}

static void time_outside_of_the_recording_has_its_name(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    struct rw_ledger_bounds bounds = {.born_us = 1000000,
                                      .aged_us = 2500000,
                                      .deleted_us = 4000000,
                                      .newest_us = 6000000,
                                      .open_cause = RW_CAUSE_CAMERA_LOST};
    rw_ledger_add_span(&ledger, 4000000, 6000000);
    struct rw_coverage out = settle(&ledger, bounds, 0, 10000000);
    assert_int_equal(out.recorded_us, 2000000);
    assert_int_equal(out.deleted_us, 3000000); /* by two rules */
    assert_int_equal(out.deletion_count, 2);
    assert_int_equal(out.deletions[0].cause, RW_CAUSE_AGED);
    assert_int_equal(out.deletions[0].to_us, 2500000);
    assert_int_equal(out.deletions[1].cause, RW_CAUSE_OVERWRITTEN);
    assert_int_equal(out.gap_count, 2);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_BEFORE_FIRST);
    assert_int_equal(out.gaps[0].to_us, 1000000);
    assert_int_equal(out.gaps[1].cause, RW_CAUSE_CAMERA_LOST);
    assert_int_equal(out.gaps[1].from_us, 6000000);
    rw_coverage_finish(&out);
    rw_ledger_add_span(&ledger, 4000000, 6000000);
    bounds.open_cause = RW_CAUSE_NONE;
    out = settle(&ledger, bounds, 5000000, 7000000);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_UNKNOWN); /* a missing time is never nothing */
    rw_coverage_finish(&out);
}

static void an_open_gap_explains_what_nothing_else_does_back_to_the_footage_before(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    struct rw_gap_part parts[] = {{RW_CAUSE_POWER, RW_GAP_OPEN}, {RW_CAUSE_RECORDER_OFF, 500000}};
    rw_ledger_add_span(&ledger, 1000000, 3000000);
    rw_ledger_add_gaps(&ledger, 7000000, parts, 2);
    rw_ledger_add_span(&ledger, 7000000, 9000000);
    struct rw_coverage out = settle(&ledger, usual, 1000000, 9000000);
    assert_int_equal(out.gap_count, 2);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(out.gaps[0].from_us, 3000000);
    assert_int_equal(out.gaps[0].to_us, 6500000);
    assert_int_equal(out.gaps[1].cause, RW_CAUSE_RECORDER_OFF);
    rw_coverage_finish(&out);
    rw_ledger_add_gaps(&ledger, 7000000, parts, 2); /* and nothing of what was deleted */
    rw_ledger_add_span(&ledger, 7000000, 9000000);
    struct rw_ledger_bounds bounds = usual;
    bounds.deleted_us = 6000000;
    out = settle(&ledger, bounds, 1000000, 9000000);
    assert_int_equal(out.deleted_us, 5000000);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(out.gaps[0].from_us, 6000000);
    rw_coverage_finish(&out);
}

static void a_box_that_was_off_since_the_newest_picture_is_told_apart(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    struct rw_ledger_bounds bounds = usual;
    bounds.power_us = 9500000;
    rw_ledger_add_span(&ledger, 1000000, 9000000);
    struct rw_coverage out = settle(&ledger, bounds, 1000000, 10000000);
    assert_int_equal(out.gap_count, 2);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(out.gaps[0].to_us, 9500000);
    assert_int_equal(out.gaps[1].cause, RW_CAUSE_DISK);
    rw_coverage_finish(&out);
}

static void a_hole_ahead_of_a_clock_that_was_set_back_is_of_the_clock(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    struct rw_ledger_bounds bounds = usual;
    assert_true(rw_ledger_end(&ledger) == INT64_MIN);
    bounds.now_us = 10000000;
    rw_ledger_add_span(&ledger, 20000000, 30000000); /* before the clock was set back */
    rw_ledger_add_span(&ledger, 8000000, 9000000);
    assert_int_equal(rw_ledger_end(&ledger), 30000000);
    struct rw_coverage out = settle(&ledger, bounds, 8000000, 30000000);
    assert_int_equal(out.recorded_us, 11000000);
    assert_int_equal(out.gap_count, 2);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_DISK); /* up to now */
    assert_int_equal(out.gaps[0].to_us, 10000000);
    assert_int_equal(out.gaps[1].cause, RW_CAUSE_CLOCK);
    rw_coverage_finish(&out);
}

static void an_open_gap_reaches_over_what_was_recorded_when_the_clock_was_set_back(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    const struct rw_gap_part off = {RW_CAUSE_POWER, RW_GAP_OPEN};
    rw_ledger_add_span(&ledger, 1000000, 2000000);
    rw_ledger_add_gaps(&ledger, 8000000, &off, 1);
    rw_ledger_add_span(&ledger, 8000000, 9000000);
    rw_ledger_add_span(&ledger, 5000000, 6000000); /* back by three seconds */
    struct rw_coverage out = settle(&ledger, usual, 1000000, 9000000);
    assert_int_equal(out.recorded_us, 3000000);
    assert_int_equal(out.gap_count, 2);
    for (int i = 0; i < out.gap_count; i++)
        assert_int_equal(out.gaps[i].cause, RW_CAUSE_POWER);
    rw_coverage_finish(&out);
    /* but not over a hole before the footage that it follows */
    rw_ledger_add_span(&ledger, 1000000, 2000000);
    rw_ledger_add_span(&ledger, 4000000, 5000000);
    rw_ledger_add_gaps(&ledger, 8000000, &off, 1);
    rw_ledger_add_span(&ledger, 8000000, 9000000);
    out = settle(&ledger, usual, 1000000, 9000000);
    assert_int_equal(out.gap_count, 2);
    assert_int_equal(out.gaps[0].cause, RW_CAUSE_UNKNOWN);
    assert_int_equal(out.gaps[1].cause, RW_CAUSE_POWER);
    rw_coverage_finish(&out);
}

static void spans_that_overlap_are_counted_once(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    rw_ledger_add_span(&ledger, 1000000, 5000000);
    rw_ledger_add_span(&ledger, 2000000, 3000000);
    rw_ledger_add_span(&ledger, 8000000, 9000000);
    rw_ledger_add_span(&ledger, 4000000, 7000000); /* the clock had gone back */
    struct rw_coverage out = settle(&ledger, usual, 1000000, 9000000);
    assert_int_equal(out.recorded_us, 7000000);
    assert_int_equal(out.span_count, 2);
    assert_int_equal(out.spans[0].to_us, 7000000);
    rw_coverage_finish(&out);
}

static void what_came_damaged_is_told_once_and_within_what_was_asked(void **state)
{
    (void)state;
    struct rw_ledger ledger = {0};
    rw_ledger_add_span(&ledger, 1000000, 9000000);
    rw_ledger_add_damage(&ledger, 1000000, 2000000);
    rw_ledger_add_damage(&ledger, 2000000, 3000000);
    rw_ledger_add_damage(&ledger, 6000000, 8000000);
    rw_ledger_add_damage(&ledger, 5000000, 7000000); /* the clock had gone back */
    struct rw_coverage out = settle(&ledger, usual, 1500000, 7500000);
    assert_int_equal(out.recorded_us, 6000000);
    assert_int_equal(out.damage_count, 2);
    assert_int_equal(out.damages[0].from_us, 1500000);
    assert_int_equal(out.damages[0].to_us, 3000000);
    assert_int_equal(out.damages[1].from_us, 5000000);
    assert_int_equal(out.damages[1].to_us, 7500000);
    assert_int_equal(out.damaged_us, 4000000);
    rw_coverage_finish(&out);
}

/* --- random ledgers against a row of ticks --- */

enum { TICKS = 3000, TICK_US = 70000 }; /* a tick is longer than the tolerance */

static uint32_t roll(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % sides;
}

/* Random spans and gaps, of whole ticks; what is recorded is noted tick by tick. */
static void fill(struct rw_ledger *ledger, bool *recorded, uint32_t *seed)
{
    memset(recorded, 0, TICKS);
    uint32_t spans = roll(seed, 60), gaps = roll(seed, 40);
    for (uint32_t i = 0; i < spans; i++) {
        uint32_t from = roll(seed, TICKS), length = roll(seed, 120);
        uint32_t to = from + length < TICKS ? from + length : TICKS;
        rw_ledger_add_span(ledger, (int64_t)from * TICK_US, (int64_t)to * TICK_US);
        for (uint32_t at = from; at < to; at++)
            recorded[at] = true;
    }
    for (uint32_t i = 0; i < gaps; i++) {
        struct rw_gap_part parts[RW_GAPS_MAX];
        int count = (int)roll(seed, RW_GAPS_MAX + 1);
        for (int k = 0; k < count; k++)
            parts[k] = (struct rw_gap_part){(enum rw_cause)(1 + roll(seed, RW_CAUSE_LAST)),
                                            (int64_t)roll(seed, 100) * TICK_US};
        rw_ledger_add_gaps(ledger, (int64_t)roll(seed, TICKS) * TICK_US, parts, count);
    }
}

static bool covers(const struct rw_span *list, int count, int64_t at)
{
    for (int i = 0; i < count; i++)
        if (at >= list[i].from_us && at < list[i].to_us)
            return true;
    return false;
}

static void random_ledgers_add_up_exactly_in_order_and_without_overlap(void **state)
{
    (void)state;
    static bool recorded[TICKS];
    uint32_t seed = 5;
    for (int round = 0; round < 400; round++) {
        struct rw_ledger ledger = {0};
        fill(&ledger, recorded, &seed);
        struct rw_ledger_bounds bounds = {
            .born_us = (int64_t)roll(&seed, TICKS) * TICK_US,
            .deleted_us = (int64_t)roll(&seed, TICKS) * TICK_US,
            .newest_us = (int64_t)roll(&seed, TICKS) * TICK_US,
            .open_cause = (enum rw_cause)roll(&seed, RW_CAUSE_LAST + 1),
        };
        uint32_t from = roll(&seed, TICKS), to = from + roll(&seed, TICKS - from + 1);
        struct rw_coverage out =
            settle(&ledger, bounds, (int64_t)from * TICK_US, (int64_t)to * TICK_US);
        expect_sorted(out.spans, out.span_count, out.from_us, out.to_us);
        expect_sorted(out.gaps, out.gap_count, out.from_us, out.to_us);
        assert_int_equal(sum(out.spans, out.span_count), out.recorded_us);
        assert_int_equal(sum(out.gaps, out.gap_count), out.gap_us);
        expect_sorted(out.deletions, out.deletion_count, out.from_us, out.to_us);
        assert_int_equal(sum(out.deletions, out.deletion_count), out.deleted_us);
        assert_int_equal(out.recorded_us + out.gap_us + out.deleted_us, out.to_us - out.from_us);
        for (int i = 0; i < out.gap_count; i++)
            assert_int_not_equal(out.gaps[i].cause, RW_CAUSE_NONE);
        for (uint32_t at = from; at < to; at++) {
            int64_t us = (int64_t)at * TICK_US + 1;
            bool is_recorded = covers(out.spans, out.span_count, us);
            assert_int_equal(is_recorded, recorded[at]);
            assert_false(is_recorded && covers(out.gaps, out.gap_count, us));
        }
        rw_coverage_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_ring_has_only_time_before_the_first_picture),
        cmocka_unit_test(holes_within_tolerance_join_and_larger_ones_do_not),
        cmocka_unit_test(the_parts_of_a_gap_end_where_it_ends_oldest_first),
        cmocka_unit_test(time_outside_of_the_recording_has_its_name),
        cmocka_unit_test(an_open_gap_explains_what_nothing_else_does_back_to_the_footage_before),
        cmocka_unit_test(a_box_that_was_off_since_the_newest_picture_is_told_apart),
        cmocka_unit_test(a_hole_ahead_of_a_clock_that_was_set_back_is_of_the_clock),
        cmocka_unit_test(an_open_gap_reaches_over_what_was_recorded_when_the_clock_was_set_back),
        cmocka_unit_test(spans_that_overlap_are_counted_once),
        cmocka_unit_test(what_came_damaged_is_told_once_and_within_what_was_asked),
        cmocka_unit_test(random_ledgers_add_up_exactly_in_order_and_without_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
