/* The role `camera ID`: one camera, recorded and watched. Four or five threads (see DESIGN in
 * README.md here): main (signals, timer, door), ingest for main and sub, recorder, watcher. */
#pragma once

#include "config/config.h"
#include "store/store.h"

/* Runs until SIGTERM or SIGINT. Returns the process's exit status. */
int rw_camera_run(struct rw_config *config, const char *id);

/* How this camera's store is opened, on the system's disk and clock. dir: RW_CAMERA_DIR_SIZE bytes
 * that live as long as the options; the rest is borrowed from the configuration. */
enum { RW_CAMERA_DIR_SIZE = 512 };
void rw_camera_store_options(const struct rw_config *config, const struct rw_camera_config *camera,
                             char *dir, struct rw_store_options *out);
