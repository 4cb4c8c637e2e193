/* The addresses of a host, looked up so that it can be given up. */
#pragma once

#include <netdb.h>

#include "media/rtsp/dial.h"

/* TCP addresses of host and port in the order to try them, the caller's until freeaddrinfo(3). NULL
 * with *err: RW_ENET, RW_ECANCELED, RW_ENOMEM. A name that takes longer than there is patience is
 * one that cannot be looked up. */
struct addrinfo *rw_resolve(const struct rw_url *url, const struct rw_patience *patience,
                            struct rw_err *err);
