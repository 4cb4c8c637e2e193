/* SQLite on the simulated disk: what its unix VFS does, with files, locks and the wal-index in
 * memory. https://www.sqlite.org/vfs.html */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_parts.h"

struct sim_shm {
    int refs; /* handles */
    int count;
    void **regions; /* owned */
};

static struct sim_handle *handle_of(sqlite3_file *file)
{
    return (struct sim_handle *)(void *)file;
}

static bool alive(const struct sim_handle *handle)
{
    return handle->inode && !handle->disk->dead;
}

static int code_of_errno(int otherwise)
{
    return errno == ENOSPC ? SQLITE_FULL : otherwise;
}

/* --- bytes --- */

static int file_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    struct sim_handle *handle = handle_of(file);
    if (!alive(handle) || sim_gate(handle->disk, SIM_READ, handle->path) == SIM_REFUSED)
        return SQLITE_IOERR_READ;
    ssize_t got = sim_inode_read(handle->inode, bytes, (size_t)size, offset);
    if (got == size)
        return SQLITE_OK;
    memset((uint8_t *)bytes + got, 0, (size_t)(size - got));
    return SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct sim_handle *handle = handle_of(file);
    if (!alive(handle) ||
        sim_write(handle->disk, handle->inode, handle->path, bytes, (size_t)size, offset))
        return code_of_errno(SQLITE_IOERR_WRITE);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct sim_handle *handle = handle_of(file);
    return alive(handle) && !sim_truncate(handle->disk, handle->inode, handle->path, size)
               ? SQLITE_OK
               : SQLITE_IOERR_TRUNCATE;
}

/* The first sync of a journal or WAL that SQLite may have made syncs its folder too, and does not
 * ask how that went. */
static int file_sync(sqlite3_file *file, int flags)
{
    struct sim_handle *handle = handle_of(file);
    (void)flags;
    if (!alive(handle) || sim_sync(handle->disk, handle->inode, handle->path))
        return SQLITE_IOERR_FSYNC;
    if (!handle->sync_folder)
        return SQLITE_OK;
    handle->sync_folder = false;
    sim_sync_parent(handle->disk, handle->path);
    return handle->disk->dead ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct sim_handle *handle = handle_of(file);
    if (!alive(handle))
        return SQLITE_IOERR_FSTAT;
    *size = handle->inode->now.size;
    return SQLITE_OK;
}

/* --- locks on the file --- */

static int highest_of_others(const struct sim_handle *handle)
{
    int highest = SQLITE_LOCK_NONE;
    for (const struct sim_handle *other = handle->disk->handles; other; other = other->next)
        if (other != handle && other->inode == handle->inode && other->level > highest)
            highest = other->level;
    return highest;
}

static int file_lock(sqlite3_file *file, int level)
{
    struct sim_handle *handle = handle_of(file);
    if (!alive(handle))
        return SQLITE_IOERR_LOCK;
    if (handle->level >= level)
        return SQLITE_OK;
    int others = highest_of_others(handle);
    if (others >= SQLITE_LOCK_PENDING ||
        (level > SQLITE_LOCK_SHARED && others >= SQLITE_LOCK_RESERVED))
        return SQLITE_BUSY;
    if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
        handle->level = SQLITE_LOCK_PENDING;
        return SQLITE_BUSY;
    }
    handle->level = level;
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int level)
{
    struct sim_handle *handle = handle_of(file);
    if (handle->level > level)
        handle->level = level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *file, int *result)
{
    struct sim_handle *handle = handle_of(file);
    *result = alive(handle) && (handle->level >= SQLITE_LOCK_RESERVED ||
                                highest_of_others(handle) >= SQLITE_LOCK_RESERVED);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int operation, void *arg)
{
    struct sim_handle *handle = handle_of(file);
    if (operation != SQLITE_FCNTL_PERSIST_WAL)
        return operation == SQLITE_FCNTL_SIZE_HINT ? SQLITE_OK : SQLITE_NOTFOUND;
    int *persist = arg;
    if (*persist < 0)
        *persist = handle->persist_wal;
    else
        handle->persist_wal = *persist;
    return SQLITE_OK;
}

static int file_sector(sqlite3_file *file)
{
    (void)file;
    return 4096;
}

static int file_device(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* --- the wal-index --- */

static void shm_unref(struct sim_handle *handle)
{
    struct sim_shm *shm = handle->shm;
    handle->shm = NULL;
    handle->shm_shared = handle->shm_exclusive = 0;
    if (!shm || --shm->refs)
        return;
    if (handle->inode && handle->inode->shm == shm)
        handle->inode->shm = NULL;
    for (int i = 0; i < shm->count; i++)
        free(shm->regions[i]);
    free(shm->regions);
    free(shm);
}

static void shm_ref(struct sim_handle *handle)
{
    if (!handle->inode->shm)
        handle->inode->shm = calloc(1, sizeof *handle->inode->shm);
    if (!handle->inode->shm)
        abort();
    handle->shm = handle->inode->shm;
    handle->shm->refs++;
}

static void shm_grow(struct sim_shm *shm, int count, int size)
{
    shm->regions = realloc(shm->regions, (size_t)count * sizeof *shm->regions);
    if (!shm->regions)
        abort();
    while (shm->count < count)
        if (!(shm->regions[shm->count++] = calloc(1, (size_t)size)))
            abort();
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    struct sim_handle *handle = handle_of(file);
    *out = NULL;
    if (!alive(handle))
        return SQLITE_IOERR_SHMMAP;
    if (!handle->shm)
        shm_ref(handle);
    if (region >= handle->shm->count && extend)
        shm_grow(handle->shm, region + 1, size);
    if (region < handle->shm->count)
        *out = handle->shm->regions[region];
    return SQLITE_OK;
}

static bool others_hold(const struct sim_handle *handle, unsigned mask, bool shared_too)
{
    for (const struct sim_handle *other = handle->disk->handles; other; other = other->next)
        if (other != handle && other->shm == handle->shm &&
            (other->shm_exclusive & mask || (shared_too && other->shm_shared & mask)))
            return true;
    return false;
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    struct sim_handle *handle = handle_of(file);
    unsigned mask = (1u << (offset + count)) - (1u << offset);
    bool shared = flags & SQLITE_SHM_SHARED;
    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shm_shared &= ~mask;
        handle->shm_exclusive &= ~mask;
        return SQLITE_OK;
    }
    if (!alive(handle) || !handle->shm)
        return SQLITE_IOERR_SHMLOCK;
    if (others_hold(handle, mask, !shared))
        return SQLITE_BUSY;
    if (shared)
        handle->shm_shared |= mask;
    else
        handle->shm_exclusive |= mask;
    return SQLITE_OK;
}

static void file_shm_barrier(sqlite3_file *file)
{
    (void)file;
    atomic_thread_fence(memory_order_seq_cst);
}

static int file_shm_unmap(sqlite3_file *file, int and_delete)
{
    (void)and_delete;
    shm_unref(handle_of(file));
    return SQLITE_OK;
}

/* --- open and close --- */

static void let_go(struct sim_handle *handle)
{
    if (!handle->inode)
        return;
    handle->inode->opens--;
    sim_inode_unref(handle->disk, handle->inode);
    handle->inode = NULL;
    handle->level = SQLITE_LOCK_NONE;
}

static int file_close(sqlite3_file *file)
{
    struct sim_handle *handle = handle_of(file);
    struct sim_disk *disk = handle->disk;
    shm_unref(handle);
    if (handle->passing && alive(handle))
        sim_remove(disk, handle->path);
    let_go(handle);
    if (handle->previous)
        handle->previous->next = handle->next;
    else
        disk->handles = handle->next;
    if (handle->next)
        handle->next->previous = handle->previous;
    return SQLITE_OK;
}

void sim_vfs_die(struct sim_disk *disk)
{
    for (struct sim_handle *handle = disk->handles; handle; handle = handle->next) {
        if (handle->inode)
            handle->inode->shm = NULL;
        let_go(handle);
    }
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* One reference. A file without a name is SQLite's own for a while. */
static struct sim_inode *find_or_create(struct sim_disk *disk, const char *name, int flags)
{
    if (disk->dead)
        return NULL;
    if (!name)
        return sim_inode_create(disk, false);
    struct sim_inode *inode = sim_find(disk, name);
    if (inode)
        return inode->folder ? NULL : sim_inode_ref(inode);
    return flags & SQLITE_OPEN_CREATE ? sim_create_file(disk, name) : NULL;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    struct sim_disk *disk = vfs->pAppData;
    struct sim_handle *handle = handle_of(file);
    memset(handle, 0, sizeof *handle);
    struct sim_inode *inode = find_or_create(disk, name, flags);
    if (!inode)
        return SQLITE_CANTOPEN;
    int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    *handle = (struct sim_handle){.base.pMethods = &methods,
                                  .next = disk->handles,
                                  .disk = disk,
                                  .inode = inode,
                                  .read_only = disk->read_only || flags & SQLITE_OPEN_READONLY,
                                  .sync_folder = flags & SQLITE_OPEN_CREATE && flags & journals,
                                  .passing = name && flags & SQLITE_OPEN_DELETEONCLOSE};
    snprintf(handle->path, sizeof handle->path, "%s", name ? name : "");
    inode->opens++;
    if (handle->next)
        handle->next->previous = handle;
    disk->handles = handle;
    if (out_flags)
        *out_flags = handle->read_only ? (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
                                             SQLITE_OPEN_READONLY
                                       : flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct sim_disk *disk = vfs->pAppData;
    if (disk->dead)
        return SQLITE_IOERR_DELETE;
    if (sim_remove(disk, name))
        return errno == ENOENT ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
    return sync && sim_sync_parent(disk, name) ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

/* An empty file is none, as for the unix VFS. */
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    struct sim_disk *disk = vfs->pAppData;
    if (disk->dead)
        return SQLITE_IOERR_ACCESS;
    const struct sim_inode *inode = sim_find(disk, name);
    *result = inode && (flags != SQLITE_ACCESS_EXISTS || inode->folder || inode->now.size > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int size, char *out)
{
    struct sim_disk *disk = vfs->pAppData;
    for (int i = 0; i < size; i++)
        out[i] = (char)sim_random_next(&disk->random);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us; /* nobody else will go on meanwhile */
}

static int vfs_time_us(sqlite3_vfs *vfs, sqlite3_int64 *ms)
{
    (void)vfs;
    *ms = INT64_C(212656665600000); /* somewhere in 2026, in Julian milliseconds */
    return SQLITE_OK;
}

static int vfs_time(sqlite3_vfs *vfs, double *days)
{
    sqlite3_int64 ms;
    vfs_time_us(vfs, &ms);
    *days = (double)ms / 86400000.0;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    (void)size;
    (void)out;
    return errno;
}

void sim_vfs_register(struct sim_disk *disk)
{
    snprintf(disk->vfs_name, sizeof disk->vfs_name, "sim-%p", (void *)disk);
    disk->vfs = (sqlite3_vfs){.iVersion = 2,
                              .szOsFile = sizeof(struct sim_handle),
                              .mxPathname = SIM_PATH_SIZE - 1,
                              .zName = disk->vfs_name,
                              .pAppData = disk,
                              .xOpen = vfs_open,
                              .xDelete = vfs_delete,
                              .xAccess = vfs_access,
                              .xFullPathname = vfs_full_path,
                              .xRandomness = vfs_random,
                              .xSleep = vfs_sleep,
                              .xCurrentTime = vfs_time,
                              .xGetLastError = vfs_error,
                              .xCurrentTimeInt64 = vfs_time_us};
    if (sqlite3_vfs_register(&disk->vfs, 0) != SQLITE_OK)
        abort();
}

void sim_vfs_unregister(struct sim_disk *disk)
{
    if (disk->handles)
        abort(); /* a connection is open */
    sqlite3_vfs_unregister(&disk->vfs);
}
