/* Least power: after set-up a process says in one place all it will ever need, and has no more from
 * then on. Two locks of the kernel's, both for good and inherited by whatever it starts:
 * landlock (which files, which TCP ports) and seccomp (which system calls).
 *
 * What no honest process of ours does (execute, trace, mount, make other kinds of sockets ...) ends
 * the process at once, with SIGSYS. What is merely not needed is refused with ENOSYS, which
 * libraries understand.
 *
 * Landlock binds the calling thread and those it starts later: enter before there are others. It
 * knows files by their inode, not by their name: see rw_sandbox_outgrown().
 *
 * What it cannot do: landlock has no say over connect(2) to a local socket with a path (the
 * folder's permissions do), nor over UDP. Builds with sanitizers have no sandbox, for those read
 * /proc/self and trace the process. */
#pragma once

#include <stdbool.h>

/* Beside computing, waiting, telling the time, threads, and using what descriptors there are. */
enum rw_power {
    RW_MAY_READ = 1 << 0,    /* open files, where a path allows it */
    RW_MAY_WRITE = 1 << 1,   /* make, change, rename and remove them, where a path allows it */
    RW_MAY_ANSWER = 1 << 2,  /* accept, send and receive on sockets that it has */
    RW_MAY_CALL = 1 << 3,    /* make sockets: local, TCP to the ports named, UDP */
    RW_MAY_LOOK_UP = 1 << 4, /* names of hosts, with RW_MAY_READ and RW_MAY_CALL */
    /* Fork, execute, and signal. What it starts must be able to do all of the above, so none of
     * that is taken, and paths and ports mean nothing. */
    RW_MAY_START = 1 << 5,
};

enum rw_path_use {
    RW_PATH_READ,  /* a file, or all beneath a folder */
    RW_PATH_PATCH, /* a file or all in a folder: read and written, none made or removed */
    RW_PATH_OWN,   /* a folder: whatever files and folders */
};

struct rw_path {
    const char *path; /* borrowed */
    enum rw_path_use use;
    bool shut; /* could not be read from the beginning; filled in by rw_sandbox_enter() */
};

enum { RW_PATHS_MAX = 36, RW_PORTS_MAX = 12 };

struct rw_sandbox {
    const char *subject; /* for the log */
    unsigned may;        /* enum rw_power */
    struct rw_path paths[RW_PATHS_MAX];
    int ports[RW_PORTS_MAX]; /* TCP, to connect to; 0: none */
};

/* One more path, if there is room. "" : none. */
void rw_sandbox_path(struct rw_sandbox *sandbox, const char *path, enum rw_path_use use);

/* One more port, if there is room; one that is there already takes none. */
void rw_sandbox_port(struct rw_sandbox *sandbox, int port);

/* RW_MAY_LOOK_UP if this host is a name, 0 if it is a number. */
unsigned rw_power_for_host(const char *host);

/* From here on. A path that is not there is not an error, and neither is a lock that this kernel
 * does not have: recording matters more, so that is one warning in the log, by the service's
 * supervisor or by a role that was started by hand. Who may read may read the time zones and
 * /dev/urandom. */
void rw_sandbox_enter(struct rw_sandbox *sandbox);

/* True: a file or folder to be read was replaced since (a renewed certificate, a resolv.conf of
 * another network, a disk mounted again), and only a new process will be let in. */
bool rw_sandbox_outgrown(const struct rw_sandbox *sandbox);

/* Which lock this machine does not have, in a sentence; NULL: it has both. Static. */
const char *rw_sandbox_missing(void);

/* The environment variable that names one more path to read, for what is preloaded: the clock of a
 * test. */
#define RW_SANDBOX_READS "ROADWATCH_MAY_READ"
