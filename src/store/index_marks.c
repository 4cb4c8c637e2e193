/* index.db: what is damaged, what is still to be zeroed, where the clock stepped. */
#include <stdio.h>

#include "store/index_db.h"

enum { SECTOR = 512 }; /* what a disk writes wholly or not at all */

int rw_index_put_step(struct rw_index *index, enum rw_stream stream, int slot,
                      const struct rw_record *record, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO steps VALUES(?,?,?,?,?)", "iiiii",
                     (int64_t)stream, (int64_t)record->seq, (int64_t)slot, record->start_us,
                     record->step_us);
}

int rw_index_put_damaged(struct rw_index *index, enum rw_stream stream, uint64_t seq, int slot,
                         int64_t found_us, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR IGNORE INTO damaged VALUES(?,?,?,?)", "iiii",
                     (int64_t)stream, (int64_t)seq, (int64_t)slot, found_us);
}

int rw_index_damaged(struct rw_index *index, enum rw_stream stream,
                     int (*fn)(void *arg, uint64_t seq, int slot), void *arg, struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT seq,slot FROM damaged WHERE stream=? ORDER BY seq", "i",
                    (int64_t)stream);
    int got = query ? 1 : -1, stop = 0;
    while (!stop && got == 1 && (got = rw_db_step(query, err)) == 1)
        stop = fn(arg, (uint64_t)sqlite3_column_int64(query, 0), sqlite3_column_int(query, 1));
    rw_db_done(query);
    return stop || got == 0 ? 0 : -1;
}

int rw_index_put_wipe(struct rw_index *index, const struct rw_wipe *wipe, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO wipes VALUES(?,?,?,?)", "iiii",
                     (int64_t)wipe->stream, (int64_t)wipe->slot, wipe->from, wipe->to);
}

int rw_index_next_wipe(struct rw_index *index, struct rw_wipe *wipe, struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT stream,slot,from_at,to_at FROM wipes LIMIT 1", "");
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1)
        *wipe = (struct rw_wipe){.stream = (enum rw_stream)sqlite3_column_int(query, 0),
                                 .slot = sqlite3_column_int(query, 1),
                                 .from = sqlite3_column_int64(query, 2),
                                 .to = sqlite3_column_int64(query, 3)};
    rw_db_done(query);
    return got;
}

int64_t rw_index_wipe_end(struct rw_index *index, enum rw_stream stream, int slot)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, NULL, "SELECT max(to_at) FROM wipes WHERE stream=? AND slot=?", "ii",
                    (int64_t)stream, (int64_t)slot);
    int64_t end = query && rw_db_step(query, NULL) == 1 ? sqlite3_column_int64(query, 0) : 0;
    rw_db_done(query);
    return end;
}

int rw_index_drop_wipe(struct rw_index *index, const struct rw_wipe *wipe, struct rw_err *err)
{
    return rw_db_run(index->db, err, "DELETE FROM wipes WHERE stream=? AND slot=? AND from_at=?",
                     "iii", (int64_t)wipe->stream, (int64_t)wipe->slot, wipe->from);
}

int rw_index_forget_well(struct rw_index *index, struct rw_err *err)
{
    return rw_db_exec(index->db, "PRAGMA secure_delete=ON", err);
}

/* After a checkpoint that nobody reads beside, no frame of the WAL is needed: readers and the next
 * writer know that from the shared index, and a cut leaves a WAL without a valid header, which is
 * an empty one. https://www.sqlite.org/walformat.html#the_checkpoint_algorithm
 * SQLite keeps no lock on a WAL: closing another descriptor of it drops none. */
int rw_index_empty_wal(struct rw_index *index, const struct rw_disk *disk, struct rw_err *err)
{
    sqlite3_busy_timeout(index->db, 0); /* pictures come while a reader is waited for */
    sqlite3_stmt *query = rw_db_query(index->db, err, "PRAGMA wal_checkpoint(RESTART)", "");
    int got = query ? rw_db_step(query, err) : -1;
    bool busy = got == 1 && sqlite3_column_int(query, 0);
    rw_db_done(query);
    sqlite3_busy_timeout(index->db, RW_DB_BUSY_MS);
    if (got < 0)
        return -1;
    if (busy)
        return rw_fail(err, RW_EBUSY, "the index is being read");
    char path[700];
    snprintf(path, sizeof path, "%s-wal", sqlite3_db_filename(index->db, "main"));
    if (!disk->exists(disk->self, path))
        return 0;
    /* The header's sector first: of a WAL that is zeroed in part a cut would leave old pages that
     * count, and that the file has newer ones of. */
    return rw_disk_zero(disk, path, 0, SECTOR, err) || rw_disk_zero(disk, path, SECTOR, -1, err)
               ? -1
               : 0;
}
