#include "base/door.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int make_address(const char *path, struct sockaddr_un *address, struct rw_err *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return rw_fail(err, RW_EINVAL,
                       "the socket path %.100s… is too long (%zu bytes at most); use a shorter "
                       "storage.path or RUNTIME_DIRECTORY",
                       path, sizeof address->sun_path - 1);
    strcpy(address->sun_path, path);
    return 0;
}

static int bind_at(const char *path, int type, struct rw_err *err)
{
    struct sockaddr_un address;
    if (make_address(path, &address, err))
        return -1;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "no socket for %s (%s)", path,
                       strerror(errno));
    struct stat st;
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
        unlink(path);
    mode_t mask = umask(0117);
    int failed = bind(fd, (struct sockaddr *)&address, sizeof address);
    int saved = errno;
    umask(mask);
    if (!failed)
        return fd;
    close(fd);
    return rw_fail(err, rw_code_of_errno(saved), "the socket %s cannot be made (%s)", path,
                   strerror(saved));
}

int rw_door_listen(const char *path, struct rw_err *err)
{
    int fd = bind_at(path, SOCK_STREAM, err);
    if (fd >= 0 && listen(fd, 16)) {
        rw_fail(err, RW_EIO, "the socket %s cannot listen (%s)", path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left = deadline_ms - now_ms();
        struct pollfd poller = {.fd = fd, .events = events};
        int ready = poll(&poller, 1, left > 0 ? (int)left : 0);
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

/* A line, of at most RW_DOOR_MAX bytes, without its end; NULL when none came in time. Malloced, not
 * NUL-terminated. */
static char *read_line(int fd, int64_t deadline_ms, size_t *size)
{
    char *line = malloc(RW_DOOR_MAX);
    size_t used = 0;
    while (line && used < RW_DOOR_MAX && wait_for(fd, POLLIN, deadline_ms)) {
        ssize_t got = recv(fd, line + used, RW_DOOR_MAX - used, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            break;
        char *end = memchr(line + used, '\n', (size_t)got);
        used += (size_t)got;
        if (end) {
            *size = (size_t)(end - line);
            return line;
        }
    }
    free(line);
    return NULL;
}

static bool write_line(int fd, const json_t *json, int64_t deadline_ms)
{
    char *text = json_dumps(json, JSON_COMPACT);
    if (!text)
        return false;
    size_t size = strlen(text), done = 0;
    text[size++] = '\n'; /* in the place of the NUL */
    while (done < size && wait_for(fd, POLLOUT, deadline_ms)) {
        ssize_t put = send(fd, text + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (put < 0)
            break;
        done += (size_t)put;
    }
    free(text);
    return done == size;
}

void rw_door_serve(int listener, rw_door_answer answer, void *arg)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    int64_t deadline = now_ms() + 500;
    size_t size;
    char *line = read_line(fd, deadline, &size);
    if (line) {
        json_t *request = json_loadb(line, size, 0, NULL);
        json_t *reply = json_is_object(request) ? answer(arg, request) : NULL;
        if (!reply)
            reply = json_pack("{s:s}", "error", "unknown request");
        write_line(fd, reply, deadline + 500);
        json_decref(reply);
        json_decref(request);
        free(line);
    }
    close(fd);
}

static int connect_to(const char *path, struct rw_err *err)
{
    struct sockaddr_un address;
    if (make_address(path, &address, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address))
        return fd;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    return rw_fail(err, RW_ENOTFOUND, "nobody answers at %s (%s)", path, strerror(saved));
}

json_t *rw_door_ask(const char *path, const json_t *request, int timeout_ms, struct rw_err *err)
{
    int fd = connect_to(path, err);
    if (fd < 0)
        return NULL;
    int64_t deadline = now_ms() + timeout_ms;
    size_t size;
    char *line = write_line(fd, request, deadline) ? read_line(fd, deadline, &size) : NULL;
    json_t *reply = line ? json_loadb(line, size, 0, NULL) : NULL;
    if (!reply)
        rw_fail(err, RW_ETIMEOUT, "no answer from %s within %d ms", path, timeout_ms);
    free(line);
    close(fd);
    return reply;
}

int rw_poke_listen(const char *path, struct rw_err *err)
{
    return bind_at(path, SOCK_DGRAM, err);
}

void rw_poke_drain(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
        ;
}

void rw_poke(const char *path)
{
    struct sockaddr_un address;
    if (make_address(path, &address, NULL))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, "", 0, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address);
    close(fd);
}
