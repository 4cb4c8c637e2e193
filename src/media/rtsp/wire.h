/* The connection to a camera: TCP, with TLS for rtsps. Non-blocking; one thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "media/rtsp/dial.h"
#include "media/rtsp/patience.h"
#include "media/rtsp/tls.h"

struct rw_wire;
/* Dials, and shakes hands where tls is not NULL. *shown (may be NULL) is then what the camera
 * showed, also when it is refused: RW_EAUTH. */
struct rw_wire *rw_wire_open(const struct rw_dial *dial, const struct rw_url *url,
                             struct rw_tls *tls, const struct rw_patience *patience,
                             struct rw_certificate *shown, struct rw_err *err);
void rw_wire_close(struct rw_wire *wire); /* takes NULL */

/* All that has come, up to size bytes: how many; 0: the other side has closed; -1: none at the
 * moment; -2 with *err. */
ssize_t rw_wire_receive(struct rw_wire *wire, uint8_t *out, size_t size, struct rw_err *err);
int rw_wire_send(struct rw_wire *wire, const void *bytes, size_t size,
                 const struct rw_patience *patience, struct rw_err *err);
int rw_wire_fd(const struct rw_wire *wire);
/* A wait for the socket ends only when so many bytes are there. */
void rw_wire_set_low_water(struct rw_wire *wire, int bytes);
