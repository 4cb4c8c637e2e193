/* What the muxer writes, read back box by box and by libavformat. */
#include <stdio.h>
#include <unistd.h>

#include "media/mux.h"
#include "media/source.h"
#include "media_footage.h"

struct file {
    struct rw_buf init, fragments, whole;
    int64_t duration_us[FOOTAGE_MAX];
    int sizes[FOOTAGE_MAX]; /* of the fragments */
    int count;
};

static void file_finish(struct file *file)
{
    rw_buf_finish(&file->init);
    rw_buf_finish(&file->fragments);
    rw_buf_finish(&file->whole);
}

/* The boxes at the top, as "ftyp moov ". */
static const char *boxes(const uint8_t *data, size_t size, char text[256])
{
    size_t at = 0;
    text[0] = '\0';
    while (at + 8 <= size && strlen(text) < 240) {
        strncat(text, (const char *)data + at + 4, 4);
        strcat(text, " ");
        assert_true(rw_get_be32(data + at) >= 8);
        at += rw_get_be32(data + at);
    }
    assert_int_equal(at, size);
    return text;
}

static void add_box(struct rw_buf *out, const char *type, size_t size, int filler)
{
    uint8_t *at = rw_buf_grow(out, size);
    memset(at, filler, size);
    rw_put_be32(at, (uint32_t)size);
    memcpy(at + 4, type, 4);
}

/* Muxes all packets, five to a fragment, a uuid box of noise before each, and much free at the end,
 * as a slot of the ring has them. */
static void mux_all(const struct footage *footage, struct file *file)
{
    struct rw_err err = {0};
    memset(file->sizes, 0, sizeof file->sizes);
    struct rw_mux *mux = rw_mux_create(footage->codec, &file->init, &err);
    assert_non_null(mux);
    rw_buf_add(&file->whole, file->init.data, file->init.size);
    for (int i = 0; i < footage->count; i++) {
        assert_int_equal(rw_mux_add(mux, footage->packets[i], file->duration_us[i], &err), 0);
        if (i % 5 < 4 && i + 1 < footage->count)
            continue;
        rw_buf_clear(&file->fragments);
        assert_int_equal(rw_mux_flush(mux, &file->fragments, &err), 0);
        file->sizes[file->count++] = (int)file->fragments.size;
        add_box(&file->whole, "uuid", 280, 0xa5);
        rw_buf_add(&file->whole, file->fragments.data, file->fragments.size);
    }
    add_box(&file->whole, "free", 1 << 20, 0);
    rw_mux_destroy(mux);
}

static void even_durations(struct file *file)
{
    for (int i = 0; i < FOOTAGE_MAX; i++)
        file->duration_us[i] = FOOTAGE_INTERVAL_US;
}

static struct rw_source *reopen(const struct file *file)
{
    char path[] = "/tmp/roadwatch-mux-XXXXXX";
    struct rw_err err = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->whole.data, file->whole.size), file->whole.size);
    close(fd);
    struct rw_source *source = rw_source_open_file(path, &err);
    unlink(path);
    assert_non_null(source);
    return source;
}

/* Start codes become lengths, every other byte stays. The footage has no trailing zeros. */
static void to_lengths(const struct rw_packet *packet, struct rw_buf *out)
{
    size_t starts[64], ends[64];
    int units = 0;
    for (size_t i = 0; i + 3 < packet->size; i++) {
        if (packet->data[i] || packet->data[i + 1] || packet->data[i + 2] != 1)
            continue;
        if (units)
            ends[units - 1] = i > 0 && !packet->data[i - 1] ? i - 1 : i;
        starts[units++] = i + 3;
        ends[units - 1] = packet->size;
    }
    rw_buf_clear(out);
    for (int i = 0; i < units; i++) {
        rw_put_be32(rw_buf_grow(out, 4), (uint32_t)(ends[i] - starts[i]));
        rw_buf_add(out, packet->data + starts[i], ends[i] - starts[i]);
    }
}

static void expect_same_packets(const struct footage *footage, const struct file *file)
{
    struct rw_err err = {0};
    struct rw_source *source = reopen(file);
    struct rw_buf expected = {0};
    int64_t media_us = 0;
    for (int i = 0; i < footage->count; i++) {
        const struct rw_packet *sent = footage->packets[i];
        struct rw_packet *got = rw_source_read(source, &err);
        assert_non_null(got);
        to_lengths(sent, &expected);
        assert_int_equal(got->size, expected.size);
        assert_memory_equal(got->data, expected.data, expected.size);
        assert_int_equal(got->keyframe, sent->keyframe);
        int64_t shown_us = media_us + sent->utc_us - sent->dts_us - footage->packets[0]->utc_us +
                           footage->packets[0]->dts_us;
        assert_in_range(got->utc_us + 12, shown_us, shown_us + 24); /* a tick of 90 kHz is 11 us */
        media_us += file->duration_us[i];
        rw_packet_unref(got);
    }
    assert_null(rw_source_read(source, &err));
    assert_int_equal(err.code, RW_EEND);
    rw_source_close(source);
    rw_buf_finish(&expected);
}

static void writes_ftyp_and_moov_at_once_and_always_the_same(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    footage_make(&footage, &options);
    struct rw_buf init = {0}, again = {0};
    struct rw_err err = {0};
    char text[256];
    struct rw_mux *mux = rw_mux_create(footage.codec, &init, &err);
    struct rw_mux *other = rw_mux_create(footage.codec, &again, &err);
    assert_non_null(mux);
    assert_string_equal(boxes(init.data, init.size, text), "ftyp moov ");
    assert_int_equal(init.size, again.size);
    assert_memory_equal(init.data, again.data, init.size);
    rw_mux_destroy(mux);
    rw_mux_destroy(other);
    rw_buf_finish(&init);
    rw_buf_finish(&again);
    footage_free(&footage);
}

/* tfdt's baseMediaDecodeTime of a fragment (ISO/IEC 14496-12, 8.8.12), in ticks. */
static uint64_t decode_time(const struct rw_buf *fragment)
{
    const uint8_t *at = memmem(fragment->data, fragment->size, "tfdt", 4);
    assert_non_null(at);
    return at[4] ? rw_get_be64(at + 8) : rw_get_be32(at + 8);
}

static void begins_at_zero_and_goes_on_where_the_last_fragment_ended(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_err err = {0};
    struct rw_buf init = {0}, fragment = {0};
    options.b_frames = 2;
    footage_make(&footage, &options);
    struct rw_mux *mux = rw_mux_create(footage.codec, &init, &err);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(rw_mux_add(mux, footage.packets[i], 100000 + i, &err), 0);
        if (i % 5 < 4)
            continue;
        rw_buf_clear(&fragment);
        assert_int_equal(rw_mux_flush(mux, &fragment, &err), 0);
        int64_t before_us = (i - 4) * 100000 + (i - 4) * (i - 5) / 2;
        assert_int_equal(decode_time(&fragment), (before_us * 9 + 50) / 100);
    }
    rw_mux_destroy(mux);
    rw_buf_finish(&init);
    rw_buf_finish(&fragment);
    footage_free(&footage);
}

static void begins_where_another_run_ended_when_told(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_err err = {0};
    struct rw_buf init = {0}, fragment = {0};
    footage_make(&footage, &options);
    struct rw_mux *mux = rw_mux_create(footage.codec, &init, &err);
    const int64_t start_us = INT64_C(90000) * 1000000; /* 25 h: more than 32 bits of ticks */
    rw_mux_start_at(mux, start_us);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(rw_mux_add(mux, footage.packets[i], 100000, &err), 0);
        if (i % 10 < 9)
            continue;
        rw_buf_clear(&fragment);
        assert_int_equal(rw_mux_flush(mux, &fragment, &err), 0);
        assert_int_equal(decode_time(&fragment), (start_us + (i - 9) * 100000) * 9 / 100);
    }
    rw_mux_destroy(mux);
    rw_buf_finish(&init);
    rw_buf_finish(&fragment);
    footage_free(&footage);
}

static void flushes_exactly_moof_and_mdat_within_the_promised_overhead(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_err err = {0};
    struct rw_buf init = {0}, fragment = {0};
    char text[256];
    footage_make(&footage, &options);
    struct rw_mux *mux = rw_mux_create(footage.codec, &init, &err);
    for (int from = 0; from < footage.count; from += 15) {
        size_t payload = 0;
        for (int i = from; i < from + 15; i++) {
            assert_int_equal(
                rw_mux_add(mux, footage.packets[i], FOOTAGE_INTERVAL_US + i * 10, &err), 0);
            payload += footage.packets[i]->size;
        }
        rw_buf_clear(&fragment);
        assert_int_equal(rw_mux_flush(mux, &fragment, &err), 0);
        assert_string_equal(boxes(fragment.data, fragment.size, text), "moof mdat ");
        assert_true(fragment.size <= payload + rw_mux_overhead(15));
        assert_true(fragment.size <= payload + 300);
    }
    rw_mux_destroy(mux);
    rw_buf_finish(&init);
    rw_buf_finish(&fragment);
    footage_free(&footage);
}

static void keeps_the_overhead_bound_with_many_short_units(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_err err = {0};
    struct rw_buf init = {0}, fragment = {0};
    uint8_t bytes[19 * 8];
    options.pictures = 1;
    footage_make(&footage, &options);
    for (int i = 0; i < 19; i++)
        memcpy(bytes + i * 8, "\0\0\1\x41\x9a\x80\x80\x80", 8);
    struct rw_packet packet = *footage.packets[0];
    packet.data = bytes;
    packet.size = sizeof bytes;
    struct rw_mux *mux = rw_mux_create(footage.codec, &init, &err);
    assert_int_equal(rw_mux_add(mux, &packet, FOOTAGE_INTERVAL_US, &err), 0);
    assert_int_equal(rw_mux_flush(mux, &fragment, &err), 0);
    assert_true(fragment.size > packet.size + 19);
    assert_true(fragment.size <= packet.size + rw_mux_overhead(1));
    rw_mux_destroy(mux);
    rw_buf_finish(&init);
    rw_buf_finish(&fragment);
    footage_free(&footage);
}

static void round_trip(const struct footage_options *options, const int64_t *odd_us)
{
    struct footage footage;
    struct file file = {0};
    footage_make(&footage, options);
    even_durations(&file);
    for (int i = 0; odd_us && i < FOOTAGE_MAX; i++)
        file.duration_us[i] = odd_us[i % 4];
    mux_all(&footage, &file);
    expect_same_packets(&footage, &file);
    file_finish(&file);
    footage_free(&footage);
}

static void keeps_h264_byte_for_byte_and_its_times(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    round_trip(&options, NULL);
}

static void keeps_hevc_byte_for_byte_and_its_times(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.encoder = "libx265";
    round_trip(&options, NULL);
}

static void keeps_the_order_of_b_frames(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.b_frames = 2;
    round_trip(&options, NULL);
}

static void keeps_uneven_durations(void **state)
{
    (void)state;
    static const int64_t ODD_US[4] = {1000, 1500000, 66666, 41708};
    struct footage_options options = footage_h264();
    round_trip(&options, ODD_US);
}

static void suffers_durations_shorter_than_a_tick(void **state)
{
    (void)state;
    static const int64_t ODD_US[4] = {1, 0, 3, 133330};
    struct footage_options options = footage_h264();
    struct footage footage;
    struct file file = {0};
    footage_make(&footage, &options);
    for (int i = 0; i < FOOTAGE_MAX; i++)
        file.duration_us[i] = ODD_US[i % 4];
    mux_all(&footage, &file);
    struct rw_source *source = reopen(&file);
    struct rw_err err = {0};
    int64_t last_us = -1;
    for (int i = 0; i < footage.count; i++) {
        struct rw_packet *packet = rw_source_read(source, &err);
        assert_non_null(packet);
        assert_true(packet->utc_us > last_us);
        last_us = packet->utc_us;
        rw_packet_unref(packet);
    }
    assert_in_range(last_us, 7 * 133334, 7 * 133334 + 50);
    rw_source_close(source);
    file_finish(&file);
    footage_free(&footage);
}

/* Order and content of what the decoder shows. */
static uint64_t luma_hash(struct rw_decoder *decoder, const struct rw_packet *packet, uint64_t hash)
{
    struct rw_picture *picture;
    assert_int_equal(rw_decoder_send(decoder, packet, NULL), 0);
    while ((picture = rw_decoder_take(decoder))) {
        for (int y = 0; y < picture->luma.height; y++) {
            for (int x = 0; x < picture->luma.width; x++)
                hash = (hash ^ picture->luma.data[y * picture->luma.stride + x]) * 1099511628211u;
        }
        rw_picture_unref(picture);
    }
    return hash;
}

static void decodes_to_the_same_pictures(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct file file = {0};
    uint64_t sent = 1, got = 1;
    options.b_frames = 2;
    footage_make(&footage, &options);
    even_durations(&file);
    mux_all(&footage, &file);
    struct rw_decoder *decoder = rw_decoder_create(footage.codec, NULL);
    for (int i = 0; i < footage.count; i++)
        sent = luma_hash(decoder, footage.packets[i], sent);
    sent = luma_hash(decoder, NULL, sent);
    rw_decoder_destroy(decoder);
    struct rw_source *source = reopen(&file);
    struct rw_packet *packet = rw_source_read(source, NULL);
    decoder = rw_decoder_create(packet->codec, NULL);
    for (; packet; packet = rw_source_read(source, NULL)) {
        got = luma_hash(decoder, packet, got);
        rw_packet_unref(packet);
    }
    got = luma_hash(decoder, NULL, got);
    assert_true(sent == got && sent != 1);
    rw_decoder_destroy(decoder);
    rw_source_close(source);
    file_finish(&file);
    footage_free(&footage);
}

static void refuses_a_codec_without_a_size(void **state)
{
    (void)state;
    struct rw_err err = {0};
    struct rw_buf init = {0};
    AVCodecParameters *par = avcodec_parameters_alloc();
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = AV_CODEC_ID_H264;
    struct rw_codec *codec = rw_codec_create(par, &err);
    assert_null(rw_mux_create(codec, &init, &err));
    assert_int_equal(err.code, RW_EFORMAT);
    rw_codec_unref(codec);
    rw_buf_finish(&init);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_ftyp_and_moov_at_once_and_always_the_same),
        cmocka_unit_test(begins_at_zero_and_goes_on_where_the_last_fragment_ended),
        cmocka_unit_test(begins_where_another_run_ended_when_told),
        cmocka_unit_test(flushes_exactly_moof_and_mdat_within_the_promised_overhead),
        cmocka_unit_test(keeps_the_overhead_bound_with_many_short_units),
        cmocka_unit_test(keeps_h264_byte_for_byte_and_its_times),
        cmocka_unit_test(keeps_hevc_byte_for_byte_and_its_times),
        cmocka_unit_test(keeps_the_order_of_b_frames),
        cmocka_unit_test(keeps_uneven_durations),
        cmocka_unit_test(suffers_durations_shorter_than_a_tick),
        cmocka_unit_test(decodes_to_the_same_pictures),
        cmocka_unit_test(refuses_a_codec_without_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
