/* index.db. Rows for slots, fragments packed in chunks, events with pictures, and the camera's
 * state. One writing handle (the recorder's); readers open their own. Not thread-safe. */
#pragma once

#include "base/buf.h"
#include "store/reader.h"

/* A run of records, contiguous in one slot, in sequence and in time: one row. At most
 * RW_CHUNK_RECORDS records and RW_CHUNK_US long, so a question about a span needs no more than the
 * rows that begin RW_CHUNK_US before it. */
enum { RW_CHUNK_RECORDS = 64 };
#define RW_CHUNK_US INT64_C(120000000)
/* A fragment's end and the next one's start that are no further apart than this are one span. */
#define RW_GAP_TOLERANCE_US INT64_C(50000)

struct rw_chunk {
    enum rw_stream stream;
    int slot;
    uint64_t first_seq;
    int64_t offset;           /* of the first record */
    int64_t start_us, end_us; /* of its fragments; end 0: events only so far */
    int64_t boot_us;          /* CLOCK_BOOTTIME of start_us */
    uint64_t boot;            /* rw_boot_number() */
    bool unverified;          /* nobody vouched for the clock then */
    int64_t shift_us;         /* how much start_us and end_us were corrected since */
    int count;
    int64_t span;          /* bytes in the slot, headers included */
    struct rw_buf entries; /* packed; see chunk.c */
};

void rw_chunk_init(struct rw_chunk *chunk, enum rw_stream stream);
void rw_chunk_finish(struct rw_chunk *chunk);
/* False: the record does not belong to this chunk, start another. */
bool rw_chunk_add(struct rw_chunk *chunk, int slot, const struct rw_record *record, int64_t offset);
/* Takes the records below `seq` out of the chunk's front: what is left, empty (count 0) where that
 * is nothing. -1 when the blob is damaged. */
int rw_chunk_cut(struct rw_chunk *chunk, uint64_t seq);
/* Calls fn for every fragment. -1 when the blob is damaged. `kind` tells events apart. */
typedef int (*rw_chunk_fn)(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind);
int rw_chunk_each(const struct rw_chunk *chunk, rw_chunk_fn fn, void *arg);

struct rw_index;

/* Opens or makes. */
struct rw_index *rw_index_create(const struct rw_disk *disk, const char *path, struct rw_err *err);
/* Read-only. */
struct rw_index *rw_index_open(const struct rw_disk *disk, const char *path, struct rw_err *err);
void rw_index_close(struct rw_index *index);
/* The files of an index that nobody has open, its WAL too, as far as the disk lets them go. wipe:
 * zeroed before; what cannot be zeroed stays. */
void rw_index_remove(const struct rw_disk *disk, const char *path, bool wipe);
/* Puts the index `fresh`, which nobody has open, in the place of another one. A cut leaves one of
 * them, whole; the other one's bytes are zeroed. dir: of both. */
int rw_index_replace(const struct rw_disk *disk, const char *dir, const char *fresh,
                     const char *path, struct rw_err *err);
void rw_index_rename(const struct rw_disk *disk, const char *from, const char *to);
int rw_index_begin(struct rw_index *index, struct rw_err *err);
int rw_index_commit(struct rw_index *index, struct rw_err *err); /* rolls back when it fails */
/* Commits, or rolls back what has failed and whose *err stays: -1 then, too. */
int rw_index_end(struct rw_index *index, int failed, struct rw_err *err);
/* Takes room for this many bytes from the disk at once, and keeps it. */
void rw_index_reserve(struct rw_index *index, int64_t bytes);
/* Everything from the WAL into the file itself, which then stands alone. */
int rw_index_settle(struct rw_index *index, struct rw_err *err);
void rw_index_rollback(struct rw_index *index);

struct rw_ring_row {
    uint8_t ring[16];
    int64_t born_us;
    int open_slot; /* -1: none */
    uint64_t last_seq;
    int64_t
        deleted_us;  /* what is missing before it and not explained was overwritten; 0: nothing */
    int64_t aged_us; /* and before this it was deleted by its age; 0: none was */
};
/* 1 there, 0 not there, -1 failed. */
int rw_index_get_ring(struct rw_index *index, enum rw_stream stream, struct rw_ring_row *row,
                      struct rw_err *err);
int rw_index_put_ring(struct rw_index *index, enum rw_stream stream, const struct rw_ring_row *row,
                      struct rw_err *err);

int rw_index_put_chunk(struct rw_index *index, const struct rw_chunk *chunk, struct rw_err *err);
/* Adds the record to the chunk; where it does not belong there the chunk becomes a row, and the
 * record begins the next. */
int rw_index_add_record(struct rw_index *index, struct rw_chunk *chunk, int slot,
                        const struct rw_record *record, int64_t offset, struct rw_err *err);
/* The rows of a slot: chunks, marks of damage, clock steps, what was to be zeroed. */
int rw_index_drop_slot(struct rw_index *index, enum rw_stream stream, int slot, struct rw_err *err);
int rw_index_drop_chunk(struct rw_index *index, const struct rw_chunk *chunk, struct rw_err *err);
/* Chunks that touch [from, to), or of one slot (slot >= 0), in order of sequence. */
int rw_index_chunks(struct rw_index *index, enum rw_stream stream, int slot, int64_t from_us,
                    int64_t to_us, int (*fn)(void *arg, const struct rw_chunk *chunk), void *arg,
                    struct rw_err *err);
/* Those of [from_us, to_us) and the one that begins first after it, in the order of the recording.
 */
int rw_index_chunks_to_next(struct rw_index *index, enum rw_stream stream, int64_t from_us,
                            int64_t to_us, int (*fn)(void *arg, const struct rw_chunk *chunk),
                            void *arg, struct rw_err *err);
/* Calls fn for every slot that has rows, with the highest sequence number in it. */
int rw_index_slots(struct rw_index *index, enum rw_stream stream,
                   void (*fn)(void *arg, int slot, uint64_t last_seq), void *arg,
                   struct rw_err *err);
int rw_index_drop_stream(struct rw_index *index, enum rw_stream stream, struct rw_err *err);
/* Calls fn for every slot with footage in [from, to). */
int rw_index_slots_between(struct rw_index *index, enum rw_stream stream, int64_t from_us,
                           int64_t to_us, void (*fn)(void *arg, int slot), void *arg,
                           struct rw_err *err);
/* Start and end of the first and last footage of a slot; 0 where it has none. */
int rw_index_slot_extent(struct rw_index *index, enum rw_stream stream, int slot, int64_t *start_us,
                         int64_t *end_us, struct rw_err *err);
/* The highest sequence number that has a row; 0: there is none. -1: failed. */
int64_t rw_index_newest_seq(struct rw_index *index, enum rw_stream stream, struct rw_err *err);
/* The lowest sequence number of all, and the start of the first footage by sequence; 0: none. */
int rw_index_first(struct rw_index *index, enum rw_stream stream, int64_t *seq, int64_t *start_us,
                   struct rw_err *err);
/* The lowest sequence number in a slot; 0: it has no rows. -1: failed. */
int64_t rw_index_first_seq(struct rw_index *index, enum rw_stream stream, int slot,
                           struct rw_err *err);
struct rw_index_extent {
    int64_t oldest_us, newest_us; /* 0: nothing */
    int64_t newest_boot_us;       /* CLOCK_BOOTTIME of newest_us */
    uint64_t newest_boot;
    bool newest_unverified; /* of a bad clock, and not corrected */
};
int rw_index_extent(struct rw_index *index, enum rw_stream stream, struct rw_index_extent *out,
                    struct rw_err *err);

/* All records that have rows: their bytes, and how long their footage is. Reads every row. */
int rw_index_totals(struct rw_index *index, enum rw_stream stream, int64_t *bytes,
                    int64_t *recorded_us, struct rw_err *err);

/* One moment of the index, for several questions. */
int rw_index_hold_still(struct rw_index *index, struct rw_err *err);
void rw_index_let_go(struct rw_index *index);

int64_t rw_index_next_revision(struct rw_index *index, struct rw_err *err); /* -1: failed */
/* json: the event in text. pictures NULL: those kept stay. */
int rw_index_put_event(struct rw_index *index, const struct rw_event *event, const char *json,
                       const struct rw_pictures *pictures, bool in_ring, struct rw_err *err);
/* 0: no such event, -1: failed. */
int64_t rw_index_revision_of(struct rw_index *index, const char *id, struct rw_err *err);
int rw_index_mark_in_ring(struct rw_index *index, const char *id, int64_t revision,
                          struct rw_err *err);
/* Events that ended before this and near whose time (ten minutes) the stream has no footage any
 * more. */
int rw_index_drop_events_before(struct rw_index *index, enum rw_stream stream, int64_t end_us,
                                int *dropped, struct rw_err *err);
/* Events that began before this, have ended, and lie in none of these spans. The latest start_us
 * that deleted some is a word of meta data. */
#define RW_EVENTS_AGED "events_aged"
int rw_index_age_events(struct rw_index *index, int64_t start_us, const struct rw_span *kept,
                        int count, int *dropped, struct rw_err *err);
enum rw_event_choice { RW_EVENTS_AFTER, RW_EVENTS_BETWEEN, RW_EVENTS_OPEN, RW_EVENTS_NOT_IN_RING };
/* AFTER: revision > a, limit b. BETWEEN: touches [a, b). OPEN: without an end. */
int rw_index_events(struct rw_index *index, enum rw_event_choice choice, int64_t a, int64_t b,
                    int (*fn)(void *arg, const struct rw_event *event), void *arg,
                    struct rw_err *err);
/* 1 there, 0 not there, -1 failed. */
int rw_index_get_event(struct rw_index *index, const char *id, struct rw_event *event,
                       struct rw_err *err);
int rw_index_waiting(struct rw_index *index, int64_t after, int64_t *count, int64_t *highest,
                     struct rw_err *err);
int rw_index_pictures(struct rw_index *index, const char *id, struct rw_buf *jpeg,
                      struct rw_buf *thumbnail, struct rw_err *err);

/* A word of meta data ("clean", "revision"); empty when it was never put. */
int rw_index_put_meta(struct rw_index *index, const char *key, int64_t value, struct rw_err *err);
/* *value 0: never put. */
int rw_index_read_meta(struct rw_index *index, const char *key, int64_t *value, struct rw_err *err);
/* The same where it is no harm to take what cannot be read for never put. */
int64_t rw_index_get_meta(struct rw_index *index, const char *key);
int rw_index_put_state(struct rw_index *index, const char *state, int64_t since_us,
                       const char *reason, struct rw_err *err);
int rw_index_get_state(struct rw_index *index, struct rw_camera_state *out, struct rw_err *err);

/* --- time --- */

/* Footage recorded while nobody vouched for the clock gets its true time from the first good time
 * of the same boot, through CLOCK_BOOTTIME; what was told at first stays in shift_us. with_events:
 * the events of those times too. *changed: rows that moved. */
int rw_index_correct(struct rw_index *index, enum rw_stream stream, bool with_events, int *changed,
                     struct rw_err *err);
/* Has the slot rows of this boot and a bad clock that are not corrected? 1 yes, 0 no, -1 failed. */
int rw_index_untimed(struct rw_index *index, enum rw_stream stream, int slot, uint64_t boot,
                     struct rw_err *err);
int rw_index_put_step(struct rw_index *index, enum rw_stream stream, int slot,
                      const struct rw_record *record, struct rw_err *err);

/* --- marks --- */

/* The record's bytes no longer match its hash. */
int rw_index_put_damaged(struct rw_index *index, enum rw_stream stream, uint64_t seq, int slot,
                         int64_t found_us, struct rw_err *err);
int rw_index_damaged(struct rw_index *index, enum rw_stream stream,
                     int (*fn)(void *arg, uint64_t seq, int slot), void *arg, struct rw_err *err);
/* Aged footage that has left the index and is to be zeroed: bytes [from, to) of the slot's file. */
struct rw_wipe {
    enum rw_stream stream;
    int slot;
    int64_t from, to;
};
int rw_index_put_wipe(struct rw_index *index, const struct rw_wipe *wipe, struct rw_err *err);
/* 1 there is one, 0 none, -1 failed. */
int rw_index_next_wipe(struct rw_index *index, struct rw_wipe *wipe, struct rw_err *err);
/* The end of what is to be zeroed in this slot; 0: nothing. */
int64_t rw_index_wipe_end(struct rw_index *index, enum rw_stream stream, int slot);
int rw_index_drop_wipe(struct rw_index *index, const struct rw_wipe *wipe, struct rw_err *err);
/* Deleted rows' bytes are zeroed in the file from now on. */
int rw_index_forget_well(struct rw_index *index, struct rw_err *err);
/* Takes the WAL into the file and zeroes it: nothing that was deleted can be read there any more.
 * RW_EBUSY: somebody reads just now, try again later. */
int rw_index_empty_wal(struct rw_index *index, const struct rw_disk *disk, struct rw_err *err);
