#include <stdio.h>

#include "sim_parts.h"

void sim_disk_bury(struct sim_disk *disk)
{
    disk->bury = true;
}

void sim_bury(struct sim_disk *disk, const struct sim_inode *inode)
{
    if (disk->bury && inode->synced.size)
        rw_buf_add(&disk->graves, inode->synced.data, (size_t)inode->synced.size);
}

struct carving {
    void (*fn)(void *arg, const char *path, const uint8_t *bytes, size_t size);
    void *arg;
};

static void carve_folder(const struct carving *carving, const struct sim_inode *folder,
                         const char *path)
{
    for (int i = 0; i < folder->names.count; i++) {
        const struct sim_inode *inode = folder->names.list[i].inode;
        char below[SIM_PATH_SIZE + SIM_NAME_SIZE];
        snprintf(below, sizeof below, "%.255s/%s", path, folder->names.list[i].name);
        if (inode->folder) {
            carve_folder(carving, inode, below);
            continue;
        }
        carving->fn(carving->arg, below, inode->synced.data, (size_t)inode->synced.size);
        if (inode->change_count)
            carving->fn(carving->arg, below, inode->now.data, (size_t)inode->now.size);
    }
}

void sim_disk_carve(struct sim_disk *disk,
                    void (*fn)(void *arg, const char *path, const uint8_t *bytes, size_t size),
                    void *arg)
{
    struct carving carving = {fn, arg};
    carve_folder(&carving, disk->root, "");
    for (const struct sim_inode *inode = disk->inodes; inode; inode = inode->next)
        if (!inode->folder && !inode->links)
            fn(arg, "", inode->synced.data, (size_t)inode->synced.size);
    fn(arg, "", disk->graves.data, disk->graves.size);
}
