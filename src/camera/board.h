/* The notice board of a camera's process: each thread writes what it knows, the main thread reads
 * it and says how the camera is. All functions from any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "camera/pulse.h"
#include "media/source.h"
#include "motion/motion.h"
#include "store/store.h"

struct rw_board;

/* What tells one camera from another. */
enum rw_identity {
    RW_IDENTITY_CERTIFICATE, /* of its TLS */
    RW_IDENTITY_DESCRIPTION, /* of its stream, as SDP names it */
    RW_IDENTITY_SETS,        /* its parameter sets */
    RW_IDENTITIES,
};

struct rw_stream_notice {
    bool used;
    bool connected;          /* the last word of the ingest thread */
    int64_t picture_boot_us; /* when the last picture came, CLOCK_BOOTTIME; 0: never */
    int64_t picture_utc_us;
    int64_t written_utc_us; /* end of the newest fragment on disk; 0: never */
    char reason[200];       /* why it is not connected */
    unsigned ails;          /* enum rw_ail */
    uint64_t heard_bytes, heard_units, heard_datagrams, lost_datagrams;
    double lost_percent;             /* of the datagrams of late */
    unsigned fault_count;            /* so often the camera sent what no camera should */
    char fault[200];                 /* the last time this */
    int64_t identity[RW_IDENTITIES]; /* positive prints; 0: not seen yet */
};

struct rw_watch_notice {
    bool known;               /* pictures have been looked at for a while */
    double fps;               /* so many a second */
    double of;                /* so many came */
    bool thinned;             /* for want of processor time not all are looked at */
    float weather;            /* tiny flickering spots a picture, running mean */
    int smallest;             /* the smallest thing that counts now, blocks */
    bool raised;              /* that is more than in calm weather */
    bool running;             /* a run is on */
    enum rw_motion_kind kind; /* of it */
};

struct rw_notice {
    struct rw_stream_notice stream[RW_STREAMS];
    char disk_reason[200]; /* "": the disk takes what it is given */
    struct rw_watch_notice watch;
    bool armed_by_hand;
    int64_t snoozed_until_us; /* UTC; 0: not */
};

struct rw_board *rw_board_create(void);
void rw_board_destroy(struct rw_board *board);
void rw_board_read(struct rw_board *board, struct rw_notice *out);

void rw_board_use(struct rw_board *board, enum rw_stream stream);
void rw_board_connected(struct rw_board *board, enum rw_stream stream);
void rw_board_lost(struct rw_board *board, enum rw_stream stream, const char *reason);
void rw_board_picture(struct rw_board *board, enum rw_stream stream, int64_t boot_us,
                      int64_t utc_us);
void rw_board_written(struct rw_board *board, enum rw_stream stream, int64_t end_us);
/* Sets or clears one of enum rw_ail. */
void rw_board_ail(struct rw_board *board, enum rw_stream stream, enum rw_ail ail, bool on);
void rw_board_loss(struct rw_board *board, enum rw_stream stream, double percent);
/* Where a source counts what it hears; as long as the board is. */
struct rw_heard *rw_board_heard(struct rw_board *board, enum rw_stream stream);
void rw_board_fault(struct rw_board *board, enum rw_stream stream, const char *sentence);
void rw_board_identity(struct rw_board *board, enum rw_stream stream, enum rw_identity what,
                       int64_t print);
/* The disk refuses: how, and what to do; NULL: it is good again. */
void rw_board_disk(struct rw_board *board, const struct rw_err *err);
void rw_board_watch(struct rw_board *board, const struct rw_watch_notice *watch);
/* How long pictures for the watcher may lie before they are read, ms: in bursts they cost less. 0:
 * something is about to be decided. */
void rw_board_set_patience(struct rw_board *board, int ms);
int rw_board_patience(struct rw_board *board);
void rw_board_arm(struct rw_board *board, bool armed, int64_t snoozed_until_us);
