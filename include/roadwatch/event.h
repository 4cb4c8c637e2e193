/* An event: one id for one happening. What the store keeps, the camera makes and the roles tell. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roadwatch/picture.h"

enum {
    RW_EVENT_ID_SIZE = 27,
    RW_ZONES_MAX = 16,
    RW_EVENT_LINES_MAX = 8,
    RW_CROSSINGS_MAX = 2 * RW_EVENT_LINES_MAX, /* every line both ways */
    RW_EVENT_PATH_MAX = 16,
    RW_NAME_SIZE = 65,
    RW_KIND_SIZE = 24,
    RW_EVENT_REASON_SIZE = 200
};

enum rw_phase { RW_PHASE_START = 0, RW_PHASE_UPDATE = 1, RW_PHASE_END = 2 };

/* A line was crossed, to the side that is on the right (left) for one who looks from its first
 * point to its second. */
struct rw_crossing {
    char line[RW_NAME_SIZE];
    bool right;
};

struct rw_event {
    char id[RW_EVENT_ID_SIZE]; /* ULID */
    int64_t revision;          /* grows with every change of any event of this camera */
    enum rw_phase phase;
    char kind[RW_KIND_SIZE]; /* "motion", "scene_change", "camera_moved", "covered"; "fault",
                              * "camera_changed": these have no picture and no place in it */
    int64_t start_us;        /* UTC: first motion */
    int64_t end_us;          /* UTC: last motion; 0 while it goes on */
    int64_t peak_us;         /* UTC of the best picture */
    int64_t seen_us;         /* UTC: the deciding picture arrived */
    int64_t decided_us;      /* UTC: the detector was sure */
    struct rw_box box;       /* at the peak */
    struct rw_box whole;     /* around all that moved; empty: not known */
    float score;             /* 0 to 1 */
    bool armed;              /* announced; false: kept quietly */
    int clock_trust;         /* enum rw_clock_trust when it began */
    int64_t clock_error_us;  /* -1: unknown */
    int64_t clock_shift_us;  /* how much its times were corrected since it was first told */
    int zone_count;
    char zones[RW_ZONES_MAX][RW_NAME_SIZE]; /* in the order in which they were first touched */
    int crossing_count;
    struct rw_crossing crossings[RW_CROSSINGS_MAX]; /* each way once, the first first */
    int path_count;
    struct rw_point path[RW_EVENT_PATH_MAX]; /* of what the best picture shows, oldest first */
    bool lasting; /* it ended by its length only: the camera is covered or displaced as before */
    char reason[RW_EVENT_REASON_SIZE]; /* a sentence; "": the kind says it all */
    char acked_by[RW_NAME_SIZE];       /* "" : nobody yet */
};

/* Two JPEGs that belong to an event. Who owns them is said where they are passed. */
struct rw_pictures {
    const uint8_t *jpeg; /* whole picture */
    int jpeg_size;
    const uint8_t *thumbnail; /* crop around the box, at most 10 KB */
    int thumbnail_size;
};
