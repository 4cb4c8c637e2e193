#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/units.h"
#include "media/rtsp/internal.h"

enum {
    LOGINS_MAX = 2,    /* a nonce of each request, and one that was stale */
    REDIRECTS_MAX = 3, /* within the place named */
    SESSION_S = 60,    /* RFC 2326, 12.37 */
    KEEPALIVE_MAX_US = 30000000,
    PART_US = 500000, /* for the answer to TEARDOWN */
    STRAY_MAX = 64,   /* messages that answer another request */
};

/* --- requests --- */

void rw_rtsp_challenged(struct rw_rtsp *rtsp, const struct rw_rtsp_challenge *challenge)
{
    uint8_t bytes[8];
    rw_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(rtsp->cnonce + 2 * i, 3, "%02x", bytes[i]);
    rtsp->challenge = *challenge;
    rtsp->nonce_count = 0;
}

int rw_rtsp_request(struct rw_rtsp *rtsp, const char *method, const char *url, const char *headers,
                    const struct rw_patience *patience, struct rw_err *err)
{
    struct rw_buf out = {0};
    rw_buf_printf(&out, "%s %s RTSP/1.0\r\nCSeq: %lld\r\nUser-Agent: Roadwatch\r\n", method, url,
                  (long long)++rtsp->cseq);
    if (*rtsp->session)
        rw_buf_printf(&out, "Session: %s\r\n", rtsp->session);
    rw_rtsp_authorize(&rtsp->challenge, rtsp->username, rtsp->password, method, url,
                      ++rtsp->nonce_count, rtsp->cnonce, &out);
    rw_buf_printf(&out, "%s\r\n", headers);
    int rc = rw_wire_send(rtsp->wire, out.data, out.size, patience, err);
    explicit_bzero(out.data, out.size);
    rw_buf_finish(&out);
    return rc;
}

/* --- answers --- */

static int need_input(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    int rc = rw_rtsp_fill(rtsp, patience, -1, err);
    if (rc < 0)
        return -1;
    if (!rtsp->end_of_input)
        return 0;
    return rw_fail(err, RW_ENET,
                   "the camera closed the connection before it sent a picture; it may allow no "
                   "further session: close another viewer, or restart it");
}

static void pass_over(struct rw_rtsp *rtsp, size_t size)
{
    rtsp->begin += size;
}

/* A frame of RTP before the answer is of no use yet. 1: there was one, 0: not, -1 *err. */
static int pass_frame(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    const uint8_t *at = rtsp->input + rtsp->begin;
    if (rtsp->begin == rtsp->end || *at != '$')
        return 0;
    while (rtsp->end - rtsp->begin < 4 ||
           rtsp->end - rtsp->begin < 4u + rw_get_be16(rtsp->input + rtsp->begin + 2))
        if (need_input(rtsp, patience, err))
            return -1;
    pass_over(rtsp, 4u + rw_get_be16(rtsp->input + rtsp->begin + 2));
    return 1;
}

/* The next message, its body (if wanted) at the end of body. */
static int read_message(struct rw_rtsp *rtsp, const struct rw_patience *patience,
                        struct rw_rtsp_message *out, struct rw_buf *body, struct rw_err *err)
{
    int64_t size = 0;
    while (!size) {
        int passed = pass_frame(rtsp, patience, err);
        if (passed > 0)
            continue;
        if (!passed)
            size = rw_rtsp_head_size(rtsp->input + rtsp->begin, rtsp->end - rtsp->begin, err);
        if (passed < 0 || size < 0 || (!size && need_input(rtsp, patience, err)))
            return -1;
    }
    if (rw_rtsp_parse(rtsp->input + rtsp->begin, (size_t)size, out, err))
        return -1;
    pass_over(rtsp, (size_t)size);
    while (rtsp->end - rtsp->begin < out->body_size)
        if (need_input(rtsp, patience, err))
            return -1;
    if (body)
        rw_buf_add(body, rtsp->input + rtsp->begin, out->body_size);
    pass_over(rtsp, out->body_size);
    return 0;
}

/* The answer to the last request. */
static int read_answer(struct rw_rtsp *rtsp, const struct rw_patience *patience,
                       struct rw_rtsp_message *out, struct rw_buf *body, struct rw_err *err)
{
    for (int i = 0; i < STRAY_MAX; i++) {
        if (body)
            rw_buf_clear(body);
        if (read_message(rtsp, patience, out, body, err))
            return -1;
        bool final = out->status >= 200;
        if (final && (out->cseq == rtsp->cseq || out->cseq < 0))
            return 0;
        if (!out->status && rw_rtsp_hear(rtsp, out, err))
            return -1;
    }
    return rw_fail(err, RW_EHOSTILE, "the camera answers what it was not asked");
}

int rw_rtsp_fail_status(const struct rw_rtsp *rtsp, int status, struct rw_err *err)
{
    const char *path = rtsp->url.path;
    switch (status) {
    case 401:
    case 403:
        if (!*rtsp->username)
            return rw_fail(err, RW_EAUTH,
                           "the camera asks for a login; give username and password");
        return rw_fail(err, RW_EAUTH,
                       "the camera refused the login (user \"%s\"); check username and password",
                       rtsp->username);
    case 404:
        return rw_fail(err, RW_EFORMAT, "the camera has no stream at %s; check the url", path);
    case 453: /* Not Enough Bandwidth */
    case 503: /* Service Unavailable */
        return rw_fail(
            err, RW_EBUSY,
            "the camera allows no further session (it answers %d); close another viewer, "
            "or wait a minute until it forgets one that was cut off",
            status);
    default:
        return rw_fail(err, RW_ENET,
                       "the camera refused to send %s; check the url and whether too many others "
                       "are watching (it answers %d)",
                       path, status);
    }
}

/* Asks, and answers a challenge. 0: *out has any other status than 401. */
static int ask(struct rw_rtsp *rtsp, const char *method, const char *url, const char *headers,
               const struct rw_patience *patience, struct rw_rtsp_message *out, struct rw_buf *body,
               struct rw_err *err)
{
    for (int i = 0;; i++) {
        bool known = rtsp->challenge.scheme != RW_RTSP_NO_LOGIN;
        if (rw_rtsp_request(rtsp, method, url, headers, patience, err) ||
            read_answer(rtsp, patience, out, body, err))
            return -1;
        if (out->status != 401)
            return 0;
        bool again = *rtsp->username && out->challenge.scheme != RW_RTSP_NO_LOGIN &&
                     i < LOGINS_MAX && (!known || out->challenge.stale);
        if (!again)
            return rw_rtsp_fail_status(rtsp, 401, err);
        rw_rtsp_challenged(rtsp, &out->challenge);
    }
}

/* --- opening --- */

static bool same_place(const struct rw_url *a, const struct rw_url *b)
{
    return a->tls == b->tls && !strcasecmp(a->host, b->host) && !strcmp(a->port, b->port);
}

/* A camera may name another path, never another place. */
static int follow(struct rw_rtsp *rtsp, const char *location, struct rw_err *err)
{
    struct rw_url url;
    struct rw_err fault;
    if (rw_url_parse(location, &url, &fault) || !same_place(&url, &rtsp->url))
        return rw_fail(err, RW_EHOSTILE,
                       "the camera sends us to another address; put that address into the url if "
                       "it is right");
    snprintf(rtsp->request_url, sizeof rtsp->request_url, "%s", location);
    return 0;
}

static int describe(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    struct rw_rtsp_message reply;
    struct rw_buf body = {0};
    int rc = -1;
    for (int i = 0; i <= REDIRECTS_MAX; i++) {
        if (ask(rtsp, "DESCRIBE", rtsp->request_url, "Accept: application/sdp\r\n", patience,
                &reply, &body, err))
            goto out;
        if (reply.status / 100 != 3)
            break;
        if (follow(rtsp, reply.location, err))
            goto out;
    }
    if (reply.status / 100 == 3)
        rw_fail(err, RW_EHOSTILE, "the camera sends us round in circles; check the url");
    else if (reply.status != 200)
        rw_rtsp_fail_status(rtsp, reply.status, err);
    else
        rc = rw_sdp_parse(body.data, body.size, &rtsp->sdp, err);
    snprintf(rtsp->base, sizeof rtsp->base, "%s",
             *reply.content_base ? reply.content_base : rtsp->request_url);
out:
    rw_buf_finish(&body);
    return rc;
}

/* The url is only a name in a request on the connection that is open; but what is no RTSP url is
 * none of ours. */
static int control_url(const struct rw_rtsp *rtsp, const char *control, char *out,
                       struct rw_err *err)
{
    if (rw_sdp_control_url(rtsp->base, control, out, RW_RTSP_URL_SIZE, err))
        return -1;
    for (const char *c = out; *c; c++)
        if (*c <= ' ' || *c > '~')
            return rw_fail(err, RW_EFORMAT, "the camera names its stream in letters no url has");
    if (strncasecmp(out, "rtsp://", 7) && strncasecmp(out, "rtsps://", 8))
        return rw_fail(err, RW_EHOSTILE, "the camera sends us to something that is not RTSP");
    return 0;
}

static int fail_transport(const struct rw_rtsp *rtsp, struct rw_err *err)
{
    return rw_fail(err, RW_EFORMAT, "the camera does not send over %s; set transport to %s",
                   rtsp->options.udp ? "udp" : "tcp", rtsp->options.udp ? "tcp" : "udp");
}

static int start_udp(struct rw_rtsp *rtsp, const struct rw_rtsp_message *reply, struct rw_err *err)
{
    const struct rw_dial *dial = rtsp->options.dial;
    if (reply->interleaved || !reply->server_port[0])
        return fail_transport(rtsp, err);
    rtsp->order = rw_rtp_order_create();
    rtsp->datagrams = malloc((size_t)RW_RTSP_BATCH * RW_RTP_DATAGRAM_MAX);
    if (!rtsp->datagrams)
        abort();
    return dial->aim(dial->self, rtsp->udp, reply->server_port, err);
}

static void keep_session(struct rw_rtsp *rtsp, const struct rw_rtsp_message *reply)
{
    snprintf(rtsp->session, sizeof rtsp->session, "%s", reply->session);
    int timeout_s = reply->session_timeout_s ? reply->session_timeout_s : SESSION_S;
    rtsp->keepalive_us = timeout_s * RW_SECOND_US / 2;
    if (rtsp->keepalive_us > KEEPALIVE_MAX_US)
        rtsp->keepalive_us = KEEPALIVE_MAX_US;
}

static int set_up(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    struct rw_rtsp_message reply;
    char url[RW_RTSP_URL_SIZE];
    char transport[128] = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
    const struct rw_dial *dial = rtsp->options.dial;
    int port;
    if (control_url(rtsp, rtsp->sdp.control, url, err))
        return -1;
    if (rtsp->options.udp) {
        if (dial->udp(dial->self, &rtsp->url, patience, rtsp->udp, &port, err))
            return -1;
        snprintf(transport, sizeof transport, "Transport: RTP/AVP;unicast;client_port=%d-%d\r\n",
                 port, port + 1);
    }
    if (ask(rtsp, "SETUP", url, transport, patience, &reply, NULL, err))
        return -1;
    if (reply.status == 400 || reply.status == 461) /* Bad Request, Unsupported Transport */
        return fail_transport(rtsp, err);
    if (reply.status != 200)
        return rw_rtsp_fail_status(rtsp, reply.status, err);
    keep_session(rtsp, &reply);
    if (rtsp->options.udp)
        return start_udp(rtsp, &reply, err);
    if (!reply.interleaved)
        return fail_transport(rtsp, err);
    rtsp->channel = reply.channel;
    return 0;
}

/* Some cameras send pictures before they answer: nothing of them is passed over. */
static int play(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    struct rw_rtsp_message reply = {0};
    if (control_url(rtsp, rtsp->sdp.session_control, rtsp->play_url, err) ||
        rw_rtsp_request(rtsp, "PLAY", rtsp->play_url, "Range: npt=0.000-\r\n", patience, err))
        return -1;
    rtsp->play_cseq = rtsp->cseq;
    while (rtsp->begin == rtsp->end)
        if (need_input(rtsp, patience, err))
            return -1;
    if (rtsp->input[rtsp->begin] == '$')
        return 0;
    if (read_answer(rtsp, patience, &reply, NULL, err))
        return -1;
    rtsp->play_cseq = -1;
    if (reply.status == 401 && reply.challenge.stale) {
        rw_rtsp_challenged(rtsp, &reply.challenge);
        if (ask(rtsp, "PLAY", rtsp->play_url, "Range: npt=0.000-\r\n", patience, &reply, NULL, err))
            return -1;
    }
    return reply.status == 200 ? 0 : rw_rtsp_fail_status(rtsp, reply.status, err);
}

/* A camera that does not know OPTIONS is asked the rest all the same. */
static int greet(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    struct rw_rtsp_message reply;
    if (ask(rtsp, "OPTIONS", rtsp->request_url, "", patience, &reply, NULL, err))
        return -1;
    rtsp->get_parameter = reply.public_get_parameter;
    return 0;
}

static int talk(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    const struct rw_rtsp_options *o = &rtsp->options;
    rtsp->wire = rw_wire_open(o->dial, &rtsp->url, rtsp->url.tls ? o->tls : NULL, patience,
                              o->shown, err);
    if (!rtsp->wire || greet(rtsp, patience, err) || describe(rtsp, patience, err) ||
        set_up(rtsp, patience, err))
        return -1;
    rtsp->assembler = rw_rtp_assembler_create(rtsp->sdp.codec, o->picture_max);
    if (play(rtsp, patience, err))
        return -1;
    rtsp->keepalive_due_us = rw_monotonic_us() + rtsp->keepalive_us;
    return 0;
}

/* The sentence of a camera that did not answer in time, or not in RTSP. */
static void explain(const struct rw_rtsp *rtsp, struct rw_err *err)
{
    const struct rw_url *url = &rtsp->url;
    if (err->code == RW_ETIMEOUT && (rtsp->wire || !url->tls))
        rw_fail(err, RW_ETIMEOUT,
                "no answer from %s for %g s; check its address, power and network", url->place,
                rtsp->options.open_timeout_ms / 1000.0);
    else if (err->code == RW_EFORMAT && rtsp->cseq == 1)
        rw_fail(err, RW_EFORMAT, "%s answers on port %s, but not in RTSP; check the port",
                url->host, url->port);
}

static char *copy(const char *text)
{
    char *out = strdup(text ? text : "");
    if (!out)
        abort();
    return out;
}

struct rw_rtsp *rw_rtsp_open(const struct rw_rtsp_options *options, struct rw_err *err)
{
    struct rw_err fault = {0};
    struct rw_url url;
    if (rw_url_parse(options->url, &url, err) < 0)
        return NULL;
    if (strlen(options->url) >= RW_RTSP_URL_SIZE) {
        rw_fail(err, RW_EINVAL, "the url is longer than %d letters", RW_RTSP_URL_SIZE - 1);
        return NULL;
    }
    if (options->username && strchr(options->username, ':')) {
        rw_fail(err, RW_EINVAL, "a user name with a colon in it is not possible in RTSP");
        return NULL;
    }
    struct rw_rtsp *rtsp = calloc(1, sizeof *rtsp);
    uint8_t *input = malloc(RW_RTSP_INPUT_SIZE);
    if (!rtsp || !input)
        abort();
    rtsp->options = *options;
    rtsp->url = url;
    rtsp->input = input;
    rtsp->udp[0] = rtsp->udp[1] = -1;
    rtsp->play_cseq = -1;
    rtsp->username = copy(options->username);
    rtsp->password = copy(options->password);
    snprintf(rtsp->request_url, sizeof rtsp->request_url, "%s", options->url);
    struct rw_patience patience = {.cancel = options->cancel,
                                   .deadline_us = rw_monotonic_us() +
                                                  options->open_timeout_ms * INT64_C(1000)};
    if (talk(rtsp, &patience, &fault) == 0)
        return rtsp;
    explain(rtsp, &fault);
    if (err)
        *err = fault;
    rw_rtsp_close(rtsp);
    return NULL;
}

/* --- closing --- */

/* A camera counts its sessions, and what is closed with pictures unread may not reach it: its
 * answer, or a moment, is waited for, also by who was canceled. */
static void part(struct rw_rtsp *rtsp)
{
    struct rw_patience patience = {.deadline_us = rw_monotonic_us() + PART_US};
    struct rw_rtsp_message reply;
    struct rw_err ignored;
    if (!rtsp->wire || !*rtsp->session || rtsp->end_of_input)
        return;
    rw_rtsp_set_patience(rtsp, 0);
    ask(rtsp, "TEARDOWN", *rtsp->play_url ? rtsp->play_url : rtsp->request_url, "", &patience,
        &reply, NULL, &ignored);
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void free_secret(char *text)
{
    explicit_bzero(text, strlen(text));
    free(text);
}

void rw_rtsp_close(struct rw_rtsp *rtsp)
{
    if (!rtsp)
        return;
    part(rtsp);
    rw_wire_close(rtsp->wire);
    close_fd(rtsp->udp[0]);
    close_fd(rtsp->udp[1]);
    rw_rtp_order_destroy(rtsp->order);
    rw_rtp_assembler_destroy(rtsp->assembler);
    rw_sdp_finish(&rtsp->sdp);
    free_secret(rtsp->username);
    free_secret(rtsp->password);
    free(rtsp->datagrams);
    free(rtsp->input);
    free(rtsp);
}

const struct rw_sdp *rw_rtsp_description(const struct rw_rtsp *rtsp)
{
    return &rtsp->sdp;
}
