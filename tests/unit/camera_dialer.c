/* The process that dials for a camera: what it gives, what it refuses, and how it ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/door.h"
#include "camera/dialer.h"
#include "camera/dialer_inside.h"

struct stage {
    int listener; /* the camera */
    char url[64], dir[64], alerts[96];
    struct rw_stream_config main, sub;
    struct rw_dialer *dialer;
    struct rw_dial dial;
    struct rw_url parsed;
};

static void forget_nothing(void *arg)
{
    (void)arg;
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&here, size) && !listen(fd, 8));
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    *port = ntohs(here.sin_port);
    return fd;
}

static void start(struct stage *stage)
{
    struct rw_err err = {0};
    struct rw_dialer_options options = {.camera = "gate",
                                        .streams = {&stage->main, &stage->sub},
                                        .alerts_socket = stage->alerts,
                                        .forget = forget_nothing};
    stage->dialer = rw_dialer_start(&options, &err);
    if (!stage->dialer)
        fail_msg("%s", err.text);
    stage->dial = rw_dialer_dial(stage->dialer, RW_MAIN);
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    int port;
    stage->listener = listen_anywhere(&port);
    snprintf(stage->url, sizeof stage->url, "rtsp://127.0.0.1:%d/main", port);
    strcpy(stage->dir, "/tmp/roadwatch-dialer.XXXXXX");
    assert_non_null(mkdtemp(stage->dir));
    snprintf(stage->alerts, sizeof stage->alerts, "%s/alerts.sock", stage->dir);
    stage->main.url = stage->url;
    stage->sub.url = (char *)"";
    assert_int_equal(rw_url_parse(stage->url, &stage->parsed, NULL), 0);
    start(stage);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    rw_dialer_stop(stage->dialer);
    if (stage->listener >= 0)
        close(stage->listener);
    unlink(stage->alerts);
    rmdir(stage->dir);
    free(stage);
    return 0;
}

static struct rw_patience seconds(int count)
{
    return (struct rw_patience){.deadline_us = rw_dialer_now_us() + count * INT64_C(1000000)};
}

static int dial(struct stage *stage, struct rw_err *err)
{
    struct rw_patience patience = seconds(5);
    return stage->dial.tcp(stage->dial.self, &stage->parsed, &patience, err);
}

static void bytes_go_both_ways_over_the_connection_it_made(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    char got[8] = "";
    int fd = dial(stage, &err);
    if (fd < 0)
        fail_msg("%s", err.text);
    int peer = accept(stage->listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(send(fd, "ping", 4, 0), 4);
    assert_int_equal(recv(peer, got, sizeof got, 0), 4);
    assert_memory_equal(got, "ping", 4);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd); /* nobody else holds it: the other side sees the end */
    assert_int_equal(recv(peer, got, sizeof got, 0), 0);
    close(peer);
}

static void a_camera_that_refuses_is_told_in_words(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    close(stage->listener);
    stage->listener = -1;
    assert_int_equal(dial(stage, &err), -1);
    assert_int_equal(err.code, RW_ENET);
    assert_non_null(strstr(err.text, "refused the connection on port"));
}

static void another_host_or_port_is_not_even_asked_for(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    struct rw_url elsewhere;
    struct rw_patience patience = seconds(5);
    assert_int_equal(rw_url_parse("rtsp://127.0.0.1:1/main", &elsewhere, NULL), 0);
    assert_int_equal(stage->dial.tcp(stage->dial.self, &elsewhere, &patience, &err), -1);
    assert_int_equal(err.code, RW_ENET);
    assert_non_null(strstr(err.text, "another address"));
}

static void a_stream_that_is_not_configured_cannot_be_dialed(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    struct rw_url nowhere = {0}; /* as its place is */
    struct rw_dial sub = rw_dialer_dial(stage->dialer, RW_SUB);
    struct rw_patience patience = {.deadline_us = rw_dialer_now_us()};
    assert_int_equal(sub.tcp(sub.self, &nowhere, &patience, &err), -1);
    assert_int_equal(err.code, RW_ETIMEOUT); /* nobody takes the request */
}

static int udp_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((in_port_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to));
    return fd;
}

static int port_of(int fd)
{
    struct sockaddr_in here;
    socklen_t size = sizeof here;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    return ntohs(here.sin_port);
}

static void a_udp_pair_hears_and_speaks_to_whom_it_was_aimed_at_only(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    struct rw_patience patience = seconds(5);
    int pair[2], port, fd = dial(stage, &err);
    assert_true(fd >= 0);
    if (stage->dial.udp(stage->dial.self, &stage->parsed, &patience, pair, &port, &err))
        fail_msg("%s", err.text);
    assert_int_equal(port % 2, 0);
    assert_int_equal(port_of(pair[0]), port);
    assert_int_equal(port_of(pair[1]), port + 1);
    int camera[2] = {udp_to(port), udp_to(port + 1)}, stranger = udp_to(port);
    assert_int_equal(send(stranger, "early", 5, 0), 5);
    int ports[2] = {port_of(camera[0]), port_of(camera[1])};
    if (stage->dial.aim(stage->dial.self, pair, ports, &err))
        fail_msg("%s", err.text);
    send(stranger, "late", 4, 0); /* refused, or dropped */
    for (int i = 0; i < 2; i++) {
        char got[8];
        struct pollfd ready = {.fd = pair[i], .events = POLLIN};
        assert_int_equal(send(camera[i], "rtp", 3, 0), 3);
        assert_int_equal(poll(&ready, 1, 5000), 1);
        assert_int_equal(recv(pair[i], got, sizeof got, 0), 3);
        assert_memory_equal(got, "rtp", 3);
        assert_int_equal(send(pair[i], "rtcp", 4, 0), 4);
        assert_int_equal(recv(camera[i], got, sizeof got, 0), 4);
        close(pair[i]);
        close(camera[i]);
    }
    close(stranger);
    close(fd);
}

static void nothing_is_aimed_twice_or_without_a_pair(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    const int ports[2] = {5000, 5001}, none[2] = {-1, -1};
    assert_int_equal(stage->dial.aim(stage->dial.self, none, ports, &err), -1);
    assert_int_equal(err.code, RW_EINVAL);
}

static void a_poke_comes_through(void **state)
{
    struct stage *stage = *state;
    int poked = rw_poke_listen(stage->alerts, NULL);
    struct pollfd ready = {.fd = poked, .events = POLLIN};
    assert_true(poked >= 0);
    rw_dialer_poke(stage->dialer);
    assert_int_equal(poll(&ready, 1, 5000), 1);
    close(poked);
}

static void giving_up_on_request_is_at_once(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    struct rw_cancel *cancel = rw_cancel_create();
    struct rw_patience patience = seconds(60);
    patience.cancel = cancel;
    rw_cancel_request(cancel);
    assert_int_equal(stage->dial.tcp(stage->dial.self, &stage->parsed, &patience, &err), -1);
    assert_int_equal(err.code, RW_ECANCELED);
    rw_cancel_destroy(cancel);
    int fd = dial(stage, &err); /* the answer to the other is not taken for this one's */
    assert_true(fd >= 0);
    int first = accept(stage->listener, NULL, NULL), second = accept(stage->listener, NULL, NULL);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    char got;
    assert_int_equal(recv(first, &got, 1, 0), 0); /* that one was closed */
    assert_int_equal(recv(second, &got, 1, 0), 1);
    close(first);
    close(second);
    close(fd);
}

static void its_end_is_noticed(void **state)
{
    struct stage *stage = *state;
    struct rw_err err = {0};
    struct pollfd ready = {.fd = rw_dialer_fd(stage->dialer), .events = 0};
    pid_t pid = 0;
    FILE *children = fopen("/proc/thread-self/children", "r");
    if (!children || fscanf(children, "%d", &pid) != 1)
        skip();
    fclose(children);
    assert_int_equal(poll(&ready, 1, 0), 0);
    kill(pid, SIGKILL);
    assert_int_equal(poll(&ready, 1, 5000), 1);
    assert_true(ready.revents & POLLHUP);
    assert_int_equal(dial(stage, &err), -1);
    assert_non_null(strstr(err.text, "is gone"));
    rw_dialer_poke(stage->dialer); /* does no harm */
}

/* Its descriptors close with the process, whatever killed that. */
static void it_ends_with_the_process_that_started_it(void **state)
{
    struct stage *stage = *state;
    int status;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    rw_dialer_stop(stage->dialer);
    stage->dialer = NULL;
    pid_t camera = fork();
    if (camera == 0) {
        start(stage);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(camera, &status, 0), camera);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(wait(&status) > 0); /* the dialer, ours now: this waits for its end */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways_over_the_connection_it_made, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_camera_that_refuses_is_told_in_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_host_or_port_is_not_even_asked_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stream_that_is_not_configured_cannot_be_dialed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_udp_pair_hears_and_speaks_to_whom_it_was_aimed_at_only,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_aimed_twice_or_without_a_pair, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_poke_comes_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(giving_up_on_request_is_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_end_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_with_the_process_that_started_it, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
