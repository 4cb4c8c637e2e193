#include "store/scan.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

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

int rw_scan_next(struct rw_scan *scan, struct rw_record *record, int64_t *offset,
                 struct rw_err *err)
{
    uint8_t header[RW_RECORD_SIZE];
    if (scan->at + RW_RECORD_SIZE > scan->slot_size)
        return 0;
    if (read_at(scan, header, sizeof header, scan->at, err))
        return -1;
    if (rw_record_unpack(header, record, NULL) || memcmp(record->ring, scan->ring, 16) ||
        memcmp(record->init_hash, scan->init_hash, RW_HASH_SIZE) ||
        record->init_length != scan->init_length || record->seq <= scan->last_seq ||
        scan->at + (int64_t)rw_record_span(record) > scan->slot_size)
        return 0;
    *offset = scan->at;
    scan->at += (int64_t)rw_record_span(record);
    scan->last_seq = record->seq;
    return 1;
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
