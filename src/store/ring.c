#include "store/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/units.h"

enum {
    NUMBERS_MAX = 1 << 20,
    KEPT_MAX = 1 << 20, /* a larger buffer is not kept for the next time */
};

const char *rw_stream_name(enum rw_stream stream)
{
    return stream == RW_MAIN ? "main" : "sub";
}

void rw_slot_path(const char *dir, int number, char *out, size_t size)
{
    snprintf(out, size, "%s/%05d.mp4", dir, number);
}

static int fail_disk(struct rw_err *err, const char *doing, const char *path)
{
    return rw_fail(err, rw_code_of_errno(errno), "the disk refused %s %s (%s)", doing, path,
                   strerror(errno));
}

static int check_owner(const json_t *json, const char *dir, const char *site, const char *camera,
                       struct rw_err *err)
{
    const char *its_site = json_string_value(json_object_get(json, "site"));
    const char *its_camera = json_string_value(json_object_get(json, "camera"));
    if (!its_site || !its_camera)
        return rw_fail(err, RW_EFORMAT, "%s/ring.json is damaged; move %s away to begin anew", dir,
                       dir);
    if ((!site || !strcmp(site, its_site)) && (!camera || !strcmp(camera, its_camera)))
        return 0;
    return rw_fail(err, RW_EFOREIGN,
                   "%s holds recordings of camera \"%s\" of site \"%s\"; give this camera another "
                   "storage.path, or move that folder away",
                   dir, its_camera, its_site);
}

int rw_ring_read_label(const struct rw_disk *disk, const char *dir, const char *site,
                       const char *camera, struct rw_ring_label *label, struct rw_err *err)
{
    char path[600];
    snprintf(path, sizeof path, "%s/ring.json", dir);
    struct rw_buf text = {0};
    struct rw_err why;
    int result = -1;
    json_t *json = NULL;
    if (rw_disk_read_file(disk, path, 65536, &text, &why)) {
        rw_buf_finish(&text);
        if (why.code == RW_ENOTFOUND)
            return 0;
        return rw_fail(err, why.code, "%s", why.text);
    }
    json = json_loadb((const char *)text.data, text.size, 0, NULL);
    const char *id = json_string_value(json_object_get(json, "ring"));
    if (json_integer_value(json_object_get(json, "format")) > 1) {
        rw_fail(err, RW_EFORMAT, "%s was written by a newer version of roadwatch; upgrade", path);
        goto out;
    }
    if (check_owner(json, dir, site, camera, err))
        goto out;
    label->slot_size = json_integer_value(json_object_get(json, "slot_size"));
    label->slots = (int)json_integer_value(json_object_get(json, "slots"));
    label->numbers = (int)json_integer_value(json_object_get(json, "numbers"));
    if (!id || rw_uuid_parse(id, label->id) || label->slot_size < 4096 || label->slots < 1 ||
        label->slot_size > (1 << 30) || label->numbers < label->slots ||
        label->numbers > NUMBERS_MAX) {
        rw_fail(err, RW_EFORMAT, "%s is damaged; move %s away to begin anew", path, dir);
        goto out;
    }
    result = 1;
out:
    json_decref(json);
    rw_buf_finish(&text);
    return result;
}

static int write_label(const struct rw_ring *ring, const struct rw_store_options *options,
                       struct rw_err *err)
{
    char id[RW_UUID_TEXT_SIZE], path[600];
    json_t *json =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:i, s:i}", "format", 1, "ring",
                  rw_uuid_format(ring->id, id), "site", options->site, "camera", options->camera,
                  "stream", rw_stream_name(ring->stream), "slot_size", (json_int_t)ring->slot_size,
                  "slots", ring->slots, "numbers", ring->numbers);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    json_decref(json);
    if (!text)
        abort();
    snprintf(path, sizeof path, "%s/ring.json", ring->dir);
    int failed = rw_disk_replace_file(ring->disk, path, text, strlen(text), 1, err);
    free(text);
    return failed;
}

static void stream_dir(const struct rw_store_options *options, enum rw_stream stream, char *out,
                       size_t size)
{
    snprintf(out, size, "%s/%s", options->dir, rw_stream_name(stream));
}

/* 1: the file is there with its whole size, 0: it is not, -1: the disk refused. */
static int probe_slot(const struct rw_disk *disk, const char *dir, int number, int64_t slot_size)
{
    char path[600];
    rw_slot_path(dir, number, path, sizeof path);
    int fd = disk->open(disk->self, path, O_RDONLY, 0);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    int64_t size = disk->size(disk->self, fd);
    disk->close(disk->self, fd);
    return size == slot_size;
}

int64_t rw_ring_missing(const struct rw_store_options *options, enum rw_stream stream)
{
    char dir[512];
    struct rw_ring_label label;
    stream_dir(options, stream, dir, sizeof dir);
    int64_t slot_size = options->slot_size;
    if (rw_ring_read_label(options->disk, dir, NULL, NULL, &label, NULL) == 1)
        slot_size = label.slot_size;
    else
        label = (struct rw_ring_label){.numbers = options->slots[stream]};
    int64_t want = options->slots[stream] * (options->slot_size / 4096) / (slot_size / 4096);
    bool made = options->disk->free_bytes(options->disk->self, dir) >= 0;
    for (int number = 0; made && number < label.numbers; number++)
        want -= probe_slot(options->disk, dir, number, slot_size) == 1;
    return want > 0 ? want * slot_size : 0;
}

/* A slot without a picture yet: one free box over all of it. */
static int make_slot(struct rw_ring *ring, int number, struct rw_err *err)
{
    char path[600];
    uint8_t head[8];
    rw_slot_path(ring->dir, number, path, sizeof path);
    int fd = ring->disk->open(ring->disk->self, path, O_RDWR | O_CREAT, 0640);
    if (fd < 0)
        return fail_disk(err, "making", path);
    rw_put_be32(head, (uint32_t)ring->slot_size);
    memcpy(head + 4, "free", 4);
    int failed = ring->disk->allocate(ring->disk->self, fd, ring->slot_size) ||
                 rw_disk_write_full(ring->disk, fd, head, sizeof head, 0) ||
                 ring->disk->fdatasync(ring->disk->self, fd);
    if (failed) {
        fail_disk(err, "room for", path);
        ring->disk->unlink(ring->disk->self, path);
    }
    ring->disk->close(ring->disk->self, fd);
    ring->slot[number].present = !failed;
    return failed ? -1 : 0;
}

static int find_slots(struct rw_ring *ring, struct rw_err *err)
{
    for (int number = 0; number < ring->numbers; number++) {
        int there = probe_slot(ring->disk, ring->dir, number, ring->slot_size);
        if (there < 0)
            return fail_disk(err, "opening slots in", ring->dir);
        ring->slot[number].present = there;
    }
    return 0;
}

static void unmake_slots(struct rw_ring *ring, const int *made, int count)
{
    for (int i = 0; i < count; i++) {
        char path[600];
        rw_slot_path(ring->dir, made[i], path, sizeof path);
        ring->disk->unlink(ring->disk->self, path);
        ring->slot[made[i]].present = false;
    }
}

/* All that are missing, or none. */
static int make_slots(struct rw_ring *ring, int missing, int *made, struct rw_err *err)
{
    int count = 0;
    for (int number = 0; number < ring->numbers && count < missing; number++) {
        if (ring->slot[number].present)
            continue;
        if (make_slot(ring, number, err)) {
            unmake_slots(ring, made, count);
            return -1;
        }
        made[count++] = number;
    }
    return 0;
}

static int fill_slots(struct rw_ring *ring, struct rw_err *err)
{
    int missing = ring->slots;
    for (int number = 0; number < ring->numbers; number++)
        missing -= ring->slot[number].present;
    if (missing <= 0)
        return 0;
    int *made = calloc((size_t)missing, sizeof *made);
    if (!made)
        return rw_fail(err, RW_ENOMEM, "no memory for %d slots", missing);
    int failed = make_slots(ring, missing, made, err);
    free(made);
    if (failed)
        return -1;
    if (ring->disk->sync_dir(ring->disk->self, ring->dir))
        return fail_disk(err, "syncing", ring->dir);
    return 0;
}

/* The geometry asked for: an existing ring keeps its slot size, its `keep` follows. */
static void apply_geometry(struct rw_ring *ring, const struct rw_store_options *options,
                           const struct rw_ring_label *label)
{
    ring->slot_size = label ? label->slot_size : options->slot_size;
    int64_t keep = options->slots[ring->stream] * options->slot_size;
    ring->slots = (int)(keep / ring->slot_size);
    if (ring->slots < 3)
        ring->slots = 3;
    ring->numbers = label && label->numbers > ring->slots ? label->numbers : ring->slots;
}

int rw_ring_init(struct rw_ring *ring, const struct rw_store_options *options,
                 enum rw_stream stream, struct rw_err *err)
{
    struct rw_ring_label label;
    *ring = (struct rw_ring){.disk = options->disk,
                             .clock = options->clock,
                             .stream = stream,
                             .open = -1,
                             .fd = -1,
                             .next_seq = 1};
    stream_dir(options, stream, ring->dir, sizeof ring->dir);
    int there =
        rw_ring_read_label(ring->disk, ring->dir, options->site, options->camera, &label, err);
    if (there < 0)
        return -1;
    apply_geometry(ring, options, there ? &label : NULL);
    ring->slot = calloc((size_t)ring->numbers, sizeof *ring->slot);
    if (!ring->slot)
        return rw_fail(err, RW_ENOMEM, "no memory for %d slots", ring->numbers);
    ring->clock->boot_id(ring->clock->self, ring->boot_id);
    if (there)
        memcpy(ring->id, label.id, 16);
    else
        rw_uuid_make(ring->id);
    if (!there && ring->disk->mkdir(ring->disk->self, ring->dir, 0750) && errno != EEXIST)
        return fail_disk(err, "making the folder", ring->dir);
    if (find_slots(ring, err) || fill_slots(ring, err))
        return -1;
    if (!there || label.slots != ring->slots || label.numbers != ring->numbers)
        return write_label(ring, options, err);
    return 0;
}

void rw_ring_forget_unsynced(struct rw_ring *ring)
{
    for (int i = 0; i < ring->unsynced_count; i++)
        if (ring->unsynced[i].payload.capacity > KEPT_MAX)
            rw_buf_finish(&ring->unsynced[i].payload);
    ring->unsynced_count = 0;
    ring->unsynced_bytes = 0;
    ring->synced_newest_us = ring->newest_us;
    memcpy(ring->synced_link, ring->link, RW_HASH_SIZE);
}

void rw_ring_finish(struct rw_ring *ring)
{
    if (ring->fd >= 0)
        ring->disk->close(ring->disk->self, ring->fd);
    ring->fd = -1;
    for (int i = 0; i < RW_UNSYNCED_MAX; i++)
        rw_buf_finish(&ring->unsynced[i].payload);
    rw_buf_finish(&ring->init);
    rw_buf_finish(&ring->scratch);
    free(ring->slot);
    ring->slot = NULL;
}

int rw_ring_next_slot(const struct rw_ring *ring)
{
    int best = -1;
    for (int number = 0; number < ring->numbers; number++) {
        const struct rw_slot *slot = &ring->slot[number];
        if (slot->present && number != ring->open &&
            (best < 0 || slot->last_seq < ring->slot[best].last_seq))
            best = number;
    }
    return best;
}

static void close_slot(struct rw_ring *ring)
{
    if (ring->fd >= 0)
        ring->disk->close(ring->disk->self, ring->fd);
    ring->fd = -1;
    ring->open = -1;
}

static int open_slot(struct rw_ring *ring, int number, struct rw_err *err)
{
    char path[600];
    close_slot(ring);
    rw_slot_path(ring->dir, number, path, sizeof path);
    ring->fd = ring->disk->open(ring->disk->self, path, O_RDWR, 0);
    if (ring->fd < 0)
        return fail_disk(err, "opening", path);
    ring->open = number;
    return 0;
}

static void put_free_box(const struct rw_ring *ring, int64_t at, struct rw_buf *out)
{
    if (at >= ring->slot_size)
        return;
    rw_put_be32(rw_buf_grow(out, 4), (uint32_t)(ring->slot_size - at));
    rw_buf_add(out, "free", 4);
}

static int write_scratch(struct rw_ring *ring, int64_t at, struct rw_err *err)
{
    ring->counters.writes++;
    ring->counters.bytes_written += ring->scratch.size;
    if (!rw_disk_write_full(ring->disk, ring->fd, ring->scratch.data, ring->scratch.size, at))
        return 0;
    return rw_fail(err, rw_code_of_errno(errno), "the disk refused a write at %s slot %d (%s)",
                   rw_stream_name(ring->stream), ring->open, strerror(errno));
}

int rw_ring_begin(struct rw_ring *ring, int number, const uint8_t *init, size_t size,
                  int64_t base_us, struct rw_err *err)
{
    if ((int64_t)size + 8 > ring->slot_size || open_slot(ring, number, err))
        return -1;
    if (init != ring->init.data) { /* an abandoned slot's init is written again from here */
        rw_buf_clear(&ring->init);
        rw_buf_add(&ring->init, init, size);
    }
    SHA256(ring->init.data, ring->init.size, ring->init_hash);
    ring->base_us = base_us;
    ring->at = (int64_t)size;
    ring->slot[number].last_seq = ring->next_seq; /* newest: nobody's next */
    ring->counters.slots_begun++;
    rw_buf_clear(&ring->scratch);
    rw_buf_add(&ring->scratch, ring->init.data, ring->init.size);
    put_free_box(ring, ring->at, &ring->scratch);
    return write_scratch(ring, 0, err);
}

int rw_ring_resume(struct rw_ring *ring, int number, const struct rw_scan *scan, int64_t base_us,
                   struct rw_err *err)
{
    if (open_slot(ring, number, err))
        return -1;
    rw_buf_clear(&ring->init);
    uint8_t *init = rw_buf_grow(&ring->init, scan->init_length);
    if (rw_disk_read_full(ring->disk, ring->fd, init, scan->init_length, 0))
        return rw_fail(err, RW_EIO, "the disk refused a read (%s)", strerror(errno));
    memcpy(ring->init_hash, scan->init_hash, RW_HASH_SIZE);
    ring->at = scan->at;
    ring->base_us = base_us;
    rw_buf_clear(&ring->scratch);
    put_free_box(ring, ring->at, &ring->scratch);
    return write_scratch(ring, ring->at, err);
}

size_t rw_ring_room(const struct rw_ring *ring)
{
    int64_t room = ring->open < 0 ? 0 : ring->slot_size - ring->at - RW_RECORD_SIZE - 8;
    return room > 0 ? (size_t)room : 0;
}

/* Beyond this many unsynced bytes a sync comes early. */
#define UNSYNCED_BYTES_MAX ((size_t)8 << 20)

bool rw_ring_unsynced_full(const struct rw_ring *ring)
{
    return ring->unsynced_count == RW_UNSYNCED_MAX || ring->unsynced_bytes > UNSYNCED_BYTES_MAX;
}

static void keep_unsynced(struct rw_ring *ring, const struct rw_record *record,
                          const uint8_t *payload)
{
    assert(ring->unsynced_count < RW_UNSYNCED_MAX);
    if (!ring->unsynced_count)
        ring->unsynced_since_us = record->boot_us;
    struct rw_unsynced *kept = &ring->unsynced[ring->unsynced_count++];
    kept->record = *record;
    kept->offset = ring->at;
    rw_buf_clear(&kept->payload);
    rw_buf_add(&kept->payload, payload, record->length);
    ring->unsynced_bytes += record->length;
}

static void complete_record(const struct rw_ring *ring, struct rw_record *record,
                            const uint8_t *payload)
{
    memcpy(record->ring, ring->id, 16);
    memcpy(record->boot_id, ring->boot_id, 16);
    memcpy(record->init_hash, ring->init_hash, RW_HASH_SIZE);
    memcpy(record->previous_link, ring->link, RW_HASH_SIZE);
    record->init_length = (uint32_t)ring->init.size;
    record->seq = ring->next_seq;
    record->base_us = ring->base_us;
    record->born_us = ring->born_us ? ring->born_us : record->start_us;
    SHA256(payload, record->length, record->payload_hash);
}

int rw_ring_write(struct rw_ring *ring, struct rw_record *record, const uint8_t *payload,
                  struct rw_err *err)
{
    if (ring->open < 0 || record->length > rw_ring_room(ring))
        return rw_fail(err, RW_EFULL, "%u bytes do not fit into %s slot %d", record->length,
                       rw_stream_name(ring->stream), ring->open);
    uint8_t header[RW_RECORD_SIZE];
    complete_record(ring, record, payload);
    rw_record_pack(record, header);
    rw_buf_clear(&ring->scratch);
    rw_buf_add(&ring->scratch, header, sizeof header);
    rw_buf_add(&ring->scratch, payload, record->length);
    put_free_box(ring, ring->at + (int64_t)ring->scratch.size, &ring->scratch);
    keep_unsynced(ring, record, payload);
    ring->next_seq++; /* used up even when the write fails: it may be on disk */
    if (write_scratch(ring, ring->at, err))
        return -1;
    ring->at += (int64_t)rw_record_span(record);
    ring->slot[ring->open].last_seq = record->seq;
    memcpy(ring->link, record->link, RW_HASH_SIZE);
    ring->counters.payload_bytes += record->length;
    ring->born_us = record->born_us;
    if (record->kind == RW_RECORD_FRAGMENT)
        ring->newest_us = record->start_us + record->duration_us;
    return 0;
}

int rw_ring_sync(struct rw_ring *ring, struct rw_err *err)
{
    if (!ring->unsynced_count || ring->fd < 0)
        return 0;
    ring->counters.syncs++;
    if (ring->disk->fdatasync(ring->disk->self, ring->fd))
        return rw_fail(err, rw_code_of_errno(errno), "the disk refused a sync of %s slot %d (%s)",
                       rw_stream_name(ring->stream), ring->open, strerror(errno));
    return 0;
}

void rw_ring_abandon(struct rw_ring *ring)
{
    if (ring->open >= 0)
        ring->slot[ring->open].last_seq = ring->next_seq;
    ring->counters.slots_abandoned++;
    memcpy(ring->link, ring->synced_link, RW_HASH_SIZE);
    ring->newest_us = ring->synced_newest_us;
    close_slot(ring);
}
