#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim_parts.h"

/* --- bytes --- */

static void bytes_resize(struct sim_bytes *bytes, int64_t size)
{
    if (size > bytes->capacity) {
        int64_t capacity = size > 2 * bytes->capacity ? size : 2 * bytes->capacity;
        bytes->data = realloc(bytes->data, (size_t)capacity);
        if (!bytes->data)
            abort();
        bytes->capacity = capacity;
    }
    if (size > bytes->size)
        memset(bytes->data + bytes->size, 0, (size_t)(size - bytes->size));
    bytes->size = size;
}

/* What lies beyond the end is lost. */
static void bytes_put(struct sim_bytes *bytes, const uint8_t *from, int64_t size, int64_t offset)
{
    if (offset + size > bytes->size)
        size = bytes->size - offset;
    if (size > 0)
        memcpy(bytes->data + offset, from, (size_t)size);
}

static void bytes_copy(struct sim_bytes *to, const struct sim_bytes *from)
{
    to->size = 0;
    bytes_resize(to, from->size);
    bytes_put(to, from->data, from->size, 0);
}

/* --- files --- */

struct sim_inode *sim_inode_create(struct sim_disk *disk, bool folder)
{
    struct sim_inode *inode = calloc(1, sizeof *inode);
    if (!inode)
        abort();
    inode->folder = folder;
    inode->refs = 1;
    inode->next = disk->inodes;
    if (inode->next)
        inode->next->previous = inode;
    disk->inodes = inode;
    return inode;
}

struct sim_inode *sim_inode_ref(struct sim_inode *inode)
{
    inode->refs++;
    return inode;
}

static void names_clear(struct sim_disk *disk, struct sim_names *names, bool seen)
{
    for (int i = 0; i < names->count; i++) {
        names->list[i].inode->links -= seen;
        sim_inode_unref(disk, names->list[i].inode);
    }
    names->count = 0;
}

void sim_inode_unref(struct sim_disk *disk, struct sim_inode *inode)
{
    if (!inode || --inode->refs)
        return;
    sim_bury(disk, inode);
    names_clear(disk, &inode->names, true);
    names_clear(disk, &inode->synced_names, false);
    free(inode->names.list);
    free(inode->synced_names.list);
    free(inode->now.data);
    free(inode->synced.data);
    free(inode->changes);
    rw_buf_finish(&inode->change_bytes);
    if (inode->previous)
        inode->previous->next = inode->next;
    else
        disk->inodes = inode->next;
    if (inode->next)
        inode->next->previous = inode->previous;
    free(inode);
}

int64_t sim_disk_used(const struct sim_disk *disk)
{
    int64_t used = 0;
    for (const struct sim_inode *inode = disk->inodes; inode; inode = inode->next)
        if (inode->links || inode->opens)
            used += inode->blocks;
    return used;
}

static int64_t whole_blocks(int64_t size)
{
    return (size + SIM_BLOCK - 1) / SIM_BLOCK * SIM_BLOCK;
}

int sim_inode_reserve(struct sim_disk *disk, struct sim_inode *inode, int64_t size)
{
    int64_t blocks = whole_blocks(size);
    if (blocks <= inode->blocks)
        return 0;
    if (sim_disk_used(disk) + blocks - inode->blocks > disk->capacity) {
        errno = ENOSPC;
        return -1;
    }
    inode->blocks = blocks;
    return 0;
}

ssize_t sim_inode_read(const struct sim_inode *inode, void *bytes, size_t size, int64_t offset)
{
    int64_t left = inode->now.size - offset;
    if (left <= 0)
        return 0;
    if ((int64_t)size > left)
        size = (size_t)left;
    memcpy(bytes, inode->now.data + offset, size);
    return (ssize_t)size;
}

static void note_change(struct sim_inode *inode, bool resize, int64_t offset, int64_t size,
                        const void *bytes)
{
    inode->changes = rw_list_grow(inode->changes, inode->change_count, &inode->change_capacity,
                                  sizeof *inode->changes);
    inode->changes[inode->change_count++] = (struct sim_change){
        .resize = resize, .offset = offset, .size = size, .at = inode->change_bytes.size};
    if (bytes)
        rw_buf_add(&inode->change_bytes, bytes, (size_t)size);
}

static void forget_changes(struct sim_inode *inode)
{
    inode->change_count = 0;
    rw_buf_clear(&inode->change_bytes);
}

int sim_inode_resize(struct sim_disk *disk, struct sim_inode *inode, int64_t size)
{
    if (sim_inode_reserve(disk, inode, size))
        return -1;
    if (size < inode->now.size)
        inode->blocks = whole_blocks(size);
    if (size != inode->now.size)
        note_change(inode, true, 0, size, NULL);
    bytes_resize(&inode->now, size);
    return 0;
}

int sim_inode_write(struct sim_disk *disk, struct sim_inode *inode, const void *bytes, size_t size,
                    int64_t offset)
{
    int64_t end = offset + (int64_t)size;
    if (end > inode->now.size && sim_inode_resize(disk, inode, end))
        return -1;
    bytes_put(&inode->now, bytes, (int64_t)size, offset);
    note_change(inode, false, offset, (int64_t)size, bytes);
    return 0;
}

void sim_inode_sync(struct sim_inode *inode)
{
    for (int i = 0; i < inode->change_count; i++) {
        const struct sim_change *change = &inode->changes[i];
        if (change->resize)
            bytes_resize(&inode->synced, change->size);
        else
            bytes_put(&inode->synced, inode->change_bytes.data + change->at, change->size,
                      change->offset);
    }
    inode->synced_blocks = inode->blocks;
    forget_changes(inode);
}

/* --- what survives of a file --- */

/* How likely a change has reached the disk differs from file to file: of one everything, of the
 * next nothing. In 1/4. */
static int draw_odds(struct sim_disk *disk)
{
    return (int)sim_random_below(&disk->random, 5);
}

/* The sizes come in order: the last one that the disk knows. -1: none. */
static int last_resize(struct sim_disk *disk, const struct sim_inode *inode, int odds)
{
    int last = -1;
    for (int i = 0; i < inode->change_count; i++)
        if (inode->changes[i].resize && sim_random_chance(&disk->random, odds, 4))
            last = i;
    return last;
}

/* Each sector that the write touches goes to the disk as the whole sector is by now, or does not.
 */
static void write_back(struct sim_disk *disk, struct sim_inode *inode, const struct sim_bytes *view,
                       const struct sim_change *change, int odds)
{
    int64_t end = change->offset + change->size;
    for (int64_t at = change->offset / SIM_SECTOR * SIM_SECTOR; at < end; at += SIM_SECTOR) {
        int64_t size = view->size - at < SIM_SECTOR ? view->size - at : SIM_SECTOR;
        if (size > 0 && sim_random_chance(&disk->random, odds, 4))
            bytes_put(&inode->synced, view->data + at, size, at);
    }
}

/* Some changes are on the disk. all_sizes: at least every size is. */
static void sync_some(struct sim_disk *disk, struct sim_inode *inode, bool all_sizes)
{
    struct sim_bytes view = {0};
    int odds = draw_odds(disk);
    int last = all_sizes ? inode->change_count : last_resize(disk, inode, odds);
    bytes_copy(&view, &inode->synced);
    for (int i = 0; i < inode->change_count; i++) {
        const struct sim_change *change = &inode->changes[i];
        if (change->resize) {
            bytes_resize(&view, change->size);
            if (i <= last)
                bytes_resize(&inode->synced, change->size);
        } else {
            bytes_put(&view, inode->change_bytes.data + change->at, change->size, change->offset);
            write_back(disk, inode, &view, change, odds);
        }
    }
    free(view.data);
    forget_changes(inode);
}

/* Linux marks the pages clean: fsync(2) says EIO once, and a page that is read again later comes
 * from the disk. */
void sim_inode_fail_sync(struct sim_disk *disk, struct sim_inode *inode)
{
    if (!inode->change_count)
        return;
    sync_some(disk, inode, true);
    if (sim_random_chance(&disk->random, 1, 2))
        bytes_copy(&inode->now, &inode->synced);
    else
        inode->stale = true;
}

/* Pages that are clean are read again from the disk; those not written yet stay. size 0: to the
 * end. */
void sim_inode_forget(struct sim_inode *inode, int64_t offset, int64_t size)
{
    struct sim_bytes view = {0};
    if (!inode->stale)
        return;
    bytes_copy(&view, &inode->synced);
    for (int i = 0; i < inode->change_count; i++) {
        const struct sim_change *change = &inode->changes[i];
        if (change->resize)
            bytes_resize(&view, change->size);
        else
            bytes_put(&view, inode->change_bytes.data + change->at, change->size, change->offset);
    }
    int64_t left = view.size - offset;
    if (left > 0)
        bytes_put(&inode->now, view.data + offset, size && size < left ? size : left, offset);
    free(view.data);
}

static void survive_file(struct sim_disk *disk, struct sim_inode *inode)
{
    if (inode->change_count)
        sync_some(disk, inode, false);
    bytes_copy(&inode->now, &inode->synced);
    if (sim_random_chance(&disk->random, 1, 2))
        inode->blocks = inode->synced_blocks;
    if (inode->blocks < whole_blocks(inode->now.size))
        inode->blocks = whole_blocks(inode->now.size);
    inode->synced_blocks = inode->blocks;
    inode->stale = false;
    inode->shm = NULL;
    inode->locked = false;
}

/* --- names --- */

static struct sim_name *names_find(const struct sim_names *names, const char *name)
{
    for (int i = 0; i < names->count; i++)
        if (!strcmp(names->list[i].name, name))
            return &names->list[i];
    return NULL;
}

struct sim_inode *sim_names_get(const struct sim_names *names, const char *name)
{
    const struct sim_name *found = names_find(names, name);
    return found ? found->inode : NULL;
}

static void names_remove(struct sim_disk *disk, struct sim_names *names, const char *name)
{
    struct sim_name *found = names_find(names, name);
    if (!found)
        return;
    struct sim_inode *inode = found->inode;
    *found = names->list[--names->count];
    sim_inode_unref(disk, inode);
}

static void names_put(struct sim_disk *disk, struct sim_names *names, const char *name,
                      struct sim_inode *inode)
{
    sim_inode_ref(inode);
    names_remove(disk, names, name);
    names->list = rw_list_grow(names->list, names->count, &names->capacity, sizeof *names->list);
    struct sim_name *fresh = &names->list[names->count++];
    strcpy(fresh->name, name);
    fresh->inode = inode;
}

static struct sim_inode *step_into(struct sim_disk *disk, struct sim_inode *folder,
                                   const char *name)
{
    struct sim_inode *next = NULL;
    if (!folder->folder)
        errno = ENOTDIR;
    else if (!*name || !strcmp(name, "."))
        next = folder;
    else if (!strcmp(name, ".."))
        next = folder->parent ? folder->parent : disk->root;
    else if (!(next = sim_names_get(&folder->names, name)))
        errno = ENOENT;
    return next;
}

/* The next name of a path, which moves behind it and its slashes. False: too long. */
static bool next_name(const char **path, char name[SIM_NAME_SIZE])
{
    size_t length = strcspn(*path, "/");
    if (length >= SIM_NAME_SIZE) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(name, *path, length);
    name[length] = 0;
    *path += length;
    return true;
}

struct sim_inode *sim_find_folder(struct sim_disk *disk, const char *path, char name[SIM_NAME_SIZE])
{
    struct sim_inode *folder = disk->root;
    path += strspn(path, "/");
    while (next_name(&path, name)) {
        if (!*path && folder->folder)
            return folder;
        folder = step_into(disk, folder, name);
        if (!folder)
            return NULL;
        path += *path == '/';
    }
    return NULL;
}

struct sim_inode *sim_find(struct sim_disk *disk, const char *path)
{
    char name[SIM_NAME_SIZE];
    struct sim_inode *folder = sim_find_folder(disk, path, name);
    return folder ? step_into(disk, folder, name) : NULL;
}

static void note_name_change(struct sim_disk *disk, struct sim_inode *from_dir, const char *from,
                             struct sim_inode *to_dir, const char *to, struct sim_inode *inode)
{
    disk->name_changes = rw_list_grow(disk->name_changes, disk->name_change_count,
                                      &disk->name_change_capacity, sizeof *disk->name_changes);
    struct sim_name_change *change = &disk->name_changes[disk->name_change_count++];
    *change = (struct sim_name_change){.from_dir = from_dir ? sim_inode_ref(from_dir) : NULL,
                                       .to_dir = to_dir ? sim_inode_ref(to_dir) : NULL,
                                       .inode = sim_inode_ref(inode)};
    strcpy(change->from, from);
    strcpy(change->to, to);
}

static void put_seen(struct sim_disk *disk, struct sim_inode *folder, const char *name,
                     struct sim_inode *inode)
{
    struct sim_inode *old = sim_names_get(&folder->names, name);
    if (old)
        old->links--;
    inode->links++;
    if (inode->folder)
        inode->parent = folder;
    names_put(disk, &folder->names, name, inode);
}

void sim_link(struct sim_disk *disk, struct sim_inode *folder, const char *name,
              struct sim_inode *inode)
{
    note_name_change(disk, NULL, "", folder, name, inode);
    put_seen(disk, folder, name, inode);
}

void sim_unlink(struct sim_disk *disk, struct sim_inode *folder, const char *name)
{
    struct sim_inode *inode = sim_names_get(&folder->names, name);
    note_name_change(disk, folder, name, NULL, "", inode);
    inode->links--;
    names_remove(disk, &folder->names, name);
}

void sim_rename(struct sim_disk *disk, struct sim_inode *from_dir, const char *from,
                struct sim_inode *to_dir, const char *to)
{
    struct sim_inode *inode = sim_names_get(&from_dir->names, from);
    if (inode == sim_names_get(&to_dir->names, to))
        return;
    note_name_change(disk, from_dir, from, to_dir, to, inode);
    put_seen(disk, to_dir, to, inode);
    inode->links--;
    names_remove(disk, &from_dir->names, from);
}

/* --- what survives of names --- */

static void make_durable(struct sim_disk *disk, const struct sim_name_change *change)
{
    if (change->from_dir &&
        sim_names_get(&change->from_dir->synced_names, change->from) != change->inode)
        return; /* an earlier change that this one builds on was lost */
    if (change->to_dir)
        names_put(disk, &change->to_dir->synced_names, change->to, change->inode);
    if (change->from_dir)
        names_remove(disk, &change->from_dir->synced_names, change->from);
}

static void drop_change(struct sim_disk *disk, struct sim_name_change *change)
{
    sim_inode_unref(disk, change->inode);
    sim_inode_unref(disk, change->from_dir);
    sim_inode_unref(disk, change->to_dir);
}

static bool touches(const struct sim_name_change *change, const struct sim_inode *folder)
{
    return change->from_dir == folder || change->to_dir == folder;
}

/* A file that moved into or out of the folder: what became of it elsewhere before is in the same
 * journal. */
static bool moved_here(const struct sim_disk *disk, int index, const struct sim_inode *folder)
{
    for (int i = index; i < disk->name_change_count; i++)
        if (disk->name_changes[i].inode == disk->name_changes[index].inode &&
            touches(&disk->name_changes[i], folder))
            return true;
    return false;
}

void sim_sync_folder(struct sim_disk *disk, struct sim_inode *folder)
{
    int kept = 0;
    bool *done = calloc((size_t)disk->name_change_count + 1, sizeof *done);
    if (!done)
        abort();
    for (int i = 0; i < disk->name_change_count; i++)
        done[i] = moved_here(disk, i, folder);
    for (int i = 0; i < disk->name_change_count; i++) {
        if (done[i]) {
            make_durable(disk, &disk->name_changes[i]);
            drop_change(disk, &disk->name_changes[i]);
        } else {
            disk->name_changes[kept++] = disk->name_changes[i];
        }
    }
    disk->name_change_count = kept;
    free(done);
}

static void survive_names(struct sim_disk *disk)
{
    int odds = draw_odds(disk);
    for (int i = 0; i < disk->name_change_count; i++)
        if (sim_random_chance(&disk->random, odds, 4))
            make_durable(disk, &disk->name_changes[i]);
}

static void forget_name_changes(struct sim_disk *disk)
{
    for (int i = 0; i < disk->name_change_count; i++)
        drop_change(disk, &disk->name_changes[i]);
    disk->name_change_count = 0;
}

static void see_synced_names(struct sim_disk *disk, struct sim_inode *folder)
{
    names_clear(disk, &folder->names, true);
    for (int i = 0; i < folder->synced_names.count; i++)
        put_seen(disk, folder, folder->synced_names.list[i].name,
                 folder->synced_names.list[i].inode);
}

/* From the root down: what nothing names any more goes away on the way. */
static void survive_folder(struct sim_disk *disk, struct sim_inode *folder)
{
    see_synced_names(disk, folder);
    for (int i = 0; i < folder->names.count; i++)
        if (folder->names.list[i].inode->folder)
            survive_folder(disk, folder->names.list[i].inode);
        else
            survive_file(disk, folder->names.list[i].inode);
}

void sim_survive(struct sim_disk *disk)
{
    survive_names(disk);
    forget_name_changes(disk);
    survive_folder(disk, disk->root);
}

void sim_forget_names(struct sim_disk *disk)
{
    forget_name_changes(disk);
    sim_inode_unref(disk, disk->root);
    free(disk->name_changes);
}
