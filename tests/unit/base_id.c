/* Identifiers: what they look like, and what is not one. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/id.h"

#define T0 INT64_C(1790000000000000)

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void a_ulid_is_26_characters_of_crockford(void **state)
{
    (void)state;
    char ulid[RW_ULID_SIZE];
    for (int i = 0; i < 1000; i++) {
        rw_ulid_make(T0 + i, ulid);
        assert_int_equal(strlen(ulid), 26);
        assert_int_equal(strspn(ulid, crockford), 26);
        assert_true(ulid[0] <= '7'); /* 26 digits are 130 bits, and there are 128 */
    }
}

static int64_t milliseconds_of(const char *ulid)
{
    int64_t ms = 0;
    for (int i = 0; i < 10; i++)
        ms = ms * 32 + (strchr(crockford, ulid[i]) - crockford);
    return ms;
}

static void a_ulid_tells_its_millisecond(void **state)
{
    (void)state;
    char ulid[RW_ULID_SIZE];
    rw_ulid_make(INT64_C(1469918176385) * 1000, ulid); /* the example of the specification */
    assert_memory_equal(ulid, "01ARYZ6S41", 10);
    static const int64_t times[] = {0, 999, 1000, T0, T0 + 999, INT64_C(281474976710655) * 1000};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        rw_ulid_make(times[i], ulid);
        assert_int_equal(milliseconds_of(ulid), times[i] / 1000);
    }
    rw_ulid_make(-5, ulid); /* a clock before 1970 */
    assert_int_equal(milliseconds_of(ulid), 0);
}

static void ulids_sort_by_time_and_differ_within_one_millisecond(void **state)
{
    (void)state;
    char before[RW_ULID_SIZE], after[RW_ULID_SIZE];
    for (int i = 0; i < 2000; i++) {
        rw_ulid_make(T0 + i * INT64_C(1000), before);
        rw_ulid_make(T0 + (i + 1) * INT64_C(1000), after);
        assert_true(strcmp(before, after) < 0);
        rw_ulid_make(T0 + i * INT64_C(1000), after);
        assert_memory_equal(before, after, 10);
        assert_string_not_equal(before, after);
    }
}

static void the_random_part_of_ulids_uses_every_bit(void **state)
{
    (void)state;
    int seen[26][32] = {{0}};
    char ulid[RW_ULID_SIZE];
    for (int i = 0; i < 2000; i++) {
        rw_ulid_make(T0, ulid);
        for (int digit = 10; digit < 26; digit++)
            seen[digit][strchr(crockford, ulid[digit]) - crockford]++;
    }
    for (int digit = 10; digit < 26; digit++)
        for (int value = 0; value < 32; value++)
            assert_true(seen[digit][value] > 0);
}

static void a_uuid_has_its_version_and_survives_writing_and_reading(void **state)
{
    (void)state;
    uint8_t uuid[16], other[16], back[16];
    char text[RW_UUID_TEXT_SIZE];
    for (int i = 0; i < 1000; i++) {
        rw_uuid_make(uuid);
        assert_int_equal(uuid[6] >> 4, 4);
        assert_int_equal(uuid[8] >> 6, 2);
        assert_ptr_equal(rw_uuid_format(uuid, text), text);
        assert_int_equal(strlen(text), 36);
        assert_int_equal(rw_uuid_parse(text, back), 0);
        assert_memory_equal(uuid, back, 16);
        rw_uuid_make(other);
        assert_memory_not_equal(uuid, other, 16);
    }
    assert_int_equal(rw_uuid_parse("00112233-4455-6677-8899-AABBccddEEff", back), 0);
    assert_string_equal(rw_uuid_format(back, text), "00112233-4455-6677-8899-aabbccddeeff");
}

/* Each in memory of its own, so that a byte read beyond its end is seen. */
static void refuses_what_is_not_a_uuid_and_reads_no_byte_beyond_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "0",
                                      "00112233-4455-6677-8899-aabbccddeef",
                                      "00112233-4455-6677-8899-aabbccddeeff0",
                                      "00112233-4455-6677-8899-aabbccddeeff\n",
                                      "00112233445566778899aabbccddeeff",
                                      "00112233445566778899aabbccddeeff0000",
                                      "00112233-4455-6677-8899-aabbccddeefg",
                                      "00112233-4455-6677-8899-aabbccdd eff",
                                      "00112233-4455-6677-8899-aabbccdd+1ff",
                                      "0x112233-4455-6677-8899-aabbccddeeff",
                                      "0011223-34455-6677-8899-aabbccddeeff",
                                      "-00-00-00-00-00-00-00-00-00-00-00000",
                                      "                                    ",
                                      "------------------------------------"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *copy = strdup(bad[i]);
        uint8_t uuid[16];
        memset(uuid, 0x5a, sizeof uuid);
        if (!rw_uuid_parse(copy, uuid))
            fail_msg("\"%s\" was taken as a UUID", copy);
        for (int k = 0; k < 16; k++)
            assert_int_equal(uuid[k], 0x5a);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ulid_is_26_characters_of_crockford),
        cmocka_unit_test(a_ulid_tells_its_millisecond),
        cmocka_unit_test(ulids_sort_by_time_and_differ_within_one_millisecond),
        cmocka_unit_test(the_random_part_of_ulids_uses_every_bit),
        cmocka_unit_test(a_uuid_has_its_version_and_survives_writing_and_reading),
        cmocka_unit_test(refuses_what_is_not_a_uuid_and_reads_no_byte_beyond_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
