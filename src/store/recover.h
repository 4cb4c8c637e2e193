/* Bringing index and ring together when a store is opened. */
#pragma once

#include "store/index.h"
#include "store/ring.h"

/* Finds the newest record of the ring, verifies and indexes what the index does not know yet, trims
 * the torn tail, opens that slot for going on. Makes the index from the slots where it is not of
 * this ring. clean: the last writer said good-bye. */
int rw_recover(struct rw_index *index, struct rw_ring *ring, bool clean, struct rw_err *err);
