/* What the store has been asked, what it has promised, and what of it must be there. */
#pragma once

#include "store/reader.h"

enum promise {
    ASKED,    /* the store refused it, or the end came: it may be there */
    TAKEN,    /* taken, not older than storage.sync yet */
    PROMISED, /* must be there until the ring needs its place */
    LOOSE,    /* was taken when the end came: it may be there */
    LOST,     /* was looked for and is not there: must not come back */
};

struct note { /* a fragment; its index is its serial number, which its payload tells */
    enum promise promise;
    int64_t start_us, boot_us, duration_us;
    uint32_t size;
    bool keyframe;
    int turn;     /* slots begun before it */
    int slots;    /* the fewest the ring has had since */
    int session;  /* the store had been opened so often */
    bool fresh;   /* no reader has looked since it was asked for */
    uint64_t seq; /* as a reader saw it, 0: never */
};

struct stream_notes {
    struct note *list; /* owned */
    int count, capacity;
    int turns;            /* slots begun, at most */
    uint64_t highest_seq; /* that a reader saw */
};

struct version { /* of an event */
    struct rw_event event;
    int picture, picture_size; /* size 0: none */
};
struct event_note {
    struct version *list; /* in the order asked; owned */
    int count, capacity;
    int kept; /* index of the last one acknowledged, -1: none */
};

struct witness {
    struct stream_notes stream[RW_STREAMS];
    struct event_note *events; /* owned */
    int event_count, event_capacity;
    int64_t revision;         /* the highest acknowledged */
    int64_t aged_us;          /* events that ended before this may have left with their footage */
    int64_t word, word_asked; /* acknowledged, and the last one asked */
    int session;
};

void witness_finish(struct witness *witness);
struct note *witness_ask(struct witness *witness, enum rw_stream stream, const struct note *note);
/* What was taken and began at or before boot_us is durable now. */
void witness_promise(struct witness *witness, enum rw_stream stream, int64_t boot_us);
void witness_promise_all(struct witness *witness);
/* What was taken and is not promised may be lost: LOOSE by the end, ASKED where the disk refused.
 */
void witness_loosen(struct witness *witness, enum rw_stream stream, enum promise promise);
/* What was taken and is not promised may have been written again, with another number. */
void witness_renumber(struct witness *witness, enum rw_stream stream);
/* The ring begins this many slots. */
void witness_turn(struct witness *witness, enum rw_stream stream, int turns);
void witness_set_slots(struct witness *witness, enum rw_stream stream, int slots);
/* Must it be there? */
bool witness_must_hold(const struct stream_notes *notes, const struct note *note);

struct event_note *witness_ask_event(struct witness *witness, int index, const struct version *as);
