#include "alerts/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"

enum {
    PICTURE_LOSSES_MAX = 2, /* then an event goes without: the line, or the broker, has a limit */
    ROW_SIZE = 96,
};
/* What the broker refused, as bits. */
enum { DIGEST = 1, SNAPSHOT = 2, EVENT = 4 };

#define REFUSED_PAUSE_US (10 * RW_SECOND_US)

struct outgoing {
    const struct rw_camera_config *camera;
    int64_t cursor;   /* told up to this revision */
    bool unsaved;     /* the cursor is ahead of the durable one */
    int64_t waiting;  /* events above the cursor at the last look */
    bool digest_due;  /* the connection is new */
    int64_t pause_us; /* CLOCK_BOOTTIME before which nothing is sent */

    /* on its way; tickets are 0 when not */
    uint64_t digest, snapshot, event;
    int64_t revision; /* of the event, 0: none */
    uint64_t picture; /* fingerprint of the snapshot */

    uint64_t picture_told; /* fingerprint of the last confirmed one on this connection */
    int picture_losses;    /* connections lost in a row with a snapshot on its way */

    unsigned refused; /* logged on this connection */
};

struct rw_outbox {
    const struct rw_config *config;
    struct rw_outbox_source source;
    struct rw_courier courier;
    const struct rw_clock *clock;
    bool connected;
    int64_t delivered_us;
    char trouble[200];
    struct rw_buf jpeg, thumbnail; /* kept for their memory */
    int count;
    struct outgoing cameras[];
};

/* "event/gate", or "zalo/event/gate" */
static void row_name(const struct rw_outbox *outbox, const struct outgoing *out,
                     char name[static ROW_SIZE])
{
    const char *courier = outbox->courier.name;
    snprintf(name, ROW_SIZE, "%s%sevent/%s", courier, *courier ? "/" : "", out->camera->id);
}

struct rw_outbox *rw_outbox_create(const struct rw_config *config,
                                   const struct rw_outbox_source *source,
                                   const struct rw_courier *courier, const struct rw_clock *clock)
{
    size_t count = (size_t)config->camera_count;
    struct rw_outbox *outbox = calloc(1, sizeof *outbox + count * sizeof outbox->cameras[0]);
    if (!outbox)
        abort();
    outbox->config = config;
    outbox->source = *source;
    outbox->courier = *courier;
    outbox->clock = clock;
    outbox->count = config->camera_count;
    for (int i = 0; i < outbox->count; i++) {
        outbox->cameras[i].camera = &config->cameras[i];
        char name[ROW_SIZE];
        row_name(outbox, &outbox->cameras[i], name);
        outbox->cameras[i].cursor = source->cursor(source->self, name);
    }
    return outbox;
}

void rw_outbox_destroy(struct rw_outbox *outbox)
{
    if (!outbox)
        return;
    rw_buf_finish(&outbox->jpeg);
    rw_buf_finish(&outbox->thumbnail);
    free(outbox);
}

static int camera_index(const struct rw_outbox *outbox, const struct outgoing *out)
{
    return (int)(out - outbox->cameras);
}

static bool busy(const struct outgoing *out)
{
    return out->digest || out->revision;
}

static void save_cursor(struct rw_outbox *outbox, struct outgoing *out)
{
    char name[ROW_SIZE];
    row_name(outbox, out, name);
    struct rw_cursor row = {name, out->cursor};
    out->unsaved = outbox->source.keep(outbox->source.self, &row, 1) != 0;
}

static void move_cursor(struct rw_outbox *outbox, struct outgoing *out, int64_t revision)
{
    if (revision == out->cursor)
        return;
    out->cursor = revision;
    save_cursor(outbox, out);
}

static uint64_t send(struct rw_outbox *outbox, const struct rw_item *item)
{
    return outbox->courier.send(outbox->courier.self, item);
}

static int add_to_digest(void *digest, const struct rw_event *event)
{
    if (event->armed)
        rw_digest_add(digest, event);
    return 0;
}

/* True when a digest is on its way, or cannot be now. */
static bool send_digest(struct rw_outbox *outbox, struct outgoing *out)
{
    struct rw_digest digest = {0};
    if (outbox->source.events_after(outbox->source.self, camera_index(outbox, out), out->cursor, 0,
                                    add_to_digest, &digest))
        return true;
    out->digest_due = false;
    if (digest.events <= RW_BACKLOG_MAX)
        return false;
    rw_log(RW_LOG_INFO, "alerts", "%lld events of %s have waited; they go out now, oldest first",
           (long long)digest.events, out->camera->id);
    out->digest = send(outbox, &(struct rw_item){.kind = RW_ITEM_DIGEST,
                                                 .camera = camera_index(outbox, out),
                                                 .digest = &digest});
    out->digest_due = !out->digest;
    return true;
}

struct next_event {
    struct rw_event event;
    int64_t skipped; /* highest revision of those passed over; 0: none */
    bool found;
};

static int take_next(void *arg, const struct rw_event *event)
{
    struct next_event *next = arg;
    if (!event->armed) {
        next->skipped = event->revision;
        return 0;
    }
    next->event = *event;
    next->found = true;
    return 1;
}

static uint64_t fingerprint(const struct rw_buf *bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < bytes->size; i++)
        hash = (hash ^ bytes->data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* False when there is no room for it now. The broker still holds the one that it confirmed last
 * (it is retained), so the same picture is not sent twice on one connection. */
static bool send_snapshot(struct rw_outbox *outbox, struct outgoing *out,
                          const struct rw_event *event)
{
    if (!(outbox->courier.carries & RW_ITEM_SNAPSHOT) || !outbox->jpeg.size ||
        outbox->jpeg.size > RW_SNAPSHOT_MAX)
        return true;
    if (out->picture_losses >= PICTURE_LOSSES_MAX) {
        out->picture_losses = PICTURE_LOSSES_MAX - 1; /* the next one gets one chance */
        return true;
    }
    uint64_t picture = fingerprint(&outbox->jpeg);
    if (picture == out->picture_told)
        return true;
    out->snapshot = send(outbox, &(struct rw_item){.kind = RW_ITEM_SNAPSHOT,
                                                   .camera = camera_index(outbox, out),
                                                   .event = event,
                                                   .snapshot = &outbox->jpeg});
    out->picture = picture;
    return out->snapshot != 0;
}

static void send_event(struct rw_outbox *outbox, struct outgoing *out, const struct rw_event *event)
{
    rw_buf_clear(&outbox->jpeg);
    rw_buf_clear(&outbox->thumbnail);
    if (outbox->source.pictures(outbox->source.self, camera_index(outbox, out), event->id,
                                &outbox->jpeg, &outbox->thumbnail))
        return;
    if (!send_snapshot(outbox, out, event))
        return;
    out->event = send(outbox, &(struct rw_item){.kind = RW_ITEM_EVENT,
                                                .camera = camera_index(outbox, out),
                                                .event = event,
                                                .snapshot = &outbox->jpeg,
                                                .thumbnail = &outbox->thumbnail});
    out->revision = out->event ? event->revision : 0;
    if (!out->event)
        out->snapshot = 0;
}

/* Reads how much waits. False when the camera cannot be read. */
static bool count_waiting(struct rw_outbox *outbox, struct outgoing *out)
{
    int64_t highest = 0;
    int index = camera_index(outbox, out);
    if (outbox->source.waiting(outbox->source.self, index, out->cursor, &out->waiting, &highest))
        return false;
    if (highest >= out->cursor)
        return true;
    if (highest > 0) /* 0: no event is left, all have aged away */
        rw_log(RW_LOG_WARNING, "alerts",
               "the events of %s are numbered anew; all that are there are told again",
               out->camera->id);
    move_cursor(outbox, out, 0);
    return !outbox->source.waiting(outbox->source.self, index, 0, &out->waiting, &highest);
}

static void look_at(struct rw_outbox *outbox, struct outgoing *out)
{
    if (out->unsaved)
        save_cursor(outbox, out);
    if (!count_waiting(outbox, out) || !outbox->connected || busy(out) ||
        rw_now(outbox->clock).boot_us < out->pause_us)
        return;
    if (!(outbox->courier.carries & RW_ITEM_DIGEST))
        out->digest_due = false;
    if (out->digest_due && out->waiting > RW_BACKLOG_MAX && send_digest(outbox, out))
        return;
    out->digest_due = false;
    if (!out->waiting)
        return;
    struct next_event next = {0};
    if (outbox->source.events_after(outbox->source.self, camera_index(outbox, out), out->cursor, 0,
                                    take_next, &next))
        return;
    if (next.skipped)
        move_cursor(outbox, out, next.skipped);
    if (next.found)
        send_event(outbox, out, &next.event);
}

void rw_outbox_look(struct rw_outbox *outbox)
{
    for (int i = 0; i < outbox->count; i++)
        look_at(outbox, &outbox->cameras[i]);
}

static void forget(struct outgoing *out)
{
    out->digest = out->snapshot = out->event = 0;
    out->revision = 0;
}

void rw_outbox_connected(struct rw_outbox *outbox)
{
    outbox->connected = true;
    outbox->trouble[0] = 0;
    for (int i = 0; i < outbox->count; i++) {
        struct outgoing *out = &outbox->cameras[i];
        forget(out);
        out->digest_due = true;
        out->picture_told = 0;
        out->pause_us = 0;
        out->refused = 0;
    }
}

void rw_outbox_lost(struct rw_outbox *outbox)
{
    outbox->connected = false;
    for (int i = 0; i < outbox->count; i++) {
        struct outgoing *out = &outbox->cameras[i];
        if (out->snapshot)
            out->picture_losses++;
        forget(out);
    }
}

static void finish_event(struct rw_outbox *outbox, struct outgoing *out)
{
    if (!out->revision || out->snapshot || out->event)
        return;
    int64_t revision = out->revision;
    out->revision = 0;
    outbox->delivered_us = rw_now(outbox->clock).utc_us;
    outbox->trouble[0] = 0;
    move_cursor(outbox, out, revision);
}

static void note_refusal(struct rw_outbox *outbox, struct outgoing *out, unsigned what,
                         const char *refused)
{
    snprintf(outbox->trouble, sizeof outbox->trouble,
             "the broker refuses the %s of %s (%s); see its access rules and limits",
             what == DIGEST     ? "digest"
             : what == SNAPSHOT ? "snapshot"
                                : "events",
             out->camera->id, refused);
    if (!(out->refused & what))
        rw_log(RW_LOG_WARNING, "alerts", "%s", outbox->trouble);
    out->refused |= what;
}

static void event_acked(struct rw_outbox *outbox, struct outgoing *out, const char *refused)
{
    if (refused) {
        note_refusal(outbox, out, EVENT, refused);
        forget(out);
        out->pause_us = rw_now(outbox->clock).boot_us + REFUSED_PAUSE_US;
        return;
    }
    out->event = 0;
    finish_event(outbox, out);
}

/* An event without its big picture is better than none. */
static void snapshot_acked(struct rw_outbox *outbox, struct outgoing *out, const char *refused)
{
    out->snapshot = 0;
    if (refused)
        note_refusal(outbox, out, SNAPSHOT, refused);
    else
        out->picture_told = out->picture;
    out->picture_losses = 0;
    finish_event(outbox, out);
}

void rw_outbox_acked(struct rw_outbox *outbox, uint64_t ticket, const char *refused)
{
    if (!ticket)
        return;
    for (int i = 0; i < outbox->count; i++) {
        struct outgoing *out = &outbox->cameras[i];
        if (ticket == out->digest) {
            out->digest = 0;
            if (refused)
                note_refusal(outbox, out, DIGEST, refused);
        } else if (ticket == out->snapshot) {
            snapshot_acked(outbox, out, refused);
        } else if (ticket == out->event) {
            event_acked(outbox, out, refused);
        } else {
            continue;
        }
        look_at(outbox, out);
        return;
    }
}

bool rw_outbox_settled(const struct rw_outbox *outbox)
{
    bool settled = true;
    for (int i = 0; i < outbox->count; i++)
        settled &= !busy(&outbox->cameras[i]);
    return settled;
}

int64_t rw_outbox_waiting(const struct rw_outbox *outbox)
{
    int64_t waiting = 0;
    for (int i = 0; i < outbox->count; i++)
        waiting += outbox->cameras[i].waiting;
    return waiting;
}

int64_t rw_outbox_delivered_us(const struct rw_outbox *outbox)
{
    return outbox->delivered_us;
}

const char *rw_outbox_trouble(const struct rw_outbox *outbox)
{
    return outbox->trouble;
}
