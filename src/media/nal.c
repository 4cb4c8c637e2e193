#include "media/nal.h"

#include <string.h>

enum { SETS_BYTES_MAX = 16 << 10, SETS_MAX = 64 };

static enum rw_nal_kind kind_h264(int type)
{
    switch (type) {
    case 1:
    case 2:
        return RW_NAL_SLICE;
    case 5:
        return RW_NAL_KEY_SLICE;
    case 6:
        return RW_NAL_SEI;
    case 7:
        return RW_NAL_SPS;
    case 8:
        return RW_NAL_PPS;
    case 9:
        return RW_NAL_DELIMITER;
    default:
        return RW_NAL_OTHER;
    }
}

static enum rw_nal_kind kind_hevc(int type)
{
    if (type < 16)
        return RW_NAL_SLICE;
    if (type < 24)
        return RW_NAL_KEY_SLICE;
    switch (type) {
    case 32:
        return RW_NAL_VPS;
    case 33:
        return RW_NAL_SPS;
    case 34:
        return RW_NAL_PPS;
    case 35:
        return RW_NAL_DELIMITER;
    case 39:
        return RW_NAL_SEI;
    default:
        return RW_NAL_OTHER;
    }
}

enum rw_nal_kind rw_nal_kind(enum rw_codec_id codec, uint8_t header)
{
    return codec == RW_CODEC_HEVC ? kind_hevc(header >> 1 & 63) : kind_h264(header & 31);
}

/* The first byte behind the next 00 00 01, or NULL. */
static const uint8_t *find_start(const uint8_t *at, const uint8_t *end)
{
    while (end - at > 3) {
        const uint8_t *one = memchr(at + 2, 1, (size_t)(end - at - 3));
        if (!one)
            return NULL;
        if (!one[-1] && !one[-2])
            return one + 1;
        at = one - 1;
    }
    return NULL;
}

static bool is_slice(enum rw_nal_kind kind)
{
    return kind == RW_NAL_SLICE || kind == RW_NAL_KEY_SLICE;
}

static bool is_set(enum rw_nal_kind kind)
{
    return kind == RW_NAL_VPS || kind == RW_NAL_SPS || kind == RW_NAL_PPS;
}

bool rw_nal_next(enum rw_codec_id codec, const uint8_t **at, const uint8_t *end, struct rw_nal *nal)
{
    const uint8_t *start = find_start(*at, end);
    while (start && end - start >= 3 && !start[0] && !start[1] && start[2] == 1)
        start += 3; /* nothing between two start codes */
    if (!start || start == end)
        return false;
    nal->kind = rw_nal_kind(codec, *start);
    if (codec == RW_CODEC_HEVC && (end - start < 2 || !(start[1] & 7)))
        nal->kind = RW_NAL_OTHER; /* nuh_temporal_id_plus1 is never 0 */
    nal->data = start;
    const uint8_t *next = is_slice(nal->kind) ? NULL : find_start(start, end);
    const uint8_t *stop = next ? next - 3 : end;
    *at = stop;
    while (stop > start + 1 && !stop[-1])
        stop--;
    nal->size = (size_t)(stop - start);
    return true;
}

/* Exp-Golomb code (H.264 9.1) at *bit; values over 2^16 do not occur where it is used. */
static unsigned read_ue(const uint8_t *data, size_t size, size_t *bit)
{
    unsigned zeros = 0, value = 1;
    while (*bit < 8 * size && !(data[*bit / 8] >> (7 - *bit % 8) & 1) && zeros < 16) {
        zeros++;
        ++*bit;
    }
    ++*bit;
    for (; zeros > 0 && *bit < 8 * size; zeros--, ++*bit)
        value = value << 1 | (data[*bit / 8] >> (7 - *bit % 8) & 1u);
    return value - 1;
}

/* A slice of type I, by first_mb_in_slice and slice_type (H.264 7.3.3). */
static bool is_intra_h264(const struct rw_nal *nal)
{
    size_t bit = 8;
    read_ue(nal->data, nal->size, &bit);
    return read_ue(nal->data, nal->size, &bit) % 5 == 2;
}

/* A recovery point SEI with recovery_frame_cnt 0 (H.264 D.1.8): pictures from here on are whole. */
static bool is_recovery_h264(const struct rw_nal *nal)
{
    return nal->size >= 4 && nal->data[1] == 6 && nal->data[3] & 0x80;
}

bool rw_nal_disposable(enum rw_codec_id codec, const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    struct rw_nal nal;
    while (rw_nal_next(codec, &at, data + size, &nal))
        if (is_slice(nal.kind))
            return nal.kind == RW_NAL_SLICE &&
                   (codec == RW_CODEC_HEVC ? !(nal.data[0] >> 1 & 1) : !(nal.data[0] & 0x60));
    return false;
}

struct rw_nal_summary rw_nal_summarize(enum rw_codec_id codec, const uint8_t *data, size_t size)
{
    struct rw_nal_summary summary = {0};
    const uint8_t *at = data;
    struct rw_nal nal;
    bool entry = false;
    while (!summary.picture && rw_nal_next(codec, &at, data + size, &nal)) {
        summary.picture = is_slice(nal.kind);
        summary.has_sets |= is_set(nal.kind);
        summary.keyframe = nal.kind == RW_NAL_KEY_SLICE;
        if (codec != RW_CODEC_H264)
            continue;
        entry |= nal.kind == RW_NAL_SPS || (nal.kind == RW_NAL_SEI && is_recovery_h264(&nal));
        if (nal.kind == RW_NAL_SLICE && entry)
            summary.keyframe = is_intra_h264(&nal);
    }
    return summary;
}

static bool contains(enum rw_codec_id codec, const uint8_t *sets, size_t size,
                     const struct rw_nal *wanted)
{
    const uint8_t *at = sets;
    struct rw_nal nal;
    while (size > 0 && rw_nal_next(codec, &at, sets + size, &nal)) {
        if (nal.size == wanted->size && memcmp(nal.data, wanted->data, nal.size) == 0)
            return true;
    }
    return false;
}

bool rw_nal_sets_known(enum rw_codec_id codec, const uint8_t *data, size_t size,
                       const uint8_t *sets, size_t sets_size)
{
    const uint8_t *at = data;
    struct rw_nal nal;
    for (int i = 0; i < SETS_MAX && rw_nal_next(codec, &at, data + size, &nal); i++) {
        if (is_slice(nal.kind))
            break;
        if (is_set(nal.kind) && !contains(codec, sets, sets_size, &nal))
            return false;
    }
    return true;
}

/* Appends the sets of one kind. Returns how many there are. */
static int collect(enum rw_codec_id codec, enum rw_nal_kind kind, const uint8_t *data, size_t size,
                   struct rw_buf *out)
{
    static const uint8_t START[4] = {0, 0, 0, 1};
    const uint8_t *at = data;
    struct rw_nal nal;
    int found = 0;
    while (size > 0 && found < SETS_MAX && rw_nal_next(codec, &at, data + size, &nal)) {
        if (is_slice(nal.kind))
            break;
        if (nal.kind != kind)
            continue;
        found++;
        if (out->size + nal.size > SETS_BYTES_MAX || contains(codec, out->data, out->size, &nal))
            continue;
        rw_buf_add(out, START, sizeof START);
        rw_buf_add(out, nal.data, nal.size);
    }
    return found;
}

bool rw_nal_sets_merge(enum rw_codec_id codec, const uint8_t *data, size_t size, const uint8_t *old,
                       size_t old_size, struct rw_buf *out)
{
    enum rw_nal_kind first = codec == RW_CODEC_HEVC ? RW_NAL_VPS : RW_NAL_SPS;
    for (enum rw_nal_kind kind = first; kind <= RW_NAL_PPS; kind++) {
        if (!collect(codec, kind, data, size, out) && !collect(codec, kind, old, old_size, out))
            return false;
    }
    return true;
}
