/* The retained messages that say how things are: the site's `status`, every camera's `status` and
 * `armed`. Published on change, on a new connection and once a minute. Main thread only. */
#pragma once

#include "alerts/message.h"
#include "alerts/payload.h"
#include "base/clock.h"
#include "store/reader.h"

/* What a reader of the camera's directory found. Either may be NULL: nothing was ever recorded.
 * out->since_us is 0 where nobody wrote it down. */
void rw_status_make(const struct rw_camera_state *state, const struct rw_extent *extent,
                    int64_t now_us, struct rw_status *out);
/* Would people want to know at once? last_picture and days_kept grow all the time, and so do the
 * numbers of the watch, and do not count; that the camera is covered or displaced does. */
bool rw_status_differs(const struct rw_status *a, const struct rw_status *b);

struct rw_states;

/* status(self, camera, out): how the camera is now. */
typedef void (*rw_status_read)(void *self, int camera, struct rw_status *out);

/* Borrows config, clock, what sink points to and self. */
struct rw_states *rw_states_create(const struct rw_config *config, rw_status_read read, void *self,
                                   const struct rw_sink *sink, const struct rw_clock *clock);
void rw_states_destroy(struct rw_states *states); /* takes NULL */

void rw_states_connected(struct rw_states *states); /* says online first, then the rest */
void rw_states_lost(struct rw_states *states);
void rw_states_look(struct rw_states *states);
/* What changed while that message was on its way goes out now. */
void rw_states_acked(struct rw_states *states, uint64_t ticket);
/* As of the last look, the broker has confirmed all of it; or there is no connection. */
bool rw_states_settled(const struct rw_states *states);
/* A camera's process said how it is watched, or did not answer (not known). Goes out with what
 * rw_states_arming() or rw_states_look() sends next. */
void rw_states_watch(struct rw_states *states, int camera, const struct rw_watch *watch);
/* And how it is armed. */
void rw_states_arming(struct rw_states *states, int camera, const struct rw_arming *arming);
