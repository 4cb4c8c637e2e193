/* What to send next, and how far each camera's events have been told.
 *
 * Invariants:
 *   A1 a cursor moves only over events that the other side confirmed, or that are not announced
 *   A2 of one camera, events go out in order of revision; several are on their way at a time
 *   A3 an event's picture goes before it, unless it is one of a backlog (more than RW_BACKLOG_MAX
 *      wait): then its words go at once, and its pictures after all words of all cameras. On a thin
 *      line it goes with its small picture only, and of each camera the newest whole one follows
 *   A4 that pictures are owed is written down before the first words go without
 *   A5 when a connection is lost, whatever was on its way is forgotten and read again
 *
 * Main thread only. Where events come from, who brings them out and what time it is come in through
 * the front door, so a test can be the store and the courier. */
#pragma once

#include "alerts/courier.h"
#include "base/clock.h"
#include "store/cursor.h"

enum {
    RW_BACKLOG_MAX = 20,               /* more than this are announced by a digest */
    RW_SNAPSHOT_MAX = 2 * 1024 * 1024, /* bytes; a larger picture is left out */
};

/* The store, or a test. Cameras are indices of config->cameras. Functions that return int give 0,
 * or -1 when the camera cannot be read now (whoever implements it says why, once). */
struct rw_outbox_source {
    void *self;
    int (*waiting)(void *self, int camera, int64_t after, int64_t *count, int64_t *highest);
    int (*events_after)(void *self, int camera, int64_t after, int limit,
                        int (*fn)(void *arg, const struct rw_event *event), void *arg);
    /* in order of start: those that touch [from, to), UTC */
    int (*events_between)(void *self, int camera, int64_t from_us, int64_t to_us,
                          int (*fn)(void *arg, const struct rw_event *event), void *arg);
    int (*pictures)(void *self, int camera, const char *event_id, struct rw_buf *jpeg,
                    struct rw_buf *thumbnail);
    /* An event's film, empty where none can be had. -1 also: not yet. */
    int (*clip)(void *self, int camera, const struct rw_event *event, struct rw_buf *mp4);
    /* alerts.db, shared by all couriers: the outbox begins its rows' names with its courier's */
    int64_t (*cursor)(void *self, const char *name);                  /* 0 when never kept */
    int (*keep)(void *self, const struct rw_cursor *rows, int count); /* durable on return */
};

struct rw_outbox;

/* Borrows config, clock and what source and courier point to. */
struct rw_outbox *rw_outbox_create(const struct rw_config *config,
                                   const struct rw_outbox_source *source,
                                   const struct rw_courier *courier, const struct rw_clock *clock);
void rw_outbox_destroy(struct rw_outbox *outbox); /* takes NULL */

void rw_outbox_connected(struct rw_outbox *outbox);
void rw_outbox_lost(struct rw_outbox *outbox);
/* What the courier had of owed pictures and films is lost, and has to be sent again. */
void rw_outbox_pictures_lost(struct rw_outbox *outbox);
/* Looks at every camera and sends what may go. */
void rw_outbox_look(struct rw_outbox *outbox);
/* An item has arrived; refused: NULL, or why the other side would not have it. Tickets of others
 * are ignored. */
void rw_outbox_acked(struct rw_outbox *outbox, uint64_t ticket, const char *refused);

int64_t rw_outbox_told(const struct rw_outbox *outbox, int camera); /* up to this revision */
/* The event as it is now went out, and not in a digest only. */
bool rw_outbox_has_told(const struct rw_outbox *outbox, int camera, const struct rw_event *event);

bool rw_outbox_settled(const struct rw_outbox *outbox); /* nothing is on its way, or can be now */
int64_t rw_outbox_waiting(const struct rw_outbox *outbox);      /* as of the last look */
int64_t rw_outbox_delivered_us(const struct rw_outbox *outbox); /* UTC of the last, 0: none yet */
const char *rw_outbox_trouble(const struct rw_outbox *outbox);  /* "" : none */
