/* Coded footage to luma, and luma to JPEG and back. */
#include <math.h>
#include <stdio.h>
#include <turbojpeg.h>

#include "media/jpeg.h"
#include "media/nal.h"
#include "media_footage.h"

struct pictures {
    struct rw_picture *list[FOOTAGE_MAX];
    int count;
};

static void take_all(struct rw_decoder *decoder, struct pictures *pictures)
{
    struct rw_picture *picture;
    while ((picture = rw_decoder_take(decoder))) {
        assert_in_range(pictures->count, 0, FOOTAGE_MAX - 1);
        pictures->list[pictures->count++] = picture;
    }
}

static void decode_all(const struct footage *footage, struct pictures *pictures)
{
    struct rw_err err = {0};
    struct rw_decoder *decoder = rw_decoder_create(footage->codec, &err);
    memset(pictures, 0, sizeof *pictures);
    assert_non_null(decoder);
    for (int i = 0; i < footage->count; i++) {
        assert_int_equal(rw_decoder_send(decoder, footage->packets[i], &err), 0);
        take_all(decoder, pictures);
    }
    assert_int_equal(rw_decoder_send(decoder, NULL, &err), 0);
    take_all(decoder, pictures);
    rw_decoder_destroy(decoder); /* pictures outlive it */
}

static void pictures_free(struct pictures *pictures)
{
    for (int i = 0; i < pictures->count; i++)
        rw_picture_unref(pictures->list[i]);
}

static double mean_error(const struct rw_luma *luma, int n)
{
    double sum = 0;
    for (int y = 0; y < luma->height; y++) {
        for (int x = 0; x < luma->width; x++)
            sum += abs(luma->data[y * luma->stride + x] - footage_luma(x, y, n));
    }
    return sum / luma->width / luma->height;
}

static void expect_pictures(const struct footage_options *options)
{
    struct footage footage;
    struct pictures pictures;
    footage_make(&footage, options);
    decode_all(&footage, &pictures);
    assert_int_equal(pictures.count, options->pictures);
    for (int n = 0; n < pictures.count; n++) {
        const struct rw_picture *picture = pictures.list[n];
        assert_int_equal(picture->utc_us, n * FOOTAGE_INTERVAL_US);
        assert_int_equal(picture->arrival_us, n * FOOTAGE_INTERVAL_US + 5);
        assert_int_equal(picture->luma.width, options->width);
        assert_int_equal(picture->luma.height, options->height);
        assert_true(mean_error(&picture->luma, n) < 4);
    }
    pictures_free(&pictures);
    footage_free(&footage);
}

static void decodes_h264_with_its_times(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    expect_pictures(&options);
}

static void keeps_times_right_through_reordering(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.b_frames = 3;
    expect_pictures(&options);
}

static void decodes_hevc(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.encoder = "libx265";
    expect_pictures(&options);
}

static void decodes_mpeg4(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.encoder = "mpeg4";
    expect_pictures(&options);
}

static void brings_ten_bits_down_to_eight(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.format = AV_PIX_FMT_YUV420P10LE;
    expect_pictures(&options);
}

static void decodes_other_chroma_and_odd_sizes(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.format = AV_PIX_FMT_YUV444P;
    options.width = 321;
    options.height = 241;
    expect_pictures(&options);
    options = footage_h264();
    options.format = AV_PIX_FMT_YUV422P;
    expect_pictures(&options);
    options.format = AV_PIX_FMT_GRAY8;
    expect_pictures(&options);
}

static void shows_each_picture_at_once_where_none_is_reordered(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    footage_make(&footage, &options);
    struct rw_decoder *decoder = rw_decoder_create(footage.codec, NULL);
    for (int i = 0; i < footage.count; i++) {
        assert_int_equal(rw_decoder_send(decoder, footage.packets[i], NULL), 0);
        struct rw_picture *picture = rw_decoder_take(decoder);
        assert_non_null(picture);
        assert_int_equal(picture->utc_us, footage.packets[i]->utc_us);
        rw_picture_unref(picture);
    }
    rw_decoder_destroy(decoder);
    footage_free(&footage);
}

static void goes_on_with_the_next_keyframe_after_garbage_and_a_flush(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct pictures pictures = {0};
    uint8_t noise[1000];
    footage_make(&footage, &options);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * i * 7 + i / 3);
    memcpy(noise, "\0\0\0\1\x65", 5);
    struct rw_packet garbage = *footage.packets[0];
    garbage.data = noise;
    garbage.size = sizeof noise - AV_INPUT_BUFFER_PADDING_SIZE;
    struct rw_decoder *decoder = rw_decoder_create(footage.codec, NULL);
    for (int i = 0; i < 5; i++) {
        (void)rw_decoder_send(decoder, &garbage, NULL);
        take_all(decoder, &pictures);
    }
    pictures_free(&pictures);
    pictures.count = 0;
    rw_decoder_flush(decoder);
    for (int i = 15; i < 30; i++) {
        assert_int_equal(rw_decoder_send(decoder, footage.packets[i], NULL), 0);
        take_all(decoder, &pictures);
    }
    assert_int_equal(pictures.count, 15);
    assert_true(mean_error(&pictures.list[14]->luma, 29) < 4);
    pictures_free(&pictures);
    rw_decoder_destroy(decoder);
    footage_free(&footage);
}

/* One decoded picture of the footage. */
static struct rw_picture *one_picture(const struct footage_options *options)
{
    struct footage footage;
    struct pictures pictures;
    struct footage_options one = *options;
    one.pictures = 1;
    footage_make(&footage, &one);
    decode_all(&footage, &pictures);
    assert_int_equal(pictures.count, 1);
    struct rw_picture *picture = rw_picture_ref(pictures.list[0]);
    pictures_free(&pictures);
    footage_free(&footage);
    return picture;
}

struct jpeg {
    int width, height;
    uint8_t *gray;
};

static void read_jpeg(const struct rw_buf *bytes, struct jpeg *jpeg)
{
    int sampling, space;
    tjhandle handle = tjInitDecompress();
    assert_int_equal(tjDecompressHeader3(handle, bytes->data, bytes->size, &jpeg->width,
                                         &jpeg->height, &sampling, &space),
                     0);
    jpeg->gray = malloc((size_t)jpeg->width * (size_t)jpeg->height);
    assert_int_equal(tjDecompress2(handle, bytes->data, bytes->size, jpeg->gray, jpeg->width,
                                   jpeg->width, jpeg->height, TJPF_GRAY, 0),
                     0);
    tjDestroy(handle);
}

/* Peak signal to noise of a JPEG against the luma that it was made of, in dB. */
static double psnr(const struct jpeg *jpeg, const struct rw_luma *luma, bool full_range)
{
    double sum = 0;
    for (int y = 0; y < luma->height; y++) {
        for (int x = 0; x < luma->width; x++) {
            double wanted = luma->data[y * luma->stride + x];
            if (!full_range)
                wanted = fmin(fmax((wanted - 16) * 255 / 219, 0), 255);
            double error = wanted - jpeg->gray[y * jpeg->width + x];
            sum += error * error;
        }
    }
    return 10 * log10(255 * 255 / (sum / luma->width / luma->height + 1e-9));
}

static void expect_good_jpeg(const struct footage_options *options)
{
    struct rw_picture *picture = one_picture(options);
    struct rw_buf bytes = {0};
    struct rw_err err = {0};
    struct jpeg jpeg;
    assert_int_equal(rw_jpeg_encode(picture, 90, &bytes, &err), 0);
    read_jpeg(&bytes, &jpeg);
    assert_int_equal(jpeg.width, options->width);
    assert_int_equal(jpeg.height, options->height);
    assert_true(psnr(&jpeg, &picture->luma, options->range == AVCOL_RANGE_JPEG) > 35);
    free(jpeg.gray);
    rw_buf_finish(&bytes);
    rw_picture_unref(picture);
}

/* The first so many pictures of each GOP, without those that no other needs. Returns how many can
 * be decoded: not those that are shown before the keyframe and need the GOP before it. */
static int decode_some(const struct footage *footage, int first, struct pictures *pictures)
{
    struct rw_err err = {0};
    struct rw_decoder *decoder = rw_decoder_create(footage->codec, &err);
    int whole = 0, behind_key = 0;
    int64_t key_us = 0;
    memset(pictures, 0, sizeof *pictures);
    for (int i = 0; i < footage->count; i++) {
        const struct rw_packet *packet = footage->packets[i];
        behind_key = packet->keyframe ? 0 : behind_key + 1;
        key_us = packet->keyframe ? packet->utc_us : key_us;
        if (behind_key == first) {
            assert_int_equal(rw_decoder_send(decoder, NULL, &err), 0);
            take_all(decoder, pictures);
            rw_decoder_flush(decoder);
        }
        if (behind_key >= first ||
            rw_nal_disposable(rw_codec_id(footage->codec), packet->data, packet->size))
            continue;
        assert_int_equal(rw_decoder_send(decoder, packet, &err), 0);
        take_all(decoder, pictures);
        whole += packet->utc_us >= key_us;
    }
    rw_decoder_destroy(decoder);
    return whole;
}

static void goes_on_after_pictures_that_were_left_out(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    for (int i = 0; i < 4; i++) {
        struct footage footage;
        struct pictures pictures;
        options.encoder = i % 2 ? "libx265" : "libx264";
        options.b_frames = i < 2 ? 3 : 0;
        footage_make(&footage, &options);
        int whole = decode_some(&footage, 9, &pictures);
        assert_int_equal(pictures.count, whole);
        assert_in_range(whole, options.b_frames ? 4 : 18, options.b_frames ? 14 : 18);
        for (int n = 0; n < pictures.count; n++) {
            const struct rw_picture *picture = pictures.list[n];
            assert_true(mean_error(&picture->luma, (int)(picture->utc_us / FOOTAGE_INTERVAL_US)) <
                        4);
        }
        pictures_free(&pictures);
        footage_free(&footage);
    }
}

static void makes_a_good_jpeg_of_any_chroma_and_range(void **state)
{
    (void)state;
    static const enum AVPixelFormat FORMATS[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P,
                                                 AV_PIX_FMT_YUV444P, AV_PIX_FMT_GRAY8,
                                                 AV_PIX_FMT_YUV420P10LE};
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
        struct footage_options options = footage_h264();
        options.format = FORMATS[i];
        expect_good_jpeg(&options);
        options.range = AVCOL_RANGE_JPEG;
        expect_good_jpeg(&options);
    }
}

static void makes_a_jpeg_of_odd_size(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.format = AV_PIX_FMT_YUV444P;
    options.width = 319;
    options.height = 237;
    expect_good_jpeg(&options);
}

static void crops_around_the_box_within_ten_kilobytes(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.width = 1280;
    options.height = 720;
    struct rw_picture *picture = one_picture(&options);
    struct rw_buf bytes = {0};
    struct rw_err err = {0};
    struct jpeg jpeg;
    /* The block of picture 0: x 0 to 40, y 30 to 70. */
    struct rw_box box = {0, 30 / 720.0f, 40 / 1280.0f, 40 / 720.0f};
    assert_int_equal(rw_jpeg_crop(picture, box, 10 * 1024, &bytes, &err), 0);
    assert_true(bytes.size > 500 && bytes.size <= 10 * 1024);
    read_jpeg(&bytes, &jpeg);
    assert_int_equal(jpeg.width, 256);
    assert_int_equal(jpeg.height, 144);
    assert_true(jpeg.gray[50 * jpeg.width + 20] > 220);  /* in the block */
    assert_true(jpeg.gray[50 * jpeg.width + 120] < 100); /* beside it */
    free(jpeg.gray);
    rw_buf_finish(&bytes);
    rw_picture_unref(picture);
}

static void crops_the_whole_picture_where_there_is_no_box(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.width = 1280;
    options.height = 720;
    struct rw_picture *picture = one_picture(&options);
    struct rw_buf bytes = {0};
    struct jpeg jpeg;
    assert_int_equal(rw_jpeg_crop(picture, (struct rw_box){0}, 10 * 1024, &bytes, NULL), 0);
    read_jpeg(&bytes, &jpeg);
    assert_int_equal(jpeg.width, 320);
    assert_int_equal(jpeg.height, 180);
    free(jpeg.gray);
    rw_buf_finish(&bytes);
    rw_picture_unref(picture);
}

static void crops_any_box_of_any_picture(void **state)
{
    (void)state;
    static const float EDGES[] = {-1, 0, 0.001f, 0.3f, 0.999f, 1, 2, NAN, INFINITY};
    enum { COUNT = sizeof EDGES / sizeof EDGES[0] };
    static const int WIDTHS[] = {16, 66, 640};
    for (int size = 0; size < 3; size++) {
        struct footage_options options = footage_h264();
        options.width = WIDTHS[size];
        options.height = 48;
        struct rw_picture *picture = one_picture(&options);
        struct rw_buf bytes = {0};
        for (int i = 0; i < COUNT * COUNT; i++) {
            struct rw_box box = {EDGES[i % COUNT], EDGES[i / COUNT], EDGES[i / COUNT],
                                 EDGES[i % COUNT]};
            assert_int_equal(rw_jpeg_crop(picture, box, 10 * 1024, &bytes, NULL), 0);
            assert_true(bytes.size <= 10 * 1024);
        }
        rw_buf_finish(&bytes);
        rw_picture_unref(picture);
    }
}

static void makes_noise_fit_or_says_that_nothing_does(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.width = 640;
    options.height = 480;
    struct rw_picture *picture = one_picture(&options);
    AVFrame *frame = (AVFrame *)rw_picture_frame(picture);
    uint32_t noise = 1;
    for (int y = 0; y < frame->height; y++) {
        for (int x = 0; x < frame->width; x++)
            frame->data[0][y * frame->linesize[0] + x] =
                (uint8_t)((noise = noise * 1664525u + 1013904223u) >> 24);
    }
    struct rw_buf bytes = {0};
    struct rw_err err = {0};
    struct rw_box box = {0.4f, 0.4f, 0.2f, 0.2f};
    assert_int_equal(rw_jpeg_crop(picture, box, 10 * 1024, &bytes, &err), 0);
    assert_true(bytes.size <= 10 * 1024);
    assert_int_equal(rw_jpeg_crop(picture, box, 100, &bytes, &err), -1);
    assert_int_equal(err.code, RW_EINVAL);
    assert_int_equal(bytes.size, 0);
    rw_buf_finish(&bytes);
    rw_picture_unref(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_h264_with_its_times),
        cmocka_unit_test(keeps_times_right_through_reordering),
        cmocka_unit_test(decodes_hevc),
        cmocka_unit_test(decodes_mpeg4),
        cmocka_unit_test(brings_ten_bits_down_to_eight),
        cmocka_unit_test(decodes_other_chroma_and_odd_sizes),
        cmocka_unit_test(shows_each_picture_at_once_where_none_is_reordered),
        cmocka_unit_test(goes_on_with_the_next_keyframe_after_garbage_and_a_flush),
        cmocka_unit_test(goes_on_after_pictures_that_were_left_out),
        cmocka_unit_test(makes_a_good_jpeg_of_any_chroma_and_range),
        cmocka_unit_test(makes_a_jpeg_of_odd_size),
        cmocka_unit_test(crops_around_the_box_within_ten_kilobytes),
        cmocka_unit_test(crops_the_whole_picture_where_there_is_no_box),
        cmocka_unit_test(crops_any_box_of_any_picture),
        cmocka_unit_test(makes_noise_fit_or_says_that_nothing_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
