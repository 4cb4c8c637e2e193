/* Annex B, as cameras and enemies send it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/nal.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define START "\0\0\0\1"

/* H.264 headers and enough behind them to be told apart. */
#define SPS "\x67\x42\x00\x1e"
#define PPS "\x68\xce\x38\x80"
#define IDR "\x65\x88\x84\x21"
#define P_SLICE "\x41\x9a\x24\x6c"      /* first_mb 0, slice_type 5 (P) */
#define I_SLICE "\x41\x88\x84\x21"      /* first_mb 0, slice_type 7 (I) */
#define RECOVERY "\x06\x06\x01\xc4\x80" /* recovery_frame_cnt 0 */
#define DELIMITER "\x09\x30"

static struct rw_nal_summary h264(const uint8_t *data, size_t size)
{
    return rw_nal_summarize(RW_CODEC_H264, data, size);
}

static void tells_keyframes_of_h264(void **state)
{
    (void)state;
    assert_true(h264(BYTES(START SPS START PPS START IDR)).keyframe);
    assert_true(h264(BYTES(START IDR)).keyframe);
    assert_true(h264(BYTES(START DELIMITER START RECOVERY START I_SLICE)).keyframe);
    assert_true(h264(BYTES(START SPS START PPS START I_SLICE)).keyframe);
    assert_false(h264(BYTES(START I_SLICE)).keyframe);
    assert_false(h264(BYTES(START P_SLICE)).keyframe);
    assert_false(h264(BYTES(START SPS START PPS START P_SLICE)).keyframe);
    assert_false(h264(BYTES(START SPS START PPS)).keyframe);
    assert_false(h264(BYTES(START P_SLICE START IDR)).keyframe);
}

static void tells_keyframes_of_hevc(void **state)
{
    (void)state;
    for (int type = 0; type < 64; type++) {
        uint8_t unit[8] = {0, 0, 1, (uint8_t)(type << 1), 1, 0x80, 0x80, 0x80};
        struct rw_nal_summary summary = rw_nal_summarize(RW_CODEC_HEVC, unit, sizeof unit);
        assert_int_equal(summary.picture, type < 24);
        assert_int_equal(summary.keyframe, type >= 16 && type < 24);
        assert_int_equal(summary.has_sets, type >= 32 && type <= 34);
    }
}

static bool disposable(enum rw_codec_id codec, const uint8_t *data, size_t size)
{
    return rw_nal_disposable(codec, data, size);
}

static void knows_what_no_other_picture_needs(void **state)
{
    (void)state;
    assert_true(disposable(RW_CODEC_H264, BYTES(START DELIMITER START "\x01\x9a\x24\x6c")));
    assert_false(disposable(RW_CODEC_H264, BYTES(START DELIMITER START P_SLICE)));
    assert_false(disposable(RW_CODEC_H264, BYTES(START SPS START PPS START IDR)));
    assert_false(disposable(RW_CODEC_H264, BYTES(START DELIMITER)));
    assert_false(disposable(RW_CODEC_H264, BYTES("\x01\x9a\x24\x6c"))); /* no start code */
    for (int type = 0; type < 64; type++) {
        uint8_t unit[8] = {0, 0, 1, (uint8_t)(type << 1), 1, 0x80, 0x80, 0x80};
        assert_int_equal(disposable(RW_CODEC_HEVC, unit, sizeof unit), type < 16 && type % 2 == 0);
    }
}

static void sees_what_is_a_picture(void **state)
{
    (void)state;
    assert_true(h264(BYTES(START P_SLICE)).picture);
    assert_false(h264(BYTES(START SPS START PPS)).picture);
    assert_true(h264(BYTES(START SPS START PPS)).has_sets);
    assert_false(h264(BYTES("")).picture);
    assert_false(h264(BYTES("\0\0\0")).picture);
    assert_false(h264(BYTES("\0\0\1")).picture);
    assert_true(h264(BYTES("\0\0\1\x41")).picture);
    assert_false(h264(BYTES("\1\1\1\x41\x41\1")).picture);
}

static void knows_sets_again_in_any_order_and_with_zeros_behind(void **state)
{
    (void)state;
    static const char KNOWN[] = START SPS START PPS;
    const uint8_t *known = (const uint8_t *)KNOWN;
    size_t size = sizeof KNOWN - 1;
    assert_true(rw_nal_sets_known(RW_CODEC_H264, BYTES(START IDR), known, size));
    assert_true(rw_nal_sets_known(RW_CODEC_H264, BYTES("\0\0\1" PPS "\0\0\0" START SPS START IDR),
                                  known, size));
    assert_true(
        rw_nal_sets_known(RW_CODEC_H264, BYTES(START PPS START PPS START IDR), known, size));
    assert_false(
        rw_nal_sets_known(RW_CODEC_H264, BYTES(START SPS "\1" START PPS START IDR), known, size));
    assert_false(rw_nal_sets_known(RW_CODEC_H264, BYTES(START SPS START IDR), NULL, 0));
}

static void merges_sets_in_the_order_that_decoders_want(void **state)
{
    (void)state;
    struct rw_buf out = {0};
    assert_true(rw_nal_sets_merge(RW_CODEC_H264, BYTES(START PPS START SPS START SPS START IDR),
                                  NULL, 0, &out));
    assert_int_equal(out.size, sizeof(START SPS START PPS) - 1);
    assert_memory_equal(out.data, START SPS START PPS, out.size);
    rw_buf_clear(&out);
    /* a new SPS, the PPS known before */
    assert_true(rw_nal_sets_merge(RW_CODEC_H264, BYTES(START SPS "\1" START IDR),
                                  BYTES(START SPS START PPS), &out));
    assert_int_equal(out.size, sizeof(START SPS "\1" START PPS) - 1);
    assert_memory_equal(out.data, START SPS "\1" START PPS, out.size);
    rw_buf_clear(&out);
    assert_false(rw_nal_sets_merge(RW_CODEC_H264, BYTES(START SPS START IDR), NULL, 0, &out));
    assert_false(rw_nal_sets_merge(RW_CODEC_HEVC, BYTES(START SPS START PPS), NULL, 0, &out));
    rw_buf_finish(&out);
}

static void keeps_sets_within_bounds(void **state)
{
    (void)state;
    struct rw_buf in = {0}, out = {0};
    for (int i = 0; i < 20000; i++) {
        uint8_t unit[8] = {0, 0, 1, 0x67, (uint8_t)i, (uint8_t)(i >> 8), 1, 0x80};
        rw_buf_add(&in, unit, sizeof unit);
    }
    rw_buf_add(&in, BYTES(START PPS START IDR));
    (void)rw_nal_sets_merge(RW_CODEC_H264, in.data, in.size, NULL, 0, &out);
    assert_true(out.size < 20 * 1024);
    rw_buf_finish(&in);
    rw_buf_finish(&out);
}

static void suffers_any_bytes(void **state)
{
    (void)state;
    uint32_t noise = 1;
    for (int round = 0; round < 20000; round++) {
        uint8_t data[64];
        size_t size = round % (sizeof data + 1);
        for (size_t i = 0; i < size; i++) {
            noise = noise * 1664525u + 1013904223u;
            data[i] = noise >> 24 & 3 ? (uint8_t)(noise >> 31) : (uint8_t)(noise >> 16);
        }
        struct rw_buf exact = {0}; /* on the heap, so that a sanitizer sees its end */
        struct rw_buf out = {0};
        rw_buf_add(&exact, data, size);
        for (enum rw_codec_id id = RW_CODEC_H264; id <= RW_CODEC_HEVC; id++) {
            const uint8_t *at = exact.data;
            struct rw_nal nal;
            int units = 0;
            while (size > 0 && rw_nal_next(id, &at, exact.data + size, &nal)) {
                assert_in_range(nal.size, 1, size);
                assert_in_range(++units, 1, size);
            }
            rw_buf_clear(&out);
            (void)rw_nal_summarize(id, exact.data, size);
            (void)rw_nal_sets_merge(id, exact.data, size, exact.data, size, &out);
            assert_true(rw_nal_sets_known(id, exact.data, size, exact.data, size));
        }
        rw_buf_finish(&exact);
        rw_buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_keyframes_of_h264),
        cmocka_unit_test(tells_keyframes_of_hevc),
        cmocka_unit_test(knows_what_no_other_picture_needs),
        cmocka_unit_test(sees_what_is_a_picture),
        cmocka_unit_test(knows_sets_again_in_any_order_and_with_zeros_behind),
        cmocka_unit_test(merges_sets_in_the_order_that_decoders_want),
        cmocka_unit_test(keeps_sets_within_bounds),
        cmocka_unit_test(suffers_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
