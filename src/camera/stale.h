/* The same picture again and again: of a camera whose sensor, encoder or server hangs while it goes
 * on sending. Pure; begin as {0}; one thread each. Two views of it:
 *
 * coded, for every stream, also one that nobody decodes: the slices of its keyframes are byte for
 * byte those of the one before, or of the one before that, since successive IDR pictures bear ids
 * in turn (H.264, 7.4.3, idr_pic_id); and what came between them is next to nothing. A film of one
 * GOP in a loop has the same keyframes, too, and motion between them.
 *
 * luma, for what is decoded: keyframes are alike in every sample. Not every picture is compared
 * with the one before alone: of a still scene in the dark, behind strong noise reduction, an
 * encoder may say "as before" (P-skip) for a whole GOP, and that is no fault. But its next keyframe
 * is coded anew from what the sensor sees now, and no sensor repeats its noise: keyframes of a
 * living camera are never alike. Of an encoder that is fed one frozen picture they are as soon as
 * its rate control has settled. The top and bottom eighths are left out, where cameras write the
 * time of day. A picture without contrast says nothing: of a black one keyframes may well be alike,
 * and the detector tells that the camera is covered. Between keyframes a sample of rows tells
 * whether most pictures are as the one before: again, a film in a loop is not frozen.
 *
 * What neither sees: a frozen picture in a stream with long GOPs before its second keyframe, or
 * while rate control still changes how it is coded. */
#pragma once

#include "media/packet.h"
#include "roadwatch/picture.h"

/* So long must the keyframes have been alike: from one keyframe after the hang, with a GOP of up to
 * 4 s, it is known within 10 s. */
#define RW_STALE_US INT64_C(6000000)

struct rw_stale_coded {
    uint64_t before[2];            /* prints of the last keyframes, newest first */
    int64_t since_us;              /* arrival of the first that is like them */
    size_t key_bytes, other_bytes; /* of the last keyframe, and behind it */
    bool stale;
};
/* True while the stream repeats itself, as of this packet. */
bool rw_stale_coded_feed(struct rw_stale_coded *stale, const struct rw_packet *packet);

struct rw_stale_luma {
    bool known;
    uint64_t key, last; /* prints of the last keyframe, and of the last picture's sampled rows */
    int64_t since_us;   /* arrival of the first keyframe that is like it */
    int alike;          /* keyframes since then */
    int pictures, same; /* since the last keyframe: all, and those that are as the one before */
    bool stale;
};
/* arrival_us: CLOCK_BOOTTIME. */
bool rw_stale_luma_feed(struct rw_stale_luma *stale, const struct rw_luma *luma, bool keyframe,
                        int64_t arrival_us);
