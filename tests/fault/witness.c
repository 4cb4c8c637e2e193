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
bool witness_must_hold(const struct stream_notes *notes, const struct note *note)
{
    return note->promise == PROMISED && notes->turns - note->turn < note->slots - 1;
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
