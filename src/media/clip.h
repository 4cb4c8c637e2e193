/* A few seconds of coded pictures as one MP4 file in memory (ISO/IEC 14496-12): not fragmented, its
 * index in front, so that any phone plays it from the first byte. Nothing is coded anew. One
 * thread. */
#pragma once

#include "base/buf.h"
#include "media/packet.h"

struct rw_clip;

/* The file is at most max_bytes long. */
struct rw_clip *rw_clip_create(size_t max_bytes);
void rw_clip_destroy(struct rw_clip *clip); /* takes NULL */
/* Holds a reference of its own. The first must be a keyframe. False: it does not fit, or is of
 * another codec than the first; the clip ends before it. */
bool rw_clip_add(struct rw_clip *clip, struct rw_packet *packet);
/* Appends the file to out; nothing when no picture was added. */
int rw_clip_write(const struct rw_clip *clip, struct rw_buf *out, struct rw_err *err);
