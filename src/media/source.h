/* A camera or a file, read packet by packet. One thread. */
#pragma once

#include <stdatomic.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/err.h"
#include "media/packet.h"
#include "media/rtsp/dial.h"
#include "media/rtsp/wire.h"

struct rw_source_options {
    const char *url;      /* rtsp:// or rtsps://, without a login in it */
    const char *username; /* "" or NULL: none */
    const char *password;
    bool udp;                   /* RTP over UDP instead of interleaved in the RTSP connection */
    int open_timeout_ms;        /* from connect to PLAY answered */
    int read_timeout_ms;        /* between two packets */
    struct rw_cancel *cancel;   /* may be NULL; a request ends any call with RW_ECANCELED */
    const struct rw_dial *dial; /* who connects, borrowed until closed; NULL: this process */
    struct rw_tls *tls; /* what rtsps trusts, borrowed until closed; NULL: what the system trusts */
    struct rw_certificate *shown; /* filled while opening: what the camera shows of itself in TLS,
                                   * also when it is refused; may be NULL */
    const struct rw_clock *clock;
};

struct rw_source;

/* What was heard of a camera, whether or not a picture came of it. The source counts, in the thread
 * that reads it; any thread may look. Zero it first. */
struct rw_heard {
    atomic_uint_fast64_t bytes; /* of the video */
    atomic_uint_fast64_t units; /* access units with a slice in them, also those that are of no use
                                 * for want of a keyframe */
    atomic_uint_fast64_t datagrams, lost; /* of RTP: that came, and that are missing between them */
};
static inline void rw_heard_add(struct rw_heard *heard, uint64_t bytes, uint64_t units,
                                uint64_t datagrams, uint64_t lost)
{
    if (!heard)
        return;
    atomic_fetch_add_explicit(&heard->bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&heard->units, units, memory_order_relaxed);
    atomic_fetch_add_explicit(&heard->datagrams, datagrams, memory_order_relaxed);
    atomic_fetch_add_explicit(&heard->lost, lost, memory_order_relaxed);
}

/* Connects and starts the one video stream; audio is not asked for. Only rtsp and rtsps are spoken,
 * only to the host named. Sentences name neither the camera's id (the caller knows it) nor a
 * secret. All strings are copied.
 * RW_EAUTH: login refused or missing. RW_ENET: not reachable. RW_ETIMEOUT. RW_EBUSY: it has no
 * session left. RW_EFORMAT: not RTSP, no video in it, or a codec that is neither H.264 nor H.265.
 * RW_EHOSTILE: no honest camera does so. */
struct rw_source *rw_source_open(const struct rw_source_options *options, struct rw_err *err);
/* Any file libavformat reads; pictures carry their time in the file, from 0, as utc_us. For
 * `detect`. */
struct rw_source *rw_source_open_file(const char *path, struct rw_err *err);
/* One fragment of a recording behind its init segment (ISO/IEC 14496-12), in memory that is
 * borrowed until closed. The decoding time of its first picture becomes start_us (UTC). codec: of
 * an earlier fragment with the same init segment, so that the same decoder goes on; NULL: it is
 * read. */
struct rw_source *rw_source_open_bytes(const uint8_t *bytes, size_t size, int64_t start_us,
                                       const struct rw_codec *codec, struct rw_err *err);
/* The next coded picture, the caller's reference. The first is a keyframe with known parameter
 * sets. NULL with *err: RW_EEND, RW_ETIMEOUT, RW_ENET, RW_ECANCELED, RW_EFORMAT,
 * RW_EHOSTILE; then close. */
struct rw_packet *rw_source_read(struct rw_source *source, struct rw_err *err);
/* True: the next read returns at once. */
bool rw_source_ready(struct rw_source *source);
/* Let what a camera sends lie for so long before it is read: many pictures for one awakening. 0: at
 * once. */
void rw_source_set_patience(struct rw_source *source, int ms);
/* From now on it is counted there what is heard; borrowed until closed. When a read has failed, all
 * that came before is counted. */
void rw_source_count(struct rw_source *source, struct rw_heard *heard);
/* SHA-256 of what in the session description (RFC 8866) names the device. False: there is none. */
bool rw_source_description(const struct rw_source *source, uint8_t hash[32]);
/* How far the camera's clock is ahead of the box's, by its last sender report (RFC 3550, 6.4.1) and
 * with the way that took. False: it has told none. */
bool rw_source_clock(const struct rw_source *source, int64_t *ahead_us);
void rw_source_close(struct rw_source *source); /* takes NULL; never blocks longer than a second */

/* "rtsp://user:secret@host/x?y" as "rtsp://host/x": what may stand in a log. out of at least
 * strlen(url) + 1 bytes. */
void rw_url_redact(const char *url, char *out);
