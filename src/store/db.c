#include "store/db.h"

#include <stdint.h>
#include <string.h>

static int fail(sqlite3 *db, const char *doing, struct rw_err *err)
{
    int code = sqlite3_errcode(db);
    enum rw_code kind = RW_EIO;
    if (code == SQLITE_FULL)
        kind = RW_ENOSPC;
    else if (code == SQLITE_READONLY)
        kind = RW_EROFS;
    else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        kind = RW_EBUSY;
    else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR)
        kind = RW_EFORMAT;
    else if (code == SQLITE_CANTOPEN)
        kind = RW_ENOTFOUND;
    const char *path = sqlite3_db_filename(db, "main");
    return rw_fail(err, kind, "%s %s failed (%s)", doing, path ? path : "the database",
                   sqlite3_errmsg(db));
}

sqlite3 *rw_db_open(const struct rw_disk *disk, const char *path, bool writable, const char *schema,
                    struct rw_err *err)
{
    sqlite3 *db = NULL;
    int flags = writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, disk->vfs) != SQLITE_OK) {
        if (db)
            fail(db, "opening", err);
        else
            rw_fail(err, RW_ENOMEM, "no memory to open %s", path);
        sqlite3_close(db);
        return NULL;
    }
    sqlite3_busy_timeout(db, RW_DB_BUSY_MS);
    int keep = 1;
    sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    /* A role in its sandbox has no folder for temporary files. */
    if (rw_db_exec(db, "PRAGMA temp_store=MEMORY", err)) {
        rw_db_close(db);
        return NULL;
    }
    if (writable && (rw_db_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", err) ||
                     rw_db_exec(db, schema, err))) {
        rw_db_close(db);
        return NULL;
    }
    return db;
}

void rw_db_close(sqlite3 *db)
{
    sqlite3_stmt *query;
    while (db && (query = sqlite3_next_stmt(db, NULL)))
        sqlite3_finalize(query);
    sqlite3_close(db);
}

void rw_db_done(sqlite3_stmt *query)
{
    if (!query)
        return;
    sqlite3_reset(query);
    sqlite3_clear_bindings(query); /* their memory is the caller's */
}

int rw_db_exec(sqlite3 *db, const char *sql, struct rw_err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, "writing", err);
}

/* A statement that rw_db_done() has left for the next time. The connection itself knows them all:
 * parsing costs more than running most of them. */
static sqlite3_stmt *find_idle(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *query = NULL;
    while ((query = sqlite3_next_stmt(db, query)))
        if (!sqlite3_stmt_busy(query) && !strcmp(sqlite3_sql(query), sql))
            return query;
    return NULL;
}

static sqlite3_stmt *prepare(sqlite3 *db, struct rw_err *err, const char *sql, const char *kinds,
                             va_list args)
{
    sqlite3_stmt *query = find_idle(db, sql);
    if (!query &&
        sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &query, NULL) != SQLITE_OK) {
        fail(db, "reading", err);
        return NULL;
    }
    for (int i = 1; *kinds; kinds++, i++) {
        if (*kinds == 'i') {
            sqlite3_bind_int64(query, i, va_arg(args, int64_t));
        } else if (*kinds == 't') {
            sqlite3_bind_text(query, i, va_arg(args, const char *), -1, SQLITE_STATIC);
        } else {
            const void *bytes = va_arg(args, const void *);
            sqlite3_bind_blob(query, i, bytes, va_arg(args, int), SQLITE_STATIC);
        }
    }
    return query;
}

sqlite3_stmt *rw_db_query(sqlite3 *db, struct rw_err *err, const char *sql, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    sqlite3_stmt *query = prepare(db, err, sql, kinds, args);
    va_end(args);
    return query;
}

int rw_db_run(sqlite3 *db, struct rw_err *err, const char *sql, const char *kinds, ...)
{
    va_list args;
    va_start(args, kinds);
    sqlite3_stmt *query = prepare(db, err, sql, kinds, args);
    va_end(args);
    if (!query)
        return -1;
    int failed = rw_db_step(query, err) < 0;
    rw_db_done(query);
    return failed ? -1 : 0;
}

int rw_db_step(sqlite3_stmt *query, struct rw_err *err)
{
    switch (sqlite3_step(query)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return fail(sqlite3_db_handle(query), sqlite3_stmt_readonly(query) ? "reading" : "writing",
                    err);
    }
}
