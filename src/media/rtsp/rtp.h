/* RTP (RFC 3550) with H.264 (RFC 6184) or H.265 (RFC 7798) in it: datagrams become access units.
 * Bounded and total: any bytes give units, nothing, or a sentence. Pure: no socket, no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "media/packet.h"

struct rw_rtp_packet {
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    uint8_t payload_type;
    bool marker;         /* the last of its picture, if the camera is honest */
    const uint8_t *data; /* payload, without padding; borrowed */
    size_t size;
};

/* False: no RTP of version 2, or shorter than it says. A payload may be empty. */
bool rw_rtp_parse(const uint8_t *bytes, size_t size, struct rw_rtp_packet *out);

/* Puts datagrams back into order (UDP). Holds back at most RW_RTP_ORDER_MAX of them. */
enum { RW_RTP_ORDER_MAX = 64, RW_RTP_DATAGRAM_MAX = 2048 };
struct rw_rtp_order;
struct rw_rtp_order *rw_rtp_order_create(void);
void rw_rtp_order_destroy(struct rw_rtp_order *order); /* takes NULL */
/* Copies the datagram. Duplicates, what comes after its turn, what cannot be RTP and what is larger
 * than RW_RTP_DATAGRAM_MAX are dropped; and all of it while RW_RTP_ORDER_MAX wait to be taken.
 * After a big jump in the sequence numbers, or with another ssrc, counting begins anew: what waits
 * is ripe then. */
void rw_rtp_order_add(struct rw_rtp_order *order, const uint8_t *bytes, size_t size,
                      int64_t now_us);
/* The next in order: its size, at *bytes until the next call; 0: nothing is ripe. A hole is given
 * up when RW_RTP_ORDER_MAX wait behind it or the oldest that waits came patience_us ago. */
size_t rw_rtp_order_take(struct rw_rtp_order *order, int64_t now_us, int64_t patience_us,
                         const uint8_t **bytes);

/* A coded picture, its units behind start codes of four bytes (Annex B). */
struct rw_rtp_unit {
    const uint8_t *data; /* borrowed until the next call */
    size_t size;
    int64_t ticks; /* RTP timestamp without its wraps: the first is as sent. Each is within 2^31 of
                    * the datagram before, on either side, so a camera that restarts its clock makes
                    * them jump; within +-2^48 (99 years at 90 kHz; beyond, as sent again), so times
                    * 1000000 they may not fit 64 bits */
    bool damaged;  /* datagrams are missing in it, or between the unit before and it */
};

/* An access unit is what bears one RTP timestamp. Parameter sets alone wait for their picture,
 * whatever time they bear; those behind the last slice are the next picture's. The marker bit ends
 * a picture at once, after it was seen to be right once; a camera whose marker was wrong once goes
 * by timestamps alone. A slice that begins a picture begins a unit, also while timestamps stand
 * still. A NAL unit whose fragments are not all there is left out. */

struct rw_rtp_assembler;
/* most: bytes of the largest picture that is put together. */
struct rw_rtp_assembler *rw_rtp_assembler_create(enum rw_codec_id codec, size_t most);
void rw_rtp_assembler_destroy(struct rw_rtp_assembler *assembler); /* takes NULL */
/* Takes one datagram in order. Then take units until there is none: one datagram may end two, and
 * those not taken are dropped by the next. 0, or -1 with *err (RW_EFORMAT, or RW_EHOSTILE where no
 * honest camera errs so): a picture larger than most; it is dropped, and the next may follow.
 * Another ssrc, or a big jump in the sequence numbers, begins anew. A repeated datagram is passed
 * over. */
int rw_rtp_assembler_add(struct rw_rtp_assembler *assembler, const struct rw_rtp_packet *packet,
                         struct rw_err *err);
/* True: *out is a unit with at least one slice. */
bool rw_rtp_assembler_take(struct rw_rtp_assembler *assembler, struct rw_rtp_unit *out);
/* At the stream's end: what was gathered is a unit, if a slice is in it. Then take. */
void rw_rtp_assembler_end(struct rw_rtp_assembler *assembler);
uint64_t rw_rtp_assembler_lost(const struct rw_rtp_assembler *assembler); /* datagrams so far */
