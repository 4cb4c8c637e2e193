/* Making the index from the slots. */
#pragma once

#include "store/index.h"
#include "store/ring.h"

/* Reads the records of all present slots of the ring into the index, in the caller's transaction;
 * rows of this stream must be gone. verify: payloads are read and hashed, damaged ones marked and
 * told to say() (may be NULL). Events in the ring become event rows unless a newer revision is
 * there. Footage of a bad clock gets its true time where the ring tells it. */
int rw_rebuild_stream(struct rw_index *index, struct rw_ring *ring, bool verify,
                      void (*say)(void *arg, const char *sentence), void *arg, struct rw_err *err);

/* UTC start of the oldest footage that is not held, by sequence; 0: there is none. */
int rw_ring_oldest(const struct rw_ring *ring, struct rw_index *index, int64_t *start_us,
                   struct rw_err *err);

/* Takes over what only the old index knew: events that go on, have ended with no room in the ring
 * yet, or whose record was overwritten before footage of their time that is held; and the words
 * ("disarmed"). As much of it as can still be read. */
void rw_rebuild_salvage(struct rw_index *index, const struct rw_disk *disk, const char *old_path);
