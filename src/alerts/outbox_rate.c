#include "alerts/outbox_inside.h"
#include "base/log.h"
#include "base/units.h"

#define REFUSED_PAUSE_US (10 * RW_SECOND_US)

bool rw_rate_mutes(struct rw_outbox *outbox, struct rw_outgoing *out, const struct rw_event *event)
{
    int64_t boot_us = rw_now(outbox->clock).boot_us;
    if (event->revision <= out->bare || !(outbox->courier.carries & RW_ITEM_DIGEST))
        return false;
    if (rw_rate_allows(&out->rate, out->camera, event, boot_us))
        return false;
    if (!out->muted) {
        out->muted = event->revision - 1;
        rw_log(RW_LOG_INFO, "alerts",
               "%s has more than %d alerts in ten minutes; they go out as a digest",
               out->camera->id, out->camera->alert.rate);
    }
    out->rate_newest = event->revision;
    rw_ids_add(&out->quiet, event->id);
    return true;
}

struct counting {
    struct rw_digest digest;
    int64_t since_us; /* UTC: what began earlier was counted before */
};

static int count(void *arg, const struct rw_event *event)
{
    struct counting *counting = arg;
    if (event->armed && event->start_us >= counting->since_us)
        rw_digest_add(&counting->digest, event);
    return 0;
}

/* The first one counts all of the last ten minutes, those that went out by themselves, too; the
 * next one what came since. */
void rw_rate_feed(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    struct rw_now now = rw_now(outbox->clock);
    if (!out->muted || out->rate_digest || now.boot_us < out->rate_due_us)
        return;
    bool first = now.utc_us - out->rate_told_us >= 2 * RW_RATE_PERIOD_US;
    struct counting counting = {.since_us = first ? 0 : out->rate_told_us};
    int64_t after = first ? rw_rate_begin(&out->rate, now.boot_us, out->muted) : out->muted;
    if (outbox->source.events_after(outbox->source.self, out->index, after, 0, count, &counting))
        return;
    counting.digest.rate = true;
    if (!counting.digest.events) {
        out->muted = 0;
        return;
    }
    out->rate_digest =
        outbox->courier.send(outbox->courier.self, &(struct rw_item){.kind = RW_ITEM_DIGEST,
                                                                     .camera = out->index,
                                                                     .digest = &counting.digest});
    out->rate_upto = out->words.read;
    out->rate_sent_us = now.utc_us;
}

bool rw_rate_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                   const char *refused)
{
    if (ticket != out->rate_digest)
        return false;
    int64_t boot_us = rw_now(outbox->clock).boot_us;
    out->rate_digest = 0;
    if (refused) {
        rw_outbox_note_refusal(outbox, out, RW_REFUSED_DIGEST, refused);
        out->rate_due_us = boot_us + REFUSED_PAUSE_US;
        return true;
    }
    out->rate_told_us = out->rate_sent_us;
    out->rate_due_us = boot_us + RW_RATE_PERIOD_US;
    out->muted = out->rate_newest > out->rate_upto ? out->rate_upto : 0;
    rw_outbox_keep(outbox, out);
    return true;
}
