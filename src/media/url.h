/* rtsp://host:port/path?query in its parts, bounded. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { RW_HOST_SIZE = 256 };

struct rw_url {
    bool tls;
    char host[RW_HOST_SIZE];      /* without brackets */
    char place[RW_HOST_SIZE + 8]; /* "host:port" as written; for sentences */
    char port[6];                 /* "554" where none is written */
    char path[128];               /* without query: may stand in a sentence; cut where longer */
};

/* Checks scheme, host and port; refuses a login inside. */
int rw_url_parse(const char *text, struct rw_url *url, struct rw_err *err);
