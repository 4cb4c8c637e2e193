#include "store/scan.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "store/event_json.h"

enum { INIT_MAX = 1 << 20, CHUNK = 256 * 1024 };

static int read_at(const struct rw_scan *scan, void *bytes, size_t size, int64_t offset,
                   struct rw_err *err)
{
    if (!rw_disk_read_full(scan->disk, scan->fd, bytes, size, offset))
        return 0;
    return rw_fail(err, RW_EIO, "the disk refused a read (%s)", strerror(errno));
}

/* ftyp and moov: their summed size, 0 when the slot does not begin with them. */
static int measure_init(const struct rw_scan *scan, uint32_t *length, struct rw_err *err)
{
    static const char names[2][5] = {"ftyp", "moov"};
    *length = 0;
    for (int i = 0; i < 2; i++) {
        uint8_t head[8];
        if (read_at(scan, head, sizeof head, *length, err))
            return -1;
        uint32_t size = rw_get_be32(head);
        if (memcmp(head + 4, names[i], 4) || size < 8 || size > INIT_MAX / 2 ||
            *length + size > scan->slot_size - 8)
            return rw_fail(err, RW_EFORMAT, "the slot is empty");
        *length += size;
    }
    return 0;
}

int rw_scan_open(struct rw_scan *scan, const struct rw_disk *disk, int fd, int64_t slot_size,
                 const uint8_t ring[16], struct rw_err *err)
{
    *scan = (struct rw_scan){.disk = disk, .fd = fd, .slot_size = slot_size};
    memcpy(scan->ring, ring, 16);
    if (measure_init(scan, &scan->init_length, err))
        return -1;
    uint8_t *init = malloc(scan->init_length);
    if (!init)
        abort();
    int failed = read_at(scan, init, scan->init_length, 0, err);
    if (!failed)
        SHA256(init, scan->init_length, scan->init_hash);
    free(init);
    scan->at = scan->init_length;
    return failed;
}

void rw_scan_skip_to(struct rw_scan *scan, int64_t at, uint64_t last_seq)
{
    scan->at = at;
    scan->last_seq = last_seq;
}

/* 1: a record of this slot's lap stands at scan->at. */
static int read_record(const struct rw_scan *scan, struct rw_record *record, struct rw_err *err)
{
    uint8_t header[RW_RECORD_SIZE];
    if (scan->at + RW_RECORD_SIZE > scan->slot_size)
        return 0;
    if (read_at(scan, header, sizeof header, scan->at, err))
        return -1;
    return !rw_record_unpack(header, record, NULL) && !memcmp(record->ring, scan->ring, 16) &&
           !memcmp(record->init_hash, scan->init_hash, RW_HASH_SIZE) &&
           record->init_length == scan->init_length && record->seq > scan->last_seq &&
           scan->at + (int64_t)rw_record_span(record) <= scan->slot_size;
}

/* A free box here: its end, 0 where there is none, -1 the disk refused. */
static int64_t free_end(const struct rw_scan *scan, struct rw_err *err)
{
    uint8_t head[8];
    if (scan->at + 8 > scan->slot_size)
        return 0;
    if (read_at(scan, head, sizeof head, scan->at, err))
        return -1;
    int64_t end = scan->at + rw_get_be32(head);
    bool box = !memcmp(head + 4, "free", 4) && end >= scan->at + 8 && end <= scan->slot_size;
    return box ? end : 0;
}

/* Moves to the next place that looks like a record. 1 moved, 0 there is none, -1 refused. */
static int search_record(struct rw_scan *scan, uint8_t *bytes, struct rw_err *err)
{
    int64_t at = scan->at + 1 + RW_RECORD_UUID_AT;
    while (at + RW_RECORD_SIZE - RW_RECORD_UUID_AT <= scan->slot_size) {
        int64_t left = scan->slot_size - at;
        size_t part = left < CHUNK ? (size_t)left : CHUNK;
        if (read_at(scan, bytes, part, at, err))
            return -1;
        const uint8_t *hit = memmem(bytes, part, rw_record_uuid, sizeof rw_record_uuid);
        if (hit) {
            scan->at = at + (hit - bytes) - RW_RECORD_UUID_AT;
            return 1;
        }
        at += (int64_t)part == left ? left : (int64_t)(part - sizeof rw_record_uuid + 1);
    }
    return 0;
}

static int search_good_record(struct rw_scan *scan, struct rw_record *record, struct rw_err *err)
{
    uint8_t *bytes = malloc(CHUNK);
    if (!bytes)
        abort();
    int got;
    do
        got = search_record(scan, bytes, err);
    while (got == 1 && !(got = read_record(scan, record, err)));
    free(bytes);
    scan->lost = got == 1;
    return got;
}

int rw_scan_next(struct rw_scan *scan, struct rw_record *record, int64_t *offset,
                 struct rw_err *err)
{
    scan->lost = false;
    int got = read_record(scan, record, err);
    int64_t end = got ? 0 : free_end(scan, err);
    if (end > 0 && end < scan->slot_size && scan->at == scan->init_length) {
        scan->at = scan->aged_to = end;
        got = read_record(scan, record, err);
        end = got ? 0 : free_end(scan, err);
    }
    if (end < 0 || got < 0)
        return -1;
    if (!got && scan->search && end != scan->slot_size)
        got = search_good_record(scan, record, err);
    if (got <= 0)
        return got;
    *offset = scan->at;
    scan->at += (int64_t)rw_record_span(record);
    scan->last_seq = record->seq;
    return 1;
}

bool rw_scan_find_link(struct rw_scan *scan, const uint8_t link[RW_HASH_SIZE])
{
    struct rw_record record;
    int64_t offset;
    while (rw_scan_next(scan, &record, &offset, NULL) == 1)
        if (!memcmp(record.link, link, RW_HASH_SIZE))
            return true;
    return false;
}

/* 1: that very record's header stands there. */
static int read_known(struct rw_scan *scan, int64_t offset, uint64_t seq, uint32_t length,
                      struct rw_record *record, struct rw_err *err)
{
    rw_scan_skip_to(scan, offset, 0);
    int got = read_record(scan, record, err);
    return got > 0 ? record->seq == seq && record->length == length : got;
}

int rw_scan_check(struct rw_scan *scan, int64_t offset, uint64_t seq, uint32_t length,
                  struct rw_err *err)
{
    struct rw_record record;
    int got = read_known(scan, offset, seq, length, &record, err);
    return got > 0 ? rw_scan_verify(scan, &record, offset, err) : got;
}

int rw_scan_load(struct rw_scan *scan, int64_t offset, uint64_t seq, uint32_t length,
                 struct rw_buf *out, struct rw_err *err)
{
    struct rw_record record;
    uint8_t hash[RW_HASH_SIZE];
    int got = read_known(scan, offset, seq, length, &record, err);
    if (got <= 0)
        return got;
    uint8_t *at = rw_buf_grow(out, length);
    if (read_at(scan, at, length, offset + RW_RECORD_SIZE, err))
        return -1;
    SHA256(at, length, hash);
    return !memcmp(hash, record.payload_hash, RW_HASH_SIZE);
}

int rw_scan_verify(const struct rw_scan *scan, const struct rw_record *record, int64_t offset,
                   struct rw_err *err)
{
    int result = -1;
    uint8_t hash[RW_HASH_SIZE];
    uint8_t *bytes = malloc(CHUNK);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!bytes || !digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL))
        abort();
    int64_t at = offset + RW_RECORD_SIZE;
    for (uint32_t left = record->length; left;) {
        uint32_t part = left < CHUNK ? left : CHUNK;
        if (read_at(scan, bytes, part, at, err))
            goto out;
        EVP_DigestUpdate(digest, bytes, part);
        at += part;
        left -= part;
    }
    EVP_DigestFinal_ex(digest, hash, NULL);
    result = !memcmp(hash, record->payload_hash, RW_HASH_SIZE);
out:
    EVP_MD_CTX_free(digest);
    free(bytes);
    return result;
}

int rw_scan_event(const struct rw_scan *scan, const struct rw_record *record, int64_t offset,
                  struct rw_buf *payload, struct rw_event *event, struct rw_pictures *pictures,
                  struct rw_err *err)
{
    const char *json;
    size_t json_size;
    rw_buf_clear(payload);
    rw_buf_grow(payload, record->length);
    if (rw_disk_read_full(scan->disk, scan->fd, payload->data, record->length,
                          offset + RW_RECORD_SIZE))
        return rw_fail(err, RW_EIO, "the disk refused a read (%s)", strerror(errno));
    return !rw_event_unpack(payload->data, record->length, &json, &json_size, pictures) &&
           !rw_event_from_json(json, json_size, event);
}
