/* Packets in, fragmented MP4 out (ISO/IEC 14496-12): an init segment, then fragments. One muxer
 * writes one run of media time that begins with its first packet. One thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "media/packet.h"

struct rw_mux;

/* Appends `ftyp moov` to init. */
struct rw_mux *rw_mux_create(const struct rw_codec *codec, struct rw_buf *init, struct rw_err *err);
void rw_mux_destroy(struct rw_mux *mux);
/* The first packet's media time, instead of 0: a run that goes on behind another one's in the same
 * file, under the same init segment. Before the first packet only. */
void rw_mux_start_at(struct rw_mux *mux, int64_t media_us);
/* Borrows the packet for the call. duration_us: until the next packet's dts. */
int rw_mux_add(struct rw_mux *mux, const struct rw_packet *packet, int64_t duration_us,
               struct rw_err *err);
/* Appends `moof mdat` with everything added since the last flush. */
int rw_mux_flush(struct rw_mux *mux, struct rw_buf *fragment, struct rw_err *err);
/* An upper bound of what a flush adds to the bytes of its packets. */
size_t rw_mux_overhead(int packets);
