#include "alerts/outbox_inside.h"
#include "base/log.h"
#include "base/units.h"

enum { AT_A_TIME = RW_LANE_MAX / 4 }; /* of a backlog, so that several cameras take turns */

#define REFUSED_PAUSE_US (10 * RW_SECOND_US)

void rw_words_forget(struct rw_outgoing *out)
{
    rw_lane_begin(&out->words, out->words.told);
    out->digest = out->rate_digest = 0;
    out->rate_due_us = 0;
}

static int count_announced(void *count, const struct rw_event *event)
{
    *(int *)count += event->armed;
    return *(int *)count > RW_BACKLOG_MAX;
}

static bool is_backlog(struct rw_outbox *outbox, const struct rw_outgoing *out)
{
    int announced = 0;
    return out->waiting > RW_BACKLOG_MAX &&
           !outbox->source.events_after(outbox->source.self, out->index, out->words.told, 0,
                                        count_announced, &announced) &&
           announced > RW_BACKLOG_MAX;
}

bool rw_words_count(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    const struct rw_outbox_source *source = &outbox->source;
    int64_t highest = 0;
    if (source->waiting(source->self, out->index, out->words.told, &out->waiting, &highest))
        return false;
    if (highest < out->words.told) {
        if (highest > 0) /* 0: no event is left, all have aged away */
            rw_log(RW_LOG_WARNING, "alerts",
                   "the events of %s are numbered anew; all that are there are told again",
                   out->camera->id);
        rw_lane_begin(&out->words, 0);
        rw_lane_begin(&out->pictures, 0);
        rw_lane_begin(&out->clips, 0);
        out->bare = out->muted = 0;
        rw_outbox_keep(outbox, out);
        if (source->waiting(source->self, out->index, 0, &out->waiting, &highest))
            return false;
    }
    if (highest > out->bare && is_backlog(outbox, out))
        rw_pictures_owe(outbox, out, highest);
    return true;
}

static int add_to_digest(void *digest, const struct rw_event *event)
{
    if (event->armed)
        rw_digest_add(digest, event);
    return 0;
}

/* True when a digest is on its way, or cannot be now. */
static bool send_digest(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    struct rw_digest digest = {0};
    if (outbox->source.events_after(outbox->source.self, out->index, out->words.told, 0,
                                    add_to_digest, &digest))
        return true;
    out->digest_due = false;
    if (digest.events <= RW_BACKLOG_MAX)
        return false;
    rw_log(RW_LOG_INFO, "alerts", "%lld events of %s have waited; they go out now, oldest first",
           (long long)digest.events, out->camera->id);
    out->digest = outbox->courier.send(
        outbox->courier.self,
        &(struct rw_item){.kind = RW_ITEM_DIGEST, .camera = out->index, .digest = &digest});
    out->digest_due = !out->digest;
    return true;
}

/* Into outbox->jpeg and ->thumbnail, and the whole one on its way. False: not now. */
static bool send_picture(struct rw_outbox *outbox, struct rw_outgoing *out,
                         const struct rw_event *event, uint64_t *ticket)
{
    const struct rw_courier *courier = &outbox->courier;
    if (outbox->source.pictures(outbox->source.self, out->index, event->id, &outbox->jpeg,
                                &outbox->thumbnail))
        return false;
    if (!courier->thin || !courier->thin(courier->self))
        return rw_outbox_send_snapshot(outbox, out, event, false, ticket);
    rw_newest_put_off(outbox, out, event);
    return true;
}

/* An event's picture goes before it, and a small one within. */
static bool send_event(struct rw_outbox *outbox, struct rw_outgoing *out,
                       const struct rw_event *event)
{
    struct rw_letter letter = {.revision = event->revision};
    rw_buf_clear(&outbox->jpeg);
    rw_buf_clear(&outbox->thumbnail);
    if (event->revision > out->bare && !send_picture(outbox, out, event, &letter.picture))
        return false;
    letter.words = outbox->courier.send(outbox->courier.self,
                                        &(struct rw_item){.kind = RW_ITEM_EVENT,
                                                          .camera = out->index,
                                                          .event = event,
                                                          .snapshot = &outbox->jpeg,
                                                          .thumbnail = &outbox->thumbnail});
    if (!letter.words)
        return false;
    rw_lane_put(&out->words, &letter);
    if (outbox->thumbnail.size)
        out->thumbnail_sent = rw_outbox_fingerprint(&outbox->thumbnail);
    if (event->revision > out->bare)
        rw_rate_note(&out->rate, out->camera, event, rw_now(outbox->clock).boot_us);
    return true;
}

static int on_its_way(const struct rw_outbox *outbox)
{
    int letters = 0;
    for (int i = 0; i < outbox->count; i++)
        letters += outbox->cameras[i].words.count;
    return letters;
}

/* A backlog shares its room with those of other cameras; news of a camera finds room always. */
static int room_for(const struct rw_outbox *outbox, const struct rw_outgoing *out)
{
    int free_here = RW_LANE_MAX - out->words.count;
    if (out->words.read >= out->bare)
        return free_here;
    int free_all = RW_LANE_MAX - on_its_way(outbox);
    if (free_all > AT_A_TIME)
        free_all = AT_A_TIME;
    return free_here < free_all ? free_here : free_all;
}

/* Returns whether anything was looked at. */
static bool feed_some(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    int room = room_for(outbox, out);
    if (room <= 0 || rw_outbox_read(outbox, out, out->words.read, room))
        return false;
    out->words.more = outbox->batch.count == room;
    for (int i = 0; i < outbox->batch.count; i++) {
        const struct rw_event *event = &outbox->batch.events[i];
        if (!event->armed || rw_rate_mutes(outbox, out, event)) {
            rw_lane_pass(&out->words, event->revision);
        } else if (!send_event(outbox, out, event)) {
            out->words.more = false; /* tried again at the next look */
            return false;
        }
    }
    return true;
}

static bool may_feed(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    if (out->digest || rw_now(outbox->clock).boot_us < out->pause_us)
        return false;
    if (out->digest_due && out->waiting > RW_BACKLOG_MAX && send_digest(outbox, out))
        return false;
    out->digest_due = false;
    return true;
}

static void feed(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    if (!may_feed(outbox, out))
        return;
    while (feed_some(outbox, out) && out->words.more)
        ;
    rw_rate_feed(outbox, out);
    rw_outbox_keep_lazily(outbox, out);
}

void rw_words_feed(struct rw_outbox *outbox, bool known_only)
{
    for (int i = 0; i < outbox->count; i++) {
        struct rw_outgoing *out = &outbox->cameras[(outbox->turn + i) % outbox->count];
        if (!known_only || out->words.more)
            feed(outbox, out);
    }
    outbox->turn = (outbox->turn + 1) % outbox->count;
}

static void event_refused(struct rw_outbox *outbox, struct rw_outgoing *out, const char *why)
{
    rw_outbox_note_refusal(outbox, out, RW_REFUSED_EVENT, why);
    rw_words_forget(out);
    out->words.more = false;
    out->pause_us = rw_now(outbox->clock).boot_us + REFUSED_PAUSE_US;
}

bool rw_words_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                    const char *refused)
{
    enum rw_lane_part part = rw_lane_confirm(&out->words, ticket);
    if (part == RW_LANE_NONE)
        return false;
    if (part == RW_LANE_PICTURE)
        out->picture_losses = 0;
    if (part == RW_LANE_PICTURE &&
        refused) /* an event without its big picture is better than none */
        rw_outbox_note_refusal(outbox, out, RW_REFUSED_SNAPSHOT, refused);
    if (part == RW_LANE_WORDS && refused) {
        event_refused(outbox, out, refused);
        return true;
    }
    int told = rw_lane_settle(&out->words);
    if (told) {
        out->waiting -= out->waiting < told ? out->waiting : told;
        outbox->delivered_us = rw_now(outbox->clock).utc_us;
        outbox->trouble[0] = 0;
    }
    rw_outbox_keep_lazily(outbox, out);
    return true;
}

bool rw_words_done(struct rw_outbox *outbox)
{
    for (int i = 0; i < outbox->count; i++) {
        const struct rw_outgoing *out = &outbox->cameras[i];
        if (out->digest || out->words.count || out->words.more)
            return false;
    }
    return true;
}
