/* libFuzzer: what a camera says of its time, and the box's clocks meanwhile. Each picture is a byte
 * that says how each of the three moves (two bits: a little, by any step, to any value, not at
 * all), then the bytes for that. */
#include <assert.h>
#include <stdint.h>

#include "base/buf.h"
#include "media/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum move { A_LITTLE, A_STEP, ANYWHERE, NOT_AT_ALL };

/* The clamps of the timeline let no time out of here, whatever comes in. */
static const int64_t FAR_US = INT64_C(1) << 62;

static const uint8_t *move_time(const uint8_t *at, const uint8_t *end, int how, int64_t *time_us)
{
    static const int SIZES[] = {[A_LITTLE] = 2, [A_STEP] = 4, [ANYWHERE] = 8, [NOT_AT_ALL] = 0};
    if (!at || end - at < SIZES[how])
        return NULL;
    uint64_t now = (uint64_t)*time_us; /* may wrap: cameras say anything */
    if (how == A_LITTLE)
        now += 4u * rw_get_be16(at); /* to a quarter of a second */
    else if (how == A_STEP)
        now += (uint64_t)(int64_t)(int32_t)rw_get_be32(at);
    else if (how == ANYWHERE)
        now = rw_get_be64(at);
    *time_us = (int64_t)now;
    return at + SIZES[how];
}

static void check(const struct rw_stamp *stamp, const struct rw_stamp *last)
{
    assert(stamp->utc_us >= -FAR_US && stamp->utc_us <= FAR_US);
    assert(stamp->boot_us >= -FAR_US && stamp->boot_us <= FAR_US);
    assert(stamp->dts_us >= -FAR_US && stamp->dts_us <= FAR_US);
    assert(!last || stamp->jumped || stamp->dts_us > last->dts_us);
    assert(last ? true : stamp->dts_us == stamp->utc_us);
    assert(!stamp->jumped || stamp->dts_us == stamp->utc_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *end = data + size;
    struct rw_timeline timeline;
    struct rw_stamp stamp, last;
    struct rw_now now = {.utc_us = INT64_C(1790000000000000), .boot_us = 1000000};
    int64_t media_us = 0, utc_offset_us = now.utc_us - now.boot_us;
    rw_timeline_init(&timeline);
    for (int count = 0; at && at < end; count++) {
        int how = *at++;
        at = move_time(at, end, how & 3, &media_us);
        at = move_time(at, end, how >> 2 & 3, &now.boot_us);
        at = move_time(at, end, how >> 4 & 3, &utc_offset_us);
        now.utc_us = (int64_t)((uint64_t)now.boot_us + (uint64_t)utc_offset_us);
        stamp = rw_timeline_stamp(&timeline, how & 64 ? INT64_MIN : media_us, now);
        check(&stamp, count ? &last : NULL);
        last = stamp;
    }
    return 0;
}
