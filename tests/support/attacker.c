/* A role that was taken over, for the tests of the sandbox: loaded into the real program with
 * LD_PRELOAD, it tries what the board (ATTACK_BOARD, a file in shared memory) tells this role to
 * try, each once, from a thread that is made after the role has given up its power. The board says
 * what came of it, also when an attempt ended the process.
 *
 * ATTACK_PORT: a TCP port of this machine that nobody is to reach; ATTACK_DOOR: another camera's
 * door; ATTACK_OTHER: a file of another camera's; ATTACK_STRAY: a file that is not to be made. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 64, UNTRIED = 0, BEGUN = 1, DONE = 2 };

/* tests/e2e/sandbox_holds.py writes and reads these: native byte order. */
struct row {
    char who[56];   /* "camera gate" */
    char what[32];  /* of the table below; "" : the end of the board */
    int32_t state;  /* UNTRIED, BEGUN, DONE */
    int32_t result; /* BEGUN: by whom (pid). DONE: 0, it succeeded, or errno */
};

typedef int (*create_function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static struct row *board;
static pid_t attacked_by; /* one thread a process */

static const char *word(int which)
{
    const char *at = program_invocation_name;
    while (which--)
        at += strlen(at) + 1;
    return at;
}

static int result_of(int failed)
{
    return failed < 0 ? errno : 0;
}

/* --- the attempts: 0 or errno --- */

static int open_as(const char *path, int flags)
{
    return result_of(open(path, flags | O_CLOEXEC, 0644));
}

static int read_passwd(void)
{
    return open_as("/etc/passwd", O_RDONLY);
}

static int make_stray(void)
{
    return open_as(getenv("ATTACK_STRAY"), O_WRONLY | O_CREAT);
}

static int read_other(void)
{
    return open_as(getenv("ATTACK_OTHER"), O_RDONLY);
}

static int write_other(void)
{
    return open_as(getenv("ATTACK_OTHER"), O_WRONLY);
}

static int read_memory(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    return open_as(path, O_RDONLY);
}

static int execute(void)
{
    char *const argv[] = {(char *)"true", NULL};
    execve("/bin/true", argv, argv + 1);
    return errno;
}

static int fork_off(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result_of(pid);
}

static int trace(void)
{
    return result_of((int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

static int send_signal(void)
{
    return result_of(kill(getppid(), SIGCONT));
}

static int call_tcp(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_port = htons((in_port_t)atoi(getenv("ATTACK_PORT")));
    return fd < 0 ? errno : result_of(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int call_door(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s", getenv("ATTACK_DOOR"));
    return fd < 0 ? errno : result_of(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int raw_socket(void)
{
    return result_of(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
}

static int packet_socket(void)
{
    return result_of(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int netlink_socket(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static const struct {
    const char *what;
    int (*attempt)(void);
} attempts[] = {
    {"read-passwd", read_passwd}, {"make-stray", make_stray},
    {"read-other", read_other},   {"write-other", write_other},
    {"read-memory", read_memory}, {"exec", execute},
    {"fork", fork_off},           {"ptrace", trace},
    {"signal", send_signal},      {"tcp", call_tcp},
    {"door", call_door},          {"raw", raw_socket},
    {"packet", packet_socket},    {"netlink", netlink_socket},
};

/* --- when --- */

static void try_row(struct row *row)
{
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (strcmp(attempts[i].what, row->what) != 0)
            continue;
        row->result = getpid();
        row->state = BEGUN;
        int result = attempts[i].attempt();
        row->result = result;
        row->state = DONE;
    }
}

static void *attack(void *arg)
{
    char who[56];
    (void)arg;
    int alone = !strcmp(word(1), "run") || !strcmp(word(1), "alerts");
    snprintf(who, sizeof who, "%s%s%s", word(1), alone ? "" : " ", alone ? "" : word(2));
    for (int i = 0; i < ROWS && *board[i].what; i++)
        if (board[i].state == UNTRIED && !strcmp(board[i].who, who))
            try_row(&board[i]);
    return NULL;
}

static create_function real_create(void)
{
    create_function create;
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return create;
}

/* Only once a role's own sandbox is on may prctl(2) not be used any more: the supervisor's, which
 * every role inherits, still allows it. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*main)(void *), void *arg)
{
    pthread_t attacker;
    if (board && attacked_by != getpid() && prctl(PR_GET_SECCOMP) < 0) {
        attacked_by = getpid();
        real_create()(&attacker, NULL, attack, NULL);
    }
    return real_create()(thread, attr, main, arg);
}

/* The supervisor makes no thread, and its filter binds those that there are. */
static void *wait_for_sandbox(void *arg)
{
    while (!prctl(PR_GET_SECCOMP))
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return attack(arg);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t waiting;
    const char *path = getenv("ATTACK_BOARD");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, ROWS * sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory == MAP_FAILED)
        return;
    board = memory;
    if (!strcmp(word(1), "run"))
        real_create()(&waiting, NULL, wait_for_sandbox, NULL);
}
