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

/* Does a hold in force ask for a slot with footage in [from_us, to_us)? */
bool check_is_asked_for(const struct world *world, int64_t from_us, int64_t to_us);
bool check_any_in_force(const struct world *world);
bool check_stands_in_held(struct world *world, enum rw_stream stream, int slot);
/* What is held stands in held/, what stands there is held. */
void check_held_slots(struct world *world, enum rw_stream stream, const struct sightings *seen);
/* Bytes that the ring may have beyond `keep`, promised to holds that still take slots. */
int64_t check_reserved(const struct world *world, enum rw_stream stream);

/* --- ages.c --- */

/* What went by its age is told as deleted. */
void check_aged_named(struct world *world, enum rw_stream stream,
                      const struct rw_coverage *coverage, const struct sightings *seen);

/* --- clocks.c --- */

/* The clock has become good in this boot, and what came before may wait for its true time: until
 * the first good picture is synced, nothing explains the years between. */
bool check_time_pends(const struct world *world);
/* Its time is as it was told, or its true one where that is known; the record keeps the first. */
void check_time(struct world *world, enum rw_stream stream, const struct sighting *sighting);
/* What has been recorded before the clock was good has its true time now. settled: nothing waits
 * for a sync. */
void check_corrected(struct world *world, enum rw_stream stream, const struct sightings *seen);
/* Spans in order, none negative. */
void check_spans(struct world *world, const struct rw_coverage *coverage);
