/* The process beside a camera's that alone makes sockets, in a sandbox of its own: the camera's
 * process reads what a stranger wrote, and may then neither make a socket nor connect one. It can
 * only ask for a connection to its own camera, whose hosts and ports the dialer knows already, and
 * gets descriptors. The dialer reads nothing from the network but the answers of name servers.
 *
 * It ends when the camera's process does. */
#pragma once

#include "config/config.h"
#include "media/rtsp/dial.h"
#include "store/store.h"

struct rw_dialer;

struct rw_dialer_options {
    const char *camera;                                 /* id, for the log */
    const struct rw_stream_config *streams[RW_STREAMS]; /* url "" : there is no such stream */
    const char *alerts_socket;                          /* to poke */
    void (*forget)(void *arg); /* called in the new process: wipe what it has no use for */
    void *arg;
};

/* Forks: before any thread, and before anything is opened that the other process must not hold.
 * Copies the options. NULL with *err. */
struct rw_dialer *rw_dialer_start(const struct rw_dialer_options *options, struct rw_err *err);
/* Asks the process to end, and waits for it. Takes NULL. */
void rw_dialer_stop(struct rw_dialer *dialer);

/* For an event loop: EPOLLHUP on it when the process has died; nothing else can be done with it. */
int rw_dialer_fd(const struct rw_dialer *dialer);

/* One user for each stream at a time; borrows the dialer. The url must be of the configured host
 * and port. udp() follows tcp(), aim() follows udp() with the sockets it gave. */
struct rw_dial rw_dialer_dial(struct rw_dialer *dialer, enum rw_stream stream);

/* To the alerts role: look now. Any thread; never blocks, never fails. */
void rw_dialer_poke(struct rw_dialer *dialer);
