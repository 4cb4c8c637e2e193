/* The ring and its index on a real file system in a temporary folder, with a clock of our own. */
#include <openssl/sha.h>
#include <sqlite3.h>

#include "store_box.h"

static void a_record_header_survives_packing_and_any_flipped_bit_is_noticed(void **state)
{
    (void)state;
    struct rw_record record = {.kind = RW_RECORD_FRAGMENT,
                               .keyframe = true,
                               .came_damaged = true,
                               .seq = 77,
                               .start_us = T0,
                               .boot_us = 9,
                               .duration_us = 1000000,
                               .length = 12345,
                               .born_us = T0 - 5,
                               .base_us = T0 - 3,
                               .init_length = 200,
                               .gap_count = 2,
                               .gaps = {{RW_CAUSE_POWER, 3 * SECOND}, {RW_CAUSE_CAMERA_LOST, 1}}};
    uint8_t bytes[RW_RECORD_SIZE];
    struct rw_record back;
    rw_record_pack(&record, bytes);
    assert_int_equal(rw_record_unpack(bytes, &back, NULL), 0);
    assert_int_equal(back.seq, 77);
    assert_true(back.keyframe && back.came_damaged);
    assert_int_equal(back.gap_count, 2);
    assert_int_equal(back.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(back.gaps[0].length_us, 3 * SECOND);
    assert_int_equal(back.base_us, T0 - 3);
    for (int bit = 0; bit < RW_RECORD_SIZE * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(rw_record_unpack(bytes, &back, NULL), 0);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void every_second_is_recorded_or_a_gap_with_its_cause(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 5; i++)
        append(box, 10000);
    pass(box, 7); /* the camera is away */
    for (int i = 0; i < 3; i++)
        append(box, 10000);
    struct rw_coverage coverage = cover(box, T0 - 2 * SECOND, T0 + 16 * SECOND);
    assert_int_equal(coverage.recorded_us, 8 * SECOND);
    assert_int_equal(coverage.gap_count, 2);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_BEFORE_FIRST);
    assert_int_equal(coverage.gaps[1].cause, RW_CAUSE_CAMERA_LOST);
    assert_int_equal(coverage.gaps[1].to_us - coverage.gaps[1].from_us, 7 * SECOND);
    assert_int_equal(coverage.span_count, 2);
    assert_int_equal(coverage.to_us, T0 + 15 * SECOND); /* the future is cut off */
    rw_coverage_finish(&coverage);
    /* a question that lies wholly inside the gap */
    coverage = cover(box, T0 + 6 * SECOND, T0 + 8 * SECOND);
    assert_int_equal(coverage.gap_us, 2 * SECOND);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_CAMERA_LOST);
    rw_coverage_finish(&coverage);
    assert_int_equal(check(box, false).problems, 0);
}

/* The store came to know flags one by one: what a newer one has set says nothing to this one. */
static void flags_of_a_record_that_nobody_knows_are_passed_over(void **state)
{
    (void)state;
    struct rw_record record = {.kind = RW_RECORD_FRAGMENT, .keyframe = true, .seq = 7};
    uint8_t bytes[RW_RECORD_SIZE];
    rw_record_pack(&record, bytes);
    assert_int_equal(bytes[26], 1); /* as before there was any other */
    bytes[26] |= 0xfc;
    SHA256(bytes, RW_RECORD_SIZE - RW_HASH_SIZE, bytes + RW_RECORD_SIZE - RW_HASH_SIZE);
    struct rw_record back;
    assert_int_equal(rw_record_unpack(bytes, &back, NULL), 0);
    assert_true(back.keyframe && !back.came_damaged);
}

/* A second of each: whole, damaged, damaged, whole, damaged. */
static void append_damaged(struct box *box)
{
    static const bool damaged[] = {false, true, true, false, true};
    for (int i = 0; i < 5; i++) {
        box->came_damaged = damaged[i];
        append(box, 10000);
    }
    box->came_damaged = false;
}

static void expect_damage(struct box *box)
{
    struct rw_coverage coverage = cover(box, T0, T0 + 5 * SECOND);
    assert_int_equal(coverage.recorded_us, 5 * SECOND);
    assert_int_equal(coverage.gap_count, 0);
    assert_int_equal(coverage.damaged_us, 3 * SECOND);
    assert_int_equal(coverage.damage_count, 2);
    assert_int_equal(coverage.damages[0].from_us, T0 + SECOND);
    assert_int_equal(coverage.damages[0].to_us, T0 + 3 * SECOND);
    assert_int_equal(coverage.damages[1].from_us, T0 + 4 * SECOND);
    rw_coverage_finish(&coverage);
    assert_int_equal(check(box, false).problems, 0);
}

static void what_came_damaged_stays_marked_through_a_crash_a_close_and_a_rebuild(void **state)
{
    struct box *box = *state;
    open_store(box);
    append_damaged(box);
    expect_damage(box); /* from the open slot */
    crash(box);
    open_store(box);
    expect_damage(box);
    rw_store_close(box->store);
    box->store = NULL;
    expect_damage(box); /* from the index */
    assert_int_equal(check(box, true).problems, 0);
    expect_damage(box);
}

static void damage_of_the_disk_is_a_gap_whatever_came(void **state)
{
    struct box *box = *state;
    struct rw_err err;
    open_store(box);
    append_damaged(box);
    assert_int_equal(rw_store_mark_damaged(box->store, RW_MAIN, 2, 0, &err), 0);
    struct rw_coverage coverage = cover(box, T0, T0 + 5 * SECOND);
    assert_int_equal(coverage.gap_us, SECOND);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_DISK);
    assert_int_equal(coverage.damaged_us, 2 * SECOND);
    rw_coverage_finish(&coverage);
}

static void no_picture_waits_longer_than_storage_sync(void **state)
{
    struct box *box = *state;
    open_store(box);
    assert_int_equal(rw_store_fragment_us(box->store), SECOND);
    uint64_t syncs = 0;
    int64_t oldest_us = box->weather.boot_us; /* start of the oldest picture that is not synced */
    for (int i = 0; i < 200; i++) {
        int64_t duration_us = SECOND - i * 4000; /* a second, then a little less, then 0.2 s */
        int64_t written_us = box->weather.boot_us + duration_us + SECOND / 4; /* mail waits */
        assert_true(written_us - oldest_us <= 2 * SECOND);
        append_lasting(box, 1000, duration_us);
        if (rw_store_counters(box->store).syncs > syncs)
            oldest_us = box->weather.boot_us;
        syncs = rw_store_counters(box->store).syncs;
    }
    assert_in_range(syncs, 200 / 5, 199); /* short ones share a sync */
}

static void the_ring_wraps_in_place_and_the_ledger_still_adds_up(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 60; i++)
        append(box, 200000); /* five a slot, four slots: three laps */
    struct stat st;
    char path[300];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, i);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 1 << 20);
    }
    snprintf(path, sizeof path, "%s/main/00004.mp4", box->dir);
    assert_int_not_equal(stat(path, &st), 0);
    struct rw_coverage coverage = cover(box, T0, T0 + 60 * SECOND);
    assert_int_equal(coverage.gap_us, 0);
    assert_true(coverage.recorded_us >= 10 * SECOND);
    assert_int_equal(coverage.recorded_us + coverage.deleted_us, 60 * SECOND);
    rw_coverage_finish(&coverage);
    assert_int_equal(check(box, false).problems, 0);
}

static void a_killed_writer_goes_on_in_the_same_slot_with_nothing_lost(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 4; i++)
        append(box, 10000);
    crash(box);
    assert_int_equal(check(box, false).problems, 0);
    pass(box, 6);
    open_store(box);
    int64_t base;
    assert_true(rw_store_resumable(box->store, RW_MAIN, init_segment, sizeof init_segment,
                                   box->weather.utc_us, &base));
    assert_int_equal(base, T0);
    assert_false(
        rw_store_resumable(box->store, RW_MAIN, init_segment, 100, box->weather.utc_us, &base));
    for (int i = 0; i < 3; i++)
        append(box, 10000);
    struct rw_coverage coverage = cover(box, T0, T0 + 13 * SECOND);
    assert_int_equal(coverage.recorded_us, 7 * SECOND);
    assert_int_equal(coverage.gap_count, 1);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_RECORDER_OFF);
    rw_coverage_finish(&coverage);
    assert_int_equal(rw_store_counters(box->store).slots_begun, 0);
    assert_int_equal(check(box, false).problems, 0);
}

static void a_slot_that_takes_nothing_any_more_does_not_keep_the_camera_from_recording(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 4; i++)
        append(box, 10000);
    crash(box);
    box->weather.fail_after = 0; /* its free box */
    open_store(box);
    box->weather.fail_after = -1;
    for (int i = 0; i < 3; i++)
        append(box, 10000);
    struct rw_coverage coverage = cover(box, T0, T0 + 7 * SECOND);
    assert_int_equal(coverage.recorded_us, 7 * SECOND);
    rw_coverage_finish(&coverage);
    assert_int_equal(rw_store_counters(box->store).slots_begun, 1);
    assert_int_equal(check(box, false).problems, 0);
}

static void another_boot_says_power_was_off(void **state)
{
    struct box *box = *state;
    open_store(box);
    append(box, 10000);
    crash(box);
    pass(box, 60);
    box->weather.boot = 2;
    box->weather.boot_us = SECOND;
    open_store(box);
    pass(box, 2); /* the camera takes two seconds to come */
    append(box, 10000);
    struct rw_coverage coverage = cover(box, T0, T0 + 64 * SECOND);
    assert_int_equal(coverage.gap_count, 3);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_POWER);
    assert_int_equal(coverage.gaps[0].to_us - coverage.gaps[0].from_us, 59 * SECOND);
    assert_int_equal(coverage.gaps[1].cause, RW_CAUSE_RECORDER_OFF); /* the box came up */
    assert_int_equal(coverage.gaps[1].to_us - coverage.gaps[1].from_us, SECOND);
    assert_int_equal(coverage.gaps[2].cause, RW_CAUSE_CAMERA_LOST);
    assert_int_equal(coverage.gaps[2].to_us - coverage.gaps[2].from_us, 2 * SECOND);
    rw_coverage_finish(&coverage);
}

static void flip_byte(struct box *box, int slot, long offset)
{
    char path[300];
    snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, slot);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

static void a_torn_tail_is_trimmed_and_a_flipped_bit_is_found(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 4; i++)
        append(box, 10000);
    crash(box);
    flip_byte(box, 0, 200 + 3 * (RW_RECORD_SIZE + 10000) + RW_RECORD_SIZE + 5000);
    open_store(box); /* the fourth fragment was not in the index: a torn tail */
    assert_int_equal(rw_store_newest(box->store, RW_MAIN), T0 + 3 * SECOND);
    append(box, 10000);
    rw_store_close(box->store);
    box->store = NULL;
    assert_int_equal(check(box, false).problems, 0);
    flip_byte(box, 0, 200 + RW_RECORD_SIZE + 5000); /* bit rot in what the index vouches for */
    assert_int_equal(check(box, false).problems, 1);
}

static void a_refused_write_moves_recording_to_the_next_slot_without_a_loss(void **state)
{
    struct box *box = *state;
    open_store(box);
    append(box, 10000);
    append(box, 10000);
    box->weather.fail_after = 0;
    struct rw_fragment_in in = {.bytes = picture,
                                .size = 9000,
                                .start_us = box->weather.utc_us,
                                .boot_us = box->weather.boot_us,
                                .duration_us = SECOND,
                                .keyframe = true};
    struct rw_err err = {0};
    bool moved;
    assert_int_equal(rw_store_append(box->store, RW_MAIN, &in, &moved, &err), 1);
    assert_non_null(strstr(err.text, "refused"));
    assert_true(rw_store_waits(box->store, RW_MAIN));
    assert_int_equal(rw_store_revive(box->store, RW_MAIN, &err), -1);
    box->weather.fail_after = -1;
    assert_int_equal(rw_store_revive(box->store, RW_MAIN, &err), 0); /* it waited in memory */
    assert_false(rw_store_waits(box->store, RW_MAIN));
    pass(box, 1);
    append(box, 10000);
    box->weather.fail_sync = true; /* the next sync: abandoned, written again, nothing missing */
    append(box, 10000);
    append(box, 10000);
    struct rw_coverage coverage = cover(box, T0, box->weather.utc_us);
    assert_int_equal(coverage.gap_us, 0);
    rw_coverage_finish(&coverage);
    assert_int_equal(check(box, false).problems, 0);
}

/* As after a cut: of the first write to the slot only what stands behind `from` has come. */
static void unwrite_front(struct box *box, int slot, const uint8_t *before, size_t from)
{
    char path[300];
    snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, slot);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, before, from, 0), from);
    close(fd);
}

/* size: of the new lap's fragments; 200000: its records stand where those of the old one stood. */
static void rebuild_two_laps(struct box *box, size_t size)
{
    char path[300];
    static uint8_t before[1 << 20];
    open_store(box);
    for (int i = 0; i < 20; i++)
        append(box, 200000); /* five a slot: all four */
    snprintf(path, sizeof path, "%s/main/00000.mp4", box->dir);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, before, sizeof before), sizeof before);
    close(fd);
    for (int i = 0; i < 3; i++)
        append(box, size);
    crash(box);
    unwrite_front(box, 0, before, sizeof init_segment + RW_RECORD_SIZE + size);
    snprintf(path, sizeof path, "%s/index.db", box->dir);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/index.db-wal", box->dir);
    unlink(path);
    assert_int_equal(check(box, true).problems, 0);
    struct rw_coverage coverage = cover(box, T0, T0 + 20 * SECOND);
    assert_int_equal(coverage.recorded_us, 15 * SECOND);
    assert_int_equal(coverage.deleted_us, 5 * SECOND);
    rw_coverage_finish(&coverage);
}

static void a_rebuild_leaves_a_slot_of_two_laps_and_keeps_those_that_were_recorded(void **state)
{
    rebuild_two_laps(*state, 150000);
}

static void and_so_it_does_where_the_two_laps_have_records_of_one_size(void **state)
{
    rebuild_two_laps(*state, 200000);
}

static void copy_to(const struct box *box, const char *from, const char *to)
{
    char command[400];
    snprintf(command, sizeof command, "cp --sparse=always %s/%s %s/%s", box->root, from, box->root,
             to);
    assert_int_equal(system(command), 0);
}

/* The slot that was begun last was given up: the disk refused it, and the program was killed. */
static void a_rebuild_goes_on_from_the_slot_that_was_recorded_into(void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 17; i++)
        append(box, 200000); /* slot 3 has two */
    begin(box);
    append(box, 200000);
    append(box, 200000); /* slot 0 has two, and 1 is out of the index */
    crash(box);          /* in a copy; in the folder itself slot 1 is begun */
    snprintf(box->dir, sizeof box->dir, "%s/gate", box->root);
    open_store(box);
    begin(box);
    append(box, 200000);
    append(box, 200000);
    rw_store_close(box->store);
    copy_to(box, "gate/main/00001.mp4", "gate.after/main/00001.mp4");
    snprintf(box->dir, sizeof box->dir, "%s/gate.after", box->root);
    open_store(box);
    append(box, 200000);
    append(box, 200000);
    rw_store_close(box->store);
    box->store = NULL;
    copy_to(box, "gate/lock", "gate.after/index.db"); /* an empty one */
    assert_int_equal(check(box, true).problems, 0);
    struct rw_coverage coverage = cover(box, T0, box->weather.utc_us);
    assert_int_equal(coverage.recorded_us, 11 * SECOND);
    rw_coverage_finish(&coverage);
}

static void recovery_ends_where_a_record_does_not_follow_the_one_before_it(void **state)
{
    struct box *box = *state;
    static uint8_t before[1 << 20];
    char path[300];
    open_store(box);
    for (int i = 0; i < 20; i++)
        append(box, 200000);
    snprintf(path, sizeof path, "%s/main/00000.mp4", box->dir);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, before, sizeof before), sizeof before);
    close(fd);
    append(box, 200000); /* not synced yet, nor is the next */
    append(box, 200000);
    crash(box);
    unwrite_front(box, 0, before, sizeof init_segment + RW_RECORD_SIZE + 200000);
    open_store(box);
    append(box, 200000);
    assert_int_equal(check(box, false).problems, 0);
}

static struct rw_event sample_event(int64_t start, const char *id)
{
    struct rw_event event = {.kind = "motion",
                             .start_us = start,
                             .peak_us = start + SECOND,
                             .seen_us = start,
                             .decided_us = start + 200000,
                             .box = {0.25f, 0.5f, 0.125f, 0.25f},
                             .whole = {0.125f, 0.5f, 0.5f, 0.25f},
                             .crossing_count = 1,
                             .crossings = {{"vạch", true}},
                             .path_count = 2,
                             .path = {{0.25f, 0.5f}, {0.5f, 0.75f}},
                             .score = 0.5f,
                             .armed = true,
                             .zone_count = 1,
                             .clock_error_us = 12000};
    snprintf(event.id, sizeof event.id, "%s", id);
    strcpy(event.zones[0], "đường");
    return event;
}

static void a_disk_that_refuses_for_a_while_leaves_a_gap_of_the_disk_and_the_old_footage(
    void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    bool moved;
    box->slots = 6;
    open_store(box);
    for (int i = 0; i < 12; i++)
        append(box, 200000); /* five a slot */
    for (int i = 0; i < 30; i++) {
        box->weather.fail_after = 0;
        struct rw_fragment_in in = {.bytes = picture,
                                    .size = 9000,
                                    .start_us = box->weather.utc_us,
                                    .boot_us = box->weather.boot_us,
                                    .duration_us = SECOND,
                                    .keyframe = true,
                                    .cause = RW_CAUSE_DISK};
        if (rw_store_room(box->store, RW_MAIN) >= in.size)
            assert_int_equal(rw_store_append(box->store, RW_MAIN, &in, &moved, &err), 1);
        else
            assert_int_equal(rw_store_begin(box->store, RW_MAIN, init_segment, sizeof init_segment,
                                            in.start_us, &err),
                             -1);
        pass(box, 1);
    }
    box->weather.fail_after = -1;
    begin(box);
    struct rw_fragment_in in = {.bytes = picture,
                                .size = 9000,
                                .start_us = box->weather.utc_us,
                                .boot_us = box->weather.boot_us,
                                .duration_us = SECOND,
                                .keyframe = true,
                                .cause = RW_CAUSE_DISK};
    assert_int_equal(rw_store_append(box->store, RW_MAIN, &in, &moved, &err), 0);
    pass(box, 1);
    struct rw_coverage coverage = cover(box, T0, box->weather.utc_us);
    assert_int_equal(coverage.gap_count, 1);
    assert_int_equal(coverage.gaps[0].cause, RW_CAUSE_DISK);
    assert_int_equal(coverage.gap_us, 29 * SECOND); /* one waited in memory */
    assert_true(coverage.recorded_us >= 8 * SECOND);
    rw_coverage_finish(&coverage);
    assert_int_equal(check(box, false).problems, 0);
}

static void a_damaged_record_in_the_newest_slot_costs_that_slot_and_no_number_is_used_twice(
    void **state)
{
    struct box *box = *state;
    open_store(box);
    for (int i = 0; i < 8; i++)
        append(box, 200000);
    rw_store_close(box->store);
    box->store = NULL;
    flip_byte(box, 1, 200 + RW_RECORD_SIZE + 200000 + 60); /* a header that the index vouches for */
    open_store(box);
    append(box, 200000);
    append(box, 200000);
    rw_store_close(box->store);
    box->store = NULL;
    struct rw_fsck_report report = check(box, false);
    assert_int_equal(report.problems, 1); /* the damage, and nothing made of it */
}

static void a_damaged_index_is_put_aside_and_made_anew_at_the_next_start(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    open_store(box);
    for (int i = 0; i < 8; i++)
        append(box, 200000);
    struct rw_event event = sample_event(T0, "01JD0000000000000000000001");
    event.end_us = T0 + 2 * SECOND;
    event.phase = RW_PHASE_END;
    assert_int_equal(rw_store_put_event(box->store, &event, NULL, &err), 0);
    append(box, 10000);
    append(box, 10000);
    rw_store_close(box->store);
    box->store = NULL;
    char path[300];
    snprintf(path, sizeof path, "%s/index.db", box->dir);
    int fd = open(path, O_RDWR);
    static const char junk[4 * 4096] = {1, 2, 3};
    assert_int_equal(pwrite(fd, junk, sizeof junk, 2 * 4096), sizeof junk);
    close(fd);
    open_store(box);
    append(box, 10000);
    struct rw_coverage coverage = cover(box, T0, box->weather.utc_us);
    assert_int_equal(coverage.recorded_us, 11 * SECOND);
    rw_coverage_finish(&coverage);
    assert_int_equal(check(box, false).problems, 0);
}

static void a_lowered_keep_gives_the_oldest_slots_back(void **state)
{
    struct box *box = *state;
    box->slots = 8;
    open_store(box);
    for (int i = 0; i < 33; i++)
        append(box, 200000);
    rw_store_close(box->store);
    box->slots = 4;
    open_store(box);
    int present = 0;
    for (int i = 0; i < 8; i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, i);
        present += !access(path, F_OK);
    }
    assert_int_equal(present, 4);
    struct rw_coverage coverage = cover(box, T0, box->weather.utc_us);
    assert_true(coverage.recorded_us >= 13 * SECOND);
    assert_int_equal(coverage.spans[coverage.span_count - 1].to_us, box->weather.utc_us);
    rw_coverage_finish(&coverage);
    for (int i = 0; i < 20; i++)
        append(box, 200000);
    assert_int_equal(check(box, false).problems, 0);
}

static int count_events(void *arg, const struct rw_event *event)
{
    int *count = arg;
    assert_string_equal(event->zones[0], "đường");
    assert_string_equal(event->crossings[0].line, "vạch");
    assert_true(event->crossings[0].right && event->whole.w == 0.5f);
    assert_int_equal(event->path_count, 2);
    assert_true(event->path[1].y == 0.75f);
    (*count)++;
    return 0;
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void an_event_and_its_pictures_survive_a_crash_and_the_loss_of_the_index(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    open_store(box);
    append(box, 10000);
    struct rw_event event = sample_event(T0, "01JD0000000000000000000001");
    struct rw_pictures pictures = {picture, 5000, picture + 5000, 700};
    assert_int_equal(rw_store_put_event(box->store, &event, &pictures, &err), 0);
    assert_int_equal(event.revision, 1);
    event.phase = RW_PHASE_END;
    event.end_us = T0 + 2 * SECOND;
    assert_int_equal(rw_store_put_event(box->store, &event, NULL, &err), 0);
    assert_int_equal(event.revision, 2);
    struct rw_event open_one = sample_event(T0 + SECOND, "01JD0000000000000000000002");
    assert_int_equal(rw_store_put_event(box->store, &open_one, NULL, &err), 0);
    append(box, 10000); /* the tick takes the ended event into the ring */
    append(box, 10000);
    crash(box);
    struct rw_fsck_report report = check(box, false);
    assert_int_equal(report.problems, 0);
    assert_int_equal(report.events, 1);
    char path[300];
    snprintf(path, sizeof path, "%s/index.db", box->dir);
    sql(path, "DELETE FROM events");
    assert_int_equal(check(box, false).problems, 1); /* the ring knows better */
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/index.db-wal", box->dir);
    unlink(path);
    report = check(box, true);
    assert_int_equal(report.problems, 0);
    assert_true(report.rebuilt);
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    assert_non_null(reader);
    int count = 0;
    assert_int_equal(rw_reader_events_after(reader, 0, 0, count_events, &count, &err), 0);
    assert_int_equal(count, 1); /* the one that goes on was in the lost index only */
    struct rw_buf jpeg = {0}, thumbnail = {0};
    assert_int_equal(rw_reader_pictures(reader, event.id, &jpeg, &thumbnail, &err), 0);
    assert_int_equal(jpeg.size, 5000);
    assert_memory_equal(thumbnail.data, picture + 5000, 700);
    rw_buf_finish(&jpeg);
    rw_buf_finish(&thumbnail);
    rw_reader_close(reader);
}

static void refuses_a_second_writer_a_foreign_folder_and_a_ring_that_does_not_fit(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    open_store(box);
    struct rw_store_options options = options_of(box);
    assert_null(rw_store_open(&options, &err));
    assert_int_equal(err.code, RW_EBUSY);
    rw_store_close(box->store);
    box->store = NULL;
    options.site = "thon-khac";
    assert_null(rw_store_open(&options, &err));
    assert_int_equal(err.code, RW_EFOREIGN);
    assert_non_null(strstr(err.text, "thon-dung"));
    char other[200];
    snprintf(other, sizeof other, "%s/huge", box->root);
    options = options_of(box);
    options.dir = other;
    options.slots[0] = 100000000;
    assert_null(rw_store_open(&options, &err));
    assert_int_equal(err.code, RW_ENOSPC);
    assert_non_null(strstr(err.text, "free"));
}

static int note_fragment(void *arg, const struct rw_fragment *fragment)
{
    *(struct rw_fragment *)arg = *fragment;
    return 0;
}

static void a_fragment_is_handed_out_whole_or_not_at_all(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    struct rw_fragment newest = {.seq = 0};
    struct rw_film_bytes film = {.init_size = 0};
    open_store(box);
    append(box, 5000);
    append(box, 7000);
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    assert_non_null(reader);
    assert_int_equal(
        rw_reader_fragments(reader, RW_MAIN, T0, T0 + 60 * SECOND, note_fragment, &newest, &err),
        0);
    assert_int_equal(rw_reader_load(reader, RW_MAIN, &newest, &film, &err), 1);
    assert_int_equal(film.init_size, sizeof init_segment);
    assert_int_equal(film.bytes.size, sizeof init_segment + 7000);
    assert_memory_equal(film.bytes.data, init_segment, sizeof init_segment);
    assert_memory_equal(film.bytes.data + sizeof init_segment, picture, 7000);
    newest.seq++; /* the ring has turned over it */
    assert_int_equal(rw_reader_load(reader, RW_MAIN, &newest, &film, &err), 0);
    newest.seq--;
    char path[300];
    snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, newest.slot);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, (long)newest.offset + 6999, SEEK_SET);
    fputc(~picture[6999] & 255, file);
    fclose(file);
    assert_int_equal(rw_reader_load(reader, RW_MAIN, &newest, &film, &err), 0);
    newest.slot = 999;
    assert_int_equal(rw_reader_load(reader, RW_MAIN, &newest, &film, &err), -1);
    rw_buf_finish(&film.bytes);
    rw_reader_close(reader);
}

static void the_index_takes_less_than_a_kilobyte_a_stream_minute(void **state)
{
    struct box *box = *state;
    struct rw_err err = {0};
    box->slots = 40;
    box->weather.no_sync = true;
    open_store(box);
    for (int i = 0; i < 1800; i++)
        append(box, 9000 + (size_t)(i * 37 % 5000));
    rw_store_close(box->store);
    box->store = NULL;
    char path[300];
    uint8_t head[32]; /* https://www.sqlite.org/fileformat.html: page size at 16, pages at 28 */
    snprintf(path, sizeof path, "%s/index.db", box->dir);
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    assert_non_null(reader);
    rw_reader_close(reader);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(head, 1, sizeof head, file), sizeof head);
    fclose(file);
    unsigned size = rw_get_be16(head + 16) * rw_get_be32(head + 28);
    print_message("index: %u bytes for 30 stream-minutes\n", size);
    assert_true(size < 30 * 1024 + 17 * 4096); /* the rows, and the empty tables' pages */
}

int main(void)
{
    make_bytes();
    const struct CMUnitTest tests[] = {
        CASE(a_record_header_survives_packing_and_any_flipped_bit_is_noticed),
        CASE(every_second_is_recorded_or_a_gap_with_its_cause),
        CASE(flags_of_a_record_that_nobody_knows_are_passed_over),
        CASE(what_came_damaged_stays_marked_through_a_crash_a_close_and_a_rebuild),
        CASE(damage_of_the_disk_is_a_gap_whatever_came),
        CASE(no_picture_waits_longer_than_storage_sync),
        CASE(the_ring_wraps_in_place_and_the_ledger_still_adds_up),
        CASE(a_killed_writer_goes_on_in_the_same_slot_with_nothing_lost),
        CASE(a_slot_that_takes_nothing_any_more_does_not_keep_the_camera_from_recording),
        CASE(another_boot_says_power_was_off),
        CASE(a_torn_tail_is_trimmed_and_a_flipped_bit_is_found),
        CASE(a_refused_write_moves_recording_to_the_next_slot_without_a_loss),
        CASE(a_disk_that_refuses_for_a_while_leaves_a_gap_of_the_disk_and_the_old_footage),
        CASE(a_damaged_record_in_the_newest_slot_costs_that_slot_and_no_number_is_used_twice),
        CASE(a_damaged_index_is_put_aside_and_made_anew_at_the_next_start),
        CASE(a_lowered_keep_gives_the_oldest_slots_back),
        CASE(a_rebuild_leaves_a_slot_of_two_laps_and_keeps_those_that_were_recorded),
        CASE(and_so_it_does_where_the_two_laps_have_records_of_one_size),
        CASE(a_rebuild_goes_on_from_the_slot_that_was_recorded_into),
        CASE(recovery_ends_where_a_record_does_not_follow_the_one_before_it),
        CASE(an_event_and_its_pictures_survive_a_crash_and_the_loss_of_the_index),
        CASE(refuses_a_second_writer_a_foreign_folder_and_a_ring_that_does_not_fit),
        CASE(a_fragment_is_handed_out_whole_or_not_at_all),
        CASE(the_index_takes_less_than_a_kilobyte_a_stream_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
