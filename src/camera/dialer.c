#include "camera/dialer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "camera/dialer_inside.h"

/* How much longer than it was told the dialer may take: it may have to wait for a processor. */
enum { GRACE_MS = 2000 };

struct line {
    struct rw_dialer *dialer;
    int fd;          /* this side of the pair */
    uint32_t serial; /* of the last request */
    char place[RW_HOST_SIZE + 8];
};

struct rw_dialer {
    pid_t pid;
    int errands; /* pokes; it hangs up when the dialer is gone */
    struct line lines[RW_STREAMS];
};

/* --- asking --- */

static int fail_gone(struct rw_err *err)
{
    return rw_fail(err, RW_ENET, "the process that dials for this camera is gone");
}

static void close_all(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

/* Descriptors that came with a message; -1: none. */
static void take_descriptors(struct msghdr *message, int fds[2])
{
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(head), (count < 2 ? count : 2) * sizeof(int));
    }
}

/* 1: a whole answer, 0: nothing there, -1: it is gone. */
static int receive(const struct line *line, struct rw_dialer_answer *answer, int fds[2])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct iovec part = {answer, sizeof *answer};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    fds[0] = fds[1] = -1;
    ssize_t got = recvmsg(line->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got > 0)
        take_descriptors(&message, fds);
    if (got == sizeof *answer)
        return 1;
    close_all(fds);
    return -1;
}

static int wait_answer(struct line *line, const struct rw_patience *patience,
                       struct rw_dialer_answer *answer, int fds[2], struct rw_err *err)
{
    struct pollfd ready[2] = {{.fd = line->fd, .events = POLLIN}, {.fd = -1}};
    if (patience->cancel)
        ready[1] = (struct pollfd){.fd = rw_cancel_fd(patience->cancel), .events = POLLIN};
    for (;;) {
        int64_t left_ms = (patience->deadline_us - rw_dialer_now_us()) / 1000 + GRACE_MS;
        int count = poll(ready, 2, left_ms > 0 ? (int)left_ms : 0);
        if (ready[1].revents)
            return rw_fail(err, RW_ECANCELED, "given up on request");
        if (count == 0)
            return rw_fail(err, RW_ETIMEOUT, "the process that dials for this camera is silent");
        int got = receive(line, answer, fds);
        if (got < 0)
            return fail_gone(err);
        if (got && answer->serial == line->serial)
            return 0;
        if (got)
            close_all(fds); /* to a question that was given up */
    }
}

/* 0 with the answer, whose descriptors are in fds (-1: none), or -1 with *err. */
static int ask(struct line *line, struct rw_dialer_request *request,
               const struct rw_patience *patience, struct rw_dialer_answer *answer, int fds[2],
               struct rw_err *err)
{
    request->serial = ++line->serial;
    if (send(line->fd, request, sizeof *request, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof *request)
        return fail_gone(err);
    if (wait_answer(line, patience, answer, fds, err))
        return -1;
    if (answer->code == RW_OK)
        return 0;
    close_all(fds);
    answer->text[sizeof answer->text - 1] = 0;
    return rw_fail(err, (enum rw_code)answer->code, "%s", answer->text);
}

/* --- struct rw_dial --- */

static int ask_tcp(void *self, const struct rw_url *url, const struct rw_patience *patience,
                   struct rw_err *err)
{
    struct line *line = self;
    struct rw_dialer_request request = {.what = RW_DIALER_TCP,
                                        .deadline_us = patience->deadline_us};
    struct rw_dialer_answer answer;
    int fds[2];
    if (strcasecmp(url->place, line->place) != 0)
        return rw_fail(err, RW_ENET,
                       "the camera sends us to another address; put that address "
                       "into the url if it is right");
    if (ask(line, &request, patience, &answer, fds, err))
        return -1;
    return fds[0] >= 0 ? fds[0] : fail_gone(err);
}

static int ask_udp(void *self, const struct rw_url *url, const struct rw_patience *patience,
                   int fds[2], int *port, struct rw_err *err)
{
    struct rw_dialer_request request = {.what = RW_DIALER_UDP,
                                        .deadline_us = patience->deadline_us};
    struct rw_dialer_answer answer;
    (void)url;
    if (ask(self, &request, patience, &answer, fds, err))
        return -1;
    *port = answer.port;
    if (fds[0] >= 0 && fds[1] >= 0)
        return 0;
    close_all(fds);
    return fail_gone(err);
}

/* The dialer has kept the pair: both processes hold the same sockets until they are aimed. */
static int ask_aim(void *self, const int fds[2], const int ports[2], struct rw_err *err)
{
    struct rw_patience patience = {NULL, rw_dialer_now_us() + GRACE_MS * INT64_C(1000)};
    struct rw_dialer_request request = {
        .what = RW_DIALER_AIM, .deadline_us = patience.deadline_us, .ports = {ports[0], ports[1]}};
    struct rw_dialer_answer answer;
    int none[2];
    (void)fds;
    return ask(self, &request, &patience, &answer, none, err);
}

struct rw_dial rw_dialer_dial(struct rw_dialer *dialer, enum rw_stream stream)
{
    return (struct rw_dial){
        .self = &dialer->lines[stream], .tcp = ask_tcp, .udp = ask_udp, .aim = ask_aim};
}

void rw_dialer_poke(struct rw_dialer *dialer)
{
    if (send(dialer->errands, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return; /* a lost poke costs latency only */
}

int rw_dialer_fd(const struct rw_dialer *dialer)
{
    return dialer->errands;
}

/* --- life --- */

static int make_pairs(int here[RW_STREAMS + 1], int there[RW_STREAMS + 1])
{
    for (int i = 0; i <= RW_STREAMS; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
            return -1;
        here[i] = pair[0];
        there[i] = pair[1];
    }
    return 0;
}

static void close_pairs(const int fds[RW_STREAMS + 1])
{
    for (int i = 0; i <= RW_STREAMS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static void fill_job(struct rw_dialer_job *job, const struct rw_dialer_options *options)
{
    snprintf(job->camera, sizeof job->camera, "%s", options->camera);
    snprintf(job->alerts_socket, sizeof job->alerts_socket, "%s", options->alerts_socket);
    for (int i = 0; i < RW_STREAMS; i++)
        if (*options->streams[i]->url)
            job->known[i] = !rw_url_parse(options->streams[i]->url, &job->urls[i], NULL);
}

static void fill_dialer(struct rw_dialer *dialer, pid_t pid, const int here[RW_STREAMS + 1],
                        const struct rw_dialer_job *job)
{
    dialer->pid = pid;
    dialer->errands = here[RW_STREAMS];
    for (int i = 0; i < RW_STREAMS; i++) {
        struct line *line = &dialer->lines[i];
        *line = (struct line){.dialer = dialer, .fd = here[i]};
        memcpy(line->place, job->urls[i].place, sizeof line->place);
    }
}

struct rw_dialer *rw_dialer_start(const struct rw_dialer_options *options, struct rw_err *err)
{
    int here[RW_STREAMS + 1] = {-1, -1, -1}, there[RW_STREAMS + 1] = {-1, -1, -1};
    struct rw_dialer *dialer = calloc(1, sizeof *dialer);
    struct rw_dialer_job *job = calloc(1, sizeof *job);
    if (!dialer || !job)
        abort();
    fill_job(job, options);
    pid_t pid = make_pairs(here, there) ? -1 : fork();
    if (pid == 0) {
        options->forget(options->arg);
        rw_dialer_become(job, there);
    }
    int saved = errno;
    close_pairs(there);
    if (pid > 0) {
        fill_dialer(dialer, pid, here, job);
        free(job);
        return dialer;
    }
    close_pairs(here);
    free(dialer);
    free(job);
    rw_fail(err, RW_ENOMEM, "the process that dials for a camera cannot be started (%s)",
            strerror(saved));
    return NULL;
}

void rw_dialer_stop(struct rw_dialer *dialer)
{
    if (!dialer)
        return;
    close(dialer->errands);
    for (int i = 0; i < RW_STREAMS; i++)
        close(dialer->lines[i].fd);
    while (waitpid(dialer->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(dialer);
}
