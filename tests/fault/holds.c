/* Holds: what is acknowledged is there after any cut, with who, why and when; what is not is whole
 * or not there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* The record of an event comes a little after its footage: the store holds so much more. */
#define AFTER_US (5 * SECOND)

/* --- deeds --- */

/* Seconds of a stream that are surely there: by them the store reckons what a hold to come costs.
 */
static bool knows_its_rate(const struct world *world, enum rw_stream stream)
{
    const struct stream_notes *notes = &world->witness.stream[stream];
    int64_t sum = 0;
    if (!world->options.slots[stream])
        return true;
    for (int i = 0; i < notes->count; i++)
        if (witness_must_hold(notes, &notes->list[i]))
            sum += notes->list[i].duration_us;
    return sum > 11 * SECOND;
}

static const struct note *choose_note(struct world *world)
{
    const struct stream_notes *notes = &world->witness.stream[RW_MAIN];
    for (int tries = 0; tries < 8 && notes->count; tries++) {
        const struct note *note = &notes->list[sim_random_below(&world->random, notes->count)];
        if (witness_must_hold(notes, note) && !note->unverified)
            return note;
    }
    return NULL;
}

/* In the past, running now, or to come. */
static bool choose_span(struct world *world, struct rw_hold *hold)
{
    struct sim_random *random = &world->random;
    int64_t now = world->clock.now.utc_us, length = sim_random_between(random, 1, 12) * SECOND / 2;
    int when = (int)sim_random_below(random, 4);
    if (when >= 2) {
        const struct note *note = choose_note(world);
        if (!note)
            return false;
        hold->from_us = note->start_us - sim_random_below(random, SECOND);
        hold->to_us = note->start_us + length;
        if (hold->to_us >= now)
            hold->to_us = note->start_us + 1;
        return true;
    }
    if (!knows_its_rate(world, RW_MAIN) || !knows_its_rate(world, RW_SUB))
        return false;
    hold->from_us = now + (when ? 1 : -1) * sim_random_below(random, 8 * SECOND);
    hold->to_us = (when ? hold->from_us : now) + length;
    return true;
}

static void hold(struct world *world, struct rw_hold *span)
{
    struct rw_err err = {0};
    struct rw_hold_cost cost;
    struct witness *w = &world->witness;
    struct hold_note note = {.promise = HOLD_ASKED, .hold = *span};
    snprintf(note.hold.by, sizeof note.hold.by, "Hà %d", w->hold_count);
    snprintf(note.hold.reason, sizeof note.hold.reason, "vụ %d: va chạm ở cổng", w->hold_count);
    int failed = rw_store_hold(world->store, &note.hold, &cost, &err);
    w->holds[w->hold_count++] = note;
    world_tell(world, "hold %d of %.1f s from %.1f s ago costs %d slots", w->hold_count - 1,
               (double)(note.hold.to_us - note.hold.from_us) / 1e6,
               (double)(world->clock.now.utc_us - note.hold.from_us) / 1e6, cost.slots);
    if (failed)
        world_refuse(world, "a hold", &err);
    else
        witness_keep_hold(w, w->hold_count - 1);
}

void world_hold(struct world *world)
{
    struct rw_hold span = {.from_us = 0};
    if (world->clock_off_us) /* nobody asks for a time of 1970 */
        return;
    if (world->store && world->witness.hold_count < HOLDS_MAX && choose_span(world, &span))
        hold(world, &span);
}

void world_hold_span(struct world *world, int64_t from_us, int64_t to_us)
{
    int64_t now = world->clock.now.utc_us;
    struct rw_hold span = {.from_us = now + from_us, .to_us = now + to_us};
    if (world->store)
        hold(world, &span);
}

static void release(struct world *world, int index)
{
    struct rw_err err = {0};
    struct hold_note *note = &world->witness.holds[index];
    note->promise = HOLD_ENDING;
    snprintf(note->hold.released_by, sizeof note->hold.released_by, "Lan %d", index);
    if (rw_store_release(world->store, note->hold.id, note->hold.released_by, &err)) {
        world_refuse(world, "a release", &err);
        return;
    }
    world_tell(world, "hold %d is released", index);
    witness_end_hold(&world->witness, index);
}

void world_release(struct world *world)
{
    struct witness *w = &world->witness;
    int first = (int)sim_random_below(&world->random, w->hold_count);
    for (int i = 0; i < w->hold_count && world->store; i++) {
        int index = (first + i) % w->hold_count;
        if (w->holds[index].promise == HOLD_KEPT) {
            release(world, index);
            return;
        }
    }
}

void world_release_all(struct world *world)
{
    for (int i = 0; i < world->witness.hold_count && world->store; i++)
        if (world->witness.holds[i].promise == HOLD_KEPT)
            release(world, i);
}

/* --- their files --- */

struct files {
    struct world *world;
    bool seen[HOLDS_MAX];
};

/* by tells which one it is. */
static int index_of(const struct world *world, const struct rw_hold *hold)
{
    for (int i = 0; i < world->witness.hold_count; i++)
        if (!strcmp(world->witness.holds[i].hold.by, hold->by))
            return i;
    return -1;
}

static bool same_hold(const struct rw_hold *a, const struct rw_hold *b)
{
    return !strcmp(a->id, b->id) && a->from_us == b->from_us && a->to_us == b->to_us &&
           a->created_us == b->created_us && !strcmp(a->reason, b->reason) &&
           !memcmp(a->slots, b->slots, sizeof a->slots);
}

static int check_file(void *arg, const struct rw_hold *hold)
{
    struct files *files = arg;
    struct world *world = files->world;
    int index = index_of(world, hold);
    if (index < 0 || files->seen[index]) {
        world_blame(world, "hold %s of \"%s\" was never asked for", hold->id, hold->by);
        return 1;
    }
    files->seen[index] = true;
    struct hold_note *note = &world->witness.holds[index];
    if (!same_hold(hold, &note->hold))
        world_blame(world, "hold %d tells something else than was asked", index);
    bool released = hold->released_us != 0;
    if (released && note->promise == HOLD_KEPT)
        world_blame(world, "hold %d is released and nobody asked for it", index);
    if (!released && note->promise == HOLD_ENDED)
        world_blame(world, "hold %d was released and is in force", index);
    if (released && strcmp(hold->released_by, note->hold.released_by) != 0)
        world_blame(world, "hold %d was released by \"%s\" and says \"%s\"", index,
                    note->hold.released_by, hold->released_by);
    if (note->promise == HOLD_ENDING && released)
        witness_end_hold(&world->witness, index);
    else if (note->promise == HOLD_ASKED || note->promise == HOLD_ENDING)
        witness_keep_hold(&world->witness, index);
    return 0;
}

void world_check_holds(struct world *world)
{
    struct rw_err err = {0};
    struct files files = {.world = world};
    struct witness *w = &world->witness;
    if (rw_holds_each(world->table, DIR, check_file, &files, &err))
        world_blame(world, "the holds cannot be read: %s", err.text);
    for (int i = 0; i < w->hold_count && world_well(world); i++) {
        if (files.seen[i])
            continue;
        if (w->holds[i].promise == HOLD_ASKED)
            w->holds[i].promise = HOLD_ENDED; /* it never was */
        else if (w->holds[i].promise != HOLD_ENDED || *w->holds[i].hold.released_by)
            world_blame(world, "hold %d is gone", i);
    }
}

/* --- their slots --- */

struct held_slots {
    struct world *world;
    enum rw_stream stream;
    const struct sightings *seen;
};

bool check_stands_in_held(struct world *world, enum rw_stream stream, int slot)
{
    char path[64];
    snprintf(path, sizeof path, DIR "/%s/held/%05d.mp4", rw_stream_name(stream), slot);
    return world->table->exists(world->disk, path);
}

bool check_any_in_force(const struct world *world)
{
    for (int i = 0; i < world->witness.hold_count; i++)
        if (world->witness.holds[i].promise == HOLD_KEPT)
            return true;
    return false;
}

bool check_is_asked_for(const struct world *world, int64_t from_us, int64_t to_us)
{
    for (int i = 0; i < world->witness.hold_count; i++) {
        const struct hold_note *note = &world->witness.holds[i];
        if (note->promise == HOLD_KEPT && from_us < note->hold.to_us + AFTER_US &&
            to_us > note->hold.from_us)
            return true;
    }
    return false;
}

static void check_held_slot(void *arg, const char *name)
{
    struct held_slots *held = arg;
    int slot = atoi(name);
    int64_t from = INT64_MAX, to = INT64_MIN;
    for (int i = 0; i < held->seen->count; i++) {
        const struct rw_fragment *f = &held->seen->list[i].fragment;
        if (f->slot != slot)
            continue;
        from = f->start_us < from ? f->start_us : from;
        to = f->start_us + f->duration_us > to ? f->start_us + f->duration_us : to;
    }
    bool asked =
        from < to ? check_is_asked_for(held->world, from, to) : check_any_in_force(held->world);
    if (!asked)
        world_blame(held->world, "%s slot %d stands in held/ and no hold asks for it",
                    rw_stream_name(held->stream), slot);
}

void check_held_slots(struct world *world, enum rw_stream stream, const struct sightings *seen)
{
    const struct stream_notes *notes = &world->witness.stream[stream];
    char folder[64];
    if (world->rotten || !world->witness.hold_count)
        return;
    int open = seen->count ? seen->list[seen->count - 1].fragment.slot : -1;
    for (int i = 0; i < seen->count; i++) {
        const struct sighting *s = &seen->list[i];
        if (s->fragment.slot == open || s->serial < 0 || !notes->list[s->serial].held)
            continue;
        if (!check_stands_in_held(world, stream, s->fragment.slot))
            world_blame(world, "%s fragment %d is held and its slot %d is not",
                        rw_stream_name(stream), s->serial, s->fragment.slot);
    }
    snprintf(folder, sizeof folder, DIR "/%s/held", rw_stream_name(stream));
    struct held_slots held = {world, stream, seen};
    world->table->list(world->disk, folder, check_held_slot, &held);
}

int64_t check_reserved(const struct world *world, enum rw_stream stream)
{
    int64_t slots = 0;
    for (int i = 0; i < world->witness.hold_count; i++)
        if (world->witness.holds[i].promise == HOLD_KEPT)
            slots += world->witness.holds[i].hold.slots[stream];
    return slots * world->options.slot_size;
}
