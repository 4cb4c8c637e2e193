#include "store/fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/hold.h"
#include "store/rebuild.h"

struct known { /* a record as the index tells it */
    uint64_t seq;
    int64_t offset;
    uint32_t size;
    int64_t start_us;
    uint32_t duration_us;
    enum rw_record_kind kind;
    bool came_damaged;
    bool found, damaged; /* damaged: the index says so itself */
};

struct link_row { /* a good record of a slot, for the chain */
    uint64_t seq;
    uint8_t link[RW_HASH_SIZE], previous[RW_HASH_SIZE];
    int slot;
    bool indexed;
};

struct fsck {
    const char *dir;
    const struct rw_disk *disk;
    void (*say)(void *arg, const char *sentence);
    void *arg;
    struct rw_fsck_report *report;
    struct rw_index *index;
    /* of the stream being looked at */
    enum rw_stream stream;
    struct rw_ring ring;
    struct known *known;
    int known_count, known_capacity;
    int64_t shift_us;       /* of the chunk being noted */
    int64_t events_aged_us; /* events that began before this were too old to keep */
    int64_t wipe_end; /* of the slot: what stands before it has left the index and will be zeroed */
    struct link_row *links;
    int link_count, link_capacity;
    bool damaged_chunk;
    bool live;             /* a writer is at work: slots turn under our eyes */
    struct rw_buf pending; /* sentences of the slot being looked at, each with its NUL */
};

static void problem(struct fsck *fsck, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void problem(struct fsck *fsck, const char *format, ...)
{
    char text[400];
    int used = snprintf(text, sizeof text, "%s: ", rw_stream_name(fsck->stream));
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    fsck->report->problems++;
    rw_buf_add(&fsck->pending, text, strlen(text) + 1);
}

static void say_pending(struct fsck *fsck)
{
    const char *at = (const char *)fsck->pending.data;
    for (size_t left = fsck->pending.size; left;) {
        size_t size = strlen(at) + 1;
        fsck->say(fsck->arg, at);
        at += size;
        left -= size;
    }
    rw_buf_clear(&fsck->pending);
}

/* --- one slot --- */

static int note_known(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct fsck *fsck = arg;
    fsck->known =
        rw_list_grow(fsck->known, fsck->known_count, &fsck->known_capacity, sizeof *fsck->known);
    fsck->known[fsck->known_count++] =
        (struct known){.seq = fragment->seq,
                       .offset = fragment->offset - RW_RECORD_SIZE,
                       .size = fragment->size,
                       .start_us = fragment->start_us - fsck->shift_us,
                       .duration_us = fragment->duration_us,
                       .came_damaged = fragment->came_damaged,
                       .kind = kind};
    return 0;
}

static int note_chunk(void *arg, const struct rw_chunk *chunk)
{
    struct fsck *fsck = arg;
    fsck->shift_us = chunk->shift_us;
    if (rw_chunk_each(chunk, note_known, fsck))
        fsck->damaged_chunk = true;
    return 0;
}

static struct known *find_known(struct fsck *fsck, uint64_t seq)
{
    int low = 0, high = fsck->known_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (fsck->known[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < fsck->known_count && fsck->known[low].seq == seq ? &fsck->known[low] : NULL;
}

static int note_damaged(void *arg, uint64_t seq, int slot)
{
    struct known *known = find_known(arg, seq);
    (void)slot;
    if (known)
        known->damaged = true;
    return 0;
}

static bool same(const struct known *known, const struct rw_record *record, int64_t offset)
{
    return known->offset == offset && known->size == record->length &&
           known->kind == record->kind &&
           (record->kind == RW_RECORD_EVENT ||
            (known->start_us == record->start_us && known->duration_us == record->duration_us &&
             known->came_damaged == record->came_damaged));
}

static int note_footage(void *arg, const struct rw_chunk *chunk)
{
    (void)chunk;
    *(bool *)arg = true;
    return 1;
}

/* I4: what the ring keeps of an event the index knows, as long as the picture that it begins with
 * is there, unless it was too old. Events of a bad clock move to their true time in the index
 * alone. */
static int check_event(struct fsck *fsck, const struct rw_scan *scan,
                       const struct rw_record *record, int64_t offset, struct rw_err *err)
{
    struct rw_event event;
    struct rw_pictures pictures;
    struct rw_buf payload = {0};
    int is = rw_scan_event(scan, record, offset, &payload, &event, &pictures, err);
    rw_buf_finish(&payload);
    if (is != 1 || event.clock_trust == RW_CLOCK_UNVERIFIED ||
        event.start_us < fsck->events_aged_us)
        return is < 0 ? -1 : 0;
    bool footage = false;
    int64_t known = rw_index_revision_of(fsck->index, event.id, err);
    if (rw_index_chunks(fsck->index, fsck->stream, -1, event.start_us, event.start_us + 1,
                        note_footage, &footage, err))
        return -1;
    if (footage && known >= 0 && known < event.revision)
        problem(fsck,
                "I4: the index does not know revision %lld of event %s, which record %llu keeps",
                (long long)event.revision, event.id, (unsigned long long)record->seq);
    return known < 0 ? -1 : 0;
}

static int check_record(struct fsck *fsck, const struct rw_scan *scan, int number,
                        const struct rw_record *record, int64_t offset, struct rw_err *err)
{
    struct known *known = find_known(fsck, record->seq);
    /* a rebuild has just hashed all of it, and marked what is damaged */
    int good = fsck->report->rebuilt ? !(known && known->damaged)
                                     : rw_scan_verify(scan, record, offset, err);
    if (good < 0)
        return -1;
    fsck->report->bytes += (int64_t)rw_record_span(record);
    fsck->report->records++;
    fsck->report->events += record->kind == RW_RECORD_EVENT;
    if (known)
        known->found = true;
    if (known && known->damaged)
        fsck->report->damaged++;
    else if (known && !good)
        problem(fsck, "I1: slot %d record %llu does not match its hash", number,
                (unsigned long long)record->seq);
    else if (known && !same(known, record, offset))
        problem(fsck, "I1: the index row of slot %d record %llu tells something else", number,
                (unsigned long long)record->seq);
    if (!good || offset < fsck->wipe_end)
        return 0;
    if (record->kind == RW_RECORD_EVENT && check_event(fsck, scan, record, offset, err))
        return -1;
    fsck->links =
        rw_list_grow(fsck->links, fsck->link_count, &fsck->link_capacity, sizeof *fsck->links);
    struct link_row *row = &fsck->links[fsck->link_count++];
    *row = (struct link_row){.seq = record->seq, .slot = number, .indexed = known != NULL};
    memcpy(row->link, record->link, RW_HASH_SIZE);
    memcpy(row->previous, record->previous_link, RW_HASH_SIZE);
    return 0;
}

static int check_slot_file(struct fsck *fsck, int number, struct rw_err *err)
{
    struct rw_scan scan;
    struct rw_record record;
    int64_t offset, size;
    struct rw_err why;
    int fd = rw_slot_open(fsck->disk, fsck->ring.dir, number, &size);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s slot %d cannot be read (%s)",
                       fsck->ring.dir, number, strerror(errno));
    int got = rw_scan_open(&scan, fsck->disk, fd, size, fsck->ring.id, &why);
    scan.search = true;
    if (!got) {
        while ((got = rw_scan_next(&scan, &record, &offset, &why)) == 1)
            if (check_record(fsck, &scan, number, &record, offset, &why)) {
                got = -1;
                break;
            }
    } else if (why.code == RW_EFORMAT) {
        got = 0; /* empty */
    }
    if (got < 0)
        problem(fsck, "slot %d: %s", number, why.text);
    fsck->disk->close(fsck->disk->self, fd);
    return 0;
}

static int check_slot(struct fsck *fsck, int number, struct rw_err *err)
{
    fsck->known_count = 0;
    fsck->damaged_chunk = false;
    int links_before = fsck->link_count;
    fsck->wipe_end = rw_index_wipe_end(fsck->index, fsck->stream, number);
    if (rw_index_chunks(fsck->index, fsck->stream, number, 0, 0, note_chunk, fsck, err) ||
        rw_index_damaged(fsck->index, fsck->stream, note_damaged, fsck, err) ||
        check_slot_file(fsck, number, err))
        return -1;
    fsck->report->slots++;
    if (fsck->damaged_chunk)
        problem(fsck, "I1: an index row of slot %d is damaged", number);
    int missing = 0;
    for (int i = 0; i < fsck->known_count; i++)
        if (!fsck->known[i].found && fsck->known[i].damaged)
            fsck->report->damaged++;
        else
            missing += !fsck->known[i].found;
    if (missing)
        problem(fsck, "I1: %d records of slot %d are in the index and not on disk", missing,
                number);
    /* Records that the index does not know are the retired lap of a slot that leaves, or the tail
     * that recovery will take in; one between known records is a loss. */
    bool later = false;
    for (int i = fsck->link_count; i-- > links_before;) {
        later |= fsck->links[i].indexed;
        if (later && !fsck->links[i].indexed)
            problem(fsck, "I2: slot %d record %llu is good and not in the index", number,
                    (unsigned long long)fsck->links[i].seq);
    }
    return 0;
}

/* --- one ring --- */

static int by_seq(const void *a, const void *b)
{
    const struct link_row *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

/* I3 and the chain. A record that nobody continues is the end of an abandoned slot: the chain goes
 * on from the last record that was synced. Numbers that are missing are I5's. */
static void check_chain(struct fsck *fsck)
{
    if (fsck->link_count)
        qsort(fsck->links, (size_t)fsck->link_count, sizeof *fsck->links, by_seq);
    for (int i = 1; i < fsck->link_count; i++) {
        const struct link_row *row = &fsck->links[i];
        if (row->seq == row[-1].seq) {
            problem(fsck, "I3: slots %d and %d both hold record %llu", row[-1].slot, row->slot,
                    (unsigned long long)row->seq);
            continue;
        }
        int back = i, reach = i > RW_UNSYNCED_MAX + 1 ? i - RW_UNSYNCED_MAX - 1 : 0;
        bool tied = false;
        while (back-- > reach && !tied)
            tied = !memcmp(fsck->links[back].link, row->previous, RW_HASH_SIZE);
        if (!tied && row[-1].indexed && row->indexed && row->seq == row[-1].seq + 1)
            problem(fsck, "the hash chain is broken before slot %d record %llu", row->slot,
                    (unsigned long long)row->seq);
    }
}

static int check_ledger(struct fsck *fsck, struct rw_err *err)
{
    struct rw_reader *reader = rw_reader_open_on(fsck->disk, fsck->dir, err);
    struct rw_coverage coverage;
    struct rw_extent extent;
    struct rw_ring_row row;
    if (!reader)
        return -1;
    int failed = rw_index_get_ring(fsck->index, fsck->stream, &row, err) < 0 ||
                 rw_reader_extent(reader, fsck->stream, &extent, err);
    if (!failed && extent.any && row.born_us) {
        struct rw_asked asked = {.now_us = extent.newest_us};
        failed = rw_reader_coverage(reader, fsck->stream, row.born_us, extent.newest_us, &asked,
                                    &coverage, err);
        for (int i = 0; !failed && i < coverage.gap_count; i++)
            if (coverage.gaps[i].cause == RW_CAUSE_UNKNOWN)
                problem(fsck, "I5: %.3f s are missing and no gap says why",
                        (double)(coverage.gaps[i].to_us - coverage.gaps[i].from_us) / 1e6);
        if (!failed && coverage.recorded_us + coverage.gap_us + coverage.deleted_us !=
                           coverage.to_us - coverage.from_us)
            problem(fsck, "I5: the ledger does not add up");
        if (!failed)
            rw_coverage_finish(&coverage);
    }
    rw_reader_close(reader);
    return failed ? -1 : 0;
}

/* --- holds --- */

/* What a hold asks for stands in held/, or is being recorded. */
struct hold_check {
    struct fsck *fsck;
    const struct rw_hold *hold;
    int open_slot;
};

static void check_held_slot(void *arg, int slot)
{
    struct hold_check *check = arg;
    const struct rw_ring *ring = &check->fsck->ring;
    if (slot == check->open_slot ||
        (slot >= 0 && slot < ring->count && ring->slot[slot].size && ring->slot[slot].held))
        return;
    problem(check->fsck, "slot %d is not kept as hold %s asks; the next start moves it", slot,
            check->hold->id);
}

static int check_hold(void *arg, const struct rw_hold *hold)
{
    struct fsck *fsck = arg;
    struct rw_ring_row row;
    struct hold_check check = {fsck, hold, -1};
    if (hold->released_us)
        return 0;
    if (rw_index_get_ring(fsck->index, fsck->stream, &row, NULL) == 1)
        check.open_slot = row.open_slot;
    rw_index_slots_between(fsck->index, fsck->stream, hold->from_us, hold->to_us, check_held_slot,
                           &check, NULL);
    return 0;
}

/* What looks wrong while a writer is at work is looked at again. */
static int check_slot_patiently(struct fsck *fsck, int number, struct rw_err *err)
{
    struct rw_fsck_report before = *fsck->report;
    int links = fsck->link_count;
    int failed = check_slot(fsck, number, err);
    for (int tries = 0; !failed && fsck->live && tries < 3 && fsck->pending.size; tries++) {
        *fsck->report = before;
        fsck->link_count = links;
        rw_buf_clear(&fsck->pending);
        failed = check_slot(fsck, number, err);
    }
    say_pending(fsck);
    return failed;
}

static int check_ring(struct fsck *fsck, struct rw_err *err)
{
    struct rw_ring_row row;
    int there = rw_index_get_ring(fsck->index, fsck->stream, &row, err);
    if (there < 0)
        return -1;
    fsck->link_count = 0;
    fsck->events_aged_us = rw_index_get_meta(fsck->index, RW_EVENTS_AGED);
    for (int number = 0; number < fsck->ring.count; number++) {
        if (!fsck->report->rebuilt)
            rw_ring_want(&fsck->ring, number + 1);
        if (fsck->ring.slot[number].size && check_slot_patiently(fsck, number, err))
            return -1;
    }
    /* a rebuild may find footage again that had left the index before the hold was made */
    if (!fsck->live && !fsck->report->rebuilt &&
        rw_holds_each(fsck->disk, fsck->dir, check_hold, fsck, err))
        return -1;
    bool ours = there && !memcmp(row.ring, fsck->ring.id, 16);
    if (!ours && fsck->link_count) /* without a record nothing is missing: a first start was cut */
        problem(fsck, "the index is not of this ring; run fsck --rebuild");
    check_chain(fsck);
    int failed = check_ledger(fsck, err);
    say_pending(fsck);
    return failed;
}

/* --- the ring's files without touching them --- */

/* While a writer is at work slots are made, moved and replaced. */
static int load_ring(struct fsck *fsck, const struct rw_ring_label *label, struct rw_err *err)
{
    if (rw_ring_look(&fsck->ring, fsck->disk, fsck->dir, fsck->stream, label, err))
        return -1;
    int there = rw_ring_slots(&fsck->ring);
    if (there < RW_SLOTS_MIN && !fsck->live)
        problem(fsck, "%d slots are there, %d are the least", there, RW_SLOTS_MIN);
    return 0;
}

static int for_each_ring(struct fsck *fsck, int (*fn)(struct fsck *fsck, struct rw_err *err),
                         struct rw_err *err)
{
    int failed = 0;
    for (int stream = 0; stream < RW_STREAMS && !failed; stream++) {
        char path[600];
        struct rw_ring_label label;
        fsck->stream = (enum rw_stream)stream;
        snprintf(path, sizeof path, "%s/%s", fsck->dir, rw_stream_name(fsck->stream));
        int there = rw_ring_read_label(fsck->disk, path, NULL, NULL, &label, err);
        if (there < 0)
            return -1;
        if (!there)
            continue;
        failed = load_ring(fsck, &label, err) || fn(fsck, err);
        rw_ring_finish(&fsck->ring);
    }
    return failed;
}

static int rebuild_one(struct fsck *fsck, struct rw_err *err)
{
    int failed = rw_rebuild_stream(fsck->index, &fsck->ring, true, fsck->say, fsck->arg, err);
    say_pending(fsck);
    return failed;
}

/* --- rebuild --- */

static int build_index(struct fsck *fsck, const char *old_path, struct rw_err *err)
{
    struct rw_ring_row row = {0};
    int changed, dropped;
    if (rw_index_begin(fsck->index, err) || for_each_ring(fsck, rebuild_one, err))
        return -1;
    rw_rebuild_salvage(fsck->index, fsck->disk, old_path);
    if (rw_index_correct(fsck->index, RW_MAIN, true, &changed, err) ||
        rw_index_get_ring(fsck->index, RW_MAIN, &row, err) < 0 ||
        (row.deleted_us > row.born_us &&
         rw_index_drop_events_before(fsck->index, RW_MAIN, row.deleted_us, &dropped, err)))
        return -1;
    return rw_index_commit(fsck->index, err);
}

/* SQLite's files are of whoever owns the database: the disk sees to that (see rw_disk.open). */
static int make_empty(const struct rw_disk *disk, const char *path, struct rw_err *err)
{
    int fd = disk->open(disk->self, path, O_RDWR | O_CREAT, 0640);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s cannot be made (%s)", path,
                       strerror(errno));
    disk->close(disk->self, fd);
    return 0;
}

/* The new index is whole under its own name before it takes the old one's place. */
static int rebuild(struct fsck *fsck, struct rw_err *err)
{
    char path[560], fresh[580];
    snprintf(path, sizeof path, "%s/index.db", fsck->dir);
    snprintf(fresh, sizeof fresh, "%s.rebuilt", path);
    rw_index_remove(fsck->disk, fresh, true); /* a cut has left it */
    if (make_empty(fsck->disk, fresh, err))
        return -1;
    fsck->index = rw_index_create(fsck->disk, fresh, err);
    if (!fsck->index)
        return -1;
    int failed = build_index(fsck, path, err);
    failed = failed || rw_index_empty_wal(fsck->index, fsck->disk, err);
    rw_index_close(fsck->index);
    fsck->index = NULL;
    if (failed) {
        rw_index_remove(fsck->disk, fresh, false);
        return -1;
    }
    if (rw_index_replace(fsck->disk, fsck->dir, fresh, path, err))
        return -1;
    rw_index_remove(fsck->disk, fresh, false);
    fsck->report->rebuilt = true;
    return 0;
}

static int take_writer_lock(const struct rw_disk *disk, const char *dir, struct rw_err *err)
{
    char path[600];
    struct rw_err why;
    snprintf(path, sizeof path, "%s/lock", dir);
    int lock = rw_disk_lock(disk, path, false, &why);
    if (lock >= 0)
        return lock;
    return why.code == RW_EBUSY ? rw_fail(err, RW_EBUSY,
                                          "the camera is being recorded into %s; stop the service "
                                          "before rebuilding its index",
                                          dir)
                                : rw_fail(err, why.code, "%s", why.text);
}

static int check_all(struct fsck *fsck, struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/lock", fsck->dir);
    fsck->live = fsck->disk->locked(fsck->disk->self, path) == 1 &&
                 !fsck->report->rebuilt; /* the rebuilder's lock is ours */
    snprintf(path, sizeof path, "%s/index.db", fsck->dir);
    fsck->index = rw_index_open(fsck->disk, path, err);
    if (!fsck->index)
        return -1;
    int failed = for_each_ring(fsck, check_ring, err);
    rw_index_close(fsck->index);
    return failed;
}

int rw_fsck(const char *dir, const struct rw_disk *disk, bool rebuild_index,
            void (*say)(void *arg, const char *sentence), void *arg, struct rw_fsck_report *report,
            struct rw_err *err)
{
    struct fsck fsck = {.dir = dir, .disk = disk, .say = say, .arg = arg, .report = report};
    *report = (struct rw_fsck_report){0};
    int failed = 0, lock = -1;
    if (rebuild_index) {
        lock = take_writer_lock(disk, dir, err);
        failed = lock < 0 || rebuild(&fsck, err);
    }
    if (!failed)
        failed = check_all(&fsck, err);
    if (lock >= 0)
        disk->close(disk->self, lock);
    rw_buf_finish(&fsck.pending);
    free(fsck.known);
    free(fsck.links);
    return failed ? -1 : 0;
}
