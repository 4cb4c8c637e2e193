/* The doors between processes that are not the index: ask the owner, and poke.
 *
 * Ask: a Unix stream socket, one JSON object a line each way, one request a connection. At most
 * RW_DOOR_MAX bytes either way.
 * Poke: an empty datagram that says "look now". A lost poke costs latency, never an alert. */
#pragma once

#include <jansson.h>

#include "base/err.h"

enum { RW_DOOR_MAX = 64 * 1024 };

/* Listens at path, replacing a dead socket there. The descriptor is the caller's, -1 on failure. */
int rw_door_listen(const char *path, struct rw_err *err);
/* Answers one waiting connection: calls answer(arg, request), which returns a new reference (the
 * reply) or NULL for {"error":"unknown request"}. Never blocks longer than a second. */
typedef json_t *(*rw_door_answer)(void *arg, const json_t *request);
void rw_door_serve(int listener, rw_door_answer answer, void *arg);
/* Sends the request and returns the reply (new reference), or NULL with *err. */
json_t *rw_door_ask(const char *path, const json_t *request, int timeout_ms, struct rw_err *err);

int rw_poke_listen(const char *path, struct rw_err *err); /* datagram socket, non-blocking */
void rw_poke_drain(int fd);
void rw_poke(const char *path); /* never blocks, never fails */
