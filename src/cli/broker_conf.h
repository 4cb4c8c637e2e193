/* The texts of mosquitto's own files, for mosquitto 2.0: a broker with TLS and logins, and a bridge
 * to another. */
#pragma once

#include "base/buf.h"

struct rw_broker_conf {
    const char *dir; /* of the certificates, passwords and access list */
    int port;        /* MQTT over TLS */
    int websockets;  /* MQTT over websockets over TLS; 0: none */
};

void rw_broker_conf_write(struct rw_buf *out, const struct rw_broker_conf *conf);

struct rw_bridge_conf {
    const char *ca_file; /* the authority of the commune's broker */
    const char *host;
    int port;
    const char *prefix, *site;       /* the topics' */
    const char *username, *password; /* at the commune */
};

void rw_bridge_conf_write(struct rw_buf *out, const struct rw_bridge_conf *conf);
