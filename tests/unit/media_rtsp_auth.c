/* Logins, against the examples that the RFCs print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "media/rtsp/auth.h"

static struct rw_rtsp_challenge read_challenge(const char *header)
{
    struct rw_rtsp_challenge challenge = {0};
    struct rw_err err = {0};
    if (rw_rtsp_challenges_read(rw_span_of(header), &challenge, &err) < 0)
        fail_msg("%s", err.text);
    return challenge;
}

/* The header line that answers a challenge, in memory of this function's. */
static const char *answer(const struct rw_rtsp_challenge *challenge, const char *username,
                          const char *password, const char *cnonce)
{
    static char line[4096];
    struct rw_buf out = {0};
    rw_rtsp_authorize(challenge, username, password, "GET", "/dir/index.html", 1, cnonce, &out);
    assert_true(out.size < sizeof line);
    if (out.size)
        memcpy(line, out.data, out.size);
    line[out.size] = '\0';
    rw_buf_finish(&out);
    return line;
}

static void expect_in(const char *line, const char *part)
{
    assert_non_null(line);
    assert_non_null(strstr(line, part));
}

/* RFC 7616, 3.9.1 */
#define RFC7616                                                                                    \
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "                             \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "                                     \
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
#define RFC7616_CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

static void answers_the_example_of_rfc_7616_with_sha_256(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge = read_challenge(RFC7616 ", algorithm=SHA-256");
    assert_int_equal(challenge.scheme, RW_RTSP_DIGEST_SHA256);
    assert_true(challenge.qop_auth);
    assert_string_equal(
        answer(&challenge, "Mufasa", "Circle of Life", RFC7616_CNONCE),
        "Authorization: Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
        "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", "
        "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
        "algorithm=SHA-256, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", "
        "qop=auth, nc=00000001, cnonce=\"" RFC7616_CNONCE "\"\r\n");
}

static void answers_the_example_of_rfc_7616_with_md5(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge = read_challenge(RFC7616 ", algorithm=MD5");
    const char *line = answer(&challenge, "Mufasa", "Circle of Life", RFC7616_CNONCE);
    assert_int_equal(challenge.scheme, RW_RTSP_DIGEST_MD5);
    expect_in(line, "response=\"8ca523f5e9506fed4657c9700eebdbec\"");
    assert_null(strstr(line, "algorithm"));
}

static void answers_the_example_of_rfc_2617(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge =
        read_challenge("Digest realm=\"testrealm@host.com\",qop=\"auth,auth-int\","
                       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\","
                       "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"");
    expect_in(answer(&challenge, "Mufasa", "Circle Of Life", "0a4f113b"),
              "response=\"6629fae49393a05397450978507c4ef1\"");
}

/* RFC 2069, 2.4, whose printed response is corrected by its erratum 749. */
static void answers_without_qop_as_in_rfc_2069(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge =
        read_challenge("Digest realm=\"testrealm@host.com\", "
                       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"");
    assert_false(challenge.qop_auth);
    const char *line = answer(&challenge, "Mufasa", "CircleOfLife", NULL);
    expect_in(line, "response=\"1949323746fe6a43ef61f9606e7febea\"");
    assert_null(strstr(line, "qop"));
    assert_null(strstr(line, "cnonce"));
    assert_null(strstr(line, "opaque"));
}

/* RFC 7617, 2 and 2.1 */
static void answers_the_examples_of_basic(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge = read_challenge("Basic realm=\"WallyWorld\"");
    assert_int_equal(challenge.scheme, RW_RTSP_BASIC);
    assert_string_equal(answer(&challenge, "Aladdin", "open sesame", NULL),
                        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    assert_string_equal(answer(&challenge, "test", "123\xc2\xa3", NULL),
                        "Authorization: Basic dGVzdDoxMjPCow==\r\n");
    assert_string_equal(answer(&challenge, "", "", NULL), "Authorization: Basic Og==\r\n");
}

static void adds_behind_what_is_there(void **state)
{
    (void)state;
    struct rw_rtsp_challenge none = {0}, basic = {.scheme = RW_RTSP_BASIC};
    struct rw_buf out = {0};
    rw_buf_printf(&out, "CSeq: 1\r\n");
    rw_rtsp_authorize(&none, "a", "b", "PLAY", "*", 1, "", &out);
    assert_int_equal(out.size, 9);
    rw_rtsp_authorize(&basic, "a", "b", "PLAY", "*", 1, "", &out);
    static const char EXPECTED[] = "CSeq: 1\r\nAuthorization: Basic YTpi\r\n";
    assert_int_equal(out.size, sizeof EXPECTED - 1);
    assert_memory_equal(out.data, EXPECTED, out.size);
    rw_buf_finish(&out);
}

static void counts_how_often_a_nonce_was_used(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge = read_challenge("Digest nonce=a, qop=auth");
    struct rw_buf out = {0};
    rw_rtsp_authorize(&challenge, "a", "b", "PLAY", "*", 0x1a2b, "00", &out);
    rw_buf_add(&out, "", 1);
    expect_in((char *)out.data, "nc=00001a2b");
    rw_buf_finish(&out);
}

static void reads_challenges_in_any_dress(void **state)
{
    (void)state;
    static const char *const SAME[] = {
        "Digest realm=\"a b\", nonce=\"n=1\", opaque=\"o\", qop=\"auth\", stale=true",
        "DIGEST STALE=TRUE,QOP=auth,OPAQUE=o,NONCE=n=1,REALM=\"a b\"",
        "digest  realm = \"a b\" ,\tnonce= \"n=1\" ;opaque =o qop=\"auth-int,auth\" stale=\"True\"",
        ", ,Negotiate abcd==, Digest domain=\"rtsp://x y\", realm=\"a b\", nonce=\"n=1\","
        "algorithm=\"md5\", opaque=\"o\", qop=\"auth-int, AUTH\", stale=true, charset=UTF-8,,",
        "Digest realm=\"\\a\\ b\", nonce=\"n\\=1\", opaque=\"o\", qop=\"auth\", stale=true,",
        "Bearer realm=\"c\", Digest realm=\"a b\", nonce=\"n=1\", opaque=\"o\", qop=auth, "
        "stale=true, Basic realm=\"d\"",
    };
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        struct rw_rtsp_challenge challenge = read_challenge(SAME[i]);
        assert_int_equal(challenge.scheme, RW_RTSP_DIGEST_MD5);
        assert_string_equal(challenge.realm, "a b");
        assert_string_equal(challenge.nonce, "n=1");
        assert_string_equal(challenge.opaque, "o");
        assert_true(challenge.qop_auth);
        assert_true(challenge.stale);
    }
}

static void passes_over_challenges_that_it_cannot_answer(void **state)
{
    (void)state;
    static const char *const USELESS[] = {
        "",
        "Bearer token=1",
        "Digest realm=\"a\"",
        "Digest nonce=\"\"",
        "realm=\"a\", nonce=\"b\"",
        "Digest nonce=a, algorithm=SHA-512-256",
        "Digest nonce=a, algorithm=MD5-sess",
        "Digest nonce=a, qop=\"auth-int\"",
        "Digest, nonce",
        "\"Digest nonce=a\"",
        "=Digest=Basic",
    };
    for (size_t i = 0; i < sizeof USELESS / sizeof *USELESS; i++)
        assert_int_equal(read_challenge(USELESS[i]).scheme, RW_RTSP_NO_LOGIN);
    struct rw_rtsp_challenge basic =
        read_challenge("Digest nonce=a, algorithm=SHA-512-256, Basic realm=\"r\"");
    assert_int_equal(basic.scheme, RW_RTSP_BASIC);
    assert_string_equal(basic.realm, "r");
    assert_int_equal(read_challenge("Digest nonce=a, qop=\"\"").scheme, RW_RTSP_DIGEST_MD5);
}

static void quotes_what_it_repeats(void **state)
{
    (void)state;
    struct rw_rtsp_challenge challenge =
        read_challenge("Digest realm=\"the \\\"north\\\" \\\\ gate\", nonce=\"n\"");
    assert_string_equal(challenge.realm, "the \"north\" \\ gate");
    const char *line = answer(&challenge, "q\"u\r\nPLAY", "p", NULL);
    expect_in(line, "realm=\"the \\\"north\\\" \\\\ gate\"");
    expect_in(line, "username=\"q\\\"uPLAY\"");
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void refuses_words_that_do_not_fit(void **state)
{
    (void)state;
    char header[1024];
    struct rw_rtsp_challenge challenge = {0};
    struct rw_err err = {0};
    snprintf(header, sizeof header, "Digest nonce=\"%0*d\"", RW_RTSP_WORD_SIZE, 0);
    assert_int_equal(rw_rtsp_challenges_read(rw_span_of(header), &challenge, &err), -1);
    assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
    assert_int_equal(challenge.scheme, RW_RTSP_NO_LOGIN);
    /* a token of another scheme may be long, and so may what is not looked at */
    snprintf(header, sizeof header, "Negotiate %0*d, Digest domain=\"%0*d\", nonce=a",
             RW_RTSP_WORD_SIZE, 0, RW_RTSP_WORD_SIZE, 0);
    assert_int_equal(read_challenge(header).scheme, RW_RTSP_DIGEST_MD5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_the_example_of_rfc_7616_with_sha_256),
        cmocka_unit_test(answers_the_example_of_rfc_7616_with_md5),
        cmocka_unit_test(answers_the_example_of_rfc_2617),
        cmocka_unit_test(answers_without_qop_as_in_rfc_2069),
        cmocka_unit_test(answers_the_examples_of_basic),
        cmocka_unit_test(adds_behind_what_is_there),
        cmocka_unit_test(counts_how_often_a_nonce_was_used),
        cmocka_unit_test(reads_challenges_in_any_dress),
        cmocka_unit_test(passes_over_challenges_that_it_cannot_answer),
        cmocka_unit_test(quotes_what_it_repeats),
        cmocka_unit_test(refuses_words_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
