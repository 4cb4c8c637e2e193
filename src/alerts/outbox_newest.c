#include "alerts/outbox_inside.h"

void rw_newest_put_off(struct rw_outbox *outbox, struct rw_outgoing *out,
                       const struct rw_event *event)
{
    if (rw_outbox_fingerprint(&outbox->thumbnail) == out->thumbnail_sent)
        rw_buf_clear(&outbox->thumbnail);
    out->newest = *event;
    out->newest_due = outbox->courier.carries & RW_ITEM_SNAPSHOT;
}

/* Not kept over a restart: what is retained then is the picture of an event before. */
static void feed(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    rw_buf_clear(&outbox->jpeg);
    rw_buf_clear(&outbox->thumbnail);
    if (outbox->source.pictures(outbox->source.self, out->index, out->newest.id, &outbox->jpeg,
                                &outbox->thumbnail))
        return;
    if (rw_outbox_send_snapshot(outbox, out, &out->newest, true, &out->newest_ticket))
        out->newest_due = false;
}

void rw_newest_feed(struct rw_outbox *outbox)
{
    if (!rw_words_done(outbox))
        return;
    for (int i = 0; i < outbox->count; i++) {
        struct rw_outgoing *out = &outbox->cameras[i];
        if (out->newest_due && !out->newest_ticket)
            feed(outbox, out);
    }
}

bool rw_newest_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                     const char *refused)
{
    if (ticket != out->newest_ticket)
        return false;
    if (refused)
        rw_outbox_note_refusal(outbox, out, RW_REFUSED_SNAPSHOT, refused);
    out->newest_ticket = 0;
    return true;
}
