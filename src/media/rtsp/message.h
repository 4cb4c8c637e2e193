/* RTSP messages (RFC 2326; RFC 7826 where cameras follow it), as a client sends and reads them.
 * Bounded and total: any bytes give a message or a sentence. Pure: no socket, no clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    RW_RTSP_HEAD_MAX = 16 << 10, /* bytes: start line and headers */
    RW_RTSP_BODY_MAX = 64 << 10, /* bytes of a body that is read */
    RW_RTSP_WORD_SIZE = 256,
    RW_RTSP_URL_SIZE = 1024,
};

/* One WWW-Authenticate (RFC 7617, RFC 7616). Of several, the strongest that is known: digest with
 * SHA-256, digest with MD5, basic. One that wants an algorithm or a protection that is not known is
 * passed over. Texts are without the backslashes of their quotes. */
enum rw_rtsp_scheme { RW_RTSP_NO_LOGIN, RW_RTSP_BASIC, RW_RTSP_DIGEST_MD5, RW_RTSP_DIGEST_SHA256 };
struct rw_rtsp_challenge {
    enum rw_rtsp_scheme scheme;
    char realm[RW_RTSP_WORD_SIZE], nonce[RW_RTSP_WORD_SIZE], opaque[RW_RTSP_WORD_SIZE];
    bool qop_auth; /* qop with "auth" among its values */
    bool stale;    /* the login may be right, the nonce is too old */
};

/* What of a reply, or of a request that the other side sends, a client looks at. A text that is not
 * there is "", a number that is not there 0 unless said otherwise. */
struct rw_rtsp_message {
    int status;                          /* 200; 0: it is a request */
    char method[32];                     /* of a request */
    int64_t cseq;                        /* -1: none */
    size_t body_size;                    /* Content-Length: at most RW_RTSP_BODY_MAX */
    char session[RW_RTSP_WORD_SIZE];     /* without its parameters */
    int session_timeout_s;               /* 1 to 3600; 0: not told (RFC: 60) */
    bool interleaved;                    /* Transport: RTP in this connection */
    int channel;                         /* of it, for RTP; 0 to 255 */
    int server_port[2];                  /* RTP, RTCP; 0: not told */
    char content_base[RW_RTSP_URL_SIZE]; /* Content-Base, else Content-Location */
    char location[RW_RTSP_URL_SIZE];
    bool has_public;           /* there is a Public header */
    bool public_get_parameter; /* that has GET_PARAMETER in it */
    struct rw_rtsp_challenge challenge;
};

/* Does a whole head (start line, headers, empty line) stand at the beginning? Its size, 0: more
 * bytes are wanted, -1 with *err (RW_EFORMAT, or RW_EHOSTILE where no honest camera errs so): it is
 * longer than RW_RTSP_HEAD_MAX or cannot be RTSP. Lines may end in CR LF or LF alone. */
int64_t rw_rtsp_head_size(const uint8_t *bytes, size_t size, struct rw_err *err);
/* Reads a head of this size. 0, or -1 with *err (RW_EFORMAT, or RW_EHOSTILE where no honest camera
 * errs so): no RTSP, a header that is larger than its field, a body that is too large, a control
 * character. Headers that are not known are passed over. Addresses are as the camera sent them:
 * check where they lead. */
int rw_rtsp_parse(const uint8_t *head, size_t size, struct rw_rtsp_message *out,
                  struct rw_err *err);

/* Appends the header line that answers the challenge, "Authorization: ...\r\n"; nothing where
 * scheme is RW_RTSP_NO_LOGIN, or libcrypto may not do MD5. That of RW_RTSP_BASIC tells the
 * password: wipe out. uri: as in the request line. count: how often this nonce was used, from 1.
 * cnonce: 16 hexadecimal digits, new for each nonce, used only where qop is. */
void rw_rtsp_authorize(const struct rw_rtsp_challenge *challenge, const char *username,
                       const char *password, const char *method, const char *uri, unsigned count,
                       const char *cnonce, struct rw_buf *out);
