/* What an installer is told of the streams that were measured. Pure. */
#pragma once

#include "cli/measure.h"

enum { RW_ADVICE_MAX = 12, RW_ADVICE_SIZE = 240 };

struct rw_advice {
    int count;
    char lines[RW_ADVICE_MAX][RW_ADVICE_SIZE]; /* a sentence each */
};

/* Begin with {0}: sentences are added. sub NULL: the camera has none, or none was named. */
void rw_advise(struct rw_advice *advice, const struct rw_measure *main,
               const struct rw_measure *sub, bool udp);
/* When it ends soon. */
void rw_advise_certificate(struct rw_advice *advice, const struct rw_certificate *certificate,
                           int64_t now_us);
