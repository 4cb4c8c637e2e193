/* All webhooks: each with an outbox and a courier of its own, so that none holds back another or
 * the broker. Shown in <runtime>/webhooks.json. Main thread only. */
#pragma once

#include "alerts/outbox.h"
#include "base/sandbox.h"

struct rw_hooks;

/* What the webhooks of the configuration need of the system; nothing, where there are none. */
void rw_hooks_confine(const struct rw_config *config, struct rw_sandbox *sandbox);

/* A webhook that is new begins with what comes now. Borrows all of it. NULL with *err. */
struct rw_hooks *rw_hooks_create(const struct rw_config *config,
                                 const struct rw_outbox_source *source,
                                 const struct rw_clock *clock, struct rw_err *err);
/* Within about a second. Takes NULL. */
void rw_hooks_destroy(struct rw_hooks *hooks);

int rw_hooks_fd(const struct rw_hooks *hooks); /* readable: call rw_hooks_handle() */
void rw_hooks_handle(struct rw_hooks *hooks);
void rw_hooks_look(struct rw_hooks *hooks); /* there may be something new */
/* Writes down, and shows, what has changed. */
void rw_hooks_show(struct rw_hooks *hooks);
bool rw_hooks_settled(const struct rw_hooks *hooks); /* nothing is on its way */
