/* index.db: the file, transactions, rings and chunks, words and state. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/index_db.h"

/* In one transaction: a reader sees all of it or nothing. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS rings(stream INTEGER PRIMARY KEY, ring BLOB NOT NULL,"
    " born_us INTEGER NOT NULL, open_slot INTEGER NOT NULL, last_seq INTEGER NOT NULL,"
    " deleted_us INTEGER NOT NULL, aged_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS chunks(stream INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, offset INTEGER NOT NULL, start_us INTEGER NOT NULL,"
    " end_us INTEGER NOT NULL, count INTEGER NOT NULL, span INTEGER NOT NULL,"
    " boot INTEGER NOT NULL, boot_us INTEGER NOT NULL, unverified INTEGER NOT NULL,"
    " shift_us INTEGER NOT NULL, entries BLOB NOT NULL, PRIMARY KEY(stream, first_seq));"
    "CREATE INDEX IF NOT EXISTS chunks_by_time ON chunks(stream, start_us);"
    "CREATE INDEX IF NOT EXISTS chunks_by_slot ON chunks(stream, slot);"
    "CREATE INDEX IF NOT EXISTS chunks_unverified ON chunks(stream, boot) WHERE unverified;"
    "CREATE TABLE IF NOT EXISTS steps(stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, at_us INTEGER NOT NULL, step_us INTEGER NOT NULL,"
    " PRIMARY KEY(stream, seq)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS damaged(stream INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, found_us INTEGER NOT NULL, PRIMARY KEY(stream, seq)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS wipes(stream INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, PRIMARY KEY(stream, slot, from_at))"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS events(id TEXT PRIMARY KEY, revision INTEGER NOT NULL UNIQUE,"
    " start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, in_ring INTEGER NOT NULL,"
    " record TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_by_start ON events(start_us);"
    "CREATE TABLE IF NOT EXISTS pictures(id TEXT PRIMARY KEY, jpeg BLOB NOT NULL,"
    " thumbnail BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY CHECK(one=1), state TEXT NOT NULL,"
    " since_us INTEGER NOT NULL, reason TEXT NOT NULL);"
    "INSERT OR IGNORE INTO meta VALUES('format', 2);"
    "COMMIT;";

static struct rw_index *open_index(const struct rw_disk *disk, const char *path, bool writable,
                                   struct rw_err *err)
{
    sqlite3 *db = rw_db_open(disk, path, writable, schema, err);
    if (!db)
        return NULL;
    struct rw_index *index = calloc(1, sizeof *index);
    if (!index)
        abort();
    index->db = db;
    int64_t format;
    struct rw_err why = {0};
    rw_index_read_meta(index, "format", &format, &why);
    if (format == 2)
        return index;
    if (why.code && why.code != RW_EFORMAT) /* an empty file: there is no such table */
        rw_fail(err, why.code, "%s", why.text);
    else if (!format && !writable)
        rw_fail(err, RW_ENOTFOUND, "nothing has been recorded in %s yet", path);
    else
        rw_fail(err, RW_EFORMAT, "%s is not an index that this version of the program reads", path);
    rw_index_close(index);
    return NULL;
}

struct rw_index *rw_index_create(const struct rw_disk *disk, const char *path, struct rw_err *err)
{
    return open_index(disk, path, true, err);
}

struct rw_index *rw_index_open(const struct rw_disk *disk, const char *path, struct rw_err *err)
{
    return open_index(disk, path, false, err);
}

void rw_index_close(struct rw_index *index)
{
    if (!index)
        return;
    rw_db_close(index->db);
    free(index);
}

/* The index itself, its WAL, and the WAL's own index. */
static const char *const file_ends[] = {"", "-wal", "-shm"};
enum { FILES = sizeof file_ends / sizeof *file_ends };

/* From this one of them on. wipe: what cannot be zeroed stays. */
static void remove_files(const struct rw_disk *disk, const char *path, int first, bool wipe)
{
    for (int i = first; i < FILES; i++) {
        char name[640];
        snprintf(name, sizeof name, "%s%s", path, file_ends[i]);
        if (!wipe || (disk->exists(disk->self, name) && !rw_disk_zero(disk, name, 0, -1, NULL)))
            disk->unlink(disk->self, name);
    }
}

void rw_index_remove(const struct rw_disk *disk, const char *path, bool wipe)
{
    remove_files(disk, path, 0, wipe);
}

/* Zeroes what only this descriptor still knows, and closes it. */
static void wipe_nameless(const struct rw_disk *disk, int fd)
{
    if (fd < 0)
        return;
    rw_disk_write_zeros(disk, fd, 0, -1);
    disk->fdatasync(disk->self, fd);
    disk->close(disk->self, fd);
}

/* The WAL of the old one must not be read into the new one: it goes into the old file first, so
 * that at every moment one of them is whole under this name. */
int rw_index_replace(const struct rw_disk *disk, const char *dir, const char *fresh,
                     const char *path, struct rw_err *err)
{
    int old = disk->open(disk->self, path, O_RDWR, 0);
    struct rw_index *index = old < 0 ? NULL : rw_index_create(disk, path, NULL);
    if (index)
        rw_index_empty_wal(index, disk, NULL);
    rw_index_close(index);
    remove_files(disk, path, 1, true);
    int failed = disk->sync_dir(disk->self, dir) || disk->rename(disk->self, fresh, path) ||
                 disk->sync_dir(disk->self, dir);
    if (failed)
        rw_fail(err, RW_EIO, "%s cannot be put in place (%s)", path, strerror(errno));
    if (failed && old >= 0)
        disk->close(disk->self, old);
    else
        wipe_nameless(disk, old);
    return failed ? -1 : 0;
}

void rw_index_rename(const struct rw_disk *disk, const char *from, const char *to)
{
    for (int i = 0; i < FILES; i++) {
        char old[640], fresh[640];
        snprintf(old, sizeof old, "%s%s", from, file_ends[i]);
        snprintf(fresh, sizeof fresh, "%s%s", to, file_ends[i]);
        disk->rename(disk->self, old, fresh);
    }
}

int rw_index_begin(struct rw_index *index, struct rw_err *err)
{
    return rw_db_exec(index->db, "BEGIN IMMEDIATE", err);
}

int rw_index_commit(struct rw_index *index, struct rw_err *err)
{
    if (sqlite3_get_autocommit(index->db))
        return rw_fail(err, RW_EIO, "the index has taken the transaction back");
    if (!rw_db_exec(index->db, "COMMIT", err))
        return 0;
    rw_index_rollback(index);
    return -1;
}

/* A checkpoint cuts the file to whole chunks: one chunk is all of it. */
void rw_index_reserve(struct rw_index *index, int64_t bytes)
{
    int chunk = bytes < INT32_MAX ? (int)bytes : INT32_MAX;
    sqlite3_file_control(index->db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
    sqlite3_file_control(index->db, "main", SQLITE_FCNTL_SIZE_HINT, &bytes);
}

int rw_index_settle(struct rw_index *index, struct rw_err *err)
{
    return rw_db_exec(index->db, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

void rw_index_rollback(struct rw_index *index)
{
    if (!sqlite3_get_autocommit(index->db))
        rw_db_exec(index->db, "ROLLBACK", NULL);
}

int rw_index_end(struct rw_index *index, int failed, struct rw_err *err)
{
    if (!failed)
        return rw_index_commit(index, err);
    rw_index_rollback(index);
    return -1;
}

int rw_index_get_ring(struct rw_index *index, enum rw_stream stream, struct rw_ring_row *row,
                      struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(
        index->db, err,
        "SELECT ring,born_us,open_slot,last_seq,deleted_us,aged_us FROM rings WHERE stream=?", "i",
        (int64_t)stream);
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        *row = (struct rw_ring_row){.born_us = sqlite3_column_int64(query, 1),
                                    .open_slot = sqlite3_column_int(query, 2),
                                    .last_seq = (uint64_t)sqlite3_column_int64(query, 3),
                                    .deleted_us = sqlite3_column_int64(query, 4),
                                    .aged_us = sqlite3_column_int64(query, 5)};
        if (sqlite3_column_bytes(query, 0) == 16)
            memcpy(row->ring, sqlite3_column_blob(query, 0), 16);
    }
    rw_db_done(query);
    return got;
}

int rw_index_put_ring(struct rw_index *index, enum rw_stream stream, const struct rw_ring_row *row,
                      struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO rings VALUES(?,?,?,?,?,?,?)",
                     "ibiiiii", (int64_t)stream, row->ring, 16, row->born_us,
                     (int64_t)row->open_slot, (int64_t)row->last_seq, row->deleted_us,
                     row->aged_us);
}

int rw_index_put_chunk(struct rw_index *index, const struct rw_chunk *chunk, struct rw_err *err)
{
    return rw_db_run(
        index->db, err, "INSERT OR REPLACE INTO chunks VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
        "iiiiiiiiiiiib", (int64_t)chunk->stream, (int64_t)chunk->first_seq, (int64_t)chunk->slot,
        chunk->offset, chunk->start_us, chunk->end_us, (int64_t)chunk->count, chunk->span,
        (int64_t)chunk->boot, chunk->boot_us, (int64_t)chunk->unverified, chunk->shift_us,
        chunk->entries.data, (int)chunk->entries.size);
}

int rw_index_add_record(struct rw_index *index, struct rw_chunk *chunk, int slot,
                        const struct rw_record *record, int64_t offset, struct rw_err *err)
{
    if (rw_chunk_add(chunk, slot, record, offset))
        return 0;
    enum rw_stream stream = chunk->stream;
    if (rw_index_put_chunk(index, chunk, err))
        return -1;
    rw_chunk_finish(chunk);
    rw_chunk_init(chunk, stream);
    rw_chunk_add(chunk, slot, record, offset);
    return 0;
}

/* Of all tables that tell of what is in slots. which: " AND slot=?", or "" for the whole stream. */
static int drop_rows(struct rw_index *index, const char *which, enum rw_stream stream, int slot,
                     struct rw_err *err)
{
    static const char *const tables[] = {"chunks", "damaged", "steps", "wipes"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[80];
        snprintf(sql, sizeof sql, "DELETE FROM %s WHERE stream=?%s", tables[i], which);
        if (rw_db_run(index->db, err, sql, *which ? "ii" : "i", (int64_t)stream, (int64_t)slot))
            return -1;
    }
    return 0;
}

int rw_index_drop_slot(struct rw_index *index, enum rw_stream stream, int slot, struct rw_err *err)
{
    return drop_rows(index, " AND slot=?", stream, slot, err);
}

int rw_index_drop_stream(struct rw_index *index, enum rw_stream stream, struct rw_err *err)
{
    return drop_rows(index, "", stream, 0, err);
}

int rw_index_drop_chunk(struct rw_index *index, const struct rw_chunk *chunk, struct rw_err *err)
{
    return rw_db_run(index->db, err, "DELETE FROM chunks WHERE stream=? AND first_seq=?", "ii",
                     (int64_t)chunk->stream, (int64_t)chunk->first_seq);
}

static void read_chunk(sqlite3_stmt *query, enum rw_stream stream, struct rw_chunk *chunk)
{
    *chunk = (struct rw_chunk){
        .stream = stream,
        .first_seq = (uint64_t)sqlite3_column_int64(query, 0),
        .slot = sqlite3_column_int(query, 1),
        .offset = sqlite3_column_int64(query, 2),
        .start_us = sqlite3_column_int64(query, 3),
        .end_us = sqlite3_column_int64(query, 4),
        .count = sqlite3_column_int(query, 5),
        .span = sqlite3_column_int64(query, 6),
        .boot = (uint64_t)sqlite3_column_int64(query, 7),
        .boot_us = sqlite3_column_int64(query, 8),
        .unverified = sqlite3_column_int(query, 9),
        .shift_us = sqlite3_column_int64(query, 10),
    };
    /* borrowed from the statement until the next step; fn only reads it */
    chunk->entries.data = (uint8_t *)(uintptr_t)sqlite3_column_blob(query, 11);
    chunk->entries.size = (size_t)sqlite3_column_bytes(query, 11);
}

#define CHUNK_COLUMNS                                                                              \
    "first_seq,slot,offset,start_us,end_us,count,span,boot,boot_us,unverified,shift_us,entries "   \
    "FROM chunks "

/* Finalizes the query. */
static int each_chunk(sqlite3_stmt *query, enum rw_stream stream,
                      int (*fn)(void *arg, const struct rw_chunk *chunk), void *arg,
                      struct rw_err *err)
{
    if (!query)
        return -1;
    int got = 0, stop = 0;
    while (!stop && (got = rw_db_step(query, err)) == 1) {
        struct rw_chunk chunk;
        read_chunk(query, stream, &chunk);
        stop = fn(arg, &chunk);
    }
    rw_db_done(query);
    return stop || got == 0 ? 0 : -1;
}

int rw_index_chunks(struct rw_index *index, enum rw_stream stream, int slot, int64_t from_us,
                    int64_t to_us, int (*fn)(void *arg, const struct rw_chunk *chunk), void *arg,
                    struct rw_err *err)
{
    if (slot >= 0)
        return each_chunk(rw_db_query(index->db, err,
                                      "SELECT " CHUNK_COLUMNS
                                      "WHERE stream=? AND slot=? ORDER BY first_seq",
                                      "ii", (int64_t)stream, (int64_t)slot),
                          stream, fn, arg, err);
    return each_chunk(rw_db_query(index->db, err,
                                  "SELECT " CHUNK_COLUMNS "WHERE stream=?1 AND start_us>=?2 AND "
                                  "start_us<?4 AND end_us>?3 ORDER BY first_seq",
                                  "iiii", (int64_t)stream, from_us - RW_CHUNK_US, from_us, to_us),
                      stream, fn, arg, err);
}

int rw_index_chunks_to_next(struct rw_index *index, enum rw_stream stream, int64_t from_us,
                            int64_t to_us, int (*fn)(void *arg, const struct rw_chunk *chunk),
                            void *arg, struct rw_err *err)
{
    return each_chunk(
        rw_db_query(index->db, err,
                    "SELECT " CHUNK_COLUMNS "WHERE stream=?1 AND start_us>=?2 AND "
                    "start_us<?4 AND end_us>?3 UNION ALL SELECT * FROM (SELECT " CHUNK_COLUMNS
                    "WHERE stream=?1 AND start_us>=?4 AND end_us>0 "
                    "ORDER BY start_us LIMIT 1) ORDER BY first_seq",
                    "iiii", (int64_t)stream, from_us - RW_CHUNK_US, from_us, to_us),
        stream, fn, arg, err);
}

int rw_index_slots(struct rw_index *index, enum rw_stream stream,
                   void (*fn)(void *arg, int slot, uint64_t last_seq), void *arg,
                   struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err,
                    "SELECT slot,max(first_seq+count-1) FROM chunks WHERE stream=? GROUP BY slot",
                    "i", (int64_t)stream);
    int got = query ? 1 : -1;
    while (got == 1 && (got = rw_db_step(query, err)) == 1)
        fn(arg, sqlite3_column_int(query, 0), (uint64_t)sqlite3_column_int64(query, 1));
    rw_db_done(query);
    return got;
}

int64_t rw_index_first_seq(struct rw_index *index, enum rw_stream stream, int slot,
                           struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT min(first_seq) FROM chunks WHERE stream=? AND slot=?",
                    "ii", (int64_t)stream, (int64_t)slot);
    int got = query ? rw_db_step(query, err) : -1;
    int64_t seq = got == 1 ? sqlite3_column_int64(query, 0) : got;
    rw_db_done(query);
    return seq;
}

int rw_index_slots_between(struct rw_index *index, enum rw_stream stream, int64_t from_us,
                           int64_t to_us, void (*fn)(void *arg, int slot), void *arg,
                           struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err,
                    "SELECT DISTINCT slot FROM chunks WHERE stream=? AND start_us>=? AND "
                    "start_us<? AND end_us>?",
                    "iiii", (int64_t)stream, from_us - RW_CHUNK_US, to_us, from_us);
    int got = query ? 1 : -1;
    while (got == 1 && (got = rw_db_step(query, err)) == 1)
        fn(arg, sqlite3_column_int(query, 0));
    rw_db_done(query);
    return got;
}

int rw_index_slot_extent(struct rw_index *index, enum rw_stream stream, int slot, int64_t *start_us,
                         int64_t *end_us, struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err,
                                      "SELECT min(start_us),max(end_us) FROM chunks WHERE stream=? "
                                      "AND slot=? AND end_us>0",
                                      "ii", (int64_t)stream, (int64_t)slot);
    int got = query ? rw_db_step(query, err) : -1;
    *start_us = got == 1 ? sqlite3_column_int64(query, 0) : 0;
    *end_us = got == 1 ? sqlite3_column_int64(query, 1) : 0;
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}

/* The first column of the first row; 0 where there is none. */
static int one_number(struct rw_index *index, const char *sql, enum rw_stream stream, int64_t *out,
                      struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err, sql, "i", (int64_t)stream);
    int got = query ? rw_db_step(query, err) : -1;
    *out = got == 1 ? sqlite3_column_int64(query, 0) : 0;
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}

int64_t rw_index_newest_seq(struct rw_index *index, enum rw_stream stream, struct rw_err *err)
{
    int64_t seq;
    return one_number(index,
                      "SELECT first_seq+count-1 FROM chunks WHERE stream=? "
                      "ORDER BY first_seq DESC LIMIT 1",
                      stream, &seq, err)
               ? -1
               : seq;
}

int rw_index_first(struct rw_index *index, enum rw_stream stream, int64_t *seq, int64_t *start_us,
                   struct rw_err *err)
{
    return one_number(index, "SELECT min(first_seq) FROM chunks WHERE stream=?", stream, seq,
                      err) ||
                   one_number(index,
                              "SELECT start_us FROM chunks WHERE stream=? AND end_us>0 "
                              "ORDER BY first_seq LIMIT 1",
                              stream, start_us, err)
               ? -1
               : 0;
}

static int read_newest(struct rw_index *index, enum rw_stream stream, struct rw_index_extent *out,
                       struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err,
                                      "SELECT end_us,boot_us+end_us-start_us,boot,"
                                      "unverified AND shift_us=0 FROM chunks "
                                      "WHERE stream=? AND end_us>0 ORDER BY first_seq DESC LIMIT 1",
                                      "i", (int64_t)stream);
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        out->newest_us = sqlite3_column_int64(query, 0);
        out->newest_boot_us = sqlite3_column_int64(query, 1);
        out->newest_boot = (uint64_t)sqlite3_column_int64(query, 2);
        out->newest_unverified = sqlite3_column_int(query, 3) != 0;
    }
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}

int rw_index_extent(struct rw_index *index, enum rw_stream stream, struct rw_index_extent *out,
                    struct rw_err *err)
{
    *out = (struct rw_index_extent){0};
    return one_number(index,
                      "SELECT start_us FROM chunks WHERE stream=? AND end_us>0 "
                      "ORDER BY start_us LIMIT 1",
                      stream, &out->oldest_us, err) ||
                   read_newest(index, stream, out, err)
               ? -1
               : 0;
}

int rw_index_totals(struct rw_index *index, enum rw_stream stream, int64_t *bytes,
                    int64_t *recorded_us, struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(
        index->db, err, "SELECT sum(span),sum(end_us-start_us) FROM chunks WHERE stream=?", "i",
        (int64_t)stream);
    int got = query ? rw_db_step(query, err) : -1;
    *bytes = got == 1 ? sqlite3_column_int64(query, 0) : 0;
    *recorded_us = got == 1 ? sqlite3_column_int64(query, 1) : 0;
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}

int rw_index_hold_still(struct rw_index *index, struct rw_err *err)
{
    return rw_db_exec(index->db, "BEGIN", err);
}

void rw_index_let_go(struct rw_index *index)
{
    rw_db_exec(index->db, "COMMIT", NULL);
}

int rw_index_put_meta(struct rw_index *index, const char *key, int64_t value, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO meta VALUES(?,?)", "ti", key, value);
}

int rw_index_read_meta(struct rw_index *index, const char *key, int64_t *value, struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT value FROM meta WHERE key=?", "t", key);
    int got = query ? rw_db_step(query, err) : -1;
    *value = got == 1 ? sqlite3_column_int64(query, 0) : 0;
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}

int64_t rw_index_get_meta(struct rw_index *index, const char *key)
{
    int64_t value;
    rw_index_read_meta(index, key, &value, NULL);
    return value;
}

int rw_index_put_state(struct rw_index *index, const char *state, int64_t since_us,
                       const char *reason, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO state VALUES(1,?,?,?)", "tit", state,
                     since_us, reason);
}

int rw_index_get_state(struct rw_index *index, struct rw_camera_state *out, struct rw_err *err)
{
    *out = (struct rw_camera_state){0};
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT state,since_us,reason FROM state WHERE one=1", "");
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        snprintf(out->state, sizeof out->state, "%s", (const char *)sqlite3_column_text(query, 0));
        snprintf(out->reason, sizeof out->reason, "%s",
                 (const char *)sqlite3_column_text(query, 2));
        out->since_us = sqlite3_column_int64(query, 1);
    }
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}
