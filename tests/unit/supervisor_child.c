/* When a child may start again. Starting and stopping real ones is an end-to-end test's. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wait_doubles_while_it_dies_young_up_to_ten_seconds),
        cmocka_unit_test(ten_seconds_of_life_make_it_young_again),
        cmocka_unit_test(a_child_has_the_name_of_its_camera_or_its_role),
        cmocka_unit_test(stopping_one_that_does_not_run_only_forgets_its_start),
        cmocka_unit_test(patience_ends_when_it_was_said_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
