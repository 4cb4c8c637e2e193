#include "media/rtsp/rtp.h"

enum { HEADER_SIZE = 12, HAS_PADDING = 0x20, HAS_EXTENSION = 0x10, COUNT_OF_CSRC = 0x0f };

/* Behind the fixed header, the contributing sources and the extension (RFC 3550, 5.1, 5.3.1).
 * Beyond size: it does not fit. */
static size_t payload_at(const uint8_t *bytes, size_t size)
{
    size_t at = HEADER_SIZE + (bytes[0] & COUNT_OF_CSRC) * (size_t)4;
    if (!(bytes[0] & HAS_EXTENSION))
        return at;
    return size < at + 4 ? size + 1 : at + 4 + rw_get_be16(bytes + at + 2) * (size_t)4;
}

bool rw_rtp_parse(const uint8_t *bytes, size_t size, struct rw_rtp_packet *out)
{
    if (size < HEADER_SIZE || bytes[0] >> 6 != 2)
        return false;
    size_t at = payload_at(bytes, size);
    if (at > size)
        return false;
    size_t padding = bytes[0] & HAS_PADDING ? bytes[size - 1] : 0;
    if (padding > size - at)
        return false;
    *out = (struct rw_rtp_packet){.sequence = rw_get_be16(bytes + 2),
                                  .timestamp = rw_get_be32(bytes + 4),
                                  .ssrc = rw_get_be32(bytes + 8),
                                  .payload_type = bytes[1] & 0x7f,
                                  .marker = bytes[1] >> 7,
                                  .data = bytes + at,
                                  .size = size - at - padding};
    return true;
}
