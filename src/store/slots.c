/* A ring's files: its label, its slots, those that are held. */
#include "store/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/log.h"
#include "base/units.h"

enum {
    SLOT_BYTES_MIN = 4096,
    SLOT_BYTES_MAX = 1 << 30,
    NUMBERS_MAX = 1 << 20,
};

const char *rw_stream_name(enum rw_stream stream)
{
    return stream == RW_MAIN ? "main" : "sub";
}

double rw_stream_bits(enum rw_stream stream)
{
    return stream == RW_MAIN ? 2e6 : 3e5;
}

void rw_slot_path(const char *dir, int number, bool held, char *out, size_t size)
{
    snprintf(out, size, "%s/%s%05d.mp4", dir, held ? "held/" : "", number);
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
    if (!id || rw_uuid_parse(id, label->id) || label->slot_size < SLOT_BYTES_MIN ||
        label->slots < 1 || label->slot_size > SLOT_BYTES_MAX) {
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
                       const struct rw_ring_label *label, struct rw_err *err)
{
    char id[RW_UUID_TEXT_SIZE], path[600];
    json_t *json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:i}", "format", 1, "ring",
                             rw_uuid_format(label->id, id), "site", options->site, "camera",
                             options->camera, "stream", rw_stream_name(ring->stream), "slot_size",
                             (json_int_t)label->slot_size, "slots", label->slots);
    char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
    json_decref(json);
    if (!text)
        abort();
    snprintf(path, sizeof path, "%s/ring.json", ring->dir);
    int failed = rw_disk_replace_file(ring->disk, path, text, strlen(text), true, err);
    free(text);
    return failed;
}

int rw_ring_check_disk(const struct rw_ring *ring, struct rw_err *err)
{
    struct rw_ring_label label;
    struct rw_err why;
    int there = rw_ring_read_label(ring->disk, ring->dir, NULL, NULL, &label, &why);
    if (there < 0 && why.code != RW_EFORMAT)
        return rw_fail(err, why.code, "%s", why.text);
    if (there == 1 && !memcmp(label.id, ring->id, 16))
        return 0;
    return rw_fail(err, RW_EFOREIGN,
                   "the disk with %s is gone%s; put the right one back, or restart the service to "
                   "begin on this one",
                   ring->dir, there ? " and another one is in its place" : "");
}

static void stream_dir(const struct rw_store_options *options, enum rw_stream stream, char *out,
                       size_t size)
{
    snprintf(out, size, "%s/%s", options->dir, rw_stream_name(stream));
}

/* --- finding --- */

struct finding {
    struct rw_ring *ring;
    bool held;
    bool tidy; /* remove what a cut left half-made */
    bool refused;
};

static struct rw_slot *slot_at(struct rw_ring *ring, int number)
{
    if (number >= ring->count) {
        ring->slot = realloc(ring->slot, (size_t)(number + 1) * sizeof *ring->slot);
        if (!ring->slot)
            abort();
        memset(ring->slot + ring->count, 0,
               (size_t)(number + 1 - ring->count) * sizeof *ring->slot);
        ring->count = number + 1;
    }
    return &ring->slot[number];
}

/* "00012.mp4": 12, and *rest behind it; -1: another name. */
static int number_of(const char *name, const char **rest)
{
    char *end;
    long number = strtol(name, &end, 10);
    if (end - name < 5 || *name < '0' || *name > '9' || number >= NUMBERS_MAX ||
        strncmp(end, ".mp4", 4) != 0)
        return -1;
    *rest = end + 4;
    return (int)number;
}

static int64_t size_of(const struct rw_disk *disk, const char *path)
{
    int fd = disk->open(disk->self, path, O_RDONLY, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    int64_t size = disk->size(disk->self, fd);
    disk->close(disk->self, fd);
    return size;
}

static void find_slot(void *arg, const char *name)
{
    struct finding *finding = arg;
    const struct rw_disk *disk = finding->ring->disk;
    const char *rest = "";
    int number = number_of(name, &rest);
    if (number < 0)
        return;
    char path[800];
    snprintf(path, sizeof path, "%s/%s%.64s", finding->ring->dir, finding->held ? "held/" : "",
             name);
    int64_t size = *rest ? 0 : size_of(disk, path);
    bool whole = size >= SLOT_BYTES_MIN && size <= SLOT_BYTES_MAX;
    if (size < 0)
        finding->refused = true;
    else if (whole)
        *slot_at(finding->ring, number) = (struct rw_slot){.size = size, .held = finding->held};
    else if (finding->tidy && (!*rest || !strcmp(rest, ".new")))
        disk->unlink(disk->self, path);
}

/* Every slot there is, in the ring's folder and below held/. */
static int find_slots(struct rw_ring *ring, bool tidy, struct rw_err *err)
{
    struct finding finding = {.ring = ring, .tidy = tidy};
    const struct rw_disk *disk = ring->disk;
    char held[600];
    if (disk->list(disk->self, ring->dir, find_slot, &finding) || finding.refused)
        return fail_disk(err, "opening slots in", ring->dir);
    snprintf(held, sizeof held, "%s/held", ring->dir);
    finding.held = true;
    if ((disk->list(disk->self, held, find_slot, &finding) && errno != ENOENT) || finding.refused)
        return fail_disk(err, "opening slots in", held);
    return 0;
}

int64_t rw_ring_bytes(const struct rw_ring *ring)
{
    int64_t bytes = 0;
    for (int number = 0; number < ring->count; number++)
        bytes += ring->slot[number].held ? 0 : ring->slot[number].size;
    return bytes;
}

int rw_ring_slots(const struct rw_ring *ring)
{
    int slots = 0;
    for (int number = 0; number < ring->count; number++)
        slots += ring->slot[number].size && !ring->slot[number].held;
    return slots;
}

static int64_t budget_of(const struct rw_store_options *options, enum rw_stream stream)
{
    int slots = options->slots[stream];
    return (slots < RW_SLOTS_MIN ? RW_SLOTS_MIN : slots) * options->slot_size;
}

int64_t rw_ring_missing(const struct rw_store_options *options, enum rw_stream stream, bool *usable)
{
    struct rw_ring ring = {.disk = options->disk};
    stream_dir(options, stream, ring.dir, sizeof ring.dir);
    find_slots(&ring, false, NULL);
    int64_t missing = budget_of(options, stream) - rw_ring_bytes(&ring);
    *usable = rw_ring_slots(&ring) >= RW_SLOTS_MIN;
    free(ring.slot);
    return missing < options->slot_size ? 0 : missing - missing % options->slot_size;
}

int rw_slot_open(const struct rw_disk *disk, const char *dir, int number, int64_t *size)
{
    /* it may move between two looks */
    int fd = -1;
    for (int look = 0; look < 3 && fd < 0 && (!look || errno == ENOENT); look++) {
        char path[600];
        rw_slot_path(dir, number, look == 1, path, sizeof path);
        fd = disk->open(disk->self, path, O_RDONLY, 0);
    }
    if (fd >= 0)
        *size = disk->size(disk->self, fd);
    return fd;
}

/* As rw_slot_scan(), of a slot that is open. */
static int begin_scan(struct rw_scan *scan, const struct rw_disk *disk, int fd, int64_t size,
                      const uint8_t ring[16], const char *dir, int number, struct rw_err *err)
{
    struct rw_err why;
    if (!rw_scan_open(scan, disk, fd, size, ring, &why))
        return 1;
    return why.code == RW_EFORMAT ? 0
                                  : rw_fail(err, why.code, "%s slot %d: %s", dir, number, why.text);
}

int rw_slot_scan(struct rw_scan *scan, const struct rw_disk *disk, const char *dir, int number,
                 const uint8_t ring[16], struct rw_err *err)
{
    int64_t size;
    int fd = rw_slot_open(disk, dir, number, &size);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s slot %d cannot be read (%s)", dir, number,
                       strerror(errno));
    int got = begin_scan(scan, disk, fd, size, ring, dir, number, err);
    if (got <= 0)
        disk->close(disk->self, fd);
    return got;
}

int rw_slot_settle(struct rw_scan *scan, const char *dir, int number, struct rw_err *err)
{
    const struct rw_disk *disk = scan->disk;
    struct rw_scan fresh;
    if (disk->fdatasync(disk->self, scan->fd))
        return rw_fail(err, rw_code_of_errno(errno), "%s slot %d: %s", dir, number,
                       strerror(errno));
    if (!disk->forget)
        return 1;
    disk->forget(disk->self, scan->fd, 0, 0);
    int got = begin_scan(&fresh, disk, scan->fd, scan->slot_size, scan->ring, dir, number, err);
    if (got <= 0)
        return got;
    fresh.search = scan->search;
    *scan = fresh;
    return 1;
}

void rw_slot_end(struct rw_scan *scan)
{
    scan->disk->close(scan->disk->self, scan->fd);
}

void rw_ring_want(const struct rw_ring *ring, int number)
{
    int64_t size;
    if (number >= ring->count || !ring->slot[number].size || !ring->disk->want)
        return;
    int fd = rw_slot_open(ring->disk, ring->dir, number, &size);
    if (fd < 0)
        return;
    ring->disk->want(ring->disk->self, fd, 0, size);
    ring->disk->close(ring->disk->self, fd);
}

/* --- making and removing --- */

/* A slot without a picture yet: one free box over all of it. It gets its name when it is whole. */
static int make_slot(struct rw_ring *ring, int number, struct rw_err *err)
{
    char path[600], fresh[620];
    uint8_t head[8];
    const struct rw_disk *disk = ring->disk;
    rw_slot_path(ring->dir, number, false, path, sizeof path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = disk->open(disk->self, fresh, O_RDWR | O_CREAT, 0640);
    if (fd < 0)
        return fail_disk(err, "making", path);
    rw_free_box_pack(head, ring->slot_size);
    int failed = disk->allocate(disk->self, fd, ring->slot_size) ||
                 rw_disk_write_full(disk, fd, head, sizeof head, 0) ||
                 disk->fdatasync(disk->self, fd) || disk->rename(disk->self, fresh, path);
    if (failed) {
        fail_disk(err, "room for", path);
        disk->unlink(disk->self, fresh);
    }
    disk->close(disk->self, fd);
    if (!failed)
        *slot_at(ring, number) = (struct rw_slot){.size = ring->slot_size};
    return failed ? -1 : 0;
}

static void unmake_slots(struct rw_ring *ring, const int *made, int count)
{
    for (int i = 0; i < count; i++)
        rw_ring_remove(ring, made[i], false, NULL);
}

int rw_ring_fill(struct rw_ring *ring, struct rw_err *err)
{
    int64_t missing = (ring->budget - rw_ring_bytes(ring)) / ring->slot_size;
    if (missing <= 0)
        return 0;
    int *made = calloc((size_t)missing, sizeof *made), count = 0, failed = 0;
    if (!made)
        return rw_fail(err, RW_ENOMEM, "no memory for %lld slots", (long long)missing);
    for (int number = 0; count < missing && !failed; number++) {
        if (number < ring->count && ring->slot[number].size)
            continue;
        failed = make_slot(ring, number, err);
        if (!failed)
            made[count++] = number;
    }
    if (!failed && ring->disk->sync_dir(ring->disk->self, ring->dir))
        failed = fail_disk(err, "syncing", ring->dir);
    if (failed)
        unmake_slots(ring, made, count);
    free(made);
    return failed;
}

int rw_ring_fill_to(struct rw_ring *ring, int64_t bytes, struct rw_err *err)
{
    int64_t budget = ring->budget;
    ring->budget = bytes;
    int failed = rw_ring_fill(ring, err);
    ring->budget = budget;
    return failed;
}

int rw_ring_zero(struct rw_ring *ring, int number, int64_t from, int64_t to, struct rw_err *err)
{
    char path[600];
    rw_slot_path(ring->dir, number, ring->slot[number].held, path, sizeof path);
    return rw_disk_zero(ring->disk, path, from, to, err);
}

int rw_ring_remove(struct rw_ring *ring, int number, bool wipe, struct rw_err *err)
{
    char path[600], folder[600];
    bool held = ring->slot[number].held;
    if (wipe && rw_ring_zero(ring, number, 0, ring->slot[number].size, err))
        return -1;
    rw_slot_path(ring->dir, number, held, path, sizeof path);
    if (ring->disk->unlink(ring->disk->self, path))
        return fail_disk(err, "removing", path);
    ring->slot[number] = (struct rw_slot){.size = 0};
    /* its number is free for a slot of the ring: a cut must not bring both */
    snprintf(folder, sizeof folder, "%s/held", ring->dir);
    if (held && ring->disk->sync_dir(ring->disk->self, folder))
        return fail_disk(err, "syncing", folder);
    return 0;
}

int rw_ring_hold(struct rw_ring *ring, int number, bool held, struct rw_err *err)
{
    const struct rw_disk *disk = ring->disk;
    char from[600], to[600], folder[600];
    snprintf(folder, sizeof folder, "%s/held", ring->dir);
    if (rw_disk_make_path(disk, folder, err))
        return -1;
    rw_slot_path(ring->dir, number, !held, from, sizeof from);
    rw_slot_path(ring->dir, number, held, to, sizeof to);
    if (disk->rename(disk->self, from, to))
        return fail_disk(err, "moving", from);
    ring->slot[number].held = held;
    if (disk->sync_dir(disk->self, held ? folder : ring->dir) ||
        disk->sync_dir(disk->self, held ? ring->dir : folder))
        return fail_disk(err, "syncing", ring->dir);
    return 0;
}

/* --- opening --- */

/* A ring that is there goes on with what it has. */
static int fill_or_go_on(struct rw_ring *ring, bool fill, struct rw_err *err)
{
    struct rw_err why = {.text = "the disk has no room for it"};
    if (fill && !rw_ring_fill(ring, &why))
        return 0;
    if (!fill && rw_ring_bytes(ring) + ring->slot_size > ring->budget)
        return 0;
    if (rw_ring_slots(ring) < RW_SLOTS_MIN)
        return rw_fail(err, why.code, "%s", why.text);
    rw_log(RW_LOG_WARNING, rw_stream_name(ring->stream),
           "%s: less than `keep` is kept (%s); lower `keep` or free the disk", ring->dir, why.text);
    return 0;
}

/* A killed program may have made a name that only memory has: a cut later would take the slot, or
 * the label, and all that was written since. */
static int sync_names(const struct rw_ring *ring, struct rw_err *err)
{
    char held[600];
    const struct rw_disk *disk = ring->disk;
    snprintf(held, sizeof held, "%s/held", ring->dir);
    if (disk->sync_dir(disk->self, ring->dir) ||
        (disk->exists(disk->self, held) && disk->sync_dir(disk->self, held)))
        return fail_disk(err, "syncing", ring->dir);
    return 0;
}

int rw_ring_init(struct rw_ring *ring, const struct rw_store_options *options,
                 enum rw_stream stream, bool fill, struct rw_err *err)
{
    struct rw_ring_label label, want = {.slot_size = options->slot_size};
    *ring = (struct rw_ring){.disk = options->disk,
                             .clock = options->clock,
                             .stream = stream,
                             .slot_size = options->slot_size,
                             .budget = budget_of(options, stream),
                             .open = -1,
                             .left = -1,
                             .fd = -1,
                             .next_seq = 1};
    stream_dir(options, stream, ring->dir, sizeof ring->dir);
    int there =
        rw_ring_read_label(ring->disk, ring->dir, options->site, options->camera, &label, err);
    if (there < 0)
        return -1;
    ring->clock->boot_id(ring->clock->self, ring->boot_id);
    ring->fresh = !there;
    if (there)
        memcpy(ring->id, label.id, 16);
    else
        rw_uuid_make(ring->id);
    if (rw_disk_make_path(ring->disk, ring->dir, err) || find_slots(ring, true, err) ||
        sync_names(ring, err) || fill_or_go_on(ring, fill, err))
        return -1;
    memcpy(want.id, ring->id, 16);
    want.slots = (int)(ring->budget / ring->slot_size);
    if (!there || label.slots != want.slots || label.slot_size != want.slot_size)
        return write_label(ring, options, &want, err);
    return 0;
}

int rw_ring_look(struct rw_ring *ring, const struct rw_disk *disk, const char *dir,
                 enum rw_stream stream, const struct rw_ring_label *label, struct rw_err *err)
{
    *ring = (struct rw_ring){.disk = disk,
                             .stream = stream,
                             .open = -1,
                             .left = -1,
                             .fd = -1,
                             .slot_size = label->slot_size,
                             .budget = label->slots * label->slot_size};
    memcpy(ring->id, label->id, 16);
    snprintf(ring->dir, sizeof ring->dir, "%.480s/%s", dir, rw_stream_name(stream));
    return find_slots(ring, false, err);
}
