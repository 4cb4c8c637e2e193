/* Fragments read from memory, and films of drawn pictures read back. */
#include <sys/stat.h>
#include <unistd.h>

#include "media/film.h"
#include "media/mux.h"
#include "media/source.h"
#include "media_footage.h"

enum { PIECE = 5, T0 = 1000000000 };

static const struct footage_options plain = {
    .encoder = "libx264", .width = 160, .height = 96, .pictures = 30, .gop = 10};

/* What the ring holds of packets [first, first + PIECE): init segment and one fragment. */
static void make_fragment(const struct footage *footage, int first, struct rw_buf *out)
{
    struct rw_err err = {0};
    rw_buf_clear(out);
    struct rw_mux *mux = rw_mux_create(footage->codec, out, &err);
    assert_non_null(mux);
    rw_mux_start_at(mux, first * (int64_t)FOOTAGE_INTERVAL_US);
    for (int i = first; i < first + PIECE; i++)
        assert_int_equal(rw_mux_add(mux, footage->packets[i], FOOTAGE_INTERVAL_US, &err), 0);
    assert_int_equal(rw_mux_flush(mux, out, &err), 0);
    rw_mux_destroy(mux);
}

static void expect_fragment(const struct footage *footage, int first, const struct rw_buf *bytes,
                            int64_t late_us, struct rw_codec **codec)
{
    struct rw_err err = {0};
    struct rw_packet *packet;
    int count = 0;
    struct rw_source *source = rw_source_open_bytes(
        bytes->data, bytes->size, T0 + footage->packets[first]->dts_us, *codec, &err);
    assert_non_null(source);
    while ((packet = rw_source_read(source, &err))) {
        const struct rw_packet *sent = footage->packets[first + count++];
        assert_in_range(packet->utc_us - T0 + late_us - sent->utc_us + 30, 0, 60); /* ticks */
        assert_int_equal(packet->keyframe, sent->keyframe);
        if (*codec)
            assert_ptr_equal(packet->codec, *codec);
        else
            *codec = rw_codec_ref(packet->codec);
        rw_packet_unref(packet);
    }
    assert_int_equal(err.code, RW_EEND);
    assert_int_equal(count, PIECE);
    rw_source_close(source);
}

/* The second fragment of a GOP begins without a keyframe. The muxer shows a run's first picture at
 * its decoding time, so reordered ones are early by as much, all of them alike. */
static void fragments_keep_their_times_and_share_a_codec(void **state)
{
    (void)state;
    for (int b_frames = 0; b_frames <= 2; b_frames += 2) {
        struct footage footage;
        struct footage_options options = plain;
        struct rw_codec *codec = NULL;
        struct rw_buf bytes = {0};
        options.b_frames = b_frames;
        footage_make(&footage, &options);
        for (int first = 0; first < footage.count; first += PIECE) {
            make_fragment(&footage, first, &bytes);
            expect_fragment(&footage, first, &bytes, b_frames ? FOOTAGE_INTERVAL_US : 0, &codec);
        }
        rw_buf_finish(&bytes);
        rw_codec_unref(codec);
        footage_free(&footage);
    }
}

static void any_bytes_for_a_fragment_are_suffered(void **state)
{
    (void)state;
    struct footage footage;
    struct rw_buf good = {0}, bad = {0};
    footage_make(&footage, &plain);
    make_fragment(&footage, 0, &good);
    unsigned random = 1;
    for (int round = 0; round < 400; round++) {
        struct rw_err err = {0};
        rw_buf_clear(&bad);
        rw_buf_add(&bad, good.data, round % 3 ? good.size : good.size * (size_t)round / 400);
        for (int i = 0; i < 8 && bad.size; i++) {
            random = random * 1664525 + 1013904223;
            bad.data[random % bad.size] ^= (uint8_t)(random >> 24);
        }
        struct rw_source *source = rw_source_open_bytes(bad.data, bad.size, T0, NULL, &err);
        struct rw_packet *packet;
        while (source && (packet = rw_source_read(source, &err)))
            rw_packet_unref(packet);
        assert_int_not_equal(err.code, RW_OK);
        rw_source_close(source);
    }
    rw_buf_finish(&good);
    rw_buf_finish(&bad);
    footage_free(&footage);
}

/* --- films --- */

static const int64_t times_us[] = {7000000, 7066667, 7066667, 7100000, 9000000, 9000040};
enum { TIMES = sizeof times_us / sizeof *times_us };

static void fill(struct rw_canvas *canvas, int luma)
{
    memset(canvas->plane[0], luma, (size_t)canvas->stride[0] * (size_t)canvas->height);
}

static void expect_film(const char *path)
{
    struct rw_err err = {0};
    struct rw_source *source = rw_source_open_file(path, &err);
    struct rw_packet *packet;
    struct rw_decoder *decoder = NULL;
    struct rw_picture *picture;
    int count = 0;
    assert_non_null(source);
    while ((packet = rw_source_read(source, &err)) || count < TIMES) {
        if (!decoder)
            decoder = rw_decoder_create(packet->codec, &err);
        assert_int_equal(rw_decoder_send(decoder, packet, &err), 0);
        while ((picture = rw_decoder_take(decoder))) {
            int64_t wanted = times_us[count] - times_us[0];
            assert_in_range(picture->utc_us - wanted + 40, 0, 80);
            assert_in_range(picture->luma.data[0] - (40 + 20 * count) + 4, 0, 8);
            count++;
            rw_picture_unref(picture);
        }
        rw_packet_unref(packet);
    }
    assert_int_equal(count, TIMES);
    rw_decoder_destroy(decoder);
    rw_source_close(source);
}

static void a_film_has_every_picture_at_its_time_with_its_index_in_front(void **state)
{
    (void)state;
    char folder[] = "/tmp/roadwatch-film-XXXXXX", path[64], part[80];
    struct rw_err err = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a:b.mp4", folder);
    snprintf(part, sizeof part, "%s.part", path);
    struct rw_film *film = rw_film_open(path, 64, 48, &err);
    struct rw_canvas *canvas = rw_canvas_create(63, 47); /* even sides */
    assert_non_null(film);
    for (int i = 0; i < TIMES; i++) {
        fill(canvas, 40 + 20 * i);
        assert_int_equal(rw_film_add(film, canvas, times_us[i], &err), 0);
    }
    assert_int_not_equal(access(path, F_OK), 0); /* not before it is whole */
    assert_int_equal(rw_film_finish(film, &err), 0);
    rw_film_close(film);
    assert_int_not_equal(access(part, F_OK), 0);
    expect_film(path);
    uint8_t head[4096];
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(head, 1, 64, file), 64);
    fclose(file);
    assert_memory_equal(head + rw_get_be32(head) + 4, "moov", 4);
    unlink(path);
    rmdir(folder);
    rw_canvas_destroy(canvas);
}

static void an_unfinished_film_and_one_that_cannot_be_written_leave_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/roadwatch-film-XXXXXX", path[64];
    struct rw_err err = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/none/a.mp4", folder);
    assert_null(rw_film_open(path, 64, 48, &err));
    assert_non_null(strstr(err.text, path));
    snprintf(path, sizeof path, "%s/a.mp4", folder);
    struct rw_film *film = rw_film_open(path, 64, 48, &err);
    struct rw_canvas *canvas = rw_canvas_create(64, 48), *other = rw_canvas_create(80, 48);
    assert_non_null(film);
    assert_int_equal(rw_film_add(film, canvas, 0, &err), 0);
    assert_int_not_equal(rw_film_add(film, other, 1000, &err), 0);
    rw_film_close(film);
    rw_film_close(NULL);
    assert_int_equal(rmdir(folder), 0);
    rw_canvas_destroy(canvas);
    rw_canvas_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_keep_their_times_and_share_a_codec),
        cmocka_unit_test(any_bytes_for_a_fragment_are_suffered),
        cmocka_unit_test(a_film_has_every_picture_at_its_time_with_its_index_in_front),
        cmocka_unit_test(an_unfinished_film_and_one_that_cannot_be_written_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
