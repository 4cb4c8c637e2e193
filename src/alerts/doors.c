#include "alerts/doors.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/door.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mailbox.h"

enum {
    ASK_TIMEOUT_MS = 500,
    POLL_MS = 3000, /* how often every camera is asked how it is */
    COMMANDS_MAX = 64,
};

struct request {
    struct rw_mail mail; /* first */
    struct rw_command command;
};

struct news {
    struct rw_mail mail; /* first */
    struct rw_door_news told;
};

struct rw_doors {
    const struct rw_config *config;
    int ready; /* eventfd: news */
    struct rw_mailbox *requests, *news;
    pthread_t thread;
};

/* What a door answered, or NULL with the sentence why it did not or would not. */
static json_t *ask(const struct rw_doors *doors, const char *camera, json_t *request,
                   struct rw_err *err)
{
    char path[PATH_MAX + 64];
    rw_config_door(doors->config, camera, path, sizeof path);
    json_t *reply = rw_door_ask(path, request, ASK_TIMEOUT_MS, err);
    json_decref(request);
    json_t *error = json_object_get(reply, "error");
    if (reply && !error)
        return reply;
    if (reply)
        rw_fail(err, RW_EINVAL, "%.200s",
                json_is_string(error) ? json_string_value(error) : "it refused");
    json_decref(reply);
    return NULL;
}

static void take_watch(const json_t *json, struct rw_watch *out)
{
    out->known = json_is_object(json);
    out->fps = json_number_value(json_object_get(json, "fps"));
    out->of = json_number_value(json_object_get(json, "of"));
    out->thinned = json_is_true(json_object_get(json, "thinned"));
    out->weather = json_number_value(json_object_get(json, "weather"));
    out->smallest = (int)json_integer_value(json_object_get(json, "smallest"));
    out->raised = json_is_true(json_object_get(json, "raised"));
    rw_json_copy_text(json, "on", out->on, sizeof out->on);
}

static void take_arming(const json_t *reply, struct rw_arming *out)
{
    const json_t *by_hand = json_object_get(reply, "armed_by_hand");
    out->known = json_is_boolean(by_hand);
    out->by_hand = json_is_true(by_hand);
    rw_json_copy_text(reply, "disarmed_by", out->disarmed_by, sizeof out->disarmed_by);
}

static void ask_state(struct rw_doors *doors, int camera)
{
    struct rw_err err;
    struct news *news = calloc(1, sizeof *news);
    if (!news)
        return;
    json_t *reply =
        ask(doors, doors->config->cameras[camera].id, json_pack("{s:s}", "cmd", "status"), &err);
    news->mail.bytes = sizeof *news;
    news->told.camera = camera;
    take_arming(reply, &news->told.arming);
    take_watch(json_object_get(reply, "watch"), &news->told.watch);
    json_decref(reply);
    if (rw_mailbox_put(doors->news, &news->mail))
        free(news); /* asked again in a moment */
    else
        eventfd_write(doors->ready, 1);
}

static int camera_index(const struct rw_config *config, const char *id)
{
    for (int i = 0; i < config->camera_count; i++)
        if (!strcmp(config->cameras[i].id, id))
            return i;
    return -1;
}

static void do_camera_command(struct rw_doors *doors, const struct rw_command *command)
{
    json_t *request = command->kind == RW_COMMAND_ARM
                          ? json_pack("{s:s, s:b}", "cmd", "arm", "on", (int)command->on)
                          : json_pack("{s:s, s:i}", "cmd", "snooze", "seconds", command->seconds);
    struct rw_err err;
    json_t *reply = ask(doors, command->camera, request, &err);
    if (!reply)
        rw_log(RW_LOG_WARNING, "alerts", "%s did not take a command over MQTT: %s", command->camera,
               err.text);
    else if (command->kind == RW_COMMAND_ARM)
        rw_log(RW_LOG_INFO, "alerts", "%s was %s over MQTT", command->camera,
               command->on ? "armed" : "disarmed");
    else
        rw_log(RW_LOG_INFO, "alerts", "%s was snoozed for %d s over MQTT", command->camera,
               command->seconds);
    json_decref(reply);
    ask_state(doors, camera_index(doors->config, command->camera));
}

/* An acknowledgement names the event only: the camera that knows it says so. */
static void do_ack(struct rw_doors *doors, const struct rw_command *command)
{
    for (int i = 0; i < doors->config->camera_count; i++) {
        if (rw_mailbox_closed(doors->requests))
            return;
        struct rw_err err;
        json_t *reply =
            ask(doors, doors->config->cameras[i].id,
                json_pack("{s:s, s:s, s:s}", "cmd", "ack", "id", command->event, "by", command->by),
                &err);
        bool known = reply != NULL;
        json_decref(reply);
        if (known)
            return;
    }
    rw_log(RW_LOG_WARNING, "alerts",
           "no camera that runs now knows event %s; its acknowledgement "
           "was dropped",
           command->event);
}

static void *run(void *arg)
{
    struct rw_doors *doors = arg;
    int next = 0; /* camera to ask */
    while (!rw_mailbox_closed(doors->requests)) {
        int count = doors->config->camera_count;
        struct rw_mail *mail = rw_mailbox_take(doors->requests, count ? POLL_MS / count : POLL_MS);
        struct request *request = (struct request *)mail;
        if (rw_mailbox_closed(doors->requests)) {
            free(request);
            break;
        }
        if (!request && count)
            ask_state(doors, next++ % count);
        else if (request && request->command.kind == RW_COMMAND_ACK)
            do_ack(doors, &request->command);
        else if (request)
            do_camera_command(doors, &request->command);
        free(request);
    }
    return NULL;
}

static void empty(struct rw_mailbox *box)
{
    struct rw_mail *mail;
    while ((mail = rw_mailbox_take(box, 0)))
        free(mail);
    rw_mailbox_destroy(box);
}

struct rw_doors *rw_doors_create(const struct rw_config *config, struct rw_err *err)
{
    struct rw_doors *doors = calloc(1, sizeof *doors);
    if (!doors)
        abort();
    doors->config = config;
    doors->requests = rw_mailbox_create(COMMANDS_MAX * sizeof(struct request));
    doors->news = rw_mailbox_create(COMMANDS_MAX * sizeof(struct news));
    doors->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (doors->ready >= 0 && !pthread_create(&doors->thread, NULL, run, doors))
        return doors;
    rw_fail(err, RW_ENOMEM, "the system has no thread or descriptor left for the alerts role");
    if (doors->ready >= 0)
        close(doors->ready);
    empty(doors->requests);
    empty(doors->news);
    free(doors);
    return NULL;
}

void rw_doors_destroy(struct rw_doors *doors)
{
    if (!doors)
        return;
    rw_mailbox_close(doors->requests);
    pthread_join(doors->thread, NULL);
    empty(doors->requests);
    empty(doors->news);
    close(doors->ready);
    free(doors);
}

void rw_doors_command(struct rw_doors *doors, const struct rw_command *command)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        return;
    request->mail.bytes = sizeof *request;
    request->command = *command;
    if (rw_mailbox_put(doors->requests, &request->mail)) {
        rw_log(RW_LOG_WARNING, "alerts", "too many commands at once over MQTT; one was dropped");
        free(request);
    }
}

int rw_doors_fd(const struct rw_doors *doors)
{
    return doors->ready;
}

bool rw_doors_news(struct rw_doors *doors, struct rw_door_news *out)
{
    struct news *news = (struct news *)rw_mailbox_take(doors->news, 0);
    if (!news)
        return false;
    *out = news->told;
    free(news);
    return true;
}
