/* The role `alerts`: tells the events of every camera to an MQTT broker and to webhooks, and brings
 * commands from the broker to the cameras. It reads every camera's index and writes its own
 * alerts.db.
 *
 * The events are the outbox. A cursor per camera says up to which revision the broker has
 * confirmed; nothing half-sent is remembered anywhere else. What was recorded before this role ran
 * for the first time goes out too, oldest first, after a digest.
 *
 * Threads: main (readers, outboxes, states, the event loop), broker (broker.h: the MQTT client),
 * doors (doors.h: asks the camera processes), one for each webhook (hook.h). They meet in mailboxes
 * only. */
#pragma once

#include "config/config.h"

/* Runs until SIGTERM or SIGINT. Returns the process's exit status. */
int rw_alerts_run(const struct rw_config *config);
