/* What the checks share: a stream's fragments as a reader tells them. */
#pragma once

#include "world.h"

struct sighting {
    struct rw_fragment fragment;
    int serial; /* of the note; -1: its bytes are not what was given */
};
struct sightings {
    struct sighting *list; /* owned */
    int count, capacity;
};

/* --- holds.c --- */

bool check_any_in_force(const struct world *world);
bool check_stands_in_held(struct world *world, enum rw_stream stream, int slot);
/* What is held stands in held/, what stands there is held. */
void check_held_slots(struct world *world, enum rw_stream stream, const struct sightings *seen);
/* Bytes that the ring may have beyond `keep`, promised to holds that still take slots. */
int64_t check_reserved(const struct world *world, enum rw_stream stream);
