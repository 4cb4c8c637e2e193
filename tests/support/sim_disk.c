#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_parts.h"

enum { FD_BASE = 16, FD_SLOTS = 1 << 12 };

/* --- the gate: what becomes of an operation --- */

static bool same_kind(const struct sim_fault *fault, enum sim_operation operation, const char *path)
{
    return fault->operation == operation && !strncmp(path, fault->prefix, strlen(fault->prefix));
}

/* The fault that strikes this operation, or NULL. */
static const struct sim_fault *strike(struct sim_disk *disk, enum sim_operation operation,
                                      const char *path)
{
    const struct sim_fault *found = NULL;
    for (int i = 0; i < disk->fault_count && !found; i++) {
        struct sim_fault *fault = &disk->faults[i];
        if (!same_kind(fault, operation, path) || fault->times < 0)
            continue;
        if (fault->after > 0) {
            fault->after--;
            continue;
        }
        if (fault->times && !--fault->times)
            fault->times = -1; /* spent */
        found = fault;
    }
    disk->faults_seen += found != NULL;
    return found;
}

static enum sim_fate refuse(int error)
{
    errno = error;
    return SIM_REFUSED;
}

static void end(struct sim_disk *disk, bool killed)
{
    if (disk->dead)
        return;
    disk->dead = true;
    disk->killed = killed;
    disk->end_at = 0;
}

enum sim_fate sim_gate(struct sim_disk *disk, enum sim_operation operation, const char *path)
{
    if (disk->dead)
        return refuse(EIO);
    bool last = operation != SIM_READ && ++disk->operations == disk->end_at;
    if (disk->read_only && operation != SIM_READ) {
        if (last)
            end(disk, disk->end_kills);
        return refuse(last ? EIO : EROFS);
    }
    const struct sim_fault *fault = strike(disk, operation, path);
    if (last)
        return SIM_LAST;
    if (!fault)
        return SIM_GO;
    return fault->error ? refuse(fault->error) : SIM_MISLED;
}

int sim_done(struct sim_disk *disk, enum sim_fate fate, int result)
{
    if (fate != SIM_LAST)
        return result;
    end(disk, disk->end_kills);
    errno = EIO;
    return -1;
}

/* --- steps that the table and SQLite share --- */

static struct sim_inode *create(struct sim_disk *disk, const char *path, bool folder)
{
    char name[SIM_NAME_SIZE];
    struct sim_inode *parent = sim_find_folder(disk, path, name);
    if (!parent)
        return NULL;
    enum sim_fate fate = sim_gate(disk, SIM_NAME, path);
    if (fate == SIM_REFUSED)
        return NULL;
    int inodes = 0;
    for (const struct sim_inode *inode = disk->inodes; inode; inode = inode->next)
        inodes += inode->links || inode->opens;
    if (disk->inode_limit && inodes >= disk->inode_limit) {
        errno = ENOSPC;
        sim_done(disk, fate, -1);
        return NULL;
    }
    struct sim_inode *inode = sim_inode_create(disk, folder);
    sim_link(disk, parent, name, inode);
    if (!sim_done(disk, fate, 0))
        return inode;
    sim_inode_unref(disk, inode);
    return NULL;
}

struct sim_inode *sim_create_file(struct sim_disk *disk, const char *path)
{
    return create(disk, path, false);
}

/* Another file of the folder, or the file itself. */
static struct sim_inode *somewhere_else(struct sim_disk *disk, struct sim_inode *inode,
                                        const char *path)
{
    char name[SIM_NAME_SIZE];
    struct sim_inode *folder = sim_find_folder(disk, path, name);
    if (!folder || sim_random_chance(&disk->random, 1, 2))
        return inode;
    struct sim_inode *other =
        folder->names.list[sim_random_below(&disk->random, folder->names.count)].inode;
    return other->folder ? inode : other;
}

static int write_elsewhere(struct sim_disk *disk, struct sim_inode *inode, const char *path,
                           const void *bytes, size_t size)
{
    struct sim_inode *victim = somewhere_else(disk, inode, path);
    int64_t sectors = (victim->now.size - (int64_t)size) / SIM_SECTOR;
    if (sectors <= 0)
        return 0; /* it is nowhere */
    int64_t at = sim_random_below(&disk->random, sectors) * SIM_SECTOR;
    return sim_inode_write(disk, victim, bytes, size, at);
}

int sim_write(struct sim_disk *disk, struct sim_inode *inode, const char *path, const void *bytes,
              size_t size, int64_t offset)
{
    enum sim_fate fate = sim_gate(disk, SIM_WRITE, path);
    if (fate == SIM_REFUSED)
        return -1;
    int failed = fate == SIM_MISLED ? write_elsewhere(disk, inode, path, bytes, size)
                                    : sim_inode_write(disk, inode, bytes, size, offset);
    return sim_done(disk, fate, failed);
}

int sim_truncate(struct sim_disk *disk, struct sim_inode *inode, const char *path, int64_t size)
{
    enum sim_fate fate = sim_gate(disk, SIM_WRITE, path);
    if (fate == SIM_REFUSED)
        return -1;
    return sim_done(disk, fate, sim_inode_resize(disk, inode, size));
}

int sim_sync(struct sim_disk *disk, struct sim_inode *inode, const char *path)
{
    bool alive = !disk->dead && !disk->read_only;
    enum sim_fate fate = sim_gate(disk, SIM_SYNC, path);
    if (fate == SIM_REFUSED && alive) {
        int saved = errno;
        sim_inode_fail_sync(disk, inode);
        errno = saved;
    }
    if (fate == SIM_REFUSED)
        return -1;
    if (fate == SIM_GO)
        sim_inode_sync(inode);
    return sim_done(disk, fate, 0);
}

static int sync_folder(struct sim_disk *disk, struct sim_inode *folder, const char *path)
{
    enum sim_fate fate = sim_gate(disk, SIM_SYNC, path);
    if (fate == SIM_REFUSED)
        return -1;
    if (fate == SIM_GO)
        sim_sync_folder(disk, folder);
    return sim_done(disk, fate, 0);
}

int sim_sync_parent(struct sim_disk *disk, const char *path)
{
    char name[SIM_NAME_SIZE];
    struct sim_inode *folder = sim_find_folder(disk, path, name);
    return folder ? sync_folder(disk, folder, path) : -1;
}

int sim_remove(struct sim_disk *disk, const char *path)
{
    char name[SIM_NAME_SIZE];
    struct sim_inode *folder = sim_find_folder(disk, path, name);
    struct sim_inode *inode = folder ? sim_names_get(&folder->names, name) : NULL;
    if (!inode || inode->folder) {
        errno = inode ? EISDIR : ENOENT;
        return -1;
    }
    enum sim_fate fate = sim_gate(disk, SIM_NAME, path);
    if (fate == SIM_REFUSED)
        return -1;
    sim_unlink(disk, folder, name);
    return sim_done(disk, fate, 0);
}

/* --- descriptors --- */

static struct sim_open *open_of(struct sim_disk *disk, int fd)
{
    int slot = (fd - FD_BASE) % FD_SLOTS;
    if (disk->dead) {
        errno = EIO;
        return NULL;
    }
    if (fd >= FD_BASE && (fd - FD_BASE) / FD_SLOTS == disk->power && slot < disk->open_count &&
        disk->opens[slot].inode)
        return &disk->opens[slot];
    errno = EBADF;
    return NULL;
}

/* Takes a reference of its own. */
static int give_fd(struct sim_disk *disk, struct sim_inode *inode, const char *path, bool writable)
{
    int slot = 0;
    while (slot < disk->open_count && disk->opens[slot].inode)
        slot++;
    if (slot == disk->open_count) {
        disk->opens = realloc(disk->opens, (size_t)(slot + 1) * sizeof *disk->opens);
        if (!disk->opens)
            abort();
        disk->open_count++;
    }
    disk->opens[slot] = (struct sim_open){.inode = sim_inode_ref(inode), .writable = writable};
    inode->opens++;
    snprintf(disk->opens[slot].path, SIM_PATH_SIZE, "%s", path);
    return FD_BASE + disk->power * FD_SLOTS + slot;
}

static void close_slot(struct sim_disk *disk, struct sim_open *open)
{
    if (!open->inode)
        return;
    if (open->holds_lock)
        open->inode->locked = false;
    open->inode->opens--;
    sim_inode_unref(disk, open->inode);
    open->inode = NULL;
}

/* --- the table --- */

static int open_inode(struct sim_disk *disk, struct sim_inode *inode, const char *path, int flags)
{
    bool writable = (flags & O_ACCMODE) != O_RDONLY;
    if (inode->folder && writable)
        errno = EISDIR;
    else if (disk->read_only && writable)
        errno = EROFS;
    else if (!(flags & O_TRUNC) || !inode->now.size || !sim_truncate(disk, inode, path, 0))
        return give_fd(disk, inode, path, writable);
    return -1;
}

static int table_open(void *self, const char *path, int flags, mode_t mode)
{
    struct sim_disk *disk = self;
    (void)mode;
    if (disk->dead) {
        errno = EIO;
        return -1;
    }
    struct sim_inode *inode = sim_find(disk, path);
    if (inode && (flags & O_CREAT) && (flags & O_EXCL)) {
        errno = EEXIST;
        return -1;
    }
    if (inode || errno != ENOENT || !(flags & O_CREAT))
        return inode ? open_inode(disk, inode, path, flags) : -1;
    inode = sim_create_file(disk, path);
    int fd = inode ? give_fd(disk, inode, path, true) : -1;
    sim_inode_unref(disk, inode);
    return fd;
}

static int table_close(void *self, int fd)
{
    struct sim_disk *disk = self;
    struct sim_open *open = open_of(disk, fd);
    if (!open)
        return -1;
    close_slot(disk, open);
    return 0;
}

static ssize_t table_pread(void *self, int fd, void *bytes, size_t size, int64_t offset)
{
    struct sim_disk *disk = self;
    const struct sim_open *open = open_of(disk, fd);
    if (!open || sim_gate(disk, SIM_READ, open->path) == SIM_REFUSED)
        return -1;
    return sim_inode_read(open->inode, bytes, size, offset);
}

static struct sim_open *writable_of(struct sim_disk *disk, int fd)
{
    struct sim_open *open = open_of(disk, fd);
    if (open && open->writable)
        return open;
    if (open)
        errno = EBADF;
    return NULL;
}

static ssize_t table_pwrite(void *self, int fd, const void *bytes, size_t size, int64_t offset)
{
    struct sim_disk *disk = self;
    const struct sim_open *open = writable_of(disk, fd);
    if (!open || sim_write(disk, open->inode, open->path, bytes, size, offset))
        return -1;
    return (ssize_t)size;
}

static int table_fdatasync(void *self, int fd)
{
    struct sim_disk *disk = self;
    const struct sim_open *open = open_of(disk, fd);
    return open ? sim_sync(disk, open->inode, open->path) : -1;
}

static int take_blocks(struct sim_disk *disk, int fd, int64_t size, bool and_size)
{
    const struct sim_open *open = writable_of(disk, fd);
    enum sim_fate fate = open ? sim_gate(disk, SIM_ALLOCATE, open->path) : SIM_REFUSED;
    if (fate == SIM_REFUSED)
        return -1;
    int failed = sim_inode_reserve(disk, open->inode, size);
    if (!failed && and_size && size > open->inode->now.size)
        failed = sim_inode_resize(disk, open->inode, size);
    return sim_done(disk, fate, failed);
}

static int table_allocate(void *self, int fd, int64_t size)
{
    return take_blocks(self, fd, size, true);
}

static int table_reserve(void *self, int fd, int64_t size)
{
    return take_blocks(self, fd, size, false);
}

static int64_t table_size(void *self, int fd)
{
    const struct sim_open *open = open_of(self, fd);
    return open ? open->inode->now.size : -1;
}

static int table_rename(void *self, const char *from, const char *to)
{
    struct sim_disk *disk = self;
    char from_name[SIM_NAME_SIZE], to_name[SIM_NAME_SIZE];
    struct sim_inode *from_dir = disk->dead ? NULL : sim_find_folder(disk, from, from_name);
    struct sim_inode *to_dir = from_dir ? sim_find_folder(disk, to, to_name) : NULL;
    if (disk->dead)
        errno = EIO;
    if (!to_dir)
        return -1;
    if (!sim_names_get(&from_dir->names, from_name)) {
        errno = ENOENT;
        return -1;
    }
    enum sim_fate fate = sim_gate(disk, SIM_NAME, from);
    if (fate == SIM_REFUSED)
        return -1;
    sim_rename(disk, from_dir, from_name, to_dir, to_name);
    return sim_done(disk, fate, 0);
}

static int table_unlink(void *self, const char *path)
{
    struct sim_disk *disk = self;
    if (!disk->dead)
        return sim_remove(disk, path);
    errno = EIO;
    return -1;
}

static int table_mkdir(void *self, const char *path, mode_t mode)
{
    struct sim_disk *disk = self;
    (void)mode;
    if (disk->dead || sim_find(disk, path)) {
        errno = disk->dead ? EIO : EEXIST;
        return -1;
    }
    struct sim_inode *inode = create(disk, path, true);
    sim_inode_unref(disk, inode);
    return inode ? 0 : -1;
}

static struct sim_inode *folder_of(struct sim_disk *disk, const char *path)
{
    struct sim_inode *folder = disk->dead ? NULL : sim_find(disk, path);
    if (folder && folder->folder)
        return folder;
    if (disk->dead || folder)
        errno = disk->dead ? EIO : ENOTDIR;
    return NULL;
}

static int table_sync_dir(void *self, const char *path)
{
    struct sim_disk *disk = self;
    struct sim_inode *folder = folder_of(disk, path);
    return folder ? sync_folder(disk, folder, path) : -1;
}

static int64_t table_free_bytes(void *self, const char *path)
{
    struct sim_disk *disk = self;
    if (disk->dead || !sim_find(disk, path))
        return -1;
    int64_t left = disk->capacity - sim_disk_used(disk);
    return left > 0 ? left : 0;
}

static bool table_exists(void *self, const char *path)
{
    struct sim_disk *disk = self;
    return !disk->dead && sim_find(disk, path);
}

/* The caller may change the folder while it is told of it. */
static int table_list(void *self, const char *path, void (*each)(void *arg, const char *name),
                      void *arg)
{
    struct sim_disk *disk = self;
    const struct sim_inode *folder = folder_of(disk, path);
    if (!folder || sim_gate(disk, SIM_READ, path) == SIM_REFUSED)
        return -1;
    int count = folder->names.count;
    struct sim_name *names = calloc((size_t)count + 1, sizeof *names);
    if (!names)
        abort();
    if (count)
        memcpy(names, folder->names.list, (size_t)count * sizeof *names);
    for (int i = 0; i < count; i++)
        each(arg, names[i].name);
    free(names);
    return 0;
}

static int table_lock(void *self, const char *path, bool wait)
{
    struct sim_disk *disk = self;
    int fd = table_open(self, path, O_RDWR | O_CREAT, 0640);
    if (fd < 0)
        return -1;
    struct sim_open *open = open_of(disk, fd);
    if (open->inode->locked) {
        close_slot(disk, open);
        errno = wait ? EDEADLK : EAGAIN; /* there is one thread */
        return -1;
    }
    open->inode->locked = open->holds_lock = true;
    return fd;
}

static int table_locked(void *self, const char *path)
{
    struct sim_disk *disk = self;
    const struct sim_inode *inode = disk->dead ? NULL : sim_find(disk, path);
    return inode && inode->locked;
}

static void table_forget(void *self, int fd, int64_t offset, int64_t size)
{
    struct sim_disk *disk = self;
    const struct sim_open *open = open_of(disk, fd);
    if (open)
        sim_inode_forget(open->inode, offset, size);
}

static const struct rw_disk functions = {
    .open = table_open,
    .close = table_close,
    .pread = table_pread,
    .pwrite = table_pwrite,
    .fdatasync = table_fdatasync,
    .allocate = table_allocate,
    .reserve = table_reserve,
    .size = table_size,
    .rename = table_rename,
    .unlink = table_unlink,
    .mkdir = table_mkdir,
    .sync_dir = table_sync_dir,
    .free_bytes = table_free_bytes,
    .exists = table_exists,
    .list = table_list,
    .lock = table_lock,
    .locked = table_locked,
    .forget = table_forget,
};

/* --- the disk itself --- */

struct sim_disk *sim_disk_create(uint64_t seed)
{
    struct sim_disk *disk = calloc(1, sizeof *disk);
    if (!disk)
        abort();
    disk->random.state = seed;
    disk->capacity = INT64_C(1) << 30;
    disk->root = sim_inode_create(disk, true);
    disk->root->links = 1;
    sim_vfs_register(disk);
    disk->table = functions;
    disk->table.self = disk;
    disk->table.vfs = disk->vfs_name;
    return disk;
}

static void close_all(struct sim_disk *disk)
{
    for (int i = 0; i < disk->open_count; i++)
        close_slot(disk, &disk->opens[i]);
    sim_vfs_die(disk);
}

void sim_disk_destroy(struct sim_disk *disk)
{
    if (!disk)
        return;
    disk->bury = false;
    close_all(disk);
    sim_vfs_unregister(disk);
    sim_forget_names(disk);
    rw_buf_finish(&disk->graves);
    free(disk->opens);
    free(disk);
}

const struct rw_disk *sim_disk_table(struct sim_disk *disk)
{
    return &disk->table;
}

void sim_disk_set_capacity(struct sim_disk *disk, int64_t bytes)
{
    disk->capacity = bytes;
}

void sim_disk_set_inodes(struct sim_disk *disk, int count)
{
    disk->inode_limit = count;
}

void sim_disk_set_read_only(struct sim_disk *disk, bool read_only)
{
    disk->read_only = read_only;
}

uint64_t sim_disk_operations(const struct sim_disk *disk)
{
    return disk->operations;
}

void sim_disk_cut_at(struct sim_disk *disk, uint64_t n)
{
    disk->end_at = n ? disk->operations + n : 0;
    disk->end_kills = false;
}

void sim_disk_kill_at(struct sim_disk *disk, uint64_t n)
{
    disk->end_at = n ? disk->operations + n : 0;
    disk->end_kills = true;
}

void sim_disk_cut(struct sim_disk *disk)
{
    end(disk, false);
}

void sim_disk_kill(struct sim_disk *disk)
{
    end(disk, true);
}

bool sim_disk_dead(const struct sim_disk *disk)
{
    return disk->dead;
}

void sim_disk_power_on(struct sim_disk *disk)
{
    if (!disk->dead)
        sim_disk_cut(disk);
    close_all(disk);
    if (!disk->killed)
        sim_survive(disk);
    disk->dead = false;
    disk->power++;
}

void sim_disk_add_fault(struct sim_disk *disk, const struct sim_fault *fault)
{
    if (disk->fault_count == SIM_FAULTS_MAX)
        abort();
    disk->faults[disk->fault_count++] = *fault;
}

void sim_disk_clear_faults(struct sim_disk *disk)
{
    disk->fault_count = 0;
}

int sim_disk_faults_seen(const struct sim_disk *disk)
{
    return disk->faults_seen;
}

int64_t sim_disk_flip_bit(struct sim_disk *disk, const char *path, int64_t from, int64_t to)
{
    struct sim_inode *inode = sim_find(disk, path);
    if (!inode || inode->folder)
        return -1;
    if (!to || to > inode->synced.size)
        to = inode->synced.size;
    if (from >= to)
        return -1;
    int64_t at = sim_random_between(&disk->random, from, to - 1);
    uint8_t bit = (uint8_t)(1 << sim_random_below(&disk->random, 8));
    inode->synced.data[at] ^= bit;
    if (at < inode->now.size)
        inode->now.data[at] ^= bit;
    return at;
}
