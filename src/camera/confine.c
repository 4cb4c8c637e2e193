#include "camera/confine.h"

void rw_camera_confines(const struct rw_camera_config *camera, const char *dir,
                        struct rw_sandbox *out)
{
    *out = (struct rw_sandbox){.subject = camera->id,
                               .may = RW_MAY_READ | RW_MAY_WRITE | RW_MAY_ANSWER};
    rw_sandbox_path(out, dir, RW_PATH_OWN);
}
