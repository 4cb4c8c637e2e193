/* A message to the broker, and where messages go: the broker (broker.h), or a test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rw_message {
    const char *topic; /* below <prefix>/<site>/ */
    bool whole;        /* no, it is the whole topic */
    const void *payload;
    size_t size;
    bool retain;
    /* MQTT 5 section 3.3.2.3; left away where the broker speaks 3.1.1 */
    const char *type; /* Content Type, static; NULL: none */
    unsigned
        expiry_s; /* Message Expiry Interval: what nobody fetched by then is dropped; 0: never */
    const char *about; /* Correlation Data: an event's id; NULL: none */
};

/* Copies the message. Returns the ticket that the confirmation will carry, 0 when there is no room
 * now. */
struct rw_sink {
    void *self;
    uint64_t (*publish)(void *self, const struct rw_message *message);
};
