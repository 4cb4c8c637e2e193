/* Small files, whole, on the system's disk: disk.h has the same for any disk. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads at most max bytes; a larger file is an error. A NUL stands behind the bytes. */
int rw_file_read(const char *path, size_t max, struct rw_buf *out, struct rw_err *err);
/* Writes path.new and renames it: a reader sees the old file or the new one. durable: synced. */
int rw_file_replace(const char *path, const void *bytes, size_t size, int durable,
                    struct rw_err *err);
/* mkdir -p, mode 0750. */
int rw_make_path(const char *path, struct rw_err *err);

/* An advisory lock that dies with the process (open file description lock).
 * The descriptor is the caller's; closing it unlocks. -1 with RW_EBUSY when somebody holds it. */
int rw_lock_take(const char *path, struct rw_err *err);
int rw_lock_held(const char *path); /* 1: somebody holds it, 0: nobody or no such file */
