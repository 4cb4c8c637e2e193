/* What the store has been asked, what it has promised, and what of it must be there. */
#pragma once

#include "store/hold.h"
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
    int64_t start_us; /* as a reader tells it: its true time once the clock has become good */
    int64_t told_us;  /* as it was given */
    int64_t true_us;
    int64_t boot_us, duration_us;
    uint64_t boot;
    bool unverified; /* nobody vouched for the clock */
    uint32_t size;
    bool keyframe, came_damaged;
    int turn;       /* slots begun before it */
    int slots;      /* the fewest the ring has had since */
    int session;    /* the store had been opened so often */
    bool fresh;     /* no reader has looked since it was asked for */
    uint64_t seq;   /* as a reader saw it, 0: never */
    uint32_t holds; /* a bit for each hold of its time */
    bool aged;      /* too old when a tick looked, and not held: it may be gone */
    bool gone;      /* and it was told as deleted */
    bool held;      /* one of them is in force: it must be there however often the ring turns */
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
    int kept;  /* index of the last one acknowledged, -1: none */
    bool gone; /* deleted by its age, and told so */
};

enum hold_promise {
    HOLD_ASKED, /* the end came before the answer: it is there, or it is not */
    HOLD_KEPT,
    HOLD_ENDING, /* its release was asked for, and the end came */
    HOLD_ENDED,
};
struct hold_note {
    struct rw_hold hold;
    enum hold_promise promise;
};
enum { HOLDS_MAX = 12 };

struct witness {
    struct stream_notes stream[RW_STREAMS];
    struct event_note *events; /* owned */
    int event_count, event_capacity;
    int64_t revision; /* the highest acknowledged */
    int64_t aged_us;  /* events that ended before this may have left with their footage */
    uint64_t age_boot;
    int64_t age_cut_us;       /* what ended before it may have been deleted by its age */
    int64_t word, word_asked; /* acknowledged, and the last one asked */
    int session;
    struct hold_note holds[HOLDS_MAX];
    int hold_count;
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
/* A hold is kept: of what is there now it may lose nothing. */
void witness_keep_hold(struct witness *witness, int index);
void witness_end_hold(struct witness *witness, int index);
/* max_age is looked at: what ended before cut_us may go. boot: the one that goes on, whose clock is
 * good now, 0: it is not. What an earlier boot has recorded under a
 * bad clock, and never got its true time, is as old as it was told. */
void witness_age(struct witness *witness, uint64_t boot, int64_t cut_us);
/* Has the ring not come to overwrite it? */
bool witness_in_reach(const struct stream_notes *notes, const struct note *note);
/* Must it be there? */
bool witness_must_hold(const struct stream_notes *notes, const struct note *note);

struct event_note *witness_ask_event(struct witness *witness, int index, const struct version *as);
