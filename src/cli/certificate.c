#include "cli/certificate.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

enum {
    AUTHORITY_DAYS = 20 * 365,
    SERVER_DAYS = 10 * 365,
    EARLIER_S = 86400, /* valid since then: a phone's clock may be behind */
    SERIAL_BITS = 127,
    HOST_SIZE = RW_HOSTS_SIZE,
};

void rw_certificate_init(struct rw_certificate *certificate)
{
    rw_buf_init(&certificate->cert);
    rw_buf_init(&certificate->key);
}

void rw_certificate_finish(struct rw_certificate *certificate)
{
    rw_buf_finish(&certificate->cert);
    if (certificate->key.data)
        explicit_bzero(certificate->key.data, certificate->key.size);
    rw_buf_finish(&certificate->key);
}

static int fail(struct rw_err *err, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_get_error());
    return rw_fail(err, RW_EFORMAT, "%s (%s)", what, why ? why : "no reason given");
}

/* --- names --- */

static bool is_address(const char *host)
{
    unsigned char ignored[16];
    return inet_pton(AF_INET, host, ignored) == 1 || inet_pton(AF_INET6, host, ignored) == 1;
}

static bool is_name(const char *host)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    return *host && *host != '-' && *host != '.' && !host[strspn(host, letters)];
}

/* The next of the list, or NULL. *rest: behind it. */
static const char *next_host(const char **rest, char out[HOST_SIZE])
{
    if (!**rest)
        return NULL;
    size_t length = strcspn(*rest, ",");
    snprintf(out, HOST_SIZE, "%.*s", (int)length, *rest);
    *rest += length + ((*rest)[length] == ',');
    return out;
}

int rw_hosts_check(const char *hosts, struct rw_err *err)
{
    char host[HOST_SIZE];
    if (!*hosts || strlen(hosts) >= RW_HOSTS_SIZE)
        return rw_fail(err, RW_EINVAL, "names one host or some, with commas between");
    while (next_host(&hosts, host))
        if (!is_name(host) && !is_address(host))
            return rw_fail(err, RW_EINVAL, "\"%.60s\" is no host's name and no address", host);
    return 0;
}

/* As the extension's text: "DNS:localhost,IP:127.0.0.1,…" */
static void alternative_names(struct rw_buf *out, const char *hosts)
{
    char host[HOST_SIZE];
    rw_buf_printf(out, "DNS:localhost,IP:127.0.0.1,IP:::1");
    while (next_host(&hosts, host))
        rw_buf_printf(out, ",%s:%s", is_address(host) ? "IP" : "DNS", host);
}

/* --- certificates --- */

static bool set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool good = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return good;
}

/* Version, number, name, key and time; without an issuer and unsigned. NULL: no memory. */
static X509 *blank(const char *name, EVP_PKEY *key, int days)
{
    X509 *cert = X509_new();
    if (cert && X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
        X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) &&
        X509_gmtime_adj(X509_getm_notBefore(cert), -EARLIER_S) &&
        X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) && X509_set_pubkey(cert, key))
        return cert;
    X509_free(cert);
    return NULL;
}

static bool extend(X509 *cert, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool good = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return good;
}

static bool write_pem(X509 *cert, EVP_PKEY *key, struct rw_certificate *out)
{
    BIO *certs = BIO_new(BIO_s_mem()), *keys = BIO_new(BIO_s_secmem());
    char *text;
    bool good = certs && keys && PEM_write_bio_X509(certs, cert) &&
                PEM_write_bio_PKCS8PrivateKey(keys, key, NULL, NULL, 0, NULL, NULL);
    if (good) {
        long size = BIO_get_mem_data(certs, &text);
        rw_buf_add(&out->cert, text, (size_t)size);
        size = BIO_get_mem_data(keys, &text);
        rw_buf_add(&out->key, text, (size_t)size);
    }
    BIO_free(certs);
    BIO_free(keys);
    return good;
}

int rw_authority_make(const char *name, struct rw_certificate *out, struct rw_err *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? blank(name, key, AUTHORITY_DAYS) : NULL;
    bool good = cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
                extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                extend(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                extend(cert, cert, NID_subject_key_identifier, "hash") &&
                X509_sign(cert, key, EVP_sha256()) && write_pem(cert, key, out);
    X509_free(cert);
    EVP_PKEY_free(key);
    return good ? 0 : fail(err, "the authority's certificate cannot be made");
}

static X509 *read_cert(const struct rw_buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->size);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return cert;
}

/* A key without a password: nobody is asked for one. */
static EVP_PKEY *read_key(const struct rw_buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->size);
    char none[] = "";
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, none) : NULL;
    BIO_free(bio);
    return key;
}

static bool make_server(X509 *issuer, EVP_PKEY *issuer_key, const char *names,
                        struct rw_certificate *out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key ? blank("Roadwatch broker", key, SERVER_DAYS) : NULL;
    bool good = cert && X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
                extend(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                extend(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
                extend(cert, issuer, NID_ext_key_usage, "serverAuth") &&
                extend(cert, issuer, NID_subject_key_identifier, "hash") &&
                extend(cert, issuer, NID_authority_key_identifier, "keyid") &&
                extend(cert, issuer, NID_subject_alt_name, names) &&
                X509_sign(cert, issuer_key, EVP_sha256()) && write_pem(cert, key, out);
    X509_free(cert);
    EVP_PKEY_free(key);
    return good;
}

int rw_certificate_make(const struct rw_certificate *authority, const char *hosts,
                        struct rw_certificate *out, struct rw_err *err)
{
    struct rw_buf names;
    rw_buf_init(&names);
    alternative_names(&names, hosts);
    X509 *issuer = read_cert(&authority->cert);
    EVP_PKEY *issuer_key = read_key(&authority->key);
    int status = 0;
    if (!issuer || !issuer_key || X509_check_private_key(issuer, issuer_key) != 1)
        status = fail(err, "the authority's certificate and its key do not fit");
    else if (!make_server(issuer, issuer_key, (const char *)names.data, out))
        status = fail(err, "the broker's certificate cannot be made");
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
    rw_buf_finish(&names);
    return status;
}
