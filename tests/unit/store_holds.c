/* Holds: what is held survives the ring's turns, a crash, and the loss of the index. */
#include "store_box.h"

#include "store/hold.h"

static struct rw_hold hold_of(int64_t from, int64_t to)
{
    struct rw_hold hold = {.from_us = from, .to_us = to};
    strcpy(hold.by, "Hà");
    strcpy(hold.reason, "vụ 12: va chạm ở cổng");
    return hold;
}

static struct rw_hold_cost hold_span(struct box *box, struct rw_hold *hold)
{
    struct rw_err err = {0};
    struct rw_hold_cost cost;
    if (rw_store_hold(box->store, hold, &cost, &err))
        fail_msg("%s", err.text);
    return cost;
}

static int count_files(struct box *box, const char *below)
{
    char command[400], line[32] = "";
    snprintf(command, sizeof command, "ls %s/main/%s*.mp4 2>/dev/null | wc -l", box->dir, below);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    pclose(pipe);
    return atoi(line);
}

static void what_is_held_survives_the_rings_turns_a_crash_and_the_loss_of_the_index(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 12; i++)
        append(box, 200000); /* five a slot */
    struct rw_hold hold = hold_of(T0 + SECOND, T0 + 3 * SECOND);
    struct rw_hold_cost cost = hold_span(box, &hold);
    assert_int_equal(cost.slots, 2); /* some seconds behind it belong to it */
    assert_int_equal(cost.bytes, 2 << 20);
    assert_true(cost.days > 0);
    assert_int_equal(count_files(box, "held/"), 2);
    for (int i = 0; i < 80; i++)
        append(box, 200000); /* four turns of the ring */
    assert_int_equal(count_files(box, ""), 4);
    assert_int_equal(count_fragments(box, hold.from_us, hold.to_us), 2);
    crash(box);
    open_store(box);
    assert_int_equal(count_fragments(box, hold.from_us, hold.to_us), 2);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
    assert_int_equal(check(box, true).problems, 0);
    assert_int_equal(count_fragments(box, hold.from_us, hold.to_us), 2);
    struct rw_coverage coverage = cover(box, T0, box->weather.utc_us);
    assert_true(coverage.deleted_us > 0);
    rw_coverage_finish(&coverage);
}

static void a_hold_that_runs_into_the_future_takes_the_slots_as_they_close(void **state)
{
    struct box *box = *state;
    open_store(box);
    append(box, 200000);
    struct rw_hold hold = hold_of(T0, T0 + 40 * SECOND);
    hold_span(box, &hold);
    for (int i = 0; i < 150; i++)
        append(box, 200000);
    assert_int_equal(count_fragments(box, hold.from_us, hold.to_us), 40);
    assert_int_equal(count_files(box, ""), 4); /* the ring itself is as large as before */
    struct rw_hold later =
        hold_of(box->weather.utc_us + 100 * SECOND, box->weather.utc_us + 110 * SECOND);
    hold_span(box, &later);
    for (int i = 0; i < 300; i++)
        append(box, 200000);
    assert_int_equal(count_fragments(box, later.from_us, later.to_us), 10);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static int64_t little_room(void *self, const char *path)
{
    (void)self;
    (void)path;
    return 20 << 20;
}

static void a_hold_without_room_for_it_is_refused_with_the_numbers_and_changes_nothing(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    struct rw_hold_cost cost;
    box->slots = 10;
    open_store(box);
    for (int i = 0; i < 40; i++)
        append(box, 200000);
    box->disk.free_bytes = little_room; /* 16 MiB of it are kept free */
    struct rw_hold hold = hold_of(T0, T0 + 40 * SECOND);
    assert_int_equal(rw_store_hold_cost(box->store, hold.from_us, hold.to_us, &cost, &err), 0);
    assert_int_equal(cost.slots, 9);
    assert_int_equal(rw_store_hold(box->store, &hold, &cost, &err), -1);
    assert_int_equal(err.code, RW_ENOSPC);
    assert_non_null(strstr(err.text, "25 MiB"));
    assert_non_null(strstr(err.text, "20 MiB"));
    assert_int_equal(count_files(box, "held/"), 0);
    hold = hold_of(T0 - 100 * SECOND, T0 - 90 * SECOND);
    assert_int_equal(rw_store_hold(box->store, &hold, &cost, &err), -1);
    assert_int_equal(err.code, RW_ENOTFOUND);
}

static int find_hold(void *arg, const struct rw_hold *hold)
{
    *(struct rw_hold *)arg = *hold;
    return 0;
}

static void a_released_hold_gives_its_slots_back_and_is_remembered(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    struct rw_hold found = {0};
    open_store(box);
    for (int i = 0; i < 12; i++)
        append(box, 200000);
    struct rw_hold hold = hold_of(T0, T0 + SECOND);
    hold_span(box, &hold);
    for (int i = 0; i < 80; i++)
        append(box, 200000);
    assert_int_equal(rw_store_release(box->store, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "Hà", &err), -1);
    assert_int_equal(err.code, RW_ENOTFOUND);
    assert_int_equal(rw_store_release(box->store, hold.id, "Lan", &err), 0);
    assert_int_equal(count_files(box, "held/"), 0);
    assert_int_equal(count_files(box, ""), 4); /* the oldest went: `keep` is kept */
    assert_int_equal(count_fragments(box, T0, T0 + SECOND), 0);
    assert_int_equal(rw_holds_each(&box->disk, box->dir, find_hold, &found, &err), 0);
    assert_string_equal(found.id, hold.id);
    assert_string_equal(found.by, "Hà");
    assert_string_equal(found.released_by, "Lan");
    assert_true(found.released_us > found.created_us);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static void two_holds_of_one_slot_keep_it_until_both_are_released(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    open_store(box);
    for (int i = 0; i < 12; i++)
        append(box, 200000);
    struct rw_hold one = hold_of(T0, T0 + SECOND), two = hold_of(T0 + SECOND, T0 + 2 * SECOND);
    hold_span(box, &one);
    box->weather.utc_us += 1000;
    assert_int_equal(hold_span(box, &two).slots, 0);
    for (int i = 0; i < 80; i++)
        append(box, 200000);
    assert_int_equal(rw_store_release(box->store, one.id, "Hà", &err), 0);
    assert_int_equal(count_fragments(box, T0, T0 + 2 * SECOND), 2);
    assert_int_equal(rw_store_release(box->store, two.id, "Hà", &err), 0);
    assert_int_equal(count_fragments(box, T0, T0 + 2 * SECOND), 0);
}

static void many_holds_of_the_slot_that_is_being_written_cost_one_slot(void **state)
{
    struct box *box = *state;
    box->slots = 8;
    open_store(box);
    for (int i = 0; i < 7; i++)
        append(box, 200000); /* five a slot */
    int slots = 0, ring = count_files(box, "");
    for (int i = 0; i < 6; i++) {
        struct rw_hold hold = hold_of(box->weather.utc_us - SECOND, box->weather.utc_us);
        slots += hold_span(box, &hold).slots;
        box->weather.utc_us += 1000;
    }
    assert_in_range(slots, 1, 3); /* and some seconds behind it */
    assert_int_equal(count_files(box, ""), ring + slots);
    for (int i = 0; i < 80; i++)
        append(box, 200000);
    assert_int_equal(count_files(box, ""), 8);
    assert_in_range(count_files(box, "held/"), 1, slots);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

int main(void)
{
    make_bytes();
    const struct CMUnitTest tests[] = {
        CASE(what_is_held_survives_the_rings_turns_a_crash_and_the_loss_of_the_index),
        CASE(a_hold_that_runs_into_the_future_takes_the_slots_as_they_close),
        CASE(a_hold_without_room_for_it_is_refused_with_the_numbers_and_changes_nothing),
        CASE(a_released_hold_gives_its_slots_back_and_is_remembered),
        CASE(two_holds_of_one_slot_keep_it_until_both_are_released),
        CASE(many_holds_of_the_slot_that_is_being_written_cost_one_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
