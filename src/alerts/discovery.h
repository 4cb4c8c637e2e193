/* What Home Assistant must know to show the cameras by itself: one device for the site and one for
 * each camera, as retained messages (device discovery, Home Assistant 2024.11 or later:
 * https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload). Told at every
 * connection. What an earlier configuration left at the broker is taken away. Main thread only. */
#pragma once

#include "alerts/message.h"
#include "config/config.h"

/* And after it the site's id: below that stand this box's messages and nobody else's. */
#define RW_DISCOVERY_BASE "homeassistant/device/roadwatch_"

struct rw_discovery;

/* Borrows config and what sink points to. */
struct rw_discovery *rw_discovery_create(const struct rw_config *config,
                                         const struct rw_sink *sink);
void rw_discovery_destroy(struct rw_discovery *discovery); /* takes NULL */

void rw_discovery_connected(struct rw_discovery *discovery);
void rw_discovery_lost(struct rw_discovery *discovery);
/* Goes on where there was no room. */
void rw_discovery_look(struct rw_discovery *discovery);
/* A message with something in it stood below this box's base; topic: whole, hostile. */
void rw_discovery_found(struct rw_discovery *discovery, const char *topic);
/* refused: why the broker did not take it; NULL: it did. */
void rw_discovery_acked(struct rw_discovery *discovery, uint64_t ticket, const char *refused);
