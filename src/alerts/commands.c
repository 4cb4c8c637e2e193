#include "alerts/commands.h"

#include <jansson.h>
#include <string.h>

#include "base/units.h"

/* Copies what stands between `prefix` and `suffix`, when the topic is just that. */
static bool topic_middle(const char *topic, const char *prefix, const char *suffix, char *out,
                         size_t out_size)
{
    size_t length = strlen(topic), before = strlen(prefix), after = strlen(suffix);
    if (length < before + after || strncmp(topic, prefix, before) ||
        strcmp(topic + length - after, suffix))
        return false;
    size_t middle = length - before - after;
    if (!middle || middle >= out_size)
        return false;
    memcpy(out, topic + before, middle);
    out[middle] = 0;
    return true;
}

static bool payload_is(const void *payload, size_t size, const char *word)
{
    return size == strlen(word) && !memcmp(payload, word, size);
}

static int parse_arm(const void *payload, size_t size, struct rw_command *out, struct rw_err *err)
{
    out->kind = RW_COMMAND_ARM;
    out->on = payload_is(payload, size, "ON");
    if (!out->on && !payload_is(payload, size, "OFF"))
        return rw_fail(err, RW_EFORMAT, "a message to %s/armed/set was ignored; send ON or OFF",
                       out->camera);
    return 0;
}

static int parse_snooze(const char *digits, size_t size, struct rw_command *out, struct rw_err *err)
{
    out->kind = RW_COMMAND_SNOOZE;
    bool good = size >= 1 && size <= 6; /* 604800 has six digits */
    for (size_t i = 0; good && i < size; i++) {
        good = digits[i] >= '0' && digits[i] <= '9';
        out->seconds = out->seconds * 10 + (digits[i] - '0');
    }
    if (!good || out->seconds > RW_SNOOZE_MAX_S)
        return rw_fail(err, RW_EFORMAT,
                       "a message to %s/snooze/set was ignored; send whole seconds, 0 to %d",
                       out->camera, RW_SNOOZE_MAX_S);
    return 0;
}

static bool event_id_valid(const char *id)
{
    return strlen(id) == RW_EVENT_ID_SIZE - 1 &&
           strspn(id, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == RW_EVENT_ID_SIZE - 1;
}

static bool name_valid(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return length >= 1 && length < RW_NAME_SIZE;
}

static int parse_ack(const void *payload, size_t size, struct rw_command *out, struct rw_err *err)
{
    out->kind = RW_COMMAND_ACK;
    /* jansson refuses what is not UTF-8, and \u0000. */
    json_t *json = json_loadb(payload, size, JSON_REJECT_DUPLICATES, NULL);
    const char *by = json_string_value(json_object_get(json, "by"));
    bool good = json_object_size(json) == 1 && name_valid(by) && event_id_valid(out->event);
    if (good)
        strcpy(out->by, by);
    json_decref(json);
    if (!good)
        return rw_fail(err, RW_EFORMAT,
                       "an acknowledgement was ignored; send {\"by\":\"NAME\"}, the name 1 to %d "
                       "bytes long, to event/ID/ack",
                       RW_NAME_SIZE - 1);
    return 0;
}

int rw_command_parse(const struct rw_config *config, const char *topic, const void *payload,
                     size_t size, struct rw_command *out, struct rw_err *err)
{
    *out = (struct rw_command){0};
    if (strnlen(topic, RW_COMMAND_TOPIC_MAX + 1) > RW_COMMAND_TOPIC_MAX ||
        size > RW_COMMAND_PAYLOAD_MAX)
        return rw_fail(err, RW_EFORMAT, "a command was ignored because it is too long");
    if (!payload)
        payload = "";

    if (topic_middle(topic, "event/", "/ack", out->event, sizeof out->event))
        return parse_ack(payload, size, out, err);
    bool arm = topic_middle(topic, "", "/armed/set", out->camera, sizeof out->camera);
    bool snooze = !arm && topic_middle(topic, "", "/snooze/set", out->camera, sizeof out->camera);
    if (!arm && !snooze)
        return rw_fail(err, RW_EFORMAT, "a message to a topic that takes no command was ignored");
    if (!rw_id_valid(out->camera) || !rw_config_camera(config, out->camera))
        return rw_fail(err, RW_ENOTFOUND,
                       "a command for a camera that this site does not have "
                       "was ignored");
    return arm ? parse_arm(payload, size, out, err) : parse_snooze(payload, size, out, err);
}
