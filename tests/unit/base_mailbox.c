/* The mailbox: bounded in bytes, in order, and nothing is lost or told twice. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mailbox.h"

struct letter {
    struct rw_mail mail; /* first: a mail is a letter */
    int from, number;
};

static struct letter *letter_make(int number, size_t bytes)
{
    struct letter *letter = calloc(1, sizeof *letter);
    letter->number = number;
    letter->mail.bytes = bytes;
    return letter;
}

static int number_of(struct rw_mail *mail)
{
    assert_non_null(mail);
    int number = ((struct letter *)mail)->number;
    free(mail);
    return number;
}

static int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void mail_comes_out_in_the_order_it_went_in(void **state)
{
    (void)state;
    struct rw_mailbox *box = rw_mailbox_create(1000);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 10; i++)
            assert_int_equal(rw_mailbox_put(box, &letter_make(i, 10)->mail), 0);
        assert_int_equal(rw_mailbox_bytes(box), 100);
        for (int i = 0; i < 10; i++)
            assert_int_equal(number_of(rw_mailbox_take(box, 0)), i);
        assert_int_equal(rw_mailbox_bytes(box), 0);
        assert_null(rw_mailbox_take(box, 0));
    }
    rw_mailbox_destroy(box);
    rw_mailbox_destroy(NULL);
}

static void at_the_bound_mail_is_refused_and_stays_the_putters(void **state)
{
    (void)state;
    struct rw_mailbox *box = rw_mailbox_create(100);
    struct letter *letter = letter_make(2, 41);
    assert_int_equal(rw_mailbox_put(box, &letter_make(1, 60)->mail), 0);
    assert_int_equal(rw_mailbox_put(box, &letter->mail), -1);
    assert_int_equal(rw_mailbox_bytes(box), 60);
    letter->mail.bytes = 40; /* to the last byte */
    assert_int_equal(rw_mailbox_put(box, &letter->mail), 0);
    struct letter *huge = letter_make(3, (size_t)-1); /* its sum would wrap */
    assert_int_equal(rw_mailbox_put(box, &huge->mail), -1);
    free(huge);
    assert_int_equal(number_of(rw_mailbox_take(box, 0)), 1);
    assert_int_equal(rw_mailbox_put(box, &letter_make(4, 60)->mail), 0); /* there is room again */
    assert_int_equal(number_of(rw_mailbox_take(box, 0)), 2);
    assert_int_equal(number_of(rw_mailbox_take(box, 0)), 4);
    rw_mailbox_destroy(box);
}

static void a_word_of_command_passes_the_bound_in_its_turn(void **state)
{
    (void)state;
    struct rw_mailbox *box = rw_mailbox_create(100);
    assert_int_equal(rw_mailbox_put(box, &letter_make(1, 100)->mail), 0);
    assert_int_equal(rw_mailbox_force(box, &letter_make(2, 50)->mail), 0);
    assert_int_equal(rw_mailbox_bytes(box), 150);
    struct letter *late = letter_make(3, 0);
    assert_int_equal(rw_mailbox_put(box, &late->mail), -1); /* beyond the bound not even air */
    assert_int_equal(number_of(rw_mailbox_take(box, 0)), 1);
    assert_int_equal(rw_mailbox_put(box, &late->mail), 0);
    assert_int_equal(number_of(rw_mailbox_take(box, 0)), 2);
    assert_int_equal(number_of(rw_mailbox_take(box, 0)), 3);
    rw_mailbox_destroy(box);
}

static void after_closing_what_is_inside_comes_out_then_null_at_once(void **state)
{
    (void)state;
    struct rw_mailbox *box = rw_mailbox_create(100);
    assert_int_equal(rw_mailbox_put(box, &letter_make(1, 1)->mail), 0);
    assert_false(rw_mailbox_closed(box));
    rw_mailbox_close(box);
    assert_true(rw_mailbox_closed(box));
    struct letter *late = letter_make(2, 1);
    assert_int_equal(rw_mailbox_put(box, &late->mail), -1);
    assert_int_equal(rw_mailbox_force(box, &late->mail), -1);
    free(late);
    assert_int_equal(number_of(rw_mailbox_take(box, -1)), 1);
    assert_null(rw_mailbox_take(box, -1)); /* would wait for ever */
    rw_mailbox_close(box);
    assert_null(rw_mailbox_take(box, 1000000));
    rw_mailbox_destroy(box);
}

static void a_taker_waits_as_long_as_it_said(void **state)
{
    (void)state;
    struct rw_mailbox *box = rw_mailbox_create(100);
    static const int waits_ms[] = {1, 30, 120};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        int64_t before = now_us();
        assert_null(rw_mailbox_take(box, waits_ms[i]));
        int64_t took = now_us() - before;
        assert_true(took >= waits_ms[i] * INT64_C(1000));
        assert_true(took < INT64_C(20000000)); /* not seconds taken for milliseconds */
    }
    rw_mailbox_destroy(box);
}

struct waiter {
    struct rw_mailbox *box;
    int timeout_ms;
    struct rw_mail *got;
};

static void *wait_for_mail(void *arg)
{
    struct waiter *waiter = arg;
    waiter->got = rw_mailbox_take(waiter->box, waiter->timeout_ms);
    return NULL;
}

static void mail_wakes_a_sleeping_taker(void **state)
{
    (void)state;
    static const int timeouts[] = {-1, 3600000};
    for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
        struct waiter waiter = {.box = rw_mailbox_create(100), .timeout_ms = timeouts[i]};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wait_for_mail, &waiter), 0);
        assert_int_equal(rw_mailbox_put(waiter.box, &letter_make(5, 1)->mail), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(number_of(waiter.got), 5);
        rw_mailbox_destroy(waiter.box);
    }
}

static void closing_wakes_a_sleeping_taker(void **state)
{
    (void)state;
    struct waiter waiter = {.box = rw_mailbox_create(100), .timeout_ms = -1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_mail, &waiter), 0);
    rw_mailbox_close(waiter.box);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_null(waiter.got);
    rw_mailbox_destroy(waiter.box);
}

static void quiet_mail_is_found_when_the_wait_is_over_or_other_mail_comes(void **state)
{
    (void)state;
    struct waiter waiter = {.box = rw_mailbox_create(100), .timeout_ms = 50};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_mail, &waiter), 0);
    assert_int_equal(rw_mailbox_put_quietly(waiter.box, &letter_make(1, 1)->mail), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(number_of(waiter.got), 1);
    waiter.timeout_ms = -1;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_mail, &waiter), 0);
    assert_int_equal(rw_mailbox_put_quietly(waiter.box, &letter_make(2, 50)->mail), 0);
    assert_int_equal(rw_mailbox_put(waiter.box, &letter_make(3, 50)->mail), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(number_of(waiter.got), 2);
    assert_int_equal(number_of(rw_mailbox_take(waiter.box, 0)), 3);
    struct letter *large = letter_make(4, 101);
    assert_int_equal(rw_mailbox_put_quietly(waiter.box, &large->mail), -1); /* bounded, too */
    free(large);
    rw_mailbox_destroy(waiter.box);
}

enum { PUTTERS = 3, LETTERS = 5000, LETTER_BYTES = 7, BOUND = 100 };

struct putter {
    struct rw_mailbox *box;
    int who;
    int accepted; /* letters that the box took; the others are dropped */
};

static void *put_many(void *arg)
{
    struct putter *putter = arg;
    for (int i = 0; i < LETTERS; i++) {
        struct letter *letter = letter_make(i, LETTER_BYTES);
        letter->from = putter->who;
        int refused = i % 100 == 0 ? rw_mailbox_force(putter->box, &letter->mail)
                                   : rw_mailbox_put(putter->box, &letter->mail);
        if (refused)
            free(letter);
        else
            putter->accepted++;
    }
    return NULL;
}

struct taker {
    struct rw_mailbox *box;
    int taken[PUTTERS], last[PUTTERS];
    int out_of_order;
    size_t most_bytes;
};

static void *take_all(void *arg)
{
    struct taker *taker = arg;
    for (;;) {
        size_t bytes = rw_mailbox_bytes(taker->box);
        if (bytes > taker->most_bytes)
            taker->most_bytes = bytes;
        struct rw_mail *mail = rw_mailbox_take(taker->box, 5);
        if (!mail && rw_mailbox_closed(taker->box) && !rw_mailbox_bytes(taker->box))
            return NULL;
        if (!mail)
            continue;
        struct letter *letter = (struct letter *)mail;
        taker->out_of_order += letter->number <= taker->last[letter->from];
        taker->last[letter->from] = letter->number;
        taker->taken[letter->from]++;
        free(letter);
    }
}

static void many_putters_and_a_taker_lose_nothing_and_keep_each_ones_order(void **state)
{
    (void)state;
    struct rw_mailbox *box = rw_mailbox_create(BOUND);
    struct putter putters[PUTTERS];
    struct taker taker = {.box = box, .last = {-1, -1, -1}};
    pthread_t threads[PUTTERS], taking;
    assert_int_equal(pthread_create(&taking, NULL, take_all, &taker), 0);
    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.box = box, .who = i};
        assert_int_equal(pthread_create(&threads[i], NULL, put_many, &putters[i]), 0);
    }
    for (int i = 0; i < PUTTERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rw_mailbox_close(box);
    assert_int_equal(pthread_join(taking, NULL), 0);
    for (int i = 0; i < PUTTERS; i++) {
        assert_int_equal(taker.taken[i], putters[i].accepted);
        assert_true(putters[i].accepted >= LETTERS / 100); /* the forced ones at least */
    }
    assert_int_equal(taker.out_of_order, 0);
    assert_true(taker.most_bytes <= BOUND + PUTTERS * LETTERS / 100 * LETTER_BYTES);
    assert_int_equal(rw_mailbox_bytes(box), 0);
    rw_mailbox_destroy(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_comes_out_in_the_order_it_went_in),
        cmocka_unit_test(at_the_bound_mail_is_refused_and_stays_the_putters),
        cmocka_unit_test(a_word_of_command_passes_the_bound_in_its_turn),
        cmocka_unit_test(after_closing_what_is_inside_comes_out_then_null_at_once),
        cmocka_unit_test(a_taker_waits_as_long_as_it_said),
        cmocka_unit_test(mail_wakes_a_sleeping_taker),
        cmocka_unit_test(closing_wakes_a_sleeping_taker),
        cmocka_unit_test(quiet_mail_is_found_when_the_wait_is_over_or_other_mail_comes),
        cmocka_unit_test(many_putters_and_a_taker_lose_nothing_and_keep_each_ones_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
