/* libFuzzer: a topic, a zero byte, a payload, as a stranger on the broker might send them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_camera_config cameras[] = {{.id = (char *)"gate"}, {.id = (char *)"event"}};
    const struct rw_config config = {.camera_count = 2, .cameras = cameras};
    const uint8_t *zero = memchr(data, 0, size);
    if (!zero)
        return 0;
    size_t payload_size = size - (size_t)(zero + 1 - data);
    uint8_t *payload = payload_size ? malloc(payload_size) : NULL; /* no byte beyond it is ours */
    if (payload)
        memcpy(payload, zero + 1, payload_size);
    struct rw_command command;
    struct rw_err err = {0};
    int refused =
        rw_command_parse(&config, (const char *)data, payload, payload_size, &command, &err);
    if (refused ? !err.text[0] : command.seconds < 0 || command.seconds > RW_SNOOZE_MAX_S)
        abort();
    if (!refused && command.kind == RW_COMMAND_ACK && !command.by[0])
        abort();
    if (!refused && command.kind != RW_COMMAND_ACK && !rw_config_camera(&config, command.camera))
        abort();
    free(payload);
    return 0;
}
