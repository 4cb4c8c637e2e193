/* libFuzzer: any bytes as a slot file: the walk ends, stays within the file, and each record found
 * is read whole, as recovery does it, and as fsck and a new index do: these look for records behind
 * damage too. A slot begins with whose ring it is (16 bytes), which no file says. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Three ways to the same bytes. */
static void read_payload(struct rw_scan *scan, const struct rw_record *record, int64_t offset)
{
    struct rw_err err = {0};
    struct rw_scan again = *scan;
    struct rw_buf payload = {0};
    int good = rw_scan_verify(scan, record, offset, &err);
    assert(good >= 0);
    assert(rw_scan_check(&again, offset, record->seq, record->length, &err) == good);
    assert(rw_scan_load(&again, offset, record->seq, record->length, &payload, &err) == good);
    assert(payload.size == record->length);
    if (record->kind == RW_RECORD_EVENT) {
        struct rw_event event;
        struct rw_pictures pictures;
        assert(rw_scan_event(scan, record, offset, &payload, &event, &pictures, &err) >= 0);
    }
    rw_buf_finish(&payload);
}

static void walk(struct rw_scan *scan)
{
    struct rw_record record;
    struct rw_err err = {0};
    int64_t offset = 0, before = scan->at;
    uint64_t last = scan->last_seq;
    int got;
    while ((got = rw_scan_next(scan, &record, &offset, &err)) == 1) {
        assert(offset == before || (offset > before && (scan->search || offset == scan->aged_to)));
        assert(scan->at >= offset + RW_RECORD_SIZE);
        assert(!scan->lost || scan->search);
        assert(scan->at <= scan->slot_size);
        assert(record.seq > last && !memcmp(record.ring, scan->ring, sizeof record.ring));
        read_payload(scan, &record, offset);
        before = scan->at;
        last = record.seq;
    }
    assert(!got); /* the disk refused nothing */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_scan scan;
    struct rw_err err = {0};
    uint8_t ring[16];
    if (size < sizeof ring)
        return 0;
    memcpy(ring, data, sizeof ring);
    data += sizeof ring;
    size -= sizeof ring;
    int fd = memfd_create("slot", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    if (rw_scan_open(&scan, rw_disk_system(), fd, (int64_t)size, ring, &err)) {
        assert(err.code == RW_EFORMAT || err.code == RW_EIO);
    } else {
        assert(scan.init_length <= size);
        walk(&scan);
        for (int64_t at = 0; at < (int64_t)size; at += 1 + (int64_t)size / 16) {
            rw_scan_skip_to(&scan, at, 0); /* as a damaged index may say */
            scan.search = false;
            walk(&scan);
            rw_scan_skip_to(&scan, at, 0);
            scan.search = true;
            walk(&scan);
        }
    }
    close(fd);
    return 0;
}
