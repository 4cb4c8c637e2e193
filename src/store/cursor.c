#include "store/cursor.h"

#include <stdlib.h>

#include "store/db.h"

struct rw_cursors {
    sqlite3 *db;
};

struct rw_cursors *rw_cursors_open(const char *path, struct rw_err *err)
{
    sqlite3 *db = rw_db_open(rw_disk_system(), path, true,
                             "CREATE TABLE IF NOT EXISTS cursors"
                             "(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
                             err);
    if (!db)
        return NULL;
    struct rw_cursors *cursors = calloc(1, sizeof *cursors);
    if (!cursors)
        abort();
    cursors->db = db;
    return cursors;
}

void rw_cursors_close(struct rw_cursors *cursors)
{
    if (!cursors)
        return;
    rw_db_close(cursors->db);
    free(cursors);
}

int64_t rw_cursors_get(struct rw_cursors *cursors, const char *name)
{
    int64_t value = 0;
    sqlite3_stmt *query =
        rw_db_query(cursors->db, NULL, "SELECT value FROM cursors WHERE name=?", "t", name);
    if (query && rw_db_step(query, NULL) == 1)
        value = sqlite3_column_int64(query, 0);
    rw_db_done(query);
    return value;
}

int rw_cursors_keep(struct rw_cursors *cursors, const struct rw_cursor *rows, int count,
                    struct rw_err *err)
{
    if (rw_db_exec(cursors->db, "BEGIN IMMEDIATE", err))
        return -1;
    int failed = 0;
    for (int i = 0; i < count && !failed; i++)
        failed =
            rw_db_run(cursors->db, err,
                      "INSERT INTO cursors VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=?2",
                      "ti", rows[i].name, rows[i].value);
    if (!failed)
        failed = rw_db_exec(cursors->db, "COMMIT", err);
    if (failed)
        rw_db_exec(cursors->db, "ROLLBACK", NULL);
    return failed;
}
