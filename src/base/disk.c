#include "base/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The folder that a path's last name is in. False: the path is too long. */
static bool parent_of(const char *path, char out[PATH_MAX])
{
    if ((size_t)snprintf(out, PATH_MAX, "%s", path) >= PATH_MAX)
        return false;
    char *slash = strrchr(out, '/');
    if (!slash)
        strcpy(out, ".");
    else
        slash[slash == out] = 0;
    return true;
}

/* What root makes in the service's folder (a command while the service is stopped) is the
 * service's. */
static void give_to_owner(const char *path, int fd)
{
    char parent[PATH_MAX];
    struct stat folder, file;
    if (geteuid() != 0 || !parent_of(path, parent) || stat(parent, &folder) || fstat(fd, &file) ||
        (folder.st_uid == file.st_uid && folder.st_gid == file.st_gid))
        return;
    if (fchown(fd, folder.st_uid, folder.st_gid))
        return; /* a file system without owners */
}

static int system_open(void *self, const char *path, int flags, mode_t mode)
{
    (void)self;
    int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd >= 0 && (flags & O_CREAT))
        give_to_owner(path, fd);
    return fd;
}

static int system_close(void *self, int fd)
{
    (void)self;
    return close(fd);
}

static ssize_t system_pread(void *self, int fd, void *bytes, size_t size, int64_t offset)
{
    (void)self;
    ssize_t got = pread(fd, bytes, size, offset);
    return got < 0 && errno == ESPIPE ? read(fd, bytes, size) : got; /* "-c /dev/stdin" */
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

static int system_reserve(void *self, int fd, int64_t size)
{
    (void)self;
    return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size);
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
    if (mkdir(path, mode))
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        give_to_owner(path, fd);
        close(fd);
    }
    return 0;
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

static bool system_exists(void *self, const char *path)
{
    (void)self;
    return !access(path, F_OK);
}

static int system_list(void *self, const char *path, void (*each)(void *arg, const char *name),
                       void *arg)
{
    (void)self;
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            each(arg, entry->d_name);
        errno = 0;
    }
    int saved = errno;
    closedir(dir);
    errno = saved;
    return saved ? -1 : 0;
}

/* An open file description lock: fcntl(2). */
static int system_lock(void *self, const char *path, bool wait)
{
    int fd = system_open(self, path, O_RDWR | O_CREAT, 0640);
    if (fd < 0)
        return -1;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int failed;
    do
        failed = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    while (failed && errno == EINTR);
    if (!failed)
        return fd;
    int saved = errno == EACCES ? EAGAIN : errno;
    close(fd);
    errno = saved;
    return -1;
}

static int system_locked(void *self, const char *path)
{
    (void)self;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int held = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

static void system_want(void *self, int fd, int64_t offset, int64_t size)
{
    (void)self;
    posix_fadvise(fd, offset, size, POSIX_FADV_WILLNEED);
}

static void system_forget(void *self, int fd, int64_t offset, int64_t size)
{
    (void)self;
    posix_fadvise(fd, offset, size, POSIX_FADV_DONTNEED);
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
        .reserve = system_reserve,
        .size = system_size,
        .rename = system_rename,
        .unlink = system_unlink,
        .mkdir = system_mkdir,
        .sync_dir = system_sync_dir,
        .free_bytes = system_free_bytes,
        .exists = system_exists,
        .list = system_list,
        .lock = system_lock,
        .locked = system_locked,
        .want = system_want,
        .forget = system_forget,
    };
    return &disk;
}

void rw_disk_identify(const char *path, char out[RW_DISK_ID_SIZE])
{
    struct statfs fs;
    uint32_t id[2];
    *out = 0;
    if (statfs(path, &fs))
        return;
    _Static_assert(sizeof id == sizeof fs.f_fsid, "statfs(2): f_fsid is two words");
    memcpy(id, &fs.f_fsid, sizeof id);
    snprintf(out, RW_DISK_ID_SIZE, "%lx-%08x%08x", (unsigned long)fs.f_type, id[0], id[1]);
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

int rw_disk_read_file(const struct rw_disk *disk, const char *path, size_t max, struct rw_buf *out,
                      struct rw_err *err)
{
    rw_buf_clear(out);
    int fd = disk->open(disk->self, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return rw_fail(err, rw_code_of_errno(errno), "%s cannot be read (%s)", path,
                       strerror(errno));
    int status = -1;
    for (;;) {
        uint8_t *at = rw_buf_grow(out, 4096);
        ssize_t got = disk->pread(disk->self, fd, at, 4096, (int64_t)out->size - 4096);
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
    disk->close(disk->self, fd);
    return status;
}

int rw_disk_replace_file(const struct rw_disk *disk, const char *path, const void *bytes,
                         size_t size, bool durable, struct rw_err *err)
{
    char fresh[PATH_MAX], parent[PATH_MAX];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh ||
        !parent_of(path, parent))
        return rw_fail(err, RW_EINVAL, "the path %.60s… is too long", path);
    int fd = disk->open(disk->self, fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    bool failed = fd < 0 || rw_disk_write_full(disk, fd, bytes, size, 0) ||
                  (durable && disk->fdatasync(disk->self, fd));
    int saved = errno;
    if (fd >= 0 && disk->close(disk->self, fd) && !failed) {
        failed = true;
        saved = errno;
    }
    if (!failed && (disk->rename(disk->self, fresh, path) ||
                    (durable && disk->sync_dir(disk->self, parent)))) {
        failed = true;
        saved = errno;
    }
    if (!failed)
        return 0;
    disk->unlink(disk->self, fresh);
    return rw_fail(err, rw_code_of_errno(saved), "%s cannot be written (%s)", path,
                   strerror(saved));
}

int rw_disk_patch(const struct rw_disk *disk, const char *path, const void *bytes, size_t size,
                  int64_t offset, struct rw_err *err)
{
    int fd = disk->open(disk->self, path, O_RDWR, 0);
    int failed = fd < 0 || rw_disk_write_full(disk, fd, bytes, size, offset);
    if (failed)
        rw_fail(err, rw_code_of_errno(errno), "the disk refused a write to %s (%s)", path,
                strerror(errno));
    if (fd >= 0)
        disk->close(disk->self, fd);
    return failed ? -1 : 0;
}

int rw_disk_write_zeros(const struct rw_disk *disk, int fd, int64_t from, int64_t to)
{
    enum { PIECE = 1 << 18 };
    uint8_t *zeros = calloc(1, PIECE);
    if (!zeros)
        abort();
    if (to < 0)
        to = disk->size(disk->self, fd);
    int failed = to < 0;
    for (int64_t at = from; at < to && !failed; at += PIECE) {
        size_t part = to - at < PIECE ? (size_t)(to - at) : PIECE;
        failed = rw_disk_write_full(disk, fd, zeros, part, at);
    }
    free(zeros);
    return failed ? -1 : 0;
}

int rw_disk_zero(const struct rw_disk *disk, const char *path, int64_t from, int64_t to,
                 struct rw_err *err)
{
    int fd = disk->open(disk->self, path, O_RDWR, 0);
    int failed =
        fd < 0 || rw_disk_write_zeros(disk, fd, from, to) || disk->fdatasync(disk->self, fd);
    if (failed)
        rw_fail(err, rw_code_of_errno(errno), "the disk refused zeroing %s (%s)", path,
                strerror(errno));
    if (fd >= 0)
        disk->close(disk->self, fd);
    return failed ? -1 : 0;
}

int rw_disk_make_path(const struct rw_disk *disk, const char *path, struct rw_err *err)
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
        /* a slash behind the name: only a folder exists under it */
        char folder[PATH_MAX + 1], parent[PATH_MAX];
        snprintf(folder, sizeof folder, "%s/", part);
        bool made = !disk->mkdir(disk->self, part, 0750);
        int saved = errno;
        /* the last one also where it is there: a killed program may have made it just now */
        int synced =
            (made || !end) && parent_of(part, parent) ? disk->sync_dir(disk->self, parent) : 0;
        errno = made ? errno : saved;
        if ((made && synced) || (!made && (errno != EEXIST || !disk->exists(disk->self, folder))))
            return rw_fail(err, rw_code_of_errno(errno), "the folder %s cannot be made (%s)", part,
                           strerror(errno == ENOTDIR ? EEXIST : errno));
        *at = end;
        if (!end)
            return 0;
    }
}

int rw_disk_lock(const struct rw_disk *disk, const char *path, bool wait, struct rw_err *err)
{
    int fd = disk->lock(disk->self, path, wait);
    if (fd >= 0)
        return fd;
    if (errno == EAGAIN)
        return rw_fail(err, RW_EBUSY, "%s is held by another program", path);
    return rw_fail(err, rw_code_of_errno(errno), "%s cannot be opened (%s)", path, strerror(errno));
}
