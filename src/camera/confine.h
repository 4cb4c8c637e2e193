/* All that a camera's process will ever need, once it is set up. */
#pragma once

#include "base/sandbox.h"
#include "config/config.h"

/* dir: the camera's, borrowed with camera as long as *out. To be entered when the store is open and
 * before there are threads. */
void rw_camera_confines(const struct rw_camera_config *camera, const char *dir,
                        struct rw_sandbox *out);
