#include "camera/stale.h"

#include <string.h>

#include "media/nal.h"

enum {
    OTHER_PART = 4,   /* frozen: what comes between keyframes is smaller than one by this */
    SAMPLE_ROWS = 16, /* one row of so many */
    CONTRAST_MIN = 24,
    PICTURES_SURE = 8,
};

static uint64_t mix(uint64_t print, uint64_t word)
{
    print = (print ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return print ^ print >> 32;
}

/* Not for secrets: tells equal from different. Four at a time, for a multiplication takes longer
 * than it takes to begin the next. */
static uint64_t add_print(uint64_t print, const uint8_t *data, size_t size)
{
    uint64_t lane[4] = {print, print + 1, print + 2, print + 3}, word[4];
    for (; size >= sizeof word; data += sizeof word, size -= sizeof word) {
        memcpy(word, data, sizeof word);
        for (int i = 0; i < 4; i++)
            lane[i] = mix(lane[i], word[i]);
    }
    memset(word, 0, sizeof word);
    memcpy(word, data, size);
    word[3] |= (uint64_t)size << 56; /* at most 31 bytes are left */
    for (int i = 0; i < 4; i++)
        lane[i] = mix(lane[i], word[i]);
    return mix(mix(lane[0], lane[1]), mix(lane[2], lane[3]));
}

/* --- coded --- */

/* Of the slices alone: what stands before them may carry a clock. */
static uint64_t print_of_slices(const struct rw_packet *packet)
{
    enum rw_codec_id codec = rw_codec_id(packet->codec);
    const uint8_t *at = packet->data, *end = at + packet->size;
    struct rw_nal nal;
    while (rw_nal_next(codec, &at, end, &nal))
        if (nal.kind == RW_NAL_KEY_SLICE || nal.kind == RW_NAL_SLICE)
            return add_print(1, nal.data, (size_t)(end - nal.data));
    return add_print(1, packet->data, packet->size);
}

static bool much_between(const struct rw_stale_coded *stale)
{
    return stale->other_bytes > stale->key_bytes / OTHER_PART;
}

bool rw_stale_coded_feed(struct rw_stale_coded *stale, const struct rw_packet *packet)
{
    if (!packet->keyframe) {
        stale->other_bytes += packet->size;
        stale->stale &= !much_between(stale);
        return stale->stale;
    }
    uint64_t print = print_of_slices(packet);
    bool alike = print == stale->before[0] || print == stale->before[1];
    if (!alike || much_between(stale)) {
        stale->since_us = packet->arrival_us;
        stale->stale = false;
    } else {
        stale->stale |= packet->arrival_us - stale->since_us >= RW_STALE_US;
    }
    stale->before[1] = stale->before[0];
    stale->before[0] = print;
    stale->key_bytes = packet->size;
    stale->other_bytes = 0;
    return stale->stale;
}

/* --- luma --- */

/* Of every step'th row of the middle three quarters. */
static uint64_t print_of_rows(const struct rw_luma *luma, int step)
{
    uint64_t print = (uint64_t)luma->width << 32 | (uint32_t)luma->height;
    for (int y = luma->height / 8; y < luma->height - luma->height / 8; y += step)
        print = add_print(print, luma->data + (ptrdiff_t)y * luma->stride, (size_t)luma->width);
    return print;
}

static bool has_contrast(const struct rw_luma *luma)
{
    uint8_t least = 255, most = 0;
    for (int y = luma->height / 8; y < luma->height - luma->height / 8; y += SAMPLE_ROWS) {
        const uint8_t *row = luma->data + (ptrdiff_t)y * luma->stride;
        for (int x = 0; x < luma->width; x++) {
            least = row[x] < least ? row[x] : least;
            most = row[x] > most ? row[x] : most;
        }
    }
    return most - least >= CONTRAST_MIN;
}

static bool mostly_same(const struct rw_stale_luma *stale)
{
    return 2 * stale->same >= stale->pictures;
}

/* Is it like the keyframe before? */
static void take_keyframe(struct rw_stale_luma *stale, const struct rw_luma *luma,
                          int64_t arrival_us)
{
    uint64_t print = print_of_rows(luma, 1);
    if (stale->known && print == stale->key && mostly_same(stale) && has_contrast(luma)) {
        stale->alike++;
    } else {
        stale->alike = 0;
        stale->since_us = arrival_us;
        stale->stale = false;
    }
    stale->known = true;
    stale->key = print;
}

bool rw_stale_luma_feed(struct rw_stale_luma *stale, const struct rw_luma *luma, bool keyframe,
                        int64_t arrival_us)
{
    uint64_t print = print_of_rows(luma, SAMPLE_ROWS);
    bool same = print == stale->last;
    stale->last = print;
    if (keyframe) {
        take_keyframe(stale, luma, arrival_us);
        stale->pictures = stale->same = 0;
    } else {
        stale->pictures++;
        stale->same += same;
    }
    bool sure = keyframe || (stale->pictures >= PICTURES_SURE && mostly_same(stale));
    if (stale->alike && sure && arrival_us - stale->since_us >= RW_STALE_US)
        stale->stale = true;
    return stale->stale;
}
