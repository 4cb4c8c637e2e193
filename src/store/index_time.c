/* index.db: footage and events recorded before the clock was good get their true time. */
#include <stdlib.h>

#include "store/event_json.h"
#include "store/index_db.h"

/* A run of rows that moved by the same amount; times as they were told at first. */
struct moved {
    int64_t from_us, to_us, shift_us;
};
struct moves {
    struct moved *list; /* owned */
    int count, capacity;
};

static void add_move(struct moves *moves, int64_t from_us, int64_t to_us, int64_t shift_us)
{
    struct moved *last = moves->count ? &moves->list[moves->count - 1] : NULL;
    if (last && last->shift_us == shift_us && from_us >= last->from_us && from_us <= last->to_us) {
        last->to_us = to_us > last->to_us ? to_us : last->to_us;
        return;
    }
    moves->list = rw_list_grow(moves->list, moves->count, &moves->capacity, sizeof *moves->list);
    moves->list[moves->count++] = (struct moved){from_us, to_us, shift_us};
}

/* UTC minus CLOCK_BOOTTIME at the boot's first good time. 1 known, 0 not, -1 failed. */
static int boot_offset(struct rw_index *index, int64_t stream, int64_t boot, int64_t *offset_us,
                       struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err,
                                      "SELECT start_us-boot_us FROM chunks WHERE stream=? AND "
                                      "boot=? AND NOT unverified AND end_us>0 "
                                      "ORDER BY first_seq LIMIT 1",
                                      "ii", stream, boot);
    int got = query ? rw_db_step(query, err) : -1;
    *offset_us = got == 1 ? sqlite3_column_int64(query, 0) : 0;
    rw_db_done(query);
    return got;
}

/* Rows nearer to the truth than a gap's tolerance stay as they are. */
static int correct_boot(struct rw_index *index, int64_t stream, int64_t boot, int *changed,
                        struct rw_err *err)
{
    int64_t offset_us;
    int known = boot_offset(index, stream, boot, &offset_us, err);
    if (known <= 0)
        return known;
    if (rw_db_run(index->db, err,
                  "UPDATE chunks SET shift_us=boot_us+?3-start_us, start_us=boot_us+?3,"
                  " end_us=boot_us+?3+end_us-start_us WHERE stream=?1 AND boot=?2 AND unverified"
                  " AND shift_us=0 AND end_us>0 AND abs(boot_us+?3-start_us)>?4",
                  "iiii", stream, boot, offset_us, RW_GAP_TOLERANCE_US))
        return -1;
    *changed += sqlite3_changes(index->db);
    return 0;
}

int rw_index_untimed(struct rw_index *index, enum rw_stream stream, int slot, uint64_t boot,
                     struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err,
                                      "SELECT 1 FROM chunks WHERE stream=? AND slot=? AND boot=? "
                                      "AND unverified AND shift_us=0 LIMIT 1",
                                      "iii", (int64_t)stream, (int64_t)slot, (int64_t)boot);
    int got = query ? rw_db_step(query, err) : -1;
    rw_db_done(query);
    return got;
}

static int read_boots(struct rw_index *index, int64_t stream, struct moves *boots,
                      struct rw_err *err)
{
    sqlite3_stmt *query =
        rw_db_query(index->db, err,
                    "SELECT DISTINCT boot FROM chunks WHERE stream=? AND unverified", "i", stream);
    int got = query ? 1 : -1;
    while (got == 1 && (got = rw_db_step(query, err)) == 1)
        add_move(boots, INT64_MIN, INT64_MIN, sqlite3_column_int64(query, 0));
    rw_db_done(query);
    return got;
}

static int read_moves(struct rw_index *index, int64_t stream, struct moves *moves,
                      struct rw_err *err)
{
    sqlite3_stmt *query = rw_db_query(index->db, err,
                                      "SELECT start_us-shift_us,end_us-shift_us,shift_us FROM "
                                      "chunks WHERE stream=? AND unverified AND shift_us<>0 "
                                      "ORDER BY first_seq",
                                      "i", stream);
    int got = query ? 1 : -1;
    while (got == 1 && (got = rw_db_step(query, err)) == 1)
        add_move(moves, sqlite3_column_int64(query, 0), sqlite3_column_int64(query, 1),
                 sqlite3_column_int64(query, 2));
    rw_db_done(query);
    return got;
}

/* An event may begin with a picture that no fragment has any more. */
#define BESIDE_US INT64_C(5000000)

struct event_list {
    struct rw_event *events; /* owned */
    int count, capacity;
    const struct moved *moved;
};

static int take_event(void *arg, const struct rw_event *event)
{
    struct event_list *list = arg;
    if (event->clock_trust != RW_CLOCK_UNVERIFIED || event->clock_shift_us ||
        event->start_us < list->moved->from_us - BESIDE_US ||
        event->start_us >= list->moved->to_us + BESIDE_US)
        return 0;
    list->events = rw_list_grow(list->events, list->count, &list->capacity, sizeof *list->events);
    list->events[list->count++] = *event;
    return 0;
}

/* Quietly: the revision stays, so what was told is not told again, and what waits for a broker goes
 * out with its true time. */
static int move_event(struct rw_index *index, struct rw_event *event, int64_t shift_us,
                      struct rw_err *err)
{
    int64_t *const times[] = {&event->start_us, &event->end_us, &event->peak_us, &event->seen_us,
                              &event->decided_us};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (*times[i])
            *times[i] += shift_us;
    event->clock_shift_us = shift_us;
    char *json = rw_event_to_json(event);
    int failed =
        rw_db_run(index->db, err, "UPDATE events SET start_us=?,end_us=?,record=? WHERE id=?",
                  "iitt", event->start_us, event->end_us, json, event->id);
    free(json);
    return failed;
}

static int move_events(struct rw_index *index, const struct moved *moved, struct rw_err *err)
{
    struct event_list list = {.moved = moved};
    int failed = rw_index_events(index, RW_EVENTS_BETWEEN, moved->from_us - BESIDE_US,
                                 moved->to_us + BESIDE_US, take_event, &list, err);
    for (int i = 0; i < list.count && !failed; i++)
        failed = move_event(index, &list.events[i], moved->shift_us, err);
    free(list.events);
    return failed;
}

int rw_index_correct(struct rw_index *index, enum rw_stream stream, bool with_events, int *changed,
                     struct rw_err *err)
{
    struct moves boots = {0}, moves = {0};
    *changed = 0;
    int failed = read_boots(index, stream, &boots, err);
    for (int i = 0; i < boots.count && !failed; i++)
        failed = correct_boot(index, stream, boots.list[i].shift_us, changed, err);
    if (!failed && with_events)
        failed = read_moves(index, stream, &moves, err);
    for (int i = 0; i < moves.count && !failed; i++)
        failed = move_events(index, &moves.list[i], err);
    free(boots.list);
    free(moves.list);
    return failed ? -1 : 0;
}
