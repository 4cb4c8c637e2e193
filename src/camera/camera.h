/* The role `camera ID`: one camera, recorded and watched. Four or five threads (see DESIGN in
 * README.md here): main (signals, timer, door), ingest for main and sub, recorder, watcher. */
#pragma once

#include "config/config.h"

/* Runs until SIGTERM or SIGINT. Returns the process's exit status. */
int rw_camera_run(const struct rw_config *config, const char *id);
