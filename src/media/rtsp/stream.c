#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/units.h"
#include "media/rtsp/internal.h"

enum {
    GARBAGE_MAX = 64 << 10, /* bytes between frames, until a good unit comes */
    GARBAGE_LEAST = 512,    /* what each piece of it counts at least */
    CHATTER_MAX = 64,       /* messages until a unit comes */
    BYE_US = 2000000,       /* some say it and go on */
    LOW_WATER = 96 << 10,   /* a patient reader is woken by so much */
    LOOK_US = 1000000,
    REORDER_US = 200000,
    REPORT = 200, /* RTCP packet types (RFC 3550, 12.1) */
    BYE = 203,
};
#define NTP_EPOCH_S INT64_C(2208988800) /* 1970 on the NTP scale */

/* --- RTCP --- */

static void take_report(struct rw_rtsp *rtsp, const uint8_t *at)
{
    int64_t seconds = (int64_t)rw_get_be32(at + 8) - NTP_EPOCH_S;
    int64_t fraction = rw_get_be32(at + 12);
    rtsp->has_report = seconds > 0;
    rtsp->report_utc_us = seconds * RW_SECOND_US + (fraction * RW_SECOND_US >> 32);
    rtsp->report_ticks = rw_get_be32(at + 16);
    rtsp->report_at = rtsp->read_at;
}

static void take_rtcp(struct rw_rtsp *rtsp, const uint8_t *at, size_t size)
{
    while (size >= 8 && at[0] >> 6 == 2) {
        size_t length = 4 * ((size_t)rw_get_be16(at + 2) + 1);
        if (length > size)
            return;
        if (at[1] == REPORT && length >= 28)
            take_report(rtsp, at);
        if (at[1] == BYE && !rtsp->bye_us)
            rtsp->bye_us = rw_monotonic_us();
        at += length;
        size -= length;
    }
}

/* --- RTP --- */

static int take_rtp(struct rw_rtsp *rtsp, const uint8_t *bytes, size_t size, struct rw_err *err)
{
    struct rw_rtp_packet packet;
    if (!rw_rtp_parse(bytes, size, &packet) || packet.payload_type != rtsp->sdp.payload_type)
        return 0;
    rtsp->heard += packet.size;
    rtsp->arrived++;
    rtsp->bye_us = 0;
    return rw_rtp_assembler_add(rtsp->assembler, &packet, err);
}

/* --- frames and messages in the connection (RFC 2326, 10.12) --- */

static bool known_channel(const struct rw_rtsp *rtsp, int channel)
{
    return rtsp->udp[0] < 0 && (channel == rtsp->channel || channel == rtsp->channel + 1);
}

/* 1: a frame was taken, 0: more input is wanted, -1 *err. */
static int take_frame(struct rw_rtsp *rtsp, struct rw_err *err)
{
    const uint8_t *at = rtsp->input + rtsp->begin;
    size_t there = rtsp->end - rtsp->begin;
    if (there < 4 || there < 4u + rw_get_be16(at + 2))
        return 0;
    size_t size = rw_get_be16(at + 2);
    rtsp->begin += 4 + size;
    if (!known_channel(rtsp, at[1]))
        return 1;
    if (at[1] != rtsp->channel)
        take_rtcp(rtsp, at + 4, size);
    else if (take_rtp(rtsp, at + 4, size, err))
        return -1;
    return 1;
}

/* Could a message begin like this? */
static bool looks_like_message(const uint8_t *at, size_t size)
{
    static const char *const beginnings[] = {"RTSP/",          "OPTIONS ",    "ANNOUNCE ",
                                             "GET_PARAMETER ", "REDIRECT ",   "SET_PARAMETER ",
                                             "TEARDOWN ",      "PLAY_NOTIFY "};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t length = strlen(beginnings[i]);
        if (!memcmp(at, beginnings[i], size < length ? size : length))
            return true;
    }
    return false;
}

/* As take_frame(). */
static int take_message(struct rw_rtsp *rtsp, struct rw_err *err)
{
    struct rw_rtsp_message message;
    const uint8_t *at = rtsp->input + rtsp->begin;
    int64_t size = rw_rtsp_head_size(at, rtsp->end - rtsp->begin, err);
    if (size <= 0)
        return (int)size;
    if (++rtsp->chatter > CHATTER_MAX)
        return rw_fail(err, RW_EHOSTILE, "the camera talks without end; restart it");
    if (rw_rtsp_parse(at, (size_t)size, &message, err))
        return -1;
    rtsp->begin += (size_t)size;
    rtsp->skip = message.body_size;
    return rw_rtsp_hear(rtsp, &message, err) ? -1 : 1;
}

/* Passes over what is neither, up to where a frame of ours may begin. */
static int take_garbage(struct rw_rtsp *rtsp, struct rw_err *err)
{
    const uint8_t *at = rtsp->input + rtsp->begin;
    const uint8_t *next = memchr(at + 1, '$', rtsp->end - rtsp->begin - 1);
    size_t size = next ? (size_t)(next - at) : rtsp->end - rtsp->begin;
    rtsp->begin += size;
    rtsp->garbage += size > GARBAGE_LEAST ? size : GARBAGE_LEAST;
    if (rtsp->garbage > GARBAGE_MAX)
        return rw_fail(err, RW_EHOSTILE, "the camera sends what is no RTP; restart it");
    return 1;
}

static int take_input(struct rw_rtsp *rtsp, struct rw_err *err)
{
    size_t there = rtsp->end - rtsp->begin;
    size_t part = rtsp->skip < there ? rtsp->skip : there;
    rtsp->skip -= part;
    rtsp->begin += part;
    there -= part;
    const uint8_t *at = rtsp->input + rtsp->begin;
    if (!there)
        return 0;
    if (*at == '$' && rtsp->garbage && there > 1 && !known_channel(rtsp, at[1]))
        return take_garbage(rtsp, err); /* not a frame but a byte that looks so */
    if (*at == '$')
        return take_frame(rtsp, err);
    return looks_like_message(at, there) ? take_message(rtsp, err) : take_garbage(rtsp, err);
}

/* --- talk in between --- */

static int answer(struct rw_rtsp *rtsp, const struct rw_rtsp_message *request, struct rw_err *err)
{
    static const char *const known[] = {"OPTIONS",       "ANNOUNCE", "GET_PARAMETER",
                                        "SET_PARAMETER", "TEARDOWN", "PLAY_NOTIFY"};
    struct rw_patience patience = {.cancel = rtsp->options.cancel,
                                   .deadline_us = rw_monotonic_us() + RW_SECOND_US};
    const char *status = "501 Not Implemented";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(request->method, known[i]))
            status = "200 OK";
    struct rw_buf out = {0};
    rw_buf_printf(&out, "RTSP/1.0 %s\r\nCSeq: %lld\r\n\r\n", status, (long long)request->cseq);
    int rc = rw_wire_send(rtsp->wire, out.data, out.size, &patience, err);
    rw_buf_finish(&out);
    return rc;
}

/* The camera did not like it so: once more at once, for half of the session's time has gone by, and
 * with the other word where it does not know this one. */
static void hear_of_keepalive(struct rw_rtsp *rtsp, int status)
{
    bool refused = status / 100 != 2;
    if (refused && status != 401)
        rtsp->get_parameter = !rtsp->get_parameter;
    if (refused && !rtsp->keepalive_again)
        rtsp->keepalive_due_us = 0;
    rtsp->keepalive_again = refused;
}

int rw_rtsp_hear(struct rw_rtsp *rtsp, const struct rw_rtsp_message *message, struct rw_err *err)
{
    if (!message->status) {
        rtsp->ended |= !strcmp(message->method, "TEARDOWN") || !strcmp(message->method, "REDIRECT");
        return answer(rtsp, message, err);
    }
    if (message->status == 401 && message->challenge.scheme != RW_RTSP_NO_LOGIN)
        rw_rtsp_challenged(rtsp, &message->challenge); /* for the next keep-alive */
    if (message->cseq == rtsp->play_cseq && message->status != 200)
        return rw_rtsp_fail_status(rtsp, message->status, err);
    if (message->status == 454)
        return rw_fail(err, RW_ENET, "the camera has forgotten the session");
    if (message->status >= 200 && message->cseq == rtsp->keepalive_cseq)
        hear_of_keepalive(rtsp, message->status);
    return 0;
}

static int keep_alive(struct rw_rtsp *rtsp, struct rw_err *err)
{
    int64_t now = rw_monotonic_us();
    if (now < rtsp->keepalive_due_us)
        return 0;
    struct rw_patience patience = {.cancel = rtsp->options.cancel,
                                   .deadline_us = now + 2 * RW_SECOND_US};
    rtsp->keepalive_due_us = now + rtsp->keepalive_us;
    rtsp->keepalive_cseq = rtsp->cseq + 1;
    return rw_rtsp_request(rtsp, rtsp->get_parameter ? "GET_PARAMETER" : "OPTIONS", rtsp->play_url,
                           "", &patience, err);
}

/* --- input --- */

static void make_room(struct rw_rtsp *rtsp)
{
    size_t there = rtsp->end - rtsp->begin;
    if (there && rtsp->end <= RW_RTSP_INPUT_SIZE / 2)
        return;
    memmove(rtsp->input, rtsp->input + rtsp->begin, there);
    rtsp->begin = 0;
    rtsp->end = there;
}

static int receive(struct rw_rtsp *rtsp, struct rw_err *err)
{
    make_room(rtsp);
    size_t room = RW_RTSP_INPUT_SIZE - rtsp->end;
    ssize_t got = rw_wire_receive(rtsp->wire, rtsp->input + rtsp->end, room, err);
    rtsp->read_at = rw_now(rtsp->options.clock);
    rtsp->drained = got < (ssize_t)room;
    if (got == -2)
        return -1;
    if (got > 0)
        rtsp->end += (size_t)got;
    rtsp->end_of_input |= got == 0;
    return got >= 0;
}

int rw_rtsp_fill(struct rw_rtsp *rtsp, const struct rw_patience *patience, int timeout_ms,
                 struct rw_err *err)
{
    if (!rtsp->drained && rw_patience_left_us(patience))
        return receive(rtsp, err);
    if (rw_patience_wait(patience, rw_wire_fd(rtsp->wire), POLLIN, timeout_ms, err) < 0)
        return -1;
    return receive(rtsp, err);
}

static int read_datagrams(struct rw_rtsp *rtsp, struct rw_err *err)
{
    struct mmsghdr headers[RW_RTSP_BATCH] = {0};
    struct iovec parts[RW_RTSP_BATCH];
    for (int i = 0; i < RW_RTSP_BATCH; i++) {
        parts[i] = (struct iovec){rtsp->datagrams + (ptrdiff_t)i * RW_RTP_DATAGRAM_MAX,
                                  RW_RTP_DATAGRAM_MAX};
        headers[i].msg_hdr.msg_iov = &parts[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    int count = recvmmsg(rtsp->udp[0], headers, RW_RTSP_BATCH, MSG_DONTWAIT, NULL);
    rtsp->read_at = rw_now(rtsp->options.clock);
    rtsp->drained = count < RW_RTSP_BATCH;
    for (int i = 0; i < count; i++)
        rw_rtp_order_add(rtsp->order, parts[i].iov_base, headers[i].msg_len, rw_monotonic_us());
    if (count >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED)
        return 0; /* refused: the camera has let go of its port; the connection tells */
    return rw_fail(err, RW_ENET, "the camera's datagrams cannot be read (%s)", strerror(errno));
}

/* The connection and RTCP: once a second is enough. */
static int look_aside(struct rw_rtsp *rtsp, struct rw_err *err)
{
    uint8_t bytes[RW_RTP_DATAGRAM_MAX];
    int64_t now = rw_monotonic_us();
    int taken;
    if (now < rtsp->look_due_us)
        return 0;
    rtsp->look_due_us = now + LOOK_US;
    ssize_t got = recv(rtsp->udp[1], bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0)
        take_rtcp(rtsp, bytes, (size_t)got);
    bool drained = rtsp->drained;
    if (receive(rtsp, err) < 0)
        return -1;
    rtsp->drained = drained;
    while ((taken = take_input(rtsp, err)) > 0)
        ;
    return taken;
}

static int fill_udp(struct rw_rtsp *rtsp, const struct rw_patience *patience, struct rw_err *err)
{
    int fd = rtsp->patience_ms ? -1 : rtsp->udp[0];
    int timeout_ms = rtsp->patience_ms ? rtsp->patience_ms : (int)(LOOK_US / 1000);
    if (rtsp->drained && rw_patience_wait(patience, fd, POLLIN, timeout_ms, err) < 0)
        return -1;
    return read_datagrams(rtsp, err) ? -1 : look_aside(rtsp, err);
}

static int take_ordered(struct rw_rtsp *rtsp, struct rw_err *err)
{
    const uint8_t *bytes;
    size_t size = rw_rtp_order_take(rtsp->order, rw_monotonic_us(), REORDER_US, &bytes);
    if (!size)
        return 0;
    return take_rtp(rtsp, bytes, size, err) ? -1 : 1;
}

/* --- units --- */

static bool find_unit(struct rw_rtsp *rtsp)
{
    if (!rtsp->has_unit)
        rtsp->has_unit = rw_rtp_assembler_take(rtsp->assembler, &rtsp->unit);
    if (rtsp->has_unit)
        rtsp->chatter = 0;
    if (rtsp->has_unit && !rtsp->unit.damaged)
        rtsp->garbage = 0;
    return rtsp->has_unit;
}

bool rw_rtsp_ready(struct rw_rtsp *rtsp)
{
    int taken = 1;
    while (taken > 0 && !find_unit(rtsp))
        taken = rtsp->order ? take_ordered(rtsp, &rtsp->fault) : take_input(rtsp, &rtsp->fault);
    return rtsp->has_unit || taken < 0 || rtsp->ended || rtsp->end_of_input;
}

/* No unit is ready: either nothing more will come, or *err says what happened. */
static int why_not_ready(struct rw_rtsp *rtsp, struct rw_err *err)
{
    if (rtsp->fault.code != RW_OK) {
        if (err)
            *err = rtsp->fault;
        return -1;
    }
    rw_rtp_assembler_end(rtsp->assembler);
    rtsp->ended = true;
    if (find_unit(rtsp))
        return 0;
    return rw_fail(err, RW_EEND, "the camera ended the stream");
}

static int fail_silence(const struct rw_rtsp *rtsp, uint64_t heard, int timeout_ms,
                        struct rw_err *err)
{
    if (rtsp->heard == heard)
        return rw_fail(err, RW_ETIMEOUT, "no picture for %g s", timeout_ms / 1000.0);
    return rw_fail(err, RW_ETIMEOUT,
                   "the camera sends data, but no picture in it for %g s; restart the camera, and "
                   "check its video settings",
                   timeout_ms / 1000.0);
}

static int wait_for_input(struct rw_rtsp *rtsp, const struct rw_patience *patience,
                          struct rw_err *err)
{
    int timeout_ms = rtsp->patience_ms ? rtsp->patience_ms : -1;
    if (keep_alive(rtsp, err))
        return -1;
    if (rtsp->bye_us && rw_monotonic_us() - rtsp->bye_us > BYE_US)
        return rw_fail(err, RW_EEND, "the camera ended the stream");
    if (rtsp->bye_us && timeout_ms < 0)
        timeout_ms = BYE_US / 1000;
    if (rtsp->order)
        return fill_udp(rtsp, patience, err);
    return rw_rtsp_fill(rtsp, patience, timeout_ms, err) < 0 ? -1 : 0;
}

int rw_rtsp_read(struct rw_rtsp *rtsp, int timeout_ms, struct rw_rtp_unit *out, struct rw_err *err)
{
    struct rw_err fault = {0};
    uint64_t heard = rtsp->heard;
    struct rw_patience patience = {.cancel = rtsp->options.cancel,
                                   .deadline_us = rw_monotonic_us() + timeout_ms * INT64_C(1000)};
    while (!rw_rtsp_ready(rtsp)) {
        if (!wait_for_input(rtsp, &patience, &fault))
            continue;
        if (fault.code == RW_ETIMEOUT)
            return fail_silence(rtsp, heard, timeout_ms, err);
        if (err)
            *err = fault;
        return -1;
    }
    if (!rtsp->has_unit && why_not_ready(rtsp, err))
        return -1;
    *out = rtsp->unit;
    rtsp->has_unit = false;
    return 0;
}

struct rw_now rw_rtsp_arrival(const struct rw_rtsp *rtsp)
{
    return rtsp->read_at;
}

void rw_rtsp_set_patience(struct rw_rtsp *rtsp, int ms)
{
    if (ms == rtsp->patience_ms)
        return;
    rtsp->patience_ms = ms;
    if (rtsp->udp[0] < 0)
        rw_wire_set_low_water(rtsp->wire, ms ? LOW_WATER : 1);
}

struct rw_rtsp_count rw_rtsp_count(const struct rw_rtsp *rtsp)
{
    return (struct rw_rtsp_count){.bytes = rtsp->heard,
                                  .datagrams = rtsp->arrived,
                                  .lost = rw_rtp_assembler_lost(rtsp->assembler)};
}

bool rw_rtsp_sender_time(const struct rw_rtsp *rtsp, int64_t *utc_us, uint32_t *ticks,
                         struct rw_now *arrival)
{
    *utc_us = rtsp->report_utc_us;
    *ticks = rtsp->report_ticks;
    *arrival = rtsp->report_at;
    return rtsp->has_report;
}
