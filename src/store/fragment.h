/* The record header before every fragment and every event in a slot: an MP4 `uuid` box of ours
 * (ISO/IEC 14496-12, 4.2). All integers big-endian. The layout is fixed: 288 bytes, then the
 * payload of an event inside the same box, or `moof mdat` of a fragment behind it.
 *
 *    0  u32 box size, "uuid", 16 bytes RW_RECORD_UUID
 *   24  u8 version (1), u8 kind, u8 flags (1 starts with a keyframe, 2 came damaged; others are
 *       passed over), u8 clock trust
 *   28  ring id, 16
 *   44  u64 sequence, never reused within a ring
 *   52  i64 start, UTC us            60  i64 start, CLOCK_BOOTTIME us
 *   68  boot id, 16
 *   84  i64 clock error bound, us (-1 unknown)
 *   92  u32 duration, us             96  u32 payload length, bytes
 *  100  i64 born: UTC us of the ring's first picture
 *  108  u32 init segment length     112  SHA-256 of the slot's init segment
 *  144  4 gaps of (u8 cause, 7 bytes length in us): what is missing before this fragment, oldest
 *       first; cause 0 ends the list. Length 0 (RW_GAP_OPEN): nobody knows how long, all that is
 *       missing up to there (the box was off, and its clock may have stood still)
 *  176  SHA-256 of the payload
 *  208  i64 clock step before this fragment, us (0: none)
 *  216  i64 base: UTC us of the slot's media time 0
 *  224  previous link, 32            256  link, 32: SHA-256(bytes 0..255)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum { RW_RECORD_SIZE = 288, RW_GAPS_MAX = 4, RW_HASH_SIZE = 32 };
enum rw_record_kind { RW_RECORD_FRAGMENT = 1, RW_RECORD_EVENT = 2 };

/* Why pictures are missing. The order is the format's. */
enum rw_cause {
    RW_CAUSE_NONE = 0,
    RW_CAUSE_CAMERA_LOST = 1,  /* the camera or the way to it */
    RW_CAUSE_RECORDER_OFF = 2, /* the service was not running */
    RW_CAUSE_POWER = 3,        /* the box was off: another boot */
    RW_CAUSE_DISK = 4,         /* the disk refused */
    RW_CAUSE_OVERLOAD = 5,     /* the recorder could not keep up */
    RW_CAUSE_CLOCK = 6,        /* the clock stepped forward */
    RW_CAUSE_LAST = RW_CAUSE_CLOCK,
    /* told by readers, never stored: */
    RW_CAUSE_BEFORE_FIRST = 100,
    RW_CAUSE_UNKNOWN = 101,
    RW_CAUSE_OVERWRITTEN = 102, /* not missing but deleted: the ring turned */
    RW_CAUSE_AGED = 103,        /* deleted by storage.max_age */
};
const char *rw_cause_name(enum rw_cause cause); /* "camera-lost" */

enum { RW_GAP_OPEN = 0 }; /* the length of such a gap */
struct rw_gap_part {
    enum rw_cause cause;
    int64_t length_us;
};

struct rw_record {
    enum rw_record_kind kind;
    bool keyframe;     /* starts with one */
    bool came_damaged; /* part of it, or of what it builds on, was lost before it was recorded */
    enum rw_clock_trust clock_trust;
    uint8_t ring[16];
    uint64_t seq;
    int64_t start_us, boot_us;
    uint8_t boot_id[16];
    int64_t clock_error_us;
    uint32_t duration_us;
    uint32_t length; /* payload */
    int64_t born_us;
    uint32_t init_length;
    uint8_t init_hash[RW_HASH_SIZE];
    int gap_count;
    struct rw_gap_part gaps[RW_GAPS_MAX];
    uint8_t payload_hash[RW_HASH_SIZE];
    int64_t step_us;
    int64_t base_us;
    uint8_t previous_link[RW_HASH_SIZE];
    uint8_t link[RW_HASH_SIZE];
};

/* What stands in bytes 8 to 23 of every record. */
enum { RW_RECORD_UUID_AT = 8 };
extern const uint8_t rw_record_uuid[16];

/* Fills out and record->link. */
void rw_record_pack(struct rw_record *record, uint8_t out[RW_RECORD_SIZE]);
/* Bounded and total: any 288 bytes give a record or RW_EFORMAT. Checks the box, the version, the
 * ranges and the link; not the payload, which the caller reads and hashes. */
int rw_record_unpack(const uint8_t in[RW_RECORD_SIZE], struct rw_record *record,
                     struct rw_err *err);
/* A boot id as a number that SQLite can hold: its first 63 bits. */
uint64_t rw_boot_number(const uint8_t boot_id[16]);
/* Years 1970 to 2500 in microseconds: what fits there cannot overflow a later sum. */
bool rw_time_in_range(int64_t us);

/* The header of a free box of so many bytes, itself included: of a slot, what is not in use. */
void rw_free_box_pack(uint8_t out[8], int64_t size);
/* Bytes that the record takes in a slot, header included. */
static inline uint64_t rw_record_span(const struct rw_record *record)
{
    return RW_RECORD_SIZE + (uint64_t)record->length;
}
