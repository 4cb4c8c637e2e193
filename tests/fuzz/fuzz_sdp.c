/* libFuzzer: any bytes as a session description. */
#include <assert.h>
#include <string.h>

#include "media/nal.h"
#include "media/rtsp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_control(const char control[1024])
{
    char url[2048];
    struct rw_err err = {0};
    assert(memchr(control, '\0', 1024));
    for (const char *c = control; *c; c++)
        assert((uint8_t)*c > ' ' && *c != 0x7f);
    assert(rw_sdp_control_url("rtsp://a/b?c", control, url, sizeof url, &err) == 0);
    assert(!strncmp(url, "rtsp://a/b?c", 12) || !strcmp(url, control));
}

static void check(const struct rw_sdp *sdp)
{
    assert(sdp->codec == RW_CODEC_H264 || sdp->codec == RW_CODEC_HEVC);
    assert(sdp->payload_type >= 0 && sdp->payload_type <= 127);
    assert(sdp->clock_hz >= 1000 && sdp->clock_hz <= 1000000);
    assert(sdp->sets.size <= 16 << 10);
    assert(!sdp->sets.size || !memcmp(sdp->sets.data, "\0\0\0\1", 4));
    check_control(sdp->control);
    check_control(sdp->session_control);
    struct rw_buf merged = {0};
    if (sdp->sets.size)
        rw_nal_sets_merge(sdp->codec, sdp->sets.data, sdp->sets.size, NULL, 0, &merged);
    rw_buf_finish(&merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_sdp sdp, again;
    struct rw_err err = {0};
    int rc = rw_sdp_parse(data, size, &sdp, &err);
    if (rc == 0)
        check(&sdp);
    else
        assert((err.code == RW_EFORMAT || err.code == RW_EHOSTILE) && *err.text);
    assert(rw_sdp_parse(data, size, &again, &err) == rc);
    assert(!memcmp(sdp.identity, again.identity, sizeof sdp.identity));
    rw_sdp_finish(&again);
    rw_sdp_finish(&sdp);
    return 0;
}
