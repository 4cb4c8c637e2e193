#include "camera/dialer_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/door.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/title.h"

/* Descriptors after the log's. */
enum { FIRST_FD = 3, LAST_FD = FIRST_FD + RW_STREAMS };
#define PATIENCE_MAX_US INT64_C(60000000)

/* A stream's thread: it takes one request after the other. */
struct desk {
    const struct rw_dialer_job *job;
    const struct rw_sandbox *sandbox;
    int stream, fd;
    struct rw_dial_system system;
    int pair[2]; /* UDP sockets that are not aimed yet, -1: none */
};

int64_t rw_dialer_now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000) + at.tv_nsec / 1000;
}

/* --- one stream --- */

static void answer(const struct desk *desk, const struct rw_dialer_answer *said, const int *fds,
                   int count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {.bytes = {0}};
    struct iovec part = {(void *)said, sizeof *said};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, (size_t)count * sizeof(int));
    }
    while (sendmsg(desk->fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

static void drop_pair(struct desk *desk)
{
    for (int i = 0; i < 2; i++) {
        if (desk->pair[i] >= 0)
            close(desk->pair[i]);
        desk->pair[i] = -1;
    }
}

/* The camera's process learns of this end, and ends too; both begin anew. */
static void check_files(const struct desk *desk)
{
    if (!rw_sandbox_outgrown(desk->sandbox))
        return;
    rw_log(RW_LOG_INFO, desk->job->camera,
           "a file that tells how names are looked up was replaced: the dialing process ends");
    _exit(0);
}

static void do_tcp(struct desk *desk, const struct rw_patience *patience,
                   struct rw_dialer_answer *said, struct rw_err *err)
{
    check_files(desk);
    drop_pair(desk);
    int fd = desk->system.dial.tcp(&desk->system, &desk->job->urls[desk->stream], patience, err);
    if (fd < 0)
        return;
    answer(desk, said, &fd, 1);
    close(fd);
    said->serial = 0;
}

/* The pair stays here, too, until it is aimed: the camera's process may not connect it. */
static void do_udp(struct desk *desk, const struct rw_patience *patience,
                   struct rw_dialer_answer *said, struct rw_err *err)
{
    int port;
    drop_pair(desk);
    if (desk->system.dial.udp(&desk->system, &desk->job->urls[desk->stream], patience, desk->pair,
                              &port, err))
        return;
    said->port = port;
    answer(desk, said, desk->pair, 2);
    said->serial = 0;
}

static void do_aim(struct desk *desk, const struct rw_dialer_request *request, struct rw_err *err)
{
    const int ports[2] = {request->ports[0], request->ports[1]};
    if (desk->pair[0] < 0)
        rw_fail(err, RW_EINVAL, "there are no UDP sockets to aim");
    else
        desk->system.dial.aim(&desk->system, desk->pair, ports, err);
    drop_pair(desk);
}

static void serve(struct desk *desk, const struct rw_dialer_request *request)
{
    struct rw_dialer_answer said = {.serial = request->serial};
    struct rw_err err = {0};
    int64_t latest_us = rw_dialer_now_us() + PATIENCE_MAX_US;
    struct rw_patience patience = {NULL, request->deadline_us < latest_us ? request->deadline_us
                                                                          : latest_us};
    if (request->what == RW_DIALER_TCP)
        do_tcp(desk, &patience, &said, &err);
    else if (request->what == RW_DIALER_UDP)
        do_udp(desk, &patience, &said, &err);
    else if (request->what == RW_DIALER_AIM)
        do_aim(desk, request, &err);
    else
        rw_fail(&err, RW_EINVAL, "the dialer does not know this request");
    if (!said.serial)
        return; /* answered */
    said.code = (int32_t)err.code;
    memcpy(said.text, err.text, sizeof said.text);
    answer(desk, &said, NULL, 0);
}

static void *desk_main(void *arg)
{
    struct desk *desk = arg;
    struct rw_dialer_request request;
    for (;;) {
        ssize_t got = recv(desk->fd, &request, sizeof request, 0);
        if (got == sizeof request)
            serve(desk, &request);
        else if (got == 0 || (got < 0 && errno != EINTR))
            return NULL;
    }
}

/* --- the process --- */

static void keep_descriptors(const int there[RW_STREAMS + 1])
{
    int high[RW_STREAMS + 1];
    for (int i = 0; i <= RW_STREAMS; i++) { /* above all that will be written over */
        high[i] = fcntl(there[i], F_DUPFD_CLOEXEC, LAST_FD + 1);
        if (high[i] < 0)
            _exit(1);
    }
    for (int i = 0; i <= RW_STREAMS; i++)
        if (dup3(high[i], FIRST_FD + i, O_CLOEXEC) < 0)
            _exit(1);
    if (close_range(LAST_FD + 1, ~0U, 0))
        _exit(1); /* who knows what it would hold */
}

/* Ports and names of the camera's, and nothing else. */
static void give_up_power(const struct rw_dialer_job *job, struct rw_sandbox *sandbox)
{
    *sandbox = (struct rw_sandbox){.subject = job->camera,
                                   .may = RW_MAY_READ | RW_MAY_ANSWER | RW_MAY_CALL};
    for (int i = 0; i < RW_STREAMS; i++) {
        if (!job->known[i])
            continue;
        sandbox->may |= rw_power_for_host(job->urls[i].host);
        sandbox->ports[i] = atoi(job->urls[i].port);
    }
    rw_sandbox_enter(sandbox);
}

static int start_desk(struct desk *desk)
{
    pthread_t thread;
    rw_dial_system_init(&desk->system);
    if (pthread_create(&thread, NULL, desk_main, desk))
        return -1;
    pthread_detach(thread);
    return 0;
}

/* Until the camera's process is gone, however it went: its end of the pair closes with it. */
static void run_errands(const struct rw_dialer_job *job, int fd)
{
    char byte;
    for (;;) {
        ssize_t got = recv(fd, &byte, 1, 0);
        if (got == 1)
            rw_poke(job->alerts_socket);
        else if (got == 0 || errno != EINTR)
            return;
    }
}

void rw_dialer_become(const struct rw_dialer_job *job, const int there[RW_STREAMS + 1])
{
    struct rw_sandbox sandbox;
    struct desk desks[RW_STREAMS];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* where landlock lets it come; else the pair tells */
    rw_title_set((const char *const[]){"roadwatch", "dialer", job->camera, NULL});
    keep_descriptors(there);
    give_up_power(job, &sandbox);
    for (int i = 0; i < RW_STREAMS; i++) {
        desks[i] = (struct desk){
            .job = job, .sandbox = &sandbox, .stream = i, .fd = FIRST_FD + i, .pair = {-1, -1}};
        if (job->known[i] && start_desk(&desks[i]))
            _exit(1);
    }
    run_errands(job, FIRST_FD + RW_STREAMS);
    _exit(0);
}
