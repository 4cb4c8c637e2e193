#include "store/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/coverage.h"
#include "store/index.h"
#include "store/ring.h"

struct rw_reader {
    char dir[512];
    struct rw_index *index;
    const struct rw_disk *disk;
    bool present[RW_STREAMS];
    struct rw_ring_label label[RW_STREAMS];
};

static void ring_dir(const struct rw_reader *reader, enum rw_stream stream, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", reader->dir, rw_stream_name(stream));
}

struct rw_reader *rw_reader_open(const char *dir, struct rw_err *err)
{
    return rw_reader_open_on(rw_disk_system(), dir, err);
}

struct rw_reader *rw_reader_open_on(const struct rw_disk *disk, const char *dir, struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/index.db", dir);
    if (!disk->exists(disk->self, path)) {
        rw_fail(err, RW_ENOTFOUND, "nothing has been recorded in %s yet", dir);
        return NULL;
    }
    struct rw_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    snprintf(reader->dir, sizeof reader->dir, "%s", dir);
    reader->disk = disk;
    reader->index = rw_index_open(disk, path, err);
    if (!reader->index)
        goto failed;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        ring_dir(reader, (enum rw_stream)stream, path, sizeof path);
        int there = rw_ring_read_label(disk, path, NULL, NULL, &reader->label[stream], err);
        if (there < 0)
            goto failed;
        reader->present[stream] = there;
    }
    return reader;
failed:
    rw_reader_close(reader);
    return NULL;
}

void rw_reader_close(struct rw_reader *reader)
{
    if (!reader)
        return;
    rw_index_close(reader->index);
    free(reader);
}

/* --- the newest records, in the open slot only --- */

typedef int (*record_fn)(void *arg, const struct rw_record *record, int slot, int64_t offset);

struct tail_start {
    int64_t at; /* 0: from the slot's first record */
    uint64_t seq;
};

static int note_end(void *arg, const struct rw_chunk *chunk)
{
    struct tail_start *start = arg;
    start->at = chunk->offset + chunk->span;
    start->seq = chunk->first_seq + (uint64_t)chunk->count - 1;
    return 0;
}

static int walk_open_slot(struct rw_reader *reader, enum rw_stream stream, int slot,
                          const struct tail_start *start, record_fn fn, void *arg,
                          struct rw_err *err)
{
    char dir[540];
    struct rw_scan scan;
    struct rw_record record;
    int64_t offset;
    ring_dir(reader, stream, dir, sizeof dir);
    int got = rw_slot_scan(&scan, reader->disk, dir, slot, reader->label[stream].id, err);
    if (got <= 0)
        return got; /* 0: begun, but nothing in it yet */
    rw_scan_skip_to(&scan, start->at ? start->at : scan.at, start->seq);
    while ((got = rw_scan_next(&scan, &record, &offset, err)) == 1)
        if (fn(arg, &record, slot, offset))
            break;
    rw_slot_end(&scan);
    return got < 0 ? -1 : 0;
}

static int each_tail_record(struct rw_reader *reader, enum rw_stream stream, record_fn fn,
                            void *arg, struct rw_err *err)
{
    struct rw_ring_row row;
    int got = rw_index_get_ring(reader->index, stream, &row, err);
    if (got <= 0 || row.open_slot < 0)
        return got < 0 ? -1 : 0;
    struct tail_start start = {.seq = 0};
    if (rw_index_chunks(reader->index, stream, row.open_slot, 0, 0, note_end, &start, err))
        return -1;
    /* Begun, without a row yet: a lap before has lower numbers than any row. (The ring's last_seq
     * may be of a record in this very slot.) */
    int64_t newest = 0;
    if (!start.at && (newest = rw_index_newest_seq(reader->index, stream, err)) < 0)
        return -1;
    if (!start.at)
        start.seq = (uint64_t)newest;
    return walk_open_slot(reader, stream, row.open_slot, &start, fn, arg, err);
}

/* --- damage --- */

struct damage {
    uint64_t *seq; /* ascending; owned */
    int count, capacity;
};

static int note_damage(void *arg, uint64_t seq, int slot)
{
    struct damage *damage = arg;
    (void)slot;
    damage->seq = rw_list_grow(damage->seq, damage->count, &damage->capacity, sizeof *damage->seq);
    damage->seq[damage->count++] = seq;
    return 0;
}

/* The first damaged record at or above seq; UINT64_MAX: none. */
static uint64_t next_damage(const struct damage *damage, uint64_t seq)
{
    int low = 0, high = damage->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (damage->seq[middle] < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < damage->count ? damage->seq[low] : UINT64_MAX;
}

/* --- fragments --- */

struct fragments {
    struct damage damage;
    int64_t from_us, to_us;
    int (*fn)(void *arg, const struct rw_fragment *fragment);
    void *arg;
    int stop;
};

static int offer(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct fragments *f = arg;
    if (kind == RW_RECORD_FRAGMENT && fragment->start_us < f->to_us &&
        fragment->start_us + fragment->duration_us > f->from_us) {
        struct rw_fragment told = *fragment;
        told.damaged = next_damage(&f->damage, told.seq) == told.seq;
        f->stop = f->fn(f->arg, &told);
    }
    return f->stop;
}

static int offer_chunk(void *arg, const struct rw_chunk *chunk)
{
    rw_chunk_each(chunk, offer, arg);
    return ((struct fragments *)arg)->stop;
}

static void fragment_of_record(const struct rw_record *record, int slot, int64_t offset,
                               struct rw_fragment *out)
{
    *out = (struct rw_fragment){.seq = record->seq,
                                .slot = slot,
                                .offset = offset + RW_RECORD_SIZE,
                                .size = record->length,
                                .start_us = record->start_us,
                                .duration_us = record->duration_us,
                                .keyframe = record->keyframe,
                                .came_damaged = record->came_damaged,
                                .gap_count = record->gap_count};
    memcpy(out->gaps, record->gaps, sizeof out->gaps);
}

static int offer_record(void *arg, const struct rw_record *record, int slot, int64_t offset)
{
    struct rw_fragment fragment;
    fragment_of_record(record, slot, offset, &fragment);
    return offer(arg, &fragment, record->kind);
}

int rw_reader_fragments(struct rw_reader *reader, enum rw_stream stream, int64_t from_us,
                        int64_t to_us, int (*fn)(void *arg, const struct rw_fragment *fragment),
                        void *arg, struct rw_err *err)
{
    struct fragments f = {.from_us = from_us, .to_us = to_us, .fn = fn, .arg = arg};
    if (!reader->present[stream])
        return 0;
    if (rw_index_hold_still(reader->index, err))
        return -1;
    int failed = rw_index_damaged(reader->index, stream, note_damage, &f.damage, err) ||
                 rw_index_chunks(reader->index, stream, -1, from_us, to_us, offer_chunk, &f, err);
    if (!failed && !f.stop)
        failed = each_tail_record(reader, stream, offer_record, &f, err);
    rw_index_let_go(reader->index);
    free(f.damage.seq);
    return failed ? -1 : 0;
}

int rw_reader_slot(struct rw_reader *reader, enum rw_stream stream, int slot,
                   int (*fn)(void *arg, const struct rw_fragment *fragment), void *arg,
                   struct rw_err *err)
{
    struct fragments f = {.from_us = INT64_MIN, .to_us = INT64_MAX, .fn = fn, .arg = arg};
    if (!reader->present[stream])
        return 0;
    int failed = rw_index_damaged(reader->index, stream, note_damage, &f.damage, err) ||
                 rw_index_chunks(reader->index, stream, slot, 0, 0, offer_chunk, &f, err);
    free(f.damage.seq);
    return failed ? -1 : 0;
}

int rw_reader_slot_count(struct rw_reader *reader, enum rw_stream stream)
{
    struct rw_ring ring = {.count = 0};
    if (!reader->present[stream])
        return 0;
    rw_ring_look(&ring, reader->disk, reader->dir, stream, &reader->label[stream], NULL);
    int count = ring.count;
    rw_ring_finish(&ring);
    return count;
}

int rw_reader_check(struct rw_reader *reader, enum rw_stream stream, int slot, int64_t offset,
                    uint64_t seq, uint32_t length, struct rw_err *err)
{
    char dir[540];
    int64_t size;
    struct rw_scan scan;
    struct rw_err why;
    const struct rw_disk *disk = reader->disk;
    ring_dir(reader, stream, dir, sizeof dir);
    int fd = rw_slot_open(disk, dir, slot, &size);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s", strerror(errno));
    if (disk->forget)
        disk->forget(disk->self, fd, offset, RW_RECORD_SIZE + (int64_t)length);
    int good = rw_scan_open(&scan, disk, fd, size, reader->label[stream].id, &why);
    if (!good)
        good = rw_scan_check(&scan, offset, seq, length, err);
    else
        good = why.code == RW_EFORMAT ? 0 : rw_fail(err, why.code, "%s", why.text);
    disk->close(disk->self, fd);
    return good;
}

static int load(struct rw_scan *scan, const struct rw_fragment *fragment, struct rw_film_bytes *out,
                struct rw_err *err)
{
    rw_buf_clear(&out->bytes);
    rw_buf_grow(&out->bytes, scan->init_length);
    out->init_size = scan->init_length;
    memcpy(out->init_hash, scan->init_hash, sizeof out->init_hash);
    if (rw_disk_read_full(scan->disk, scan->fd, out->bytes.data, scan->init_length, 0))
        return rw_fail(err, rw_code_of_errno(errno), "%s", strerror(errno));
    return rw_scan_load(scan, fragment->offset - RW_RECORD_SIZE, fragment->seq, fragment->size,
                        &out->bytes, err);
}

int rw_reader_load(struct rw_reader *reader, enum rw_stream stream,
                   const struct rw_fragment *fragment, struct rw_film_bytes *out,
                   struct rw_err *err)
{
    char dir[540];
    struct rw_scan scan;
    ring_dir(reader, stream, dir, sizeof dir);
    int got = rw_slot_scan(&scan, reader->disk, dir, fragment->slot, reader->label[stream].id, err);
    if (got <= 0)
        return got;
    got = load(&scan, fragment, out, err);
    rw_slot_end(&scan);
    return got;
}

/* --- coverage and extent --- */

struct survey {
    struct rw_ledger ledger;
    struct damage damage;
    int64_t oldest_us;
    struct rw_ring_end newest;
};

/* Of a chunk whose span is added as a whole. */
static int take_marks(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct survey *survey = arg;
    if (kind == RW_RECORD_EVENT)
        return 0;
    rw_ledger_add_gaps(&survey->ledger, fragment->start_us, fragment->gaps, fragment->gap_count);
    if (fragment->came_damaged)
        rw_ledger_add_damage(&survey->ledger, fragment->start_us,
                             fragment->start_us + fragment->duration_us);
    return 0;
}

/* One with damage of the disk in it: what is damaged counts as missing. */
static int take_one(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct survey *survey = arg;
    if (kind == RW_RECORD_EVENT)
        return 0;
    int64_t end = fragment->start_us + fragment->duration_us;
    struct rw_gap_part damage = {RW_CAUSE_DISK, fragment->duration_us};
    if (next_damage(&survey->damage, fragment->seq) == fragment->seq && damage.length_us) {
        rw_ledger_add_gaps(&survey->ledger, fragment->start_us, fragment->gaps,
                           fragment->gap_count);
        rw_ledger_add_gaps(&survey->ledger, end, &damage, 1);
        return 0;
    }
    take_marks(survey, fragment, kind);
    rw_ledger_add_span(&survey->ledger, fragment->start_us, end);
    return 0;
}

static int take_chunk(void *arg, const struct rw_chunk *chunk)
{
    struct survey *survey = arg;
    if (!chunk->end_us)
        return 0;
    if (next_damage(&survey->damage, chunk->first_seq) <
        chunk->first_seq + (uint64_t)chunk->count) {
        rw_chunk_each(chunk, take_one, survey);
        return 0;
    }
    rw_chunk_each(chunk, take_marks, survey);
    rw_ledger_add_span(&survey->ledger, chunk->start_us, chunk->end_us);
    return 0;
}

static int take_record(void *arg, const struct rw_record *record, int slot, int64_t offset)
{
    struct survey *survey = arg;
    if (record->kind == RW_RECORD_EVENT)
        return 0;
    struct rw_fragment fragment;
    fragment_of_record(record, slot, offset, &fragment);
    take_one(survey, &fragment, record->kind);
    if (!survey->oldest_us || record->start_us < survey->oldest_us)
        survey->oldest_us = record->start_us;
    survey->newest = rw_ring_end_of(record); /* in sequence, wherever the clock was */
    return 0;
}

/* Bounds of what is kept, the tail included; its spans and gaps are in survey->ledger. */
static int survey_extent(struct rw_reader *reader, enum rw_stream stream, struct survey *survey,
                         struct rw_err *err)
{
    struct rw_index_extent extent;
    if (rw_index_extent(reader->index, stream, &extent, err))
        return -1;
    survey->oldest_us = extent.oldest_us;
    survey->newest = (struct rw_ring_end){
        .utc_us = extent.newest_us, .boot_us = extent.newest_boot_us, .boot = extent.newest_boot};
    return each_tail_record(reader, stream, take_record, survey, err);
}

/* How far the answer reaches: to now, but what was recorded before the clock was set back lies
 * behind that. */
static int64_t end_of_answer(const struct survey *survey, const struct rw_asked *asked,
                             int64_t to_us)
{
    int64_t newest = survey->newest.utc_us, recorded = rw_ledger_end(&survey->ledger);
    int64_t end = asked->now_us;
    if (asked->open_cause == RW_CAUSE_NONE && newest && newest < end)
        end = newest;
    if (recorded > asked->now_us)
        end = recorded;
    return end < to_us ? end : to_us;
}

static void settle(struct survey *survey, const struct rw_ring_row *row,
                   const struct rw_asked *asked, int64_t from_us, int64_t to_us,
                   struct rw_coverage *out)
{
    int64_t newest = survey->newest.utc_us;
    int64_t end = end_of_answer(survey, asked, to_us);
    *out = (struct rw_coverage){.from_us = from_us, .to_us = end > from_us ? end : from_us};
    bool another_boot = newest && asked->boot_us && survey->newest.boot != asked->boot;
    struct rw_ledger_bounds bounds = {.born_us = row->born_us ? row->born_us : survey->oldest_us,
                                      .newest_us = newest,
                                      .aged_us = row->aged_us,
                                      .deleted_us = row->deleted_us,
                                      .power_us = another_boot ? asked->boot_us : 0,
                                      .open_cause = asked->open_cause,
                                      .now_us = end > asked->now_us ? asked->now_us : 0};
    if (bounds.now_us && asked->open_cause == RW_CAUSE_NONE)
        bounds.open_cause = RW_CAUSE_CLOCK; /* the second on its way is not at the end */
    rw_ledger_settle(&survey->ledger, &bounds, out);
}

static void survey_finish(struct survey *survey)
{
    rw_ledger_finish(&survey->ledger);
    free(survey->damage.seq);
}

int rw_reader_coverage(struct rw_reader *reader, enum rw_stream stream, int64_t from_us,
                       int64_t to_us, const struct rw_asked *asked, struct rw_coverage *out,
                       struct rw_err *err)
{
    struct survey survey = {0};
    struct rw_ring_row row = {.born_us = 0};
    if (rw_index_hold_still(reader->index, err))
        return -1;
    int failed =
        reader->present[stream] &&
        (rw_index_get_ring(reader->index, stream, &row, err) < 0 ||
         rw_index_damaged(reader->index, stream, note_damage, &survey.damage, err) ||
         rw_index_chunks_to_next(reader->index, stream, from_us, to_us, take_chunk, &survey, err) ||
         survey_extent(reader, stream, &survey, err)); /* the newest records come last */
    rw_index_let_go(reader->index);
    if (!failed)
        settle(&survey, &row, asked, from_us, to_us, out);
    survey_finish(&survey);
    return failed ? -1 : 0;
}

double rw_extent_days(const struct rw_extent *extent)
{
    int64_t from = extent->deleted_us > extent->oldest_us ? extent->deleted_us : extent->oldest_us;
    return extent->any && extent->newest_us > from ? (double)(extent->newest_us - from) / 86400e6
                                                   : 0;
}

int rw_reader_extent(struct rw_reader *reader, enum rw_stream stream, struct rw_extent *out,
                     struct rw_err *err)
{
    struct survey survey = {0};
    struct rw_ring_row row = {.born_us = 0};
    *out = (struct rw_extent){.present = reader->present[stream]};
    if (!out->present)
        return 0;
    if (rw_index_hold_still(reader->index, err))
        return -1;
    int failed = rw_index_get_ring(reader->index, stream, &row, err) < 0 ||
                 survey_extent(reader, stream, &survey, err);
    rw_index_let_go(reader->index);
    survey_finish(&survey);
    if (failed)
        return -1;
    out->any = survey.newest.utc_us > 0;
    out->oldest_us = survey.oldest_us;
    out->newest_us = survey.newest.utc_us;
    out->slots = reader->label[stream].slots;
    out->slot_size = reader->label[stream].slot_size;
    out->deleted_us = row.deleted_us;
    return 0;
}

int rw_reader_totals(struct rw_reader *reader, enum rw_stream stream, int64_t *bytes,
                     int64_t *recorded_us, struct rw_err *err)
{
    return rw_index_totals(reader->index, stream, bytes, recorded_us, err);
}

/* --- events and state --- */

int rw_reader_events_after(struct rw_reader *reader, int64_t after, int limit,
                           int (*fn)(void *arg, const struct rw_event *event), void *arg,
                           struct rw_err *err)
{
    return rw_index_events(reader->index, RW_EVENTS_AFTER, after, limit > 0 ? limit : -1, fn, arg,
                           err);
}

int rw_reader_events_between(struct rw_reader *reader, int64_t from_us, int64_t to_us,
                             int (*fn)(void *arg, const struct rw_event *event), void *arg,
                             struct rw_err *err)
{
    return rw_index_events(reader->index, RW_EVENTS_BETWEEN, from_us, to_us, fn, arg, err);
}

int rw_reader_event(struct rw_reader *reader, const char *id, struct rw_event *event,
                    struct rw_err *err)
{
    return rw_index_get_event(reader->index, id, event, err);
}

int rw_reader_events_waiting(struct rw_reader *reader, int64_t after, int64_t *count,
                             int64_t *highest, struct rw_err *err)
{
    return rw_index_waiting(reader->index, after, count, highest, err);
}

int rw_reader_pictures(struct rw_reader *reader, const char *event_id, struct rw_buf *jpeg,
                       struct rw_buf *thumbnail, struct rw_err *err)
{
    return rw_index_pictures(reader->index, event_id, jpeg, thumbnail, err);
}

int rw_reader_state(struct rw_reader *reader, struct rw_camera_state *out, struct rw_err *err)
{
    char path[600];
    if (rw_index_get_state(reader->index, out, err))
        return -1;
    snprintf(path, sizeof path, "%s/lock", reader->dir);
    out->writer_alive = reader->disk->locked(reader->disk->self, path) == 1;
    return 0;
}
