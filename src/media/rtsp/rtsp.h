/* The client's side of RTSP (RFC 2326): plays the one video of a url and hands out its access
 * units. RTP comes inside the connection, or by UDP. One thread. What a camera may send is bounded:
 * heads, bodies, pictures, what is held back, the time for each answer; it is spoken to at the
 * place named, wherever it points. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "media/rtsp/dial.h"
#include "media/rtsp/rtp.h"
#include "media/rtsp/sdp.h"
#include "media/rtsp/wire.h"

struct rw_rtsp_options {
    const char *url;      /* as it stands in requests; without a login */
    const char *username; /* "" or NULL: none */
    const char *password;
    bool udp;
    const struct rw_dial *dial;   /* borrowed until close */
    struct rw_tls *tls;           /* for rtsps; borrowed until close */
    const struct rw_clock *clock; /* borrowed until close */
    struct rw_certificate *shown; /* filled while opening, where the camera shows one, also when it
                                   * is refused; may be NULL */
    struct rw_cancel *cancel;     /* borrowed until close; may be NULL */
    int open_timeout_ms;          /* from dialing to the answer to PLAY */
    size_t picture_max;           /* bytes */
};

struct rw_rtsp *rw_rtsp_open(const struct rw_rtsp_options *options, struct rw_err *err);
/* Takes NULL. Says TEARDOWN, and waits for its answer half a second at most. */
void rw_rtsp_close(struct rw_rtsp *rtsp);

const struct rw_sdp *rw_rtsp_description(const struct rw_rtsp *rtsp);

/* The next access unit. 0, or -1 with *err: RW_EEND, RW_ETIMEOUT (none in timeout_ms), RW_ENET,
 * RW_ECANCELED, RW_EFORMAT, RW_EHOSTILE. */
int rw_rtsp_read(struct rw_rtsp *rtsp, int timeout_ms, struct rw_rtp_unit *out, struct rw_err *err);
/* When the last byte of what was read had come, or a little later. */
struct rw_now rw_rtsp_arrival(const struct rw_rtsp *rtsp);
/* True: the next read returns at once. Reads no more than what has come already. */
bool rw_rtsp_ready(struct rw_rtsp *rtsp);
/* Let what comes lie for so long before it is read: many pictures for one awakening. 0: at once. */
void rw_rtsp_set_patience(struct rw_rtsp *rtsp, int ms);
/* So far: grows while a camera talks, whether pictures come of it or not. */
struct rw_rtsp_count {
    uint64_t bytes;           /* of video */
    uint64_t datagrams, lost; /* of RTP: that came, and that are missing between them */
};
struct rw_rtsp_count rw_rtsp_count(const struct rw_rtsp *rtsp);
/* The camera's clock as it tells it (RTCP sender reports): UTC us of an RTP time. False: it has
 * not. */
bool rw_rtsp_sender_time(const struct rw_rtsp *rtsp, int64_t *utc_us, uint32_t *ticks,
                         struct rw_now *arrival);
