/* What the files of the RTSP client know of each other: session.c talks, stream.c listens. */
#pragma once

#include "media/rtsp/message.h"
#include "media/rtsp/rtsp.h"

enum {
    RW_RTSP_INPUT_SIZE =
        128 << 10,      /* more than the longest frame, and than head and body together */
    RW_RTSP_BATCH = 32, /* datagrams that one call reads */
};

struct rw_rtsp {
    struct rw_rtsp_options options; /* its strings: only while opening */
    struct rw_url url;
    struct rw_wire *wire;

    /* talk */
    char request_url[RW_RTSP_URL_SIZE]; /* after redirects */
    char base[RW_RTSP_URL_SIZE];        /* of the description's controls */
    char play_url[RW_RTSP_URL_SIZE];
    char *username, *password; /* owned */
    struct rw_rtsp_challenge challenge;
    char cnonce[17];
    unsigned nonce_count;
    char session[RW_RTSP_WORD_SIZE];
    int64_t cseq, play_cseq;
    int64_t keepalive_us, keepalive_due_us; /* CLOCK_MONOTONIC */
    int64_t keepalive_cseq;
    bool keepalive_again; /* it was refused, and sent once more */
    bool get_parameter;   /* it is a GET_PARAMETER, not OPTIONS */
    struct rw_sdp sdp;

    /* stream */
    uint8_t *input; /* RW_RTSP_INPUT_SIZE; begin to end are not looked at yet */
    size_t begin, end;
    size_t skip;    /* bytes of a body that are to be passed over */
    size_t garbage; /* bytes between frames since the last good unit */
    int chatter;    /* messages since the last unit */
    int64_t bye_us; /* CLOCK_MONOTONIC: the camera said goodbye, and nothing since; 0: it did not */
    int channel;
    int udp[2];                 /* -1: RTP comes in the connection */
    struct rw_rtp_order *order; /* UDP only */
    struct rw_rtp_assembler *assembler;
    uint8_t *datagrams;  /* UDP only: room for what one call reads */
    int64_t look_due_us; /* UDP only: when the other two sockets are looked at */
    int patience_ms;
    bool drained;      /* the last read took all there was */
    bool ended;        /* the camera said so */
    bool end_of_input; /* nothing more will come */
    bool has_unit;     /* unit is the next */
    struct rw_rtp_unit unit;
    struct rw_err fault; /* what the next read returns */
    struct rw_now read_at;
    uint64_t heard, arrived; /* bytes of video; and in how many of RTP */
    bool has_report;
    int64_t report_utc_us;
    uint32_t report_ticks;
    struct rw_now report_at;
};

/* Reads once, after waiting as the patience lets: 1: bytes came, 0: timeout_ms passed, -1 *err. */
int rw_rtsp_fill(struct rw_rtsp *rtsp, const struct rw_patience *patience, int timeout_ms,
                 struct rw_err *err);
/* Sends a request; its cseq is rtsp->cseq then. */
int rw_rtsp_request(struct rw_rtsp *rtsp, const char *method, const char *url, const char *headers,
                    const struct rw_patience *patience, struct rw_err *err);
/* Takes over a new nonce. */
void rw_rtsp_challenged(struct rw_rtsp *rtsp, const struct rw_rtsp_challenge *challenge);
/* What an answer with this status means, as a sentence. Returns -1. */
int rw_rtsp_fail_status(const struct rw_rtsp *rtsp, int status, struct rw_err *err);
/* What the camera says in between: an answer to keep-alive, a request of its own. */
int rw_rtsp_hear(struct rw_rtsp *rtsp, const struct rw_rtsp_message *message, struct rw_err *err);
