#include "alerts/outbox_inside.h"

enum { ON_THEIR_WAY_MAX = 4 }; /* of all cameras: news must not wait long behind them */

void rw_pictures_owe(struct rw_outbox *outbox, struct rw_outgoing *out, int64_t highest)
{
    if (out->pictures.told >= out->bare) /* nothing is owed from before */
        rw_lane_begin(&out->pictures, out->words.told);
    out->bare = highest;
    out->pictures.more = true;
    rw_outbox_keep(outbox, out);
}

static int on_their_way(const struct rw_outbox *outbox)
{
    int letters = 0;
    for (int i = 0; i < outbox->count; i++)
        letters += outbox->cameras[i].pictures.count;
    return letters;
}

/* last: no other event is owed its picture, so this one's is the newest. False: no room now. */
static bool send_pictures(struct rw_outbox *outbox, struct rw_outgoing *out,
                          const struct rw_event *event, bool last)
{
    struct rw_letter letter = {.revision = event->revision};
    rw_buf_clear(&outbox->jpeg);
    rw_buf_clear(&outbox->thumbnail);
    if (outbox->source.pictures(outbox->source.self, out->index, event->id, &outbox->jpeg,
                                &outbox->thumbnail))
        return false;
    if (outbox->thumbnail.size) {
        letter.words = outbox->courier.send(outbox->courier.self,
                                            &(struct rw_item){.kind = RW_ITEM_THUMBNAIL,
                                                              .camera = out->index,
                                                              .event = event,
                                                              .thumbnail = &outbox->thumbnail});
        if (!letter.words)
            return false;
    }
    /* news of this camera may have brought a newer one */
    if (last && out->words.told <= out->bare)
        rw_outbox_send_snapshot(outbox, out, event, true, &letter.picture);
    if (letter.words || letter.picture)
        rw_lane_put(&out->pictures, &letter);
    else
        rw_lane_pass(&out->pictures, event->revision);
    return true;
}

/* How many of the batch are owed. */
static int owed(const struct rw_batch *batch, int64_t bare)
{
    int count = 0;
    while (count < batch->count && batch->events[count].revision <= bare)
        count++;
    return count;
}

static void feed(struct rw_outbox *outbox, struct rw_outgoing *out, int room)
{
    /* one more than there is room for tells whether it is the last */
    if (rw_outbox_read(outbox, out, out->pictures.read, room + 1))
        return;
    int count = owed(&outbox->batch, out->bare);
    bool more = count > room;
    for (int i = 0; i < count && i < room; i++) {
        const struct rw_event *event = &outbox->batch.events[i];
        if (!event->armed)
            rw_lane_pass(&out->pictures, event->revision);
        else if (!send_pictures(outbox, out, event, !more && i == count - 1))
            return;
    }
    if (!more) {
        rw_lane_pass(&out->pictures, out->bare);
        out->pictures.more = false;
    }
    rw_outbox_keep_lazily(outbox, out);
}

void rw_pictures_feed(struct rw_outbox *outbox)
{
    if (!(outbox->courier.carries & RW_ITEM_THUMBNAIL) || !rw_words_done(outbox))
        return;
    for (int i = 0; i < outbox->count; i++) {
        struct rw_outgoing *out = &outbox->cameras[i];
        int room = ON_THEIR_WAY_MAX - on_their_way(outbox);
        if (room > 0 && out->pictures.more && out->pictures.read < out->bare)
            feed(outbox, out, room);
    }
}

bool rw_pictures_done(const struct rw_outbox *outbox)
{
    for (int i = 0; i < outbox->count; i++) {
        const struct rw_outgoing *out = &outbox->cameras[i];
        if (out->pictures.count || out->pictures.read < out->bare)
            return !(outbox->courier.carries & RW_ITEM_THUMBNAIL);
    }
    return true;
}

/* An event was told by its words: a picture that is refused is not waited for. */
bool rw_pictures_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                       const char *refused)
{
    enum rw_lane_part part = rw_lane_confirm(&out->pictures, ticket);
    if (part == RW_LANE_NONE)
        return false;
    if (part == RW_LANE_PICTURE)
        out->picture_losses = 0;
    if (refused)
        rw_outbox_note_refusal(
            outbox, out, part == RW_LANE_PICTURE ? RW_REFUSED_SNAPSHOT : RW_REFUSED_SMALL, refused);
    rw_lane_settle(&out->pictures);
    rw_outbox_keep_lazily(outbox, out);
    return true;
}
