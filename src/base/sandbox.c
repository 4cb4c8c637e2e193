#include "base/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/landlock.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/log.h"
#include "base/sandbox_calls.h"

/* Sanitizers read /proc/self, and trace the process to look for leaks. */
#ifdef ROADWATCH_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* What Debian 12's <linux/landlock.h> (ABI 2) does not have yet. */
#define FS_TRUNCATE (UINT64_C(1) << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_SOCKET (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
enum { RULE_NET_PORT = 2, DNS_PORT = 53 };

struct ruleset_attr {
    uint64_t handled_fs, handled_net, scoped;
};

struct port_attr {
    uint64_t allowed, port;
};

/* An ABI 1 refuses every rename from one folder to another, which a hold is. */
enum { ABI_LEAST = 2 };

#define FS_OF_FILES                                                                                \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |   \
     FS_TRUNCATE | FS_IOCTL_DEV)
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_PATCH (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_OWN                                                                                     \
    (FS_PATCH | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                   \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER)

static const uint64_t rights_of[] = {
    [RW_PATH_READ] = FS_READ,
    [RW_PATH_PATCH] = FS_PATCH,
    [RW_PATH_OWN] = FS_OWN,
};

/* Where glibc looks to find a host, with what its modules need to be loaded. */
static const char *const name_paths[] = {
    "/etc/resolv.conf", "/etc/hosts",       "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
    "/etc/hostname",    "/etc/ld.so.cache", "/usr/lib",           "/lib",           "/lib64",
};
enum { NAME_PATHS = sizeof name_paths / sizeof *name_paths };

/* The time zones may change while we run; libavutil and glibc draw random numbers. */
static const char *const reader_paths[] = {"/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom"};
enum { READER_PATHS = sizeof reader_paths / sizeof *reader_paths };

/* --- landlock --- */

static int abi(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < ABI_LEAST ? 0 : (int)version;
}

static uint64_t rights_known(int version)
{
    uint64_t known = (LANDLOCK_ACCESS_FS_REFER << 1) - 1; /* ABI 2: all up to this one */
    if (version >= 3)
        known |= FS_TRUNCATE;
    if (version >= 5)
        known |= FS_IOCTL_DEV;
    return known;
}

static int make_ruleset(int version)
{
    struct ruleset_attr attr = {.handled_fs = rights_known(version)};
    size_t size = sizeof attr.handled_fs;
    if (version >= 4) {
        attr.handled_net = NET_BIND_TCP | NET_CONNECT_TCP;
        size = offsetof(struct ruleset_attr, scoped);
    }
    if (version >= 6) {
        attr.scoped = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
        size = sizeof attr;
    }
    return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

static void allow_path(int ruleset, int version, const struct rw_path *path)
{
    struct stat st;
    int fd = open(path->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!fstat(fd, &st)) {
        struct landlock_path_beneath_attr attr = {
            .allowed_access = rights_of[path->use] & rights_known(version), .parent_fd = fd};
        if (!S_ISDIR(st.st_mode))
            attr.allowed_access &= FS_OF_FILES;
        if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0))
            rw_log(RW_LOG_DEBUG, "sandbox", "no rule for %s (%s)", path->path, strerror(errno));
    }
    close(fd);
}

static void allow_port(int ruleset, int port)
{
    struct port_attr attr = {.allowed = NET_CONNECT_TCP, .port = (uint64_t)port};
    if (port && syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &attr, 0))
        rw_log(RW_LOG_DEBUG, "sandbox", "no rule for port %d (%s)", port, strerror(errno));
}

static bool present(const struct rw_path *path)
{
    return path->path && *path->path;
}

static void allow_all(const struct rw_sandbox *sandbox, int ruleset, int version)
{
    const char *more = getenv(RW_SANDBOX_READS);
    for (int i = 0; i < RW_PATHS_MAX; i++)
        if (present(&sandbox->paths[i]))
            allow_path(ruleset, version, &sandbox->paths[i]);
    if (sandbox->may & RW_MAY_READ) {
        for (int i = 0; i < READER_PATHS; i++)
            allow_path(ruleset, version, &(struct rw_path){.path = reader_paths[i]});
        if (more && *more)
            allow_path(ruleset, version, &(struct rw_path){.path = more});
    }
    for (int i = 0; i < RW_PORTS_MAX && version >= 4; i++)
        allow_port(ruleset, sandbox->ports[i]);
    if (version >= 4 && (sandbox->may & RW_MAY_LOOK_UP))
        allow_port(ruleset, DNS_PORT);
}

static int restrict_files(const struct rw_sandbox *sandbox)
{
    int version = abi();
    if (!version)
        return 0; /* told by rw_sandbox_missing() */
    int ruleset = make_ruleset(version);
    if (ruleset < 0)
        return -1;
    allow_all(sandbox, ruleset, version);
    int failed = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    int saved = errno;
    close(ruleset);
    errno = saved;
    return failed;
}

/* --- both --- */

/* What libraries read from files when they are first used, they read now. */
static void prime_libraries(void)
{
    tzset();
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
    json_decref(json_object()); /* seeds its hash function */
}

void rw_sandbox_path(struct rw_sandbox *sandbox, const char *path, enum rw_path_use use)
{
    for (int i = 0; i < RW_PATHS_MAX && *path; i++) {
        if (sandbox->paths[i].path)
            continue;
        sandbox->paths[i] = (struct rw_path){.path = path, .use = use};
        return;
    }
}

void rw_sandbox_port(struct rw_sandbox *sandbox, int port)
{
    int i = 0;
    while (i < RW_PORTS_MAX && sandbox->ports[i] && sandbox->ports[i] != port)
        i++;
    if (i < RW_PORTS_MAX)
        sandbox->ports[i] = port;
}

unsigned rw_power_for_host(const char *host)
{
    struct in6_addr number;
    return inet_pton(AF_INET, host, &number) == 1 || inet_pton(AF_INET6, host, &number) == 1
               ? 0
               : RW_MAY_LOOK_UP;
}

/* A file that is there, but whose permissions are against us. */
static bool is_shut(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == EACCES;
}

static void note_shut(struct rw_sandbox *sandbox)
{
    for (int i = 0; i < RW_PATHS_MAX; i++)
        if (present(&sandbox->paths[i]))
            sandbox->paths[i].shut = is_shut(sandbox->paths[i].path);
}

const char *rw_sandbox_missing(void)
{
    if (!abi())
        return "this kernel has no landlock (5.19 or later has it): only their permissions guard "
               "the files from a camera that is taken over";
    if (!rw_calls_there())
        return "this kernel has no seccomp: a camera that is taken over can use all of it";
    return NULL;
}

/* Passwords stand in memory: they must not come to stand in a core file. Between our own processes
 * landlock forbids tracing, and seccomp. */
static void forbid_core(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
}

void rw_sandbox_enter(struct rw_sandbox *sandbox)
{
    if (SANITIZED)
        return;
    const char *missing = rw_sandbox_missing();
    if (missing && ((sandbox->may & RW_MAY_START) || !getenv(RW_DISK_OF_START)))
        rw_log(RW_LOG_WARNING, sandbox->subject, "%s", missing);
    for (int i = 0; i < NAME_PATHS && (sandbox->may & RW_MAY_LOOK_UP); i++)
        rw_sandbox_path(sandbox, name_paths[i], RW_PATH_READ);
    note_shut(sandbox);
    prime_libraries();
    forbid_core();
    bool failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0;
    failed = failed || (!(sandbox->may & RW_MAY_START) && restrict_files(sandbox));
    failed = failed || (rw_calls_there() && rw_calls_restrict(sandbox->may));
    if (failed)
        rw_log(RW_LOG_WARNING, sandbox->subject,
               "the kernel refused the sandbox (%s): a camera that is taken over can do more harm",
               strerror(errno));
}

bool rw_sandbox_outgrown(const struct rw_sandbox *sandbox)
{
    for (int i = 0; i < RW_PATHS_MAX; i++) {
        const struct rw_path *path = &sandbox->paths[i];
        if (present(path) && !path->shut && is_shut(path->path))
            return true;
    }
    return false;
}
