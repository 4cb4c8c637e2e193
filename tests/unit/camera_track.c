/* From packets to fragments in slots: real footage, a real store in a temporary folder, and a clock
 * of our own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "camera/track.h"
#include "media/source.h"
#include "media/timeline.h"
#include "media_footage.h"
#include "store/fsck.h"
#include "store/reader.h"
#include "store/scan.h"

#define T0 INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)
#define INTERVAL INT64_C(66667)

struct box {
    char root[64], dir[80];
    struct rw_now now; /* of the next picture */
    bool refuse;       /* the disk takes nothing */
    struct rw_clock clock;
    struct rw_disk disk;
    struct rw_board *board;
    struct rw_store *store;
    struct rw_track *track;
    struct footage footage;
    int next; /* of the footage */
};

static struct rw_now box_now(void *self)
{
    return ((struct box *)self)->now;
}
static struct rw_clock_state box_state(void *self)
{
    (void)self;
    return (struct rw_clock_state){RW_CLOCK_SYNCED, 12000};
}
static void box_boot(void *self, uint8_t id[16])
{
    (void)self;
    memset(id, 1, 16);
}
static ssize_t box_pwrite(void *self, int fd, const void *bytes, size_t size, int64_t offset)
{
    if (((struct box *)self)->refuse) {
        errno = EIO;
        return -1;
    }
    return pwrite(fd, bytes, size, offset);
}

static int set_up(void **state)
{
    struct box *box = calloc(1, sizeof *box);
    struct rw_err err = {0};
    strcpy(box->root, "/tmp/roadwatch-track-XXXXXX");
    assert_non_null(mkdtemp(box->root));
    snprintf(box->dir, sizeof box->dir, "%s/gate", box->root);
    box->now = (struct rw_now){T0, 500 * SECOND};
    box->clock = (struct rw_clock){box, box_now, box_state, box_boot};
    box->disk = *rw_disk_system();
    box->disk.self = box;
    box->disk.pwrite = box_pwrite;
    box->board = rw_board_create();
    struct rw_store_options options = {.dir = box->dir,
                                       .site = "thon-dung",
                                       .camera = "gate",
                                       .slots = {12, 0},
                                       .slot_size = 1 << 20,
                                       .sync_us = 2 * SECOND,
                                       .disk = &box->disk,
                                       .clock = &box->clock};
    box->store = rw_store_open(&options, &err);
    if (!box->store)
        fail_msg("%s", err.text);
    box->track = rw_track_create(box->store, RW_MAIN, "gate", box->board);
    *state = box;
    return 0;
}

static int tear_down(void **state)
{
    struct box *box = *state;
    char command[100];
    rw_track_destroy(box->track);
    rw_store_close(box->store);
    rw_board_destroy(box->board);
    footage_free(&box->footage);
    snprintf(command, sizeof command, "rm -rf %s", box->root);
    assert_int_equal(system(command), 0);
    free(box);
    return 0;
}

static void use_footage(struct box *box, int gop, int width)
{
    struct footage_options options = footage_h264();
    options.pictures = 60;
    options.gop = gop;
    options.width = width;
    footage_free(&box->footage);
    footage_make(&box->footage, &options);
    box->next = 0;
}

/* Filler data behind a picture (H.264, 7.3.2.7: NAL unit type 12) makes it as heavy as wished. */
static AVPacket *padded(const struct rw_packet *picture, size_t size)
{
    AVPacket *coded = av_packet_alloc();
    size_t total = picture->size > size ? picture->size : size;
    assert_int_equal(av_new_packet(coded, (int)total), 0);
    memcpy(coded->data, picture->data, picture->size);
    uint8_t *at = coded->data + picture->size;
    size_t left = total - picture->size;
    memset(at, 0xff, left);
    if (left >= 6) {
        memcpy(at, "\0\0\0\1\x0c", 5);
        at[left - 1] = 0x80;
    }
    return coded;
}

struct shot {
    size_t size; /* at least */
    bool after_jump, damaged;
    enum rw_cause cause;
};

static void add_shot(struct box *box, struct shot shot)
{
    const struct rw_packet *picture = box->footage.packets[box->next++ % box->footage.count];
    struct rw_packet fields = *picture;
    fields.utc_us = fields.dts_us = box->now.utc_us;
    fields.boot_us = fields.arrival_us = box->now.boot_us;
    fields.after_jump = shot.after_jump;
    fields.damaged = shot.damaged;
    rw_track_add(box->track, rw_packet_create(padded(picture, shot.size), &fields), shot.cause);
    box->now.utc_us += INTERVAL;
    box->now.boot_us += INTERVAL;
    if (box->next % 15 == 0) { /* as the recorder does every second */
        rw_store_tick(box->store, box->now.boot_us, NULL);
        rw_track_tick(box->track, box->now.boot_us);
    }
}

static void add(struct box *box, int pictures)
{
    for (int i = 0; i < pictures; i++)
        add_shot(box, (struct shot){0});
}

static void pass(struct box *box, int64_t us)
{
    box->now.utc_us += us;
    box->now.boot_us += us;
}

/* --- what is on disk --- */

enum { FRAGMENTS_MAX = 400 };
struct found {
    struct rw_fragment fragments[FRAGMENTS_MAX];
    int count;
    int64_t duration_us; /* of all */
};

static int collect(void *arg, const struct rw_fragment *fragment)
{
    struct found *found = arg;
    assert_in_range(found->count, 0, FRAGMENTS_MAX - 1);
    found->fragments[found->count++] = *fragment;
    found->duration_us += fragment->duration_us;
    return 0;
}

static void find(struct box *box, struct found *found)
{
    struct rw_err err = {0};
    *found = (struct found){.count = 0};
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    if (!reader || rw_reader_fragments(reader, RW_MAIN, 0, INT64_C(1) << 53, collect, found, &err))
        fail_msg("%s", err.text);
    rw_reader_close(reader);
}

static void expect_gap(const struct rw_fragment *fragment, enum rw_cause cause, int64_t length_us)
{
    assert_int_equal(fragment->gap_count, 1);
    assert_int_equal(fragment->gaps[0].cause, cause);
    assert_int_equal(fragment->gaps[0].length_us, length_us);
}

static void say(void *arg, const char *sentence)
{
    (void)arg;
    print_message("fsck: %s\n", sentence);
}

static void expect_sound(struct box *box)
{
    struct rw_fsck_report report;
    struct rw_err err = {0};
    if (rw_fsck(box->dir, rw_disk_system(), false, say, NULL, &report, &err))
        fail_msg("%s", err.text);
    assert_int_equal(report.problems, 0);
}

/* Plays the slot as a technician would: the number of pictures in it, whose time must grow; the
 * largest step between two is told. */
static int play_slot(struct box *box, int slot, int64_t *largest_step_us)
{
    char path[120];
    struct rw_err err = {0};
    snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, slot);
    struct rw_source *source = rw_source_open_file(path, &err);
    if (!source)
        fail_msg("%s", err.text);
    int count = 0;
    int64_t last = 0;
    struct rw_packet *packet;
    *largest_step_us = 0;
    while ((packet = rw_source_read(source, &err))) {
        if (count++) {
            assert_true(packet->dts_us > last);
            if (packet->dts_us - last > *largest_step_us)
                *largest_step_us = packet->dts_us - last;
        }
        last = packet->dts_us;
        rw_packet_unref(packet);
    }
    assert_int_equal(err.code, RW_EEND);
    rw_source_close(source);
    return count;
}

static int64_t step_before(struct box *box, const struct rw_fragment *fragment)
{
    char path[120];
    uint8_t header[RW_RECORD_SIZE];
    struct rw_record record;
    snprintf(path, sizeof path, "%s/main/%05d.mp4", box->dir, fragment->slot);
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, header, sizeof header, fragment->offset - RW_RECORD_SIZE),
                     sizeof header);
    close(fd);
    assert_int_equal(rw_record_unpack(header, &record, NULL), 0);
    assert_int_equal(record.seq, fragment->seq);
    return record.step_us;
}

/* --- cases --- */

static void a_gop_of_a_second_is_a_fragment(void **state)
{
    struct box *box = *state;
    struct found found;
    int64_t step;
    use_footage(box, 15, 320);
    add(box, 60);
    find(box, &found);
    assert_int_equal(found.count, 3); /* the fourth waits for its last picture's end */
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 4);
    for (int i = 0; i < found.count; i++) {
        assert_int_equal(found.fragments[i].duration_us, 15 * INTERVAL);
        assert_int_equal(found.fragments[i].start_us, T0 + i * 15 * INTERVAL);
        assert_true(found.fragments[i].keyframe);
        assert_int_equal(found.fragments[i].gap_count, 0);
        assert_int_equal(found.fragments[i].slot, found.fragments[0].slot);
    }
    assert_int_equal(play_slot(box, found.fragments[0].slot, &step), 60);
    assert_in_range(step, INTERVAL - 100, INTERVAL + 100);
    struct rw_notice notice;
    rw_board_read(box->board, &notice);
    assert_int_equal(notice.stream[RW_MAIN].written_utc_us, T0 + 60 * INTERVAL);
    expect_sound(box);
}

static void a_longer_gop_is_cut_into_seconds(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 60, 320);
    add(box, 60);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 4);
    assert_int_equal(found.duration_us, 60 * INTERVAL);
    for (int i = 0; i < found.count; i++) {
        assert_in_range(found.fragments[i].duration_us, SECOND - INTERVAL, SECOND + INTERVAL);
        assert_int_equal(found.fragments[i].keyframe, i == 0);
    }
    expect_sound(box);
}

/* What is lost spoils all that builds on it, up to the next whole keyframe. */
static void a_gop_is_marked_from_where_something_was_lost_to_its_end(void **state)
{
    static const bool marked[] = {false, true, true, false, true, false, true, false};
    struct box *box = *state;
    struct found found;
    use_footage(box, 45, 320); /* three fragments */
    add(box, 20);
    add_shot(box, (struct shot){.damaged = true}); /* in the second */
    add(box, 39);
    box->next = 0;
    add_shot(box, (struct shot){.damaged = true}); /* a keyframe */
    add(box, 14);
    box->next = 0;
    add(box, 15);
    box->next = 0;
    add_shot(box, (struct shot){.damaged = true});
    rw_track_end(box->track);
    box->next = 0;
    add(box, 1); /* another connection begins with a keyframe */
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 8);
    for (int i = 0; i < found.count; i++)
        assert_int_equal(found.fragments[i].came_damaged, marked[i]);
    expect_sound(box);
}

static void a_shorter_gop_is_a_shorter_fragment(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 6, 320);
    add(box, 60);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 10);
    for (int i = 0; i < found.count; i++) {
        assert_int_equal(found.fragments[i].duration_us, 6 * INTERVAL);
        assert_true(found.fragments[i].keyframe);
    }
    expect_sound(box);
}

static void a_hole_is_a_gap_with_the_cause_that_came_with_it(void **state)
{
    struct box *box = *state;
    struct found found;
    int64_t step;
    use_footage(box, 15, 320);
    add(box, 20);
    pass(box, 10 * INTERVAL); /* dropped up to the next keyframe */
    box->next += 10;
    add_shot(box, (struct shot){.cause = RW_CAUSE_OVERLOAD});
    add(box, 14);
    pass(box, 40 * SECOND); /* no cause given, and nothing came */
    add(box, 15);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 4);
    assert_int_equal(found.fragments[1].duration_us, 5 * INTERVAL);
    assert_int_equal(found.fragments[1].gap_count, 0);
    expect_gap(&found.fragments[2], RW_CAUSE_OVERLOAD, 10 * INTERVAL);
    expect_gap(&found.fragments[3], RW_CAUSE_CAMERA_LOST, 40 * SECOND);
    assert_int_equal(found.duration_us, 50 * INTERVAL);
    /* one file plays all of it, with the holes in their places */
    assert_int_equal(found.fragments[3].slot, found.fragments[0].slot);
    assert_int_equal(play_slot(box, found.fragments[0].slot, &step), 50);
    assert_in_range(step, 40 * SECOND, 40 * SECOND + 2 * INTERVAL);
    expect_sound(box);
}

static void after_the_sources_end_it_goes_on_in_the_same_slot(void **state)
{
    struct box *box = *state;
    struct found found;
    int64_t step;
    use_footage(box, 15, 320);
    for (int i = 0; i < 5; i++) { /* a camera that comes and goes */
        add(box, 15);
        rw_track_end(box->track);
        rw_track_end(box->track); /* twice is once */
        pass(box, 20 * SECOND);
    }
    find(box, &found);
    assert_int_equal(found.count, 5);
    for (int i = 0; i < found.count; i++) {
        assert_int_equal(found.fragments[i].slot, found.fragments[0].slot);
        assert_int_equal(found.fragments[i].duration_us, 15 * INTERVAL);
        if (i)
            expect_gap(&found.fragments[i], RW_CAUSE_CAMERA_LOST, 20 * SECOND);
    }
    assert_int_equal(play_slot(box, found.fragments[0].slot, &step), 75);
    assert_in_range(step, 20 * SECOND, 20 * SECOND + 2 * INTERVAL);
    assert_int_equal(rw_store_counters(box->store).slots_begun, 1);
    expect_sound(box);
}

static void pictures_of_another_codec_begin_another_slot(void **state)
{
    struct box *box = *state;
    struct found found;
    int64_t step;
    use_footage(box, 15, 320);
    add(box, 20);
    use_footage(box, 15, 480);
    add(box, 15);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 3);
    assert_int_equal(found.fragments[1].slot, found.fragments[0].slot);
    assert_int_not_equal(found.fragments[2].slot, found.fragments[1].slot);
    assert_int_equal(found.fragments[2].gap_count, 0); /* nothing was lost on the way */
    assert_int_equal(found.duration_us, 35 * INTERVAL);
    assert_int_equal(play_slot(box, found.fragments[0].slot, &step), 20);
    assert_int_equal(play_slot(box, found.fragments[2].slot, &step), 15);
    expect_sound(box);
}

static void a_clock_that_steps_forward_leaves_a_step_and_a_gap_of_the_clock(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    add(box, 20);
    box->now.utc_us += 30 * SECOND; /* the box's clock was set; the pictures kept coming */
    add_shot(box, (struct shot){.after_jump = true});
    add(box, 14);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.duration_us, 35 * INTERVAL);
    const struct rw_fragment *after = &found.fragments[2];
    assert_int_equal(after->start_us, T0 + 20 * INTERVAL + 30 * SECOND);
    expect_gap(after, RW_CAUSE_CLOCK, 30 * SECOND);
    assert_int_equal(step_before(box, after), 30 * SECOND);
    assert_int_equal(step_before(box, &found.fragments[1]), 0);
    expect_sound(box);
}

static void a_clock_that_steps_back_leaves_a_step_and_no_gap(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    add(box, 20);
    box->now.utc_us -= 3600 * SECOND;
    add_shot(box, (struct shot){.after_jump = true});
    add(box, 14);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 4); /* the footage's keyframe is in the middle */
    assert_int_equal(found.duration_us, 35 * INTERVAL);
    const struct rw_fragment *after = &found.fragments[2];
    assert_int_equal(after->start_us, T0 + 20 * INTERVAL - 3600 * SECOND);
    assert_int_equal(after->gap_count, 0);
    assert_int_equal(step_before(box, after), -3600 * SECOND);
    assert_int_not_equal(after->slot, found.fragments[1].slot); /* time in a slot only grows */
}

/* Pictures of a steady camera as the timeline stamps them by the box's clock. */
static void add_stamped(struct box *box, struct rw_timeline *timeline, int pictures)
{
    for (int i = 0; i < pictures; i++) {
        struct rw_now arrival = box->now;
        struct rw_stamp stamp = rw_timeline_stamp(timeline, arrival.boot_us, arrival);
        box->now = (struct rw_now){stamp.dts_us, stamp.boot_us};
        add_shot(box, (struct shot){.after_jump = stamp.jumped});
        box->now = (struct rw_now){arrival.utc_us + INTERVAL, arrival.boot_us + INTERVAL};
    }
}

/* The kernel sets the clock back by a second at the end of 23:59:60. */
static void a_leap_second_costs_nothing_but_its_overlap(void **state)
{
    struct box *box = *state;
    struct found found;
    struct rw_timeline timeline;
    struct rw_coverage coverage;
    struct rw_err err = {0};
    int64_t length = 60 * INTERVAL;
    use_footage(box, 15, 320);
    rw_timeline_init(&timeline);
    add_stamped(box, &timeline, 25);
    box->now.utc_us -= SECOND;
    add_stamped(box, &timeline, 35);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.duration_us, length); /* every picture is there */
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    assert_non_null(reader);
    struct rw_asked asked = {.now_us = box->now.utc_us};
    assert_int_equal(
        rw_reader_coverage(reader, RW_MAIN, T0, T0 + length - SECOND, &asked, &coverage, &err), 0);
    assert_int_equal(coverage.recorded_us, length - SECOND);
    assert_int_equal(coverage.gap_us + coverage.deleted_us, 0);
    assert_int_equal(coverage.span_count, 1);
    rw_coverage_finish(&coverage);
    rw_reader_close(reader);
    expect_sound(box);
}

static void a_jump_of_the_cameras_clock_alone_is_no_step_of_ours(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    add(box, 15);
    pass(box, 5 * SECOND);
    add_shot(box, (struct shot){.after_jump = true});
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 2);
    assert_int_equal(step_before(box, &found.fragments[1]), 0);
    expect_gap(&found.fragments[1], RW_CAUSE_CAMERA_LOST, 5 * SECOND);
}

static void every_slot_begins_with_a_keyframe_where_a_gop_fits(void **state)
{
    struct box *box = *state;
    struct found found;
    int slots = 0;
    use_footage(box, 15, 320);
    for (int i = 0; i < 45 * 5; i++) /* about 225 KB a GOP: four in a slot */
        add_shot(box, (struct shot){.size = 15000});
    rw_track_end(box->track);
    find(box, &found);
    for (int i = 0; i < found.count; i++)
        if (!i || found.fragments[i].slot != found.fragments[i - 1].slot) {
            assert_true(found.fragments[i].keyframe);
            slots++;
        }
    assert_in_range(slots, 3, 4);
    assert_int_equal(found.duration_us, 45 * 5 * INTERVAL);
    expect_sound(box);
}

static void a_picture_larger_than_a_slot_is_refused_with_advice_and_the_rest_goes_on(void **state)
{
    struct box *box = *state;
    struct found found;
    struct rw_notice notice;
    use_footage(box, 15, 320);
    add(box, 30);
    add_shot(box, (struct shot){.size = 2 << 20}); /* begins the third GOP */
    add(box, 1);
    rw_board_read(box->board, &notice);
    assert_non_null(strstr(notice.disk_reason, "does not fit into a slot"));
    assert_non_null(strstr(notice.disk_reason, "slot_size"));
    add(box, 28);
    rw_track_end(box->track);
    rw_board_read(box->board, &notice);
    assert_string_equal(notice.disk_reason, "");
    find(box, &found);
    assert_int_equal(found.duration_us, 59 * INTERVAL);
    assert_int_equal(found.count, 4);
    expect_gap(&found.fragments[2], RW_CAUSE_DISK, INTERVAL);
    expect_sound(box);
}

static void a_disk_that_refuses_for_a_while_is_said_and_costs_no_picture(void **state)
{
    struct box *box = *state;
    struct found found;
    struct rw_notice notice;
    use_footage(box, 15, 320);
    add(box, 31);
    box->refuse = true;
    add(box, 15);
    rw_board_read(box->board, &notice);
    assert_non_null(strstr(notice.disk_reason, "refused"));
    box->refuse = false;
    add(box, 29);
    rw_track_end(box->track);
    rw_board_read(box->board, &notice);
    assert_string_equal(notice.disk_reason, "");
    find(box, &found);
    const struct rw_fragment *last = &found.fragments[found.count - 1];
    assert_int_equal(last->start_us + last->duration_us, T0 + 75 * INTERVAL);
    for (int i = 0; i < found.count; i++)
        assert_int_equal(found.fragments[i].gap_count, 0);
    assert_int_equal(found.duration_us, 75 * INTERVAL);
    expect_sound(box);
}

static void what_does_not_fit_into_memory_is_a_gap_of_the_disk(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    add(box, 31);
    box->refuse = true;
    for (int i = 0; i < 15 * 30; i++)
        add_shot(box, (struct shot){.size = 60000}); /* 27 MB */
    box->refuse = false;
    add(box, 60);
    rw_track_end(box->track);
    find(box, &found);
    int64_t missing = 0;
    for (int i = 0; i < found.count; i++)
        for (int k = 0; k < found.fragments[i].gap_count; k++) {
            assert_int_equal(found.fragments[i].gaps[k].cause, RW_CAUSE_DISK);
            missing += found.fragments[i].gaps[k].length_us;
        }
    assert_in_range(missing, 10 * SECOND, 25 * SECOND); /* 12 MiB waited */
    expect_sound(box);
}

static void a_single_picture_is_recorded_when_the_source_ends(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    rw_track_end(box->track); /* nothing yet: nothing to do */
    add(box, 1);
    rw_track_end(box->track);
    find(box, &found);
    assert_int_equal(found.count, 1);
    assert_in_range(found.duration_us, 30000, 200000);
}

static void a_camera_that_stalls_does_not_keep_its_pictures_from_the_disk(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    add(box, 8);
    rw_track_tick(box->track, box->now.boot_us);
    find(box, &found);
    assert_int_equal(found.count, 0); /* half a second: more may come */
    pass(box, SECOND);
    rw_track_tick(box->track, box->now.boot_us);
    find(box, &found);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.duration_us, 7 * INTERVAL); /* the eighth's end is not known yet */
    add(box, 7);
    rw_track_end(box->track);
    expect_sound(box);
}

static void a_picture_whose_time_stands_still_is_kept(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    add(box, 5);
    pass(box, -INTERVAL);
    add(box, 9);
    rw_track_end(box->track);
    find(box, &found);
    assert_true(found.duration_us > 0);
    uint64_t seq = 0;
    for (int i = 0; i < found.count; i++)
        seq += found.fragments[i].seq == (uint64_t)i + 1;
    assert_int_equal(seq, found.count); /* each fragment written is found, in order */
    const struct rw_fragment *last = &found.fragments[found.count - 1];
    assert_int_equal(last->start_us + last->duration_us, box->now.utc_us);
}

/* Footage in the two slots before the open one, then a disk that takes nothing for a while. */
static void a_disk_that_refuses_for_long_does_not_cost_the_footage_that_is_there(void **state)
{
    struct box *box = *state;
    struct found before, after;
    use_footage(box, 15, 320);
    for (int i = 0; i < 45 * 3; i++)
        add_shot(box, (struct shot){.size = 15000});
    find(box, &before);
    assert_int_not_equal(before.fragments[0].slot, before.fragments[before.count - 1].slot);
    box->refuse = true;
    add(box, 15 * 60);
    box->refuse = false;
    add(box, 30);
    rw_track_end(box->track);
    find(box, &after);
    assert_true(after.count > before.count);
    for (int i = 0; i < before.count; i++)
        assert_int_equal(after.fragments[i].seq, before.fragments[i].seq);
    expect_sound(box);
}

static void a_camera_whose_clock_jumps_with_every_picture_does_not_eat_the_ring(void **state)
{
    struct box *box = *state;
    struct found found;
    use_footage(box, 15, 320);
    for (int i = 0; i < 300; i++) {
        add_shot(box, (struct shot){.after_jump = true});
        pass(box, 33333 - INTERVAL); /* 30 pictures a second */
    }
    rw_track_end(box->track);
    find(box, &found);
    assert_true(rw_store_counters(box->store).slots_begun <= 2);
    assert_in_range(found.duration_us, 300 * 33333, 300 * 33333 + INTERVAL);
}

static void a_camera_that_changes_its_codec_with_every_picture_does_not_eat_the_ring(void **state)
{
    struct box *box = *state;
    struct rw_notice notice;
    bool said = false;
    struct footage other;
    use_footage(box, 15, 480);
    other = box->footage;
    box->footage = (struct footage){0};
    use_footage(box, 15, 320);
    for (int i = 0; i < 300; i++) { /* 20 s */
        struct footage swap = box->footage;
        box->footage = other;
        other = swap;
        add(box, 1);
        rw_board_read(box->board, &notice);
        said = said || strstr(notice.disk_reason, "again and again");
    }
    assert_true(said);
    assert_true(rw_store_counters(box->store).slots_begun <=
                6); /* the first, 4 in a row, 1 a minute */
    footage_free(&other);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_gop_of_a_second_is_a_fragment),
        CASE(a_longer_gop_is_cut_into_seconds),
        CASE(a_gop_is_marked_from_where_something_was_lost_to_its_end),
        CASE(a_shorter_gop_is_a_shorter_fragment),
        CASE(a_hole_is_a_gap_with_the_cause_that_came_with_it),
        CASE(after_the_sources_end_it_goes_on_in_the_same_slot),
        CASE(pictures_of_another_codec_begin_another_slot),
        CASE(a_clock_that_steps_forward_leaves_a_step_and_a_gap_of_the_clock),
        CASE(a_clock_that_steps_back_leaves_a_step_and_no_gap),
        CASE(a_leap_second_costs_nothing_but_its_overlap),
        CASE(a_jump_of_the_cameras_clock_alone_is_no_step_of_ours),
        CASE(every_slot_begins_with_a_keyframe_where_a_gop_fits),
        CASE(a_picture_larger_than_a_slot_is_refused_with_advice_and_the_rest_goes_on),
        CASE(a_disk_that_refuses_for_a_while_is_said_and_costs_no_picture),
        CASE(what_does_not_fit_into_memory_is_a_gap_of_the_disk),
        CASE(a_disk_that_refuses_for_long_does_not_cost_the_footage_that_is_there),
        CASE(a_camera_whose_clock_jumps_with_every_picture_does_not_eat_the_ring),
        CASE(a_camera_that_changes_its_codec_with_every_picture_does_not_eat_the_ring),
        CASE(a_single_picture_is_recorded_when_the_source_ends),
        CASE(a_camera_that_stalls_does_not_keep_its_pictures_from_the_disk),
        CASE(a_picture_whose_time_stands_still_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
