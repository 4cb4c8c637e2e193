#include "store/fragment.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/buf.h"

enum { LINK_AT = RW_RECORD_SIZE - RW_HASH_SIZE, KEYFRAME = 1, CAME_DAMAGED = 2 };

const uint8_t rw_record_uuid[16] = {0x52, 0x6f, 0x61, 0x64, 0x77, 0x61, 0x74, 0x63,
                                    0x68, 0x20, 0x72, 0x65, 0x63, 0x6f, 0x72, 0x64};

const char *rw_cause_name(enum rw_cause cause)
{
    switch (cause) {
    case RW_CAUSE_CAMERA_LOST:
        return "camera-lost";
    case RW_CAUSE_RECORDER_OFF:
        return "recorder-off";
    case RW_CAUSE_POWER:
        return "power";
    case RW_CAUSE_DISK:
        return "disk";
    case RW_CAUSE_OVERLOAD:
        return "overload";
    case RW_CAUSE_CLOCK:
        return "clock";
    case RW_CAUSE_BEFORE_FIRST:
        return "before-first";
    case RW_CAUSE_OVERWRITTEN:
        return "overwritten";
    case RW_CAUSE_AGED:
        return "max-age";
    case RW_CAUSE_NONE:
    case RW_CAUSE_UNKNOWN:
        break;
    }
    return "unknown";
}

uint64_t rw_boot_number(const uint8_t boot_id[16])
{
    return rw_get_be64(boot_id) >> 1;
}

void rw_free_box_pack(uint8_t out[8], int64_t size)
{
    rw_put_be32(out, (uint32_t)size);
    memcpy(out + 4, "free", 4);
}

static void pack_gaps(const struct rw_record *record, uint8_t *at)
{
    memset(at, 0, 8 * RW_GAPS_MAX);
    for (int i = 0; i < record->gap_count && i < RW_GAPS_MAX; i++)
        rw_put_be64(at + 8 * i, (uint64_t)record->gaps[i].cause << 56 |
                                    ((uint64_t)record->gaps[i].length_us & 0xffffffffffffff));
}

void rw_record_pack(struct rw_record *record, uint8_t out[RW_RECORD_SIZE])
{
    bool event = record->kind == RW_RECORD_EVENT;
    rw_put_be32(out, RW_RECORD_SIZE + (event ? record->length : 0));
    memcpy(out + 4, "uuid", 4);
    memcpy(out + RW_RECORD_UUID_AT, rw_record_uuid, 16);
    out[24] = 1;
    out[25] = (uint8_t)record->kind;
    out[26] =
        (uint8_t)((record->keyframe ? KEYFRAME : 0) | (record->came_damaged ? CAME_DAMAGED : 0));
    out[27] = (uint8_t)record->clock_trust;
    memcpy(out + 28, record->ring, 16);
    rw_put_be64(out + 44, record->seq);
    rw_put_be64(out + 52, (uint64_t)record->start_us);
    rw_put_be64(out + 60, (uint64_t)record->boot_us);
    memcpy(out + 68, record->boot_id, 16);
    rw_put_be64(out + 84, (uint64_t)record->clock_error_us);
    rw_put_be32(out + 92, record->duration_us);
    rw_put_be32(out + 96, record->length);
    rw_put_be64(out + 100, (uint64_t)record->born_us);
    rw_put_be32(out + 108, record->init_length);
    memcpy(out + 112, record->init_hash, RW_HASH_SIZE);
    pack_gaps(record, out + 144);
    memcpy(out + 176, record->payload_hash, RW_HASH_SIZE);
    rw_put_be64(out + 208, (uint64_t)record->step_us);
    rw_put_be64(out + 216, (uint64_t)record->base_us);
    memcpy(out + 224, record->previous_link, RW_HASH_SIZE);
    SHA256(out, LINK_AT, record->link);
    memcpy(out + LINK_AT, record->link, RW_HASH_SIZE);
}

static int unpack_gaps(const uint8_t *at, struct rw_record *record)
{
    record->gap_count = 0;
    for (int i = 0; i < RW_GAPS_MAX; i++) {
        uint64_t part = rw_get_be64(at + 8 * i);
        unsigned cause = (unsigned)(part >> 56);
        if (!cause)
            break;
        if (cause > RW_CAUSE_LAST)
            return -1;
        record->gaps[record->gap_count++] = (struct rw_gap_part){
            .cause = (enum rw_cause)cause, .length_us = (int64_t)(part & 0xffffffffffffff)};
    }
    return 0;
}

bool rw_time_in_range(int64_t us)
{
    return us >= 0 && us < INT64_C(16725225600000000);
}

static void unpack_fields(const uint8_t *in, struct rw_record *record)
{
    record->kind = (enum rw_record_kind)in[25];
    record->keyframe = in[26] & KEYFRAME;
    record->came_damaged = in[26] & CAME_DAMAGED;
    record->clock_trust = (enum rw_clock_trust)in[27];
    memcpy(record->ring, in + 28, 16);
    record->seq = rw_get_be64(in + 44);
    record->start_us = (int64_t)rw_get_be64(in + 52);
    record->boot_us = (int64_t)rw_get_be64(in + 60);
    memcpy(record->boot_id, in + 68, 16);
    record->clock_error_us = (int64_t)rw_get_be64(in + 84);
    record->duration_us = rw_get_be32(in + 92);
    record->length = rw_get_be32(in + 96);
    record->born_us = (int64_t)rw_get_be64(in + 100);
    record->init_length = rw_get_be32(in + 108);
    memcpy(record->init_hash, in + 112, RW_HASH_SIZE);
    memcpy(record->payload_hash, in + 176, RW_HASH_SIZE);
    record->step_us = (int64_t)rw_get_be64(in + 208);
    record->base_us = (int64_t)rw_get_be64(in + 216);
    memcpy(record->previous_link, in + 224, RW_HASH_SIZE);
    memcpy(record->link, in + LINK_AT, RW_HASH_SIZE);
}

int rw_record_unpack(const uint8_t in[RW_RECORD_SIZE], struct rw_record *record, struct rw_err *err)
{
    if (memcmp(in + 4, "uuid", 4) || memcmp(in + RW_RECORD_UUID_AT, rw_record_uuid, 16))
        return rw_fail(err, RW_EFORMAT, "there is no record here");
    if (in[24] != 1)
        return rw_fail(err, RW_EFORMAT, "the record is of version %d, this program knows 1",
                       in[24]);
    uint8_t link[RW_HASH_SIZE];
    SHA256(in, LINK_AT, link);
    if (memcmp(link, in + LINK_AT, RW_HASH_SIZE))
        return rw_fail(err, RW_EFORMAT, "the record header is damaged");
    unpack_fields(in, record);
    bool event = record->kind == RW_RECORD_EVENT;
    if ((!event && record->kind != RW_RECORD_FRAGMENT) || in[27] > RW_CLOCK_UNVERIFIED ||
        record->seq > INT64_MAX || record->length > (1u << 30) ||
        record->init_length > (1u << 20) ||
        rw_get_be32(in) != RW_RECORD_SIZE + (event ? record->length : 0) ||
        !rw_time_in_range(record->start_us) || !rw_time_in_range(record->boot_us) ||
        !rw_time_in_range(record->born_us) || !rw_time_in_range(record->base_us) ||
        unpack_gaps(in + 144, record))
        return rw_fail(err, RW_EFORMAT, "the record header makes no sense");
    return 0;
}
