#include "store/rebuild.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/event_json.h"

/* How a slot's records hang on the chain, and what is to be said of it. */
struct ends {
    uint64_t first_seq, last_seq; /* 0: it has none */
    uint64_t good_seq;            /* of its last record whose bytes are good; 0: none */
    uint8_t before[RW_HASH_SIZE]; /* the link that its first record continues */
    uint8_t last[RW_HASH_SIZE];   /* the link of its last record */
    uint64_t apart_seq;   /* of the last record that does not follow the one before it; 0: none */
    bool front_lost;      /* its first record is damaged, or stands behind damage */
    const uint8_t *limit; /* the link that it is cut at; NULL: it is whole */
    struct rw_buf words;  /* sentences, each with its NUL; owned */
};

enum { ABANDONED_MAX = 4 }; /* slots in a row that can have been left so */

struct rebuild {
    struct rw_index *index;
    struct rw_ring *ring;
    bool verify;
    void (*say)(void *arg, const char *sentence);
    void *arg;
    int newest_slot;
    uint64_t newest_seq; /* 0: none */
    int64_t born_us;     /* as the newest record tells it */
    struct ends *ends;   /* by slot number; owned */
    bool unexplained;    /* before the slot being walked footage is missing, nobody knows why */
    const uint8_t *last_link; /* the slot being walked ends with this record; NULL: no limit */
};

static void say(const struct rebuild *re, int number, const char *what, uint64_t seq)
{
    char text[160];
    snprintf(text, sizeof text, "%s slot %d: %s record %llu", rw_stream_name(re->ring->stream),
             number, what, (unsigned long long)seq);
    rw_buf_add(&re->ends[number].words, text, strlen(text) + 1);
}

static void finish_ends(struct rebuild *re, bool speak)
{
    for (int number = 0; number < re->ring->count; number++) {
        struct rw_buf *words = &re->ends[number].words;
        for (size_t at = 0; speak && re->say && at < words->size;) {
            const char *text = (const char *)words->data + at;
            re->say(re->arg, text);
            at += strlen(text) + 1;
        }
        rw_buf_finish(words);
    }
    free(re->ends);
}

/* Keeps an event unless the index knows a newer revision of it. */
static int put_newer(struct rebuild *re, const struct rw_event *event,
                     const struct rw_pictures *pictures, struct rw_err *err)
{
    int64_t highest, known = rw_index_revision_of(re->index, event->id, err);
    if (known < 0 || rw_index_read_meta(re->index, "revision", &highest, err) ||
        (event->revision > highest &&
         rw_index_put_meta(re->index, "revision", event->revision, err)))
        return -1;
    if (known >= event->revision)
        return 0;
    char *text = rw_event_to_json(event);
    int failed = rw_index_put_event(re->index, event, text, pictures, true, err);
    free(text);
    return failed;
}

static int take_event(struct rebuild *re, const struct rw_scan *scan,
                      const struct rw_record *record, int64_t offset, struct rw_err *err)
{
    struct rw_pictures pictures;
    struct rw_event event;
    struct rw_buf payload = {0};
    int result = rw_scan_event(scan, record, offset, &payload, &event, &pictures, err);
    if (result == 1)
        result = put_newer(re, &event, &pictures, err);
    rw_buf_finish(&payload);
    return result;
}

static int take_record(struct rebuild *re, struct rw_chunk *chunk, int number,
                       const struct rw_record *record, int64_t offset, struct rw_err *err)
{
    if (rw_index_add_record(re->index, chunk, number, record, offset, err))
        return -1;
    struct ends *ends = &re->ends[number];
    if (!ends->first_seq) {
        ends->first_seq = record->seq;
        memcpy(ends->before, record->previous_link, RW_HASH_SIZE);
    }
    if (ends->last_seq && memcmp(ends->last, record->previous_link, RW_HASH_SIZE))
        ends->apart_seq = record->seq;
    ends->last_seq = record->seq;
    memcpy(ends->last, record->link, RW_HASH_SIZE);
    re->ring->slot[number].last_seq = record->seq;
    if (record->seq > re->newest_seq) {
        re->newest_seq = record->seq;
        re->born_us = record->born_us;
    }
    if (record->step_us && rw_index_put_step(re->index, re->ring->stream, number, record, err))
        return -1;
    return 0;
}

/* What is missing before the record was lost by the disk. */
static void explain_loss(struct rw_record *record)
{
    if (record->gap_count == RW_GAPS_MAX)
        record->gap_count--;
    memmove(record->gaps + 1, record->gaps, (size_t)record->gap_count * sizeof *record->gaps);
    record->gaps[0] = (struct rw_gap_part){RW_CAUSE_DISK, RW_GAP_OPEN};
    record->gap_count++;
}

static bool has_good(const struct rw_scan *scan)
{
    struct rw_scan ahead = *scan;
    struct rw_record record;
    int64_t offset;
    while (rw_scan_next(&ahead, &record, &offset, NULL) == 1)
        if (rw_scan_verify(&ahead, &record, offset, NULL) == 1)
            return true;
    return false;
}

/* A damaged record keeps its row, with a mark: what was there once is told, and never as good.
 * Those at the end of the newest slot are what a power cut left unfinished: 1, they are none of the
 * recording. */
static int take_verified(struct rebuild *re, struct rw_chunk *chunk, const struct rw_scan *scan,
                         int number, struct rw_record *record, int64_t offset, struct rw_err *err)
{
    bool event = record->kind == RW_RECORD_EVENT, newest = number == re->newest_slot;
    int good = re->verify || event || newest ? rw_scan_verify(scan, record, offset, err) : 1;
    if (good < 0)
        return -1;
    if (!good && newest && !has_good(scan))
        return 1;
    if (!re->ends[number].first_seq)
        re->ends[number].front_lost = scan->lost || !good;
    if (re->unexplained && !event)
        explain_loss(record);
    re->unexplained = re->unexplained && event;
    if (scan->lost) {
        explain_loss(record);
        say(re, number, "bytes are damaged before", record->seq);
    }
    if (take_record(re, chunk, number, record, offset, err))
        return -1;
    if (good) {
        re->ends[number].good_seq = record->seq;
        return event ? take_event(re, scan, record, offset, err) : 0;
    }
    say(re, number, "its bytes no longer match the hash of", record->seq);
    return rw_index_put_damaged(re->index, re->ring->stream, record->seq, number, 0, err);
}

/* Nobody knows any more whether aged footage was zeroed to the end. */
static int note_wipe(struct rebuild *re, const struct rw_scan *scan, int number, struct rw_err *err)
{
    struct rw_wipe wipe = {re->ring->stream, number, scan->init_length, scan->aged_to};
    if (!scan->last_seq && number != re->newest_slot)
        wipe.to = scan->slot_size;
    return wipe.to ? rw_index_put_wipe(re->index, &wipe, err) : 0;
}

static int walk_slot(struct rebuild *re, struct rw_scan *scan, int number, struct rw_err *err)
{
    struct rw_record record;
    struct rw_chunk chunk;
    int64_t offset;
    int got, taken = 0;
    rw_chunk_init(&chunk, re->ring->stream);
    while (!taken && (got = rw_scan_next(scan, &record, &offset, err)) == 1) {
        taken = take_verified(re, &chunk, scan, number, &record, offset, err);
        if (!taken && re->last_link && !memcmp(record.link, re->last_link, RW_HASH_SIZE))
            taken = 1;
    }
    int failed = taken < 0 || (!taken && got < 0);
    if (!failed && chunk.count)
        failed = rw_index_put_chunk(re->index, &chunk, err);
    rw_chunk_finish(&chunk);
    return failed || note_wipe(re, scan, number, err) ? -1 : 0;
}

/* The slot that holds the newest lap, by each slot's first record. */
static int note_first(struct rebuild *re, struct rw_scan *scan, int number, struct rw_err *err)
{
    struct rw_record record;
    int64_t offset;
    int got = rw_scan_next(scan, &record, &offset, err);
    if (got == 1 && record.seq > re->newest_seq) {
        re->newest_seq = record.seq;
        re->newest_slot = number;
    }
    return got < 0 ? -1 : 0;
}

static int walk_file(struct rebuild *re, int number,
                     int (*walk)(struct rebuild *re, struct rw_scan *scan, int number,
                                 struct rw_err *err),
                     struct rw_err *err)
{
    const struct rw_ring *ring = re->ring;
    struct rw_scan scan;
    int got = rw_slot_scan(&scan, ring->disk, ring->dir, number, ring->id, err);
    if (got <= 0)
        return got;
    scan.search = true;
    if (number == re->newest_slot)
        got = rw_slot_settle(&scan, ring->dir, number, err);
    if (got > 0)
        got = walk(re, &scan, number, err);
    rw_slot_end(&scan);
    return got < 0 ? -1 : 0;
}

static int walk_files(struct rebuild *re, struct rw_err *err)
{
    struct rw_ring *ring = re->ring;
    for (int number = 0; number < ring->count; number++)
        if (ring->slot[number].size && walk_file(re, number, note_first, err))
            return -1;
    re->newest_seq = 0;
    for (int number = 0; number < ring->count; number++) {
        ring->slot[number].last_seq = 0;
        if (re->verify) /* the next is read while this one is hashed */
            rw_ring_want(ring, number + 1);
        if (ring->slot[number].size && walk_file(re, number, walk_slot, err))
            return -1;
    }
    return 0;
}

/* The slot with the newest records that begin below this number; -1: there is none. */
static int slot_below(const struct rebuild *re, uint64_t seq)
{
    int best = -1;
    for (int number = 0; number < re->ring->count; number++)
        if (re->ends[number].first_seq && re->ends[number].first_seq < seq &&
            (best < 0 || re->ends[number].first_seq > re->ends[best].first_seq))
            best = number;
    return best;
}

/* The slot that holds the newest good record; it may have begun before others that were given up.
 * One that a cut caught half overwritten has records of two laps, and those of the new one are
 * torn. */
static int slot_of_newest(const struct rebuild *re)
{
    int best = -1;
    for (int number = 0; number < re->ring->count; number++)
        if (re->ends[number].good_seq &&
            (best < 0 || re->ends[number].good_seq > re->ends[best].good_seq))
            best = number;
    return best;
}

static int forget_slot(struct rebuild *re, int number, struct rw_err *err)
{
    rw_buf_clear(&re->ends[number].words);
    re->ring->slot[number].last_seq = 0;
    return rw_index_drop_slot(re->index, re->ring->stream, number, err);
}

/* A slot that was given up may have begun after the one in which recording went on: that one is the
 * newest, and its tail is the one to be verified. */
static int walk_newest(struct rebuild *re, struct rw_err *err)
{
    int newest = slot_of_newest(re);
    if (newest < 0 || newest == re->newest_slot)
        return 0;
    re->newest_slot = newest;
    if (forget_slot(re, newest, err))
        return -1;
    re->ends[newest] = (struct ends){.words = re->ends[newest].words};
    return walk_file(re, newest, walk_slot, err);
}

static bool has_link(const struct rebuild *re, int number, const uint8_t *link)
{
    const struct rw_ring *ring = re->ring;
    struct rw_scan scan;
    if (rw_slot_scan(&scan, ring->disk, ring->dir, number, ring->id, NULL) <= 0)
        return false;
    scan.search = true;
    bool found = rw_scan_find_link(&scan, link);
    rw_slot_end(&scan);
    return found;
}

/* Once more, up to its limit. */
static int walk_again(struct rebuild *re, int number, struct rw_err *err)
{
    if (forget_slot(re, number, err))
        return -1;
    re->last_link = re->ends[number].limit;
    int failed = walk_file(re, number, walk_slot, err);
    re->last_link = NULL;
    return failed;
}

/* Between this slot and the one after it something is missing that no hold and no turn explains. */
static int explain_break(struct rebuild *re, int number, int after, struct rw_err *err)
{
    const struct rw_slot *slot = re->ring->slot;
    if (after < 0 || slot[number].held || slot[after].held)
        return 0;
    re->unexplained = true;
    int failed = walk_again(re, after, err);
    re->unexplained = false;
    return failed;
}

static bool is_below(const struct rebuild *re, int number, const uint8_t *link)
{
    for (int tries = 0; tries < ABANDONED_MAX && number >= 0; tries++) {
        number = slot_below(re, re->ends[number].first_seq);
        if (number >= 0 && has_link(re, number, link))
            return true;
    }
    return false;
}

/* Hangs a slot on the chain that goes on with the slot after it (-1: it is the newest). 1: it does
 * not belong there at all. */
static int hang_slot(struct rebuild *re, int number, int after, struct rw_err *err)
{
    struct ends *ends = &re->ends[number];
    const uint8_t *wanted = after < 0 ? NULL : re->ends[after].before;
    if (!wanted || !memcmp(ends->last, wanted, RW_HASH_SIZE))
        return 0;
    if (has_link(re, number, wanted)) {
        ends->limit = wanted;
        return walk_again(re, number, err);
    }
    bool twin = !memcmp(ends->before, wanted, RW_HASH_SIZE); /* both were to follow the same one */
    if (ends->front_lost || twin ||
        is_below(re, number, wanted)) /* half overwritten, or given up */
        return forget_slot(re, number, err) ? -1 : 1;
    return explain_break(re, number, after, err);
}

/* A cut in the first write to a slot may leave an old lap in front and new records behind it, which
 * no sync has made part of the recording; another slot was begun between the two. (Where that one
 * goes on from this slot, this one was left for it and taken up again.) */
static bool is_of_two_laps(const struct rebuild *re, int number)
{
    const struct ends *ends = &re->ends[number];
    for (int other = 0; other < re->ring->count; other++)
        if (re->ends[other].first_seq > ends->first_seq &&
            re->ends[other].first_seq < ends->apart_seq &&
            !has_link(re, number, re->ends[other].before))
            return true;
    return false;
}

static int forget_half_overwritten(struct rebuild *re, struct rw_err *err)
{
    for (int number = 0; number < re->ring->count; number++) {
        struct ends *ends = &re->ends[number];
        if (!is_of_two_laps(re, number))
            continue;
        if (forget_slot(re, number, err))
            return -1;
        ends->first_seq = ends->last_seq = ends->good_seq = 0;
    }
    return 0;
}

/* A slot that the disk refused, or that a cut caught, ends with records that are none of the
 * recording: the chain goes on from one before them. From the newest slot back. Where the chain is
 * broken (damage, footage that was held and outlived its neighbours) all is kept. */
static int leave_abandoned(struct rebuild *re, struct rw_err *err)
{
    int newest = slot_of_newest(re), after = -1;
    for (int number = 0; newest >= 0 && number < re->ring->count; number++)
        if (re->ends[number].first_seq > re->ends[newest].first_seq && /* begun, and given up */
            forget_slot(re, number, err))
            return -1;
    for (int number = newest; number >= 0; number = slot_below(re, re->ends[number].first_seq)) {
        int apart = hang_slot(re, number, after, err);
        if (apart < 0)
            return -1;
        if (!apart)
            after = number;
    }
    return 0;
}

/* The slot next to be overwritten is not in the index: it was dropped when the newest began. */
static int retire_next(struct rebuild *re, struct rw_err *err)
{
    struct rw_ring *ring = re->ring;
    ring->open = re->newest_slot;
    int next = re->newest_slot < 0 ? -1 : rw_ring_next_slot(ring);
    ring->open = -1;
    if (next < 0 || !ring->slot[next].last_seq)
        return 0;
    ring->slot[next].last_seq = 0;
    return rw_index_drop_slot(re->index, ring->stream, next, err);
}

int rw_rebuild_stream(struct rw_index *index, struct rw_ring *ring, bool verify,
                      void (*say_fn)(void *arg, const char *sentence), void *arg,
                      struct rw_err *err)
{
    struct rebuild re = {.index = index,
                         .ring = ring,
                         .verify = verify,
                         .say = say_fn,
                         .arg = arg,
                         .newest_slot = -1};
    int changed;
    int64_t first_seq, first_us;
    struct rw_index_extent extent;
    struct rw_ring_row row = {0};
    re.ends = calloc((size_t)ring->count + 1, sizeof *re.ends);
    if (!re.ends)
        abort();
    int failed = walk_files(&re, err) || forget_half_overwritten(&re, err) ||
                 walk_newest(&re, err) || leave_abandoned(&re, err) || retire_next(&re, err) ||
                 rw_index_correct(index, ring->stream, false, &changed, err) ||
                 rw_ring_oldest(ring, index, &row.deleted_us, err) ||
                 rw_index_first(index, ring->stream, &first_seq, &first_us, err) ||
                 rw_index_extent(index, ring->stream, &extent, err);
    finish_ends(&re, !failed);
    if (failed)
        return -1;
    if (!row.deleted_us && first_seq > 1) /* only what is held is left */
        row.deleted_us = extent.newest_us;
    row.born_us = first_seq == 1 && first_us ? first_us : re.born_us;
    row.open_slot = re.newest_slot;
    row.last_seq = re.newest_seq;
    memcpy(row.ring, ring->id, 16);
    return rw_index_put_ring(index, ring->stream, &row, err);
}

int rw_ring_oldest(const struct rw_ring *ring, struct rw_index *index, int64_t *start_us,
                   struct rw_err *err)
{
    int64_t end_us;
    uint64_t above = 0;
    *start_us = 0;
    for (;;) { /* mostly the first has some */
        int oldest = -1;
        for (int number = 0; number < ring->count; number++) {
            const struct rw_slot *slot = &ring->slot[number];
            if (slot->size && !slot->held && slot->last_seq > above &&
                (oldest < 0 || slot->last_seq < ring->slot[oldest].last_seq))
                oldest = number;
        }
        if (oldest < 0)
            return 0;
        if (rw_index_slot_extent(index, ring->stream, oldest, start_us, &end_us, err))
            return -1;
        if (*start_us)
            return 0;
        above = ring->slot[oldest].last_seq;
    }
}

struct salvage {
    struct rw_index *index, *old;
    bool in_ring;
};

static int salvage(void *arg, const struct rw_event *event)
{
    const struct salvage *from = arg;
    struct rw_buf jpeg = {0}, thumbnail = {0};
    /* the record in the ring keeps the times of a bad clock; the old index may know better */
    int64_t known = rw_index_revision_of(from->index, event->id, NULL);
    if (known > event->revision || (known == event->revision && !event->clock_shift_us))
        return 0;
    char *json = rw_event_to_json(event);
    rw_index_pictures(from->old, event->id, &jpeg, &thumbnail, NULL);
    struct rw_pictures pictures = {jpeg.data, (int)jpeg.size, thumbnail.data, (int)thumbnail.size};
    rw_index_put_event(from->index, event, json, jpeg.size ? &pictures : NULL, from->in_ring, NULL);
    free(json);
    rw_buf_finish(&jpeg);
    rw_buf_finish(&thumbnail);
    if (event->revision > rw_index_get_meta(from->index, "revision"))
        rw_index_put_meta(from->index, "revision", event->revision, NULL);
    return 0;
}

/* A slot that was begun when the power went and has nothing whole in it: only the old index knows
 * that pictures may be left there. */
static void salvage_begun(struct rw_index *index, struct rw_index *old, enum rw_stream stream)
{
    struct rw_ring_row row, before;
    if (rw_index_get_ring(old, stream, &before, NULL) != 1 || before.open_slot < 0 ||
        rw_index_get_ring(index, stream, &row, NULL) != 1 || row.open_slot == before.open_slot ||
        rw_index_first_seq(index, stream, before.open_slot, NULL))
        return;
    struct rw_wipe wipe = {stream, before.open_slot, 0, INT64_MAX};
    rw_index_put_wipe(index, &wipe, NULL);
}

void rw_rebuild_salvage(struct rw_index *index, const struct rw_disk *disk, const char *old_path)
{
    struct rw_index *old = rw_index_open(disk, old_path, NULL);
    if (!old)
        return;
    struct rw_camera_state state;
    struct salvage from = {index, old, false};
    rw_index_events(old, RW_EVENTS_OPEN, 0, 0, salvage, &from, NULL);
    rw_index_events(old, RW_EVENTS_NOT_IN_RING, 0, 0, salvage, &from, NULL);
    from.in_ring = true; /* it was: the ring has turned since */
    rw_index_events(old, RW_EVENTS_AFTER, 0, -1, salvage, &from, NULL);
    int64_t revision = rw_index_get_meta(old, "revision");
    if (revision > rw_index_get_meta(index, "revision"))
        rw_index_put_meta(index, "revision", revision, NULL);
    if (!rw_index_get_state(old, &state, NULL) && state.state[0])
        rw_index_put_state(index, state.state, state.since_us, state.reason, NULL);
    static const char *const words[] = {"disarmed", "snoozed_until"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        rw_index_put_meta(index, words[i], rw_index_get_meta(old, words[i]), NULL);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        salvage_begun(index, old, (enum rw_stream)stream);
    rw_index_close(old);
}
