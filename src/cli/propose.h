/* A camera as it would stand in the configuration. Pure. */
#pragma once

#include "base/buf.h"
#include "cli/measure.h"

struct rw_proposal {
    const struct rw_stream_config *main, *sub; /* sub NULL: none */
    const struct rw_measure *main_measure, *sub_measure;
    int days; /* to keep, of both */
};

/* Adds "cameras:" with one entry, in YAML. Its password is named by a file, not written. */
void rw_propose_camera(const struct rw_proposal *proposal, struct rw_buf *out);
