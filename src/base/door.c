#include "base/door.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/* A socket's address holds 107 bytes of path. A longer path is reached through its folder, opened
 * for as long as the address is used. */
struct address {
    struct sockaddr_un name;
    int folder; /* -1: not needed */
};

static int open_folder(const char *path, const char *slash, struct rw_err *err)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd
                   : rw_fail(err, rw_code_of_errno(errno), "the folder %s cannot be opened (%s)",
                             folder, strerror(errno));
}

/* Give the address back with address_finish(). */
static int address_init(struct address *address, const char *path, struct rw_err *err)
{
    *address = (struct address){.name = {.sun_family = AF_UNIX}, .folder = -1};
    size_t room = sizeof address->name.sun_path;
    if (strlen(path) < room) {
        strcpy(address->name.sun_path, path);
        return 0;
    }
    const char *slash = strrchr(path, '/');
    if (!slash || strlen(path) >= PATH_MAX || strlen(slash) > 70)
        return rw_fail(err, RW_EINVAL, "the socket path %.100s… is too long", path);
    address->folder = open_folder(path, slash, err);
    if (address->folder < 0)
        return -1;
    snprintf(address->name.sun_path, room, "/proc/self/fd/%d%s", address->folder, slash);
    return 0;
}

static void address_finish(struct address *address)
{
    if (address->folder >= 0)
        close(address->folder);
}

static int bind_at(const char *path, int type, struct rw_err *err)
{
    struct address address;
    if (address_init(&address, path, err))
        return -1;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        rw_fail(err, rw_code_of_errno(errno), "no socket for %s (%s)", path, strerror(errno));
        address_finish(&address);
        return -1;
    }
    struct stat st;
    if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
        unlink(path);
    mode_t mask = umask(0117);
    int failed = bind(fd, (struct sockaddr *)&address.name, sizeof address.name);
    int saved = errno;
    address_finish(&address);
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
    struct address address;
    if (address_init(&address, path, err))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool there = fd >= 0 && !connect(fd, (struct sockaddr *)&address.name, sizeof address.name);
    int saved = errno;
    address_finish(&address);
    if (there)
        return fd;
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
    struct address address;
    if (address_init(&address, path, NULL))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        (void)!sendto(fd, "", 0, MSG_NOSIGNAL, (struct sockaddr *)&address.name,
                      sizeof address.name);
        close(fd);
    }
    address_finish(&address);
}
