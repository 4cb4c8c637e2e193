/* What a failed TLS connection is called. That the libraries say these things is for
 * tests/e2e/broker_over_tls.py; here are those that take years, or a clock. */
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alerts/tls.h"

static char none[] = "", host[] = "broker.example", ca[] = "ca.pem", cert[] = "box.pem";

static void expect(const struct rw_tls_trouble *trouble, char *ca_file, char *cert_file, bool lost,
                   const char *words)
{
    char out[200] = "";
    struct rw_mqtt_config mqtt = {
        .host = host, .port = 8883, .ca_file = ca_file, .cert_file = cert_file, .key_file = none};
    bool told = rw_tls_words(trouble, &mqtt, lost, out, sizeof out);
    assert_int_equal(told, words != NULL);
    if (words && !strstr(out, words))
        fail_msg("\"%s\" does not say \"%s\"", out, words);
    assert_true(strlen(out) < sizeof out - 1);
}

static void a_clock_that_is_wrong_is_named(void **state)
{
    (void)state;
    struct rw_tls_trouble early = {"certificate verify failed", X509_V_ERR_CERT_NOT_YET_VALID,
                                   false};
    struct rw_tls_trouble late = {"certificate verify failed", X509_V_ERR_CERT_HAS_EXPIRED, false};
    expect(&early, ca, none, false,
           "the certificate of broker.example:8883 is not valid yet; set the box's clock");
    expect(&late, ca, none, false, "has expired; renew it at the broker");
}

static void what_is_no_trouble_of_tls_has_no_words(void **state)
{
    (void)state;
    struct rw_tls_trouble nothing = {0};
    expect(&nothing, ca, none, false, NULL);
    expect(&nothing, none, none, false, NULL);
    expect(&nothing, none, none, true, "set mqtt.ca_file");
    expect(&nothing, ca, none, true, "set mqtt.cert_file and mqtt.key_file");
    expect(&nothing, ca, cert, true, "must sign mqtt.cert_file");
}

static void what_nobody_foresaw_is_told_in_the_librarys_words(void **state)
{
    (void)state;
    struct rw_tls_trouble odd = {"no shared cipher", X509_V_OK, false};
    expect(&odd, ca, none, false, "TLS with broker.example:8883 failed (no shared cipher)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_wrong_is_named),
        cmocka_unit_test(what_is_no_trouble_of_tls_has_no_words),
        cmocka_unit_test(what_nobody_foresaw_is_told_in_the_librarys_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
