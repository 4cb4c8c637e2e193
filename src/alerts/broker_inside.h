/* What the broker's two threads and its connections share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "alerts/broker.h"

/* main to thread */
struct rw_parcel {
    struct rw_mail mail; /* first */
    uint64_t ticket;
    unsigned connection;
    bool retain;
    const char *type; /* static */
    unsigned expiry_s;
    char about[RW_EVENT_ID_SIZE]; /* "" : none */
    char *topic;                  /* behind the payload */
    size_t size;
    uint8_t payload[];
};

struct rw_broker {
    /* set before the thread starts */
    const struct rw_mqtt_config *mqtt;
    char *base;      /* "<prefix>/<site>/" */
    char *discovery; /* what stands below it is for Home Assistant, and this box's */
    char client_id[64];
    int wake, ready; /* eventfds: to the thread, to main */
    int done;        /* eventfd: the thread has nothing more to do */
    struct rw_mailbox *outgoing, *reports;
    const struct rw_broker *ahead; /* which this one gives way to; NULL: it is ahead itself */
    pthread_t thread;
    atomic_bool stop;

    /* main writes */
    atomic_bool stands;   /* the connection */
    atomic_int under_way; /* messages that are given, and not confirmed */
    atomic_llong rate;    /* bytes a second that the line takes; 0: not known yet */

    /* main thread only */
    uint64_t tickets;
    bool up;
    unsigned connection;
    int64_t burst_us; /* CLOCK_BOOTTIME since when messages are under way without a pause */
    size_t burst;     /* bytes of them that were confirmed */

    /* broker thread only */
    unsigned link_number;
};

/* Bytes a second. Below THIN, pictures go behind words; below NARROW, a line is paced. */
enum { RW_RATE_THIN = 16 * 1024, RW_RATE_NARROW = 64 * 1024 };

/* Broker thread: tells main. */
void rw_report_send(struct rw_broker *broker, enum rw_report_kind kind, const char *text);

/* How a connection went. */
struct rw_link_end {
    bool was_up;
    bool other_version; /* it ended as brokers end it that do not know this version of MQTT */
    char reason[200];
};
/* Broker thread: one connection, from the look-up to the loss or until broker->stop. version: of
 * MQTT, as MQTT_PROTOCOL_V... */
void rw_link_run(struct rw_broker *broker, int version, struct rw_link_end *end);
