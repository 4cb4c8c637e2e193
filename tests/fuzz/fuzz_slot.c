/* libFuzzer: any bytes as a slot file: the walk ends, stays within the file, and each record found
 * is read whole. A slot begins with whose ring it is (16 bytes), which no file says. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct rw_scan *scan)
{
    struct rw_record record;
    struct rw_err err = {0};
    int64_t offset = 0, before = scan->at;
    uint64_t last = scan->last_seq;
    int got;
    while ((got = rw_scan_next(scan, &record, &offset, &err)) == 1) {
        assert(offset == before && scan->at >= offset + RW_RECORD_SIZE);
        assert(scan->at <= scan->slot_size);
        assert(record.seq > last && !memcmp(record.ring, scan->ring, sizeof record.ring));
        assert(rw_scan_verify(scan, &record, offset, &err) >= 0);
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
            walk(&scan);
        }
    }
    close(fd);
    return 0;
}
