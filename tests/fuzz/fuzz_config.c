/* Any bytes as a configuration: refused with a sentence, or taken and then usable. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void use(const struct rw_config *config)
{
    char digest[65], dir[256];
    assert(config->camera_count > 0);
    for (int i = 0; i < config->camera_count; i++) {
        const struct rw_camera_config *camera = &config->cameras[i];
        rw_config_camera_digest(config, camera, digest);
        assert(strlen(digest) == 64);
        assert(rw_config_camera(config, camera->id) == camera);
        assert(rw_config_slots(config, &camera->main) >= 3);
        rw_schedule_armed(&camera->detect, INT64_C(1700000000000000));
    }
    rw_config_alerts_digest(config, digest);
    rw_config_runtime_dir(config, dir, sizeof dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct rw_err err = {.code = RW_OK};
    struct rw_config *config = rw_config_parse("fuzz.yaml", bytes, size, &err);
    if (config)
        use(config);
    else
        assert(err.code != RW_OK && !strncmp(err.text, "fuzz.yaml:", 10));
    rw_config_free(config);
    return 0;
}
