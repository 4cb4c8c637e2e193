/* Session descriptions, as servers, cameras and enemies send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/rtsp/sdp.h"

/* On the heap in its very size, so that a sanitizer sees a byte read beyond it. */
static int parse_bytes(const char *text, size_t size, struct rw_sdp *out, struct rw_err *err)
{
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, text, size);
    int rc = rw_sdp_parse(exact, size, out, err);
    free(exact);
    return rc;
}

static struct rw_sdp parse(const char *text)
{
    struct rw_sdp out;
    struct rw_err err = {0};
    if (parse_bytes(text, strlen(text), &out, &err) < 0)
        fail_msg("%s", err.text);
    return out;
}

static void refuse(const char *text, const char *sentence)
{
    struct rw_sdp out;
    struct rw_err err = {0};
    assert_int_equal(parse_bytes(text, strlen(text), &out, &err), -1);
    assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
    rw_sdp_finish(&out);
}

#define BEGIN "v=0\r\no=- 1188340656180883 1 IN IP4 192.0.2.7\r\ns=Road\r\nt=0 0\r\n"
#define H264 "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
#define START "\0\0\0\1"
/* The sets of the example in RFC 6184, 8.2.1, and their bytes. */
#define SPS64 "Z0IACpZTBYmI"
#define PPS64 "aMljiA=="
#define SPS "\x67\x42\x00\x0a\x96\x53\x05\x89\x88"
#define PPS "\x68\xc9\x63\x88"

static void expect_sets(const char *text, const char *sets, size_t size)
{
    struct rw_sdp out = parse(text);
    assert_int_equal(out.sets.size, size);
    if (size)
        assert_memory_equal(out.sets.data, sets, size);
    rw_sdp_finish(&out);
}
#define EXPECT_SETS(text, sets) expect_sets(text, sets, sizeof(sets) - 1)

static void reads_the_description_of_gst_rtsp_server(void **state)
{
    (void)state;
    struct rw_sdp out =
        parse("v=0\r\no=- 1188340656180883 1 IN IP4 127.0.0.1\r\n"
              "s=Session streamed with GStreamer\r\ni=rtsp-server\r\nt=0 0\r\n"
              "a=tool:GStreamer\r\na=type:broadcast\r\na=control:*\r\na=range:npt=now-\r\n"
              "m=video 0 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\nb=AS:2000\r\n"
              "a=rtpmap:96 H264/90000\r\na=framerate:15\r\n"
              "a=fmtp:96 packetization-mode=1;profile-level-id=42000a;"
              "sprop-parameter-sets=" SPS64 "," PPS64 "\r\na=control:stream=0\r\n"
              "a=ts-refclk:local\r\na=mediaclk:sender\r\n");
    static const char SETS[] = START SPS START PPS;
    assert_int_equal(out.codec, RW_CODEC_H264);
    assert_int_equal(out.payload_type, 96);
    assert_int_equal(out.clock_hz, 90000);
    assert_string_equal(out.control, "stream=0");
    assert_string_equal(out.session_control, "*");
    assert_int_equal(out.sets.size, sizeof SETS - 1);
    assert_memory_equal(out.sets.data, SETS, out.sets.size);
    rw_sdp_finish(&out);
}

static void finds_the_video_behind_audio_and_metadata(void **state)
{
    (void)state;
    struct rw_sdp out = parse("v=0\no=- 1 1 IN IP4 192.0.2.8\ns=Media Presentation\nt=0 0\n"
                              "a=control:rtsp://192.0.2.8/Streaming/Channels/101/\n"
                              "m=audio 0 RTP/AVP 0\na=rtpmap:0 PCMU/8000\na=control:trackID=2\n"
                              "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n"
                              "m=video 0 RTP/AVP 98\na=control:trackID=1\n"
                              "a=fmtp:98 sprop-vps=QAEMAf//; sprop-pps=RAHgdrAm; "
                              "sprop-sps=QgEBAWAA\na=rtpmap:98 H265/90000\n"
                              "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:trackID=3");
    static const char SETS[] = START "\x40\x01\x0c\x01\xff\xff" START
                                     "\x42\x01\x01\x01\x60\x00" START "\x44\x01\xe0\x76\xb0\x26";
    assert_int_equal(out.codec, RW_CODEC_HEVC);
    assert_int_equal(out.payload_type, 98);
    assert_string_equal(out.control, "trackID=1");
    assert_string_equal(out.session_control, "rtsp://192.0.2.8/Streaming/Channels/101/");
    assert_int_equal(out.sets.size, sizeof SETS - 1);
    assert_memory_equal(out.sets.data, SETS, out.sets.size);
    rw_sdp_finish(&out);
}

static void passes_over_videos_and_types_that_cannot_be_recorded(void **state)
{
    (void)state;
    struct rw_sdp out = parse(BEGIN "m=video 0 RTP/AVP 26\r\na=control:jpeg\r\n"
                                    "m=Video 5000/2 RTP/AVP\t26  97 300 x 98\r\n"
                                    "a=rtpmap:97 MP4V-ES/90000\r\na=rtpmap: 098\th264/90000/1\r\n"
                                    "a=control: track2 \r\n");
    assert_int_equal(out.codec, RW_CODEC_H264);
    assert_int_equal(out.payload_type, 98);
    assert_string_equal(out.control, "track2");
    rw_sdp_finish(&out);
}

static void guesses_a_codec_that_only_its_parameters_tell(void **state)
{
    (void)state;
    struct rw_sdp out = parse(BEGIN "m=video 0 RTP/AVP 96\r\na=fmtp:96 packetization-mode=1\r\n");
    assert_int_equal(out.codec, RW_CODEC_H264);
    assert_int_equal(out.clock_hz, 90000);
    assert_string_equal(out.control, "");
    rw_sdp_finish(&out);
    out = parse(BEGIN "m=video 0 RTP/AVP 35\r\na=fmtp:35 SPROP-SPS=QgEBAWAA\r\n");
    assert_int_equal(out.codec, RW_CODEC_HEVC);
    assert_int_equal(out.payload_type, 35);
    rw_sdp_finish(&out);
    refuse(BEGIN "m=video 0 RTP/AVP -1\r\na=fmtp:-1 packetization-mode=1\r\n", "without a name");
}

static void says_what_cannot_be_recorded(void **state)
{
    (void)state;
    refuse(BEGIN, "the stream has no video");
    refuse(BEGIN "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "the stream has no video");
    refuse(BEGIN "m=video 0 RTP/AVP 26\r\n", "the camera sends mjpeg; set it to H.264 or H.265");
    refuse(BEGIN "m=video 0 RTP/AVP 96\r\na=rtpmap:96 JPEG/90000\r\n", "sends mjpeg;");
    refuse(BEGIN "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\n", "sends MP4V-ES;");
    refuse(BEGIN "m=video 0 RTP/AVP 96\r\na=rtpmap:96 \x1b[2J/90000\r\n", "sends ?[2J;");
    refuse(BEGIN "m=video 0 RTP/AVP 96\r\n", "something without a name");
    refuse(BEGIN "m=video\r\n", "something without a name");
    refuse(BEGIN "m=video 0 RTP/AVP 128\r\na=rtpmap:128 H264/90000\r\n", "without a name");
    refuse("", "not SDP");
    refuse("\r\n", "not SDP");
    refuse("<html>", "not SDP");
    refuse("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "not SDP");
}

static void ends_at_a_nul_that_was_counted_in(void **state)
{
    (void)state;
    static const char TEXT[] = "\r\n" BEGIN H264 "a=control:a\0a=control:b";
    struct rw_sdp out;
    struct rw_err err = {0};
    assert_int_equal(parse_bytes(TEXT, sizeof TEXT, &out, &err), 0);
    assert_string_equal(out.control, "a");
    rw_sdp_finish(&out);
}

static void suffers_clocks_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *map;
        int hz;
    } CASES[] = {
        {"96 H264", 90000},
        {"96 H264/", 90000},
        {"96 H264/0", 90000},
        {"96 H264/-5", 90000},
        {"96 H264/999", 90000},
        {"96 H264/1000", 1000},
        {"96 H264/1000001", 90000},
        {"96 H264/1000000", 1000000},
        {"96 H264/18446744073709551617000", 90000},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char text[256];
        snprintf(text, sizeof text, BEGIN "m=video 0 RTP/AVP 96\r\na=rtpmap:%s\r\n", CASES[i].map);
        struct rw_sdp out = parse(text);
        assert_int_equal(out.clock_hz, CASES[i].hz);
        rw_sdp_finish(&out);
    }
}

static void reads_parameter_sets_of_every_fashion(void **state)
{
    (void)state;
    EXPECT_SETS(BEGIN H264, "");
    EXPECT_SETS(BEGIN H264 "a=fmtp:96 Sprop-Parameter-Sets = " SPS64 "," PPS64 " ; x=y;",
                START SPS START PPS);
    EXPECT_SETS(BEGIN H264 "a=fmtp:96 sprop-parameter-sets=\"" PPS64 "," SPS64 "\";x",
                START SPS START PPS);
    EXPECT_SETS(BEGIN H264 "a=fmtp:97 sprop-parameter-sets=" SPS64, "");
    EXPECT_SETS(BEGIN H264 "a=fmtp:96 sprop-parameter-sets=aMljiA", START PPS);
    /* 00 00 00 01 before the set, and 00 00 01 */
    EXPECT_SETS(BEGIN H264 "a=fmtp:96 sprop-parameter-sets=AAAAAWjJY4g=,AAABaMljiA==",
                START PPS START PPS);
    /* a slice, a letter alone, a start code alone, no base64, nothing */
    EXPECT_SETS(BEGIN H264 "a=fmtp:96 sprop-parameter-sets=ZYiEIQ==,a,AAAB,a*==,,=,==,===," PPS64,
                START PPS);
}

static void bounds_the_parameter_sets(void **state)
{
    (void)state;
    struct rw_buf text = {0};
    rw_buf_printf(&text, BEGIN H264 "a=fmtp:96 sprop-parameter-sets=");
    for (int i = 0; i < 4000; i++)
        rw_buf_printf(&text, "%s,", i % 2 ? SPS64 : PPS64);
    struct rw_sdp out = parse((char *)text.data);
    assert_in_range(out.sets.size, 8 << 10, 16 << 10);
    rw_sdp_finish(&out);
    rw_buf_clear(&text);
    rw_buf_printf(&text, BEGIN H264 "a=fmtp:96 sprop-parameter-sets=Z");
    for (int i = 0; i < 60000; i++)
        rw_buf_printf(&text, "A");
    rw_buf_printf(&text, "AAA," PPS64);
    expect_sets((char *)text.data, START PPS, sizeof(START PPS) - 1);
    rw_buf_finish(&text);
}

static void refuses_bombs(void **state)
{
    (void)state;
    struct rw_buf text = {0};
    rw_buf_printf(&text, BEGIN H264);
    for (int i = 0; i < 63; i++)
        rw_buf_printf(&text, "m=video\n");
    struct rw_sdp out = parse((char *)text.data);
    assert_int_equal(out.payload_type, 96);
    rw_sdp_finish(&out);
    rw_buf_printf(&text, "m=video\n");
    refuse((char *)text.data, "more than 64 media");
    rw_buf_clear(&text);
    rw_buf_printf(&text, BEGIN H264);
    for (int i = 0; text.size <= RW_SDP_SIZE_MAX; i++)
        rw_buf_printf(&text, "a=rtpmap:%d H264/90000\na=fmtp:%d a;b=;c\na=control:%d\n", i, i, i);
    refuse((char *)text.data, "longer than 65536 bytes");
    text.data[RW_SDP_SIZE_MAX] = '\0';
    out = parse((char *)text.data);
    assert_string_equal(out.control, "0");
    rw_sdp_finish(&out);
    rw_buf_finish(&text);
}

static void refuses_controls_that_would_break_a_request(void **state)
{
    (void)state;
    char text[2048];
    refuse(BEGIN H264 "a=control:a b\r\n", "address");
    refuse(BEGIN H264 "a=control:a\rPLAY\r\n", "address");
    refuse(BEGIN "a=control:\x01\r\n" H264, "address");
    snprintf(text, sizeof text, BEGIN H264 "a=control:%01023d\r\n", 0);
    struct rw_sdp out = parse(text);
    assert_int_equal(strlen(out.control), 1023);
    rw_sdp_finish(&out);
    snprintf(text, sizeof text, BEGIN H264 "a=control:%01024d\r\n", 0);
    refuse(text, "address");
    snprintf(text, sizeof text, BEGIN "a=control:%01024d\r\n" H264, 0);
    refuse(text, "address");
}

static void expect_identity(const char *one, const char *other, bool same)
{
    struct rw_sdp a = parse(one), b = parse(other);
    assert_int_equal(memcmp(a.identity, b.identity, sizeof a.identity) == 0, same);
    rw_sdp_finish(&a);
    rw_sdp_finish(&b);
}

static void knows_a_camera_again_after_a_restart_of_both(void **state)
{
    (void)state;
    static const char CAMERA[] =
        BEGIN "a=tool:X 1\r\n" H264 "a=fmtp:96 sprop-parameter-sets=" SPS64 "\r\na=control:1\r\n";
    expect_identity(CAMERA,
                    "v=0\no=- 77 99 IN IP4 10.0.0.1\ns=Road\nc=IN IP4 10.0.0.2\nt=5 6\n"
                    "a=tool:X 1\na=control:*\nm=video 6000 RTP/AVP 96\na=control:2\n"
                    "a=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=" PPS64,
                    true);
    expect_identity(CAMERA, BEGIN "a=tool:X 2\r\n" H264, false);
    expect_identity(CAMERA, BEGIN H264, false);
    expect_identity(CAMERA, "v=0\r\ns=Gate\r\na=tool:X 1\r\n" H264, false);
    expect_identity(CAMERA, BEGIN "a=tool:X 1\r\n" H264 "m=audio 0 RTP/AVP 0\r\n", false);
    expect_identity(
        CAMERA, BEGIN "a=tool:X 1\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n", false);
    expect_identity(
        CAMERA, BEGIN "a=tool:X 1\r\nm=video 0 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n", false);
}

static void makes_the_url_of_a_control(void **state)
{
    (void)state;
    static const char *const CASES[][3] = {
        {"rtsp://h/road", "track1", "rtsp://h/road/track1"},
        {"rtsp://h/road/", "track1", "rtsp://h/road/track1"},
        {"rtsp://h/road", "/track1", "rtsp://h/road/track1"},
        {"rtsp://h/road/", "/track1", "rtsp://h/road/track1"},
        {"rtsp://h/road/", "*", "rtsp://h/road/"},
        {"rtsp://h/road", "*", "rtsp://h/road"},
        {"rtsp://h/road", "", "rtsp://h/road"},
        {"rtsp://h/road", "rtsp://other/t", "rtsp://other/t"},
        {"rtsp://h/road", "RTSPS://other/t", "RTSPS://other/t"},
        {"rtsp://h/road", "file:///etc/passwd", "file:///etc/passwd"},
        {"rtsp://h/road", "track:1", "rtsp://h/road/track:1"},
        {"rtsp://h/road", "://x", "rtsp://h/road/://x"},
        {"rtsp://h/cam?channel=1&subtype=0/", "trackID=0",
         "rtsp://h/cam?channel=1&subtype=0/trackID=0"},
        {"rtsp://h/cam?channel=1", "trackID=0", "rtsp://h/cam?channel=1/trackID=0"},
        {"", "track1", "track1"},
    };
    char out[64];
    struct rw_err err = {0};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_int_equal(rw_sdp_control_url(CASES[i][0], CASES[i][1], out, sizeof out, &err), 0);
        assert_string_equal(out, CASES[i][2]);
    }
    assert_int_equal(rw_sdp_control_url("rtsp://h", "t", out, 11, &err), 0);
    assert_int_equal(rw_sdp_control_url("rtsp://h", "t", out, 10, &err), -1);
    assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
}

static void suffers_any_bytes(void **state)
{
    (void)state;
    static const char *const PIECES[] = {
        "m=video 0 RTP/AVP 96 97\n",
        "a=rtpmap:96 H264/90000\n",
        "a=fmtp:96 ",
        "a=control:",
        "sprop-parameter-sets=",
        SPS64,
        PPS64,
        "\n",
        "\r\n",
        "=",
        ";",
        ",",
        "\"",
        " ",
        "a=",
        "m=",
        ":",
        "9",
        "\x80",
        "m=audio 0 x 0\n",
        "a=rtpmap:97 H265/90000\n",
        "sprop-vps=QAEMAf//",
    };
    uint32_t noise = 1;
    int good = 0;
    for (int round = 0; round < 20000; round++) {
        char text[2048] = "v=0\n";
        for (int i = round % 60; i > 0; i--) {
            noise = noise * 1664525u + 1013904223u;
            strcat(text, PIECES[(noise >> 16) % (sizeof PIECES / sizeof *PIECES)]);
        }
        struct rw_sdp out;
        struct rw_err err = {0};
        if (parse_bytes(text, strlen(text), &out, &err) == 0) {
            good++;
            assert_in_range(out.payload_type, 0, 127);
            assert_in_range(out.clock_hz, 1000, 1000000);
        } else {
            assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
        }
        rw_sdp_finish(&out);
    }
    assert_true(good > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_description_of_gst_rtsp_server),
        cmocka_unit_test(finds_the_video_behind_audio_and_metadata),
        cmocka_unit_test(passes_over_videos_and_types_that_cannot_be_recorded),
        cmocka_unit_test(guesses_a_codec_that_only_its_parameters_tell),
        cmocka_unit_test(says_what_cannot_be_recorded),
        cmocka_unit_test(ends_at_a_nul_that_was_counted_in),
        cmocka_unit_test(suffers_clocks_that_are_none),
        cmocka_unit_test(reads_parameter_sets_of_every_fashion),
        cmocka_unit_test(bounds_the_parameter_sets),
        cmocka_unit_test(refuses_bombs),
        cmocka_unit_test(refuses_controls_that_would_break_a_request),
        cmocka_unit_test(knows_a_camera_again_after_a_restart_of_both),
        cmocka_unit_test(makes_the_url_of_a_control),
        cmocka_unit_test(suffers_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
