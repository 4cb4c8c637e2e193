/* Heads of RTSP messages, as servers, cameras and enemies send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/rtsp/message.h"

/* On the heap in its very size, so that a sanitizer sees a byte read beyond it. */
static int64_t head_size(const char *text, size_t size, struct rw_err *err)
{
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    int64_t head = rw_rtsp_head_size(exact, size, err);
    free(exact);
    return head;
}

static int parse_bytes(const char *text, size_t size, struct rw_rtsp_message *out,
                       struct rw_err *err)
{
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    int rc = rw_rtsp_parse(exact, size, out, err);
    free(exact);
    return rc;
}

/* A whole head that must be good. */
static struct rw_rtsp_message parse(const char *text)
{
    struct rw_rtsp_message out;
    struct rw_err err = {0};
    size_t size = strlen(text);
    assert_int_equal(head_size(text, size, &err), size);
    if (parse_bytes(text, size, &out, &err) < 0)
        fail_msg("%s", err.text);
    return out;
}

static void refuse_bytes(const char *text, size_t size, const char *sentence)
{
    struct rw_rtsp_message out;
    struct rw_err err = {0};
    assert_int_equal(parse_bytes(text, size, &out, &err), -1);
    assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static void refuse(const char *text, const char *sentence)
{
    refuse_bytes(text, strlen(text), sentence);
}

/* before, count times middle, behind. */
static char *repeat(const char *before, const char *middle, int count, const char *behind)
{
    size_t size = strlen(before) + strlen(middle) * (size_t)count + strlen(behind) + 1;
    char *text = malloc(size), *at = text;
    assert_non_null(text);
    at = stpcpy(at, before);
    for (int i = 0; i < count; i++)
        at = stpcpy(at, middle);
    stpcpy(at, behind);
    return text;
}

static void reads_the_replies_of_gst_rtsp_server(void **state)
{
    (void)state;
    struct rw_rtsp_message out =
        parse("RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
              "Public: OPTIONS, DESCRIBE, GET_PARAMETER, PAUSE, PLAY, SETUP, SET_PARAMETER, "
              "TEARDOWN\r\nServer: GStreamer RTSP server\r\n"
              "Date: Sun, 01 Mar 2026 10:00:00 GMT\r\n\r\n");
    assert_int_equal(out.status, 200);
    assert_int_equal(out.cseq, 1);
    assert_true(out.has_public);
    assert_true(out.public_get_parameter);
    assert_int_equal(out.challenge.scheme, RW_RTSP_NO_LOGIN);
    out = parse("RTSP/1.0 200 OK\r\nCSeq: 3\r\n"
                "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=5C7C1D3A;mode=\"PLAY\"\r\n"
                "Session: tqnb0OQz-3fMBRcV;timeout=60\r\n\r\n");
    assert_true(out.interleaved);
    assert_int_equal(out.channel, 0);
    assert_string_equal(out.session, "tqnb0OQz-3fMBRcV");
    assert_int_equal(out.session_timeout_s, 60);
    assert_false(out.has_public);
}

static void reads_the_replies_of_live555(void **state)
{
    (void)state;
    struct rw_rtsp_message out =
        parse("RTSP/1.0 200 OK\r\nCSeq: 3\r\nDate: Sun, Mar 01 2026 10:00:00 GMT\r\n"
              "Content-Base: rtsp://192.0.2.7:8554/road.264/\r\nContent-Type: application/sdp\r\n"
              "Content-Length: 532\r\n\r\n");
    assert_string_equal(out.content_base, "rtsp://192.0.2.7:8554/road.264/");
    assert_int_equal(out.body_size, 532);
    out = parse("RTSP/1.0 200 OK\r\nCSeq: 4\r\n"
                "Transport: RTP/AVP;unicast;destination=192.0.2.9;source=192.0.2.7;"
                "client_port=50000-50001;server_port=6970-6971\r\n"
                "Session: 4F6C8B19;timeout=65\r\n\r\n");
    assert_false(out.interleaved);
    assert_int_equal(out.server_port[0], 6970);
    assert_int_equal(out.server_port[1], 6971);
    assert_int_equal(out.session_timeout_s, 65);
}

static void reads_the_replies_of_vlc_and_of_cameras(void **state)
{
    (void)state;
    struct rw_rtsp_message out = parse(
        "RTSP/1.0 200 OK\r\nServer: VLC/3.0.18\r\nContent-Length: 0\r\nCseq: 3\r\n"
        "Transport: RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=41234-41235;ssrc=1A2B"
        ";mode=play\r\nSession: 9d1b2c;timeout=60\r\nCache-Control: no-cache\r\n\r\n");
    assert_int_equal(out.cseq, 3);
    assert_int_equal(out.server_port[0], 41234);
    assert_false(out.interleaved);
    out = parse("RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\n"
                "WWW-Authenticate: Digest realm=\"IP Camera(C1234)\", nonce=\"3f0a\", "
                "stale=\"FALSE\"\r\nWWW-Authenticate: Basic realm=\"IP Camera(C1234)\"\r\n\r\n");
    assert_int_equal(out.status, 401);
    assert_int_equal(out.challenge.scheme, RW_RTSP_DIGEST_MD5);
    assert_string_equal(out.challenge.realm, "IP Camera(C1234)");
    assert_false(out.challenge.stale);
    out = parse("RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession:       1185049461;timeout=60\r\n"
                "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=7f0bd5d6;mode=\"play\"\r\n"
                "Date:  Sun, Mar 01 2026 10:00:00 GMT\r\n\r\n");
    assert_string_equal(out.session, "1185049461");
    assert_int_equal(out.channel, 2);
    out = parse("RTSP/1.0 200 OK\r\nServer: Rtsp Server/3.0\r\nCSeq: 3\r\n"
                "Content-Base: rtsp://192.0.2.8:554/cam/realmonitor?channel=1&subtype=0/\r\n"
                "Content-Length: 10\r\nContent-Type: application/sdp\r\n\r\n");
    assert_string_equal(out.content_base,
                        "rtsp://192.0.2.8:554/cam/realmonitor?channel=1&subtype=0/");
}

static void reads_requests_of_the_other_side(void **state)
{
    (void)state;
    struct rw_rtsp_message out =
        parse("SET_PARAMETER rtsp://192.0.2.7/road RTSP/1.0\r\nCSeq: 9\r\n\r\n");
    assert_int_equal(out.status, 0);
    assert_string_equal(out.method, "SET_PARAMETER");
    assert_int_equal(out.cseq, 9);
    out = parse("OPTIONS * RTSP/2.0\n\n");
    assert_string_equal(out.method, "OPTIONS");
    assert_int_equal(out.cseq, -1);
}

static void takes_any_line_end_and_folded_headers(void **state)
{
    (void)state;
    struct rw_rtsp_message out = parse("RTSP/1.0 200 OK\nCSeq: 5\nSession: ab\n\n");
    assert_int_equal(out.cseq, 5);
    assert_string_equal(out.session, "ab");
    out = parse("\r\n\nRTSP/1.0 200\r\ncseq:6\r\nSESSION:\tab\r\n\t; timeout = 30 \r\n"
                "Transport: RTP/AVP/TCP;\r\n  interleaved=4-5\r\n\r\n");
    assert_int_equal(out.status, 200);
    assert_int_equal(out.cseq, 6);
    assert_string_equal(out.session, "ab");
    assert_int_equal(out.session_timeout_s, 30);
    assert_int_equal(out.channel, 4);
    out = parse("RTSP/1.0 200 OK\r\r\nCSeq : 7\r\nno header at all\r\n: none\r\n\r\n");
    assert_int_equal(out.cseq, 7);
}

static void sees_a_head_when_its_last_byte_is_there(void **state)
{
    (void)state;
    static const char HEAD[] = "\r\nRTSP/1.0 200 OK\r\nCSeq: 5\r\n\r\n";
    static const char BEHIND[] = "$\0\0\4abcdRTSP/1.0 ";
    char both[sizeof HEAD + sizeof BEHIND];
    size_t size = sizeof HEAD - 1;
    struct rw_err err = {0};
    memcpy(both, HEAD, size);
    memcpy(both + size, BEHIND, sizeof BEHIND);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(head_size(both, i, &err), 0);
    for (size_t i = size; i < sizeof both - 1; i++)
        assert_int_equal(head_size(both, i, &err), size);
}

static void refuses_early_what_never_becomes_rtsp(void **state)
{
    (void)state;
    static const char *const WRONG[] = {
        "HTTP/1.1 400 Bad Request",
        "$",
        "\x16\x03\x01",
        "<html>",
        " RTSP/1.0 200 OK",
        "SSH-2.0/x",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ",
    };
    struct rw_err err;
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        err = (struct rw_err){0};
        assert_int_equal(head_size(WRONG[i], strlen(WRONG[i]), &err), -1);
        assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
    }
    assert_int_equal(head_size("HTTP/1", 6, &err), -1);
    assert_non_null(strstr(err.text, "HTTP"));
    assert_int_equal(head_size("RT", 2, &err), 0);
    assert_int_equal(head_size("", 0, &err), 0);
    assert_int_equal(head_size("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDE", 31, &err), 0);
}

static void bounds_a_head(void **state)
{
    (void)state;
    struct rw_err err = {0};
    char *endless = repeat("RTSP/1.0 200 OK\r\n", "X: y\r\n", RW_RTSP_HEAD_MAX / 6 + 1, "");
    assert_int_equal(head_size(endless, RW_RTSP_HEAD_MAX - 1, &err), 0);
    assert_int_equal(head_size(endless, RW_RTSP_HEAD_MAX, &err), -1);
    assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
    refuse(endless, "longer than 16384 bytes");
    free(endless);
    char *empty = repeat("", "\r\n", RW_RTSP_HEAD_MAX / 2, "");
    assert_int_equal(head_size(empty, RW_RTSP_HEAD_MAX, &err), -1);
    free(empty);
    char *line = repeat("RTSP/1.0 200 ", "OK", RW_RTSP_HEAD_MAX / 2, "");
    assert_int_equal(head_size(line, strlen(line), &err), -1);
    free(line);
    char *largest = repeat("RTSP/1.0 200 OK\r\nX: ", "y", RW_RTSP_HEAD_MAX - 24, "\r\n\r\n");
    assert_int_equal(strlen(largest), RW_RTSP_HEAD_MAX);
    assert_int_equal(parse(largest).status, 200);
    free(largest);
}

static void refuses_texts_that_are_larger_than_their_field(void **state)
{
    (void)state;
    static const struct {
        const char *before, *behind;
        int most; /* letters that fit */
    } CASES[] = {
        {"Session: ", "", RW_RTSP_WORD_SIZE - 1},
        {"Session: ", ";timeout=5", RW_RTSP_WORD_SIZE - 1},
        {"Content-Base: ", "", RW_RTSP_URL_SIZE - 1},
        {"Content-Location: ", "", RW_RTSP_URL_SIZE - 1},
        {"Location: ", "", RW_RTSP_URL_SIZE - 1},
        {"WWW-Authenticate: Digest nonce=\"", "\"", RW_RTSP_WORD_SIZE - 1},
        {"WWW-Authenticate: Digest realm=", ", nonce=a", RW_RTSP_WORD_SIZE - 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char before[128], behind[128];
        snprintf(before, sizeof before, "RTSP/1.0 200 OK\r\n%s", CASES[i].before);
        snprintf(behind, sizeof behind, "%s\r\n\r\n", CASES[i].behind);
        char *fits = repeat(before, "a", CASES[i].most, behind);
        parse(fits);
        free(fits);
        char *large = repeat(before, "a", CASES[i].most + 1, behind);
        refuse(large, "the camera ");
        free(large);
    }
}

static void bounds_numbers(void **state)
{
    (void)state;
#define HEAD "RTSP/1.0 200 OK\r\n"
    assert_int_equal(parse(HEAD "CSeq: 99999999999999999999999\r\n\r\n").cseq, INT64_MAX);
    assert_int_equal(parse(HEAD "CSeq: -3\r\n\r\n").cseq, -1);
    assert_int_equal(parse(HEAD "CSeq:\r\n\r\n").cseq, -1);
    assert_int_equal(parse(HEAD "CSeq: 3\r\nCSeq: 4\r\n\r\n").cseq, 3);
    assert_int_equal(parse(HEAD "Session: a;timeout=4294967297\r\n\r\n").session_timeout_s, 3600);
    assert_int_equal(parse(HEAD "Session: a;timeout=-1\r\n\r\n").session_timeout_s, 0);
    assert_int_equal(parse(HEAD "Session: a;timeout\r\n\r\n").session_timeout_s, 0);
    assert_int_equal(parse(HEAD "Content-Length: 65536\r\n\r\n").body_size, RW_RTSP_BODY_MAX);
    assert_int_equal(parse(HEAD "Content-Length:\r\n\r\n").body_size, 0);
    assert_int_equal(parse(HEAD "Content-Length: 7\r\nContent-length: 007\r\n\r\n").body_size, 7);
    refuse(HEAD "Content-Length: 65537\r\n\r\n", "longer than 65536 bytes");
    refuse(HEAD "Content-Length: 18446744073709551617\r\n\r\n", "longer than 65536 bytes");
    refuse(HEAD "Content-Length: -1\r\n\r\n", "not a number");
    refuse(HEAD "Content-Length: 0x10\r\n\r\n", "not a number");
    refuse(HEAD "Content-Length: 7\r\nContent-Length: 8\r\n\r\n", "two lengths");
    refuse(HEAD "Content-Length: 8\r\nContent-Length: 0\r\n\r\n", "two lengths");
}

static void reads_transports_of_every_fashion(void **state)
{
    (void)state;
    struct rw_rtsp_message out = parse(HEAD "Transport: RTP/AVP/TCP\r\n\r\n");
    assert_true(out.interleaved);
    assert_int_equal(out.channel, 0);
    out = parse(HEAD "Transport: rtp/avp/tcp ; Interleaved = 254-255 ; unicast\r\n\r\n");
    assert_int_equal(out.channel, 254);
    out = parse(HEAD "Transport: RTP/AVP;unicast;interleaved=6\r\n\r\n");
    assert_true(out.interleaved);
    assert_int_equal(out.channel, 6);
    out = parse(HEAD "Transport: RTP/AVP;server_port=7000;mode=\"PLAY,RECORD;x\";"
                     "ssrc=1,RTP/AVP/TCP;interleaved=8-9\r\n\r\n");
    assert_false(out.interleaved);
    assert_int_equal(out.server_port[0], 7000);
    assert_int_equal(out.server_port[1], 0);
    assert_false(parse(HEAD "Transport: \r\n\r\n").interleaved);
    assert_false(parse(HEAD "Transport: ;=;;==\"\"\"=;\"\r\n\r\n").interleaved);
    refuse(HEAD "Transport: RTP/AVP/TCP;interleaved=256-257\r\n\r\n", "Transport");
    refuse(HEAD "Transport: RTP/AVP/TCP;interleaved=-1\r\n\r\n", "Transport");
    refuse(HEAD "Transport: RTP/AVP/TCP;interleaved=\r\n\r\n", "Transport");
    refuse(HEAD "Transport: RTP/AVP/TCP;interleaved=0-1-2\r\n\r\n", "Transport");
    refuse(HEAD "Transport: RTP/AVP;server_port=65536-65537\r\n\r\n", "Transport");
    refuse(HEAD "Transport: RTP/AVP;server_port=99999999999999999999\r\n\r\n", "Transport");
}

static void prefers_the_content_base_to_the_content_location(void **state)
{
    (void)state;
    struct rw_rtsp_message out =
        parse(HEAD "Content-Location: rtsp://b/c\r\nContent-Base: rtsp://a/b/\r\n\r\n");
    assert_string_equal(out.content_base, "rtsp://a/b/");
    out = parse(HEAD "Content-Base:\r\nContent-Location: rtsp://b/c\r\n\r\n");
    assert_string_equal(out.content_base, "rtsp://b/c");
    assert_string_equal(parse(HEAD "Location: rtsp://c/d?e\r\n\r\n").location, "rtsp://c/d?e");
    assert_string_equal(parse(HEAD "\r\n").content_base, "");
}

static void refuses_first_lines_and_bytes_that_are_no_rtsp(void **state)
{
    (void)state;
    refuse("", "first line");
    refuse("\r\n\r\n", "first line");
    refuse("RTSP/1.0\r\n\r\n", "status");
    refuse("RTSP/1.0 20 OK\r\n\r\n", "status");
    refuse("RTSP/1.0 2000 OK\r\n\r\n", "status");
    refuse("RTSP/1.0 099 OK\r\n\r\n", "status");
    refuse("RTSP/1.0 OK 200\r\n\r\n", "status");
    refuse("GET / HTTP/1.1\r\n\r\n", "not RTSP");
    refuse("PLAY\r\n\r\n", "not RTSP");
    refuse("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF * RTSP/1.0\r\n\r\n", "not RTSP");
    static const char NUL[] = HEAD "Session: a\0b\r\n\r\n";
    refuse_bytes(NUL, sizeof NUL - 1, "control character");
    refuse(HEAD "Session: a\rPLAY x\r\n\r\n", "control character");
    refuse(HEAD "Session: a\x1b[2J\r\n\r\n", "control character");
}

static void takes_the_strongest_of_several_challenges(void **state)
{
    (void)state;
    static const char *const ORDERS[] = {
        HEAD "WWW-Authenticate: Basic realm=\"a\"\r\n"
             "WWW-Authenticate: Digest realm=\"b\", nonce=\"1\"\r\n"
             "WWW-Authenticate: Digest realm=\"c\", nonce=\"2\", algorithm=SHA-256\r\n\r\n",
        HEAD "WWW-Authenticate: Digest realm=\"c\", nonce=\"2\", algorithm=SHA-256\r\n"
             "WWW-Authenticate: Digest realm=\"b\", nonce=\"1\"\r\n"
             "WWW-Authenticate: Basic realm=\"a\"\r\n\r\n",
        HEAD "WWW-Authenticate: Basic realm=\"a\", Digest algorithm=\"sha-256\",nonce=\"2\","
             "realm=\"c\", Digest realm=\"b\", nonce=\"1\"\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof ORDERS / sizeof *ORDERS; i++) {
        struct rw_rtsp_message out = parse(ORDERS[i]);
        assert_int_equal(out.challenge.scheme, RW_RTSP_DIGEST_SHA256);
        assert_string_equal(out.challenge.realm, "c");
        assert_string_equal(out.challenge.nonce, "2");
    }
}

static void suffers_any_bytes(void **state)
{
    (void)state;
    static const char *const PIECES[] = {
        "RTSP/1.0 200 OK",
        "\r\n",
        "\r\n",
        ": ",
        "=",
        ";",
        ",",
        "\"",
        "\\",
        "-",
        " ",
        "\t",
        "9",
        "Session",
        "Transport",
        "interleaved",
        "WWW-Authenticate",
        "Digest ",
        "nonce",
        "CSeq",
        "Content-Length",
        "PLAY a RTSP/1.0",
        "qop",
        "auth",
        "\x80",
        "Content-Base",
        "\r",
        "*",
    };
    uint32_t noise = 1;
    int good = 0;
    for (int round = 0; round < 20000; round++) {
        char text[1024] = "RTSP/1.0 200 OK\r\n";
        for (int i = round % 40; i > 0; i--) {
            noise = noise * 1664525u + 1013904223u;
            strcat(text, PIECES[(noise >> 16) % (sizeof PIECES / sizeof *PIECES)]);
        }
        struct rw_rtsp_message out;
        struct rw_err err = {0};
        size_t size = strlen(text);
        int64_t head = head_size(text, size, &err);
        assert_in_range(head, 0, size);
        if (parse_bytes(text, size, &out, &err) == 0)
            good++;
        else
            assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
        assert_in_range(out.channel, 0, 255);
        assert_in_range(out.body_size, 0, RW_RTSP_BODY_MAX);
    }
    assert_true(good > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_replies_of_gst_rtsp_server),
        cmocka_unit_test(reads_the_replies_of_live555),
        cmocka_unit_test(reads_the_replies_of_vlc_and_of_cameras),
        cmocka_unit_test(reads_requests_of_the_other_side),
        cmocka_unit_test(takes_any_line_end_and_folded_headers),
        cmocka_unit_test(sees_a_head_when_its_last_byte_is_there),
        cmocka_unit_test(refuses_early_what_never_becomes_rtsp),
        cmocka_unit_test(bounds_a_head),
        cmocka_unit_test(refuses_texts_that_are_larger_than_their_field),
        cmocka_unit_test(bounds_numbers),
        cmocka_unit_test(reads_transports_of_every_fashion),
        cmocka_unit_test(prefers_the_content_base_to_the_content_location),
        cmocka_unit_test(refuses_first_lines_and_bytes_that_are_no_rtsp),
        cmocka_unit_test(takes_the_strongest_of_several_challenges),
        cmocka_unit_test(suffers_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
