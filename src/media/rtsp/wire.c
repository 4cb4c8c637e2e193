#include "media/rtsp/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

struct rw_tls {
    SSL_CTX *context;
    bool check_host;
};

struct rw_wire {
    int fd;
    SSL *ssl; /* NULL: plain */
};

int64_t rw_patience_left_us(const struct rw_patience *patience)
{
    int64_t left = patience->deadline_us - rw_monotonic_us();
    return left > 0 ? left : 0;
}

int rw_patience_wait(const struct rw_patience *patience, int fd, short events, int timeout_ms,
                     struct rw_err *err)
{
    struct pollfd ready[2] = {{.fd = fd, .events = events}, {.fd = -1}};
    if (patience->cancel)
        ready[1] = (struct pollfd){.fd = rw_cancel_fd(patience->cancel), .events = POLLIN};
    int64_t left_ms = (rw_patience_left_us(patience) + 999) / 1000;
    bool by_deadline = timeout_ms < 0 || left_ms < timeout_ms;
    if (!left_ms)
        ready[0].fd = -1; /* whatever is there: the time is over */
    int rc = poll(ready, 2, by_deadline ? (int)left_ms : timeout_ms);
    if (ready[1].revents)
        return rw_fail(err, RW_ECANCELED, "given up on request");
    if (rc > 0)
        return 1;
    if (rc == 0 && by_deadline)
        return rw_fail(err, RW_ETIMEOUT, "it took too long");
    return 0;
}

struct rw_tls *rw_tls_create(const char *ca_file, bool check_host, struct rw_err *err)
{
    struct rw_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        abort();
    tls->check_host = check_host;
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context)
        abort();
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    bool own = ca_file && *ca_file;
    int rc = own ? SSL_CTX_load_verify_locations(tls->context, ca_file, NULL)
                 : SSL_CTX_set_default_verify_paths(tls->context);
    ERR_clear_error();
    if (rc == 1)
        return tls;
    rw_fail(err, RW_EFORMAT, "%s holds no certificates that can be read (PEM)",
            own ? ca_file : "the system's store");
    rw_tls_destroy(tls);
    return NULL;
}

void rw_tls_destroy(struct rw_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

static int expect_host(SSL *ssl, const char *host)
{
    unsigned char address[16];
    bool number = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (number)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    return SSL_set1_host(ssl, host);
}

/* Upper case, two digits a byte, as other programs print it. */
static const char *fingerprint(const struct rw_wire *wire, char out[65])
{
    uint8_t hash[32];
    if (!rw_wire_certificate(wire, hash))
        return "unknown";
    for (int i = 0; i < 32; i++)
        snprintf(out + (ptrdiff_t)2 * i, 3, "%02X", hash[i]);
    return out;
}

static int fail_handshake(struct rw_wire *wire, const struct rw_url *url, struct rw_err *err)
{
    char digits[65];
    long verdict = SSL_get_verify_result(wire->ssl);
    ERR_clear_error();
    if (verdict != X509_V_OK)
        return rw_fail(err, RW_EAUTH,
                       "the certificate of %s is not trusted (%s); if its SHA-256 %s is the "
                       "camera's, name its issuer's file as ca_file",
                       url->host, X509_verify_cert_error_string(verdict),
                       fingerprint(wire, digits));
    return rw_fail(err, RW_ENET,
                   "%s does not speak TLS on port %s; check the port, or write rtsp://", url->host,
                   url->port);
}

static int shake_hands(struct rw_wire *wire, const struct rw_url *url, const struct rw_tls *tls,
                       const struct rw_patience *patience, struct rw_err *err)
{
    wire->ssl = SSL_new(tls->context);
    if (!wire->ssl || SSL_set_fd(wire->ssl, wire->fd) != 1)
        return rw_fail(err, RW_ENOMEM, "no memory for TLS");
    bool name = strspn(url->host, "0123456789.:") < strlen(url->host);
    if (name)
        SSL_set_tlsext_host_name(wire->ssl, url->host);
    if (tls->check_host && expect_host(wire->ssl, url->host) != 1)
        return rw_fail(err, RW_EINVAL, "no certificate can name %s", url->host);
    for (;;) {
        int rc = SSL_connect(wire->ssl);
        if (rc == 1)
            return 0;
        int why = SSL_get_error(wire->ssl, rc);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return fail_handshake(wire, url, err);
        if (rw_patience_wait(patience, wire->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, -1,
                             err) < 0)
            return -1;
    }
}

struct rw_wire *rw_wire_open(const struct rw_dial *dial, const struct rw_url *url,
                             struct rw_tls *tls, const struct rw_patience *patience,
                             struct rw_err *err)
{
    struct rw_wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        abort();
    wire->fd = dial->tcp(dial->self, url, patience, err);
    if (wire->fd >= 0 && (!tls || shake_hands(wire, url, tls, patience, err) == 0))
        return wire;
    rw_wire_close(wire);
    return NULL;
}

void rw_wire_close(struct rw_wire *wire)
{
    if (!wire)
        return;
    SSL_free(wire->ssl);
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire);
}

static ssize_t receive_tls(struct rw_wire *wire, uint8_t *out, size_t size, struct rw_err *err)
{
    size_t got = 0;
    if (SSL_read_ex(wire->ssl, out, size, &got) == 1)
        return (ssize_t)got;
    int why = SSL_get_error(wire->ssl, 0);
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return -1;
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    rw_fail(err, RW_ENET, "the connection to the camera broke");
    return -2;
}

ssize_t rw_wire_receive(struct rw_wire *wire, uint8_t *out, size_t size, struct rw_err *err)
{
    if (wire->ssl)
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
    size_t sent = 0;
    if (!wire->ssl) {
        ssize_t rc = send(wire->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        return rc >= 0 ? rc : errno == EAGAIN || errno == EINTR ? -1 : -2;
    }
    if (SSL_write_ex(wire->ssl, bytes, size, &sent) == 1)
        return (ssize_t)sent;
    int why = SSL_get_error(wire->ssl, 0);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? -1 : -2;
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

bool rw_wire_pending(const struct rw_wire *wire)
{
    return wire->ssl && SSL_has_pending(wire->ssl);
}

int rw_wire_fd(const struct rw_wire *wire)
{
    return wire->fd;
}

void rw_wire_set_low_water(struct rw_wire *wire, int bytes)
{
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

bool rw_wire_certificate(const struct rw_wire *wire, uint8_t hash[32])
{
    unsigned size = 32;
    X509 *certificate = wire->ssl ? SSL_get1_peer_certificate(wire->ssl) : NULL;
    bool there = certificate && X509_digest(certificate, EVP_sha256(), hash, &size) == 1;
    X509_free(certificate);
    return there;
}
