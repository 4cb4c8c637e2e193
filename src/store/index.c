#include "store/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/db.h"
#include "store/event_json.h"

struct rw_index {
    sqlite3 *db;
};

/* In one transaction: a reader sees all of it or nothing. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS rings(stream INTEGER PRIMARY KEY, ring BLOB NOT NULL,"
    " born_us INTEGER NOT NULL, open_slot INTEGER NOT NULL, last_seq INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS chunks(stream INTEGER NOT NULL, first_seq INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, offset INTEGER NOT NULL, start_us INTEGER NOT NULL,"
    " end_us INTEGER NOT NULL, count INTEGER NOT NULL, span INTEGER NOT NULL,"
    " entries BLOB NOT NULL, PRIMARY KEY(stream, first_seq));"
    "CREATE INDEX IF NOT EXISTS chunks_by_time ON chunks(stream, start_us);"
    "CREATE INDEX IF NOT EXISTS chunks_by_slot ON chunks(stream, slot);"
    "CREATE TABLE IF NOT EXISTS events(id TEXT PRIMARY KEY, revision INTEGER NOT NULL UNIQUE,"
    " start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, in_ring INTEGER NOT NULL,"
    " record TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_by_start ON events(start_us);"
    "CREATE TABLE IF NOT EXISTS pictures(id TEXT PRIMARY KEY, jpeg BLOB NOT NULL,"
    " thumbnail BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY CHECK(one=1), state TEXT NOT NULL,"
    " since_us INTEGER NOT NULL, reason TEXT NOT NULL);"
    "INSERT OR IGNORE INTO meta VALUES('format', 1);"
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
    int64_t format = rw_index_get_meta(index, "format");
    if (format == 1)
        return index;
    if (!format && !writable)
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

int rw_index_begin(struct rw_index *index, struct rw_err *err)
{
    return rw_db_exec(index->db, "BEGIN IMMEDIATE", err);
}

int rw_index_commit(struct rw_index *index, struct rw_err *err)
{
    if (!rw_db_exec(index->db, "COMMIT", err))
        return 0;
    rw_index_rollback(index);
    return -1;
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

int rw_index_get_ring(struct rw_index *index, enum rw_stream stream, struct rw_ring_row *row,
                      struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(
        index->db, err, "SELECT ring,born_us,open_slot,last_seq FROM rings WHERE stream=?", "i",
        (int64_t)stream);
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        *row = (struct rw_ring_row){.born_us = sqlite3_column_int64(query, 1),
                                    .open_slot = sqlite3_column_int(query, 2),
                                    .last_seq = (uint64_t)sqlite3_column_int64(query, 3)};
        if (sqlite3_column_bytes(query, 0) == 16)
            memcpy(row->ring, sqlite3_column_blob(query, 0), 16);
    }
    sqlite3_finalize(query);
    return got;
}

int rw_index_put_ring(struct rw_index *index, enum rw_stream stream, const struct rw_ring_row *row,
                      struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO rings VALUES(?,?,?,?,?)", "ibiii",
                     (int64_t)stream, row->ring, 16, row->born_us, (int64_t)row->open_slot,
                     (int64_t)row->last_seq);
}

int rw_index_put_chunk(struct rw_index *index, const struct rw_chunk *chunk, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO chunks VALUES(?,?,?,?,?,?,?,?,?)",
                     "iiiiiiiib", (int64_t)chunk->stream, (int64_t)chunk->first_seq,
                     (int64_t)chunk->slot, chunk->offset, chunk->start_us, chunk->end_us,
                     (int64_t)chunk->count, chunk->span, chunk->entries.data,
                     (int)chunk->entries.size);
}

int rw_index_drop_slot(struct rw_index *index, enum rw_stream stream, int slot, struct rw_err *err)
{
    return rw_db_run(index->db, err, "DELETE FROM chunks WHERE stream=? AND slot=?", "ii",
                     (int64_t)stream, (int64_t)slot);
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
    };
    /* borrowed from the statement until the next step; fn only reads it */
    chunk->entries.data = (uint8_t *)(uintptr_t)sqlite3_column_blob(query, 7);
    chunk->entries.size = (size_t)sqlite3_column_bytes(query, 7);
}

#define CHUNK_COLUMNS "first_seq,slot,offset,start_us,end_us,count,span,entries FROM chunks "

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
    sqlite3_finalize(query);
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

int rw_index_chunk_after(struct rw_index *index, enum rw_stream stream, int64_t from_us,
                         int (*fn)(void *arg, const struct rw_chunk *chunk), void *arg,
                         struct rw_err *err)
{
    return each_chunk(rw_db_query(index->db, err,
                                  "SELECT " CHUNK_COLUMNS "WHERE stream=? AND start_us>=? AND "
                                  "end_us>0 ORDER BY start_us LIMIT 1",
                                  "ii", (int64_t)stream, from_us),
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
    sqlite3_finalize(query);
    return got;
}

int rw_index_drop_stream(struct rw_index *index, enum rw_stream stream, struct rw_err *err)
{
    return rw_db_run(index->db, err, "DELETE FROM chunks WHERE stream=?", "i", (int64_t)stream);
}

/* The first column of the first row; 0 where there is none. */
static int one_number(struct rw_index *index, const char *sql, enum rw_stream stream, int64_t *out,
                      struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err, sql, "i", (int64_t)stream);
    int got = query ? rw_db_step(query, err) : -1;
    *out = got == 1 ? sqlite3_column_int64(query, 0) : 0;
    sqlite3_finalize(query);
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
                   one_number(index,
                              "SELECT end_us FROM chunks WHERE stream=? AND end_us>0 "
                              "ORDER BY first_seq DESC LIMIT 1",
                              stream, &out->newest_us, err)
               ? -1
               : 0;
}

int64_t rw_index_span(struct rw_index *index, enum rw_stream stream, struct rw_err *err)
{
    int64_t span;
    return one_number(index, "SELECT sum(span) FROM chunks WHERE stream=?", stream, &span, err)
               ? -1
               : span;
}

int rw_index_hold_still(struct rw_index *index, struct rw_err *err)
{
    return rw_db_exec(index->db, "BEGIN", err);
}

void rw_index_let_go(struct rw_index *index)
{
    rw_db_exec(index->db, "COMMIT", NULL);
}

int64_t rw_index_next_revision(struct rw_index *index, struct rw_err *err)
{
    int64_t revision = rw_index_get_meta(index, "revision") + 1;
    return rw_index_put_meta(index, "revision", revision, err) ? -1 : revision;
}

int rw_index_put_event(struct rw_index *index, const struct rw_event *event, const char *json,
                       const struct rw_pictures *pictures, bool in_ring, struct rw_err *err)
{
    if (rw_db_run(index->db, err,
                  "INSERT INTO events VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(id) DO UPDATE SET "
                  "revision=?2,start_us=?3,end_us=?4,in_ring=?5,record=?6",
                  "tiiiit", event->id, event->revision, event->start_us, event->end_us,
                  (int64_t)in_ring, json))
        return -1;
    if (!pictures)
        return 0;
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO pictures VALUES(?,?,?)", "tbb",
                     event->id, pictures->jpeg_size ? pictures->jpeg : (const uint8_t *)"",
                     pictures->jpeg_size,
                     pictures->thumbnail_size ? pictures->thumbnail : (const uint8_t *)"",
                     pictures->thumbnail_size);
}

int64_t rw_index_revision_of(struct rw_index *index, const char *id)
{
    int64_t revision = 0;
    sqlite3_stmt *query =
        rw_db_query(index->db, NULL, "SELECT revision FROM events WHERE id=?", "t", id);
    if (query && rw_db_step(query, NULL) == 1)
        revision = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return revision;
}

int rw_index_mark_in_ring(struct rw_index *index, const char *id, int64_t revision,
                          struct rw_err *err)
{
    return rw_db_run(index->db, err, "UPDATE events SET in_ring=1 WHERE id=? AND revision=?", "ti",
                     id, revision);
}

int rw_index_drop_events_before(struct rw_index *index, int64_t end_us, struct rw_err *err)
{
    return rw_db_run(index->db, err,
                     "DELETE FROM pictures WHERE id IN"
                     " (SELECT id FROM events WHERE end_us>0 AND end_us<?)",
                     "i", end_us) ||
                   rw_db_run(index->db, err, "DELETE FROM events WHERE end_us>0 AND end_us<?", "i",
                             end_us)
               ? -1
               : 0;
}

int rw_index_events(struct rw_index *index, enum rw_event_choice choice, int64_t a, int64_t b,
                    int (*fn)(void *arg, const struct rw_event *event), void *arg,
                    struct rw_err *err)
{
    static const char *const choices[] = {
        [RW_EVENTS_AFTER] =
            "SELECT record FROM events WHERE revision>?1 ORDER BY revision LIMIT ?2",
        [RW_EVENTS_BETWEEN] = "SELECT record FROM events WHERE start_us<?2 AND "
                              "(end_us=0 OR end_us>=?1) ORDER BY start_us, id",
        [RW_EVENTS_OPEN] = "SELECT record FROM events WHERE end_us=0 AND ?1=?2 ORDER BY start_us",
        [RW_EVENTS_NOT_IN_RING] = "SELECT record FROM events WHERE in_ring=0 AND end_us>0 AND "
                                  "?1=?2 ORDER BY revision",
    };
    sqlite3_stmt *query = rw_db_query(index->db, err, choices[choice], "ii", a, b);
    if (!query)
        return -1;
    int got, stop = 0;
    while (!stop && (got = rw_db_step(query, err)) == 1) {
        struct rw_event event;
        const char *text = (const char *)sqlite3_column_text(query, 0);
        if (text && !rw_event_from_json(text, (size_t)sqlite3_column_bytes(query, 0), &event))
            stop = fn(arg, &event);
    }
    sqlite3_finalize(query);
    return stop || got == 0 ? 0 : -1;
}

int rw_index_get_event(struct rw_index *index, const char *id, struct rw_event *event,
                       struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT record FROM events WHERE id=?", "t", id);
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        const char *text = (const char *)sqlite3_column_text(query, 0);
        if (!text || rw_event_from_json(text, (size_t)sqlite3_column_bytes(query, 0), event))
            got = rw_fail(err, RW_EFORMAT, "the row of event %s is damaged", id);
    }
    sqlite3_finalize(query);
    return got;
}

int rw_index_waiting(struct rw_index *index, int64_t after, int64_t *count, int64_t *highest,
                     struct rw_err *err)
{
    *count = *highest = 0;
    sqlite3_stmt *query = rw_db_query(
        index->db, err,
        "SELECT count(*),(SELECT ifnull(max(revision),0) FROM events) FROM events WHERE revision>?",
        "i", after);
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        *count = sqlite3_column_int64(query, 0);
        *highest = sqlite3_column_int64(query, 1);
    }
    sqlite3_finalize(query);
    return got < 0 ? -1 : 0;
}

int rw_index_pictures(struct rw_index *index, const char *id, struct rw_buf *jpeg,
                      struct rw_buf *thumbnail, struct rw_err *err)
{
    rw_buf_clear(jpeg);
    rw_buf_clear(thumbnail);
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT jpeg,thumbnail FROM pictures WHERE id=?", "t", id);
    int got = query ? rw_db_step(query, err) : -1;
    if (got == 1) {
        rw_buf_add(jpeg, sqlite3_column_blob(query, 0), (size_t)sqlite3_column_bytes(query, 0));
        rw_buf_add(thumbnail, sqlite3_column_blob(query, 1),
                   (size_t)sqlite3_column_bytes(query, 1));
    }
    sqlite3_finalize(query);
    return got < 0 ? -1 : 0;
}

int rw_index_put_meta(struct rw_index *index, const char *key, int64_t value, struct rw_err *err)
{
    return rw_db_run(index->db, err, "INSERT OR REPLACE INTO meta VALUES(?,?)", "ti", key, value);
}

int64_t rw_index_get_meta(struct rw_index *index, const char *key)
{
    int64_t value = 0;
    sqlite3_stmt *query =
        rw_db_query(index->db, NULL, "SELECT value FROM meta WHERE key=?", "t", key);
    if (query && rw_db_step(query, NULL) == 1)
        value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
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
    sqlite3_finalize(query);
    return got < 0 ? -1 : 0;
}
