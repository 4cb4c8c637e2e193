/* What a payload of RTP carries: whole NAL units or pieces of one. H.264: single units, STAP-A and
 * FU-A of RFC 6184; what interleaves (STAP-B, MTAP, FU-B) is not read. H.265: single units, AP and
 * FU of RFC 7798 without decoding order numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/nal.h"

struct rw_rtp_piece {
    uint8_t header[2];   /* of its NAL unit */
    const uint8_t *data; /* what follows the header, or the piece before; borrowed */
    size_t size;
    bool first, last; /* of its NAL unit; both: all of it */
};

struct rw_rtp_pieces {
    enum rw_codec_id codec;
    const uint8_t *at, *end;
    bool aggregate; /* at is the size of a unit */
    bool malformed; /* something of the payload was left out */
};

void rw_rtp_pieces_init(struct rw_rtp_pieces *pieces, enum rw_codec_id codec, const uint8_t *data,
                        size_t size);
/* False: no more. Units of no bytes are passed over. */
bool rw_rtp_pieces_next(struct rw_rtp_pieces *pieces, struct rw_rtp_piece *out);

size_t rw_rtp_header_size(enum rw_codec_id codec); /* of a NAL unit: 1 or 2 */
/* As rw_nal_next tells it. */
enum rw_nal_kind rw_rtp_piece_kind(enum rw_codec_id codec, const struct rw_rtp_piece *piece);
/* True for the first piece of a picture's first slice. */
bool rw_rtp_piece_begins(enum rw_codec_id codec, const struct rw_rtp_piece *piece);
