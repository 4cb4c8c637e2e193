#include "witness.h"

#include <stdlib.h>

#include "base/buf.h"

void witness_finish(struct witness *witness)
{
    for (int stream = 0; stream < RW_STREAMS; stream++)
        free(witness->stream[stream].list);
    for (int i = 0; i < witness->event_count; i++)
        free(witness->events[i].list);
    free(witness->events);
}

static bool touches(const struct rw_hold *hold, const struct note *note)
{
    return note->start_us < hold->to_us && note->start_us + note->duration_us > hold->from_us;
}

/* Holds that are in force, by the span that they were asked for. */
static void hold_fresh(struct witness *witness, struct note *note)
{
    for (int i = 0; i < witness->hold_count; i++)
        if (witness->holds[i].promise == HOLD_KEPT && touches(&witness->holds[i].hold, note)) {
            note->holds |= 1u << i;
            note->held = true;
        }
}

struct note *witness_ask(struct witness *witness, enum rw_stream stream, const struct note *note)
{
    struct stream_notes *notes = &witness->stream[stream];
    notes->list = rw_list_grow(notes->list, notes->count, &notes->capacity, sizeof *notes->list);
    struct note *fresh = &notes->list[notes->count++];
    *fresh = *note;
    fresh->promise = ASKED;
    fresh->fresh = true;
    fresh->turn = notes->turns;
    fresh->session = witness->session;
    hold_fresh(witness, fresh);
    return fresh;
}

void witness_promise(struct witness *witness, enum rw_stream stream, int64_t boot_us)
{
    struct stream_notes *notes = &witness->stream[stream];
    for (int i = 0; i < notes->count; i++)
        if (notes->list[i].promise == TAKEN && notes->list[i].boot_us <= boot_us)
            notes->list[i].promise = PROMISED;
}

void witness_promise_all(struct witness *witness)
{
    for (int stream = 0; stream < RW_STREAMS; stream++)
        witness_promise(witness, (enum rw_stream)stream, INT64_MAX);
}

void witness_loosen(struct witness *witness, enum rw_stream stream, enum promise promise)
{
    struct stream_notes *notes = &witness->stream[stream];
    for (int i = 0; i < notes->count; i++)
        if (notes->list[i].promise == TAKEN)
            notes->list[i].promise = promise;
}

void witness_renumber(struct witness *witness, enum rw_stream stream)
{
    struct stream_notes *notes = &witness->stream[stream];
    for (int i = 0; i < notes->count; i++)
        if (notes->list[i].promise == TAKEN)
            notes->list[i].seq = 0;
}

/* A turn takes the slot to be written and the one after it out of the index. */
bool witness_in_reach(const struct stream_notes *notes, const struct note *note)
{
    return notes->turns - note->turn < note->slots - 1;
}

bool witness_must_hold(const struct stream_notes *notes, const struct note *note)
{
    return note->promise == PROMISED && !note->aged &&
           (note->held || witness_in_reach(notes, note));
}

/* The oldest picture of all begins here, or before: events that ended before may be gone. */
static void age_events(struct witness *witness)
{
    const struct stream_notes *notes = &witness->stream[RW_MAIN];
    int64_t oldest = INT64_MAX, newest = 0;
    for (int i = 0; i < notes->count; i++) {
        const struct note *note = &notes->list[i];
        if (witness_must_hold(notes, note) && note->start_us < oldest)
            oldest = note->start_us;
        if (note->promise != LOST && note->start_us > newest)
            newest = note->start_us;
    }
    if (oldest > newest)
        oldest = newest;
    if (oldest > witness->aged_us)
        witness->aged_us = oldest;
}

void witness_age(struct witness *witness, uint64_t boot, int64_t cut_us)
{
    witness->age_boot = boot;
    if (cut_us > witness->age_cut_us)
        witness->age_cut_us = cut_us;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct stream_notes *notes = &witness->stream[stream];
        for (int i = 0; i < notes->count; i++) {
            struct note *note = &notes->list[i];
            int64_t start = note->boot == boot ? note->true_us : note->start_us;
            if (!note->held && start + note->duration_us <= cut_us)
                note->aged = true;
        }
    }
    age_events(witness);
}

void witness_keep_hold(struct witness *witness, int index)
{
    struct hold_note *hold = &witness->holds[index];
    hold->promise = HOLD_KEPT;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct stream_notes *notes = &witness->stream[stream];
        for (int i = 0; i < notes->count; i++) {
            struct note *note = &notes->list[i];
            if (!touches(&hold->hold, note) || note->promise == LOST || note->aged ||
                (!note->held && !witness_in_reach(notes, note)))
                continue;
            note->holds |= 1u << index;
            note->held = true;
        }
    }
}

void witness_end_hold(struct witness *witness, int index)
{
    uint32_t in_force = 0;
    witness->holds[index].promise = HOLD_ENDED;
    for (int i = 0; i < witness->hold_count; i++)
        if (witness->holds[i].promise != HOLD_ENDED)
            in_force |= 1u << i;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct stream_notes *notes = &witness->stream[stream];
        for (int i = 0; i < notes->count; i++)
            notes->list[i].held = notes->list[i].holds & in_force;
    }
    age_events(witness);
    if (witness->age_cut_us) /* what was too old already goes at once */
        witness_age(witness, witness->age_boot, witness->age_cut_us);
}

void witness_turn(struct witness *witness, enum rw_stream stream, int turns)
{
    witness->stream[stream].turns += turns;
    if (turns)
        age_events(witness);
}

void witness_set_slots(struct witness *witness, enum rw_stream stream, int slots)
{
    struct stream_notes *notes = &witness->stream[stream];
    for (int i = 0; i < notes->count; i++)
        if (slots < notes->list[i].slots)
            notes->list[i].slots = slots;
    age_events(witness);
}

struct event_note *witness_ask_event(struct witness *witness, int index, const struct version *as)
{
    if (index == witness->event_count) {
        witness->events = rw_list_grow(witness->events, witness->event_count,
                                       &witness->event_capacity, sizeof *witness->events);
        witness->events[witness->event_count++] = (struct event_note){.kept = -1};
    }
    struct event_note *note = &witness->events[index];
    note->list = rw_list_grow(note->list, note->count, &note->capacity, sizeof *note->list);
    note->list[note->count++] = *as;
    return note;
}
