/* The disk comes in through the front door too. Functions return what their system call returns,
 * -1 with errno on failure. Descriptors are the table's own: a real one gives the kernel's. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct rw_disk {
    void *self;
    int (*open)(void *self, const char *path, int flags, mode_t mode);
    int (*close)(void *self, int fd);
    ssize_t (*pread)(void *self, int fd, void *bytes, size_t size, int64_t offset);
    ssize_t (*pwrite)(void *self, int fd, const void *bytes, size_t size, int64_t offset);
    int (*fdatasync)(void *self, int fd);
    int (*allocate)(void *self, int fd, int64_t size); /* blocks reserved, size set */
    int64_t (*size)(void *self, int fd);
    int (*rename)(void *self, const char *from, const char *to);
    int (*unlink)(void *self, const char *path);
    int (*mkdir)(void *self, const char *path, mode_t mode);
    int (*sync_dir)(void *self, const char *path);       /* makes names in it durable */
    int64_t (*free_bytes)(void *self, const char *path); /* for an unprivileged writer */
};

/* The kernel's. Static, never freed, any thread. */
const struct rw_disk *rw_disk_system(void);

/* Whole transfers: loops over short counts and EINTR. 0, or -1 with errno (EIO at end of file). */
int rw_disk_read_full(const struct rw_disk *disk, int fd, void *bytes, size_t size, int64_t offset);
int rw_disk_write_full(const struct rw_disk *disk, int fd, const void *bytes, size_t size,
                       int64_t offset);
