#include "media/rtsp/tls.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/units.h"

enum {
    READ_BYTES = 32 << 10, /* what one system call may bring */
    NAMES_SIZE = 80,       /* of what a certificate calls itself, in a sentence */
    DAY_SIZE = sizeof "2026-11-23T12:00Z",
};
/* Where Debian keeps all authorities in one file; OpenSSL's own default there is a folder that is
 * read only when somebody is to be trusted, and then a sandbox forbids it. */
static const char system_file[] = "/etc/ssl/certs/ca-certificates.crt";

struct rw_tls {
    SSL_CTX *context;
    BIO_METHOD *socket;
    bool check_host;
};

/* Why a chain was refused: the first of its troubles. */
struct verdict {
    int error; /* X509_V_...; X509_V_OK: none */
    int64_t begins_us, ends_us;
    char names[NAMES_SIZE]; /* of the camera's certificate */
};

struct rw_tls_line {
    SSL *ssl;
    int fd;
    struct rw_certificate shown;
    struct verdict verdict;
};

/* --- what a certificate says --- */

const char *rw_certificate_fingerprint(const struct rw_certificate *certificate,
                                       char out[RW_FINGERPRINT_SIZE])
{
    for (size_t i = 0; i < sizeof certificate->sha256; i++)
        snprintf(out + 2 * i, 3, "%02X", certificate->sha256[i]);
    return out;
}

static int64_t utc_of(const ASN1_TIME *when)
{
    struct tm parts;
    return ASN1_TIME_to_tm(when, &parts) == 1 ? (int64_t)timegm(&parts) * RW_SECOND_US : 0;
}

static void look_at(X509 *leaf, struct rw_certificate *out)
{
    unsigned size = sizeof out->sha256;
    out->shown = X509_digest(leaf, EVP_sha256(), out->sha256, &size) == 1;
    out->begins_us = utc_of(X509_get0_notBefore(leaf));
    out->ends_us = utc_of(X509_get0_notAfter(leaf));
}

/* It was written by a stranger: only what a name or an address may have in it. */
static void add_name(char out[NAMES_SIZE], const char *text, size_t size)
{
    size_t at = strlen(out);
    if (at && at + 2 < NAMES_SIZE)
        at += (size_t)snprintf(out + at, NAMES_SIZE - at, ", ");
    for (size_t i = 0; i < size && at + 1 < NAMES_SIZE; i++)
        out[at++] = isalnum((unsigned char)text[i]) || (text[i] && strchr(".:-_* ", text[i]))
                        ? text[i]
                        : '?';
    out[at] = '\0';
}

static void add_alternative(char out[NAMES_SIZE], const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN];
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD)
        return;
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    size_t size = (size_t)ASN1_STRING_length(value);
    if (type == GEN_DNS)
        add_name(out, (const char *)bytes, size);
    else if (inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address) &&
             (size == 4 || size == 16))
        add_name(out, address, strlen(address));
}

/* Hosts and addresses, or where there are none the common name. */
static void list_names(X509 *leaf, char out[NAMES_SIZE])
{
    char common[NAMES_SIZE];
    GENERAL_NAMES *all = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++)
        add_alternative(out, sk_GENERAL_NAME_value(all, i));
    GENERAL_NAMES_free(all);
    if (!*out && X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, common,
                                           sizeof common) > 0)
        add_name(out, common, strlen(common));
    if (!*out)
        add_name(out, "nobody", strlen("nobody"));
}

/* --- what is trusted --- */

static int judge(int good, X509_STORE_CTX *chain)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct rw_tls_line *line = SSL_get_app_data(ssl);
    X509 *leaf = X509_STORE_CTX_get0_cert(chain);
    X509 *guilty = X509_STORE_CTX_get_current_cert(chain);
    if (!line->shown.shown)
        look_at(leaf, &line->shown);
    if (good)
        return 1;
    line->verdict = (struct verdict){.error = X509_STORE_CTX_get_error(chain)};
    if (guilty) {
        line->verdict.begins_us = utc_of(X509_get0_notBefore(guilty));
        line->verdict.ends_us = utc_of(X509_get0_notAfter(guilty));
    }
    list_names(leaf, line->verdict.names);
    return 0;
}

static bool read_authorities(SSL_CTX *context, const char *ca_file)
{
    const char *named = getenv(X509_get_default_cert_file_env());
    if (ca_file && *ca_file)
        return SSL_CTX_load_verify_file(context, ca_file) == 1;
    if (SSL_CTX_load_verify_file(context, named ? named : X509_get_default_cert_file()) != 1)
        SSL_CTX_load_verify_file(context, system_file); /* none: nobody is trusted */
    return true;
}

/* --- the socket --- */

/* As OpenSSL's own, but a connection that broke is no signal. */
static int socket_write(BIO *bio, const char *bytes, int size)
{
    BIO_clear_retry_flags(bio);
    ssize_t sent =
        send((int)(intptr_t)BIO_get_data(bio), bytes, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int socket_read(BIO *bio, char *bytes, int size)
{
    BIO_clear_retry_flags(bio);
    ssize_t got = recv((int)(intptr_t)BIO_get_data(bio), bytes, (size_t)size, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    if (!got)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)got;
}

static long socket_control(BIO *bio, int what, long number, void *at)
{
    (void)number;
    (void)at;
    if (what == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_socket(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (!method)
        abort();
    BIO_meth_set_write(method, socket_write);
    BIO_meth_set_read(method, socket_read);
    BIO_meth_set_ctrl(method, socket_control);
    return method;
}

struct rw_tls *rw_tls_create(const char *ca_file, bool check_host, struct rw_err *err)
{
    struct rw_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        abort();
    tls->check_host = check_host;
    tls->socket = make_socket();
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context)
        abort();
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, judge);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->context), X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set_read_ahead(tls->context, 1);
    SSL_CTX_set_default_read_buffer_len(tls->context, READ_BYTES);
    bool read = read_authorities(tls->context, ca_file);
    ERR_clear_error();
    if (read)
        return tls;
    rw_fail(err, RW_EFORMAT, "%s holds no certificates that can be read (PEM)", ca_file);
    rw_tls_destroy(tls);
    return NULL;
}

void rw_tls_destroy(struct rw_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->socket);
    free(tls);
}

/* --- the handshake --- */

static const char *day(int64_t utc_us, char out[DAY_SIZE])
{
    struct tm parts;
    time_t seconds = (time_t)(utc_us / RW_SECOND_US);
    if (!gmtime_r(&seconds, &parts) || !strftime(out, DAY_SIZE, "%Y-%m-%dT%H:%MZ", &parts))
        snprintf(out, DAY_SIZE, "?");
    return out;
}

static int fail_trust(const struct rw_tls_line *line, const char *host, struct rw_err *err)
{
    const struct verdict *verdict = &line->verdict;
    char digits[RW_FINGERPRINT_SIZE], then[DAY_SIZE], today[DAY_SIZE];
    day((int64_t)time(NULL) * RW_SECOND_US, today);
    switch (verdict->error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return rw_fail(err, RW_EAUTH,
                       "the certificate of %s is for %s; write that into the url, or check_host: "
                       "false if it is your camera",
                       host, verdict->names);
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return rw_fail(err, RW_EAUTH,
                       "the certificate of %s expired at %s (this box's clock: %s); give the "
                       "camera a new one",
                       host, day(verdict->ends_us, then), today);
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return rw_fail(err, RW_EAUTH,
                       "the certificate of %s is valid from %s, and this box's clock says %s; set "
                       "the box's clock, by NTP",
                       host, day(verdict->begins_us, then), today);
    default:
        return rw_fail(err, RW_EAUTH,
                       "the certificate of %s is not trusted (%s); if it is the camera's (SHA-256 "
                       "%.16s...), set ca_file to it or its issuer",
                       host, X509_verify_cert_error_string(verdict->error),
                       rw_certificate_fingerprint(&line->shown, digits));
    }
}

static bool is_old_tls(int reason)
{
    return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION;
}

static bool is_no_tls(int reason)
{
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
           reason == SSL_R_RECORD_LENGTH_MISMATCH || reason == SSL_R_UNEXPECTED_MESSAGE ||
           reason == SSL_R_BAD_RECORD_TYPE;
}

static bool is_end(int reason)
{
    return !reason || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static int fail_handshake(const struct rw_tls_line *line, const struct rw_url *url,
                          struct rw_err *err)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    const char *words = ERR_reason_error_string(error);
    ERR_clear_error();
    if (line->verdict.error != X509_V_OK)
        return fail_trust(line, url->host, err);
    if (is_old_tls(reason))
        return rw_fail(err, RW_ENET,
                       "%s speaks only a TLS older than 1.2; renew the camera's firmware",
                       url->host);
    if (is_no_tls(reason))
        return rw_fail(err, RW_ENET,
                       "%s speaks no TLS on port %s; write rtsp:// or the port of RTSPS", url->host,
                       url->port);
    if (is_end(reason))
        return rw_fail(err, RW_ENET,
                       "%s hangs up on port %s when it is spoken to in TLS; write rtsp:// if it "
                       "speaks none",
                       url->host, url->port);
    return rw_fail(err, RW_ENET, "no TLS with %s (%s); check the camera's TLS settings", url->place,
                   words ? words : "no reason told");
}

static int fail_wait(const struct rw_url *url, const struct rw_err *fault, struct rw_err *err)
{
    if (fault->code == RW_ETIMEOUT)
        return rw_fail(err, RW_ETIMEOUT,
                       "%s does not answer in TLS on port %s; write rtsp:// if it speaks none",
                       url->host, url->port);
    if (err)
        *err = *fault;
    return -1;
}

/* SNI is for names alone (RFC 6066, 3). */
static bool expect_host(SSL *ssl, const char *host, bool check)
{
    unsigned char address[16];
    bool number = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (!number && SSL_set_tlsext_host_name(ssl, host) != 1)
        return false;
    if (!check)
        return true;
    return number ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1
                  : SSL_set1_host(ssl, host) == 1;
}

static int shake_hands(struct rw_tls_line *line, const struct rw_url *url,
                       const struct rw_patience *patience, struct rw_err *err)
{
    struct rw_err fault;
    for (;;) {
        ERR_clear_error();
        int rc = SSL_connect(line->ssl);
        if (rc == 1)
            return 0;
        int why = SSL_get_error(line->ssl, rc);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return fail_handshake(line, url, err);
        if (rw_patience_wait(patience, line->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, -1,
                             &fault) < 0)
            return fail_wait(url, &fault, err);
    }
}

struct rw_tls_line *rw_tls_line_open(struct rw_tls *tls, int fd, const struct rw_url *url,
                                     const struct rw_patience *patience,
                                     struct rw_certificate *shown, struct rw_err *err)
{
    struct rw_tls_line *line = calloc(1, sizeof *line);
    if (!line || !(line->ssl = SSL_new(tls->context)))
        abort();
    BIO *bio = BIO_new(tls->socket);
    if (!bio)
        abort();
    line->fd = fd;
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(line->ssl, bio, bio);
    SSL_set_app_data(line->ssl, line);
    int rc = expect_host(line->ssl, url->host, tls->check_host)
                 ? shake_hands(line, url, patience, err)
                 : rw_fail(err, RW_EINVAL, "no certificate can name %s", url->host);
    if (shown)
        *shown = line->shown;
    if (rc == 0)
        return line;
    rw_tls_line_close(line);
    return NULL;
}

void rw_tls_line_close(struct rw_tls_line *line)
{
    if (!line)
        return;
    SSL_free(line->ssl);
    free(line);
}

/* --- talking --- */

static ssize_t why_none(struct rw_tls_line *line)
{
    int why = SSL_get_error(line->ssl, 0);
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : -2;
}

/* OpenSSL hands out a record at a time, and many cameras make one of each datagram. */
ssize_t rw_tls_line_receive(struct rw_tls_line *line, uint8_t *out, size_t size)
{
    size_t sum = 0, got = 0;
    ERR_clear_error();
    while (sum < size && SSL_read_ex(line->ssl, out + sum, size - sum, &got) == 1)
        sum += got;
    return sum ? (ssize_t)sum : why_none(line);
}

ssize_t rw_tls_line_send(struct rw_tls_line *line, const uint8_t *bytes, size_t size)
{
    size_t sent = 0;
    ERR_clear_error();
    if (SSL_write_ex(line->ssl, bytes, size, &sent) == 1)
        return (ssize_t)sent;
    ssize_t why = why_none(line);
    return why ? why : -2;
}
