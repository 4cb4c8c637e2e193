/* The encrypted link to the broker: its files, and what to do when it fails. */
#pragma once

#include <mosquitto.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/* What the libraries let be heard of one connection's failure. */
struct rw_tls_trouble {
    char said[160];  /* the last error, "" : none */
    long verify;     /* X509_V_… of the broker's certificate */
    bool wrong_host; /* its certificate is for another host */
};

/* Hands the client its files. -1 with one sentence in why, when one cannot be used. Without
 * ca_file: no TLS, and nothing to do. */
int rw_tls_use(struct mosquitto *client, const struct rw_mqtt_config *mqtt, char *why, size_t size);
/* An error that the client logs, told from its log callback. */
void rw_tls_heard(struct rw_tls_trouble *trouble, struct mosquitto *client, const char *text);
/* True: the connection failed because of TLS, and out says why and what to do, in one sentence.
 * lost: the other side closed it. */
bool rw_tls_words(const struct rw_tls_trouble *trouble, const struct rw_mqtt_config *mqtt,
                  bool lost, char *out, size_t size);
