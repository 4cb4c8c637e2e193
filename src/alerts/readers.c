#include "alerts/readers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/excerpt.h"
#include "alerts/states.h"
#include "base/door.h"
#include "base/log.h"
#include "base/units.h"
#include "store/cursor.h"
#include "store/reader.h"

#define RETRY_US RW_SECOND_US
#define RENEW_US (60 * RW_SECOND_US)
#define PATIENCE_US (5 * RW_SECOND_US) /* an index may be in the making; no need to say so */
#define DELIVERED "delivered"
enum { ASK_MS = 300 }; /* the camera's answer is waited for so long */

struct shelf {
    struct rw_reader *reader; /* NULL: not open now */
    int64_t due_us;           /* CLOCK_BOOTTIME to open it (anew) */
    int64_t failing_us;       /* CLOCK_BOOTTIME of the first failure; 0: it works */
    bool complained;
};

struct rw_readers {
    const struct rw_config *config;
    const struct rw_clock *clock;
    struct rw_cursors *cursors;
    bool cursor_complained;
    struct shelf shelves[];
};

struct rw_readers *rw_readers_create(const struct rw_config *config, const struct rw_clock *clock,
                                     struct rw_err *err)
{
    size_t count = (size_t)config->camera_count;
    struct rw_readers *readers = calloc(1, sizeof *readers + count * sizeof readers->shelves[0]);
    if (!readers)
        abort();
    readers->config = config;
    readers->clock = clock;
    struct rw_buf path;
    rw_buf_init(&path);
    rw_buf_printf(&path, "%s/alerts.db", config->storage.path);
    readers->cursors = rw_cursors_open((const char *)path.data, err);
    rw_buf_finish(&path);
    if (readers->cursors)
        return readers;
    rw_readers_destroy(readers);
    return NULL;
}

void rw_readers_destroy(struct rw_readers *readers)
{
    if (!readers)
        return;
    for (int i = 0; i < readers->config->camera_count; i++)
        rw_reader_close(readers->shelves[i].reader);
    if (readers->cursors)
        rw_cursors_close(readers->cursors);
    free(readers);
}

static int64_t boot_now(const struct rw_readers *readers)
{
    return rw_now(readers->clock).boot_us;
}

/* A camera that has not recorded anything yet is no trouble; everything else is said once. */
static void complain(struct rw_readers *readers, int camera, const struct rw_err *err)
{
    struct shelf *shelf = &readers->shelves[camera];
    int64_t now_us = boot_now(readers);
    if (!shelf->failing_us)
        shelf->failing_us = now_us;
    if (!shelf->complained && err->code != RW_ENOTFOUND &&
        now_us - shelf->failing_us >= PATIENCE_US) {
        rw_log(RW_LOG_WARNING, "alerts", "the events of %s cannot be read: %s",
               readers->config->cameras[camera].id, err->text);
        shelf->complained = true;
    }
}

static struct rw_reader *open_reader(struct rw_readers *readers, int camera)
{
    struct shelf *shelf = &readers->shelves[camera];
    int64_t now_us = boot_now(readers);
    if (now_us < shelf->due_us)
        return shelf->reader;
    rw_reader_close(shelf->reader);
    struct rw_err err = {0};
    struct rw_buf dir;
    rw_buf_init(&dir);
    rw_buf_printf(&dir, "%s/%s", readers->config->storage.path,
                  readers->config->cameras[camera].id);
    shelf->reader = rw_reader_open((const char *)dir.data, &err);
    rw_buf_finish(&dir);
    shelf->due_us = now_us + (shelf->reader ? RENEW_US : RETRY_US);
    if (!shelf->reader)
        complain(readers, camera, &err);
    return shelf->reader;
}

/* After a call that failed (failed != 0) the reader is thrown away. */
static int settle(struct rw_readers *readers, int camera, int failed, const struct rw_err *err)
{
    struct shelf *shelf = &readers->shelves[camera];
    if (!failed) {
        shelf->complained = false;
        shelf->failing_us = 0;
        return 0;
    }
    complain(readers, camera, err);
    rw_reader_close(shelf->reader);
    shelf->reader = NULL;
    shelf->due_us = boot_now(readers) + RETRY_US;
    return -1;
}

static int source_waiting(void *self, int camera, int64_t after, int64_t *count, int64_t *highest)
{
    struct rw_err err = {0};
    struct rw_reader *reader = open_reader(self, camera);
    if (!reader)
        return -1;
    return settle(self, camera, rw_reader_events_waiting(reader, after, count, highest, &err),
                  &err);
}

static int source_events_after(void *self, int camera, int64_t after, int limit,
                               int (*fn)(void *arg, const struct rw_event *event), void *arg)
{
    struct rw_err err = {0};
    struct rw_reader *reader = open_reader(self, camera);
    if (!reader)
        return -1;
    return settle(self, camera, rw_reader_events_after(reader, after, limit, fn, arg, &err), &err);
}

static int source_events_between(void *self, int camera, int64_t from_us, int64_t to_us,
                                 int (*fn)(void *arg, const struct rw_event *event), void *arg)
{
    struct rw_err err = {0};
    struct rw_reader *reader = open_reader(self, camera);
    if (!reader)
        return -1;
    return settle(self, camera, rw_reader_events_between(reader, from_us, to_us, fn, arg, &err),
                  &err);
}

static int source_pictures(void *self, int camera, const char *event_id, struct rw_buf *jpeg,
                           struct rw_buf *thumbnail)
{
    struct rw_err err = {0};
    struct rw_reader *reader = open_reader(self, camera);
    if (!reader)
        return -1;
    return settle(self, camera, rw_reader_pictures(reader, event_id, jpeg, thumbnail, &err), &err);
}

static int source_clip(void *self, int camera, const struct rw_event *event, struct rw_buf *mp4)
{
    struct rw_readers *readers = self;
    struct rw_err err = {0};
    const struct rw_camera_config *config = &readers->config->cameras[camera];
    struct rw_reader *reader = open_reader(readers, camera);
    if (!reader)
        return -1;
    struct rw_excerpt wanted = {.stream = config->sub.url[0] ? RW_SUB : RW_MAIN,
                                .length_us = config->alert.clip_us,
                                .max_bytes = (size_t)config->alert.clip_bytes,
                                .now_us = rw_now(readers->clock).utc_us};
    enum rw_excerpt_found found = rw_excerpt_make(reader, event, &wanted, mp4, &err);
    if (found == RW_EXCERPT_LATER)
        return -1;
    return settle(readers, camera, found == RW_EXCERPT_FAILED, &err);
}

static int64_t source_cursor(void *self, const char *name)
{
    struct rw_readers *readers = self;
    return rw_cursors_get(readers->cursors, name);
}

static int source_keep(void *self, const struct rw_cursor *rows, int count)
{
    struct rw_readers *readers = self;
    struct rw_err err = {0};
    int failed = rw_cursors_keep(readers->cursors, rows, count, &err);
    if (failed && !readers->cursor_complained)
        rw_log(RW_LOG_ERROR, "alerts",
               "how far alerts were told cannot be written down (%s); after a restart some are "
               "told again",
               err.text);
    readers->cursor_complained = failed != 0;
    return failed;
}

struct rw_outbox_source rw_readers_source(struct rw_readers *readers)
{
    return (struct rw_outbox_source){
        .self = readers,
        .waiting = source_waiting,
        .events_after = source_events_after,
        .events_between = source_events_between,
        .pictures = source_pictures,
        .clip = source_clip,
        .cursor = source_cursor,
        .keep = source_keep,
    };
}

/* A disk that refuses pictures refuses the row with the reason too: the camera's process knows it.
 */
static void ask_reason(const struct rw_readers *readers, int camera, struct rw_status *out)
{
    char path[PATH_MAX + 64];
    rw_config_door(readers->config, readers->config->cameras[camera].id, path, sizeof path);
    json_t *request = json_pack("{s:s}", "cmd", "status");
    json_t *reply = rw_door_ask(path, request, ASK_MS, NULL);
    const char *state = json_string_value(json_object_get(reply, "state"));
    const char *reason = json_string_value(json_object_get(reply, "reason"));
    if (state && reason) {
        rw_copy_text(out->state, sizeof out->state, state);
        rw_copy_text(out->reason, sizeof out->reason, reason);
    }
    json_decref(reply);
    json_decref(request);
}

void rw_readers_status(void *self, int camera, struct rw_status *out)
{
    struct rw_readers *readers = self;
    struct rw_err err = {0};
    struct rw_camera_state state = {0};
    struct rw_extent extent = {0};
    struct rw_reader *reader = open_reader(readers, camera);
    bool known = reader && !settle(readers, camera, rw_reader_state(reader, &state, &err), &err);
    bool extended =
        known && !settle(readers, camera, rw_reader_extent(reader, RW_MAIN, &extent, &err), &err);
    rw_status_make(known ? &state : NULL, extended ? &extent : NULL, rw_now(readers->clock).utc_us,
                   out);
    if (known && state.writer_alive && !out->recording)
        ask_reason(readers, camera, out);
}

int64_t rw_readers_delivered_us(struct rw_readers *readers)
{
    return rw_cursors_get(readers->cursors, DELIVERED);
}

void rw_readers_set_delivered(struct rw_readers *readers, int64_t utc_us)
{
    struct rw_cursor row = {DELIVERED, utc_us};
    source_keep(readers, &row, 1);
}
