/* What goes behind words: the broker's second connection, and the first one where a broker will not
 * have two of this box. Main thread only. */
#pragma once

#include "alerts/broker.h"
#include "alerts/outbox.h"

struct rw_bulk;

/* Borrows all. words: the first connection. NULL with *err. */
struct rw_bulk *rw_bulk_create(const struct rw_config *config, struct rw_broker *words,
                               const struct rw_clock *clock, struct rw_err *err);
void rw_bulk_destroy(struct rw_bulk *bulk); /* before words; takes NULL */

int rw_bulk_fd(const struct rw_bulk *bulk); /* readable: call rw_bulk_handle() */
/* Tells the outbox what arrived, and what was lost. */
void rw_bulk_handle(struct rw_bulk *bulk, struct rw_outbox *outbox);
/* An rw_sink's publish; self: the bulk. */
uint64_t rw_bulk_publish(void *self, const struct rw_message *message);
