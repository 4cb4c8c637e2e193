/* One child process of the supervisor. Main thread only.
 *
 * A child is forked and goes on in this program as it is: what the libraries made of their memory
 * when they were loaded is shared by all. One that fell is executed anew the next time: README.md
 * says why. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rw_child {
    char role[16];      /* "camera", "alerts" */
    char id[33];        /* of the camera, or "" */
    char digest[65];    /* of the configuration it was started with */
    pid_t pid;          /* 0: not running */
    int64_t started_us; /* CLOCK_MONOTONIC */
    int deaths;         /* in a row, each soon after its start */
    bool fell;          /* the last death was a crash, or came soon after its start */
    int64_t due_us;     /* when to start it again; 0: nothing to do */
    int64_t kill_us;    /* when to lose patience with it; 0: it may live */
    bool unwanted;      /* no longer in the configuration */
};

struct rw_launch {
    const char *config_path;            /* names the file */
    int config_fd;                      /* holds it; the one descriptor, beside the standard
                                         * streams, that the child is left with */
    int (*play)(int argc, char **argv); /* main(); NULL: the program is executed anew always */
    void (*forget)(void *arg);          /* called in a forked child: gives back what it inherited
                                         * and has no use for. *child is gone after that */
    void *arg;
};

/* The name in log lines: the camera's id, or the role. */
const char *rw_child_name(const struct rw_child *child);
/* Starts this program in the child's role. The caller has one thread. 0, or -1 with errno. */
int rw_child_start(struct rw_child *child, const struct rw_launch *launch, int64_t now_us);
/* It died, and waitpid(2) says how: when it may start again, and how. The wait doubles while it
 * keeps dying young, up to 10 s. */
void rw_child_died(struct rw_child *child, int status, int64_t now_us);
/* Asks it to end; after patience_us it is killed by rw_child_check(). */
void rw_child_stop(struct rw_child *child, int64_t now_us, int64_t patience_us);
void rw_child_check(struct rw_child *child, int64_t now_us);
