#include "alerts/alerts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "alerts/broker.h"
#include "alerts/bulk.h"
#include "alerts/commands.h"
#include "alerts/discovery.h"
#include "alerts/doors.h"
#include "alerts/escalation.h"
#include "alerts/hooks.h"
#include "alerts/mqtt.h"
#include "alerts/outbox.h"
#include "alerts/readers.h"
#include "alerts/states.h"
#include "base/door.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/units.h"

#define TICK_US RW_SECOND_US             /* a poke that was lost costs this much */
#define COMPLAINT_US (10 * RW_SECOND_US) /* refused commands are logged no more often */
#define FLOOD_US (10 * RW_SECOND_US)     /* in which so many commands are heard */
#define FLOOD_MAX 30
#define REASON_US (60 * RW_SECOND_US) /* nor is a new reason why there is no connection */
#define LAST_WORDS_US 700000          /* to tell how it ended, before the goodbye */

struct role {
    const struct rw_config *config;
    const struct rw_clock *clock;
    struct rw_buf runtime;
    sd_event *loop;
    struct rw_sandbox sandbox;
    int lock, poke;
    struct rw_readers *readers;
    struct rw_hooks *hooks;

    /* the broker's; NULL where the file names none */
    struct rw_outbox *outbox;
    struct rw_escalation *escalation;
    struct rw_states *states;
    struct rw_discovery *discovery;
    struct rw_broker *broker;
    struct rw_bulk *bulk;
    struct rw_mqtt mqtt;
    struct rw_doors *doors;

    bool connected;
    char reason[200];      /* why it is not connected */
    char reason_said[200]; /* as last logged */
    int64_t reason_us;     /* CLOCK_BOOTTIME of that; 0: not since it was connected */
    int64_t complaint_us;  /* CLOCK_BOOTTIME of the last refused command in the log */
    int64_t flood_us;      /* CLOCK_BOOTTIME since which flood counts commands */
    int flood;
    int64_t delivered_us;    /* as last written down */
    struct rw_health health; /* as last written to alerts.json */
    bool health_written;
    bool leaving; /* asked to end; does so when all is told */
};

/* -- alerts.json ------------------------------------------------------------------------------ */

static void write_health(struct role *role, const struct rw_health *health)
{
    struct rw_buf path;
    rw_buf_init(&path);
    rw_buf_printf(&path, "%s/alerts.json", (const char *)role->runtime.data);
    char *text = rw_payload_health(health);
    struct rw_err err;
    if (rw_file_replace((const char *)path.data, text, strlen(text), 0, &err)) {
        if (role->health_written)
            rw_log(RW_LOG_WARNING, "alerts", "the state cannot be shown: %s", err.text);
        role->health_written = false;
    } else {
        role->health = *health;
        role->health_written = true;
    }
    free(text);
    rw_buf_finish(&path);
}

static bool health_same(const struct rw_health *a, const struct rw_health *b)
{
    return a->connected == b->connected && a->waiting == b->waiting &&
           a->last_delivered_us == b->last_delivered_us && !strcmp(a->reason, b->reason);
}

static void show_health(struct role *role)
{
    struct rw_health health = {
        .connected = role->connected,
        .waiting = rw_outbox_waiting(role->outbox),
        .last_delivered_us = role->delivered_us,
    };
    snprintf(health.reason, sizeof health.reason, "%s",
             role->connected ? rw_outbox_trouble(role->outbox) : role->reason);
    if (!role->health_written || !health_same(&health, &role->health))
        write_health(role, &health);
}

static void note_delivered(struct role *role)
{
    int64_t delivered_us = rw_outbox_delivered_us(role->outbox);
    if (!delivered_us || delivered_us == role->delivered_us)
        return;
    role->delivered_us = delivered_us;
    rw_readers_set_delivered(role->readers, delivered_us);
}

/* -- what the broker reports ------------------------------------------------------------------ */

static void broker_up(struct role *role, const char *version)
{
    role->connected = true;
    role->reason[0] = role->reason_said[0] = 0;
    role->reason_us = 0;
    rw_outbox_connected(role->outbox);
    rw_escalation_connected(role->escalation, true);
    rw_states_connected(role->states);
    rw_outbox_look(role->outbox);
    rw_discovery_connected(role->discovery);
    rw_log(RW_LOG_INFO, "alerts", "connected to the broker %s:%d with %s; %lld events wait",
           role->config->mqtt.host, role->config->mqtt.port, version,
           (long long)rw_outbox_waiting(role->outbox));
    show_health(role);
}

/* Once for a loss; a new reason for what fails after it is worth a line too, now and then. */
static void log_down(struct role *role, const char *reason)
{
    int64_t now_us = rw_now(role->clock).boot_us;
    if (!strcmp(reason, role->reason_said) ||
        (role->reason_us && now_us - role->reason_us < REASON_US))
        return;
    rw_log(RW_LOG_WARNING, "alerts", "%s%s; alerts wait on disk, trying again",
           role->connected ? "lost the broker: " : "", reason);
    snprintf(role->reason_said, sizeof role->reason_said, "%s", reason);
    role->reason_us = now_us;
}

static void broker_down(struct role *role, const char *reason)
{
    log_down(role, reason);
    role->connected = false;
    snprintf(role->reason, sizeof role->reason, "%s", reason);
    rw_outbox_lost(role->outbox);
    rw_escalation_connected(role->escalation, false);
    rw_states_lost(role->states);
    rw_discovery_lost(role->discovery);
    show_health(role);
}

/* A stranger with a loop must not keep the cameras' processes, or the log, busy. */
static bool too_many_commands(struct role *role, int64_t now_us)
{
    if (now_us - role->flood_us >= FLOOD_US) {
        role->flood_us = now_us;
        role->flood = 0;
    }
    return ++role->flood > FLOOD_MAX;
}

static void command_came(struct role *role, const struct rw_report *report)
{
    struct rw_command command;
    struct rw_err err;
    int64_t now_us = rw_now(role->clock).boot_us;
    if (too_many_commands(role, now_us)) {
        rw_fail(&err, RW_EFULL, "commands come in too fast; some were ignored");
    } else if (!rw_command_parse(role->config, report->topic, report->payload, report->payload_size,
                                 &command, &err)) {
        rw_doors_command(role->doors, &command);
        return;
    }
    if (role->complaint_us && now_us - role->complaint_us < COMPLAINT_US)
        return;
    role->complaint_us = now_us;
    rw_log(RW_LOG_WARNING, "alerts", "%s", err.text);
}

static void message_acked(struct role *role, uint64_t ticket, const char *refused)
{
    rw_states_acked(role->states, ticket);
    rw_discovery_acked(role->discovery, ticket, refused);
    rw_outbox_acked(role->outbox, ticket, refused);
    rw_escalation_acked(role->escalation, ticket, refused);
}

static void handle_report(struct role *role, const struct rw_report *report)
{
    switch (report->kind) {
    case RW_REPORT_UP:
        broker_up(role, report->text);
        break;
    case RW_REPORT_DOWN:
        broker_down(role, report->text);
        break;
    case RW_REPORT_ACKED:
        message_acked(role, report->ticket, report->text[0] ? report->text : NULL);
        break;
    case RW_REPORT_COMMAND:
        command_came(role, report);
        break;
    case RW_REPORT_FOUND:
        rw_discovery_found(role->discovery, report->topic);
        break;
    }
}

/* Looks for what is new, for every way out. */
static void look(struct role *role)
{
    if (role->broker) {
        rw_outbox_look(role->outbox);
        rw_states_look(role->states);
    }
    rw_hooks_look(role->hooks);
}

/* The end, once what there was to tell is confirmed, or nobody can be reached. */
static int leave_if_settled(struct role *role)
{
    bool settled =
        !role->broker || (rw_outbox_settled(role->outbox) && rw_states_settled(role->states));
    settled = settled && rw_hooks_settled(role->hooks);
    return role->leaving && settled ? sd_event_exit(role->loop, 0) : 0;
}

static int on_broker(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source, (void)events;
    struct role *role = arg;
    eventfd_t ignored;
    eventfd_read(fd, &ignored);
    struct rw_report *report;
    while ((report = rw_broker_take(role->broker))) {
        handle_report(role, report);
        free(report);
    }
    rw_escalation_look(role->escalation);
    return leave_if_settled(role);
}

static int on_bulk(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source, (void)fd, (void)events;
    struct role *role = arg;
    rw_bulk_handle(role->bulk, role->outbox);
    return 0;
}

static int on_hooks(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source, (void)fd, (void)events;
    struct role *role = arg;
    rw_hooks_handle(role->hooks);
    return leave_if_settled(role);
}

/* -- other things that wake it ---------------------------------------------------------------- */

static int on_doors(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source, (void)events;
    struct role *role = arg;
    eventfd_t ignored;
    eventfd_read(fd, &ignored);
    struct rw_door_news news;
    while (rw_doors_news(role->doors, &news)) {
        rw_states_watch(role->states, news.camera, &news.watch);
        rw_states_arming(role->states, news.camera, &news.arming);
    }
    return 0;
}

static int on_poke(sd_event_source *source, int fd, uint32_t events, void *arg)
{
    (void)source, (void)events;
    struct role *role = arg;
    rw_poke_drain(fd);
    look(role);
    return 0;
}

/* A renewed certificate, a resolv.conf of another network, or a storage mounted again is let in to
 * a new process only. */
static bool outgrown(struct role *role)
{
    if (!rw_sandbox_outgrown(&role->sandbox))
        return false;
    rw_log(RW_LOG_INFO, "alerts",
           "a file that this role may read was replaced: ending, to be started anew");
    return true;
}

static int on_tick(sd_event_source *source, uint64_t due_us, void *arg)
{
    (void)due_us;
    struct role *role = arg;
    look(role);
    if (role->broker) {
        rw_escalation_look(role->escalation);
        rw_discovery_look(role->discovery);
        note_delivered(role);
        show_health(role);
    }
    rw_hooks_show(role->hooks);
    if (outgrown(role))
        return sd_event_exit(role->loop, 0);
    sd_event_source_set_time_relative(source, TICK_US);
    return 0;
}

static int on_patience(sd_event_source *source, uint64_t due_us, void *arg)
{
    (void)due_us, (void)arg;
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* The supervisor asks when the cameras have ended: their last events and states are in their
 * indexes now, whether or not a poke came for them. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    (void)source, (void)info;
    struct role *role = arg;
    if (role->leaving)
        return 0;
    role->leaving = true;
    if (sd_event_add_time_relative(role->loop, NULL, CLOCK_BOOTTIME, LAST_WORDS_US, 10000,
                                   on_patience, NULL) < 0)
        return sd_event_exit(role->loop, 0);
    look(role);
    return leave_if_settled(role);
}

/* -- set-up ----------------------------------------------------------------------------------- */

/* Before any thread is made, so that all of them leave these signals to the loop. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* The lock first: two of these would take the broker's session, the cursors and the pokes from each
 * other. */
static int open_files(struct role *role, struct rw_err *err)
{
    char runtime[4096];
    rw_config_runtime_dir(role->config, runtime, sizeof runtime);
    rw_buf_printf(&role->runtime, "%s", runtime);
    if (rw_make_path(role->config->storage.path, err) || rw_make_path(runtime, err))
        return -1;
    struct rw_buf path;
    rw_buf_init(&path);
    rw_buf_printf(&path, "%s/alerts.lock", role->config->storage.path);
    role->lock = rw_lock_take((const char *)path.data, err);
    if (role->lock < 0 && err->code == RW_EBUSY)
        rw_fail(err, RW_EBUSY, "another alerts role already works on %s; stop it first",
                role->config->storage.path);
    rw_buf_clear(&path);
    rw_buf_printf(&path, "%s/alerts.sock", runtime);
    if (role->lock >= 0)
        role->poke = rw_poke_listen((const char *)path.data, err);
    rw_buf_finish(&path);
    return role->poke < 0 ? -1 : 0;
}

/* alerts.db and the lock are open already. SQLite reads an index whose -shm it may not write. */
static void give_up_power(struct role *role)
{
    const struct rw_config *config = role->config;
    struct rw_sandbox *sandbox = &role->sandbox;
    *sandbox = (struct rw_sandbox){.subject = "alerts",
                                   .may = RW_MAY_READ | RW_MAY_WRITE | RW_MAY_ANSWER | RW_MAY_CALL};
    if (config->mqtt.enabled) {
        sandbox->may |= rw_power_for_host(config->mqtt.host);
        rw_sandbox_port(sandbox, config->mqtt.port);
    }
    rw_sandbox_path(sandbox, config->storage.path, RW_PATH_READ);
    rw_sandbox_path(sandbox, (const char *)role->runtime.data, RW_PATH_OWN); /* alerts.json */
    rw_sandbox_path(sandbox, config->mqtt.ca_file, RW_PATH_READ);
    rw_sandbox_path(sandbox, config->mqtt.cert_file, RW_PATH_READ);
    rw_sandbox_path(sandbox, config->mqtt.key_file, RW_PATH_READ);
    rw_hooks_confine(config, sandbox);
    rw_sandbox_enter(sandbox);
}

static int open_broker(struct role *role, struct rw_err *err)
{
    const struct rw_config *config = role->config;
    role->doors = rw_doors_create(config, err);
    role->broker = role->doors ? rw_broker_create(config, NULL, err) : NULL;
    role->bulk = role->broker ? rw_bulk_create(config, role->broker, role->clock, err) : NULL;
    if (!role->bulk)
        return -1;
    struct rw_outbox_source source = rw_readers_source(role->readers);
    struct rw_sink sink = {role->broker, rw_broker_publish};
    role->mqtt = (struct rw_mqtt){.config = config,
                                  .clock = role->clock,
                                  .sink = sink,
                                  .pictures = {role->bulk, rw_bulk_publish},
                                  .broker = role->broker};
    struct rw_courier courier = rw_mqtt_courier(&role->mqtt);
    role->outbox = rw_outbox_create(config, &source, &courier, role->clock);
    role->escalation = rw_escalation_create(config, &source, role->outbox, &sink, role->clock);
    role->states = rw_states_create(config, rw_readers_status, role->readers, &sink, role->clock);
    role->discovery = rw_discovery_create(config, &sink);
    role->delivered_us = rw_readers_delivered_us(role->readers);
    snprintf(role->reason, sizeof role->reason, "connecting to the broker");
    return 0;
}

static int open_parts(struct role *role, struct rw_err *err)
{
    const struct rw_config *config = role->config;
    if (open_files(role, err))
        return -1;
    role->readers = rw_readers_create(config, role->clock, err);
    if (!role->readers)
        return -1;
    give_up_power(role);
    if (config->mqtt.enabled && open_broker(role, err))
        return -1;
    struct rw_outbox_source source = rw_readers_source(role->readers);
    role->hooks = rw_hooks_create(config, &source, role->clock, err);
    return role->hooks ? 0 : -1;
}

static int open_loop(struct role *role, struct rw_err *err)
{
    int failed = sd_event_new(&role->loop);
    if (failed >= 0)
        failed = sd_event_add_signal(role->loop, NULL, SIGTERM, on_signal, role);
    if (failed >= 0)
        failed = sd_event_add_signal(role->loop, NULL, SIGINT, on_signal, role);
    if (failed >= 0)
        failed = sd_event_add_io(role->loop, NULL, role->poke, EPOLLIN, on_poke, role);
    if (failed >= 0)
        failed =
            sd_event_add_io(role->loop, NULL, rw_hooks_fd(role->hooks), EPOLLIN, on_hooks, role);
    if (failed >= 0 && role->broker)
        failed =
            sd_event_add_io(role->loop, NULL, rw_broker_fd(role->broker), EPOLLIN, on_broker, role);
    if (failed >= 0 && role->bulk)
        failed = sd_event_add_io(role->loop, NULL, rw_bulk_fd(role->bulk), EPOLLIN, on_bulk, role);
    if (failed >= 0 && role->broker)
        failed =
            sd_event_add_io(role->loop, NULL, rw_doors_fd(role->doors), EPOLLIN, on_doors, role);
    if (failed >= 0) {
        sd_event_source *tick = NULL;
        failed =
            sd_event_add_time_relative(role->loop, &tick, CLOCK_BOOTTIME, 0, 50000, on_tick, role);
        if (failed >= 0)
            failed = sd_event_source_set_enabled(tick, SD_EVENT_ON);
        if (failed >= 0)
            failed = sd_event_source_set_floating(tick, 1);
        sd_event_source_unref(tick);
    }
    if (failed < 0)
        return rw_fail(err, rw_code_of_errno(-failed), "the event loop cannot be made (%s)",
                       strerror(-failed));
    return 0;
}

static void close_parts(struct role *role)
{
    /* No report is read any more: what is confirmed from here on is told again at the next start.
     */
    sd_event_unref(role->loop);
    rw_hooks_destroy(role->hooks);
    rw_bulk_destroy(role->bulk);
    rw_broker_destroy(role->broker);
    rw_doors_destroy(role->doors);
    if (role->outbox) {
        note_delivered(role);
        role->connected = false;
        snprintf(role->reason, sizeof role->reason, "the alerts role is not running");
        show_health(role);
    }
    rw_states_destroy(role->states);
    rw_discovery_destroy(role->discovery);
    rw_escalation_destroy(role->escalation);
    rw_outbox_destroy(role->outbox);
    rw_readers_destroy(role->readers);
    if (role->poke >= 0)
        close(role->poke);
    if (role->lock >= 0)
        close(role->lock);
    rw_buf_finish(&role->runtime);
}

int rw_alerts_run(const struct rw_config *config)
{
    struct role role = {.config = config, .clock = rw_clock_system(), .lock = -1, .poke = -1};
    struct rw_err err = {0};
    if (!config->mqtt.enabled && !config->hook_count) {
        rw_log(RW_LOG_ERROR, "alerts",
               "%s has neither mqtt nor webhooks, so there is nowhere to send alerts",
               config->path);
        return 1;
    }
    block_signals();
    int status = 1;
    if (open_parts(&role, &err) || open_loop(&role, &err))
        goto out;
    int ended = sd_event_loop(role.loop);
    if (ended < 0)
        rw_fail(&err, rw_code_of_errno(-ended), "the event loop failed (%s)", strerror(-ended));
    else
        status = 0;
out:
    if (status)
        rw_log(RW_LOG_ERROR, "alerts", "%s", err.text);
    close_parts(&role);
    return status;
}
