/* A session description (RFC 8866, RFC 6184 and 7798 for fmtp), as much of it as a recorder asks
 * for: its first video that can be recorded. Bounded and total. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "media/packet.h"

enum { RW_SDP_SIZE_MAX = 64 << 10 }; /* bytes */

struct rw_sdp {
    enum rw_codec_id codec;     /* H.264 or HEVC */
    int payload_type;           /* 0 to 127 */
    int clock_hz;               /* RTP timestamp ticks a second: 1000 to 1000000 */
    char control[1024];         /* a=control of the video, "" where there is none */
    char session_control[1024]; /* both without blanks and control characters */
    struct rw_buf sets;   /* parameter sets of fmtp, each behind 00 00 00 01; empty: none. Owned */
    uint8_t identity[32]; /* SHA-256 over what names the device and its stream and stays over
                           * restarts of both: the session's name, a=tool, media and its formats;
                           * no session id, no version, no address, no parameter sets */
};

/* Finish *out in all cases. 0, or -1 with *err (RW_EFORMAT, or RW_EHOSTILE where no honest camera
 * errs so): not SDP, "the stream has no video", or "the camera sends %s; set it to H.264 or H.265".
 */
int rw_sdp_parse(const uint8_t *text, size_t size, struct rw_sdp *out, struct rw_err *err);
void rw_sdp_finish(struct rw_sdp *sdp);

/* The url of a control: relative ones lengthen the base, "*" and "" are the base itself; an
 * absolute one stands for itself (RFC 2326, C.1.1; the caller checks where it leads). Into out, of
 * size bytes; -1 with *err when it does not fit. */
int rw_sdp_control_url(const char *base, const char *control, char *out, size_t size,
                       struct rw_err *err);
