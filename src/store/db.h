/* SQLite, opened the one way that a power cut does not hurt: WAL, synchronous=FULL, the WAL kept
 * after a clean close so that a read-only process can open the file. */
#pragma once

#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>

#include "base/disk.h"

enum { RW_DB_BUSY_MS = 5000 }; /* another connection is waited for this long */

/* schema: statements run when the file is opened for writing. */
sqlite3 *rw_db_open(const struct rw_disk *disk, const char *path, bool writable, const char *schema,
                    struct rw_err *err);
void rw_db_close(sqlite3 *db);
int rw_db_exec(sqlite3 *db, const char *sql, struct rw_err *err);
/* A statement with its parameters bound by kinds: i int64_t, t text, b blob and int size. The
 * bound memory must live until rw_db_done(). Step it before another of the same text is asked for.
 * NULL when it failed. */
sqlite3_stmt *rw_db_query(sqlite3 *db, struct rw_err *err, const char *sql, const char *kinds, ...);
/* Takes NULL. The statement lives on, parsed, until the connection is closed. */
void rw_db_done(sqlite3_stmt *query);
/* The same for a statement without rows. */
int rw_db_run(sqlite3 *db, struct rw_err *err, const char *sql, const char *kinds, ...);
/* 1: a row, 0: no more, -1: failed. */
int rw_db_step(sqlite3_stmt *query, struct rw_err *err);
