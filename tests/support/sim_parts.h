/* The simulated disk's own parts: sim_inode.c (bytes and names, and what a cut leaves of them),
 * sim_disk.c (the table, counting, faults), sim_vfs.c (SQLite). */
#pragma once

#include <sqlite3.h>

#include "base/buf.h"
#include "sim_disk.h"
#include "sim_random.h"

enum {
    SIM_NAME_SIZE = 64,
    SIM_PATH_SIZE = 256,
    SIM_BLOCK = 4096,
    SIM_SECTOR = 512,
    SIM_FAULTS_MAX = 16
};

struct sim_bytes {
    uint8_t *data; /* owned */
    int64_t size, capacity;
};

/* A change to a file that no sync has made durable. */
struct sim_change {
    bool resize;    /* to `size`; else a write */
    int64_t offset; /* in the file */
    int64_t size;
    size_t at; /* of a write's bytes in change_bytes */
};

struct sim_name {
    char name[SIM_NAME_SIZE];
    struct sim_inode *inode; /* a reference */
};
struct sim_names {
    struct sim_name *list; /* owned */
    int count, capacity;
};

struct sim_shm; /* SQLite's wal-index of one database */

struct sim_inode {
    struct sim_inode *previous, *next;
    bool folder;
    int refs;                      /* names of both kinds, name changes, descriptors */
    int links;                     /* names as they are seen now */
    int opens;                     /* descriptors */
    bool locked;                   /* rw_disk.lock */
    struct sim_shm *shm;           /* not a reference */
    struct sim_bytes now;          /* as it is read */
    struct sim_bytes synced;       /* as it is on the disk */
    bool stale;                    /* and may be read otherwise for as long as memory has it */
    int64_t blocks, synced_blocks; /* bytes reserved, from 0 */
    struct sim_change *changes;    /* in order; owned */
    int change_count, change_capacity;
    struct rw_buf change_bytes;
    struct sim_inode *parent;             /* of a folder; not a reference */
    struct sim_names names, synced_names; /* of a folder */
};

/* A change to names that no sync_dir has made durable. from_dir NULL: the name is new. to_dir NULL:
 * it is taken away. */
struct sim_name_change {
    struct sim_inode *from_dir, *to_dir, *inode; /* references */
    char from[SIM_NAME_SIZE], to[SIM_NAME_SIZE];
};

struct sim_open {
    struct sim_inode *inode; /* a reference; NULL: free */
    bool writable, holds_lock;
    char path[SIM_PATH_SIZE];
};

struct sim_handle { /* what SQLite knows a file by */
    sqlite3_file base;
    struct sim_handle *previous, *next;
    struct sim_disk *disk;
    struct sim_inode *inode; /* a reference; NULL: the power was cut */
    struct sim_shm *shm;     /* a reference */
    unsigned shm_shared, shm_exclusive;
    int level; /* SQLITE_LOCK_… */
    bool read_only, persist_wal, sync_folder, passing;
    char path[SIM_PATH_SIZE];
};

struct sim_disk {
    struct rw_disk table;
    struct sim_random random;
    struct sim_inode *root, *inodes;
    struct sim_name_change *name_changes; /* in order; owned */
    int name_change_count, name_change_capacity;
    struct sim_open *opens; /* owned */
    int open_count;
    bool bury;
    struct rw_buf graves; /* what deleted files held; see sim_disk_bury() */
    int power;            /* counts power_on: a descriptor of before is none */
    int64_t capacity;
    int inode_limit;
    bool read_only;
    bool dead, killed;
    uint64_t operations, end_at;
    bool end_kills;
    struct sim_fault faults[SIM_FAULTS_MAX];
    int fault_count, faults_seen;
    char vfs_name[32];
    sqlite3_vfs vfs;
    struct sim_handle *handles;
};

/* --- sim_inode.c --- */

struct sim_inode *sim_inode_create(struct sim_disk *disk, bool folder); /* one reference */
struct sim_inode *sim_inode_ref(struct sim_inode *inode);
void sim_inode_unref(struct sim_disk *disk, struct sim_inode *inode);
ssize_t sim_inode_read(const struct sim_inode *inode, void *bytes, size_t size, int64_t offset);
/* -1, ENOSPC: nothing was written. */
int sim_inode_write(struct sim_disk *disk, struct sim_inode *inode, const void *bytes, size_t size,
                    int64_t offset);
int sim_inode_resize(struct sim_disk *disk, struct sim_inode *inode, int64_t size);
int sim_inode_reserve(struct sim_disk *disk, struct sim_inode *inode, int64_t size);
void sim_inode_sync(struct sim_inode *inode);
void sim_inode_fail_sync(struct sim_disk *disk, struct sim_inode *inode);
void sim_inode_forget(struct sim_inode *inode, int64_t offset, int64_t size);

/* The inode of a path, NULL with errno. */
struct sim_inode *sim_find(struct sim_disk *disk, const char *path);
/* The folder that the path's last name is in, and that name. */
struct sim_inode *sim_find_folder(struct sim_disk *disk, const char *path,
                                  char name[SIM_NAME_SIZE]);
struct sim_inode *sim_names_get(const struct sim_names *names, const char *name);
/* The name changes that a program sees at once. `inode` keeps the caller's reference. */
void sim_link(struct sim_disk *disk, struct sim_inode *folder, const char *name,
              struct sim_inode *inode);
void sim_unlink(struct sim_disk *disk, struct sim_inode *folder, const char *name);
void sim_rename(struct sim_disk *disk, struct sim_inode *from_dir, const char *from,
                struct sim_inode *to_dir, const char *to);
void sim_sync_folder(struct sim_disk *disk, struct sim_inode *folder);
/* What the cut leaves, of bytes and of names. No descriptor is open any more. */
void sim_survive(struct sim_disk *disk);
void sim_forget_names(struct sim_disk *disk); /* at the very end */

/* --- sim_carve.c --- */

void sim_bury(struct sim_disk *disk, const struct sim_inode *inode);

/* --- sim_disk.c --- */

enum sim_fate {
    SIM_GO,
    SIM_REFUSED, /* errno is set, nothing is done */
    SIM_MISLED,  /* a write that lands elsewhere */
    SIM_LAST,    /* do it, then the end comes; a sync is not done */
};
/* Counts the operation and asks what becomes of it. */
enum sim_fate sim_gate(struct sim_disk *disk, enum sim_operation operation, const char *path);
/* Every operation that passed the gate ends here: its result, or -1, EIO when it was the last. */
int sim_done(struct sim_disk *disk, enum sim_fate fate, int result);
/* The steps that the table and SQLite share. -1 with errno. */
struct sim_inode *sim_create_file(struct sim_disk *disk, const char *path); /* one reference */
int sim_write(struct sim_disk *disk, struct sim_inode *inode, const char *path, const void *bytes,
              size_t size, int64_t offset);
int sim_truncate(struct sim_disk *disk, struct sim_inode *inode, const char *path, int64_t size);
int sim_sync(struct sim_disk *disk, struct sim_inode *inode, const char *path);
int sim_sync_parent(struct sim_disk *disk, const char *path);
int sim_remove(struct sim_disk *disk, const char *path);

/* --- sim_vfs.c --- */

void sim_vfs_register(struct sim_disk *disk);
void sim_vfs_unregister(struct sim_disk *disk);
void sim_vfs_die(struct sim_disk *disk); /* every handle lets go of its file */
