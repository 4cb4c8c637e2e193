#include "camera/camera.h"

#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/door.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/units.h"
#include "camera/alarms.h"
#include "camera/confine.h"
#include "camera/dialer.h"
#include "camera/faults.h"
#include "camera/ingest.h"
#include "camera/post.h"
#include "camera/recorder.h"
#include "camera/scrub.h"
#include "camera/state.h"
#include "camera/watcher.h"
#include "store/reader.h"

enum { ASK_MS = 8000 }; /* the recorder's answer is waited for so long */
enum { TICK_US = 500000, RECORDER_BYTES = 24 << 20, WATCHER_BYTES = 4 << 20 };

struct camera {
    /* main thread only */
    const struct rw_config *config;
    const struct rw_camera_config *camera;
    const struct rw_clock *clock;
    char dir[RW_CAMERA_DIR_SIZE];
    int64_t started_boot_us;
    struct rw_state state;
    int door;
    sd_event *loop;
    struct rw_store *store;
    struct rw_board *board;
    struct rw_cancel *cancel;
    struct rw_dialer *dialer;
    struct rw_sandbox sandbox;
    struct rw_mailbox *to_recorder, *to_watcher;
    struct rw_recorder *recorder;
    struct rw_watcher *watcher;
    struct rw_dial dial[RW_STREAMS];
    struct rw_tls *tls[RW_STREAMS]; /* NULL: no rtsps */
    struct rw_ingest *ingest[RW_STREAMS];
    struct rw_scrub *scrub;
    struct rw_faults *faults;
};

/* --- the door --- */

static json_t *time_or_null(int64_t utc_us)
{
    char text[RW_TIME_SIZE];
    return utc_us ? json_string(rw_format_time(utc_us, text)) : json_null();
}

static json_t *watch_json(const struct rw_watch_notice *watch)
{
    if (!watch->known)
        return json_null();
    return json_pack("{s:f, s:f, s:b, s:f, s:i, s:b, s:o}", "fps", watch->fps, "of", watch->of,
                     "thinned", (int)watch->thinned, "weather", (double)watch->weather, "smallest",
                     watch->smallest, "raised", (int)watch->raised, "on",
                     watch->running ? json_string(rw_kind_name(watch->kind)) : json_null());
}

/* Of the streams in use, to a tenth: {"main": 0.0, "sub": 19.8}. */
static json_t *lost_json(const struct rw_notice *notice)
{
    json_t *out = json_object();
    for (int i = 0; i < RW_STREAMS; i++) {
        const struct rw_stream_notice *stream = &notice->stream[i];
        double percent = (double)(int64_t)(stream->lost_percent * 10 + 0.5) / 10;
        if (stream->used)
            json_object_set_new(out, rw_stream_name((enum rw_stream)i), json_real(percent));
    }
    return out;
}

static json_t *answer_status(struct camera *camera)
{
    struct rw_notice notice;
    rw_board_read(camera->board, &notice);
    struct rw_now now = rw_now(camera->clock);
    const char *disarmed_by =
        rw_state_disarmed_by(&notice, &camera->camera->detect, RW_KIND_MOTION, now.utc_us);
    int64_t snoozed_us = now.utc_us < notice.snoozed_until_us ? notice.snoozed_until_us : 0;
    return json_pack("{s:s, s:s, s:o, s:s, s:b, s:o, s:f, s:o, s:b, s:b, s:s?, s:o, s:o}", "id",
                     camera->camera->id, "state", camera->state.word, "since",
                     time_or_null(camera->state.since_us), "reason", camera->state.reason,
                     "recording", (int)rw_state_recording(&notice, now.utc_us), "last_picture",
                     time_or_null(notice.stream[RW_MAIN].picture_utc_us), "watch_fps",
                     notice.watch.fps, "watch", watch_json(&notice.watch), "armed",
                     disarmed_by == NULL, "armed_by_hand", (int)notice.armed_by_hand, "disarmed_by",
                     disarmed_by, "snoozed_until", time_or_null(snoozed_us), "lost_percent",
                     lost_json(&notice));
}

static void keep_word(struct camera *camera, const char *key, int64_t value)
{
    struct rw_post *post = rw_post_create(RW_POST_WORD, RW_MAIN);
    snprintf(post->text, sizeof post->text, "%s", key);
    post->number = value;
    rw_post_send(camera->to_recorder, post);
}

static json_t *ok(void)
{
    return json_pack("{s:b}", "ok", 1);
}

static json_t *refuse(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static json_t *answer_arm(struct camera *camera, const json_t *request)
{
    const json_t *on = json_object_get(request, "on");
    if (!json_is_boolean(on))
        return refuse("arm needs \"on\": true or false");
    rw_board_arm(camera->board, json_is_true(on), 0);
    keep_word(camera, "disarmed", !json_is_true(on));
    keep_word(camera, "snoozed_until", 0);
    rw_dialer_poke(camera->dialer);
    return ok();
}

static json_t *answer_snooze(struct camera *camera, const json_t *request)
{
    const json_t *seconds = json_object_get(request, "seconds");
    int64_t value = json_integer_value(seconds);
    if (!json_is_integer(seconds) || value < 0 || value > 7 * 86400)
        return refuse("snooze needs \"seconds\" from 0 to 604800");
    struct rw_notice notice;
    rw_board_read(camera->board, &notice);
    int64_t until = value ? rw_now(camera->clock).utc_us + value * RW_SECOND_US : 0;
    rw_board_arm(camera->board, notice.armed_by_hand, until);
    keep_word(camera, "snoozed_until", until);
    rw_dialer_poke(camera->dialer);
    return ok();
}

static json_t *answer_ack(struct camera *camera, const json_t *request)
{
    const char *id = json_string_value(json_object_get(request, "id"));
    const char *by = json_string_value(json_object_get(request, "by"));
    struct rw_event event;
    if (!id || !by || !*by || strlen(by) >= RW_NAME_SIZE || strlen(id) >= RW_EVENT_ID_SIZE)
        return refuse("ack needs \"id\" and \"by\"");
    struct rw_reader *reader = rw_reader_open(camera->dir, NULL);
    bool there = reader && rw_reader_event(reader, id, &event, NULL) == 1;
    rw_reader_close(reader);
    if (!there)
        return refuse("this camera has no such event");
    struct rw_post *post = rw_post_create(RW_POST_ACK, RW_MAIN);
    snprintf(post->text, sizeof post->text, "%s", id);
    snprintf(post->more, sizeof post->more, "%s", by);
    rw_post_send(camera->to_recorder, post);
    return ok();
}

/* The recorder owns the store: it is asked, and waited for a while. NULL: it is busy. */
static struct rw_ask *ask_recorder(struct camera *camera, struct rw_ask *ask)
{
    struct rw_post *post = rw_post_create(RW_POST_ASK, RW_MAIN);
    post->ask = ask;
    rw_post_send(camera->to_recorder, post);
    if (rw_ask_wait(ask, ASK_MS))
        return ask;
    rw_ask_unref(ask);
    return NULL;
}

static json_t *answer_ask(struct camera *camera, struct rw_ask *ask)
{
    json_t *reply;
    ask = ask_recorder(camera, ask);
    if (!ask)
        return refuse("the disk is slow just now; see `hold --list` whether it was done");
    if (ask->failed)
        reply = refuse(ask->err.text);
    else
        reply = json_pack("{s:s, s:I, s:I, s:i, s:I, s:f}", "id", ask->hold.id, "from",
                          (json_int_t)ask->hold.from_us, "to", (json_int_t)ask->hold.to_us, "slots",
                          ask->cost.slots, "bytes", (json_int_t)ask->cost.bytes, "costs_days",
                          ask->cost.days);
    rw_ask_unref(ask);
    return reply;
}

static bool take_word(const json_t *request, const char *key, char *out, size_t size)
{
    return rw_json_copy_text(request, key, out, size) && *out;
}

static json_t *answer_hold(struct camera *camera, const json_t *request)
{
    bool dry = json_is_true(json_object_get(request, "dry"));
    struct rw_hold hold = {.from_us = json_integer_value(json_object_get(request, "from")),
                           .to_us = json_integer_value(json_object_get(request, "to"))};
    if (hold.from_us <= 0 || hold.from_us >= hold.to_us ||
        !take_word(request, "by", hold.by, sizeof hold.by) ||
        !take_word(request, "reason", hold.reason, sizeof hold.reason))
        return refuse("hold needs \"from\" before \"to\", \"by\" and \"reason\"");
    struct rw_ask *ask = rw_ask_create(dry ? RW_ASK_COST : RW_ASK_HOLD);
    ask->hold = hold;
    return answer_ask(camera, ask);
}

static json_t *answer_release(struct camera *camera, const json_t *request)
{
    struct rw_hold hold = {0};
    if (!take_word(request, "id", hold.id, sizeof hold.id) ||
        !take_word(request, "by", hold.by, sizeof hold.by))
        return refuse("release needs \"id\" and \"by\"");
    struct rw_ask *ask = rw_ask_create(RW_ASK_RELEASE);
    ask->hold = hold;
    return answer_ask(camera, ask);
}

static json_t *answer(void *arg, const json_t *request)
{
    struct camera *camera = arg;
    const char *word = json_string_value(json_object_get(request, "cmd"));
    if (!word)
        return NULL;
    if (!strcmp(word, "status"))
        return answer_status(camera);
    if (!strcmp(word, "arm"))
        return answer_arm(camera, request);
    if (!strcmp(word, "snooze"))
        return answer_snooze(camera, request);
    if (!strcmp(word, "ack"))
        return answer_ack(camera, request);
    if (!strcmp(word, "hold"))
        return answer_hold(camera, request);
    if (!strcmp(word, "release"))
        return answer_release(camera, request);
    return NULL;
}

/* --- the loop --- */

static void tell_state(struct camera *camera)
{
    struct rw_notice notice;
    rw_board_read(camera->board, &notice);
    if (!rw_state_update(&camera->state, &notice, camera->started_boot_us, rw_now(camera->clock)))
        return;
    struct rw_post *post = rw_post_create(RW_POST_STATE, RW_MAIN);
    snprintf(post->text, sizeof post->text, "%s", camera->state.word);
    snprintf(post->more, sizeof post->more, "%s", camera->state.reason);
    post->number = camera->state.since_us;
    rw_post_send(camera->to_recorder, post);
}

static int on_tick(sd_event_source *source, uint64_t at_us, void *arg)
{
    struct camera *camera = arg;
    rw_faults_look(camera->faults);
    tell_state(camera);
    sd_event_source_set_time(source, at_us + TICK_US);
    return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_door(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source;
    (void)events;
    rw_door_serve(fd, answer, arg);
    return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    (void)info;
    (void)arg;
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int on_dialer(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    const struct camera *camera = arg;
    (void)fd;
    (void)events;
    rw_log(RW_LOG_ERROR, camera->camera->id,
           "the process that dials for this camera has ended: starting anew");
    return sd_event_exit(sd_event_source_get_event(source), 1);
}

static int make_loop(struct camera *camera, struct rw_err *err)
{
    uint64_t now;
    int rc = sd_event_new(&camera->loop);
    if (rc >= 0)
        rc = sd_event_now(camera->loop, CLOCK_MONOTONIC, &now);
    if (rc >= 0)
        rc = sd_event_add_signal(camera->loop, NULL, SIGTERM, on_signal, camera);
    if (rc >= 0)
        rc = sd_event_add_signal(camera->loop, NULL, SIGINT, on_signal, camera);
    if (rc >= 0)
        rc = sd_event_add_io(camera->loop, NULL, camera->door, EPOLLIN, on_door, camera);
    if (rc >= 0)
        rc = sd_event_add_io(camera->loop, NULL, rw_dialer_fd(camera->dialer), EPOLLHUP, on_dialer,
                             camera);
    if (rc >= 0)
        rc = sd_event_add_time(camera->loop, NULL, CLOCK_MONOTONIC, now, 50000, on_tick, camera);
    return rc < 0 ? rw_fail(err, RW_EIO, "the event loop cannot be made (%s)", strerror(-rc)) : 0;
}

/* --- the parts --- */

void rw_camera_store_options(const struct rw_config *config, const struct rw_camera_config *camera,
                             char *dir, struct rw_store_options *out)
{
    snprintf(dir, RW_CAMERA_DIR_SIZE, "%s/%s", config->storage.path, camera->id);
    *out = (struct rw_store_options){.dir = dir,
                                     .site = config->site.id,
                                     .camera = camera->id,
                                     .slots = {rw_config_slots(config, &camera->main), 0},
                                     .slot_size = config->storage.slot_size,
                                     .max_age_us = config->storage.max_age_us,
                                     .sync_us = config->storage.sync_us,
                                     .disk = rw_disk_system(),
                                     .clock = rw_clock_system()};
    if (*camera->sub.url)
        out->slots[RW_SUB] = rw_config_slots(config, &camera->sub);
}

/* The service knows which disk it began on. */
static int check_disk(const struct camera *camera, struct rw_err *err)
{
    char now[RW_DISK_ID_SIZE];
    const char *path = camera->config->storage.path, *then = getenv(RW_DISK_OF_START);
    rw_disk_identify(path, now);
    if (!then || !*then || !strcmp(then, now))
        return 0;
    return rw_fail(
        err, RW_EFOREIGN,
        "the disk at %s is not the one that the service began with; put that one back, or "
        "restart the service to begin on this one",
        path);
}

static int open_store(struct camera *camera, struct rw_err *err)
{
    struct rw_store_options options;
    rw_camera_store_options(camera->config, camera->camera, camera->dir, &options);
    if (check_disk(camera, err))
        return -1;
    camera->store = rw_store_open(&options, err);
    if (!camera->store)
        return -1;
    rw_board_arm(camera->board, !rw_store_get_word(camera->store, "disarmed"),
                 rw_store_get_word(camera->store, "snoozed_until"));
    struct rw_faults_options faults = {.camera = camera->camera,
                                       .board = camera->board,
                                       .recorder = camera->to_recorder,
                                       .clock = camera->clock};
    camera->faults = rw_faults_create(&faults, camera->store);
    return 0;
}

static int open_door(struct camera *camera, struct rw_err *err)
{
    char runtime[PATH_MAX], path[PATH_MAX + 64];
    rw_config_runtime_dir(camera->config, runtime, sizeof runtime);
    if (rw_make_path(runtime, err))
        return -1;
    rw_config_door(camera->config, camera->camera->id, path, sizeof path);
    camera->door = rw_door_listen(path, err);
    return camera->door < 0 ? -1 : 0;
}

static int start_recorder(struct camera *camera, struct rw_err *err)
{
    struct rw_recorder_options options = {.camera = camera->camera->id,
                                          .store = camera->store,
                                          .streams = {true, *camera->camera->sub.url != 0},
                                          .mailbox = camera->to_recorder,
                                          .board = camera->board,
                                          .dialer = camera->dialer,
                                          .clock = camera->clock};
    camera->recorder = rw_recorder_start(&options, err);
    return camera->recorder ? 0 : -1;
}

static int start_watcher(struct camera *camera, struct rw_err *err)
{
    if (!camera->camera->detect.enabled)
        return 0;
    struct rw_watcher_options options = {.camera = camera->camera,
                                         .mailbox = camera->to_watcher,
                                         .recorder = camera->to_recorder,
                                         .board = camera->board,
                                         .clock = camera->clock};
    camera->watcher = rw_watcher_start(&options, err);
    return camera->watcher ? 0 : -1;
}

static int start_ingest(struct camera *camera, enum rw_stream stream, struct rw_err *err)
{
    const struct rw_camera_config *config = camera->camera;
    const struct rw_stream_config *stream_config = stream == RW_MAIN ? &config->main : &config->sub;
    if (!*stream_config->url)
        return 0;
    bool on_main = config->detect.on_main || !*config->sub.url;
    bool watched = camera->watcher && (stream == RW_MAIN) == on_main;
    struct rw_ingest_options options = {.camera = config->id,
                                        .config = stream_config,
                                        .stream = stream,
                                        .recorder = camera->to_recorder,
                                        .watcher = watched ? camera->to_watcher : NULL,
                                        .board = camera->board,
                                        .cancel = camera->cancel,
                                        .dial = &camera->dial[stream],
                                        .tls = camera->tls[stream],
                                        .clock = camera->clock};
    camera->ingest[stream] = rw_ingest_start(&options, err);
    return camera->ingest[stream] ? 0 : -1;
}

static int start_scrub(struct camera *camera, struct rw_err *err)
{
    struct rw_scrub_options options = {.dir = camera->dir,
                                       .disk = rw_disk_system(),
                                       .pass_us = camera->config->storage.scrub_us,
                                       .recorder = camera->to_recorder,
                                       .cancel = camera->cancel};
    if (!options.pass_us)
        return 0;
    camera->scrub = rw_scrub_start(&options, err);
    return camera->scrub ? 0 : -1;
}

/* Why this process could not begin, for `roadwatch status`; gone once it has. */
static void leave_word(const struct camera *camera, const char *reason)
{
    char path[PATH_MAX + 64], runtime[PATH_MAX];
    rw_config_runtime_dir(camera->config, runtime, sizeof runtime);
    snprintf(path, sizeof path, "%s/%s.json", runtime, camera->camera->id);
    if (!reason) {
        unlink(path);
        return;
    }
    json_t *word = json_pack("{s:s, s:s}", "state", "offline", "reason", reason);
    char *text = json_dumps(word, JSON_COMPACT);
    if (text && !rw_make_path(runtime, NULL))
        rw_file_replace(path, text, strlen(text), 0, NULL);
    free(text);
    json_decref(word);
}

static void forget_secrets(void *arg)
{
    rw_config_forget(arg, (struct rw_secrets){0});
}

static int start_dialer(struct camera *camera, struct rw_config *config, struct rw_err *err)
{
    char runtime[PATH_MAX], alerts_socket[PATH_MAX + 64];
    rw_config_runtime_dir(config, runtime, sizeof runtime);
    snprintf(alerts_socket, sizeof alerts_socket, "%s/alerts.sock", runtime);
    struct rw_dialer_options options = {.camera = camera->camera->id,
                                        .streams = {&camera->camera->main, &camera->camera->sub},
                                        .alerts_socket = alerts_socket,
                                        .forget = forget_secrets,
                                        .arg = config};
    camera->dialer = rw_dialer_start(&options, err);
    return camera->dialer ? 0 : -1;
}

/* What a certificate is trusted by is read while it can be. */
static int read_trust(struct camera *camera, enum rw_stream stream,
                      const struct rw_stream_config *config, struct rw_err *err)
{
    camera->dial[stream] = rw_dialer_dial(camera->dialer, stream);
    if (strncmp(config->url, "rtsps://", 8) != 0)
        return 0;
    camera->tls[stream] = rw_tls_create(config->ca_file, config->check_host, err);
    return camera->tls[stream] ? 0 : -1;
}

/* The last moment at which the runtime directory can be written. */
static int give_up_power(struct camera *camera)
{
    leave_word(camera, NULL);
    rw_camera_confines(camera->camera, camera->dir, &camera->sandbox);
    rw_sandbox_enter(&camera->sandbox);
    return 0;
}

static int start_parts(struct camera *camera, struct rw_err *err)
{
    return open_store(camera, err) || open_door(camera, err) || make_loop(camera, err) ||
                   read_trust(camera, RW_MAIN, &camera->camera->main, err) ||
                   read_trust(camera, RW_SUB, &camera->camera->sub, err) || give_up_power(camera) ||
                   start_recorder(camera, err) || start_watcher(camera, err) ||
                   start_ingest(camera, RW_MAIN, err) || start_ingest(camera, RW_SUB, err) ||
                   start_scrub(camera, err)
               ? -1
               : 0;
}

static void drain(struct rw_mailbox *box)
{
    struct rw_post *post;
    rw_mailbox_close(box);
    while ((post = rw_post_take(box, 0)))
        rw_post_destroy(post);
    rw_mailbox_destroy(box);
}

/* In the order of the pictures' way, so that nothing on it is lost. */
static void stop_parts(struct camera *camera)
{
    rw_cancel_request(camera->cancel);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        rw_ingest_stop(camera->ingest[stream]);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        rw_tls_destroy(camera->tls[stream]);
    rw_scrub_stop(camera->scrub);
    rw_watcher_stop(camera->watcher);
    rw_faults_destroy(camera->faults);
    if (camera->recorder && camera->loop) {
        struct rw_post *post = rw_post_create(RW_POST_STATE, RW_MAIN);
        strcpy(post->text, "offline");
        strcpy(post->more, "the recorder of this camera was stopped");
        post->number = rw_now(camera->clock).utc_us;
        rw_post_send(camera->to_recorder, post);
    }
    rw_recorder_stop(camera->recorder);
    if (camera->door >= 0)
        close(camera->door);
    rw_store_close(camera->store);
    drain(camera->to_watcher);
    drain(camera->to_recorder);
    sd_event_unref(camera->loop);
    rw_cancel_destroy(camera->cancel);
    rw_board_destroy(camera->board);
    rw_dialer_stop(camera->dialer);
}

static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL); /* every thread inherits this; the loop takes them */
    signal(SIGPIPE, SIG_IGN);
}

int rw_camera_run(struct rw_config *config, const char *id)
{
    struct rw_err err = {0};
    struct camera camera = {.config = config,
                            .camera = rw_config_camera(config, id),
                            .clock = rw_clock_system(),
                            .door = -1};
    if (!camera.camera) {
        rw_log(RW_LOG_ERROR, id, "%s has no camera of this id", config->path);
        return 1;
    }
    block_signals();
    mallopt(M_ARENA_MAX, 1); /* an arena for each thread would cost megabytes and save nothing */
    rw_config_forget(config, (struct rw_secrets){.camera = id});
    bool dials = !start_dialer(&camera, config, &err);
    camera.started_boot_us = rw_now(camera.clock).boot_us;
    camera.board = rw_board_create();
    camera.cancel = rw_cancel_create();
    camera.to_recorder = rw_mailbox_create(RECORDER_BYTES);
    camera.to_watcher = rw_mailbox_create(WATCHER_BYTES);
    int status = 1;
    if (!dials || start_parts(&camera, &err)) {
        rw_log(RW_LOG_ERROR, id, "%s", err.text);
        if (err.code != RW_EBUSY) /* the other one records */
            leave_word(&camera, err.text);
    } else {
        status = sd_event_loop(camera.loop) != 0;
    }
    stop_parts(&camera);
    return status;
}
