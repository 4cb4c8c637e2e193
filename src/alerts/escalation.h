/* Someone goes and looks: an alert that nobody acknowledges is told to the next one of a list of
 * names, and after the same time to the one after.
 *
 * Of a camera one alert at a time is followed, the first; those that begin meanwhile belong to it,
 * and an acknowledgement of any of them ends it. So the list is gone through once, however much
 * happens. Where it stands is kept in alerts.db. Main thread only. */
#pragma once

#include "alerts/message.h"
#include "alerts/outbox.h"

struct rw_escalation;

/* Borrows config, clock and what source, sink and outbox point to. */
struct rw_escalation *rw_escalation_create(const struct rw_config *config,
                                           const struct rw_outbox_source *source,
                                           const struct rw_outbox *outbox,
                                           const struct rw_sink *sink,
                                           const struct rw_clock *clock);
void rw_escalation_destroy(struct rw_escalation *escalation); /* takes NULL */

void rw_escalation_connected(struct rw_escalation *escalation, bool connected);
/* Looks whether somebody must be told now. After the outbox has looked. */
void rw_escalation_look(struct rw_escalation *escalation);
/* As rw_outbox_acked(). */
void rw_escalation_acked(struct rw_escalation *escalation, uint64_t ticket, const char *refused);
