#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int rw_file_read(const char *path, size_t max, struct rw_buf *out, struct rw_err *err)
{
    rw_buf_clear(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s cannot be read (%s)", path,
                       strerror(errno));
    int status = -1;
    for (;;) {
        uint8_t *at = rw_buf_grow(out, 4096);
        ssize_t got = read(fd, at, 4096);
        int saved = errno;
        out->size -= 4096 - (size_t)(got > 0 ? got : 0);
        if (got < 0 && saved == EINTR)
            continue;
        if (got < 0) {
            rw_fail(err, rw_code_of_errno(saved), "%s cannot be read (%s)", path, strerror(saved));
            break;
        }
        if (out->size > max) {
            rw_fail(err, RW_EFORMAT, "%s is larger than %zu bytes", path, max);
            break;
        }
        if (got == 0) {
            *rw_buf_grow(out, 1) = 0;
            out->size--;
            status = 0;
            break;
        }
    }
    close(fd);
    return status;
}

static int write_all(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size;) {
        ssize_t put = write(fd, at, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        at += put;
        size -= (size_t)put;
    }
    return 0;
}

static int sync_parent(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (!slash)
        strcpy(parent, ".");
    else
        slash[slash == parent] = 0;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = fsync(fd);
    close(fd);
    return failed;
}

int rw_file_replace(const char *path, const void *bytes, size_t size, int durable,
                    struct rw_err *err)
{
    char fresh[PATH_MAX];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return rw_fail(err, RW_EINVAL, "the path %.60s… is too long", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    bool failed = fd < 0 || write_all(fd, bytes, size) || (durable && fsync(fd));
    int saved = errno;
    if (fd >= 0 && close(fd) && !failed) {
        failed = true;
        saved = errno;
    }
    if (!failed && (rename(fresh, path) || (durable && sync_parent(path)))) {
        failed = true;
        saved = errno;
    }
    if (!failed)
        return 0;
    unlink(fresh);
    return rw_fail(err, rw_code_of_errno(saved), "%s cannot be written (%s)", path,
                   strerror(saved));
}

/* Leaves errno at EEXIST where something else has the name. */
static bool is_folder(const char *path)
{
    struct stat st;
    bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
    errno = EEXIST;
    return folder;
}

int rw_make_path(const char *path, struct rw_err *err)
{
    char part[PATH_MAX];
    if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part)
        return rw_fail(err, RW_EINVAL, "the path %.60s… is too long", path);
    if (!*part)
        return rw_fail(err, RW_EINVAL, "a folder without a name cannot be made");
    for (char *at = part + 1;; at++) {
        char end = *at;
        if (end && end != '/')
            continue;
        *at = 0;
        if (mkdir(part, 0750) && (errno != EEXIST || !is_folder(part)))
            return rw_fail(err, rw_code_of_errno(errno), "the folder %s cannot be made (%s)", part,
                           strerror(errno));
        *at = end;
        if (!end)
            return 0;
    }
}

static int take_lock(const char *path, int how, struct rw_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s cannot be opened (%s)", path,
                       strerror(errno));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int failed;
    do
        failed = fcntl(fd, how, &lock);
    while (failed && errno == EINTR);
    if (!failed)
        return fd;
    int saved = errno;
    close(fd);
    if (saved == EAGAIN || saved == EACCES)
        return rw_fail(err, RW_EBUSY, "%s is held by another program", path);
    return rw_fail(err, rw_code_of_errno(saved), "%s cannot be locked (%s)", path, strerror(saved));
}

int rw_lock_take(const char *path, struct rw_err *err)
{
    return take_lock(path, F_OFD_SETLK, err);
}

int rw_lock_wait(const char *path, struct rw_err *err)
{
    return take_lock(path, F_OFD_SETLKW, err);
}

int rw_lock_held(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int held = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}
