/* Films of a few seconds, read back box by box and by libavformat. */
#include <stdio.h>

#include "media/clip.h"
#include "media/source.h"
#include "media_footage.h"

/* The boxes at the top, as "ftyp moov ". */
static const char *boxes(const struct rw_buf *file, char text[256])
{
    size_t at = 0;
    text[0] = '\0';
    while (at + 8 <= file->size && strlen(text) < 240) {
        strncat(text, (const char *)file->data + at + 4, 4);
        strcat(text, " ");
        assert_true(rw_get_be32(file->data + at) >= 8);
        at += rw_get_be32(file->data + at);
    }
    assert_int_equal(at, file->size);
    return text;
}

static int add_all(struct rw_clip *clip, const struct footage *footage, int from)
{
    int added = 0;
    while (from + added < footage->count && rw_clip_add(clip, footage->packets[from + added]))
        added++;
    return added;
}

/* Pictures of the file, whose times are those of the footage from `from` on. */
static int count_pictures(const struct rw_buf *file, const struct footage *footage, int from)
{
    struct rw_err err = {0};
    int count = 0;
    struct rw_source *source = rw_source_open_bytes(file->data, file->size, 0, NULL, &err);
    assert_non_null(source);
    struct rw_packet *got;
    int64_t first_us = 0;
    while ((got = rw_source_read(source, &err))) {
        const struct rw_packet *sent = footage->packets[from + count];
        if (!count)
            first_us = got->utc_us;
        int64_t shown_us = sent->utc_us - footage->packets[from]->utc_us + first_us;
        assert_in_range(got->utc_us + 12, shown_us, shown_us + 24); /* a tick is 11 us */
        assert_int_equal(got->keyframe, sent->keyframe);
        rw_packet_unref(got);
        count++;
    }
    assert_int_equal(err.code, RW_EEND);
    rw_source_close(source);
    return count;
}

static void expect_whole(const struct footage_options *options)
{
    struct footage footage;
    struct rw_err err = {0};
    struct rw_buf file = {0};
    char text[256];
    footage_make(&footage, options);
    struct rw_clip *clip = rw_clip_create(4 << 20);
    assert_int_equal(add_all(clip, &footage, 0), footage.count);
    assert_int_equal(rw_clip_write(clip, &file, &err), 0);
    assert_string_equal(boxes(&file, text), "ftyp moov free free mdat ");
    assert_int_equal(count_pictures(&file, &footage, 0), footage.count);
    rw_clip_destroy(clip);
    rw_buf_finish(&file);
    footage_free(&footage);
}

static void index_stands_in_front_of_h264(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    expect_whole(&options);
}

static void index_stands_in_front_of_hevc(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.encoder = "libx265";
    expect_whole(&options);
}

static void b_frames_keep_their_order_and_times(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    options.b_frames = 2;
    expect_whole(&options);
}

static void film_is_never_larger_than_it_may_be(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_err err = {0};
    footage_make(&footage, &options);
    size_t all = 0;
    for (int i = 0; i < footage.count; i++)
        all += footage.packets[i]->size;
    for (size_t max = 5000 + footage.packets[0]->size; max < 4096 + all; max += all / 10) {
        struct rw_buf file = {0};
        struct rw_clip *clip = rw_clip_create(max);
        int added = add_all(clip, &footage, 0);
        assert_in_range(added, 1, footage.count - 1);
        assert_int_equal(rw_clip_write(clip, &file, &err), 0);
        assert_true(file.size <= max);
        assert_int_equal(count_pictures(&file, &footage, 0), added);
        rw_clip_destroy(clip);
        rw_buf_finish(&file);
    }
    footage_free(&footage);
}

static void film_begins_with_a_keyframe_or_is_none(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage;
    struct rw_err err = {0};
    struct rw_buf file = {0};
    footage_make(&footage, &options);
    struct rw_clip *clip = rw_clip_create(4 << 20);
    assert_false(rw_clip_add(clip, footage.packets[1]));
    assert_int_equal(rw_clip_write(clip, &file, &err), 0);
    assert_int_equal(file.size, 0);
    rw_clip_destroy(clip);
    footage_free(&footage);
}

static void another_codec_ends_the_film(void **state)
{
    (void)state;
    struct footage_options options = footage_h264();
    struct footage footage, other;
    footage_make(&footage, &options);
    footage_make(&other, &options);
    struct rw_clip *clip = rw_clip_create(4 << 20);
    assert_true(rw_clip_add(clip, footage.packets[0]));
    assert_false(rw_clip_add(clip, other.packets[0]));
    rw_clip_destroy(clip);
    footage_free(&footage);
    footage_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_stands_in_front_of_h264),
        cmocka_unit_test(index_stands_in_front_of_hevc),
        cmocka_unit_test(b_frames_keep_their_order_and_times),
        cmocka_unit_test(film_is_never_larger_than_it_may_be),
        cmocka_unit_test(film_begins_with_a_keyframe_or_is_none),
        cmocka_unit_test(another_codec_ends_the_film),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
