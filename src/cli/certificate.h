/* The certificates of a broker's set-up: an authority of its own, and what it signs for the
 * broker. ECDSA P-256, SHA-256; X.509 as in RFC 5280. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum { RW_HOSTS_SIZE = 512 };

/* PEM. Both are the caller's buffers, initialised; wipe the key before it is freed. */
struct rw_certificate {
    struct rw_buf cert, key;
};

void rw_certificate_init(struct rw_certificate *certificate);
void rw_certificate_finish(struct rw_certificate *certificate); /* wipes the key */

/* An authority, for twenty years. name: for the people who are asked whether they trust it. */
int rw_authority_make(const char *name, struct rw_certificate *out, struct rw_err *err);
/* A server's certificate, for ten years, by this authority. hosts: names and addresses, commas
 * between; localhost is always among them. */
int rw_certificate_make(const struct rw_certificate *authority, const char *hosts,
                        struct rw_certificate *out, struct rw_err *err);
/* Is this such a list, shorter than RW_HOSTS_SIZE? */
int rw_hosts_check(const char *hosts, struct rw_err *err);
