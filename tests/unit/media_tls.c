/* TLS to a camera. The other side is OpenSSL's server in a thread, or no TLS at all. */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "media/rtsp/tls.h"

#define SECOND INT64_C(1000000)
enum { DAY_S = 86400, RECORDS = 100 };

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

/* Who they are, for a name and a time. names: as OpenSSL's subjectAltName, NULL: none. */
static struct identity make_identity(const struct identity *issuer, const char *names,
                                     long begins_s, long ends_s)
{
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509 *x = made.certificate;
    const struct identity *by = issuer ? issuer : &made;
    static int serial;
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    X509_set_version(x, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x), begins_s);
    X509_gmtime_adj(X509_getm_notAfter(x), ends_s);
    X509_set_pubkey(x, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)(issuer ? "Cam\nera" : "Issuer"), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(by->certificate));
    X509_EXTENSION *extra = names ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names)
                                  : X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
                                                        issuer ? "CA:FALSE" : "CA:TRUE");
    assert_non_null(extra);
    X509_add_ext(x, extra, -1);
    X509_EXTENSION_free(extra);
    assert_true(X509_sign(x, by->key, EVP_sha256()) > 0);
    return made;
}

static void drop_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

/* The other side. */
struct peer {
    pthread_t thread;
    int fd;
    const struct identity *identity;
    int newest;        /* version; 0: any */
    const char *plain; /* says this instead, "": hangs up */
    int records;       /* sends so many of one byte, and hangs up */
};

static void serve_tls(const struct peer *peer)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, peer->newest);
    SSL_CTX_use_certificate(context, peer->identity->certificate);
    SSL_CTX_use_PrivateKey(context, peer->identity->key);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, peer->fd);
    if (SSL_accept(ssl) == 1) {
        for (int i = 0; i < peer->records; i++)
            assert_int_equal(SSL_write(ssl, "x", 1), 1);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void *serve(void *arg)
{
    const struct peer *peer = arg;
    char hello[512];
    sigset_t pipe; /* this side's alone: the line must need no such care */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    if (!peer->plain) {
        serve_tls(peer);
    } else {
        assert_true(recv(peer->fd, hello, sizeof hello, 0) > 0);
        send(peer->fd, peer->plain, strlen(peer->plain), MSG_NOSIGNAL);
    }
    shutdown(peer->fd, SHUT_WR);
    while (recv(peer->fd, hello, sizeof hello, 0) > 0)
        ;
    close(peer->fd);
    return NULL;
}

/* Two identities that everybody uses, and a folder. */
struct world {
    char folder[64], file[96];
    struct identity issuer, camera;
    struct rw_certificate shown;
    struct rw_err err;
    int fd;
};

static void write_file(const struct world *world, const struct identity *identity)
{
    FILE *file = fopen(world->file, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, identity->certificate), 1);
    fclose(file);
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){.fd = -1};
    strcpy(world.folder, "/tmp/media_tls.XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    snprintf(world.file, sizeof world.file, "%s/ca.pem", world.folder);
    world.issuer = make_identity(NULL, NULL, -DAY_S, DAY_S);
    world.camera =
        make_identity(&world.issuer, "DNS:gate.example,IP:10.0.0.11,IP:fe80::1", -DAY_S, DAY_S);
    write_file(&world, &world.issuer);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    drop_identity(&world->issuer);
    drop_identity(&world->camera);
    unlink(world->file);
    rmdir(world->folder);
    return 0;
}

/* Speaks to the peer at this url. The line's socket is world->fd. */
static struct rw_tls_line *speak(struct world *world, struct peer *peer, const char *text,
                                 struct rw_tls *tls)
{
    int pair[2];
    struct rw_url url;
    struct rw_patience patience = {.deadline_us = rw_monotonic_us() + 20 * SECOND};
    assert_int_equal(rw_url_parse(text, &url, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    peer->fd = pair[1];
    world->fd = pair[0];
    world->shown = (struct rw_certificate){0};
    world->err = (struct rw_err){0};
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
    return rw_tls_line_open(tls, world->fd, &url, &patience, &world->shown, &world->err);
}

static void hang_up(struct world *world, struct peer *peer, struct rw_tls_line *line)
{
    rw_tls_line_close(line);
    close(world->fd);
    pthread_join(peer->thread, NULL);
}

/* "" or the sentence of the refusal. */
static const char *try(struct world *world, const struct identity *identity, const char *url,
                       bool check_host)
{
    struct peer peer = {.identity = identity};
    struct rw_tls *tls = rw_tls_create(world->file, check_host, &world->err);
    assert_non_null(tls);
    struct rw_tls_line *line = speak(world, &peer, url, tls);
    assert_int_equal(world->err.code, line ? RW_OK : RW_EAUTH);
    assert_true(world->shown.shown);
    hang_up(world, &peer, line);
    rw_tls_destroy(tls);
    return world->err.text;
}

static void expect_words(const char *sentence, const char *words)
{
    if (strstr(sentence, words))
        return;
    fputs(sentence, stderr);
    fputs("\ndoes not say\n", stderr);
    fputs(words, stderr);
    fail();
}

static void a_camera_is_trusted_by_its_issuer_or_by_itself(void **state)
{
    struct world *world = *state;
    struct rw_certificate shown;
    unsigned size = 32;
    uint8_t hash[32];
    char digits[RW_FINGERPRINT_SIZE];
    assert_string_equal(try(world, &world->camera, "rtsps://gate.example/1", true), "");
    shown = world->shown;
    assert_int_equal(X509_digest(world->camera.certificate, EVP_sha256(), hash, &size), 1);
    assert_memory_equal(shown.sha256, hash, sizeof hash);
    assert_int_equal(shown.ends_us - shown.begins_us, 2 * DAY_S * SECOND);
    assert_in_range(shown.ends_us / SECOND, time(NULL) + DAY_S - 60, time(NULL) + DAY_S);
    assert_int_equal(strlen(rw_certificate_fingerprint(&shown, digits)), 64);
    assert_int_equal(strtoul((char[]){digits[0], digits[1], 0}, NULL, 16), hash[0]);
    /* the camera's own certificate, its issuer is nobody's */
    write_file(world, &world->camera);
    assert_string_equal(try(world, &world->camera, "rtsps://gate.example/1", true), "");
    assert_string_equal(try(world, &world->camera, "rtsps://10.0.0.11:322/1", true), "");
    assert_string_equal(try(world, &world->camera, "rtsps://[fe80::1]/1", true), "");
}

static void one_that_nobody_vouches_for_is_refused_and_says_what_it_showed(void **state)
{
    struct world *world = *state;
    char words[64], digits[RW_FINGERPRINT_SIZE];
    struct identity self = make_identity(NULL, "IP:10.0.0.11", -DAY_S, DAY_S);
    const char *said = try(world, &self, "rtsps://10.0.0.11/1", false);
    expect_words(said, "the certificate of 10.0.0.11 is not trusted (self-signed certificate)");
    expect_words(said, "set ca_file to it or its issuer");
    snprintf(words, sizeof words, "SHA-256 %.16s",
             rw_certificate_fingerprint(&world->shown, digits));
    expect_words(said, words);
    assert_true(strlen(said) < 200); /* what fits into a camera's state */
    write_file(world, &self);
    assert_string_equal(try(world, &self, "rtsps://10.0.0.11/1", true), "");
    drop_identity(&self);
}

static void another_host_is_refused_with_the_names_there_are(void **state)
{
    struct world *world = *state;
    const char *said = try(world, &world->camera, "rtsps://10.0.0.12/1", true);
    expect_words(said, "the certificate of 10.0.0.12 is for gate.example, 10.0.0.11, fe80::1;");
    said = try(world, &world->camera, "rtsps://market.example/1", true);
    expect_words(said, "check_host: false");
    assert_string_equal(try(world, &world->camera, "rtsps://10.0.0.12/1", false), "");
    struct identity nameless = make_identity(&world->issuer, NULL, -DAY_S, DAY_S);
    said = try(world, &nameless, "rtsps://10.0.0.12/1", true);
    expect_words(said, "is for Cam?era;"); /* no line end of a stranger's in a sentence */
    drop_identity(&nameless);
}

static void dates_that_are_not_now_are_told_with_the_clock(void **state)
{
    struct world *world = *state;
    char today[32];
    time_t now = time(NULL);
    struct identity old = make_identity(&world->issuer, "IP:10.0.0.11", -2 * DAY_S, -DAY_S);
    struct identity new = make_identity(&world->issuer, "IP:10.0.0.11", DAY_S, 2 * DAY_S);
    strftime(today, sizeof today, "%Y-%m-", gmtime(&now));
    const char *said = try(world, &old, "rtsps://10.0.0.11/1", true);
    expect_words(said, "the certificate of 10.0.0.11 expired at 20");
    expect_words(said, "this box's clock: 20");
    said = try(world, &new, "rtsps://10.0.0.11/1", true);
    expect_words(said, "the certificate of 10.0.0.11 is valid from 20");
    expect_words(said, "this box's clock says ");
    const char *clock = strstr(said, "clock says");
    assert_non_null(clock);
    expect_words(clock, today);
    expect_words(said, "NTP");
    drop_identity(&old);
    drop_identity(&new);
}

static void what_is_no_tls_is_called_so(void **state)
{
    static const struct {
        const char *says, *words;
    } rows[] = {
        {"RTSP/1.0 400 Bad Request\r\n\r\n", "10.0.0.11 speaks no TLS on port 322; write rtsp://"},
        {"", "10.0.0.11 hangs up on port 322 when it is spoken to in TLS"},
    };
    struct world *world = *state;
    struct rw_tls *tls = rw_tls_create(world->file, true, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peer peer = {.plain = rows[i].says};
        assert_null(speak(world, &peer, "rtsps://10.0.0.11/1", tls));
        expect_words(world->err.text, rows[i].words);
        assert_int_equal(world->err.code, RW_ENET);
        assert_false(world->shown.shown);
        hang_up(world, &peer, NULL);
    }
    struct peer old = {.identity = &world->camera, .newest = TLS1_1_VERSION};
    assert_null(speak(world, &old, "rtsps://10.0.0.11/1", tls));
    expect_words(world->err.text, "only a TLS older than 1.2");
    hang_up(world, &old, NULL);
    rw_tls_destroy(tls);
}

static void one_that_says_nothing_is_waited_for_no_longer_than_said(void **state)
{
    struct world *world = *state;
    struct rw_tls *tls = rw_tls_create(world->file, true, NULL);
    struct rw_url url;
    int pair[2];
    assert_int_equal(rw_url_parse("rtsps://10.0.0.11/1", &url, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    int64_t began_us = rw_monotonic_us();
    struct rw_patience patience = {.deadline_us = began_us + SECOND / 4};
    assert_null(rw_tls_line_open(tls, pair[0], &url, &patience, NULL, &world->err));
    assert_int_equal(world->err.code, RW_ETIMEOUT);
    expect_words(world->err.text, "10.0.0.11 does not answer in TLS on port 322");
    assert_true(rw_monotonic_us() - began_us >= SECOND / 4);
    patience = (struct rw_patience){rw_cancel_create(), began_us + 3600 * SECOND};
    rw_cancel_request(patience.cancel);
    assert_null(rw_tls_line_open(tls, pair[0], &url, &patience, NULL, &world->err));
    assert_int_equal(world->err.code, RW_ECANCELED);
    rw_cancel_destroy(patience.cancel);
    rw_tls_destroy(tls);
    close(pair[0]);
    close(pair[1]);
}

static void many_small_records_are_one_read_and_the_end_is_one(void **state)
{
    struct world *world = *state;
    struct rw_tls *tls = rw_tls_create(world->file, true, NULL);
    struct peer peer = {.identity = &world->camera, .records = RECORDS};
    uint8_t bytes[2 * RECORDS];
    struct rw_patience patience = {.deadline_us = rw_monotonic_us() + 20 * SECOND};
    struct rw_tls_line *line = speak(world, &peer, "rtsps://10.0.0.11/1", tls);
    assert_non_null(line);
    assert_int_equal(rw_patience_wait(&patience, world->fd, POLLRDHUP, -1, NULL), 1);
    assert_int_equal(rw_tls_line_receive(line, bytes, 7), 7);
    assert_int_equal(rw_tls_line_receive(line, bytes, sizeof bytes), RECORDS - 7);
    assert_int_equal(rw_tls_line_receive(line, bytes, sizeof bytes), 0);
    assert_int_equal(rw_tls_line_send(line, (const uint8_t *)"TEARDOWN", 8), 8);
    hang_up(world, &peer, line);
    rw_tls_destroy(tls);
}

static void a_file_without_certificates_is_named(void **state)
{
    struct world *world = *state;
    assert_null(rw_tls_create("/dev/null", true, &world->err));
    assert_int_equal(world->err.code, RW_EFORMAT);
    expect_words(world->err.text, "/dev/null holds no certificates");
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(a_camera_is_trusted_by_its_issuer_or_by_itself),
        WORLD(one_that_nobody_vouches_for_is_refused_and_says_what_it_showed),
        WORLD(another_host_is_refused_with_the_names_there_are),
        WORLD(dates_that_are_not_now_are_told_with_the_clock),
        WORLD(what_is_no_tls_is_called_so),
        WORLD(one_that_says_nothing_is_waited_for_no_longer_than_said),
        WORLD(many_small_records_are_one_read_and_the_end_is_one),
        WORLD(a_file_without_certificates_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
