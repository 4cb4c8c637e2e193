#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/title.h"
#include "config/config.h"

#define WAIT_FIRST_US INT64_C(200000)
#define WAIT_MAX_US INT64_C(10000000)
#define YOUNG_US INT64_C(10000000)

enum { FIRST_FD = 3 }; /* behind the standard streams */

const char *rw_child_name(const struct rw_child *child)
{
    return *child->id ? child->id : child->role;
}

enum { WORDS = 6 };

/* As main() takes them; returns how many. The list borrows. */
static int list_words(const struct rw_child *child, const char *config_path,
                      const char *words[WORDS])
{
    int count = 0;
    words[count++] = "roadwatch";
    words[count++] = child->role;
    if (*child->id)
        words[count++] = child->id;
    words[count++] = "-c";
    words[count++] = config_path;
    words[count] = NULL;
    return count;
}

/* --- in the new process --- */

static void leave_parent(pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no orphans, whatever happens to the supervisor */
    if (getppid() != parent)
        _exit(0);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const char *const words[], char **environment, int config_fd, pid_t parent)
{
    leave_parent(parent);
    fcntl(config_fd, F_SETFD, 0);
    execve("/proc/self/exe", (char **)words, environment);
    _exit(127);
}

/* What execve(2) would do: handlers are the parent's, what it ignores stays ignored. */
static void drop_handlers(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (!sigaction(number, NULL, &action) && action.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    }
}

/* The lock and the event loop, with whatever stood open when the parent began. */
static void drop_descriptors(int config_fd)
{
    unsigned kept = (unsigned)config_fd;
    if ((kept > FIRST_FD && close_range(FIRST_FD, kept - 1, 0)) || close_range(kept + 1, ~0U, 0))
        _exit(1); /* who knows what it would hold */
}

static void show_role(const char *const words[])
{
    const char *title[WORDS] = {NULL};
    for (int i = 0; words[i] && strcmp(words[i], "-c"); i++)
        title[i] = words[i];
    rw_title_set(title);
}

/* The words are copied: some of them are in what is forgotten, or in main()'s arguments. */
static _Noreturn void go_on(const char *const words[], int count, const struct rw_launch *launch,
                            pid_t parent)
{
    char number[16], *own[WORDS] = {NULL};
    leave_parent(parent);
    drop_handlers();
    drop_descriptors(launch->config_fd);
    for (int i = 0; i < count; i++)
        if (!(own[i] = strdup(words[i])))
            abort();
    show_role((const char *const *)own);
    snprintf(number, sizeof number, "%d", launch->config_fd);
    setenv(RW_CONFIG_FD, number, 1);
    launch->forget(launch->arg);
    exit(launch->play(count, own));
}

/* --- in the supervisor --- */

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

/* `ps` is to tell the children from each other, and needs room for their names. */
static bool may_fork(const struct rw_child *child, const struct rw_launch *launch)
{
    const char *title[] = {"roadwatch", child->role, child->id, NULL};
    return launch->play && !child->fell && rw_title_size(title) <= rw_title_room();
}

int rw_child_start(struct rw_child *child, const struct rw_launch *launch, int64_t now_us)
{
    char entry[64];
    const char *words[WORDS];
    int count = list_words(child, launch->config_path, words);
    snprintf(entry, sizeof entry, RW_CONFIG_FD "=%d", launch->config_fd);
    bool forks = may_fork(child, launch);
    char **environment = forks ? NULL : make_environment(entry);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0 && forks)
        go_on(words, count, launch, parent);
    if (pid == 0)
        become(words, environment, launch->config_fd, parent);
    int saved = errno;
    free(environment);
    child->due_us = 0;
    child->kill_us = 0;
    child->started_us = now_us;
    if (pid < 0) {
        rw_child_died(child, 0, now_us);
        errno = saved;
        return -1;
    }
    child->pid = pid;
    return 0;
}

void rw_child_died(struct rw_child *child, int status, int64_t now_us)
{
    bool asked = child->kill_us != 0, young = now_us - child->started_us < YOUNG_US;
    child->pid = 0;
    child->kill_us = 0;
    child->fell = !asked && (young || WIFSIGNALED(status));
    child->deaths = young ? child->deaths + 1 : 1;
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
