/* alerts.db: how far each camera's events have been told. SQLite, WAL, synchronous=FULL. */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct rw_cursors;
struct rw_cursors *rw_cursors_open(const char *path, struct rw_err *err);
void rw_cursors_close(struct rw_cursors *cursors);
int64_t rw_cursors_get(struct rw_cursors *cursors, const char *name); /* 0 when never set */

struct rw_cursor {
    const char *name;
    int64_t value;
};
/* All of them or none; durable on return. */
int rw_cursors_keep(struct rw_cursors *cursors, const struct rw_cursor *rows, int count,
                    struct rw_err *err);
