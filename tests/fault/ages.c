/* max_age: what was told as deleted can be carved from no byte of the disk, and coverage says by
 * which rule it went. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "payload.h"

enum { TICKS = 6 }; /* in which the store deletes all that is due here */

/* The store deletes in runs of a hundredth, rather too early. */
void world_note_age(struct world *world)
{
    int64_t age = world->options.max_age_us;
    if (age)
        witness_age(&world->witness, world->clock_off_us ? 0 : world->clock.boot,
                    world->clock.now.utc_us - age + age / 100);
}

/* --- what is still there --- */

struct carving {
    struct world *world;
    bool all_gone; /* nothing young enough was ever recorded beside it */
};

static bool is_of_a_hold(const struct world *world, const struct rw_event *event)
{
    for (int i = 0; i < world->witness.hold_count; i++) {
        const struct hold_note *note = &world->witness.holds[i];
        if (note->promise != HOLD_ENDED && event->start_us < note->hold.to_us &&
            event->end_us >= note->hold.from_us)
            return true;
    }
    return false;
}

static void blame_picture(struct carving *carving, const char *path, int picture)
{
    const struct witness *w = &carving->world->witness;
    int index = picture % 1000;
    bool in_slot = strstr(path, ".mp4"); /* there it is as old as the footage beside it */
    if (index < w->event_count && w->events[index].gone && (!in_slot || carving->all_gone))
        world_blame(carving->world, "picture %d of event %d was deleted and can be read in \"%s\"",
                    picture, index, path);
}

static struct note *note_of(struct world *world, enum payload_kind kind, int number)
{
    if (kind == PAYLOAD_PICTURE || number >= world->witness.stream[kind].count)
        return NULL;
    return &world->witness.stream[kind].list[number];
}

/* A slot that a hold asks for does not age, whatever else is in it, be it still the open one. */
static bool is_held(struct world *world, const char *path, const uint8_t *bytes, size_t size)
{
    enum payload_kind kind;
    int number;
    if (strstr(path, "/held/"))
        return true;
    for (size_t at = 0; (at = payload_carve(bytes, size, at, &kind, &number));) {
        const struct note *note = note_of(world, kind, number);
        if (note && check_is_asked_for(world, note->start_us, note->start_us + note->duration_us))
            return true;
    }
    return false;
}

static void carve(void *arg, const char *path, const uint8_t *bytes, size_t size)
{
    struct carving *carving = arg;
    struct world *world = carving->world;
    enum payload_kind kind;
    int number;
    bool held = is_held(world, path, bytes, size);
    for (size_t at = 0; (at = payload_carve(bytes, size, at, &kind, &number));) {
        struct note *note = note_of(world, kind, number);
        if (kind == PAYLOAD_PICTURE && !held)
            blame_picture(carving, path, number);
        else if (note && held)
            note->gone = false;
        else if (note && note->gone)
            world_blame(world, "%s fragment %d was deleted and can be read in \"%s\" at %zu",
                        rw_stream_name((enum rw_stream)kind), number, path, at);
    }
}

/* For some seconds, too: a record of an event is as old as the newest footage before it. */
static bool all_gone(const struct world *world)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        const struct stream_notes *notes = &world->witness.stream[stream];
        const struct note *last = notes->count ? &notes->list[notes->count - 1] : NULL;
        if (last &&
            (!last->gone || last->start_us + last->duration_us + 3 * SECOND > world->age_done_us))
            return false;
    }
    return true;
}

void world_check_aged(struct world *world)
{
    struct carving carving = {world, all_gone(world)};
    if (world->options.max_age_us && !world->rotten)
        sim_disk_carve(world->disk, carve, &carving);
}

/* --- its rule --- */

/* by_age: the ring cannot have overwritten it. */
static bool is_deleted(const struct rw_coverage *coverage, int64_t at_us, bool by_age)
{
    for (int i = 0; i < coverage->deletion_count; i++)
        if (at_us >= coverage->deletions[i].from_us && at_us < coverage->deletions[i].to_us)
            return !by_age || coverage->deletions[i].cause == RW_CAUSE_AGED;
    return false;
}

void check_aged_named(struct world *world, enum rw_stream stream,
                      const struct rw_coverage *coverage, const struct sightings *seen)
{
    const struct stream_notes *notes = &world->witness.stream[stream];
    /* The slots do not tell by which rule something left them; and a time that came again, or
     * before the ring was born, is told only once. */
    if (world->rebuilt || world->stepped || !world->battery)
        return;
    for (int i = 0, k = 0; i < notes->count; i++) {
        const struct note *note = &notes->list[i];
        while (k < seen->count && seen->list[k].serial < i)
            k++;
        bool there = k < seen->count && seen->list[k].serial == i;
        int64_t middle = note->start_us + note->duration_us / 2;
        if (there || note->promise != PROMISED || note->unverified || !note->aged ||
            middle >= coverage->to_us || middle < coverage->from_us)
            continue;
        bool by_age = witness_in_reach(notes, note) && !world->witness.hold_count;
        if (!is_deleted(coverage, middle, by_age))
            world_blame(world, "%s fragment %d went by its age and no rule says so",
                        rw_stream_name(stream), i);
    }
}

/* --- the deed --- */

/* All that is older than limit_us is told as deleted, but what is held. An event in its last
 * version, which must be acknowledged. */
static void note_gone(struct world *world, int64_t limit_us)
{
    struct witness *w = &world->witness;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        for (int i = 0; i < w->stream[stream].count; i++) {
            struct note *note = &w->stream[stream].list[i];
            if (note->unverified && note->start_us != note->true_us)
                continue; /* it waits for the first good picture to be dated */
            if (world->rebuilt && note->promise != PROMISED)
                continue; /* a slot that a cut has torn was known to the index only */
            if (note->aged && note->start_us + note->duration_us <= limit_us)
                note->gone = true;
        }
    for (int i = 0; i < w->event_count; i++) {
        struct event_note *note = &w->events[i];
        const struct rw_event *event = &note->list[note->count - 1].event;
        if (note->kept == note->count - 1 && event->end_us && event->end_us < limit_us &&
            event->start_us < limit_us && !is_of_a_hold(world, event))
            note->gone = true;
    }
}

void world_events_are_back(struct world *world)
{
    for (int i = 0; i < world->witness.event_count; i++)
        world->witness.events[i].gone = false;
}

void world_let_age(struct world *world)
{
    int64_t age = world->options.max_age_us;
    if (!world->store || !age)
        return;
    int64_t us = age * sim_random_between(&world->random, 1, 8) / 6;
    world_lose_camera(world, us);
    int64_t begun = world->clock.now.utc_us;
    for (int i = 0; i < TICKS && !sim_disk_dead(world->disk) && world_well(world); i++) {
        world_pass(world, SECOND);
        world_tick(world);
    }
    if (sim_disk_dead(world->disk) || !world_well(world))
        return;
    note_gone(world, begun - age);
    world->age_done_us = begun - age;
    world_tell(world, "what is older than %.1f s is deleted", world_seconds(begun - age));
    world_check_aged(world);
}
