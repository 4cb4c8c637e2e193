/* Dead but talking: a camera that sends, and sends nothing of use. Pure: the caller tells the time.
 * Each struct begins as {0} and belongs to one thread; sameness has a file of its own, stale.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What ails a stream. Bits of a set: each has one thread that sets and clears it. */
enum rw_ail {
    RW_AIL_NO_PICTURES = 1,  /* main: data come, pictures do not */
    RW_AIL_VAIN = 2,         /* ingest: the same, found when a read gave up */
    RW_AIL_NO_KEYFRAME = 4,  /* main: pictures come, none that one could begin with */
    RW_AIL_UNDECODABLE = 8,  /* watcher: the decoder makes nothing of them */
    RW_AIL_SAME_CODED = 16,  /* ingest: the same keyframe again and again */
    RW_AIL_SAME_SEEN = 32,   /* watcher: the same, in what was decoded */
    RW_AIL_CLOCK_STILL = 64, /* ingest: its timestamps do not advance */
    RW_AIL_LOSSY = 128,      /* main: part of its datagrams is lost on the way */
};
/* Nothing can be recorded while one of these holds. */
#define RW_AILS_DEAF (RW_AIL_NO_PICTURES | RW_AIL_VAIN | RW_AIL_NO_KEYFRAME)
/* The camera itself is at fault; for want of a keyframe its settings are. */
#define RW_AILS_FAULTS                                                                             \
    (RW_AIL_NO_PICTURES | RW_AIL_VAIN | RW_AIL_UNDECODABLE | RW_AIL_SAME_CODED |                   \
     RW_AIL_SAME_SEEN | RW_AIL_CLOCK_STILL)

/* The gravest of a set and what to do about it, a sentence; "" for the empty set. Static. */
const char *rw_ail_sentence(unsigned ails);

/* --- data without pictures --- */

struct rw_pulse_heard {
    uint64_t bytes, units;
    int64_t picture_us; /* of the last picture */
    int64_t bytes_since_us,
        bytes_us;           /* data have come from, and last came then; 0: none since it */
    int64_t units_since_us; /* the same of access units */
};
/* All times CLOCK_BOOTTIME; bytes and units: all that were heard so far; picture_us: of the newest
 * picture that could be used, 0: none yet. To be called about twice a second. RW_AIL_NO_PICTURES,
 * RW_AIL_NO_KEYFRAME or 0. A reconnection that is in vain too does not clear it. */
unsigned rw_pulse_heard_feed(struct rw_pulse_heard *heard, uint64_t bytes, uint64_t units,
                             int64_t picture_us, int64_t now_us);

/* --- datagrams that are lost on the way --- */

enum { RW_PULSE_LOOKS = 20 };
struct rw_pulse_loss {
    struct {
        uint64_t datagrams, lost;
    } past[RW_PULSE_LOOKS]; /* what was told at the last looks, in a ring */
    int next;
    bool lossy;
};
/* datagrams, lost: all that came and all that are missing so far. To be called about twice a
 * second: the answer is of the last ten, how many of a hundred were lost. loss->lossy: so many that
 * pictures suffer. */
double rw_pulse_loss_feed(struct rw_pulse_loss *loss, uint64_t datagrams, uint64_t lost);

/* --- a clock that stands still --- */

struct rw_pulse_clock {
    bool known, still;
    int64_t camera_us, from_us, last_us; /* camera time and arrival of the anchor, last arrival */
};
/* For each packet: the camera's timestamp (INT64_MIN: none) and CLOCK_BOOTTIME of its arrival. True
 * while the camera's time has advanced by less than an eighth of what passed, for some seconds in
 * which packets came steadily: what a network held back says nothing. */
bool rw_pulse_clock_feed(struct rw_pulse_clock *clock, int64_t camera_us, int64_t arrival_us);

/* --- pictures that cannot be decoded --- */

struct rw_pulse_blind {
    int64_t since_us; /* arrival of the first keyframe in vain; 0: none */
    int keys;
};
/* For each packet: whether it is a keyframe that was given to the decoder, and whether a picture
 * came out. True after several keyframes and some seconds without any. */
bool rw_pulse_blind_feed(struct rw_pulse_blind *blind, bool keyframe_given, bool seen,
                         int64_t arrival_us);
