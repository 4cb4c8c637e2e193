#include <string.h>

#include "alerts/outbox_inside.h"
#include "base/units.h"

#define OLDEST_US (3600 * RW_SECOND_US) /* behind an event's end its film is of no use any more */

/* Where an update of an event, such as who goes and looks, comes after its film was sent. */
static bool is_due(const struct rw_outbox *outbox, const struct rw_outgoing *out,
                   const struct rw_event *event)
{
    return event->armed && event->phase == RW_PHASE_END &&
           rw_now(outbox->clock).utc_us - event->end_us < OLDEST_US &&
           !rw_ids_have(&out->filmed, event->id) && !rw_ids_have(&out->quiet, event->id);
}

/* False: not now. */
static bool send_clip(struct rw_outbox *outbox, struct rw_outgoing *out,
                      const struct rw_event *event)
{
    rw_buf_clear(&outbox->clip);
    if (outbox->source.clip(outbox->source.self, out->index, event, &outbox->clip))
        return false;
    if (!outbox->clip.size) {
        rw_ids_add(&out->filmed, event->id);
        rw_lane_pass(&out->clips, event->revision);
        return true;
    }
    struct rw_letter letter = {.revision = event->revision};
    letter.picture = outbox->courier.send(
        outbox->courier.self,
        &(struct rw_item){
            .kind = RW_ITEM_CLIP, .camera = out->index, .event = event, .clip = &outbox->clip});
    if (!letter.picture)
        return false;
    memcpy(out->filming, event->id, sizeof out->filming);
    rw_lane_put(&out->clips, &letter);
    return true;
}

/* Up to one film, or to where words are told. */
static void feed(struct rw_outbox *outbox, struct rw_outgoing *out)
{
    if (rw_outbox_read(outbox, out, out->clips.read, RW_LANE_MAX))
        return;
    int64_t seen = out->clips.read;
    for (int i = 0; i < outbox->batch.count && !out->clips.count; i++) {
        const struct rw_event *event = &outbox->batch.events[i];
        if (event->revision > out->words.told)
            break;
        if (!is_due(outbox, out, event))
            rw_lane_pass(&out->clips, event->revision);
        else if (!send_clip(outbox, out, event))
            return;
        seen = event->revision;
    }
    if (!out->clips.count && outbox->batch.count < RW_LANE_MAX && seen < out->words.told)
        rw_lane_pass(&out->clips, out->words.told); /* the rest has changed since */
}

static bool is_on_its_way(const struct rw_outbox *outbox)
{
    bool busy = false;
    for (int i = 0; i < outbox->count; i++)
        busy |= outbox->cameras[i].clips.count > 0;
    return busy;
}

/* One at a time of all cameras: news must not wait long behind it. */
void rw_clips_feed(struct rw_outbox *outbox)
{
    if (!(outbox->courier.carries & RW_ITEM_CLIP) || !rw_words_done(outbox) ||
        !rw_pictures_done(outbox))
        return;
    for (int i = 0; i < outbox->count && !is_on_its_way(outbox); i++) {
        struct rw_outgoing *out = &outbox->cameras[i];
        if (out->camera->alert.clip_us > 0 && out->clips.read < out->words.told)
            feed(outbox, out);
    }
}

bool rw_clips_acked(struct rw_outbox *outbox, struct rw_outgoing *out, uint64_t ticket,
                    const char *refused)
{
    if (rw_lane_confirm(&out->clips, ticket) == RW_LANE_NONE)
        return false;
    if (refused)
        rw_outbox_note_refusal(outbox, out, RW_REFUSED_CLIP, refused);
    rw_ids_add(&out->filmed, out->filming);
    rw_lane_settle(&out->clips);
    rw_outbox_keep_lazily(outbox, out);
    return true;
}
