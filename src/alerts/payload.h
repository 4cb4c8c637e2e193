/* What stands in the messages. Pure: from values to JSON text, no files, no clock.
 * All functions return text that the caller frees with free(), never NULL. */
#pragma once

#include "config/config.h"

enum { RW_THUMBNAIL_MAX = 5 * 1024 }; /* bytes of JPEG; a larger one is left out */

/* <camera>/event. whole is null where an older build kept the event. thumbnail may be NULL: then
 * the field is left out. sent_us: UTC of now. */
char *rw_payload_event(const struct rw_config *config, const struct rw_camera_config *camera,
                       const struct rw_event *event, const void *thumbnail, size_t thumbnail_size,
                       int64_t sent_us);

enum { RW_DIGEST_KINDS = 6 };

/* <camera>/digest: so many events wait and follow, or, with rate, so many happened and do not go
 * out one by one; the first began and the last ended then. Begins as {0}. */
struct rw_digest {
    bool rate;
    int64_t events;
    int64_t of_kind[RW_DIGEST_KINDS]; /* their sum is events */
    int64_t from_us, to_us;           /* UTC */
};
void rw_digest_add(struct rw_digest *digest, const struct rw_event *event);
char *rw_payload_digest(const struct rw_config *config, const struct rw_camera_config *camera,
                        const struct rw_digest *digest, int64_t sent_us);

/* escalate: nobody has acknowledged this alert; step: of the list's names, from 0. */
char *rw_payload_escalate(const struct rw_config *config, const struct rw_camera_config *camera,
                          const struct rw_event *event, int step, int64_t sent_us);

/* How the camera is watched. */
struct rw_watch {
    bool known;
    double fps;
    double of;             /* so many came */
    bool thinned;          /* the processor is too slow for all of them */
    double weather;        /* tiny flickering spots a picture */
    int smallest;          /* the smallest thing that counts now, blocks of the picture */
    bool raised;           /* that is more than in calm weather */
    char on[RW_KIND_SIZE]; /* the kind of what happens now; "" : nothing */
};

/* It cannot see: nothing is watched while this goes on. */
bool rw_watch_blind(const struct rw_watch *watch);

/* What a camera's process says of its arming. */
struct rw_arming {
    bool known;           /* it has said so */
    bool by_hand;         /* <camera>/armed: as people set it */
    char disarmed_by[16]; /* "hand", "snooze", "schedule"; "": events are announced now */
};

/* <camera>/status */
struct rw_status {
    char state[16];          /* "online", "connecting", "offline" */
    char reason[200];        /* "" : none */
    int64_t since_us;        /* UTC; 0: unknown */
    int64_t last_picture_us; /* UTC end of the newest recorded fragment; 0: none */
    bool recording;
    double days_kept;
    struct rw_watch watch;
    struct rw_arming arming;
};
/* now_us: UTC */
char *rw_payload_status(const struct rw_config *config, const struct rw_camera_config *camera,
                        const struct rw_status *status, int64_t now_us);

/* <runtime>/alerts.json, which `roadwatch status` reads */
struct rw_health {
    bool connected;
    int64_t waiting;           /* events that the broker has not confirmed */
    int64_t last_delivered_us; /* UTC; 0: never */
    char reason[200];          /* why it is not well; "" when it is */
};
char *rw_payload_health(const struct rw_health *health);
