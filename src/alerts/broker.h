/* A connection to the MQTT broker, made anew whenever it is lost.
 *
 * libmosquitto looks names up while it connects, which may block for half a minute, so a thread of
 * its own owns the client and nothing else touches it. The functions here are the main thread's and
 * never block, except destroy. Main and that thread meet in two mailboxes: messages go out, reports
 * come back, in order. Each connection is a new client: nothing that was on its way on the last
 * one is sent by memory.
 *
 * There are two of them: MQTT cannot interrupt a message for another, so words would wait a minute
 * behind a film on a thin line. The one for pictures sends nothing while messages of the other are
 * on their way, and on a thin line keeps little in the kernel's hands. */
#pragma once

#include "alerts/message.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "config/config.h"

enum rw_report_kind {
    RW_REPORT_UP,      /* the broker accepted the connection; text: which version of MQTT */
    RW_REPORT_DOWN,    /* it is gone, or an attempt failed; text: why, one sentence */
    RW_REPORT_ACKED,   /* the broker answered a message; text: "" or why it refused it */
    RW_REPORT_COMMAND, /* somebody sent a message */
    RW_REPORT_FOUND,   /* something for Home Assistant stood at the broker before; topic: where */
};

struct rw_report {
    struct rw_mail mail; /* first */
    enum rw_report_kind kind;
    uint64_t ticket; /* ACKED */
    size_t bytes;    /* ACKED: of the message */
    char text[200];
    char topic[264]; /* COMMAND: below <prefix>/<site>/, FOUND: whole; hostile */
    size_t payload_size;
    uint8_t payload[]; /* COMMAND: hostile */
};

struct rw_broker;

/* Starts connecting. Borrows config. ahead: NULL, or the connection that this one is for pictures
 * beside, and gives way to; destroyed after it. Such a one is made when that one stands (a wrong
 * login is not tried twice; libmosquitto's own set-up of TLS is not for two threads), has no will
 * and hears no commands, and its tickets are never the other's. NULL with *err. */
struct rw_broker *rw_broker_create(const struct rw_config *config, const struct rw_broker *ahead,
                                   struct rw_err *err);
/* Sends what was given before, says offline, disconnects and ends the thread, within about a
 * second; a thread that a name look-up still holds is left behind for the process's end. Takes
 * NULL. */
void rw_broker_destroy(struct rw_broker *broker);

int rw_broker_fd(const struct rw_broker *broker); /* readable: call rw_broker_take() until NULL */
/* The next report, the caller's for free(), or NULL. */
struct rw_report *rw_broker_take(struct rw_broker *broker);

/* The line is known to be so thin that an alert's whole picture would hold up its words. */
bool rw_broker_is_thin(const struct rw_broker *broker);

/* An rw_sink's publish, QoS 1. self: the broker. Only a message that is given between UP and DOWN
 * goes out. 0: too much waits already, or there is no connection. */
uint64_t rw_broker_publish(void *self, const struct rw_message *message);
