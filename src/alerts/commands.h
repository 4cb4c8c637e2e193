/* Commands that come in over MQTT. Pure: hostile bytes in, a checked command or a sentence out. */
#pragma once

#include "config/config.h"

enum {
    RW_COMMAND_TOPIC_MAX = 256,
    RW_COMMAND_PAYLOAD_MAX = 1024,
    RW_SNOOZE_MAX_S = 604800, /* a week */
};

enum rw_command_kind { RW_COMMAND_ARM, RW_COMMAND_SNOOZE, RW_COMMAND_ACK };

struct rw_command {
    enum rw_command_kind kind;
    char camera[33];              /* arm, snooze: an id of the configuration */
    bool on;                      /* arm */
    int seconds;                  /* snooze; 0 ends it */
    char event[RW_EVENT_ID_SIZE]; /* ack */
    char by[RW_NAME_SIZE];        /* ack: UTF-8 without control characters, not empty */
};

/* topic: below <prefix>/<site>/, as bytes that may hold anything. 0, or -1 with a sentence that
 * repeats none of the sender's bytes. */
int rw_command_parse(const struct rw_config *config, const char *topic, const void *payload,
                     size_t size, struct rw_command *out, struct rw_err *err);
