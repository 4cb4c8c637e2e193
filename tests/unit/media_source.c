/* A source against a camera on the loopback that does whatever cameras do. */
#include "base/clock.h"
#include "base/units.h"
#include "media/source.h"
#include "media/url.h"
#include "media_camera.h"

/* RTP time of picture n: 15 a second at 90 kHz, from anywhere and over the wrap of 32 bits. */
static uint32_t rtp_time(int n)
{
    return 0xffffff00u + (uint32_t)n * 6000u;
}

static const char SDP[] = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
                          "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                          "a=fmtp:96 packetization-mode=1\r\na=control:track1\r\n";

static struct rw_source_options options_for(const struct camera *camera)
{
    return (struct rw_source_options){.url = camera->url,
                                      .username = "viewer",
                                      .password = "hunter2",
                                      .open_timeout_ms = 20000,
                                      .read_timeout_ms = 20000,
                                      .clock = rw_clock_system(),
                                      .cancel = camera->cancel};
}

static void add_sets(struct camera *camera, const struct footage *footage, uint32_t time)
{
    const AVCodecParameters *par = rw_codec_parameters(footage->codec);
    camera_add_annexb(camera, par->extradata, (size_t)par->extradata_size, time);
}

static void add_picture(struct camera *camera, const struct footage *footage, int n, uint32_t time)
{
    const struct rw_packet *packet = footage->packets[n];
    camera_add_annexb(camera, packet->data, packet->size, time);
}

/* The units with one time, as a source hands them out: each behind 00 00 00 01. */
static void expect_units(const struct rw_packet *packet, const struct camera_unit *units, int count)
{
    struct rw_buf expected = {0};
    for (int i = 0; i < count; i++) {
        rw_buf_add(&expected, "\0\0\0\1", 4);
        rw_buf_add(&expected, units[i].data, units[i].size);
    }
    assert_int_equal(packet->size, expected.size);
    assert_memory_equal(packet->data, expected.data, expected.size);
    rw_buf_finish(&expected);
}

static struct rw_packet *read_one(struct rw_source *source)
{
    struct rw_err err = {0};
    struct rw_packet *packet = rw_source_read(source, &err);
    if (!packet)
        print_error("%s\n", err.text);
    assert_non_null(packet);
    return packet;
}

static struct rw_source *open_camera(struct camera *camera)
{
    struct rw_err err = {0};
    camera_start(camera);
    struct rw_source_options options = options_for(camera);
    struct rw_source *source = rw_source_open(&options, &err);
    if (!source)
        print_error("%s\n", err.text);
    assert_non_null(source);
    return source;
}

static void expect_end(struct rw_source *source, enum rw_code code)
{
    struct rw_err err = {0};
    assert_null(rw_source_read(source, &err));
    assert_int_equal(err.code, code);
    assert_true(strlen(err.text) > 5);
}

static void close_camera(struct camera *camera, struct rw_source *source)
{
    rw_source_close(source);
    camera_stop(camera);
}

static void reads_every_picture_byte_for_byte(void **state)
{
    (void)state;
    struct camera camera = {.sdp = SDP};
    struct footage_options options = footage_h264();
    struct footage footage;
    int first[32] = {0};
    footage_make(&footage, &options);
    for (int n = 0; n < footage.count; n++) {
        first[n] = camera.unit_count;
        if (footage.packets[n]->keyframe)
            add_sets(&camera, &footage, rtp_time(n));
        add_picture(&camera, &footage, n, rtp_time(n));
    }
    first[footage.count] = camera.unit_count;
    struct rw_source *source = open_camera(&camera);
    const struct rw_codec *codec = NULL;
    int64_t last_dts_us = INT64_MIN;
    for (int n = 0; n < footage.count; n++) {
        struct rw_packet *packet = read_one(source);
        expect_units(packet, camera.units + first[n], first[n + 1] - first[n]);
        assert_int_equal(packet->keyframe, footage.packets[n]->keyframe);
        assert_int_equal(packet->camera_us, av_rescale(n * 6000, 100, 9));
        assert_true(packet->after_jump || packet->dts_us > last_dts_us);
        last_dts_us = packet->dts_us;
        codec = codec ? codec : packet->codec;
        assert_ptr_equal(packet->codec, codec); /* repeated sets are the same sets */
        assert_int_equal(rw_codec_width(codec), 320);
        assert_int_equal(rw_codec_height(codec), 240);
        rw_packet_unref(packet);
    }
    expect_end(source, RW_EEND);
    close_camera(&camera, source);
    footage_free(&footage);
}

#define LIVE_US INT64_C(1795466923000000)

static struct rw_now live_now(void *self)
{
    return (struct rw_now){.utc_us = LIVE_US + *(int64_t *)self, .boot_us = *(int64_t *)self};
}

/* Every picture at its own time of an evenly running clock, whatever the camera's RTP time is at
 * the first one. Pictures arrive as they are made. */
static void expect_live_times(const struct footage *footage, uint32_t start)
{
    struct camera camera = {.sdp = SDP, .paced = true};
    int64_t at_us = 1000 * RW_SECOND_US;
    struct rw_clock clock = {.self = &at_us, .now = live_now};
    for (int n = 0; n < footage->count; n++) {
        uint32_t shown = (uint32_t)(footage->packets[n]->utc_us / FOOTAGE_INTERVAL_US);
        if (footage->packets[n]->keyframe)
            add_sets(&camera, footage, start + shown * 6000);
        add_picture(&camera, footage, n, start + shown * 6000);
    }
    sem_init(&camera.clicks, 0, 1);
    camera_start(&camera);
    struct rw_source_options options = options_for(&camera);
    options.clock = &clock;
    struct rw_source *source = rw_source_open(&options, NULL);
    assert_non_null(source);
    int64_t last_dts_us = INT64_MIN, first_us = at_us, offset_us = 0;
    for (int n = 0; n < footage->count; n++, at_us += FOOTAGE_INTERVAL_US) {
        sem_post(&camera.clicks); /* a picture is whole when the next one comes */
        struct rw_packet *packet = read_one(source);
        int64_t shown = footage->packets[n]->utc_us / FOOTAGE_INTERVAL_US;
        int64_t error_us = packet->boot_us - first_us - shown * FOOTAGE_INTERVAL_US;
        assert_false(packet->after_jump);
        assert_int_equal(packet->camera_us, av_rescale(shown * 6000, 100, 9));
        assert_int_equal(packet->utc_us, LIVE_US + packet->boot_us);
        assert_true(packet->dts_us > last_dts_us);
        assert_in_range(error_us + 4 * FOOTAGE_INTERVAL_US, 0, 8 * FOOTAGE_INTERVAL_US);
        offset_us = error_us;
        last_dts_us = packet->dts_us;
        rw_packet_unref(packet);
    }
    assert_true(offset_us < FOOTAGE_INTERVAL_US);
    expect_end(source, RW_EEND);
    close_camera(&camera, source);
    sem_destroy(&camera.clicks);
}

static void keeps_time_where_32_bits_of_rtp_time_end(void **state)
{
    (void)state;
    /* one picture exactly at 0, or at the greatest time; where the sign changes; from 0 */
    static const uint32_t STARTS[] = {0 - 6000u * 10, 0xffffffffu - 6000u * 10,
                                      0x7fffff00u - 6000u * 10, 0};
    struct footage_options options = footage_h264();
    struct footage footage;
    footage_make(&footage, &options);
    for (size_t i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++)
        expect_live_times(&footage, STARTS[i]);
    footage_free(&footage);
    options.b_frames = 3;
    footage_make(&footage, &options);
    for (size_t i = 0; i < sizeof STARTS / sizeof STARTS[0]; i++)
        expect_live_times(&footage, STARTS[i]);
    footage_free(&footage);
}

static void begins_with_the_first_keyframe_whose_sets_are_known(void **state)
{
    (void)state;
    struct camera camera = {.sdp = SDP};
    struct footage_options options = footage_h264();
    struct footage footage;
    footage_make(&footage, &options);
    for (int n = 0; n < footage.count; n++) { /* the first keyframe lacks its sets */
        if (n == 15)
            add_sets(&camera, &footage, rtp_time(15));
        add_picture(&camera, &footage, n, rtp_time(n));
    }
    struct rw_source *source = open_camera(&camera);
    struct rw_packet *packet = read_one(source);
    assert_true(packet->keyframe);
    assert_int_equal(packet->camera_us, 1000000);
    rw_packet_unref(packet);
    close_camera(&camera, source);
    footage_free(&footage);
}

static void makes_another_codec_when_the_parameter_sets_change(void **state)
{
    (void)state;
    struct camera camera = {.sdp = SDP};
    struct footage_options options = footage_h264();
    struct footage large, small;
    options.pictures = 3;
    footage_make(&large, &options);
    options.width = 160;
    options.height = 128;
    footage_make(&small, &options);
    for (int n = 0; n < 6; n++) {
        const struct footage *footage = n < 3 ? &large : &small;
        if (n % 3 == 0)
            add_sets(&camera, footage, rtp_time(n));
        add_picture(&camera, footage, n % 3, rtp_time(n));
    }
    struct rw_source *source = open_camera(&camera);
    for (int n = 0; n < 6; n++) {
        struct rw_packet *packet = read_one(source);
        assert_int_equal(rw_codec_width(packet->codec), n < 3 ? 320 : 160);
        assert_int_equal(rw_codec_height(packet->codec), n < 3 ? 240 : 128);
        rw_packet_unref(packet);
    }
    close_camera(&camera, source);
    footage_free(&large);
    footage_free(&small);
}

/* The slice of a picture as one that does not begin it: first_mb_in_slice (H.264, 7.3.3) is not 0.
 */
static void add_second_slice(struct camera *camera, const struct footage *footage, int n,
                             uint32_t time, struct rw_buf *room)
{
    const uint8_t *at;
    struct rw_nal nal = {0};
    rw_buf_add(room, footage->packets[n]->data, footage->packets[n]->size);
    at = room->data;
    while (nal.kind != RW_NAL_SLICE && nal.kind != RW_NAL_KEY_SLICE)
        assert_true(rw_nal_next(RW_CODEC_H264, &at, room->data + room->size, &nal));
    room->data[nal.data - room->data + 1] &= 0x7f;
    camera_add_annexb(camera, room->data, room->size, time);
}

/* Sets come late, with the time of the picture before; and once more between two slices. */
static void gives_parameter_sets_to_the_picture_they_belong_to(void **state)
{
    (void)state;
    struct camera camera = {.sdp = SDP};
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_buf second = {0};
    options.pictures = 16;
    footage_make(&footage, &options);
    add_sets(&camera, &footage, rtp_time(0));
    add_picture(&camera, &footage, 0, rtp_time(0));
    add_picture(&camera, &footage, 1, rtp_time(1));
    int sets = camera.unit_count;
    add_sets(&camera, &footage, rtp_time(1));
    add_picture(&camera, &footage, 15, rtp_time(2));
    add_sets(&camera, &footage, rtp_time(2));
    add_second_slice(&camera, &footage, 15, rtp_time(2), &second);
    struct rw_source *source = open_camera(&camera);
    rw_packet_unref(read_one(source));
    struct rw_packet *packet = read_one(source);
    expect_units(packet, camera.units + sets - 1, 1);
    rw_packet_unref(packet);
    packet = read_one(source);
    assert_true(packet->keyframe);
    expect_units(packet, camera.units + sets, camera.unit_count - sets);
    rw_packet_unref(packet);
    expect_end(source, RW_EEND);
    close_camera(&camera, source);
    rw_buf_finish(&second);
    footage_free(&footage);
}

static void expect_refusal(struct camera *camera, enum rw_code code, const char *words)
{
    struct rw_err err = {0};
    camera_start(camera);
    struct rw_source_options options = options_for(camera);
    assert_null(rw_source_open(&options, &err));
    if (err.code != code || !strstr(err.text, words))
        print_error("%d: %s\n", err.code, err.text);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, words));
    assert_null(strstr(err.text, "hunter2"));
    assert_null(strstr(err.text, "topsecret"));
    camera_stop(camera);
}

static void says_in_a_sentence_what_is_wrong(void **state)
{
    (void)state;
    static const char LOGIN[] =
        "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n";
    struct camera refusing = {.describe = LOGIN};
    expect_refusal(&refusing, RW_EAUTH, "refused the login (user \"viewer\")");
    struct camera empty = {.describe = "RTSP/1.0 404 Not Found\r\n"};
    expect_refusal(&empty, RW_EFORMAT, "has no stream at /live;");
    struct camera busy = {.describe = "RTSP/1.0 453 Not Enough Bandwidth\r\n"};
    expect_refusal(&busy, RW_EBUSY, "allows no further session (it answers 453);");
    struct camera full = {.describe = "RTSP/1.0 503 Service Unavailable\r\n"};
    expect_refusal(&full, RW_EBUSY, "allows no further session (it answers 503);");
    struct camera broken = {.describe = "RTSP/1.0 500 Internal Server Error\r\n"};
    expect_refusal(&broken, RW_ENET, "refused to send /live;");
    struct camera abrupt = {.greeting = ""};
    expect_refusal(&abrupt, RW_ENET, "it may allow no further session:");
    struct camera web = {.greeting = "HTTP/1.0 400 Bad Request\r\nServer: x\r\n\r\n<html>"};
    expect_refusal(&web, RW_EFORMAT, "not in RTSP");
    struct camera shell = {.greeting = "SSH-2.0-OpenSSH_9.2p1\r\n"};
    expect_refusal(&shell, RW_EFORMAT, "not in RTSP");
    struct camera audio = {.sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
                                  "m=audio 0 RTP/AVP 0\r\na=control:track1\r\n"};
    expect_refusal(&audio, RW_EFORMAT, "has no video");
    struct camera jpeg = {.sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\n"
                                 "m=video 0 RTP/AVP 26\r\na=control:track1\r\n"};
    expect_refusal(&jpeg, RW_EFORMAT, "sends mjpeg; set it to H.264 or H.265");
}

static void does_not_follow_a_redirect_to_another_address(void **state)
{
    (void)state;
    struct camera elsewhere = {0};
    int port = 0;
    camera_start(&elsewhere);
    assert_int_equal(sscanf(elsewhere.url, "rtsp://127.0.0.1:%d/", &port), 1);
    char answer[160];
    snprintf(answer, sizeof answer,
             "RTSP/1.0 302 Found\r\nLocation: rtsp://127.0.0.1:%d/@127.0.0.1/\r\n", port);
    struct camera camera = {.describe = answer};
    expect_refusal(&camera, RW_EHOSTILE, "another address");
    /* Not a byte must have been said there. It ends when somebody connects and hangs up: we do. */
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int caller = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(caller, (struct sockaddr *)&address, sizeof address), 0);
    close(caller);
    camera_stop(&elsewhere);
    assert_int_equal(elsewhere.heard, 0);
}

static void ends_any_call_at_the_deadline(void **state)
{
    (void)state;
    struct rw_err err = {0};
    struct camera silent = {.sdp = SDP, .silent_on = "DESCRIBE"};
    camera_start(&silent);
    struct rw_source_options options = options_for(&silent);
    options.open_timeout_ms = 300;
    assert_null(rw_source_open(&options, &err));
    assert_int_equal(err.code, RW_ETIMEOUT);
    assert_non_null(strstr(err.text, "for 0.3 s"));
    camera_stop(&silent);

    struct camera frozen = {.sdp = SDP, .hang = true};
    camera_start(&frozen);
    options = options_for(&frozen);
    options.read_timeout_ms = 300;
    struct rw_source *source = rw_source_open(&options, &err);
    assert_non_null(source);
    assert_null(rw_source_read(source, &err));
    assert_int_equal(err.code, RW_ETIMEOUT);
    assert_string_equal(err.text, "no picture for 0.3 s");
    close_camera(&frozen, source);
}

static void ends_any_call_when_canceled(void **state)
{
    (void)state;
    struct rw_err err = {0};
    struct camera silent = {.silent_on = "DESCRIBE", .cancel = rw_cancel_create()};
    camera_start(&silent);
    struct rw_source_options options = options_for(&silent);
    assert_null(rw_source_open(&options, &err));
    assert_int_equal(err.code, RW_ECANCELED);
    camera_stop(&silent);
    rw_cancel_destroy(silent.cancel);

    struct camera frozen = {.sdp = SDP, .hang = true, .cancel = rw_cancel_create()};
    camera_start(&frozen);
    options = options_for(&frozen);
    struct rw_source *source = rw_source_open(&options, &err);
    if (source) { /* the request may come while the answer to PLAY is read */
        assert_null(rw_source_read(source, &err));
        rw_source_close(source);
    }
    assert_int_equal(err.code, RW_ECANCELED);
    camera_stop(&frozen);
    rw_cancel_destroy(frozen.cancel);
}

static void suffers_noise_for_pictures(void **state)
{
    (void)state;
    struct camera camera = {.sdp = SDP};
    struct footage_options options = footage_h264();
    struct footage footage;
    uint8_t noise[64][97];
    uint32_t seed = 1;
    footage_make(&footage, &options);
    for (int i = 0; i < 64; i++) {
        for (int k = 0; k < 97; k++)
            noise[i][k] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
        camera_add(&camera, noise[i], 97, seed);
    }
    add_sets(&camera, &footage, 5);
    add_picture(&camera, &footage, 0, 5);
    struct rw_source *source = open_camera(&camera);
    struct rw_packet *packet = read_one(source);
    assert_true(packet->keyframe);
    assert_int_equal(rw_codec_width(packet->codec), 320);
    rw_packet_unref(packet);
    close_camera(&camera, source);
    footage_free(&footage);
}

static void expect_url_refused(const char *text, const char *words)
{
    struct rw_url url;
    struct rw_err err = {0};
    assert_int_equal(rw_url_parse(text, &url, &err), -1);
    assert_int_equal(err.code, RW_EINVAL);
    assert_non_null(strstr(err.text, words));
    assert_null(strstr(err.text, "secret"));
}

static void takes_urls_apart_and_refuses_what_is_none(void **state)
{
    (void)state;
    struct rw_url url;
    assert_int_equal(rw_url_parse("rtsp://10.0.0.11/stream1?x=1", &url, NULL), 0);
    assert_string_equal(url.host, "10.0.0.11");
    assert_string_equal(url.port, "554");
    assert_string_equal(url.path, "/stream1");
    assert_int_equal(rw_url_parse("rtsps://[fe80::1]:8554", &url, NULL), 0);
    assert_string_equal(url.host, "fe80::1");
    assert_string_equal(url.port, "8554");
    assert_string_equal(url.path, "/");
    assert_true(url.tls);
    expect_url_refused("http://secret/", "rtsp://");
    expect_url_refused("rtsp://user:secret@host/", "username");
    expect_url_refused("rtsp:///x", "no host");
    expect_url_refused("rtsp://:554/x", "no host");
    expect_url_refused("rtsp://[::1/x", "no host");
    expect_url_refused("rtsp://host:0/", "port");
    expect_url_refused("rtsp://host:65536/", "port");
    expect_url_refused("rtsp://host:5x/", "port");
    expect_url_refused("rtsp://host/a b", "%XX");
}

static void redacts_urls(void **state)
{
    (void)state;
    static const char *const PAIRS[][2] = {
        {"rtsp://user:secret@host/x?y", "rtsp://host/x"},
        {"rtsp://host:554/x/y", "rtsp://host:554/x/y"},
        {"rtsp://user:se/cr@et@host/x", "rtsp://host/x"},
        {"rtsp://host/x?user=a&password=b@c", "rtsp://host/x"},
        {"user:secret@host", "host"},
        {"", ""},
    };
    char out[64];
    for (size_t i = 0; i < sizeof PAIRS / sizeof PAIRS[0]; i++) {
        rw_url_redact(PAIRS[i][0], out);
        assert_string_equal(out, PAIRS[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_picture_byte_for_byte),
        cmocka_unit_test(keeps_time_where_32_bits_of_rtp_time_end),
        cmocka_unit_test(begins_with_the_first_keyframe_whose_sets_are_known),
        cmocka_unit_test(makes_another_codec_when_the_parameter_sets_change),
        cmocka_unit_test(gives_parameter_sets_to_the_picture_they_belong_to),
        cmocka_unit_test(says_in_a_sentence_what_is_wrong),
        cmocka_unit_test(does_not_follow_a_redirect_to_another_address),
        cmocka_unit_test(ends_any_call_at_the_deadline),
        cmocka_unit_test(ends_any_call_when_canceled),
        cmocka_unit_test(suffers_noise_for_pictures),
        cmocka_unit_test(takes_urls_apart_and_refuses_what_is_none),
        cmocka_unit_test(redacts_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
