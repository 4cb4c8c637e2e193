/* What a camera's ring holds of a span, decoded: for commands that look at it again. Works beside a
 * running service and without one; memory does not grow with the span. */
#pragma once

#include "media/decode.h"
#include "store/reader.h"

struct rw_footage_options {
    const char *dir;    /* the camera's */
    const char *camera; /* for sentences */
    enum rw_stream stream;
    int64_t from_us, to_us;
    /* Every picture of every fragment that touches the span; a little outside of it, too. Non-zero
     * ends the run. */
    int (*picture)(void *arg, const struct rw_picture *picture);
    /* Pictures are missing here. stepped: the clock was set, what comes may be earlier. */
    void (*hole)(void *arg, bool stepped);
    void *arg;
};

struct rw_footage_result {
    long fragments, skipped;
    int64_t length_us; /* of what was decoded, summed up */
};

/* Damaged fragments are passed over with a sentence on standard error. */
int rw_footage_run(const struct rw_footage_options *options, struct rw_footage_result *result,
                   struct rw_err *err);
