/* A broker's password file and access list: one login goes in or out, the others stay as they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/certificate.h"
#include "cli/logins.h"

static void takes_one_password_out_and_no_other(void **state)
{
    (void)state;
    struct rw_buf out = {0};
    assert_true(rw_passwords_without("hai:1\nha:2\nhoa:3", "ha", &out));
    rw_buf_add(&out, "", 1);
    assert_string_equal((char *)out.data, "hai:1\nhoa:3");
    rw_buf_clear(&out);
    assert_false(rw_passwords_without("hai:1\n\n# ha:\n", "ha", &out));
    rw_buf_add(&out, "", 1);
    assert_string_equal((char *)out.data, "hai:1\n\n# ha:\n");
    rw_buf_finish(&out);
}

/* What somebody has written by hand stays: around it, and behind it for everybody. */
static void takes_one_login_out_of_the_access_list(void **state)
{
    (void)state;
    static const char list[] = "# mine\nuser hai\ntopic read a/#\n\nuser ha\n# a phone\n"
                               "topic read b/#\n\npattern read c/%u\nuser hoa\ntopic d\n";
    struct rw_buf out = {0};
    assert_true(rw_access_without(list, "ha", &out));
    rw_buf_add(&out, "", 1);
    assert_string_equal((char *)out.data, "# mine\nuser hai\ntopic read a/#\n\n"
                                          "pattern read c/%u\nuser hoa\ntopic d\n");
    rw_buf_clear(&out);
    assert_true(rw_access_without("user ha", "ha", &out));
    assert_int_equal(out.size, 0);
    assert_false(rw_access_without(list, "h", &out));
    rw_buf_finish(&out);
}

static void what_goes_in_comes_out_again_whole(void **state)
{
    (void)state;
    struct rw_buf list = {0}, without = {0};
    rw_access_add(&list, RW_LOGIN_BOX, "thon-dung", "roadwatch/thon-dung");
    size_t before = list.size;
    rw_access_add(&list, RW_LOGIN_PHONE, "ha", "roadwatch/thon-dung");
    assert_non_null(strstr((char *)list.data, "topic write roadwatch/thon-dung/event/+/ack\n"));
    assert_true(rw_access_without((char *)list.data, "ha", &without));
    assert_int_equal(without.size, before);
    assert_memory_equal(without.data, list.data, before);
    rw_buf_finish(&list);
    rw_buf_finish(&without);
}

static void hosts_are_names_and_addresses_alone(void **state)
{
    (void)state;
    struct rw_err err;
    static const char *const good[] = {"box", "box.lan", "10.0.0.2", "fd00::1", "a,b.c,10.0.0.2"};
    static const char *const bad[] = {"", "a b", "-x", "a,,b", "box:8883", "x\nDNS:y", "a,DNS:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(rw_hosts_check(good[i], &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rw_hosts_check(bad[i], &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_one_password_out_and_no_other),
        cmocka_unit_test(takes_one_login_out_of_the_access_list),
        cmocka_unit_test(what_goes_in_comes_out_again_whole),
        cmocka_unit_test(hosts_are_names_and_addresses_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
