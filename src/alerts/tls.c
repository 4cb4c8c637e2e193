#include "alerts/tls.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A key with a password: there is nobody to ask. */
static int no_password(char *out, int size, int for_writing, void *user)
{
    (void)out, (void)size, (void)for_writing, (void)user;
    return 0;
}

static bool readable(const char *path, const char *key, char *why, size_t size)
{
    if (!*path || !access(path, R_OK))
        return true;
    snprintf(why, size, "mqtt.%s: %.80s cannot be read (%s); it must be there for this user", key,
             path, strerror(errno));
    return false;
}

int rw_tls_use(struct mosquitto *client, const struct rw_mqtt_config *mqtt, char *why, size_t size)
{
    if (!*mqtt->ca_file)
        return 0;
    if (!readable(mqtt->ca_file, "ca_file", why, size) ||
        !readable(mqtt->cert_file, "cert_file", why, size) ||
        !readable(mqtt->key_file, "key_file", why, size))
        return -1;
    if (!mosquitto_tls_set(client, mqtt->ca_file, NULL, *mqtt->cert_file ? mqtt->cert_file : NULL,
                           *mqtt->key_file ? mqtt->key_file : NULL, no_password))
        return 0;
    snprintf(why, size, "the TLS files of mqtt cannot be used; check ca_file, cert_file, key_file");
    return -1;
}

/* The first error says most: what follows it are the layers above. */
void rw_tls_heard(struct rw_tls_trouble *trouble, struct mosquitto *client, const char *text)
{
    const char *colon = strrchr(text, ':'); /* "error:0A000086:SSL routines::what it is" */
    const char *reason = colon ? colon + 1 : text;
    reason += strspn(reason, " ");
    if (!*trouble->said)
        snprintf(trouble->said, sizeof trouble->said, "%s", reason);
    trouble->wrong_host |= strstr(text, "host name verification failed") != NULL;
    const SSL *ssl = mosquitto_ssl_get(client);
    if (ssl)
        trouble->verify = SSL_get_verify_result(ssl);
}

/* --- words: what is wrong, and what to do --- */

/* The broker's certificate: "its certificate …". */
static const char *certificate_words(const struct rw_tls_trouble *trouble)
{
    if (trouble->wrong_host)
        return "is for another name; set mqtt.host to a name that stands in it";
    switch (trouble->verify) {
    case X509_V_OK:
        return NULL;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "is not valid yet; set the box's clock";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "has expired; renew it at the broker, or set the box's clock if that is wrong";
    default:
        return "was not signed by the authority in mqtt.ca_file; put that broker's authority there";
    }
}

/* Our own files, as libmosquitto complains of them. */
static const char *file_words(const char *said)
{
    if (strstr(said, "Unable to load CA certificates"))
        return "mqtt.ca_file holds no certificate; it must be the broker's authority, as PEM";
    if (strstr(said, "Unable to load client certificate"))
        return "mqtt.cert_file holds no certificate; it must be this box's, as PEM";
    if (strstr(said, "Unable to load client key") || strstr(said, "inconsistent"))
        return "mqtt.key_file is not the key of mqtt.cert_file, or has a password; it must be "
               "that key, as PEM without a password";
    return NULL;
}

/* What the other side said: "host:port …". OpenSSL's own words are the alerts of RFC 8446. Some
 * refusals are seen as a lost connection alone. */
static const char *remote_words(const char *said, const struct rw_mqtt_config *mqtt)
{
    if (!*mqtt->ca_file)
        return "closed the connection; if it speaks TLS there, set mqtt.ca_file to its authority";
    if (strstr(said, "certificate required") || (!*said && !*mqtt->cert_file))
        return "closed the connection; if it wants a certificate of this box, set mqtt.cert_file "
               "and mqtt.key_file";
    if (!*said ||
        (strstr(said, "alert") && (strstr(said, "certificate") || strstr(said, "unknown ca"))))
        return "closed the connection; an authority that it knows must sign mqtt.cert_file, for a "
               "client";
    if (strstr(said, "wrong version number") || strstr(said, "unexpected eof"))
        return "does not answer in TLS; set mqtt.port to its port for TLS, mostly 8883";
    return NULL;
}

bool rw_tls_words(const struct rw_tls_trouble *trouble, const struct rw_mqtt_config *mqtt,
                  bool lost, char *out, size_t size)
{
    const char *certificate = certificate_words(trouble), *file = file_words(trouble->said);
    const char *remote = remote_words(trouble->said, mqtt);
    if (!lost && !*trouble->said)
        return false;
    if (file)
        snprintf(out, size, "%s", file);
    else if (certificate)
        snprintf(out, size, "the certificate of %.60s:%d %s", mqtt->host, mqtt->port, certificate);
    else if (remote)
        snprintf(out, size, "%.60s:%d %s", mqtt->host, mqtt->port, remote);
    else
        snprintf(out, size, "TLS with %.60s:%d failed (%.80s)", mqtt->host, mqtt->port,
                 trouble->said);
    return true;
}
