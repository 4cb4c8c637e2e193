/* Asks the camera processes: brings them commands, and finds out how they are armed and how they
 * are watched. A door may
 * take half a second to answer, or not answer, so a thread of its own does it. The functions here
 * are the main thread's and never block, except destroy (half a second at most). */
#pragma once

#include "alerts/commands.h"
#include "alerts/payload.h"

struct rw_doors;

/* Borrows config. NULL with *err when there is no thread to be had. */
struct rw_doors *rw_doors_create(const struct rw_config *config, struct rw_err *err);
void rw_doors_destroy(struct rw_doors *doors); /* takes NULL; what was not yet asked is dropped */

/* Passes a command on. What comes of it is logged. */
void rw_doors_command(struct rw_doors *doors, const struct rw_command *command);

/* What a camera told, or that it did not answer: then neither is known. */
struct rw_door_news {
    int camera; /* index */
    struct rw_arming arming;
    struct rw_watch watch;
};

int rw_doors_fd(const struct rw_doors *doors); /* readable: call rw_doors_news() until it says no */
/* False: no more news. */
bool rw_doors_news(struct rw_doors *doors, struct rw_door_news *out);
