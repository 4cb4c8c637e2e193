/* How a connection to a camera is made: by this process itself, or by another that is allowed to
 * (a camera's process in its sandbox may not make sockets). */
#pragma once

#include "base/cancel.h"
#include "base/err.h"
#include "media/url.h"

/* When a call must end: at deadline_us on CLOCK_MONOTONIC, or when cancel (may be NULL) is
 * requested. */
struct rw_patience {
    struct rw_cancel *cancel;
    int64_t deadline_us;
};

struct rw_dial {
    void *self;
    /* A connected TCP socket, non-blocking and close-on-exec, the caller's. -1 with *err: RW_ENET,
     * RW_ETIMEOUT, RW_ECANCELED. */
    int (*tcp)(void *self, const struct rw_url *url, const struct rw_patience *patience,
               struct rw_err *err);
    /* Two UDP sockets on neighbouring ports, the first even, for RTP and RTCP; the same kind of
     * sockets; -1 with *err. *port: the first's. Nothing can be sent until they are aimed. */
    int (*udp)(void *self, const struct rw_url *url, const struct rw_patience *patience, int fds[2],
               int *port, struct rw_err *err);
    /* From now on they hear and speak only to these ports of the host that the last tcp() reached.
     */
    int (*aim)(void *self, const int fds[2], const int ports[2], struct rw_err *err);
};

/* By this process. Nothing to free. self holds the address that was reached: one dial for each
 * connection that is open at a time; zero it, then init. */
struct rw_dial_system {
    struct rw_dial dial;
    unsigned char peer[128]; /* struct sockaddr_storage */
    unsigned peer_size;
};
void rw_dial_system_init(struct rw_dial_system *system);

/* Why a connection could not be made, in a sentence that helps the person at the ladder: errno's
 * ECONNREFUSED, EHOSTUNREACH, ENETUNREACH and ETIMEDOUT. Returns -1; 0 for any other, *err
 * untouched. */
int rw_fail_connect(const struct rw_url *url, int errnum, struct rw_err *err);
