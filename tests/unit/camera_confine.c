/* A camera's process that has the dialer for its connections: it records, and makes no socket. */
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
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "camera/camera.h"
#include "camera/confine.h"

enum { KILLED = -1, SOCKET = 100 };

static void need_sandbox(void)
{
#ifdef ROADWATCH_SANITIZED
    print_message("builds with sanitizers have no sandbox\n");
    skip();
#else
    if (!rw_sandbox_missing())
        return;
    print_message("%s\n", rw_sandbox_missing());
    skip();
#endif
}

static int set_up(void **state)
{
    char *dir = strdup("/tmp/roadwatch-confine.XXXXXX");
    *state = dir;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", (char *)*state);
    free(*state);
    return system(command);
}

static struct rw_camera_config camera(void)
{
    return (struct rw_camera_config){
        .id = (char *)"gate",
        .main = {.url = (char *)"rtsp://gate.lan/main", .keep_bytes = 4 << 20},
        .sub = {.url = (char *)""}};
}

static void confine(const char *dir)
{
    static struct rw_sandbox sandbox; /* of a process that ends soon */
    struct rw_camera_config config = camera();
    rw_camera_confines(&config, dir, &sandbox);
    rw_sandbox_enter(&sandbox);
}

/* In a process of its own. */
static int outcome(const char *dir, int (*try)(const char *dir))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(try(dir));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    assert_int_equal(WTERMSIG(status), SIGSYS);
    return KILLED;
}

static int keep_store(const char *dir)
{
    struct rw_camera_config config = camera();
    struct rw_config box = {.storage = {.path = (char *)dir, .slot_size = 1 << 20}};
    struct rw_store_options options;
    char camera_dir[RW_CAMERA_DIR_SIZE];
    struct rw_err err = {0};
    box.site.id = (char *)"village";
    rw_camera_store_options(&box, &config, camera_dir, &options);
    struct rw_store *store = rw_store_open(&options, &err);
    if (!store)
        return 1;
    confine(camera_dir);
    struct rw_event event = {.id = "01M8AYD1QZWX3J02EEJHK58FGJ", .start_us = 1, .peak_us = 1};
    int failed = rw_store_put_state(store, "online", 1, "", &err) ||
                 rw_store_put_event(store, &event, NULL, &err) ||
                 rw_store_get_event(store, event.id, &event, &err) != 1 ||
                 rw_store_put_word(store, "disarmed", 1, &err);
    if (failed)
        fprintf(stderr, "%s\n", err.text);
    rw_store_close(store);
    return failed ? 2 : 0;
}

static int make_socket(const char *dir)
{
    confine(dir);
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int make_local_socket(const char *dir)
{
    confine(dir);
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int connect_given(const char *dir)
{
    const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
    confine(dir);
    return connect(SOCKET, (const struct sockaddr *)&to, sizeof to) ? errno : 0;
}

static int send_descriptor(const char *dir)
{
    struct msghdr message = {0};
    confine(dir);
    return sendmsg(SOCKET, &message, 0) < 0 ? errno : 0;
}

static int look_up_name(const char *dir)
{
    confine(dir);
    return open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static void it_goes_on_recording(void **state)
{
    need_sandbox();
    assert_int_equal(outcome(*state, keep_store), 0);
}

static void it_makes_no_socket_and_connects_none(void **state)
{
    need_sandbox();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0 && dup2(fd, SOCKET) == SOCKET);
    assert_int_equal(outcome(*state, make_socket), KILLED);
    assert_int_equal(outcome(*state, make_local_socket), KILLED);
    assert_int_equal(outcome(*state, connect_given), KILLED);
    assert_int_equal(outcome(*state, send_descriptor), KILLED);
    assert_int_equal(outcome(*state, look_up_name), EACCES);
    close(fd);
    close(SOCKET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_goes_on_recording, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_makes_no_socket_and_connects_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
