#include "media/rtsp/message.h"

#include <string.h>

#include "media/rtsp/auth.h"
#include "media/rtsp/text.h"

enum { METHOD_MAX = sizeof((struct rw_rtsp_message *)0)->method - 1, NUMBER_MAX = 1 << 30 };

static bool is_word(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* -1 when no further bytes can make a message of it. */
static int check_beginning(const uint8_t *at, size_t size, struct rw_err *err)
{
    struct rw_span begin = {(const char *)at, size};
    size_t word = 0;
    while (word < size && word <= METHOD_MAX && is_word(at[word]))
        word++;
    if (word == size && word <= METHOD_MAX)
        return 0;
    if (word > 0 && word <= METHOD_MAX && (at[word] == ' ' || rw_span_begins(begin, "RTSP/")))
        return 0;
    if (rw_span_begins(begin, "HTTP/"))
        return rw_fail(err, RW_EFORMAT, "HTTP is spoken there, not RTSP");
    return rw_fail(err, RW_EFORMAT, "what the camera sends is not RTSP");
}

/* Empty lines before a message are suffered, as RFC 2326, 4.1 asks of a server. */
static size_t skip_empty_lines(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && (bytes[at] == '\r' || bytes[at] == '\n'))
        at++;
    return at;
}

int64_t rw_rtsp_head_size(const uint8_t *bytes, size_t size, struct rw_err *err)
{
    size_t seen = size < RW_RTSP_HEAD_MAX ? size : RW_RTSP_HEAD_MAX;
    size_t begin = skip_empty_lines(bytes, seen);
    if (bytes && begin < seen) {
        const uint8_t *at = bytes + begin;
        if (check_beginning(at, seen - begin, err) < 0)
            return -1;
        const uint8_t *lf = memmem(at, seen - begin, "\n\n", 2);
        const uint8_t *crlf = memmem(at, seen - begin, "\n\r\n", 3);
        if (lf || crlf)
            return crlf && (!lf || crlf < lf) ? crlf + 3 - bytes : lf + 2 - bytes;
    }
    if (seen == RW_RTSP_HEAD_MAX)
        return rw_fail(err, RW_EHOSTILE, "the head of an RTSP message is longer than %d bytes",
                       RW_RTSP_HEAD_MAX);
    return 0;
}

/* The head with LF alone at its line ends, and a space for each of them that only folds a header.
 * No control character but that LF is left. */
static int unfold(const uint8_t *head, size_t size, struct rw_buf *out, struct rw_err *err)
{
    for (size_t i = skip_empty_lines(head, size); i < size; i++) {
        uint8_t c = head[i], next = i + 1 < size ? head[i + 1] : '\n';
        if (c == '\r' && (next == '\n' || next == '\r'))
            continue;
        if (c == '\t' || (c == '\n' && (next == ' ' || next == '\t')))
            c = ' ';
        if ((c < ' ' && c != '\n') || c == 0x7f)
            return rw_fail(err, RW_EHOSTILE,
                           "there is a control character in the head of an RTSP message");
        rw_buf_add(out, &c, 1);
    }
    return 0;
}

static int parse_status(struct rw_span line, struct rw_rtsp_message *out, struct rw_err *err)
{
    (void)rw_span_take(&line, " ");
    struct rw_span rest = rw_span_trim(line), digits = rest;
    int64_t status = rw_span_number(&rest, NUMBER_MAX);
    if (digits.size - rest.size != 3 || status < 100)
        return rw_fail(err, RW_EFORMAT, "an RTSP reply without a status");
    out->status = (int)status;
    return 0;
}

static int parse_request(struct rw_span line, struct rw_rtsp_message *out, struct rw_err *err)
{
    struct rw_span method = rw_span_take(&line, " ");
    line = rw_span_trim(line);
    (void)rw_span_take(&line, " "); /* the uri: whatever it is, it is not for a client */
    if (method.size == 0 || !rw_span_begins(rw_span_trim(line), "RTSP/") ||
        !rw_span_copy(method, out->method, sizeof out->method))
        return rw_fail(err, RW_EFORMAT, "what the camera sends is not RTSP");
    return 0;
}

static int too_long(const char *what, struct rw_err *err)
{
    return rw_fail(err, RW_EHOSTILE, "the camera sends %s that is too long", what);
}

static int read_cseq(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    (void)err;
    if (out->cseq < 0)
        out->cseq = rw_span_number(&value, INT64_MAX);
    return 0;
}

/* One that is none, or is another than before, would leave unknown where the next message begins.
 */
static int read_content_length(struct rw_span value, struct rw_rtsp_message *out,
                               struct rw_err *err)
{
    if (value.size == 0)
        return 0;
    int64_t size = rw_span_number(&value, NUMBER_MAX);
    if (size < 0 || value.size > 0)
        return rw_fail(err, RW_EHOSTILE, "the Content-Length of an RTSP message is not a number");
    if (size > RW_RTSP_BODY_MAX)
        return rw_fail(err, RW_EHOSTILE, "the body of an RTSP message is longer than %d bytes",
                       RW_RTSP_BODY_MAX);
    if (out->body_size && out->body_size != (size_t)size)
        return rw_fail(err, RW_EHOSTILE, "an RTSP message of two lengths");
    out->body_size = (size_t)size;
    return 0;
}

static int read_session(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    struct rw_span name, number;
    if (!rw_span_copy(rw_span_take(&value, ";"), out->session, sizeof out->session))
        return too_long("a session's name", err);
    while (rw_span_parameter(&value, &name, &number)) {
        int64_t seconds = rw_span_is(name, "timeout") ? rw_span_number(&number, 3600) : -1;
        if (seconds >= 0)
            out->session_timeout_s = (int)seconds;
    }
    return 0;
}

/* "a-b" or "a" of numbers from 0 to most into pair. False: it is something else. */
static bool read_pair(struct rw_span value, int most, int pair[2])
{
    int64_t first = rw_span_number(&value, NUMBER_MAX), second = 0;
    value = rw_span_trim(value);
    if (value.size > 0 && *value.at == '-') {
        value = rw_span_trim((struct rw_span){value.at + 1, value.size - 1});
        second = rw_span_number(&value, NUMBER_MAX);
    }
    if (first < 0 || first > most || second < 0 || second > most || value.size > 0)
        return false;
    pair[0] = (int)first;
    pair[1] = (int)second;
    return true;
}

/* Up to the comma that ends the first transport, if it is not in quotes. */
static struct rw_span first_of_list(struct rw_span value)
{
    bool quoted = false;
    for (size_t i = 0; i < value.size; i++) {
        quoted ^= value.at[i] == '"';
        if (value.at[i] == ',' && !quoted)
            value.size = i;
    }
    return value;
}

static int read_transport(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    struct rw_span name, numbers;
    value = first_of_list(value);
    out->interleaved |= rw_span_is(rw_span_take(&value, ";"), "RTP/AVP/TCP");
    while (rw_span_parameter(&value, &name, &numbers)) {
        int channels[2];
        bool good = true;
        if (rw_span_is(name, "interleaved")) {
            good = read_pair(numbers, 255, channels);
            out->interleaved = true;
            out->channel = good ? channels[0] : 0;
        } else if (rw_span_is(name, "server_port")) {
            good = read_pair(numbers, 65535, out->server_port);
        }
        if (!good)
            return rw_fail(err, RW_EFORMAT, "the camera's Transport header makes no sense");
    }
    return 0;
}

static int read_content_base(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    if (value.size == 0 || rw_span_copy(value, out->content_base, sizeof out->content_base))
        return 0;
    return too_long("an address", err);
}

static int read_location(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    if (rw_span_copy(value, out->location, sizeof out->location))
        return 0;
    return too_long("an address", err);
}

static int read_public(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    (void)err;
    out->has_public = true;
    while (value.size > 0)
        out->public_get_parameter |= rw_span_is(rw_span_take(&value, ", "), "GET_PARAMETER");
    return 0;
}

static int read_challenge(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err)
{
    return rw_rtsp_challenges_read(value, &out->challenge, err);
}

static int parse_header(struct rw_span line, struct rw_rtsp_message *out, struct rw_err *err)
{
    static const struct {
        const char *name;
        int (*read)(struct rw_span value, struct rw_rtsp_message *out, struct rw_err *err);
    } KNOWN[] = {
        {"CSeq", read_cseq},
        {"Content-Length", read_content_length},
        {"Session", read_session},
        {"Transport", read_transport},
        {"Content-Base", read_content_base},
        {"Location", read_location},
        {"Public", read_public},
        {"WWW-Authenticate", read_challenge},
    };
    struct rw_span name = rw_span_take(&line, ":");
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (rw_span_is(name, KNOWN[i].name))
            return KNOWN[i].read(rw_span_trim(line), out, err);
    return 0;
}

/* Content-Location counts only where there is no Content-Base, whichever comes first. */
static int read_content_location(struct rw_span lines, struct rw_rtsp_message *out,
                                 struct rw_err *err)
{
    while (lines.size > 0 && !*out->content_base) {
        struct rw_span value = rw_span_take(&lines, "\n");
        struct rw_span name = rw_span_take(&value, ":");
        if (rw_span_is(name, "Content-Location") &&
            read_content_base(rw_span_trim(value), out, err) < 0)
            return -1;
    }
    return 0;
}

static int parse_lines(struct rw_span lines, struct rw_rtsp_message *out, struct rw_err *err)
{
    struct rw_span headers, first = rw_span_take(&lines, "\n");
    headers = lines;
    int rc = rw_span_begins(first, "RTSP/") ? parse_status(first, out, err)
                                            : parse_request(first, out, err);
    while (rc == 0 && lines.size > 0) {
        struct rw_span line = rw_span_take(&lines, "\n");
        rc = parse_header(line, out, err);
    }
    return rc < 0 ? rc : read_content_location(headers, out, err);
}

int rw_rtsp_parse(const uint8_t *head, size_t size, struct rw_rtsp_message *out, struct rw_err *err)
{
    memset(out, 0, sizeof *out);
    out->cseq = -1;
    if (size > RW_RTSP_HEAD_MAX)
        return rw_fail(err, RW_EHOSTILE, "the head of an RTSP message is longer than %d bytes",
                       RW_RTSP_HEAD_MAX);
    struct rw_buf lines = {0};
    int rc = unfold(head, size, &lines, err);
    if (rc == 0 && lines.size == 0)
        rc = rw_fail(err, RW_EFORMAT, "an RTSP message without a first line");
    if (rc == 0)
        rc = parse_lines((struct rw_span){(const char *)lines.data, lines.size}, out, err);
    rw_buf_finish(&lines);
    return rc;
}
