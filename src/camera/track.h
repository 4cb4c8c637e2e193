/* From packets to fragments in slots: one stream's way through the recorder. Recorder thread only.
 */
#pragma once

#include "camera/board.h"
#include "media/mux.h"
#include "media/packet.h"
#include "store/store.h"

struct rw_track;

/* Borrows store and board. A fragment is as long as the store wants it, or one picture. */
struct rw_track *rw_track_create(struct rw_store *store, enum rw_stream stream, const char *camera,
                                 struct rw_board *board);
void rw_track_destroy(struct rw_track *track); /* takes NULL; writes nothing */
/* Takes the caller's reference. A picture is held until its successor tells how long it lasts. */
void rw_track_add(struct rw_track *track, struct rw_packet *packet, enum rw_cause cause);
/* The source ended: writes what is held. */
void rw_track_end(struct rw_track *track);
/* Writes what waits for pictures that do not come. While the disk refuses, pictures wait in memory,
 * a bounded number of bytes; this tries again. Call it every second, with CLOCK_BOOTTIME. */
void rw_track_tick(struct rw_track *track, int64_t boot_us);
bool rw_track_waits(const struct rw_track *track); /* do some still? */
