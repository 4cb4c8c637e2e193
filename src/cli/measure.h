/* Looking at a camera's stream for some seconds. */
#pragma once

#include "config/config.h"

/* Prints one line: codec, size, pictures a second, GOP, bitrate; or a complaint. Returns 0 or 1. */
int rw_measure_stream(const char *camera, const char *stream,
                      const struct rw_stream_config *config);
