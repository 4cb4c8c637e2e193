#include "media/rtsp/pieces.h"

#include "base/buf.h"

enum {
    /* RFC 6184, table 1 */
    H264_UNITS_END = 24,
    H264_STAP_A = 24,
    H264_FU_A = 28,
    H264_FU_B = 29,
    /* RFC 7798, 4.4 */
    HEVC_UNITS_END = 48,
    HEVC_AP = 48,
    HEVC_FU = 49,
    HEVC_PACI = 50,

    FU_START = 0x80,
    FU_END = 0x40,
};

size_t rw_rtp_header_size(enum rw_codec_id codec)
{
    return codec == RW_CODEC_HEVC ? 2 : 1;
}

static int type_of(enum rw_codec_id codec, uint8_t header)
{
    return codec == RW_CODEC_HEVC ? header >> 1 & 63 : header & 31;
}

/* A type that a NAL unit may have, and not only a payload. */
static bool is_unit(enum rw_codec_id codec, int type)
{
    return codec == RW_CODEC_HEVC ? type < HEVC_UNITS_END : type > 0 && type < H264_UNITS_END;
}

/* What is not read but may hold slices, or holds another payload where no other may be. */
static bool is_loss(enum rw_codec_id codec, int type)
{
    return codec == RW_CODEC_HEVC ? type >= HEVC_UNITS_END && type <= HEVC_PACI
                                  : type >= H264_UNITS_END && type <= H264_FU_B;
}

/* Types that mean nothing are passed over. */
static bool may_read(struct rw_rtp_pieces *pieces, int type)
{
    pieces->malformed |= is_loss(pieces->codec, type);
    return is_unit(pieces->codec, type);
}

void rw_rtp_pieces_init(struct rw_rtp_pieces *pieces, enum rw_codec_id codec, const uint8_t *data,
                        size_t size)
{
    size_t header = rw_rtp_header_size(codec);
    *pieces = (struct rw_rtp_pieces){.codec = codec, .at = data, .end = data + size};
    if (size < header)
        return;
    int type = type_of(codec, data[0]);
    pieces->aggregate = type == (codec == RW_CODEC_HEVC ? HEVC_AP : H264_STAP_A);
    if (pieces->aggregate)
        pieces->at += header;
}

static bool read_unit(struct rw_rtp_pieces *pieces, const uint8_t *data, size_t size,
                      struct rw_rtp_piece *out)
{
    size_t header = rw_rtp_header_size(pieces->codec);
    pieces->malformed |= size < header;
    if (size < header || !may_read(pieces, type_of(pieces->codec, data[0])))
        return false;
    *out = (struct rw_rtp_piece){.header = {data[0], header > 1 ? data[1] : 0},
                                 .data = data + header,
                                 .size = size - header,
                                 .first = true,
                                 .last = true};
    return true;
}

/* The unit's header is told by the payload's and the fragment's together. */
static bool read_fragment(struct rw_rtp_pieces *pieces, const uint8_t *data, size_t size,
                          struct rw_rtp_piece *out)
{
    bool hevc = pieces->codec == RW_CODEC_HEVC;
    size_t header = rw_rtp_header_size(pieces->codec);
    uint8_t fragment = size > header ? data[header] : 0;
    int type = fragment & (hevc ? 63 : 31);
    pieces->malformed |= size <= header;
    if (size <= header || !may_read(pieces, type))
        return false;
    *out = (struct rw_rtp_piece){.data = data + header + 1,
                                 .size = size - header - 1,
                                 .first = fragment & FU_START,
                                 .last = fragment & FU_END};
    out->header[0] = (uint8_t)(hevc ? (data[0] & 0x81) | type << 1 : (data[0] & 0xe0) | type);
    out->header[1] = hevc ? data[1] : 0;
    return true;
}

static bool read_aggregate(struct rw_rtp_pieces *pieces, struct rw_rtp_piece *out)
{
    while (pieces->at < pieces->end) {
        size_t left = (size_t)(pieces->end - pieces->at);
        size_t size = left < 2 ? left : rw_get_be16(pieces->at);
        const uint8_t *data = pieces->at + 2;
        if (left < 2 || size > left - 2) {
            pieces->malformed = true;
            pieces->at = pieces->end;
            return false;
        }
        pieces->at = data + size;
        if (size > 0 && read_unit(pieces, data, size, out))
            return true;
    }
    return false;
}

bool rw_rtp_pieces_next(struct rw_rtp_pieces *pieces, struct rw_rtp_piece *out)
{
    if (pieces->aggregate)
        return read_aggregate(pieces, out);
    if (pieces->at == pieces->end)
        return false;
    const uint8_t *data = pieces->at;
    size_t size = (size_t)(pieces->end - data);
    pieces->at = pieces->end;
    if (type_of(pieces->codec, data[0]) == (pieces->codec == RW_CODEC_HEVC ? HEVC_FU : H264_FU_A))
        return read_fragment(pieces, data, size, out);
    return read_unit(pieces, data, size, out);
}

enum rw_nal_kind rw_rtp_piece_kind(enum rw_codec_id codec, const struct rw_rtp_piece *piece)
{
    if (codec == RW_CODEC_HEVC && !(piece->header[1] & 7))
        return RW_NAL_OTHER; /* nuh_temporal_id_plus1 is never 0 */
    return rw_nal_kind(codec, piece->header[0]);
}

/* H.264, 7.3.3: first_mb_in_slice 0; H.265, 7.3.6.1: first_slice_segment_in_pic_flag, and further
 * layers belong to the picture of the first. */
bool rw_rtp_piece_begins(enum rw_codec_id codec, const struct rw_rtp_piece *piece)
{
    enum rw_nal_kind kind = rw_rtp_piece_kind(codec, piece);
    if (codec == RW_CODEC_HEVC && (piece->header[0] & 1 || piece->header[1] >> 3))
        return false;
    return (kind == RW_NAL_SLICE || kind == RW_NAL_KEY_SLICE) && piece->first && piece->size > 0 &&
           piece->data[0] & 0x80;
}
