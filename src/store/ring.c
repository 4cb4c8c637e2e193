#include "store/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 1 << 20 }; /* a larger buffer is not kept for the next time */

void rw_ring_forget_unsynced(struct rw_ring *ring)
{
    for (int i = 0; i < ring->unsynced_count; i++)
        if (ring->unsynced[i].payload.capacity > KEPT_MAX)
            rw_buf_finish(&ring->unsynced[i].payload);
    ring->unsynced_count = 0;
    ring->unsynced_bytes = 0;
    ring->synced = ring->newest;
    memcpy(ring->synced_link, ring->link, RW_HASH_SIZE);
}

void rw_ring_carry(struct rw_ring *ring, struct rw_unsynced *list, int count)
{
    rw_ring_forget_unsynced(ring);
    for (int i = 0; i < RW_UNSYNCED_MAX; i++)
        rw_buf_finish(&ring->unsynced[i].payload);
    memcpy(ring->unsynced, list, (size_t)count * sizeof *list);
    ring->unsynced_count = count;
    for (int i = 0; i < count; i++)
        ring->unsynced_bytes += list[i].record.length;
    if (count)
        ring->unsynced_since_us = list[0].record.boot_us;
    free(list);
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

static bool comes_before(const struct rw_slot *a, const struct rw_slot *b)
{
    return a->last_seq != b->last_seq ? a->last_seq < b->last_seq : a->left_seq < b->left_seq;
}

int rw_ring_next_slot(const struct rw_ring *ring)
{
    int best = -1;
    for (int number = 0; number < ring->count; number++) {
        const struct rw_slot *slot = &ring->slot[number];
        if (slot->size && !slot->held && number != ring->open && number != ring->left &&
            (best < 0 || comes_before(slot, &ring->slot[best])))
            best = number;
    }
    return best;
}

struct rw_ring_end rw_ring_end_of(const struct rw_record *record)
{
    return (struct rw_ring_end){.utc_us = record->start_us + record->duration_us,
                                .boot_us = record->boot_us + record->duration_us,
                                .boot = rw_boot_number(record->boot_id),
                                .unverified = record->clock_trust == RW_CLOCK_UNVERIFIED};
}

void rw_ring_leave(struct rw_ring *ring, int number)
{
    struct rw_slot *slot = &ring->slot[number];
    if (slot->last_seq)
        slot->left_seq = slot->last_seq;
    slot->last_seq = 0;
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
    if (rw_ring_check_disk(ring, err))
        return -1;
    rw_slot_path(ring->dir, number, false, path, sizeof path);
    ring->fd = ring->disk->open(ring->disk->self, path, O_RDWR, 0);
    if (ring->fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "the disk refused opening %s (%s)", path,
                       strerror(errno));
    ring->open = number;
    return 0;
}

static void put_free_box(const struct rw_ring *ring, int64_t at, struct rw_buf *out)
{
    int64_t size = ring->slot[ring->open].size;
    if (at < size)
        rw_free_box_pack(rw_buf_grow(out, 8), size - at);
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

static int sync_slot(struct rw_ring *ring, struct rw_err *err)
{
    ring->counters.syncs++;
    if (!ring->disk->fdatasync(ring->disk->self, ring->fd))
        return 0;
    return rw_fail(err, rw_code_of_errno(errno), "the disk refused a sync of %s slot %d (%s)",
                   rw_stream_name(ring->stream), ring->open, strerror(errno));
}

int rw_ring_begin(struct rw_ring *ring, int number, const uint8_t *init, size_t size,
                  int64_t base_us, struct rw_err *err)
{
    if ((int64_t)size + 8 > ring->slot[number].size)
        return rw_fail(err, RW_EINVAL, "the init segment does not fit into %s slot %d",
                       rw_stream_name(ring->stream), number);
    if (open_slot(ring, number, err))
        return -1;
    if (init != ring->init.data) { /* an abandoned slot's init is written again from here */
        rw_buf_clear(&ring->init);
        rw_buf_add(&ring->init, init, size);
    }
    SHA256(ring->init.data, ring->init.size, ring->init_hash);
    ring->base_us = base_us;
    ring->at = (int64_t)size;
    ring->slot[number].last_seq = ring->next_seq; /* newest: nobody's next */
    ring->slot[number].left_seq = 0;
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
    return write_scratch(ring, ring->at, err) || sync_slot(ring, err) ? -1 : 0;
}

size_t rw_ring_room(const struct rw_ring *ring)
{
    int64_t size = ring->open < 0 ? 0 : ring->slot[ring->open].size;
    int64_t room = size - ring->at - RW_RECORD_SIZE - 8;
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
        ring->newest = rw_ring_end_of(record);
    return 0;
}

int rw_ring_sync(struct rw_ring *ring, struct rw_err *err)
{
    if (!ring->unsynced_count || ring->fd < 0)
        return 0;
    if (sync_slot(ring, err))
        return -1;
    ring->left = -1; /* the disk takes pictures again */
    return 0;
}

void rw_ring_abandon(struct rw_ring *ring)
{
    if (ring->open >= 0 && ring->left < 0 && ring->at > (int64_t)ring->init.size)
        ring->left = ring->open;
    ring->counters.slots_abandoned++;
    memcpy(ring->link, ring->synced_link, RW_HASH_SIZE);
    ring->newest = ring->synced;
    close_slot(ring);
}
