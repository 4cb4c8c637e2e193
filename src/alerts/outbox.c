#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/outbox_inside.h"
#include "base/log.h"
#include "base/units.h"

enum {
    PICTURE_LOSSES_MAX = 2, /* then an event goes without: the line, or the broker, has a limit */
    ROW_SIZE = 96,
};

/* At a run, rows are written so often, or after so many confirmations. */
#define KEEP_US (200 * 1000)
#define KEEP_COUNT 64

static const char *const row_names[] = {[RW_ROW_EVENT] = "event",
                                        [RW_ROW_PICTURE] = "picture",
                                        [RW_ROW_BARE] = "bare",
                                        [RW_ROW_CLIP] = "clip",
                                        [RW_ROW_MUTED] = "muted"};

_Static_assert(sizeof row_names / sizeof *row_names == RW_ROWS, "every row has a name");

/* "event/gate", or "zalo/event/gate" */
static const char *row_name(const struct rw_outbox *outbox, const struct rw_outgoing *out,
                            enum rw_row row, char name[static ROW_SIZE])
{
    const char *courier = outbox->courier.name;
    snprintf(name, ROW_SIZE, "%s%s%s/%s", courier, *courier ? "/" : "", row_names[row],
             out->camera->id);
    return name;
}

static int64_t row_value(const struct rw_outgoing *out, enum rw_row row)
{
    switch (row) {
    case RW_ROW_EVENT:
        return out->words.told;
    case RW_ROW_PICTURE:
        return out->pictures.told;
    case RW_ROW_BARE:
        return out->bare;
    case RW_ROW_CLIP:
        return out->clips.told;
    case RW_ROW_MUTED:
        return out->muted;
    case RW_ROWS:
        break;
    }
    return 0;
}

static void restore(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    char name[ROW_SIZE];
    for (enum rw_row row = 0; row < RW_ROWS; row++)
        out->kept[row] =
            outbox->source.cursor(outbox->source.self, row_name(outbox, out, row, name));
    rw_lane_begin(&out->words, out->kept[RW_ROW_EVENT]);
    rw_lane_begin(&out->pictures, out->kept[RW_ROW_PICTURE]);
    /* where no film was ever sent, it begins with what comes now */
    bool films = out->kept[RW_ROW_CLIP] > 0;
    rw_lane_begin(&out->clips, out->kept[films ? RW_ROW_CLIP : RW_ROW_EVENT]);
    out->bare = out->kept[RW_ROW_BARE];
    out->muted = out->kept[RW_ROW_MUTED];
}

void rw_outbox_keep(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    char names[RW_ROWS][ROW_SIZE];
    struct rw_cursor rows[RW_ROWS];
    int count = 0;
    for (enum rw_row row = 0; row < RW_ROWS; row++)
        if (row_value(out, row) != out->kept[row])
            rows[count++] =
                (struct rw_cursor){row_name(outbox, out, row, names[row]), row_value(out, row)};
    if (!count || outbox->source.keep(outbox->source.self, rows, count))
        return;
    for (enum rw_row row = 0; row < RW_ROWS; row++)
        out->kept[row] = row_value(out, row);
    out->unkept = 0;
    out->kept_us = rw_now(outbox->clock).boot_us;
}

void rw_outbox_keep_lazily(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    bool busy = out->words.count || out->pictures.count;
    if (!busy || ++out->unkept >= KEEP_COUNT ||
        rw_now(outbox->clock).boot_us - out->kept_us >= KEEP_US)
        rw_outbox_keep(outbox, out);
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
        outbox->cameras[i].index = i;
        restore(outbox, &outbox->cameras[i]);
    }
    return outbox;
}

void rw_outbox_destroy(struct rw_outbox *outbox)
{
    if (!outbox)
        return;
    for (int i = 0; i < outbox->count; i++)
        rw_outbox_keep(outbox, &outbox->cameras[i]);
    rw_buf_finish(&outbox->jpeg);
    rw_buf_finish(&outbox->thumbnail);
    rw_buf_finish(&outbox->clip);
    free(outbox);
}

static int add_to_batch(void *arg, const struct rw_event *event)
{
    struct rw_batch *batch = arg;
    batch->events[batch->count++] = *event;
    return 0;
}

int rw_outbox_read(struct rw_outbox *outbox, const struct rw_outgoing *out, int64_t after,
                   int limit)
{
    outbox->batch.count = 0;
    return outbox->source.events_after(outbox->source.self, out->index, after, limit, add_to_batch,
                                       &outbox->batch);
}

void rw_ids_add(struct rw_ids *ids, const char *id)
{
    int size = (int)(sizeof ids->ids / sizeof *ids->ids);
    snprintf(ids->ids[ids->next], sizeof ids->ids[0], "%s", id);
    ids->next = (ids->next + 1) % size;
}

bool rw_ids_have(const struct rw_ids *ids, const char *id)
{
    for (size_t i = 0; i < sizeof ids->ids / sizeof *ids->ids; i++)
        if (!strcmp(ids->ids[i], id))
            return true;
    return false;
}

uint64_t rw_outbox_fingerprint(const struct rw_buf *bytes)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < bytes->size; i++)
        hash = (hash ^ bytes->data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* The broker still holds the one that it got last (it is retained), so the same picture is not sent
 * twice on one connection. */
bool rw_outbox_send_snapshot(struct rw_outbox *outbox, struct rw_outgoing *out,
                             const struct rw_event *event, bool behind, uint64_t *ticket)
{
    *ticket = 0;
    if (!(outbox->courier.carries & RW_ITEM_SNAPSHOT) || !outbox->jpeg.size ||
        outbox->jpeg.size > RW_SNAPSHOT_MAX)
        return true;
    if (out->picture_losses >= PICTURE_LOSSES_MAX) {
        out->picture_losses = PICTURE_LOSSES_MAX - 1; /* the next one gets one chance */
        return true;
    }
    uint64_t picture = rw_outbox_fingerprint(&outbox->jpeg);
    if (picture == out->picture_sent)
        return true;
    *ticket =
        outbox->courier.send(outbox->courier.self, &(struct rw_item){.kind = RW_ITEM_SNAPSHOT,
                                                                     .camera = out->index,
                                                                     .event = event,
                                                                     .snapshot = &outbox->jpeg,
                                                                     .behind = behind});
    if (*ticket)
        out->picture_sent = picture;
    return *ticket != 0;
}

void rw_outbox_look(struct rw_outbox *outbox)
{
    for (int i = 0; i < outbox->count; i++) {
        rw_outbox_keep_lazily(outbox, &outbox->cameras[i]);
        if (!rw_words_count(outbox, &outbox->cameras[i]))
            outbox->cameras[i].words.more = false;
    }
    if (!outbox->connected)
        return;
    rw_words_feed(outbox, false);
    rw_newest_feed(outbox);
    rw_pictures_feed(outbox);
    rw_clips_feed(outbox);
}

/* What went behind words is read again. */
static void forget_pictures(struct rw_outgoing *out)
{
    rw_lane_begin(&out->pictures, out->pictures.told);
    rw_lane_begin(&out->clips, out->clips.told);
    out->newest_due |= out->newest_ticket != 0;
    out->newest_ticket = 0;
    out->picture_sent = 0;
}

void rw_outbox_pictures_lost(struct rw_outbox *outbox)
{
    for (int i = 0; i < outbox->count; i++)
        forget_pictures(&outbox->cameras[i]);
}

void rw_outbox_connected(struct rw_outbox *outbox)
{
    outbox->connected = true;
    outbox->trouble[0] = 0;
    for (int i = 0; i < outbox->count; i++) {
        struct rw_outgoing *out = &outbox->cameras[i];
        rw_words_forget(out);
        forget_pictures(out);
        out->digest_due = outbox->courier.carries & RW_ITEM_DIGEST;
        out->thumbnail_sent = 0;
        out->pause_us = 0;
        out->refused = 0;
    }
}

void rw_outbox_lost(struct rw_outbox *outbox)
{
    outbox->connected = false;
    for (int i = 0; i < outbox->count; i++) {
        struct rw_outgoing *out = &outbox->cameras[i];
        if (rw_lane_carries_picture(&out->words) || rw_lane_carries_picture(&out->pictures))
            out->picture_losses++;
        rw_words_forget(out);
        forget_pictures(out);
        rw_outbox_keep(outbox, out);
    }
}

void rw_outbox_note_refusal(struct rw_outbox *outbox, struct rw_outgoing *out, unsigned what,
                            const char *why)
{
    snprintf(outbox->trouble, sizeof outbox->trouble,
             "the broker refuses the %s of %s (%s); see its access rules and limits",
             what == RW_REFUSED_DIGEST     ? "digest"
             : what == RW_REFUSED_SNAPSHOT ? "snapshot"
             : what == RW_REFUSED_SMALL    ? "small pictures"
             : what == RW_REFUSED_CLIP     ? "films"
                                           : "events",
             out->camera->id, why);
    if (!(out->refused & what))
        rw_log(RW_LOG_WARNING, "alerts", "%s", outbox->trouble);
    out->refused |= what;
}

static bool digest_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                         const char *refused)
{
    if (ticket != out->digest)
        return false;
    out->digest = 0;
    if (refused)
        rw_outbox_note_refusal(outbox, out, RW_REFUSED_DIGEST, refused);
    return true;
}

void rw_outbox_acked(struct rw_outbox *outbox, uint64_t ticket, const char *refused)
{
    bool ours = false;
    for (int i = 0; ticket && i < outbox->count && !ours; i++) {
        struct rw_outgoing *out = &outbox->cameras[i];
        ours = digest_acked(outbox, out, ticket, refused) ||
               rw_rate_acked(outbox, out, ticket, refused) ||
               rw_words_acked(outbox, out, ticket, refused) ||
               rw_newest_acked(outbox, out, ticket, refused) ||
               rw_pictures_acked(outbox, out, ticket, refused) ||
               rw_clips_acked(outbox, out, ticket, refused);
    }
    if (!ours || !outbox->connected)
        return;
    rw_words_feed(outbox, true);
    rw_newest_feed(outbox);
    rw_pictures_feed(outbox);
    rw_clips_feed(outbox);
}

int64_t rw_outbox_told(const struct rw_outbox *outbox, int camera)
{
    return outbox->cameras[camera].words.told;
}

bool rw_outbox_has_told(const struct rw_outbox *outbox, int camera, const struct rw_event *event)
{
    const struct rw_outgoing *out = &outbox->cameras[camera];
    return event->armed && event->revision <= out->words.told &&
           !rw_ids_have(&out->quiet, event->id);
}

bool rw_outbox_settled(const struct rw_outbox *outbox)
{
    bool settled = true;
    for (int i = 0; i < outbox->count; i++)
        settled &= !outbox->cameras[i].digest && !outbox->cameras[i].rate_digest &&
                   !outbox->cameras[i].words.count;
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
