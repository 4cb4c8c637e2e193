#include "store/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/event_json.h"

struct rebuild {
    struct rw_index *index;
    struct rw_ring *ring;
    bool verify;
    void (*say)(void *arg, const char *sentence);
    void *arg;
    int newest_slot;
    uint64_t newest_seq;
    int64_t born_us;
};

/* Keeps the event of a record unless the index knows a newer revision of it. */
static int take_event(struct rebuild *re, const struct rw_scan *scan,
                      const struct rw_record *record, int64_t offset, struct rw_err *err)
{
    int result = -1;
    const char *json;
    size_t json_size;
    struct rw_pictures pictures;
    struct rw_event event;
    uint8_t *payload = malloc(record->length ? record->length : 1);
    if (!payload)
        abort();
    if (rw_disk_read_full(scan->disk, scan->fd, payload, record->length, offset + RW_RECORD_SIZE)) {
        rw_fail(err, RW_EIO, "the disk refused a read (%s)", strerror(errno));
        goto out;
    }
    result = 0;
    if (rw_event_unpack(payload, record->length, &json, &json_size, &pictures) ||
        rw_event_from_json(json, json_size, &event))
        goto out;
    if (event.revision > rw_index_get_meta(re->index, "revision"))
        result = rw_index_put_meta(re->index, "revision", event.revision, err);
    if (!result && rw_index_revision_of(re->index, event.id) < event.revision) {
        char *text = rw_event_to_json(&event);
        result = rw_index_put_event(re->index, &event, text, &pictures, true, err);
        free(text);
    }
out:
    free(payload);
    return result;
}

static int take_record(struct rebuild *re, struct rw_chunk *chunk, const struct rw_scan *scan,
                       int number, const struct rw_record *record, int64_t offset,
                       struct rw_err *err)
{
    if (!rw_chunk_add(chunk, number, record, offset)) {
        if (rw_index_put_chunk(re->index, chunk, err))
            return -1;
        rw_chunk_finish(chunk);
        rw_chunk_init(chunk, re->ring->stream);
        rw_chunk_add(chunk, number, record, offset);
    }
    re->ring->slot[number].last_seq = record->seq;
    if (record->seq > re->newest_seq) {
        re->newest_seq = record->seq;
        re->newest_slot = number;
    }
    if (!re->born_us || record->born_us < re->born_us)
        re->born_us = record->born_us;
    return record->kind == RW_RECORD_EVENT ? take_event(re, scan, record, offset, err) : 0;
}

static int walk_slot(struct rebuild *re, struct rw_scan *scan, int number, struct rw_err *err)
{
    struct rw_record record;
    struct rw_chunk chunk;
    int64_t offset;
    int got;
    rw_chunk_init(&chunk, re->ring->stream);
    while ((got = rw_scan_next(scan, &record, &offset, err)) == 1) {
        int good = re->verify || record.kind == RW_RECORD_EVENT
                       ? rw_scan_verify(scan, &record, offset, err)
                       : 1;
        if (good < 0 || (good && take_record(re, &chunk, scan, number, &record, offset, err))) {
            got = -1;
            break;
        }
        if (!good && re->say) {
            char text[160];
            snprintf(text, sizeof text, "%s slot %d: record %llu is damaged and was left out",
                     rw_stream_name(re->ring->stream), number, (unsigned long long)record.seq);
            re->say(re->arg, text);
        }
    }
    if (!got && chunk.count)
        got = rw_index_put_chunk(re->index, &chunk, err);
    rw_chunk_finish(&chunk);
    return got;
}

static int walk_file(struct rebuild *re, int number, struct rw_err *err)
{
    const struct rw_disk *disk = re->ring->disk;
    char path[600];
    struct rw_scan scan;
    rw_slot_path(re->ring->dir, number, path, sizeof path);
    int fd = disk->open(disk->self, path, O_RDONLY, 0);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s cannot be read (%s)", path,
                       strerror(errno));
    struct rw_err why;
    int failed = rw_scan_open(&scan, disk, fd, re->ring->slot_size, re->ring->id, &why);
    if (!failed)
        failed = walk_slot(re, &scan, number, err);
    else if (why.code == RW_EFORMAT)
        failed = 0; /* an empty slot */
    else
        rw_fail(err, why.code, "%s: %s", path, why.text);
    disk->close(disk->self, fd);
    return failed;
}

int rw_rebuild_stream(struct rw_index *index, struct rw_ring *ring, bool verify,
                      void (*say)(void *arg, const char *sentence), void *arg, struct rw_err *err)
{
    struct rebuild re = {
        .index = index, .ring = ring, .verify = verify, .say = say, .arg = arg, .newest_slot = -1};
    for (int number = 0; number < ring->numbers; number++) {
        ring->slot[number].last_seq = 0;
        if (ring->slot[number].present && walk_file(&re, number, err))
            return -1;
    }
    /* The newest slot may have a torn tail: it is hashed in any case. */
    if (!verify && re.newest_slot >= 0) {
        int newest = re.newest_slot;
        re.verify = true;
        re.newest_seq = 0;
        ring->slot[newest].last_seq = 0;
        if (rw_index_drop_slot(index, ring->stream, newest, err) || walk_file(&re, newest, err))
            return -1;
    }
    /* The slot next to be overwritten is not in the index: it was dropped when the newest began. */
    ring->open = re.newest_slot;
    int next = re.newest_slot < 0 ? -1 : rw_ring_next_slot(ring);
    ring->open = -1;
    if (next >= 0 && ring->slot[next].last_seq) {
        if (rw_index_drop_slot(index, ring->stream, next, err))
            return -1;
        ring->slot[next].last_seq = 0;
    }
    struct rw_ring_row row = {
        .born_us = re.born_us, .open_slot = re.newest_slot, .last_seq = re.newest_seq};
    memcpy(row.ring, ring->id, 16);
    return rw_index_put_ring(index, ring->stream, &row, err);
}

static int salvage(void *arg, const struct rw_event *event)
{
    struct rw_index *index = arg;
    if (rw_index_revision_of(index, event->id) >= event->revision)
        return 0;
    char *json = rw_event_to_json(event);
    rw_index_put_event(index, event, json, NULL, false, NULL);
    free(json);
    if (event->revision > rw_index_get_meta(index, "revision"))
        rw_index_put_meta(index, "revision", event->revision, NULL);
    return 0;
}

void rw_rebuild_salvage(struct rw_index *index, const struct rw_disk *disk, const char *old_path)
{
    struct rw_index *old = rw_index_open(disk, old_path, NULL);
    if (!old)
        return;
    struct rw_camera_state state;
    rw_index_events(old, RW_EVENTS_OPEN, 0, 0, salvage, index, NULL);
    rw_index_events(old, RW_EVENTS_NOT_IN_RING, 0, 0, salvage, index, NULL);
    int64_t revision = rw_index_get_meta(old, "revision");
    if (revision > rw_index_get_meta(index, "revision"))
        rw_index_put_meta(index, "revision", revision, NULL);
    if (!rw_index_get_state(old, &state, NULL) && state.state[0])
        rw_index_put_state(index, state.state, state.since_us, state.reason, NULL);
    static const char *const words[] = {"boot", "disarmed", "snoozed_until"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        rw_index_put_meta(index, words[i], rw_index_get_meta(old, words[i]), NULL);
    rw_index_close(old);
}
