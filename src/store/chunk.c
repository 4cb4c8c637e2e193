/* An entry of a chunk: u8 flags (1 keyframe, 2 event, 4 gaps follow, 8 came damaged), varint
 * payload length; of a fragment also varint duration and signed varint (start minus the end before
 * it); with gaps u8 count and each u8 cause, varint length. Varints are LEB128. */
#include <string.h>

#include "store/index.h"

enum { KEYFRAME = 1, EVENT = 2, GAPS = 4, CAME_DAMAGED = 8, ENTRY_MAX = 64 };

static const int64_t PLACE_MAX = INT64_C(1) << 48; /* no disk is larger */
static const uint64_t GAP_MAX = UINT64_C(1) << 56; /* as in a record's header */

void rw_chunk_init(struct rw_chunk *chunk, enum rw_stream stream)
{
    *chunk = (struct rw_chunk){.stream = stream};
}

void rw_chunk_finish(struct rw_chunk *chunk)
{
    rw_buf_finish(&chunk->entries);
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; at && at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 0x7f) << shift;
        if (!(*at++ & 0x80))
            return at;
    }
    return NULL;
}

static bool belongs(const struct rw_chunk *chunk, int slot, const struct rw_record *record,
                    int64_t offset)
{
    if (chunk->slot != slot || chunk->count >= RW_CHUNK_RECORDS ||
        record->seq != chunk->first_seq + (uint64_t)chunk->count ||
        offset != chunk->offset + chunk->span)
        return false;
    if (record->kind == RW_RECORD_EVENT)
        return true;
    if (!chunk->end_us)
        return record->gap_count == 0;
    if (rw_boot_number(record->boot_id) != chunk->boot ||
        (record->clock_trust == RW_CLOCK_UNVERIFIED) != chunk->unverified)
        return false;
    int64_t hole = record->start_us - chunk->end_us;
    return record->gap_count == 0 && hole <= RW_GAP_TOLERANCE_US && hole >= -RW_GAP_TOLERANCE_US &&
           record->start_us + record->duration_us - chunk->start_us <= RW_CHUNK_US;
}

bool rw_chunk_add(struct rw_chunk *chunk, int slot, const struct rw_record *record, int64_t offset)
{
    if (chunk->count && !belongs(chunk, slot, record, offset))
        return false;
    bool event = record->kind == RW_RECORD_EVENT;
    if (!chunk->count) {
        chunk->slot = slot;
        chunk->first_seq = record->seq;
        chunk->offset = offset;
    }
    if (!event && !chunk->end_us) {
        chunk->start_us = chunk->end_us = record->start_us;
        chunk->boot_us = record->boot_us;
        chunk->boot = rw_boot_number(record->boot_id);
        chunk->unverified = record->clock_trust == RW_CLOCK_UNVERIFIED;
    }
    uint8_t entry[ENTRY_MAX], *at = entry;
    *at++ = (uint8_t)((record->keyframe ? KEYFRAME : 0) | (event ? EVENT : 0) |
                      (record->gap_count ? GAPS : 0) | (record->came_damaged ? CAME_DAMAGED : 0));
    at = put_varint(at, record->length);
    if (!event) {
        int64_t delta = record->start_us - chunk->end_us;
        at = put_varint(at, record->duration_us);
        at = put_varint(at, (uint64_t)delta << 1 ^ (uint64_t)(delta >> 63));
        chunk->end_us = record->start_us + record->duration_us;
    }
    if (record->gap_count)
        *at++ = (uint8_t)record->gap_count;
    for (int i = 0; i < record->gap_count; i++) {
        *at++ = (uint8_t)record->gaps[i].cause;
        at = put_varint(at, (uint64_t)record->gaps[i].length_us);
    }
    rw_buf_add(&chunk->entries, entry, (size_t)(at - entry));
    chunk->count++;
    chunk->span += (int64_t)rw_record_span(record);
    return true;
}

static const uint8_t *read_gaps(const uint8_t *at, const uint8_t *end, struct rw_fragment *out)
{
    int count = at < end ? *at++ : RW_GAPS_MAX + 1;
    if (count > RW_GAPS_MAX)
        return NULL;
    for (int i = 0; i < count; i++) {
        uint64_t length;
        if (at >= end)
            return NULL;
        if (*at > RW_CAUSE_LAST)
            return NULL;
        out->gaps[i].cause = (enum rw_cause) * at++;
        at = get_varint(at, end, &length);
        if (!at)
            return NULL;
        if (length >= GAP_MAX)
            return NULL;
        out->gaps[i].length_us = (int64_t)length;
    }
    out->gap_count = count;
    return at;
}

/* One entry at `at`; *end_us moves on. NULL when damaged. */
static const uint8_t *read_entry(const uint8_t *at, const uint8_t *end, struct rw_fragment *out,
                                 int64_t *end_us, enum rw_record_kind *kind)
{
    int flags = *at++;
    uint64_t length, duration = 0, delta = 0;
    at = get_varint(at, end, &length);
    if (!(flags & EVENT)) {
        at = get_varint(at, end, &duration);
        at = get_varint(at, end, &delta);
    }
    if (!at || length > UINT32_MAX || duration > UINT32_MAX)
        return NULL;
    *kind = flags & EVENT ? RW_RECORD_EVENT : RW_RECORD_FRAGMENT;
    out->keyframe = flags & KEYFRAME;
    out->came_damaged = flags & CAME_DAMAGED;
    out->size = (uint32_t)length;
    out->duration_us = (uint32_t)duration;
    out->start_us = (int64_t)((uint64_t)*end_us + (delta >> 1 ^ -(delta & 1)));
    out->gap_count = 0;
    if (!rw_time_in_range(out->start_us))
        return NULL;
    if (!(flags & EVENT)) {
        *end_us = out->start_us + (int64_t)duration;
        if (!*end_us)
            return NULL; /* that stands for none */
    }
    return flags & GAPS ? read_gaps(at, end, out) : at;
}

/* Are the row's numbers such as a store writes, and no sum of them can overflow? A cut may leave a
 * boot time that is a little before 0. */
static bool makes_sense(const struct rw_chunk *chunk)
{
    return chunk->first_seq <= INT64_MAX - RW_CHUNK_RECORDS && chunk->count >= 0 &&
           chunk->count <= RW_CHUNK_RECORDS && chunk->offset >= 0 && chunk->offset <= PLACE_MAX &&
           rw_time_in_range(chunk->start_us) && chunk->boot_us >= -RW_CHUNK_US &&
           (chunk->boot_us < 0 || rw_time_in_range(chunk->boot_us));
}

int rw_chunk_each(const struct rw_chunk *chunk, rw_chunk_fn fn, void *arg)
{
    if (!makes_sense(chunk))
        return -1;
    const uint8_t *at = chunk->entries.data, *end = at ? at + chunk->entries.size : at;
    struct rw_fragment fragment = {
        .slot = chunk->slot, .seq = chunk->first_seq, .offset = chunk->offset + RW_RECORD_SIZE};
    int64_t end_us = chunk->start_us;
    for (int i = 0; i < chunk->count; i++, fragment.seq++) {
        enum rw_record_kind kind;
        at = at < end ? read_entry(at, end, &fragment, &end_us, &kind) : NULL;
        if (!at)
            return -1;
        int stop = fn(arg, &fragment, kind);
        if (stop)
            return stop;
        fragment.offset += RW_RECORD_SIZE + (int64_t)fragment.size;
    }
    return 0;
}

struct cut {
    uint64_t seq;
    struct rw_chunk out;
    const struct rw_chunk *from;
};

static int take_rest(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct cut *cut = arg;
    if (fragment->seq < cut->seq)
        return 0;
    const struct rw_chunk *from = cut->from;
    struct rw_record record = {.kind = kind,
                               .keyframe = fragment->keyframe,
                               .came_damaged = fragment->came_damaged,
                               .clock_trust =
                                   from->unverified ? RW_CLOCK_UNVERIFIED : RW_CLOCK_SYNCED,
                               .seq = fragment->seq,
                               .start_us = fragment->start_us,
                               .boot_us = from->boot_us + (fragment->start_us - from->start_us),
                               .duration_us = fragment->duration_us,
                               .length = fragment->size,
                               .gap_count = fragment->gap_count};
    rw_put_be64(record.boot_id, from->boot << 1);
    memcpy(record.gaps, fragment->gaps, sizeof record.gaps);
    return !rw_chunk_add(&cut->out, from->slot, &record, fragment->offset - RW_RECORD_SIZE);
}

int rw_chunk_cut(struct rw_chunk *chunk, uint64_t seq)
{
    struct cut cut = {.seq = seq, .from = chunk};
    rw_chunk_init(&cut.out, chunk->stream);
    if (rw_chunk_each(chunk, take_rest, &cut) || !makes_sense(&cut.out)) {
        rw_chunk_finish(&cut.out);
        return -1;
    }
    cut.out.shift_us = chunk->shift_us;
    rw_chunk_finish(chunk);
    *chunk = cut.out;
    return 0;
}
