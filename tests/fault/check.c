/* What must hold, whatever the weather was. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "payload.h"
#include "store/fsck.h"
#include "store/reader.h"
#include "store/ring.h"

static int note_sighting(void *arg, const struct rw_fragment *fragment)
{
    struct sightings *seen = arg;
    seen->list = rw_list_grow(seen->list, seen->count, &seen->capacity, sizeof *seen->list);
    seen->list[seen->count++] = (struct sighting){.fragment = *fragment, .serial = -1};
    return 0;
}

/* --- the bytes --- */

static int read_serial(struct world *world, enum rw_stream stream, int fd,
                       const struct rw_fragment *fragment)
{
    static uint8_t bytes[PAYLOAD_MAX];
    if (fragment->size > sizeof bytes ||
        rw_disk_read_full(world->table, fd, bytes, fragment->size, fragment->offset))
        return -1;
    return payload_serial(stream, bytes, fragment->size);
}

static void read_serials(struct world *world, enum rw_stream stream, struct sightings *seen)
{
    int fd = -1, slot = -1;
    for (int i = 0; i < seen->count; i++) {
        char path[64];
        int64_t size;
        if (seen->list[i].fragment.slot != slot) {
            slot = seen->list[i].fragment.slot;
            world->table->close(world->disk, fd);
            snprintf(path, sizeof path, DIR "/%s", rw_stream_name(stream));
            fd = rw_slot_open(world->table, path, slot, &size);
        }
        seen->list[i].serial = read_serial(world, stream, fd, &seen->list[i].fragment);
    }
    world->table->close(world->disk, fd);
}

/* What the index itself calls damaged is told to nobody as a picture. A turn that the disk refused
 * leaves such: half of the old lap is overwritten, and a rebuild finds the other half. waits: where
 * the index refuses a turn too, the slot given up is still the open one; readers walk its headers,
 * and behind them may be what the refused sync has lost. Those fragments are in memory, and not
 * promised. What was promised is missed all the same. */
static void drop_damaged(struct sightings *seen, bool waits)
{
    int kept = 0;
    for (int i = 0; i < seen->count; i++)
        if (seen->list[i].serial >= 0 || !(seen->list[i].fragment.damaged || waits))
            seen->list[kept++] = seen->list[i];
    seen->count = kept;
}

/* Is it what was given, as it was given? */
static void check_sighting(struct world *world, enum rw_stream stream,
                           const struct sighting *sighting)
{
    const struct stream_notes *notes = &world->witness.stream[stream];
    const struct rw_fragment *f = &sighting->fragment;
    if (f->damaged) /* of a slot half overwritten, which a rebuild has found; nobody takes it for
                       good */
        return;
    if (sighting->serial < 0 || sighting->serial >= notes->count) {
        if (!world->rotten)
            world_blame(world, "%s record %llu (slot %d) has bytes that nobody gave",
                        rw_stream_name(stream), (unsigned long long)f->seq, f->slot);
        return;
    }
    const struct note *note = &notes->list[sighting->serial];
    if (!world->rotten_index)
        check_time(world, stream, sighting);
    if ((f->duration_us != note->duration_us || f->size != note->size ||
         f->keyframe != note->keyframe || f->came_damaged != note->came_damaged) &&
        !world->rotten_index)
        world_blame(world, "%s record %llu tells something else than fragment %d was",
                    rw_stream_name(stream), (unsigned long long)f->seq, sighting->serial);
}

/* Each once, in order, with numbers that only grow and are never given twice. */
static void check_order(struct world *world, enum rw_stream stream, const struct sightings *seen)
{
    struct stream_notes *notes = &world->witness.stream[stream];
    uint64_t highest = notes->highest_seq;
    for (int i = 0; i < seen->count; i++) {
        const struct sighting *now = &seen->list[i], *before = now - 1;
        if (now->serial < 0)
            continue;
        struct note *note = &notes->list[now->serial];
        if (i && now->fragment.seq <= before->fragment.seq)
            world_blame(world, "%s record %llu comes after %llu", rw_stream_name(stream),
                        (unsigned long long)now->fragment.seq,
                        (unsigned long long)before->fragment.seq);
        if (i && now->serial <= before->serial && !world->rotten)
            world_blame(world, "%s fragment %d comes after %d", rw_stream_name(stream), now->serial,
                        before->serial);
        if (!note->seq && now->fragment.seq <= highest && note->fresh && !world->rotten)
            world_blame(world, "%s fragment %d has number %llu, and a reader had seen %llu",
                        rw_stream_name(stream), now->serial, (unsigned long long)now->fragment.seq,
                        (unsigned long long)highest);
        if (note->promise == PROMISED && note->seq && note->seq != now->fragment.seq)
            world_blame(world, "%s fragment %d has number %llu and had %llu",
                        rw_stream_name(stream), now->serial, (unsigned long long)now->fragment.seq,
                        (unsigned long long)note->seq);
        note->seq = now->fragment.seq;
        if (now->fragment.seq > notes->highest_seq)
            notes->highest_seq = now->fragment.seq;
    }
    for (int i = 0; i < notes->count; i++)
        notes->list[i].fresh = false;
}

/* --- what is missing --- */

/* Is what was promised there? With settle, what was loose is from now on there or lost. */
static void check_missing(struct world *world, enum rw_stream stream, const struct sightings *seen,
                          bool settle)
{
    struct stream_notes *notes = &world->witness.stream[stream];
    int64_t lost_us = 0;
    int session = -1;
    bool *there = calloc((size_t)notes->count + 1, sizeof *there);
    if (!there)
        abort();
    for (int i = 0; i < seen->count; i++)
        if (seen->list[i].serial >= 0)
            there[seen->list[i].serial] = true;
    for (int i = 0; i < notes->count; i++) {
        struct note *note = &notes->list[i];
        if (!there[i] && witness_must_hold(notes, note) && !world->rotten)
            world_blame(world, "%s fragment %d of session %d (number %llu, %d turns ago) is gone",
                        rw_stream_name(stream), i, note->session, (unsigned long long)note->seq,
                        notes->turns - note->turn);
        if (!settle || (note->promise != LOOSE && note->promise != ASKED))
            continue;
        if (note->promise == LOOSE && !there[i] && !note->aged && witness_in_reach(notes, note)) {
            lost_us = session == note->session ? lost_us + note->duration_us : note->duration_us;
            session = note->session;
            if (lost_us > world->options.sync_us && !world->rotten)
                world_blame(world, "a cut cost %.1f s of the %s stream, storage.sync is %.1f s",
                            (double)lost_us / 1e6, rw_stream_name(stream),
                            (double)world->options.sync_us / 1e6);
        }
        note->promise = there[i] ? PROMISED : LOST;
    }
    free(there);
}

/* --- the ledger --- */

static int by_start(const void *a, const void *b)
{
    const struct sighting *left = a, *right = b;
    return (left->fragment.start_us > right->fragment.start_us) -
           (left->fragment.start_us < right->fragment.start_us);
}

static int64_t recorded_until(struct sightings *seen, int64_t end_us)
{
    int64_t sum = 0, at = 0;
    if (seen->count)
        qsort(seen->list, (size_t)seen->count, sizeof *seen->list, by_start);
    for (int i = 0; i < seen->count; i++) {
        const struct rw_fragment *f = &seen->list[i].fragment;
        int64_t from = f->start_us > at ? f->start_us : at, to = f->start_us + f->duration_us;
        if (to > end_us)
            to = end_us;
        if (to <= from || f->damaged)
            continue;
        sum += to - from;
        at = to;
    }
    return sum;
}

/* A clock that went back has made it the time of a later one. */
static int64_t earliest(const struct stream_notes *notes, int64_t now_us)
{
    for (int i = 0; i < notes->count; i++)
        if (notes->list[i].start_us < now_us)
            now_us = notes->list[i].start_us;
    return now_us;
}

static void check_coverage(struct world *world, struct rw_reader *reader, enum rw_stream stream,
                           struct sightings *seen)
{
    struct rw_err err = {0};
    struct rw_coverage c;
    int64_t now = world->clock.now.utc_us;
    int64_t from = earliest(&world->witness.stream[stream], now) - SECOND;
    struct rw_asked asked = {.now_us = now, .open_cause = RW_CAUSE_CAMERA_LOST};
    if (rw_reader_coverage(reader, stream, from, now, &asked, &c, &err)) {
        if (!world->rotten)
            world_blame(world, "no coverage: %s", err.text);
        return;
    }
    for (int i = 0; i < c.gap_count; i++)
        world_tell(world, "  %s missing by %s: from %.3f s to %.3f s", rw_stream_name(stream),
                   rw_cause_name(c.gaps[i].cause), world_seconds(c.gaps[i].from_us),
                   world_seconds(c.gaps[i].to_us));
    for (int i = 0; i < c.deletion_count; i++)
        world_tell(world, "  %s deleted by %s: from %.3f s to %.3f s", rw_stream_name(stream),
                   rw_cause_name(c.deletions[i].cause), world_seconds(c.deletions[i].from_us),
                   world_seconds(c.deletions[i].to_us));
    if (c.recorded_us + c.gap_us + c.deleted_us != c.to_us - c.from_us)
        world_blame(world, "the %s ledger does not add up", rw_stream_name(stream));
    check_spans(world, &c);
    for (int i = 0; i < c.gap_count; i++)
        if (c.gaps[i].cause == RW_CAUSE_UNKNOWN && !world->rotten && !check_time_pends(world))
            world_blame(world, "%.3f s of the %s stream are missing and no gap says why",
                        (double)(c.gaps[i].to_us - c.gaps[i].from_us) / 1e6,
                        rw_stream_name(stream));
    if (!world->rotten)
        check_aged_named(world, stream, &c, seen);
    int64_t recorded = recorded_until(seen, c.to_us);
    if (recorded != c.recorded_us && !world->rotten)
        world_blame(world, "the %s ledger says %.3f s recorded, the fragments %.3f s",
                    rw_stream_name(stream), (double)c.recorded_us / 1e6, (double)recorded / 1e6);
    rw_coverage_finish(&c);
}

/* --- events and words --- */

static bool same_pictures(struct rw_reader *reader, const struct version *as)
{
    static uint8_t jpeg[PICTURE_MAX];
    struct rw_buf whole = {0}, small = {0};
    size_t size = (size_t)as->picture_size;
    payload_make_picture(as->picture, jpeg, size);
    bool same = !rw_reader_pictures(reader, as->event.id, &whole, &small, NULL) &&
                whole.size == size && small.size == size / 4 &&
                (!size || !memcmp(whole.data, jpeg, size)) &&
                (!small.size || !memcmp(small.data, jpeg, small.size));
    rw_buf_finish(&whole);
    rw_buf_finish(&small);
    return same;
}

/* A version that was asked for and never acknowledged may be the one that is kept. */
static bool may_have_aged(const struct world *world, const struct event_note *note)
{
    for (int i = note->kept; i < note->count; i++) {
        int64_t end = note->list[i].event.end_us;
        if (end && (end < world->witness.aged_us || world->stepped ||
                    note->list[i].event.start_us < world->witness.age_cut_us))
            return true;
    }
    return false;
}

static void check_event(struct world *world, struct rw_reader *reader, struct event_note *note)
{
    struct rw_err err = {0};
    struct rw_event found;
    const struct version *kept = note->kept >= 0 ? &note->list[note->kept] : NULL;
    const char *id = note->list[0].event.id;
    int got = rw_reader_event(reader, id, &found, &err);
    if (got < 0)
        world_blame(world, "event %s cannot be read: %s", id, err.text);
    if (got == 0 && kept && !may_have_aged(world, note))
        world_blame(world, "event %s of revision %lld is gone", id,
                    (long long)kept->event.revision);
    if (got <= 0)
        return;
    int at = world_version(&found);
    if (at < note->kept || at >= note->count) {
        world_blame(world, "event %s is version %d, kept was %d of %d", id, at, note->kept,
                    note->count);
        return;
    }
    const struct version *as = &note->list[at];
    int64_t end_us = found.end_us ? found.end_us - found.clock_shift_us : 0; /* as it was told */
    if (end_us != as->event.end_us || found.phase != as->event.phase ||
        (at == note->kept && found.revision != as->event.revision))
        world_blame(world, "event %s was kept as revision %lld and is %lld", id,
                    (long long)as->event.revision, (long long)found.revision);
    if (!same_pictures(reader, as))
        world_blame(world, "event %s has other pictures than it was kept with", id);
}

struct revisions {
    struct world *world;
    int64_t last;
};

static int check_revision(void *arg, const struct rw_event *event)
{
    struct revisions *r = arg;
    if (event->revision <= r->last)
        world_blame(r->world, "revision %lld comes after %lld", (long long)event->revision,
                    (long long)r->last);
    r->last = event->revision;
    return 0;
}

static void check_events(struct world *world, struct rw_reader *reader)
{
    struct rw_err err = {0};
    struct revisions revisions = {world, 0};
    for (int i = 0; i < world->witness.event_count; i++)
        check_event(world, reader, &world->witness.events[i]);
    if (rw_reader_events_after(reader, 0, 0, check_revision, &revisions, &err))
        world_blame(world, "the events cannot be read: %s", err.text);
}

/* What was loose is settled: what a reader has seen is kept from now on. */
static int settle_event(void *arg, const struct rw_event *event)
{
    struct world *world = arg;
    int index = atoi(event->id);
    if (index >= world->witness.event_count)
        return 0;
    struct event_note *note = &world->witness.events[index];
    if (world_version(event) > note->kept && world_version(event) < note->count) {
        note->kept = world_version(event);
        note->list[note->kept].event.revision = event->revision;
    }
    if (event->revision > world->witness.revision)
        world->witness.revision = event->revision;
    return 0;
}

static void check_word(struct world *world)
{
    struct witness *w = &world->witness;
    int64_t word = rw_store_get_word(world->store, "disarmed");
    if (word < w->word || word > w->word_asked)
        world_blame(world, "a word is %lld, kept was %lld", (long long)word, (long long)w->word);
    w->word = word;
}

/* --- all of it --- */

static void tell_slots(struct world *world, enum rw_stream stream, const struct sightings *seen)
{
    for (int i = 0, end; i < seen->count; i = end) {
        const struct sighting *first = &seen->list[i], *last = first;
        int slot = first->fragment.slot;
        for (end = i; end < seen->count && seen->list[end].fragment.slot == slot; end++)
            last = &seen->list[end];
        world_tell(world, "  %s slot %d%s: fragments %d to %d, from %.1f s to %.1f s",
                   rw_stream_name(stream), slot,
                   check_stands_in_held(world, stream, slot) ? " (held)" : "", first->serial,
                   last->serial, world_seconds(first->fragment.start_us),
                   world_seconds(last->fragment.start_us + last->fragment.duration_us));
    }
}

static void check_stream(struct world *world, struct rw_reader *reader, enum rw_stream stream,
                         bool strict)
{
    struct rw_err err = {0};
    struct sightings seen = {0};
    if (rw_reader_fragments(reader, stream, 0, INT64_MAX / 2, note_sighting, &seen, &err))
        if (!world->rotten)
            world_blame(world, "the %s fragments cannot be read: %s", rw_stream_name(stream),
                        err.text);
    read_serials(world, stream, &seen);
    bool waits = world->store && rw_store_waits(world->store, stream);
    drop_damaged(&seen, waits);
    tell_slots(world, stream, &seen);
    for (int i = 0; i < seen.count; i++)
        check_sighting(world, stream, &seen.list[i]);
    if (world_well(world) && !world->rotten_index)
        check_order(world, stream, &seen);
    if (world_well(world))
        check_missing(world, stream, &seen, strict);
    if (world_well(world) && !world->rotten_index)
        check_corrected(world, stream, &seen);
    if (world_well(world) && !world->rotten_index)
        check_held_slots(world, stream, &seen);
    if (world_well(world) && !waits)
        check_coverage(world, reader, stream, &seen);
    free(seen.list);
}

void world_check(struct world *world, bool strict)
{
    struct rw_err err = {0};
    if (world->rotten && !strict)
        return; /* a rotten index is mended when it is opened */
    if (world->faulty || sim_disk_dead(world->disk) || !world_well(world))
        return;
    struct rw_reader *reader = rw_reader_open_on(world->table, DIR, &err);
    if (!reader) {
        if (!world->rotten)
            world_blame(world, "nothing can be read: %s", err.text);
        return;
    }
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (world->options.slots[stream])
            check_stream(world, reader, (enum rw_stream)stream, strict);
    if (!world->rotten) {
        check_events(world, reader);
        if (strict)
            rw_reader_events_after(reader, 0, 0, settle_event, world, NULL);
        if (world->store)
            check_word(world);
    }
    rw_reader_close(reader);
    world_check_aged(world);
    world_tell(world, "looked at");
}

/* --- fsck --- */

static void say(void *arg, const char *sentence)
{
    struct world *world = arg;
    world_tell(world, "fsck: %s", sentence);
    if (!world->rotten && !world->rebuilding)
        world_blame(world, "fsck: %s", sentence);
}

void world_fsck(struct world *world, bool rebuild)
{
    struct rw_err err = {0};
    struct rw_fsck_report report;
    if (!world_well(world) || (world->store && check_time_pends(world)))
        return;
    world->rebuilding = rebuild;
    world->rebuilt |= rebuild;
    if (rw_fsck(DIR, world->table, rebuild, say, world, &report, &err) && !world->rotten &&
        !sim_disk_dead(world->disk))
        world_blame(world, "fsck%s fails: %s", rebuild ? " --rebuild" : "", err.text);
    world->rebuilding = false;
    /* what a rebuild says is no problem; what is one, the look after it finds. Footage that it
     * finds again is moved by the next start where a hold asks for it. */
    if (rebuild && !check_any_in_force(world) && !sim_disk_dead(world->disk))
        world_fsck(world, false);
}

struct picture { /* of all that a reader can tell */
    struct sightings stream[RW_STREAMS];
    struct rw_event *events; /* owned */
    int event_count;
};

static int note_event(void *arg, const struct rw_event *event)
{
    struct picture *picture = arg;
    picture->events =
        realloc(picture->events, (size_t)(picture->event_count + 1) * sizeof *picture->events);
    if (!picture->events)
        abort();
    picture->events[picture->event_count++] = *event;
    return 0;
}

static void picture_take(struct world *world, struct picture *picture)
{
    struct rw_err err = {0};
    *picture = (struct picture){.event_count = 0};
    struct rw_reader *reader = rw_reader_open_on(world->table, DIR, &err);
    bool failed = !reader;
    for (int stream = 0; stream < RW_STREAMS && !failed; stream++)
        failed = rw_reader_fragments(reader, (enum rw_stream)stream, 0, INT64_MAX / 2,
                                     note_sighting, &picture->stream[stream], &err);
    if (failed || rw_reader_events_after(reader, 0, 0, note_event, picture, &err))
        world_blame(world, "nothing can be read: %s", err.text);
    rw_reader_close(reader);
}

static void picture_finish(struct picture *picture)
{
    for (int stream = 0; stream < RW_STREAMS; stream++)
        free(picture->stream[stream].list);
    free(picture->events);
}

static bool same_fragment(const struct rw_fragment *a, struct rw_fragment *b)
{
    /* a rebuild that finds more before it says that what is between was lost by the disk */
    if (b->gap_count && b->gap_count != a->gap_count && b->gaps[0].cause == RW_CAUSE_DISK &&
        b->gaps[0].length_us == RW_GAP_OPEN)
        memmove(b->gaps, b->gaps + 1, (size_t)--b->gap_count * sizeof *b->gaps);
    bool same = a->seq == b->seq && a->slot == b->slot && a->offset == b->offset &&
                a->size == b->size && a->start_us == b->start_us &&
                a->duration_us == b->duration_us && a->keyframe == b->keyframe &&
                a->came_damaged == b->came_damaged && a->gap_count == b->gap_count;
    for (int i = 0; same && i < a->gap_count; i++)
        same = a->gaps[i].cause == b->gaps[i].cause && a->gaps[i].length_us == b->gaps[i].length_us;
    return same;
}

/* The oldest that is not held. */
static uint64_t first_of_ring(struct world *world, enum rw_stream stream,
                              const struct sightings *seen)
{
    for (int i = 0; i < seen->count; i++)
        if (!check_stands_in_held(world, stream, seen->list[i].fragment.slot))
            return seen->list[i].fragment.seq;
    return UINT64_MAX;
}

/* A turn that did not come to its end has taken slots out of the index which nobody then
 * overwrites: a rebuild finds their footage again, in front of the rest of the ring's. What comes
 * behind it may have another gap before it now. */
static void compare_stream(struct world *world, enum rw_stream stream, const struct sightings *old,
                           struct sightings *new)
{
    uint64_t first = first_of_ring(world, stream, old);
    int k = 0;
    for (int i = 0; i < old->count; i++) {
        const struct rw_fragment *a = &old->list[i].fragment;
        bool more = false;
        for (; k < new->count &&new->list[k].fragment.seq < a->seq; k++)
            if (new->list[k].fragment.seq < first)
                more = true;
            else
                break;
        struct rw_fragment *b = k < new->count ? &new->list[k++].fragment : NULL;
        if (!b || (more ? b->seq != a->seq : !same_fragment(a, b))) {
            world_blame(world,
                        "the index made anew has %s record %llu (slot %d), the old one %llu (slot "
                        "%d)",
                        rw_stream_name(stream), (unsigned long long)(b ? b->seq : 0),
                        b ? b->slot : -1, (unsigned long long)a->seq, a->slot);
            return;
        }
    }
    if (k != new->count && old->count)
        world_blame(world, "the index made anew has %d %s fragments, the old one %d", new->count,
                    rw_stream_name(stream), old->count);
}

static void compare_events(struct world *world, const struct picture *old,
                           const struct picture *new)
{
    for (int i = 0; i < old->event_count; i++) {
        const struct rw_event *a = &old->events[i], *b = NULL;
        if (a->end_us &&
            (a->end_us < world->witness.aged_us || a->start_us < world->witness.age_cut_us))
            continue; /* its record went with its footage; the row may stay a little longer */
        for (int k = 0; k < new->event_count && !b; k++)
            if (!strcmp(new->events[k].id, a->id))
                b = &new->events[k];
        if (!b || b->revision != a->revision || world_version(b) != world_version(a))
            world_blame(world, "the index made anew has lost event %s revision %lld", a->id,
                        (long long)a->revision);
    }
}

static void check_rebuild(struct world *world)
{
    struct picture old, new;
    picture_take(world, &old);
    world_fsck(world, true);
    world_events_are_back(world);
    picture_take(world, &new);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        compare_stream(world, (enum rw_stream)stream, &old.stream[stream], &new.stream[stream]);
    compare_events(world, &old, &new);
    picture_finish(&old);
    picture_finish(&new);
}

void world_check_files(struct world *world)
{
    world_check_geometry(world);
    world_fsck(world, false);
    if (world_well(world) && !world->rotten)
        check_rebuild(world);
}
