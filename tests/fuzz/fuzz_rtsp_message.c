/* libFuzzer: what a camera may send before or between its pictures: any bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtsp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What follows from the challenge goes into a request: it is one line, whatever is in it. */
static void answer(const struct rw_rtsp_challenge *challenge)
{
    struct rw_buf out = {0};
    rw_rtsp_authorize(challenge, "viewer", "hunter2", "PLAY", "rtsp://a/b", 1, "0123456789abcdef",
                      &out);
    assert((out.size == 0) == (challenge->scheme == RW_RTSP_NO_LOGIN));
    if (out.size > 0) {
        assert(memchr(out.data, '\n', out.size) == out.data + out.size - 1);
        assert(!memchr(out.data, '\0', out.size));
    }
    rw_buf_finish(&out);
}

static void check_line(const char *text, size_t size)
{
    assert(memchr(text, '\0', size));
    for (; *text; text++)
        assert((uint8_t)*text >= ' ' && *text != 0x7f);
}

static void check(const struct rw_rtsp_message *message)
{
    assert(message->status ? message->status >= 100 && message->status <= 999
                           : message->method[0] != '\0');
    assert(message->cseq >= -1 && message->body_size <= RW_RTSP_BODY_MAX);
    assert(message->session_timeout_s >= 0 && message->session_timeout_s <= 3600);
    assert(message->channel >= 0 && message->channel <= 255);
    for (int i = 0; i < 2; i++)
        assert(message->server_port[i] >= 0 && message->server_port[i] <= 65535);
    check_line(message->method, sizeof message->method);
    check_line(message->session, sizeof message->session);
    check_line(message->content_base, sizeof message->content_base);
    check_line(message->location, sizeof message->location);
    check_line(message->challenge.realm, sizeof message->challenge.realm);
    check_line(message->challenge.nonce, sizeof message->challenge.nonce);
    check_line(message->challenge.opaque, sizeof message->challenge.opaque);
    answer(&message->challenge);
}

static void parse(const uint8_t *data, size_t size)
{
    struct rw_rtsp_message message;
    struct rw_err err = {0};
    if (rw_rtsp_parse(data, size, &message, &err) == 0)
        check(&message);
    else
        assert((err.code == RW_EFORMAT || err.code == RW_EHOSTILE) && *err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_err err = {0};
    int64_t head = rw_rtsp_head_size(data, size, &err);
    assert(head < 0 ? err.code == RW_EFORMAT || err.code == RW_EHOSTILE
                    : (uint64_t)head <= size && head <= RW_RTSP_HEAD_MAX);
    if (head > 0) {
        uint8_t *exact = malloc((size_t)head); /* no byte beyond it is the parser's */
        if (!exact)
            abort();
        memcpy(exact, data, (size_t)head);
        assert(rw_rtsp_head_size(exact, (size_t)head, &err) == head);
        assert(rw_rtsp_head_size(exact, (size_t)head - 1, &err) == 0);
        parse(exact, (size_t)head);
        free(exact);
    }
    parse(data, size);
    return 0;
}
