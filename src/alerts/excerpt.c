#include "alerts/excerpt.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "media/clip.h"
#include "media/source.h"

#define AROUND_US RW_SECOND_US          /* of it before and after, where there is time */
#define KEYFRAME_US (10 * RW_SECOND_US) /* so far back one is looked for */
#define PATIENCE_US (15 * RW_SECOND_US) /* behind an event's end its footage is waited for */

/* What one excerpt is made of. */
struct cut {
    struct rw_reader *reader;
    const struct rw_event *event;
    const struct rw_excerpt *wanted;
    int64_t from_us, to_us;
    struct rw_fragment *fragments; /* from KEYFRAME_US before from_us on */
    int count, room;
    struct rw_clip *clip;
    struct rw_film_bytes film;
    struct rw_codec *codec; /* of the last fragment; owned */
    uint8_t init_hash[RW_HASH_SIZE];
};

static void set_span(struct cut *cut)
{
    const struct rw_event *event = cut->event;
    int64_t length = cut->wanted->length_us;
    cut->from_us = event->start_us - AROUND_US;
    cut->to_us = event->end_us + AROUND_US;
    if (cut->to_us - cut->from_us <= length)
        return;
    int64_t before_peak = event->peak_us - length / 2;
    if (before_peak > cut->to_us - length)
        before_peak = cut->to_us - length;
    if (event->peak_us && before_peak > cut->from_us)
        cut->from_us = before_peak;
    cut->to_us = cut->from_us + length;
}

static int collect(void *arg, const struct rw_fragment *fragment)
{
    struct cut *cut = arg;
    cut->fragments = rw_list_grow(cut->fragments, cut->count, &cut->room, sizeof *cut->fragments);
    cut->fragments[cut->count++] = *fragment;
    return 0;
}

/* The last keyframe's fragment that begins no later than this; 0: there is none. */
static int key_before(const struct cut *cut, int64_t at_us)
{
    int found = 0;
    for (int i = 0; i < cut->count; i++)
        if (cut->fragments[i].keyframe && (cut->fragments[i].start_us <= at_us || !found))
            found = i;
    return found;
}

/* Where the best picture would no longer fit in, the excerpt begins nearer to it. */
static int first_fragment(const struct cut *cut)
{
    int first = key_before(cut, cut->from_us), peak = key_before(cut, cut->event->peak_us);
    size_t bytes = 0;
    for (int i = peak; i > first; i--) {
        bytes += cut->fragments[i].size;
        if (bytes > cut->wanted->max_bytes)
            return peak;
    }
    return first;
}

/* False: the excerpt ends here. */
static bool add_pictures(struct cut *cut, struct rw_source *source)
{
    struct rw_err err;
    struct rw_packet *packet;
    bool goes_on = true;
    while (goes_on && (packet = rw_source_read(source, &err))) {
        if (cut->codec != packet->codec) {
            rw_codec_unref(cut->codec);
            cut->codec = rw_codec_ref(packet->codec);
            memcpy(cut->init_hash, cut->film.init_hash, sizeof cut->init_hash);
        }
        goes_on = packet->utc_us < cut->to_us && rw_clip_add(cut->clip, packet);
        rw_packet_unref(packet);
    }
    return goes_on;
}

/* False: the excerpt ends here. */
static bool add_fragment(struct cut *cut, const struct rw_fragment *fragment)
{
    struct rw_err err;
    if (fragment->damaged ||
        rw_reader_load(cut->reader, cut->wanted->stream, fragment, &cut->film, &err) != 1)
        return false;
    bool same = cut->codec && !memcmp(cut->init_hash, cut->film.init_hash, RW_HASH_SIZE);
    struct rw_source *source =
        rw_source_open_bytes(cut->film.bytes.data, cut->film.bytes.size, fragment->start_us,
                             same ? cut->codec : NULL, &err);
    if (!source)
        return false;
    bool goes_on = add_pictures(cut, source);
    rw_source_close(source);
    return goes_on;
}

static bool is_recorded(const struct cut *cut)
{
    int64_t end_us = 0;
    for (int i = 0; i < cut->count; i++)
        end_us = cut->fragments[i].start_us + cut->fragments[i].duration_us;
    return end_us >= cut->to_us;
}

static enum rw_excerpt_found make(struct cut *cut, struct rw_buf *out, struct rw_err *err)
{
    if (rw_reader_fragments(cut->reader, cut->wanted->stream, cut->from_us - KEYFRAME_US,
                            cut->to_us, collect, cut, err))
        return RW_EXCERPT_FAILED;
    if (!is_recorded(cut) && cut->wanted->now_us < cut->event->end_us + PATIENCE_US)
        return RW_EXCERPT_LATER;
    for (int i = cut->count ? first_fragment(cut) : 0; i < cut->count; i++)
        if (!add_fragment(cut, &cut->fragments[i]))
            break;
    if (rw_clip_write(cut->clip, out, err))
        rw_log(RW_LOG_WARNING, "alerts", "there is no film of the event %s: %s", cut->event->id,
               err->text);
    return RW_EXCERPT_MADE;
}

enum rw_excerpt_found rw_excerpt_make(struct rw_reader *reader, const struct rw_event *event,
                                      const struct rw_excerpt *wanted, struct rw_buf *out,
                                      struct rw_err *err)
{
    struct cut cut = {.reader = reader, .event = event, .wanted = wanted};
    set_span(&cut);
    cut.clip = rw_clip_create(wanted->max_bytes);
    enum rw_excerpt_found found = make(&cut, out, err);
    rw_clip_destroy(cut.clip);
    rw_codec_unref(cut.codec);
    rw_buf_finish(&cut.film.bytes);
    free(cut.fragments);
    return found;
}
