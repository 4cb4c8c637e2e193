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
    int count;
    int64_t span;          /* bytes in the slot, headers included */
    struct rw_buf entries; /* packed; see chunk.c */
};

void rw_chunk_init(struct rw_chunk *chunk, enum rw_stream stream);
void rw_chunk_finish(struct rw_chunk *chunk);
/* False: the record does not belong to this chunk, start another. */
bool rw_chunk_add(struct rw_chunk *chunk, int slot, const struct rw_record *record, int64_t offset);
/* Calls fn for every fragment. -1 when the blob is damaged. `kind` tells events apart. */
typedef int (*rw_chunk_fn)(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind);
int rw_chunk_each(const struct rw_chunk *chunk, rw_chunk_fn fn, void *arg);

struct rw_index;

/* Opens or makes. */
struct rw_index *rw_index_create(const struct rw_disk *disk, const char *path, struct rw_err *err);
/* Read-only. */
struct rw_index *rw_index_open(const struct rw_disk *disk, const char *path, struct rw_err *err);
void rw_index_close(struct rw_index *index);
int rw_index_begin(struct rw_index *index, struct rw_err *err);
int rw_index_commit(struct rw_index *index, struct rw_err *err); /* rolls back when it fails */
/* Everything from the WAL into the file itself, which then stands alone. */
int rw_index_settle(struct rw_index *index, struct rw_err *err);
void rw_index_rollback(struct rw_index *index);

struct rw_ring_row {
    uint8_t ring[16];
    int64_t born_us;
    int open_slot; /* -1: none */
    uint64_t last_seq;
};
/* 1 there, 0 not there, -1 failed. */
int rw_index_get_ring(struct rw_index *index, enum rw_stream stream, struct rw_ring_row *row,
                      struct rw_err *err);
int rw_index_put_ring(struct rw_index *index, enum rw_stream stream, const struct rw_ring_row *row,
                      struct rw_err *err);

int rw_index_put_chunk(struct rw_index *index, const struct rw_chunk *chunk, struct rw_err *err);
int rw_index_drop_slot(struct rw_index *index, enum rw_stream stream, int slot, struct rw_err *err);
/* Chunks that touch [from, to), or of one slot (slot >= 0), in order of sequence. */
int rw_index_chunks(struct rw_index *index, enum rw_stream stream, int slot, int64_t from_us,
                    int64_t to_us, int (*fn)(void *arg, const struct rw_chunk *chunk), void *arg,
                    struct rw_err *err);
/* The chunk that begins first at or after from_us. */
int rw_index_chunk_after(struct rw_index *index, enum rw_stream stream, int64_t from_us,
                         int (*fn)(void *arg, const struct rw_chunk *chunk), void *arg,
                         struct rw_err *err);
/* Calls fn for every slot that has rows, with the highest sequence number in it. */
int rw_index_slots(struct rw_index *index, enum rw_stream stream,
                   void (*fn)(void *arg, int slot, uint64_t last_seq), void *arg,
                   struct rw_err *err);
int rw_index_drop_stream(struct rw_index *index, enum rw_stream stream, struct rw_err *err);
struct rw_index_extent {
    int64_t oldest_us, newest_us; /* 0: nothing */
};
int rw_index_extent(struct rw_index *index, enum rw_stream stream, struct rw_index_extent *out,
                    struct rw_err *err);

/* Bytes of all records that have rows. Reads every row. -1: failed. */
int64_t rw_index_span(struct rw_index *index, enum rw_stream stream, struct rw_err *err);

/* One moment of the index, for several questions. */
int rw_index_hold_still(struct rw_index *index, struct rw_err *err);
void rw_index_let_go(struct rw_index *index);

int64_t rw_index_next_revision(struct rw_index *index, struct rw_err *err); /* -1: failed */
/* json: the event in text. pictures NULL: those kept stay. */
int rw_index_put_event(struct rw_index *index, const struct rw_event *event, const char *json,
                       const struct rw_pictures *pictures, bool in_ring, struct rw_err *err);
int64_t rw_index_revision_of(struct rw_index *index, const char *id); /* 0: no such event */
int rw_index_mark_in_ring(struct rw_index *index, const char *id, int64_t revision,
                          struct rw_err *err);
int rw_index_drop_events_before(struct rw_index *index, int64_t end_us, struct rw_err *err);
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
int64_t rw_index_get_meta(struct rw_index *index, const char *key);
int rw_index_put_state(struct rw_index *index, const char *state, int64_t since_us,
                       const char *reason, struct rw_err *err);
int rw_index_get_state(struct rw_index *index, struct rw_camera_state *out, struct rw_err *err);
