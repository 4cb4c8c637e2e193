/* A courier brings what the outbox has chosen out to people: the MQTT broker (mqtt.h), a webhook, a
 * test. An outbox (outbox.h) decides what goes next and how far each camera has been told; it knows
 * neither topics nor requests. One outbox for each courier, so that a dead one holds back no other:
 * each has rows of its own in alerts.db. Main thread only.
 *
 * How a courier is driven: rw_outbox_connected() when items can go, rw_outbox_lost() when what was
 * on its way is lost; rw_outbox_pictures_lost() when only what goes behind words is;
 * rw_outbox_acked() once for every ticket that was given out in between, in any order and never
 * from within send(); rw_outbox_look() when there may be something new. */
#pragma once

#include "alerts/payload.h"
#include "base/buf.h"

enum rw_item_kind {
    RW_ITEM_EVENT = 1,     /* words; alone, or with the pictures that go with them */
    RW_ITEM_DIGEST = 2,    /* so many events wait and follow */
    RW_ITEM_SNAPSHOT = 4,  /* an event's whole picture, by itself */
    RW_ITEM_THUMBNAIL = 8, /* a small picture of an event whose words went without, by itself */
    RW_ITEM_CLIP = 16,     /* an event's film, after it has ended */
};

/* Borrowed, all of it, for the call. */
struct rw_item {
    enum rw_item_kind kind;
    int camera;                     /* index of config->cameras */
    const struct rw_event *event;   /* all but DIGEST */
    const struct rw_digest *digest; /* DIGEST */
    /* EVENT: both, empty where the event has none or goes without (a backlog's); SNAPSHOT and
     * THUMBNAIL: the one. JPEG */
    const struct rw_buf *snapshot, *thumbnail;
    const struct rw_buf *clip; /* CLIP: MP4 */
    bool behind;               /* SNAPSHOT: its words have gone already */
};

struct rw_courier {
    void *self;
    const char
        *name; /* of its rows in alerts.db, an id as rw_id_valid() has it; "": the broker's */
    unsigned carries; /* enum rw_item_kind, or-ed: what it takes. EVENT always */
    /* Copies what it needs. The ticket that rw_outbox_acked() will bring back, never 0 nor one of
     * another item's; 0: no room now, asked again at the next look. */
    uint64_t (*send)(void *self, const struct rw_item *item);
    /* An event's whole picture would hold up its words on the way that it has now. NULL: never */
    bool (*thin)(void *self);
};
