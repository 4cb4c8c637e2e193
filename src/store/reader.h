/* Reading a camera's directory, beside a running writer or without one. Nothing is changed. The
 * newest minute may be in the open slot only and not in the index yet: readers walk the record
 * headers there. One thread per reader. */
#pragma once

#include "base/buf.h"
#include "store/store.h"

struct rw_reader;

/* RW_ENOTFOUND: no such directory or nothing recorded in it yet. */
struct rw_reader *rw_reader_open(const char *dir, struct rw_err *err);
struct rw_reader *rw_reader_open_on(const struct rw_disk *disk, const char *dir,
                                    struct rw_err *err);
void rw_reader_close(struct rw_reader *reader); /* takes NULL */

struct rw_fragment {
    uint64_t seq;
    int slot;       /* file number */
    int64_t offset; /* of `moof` in the file */
    uint32_t size;  /* moof mdat */
    int64_t start_us;
    uint32_t duration_us;
    bool keyframe;
    bool damaged;      /* its bytes no longer match their hash: seen by the scrub or a rebuild */
    bool came_damaged; /* they do, but part of the pictures was lost before it was recorded */
    int gap_count;     /* what is missing before it */
    struct rw_gap_part gaps[RW_GAPS_MAX];
};
/* Caller's memory: zero it, then rw_buf_finish(&bytes). */
struct rw_film_bytes {
    struct rw_buf bytes;
    size_t init_size;                /* of which are the init segment */
    uint8_t init_hash[RW_HASH_SIZE]; /* SHA-256: another one, another stream */
};
/* Calls fn for every fragment that touches [from, to), in order of sequence, until it returns
 * non-zero. */
int rw_reader_fragments(struct rw_reader *reader, enum rw_stream stream, int64_t from_us,
                        int64_t to_us, int (*fn)(void *arg, const struct rw_fragment *fragment),
                        void *arg, struct rw_err *err);

/* The same for the fragments of one slot that have rows. */
int rw_reader_slot(struct rw_reader *reader, enum rw_stream stream, int slot,
                   int (*fn)(void *arg, const struct rw_fragment *fragment), void *arg,
                   struct rw_err *err);
/* Slot numbers run from 0 to below this. */
int rw_reader_slot_count(struct rw_reader *reader, enum rw_stream stream);
/* The fragment's bytes behind the init segment of its slot: a film by itself. out is replaced. 1
 * good, 0 damaged, or overwritten since its row was read; -1 the disk refused. */
int rw_reader_load(struct rw_reader *reader, enum rw_stream stream,
                   const struct rw_fragment *fragment, struct rw_film_bytes *out,
                   struct rw_err *err);
/* Reads a record from the disk itself and hashes it: 1 good, 0 damaged, -1 the disk refused.
 * offset: of the record, in front of `moof`. */
int rw_reader_check(struct rw_reader *reader, enum rw_stream stream, int slot, int64_t offset,
                    uint64_t seq, uint32_t length, struct rw_err *err);

struct rw_span {
    int64_t from_us, to_us;
    enum rw_cause cause; /* of gaps and deletions */
};
struct rw_coverage {
    int64_t from_us, to_us; /* what was answered for: the future is cut off, but for footage of
                             * before the clock was set back */
    int span_count, gap_count, deletion_count;
    struct rw_span *spans, *gaps; /* owned; free with rw_coverage_finish() */
    struct rw_span *deletions;    /* owned too */
    struct rw_span *damages;      /* owned too: of what is recorded, what came damaged */
    int damage_count;
    int64_t damaged_us;
    int64_t recorded_us, gap_us, deleted_us; /* add up to the time asked */
};
/* The moment of the question. */
struct rw_asked {
    int64_t now_us;  /* what lies behind it is not counted as missing but cut off */
    int64_t boot_us; /* UTC when this boot began, 0: not asked for. Where the newest picture is of
                      * an earlier boot, the box was off until then */
    uint64_t boot;   /* rw_boot_number() of this boot */
    enum rw_cause open_cause; /* why the time since the newest picture is missing. RW_CAUSE_NONE:
                               * nothing is wrong, the newest second is on its way and cut off */
};
int rw_reader_coverage(struct rw_reader *reader, enum rw_stream stream, int64_t from_us,
                       int64_t to_us, const struct rw_asked *asked, struct rw_coverage *out,
                       struct rw_err *err);
void rw_coverage_finish(struct rw_coverage *coverage);

struct rw_extent {
    bool present; /* the stream has a ring */
    bool any;     /* something is recorded */
    int64_t oldest_us, newest_us;
    int slots; /* that `keep` made */
    int64_t slot_size;
    int64_t deleted_us; /* UTC: what the ring has overwritten ends here; 0: nothing yet */
};
/* How far back the ring reaches without a hole of its own making: held footage may be older. */
double rw_extent_days(const struct rw_extent *extent);
int rw_reader_extent(struct rw_reader *reader, enum rw_stream stream, struct rw_extent *out,
                     struct rw_err *err);

/* Bytes of what is kept and has a row, and how long it is. Reads the whole index: for `check`. */
int rw_reader_totals(struct rw_reader *reader, enum rw_stream stream, int64_t *bytes,
                     int64_t *recorded_us, struct rw_err *err);

/* Events with a revision above `after`, in order of revision (at most `limit`, 0: all). The event
 * is valid during the call. fn ends the walk by returning non-zero. */
int rw_reader_events_after(struct rw_reader *reader, int64_t after, int limit,
                           int (*fn)(void *arg, const struct rw_event *event), void *arg,
                           struct rw_err *err);
/* Events that touch [from, to), in order of start. */
int rw_reader_events_between(struct rw_reader *reader, int64_t from_us, int64_t to_us,
                             int (*fn)(void *arg, const struct rw_event *event), void *arg,
                             struct rw_err *err);
/* One event by its id: 1 there, 0 not there, -1 failed. */
int rw_reader_event(struct rw_reader *reader, const char *id, struct rw_event *event,
                    struct rw_err *err);
/* Number of events with a revision above `after`, and the highest revision there is (0: none). */
int rw_reader_events_waiting(struct rw_reader *reader, int64_t after, int64_t *count,
                             int64_t *highest, struct rw_err *err);
/* Copies of an event's pictures; empty where it has none. */
int rw_reader_pictures(struct rw_reader *reader, const char *event_id, struct rw_buf *jpeg,
                       struct rw_buf *thumbnail, struct rw_err *err);

struct rw_camera_state {
    char state[16]; /* "online", "connecting", "offline"; "" : never ran */
    char reason[200];
    int64_t since_us;
    bool writer_alive; /* a process holds the lock now */
};
int rw_reader_state(struct rw_reader *reader, struct rw_camera_state *out, struct rw_err *err);
