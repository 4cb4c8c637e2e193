/* What the files of the outbox share: one camera's ways out, and the rows that are kept of them.
 * Lanes over all cameras, the first first: words, then the pictures that words of a backlog went
 * without, then films. */
#pragma once

#include "alerts/lane.h"
#include "alerts/outbox.h"
#include "alerts/rate.h"

/* What is kept of a camera in alerts.db. */
enum rw_row {
    RW_ROW_EVENT,   /* words.told */
    RW_ROW_PICTURE, /* pictures.told */
    RW_ROW_BARE,    /* bare */
    RW_ROW_CLIP,    /* clips.told */
    RW_ROW_MUTED,   /* muted */
    RW_ROWS
};

/* What the other side refused, as bits. */
enum {
    RW_REFUSED_DIGEST = 1,
    RW_REFUSED_SNAPSHOT = 2,
    RW_REFUSED_EVENT = 4,
    RW_REFUSED_SMALL = 8,
    RW_REFUSED_CLIP = 16
};

/* The last events of which something is known. */
struct rw_ids {
    int next;
    char ids[64][RW_EVENT_ID_SIZE];
};
void rw_ids_add(struct rw_ids *ids, const char *id);
bool rw_ids_have(const struct rw_ids *ids, const char *id);

struct rw_outgoing {
    const struct rw_camera_config *camera;
    int index;             /* of the camera */
    int64_t kept[RW_ROWS]; /* as they stand in alerts.db */
    int64_t kept_us;       /* CLOCK_BOOTTIME of that */
    int unkept;            /* confirmations since then */

    struct rw_lane words;
    int64_t waiting;  /* events behind words.told, as of the last look */
    bool digest_due;  /* the connection is new */
    uint64_t digest;  /* its ticket, 0: none is on its way */
    int64_t pause_us; /* CLOCK_BOOTTIME before which nothing is sent */

    struct rw_lane pictures;
    int64_t bare; /* words up to this revision go without pictures. Those behind pictures.told are
                   * owed theirs */

    struct rw_lane clips;
    struct rw_ids filmed;           /* whose films were told, or cannot be had */
    char filming[RW_EVENT_ID_SIZE]; /* whose is on its way */

    struct rw_rate rate; /* what went out by itself */
    int64_t muted; /* behind this revision are some that no digest has told yet; 0: none are */
    int64_t rate_newest;  /* revision of the last muted one */
    struct rw_ids quiet;  /* muted, the last ones */
    uint64_t rate_digest; /* its ticket, 0: none is on its way */
    int64_t rate_upto;    /* revision to which it counts */
    int64_t rate_sent_us; /* UTC of it */
    int64_t rate_told_us; /* UTC of the last that was confirmed */
    int64_t rate_due_us;  /* CLOCK_BOOTTIME of the next */

    bool newest_due; /* words went ahead of this event's whole picture */
    struct rw_event newest;
    uint64_t newest_ticket;  /* its picture's, 0: it is not on its way */
    uint64_t thumbnail_sent; /* fingerprint of the last small picture on this connection */
    uint64_t picture_sent;   /* fingerprint of the last snapshot on this connection */
    int picture_losses;      /* connections lost in a row with a snapshot on its way */

    unsigned refused; /* logged on this connection */
};

struct rw_batch {
    int count;
    struct rw_event events[RW_LANE_MAX + 1];
};

struct rw_outbox {
    const struct rw_config *config;
    struct rw_outbox_source source;
    struct rw_courier courier;
    const struct rw_clock *clock;
    bool connected;
    int64_t delivered_us;
    char trouble[200];
    struct rw_buf jpeg, thumbnail, clip; /* kept for their memory */
    struct rw_batch batch;               /* kept for its memory */
    int turn;                            /* the camera whose backlog is looked at first */
    int count;
    struct rw_outgoing cameras[];
};

/* -- outbox.c */
/* The next events behind `after`. 0, or -1 when the camera cannot be read now. */
int rw_outbox_read(struct rw_outbox *outbox, const struct rw_outgoing *out, int64_t after,
                   int limit);
/* Writes down what has changed. What cannot be written stays changed. */
void rw_outbox_keep(struct rw_outbox *outbox, struct rw_outgoing *out);
/* The same, but not often: what is not yet written down would be told again after a kill. */
void rw_outbox_keep_lazily(struct rw_outbox *outbox, struct rw_outgoing *out);
void rw_outbox_note_refusal(struct rw_outbox *outbox, struct rw_outgoing *out, unsigned what,
                            const char *why);
/* Sends outbox->jpeg, retained, unless it was the last one on this connection. False: there is no
 * room for it now; then *ticket is 0, as it is when nothing has to be sent. */
bool rw_outbox_send_snapshot(struct rw_outbox *outbox, struct rw_outgoing *out,
                             const struct rw_event *event, bool behind, uint64_t *ticket);
uint64_t rw_outbox_fingerprint(const struct rw_buf *bytes);

/* -- outbox_words.c */
/* Reads how much waits. False when the camera cannot be read. */
bool rw_words_count(struct rw_outbox *outbox, struct rw_outgoing *out);
/* Sends what may go of all cameras, or of those that are known to have more. */
void rw_words_feed(struct rw_outbox *outbox, bool known_only);
bool rw_words_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                    const char *refused);
bool rw_words_done(struct rw_outbox *outbox); /* nothing more can be said now */
void rw_words_forget(struct rw_outgoing *out);

/* -- outbox_pictures.c */
/* Words up to this revision go without pictures; these will be owed. */
void rw_pictures_owe(struct rw_outbox *outbox, struct rw_outgoing *out, int64_t highest);
void rw_pictures_feed(struct rw_outbox *outbox);
bool rw_pictures_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                       const char *refused);
bool rw_pictures_done(const struct rw_outbox *outbox); /* none is owed or on its way */

/* -- outbox_newest.c */
/* The event's words go ahead of its whole picture. outbox->thumbnail is emptied if it was the last
 * one already. */
void rw_newest_put_off(struct rw_outbox *outbox, struct rw_outgoing *out,
                       const struct rw_event *event);
void rw_newest_feed(struct rw_outbox *outbox);
bool rw_newest_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                     const char *refused);

/* -- outbox_clips.c */
void rw_clips_feed(struct rw_outbox *outbox);
bool rw_clips_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                    const char *refused);

/* -- outbox_rate.c */
/* Does it go out in a digest only? Asked once for each revision. */
bool rw_rate_mutes(struct rw_outbox *outbox, struct rw_outgoing *out, const struct rw_event *event);
void rw_rate_feed(struct rw_outbox *outbox, struct rw_outgoing *out);
bool rw_rate_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                   const char *refused);
