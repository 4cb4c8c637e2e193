/* A reader for every camera's directory, opened when there is something in it and opened anew after
 * an error and once a minute (an index that was rebuilt is another file); and the cursors.
 * Main thread only. */
#pragma once

#include "alerts/outbox.h"

struct rw_readers;

/* Opens <storage>/alerts.db; <storage> must be there. Borrows config and clock. NULL with *err. */
struct rw_readers *rw_readers_create(const struct rw_config *config, const struct rw_clock *clock,
                                     struct rw_err *err);
void rw_readers_destroy(struct rw_readers *readers); /* takes NULL */

struct rw_outbox_source rw_readers_source(struct rw_readers *readers);

/* How the camera is now. self: the readers. (An rw_status_read.) */
void rw_readers_status(void *self, int camera, struct rw_status *out);

/* When an event was last delivered, UTC; 0: never. Survives a restart. */
int64_t rw_readers_delivered_us(struct rw_readers *readers);
void rw_readers_set_delivered(struct rw_readers *readers, int64_t utc_us);
