/* Packed rows of the index: what goes in comes out, and a damaged one is no way in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/index.h"

#define T0 INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)

static struct rw_record fragment(uint64_t seq, int64_t start_us, uint32_t duration_us,
                                 uint32_t length)
{
    return (struct rw_record){.kind = RW_RECORD_FRAGMENT,
                              .keyframe = seq % 2,
                              .came_damaged = seq % 3 == 0,
                              .seq = seq,
                              .start_us = start_us,
                              .duration_us = duration_us,
                              .length = length};
}

static struct rw_record event(uint64_t seq, uint32_t length)
{
    return (struct rw_record){
        .kind = RW_RECORD_EVENT, .seq = seq, .start_us = T0 - 77 * SECOND, .length = length};
}

struct seen {
    struct rw_fragment fragments[RW_CHUNK_RECORDS];
    enum rw_record_kind kinds[RW_CHUNK_RECORDS];
    int count, stop_after;
};

static int see(void *arg, const struct rw_fragment *one, enum rw_record_kind kind)
{
    struct seen *seen = arg;
    assert_in_range(seen->count, 0, RW_CHUNK_RECORDS - 1);
    seen->kinds[seen->count] = kind;
    seen->fragments[seen->count++] = *one;
    return seen->stop_after && seen->count == seen->stop_after ? 5 : 0;
}

/* Adds the records one behind the other from `offset`, and expects them back. */
static void expect_round_trip(const struct rw_record *records, int count, int64_t offset)
{
    struct rw_chunk chunk;
    struct seen seen = {.count = 0};
    int64_t at = offset;
    rw_chunk_init(&chunk, RW_SUB);
    for (int i = 0; i < count; i++) {
        assert_true(rw_chunk_add(&chunk, 7, &records[i], at));
        at += (int64_t)rw_record_span(&records[i]);
    }
    assert_int_equal(chunk.count, count);
    assert_int_equal(chunk.span, at - offset);
    assert_int_equal(chunk.first_seq, records[0].seq);
    assert_int_equal(rw_chunk_each(&chunk, see, &seen), 0);
    assert_int_equal(seen.count, count);
    at = offset;
    for (int i = 0; i < count; i++) {
        const struct rw_fragment *got = &seen.fragments[i];
        assert_int_equal(seen.kinds[i], records[i].kind);
        assert_int_equal(got->seq, records[i].seq);
        assert_int_equal(got->slot, 7);
        assert_int_equal(got->offset, at + RW_RECORD_SIZE);
        assert_int_equal(got->size, records[i].length);
        assert_int_equal(got->keyframe, records[i].keyframe);
        assert_int_equal(got->came_damaged, records[i].came_damaged);
        at += (int64_t)rw_record_span(&records[i]);
        if (records[i].kind == RW_RECORD_EVENT)
            continue;
        assert_int_equal(got->start_us, records[i].start_us);
        assert_int_equal(got->duration_us, records[i].duration_us);
        assert_int_equal(got->gap_count, records[i].gap_count);
        for (int k = 0; k < got->gap_count; k++) {
            assert_int_equal(got->gaps[k].cause, records[i].gaps[k].cause);
            assert_int_equal(got->gaps[k].length_us, records[i].gaps[k].length_us);
        }
    }
    rw_chunk_finish(&chunk);
}

static void fragments_with_gaps_events_and_small_steps_back_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct rw_record records[] = {
        event(1000, 30000), /* before the first fragment */
        fragment(1001, T0, SECOND, 120000),
        fragment(1002, T0 + SECOND + 40000, SECOND, 0),
        fragment(1003, T0 + 2 * SECOND, 0, 1 << 30), /* 40 ms back, no time at all, huge */
        event(1004, 1),
        fragment(1005, T0 + 2 * SECOND, 4000000, 5),
    };
    expect_round_trip(records, 6, 200);
    struct rw_record holed = fragment(UINT64_C(1) << 62, T0, 66667, 9);
    holed.gap_count = RW_GAPS_MAX;
    for (int i = 0; i < RW_GAPS_MAX; i++)
        holed.gaps[i] = (struct rw_gap_part){(enum rw_cause)(RW_CAUSE_LAST - i),
                                             i ? (INT64_C(1) << 56) - i : 1};
    expect_round_trip(&holed, 1, INT64_C(1) << 29);
    struct rw_record only_event = event(5, 10);
    expect_round_trip(&only_event, 1, 0);
}

static void a_full_chunk_of_random_fragments_comes_out_as_it_went_in(void **state)
{
    (void)state;
    uint32_t seed = 3;
    for (int round = 0; round < 200; round++) {
        struct rw_record records[RW_CHUNK_RECORDS];
        int64_t at = T0;
        for (int i = 0; i < RW_CHUNK_RECORDS; i++) {
            seed = seed * 1664525u + 1013904223u;
            if ((seed >> 8) % 8 == 0) {
                records[i] = event((uint64_t)(round + i), seed >> 12);
                continue;
            }
            int64_t wobble = (int64_t)((seed >> 4) % 100001) - 50000;
            records[i] = fragment((uint64_t)(round + i), at + wobble, seed % 1800000, seed >> 10);
            at = records[i].start_us + records[i].duration_us;
        }
        expect_round_trip(records, RW_CHUNK_RECORDS, round);
    }
}

static void what_does_not_follow_belongs_to_another_chunk(void **state)
{
    (void)state;
    struct rw_record first = fragment(10, T0, SECOND, 100),
                     next = fragment(11, T0 + SECOND, SECOND, 100);
    int64_t after = 200 + RW_RECORD_SIZE + 100;
    struct rw_chunk chunk;
    rw_chunk_init(&chunk, RW_MAIN);
    assert_true(rw_chunk_add(&chunk, 3, &first, 200));
    struct rw_chunk before = chunk;
    assert_false(rw_chunk_add(&chunk, 4, &next, after));     /* another slot */
    assert_false(rw_chunk_add(&chunk, 3, &next, after + 1)); /* not behind it */
    struct rw_record other = next;
    other.seq = 12;
    assert_false(rw_chunk_add(&chunk, 3, &other, after));
    other = next;
    other.start_us += 50001;
    assert_false(rw_chunk_add(&chunk, 3, &other, after)); /* a hole */
    other.start_us = T0 + SECOND - 50001;
    assert_false(rw_chunk_add(&chunk, 3, &other, after)); /* the clock went back */
    other = next;
    other.gap_count = 1;
    other.gaps[0] = (struct rw_gap_part){RW_CAUSE_DISK, 1};
    assert_false(rw_chunk_add(&chunk, 3, &other, after)); /* gaps stand at a chunk's start */
    other = next;
    other.duration_us = (uint32_t)(RW_CHUNK_US - SECOND + 1);
    assert_false(rw_chunk_add(&chunk, 3, &other, after)); /* too long */
    assert_int_equal(chunk.count, before.count);          /* a refusal changes nothing */
    assert_int_equal(chunk.span, before.span);
    assert_int_equal(chunk.end_us, before.end_us);
    assert_int_equal(chunk.entries.size, before.entries.size);
    assert_true(rw_chunk_add(&chunk, 3, &next, after));
    rw_chunk_finish(&chunk);
}

static void a_chunk_takes_64_records_and_no_more(void **state)
{
    (void)state;
    struct rw_chunk chunk;
    rw_chunk_init(&chunk, RW_MAIN);
    for (int i = 0; i <= RW_CHUNK_RECORDS; i++) {
        struct rw_record record = fragment((uint64_t)i + 1, T0 + i * SECOND, SECOND, 0);
        assert_int_equal(rw_chunk_add(&chunk, 0, &record, i * RW_RECORD_SIZE),
                         i < RW_CHUNK_RECORDS);
    }
    assert_int_equal(chunk.end_us, T0 + RW_CHUNK_RECORDS * SECOND);
    rw_chunk_finish(&chunk);
}

static void a_reader_may_stop_with_a_word_of_its_own(void **state)
{
    (void)state;
    struct rw_chunk chunk;
    struct seen seen = {.stop_after = 2};
    rw_chunk_init(&chunk, RW_MAIN);
    for (int i = 0; i < 5; i++) {
        struct rw_record record = fragment((uint64_t)i + 1, T0 + i * SECOND, SECOND, 0);
        rw_chunk_add(&chunk, 0, &record, i * RW_RECORD_SIZE);
    }
    assert_int_equal(rw_chunk_each(&chunk, see, &seen), 5);
    assert_int_equal(seen.count, 2);
    rw_chunk_finish(&chunk);
}

/* --- damage --- */

static int check_bounds(void *arg, const struct rw_fragment *one, enum rw_record_kind kind)
{
    int *count = arg;
    (*count)++;
    assert_true(kind == RW_RECORD_FRAGMENT || kind == RW_RECORD_EVENT);
    assert_in_range(one->gap_count, 0, RW_GAPS_MAX);
    for (int i = 0; i < one->gap_count; i++)
        assert_true(one->gaps[i].length_us >= 0);
    return 0;
}

static void make_sample(struct rw_chunk *chunk)
{
    rw_chunk_init(chunk, RW_MAIN);
    for (int i = 0; i < 20; i++) {
        struct rw_record record = i % 5 == 2
                                      ? event((uint64_t)i + 1, 5000)
                                      : fragment((uint64_t)i + 1, T0 + i * 10000, 10000, 90000);
        if (!i) {
            record.gap_count = 2;
            record.gaps[0] = (struct rw_gap_part){RW_CAUSE_POWER, 5 * SECOND};
            record.gaps[1] = (struct rw_gap_part){RW_CAUSE_CAMERA_LOST, SECOND};
        }
        assert_true(rw_chunk_add(chunk, 0, &record, chunk->span));
    }
}

/* The blob in memory of its very size, so that a byte read beyond it is seen. */
static int each_of(const struct rw_chunk *chunk, const uint8_t *bytes, size_t size, int *count)
{
    struct rw_chunk copy = *chunk;
    copy.entries.data = malloc(size ? size : 1);
    copy.entries.size = copy.entries.capacity = size;
    memcpy(copy.entries.data, bytes, size);
    *count = 0;
    int result = rw_chunk_each(&copy, check_bounds, count);
    free(copy.entries.data);
    return result;
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct rw_chunk chunk;
    int count;
    make_sample(&chunk);
    assert_int_equal(each_of(&chunk, chunk.entries.data, chunk.entries.size, &count), 0);
    assert_int_equal(count, 20);
    for (size_t size = 0; size < chunk.entries.size; size++) {
        assert_int_equal(each_of(&chunk, chunk.entries.data, size, &count), -1);
        assert_in_range(count, 0, 19);
    }
    rw_chunk_finish(&chunk);
}

static void flipped_bits_and_noise_are_survived_in_bounds(void **state)
{
    (void)state;
    struct rw_chunk chunk;
    uint32_t seed = 11;
    int count;
    make_sample(&chunk);
    uint8_t *bytes = malloc(chunk.entries.size);
    for (int round = 0; round < 20000; round++) {
        memcpy(bytes, chunk.entries.data, chunk.entries.size);
        for (int i = 0; i < 1 + round % 20; i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[(seed >> 8) % chunk.entries.size] ^= (uint8_t)(seed >> 24);
        }
        each_of(&chunk, bytes, chunk.entries.size, &count);
        assert_in_range(count, 0, 20);
    }
    memset(bytes, 0xff, chunk.entries.size); /* varints without end */
    assert_int_equal(each_of(&chunk, bytes, chunk.entries.size, &count), -1);
    free(bytes);
    rw_chunk_finish(&chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_with_gaps_events_and_small_steps_back_come_out_as_they_went_in),
        cmocka_unit_test(a_full_chunk_of_random_fragments_comes_out_as_it_went_in),
        cmocka_unit_test(what_does_not_follow_belongs_to_another_chunk),
        cmocka_unit_test(a_chunk_takes_64_records_and_no_more),
        cmocka_unit_test(a_reader_may_stop_with_a_word_of_its_own),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(flipped_bits_and_noise_are_survived_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
