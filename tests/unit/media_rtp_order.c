/* Datagrams of UDP in the order they were sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/rtsp/rtp.h"

enum { PATIENCE_US = 200000, HEADER = 12 };

static void add_of(struct rw_rtp_order *order, uint32_t ssrc, uint16_t sequence, int64_t now_us)
{
    uint8_t *bytes = calloc(1, HEADER + 2);
    assert_non_null(bytes);
    bytes[0] = 0x80;
    rw_put_be16(bytes + 2, sequence);
    rw_put_be32(bytes + 8, ssrc);
    rw_put_be16(bytes + HEADER, (uint16_t)~sequence);
    rw_rtp_order_add(order, bytes, HEADER + 2, now_us);
    free(bytes);
}

static void add(struct rw_rtp_order *order, uint16_t sequence, int64_t now_us)
{
    add_of(order, 7, sequence, now_us);
}

/* The number of what is ripe, -1: nothing is. */
static int take(struct rw_rtp_order *order, int64_t now_us)
{
    const uint8_t *bytes = NULL;
    size_t size = rw_rtp_order_take(order, now_us, PATIENCE_US, &bytes);
    if (!size)
        return -1;
    assert_int_equal(size, HEADER + 2);
    uint16_t sequence = rw_get_be16(bytes + 2);
    assert_int_equal(rw_get_be16(bytes + HEADER), (uint16_t)~sequence);
    return sequence;
}

static void hands_on_at_once_what_comes_in_order(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    for (int i = 65000; i < 67000; i++) {
        assert_int_equal(take(order, 0), -1);
        add(order, (uint16_t)i, 0);
        assert_int_equal(take(order, 0), i % 65536);
    }
    rw_rtp_order_destroy(order);
}

static void puts_back_into_order_over_the_wrap_of_numbers(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    add(order, 65533, 0);
    assert_int_equal(take(order, 0), 65533);
    add(order, 0, 0);
    add(order, 65535, 0);
    add(order, 2, 0);
    add(order, 1, 0);
    assert_int_equal(take(order, 0), -1);
    add(order, 65534, 0);
    static const int WANTED[] = {65534, 65535, 0, 1, 2, -1};
    for (int i = 0; i < 6; i++)
        assert_int_equal(take(order, 0), WANTED[i]);
    rw_rtp_order_destroy(order);
}

static void drops_what_comes_twice_or_too_late(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    add(order, 10, 0);
    add(order, 10, 0);
    assert_int_equal(take(order, 0), 10);
    add(order, 10, 0);
    add(order, 9, 0);
    add(order, 12, 0);
    add(order, 12, 0);
    add(order, 11, 0);
    assert_int_equal(take(order, 0), 11);
    assert_int_equal(take(order, 0), 12);
    assert_int_equal(take(order, 0), -1);
    rw_rtp_order_destroy(order);
}

static void gives_up_a_hole_when_patience_ends(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    add(order, 10, 0);
    assert_int_equal(take(order, 0), 10);
    add(order, 14, 1000); /* the oldest, though not the first in order */
    add(order, 12, 5000);
    assert_int_equal(take(order, 1000 + PATIENCE_US - 1), -1);
    assert_int_equal(take(order, 1000 + PATIENCE_US), 12);
    assert_int_equal(take(order, 1000 + PATIENCE_US), 14);
    add(order, 13, 1000 + PATIENCE_US); /* too late now */
    add(order, 15, 1000 + PATIENCE_US);
    assert_int_equal(take(order, 1000 + PATIENCE_US), 15);
    rw_rtp_order_destroy(order);
}

static void gives_up_a_hole_when_the_room_is_full(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    add(order, 10, 0);
    assert_int_equal(take(order, 0), 10);
    for (int i = 0; i < RW_RTP_ORDER_MAX; i++) {
        assert_int_equal(take(order, 0), -1);
        add(order, (uint16_t)(1000 + i), 0);
    }
    add(order, 11, 0); /* no room: it is dropped */
    for (int i = 0; i < RW_RTP_ORDER_MAX; i++)
        assert_int_equal(take(order, 0), 1000 + i);
    assert_int_equal(take(order, 0), -1);
    rw_rtp_order_destroy(order);
}

static void begins_anew_with_a_jump_or_another_source(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    add(order, 10, 0);
    add(order, 12, 0);
    add_of(order, 8, 60, 0);
    add_of(order, 8, 62, 0);
    add_of(order, 8, 30000, 0);
    add_of(order, 8, 30001, 0);
    static const int WANTED[] = {10, 12, 60, 62, 30000, 30001, -1};
    for (int i = 0; i < 7; i++)
        assert_int_equal(take(order, 0), WANTED[i]);
    add_of(order, 8, 100, 0); /* far back: it began again */
    add_of(order, 8, 101, 0);
    assert_int_equal(take(order, 0), 100);
    assert_int_equal(take(order, 0), 101);
    rw_rtp_order_destroy(order);
}

static void drops_what_cannot_be_rtp(void **state)
{
    (void)state;
    struct rw_rtp_order *order = rw_rtp_order_create();
    const uint8_t *bytes;
    static const uint8_t LONG_ONE[RW_RTP_DATAGRAM_MAX + 1] = {0x80};
    rw_rtp_order_add(order, LONG_ONE, sizeof LONG_ONE, 0);
    rw_rtp_order_add(order, LONG_ONE, HEADER - 1, 0);
    rw_rtp_order_add(order, LONG_ONE + 1, HEADER, 0);
    rw_rtp_order_add(order, NULL, 0, 0);
    assert_int_equal(rw_rtp_order_take(order, 0, 0, &bytes), 0);
    rw_rtp_order_add(order, LONG_ONE, RW_RTP_DATAGRAM_MAX, 0);
    assert_int_equal(rw_rtp_order_take(order, 0, 0, &bytes), RW_RTP_DATAGRAM_MAX);
    assert_memory_equal(bytes, LONG_ONE, RW_RTP_DATAGRAM_MAX);
    rw_rtp_order_destroy(order);
    rw_rtp_order_destroy(NULL);
}

/* Each sent datagram is shuffled within a window: all come out, each once, in order. */
static void loses_nothing_that_is_shuffled_within_reach(void **state)
{
    (void)state;
    enum { COUNT = 20000, WINDOW = 30 };
    struct rw_rtp_order *order = rw_rtp_order_create();
    uint16_t pool[WINDOW];
    uint32_t seed = 1;
    int pooled = 0, wanted = 0;
    add(order, 0, 0);
    for (int sent = 1; wanted < COUNT;) {
        while (pooled < WINDOW)
            pool[pooled++] = (uint16_t)sent++;
        seed = seed * 1664525u + 1013904223u;
        /* the oldest one goes at the latest when the window has gone by */
        int chosen = (uint16_t)(sent - pool[0]) > WINDOW ? 0 : (int)(seed >> 16) % pooled;
        add(order, pool[chosen], 0);
        memmove(pool + chosen, pool + chosen + 1, (size_t)(--pooled - chosen) * sizeof *pool);
        for (int got; (got = take(order, 0)) >= 0; wanted++)
            assert_int_equal(got, wanted % 65536);
    }
    rw_rtp_order_destroy(order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_on_at_once_what_comes_in_order),
        cmocka_unit_test(puts_back_into_order_over_the_wrap_of_numbers),
        cmocka_unit_test(drops_what_comes_twice_or_too_late),
        cmocka_unit_test(gives_up_a_hole_when_patience_ends),
        cmocka_unit_test(gives_up_a_hole_when_the_room_is_full),
        cmocka_unit_test(begins_anew_with_a_jump_or_another_source),
        cmocka_unit_test(drops_what_cannot_be_rtp),
        cmocka_unit_test(loses_nothing_that_is_shuffled_within_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
