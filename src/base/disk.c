#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int system_open(void *self, const char *path, int flags, mode_t mode)
{
    (void)self;
    return open(path, flags | O_CLOEXEC, mode);
}

static int system_close(void *self, int fd)
{
    (void)self;
    return close(fd);
}

static ssize_t system_pread(void *self, int fd, void *bytes, size_t size, int64_t offset)
{
    (void)self;
    return pread(fd, bytes, size, offset);
}

static ssize_t system_pwrite(void *self, int fd, const void *bytes, size_t size, int64_t offset)
{
    (void)self;
    return pwrite(fd, bytes, size, offset);
}

static int system_fdatasync(void *self, int fd)
{
    (void)self;
    return fdatasync(fd);
}

/* posix_fallocate() falls back to writing zeros where the file system has no allocation call. */
static int system_allocate(void *self, int fd, int64_t size)
{
    (void)self;
    int failed = posix_fallocate(fd, 0, size);
    if (!failed)
        return 0;
    errno = failed;
    return -1;
}

static int64_t system_size(void *self, int fd)
{
    (void)self;
    struct stat st;
    return fstat(fd, &st) ? -1 : st.st_size;
}

static int system_rename(void *self, const char *from, const char *to)
{
    (void)self;
    return rename(from, to);
}

static int system_unlink(void *self, const char *path)
{
    (void)self;
    return unlink(path);
}

static int system_mkdir(void *self, const char *path, mode_t mode)
{
    (void)self;
    return mkdir(path, mode);
}

static int system_sync_dir(void *self, const char *path)
{
    (void)self;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int failed = fsync(fd);
    int saved = errno;
    close(fd);
    errno = saved;
    return failed;
}

static int64_t system_free_bytes(void *self, const char *path)
{
    (void)self;
    struct statvfs vfs;
    if (statvfs(path, &vfs))
        return -1;
    return (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
}

const struct rw_disk *rw_disk_system(void)
{
    static const struct rw_disk disk = {
        .open = system_open,
        .close = system_close,
        .pread = system_pread,
        .pwrite = system_pwrite,
        .fdatasync = system_fdatasync,
        .allocate = system_allocate,
        .size = system_size,
        .rename = system_rename,
        .unlink = system_unlink,
        .mkdir = system_mkdir,
        .sync_dir = system_sync_dir,
        .free_bytes = system_free_bytes,
    };
    return &disk;
}

int rw_disk_read_full(const struct rw_disk *disk, int fd, void *bytes, size_t size, int64_t offset)
{
    uint8_t *at = bytes;
    while (size) {
        ssize_t got = disk->pread(disk->self, fd, at, size, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = EIO;
            return -1;
        }
        at += got;
        size -= (size_t)got;
        offset += got;
    }
    return 0;
}

int rw_disk_write_full(const struct rw_disk *disk, int fd, const void *bytes, size_t size,
                       int64_t offset)
{
    const uint8_t *at = bytes;
    while (size) {
        ssize_t put = disk->pwrite(disk->self, fd, at, size, offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            if (put == 0)
                errno = EIO;
            return -1;
        }
        at += put;
        size -= (size_t)put;
        offset += put;
    }
    return 0;
}
