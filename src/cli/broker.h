/* roadwatch broker …: a mosquitto broker's set-up for a village or a commune, and its logins. */
#pragma once

#include "cli/broker_place.h"
#include "cli/logins.h"

struct rw_login {
    enum rw_login_kind kind;
    const char *name;
    const char *base; /* its topics: "<prefix>/<site>" or "<prefix>/+" */
    const char *password;
};

/* Into the access list, then into the password file; one of the same name is replaced. */
int rw_login_write(const struct rw_broker_place *place, const struct rw_login *login,
                   struct rw_err *err);

/* The commands; each returns the exit status. */
int rw_broker_setup(const struct rw_arguments *arguments);
int rw_broker_join(const struct rw_arguments *arguments);
