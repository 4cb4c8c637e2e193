/* Plays: what is done to a store, and when the power is cut. */
#pragma once

#include "world.h"

/* A random one. Returns with world->failure where a promise was broken. */
void play_random(struct world *world);

struct script_cut {
    uint64_t at;    /* the operation that is the last one */
    bool kill;      /* of the process only */
    uint64_t again; /* the operation of the recovery at which the power is cut; 0: none */
};
/* Always the same deeds, cut. *recovery: the operations of an uncut recovery and its first second.
 * False: the script ended before the cut came. */
bool play_script(struct world *world, const struct script_cut *cut, uint64_t *recovery);
