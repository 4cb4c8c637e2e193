#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor/supervisor.h"

#define WAIT_FIRST_US INT64_C(200000)
#define WAIT_MAX_US INT64_C(10000000)
#define YOUNG_US INT64_C(10000000)

const char *rw_child_name(const struct rw_child *child)
{
    return *child->id ? child->id : child->role;
}

/* In the new process: nothing here may allocate or lock. */
static void become(const struct rw_child *child, const char *config_path, char **environment,
                   pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no orphans, whatever happens to the supervisor */
    if (getppid() != parent)
        _exit(0);
    const char *argv[6] = {"roadwatch", child->role};
    int count = 2;
    if (*child->id)
        argv[count++] = child->id;
    argv[count++] = "-c";
    argv[count++] = config_path;
    execve("/proc/self/exe", (char **)argv, environment);
    _exit(127);
}

extern char **environ;

/* The environment with the descriptor's number in it; the list is the caller's to free. */
static char **make_environment(char *entry)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (!list)
        abort();
    for (size_t i = 0; i < count; i++)
        list[kept++] = environ[i];
    list[kept] = entry;
    return list;
}

int rw_child_start(struct rw_child *child, const char *config_path, int config_fd, int64_t now_us)
{
    char entry[64];
    snprintf(entry, sizeof entry, RW_CONFIG_FD "=%d", config_fd);
    char **environment = make_environment(entry);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        fcntl(config_fd, F_SETFD, 0);
        become(child, config_path, environment, parent);
    }
    int saved = errno;
    free(environment);
    child->due_us = 0;
    child->kill_us = 0;
    child->started_us = now_us;
    if (pid < 0) {
        rw_child_died(child, now_us);
        errno = saved;
        return -1;
    }
    child->pid = pid;
    return 0;
}

void rw_child_died(struct rw_child *child, int64_t now_us)
{
    child->pid = 0;
    child->kill_us = 0;
    child->deaths = now_us - child->started_us < YOUNG_US ? child->deaths + 1 : 1;
    int64_t wait = WAIT_FIRST_US;
    for (int i = 1; i < child->deaths && wait < WAIT_MAX_US; i++)
        wait *= 2;
    child->due_us = now_us + (wait < WAIT_MAX_US ? wait : WAIT_MAX_US);
}

void rw_child_stop(struct rw_child *child, int64_t now_us, int64_t patience_us)
{
    child->due_us = 0;
    if (!child->pid)
        return;
    kill(child->pid, SIGTERM);
    child->kill_us = now_us + patience_us;
}

void rw_child_check(struct rw_child *child, int64_t now_us)
{
    if (child->pid && child->kill_us && now_us >= child->kill_us) {
        kill(child->pid, SIGKILL);
        child->kill_us = 0;
    }
}
