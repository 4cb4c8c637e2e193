/* Connections that this process makes itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/rtsp/dial.h"

#define SECOND INT64_C(1000000)

static int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * SECOND + at.tv_nsec / 1000;
}

static int listen_at(const char *host, int backlog, struct rw_url *url)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    char text[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&here, size) && !listen(fd, backlog));
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &size), 0);
    snprintf(text, sizeof text, "rtsp://%s:%d/x", host, ntohs(here.sin_port));
    assert_int_equal(rw_url_parse(text, url, NULL), 0);
    return fd;
}

static void a_name_is_looked_up_and_its_addresses_are_tried_in_turn(void **state)
{
    struct rw_dial_system system;
    struct rw_url url;
    struct rw_err err = {0};
    struct rw_patience patience = {.deadline_us = now_us() + 10 * SECOND};
    (void)state;
    rw_dial_system_init(&system);
    int listener = listen_at("localhost", 4, &url); /* ::1, where it comes first, refuses */
    int fd = system.dial.tcp(&system, &url, &patience, &err);
    if (fd < 0)
        fail_msg("%s", err.text);
    int delay = 0, alive = 1;
    socklen_t size = sizeof delay;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &delay, &size), 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &alive, &size), 0);
    assert_true(delay);
    assert_false(alive);
    close(fd);
    close(listener);
}

static void a_closed_port_and_an_unknown_name_are_told_apart(void **state)
{
    struct rw_dial_system system;
    struct rw_url url;
    struct rw_err err = {0};
    struct rw_patience patience = {.deadline_us = now_us() + 30 * SECOND};
    (void)state;
    rw_dial_system_init(&system);
    close(listen_at("127.0.0.1", 1, &url));
    assert_int_equal(system.dial.tcp(&system, &url, &patience, &err), -1);
    assert_int_equal(err.code, RW_ENET);
    assert_non_null(strstr(err.text, "127.0.0.1 refused the connection"));
    assert_int_equal(rw_url_parse("rtsp://gate.invalid/x", &url, NULL), 0);
    assert_int_equal(system.dial.tcp(&system, &url, &patience, &err), -1);
    assert_int_equal(err.code, RW_ENET);
    assert_non_null(strstr(err.text, "\"gate.invalid\""));
}

/* A listener that accepts nothing and whose queue is full lets further callers wait. */
static void fill_queue(const struct rw_url *url, int fds[8])
{
    for (int i = 0; i < 8; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        unsigned port;
        assert_int_equal(sscanf(url->port, "%u", &port), 1);
        to.sin_port = htons((in_port_t)port);
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(!connect(fds[i], (struct sockaddr *)&to, sizeof to) || errno == EINPROGRESS);
    }
}

static void a_camera_that_does_not_answer_is_waited_for_no_longer_than_said(void **state)
{
    struct rw_dial_system system;
    struct rw_url url;
    struct rw_err err = {0};
    int fds[8];
    (void)state;
    rw_dial_system_init(&system);
    int listener = listen_at("127.0.0.1", 0, &url);
    fill_queue(&url, fds);
    int64_t began_us = now_us();
    struct rw_patience patience = {.deadline_us = began_us + SECOND / 2};
    assert_int_equal(system.dial.tcp(&system, &url, &patience, &err), -1);
    assert_int_equal(err.code, RW_ETIMEOUT);
    assert_non_null(strstr(err.text, "no answer from 127.0.0.1:"));
    assert_true(now_us() - began_us >= SECOND / 2);
    patience = (struct rw_patience){rw_cancel_create(), now_us() + 60 * SECOND};
    rw_cancel_request(patience.cancel);
    assert_int_equal(system.dial.tcp(&system, &url, &patience, &err), -1);
    assert_int_equal(err.code, RW_ECANCELED);
    rw_cancel_destroy(patience.cancel);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    close(listener);
}

static void no_port_of_a_pair_is_given_twice(void **state)
{
    enum { PAIRS = 50 };
    struct rw_dial_system system;
    struct rw_err err = {0};
    struct rw_patience patience = {.deadline_us = now_us() + 10 * SECOND};
    int fds[PAIRS][2], ports[PAIRS];
    (void)state;
    rw_dial_system_init(&system);
    for (int i = 0; i < PAIRS; i++) {
        if (system.dial.udp(&system, NULL, &patience, fds[i], &ports[i], &err))
            fail_msg("%s", err.text);
        assert_int_equal(ports[i] % 2, 0);
        for (int j = 0; j < i; j++)
            assert_int_not_equal(ports[i], ports[j]);
    }
    const int to[2] = {5000, 5001};
    assert_int_equal(system.dial.aim(&system, fds[0], to, &err), -1); /* nobody was reached */
    for (int i = 0; i < PAIRS; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_up_and_its_addresses_are_tried_in_turn),
        cmocka_unit_test(a_closed_port_and_an_unknown_name_are_told_apart),
        cmocka_unit_test(a_camera_that_does_not_answer_is_waited_for_no_longer_than_said),
        cmocka_unit_test(no_port_of_a_pair_is_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
