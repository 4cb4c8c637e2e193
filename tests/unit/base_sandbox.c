/* What a process can still do in its sandbox: each try in a process of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/id.h"
#include "base/sandbox.h"
#include "base/sandbox_calls.h"

enum { KILLED = -1 };

struct house {
    char dir[64], own[80], other[80];
};

/* In the child: 0, or errno. */
typedef int (*attempt)(const struct house *house);

static int failed(bool is)
{
    return is ? errno : 0;
}

/* KILLED, or what the attempt came to. */
static int outcome(const struct house *house, struct rw_sandbox *sandbox, attempt try)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        rw_sandbox_enter(sandbox);
        _exit(try(house));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGSYS);
        return KILLED;
    }
    return WEXITSTATUS(status);
}

static struct rw_sandbox recorder(const struct house *house)
{
    struct rw_sandbox sandbox = {.subject = "test",
                                 .may = RW_MAY_READ | RW_MAY_WRITE | RW_MAY_ANSWER};
    rw_sandbox_path(&sandbox, house->own, RW_PATH_OWN);
    return sandbox;
}

static struct rw_sandbox caller(const struct house *house, int port)
{
    struct rw_sandbox sandbox = {
        .subject = "test", .may = RW_MAY_READ | RW_MAY_CALL, .ports = {port}};
    rw_sandbox_path(&sandbox, house->own, RW_PATH_READ);
    return sandbox;
}

static int recorder_does(const struct house *house, attempt try)
{
    struct rw_sandbox sandbox = recorder(house);
    return outcome(house, &sandbox, try);
}

static int caller_does(const struct house *house, attempt try)
{
    struct rw_sandbox sandbox = caller(house, 1);
    return outcome(house, &sandbox, try);
}

/* --- the house --- */

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    assert_true(fd >= 0 && write(fd, "x", 1) == 1);
    close(fd);
}

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    char path[128];
    strcpy(house->dir, "/tmp/roadwatch-sandbox.XXXXXX");
    assert_non_null(mkdtemp(house->dir));
    snprintf(house->own, sizeof house->own, "%s/own", house->dir);
    snprintf(house->other, sizeof house->other, "%s/other", house->dir);
    assert_true(!mkdir(house->own, 0750) && !mkdir(house->other, 0750));
    snprintf(path, sizeof path, "%s/file", house->own);
    write_file(path);
    snprintf(path, sizeof path, "%s/file", house->other);
    write_file(path);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", house->dir);
    assert_int_equal(system(command), 0);
    free(house);
    return 0;
}

static void need_sandbox(bool files)
{
#ifdef ROADWATCH_SANITIZED
    (void)files;
    print_message("builds with sanitizers have no sandbox\n");
    skip();
#else
    const char *missing = rw_sandbox_missing();
    if (!missing || (!files && rw_calls_there()))
        return;
    print_message("%s\n", missing);
    skip();
#endif
}

/* --- files --- */

static int open_in(const char *dir, const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, flags | O_CLOEXEC, 0640);
    return failed(fd < 0);
}

static int read_other(const struct house *house)
{
    return open_in(house->other, "file", O_RDONLY);
}

static int write_other(const struct house *house)
{
    return open_in(house->other, "file", O_WRONLY);
}

static int create_other(const struct house *house)
{
    return open_in(house->other, "new", O_WRONLY | O_CREAT);
}

static int read_own(const struct house *house)
{
    return open_in(house->own, "file", O_RDONLY);
}

static int write_own(const struct house *house)
{
    return open_in(house->own, "file", O_RDWR | O_TRUNC);
}

static int read_passwords(const struct house *house)
{
    (void)house;
    return open_in("/etc", "passwd", O_RDONLY);
}

static int remove_other(const struct house *house)
{
    char path[128];
    snprintf(path, sizeof path, "%s/file", house->other);
    return failed(unlink(path));
}

/* All that a ring and a database do in their folder. */
static int keep_house(const struct house *house)
{
    char a[128], b[128], folder[100];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    snprintf(folder, sizeof folder, "%s/held", house->own);
    snprintf(a, sizeof a, "%s/new", house->own);
    snprintf(b, sizeof b, "%s/new", folder);
    int fd = open(a, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    bool bad = fd < 0 || fallocate(fd, 0, 0, 65536) || ftruncate(fd, 32768) ||
               pwrite(fd, "x", 1, 4096) != 1 || fdatasync(fd) ||
               posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) || fcntl(fd, F_SETLK, &lock) ||
               fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK}) || fchmod(fd, 0600) ||
               mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ||
               mkdir(folder, 0750) || rename(a, b) || open_in(house->own, ".", O_DIRECTORY) ||
               unlink(b) || rmdir(folder);
    return failed(bad);
}

static void a_recorder_keeps_its_own_house_and_enters_no_other(void **state)
{
    const struct house *house = *state;
    need_sandbox(true);
    assert_int_equal(recorder_does(house, keep_house), 0);
    assert_int_equal(recorder_does(house, write_own), 0);
    assert_int_equal(recorder_does(house, read_other), EACCES);
    assert_int_equal(recorder_does(house, write_other), EACCES);
    assert_int_equal(recorder_does(house, create_other), EACCES);
    assert_int_equal(recorder_does(house, remove_other), EACCES);
    assert_int_equal(recorder_does(house, read_passwords), EACCES);
}

static void what_may_be_read_cannot_be_written(void **state)
{
    const struct house *house = *state;
    need_sandbox(true);
    assert_int_equal(caller_does(house, read_own), 0);
    assert_int_not_equal(caller_does(house, write_own), 0);
    assert_int_equal(caller_does(house, read_other), EACCES);
    struct rw_sandbox patcher = {.subject = "test", .may = RW_MAY_READ | RW_MAY_WRITE};
    rw_sandbox_path(&patcher, house->own, RW_PATH_PATCH);
    struct rw_sandbox again = patcher;
    assert_int_equal(outcome(house, &patcher, write_own), 0);
    assert_int_not_equal(outcome(house, &again, keep_house), 0);
}

/* --- calls --- */

static int execute(const struct house *house)
{
    (void)house;
    char *const argv[] = {(char *)"true", NULL};
    execve("/bin/true", argv, argv + 1);
    return errno;
}

static int fork_child(const struct house *house)
{
    (void)house;
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return failed(pid < 0);
}

static int trace_parent(const struct house *house)
{
    (void)house;
    return failed(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0);
}

static int signal_parent(const struct house *house)
{
    (void)house;
    return failed(kill(getppid(), SIGCONT));
}

static int make_socket(int family, int type)
{
    return failed(socket(family, type, 0) < 0);
}

static int tcp_socket(const struct house *house)
{
    (void)house;
    return make_socket(AF_INET, SOCK_STREAM);
}

static int raw_socket(const struct house *house)
{
    (void)house;
    return make_socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC);
}

static int packet_socket(const struct house *house)
{
    (void)house;
    return make_socket(AF_PACKET, SOCK_DGRAM);
}

static int netlink_socket(const struct house *house)
{
    (void)house;
    return make_socket(AF_NETLINK, SOCK_RAW);
}

static int open_io_uring(const struct house *house)
{
    char params[256] = {0};
    (void)house;
    return failed(syscall(SYS_io_uring_setup, 4, params) < 0);
}

static int make_code(const struct house *house)
{
    (void)house;
    return failed(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                  MAP_FAILED);
}

static int unheard_of(const struct house *house)
{
    (void)house;
    return failed(syscall(100000) < 0);
}

static void what_no_honest_process_does_ends_it(void **state)
{
    static const attempt attacks[] = {execute,       fork_child,     trace_parent,
                                      signal_parent, raw_socket,     tcp_socket,
                                      packet_socket, netlink_socket, open_io_uring};
    const struct house *house = *state;
    need_sandbox(false);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        assert_int_equal(recorder_does(house, attacks[i]), KILLED);
    assert_int_equal(recorder_does(house, make_code), EACCES);
    assert_int_equal(recorder_does(house, unheard_of), ENOSYS);
}

static void a_caller_makes_the_sockets_it_needs_and_no_other(void **state)
{
    const struct house *house = *state;
    need_sandbox(false);
    assert_int_equal(caller_does(house, tcp_socket), 0);
    assert_int_equal(caller_does(house, netlink_socket), EAFNOSUPPORT);
    assert_int_equal(caller_does(house, raw_socket), KILLED);
    assert_int_equal(caller_does(house, packet_socket), KILLED);
    assert_int_equal(caller_does(house, execute), KILLED);
}

static void *count_up(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

/* What is needed every day. */
static int live(const struct house *house)
{
    int count = 0;
    pthread_t thread;
    uint8_t random[16];
    struct rlimit limit;
    (void)house;
    rw_random(random, sizeof random);
    char *large = malloc(64 << 20);
    bool bad = !large || pthread_create(&thread, NULL, count_up, &count) ||
               pthread_join(thread, NULL) || count != 1 || usleep(1) || kill(getpid(), 0) ||
               setpriority(PRIO_PROCESS, 0, 19) || getrlimit(RLIMIT_NOFILE, &limit) ||
               prctl(PR_SET_NAME, "other") || fcntl(STDERR_FILENO, F_GETFD) < 0;
    free(large);
    return failed(bad);
}

static int abort_self(const struct house *house)
{
    (void)house;
    abort();
}

static void daily_life_goes_on(void **state)
{
    const struct house *house = *state;
    int status;
    assert_int_equal(recorder_does(house, live), 0);
    assert_int_equal(caller_does(house, live), 0);
    struct rw_sandbox sandbox = recorder(house);
    pid_t pid = fork();
    if (pid == 0) {
        rw_sandbox_enter(&sandbox);
        _exit(abort_self(house));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT); /* as outside of it */
}

/* --- sockets that it was given --- */

static int use_given(const struct house *house)
{
    enum { THERE = 100, CONNECTED };
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    char byte;
    (void)house;
    if (send(CONNECTED, "x", 1, MSG_NOSIGNAL) != 1 || recv(THERE, &byte, 1, 0) != 1)
        return errno;
    return sendto(CONNECTED, "x", 1, 0, (const struct sockaddr *)&to, sizeof to) < 0 ? errno : 0;
}

static void a_socket_that_was_given_is_used_but_not_for_another_address(void **state)
{
    const struct house *house = *state;
    int pair[2];
    need_sandbox(false);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    assert_true(dup2(pair[0], 100) == 100 && dup2(pair[1], 101) == 101);
    assert_int_equal(recorder_does(house, use_given), ENOSYS);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(100 + i);
    }
}

/* --- ports --- */

static int listen_at(int *port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&here, size) && !listen(fd, 8));
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    *port = ntohs(here.sin_port);
    return fd;
}

static int connect_at_100(const struct house *house)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)house;
    if (fd < 0 || getsockname(100, (struct sockaddr *)&to, &size))
        return errno;
    return failed(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static void a_caller_reaches_the_ports_it_named_only(void **state)
{
    const struct house *house = *state;
    int port, listener = listen_at(&port);
    need_sandbox(true);
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 4) {
        print_message("this kernel's landlock knows no ports (6.7 or later does)\n");
        skip();
    }
    assert_int_equal(dup2(listener, 100), 100);
    struct rw_sandbox named = caller(house, port), other = caller(house, port ^ 1);
    assert_int_equal(outcome(house, &named, connect_at_100), 0);
    assert_int_equal(outcome(house, &other, connect_at_100), EACCES);
    close(100);
    close(listener);
}

/* --- threads, and what is replaced --- */

struct late {
    int ready[2], go[2], result;
};

static void *try_late(void *arg)
{
    struct late *late = arg;
    char byte;
    if (write(late->ready[1], "x", 1) != 1 || read(late->go[0], &byte, 1) != 1)
        return NULL;
    late->result = failed(socket(AF_INET, SOCK_STREAM, 0) < 0);
    return NULL;
}

/* One that was there before. */
static void threads_that_were_there_are_bound_too(void **state)
{
    const struct house *house = *state;
    int status;
    need_sandbox(false);
    pid_t pid = fork();
    if (pid == 0) {
        struct rw_sandbox sandbox = recorder(house);
        struct late late = {.result = -1};
        pthread_t thread;
        char byte;
        if (pipe(late.ready) || pipe(late.go) || pthread_create(&thread, NULL, try_late, &late) ||
            read(late.ready[0], &byte, 1) != 1)
            _exit(1);
        rw_sandbox_enter(&sandbox);
        if (write(late.go[1], "x", 1) != 1)
            _exit(2);
        pthread_join(thread, NULL);
        _exit(late.result ? 3 : 4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* 0: not outgrown before the file was replaced, but after. */
static int outgrow(const char *path, bool replace)
{
    struct rw_sandbox sandbox = {.subject = "test", .may = RW_MAY_READ | RW_MAY_ANSWER};
    int status;
    rw_sandbox_path(&sandbox, path, RW_PATH_READ);
    pid_t pid = fork();
    if (pid == 0) {
        rw_sandbox_enter(&sandbox);
        int before = rw_sandbox_outgrown(&sandbox) ? 1 : 0;
        raise(SIGSTOP);
        _exit(before + (rw_sandbox_outgrown(&sandbox) ? 0 : 2));
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    if (replace) {
        char fresh[160];
        snprintf(fresh, sizeof fresh, "%s.new", path);
        write_file(fresh);
        assert_int_equal(rename(fresh, path), 0);
    }
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void a_file_that_was_replaced_is_noticed(void **state)
{
    const struct house *house = *state;
    char path[128];
    need_sandbox(true);
    snprintf(path, sizeof path, "%s/file", house->other);
    assert_int_equal(outgrow(path, false), 2); /* never outgrown */
    assert_int_equal(outgrow(path, true), 0);
    snprintf(path, sizeof path, "%s/not-yet", house->other);
    assert_int_equal(outgrow(path, true), 0); /* it came to be there */
    snprintf(path, sizeof path, "%s/never", house->other);
    assert_int_equal(outgrow(path, false), 2);
}

static void a_number_needs_no_look_up(void **state)
{
    (void)state;
    assert_int_equal(rw_power_for_host("192.168.1.20"), 0);
    assert_int_equal(rw_power_for_host("fd00::20"), 0);
    assert_int_equal(rw_power_for_host("gate.lan"), RW_MAY_LOOK_UP);
    assert_int_equal(rw_power_for_host("localhost"), RW_MAY_LOOK_UP);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(a_recorder_keeps_its_own_house_and_enters_no_other),
        IN_HOUSE(what_may_be_read_cannot_be_written),
        IN_HOUSE(what_no_honest_process_does_ends_it),
        IN_HOUSE(a_caller_makes_the_sockets_it_needs_and_no_other),
        IN_HOUSE(daily_life_goes_on),
        IN_HOUSE(a_socket_that_was_given_is_used_but_not_for_another_address),
        IN_HOUSE(a_caller_reaches_the_ports_it_named_only),
        IN_HOUSE(threads_that_were_there_are_bound_too),
        IN_HOUSE(a_file_that_was_replaced_is_noticed),
        cmocka_unit_test(a_number_needs_no_look_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
