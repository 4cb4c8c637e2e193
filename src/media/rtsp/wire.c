#include "media/rtsp/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct rw_wire {
    int fd;
    struct rw_tls_line *tls; /* NULL: plain */
};

struct rw_wire *rw_wire_open(const struct rw_dial *dial, const struct rw_url *url,
                             struct rw_tls *tls, const struct rw_patience *patience,
                             struct rw_certificate *shown, struct rw_err *err)
{
    struct rw_wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        abort();
    wire->fd = dial->tcp(dial->self, url, patience, err);
    if (wire->fd >= 0 && tls)
        wire->tls = rw_tls_line_open(tls, wire->fd, url, patience, shown, err);
    if (wire->fd >= 0 && (wire->tls || !tls))
        return wire;
    rw_wire_close(wire);
    return NULL;
}

void rw_wire_close(struct rw_wire *wire)
{
    if (!wire)
        return;
    rw_tls_line_close(wire->tls);
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire);
}

static ssize_t receive_tls(struct rw_wire *wire, uint8_t *out, size_t size, struct rw_err *err)
{
    ssize_t got = rw_tls_line_receive(wire->tls, out, size);
    if (got == -2)
        rw_fail(err, RW_ENET, "the connection to the camera broke");
    return got;
}

ssize_t rw_wire_receive(struct rw_wire *wire, uint8_t *out, size_t size, struct rw_err *err)
{
    if (wire->tls)
        return receive_tls(wire, out, size, err);
    ssize_t got = recv(wire->fd, out, size, MSG_DONTWAIT);
    if (got >= 0)
        return got;
    if (errno == EAGAIN || errno == EINTR)
        return -1;
    rw_fail(err, RW_ENET, "the connection to the camera broke (%s)", strerror(errno));
    return -2;
}

/* Bytes sent, -1: none at the moment, -2: broken. */
static ssize_t send_some(struct rw_wire *wire, const uint8_t *bytes, size_t size)
{
    if (wire->tls)
        return rw_tls_line_send(wire->tls, bytes, size);
    ssize_t rc = send(wire->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return rc >= 0 ? rc : errno == EAGAIN || errno == EINTR ? -1 : -2;
}

int rw_wire_send(struct rw_wire *wire, const void *bytes, size_t size,
                 const struct rw_patience *patience, struct rw_err *err)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = send_some(wire, at, size);
        if (sent == -2)
            return rw_fail(err, RW_ENET, "the connection to the camera broke");
        if (sent == -1 && rw_patience_wait(patience, wire->fd, POLLOUT, -1, err) < 0)
            return -1;
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}

int rw_wire_fd(const struct rw_wire *wire)
{
    return wire->fd;
}

void rw_wire_set_low_water(struct rw_wire *wire, int bytes)
{
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}
