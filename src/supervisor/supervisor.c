#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "config/config.h"
#include "supervisor/child.h"

/* Everything must have ended 5 s after SIGTERM. The cameras go first, so that the others can tell
 * of their last events and that they are off. */
#define PATIENCE_US INT64_C(2900000)
#define OTHERS_PATIENCE_US INT64_C(2000000)

struct supervisor {
    const char *path;
    int (*play)(int argc, char **argv);
    struct rw_config *config; /* in force; owned; without secrets */
    int config_fd;            /* its text */
    int lock;
    struct rw_child *child; /* owned */
    int children;
    bool stopping, cameras_gone;
    sd_event *loop;
    sd_event_source *timer;
};

static int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

/* --- configuration --- */

/* Reads and checks the file; on success *config and *fd are the caller's. No password comes into
 * this process: the forked ones inherit its memory. */
static int read_config(const char *path, struct rw_config **config, int *fd, struct rw_err *err)
{
    *config = NULL;
    *fd = memfd_create("roadwatch.yaml", MFD_CLOEXEC);
    if (*fd < 0)
        return rw_fail(err, RW_ENOMEM, "the configuration cannot be kept in memory (%s)",
                       strerror(errno));
    struct rw_apart apart = {.path = path, .text = *fd, .fill = true, .digests = true};
    *config = rw_config_load_apart(&apart, err);
    if (*config)
        return 0;
    close(*fd);
    *fd = -1;
    return -1;
}

static int take_lock(struct supervisor *s, struct rw_err *err)
{
    const struct rw_config *config = s->config;
    char path[PATH_MAX], names[200] = "";
    struct rw_err why;
    snprintf(path, sizeof path, "%s/run.lock", config->storage.path);
    if (rw_make_path(config->storage.path, &why) == 0)
        s->lock = rw_lock_take(path, &why);
    if (s->lock >= 0) {
        char disk[RW_DISK_ID_SIZE];
        rw_disk_identify(config->storage.path, disk);
        setenv(RW_DISK_OF_START, disk, 1);
        return 0;
    }
    for (int i = 0; i < config->camera_count; i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", config->cameras[i].id);
    }
    if (why.code == RW_EBUSY)
        return rw_fail(err, RW_EBUSY,
                       "%s: another roadwatch is recording into %s; stop it, or give this one "
                       "another storage.path",
                       names, config->storage.path);
    return rw_fail(err, why.code, "%s: nothing can be recorded: %s", names, why.text);
}

/* --- children --- */

static void drop_list(struct rw_child *list, int count)
{
    if (list)
        explicit_bzero(list, (size_t)count * sizeof *list);
    free(list);
}

static void arm_timer(struct supervisor *s)
{
    int64_t next = 0;
    for (int i = 0; i < s->children; i++) {
        const struct rw_child *child = &s->child[i];
        int64_t at = child->pid ? child->kill_us : child->due_us;
        if (at && (!next || at < next))
            next = at;
    }
    sd_event_source_set_time(s->timer, next ? (uint64_t)next : UINT64_MAX);
    sd_event_source_set_enabled(s->timer, next ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* In a child: the configuration comes to it by its descriptor, with its own passwords. The digests
 * are made of everybody's. */
static void forget_all(void *arg)
{
    struct supervisor *s = arg;
    for (int i = 0; i < s->config->camera_count; i++)
        explicit_bzero(s->config->cameras[i].digest, sizeof s->config->cameras[i].digest);
    explicit_bzero(s->config->mqtt.digest, sizeof s->config->mqtt.digest);
    rw_config_free(s->config);
    drop_list(s->child, s->children);
}

static void start_child(struct supervisor *s, struct rw_child *child)
{
    struct rw_launch launch = {.config_path = s->path,
                               .config_fd = s->config_fd,
                               .play = s->play,
                               .forget = forget_all,
                               .arg = s};
    if (rw_child_start(child, &launch, now_us()))
        rw_log(RW_LOG_ERROR, rw_child_name(child), "cannot be started (%s); trying again",
               strerror(errno));
}

static bool is_camera(const struct rw_child *child)
{
    return !strcmp(child->role, "camera");
}

static int running(const struct supervisor *s, bool cameras)
{
    int count = 0;
    for (int i = 0; i < s->children; i++)
        count += s->child[i].pid && is_camera(&s->child[i]) == cameras;
    return count;
}

static bool all_ended(const struct supervisor *s)
{
    return !running(s, true) && !running(s, false);
}

static void stop_children(struct supervisor *s, bool cameras, int64_t patience_us)
{
    for (int i = 0; i < s->children; i++)
        if (is_camera(&s->child[i]) == cameras)
            rw_child_stop(&s->child[i], now_us(), patience_us);
}

static void forget_child(struct supervisor *s, int i)
{
    s->child[i] = s->child[--s->children];
    explicit_bzero(&s->child[s->children], sizeof *s->child);
}

static void say_death(const struct rw_child *child, int status)
{
    if (WIFSIGNALED(status))
        rw_log(RW_LOG_WARNING, rw_child_name(child), "the process was killed by signal %d (%s)",
               WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) && child->deaths < 5)
        rw_log(RW_LOG_WARNING, rw_child_name(child), "the process ended with status %d",
               WEXITSTATUS(status));
}

static void bury(struct supervisor *s, pid_t pid, int status)
{
    for (int i = 0; i < s->children; i++) {
        struct rw_child *child = &s->child[i];
        if (child->pid != pid)
            continue;
        bool asked = child->kill_us != 0;
        rw_child_died(child, status, now_us());
        if (!asked && !s->stopping)
            say_death(child, status);
        if (child->unwanted)
            forget_child(s, i);
        else if (s->stopping)
            child->due_us = 0;
        else if (asked) /* for another configuration: at once */
            start_child(s, child);
        return;
    }
}

static int on_child(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    struct supervisor *s = arg;
    pid_t pid;
    int status;
    (void)source;
    (void)info;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        bury(s, pid, status);
    if (s->stopping && all_ended(s))
        return sd_event_exit(s->loop, 0);
    if (s->stopping && !s->cameras_gone && !running(s, true)) {
        s->cameras_gone = true;
        stop_children(s, false, OTHERS_PATIENCE_US);
    }
    arm_timer(s);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *arg)
{
    struct supervisor *s = arg;
    int64_t now = now_us();
    (void)source;
    (void)at_us;
    for (int i = 0; i < s->children; i++) {
        struct rw_child *child = &s->child[i];
        rw_child_check(child, now);
        if (!child->pid && child->due_us && now >= child->due_us && !s->stopping)
            start_child(s, child);
    }
    arm_timer(s);
    return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    struct supervisor *s = arg;
    (void)source;
    (void)info;
    if (s->stopping)
        return 0;
    s->stopping = true;
    sd_notify(0, "STOPPING=1");
    stop_children(s, true, PATIENCE_US);
    if (!running(s, true)) {
        s->cameras_gone = true;
        stop_children(s, false, OTHERS_PATIENCE_US);
    }
    if (all_ended(s))
        return sd_event_exit(s->loop, 0);
    arm_timer(s);
    return 0;
}

/* --- who is wanted --- */

static struct rw_child *find_child(struct supervisor *s, const char *role, const char *id)
{
    for (int i = 0; i < s->children; i++)
        if (!strcmp(s->child[i].role, role) && !strcmp(s->child[i].id, id))
            return &s->child[i];
    return NULL;
}

/* The list moves. */
static struct rw_child *add_child(struct supervisor *s)
{
    struct rw_child *list = calloc((size_t)s->children + 1, sizeof *list);
    if (!list)
        abort();
    for (int i = 0; i < s->children; i++)
        list[i] = s->child[i];
    drop_list(s->child, s->children);
    s->child = list;
    return &list[s->children++];
}

/* Started if it is new, restarted if its section is another, else left alone. */
static void want(struct supervisor *s, const char *role, const char *id, const char *digest)
{
    struct rw_child *child = find_child(s, role, id);
    if (!child) {
        child = add_child(s);
        snprintf(child->role, sizeof child->role, "%s", role);
        snprintf(child->id, sizeof child->id, "%s", id);
        snprintf(child->digest, sizeof child->digest, "%s", digest);
        start_child(s, child);
        return;
    }
    child->unwanted = false;
    if (!strcmp(child->digest, digest))
        return;
    snprintf(child->digest, sizeof child->digest, "%s", digest);
    child->deaths = 0;
    rw_log(RW_LOG_INFO, rw_child_name(child), "the configuration changed: starting anew");
    if (child->pid)
        rw_child_stop(child, now_us(), PATIENCE_US);
    else
        start_child(s, child);
}

/* What the file may say and this version does not do yet. */
static void say_ignored(const struct rw_config *config)
{
    if (config->web.enabled)
        rw_log(RW_LOG_WARNING, "run", "this version does not apply `web` yet; it is ignored");
}

static void apply_config(struct supervisor *s)
{
    for (int i = 0; i < s->children; i++)
        s->child[i].unwanted = true;
    for (int i = 0; i < s->config->camera_count; i++) {
        const struct rw_camera_config *camera = &s->config->cameras[i];
        want(s, "camera", camera->id, camera->digest);
    }
    if (s->config->mqtt.enabled || s->config->hook_count)
        want(s, "alerts", "", s->config->mqtt.digest);
    for (int i = s->children - 1; i >= 0; i--) {
        struct rw_child *child = &s->child[i];
        if (!child->unwanted)
            continue;
        rw_log(RW_LOG_INFO, rw_child_name(child), "no longer in the configuration: stopped");
        if (child->pid)
            rw_child_stop(child, now_us(), PATIENCE_US);
        else
            forget_child(s, i);
    }
    say_ignored(s->config);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
    struct supervisor *s = arg;
    struct rw_config *fresh;
    struct rw_err err;
    int fd;
    (void)source;
    (void)info;
    if (s->stopping)
        return 0;
    if (read_config(s->path, &fresh, &fd, &err)) {
        rw_log(RW_LOG_ERROR, "run", "%s; the old configuration stays in force", err.text);
        return 0;
    }
    const char *fixed = NULL;
    if (strcmp(fresh->storage.path, s->config->storage.path))
        fixed = "storage.path";
    else if (strcmp(fresh->site.id, s->config->site.id))
        fixed = "site.id"; /* the recordings bear it */
    if (fixed) {
        rw_log(RW_LOG_ERROR, "run",
               "%s cannot change while the service runs: restart it; the old configuration stays "
               "in force",
               fixed);
        rw_config_free(fresh);
        close(fd);
        return 0;
    }
    rw_config_free(s->config);
    close(s->config_fd);
    s->config = fresh;
    s->config_fd = fd;
    rw_log(RW_LOG_INFO, "run", "%s was read again", s->path);
    apply_config(s);
    arm_timer(s);
    return 0;
}

/* --- life --- */

/* Also who is told to stop while it still reads its configuration ends as it should. */
static void put_off_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int make_loop(struct supervisor *s, struct rw_err *err)
{
    int rc = sd_event_new(&s->loop);
    if (rc >= 0)
        rc = sd_event_add_signal(s->loop, NULL, SIGTERM, on_stop, s);
    if (rc >= 0)
        rc = sd_event_add_signal(s->loop, NULL, SIGINT, on_stop, s);
    if (rc >= 0)
        rc = sd_event_add_signal(s->loop, NULL, SIGHUP, on_reload, s);
    if (rc >= 0)
        rc = sd_event_add_signal(s->loop, NULL, SIGCHLD, on_child, s);
    if (rc >= 0)
        rc = sd_event_add_time(s->loop, &s->timer, CLOCK_MONOTONIC, UINT64_MAX, 10000, on_timer, s);
    if (rc >= 0)
        rc = sd_event_set_watchdog(s->loop, true);
    return rc < 0 ? rw_fail(err, RW_EIO, "the event loop cannot be made (%s)", strerror(-rc)) : 0;
}

/* Seccomp only, with all that the children will need while they set themselves up: they inherit it,
 * and it can be narrowed but never widened. No landlock, because they would inherit that, too, and
 * it would bind them wrongly: it knows files by their inode, but a disk may be mounted again under
 * them, and the file may be read again with other certificates in it. This process reads nothing
 * that a stranger wrote. */
static void give_up_power(void)
{
    struct rw_sandbox sandbox = {.subject = "run", .may = RW_MAY_START};
    rw_sandbox_enter(&sandbox);
}

static void finish(struct supervisor *s)
{
    sd_event_source_unref(s->timer);
    sd_event_unref(s->loop);
    free(s->child);
    rw_config_free(s->config);
    if (s->config_fd >= 0)
        close(s->config_fd);
    if (s->lock >= 0)
        close(s->lock);
}

int rw_supervisor_run(const char *config_path, int (*play)(int argc, char **argv))
{
    struct supervisor s = {.path = config_path, .play = play, .config_fd = -1, .lock = -1};
    struct rw_err err = {0};
    int status = 1;
    put_off_signals();
    if (read_config(config_path, &s.config, &s.config_fd, &err) || take_lock(&s, &err) ||
        make_loop(&s, &err)) {
        rw_log(RW_LOG_ERROR, "run", "%s", err.text);
    } else {
        rw_log(RW_LOG_INFO, "run", "roadwatch %s: %d camera%s, recording into %s",
               ROADWATCH_VERSION, s.config->camera_count, s.config->camera_count == 1 ? "" : "s",
               s.config->storage.path);
        give_up_power();
        apply_config(&s);
        arm_timer(&s);
        sd_notify(0, "READY=1");
        status = sd_event_loop(s.loop) < 0;
        rw_log(RW_LOG_INFO, "run", "stopped");
    }
    finish(&s);
    return status;
}
