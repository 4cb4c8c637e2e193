/* As much of Annex B (ITU-T H.264 and H.265, their annexes B and clauses 7.3.1) as a recorder must
 * know: where network abstraction units begin, and what kind they are. Any bytes are suffered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "media/packet.h"

enum rw_nal_kind {
    RW_NAL_OTHER,
    RW_NAL_SLICE,
    RW_NAL_KEY_SLICE, /* IDR; any random access point of HEVC */
    RW_NAL_SEI,
    RW_NAL_DELIMITER,
    RW_NAL_VPS,
    RW_NAL_SPS,
    RW_NAL_PPS,
};

struct rw_nal {
    enum rw_nal_kind kind;
    const uint8_t *data; /* header first, without start code and trailing zeros */
    size_t size;
};

enum rw_nal_kind rw_nal_kind(enum rw_codec_id codec, uint8_t header);
/* The next unit at or after *at; *at moves behind it. The size of a slice is not searched for but
 * taken up to the end. False: no more. */
bool rw_nal_next(enum rw_codec_id codec, const uint8_t **at, const uint8_t *end,
                 struct rw_nal *nal);

/* What stands before the first slice of an access unit tells all there is to know. */
struct rw_nal_summary {
    bool picture; /* there is a slice */
    bool keyframe;
    bool has_sets; /* there are parameter sets */
};
struct rw_nal_summary rw_nal_summarize(enum rw_codec_id codec, const uint8_t *data, size_t size);

/* True when the access unit's first slice says that no picture of its sub-layer refers to it (H.264
 * nal_ref_idc; H.265 table 7-1, the names that end in _N): decoding may leave it out. */
bool rw_nal_disposable(enum rw_codec_id codec, const uint8_t *data, size_t size);

/* True when each parameter set of the access unit stands in sets (Annex B) too, byte for byte. */
bool rw_nal_sets_known(enum rw_codec_id codec, const uint8_t *data, size_t size,
                       const uint8_t *sets, size_t sets_size);
/* Appends the access unit's parameter sets to out, VPS, SPS, PPS, each once, and those of old whose
 * kind it lacks. False when kinds are still missing, or they are unreasonably large. */
bool rw_nal_sets_merge(enum rw_codec_id codec, const uint8_t *data, size_t size, const uint8_t *old,
                       size_t old_size, struct rw_buf *out);
