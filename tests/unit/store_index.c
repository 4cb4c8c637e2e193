/* The questions that readers ask the index, beside its writer and without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/event_json.h"
#include "store/index.h"
#include "store/reader.h"

#define T0 INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)

struct desk {
    char dir[64], path[80];
    struct rw_index *index;
    struct rw_err err;
};

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    strcpy(desk->dir, "/tmp/roadwatch-index-XXXXXX");
    assert_non_null(mkdtemp(desk->dir));
    snprintf(desk->path, sizeof desk->path, "%s/index.db", desk->dir);
    desk->index = rw_index_create(rw_disk_system(), desk->path, &desk->err);
    if (!desk->index)
        fail_msg("%s", desk->err.text);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *desk = *state;
    char command[100];
    rw_index_close(desk->index);
    snprintf(command, sizeof command, "rm -rf %s", desk->dir);
    assert_int_equal(system(command), 0);
    free(desk);
    return 0;
}

static struct rw_event sample(int number, int64_t start_us, int64_t end_us)
{
    struct rw_event event = {.kind = "motion",
                             .phase = end_us ? RW_PHASE_END : RW_PHASE_START,
                             .start_us = start_us,
                             .end_us = end_us,
                             .peak_us = start_us + 1,
                             .seen_us = start_us + 2,
                             .decided_us = start_us + 3,
                             .box = {0.25f, 0.5f, 0.1f, 1.0f / 3},
                             .score = 0.83f,
                             .armed = true,
                             .clock_trust = RW_CLOCK_HOLDOVER,
                             .clock_error_us = -1,
                             .zone_count = 2,
                             .zones = {"đường", "cổng \"làng\""},
                             .whole = {0.125f, 0.25f, 0.5f, 2.0f / 3},
                             .crossing_count = 2,
                             .crossings = {{"vạch", true}, {"vạch", false}},
                             .path_count = 3,
                             .path = {{0, 1}, {0.1f, 0.75f}, {1.0f / 3, 0.5f}},
                             .lasting = true,
                             .reason = "luồng chính: \"x\"",
                             .acked_by = "Hà"};
    snprintf(event.id, sizeof event.id, "01JD%022d", number);
    return event;
}

static void put_event(struct desk *desk, struct rw_event *event, const struct rw_pictures *pictures)
{
    assert_int_equal(rw_index_begin(desk->index, &desk->err), 0);
    event->revision = rw_index_next_revision(desk->index, &desk->err);
    char *json = rw_event_to_json(event);
    assert_int_equal(rw_index_put_event(desk->index, event, json, pictures, false, &desk->err), 0);
    free(json);
    assert_int_equal(rw_index_commit(desk->index, &desk->err), 0);
}

/* The numbers of events as they come, for example "1 3 2 ". */
struct heard {
    char text[200];
    int stop_after, count;
};

static int hear(void *arg, const struct rw_event *event)
{
    struct heard *heard = arg;
    size_t used = strlen(heard->text);
    snprintf(heard->text + used, sizeof heard->text - used, "%d ", atoi(event->id + 4));
    return ++heard->count == heard->stop_after;
}

static void expect(struct desk *desk, enum rw_event_choice choice, int64_t a, int64_t b,
                   const char *expected)
{
    struct heard heard = {.count = 0};
    assert_int_equal(rw_index_events(desk->index, choice, a, b, hear, &heard, &desk->err), 0);
    assert_string_equal(heard.text, expected);
}

/* A record that the first version wrote, word for word. */
static const char old_record[] =
    "{\"id\":\"01JD0000000000000000000001\",\"revision\":7,\"phase\":2,\"kind\":\"motion\","
    "\"start\":1790000000000000,\"end\":1790000002000000,\"peak\":1790000000000001,"
    "\"seen\":1790000000000000,\"decided\":1790000000000000,\"box\":[0.25,0.5,0.125,0.25],"
    "\"score\":0.5,\"armed\":true,\"clock_trust\":0,\"clock_error\":12000,\"zones\":[\"z\"],"
    "\"acked_by\":\"\"}";

static void a_record_of_before_there_were_paths_and_lines_is_read(void **state)
{
    (void)state;
    struct rw_event event;
    assert_int_equal(rw_event_from_json(old_record, strlen(old_record), &event), 0);
    assert_string_equal(event.kind, "motion");
    assert_int_equal(event.peak_us, T0 + 1);
    assert_true(event.box.w == 0.125f);
    assert_int_equal(event.zone_count, 1);
    assert_true(event.whole.w == 0 && !event.lasting);
    assert_int_equal(event.crossing_count + event.path_count, 0);
    char *again = rw_event_to_json(&event);
    struct rw_event back;
    assert_int_equal(rw_event_from_json(again, strlen(again), &back), 0);
    assert_memory_equal(&back, &event, sizeof event);
    free(again);
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct rw_event event;
    char text[1200], reason[601];
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = 0;
    snprintf(text, sizeof text, "{\"reason\":\"%s\",%s", reason, old_record + 1);
    assert_int_equal(rw_event_from_json(text, strlen(text), &event), 0);
    assert_int_equal(strlen(event.reason), sizeof event.reason - 1);
}

/* Where the old record ends, with this in it too. */
static void assert_refused(const char *more)
{
    char text[2000];
    struct rw_event event;
    snprintf(text, sizeof text, "%.*s,%s}", (int)sizeof old_record - 2, old_record, more);
    if (!rw_event_from_json(text, strlen(text), &event))
        fail_msg("taken: %s", more);
}

static void a_record_that_would_not_fit_is_refused(void **state)
{
    (void)state;
    struct rw_buf long_path = {0};
    rw_buf_printf(&long_path, "\"path\":[");
    for (int i = 0; i <= RW_EVENT_PATH_MAX; i++)
        rw_buf_printf(&long_path, "%s[0,0]", i ? "," : "");
    rw_buf_printf(&long_path, "]");
    assert_refused((char *)long_path.data);
    rw_buf_finish(&long_path);
    assert_refused("\"lines\":[{\"name\":\"a\"}]");
    assert_refused("\"lines\":[{\"to\":\"left\"}]");
    assert_refused("\"lines\":[7]");
    assert_refused("\"lines\":[{\"to\":\"left\",\"name\":\""
                   "12345678901234567890123456789012345678901234567890123456789012345\"}]");
    struct rw_event event; /* what is no fraction is 0, as in the box */
    static const char odd[] =
        "{\"id\":\"a\",\"kind\":\"motion\",\"acked_by\":\"\",\"box\":[0,0,1,1],"
        "\"whole\":\"?\",\"path\":[[2,0.5],7]}";
    assert_int_equal(rw_event_from_json(odd, strlen(odd), &event), 0);
    assert_int_equal(event.path_count, 2);
    assert_true(event.path[0].x == 0 && event.path[0].y == 0.5f && event.path[1].y == 0);
    assert_true(event.whole.w == 0);
}

static void an_event_comes_back_as_it_was_kept(void **state)
{
    struct desk *desk = *state;
    struct rw_event event = sample(7, T0, T0 + SECOND), back;
    put_event(desk, &event, NULL);
    assert_int_equal(event.revision, 1);
    assert_int_equal(rw_index_get_event(desk->index, event.id, &back, &desk->err), 1);
    assert_memory_equal(&back, &event, sizeof event);
    assert_int_equal(rw_index_get_event(desk->index, "01JD", &back, &desk->err), 0);
    assert_int_equal(rw_index_revision_of(desk->index, event.id, &desk->err), 1);
    assert_int_equal(rw_index_revision_of(desk->index, "' OR 1=1 --", &desk->err), 0);
}

static void a_reader_with_a_cursor_gets_each_change_once_and_in_order(void **state)
{
    struct desk *desk = *state;
    struct rw_event events[4];
    for (int i = 0; i < 4; i++) {
        events[i] = sample(i + 1, T0 + (4 - i) * SECOND, 0); /* told out of order of time */
        put_event(desk, &events[i], NULL);
    }
    expect(desk, RW_EVENTS_AFTER, 0, -1, "1 2 3 4 ");
    expect(desk, RW_EVENTS_AFTER, 0, 2, "1 2 ");
    expect(desk, RW_EVENTS_AFTER, 3, -1, "4 ");
    expect(desk, RW_EVENTS_AFTER, 4, -1, "");
    put_event(desk, &events[1], NULL); /* changed: its place is at the end now */
    assert_int_equal(events[1].revision, 5);
    expect(desk, RW_EVENTS_AFTER, 0, -1, "1 3 4 2 ");
    expect(desk, RW_EVENTS_AFTER, 4, -1, "2 ");
    int64_t count, highest;
    assert_int_equal(rw_index_waiting(desk->index, 0, &count, &highest, &desk->err), 0);
    assert_int_equal(count, 4);
    assert_int_equal(highest, 5);
    assert_int_equal(rw_index_waiting(desk->index, 4, &count, &highest, &desk->err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(highest, 5);
    assert_int_equal(rw_index_waiting(desk->index, 5, &count, &highest, &desk->err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(highest, 5);
    struct heard heard = {.stop_after = 2};
    assert_int_equal(rw_index_events(desk->index, RW_EVENTS_AFTER, 0, -1, hear, &heard, &desk->err),
                     0);
    assert_string_equal(heard.text, "1 3 ");
}

static void nothing_waits_in_an_empty_index(void **state)
{
    struct desk *desk = *state;
    int64_t count = 77, highest = 77;
    assert_int_equal(rw_index_waiting(desk->index, 0, &count, &highest, &desk->err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(highest, 0);
    expect(desk, RW_EVENTS_AFTER, 0, -1, "");
    expect(desk, RW_EVENTS_BETWEEN, 0, INT64_MAX, "");
    struct rw_index_extent extent;
    assert_int_equal(rw_index_extent(desk->index, RW_MAIN, &extent, &desk->err), 0);
    assert_int_equal(extent.newest_us, 0);
    struct rw_ring_row row;
    assert_int_equal(rw_index_get_ring(desk->index, RW_MAIN, &row, &desk->err), 0);
}

static void events_that_touch_a_span_come_in_order_of_their_start(void **state)
{
    struct desk *desk = *state;
    static const int64_t times[][2] = {{30, 40}, {10, 20}, {15, 35}, {50, 0}};
    for (int i = 0; i < 4; i++) {
        struct rw_event event =
            sample(i + 1, T0 + times[i][0] * SECOND, times[i][1] ? T0 + times[i][1] * SECOND : 0);
        put_event(desk, &event, NULL);
    }
    expect(desk, RW_EVENTS_BETWEEN, T0, T0 + 100 * SECOND, "2 3 1 4 ");
    expect(desk, RW_EVENTS_BETWEEN, T0 + 21 * SECOND, T0 + 30 * SECOND, "3 ");
    expect(desk, RW_EVENTS_BETWEEN, T0 + 21 * SECOND, T0 + 30 * SECOND + 1, "3 1 ");
    expect(desk, RW_EVENTS_BETWEEN, T0 + 41 * SECOND, T0 + 50 * SECOND, "");
    expect(desk, RW_EVENTS_BETWEEN, T0 + 90 * SECOND, T0 + 91 * SECOND, "4 "); /* it goes on */
    expect(desk, RW_EVENTS_OPEN, 0, 0, "4 ");
}

static void ended_events_wait_for_the_ring_until_that_revision_is_in_it(void **state)
{
    struct desk *desk = *state;
    struct rw_event ended = sample(1, T0, T0 + SECOND), open = sample(2, T0, 0);
    put_event(desk, &ended, NULL);
    put_event(desk, &open, NULL);
    expect(desk, RW_EVENTS_NOT_IN_RING, 0, 0, "1 ");
    put_event(desk, &ended, NULL); /* acknowledged meanwhile: an older revision is in the ring */
    assert_int_equal(rw_index_mark_in_ring(desk->index, ended.id, 1, &desk->err), 0);
    expect(desk, RW_EVENTS_NOT_IN_RING, 0, 0, "1 ");
    assert_int_equal(rw_index_mark_in_ring(desk->index, ended.id, ended.revision, &desk->err), 0);
    expect(desk, RW_EVENTS_NOT_IN_RING, 0, 0, "");
    put_event(desk, &ended, NULL); /* changed once more: back into the ring with it */
    expect(desk, RW_EVENTS_NOT_IN_RING, 0, 0, "1 ");
}

static void pictures_stay_until_others_come_and_go_with_their_event(void **state)
{
    struct desk *desk = *state;
    struct rw_event event = sample(1, T0, T0 + SECOND), other = sample(2, T0, 0);
    static uint8_t jpeg[100000];
    memset(jpeg, 7, sizeof jpeg);
    struct rw_pictures pictures = {jpeg, sizeof jpeg, jpeg, 9000}, none = {.jpeg_size = 0};
    struct rw_buf whole = {0}, crop = {0};
    put_event(desk, &event, &pictures);
    put_event(desk, &event, NULL);
    assert_int_equal(rw_index_pictures(desk->index, event.id, &whole, &crop, &desk->err), 0);
    assert_int_equal(whole.size, sizeof jpeg);
    assert_memory_equal(whole.data, jpeg, sizeof jpeg);
    assert_int_equal(crop.size, 9000);
    put_event(desk, &other, &none);
    assert_int_equal(rw_index_pictures(desk->index, other.id, &whole, &crop, &desk->err), 0);
    assert_int_equal(whole.size + crop.size, 0);
    assert_int_equal(rw_index_pictures(desk->index, "no such", &whole, &crop, &desk->err), 0);
    assert_int_equal(whole.size + crop.size, 0);
    int dropped;
    /* events whose footage was overwritten leave, those that go on stay */
    assert_int_equal(
        rw_index_drop_events_before(desk->index, RW_MAIN, T0 + SECOND, &dropped, &desk->err), 0);
    expect(desk, RW_EVENTS_AFTER, 0, -1, "1 2 ");
    assert_int_equal(dropped, 0);
    assert_int_equal(
        rw_index_drop_events_before(desk->index, RW_MAIN, T0 + SECOND + 1, &dropped, &desk->err),
        0);
    expect(desk, RW_EVENTS_AFTER, 0, -1, "2 ");
    assert_int_equal(dropped, 1);
    assert_int_equal(rw_index_pictures(desk->index, event.id, &whole, &crop, &desk->err), 0);
    assert_int_equal(whole.size, 0);
    rw_buf_finish(&whole);
    rw_buf_finish(&crop);
}

static void a_revision_is_never_given_twice_whatever_was_dropped(void **state)
{
    struct desk *desk = *state;
    struct rw_event event = sample(1, T0, T0 + SECOND), next = sample(2, T0 + 9 * SECOND, 0);
    int dropped;
    put_event(desk, &event, NULL);
    assert_int_equal(
        rw_index_drop_events_before(desk->index, RW_MAIN, T0 + 5 * SECOND, &dropped, &desk->err),
        0);
    rw_index_close(desk->index);
    desk->index = rw_index_create(rw_disk_system(), desk->path, &desk->err);
    put_event(desk, &next, NULL);
    assert_int_equal(next.revision, 2);
}

static void what_was_rolled_back_never_was(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(rw_index_put_meta(desk->index, "word", 5, &desk->err), 0);
    assert_int_equal(rw_index_begin(desk->index, &desk->err), 0);
    assert_int_equal(rw_index_put_meta(desk->index, "word", 6, &desk->err), 0);
    assert_int_equal(rw_index_next_revision(desk->index, &desk->err), 1);
    rw_index_rollback(desk->index);
    rw_index_rollback(desk->index); /* there is nothing left to roll back */
    assert_int_equal(rw_index_get_meta(desk->index, "word"), 5);
    assert_int_equal(rw_index_get_meta(desk->index, "another"), 0);
    assert_int_equal(rw_index_begin(desk->index, &desk->err), 0);
    assert_int_equal(rw_index_next_revision(desk->index, &desk->err), 1);
    assert_int_equal(rw_index_commit(desk->index, &desk->err), 0);
}

/* --- chunks --- */

/* A fragment of a second that begins at this second, alone in its chunk. */
static void put_chunk(struct desk *desk, int slot, uint64_t seq, int64_t second)
{
    struct rw_chunk chunk;
    struct rw_record record = {.kind = RW_RECORD_FRAGMENT,
                               .seq = seq,
                               .start_us = T0 + second * SECOND,
                               .duration_us = SECOND,
                               .length = 1000};
    rw_chunk_init(&chunk, RW_MAIN);
    assert_true(rw_chunk_add(&chunk, slot, &record, 200));
    assert_int_equal(rw_index_put_chunk(desk->index, &chunk, &desk->err), 0);
    rw_chunk_finish(&chunk);
}

static int hear_chunk(void *arg, const struct rw_chunk *chunk)
{
    struct heard *heard = arg;
    size_t used = strlen(heard->text);
    snprintf(heard->text + used, sizeof heard->text - used, "%d ", (int)chunk->first_seq);
    return ++heard->count == heard->stop_after;
}

static void expect_chunks(struct desk *desk, int slot, int64_t from, int64_t to,
                          const char *expected)
{
    struct heard heard = {.count = 0};
    assert_int_equal(rw_index_chunks(desk->index, RW_MAIN, slot, T0 + from * SECOND,
                                     T0 + to * SECOND, hear_chunk, &heard, &desk->err),
                     0);
    assert_string_equal(heard.text, expected);
}

static void note_slot(void *arg, int slot, uint64_t last_seq)
{
    uint64_t *last = arg;
    assert_in_range(slot, 0, 3);
    last[slot] = last_seq;
}

static void chunks_are_found_by_time_by_slot_and_after_a_time(void **state)
{
    struct desk *desk = *state;
    put_chunk(desk, 0, 1, 0);
    put_chunk(desk, 0, 2, 10);
    put_chunk(desk, 1, 3, 20);
    put_chunk(desk, 2, 4, 5); /* the clock had gone back */
    expect_chunks(desk, -1, -100, 100, "1 2 3 4 ");
    expect_chunks(desk, -1, 1, 5, "");
    expect_chunks(desk, -1, 0, 1, "1 ");
    expect_chunks(desk, -1, 5, 11, "2 4 ");
    expect_chunks(desk, 0, 0, 0, "1 2 ");
    expect_chunks(desk, 3, 0, 0, "");
    struct heard heard = {.count = 0};
    assert_int_equal(rw_index_chunks_to_next(desk->index, RW_MAIN, T0 + 5 * SECOND, T0 + 6 * SECOND,
                                             hear_chunk, &heard, &desk->err),
                     0);
    assert_string_equal(heard.text, "2 4 "); /* 4 is of that time, 2 the next in time */
    uint64_t last[4] = {0};
    assert_int_equal(rw_index_slots(desk->index, RW_MAIN, note_slot, last, &desk->err), 0);
    assert_int_equal(last[0], 2);
    assert_int_equal(last[1], 3);
    assert_int_equal(last[3], 0);
    struct rw_index_extent extent;
    assert_int_equal(rw_index_extent(desk->index, RW_MAIN, &extent, &desk->err), 0);
    assert_int_equal(extent.oldest_us, T0);
    assert_int_equal(extent.newest_us, T0 + 6 * SECOND); /* in sequence */
    int64_t bytes, recorded;
    assert_int_equal(rw_index_totals(desk->index, RW_MAIN, &bytes, &recorded, &desk->err), 0);
    assert_int_equal(bytes, 4 * (1000 + RW_RECORD_SIZE));
    assert_int_equal(rw_index_drop_slot(desk->index, RW_MAIN, 0, &desk->err), 0);
    expect_chunks(desk, -1, -100, 100, "3 4 ");
    assert_int_equal(rw_index_drop_stream(desk->index, RW_SUB, &desk->err), 0);
    expect_chunks(desk, -1, -100, 100, "3 4 ");
    assert_int_equal(rw_index_drop_stream(desk->index, RW_MAIN, &desk->err), 0);
    expect_chunks(desk, -1, -100, 100, "");
}

static void a_chunk_of_two_minutes_is_found_by_its_last_moment(void **state)
{
    struct desk *desk = *state;
    struct rw_chunk chunk;
    rw_chunk_init(&chunk, RW_MAIN);
    for (int i = 0; i < 60; i++) {
        struct rw_record record = {.kind = RW_RECORD_FRAGMENT,
                                   .seq = (uint64_t)i + 1,
                                   .start_us = T0 + 2 * i * SECOND,
                                   .duration_us = 2 * SECOND};
        assert_true(rw_chunk_add(&chunk, 0, &record, i * RW_RECORD_SIZE));
    }
    assert_int_equal(chunk.end_us - chunk.start_us, RW_CHUNK_US);
    assert_int_equal(rw_index_put_chunk(desk->index, &chunk, &desk->err), 0);
    rw_chunk_finish(&chunk);
    struct heard heard = {.count = 0};
    assert_int_equal(rw_index_chunks(desk->index, RW_MAIN, -1, T0 + RW_CHUNK_US - 1,
                                     T0 + RW_CHUNK_US, hear_chunk, &heard, &desk->err),
                     0);
    assert_string_equal(heard.text, "1 ");
}

static void a_ring_row_and_the_state_are_replaced(void **state)
{
    struct desk *desk = *state;
    struct rw_ring_row row = {.ring = "0123456789abcde", .born_us = T0, .open_slot = -1}, back;
    for (int i = 0; i < 2; i++) {
        row.last_seq = UINT64_C(1) << (40 + i);
        assert_int_equal(rw_index_put_ring(desk->index, RW_SUB, &row, &desk->err), 0);
        assert_int_equal(rw_index_get_ring(desk->index, RW_SUB, &back, &desk->err), 1);
        assert_memory_equal(back.ring, row.ring, 16);
        assert_int_equal(back.last_seq, row.last_seq);
        assert_int_equal(back.open_slot, -1);
    }
    assert_int_equal(rw_index_get_ring(desk->index, RW_MAIN, &back, &desk->err), 0);
    struct rw_camera_state kept;
    assert_int_equal(rw_index_get_state(desk->index, &kept, &desk->err), 0);
    assert_string_equal(kept.state, "");
    assert_int_equal(rw_index_put_state(desk->index, "offline", T0, "đứt cáp", &desk->err), 0);
    assert_int_equal(rw_index_put_state(desk->index, "online", T0 + 5, "", &desk->err), 0);
    assert_int_equal(rw_index_get_state(desk->index, &kept, &desk->err), 0);
    assert_string_equal(kept.state, "online");
    assert_string_equal(kept.reason, "");
    assert_int_equal(kept.since_us, T0 + 5);
}

/* --- beside the writer, and without one --- */

static void a_reader_sees_each_commit_of_the_writer_beside_it(void **state)
{
    struct desk *desk = *state;
    struct rw_reader *reader = rw_reader_open(desk->dir, &desk->err);
    assert_non_null(reader);
    for (int i = 1; i <= 3; i++) {
        struct rw_event event = sample(i, T0, 0);
        put_event(desk, &event, NULL);
        int64_t count, highest;
        assert_int_equal(rw_reader_events_waiting(reader, 0, &count, &highest, &desk->err), 0);
        assert_int_equal(count, i);
        assert_int_equal(highest, i);
    }
    struct heard heard = {.count = 0};
    assert_int_equal(rw_reader_events_after(reader, 0, 2, hear, &heard, &desk->err), 0);
    assert_string_equal(heard.text, "1 2 ");
    struct heard all = {.count = 0};
    assert_int_equal(rw_reader_events_after(reader, 0, 0, hear, &all, &desk->err), 0);
    assert_string_equal(all.text, "1 2 3 ");
    rw_reader_close(reader);
}

static void after_the_writer_is_gone_it_opens_read_only_and_stays_untouched(void **state)
{
    struct desk *desk = *state;
    struct rw_event event = sample(1, T0, 0), back;
    put_event(desk, &event, NULL);
    rw_index_close(desk->index);
    desk->index = NULL;
    struct rw_index *index = rw_index_open(rw_disk_system(), desk->path, &desk->err);
    if (!index)
        fail_msg("%s", desk->err.text);
    assert_int_equal(rw_index_get_event(index, event.id, &back, &desk->err), 1);
    assert_int_equal(rw_index_put_meta(index, "word", 1, &desk->err), -1);
    assert_int_equal(desk->err.code, RW_EROFS);
    rw_index_close(index);
}

static void a_file_that_is_no_index_is_refused_by_its_name(void **state)
{
    struct desk *desk = *state;
    char path[100];
    snprintf(path, sizeof path, "%s/other.db", desk->dir);
    assert_null(rw_index_open(rw_disk_system(), path, &desk->err));
    assert_int_equal(desk->err.code, RW_ENOTFOUND);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 2000; i++)
        fputs("no database ", file);
    fclose(file);
    assert_null(rw_index_create(rw_disk_system(), path, &desk->err));
    assert_int_equal(desk->err.code, RW_EFORMAT);
    assert_non_null(strstr(desk->err.text, "other.db"));
    assert_int_equal(rw_index_put_meta(desk->index, "format", 3, &desk->err), 0);
    rw_index_close(desk->index);
    desk->index = rw_index_open(rw_disk_system(), desk->path, &desk->err); /* of a later version */
    assert_null(desk->index);
    assert_int_equal(desk->err.code, RW_EFORMAT);
    assert_null(rw_reader_open("/no/such/folder", &desk->err));
    assert_int_equal(desk->err.code, RW_ENOTFOUND);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_record_of_before_there_were_paths_and_lines_is_read),
        CASE(a_reason_that_is_too_long_is_cut),
        CASE(a_record_that_would_not_fit_is_refused),
        CASE(an_event_comes_back_as_it_was_kept),
        CASE(a_reader_with_a_cursor_gets_each_change_once_and_in_order),
        CASE(nothing_waits_in_an_empty_index),
        CASE(events_that_touch_a_span_come_in_order_of_their_start),
        CASE(ended_events_wait_for_the_ring_until_that_revision_is_in_it),
        CASE(pictures_stay_until_others_come_and_go_with_their_event),
        CASE(a_revision_is_never_given_twice_whatever_was_dropped),
        CASE(what_was_rolled_back_never_was),
        CASE(chunks_are_found_by_time_by_slot_and_after_a_time),
        CASE(a_chunk_of_two_minutes_is_found_by_its_last_moment),
        CASE(a_ring_row_and_the_state_are_replaced),
        CASE(a_reader_sees_each_commit_of_the_writer_beside_it),
        CASE(after_the_writer_is_gone_it_opens_read_only_and_stays_untouched),
        CASE(a_file_that_is_no_index_is_refused_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
