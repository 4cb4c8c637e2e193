/* `keep` and `slot_size` change under a ring that is in use. */
#include "store_box.h"

#include <sys/stat.h>

static void record(struct box *box, int seconds)
{
    for (int i = 0; i < seconds; i++)
        append(box, 200000);
}

struct files {
    int count;
    int64_t bytes, largest, smallest;
};

static struct files look(struct box *box)
{
    struct files files = {0};
    for (int number = 0; number < 100; number++) {
        char path[300];
        struct stat st;
        snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, number);
        if (stat(path, &st))
            continue;
        files.count++;
        files.bytes += st.st_size;
        files.largest = st.st_size > files.largest ? st.st_size : files.largest;
        if (!files.smallest || st.st_size < files.smallest)
            files.smallest = st.st_size;
    }
    return files;
}

/* Closes, changes the geometry, opens; the newest footage must be there before and after. */
static void change(struct box *box, int slots, int64_t slot_size)
{
    int64_t newest = box->weather.utc_us;
    close_store(box);
    box->slots = slots;
    box->slot_size = slot_size;
    open_store(box);
    assert_int_equal(count_fragments(box, newest - 5 * SECOND, newest), 5);
}

static void a_raised_keep_takes_more_slots_and_costs_nothing(void **state)
{
    struct box *box = *state;
    open_store(box);
    record(box, 30);
    int before = count_fragments(box, 0, box->weather.utc_us);
    change(box, 9, 1 << 20);
    assert_int_equal(look(box).bytes, 9 << 20);
    assert_int_equal(count_fragments(box, 0, box->weather.utc_us), before);
    record(box, 100);
    assert_int_equal(look(box).bytes, 9 << 20);
    assert_true(count_fragments(box, 0, box->weather.utc_us) >= 35);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static void larger_slots_take_the_place_of_small_ones_as_the_ring_turns(void **state)
{
    struct box *box = *state;
    box->slots = 12;
    open_store(box);
    record(box, 80);
    change(box, 4, 3 << 20); /* the same bytes */
    for (int i = 0; i < 40; i++) {
        record(box, 5);
        assert_true(look(box).bytes <= 12 << 20);
    }
    struct files files = look(box);
    assert_int_equal(files.count, 4);
    assert_int_equal(files.smallest, 3 << 20);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
    assert_int_equal(check(box, true).problems, 0);
}

static void smaller_slots_too_and_a_crash_in_between_is_nothing_special(void **state)
{
    struct box *box = *state;
    box->slots = 4;
    box->slot_size = 3 << 20;
    open_store(box);
    record(box, 80);
    change(box, 12, 1 << 20);
    record(box, 20);
    crash(box);
    open_store(box);
    for (int i = 0; i < 40; i++) {
        record(box, 5);
        assert_true(look(box).bytes <= 12 << 20);
    }
    struct files files = look(box);
    assert_int_equal(files.count, 12);
    assert_int_equal(files.largest, 1 << 20);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

static int64_t no_room(void *self, const char *path)
{
    (void)self;
    (void)path;
    return 1 << 20;
}

static void a_raised_keep_that_does_not_fit_leaves_the_ring_as_it_was_and_recording(void **state)
{
    struct box *box = *state;
    open_store(box);
    record(box, 30);
    box->disk.free_bytes = no_room;
    change(box, 90, 1 << 20);
    assert_int_equal(look(box).count, 4);
    record(box, 30);
    close_store(box);
    assert_int_equal(check(box, false).problems, 0);
}

int main(void)
{
    make_bytes();
    const struct CMUnitTest tests[] = {
        CASE(a_raised_keep_takes_more_slots_and_costs_nothing),
        CASE(larger_slots_take_the_place_of_small_ones_as_the_ring_turns),
        CASE(smaller_slots_too_and_a_crash_in_between_is_nothing_special),
        CASE(a_raised_keep_that_does_not_fit_leaves_the_ring_as_it_was_and_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
