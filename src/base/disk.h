/* The disk comes in through the front door too. Functions return what their system call returns,
 * -1 with errno on failure. Descriptors are the table's own: a real one gives the kernel's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct rw_disk {
    void *self;
    const char *vfs; /* name of the SQLite VFS whose files are on this disk; NULL: the system's */
    /* O_CREAT as root gives the new file to its folder's owner. */
    int (*open)(void *self, const char *path, int flags, mode_t mode);
    int (*close)(void *self, int fd);
    ssize_t (*pread)(void *self, int fd, void *bytes, size_t size, int64_t offset);
    ssize_t (*pwrite)(void *self, int fd, const void *bytes, size_t size, int64_t offset);
    int (*fdatasync)(void *self, int fd);
    int (*allocate)(void *self, int fd, int64_t size); /* blocks reserved, size set */
    int (*reserve)(void *self, int fd, int64_t size);  /* blocks up to size, the size stays */
    int64_t (*size)(void *self, int fd);
    int (*rename)(void *self, const char *from, const char *to);
    int (*unlink)(void *self, const char *path);
    int (*mkdir)(void *self, const char *path, mode_t mode);
    int (*sync_dir)(void *self, const char *path);       /* makes names in it durable */
    int64_t (*free_bytes)(void *self, const char *path); /* for an unprivileged writer */
    bool (*exists)(void *self, const char *path);        /* opens nothing */
    /* Calls each for every name in the folder but "." and "..", in any order. */
    int (*list)(void *self, const char *path, void (*each)(void *arg, const char *name), void *arg);
    /* An advisory lock that dies with the process, on a file that is made where it is missing.
     * The descriptor unlocks when closed. wait: for its turn. Else -1, EAGAIN: somebody holds it.
     */
    int (*lock)(void *self, const char *path, bool wait);
    /* These bytes will be read soon: the disk may begin with it. NULL: no need. */
    void (*want)(void *self, int fd, int64_t offset, int64_t size);
    /* Drops what memory holds of these bytes (size 0: to the end) and need not write any more, so
     * that reading them reads the disk. NULL: no need. */
    void (*forget)(void *self, int fd, int64_t offset, int64_t size);
    int (*locked)(void *self, const char *path); /* 1: somebody holds it, 0: nobody, or no file */
};

/* The kernel's. Static, never freed, any thread. */
const struct rw_disk *rw_disk_system(void);

enum { RW_DISK_ID_SIZE = 40 };
/* Which file system a path is on, in a word that stays the same when it is mounted again; "" where
 * that cannot be told. */
void rw_disk_identify(const char *path, char out[RW_DISK_ID_SIZE]);

/* The environment variable that tells a service's processes which file system the storage was on
 * when the service began: a camera that starts again does not begin to record on another disk that
 * was plugged in meanwhile, nor into the empty folder that a disk leaves behind. */
#define RW_DISK_OF_START "ROADWATCH_DISK"

/* Whole transfers: loops over short counts and EINTR. 0, or -1 with errno (EIO at end of file). */
int rw_disk_read_full(const struct rw_disk *disk, int fd, void *bytes, size_t size, int64_t offset);
int rw_disk_write_full(const struct rw_disk *disk, int fd, const void *bytes, size_t size,
                       int64_t offset);

/* A whole small file of at most max bytes; a NUL stands behind them. RW_ENOTFOUND: no such file. */
int rw_disk_read_file(const struct rw_disk *disk, const char *path, size_t max, struct rw_buf *out,
                      struct rw_err *err);
/* Writes path.new and renames it: a reader sees the old file or the new one. durable: synced. */
int rw_disk_replace_file(const struct rw_disk *disk, const char *path, const void *bytes,
                         size_t size, bool durable, struct rw_err *err);
/* Overwrites some bytes of a file that is there; not synced. */
int rw_disk_patch(const struct rw_disk *disk, const char *path, const void *bytes, size_t size,
                  int64_t offset, struct rw_err *err);
/* Overwrites [from, to) of a file that is there with zeros and syncs it. to -1: to its end. */
int rw_disk_zero(const struct rw_disk *disk, const char *path, int64_t from, int64_t to,
                 struct rw_err *err);
/* The same of a descriptor, not synced. */
int rw_disk_write_zeros(const struct rw_disk *disk, int fd, int64_t from, int64_t to);
int rw_disk_make_path(const struct rw_disk *disk, const char *path, struct rw_err *err); /* -p */
/* The lock above in words: RW_EBUSY when somebody holds it. */
int rw_disk_lock(const struct rw_disk *disk, const char *path, bool wait, struct rw_err *err);
