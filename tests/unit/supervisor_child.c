/* How a child starts, and when it may start again. Starting and stopping real ones is an end-to-end
 * test's. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/title.h"
#include "config/config.h"

#include "supervisor/child.h"

#define SECOND INT64_C(1000000)

/* It starts, lives so long, and dies; returns how long it must wait then. */
static int64_t die_after(struct rw_child *child, int64_t *now_us, int64_t life_us)
{
    child->pid = 4711;
    child->started_us = *now_us;
    child->kill_us = *now_us + 1;
    *now_us += life_us;
    rw_child_died(child, 0, *now_us);
    assert_int_equal(child->pid, 0);
    assert_int_equal(child->kill_us, 0); /* nobody else's process is killed */
    return child->due_us - *now_us;
}

static void the_wait_doubles_while_it_dies_young_up_to_ten_seconds(void **state)
{
    (void)state;
    struct rw_child child = {.role = "camera"};
    int64_t now = 1000 * SECOND;
    static const int64_t waits_ms[] = {200, 400, 800, 1600, 3200, 6400, 10000, 10000};
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        assert_int_equal(die_after(&child, &now, SECOND), waits_ms[i] * 1000);
        now = child.due_us;
    }
    for (int i = 0; i < 1000; i++) /* for weeks */
        assert_int_equal(die_after(&child, &now, SECOND), 10 * SECOND);
}

static void ten_seconds_of_life_make_it_young_again(void **state)
{
    (void)state;
    struct rw_child child = {.role = "camera"};
    int64_t now = 1000 * SECOND;
    for (int i = 0; i < 5; i++)
        die_after(&child, &now, SECOND);
    assert_int_equal(die_after(&child, &now, 10 * SECOND - 1), 6400000); /* not quite */
    assert_int_equal(die_after(&child, &now, 10 * SECOND), 200000);
    assert_int_equal(die_after(&child, &now, SECOND), 400000);
    assert_int_equal(die_after(&child, &now, 3600 * SECOND), 200000);
    assert_int_equal(die_after(&child, &now, 3600 * SECOND), 200000);
}

static void a_child_has_the_name_of_its_camera_or_its_role(void **state)
{
    (void)state;
    struct rw_child camera = {.role = "camera", .id = "gate"}, alerts = {.role = "alerts"};
    assert_string_equal(rw_child_name(&camera), "gate");
    assert_string_equal(rw_child_name(&alerts), "alerts");
}

static void stopping_one_that_does_not_run_only_forgets_its_start(void **state)
{
    (void)state;
    struct rw_child child = {.role = "camera", .due_us = 5};
    rw_child_stop(&child, SECOND, SECOND); /* kill(0) would be the end of this test, too */
    assert_int_equal(child.due_us, 0);
    assert_int_equal(child.kill_us, 0);
    rw_child_check(&child, 100 * SECOND);
    assert_int_equal(child.pid, 0);
}

/* A process that ignores SIGTERM, and says when it does. */
static pid_t start_stubborn(void)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (!pid) {
        signal(SIGTERM, SIG_IGN);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void patience_ends_when_it_was_said_to(void **state)
{
    (void)state;
    struct rw_child child = {.role = "camera", .pid = start_stubborn(), .due_us = 5};
    rw_child_stop(&child, 100 * SECOND, 8 * SECOND);
    assert_int_equal(child.due_us, 0);
    rw_child_check(&child, 108 * SECOND - 1);
    assert_int_equal(waitpid(child.pid, NULL, WNOHANG), 0); /* SIGTERM did nothing to it */
    assert_int_equal(child.kill_us, 108 * SECOND);
    rw_child_check(&child, 108 * SECOND);
    int status;
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    pid_t dead = child.pid;
    rw_child_check(&child, 200 * SECOND); /* only once: the number may be another's by now */
    assert_int_equal(child.kill_us, 0);
    assert_int_equal(child.pid, dead); /* until the supervisor says that it died */
}

static void only_one_that_fell_is_executed(void **state)
{
    (void)state;
    static const struct {
        int64_t life_us;
        int status; /* of waitpid(2) */
        bool asked, fell;
    } deaths[] = {
        {SECOND, 0, false, true}, /* too soon, however it went */
        {SECOND, 1 << 8, false, true},
        {60 * SECOND, 0, false, false},
        {60 * SECOND, 1 << 8, false, false}, /* it said itself that it cannot go on */
        {60 * SECOND, SIGSEGV, false, true},
        {60 * SECOND, SIGSYS, false, true},
        {60 * SECOND, SIGTERM, true, false}, /* for another configuration */
        {SECOND, 0, true, false},
    };
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        struct rw_child child = {.pid = 4711, .fell = !deaths[i].fell, .kill_us = deaths[i].asked};
        rw_child_died(&child, deaths[i].status, deaths[i].life_us);
        assert_int_equal(child.fell, deaths[i].fell);
    }
}

/* --- starting --- */

enum { PLAYED = 40, EXECUTED = 41, FIRST_FD = 3 };

static bool others_are_closed(int config_fd)
{
    for (int fd = FIRST_FD; fd < 256; fd++)
        if ((fcntl(fd, F_GETFD) >= 0) != (fd == config_fd))
            return false;
    return true;
}

static bool signals_are_as_at_a_start(void)
{
    sigset_t mask;
    struct sigaction usr1, usr2;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGUSR1, NULL, &usr1);
    sigaction(SIGUSR2, NULL, &usr2);
    return !sigismember(&mask, SIGTERM) && usr1.sa_handler == SIG_DFL && usr2.sa_handler == SIG_IGN;
}

static bool shows(const char *title, size_t size)
{
    char shown[64] = "";
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t got = read(fd, shown, sizeof shown);
    close(fd);
    return got >= (ssize_t)size && !memcmp(shown, title, size);
}

static void forget(void *arg)
{
    struct rw_child *child = arg;
    memset(child, 0, sizeof *child);
}

/* In the child: a bit for each thing that is wrong. */
static int play(int argc, char **argv)
{
    static const char *const words[] = {"roadwatch", "camera", "gate", "-c", "/etc/rw.yaml"};
    const char *number = getenv(RW_CONFIG_FD);
    int fd = number ? atoi(number) : -1, wrong = 0;
    wrong |= (argc != 5 || argv[5]) << 0;
    for (int i = 0; i < 5 && !wrong; i++)
        wrong |= strcmp(argv[i], words[i]) != 0;
    wrong |= !others_are_closed(fd) << 1;
    wrong |= !signals_are_as_at_a_start() << 2;
    wrong |= !shows("roadwatch\0camera\0gate", 22) << 3;
    char byte = 0;
    wrong |= (pread(fd, &byte, 1, 0) != 1 || byte != 'x') << 4;
    return wrong ? 100 + wrong : PLAYED;
}

static void ignore_nothing(int number)
{
    (void)number;
}

/* Starts it from a process that has more open, and another opinion of signals; how it ended. */
static int status_of_start(bool fell, bool forks)
{
    struct rw_child child = {.role = "camera", .id = "gate", .fell = fell};
    struct rw_launch launch = {.config_path = "/etc/rw.yaml",
                               .config_fd = memfd_create("config", MFD_CLOEXEC),
                               .play = forks ? play : NULL,
                               .forget = forget,
                               .arg = &child};
    int status, more[2];
    sigset_t set, before;
    assert_int_equal(pipe(more), 0);
    assert_int_equal(write(launch.config_fd, "x", 1), 1);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    signal(SIGUSR1, ignore_nothing);
    signal(SIGUSR2, SIG_IGN);
    assert_int_equal(rw_child_start(&child, &launch, SECOND), 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    assert_int_equal(child.started_us, SECOND);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFEXITED(status));
    close(more[0]);
    close(more[1]);
    close(launch.config_fd);
    return WEXITSTATUS(status);
}

static void a_child_goes_on_with_nothing_of_its_parents_but_the_configuration(void **state)
{
    (void)state;
    assert_int_equal(status_of_start(false, true), PLAYED);
}

static void a_child_that_fell_is_executed(void **state)
{
    (void)state;
    assert_int_equal(status_of_start(true, true), EXECUTED);
    assert_int_equal(status_of_start(false, false), EXECUTED);
}

#define WITHOUT_ROOM "short"

/* As a supervisor that was called with little: 0 or what went wrong. */
static int start_without_room(void)
{
    struct rw_child child = {.role = "camera"};
    struct rw_launch launch = {.config_path = "c", .config_fd = 0, .play = play};
    size_t room = rw_title_room() - sizeof "roadwatch" - sizeof "camera";
    int status;
    if (room < 1 || room >= sizeof child.id)
        return 1;
    memset(child.id, 'x', room);
    return rw_child_start(&child, &launch, SECOND) || waitpid(child.pid, &status, 0) < 0 ||
           !WIFEXITED(status) || WEXITSTATUS(status) != EXECUTED;
}

static void a_child_whose_name_has_no_room_is_executed(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (!pid) {
        execl("/proc/self/exe", "supervisor_child", WITHOUT_ROOM, NULL);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* With arguments it is a child of this test's. */
int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], WITHOUT_ROOM))
        return start_without_room();
    if (argc > 1)
        return !strcmp(argv[1], "camera") ? EXECUTED : 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wait_doubles_while_it_dies_young_up_to_ten_seconds),
        cmocka_unit_test(ten_seconds_of_life_make_it_young_again),
        cmocka_unit_test(a_child_has_the_name_of_its_camera_or_its_role),
        cmocka_unit_test(stopping_one_that_does_not_run_only_forgets_its_start),
        cmocka_unit_test(patience_ends_when_it_was_said_to),
        cmocka_unit_test(only_one_that_fell_is_executed),
        cmocka_unit_test(a_child_goes_on_with_nothing_of_its_parents_but_the_configuration),
        cmocka_unit_test(a_child_that_fell_is_executed),
        cmocka_unit_test(a_child_whose_name_has_no_room_is_executed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
