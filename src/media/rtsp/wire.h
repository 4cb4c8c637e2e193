/* The connection to a camera: TCP, with TLS for rtsps. Non-blocking; one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "media/rtsp/dial.h"

/* What is trusted: made once, before a process gives up its files; any thread. */
struct rw_tls;
/* ca_file: certificates (PEM) that the camera's chain must end in, "" or NULL: those of the system.
 * check_host: its name or address must stand in the camera's certificate. */
struct rw_tls *rw_tls_create(const char *ca_file, bool check_host, struct rw_err *err);
void rw_tls_destroy(struct rw_tls *tls); /* takes NULL; no wire may use it any more */

struct rw_wire;
/* Dials, and shakes hands where tls is not NULL. RW_EAUTH: the certificate is not trusted. */
struct rw_wire *rw_wire_open(const struct rw_dial *dial, const struct rw_url *url,
                             struct rw_tls *tls, const struct rw_patience *patience,
                             struct rw_err *err);
void rw_wire_close(struct rw_wire *wire); /* takes NULL */

/* At most size bytes: how many; 0: the other side has closed; -1: none at the moment; -2 with *err.
 */
ssize_t rw_wire_receive(struct rw_wire *wire, uint8_t *out, size_t size, struct rw_err *err);
int rw_wire_send(struct rw_wire *wire, const void *bytes, size_t size,
                 const struct rw_patience *patience, struct rw_err *err);
/* Bytes are there that were read from the socket already: do not wait for it. */
bool rw_wire_pending(const struct rw_wire *wire);
int rw_wire_fd(const struct rw_wire *wire);
/* A wait for the socket ends only when so many bytes are there. */
void rw_wire_set_low_water(struct rw_wire *wire, int bytes);
/* SHA-256 of the camera's certificate. False: there is none. */
bool rw_wire_certificate(const struct rw_wire *wire, uint8_t hash[32]);

/* Waits for events (of poll(2)) on fd (-1: none) as long as the patience lasts and at most
 * timeout_ms (-1: no other limit). 1: there, 0: timeout_ms passed, -1 with *err: RW_ETIMEOUT or
 * RW_ECANCELED. */
int rw_patience_wait(const struct rw_patience *patience, int fd, short events, int timeout_ms,
                     struct rw_err *err);
int64_t rw_patience_left_us(const struct rw_patience *patience); /* at least 0 */
