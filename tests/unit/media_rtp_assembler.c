/* Datagrams become access units, whatever cameras and networks do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/nal.h"
#include "media/rtsp/rtp.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define START "\0\0\0\1"

/* H.264: the first bit behind a slice's header says that it begins a picture. */
#define SPS "\x67\x42\x00\x1e"
#define PPS "\x68\xce\x38\x80"
#define SEI "\x06\x05\x01\x11"
#define DELIMITER "\x09\x30"
#define IDR "\x65\x88\x84\x21"
#define IDR_MORE "\x65\x08\x84\x22" /* a further slice of one */
#define P "\x41\x9a\x24\x6c"
#define P_MORE "\x41\x1a\x24\x6d"
#define FU_S "\x7c\x85" /* an IDR in fragments: its beginning, middle and end */
#define FU_M "\x7c\x05"
#define FU_E "\x7c\x45"
#define FU_SE "\x7c\xc5"

enum { MARKER = 1, MOST = 4096 };

struct camera {
    struct rw_rtp_assembler *assembler;
    struct rw_rtp_packet packet; /* the next one's header */
};

static struct camera begin(enum rw_codec_id codec)
{
    return (struct camera){.assembler = rw_rtp_assembler_create(codec, MOST),
                           .packet = {.sequence = 65533, .ssrc = 7}};
}

static void finish(struct camera *camera)
{
    struct rw_rtp_unit unit;
    assert_false(rw_rtp_assembler_take(camera->assembler, &unit));
    rw_rtp_assembler_destroy(camera->assembler);
}

/* In memory of its very size, so that a sanitizer sees a byte read beyond it. */
static int try_send(struct camera *camera, uint32_t time, int marker, const uint8_t *data,
                    size_t size, struct rw_err *err)
{
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, data, size);
    camera->packet.timestamp = time;
    camera->packet.marker = marker == MARKER;
    camera->packet.data = exact;
    camera->packet.size = size;
    int rc = rw_rtp_assembler_add(camera->assembler, &camera->packet, err);
    camera->packet.sequence++;
    free(exact);
    return rc;
}

static void send(struct camera *camera, uint32_t time, int marker, const uint8_t *data, size_t size)
{
    struct rw_err err = {0};
    assert_int_equal(try_send(camera, time, marker, data, size, &err), 0);
}

static struct rw_rtp_unit take(struct camera *camera)
{
    struct rw_rtp_unit unit = {0};
    assert_true(rw_rtp_assembler_take(camera->assembler, &unit));
    return unit;
}

static void expect(struct camera *camera, int64_t ticks, const uint8_t *data, size_t size)
{
    struct rw_rtp_unit unit = take(camera);
    assert_int_equal(unit.ticks, ticks);
    assert_int_equal(unit.size, size);
    assert_memory_equal(unit.data, data, size);
    assert_false(unit.damaged);
}

static void expect_damaged(struct camera *camera, int64_t ticks, const uint8_t *data, size_t size)
{
    struct rw_rtp_unit unit = take(camera);
    assert_int_equal(unit.ticks, ticks);
    assert_int_equal(unit.size, size);
    assert_memory_equal(unit.data, data, size);
    assert_true(unit.damaged);
}

static void expect_none(struct camera *camera)
{
    struct rw_rtp_unit unit;
    assert_false(rw_rtp_assembler_take(camera->assembler, &unit));
}

/* So that the marker is trusted from now on. */
static void prove_marker(struct camera *camera, uint32_t time)
{
    send(camera, time, MARKER, BYTES(IDR));
    send(camera, time + 1, MARKER, BYTES(P));
    expect(camera, time, BYTES(START IDR));
    expect(camera, time + 1, BYTES(START P));
}

static void reads_headers_with_all_that_may_stand_in_them(void **state)
{
    (void)state;
    struct rw_rtp_packet packet;
    static const uint8_t PLAIN[] = "\x80\xe0\x12\x34\x01\x02\x03\x04\x05\x06\x07\x08xyz";
    assert_true(rw_rtp_parse(PLAIN, 15, &packet));
    assert_int_equal(packet.sequence, 0x1234);
    assert_int_equal(packet.timestamp, 0x01020304);
    assert_int_equal(packet.ssrc, 0x05060708);
    assert_int_equal(packet.payload_type, 96);
    assert_true(packet.marker);
    assert_int_equal(packet.size, 3);
    assert_memory_equal(packet.data, "xyz", 3);
    /* two contributing sources, an extension of one word, two bytes of padding */
    static const uint8_t FULL[] = "\xb2\x60\0\1\0\0\0\2\0\0\0\3"
                                  "aaaabbbb\xbe\xde\0\1ccccxyz\0\2";
    assert_true(rw_rtp_parse(FULL, sizeof FULL - 1, &packet));
    assert_false(packet.marker);
    assert_int_equal(packet.size, 3);
    assert_memory_equal(packet.data, "xyz", 3);
    assert_true(rw_rtp_parse(PLAIN, 12, &packet));
    assert_int_equal(packet.size, 0);
}

static void refuses_headers_that_promise_more_than_there_is(void **state)
{
    (void)state;
    struct rw_rtp_packet packet;
    for (int first = 0; first < 256; first++) {
        for (size_t size = 0; size < 40; size++) {
            uint8_t *exact = malloc(size ? size : 1);
            assert_non_null(exact);
            memset(exact, 0, size);
            if (size)
                exact[0] = (uint8_t)first;
            size_t fixed = 12 + 4u * (first & 15), extension = first & 16 ? 4 : 0;
            bool right = first >> 6 == 2 && size >= fixed + extension;
            assert_int_equal(rw_rtp_parse(exact, size, &packet), right);
            free(exact);
        }
    }
    static const uint8_t PADDED[] = "\xa0\x60\0\0\0\0\0\0\0\0\0\0x\3";
    assert_false(rw_rtp_parse(PADDED, 14, &packet));
    static const uint8_t EXTENDED[] = "\x90\x60\0\0\0\0\0\0\0\0\0\0\0\0\0\2xxxxxxx";
    assert_false(rw_rtp_parse(EXTENDED, 23, &packet));
}

static void ends_a_picture_with_the_next_time(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 90, 0, BYTES(SPS));
    send(&camera, 90, 0, BYTES(PPS));
    send(&camera, 90, 0, BYTES(IDR));
    send(&camera, 90, 0, BYTES(IDR_MORE));
    expect_none(&camera);
    send(&camera, 91, 0, BYTES(P));
    expect(&camera, 90, BYTES(START SPS START PPS START IDR START IDR_MORE));
    expect_none(&camera);
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 91, BYTES(START P));
    finish(&camera);
}

static void ends_a_picture_at_once_where_the_marker_is_right(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, MARKER, BYTES(SPS)); /* before any slice it says nothing */
    send(&camera, 3, 0, BYTES(IDR));
    expect_none(&camera);
    send(&camera, 3, MARKER, BYTES(IDR_MORE));
    expect(&camera, 3, BYTES(START SPS START IDR START IDR_MORE));
    /* now and then it is missing: then both pictures are whole at once */
    send(&camera, 4, 0, BYTES(P));
    expect_none(&camera);
    send(&camera, 5, MARKER, BYTES(P));
    expect(&camera, 4, BYTES(START P));
    expect(&camera, 5, BYTES(START P));
    finish(&camera);
}

/* The first picture is the one that all others rest on: no marker is trusted before it was seen to
 * be right. */
static void never_cuts_the_first_picture_of_a_camera_whose_marker_lies(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    for (uint32_t time = 1; time < 5; time++) {
        send(&camera, time, MARKER, BYTES(SPS));
        if (time > 1)
            expect(&camera, time - 1, BYTES(START SPS START IDR START IDR_MORE));
        send(&camera, time, MARKER, BYTES(IDR));
        send(&camera, time, MARKER, BYTES(IDR_MORE));
        expect_none(&camera);
    }
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 4, BYTES(START SPS START IDR START IDR_MORE));
    finish(&camera);
}

static void finds_out_a_marker_that_lies_later(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, MARKER, BYTES(IDR));
    expect(&camera, 3, BYTES(START IDR));
    send(&camera, 3, MARKER, BYTES(IDR_MORE)); /* the picture was not over */
    expect_none(&camera);
    send(&camera, 4, MARKER, BYTES(IDR));
    expect_damaged(&camera, 3, BYTES(START IDR_MORE));
    send(&camera, 4, MARKER, BYTES(IDR_MORE));
    expect_none(&camera);
    send(&camera, 5, MARKER, BYTES(P));
    expect(&camera, 4, BYTES(START IDR START IDR_MORE));
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 5, BYTES(START P));
    finish(&camera);
}

static void finds_out_a_marker_on_every_datagram(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, MARKER, BYTES(FU_S "\x88"));
    send(&camera, 3, MARKER, BYTES(FU_M "m"));
    send(&camera, 3, MARKER, BYTES(FU_E "e"));
    expect_none(&camera);
    send(&camera, 4, MARKER, BYTES(P));
    expect(&camera, 3, BYTES(START "\x65\x88me"));
    expect_none(&camera);
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 4, BYTES(START P));
    finish(&camera);
}

static void gives_trailing_sets_to_the_next_picture(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 1, 0, BYTES(IDR));
    send(&camera, 1, 0, BYTES(SEI)); /* stays: nothing tells whose it is */
    send(&camera, 1, 0, BYTES(DELIMITER));
    send(&camera, 1, 0, BYTES(SPS));
    send(&camera, 1, 0, BYTES(PPS));
    send(&camera, 2, 0, BYTES(IDR));
    expect(&camera, 1, BYTES(START IDR START SEI));
    send(&camera, 3, 0, BYTES(P));
    expect(&camera, 2, BYTES(START DELIMITER START SPS START PPS START IDR));
    send(&camera, 3, 0, BYTES(SPS));
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 3, BYTES(START P));
    finish(&camera);
}

static void gives_sets_behind_a_marker_to_the_next_picture(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, MARKER, BYTES(P));
    expect(&camera, 3, BYTES(START P));
    send(&camera, 3, 0, BYTES(SPS));
    send(&camera, 3, MARKER, BYTES(PPS));
    expect_none(&camera);
    send(&camera, 4, 0, BYTES(IDR));
    send(&camera, 4, 0, BYTES(SPS)); /* and with the marker behind them */
    expect_none(&camera);
    send(&camera, 4, MARKER, BYTES(PPS));
    expect(&camera, 4, BYTES(START SPS START PPS START IDR));
    send(&camera, 5, MARKER, BYTES(IDR));
    expect(&camera, 5, BYTES(START SPS START PPS START IDR));
    finish(&camera);
}

static void keeps_sets_between_the_slices_of_one_picture(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 1, 0, BYTES(SPS));
    send(&camera, 1, 0, BYTES(IDR));
    send(&camera, 1, 0, BYTES(SPS));
    send(&camera, 1, 0, BYTES(PPS));
    send(&camera, 1, 0, BYTES(IDR_MORE));
    send(&camera, 2, 0, BYTES(P));
    expect(&camera, 1, BYTES(START SPS START IDR START SPS START PPS START IDR_MORE));
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 2, BYTES(START P));
    finish(&camera);
}

static void sets_alone_wait_for_their_picture(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 1, MARKER, BYTES(SPS));
    send(&camera, 2, MARKER, BYTES(PPS));
    send(&camera, 3, 0, BYTES(IDR));
    send(&camera, 4, 0, BYTES(P));
    expect(&camera, 3, BYTES(START SPS START PPS START IDR));
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 4, BYTES(START P));
    send(&camera, 5, 0, BYTES(SPS));
    rw_rtp_assembler_end(camera.assembler); /* no slice, no unit */
    finish(&camera);
}

static void tells_pictures_apart_while_the_camera_s_clock_stands(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 1, 0, BYTES(IDR));
    send(&camera, 1, 0, BYTES(IDR_MORE));
    send(&camera, 1, 0, BYTES(P));
    expect(&camera, 1, BYTES(START IDR START IDR_MORE));
    send(&camera, 1, 0, BYTES(SPS));
    send(&camera, 1, 0, BYTES("\x18\0\4" PPS "\0\4" IDR "\0\4" P));
    expect(&camera, 1, BYTES(START P));
    expect_none(&camera); /* of one datagram the first slice alone */
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 1, BYTES(START SPS START PPS START IDR START P));
    finish(&camera);
}

static void takes_fragments_and_aggregates_of_h264(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, 0, BYTES("\x18\0\4" SPS "\0\4" PPS "\0\0"));
    send(&camera, 3, 0,
         BYTES(FU_S "\x88"
                    "1"));
    send(&camera, 3, 0, BYTES(FU_M "2"));
    send(&camera, 3, 0, BYTES(FU_M));
    send(&camera, 3, MARKER, BYTES(FU_E "3"));
    expect(&camera, 3,
           BYTES(START SPS START PPS START "\x65\x88"
                                           "123"));
    send(&camera, 4, MARKER,
         BYTES(FU_SE "\x88"
                     "1"));
    expect(&camera, 4,
           BYTES(START "\x65\x88"
                       "1"));
    send(&camera, 5, 0,
         BYTES("\x5c\x81\x9a"
               "1")); /* a P slice, of another importance */
    send(&camera, 5, MARKER,
         BYTES("\x5c\x41"
               "2"));
    expect(&camera, 5,
           BYTES(START "\x41\x9a"
                       "12"));
    assert_int_equal(rw_rtp_assembler_lost(camera.assembler), 0);
    finish(&camera);
}

static void takes_fragments_and_aggregates_of_hevc(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_HEVC);
    /* VPS, SPS and PPS in one, an IDR in three fragments, a P slice of two */
    send(&camera, 1, 0, BYTES("\x60\1\0\3\x40\1v\0\3\x42\1s\0\3\x44\1p"));
    send(&camera, 1, 0,
         BYTES("\x62\1\x93\x80"
               "1"));
    send(&camera, 1, 0,
         BYTES("\x62\1\x13"
               "2"));
    send(&camera, 1, MARKER,
         BYTES("\x62\1\x53"
               "3"));
    expect_none(&camera);
    send(&camera, 2, 0,
         BYTES("\2\1\x80"
               "a"));
    expect(&camera, 1,
           BYTES(START "\x40\1v" START "\x42\1s" START "\x44\1p" START "\x26\1\x80"
                       "123"));
    send(&camera, 2, MARKER, BYTES("\2\1\1b"));
    expect(&camera, 2,
           BYTES(START "\2\1\x80"
                       "a" START "\2\1\1b"));
    send(&camera, 2, 0, BYTES("\x42\1s")); /* the next picture's */
    send(&camera, 3, 0,
         BYTES("\2\1\x80"
               "a"));
    send(&camera, 3, 0,
         BYTES("\2\x09\x80"
               "b")); /* a further layer of it */
    expect_none(&camera);
    send(&camera, 3, MARKER,
         BYTES("\2\0\x80"
               "c")); /* no slice: there is no such temporal id */
    expect(&camera, 3,
           BYTES(START "\x42\1s" START "\2\1\x80"
                       "a" START "\2\x09\x80"
                       "b" START "\2\0\x80"
                       "c"));
    finish(&camera);
}

static void leaves_out_the_unit_that_lost_a_fragment(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, 0, BYTES(IDR));
    send(&camera, 3, 0,
         BYTES(FU_S "\x08"
                    "1"));
    camera.packet.sequence += 2;
    send(&camera, 3, 0, BYTES(FU_E "4")); /* the end of another one, for all that is known */
    send(&camera, 3, MARKER, BYTES(IDR_MORE));
    expect_damaged(&camera, 3, BYTES(START IDR START IDR_MORE));
    assert_int_equal(rw_rtp_assembler_lost(camera.assembler), 2);
    send(&camera, 4, 0, BYTES(FU_S "\x88"));
    send(&camera, 4, MARKER, BYTES(FU_E "1"));
    expect(&camera, 4,
           BYTES(START "\x65\x88"
                       "1"));
    finish(&camera);
}

static void a_hole_between_two_pictures_damages_both(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 1, 0, BYTES(IDR));
    camera.packet.sequence++;
    send(&camera, 2, 0, BYTES(P));
    expect_damaged(&camera, 1, BYTES(START IDR));
    send(&camera, 3, 0, BYTES(P));
    expect_damaged(&camera, 2, BYTES(START P));
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, 3, BYTES(START P));
    finish(&camera);
}

static void a_hole_behind_the_marker_damages_the_next_alone(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    camera.packet.sequence++;
    send(&camera, 4, MARKER, BYTES(P));
    expect_damaged(&camera, 4, BYTES(START P));
    /* a picture that lost all its slices is the hole before the next */
    send(&camera, 5, 0, BYTES(FU_S "\x88"));
    camera.packet.sequence++;
    send(&camera, 6, MARKER, BYTES(P));
    expect_damaged(&camera, 6, BYTES(START P));
    send(&camera, 7, MARKER, BYTES(P));
    expect(&camera, 7, BYTES(START P));
    assert_int_equal(rw_rtp_assembler_lost(camera.assembler), 2);
    finish(&camera);
}

static void fragments_without_end_or_beginning_are_suffered(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    send(&camera, 1, 0, BYTES(FU_M "x")); /* joined in the midst of it */
    send(&camera, 1, 0, BYTES(FU_E "x"));
    send(&camera, 2, 0,
         BYTES(FU_S "\x88"
                    "1"));
    send(&camera, 2, 0, BYTES(FU_M "2")); /* nothing is missing, but the bit that says the end */
    send(&camera, 3, 0, BYTES(FU_M "x")); /* another picture's */
    expect_damaged(&camera, 2,
                   BYTES(START "\x65\x88"
                               "12"));
    send(&camera, 4, 0, BYTES(P));
    send(&camera, 5, 0,
         BYTES(FU_S "\x88"
                    "1"));
    expect_damaged(&camera, 4, BYTES(START P));
    rw_rtp_assembler_end(camera.assembler); /* nobody knows how much more there was */
    finish(&camera);
}

static void a_repeated_datagram_is_passed_over(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, 0,
         BYTES(FU_S "\x88"
                    "1"));
    camera.packet.sequence--;
    send(&camera, 3, 0,
         BYTES(FU_S "\x88"
                    "1"));
    camera.packet.sequence -= 4;
    send(&camera, 1, MARKER, BYTES(P));
    camera.packet.sequence += 3;
    send(&camera, 3, MARKER, BYTES(FU_E "2"));
    expect(&camera, 3,
           BYTES(START "\x65\x88"
                       "12"));
    assert_int_equal(rw_rtp_assembler_lost(camera.assembler), 0);
    finish(&camera);
}

static void a_jump_in_the_numbers_or_another_source_begins_anew(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    for (int round = 0; round < 2; round++) {
        send(&camera, 1, 0, BYTES(IDR));
        send(&camera, 1, 0, BYTES(FU_S "\x08"));
        if (round)
            camera.packet.ssrc++;
        else
            camera.packet.sequence += 20000;
        send(&camera, 2, 0, BYTES(FU_E "x"));
        if (round)
            expect_damaged(&camera, 1, BYTES(START IDR));
        send(&camera, 3, 0, BYTES(P)); /* one datagram alone would be a stray */
        if (!round)
            expect_damaged(&camera, 1, BYTES(START IDR));
        send(&camera, 4, 0, BYTES(P));
        expect_damaged(&camera, 3, BYTES(START P));
        rw_rtp_assembler_end(camera.assembler);
        expect(&camera, 4, BYTES(START P));
        rw_rtp_assembler_destroy(camera.assembler);
        camera = begin(RW_CODEC_H264);
    }
    assert_int_equal(rw_rtp_assembler_lost(camera.assembler), 0);
    finish(&camera);
}

static void unwraps_time_on_both_sides(void **state)
{
    (void)state;
    static const uint32_t TIMES[] = {0xffffff00u, 0x100, 0xffffff80u, 0x200, 0x80000100u, 0xf0};
    static const int64_t TICKS[] = {0xffffff00,  0x100000100, 0xffffff80,
                                    0x100000200, 0x180000100, 0x2000000f0};
    enum { COUNT = sizeof TIMES / sizeof *TIMES };
    struct camera camera = begin(RW_CODEC_H264);
    for (int i = 0; i < COUNT; i++) {
        send(&camera, TIMES[i], 0, BYTES(P));
        if (i)
            expect(&camera, TICKS[i - 1], BYTES(START P));
    }
    rw_rtp_assembler_end(camera.assembler);
    expect(&camera, TICKS[COUNT - 1], BYTES(START P));
    finish(&camera);
}

static void passes_over_what_means_nothing_and_marks_what_it_cannot_read(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    send(&camera, 3, 0, BYTES(""));
    send(&camera, 3, 0, BYTES("\0"));
    send(&camera, 3, 0,
         BYTES("\x1f"
               "abc"));
    send(&camera, 3, MARKER, BYTES(P));
    expect(&camera, 3, BYTES(START P));
    static const char *const LOSSES[] = {"\x19\0\0\0\1\x41",
                                         "\x1a\0\0\0\0",
                                         "\x1b\0",
                                         "\x1d\x81\0\0x",
                                         "\x1c",
                                         "\x1c\x9c"
                                         "x",
                                         "\x18\0\2\x18\x41"};
    static const size_t SIZES[] = {6, 5, 2, 5, 1, 3, 5};
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        send(&camera, 10 + (uint32_t)i, 0, (const uint8_t *)LOSSES[i], SIZES[i]);
        send(&camera, 10 + (uint32_t)i, MARKER, BYTES(P));
        expect_damaged(&camera, 10 + (int64_t)i, BYTES(START P));
    }
    send(&camera, 30, MARKER, BYTES("\x18\0\4" P "\0\5" P_MORE)); /* a size beyond the end */
    expect_damaged(&camera, 30, BYTES(START P));
    send(&camera, 31, MARKER, BYTES("\x18\0\4" P "\0"));
    expect_damaged(&camera, 31, BYTES(START P));
    finish(&camera);
}

static void a_picture_larger_than_the_bound_is_refused_and_the_next_is_taken(void **state)
{
    (void)state;
    struct camera camera = begin(RW_CODEC_H264);
    prove_marker(&camera, 1);
    static const uint8_t HUGE_ONE[MOST - 4] = {0x65, 0x88};
    send(&camera, 3, MARKER, HUGE_ONE, sizeof HUGE_ONE);
    assert_int_equal(take(&camera).size, MOST);
    struct rw_err err = {0};
    int taken = 0;
    while (!try_send(&camera, 4, 0, BYTES("\x65"), &err)) /* a flood of tiny slices */
        assert_in_range(++taken, 1, MOST / 5);
    assert_int_equal(taken, MOST / 5);
    assert_true(err.code == RW_EFORMAT || err.code == RW_EHOSTILE);
    assert_string_equal(err.text, "the camera sent a picture larger than 4 KiB");
    expect_none(&camera);
    send(&camera, 5, MARKER, BYTES(IDR));
    expect_damaged(&camera, 5, BYTES(START IDR));
    finish(&camera);
}

static uint32_t noise(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* A unit is within its bound and has a slice that others find too. */
static void check_unit(enum rw_codec_id codec, const struct rw_rtp_unit *unit)
{
    assert_in_range(unit->size, 5, MOST);
    assert_memory_equal(unit->data, START, 4);
    assert_true(rw_nal_summarize(codec, unit->data, unit->size).picture);
}

static void suffers_any_datagrams(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (enum rw_codec_id codec = RW_CODEC_H264; codec <= RW_CODEC_HEVC; codec++) {
        struct camera camera = begin(codec);
        int units = 0;
        for (int round = 0; round < 50000; round++) {
            uint8_t data[48];
            size_t size = noise(&seed) % sizeof data;
            for (size_t i = 0; i < size; i++)
                data[i] = noise(&seed) & 1 ? (uint8_t)noise(&seed) : (uint8_t)(noise(&seed) & 0x85);
            camera.packet.sequence = (uint16_t)(camera.packet.sequence + !(noise(&seed) % 8));
            struct rw_err err = {0};
            uint32_t time = (uint32_t)round / 7;
            (void)try_send(&camera, time, noise(&seed) % 4 == 0, data, size, &err);
            struct rw_rtp_unit unit;
            for (int i = 0; rw_rtp_assembler_take(camera.assembler, &unit); i++, units++) {
                assert_in_range(i, 0, 1);
                check_unit(codec, &unit);
            }
        }
        assert_true(units > 1000);
        rw_rtp_assembler_destroy(camera.assembler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_headers_with_all_that_may_stand_in_them),
        cmocka_unit_test(refuses_headers_that_promise_more_than_there_is),
        cmocka_unit_test(ends_a_picture_with_the_next_time),
        cmocka_unit_test(ends_a_picture_at_once_where_the_marker_is_right),
        cmocka_unit_test(never_cuts_the_first_picture_of_a_camera_whose_marker_lies),
        cmocka_unit_test(finds_out_a_marker_that_lies_later),
        cmocka_unit_test(finds_out_a_marker_on_every_datagram),
        cmocka_unit_test(gives_trailing_sets_to_the_next_picture),
        cmocka_unit_test(gives_sets_behind_a_marker_to_the_next_picture),
        cmocka_unit_test(keeps_sets_between_the_slices_of_one_picture),
        cmocka_unit_test(sets_alone_wait_for_their_picture),
        cmocka_unit_test(tells_pictures_apart_while_the_camera_s_clock_stands),
        cmocka_unit_test(takes_fragments_and_aggregates_of_h264),
        cmocka_unit_test(takes_fragments_and_aggregates_of_hevc),
        cmocka_unit_test(leaves_out_the_unit_that_lost_a_fragment),
        cmocka_unit_test(a_hole_between_two_pictures_damages_both),
        cmocka_unit_test(a_hole_behind_the_marker_damages_the_next_alone),
        cmocka_unit_test(fragments_without_end_or_beginning_are_suffered),
        cmocka_unit_test(a_repeated_datagram_is_passed_over),
        cmocka_unit_test(a_jump_in_the_numbers_or_another_source_begins_anew),
        cmocka_unit_test(unwraps_time_on_both_sides),
        cmocka_unit_test(passes_over_what_means_nothing_and_marks_what_it_cannot_read),
        cmocka_unit_test(a_picture_larger_than_the_bound_is_refused_and_the_next_is_taken),
        cmocka_unit_test(suffers_any_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
