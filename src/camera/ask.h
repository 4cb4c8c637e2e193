/* A question to the recorder thread that needs its answer: holds. The asker makes it, sends it and
 * waits a bounded time; who comes last frees it. */
#pragma once

#include <stdbool.h>

#include "store/hold.h"

enum rw_ask_word { RW_ASK_COST, RW_ASK_HOLD, RW_ASK_RELEASE };

struct rw_ask {
    enum rw_ask_word word;
    /* set before it is sent: from_us, to_us, by, reason of a hold; id and by of a release. Read
     * when it is answered. */
    struct rw_hold hold;
    struct rw_hold_cost cost;
    int failed;
    struct rw_err err;
};

struct rw_ask *rw_ask_create(enum rw_ask_word word);
void rw_ask_unref(struct rw_ask *ask); /* the asker's, and the recorder's; takes NULL */
/* Recorder thread: does it, answers, gives up its reference. */
void rw_ask_answer(struct rw_ask *ask, struct rw_store *store);
/* Main thread: true when it was answered in time. The fields are the asker's then. */
bool rw_ask_wait(struct rw_ask *ask, int timeout_ms);
