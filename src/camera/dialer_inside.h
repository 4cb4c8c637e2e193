/* What the camera's process and its dialer say to each other, and the dialer's own side. Messages
 * are whole structs over SOCK_SEQPACKET: one pair for each stream, and one for errands, on which a
 * single byte is a poke. */
#pragma once

#include <limits.h>

#include "media/rtsp/dial.h"
#include "store/store.h"

enum rw_dialer_what { RW_DIALER_TCP = 1, RW_DIALER_UDP, RW_DIALER_AIM };

struct rw_dialer_request {
    uint32_t serial;
    uint32_t what;       /* enum rw_dialer_what */
    int64_t deadline_us; /* CLOCK_MONOTONIC, the same in both */
    int32_t ports[2];    /* AIM: the camera's */
};

/* With it come one descriptor (TCP) or two (UDP), unless it failed. */
struct rw_dialer_answer {
    uint32_t serial; /* the request's */
    int32_t code;    /* enum rw_code */
    int32_t port;    /* UDP: the first of the pair */
    char text[320];  /* a sentence, where code is not RW_OK */
};

struct rw_dialer_job {
    char camera[64]; /* id */
    char alerts_socket[PATH_MAX + 64];
    bool known[RW_STREAMS];
    struct rw_url urls[RW_STREAMS];
};

/* In the new process: what it is from now on. there: its sides of the streams' pairs and of the
 * errands'; every other descriptor but the log's is closed. */
_Noreturn void rw_dialer_become(const struct rw_dialer_job *job, const int there[RW_STREAMS + 1]);

int64_t rw_dialer_now_us(void); /* CLOCK_MONOTONIC */
