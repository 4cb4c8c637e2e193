#include "base/file.h"

#include "base/disk.h"

int rw_file_read(const char *path, size_t max, struct rw_buf *out, struct rw_err *err)
{
    return rw_disk_read_file(rw_disk_system(), path, max, out, err);
}

int rw_file_replace(const char *path, const void *bytes, size_t size, int durable,
                    struct rw_err *err)
{
    return rw_disk_replace_file(rw_disk_system(), path, bytes, size, durable, err);
}

int rw_make_path(const char *path, struct rw_err *err)
{
    return rw_disk_make_path(rw_disk_system(), path, err);
}

int rw_lock_take(const char *path, struct rw_err *err)
{
    return rw_disk_lock(rw_disk_system(), path, false, err);
}

int rw_lock_held(const char *path)
{
    return rw_disk_system()->locked(NULL, path);
}
