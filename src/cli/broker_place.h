/* Where a mosquitto broker's set-up lies, and the files in it.
 *
 *     <dir>/conf.d/roadwatch.conf, roadwatch-bridge.conf     mosquitto's own
 *     <dir>/roadwatch/ca.crt, ca.key, server.crt, server.key, passwords, acl, commune.crt
 *     <dir>/roadwatch/setup.json                              what was asked for */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/certificate.h"
#include "cli/cli.h"

struct rw_broker_place {
    char dir[PATH_MAX / 4];    /* mosquitto's */
    char folder[PATH_MAX / 2]; /* <dir>/roadwatch */
    char prefix[64];
    char site[40];             /* "": a commune's, for many sites */
    char hosts[RW_HOSTS_SIZE]; /* by which phones and bridges reach it, commas between */
    int port, websockets;
};

/* Who may read a file. */
enum rw_readable {
    RW_FOR_ALL,
    RW_FOR_BROKER,  /* root and mosquitto's group */
    RW_FOR_SERVICE, /* the user roadwatch alone, where there is one */
    RW_FOR_ROOT,
};

/* Fills in the folders from --dir. 0, or the exit status after a complaint. */
int rw_broker_find(struct rw_broker_place *place, const struct rw_arguments *arguments);
/* The first of hosts. */
const char *rw_broker_host(const struct rw_broker_place *place, char out[RW_HOSTS_SIZE]);
/* And the rest from setup.json. */
int rw_broker_read(struct rw_broker_place *place, struct rw_err *err);
int rw_broker_keep(const struct rw_broker_place *place, struct rw_err *err);

/* "<folder>/<name>" */
const char *rw_broker_path(const struct rw_broker_place *place, const char *name,
                           char out[PATH_MAX]);
/* A file of the folder; out is the caller's. */
int rw_broker_load(const struct rw_broker_place *place, const char *name, struct rw_buf *out,
                   struct rw_err *err);
/* Any file, whole or not at all, synced; one that is there is replaced. */
int rw_broker_write(const char *path, const struct rw_buf *text, enum rw_readable who,
                    struct rw_err *err);
