/* index.db: events and their pictures. */
#include <string.h>

#include "store/event_json.h"
#include "store/index_db.h"

int64_t rw_index_next_revision(struct rw_index *index, struct rw_err *err)
{
    int64_t revision;
    if (rw_index_read_meta(index, "revision", &revision, err) ||
        rw_index_put_meta(index, "revision", revision + 1, err))
        return -1;
    return revision + 1;
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

int64_t rw_index_revision_of(struct rw_index *index, const char *id, struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err, "SELECT revision FROM events WHERE id=?", "t", id);
    int got = query ? rw_db_step(query, err) : -1;
    int64_t revision = got == 1 ? sqlite3_column_int64(query, 0) : got;
    rw_db_done(query);
    return revision;
}

int rw_index_mark_in_ring(struct rw_index *index, const char *id, int64_t revision,
                          struct rw_err *err)
{
    return rw_db_run(index->db, err, "UPDATE events SET in_ring=1 WHERE id=? AND revision=?", "ti",
                     id, revision);
}

/* A power cut takes the last pictures and leaves the event that was told of them. */
#define NEAR_US INT64_C(600000000)

/* Rows of both tables; `which` is a condition on events with the parameters that follow. */
#define DROP_PICTURES "DELETE FROM pictures WHERE id IN (SELECT id FROM events WHERE "
#define DROP_EVENTS "DELETE FROM events WHERE "
#define WITHOUT_FOOTAGE                                                                            \
    "end_us>0 AND end_us<?1 AND NOT EXISTS(SELECT 1 FROM chunks c WHERE c.stream=?2"               \
    " AND c.start_us<=events.end_us+?4 AND c.start_us>events.start_us-?3-?4"                       \
    " AND c.end_us>events.start_us-?4)"
#define OLD_IN_NO_SPAN                                                                             \
    "end_us>0 AND start_us<?1 AND NOT EXISTS(SELECT 1 FROM kept k WHERE events.start_us<k.to_us"   \
    " AND events.end_us>=k.from_us)"

int rw_index_drop_events_before(struct rw_index *index, enum rw_stream stream, int64_t end_us,
                                int *dropped, struct rw_err *err)
{
    *dropped = 0;
    if (rw_db_run(index->db, err, DROP_PICTURES WITHOUT_FOOTAGE ")", "iiii", end_us,
                  (int64_t)stream, RW_CHUNK_US, NEAR_US) ||
        rw_db_run(index->db, err, DROP_EVENTS WITHOUT_FOOTAGE, "iiii", end_us, (int64_t)stream,
                  RW_CHUNK_US, NEAR_US))
        return -1;
    *dropped = sqlite3_changes(index->db);
    return 0;
}

static int put_kept(struct rw_index *index, const struct rw_span *kept, int count,
                    struct rw_err *err)
{
    if (rw_db_exec(index->db,
                   "CREATE TEMP TABLE IF NOT EXISTS kept(from_us INTEGER, to_us INTEGER);"
                   "DELETE FROM kept",
                   err))
        return -1;
    for (int i = 0; i < count; i++)
        if (rw_db_run(index->db, err, "INSERT INTO kept VALUES(?,?)", "ii", kept[i].from_us,
                      kept[i].to_us))
            return -1;
    return 0;
}

int rw_index_age_events(struct rw_index *index, int64_t start_us, const struct rw_span *kept,
                        int count, int *dropped, struct rw_err *err)
{
    *dropped = 0;
    if (put_kept(index, kept, count, err) ||
        rw_db_run(index->db, err, DROP_PICTURES OLD_IN_NO_SPAN ")", "i", start_us) ||
        rw_db_run(index->db, err, DROP_EVENTS OLD_IN_NO_SPAN, "i", start_us))
        return -1;
    *dropped = sqlite3_changes(index->db);
    int64_t before;
    if (*dropped &&
        (rw_index_read_meta(index, RW_EVENTS_AGED, &before, err) ||
         (start_us > before && rw_index_put_meta(index, RW_EVENTS_AGED, start_us, err))))
        return -1;
    return 0;
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
    rw_db_done(query);
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
    rw_db_done(query);
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
    rw_db_done(query);
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
    rw_db_done(query);
    return got < 0 ? -1 : 0;
}
