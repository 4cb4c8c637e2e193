/* TLS 1.2 and later to a camera, as its client, over a socket that is connected. What a camera
 * shows of itself is handed out whether it is trusted or not: that it shows another certificate
 * than yesterday must be told, too. No call blocks but the handshake, and that for as long as its
 * patience lasts. One thread for each line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "media/rtsp/patience.h"
#include "media/url.h"

/* The certificate of the camera itself, the first of its chain. */
struct rw_certificate {
    bool shown;                 /* false: nothing is known of it */
    uint8_t sha256[32];         /* over its DER, as `openssl x509 -fingerprint -sha256` has it */
    int64_t begins_us, ends_us; /* UTC */
};

enum { RW_FINGERPRINT_SIZE = 65 };
/* Upper case, two digits a byte. Returns out. */
const char *rw_certificate_fingerprint(const struct rw_certificate *certificate,
                                       char out[RW_FINGERPRINT_SIZE]);

/* What is trusted: read once, before a process gives up its files; any thread. */
struct rw_tls;
/* ca_file: certificates (PEM), each an end of trust by itself: an authority's, or the camera's own.
 * "" or NULL: the system's authorities. check_host: its name or address must stand in the camera's
 * certificate. RW_EFORMAT: ca_file holds none. */
struct rw_tls *rw_tls_create(const char *ca_file, bool check_host, struct rw_err *err);
void rw_tls_destroy(struct rw_tls *tls); /* takes NULL; no line may use it any more */

struct rw_tls_line;
/* Shakes hands with url's host over fd, which stays the caller's. *shown (may be NULL): what the
 * camera showed, also when it is refused. NULL with *err, RW_EAUTH: the certificate is not trusted;
 * RW_ENET: the other side speaks no TLS, or another; RW_ETIMEOUT, RW_ECANCELED. */
struct rw_tls_line *rw_tls_line_open(struct rw_tls *tls, int fd, const struct rw_url *url,
                                     const struct rw_patience *patience,
                                     struct rw_certificate *shown, struct rw_err *err);
void rw_tls_line_close(struct rw_tls_line *line); /* takes NULL; says nothing */

/* All that has come, up to size bytes: how many; less than size: the socket is empty. 0: the other
 * side has closed; -1: none at the moment; -2: it broke. */
ssize_t rw_tls_line_receive(struct rw_tls_line *line, uint8_t *out, size_t size);
/* How many of the bytes went; -1: none at the moment, try the same bytes again; -2: it broke. */
ssize_t rw_tls_line_send(struct rw_tls_line *line, const uint8_t *bytes, size_t size);
