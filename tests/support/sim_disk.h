/* A disk in memory whose power can be cut at any operation. It is a `struct rw_disk` and a SQLite
 * VFS over the same files. One thread.
 *
 * What is promised, and no more: fdatasync makes a file's bytes and size durable, sync_dir the
 * names of one folder. At a cut, every sector of what was written since may be as it was after any
 * of the writes to it, or as it was synced, whatever the others do; size changes likewise, in
 * order; of the changes to a folder's names some are done and some are not. A rename is whole.
 * Sectors are whole. Descriptors, locks and SQLite's shared memory die. */
#pragma once

#include "base/disk.h"

struct sim_disk;

/* Empty but for "/". The seed decides what a cut leaves. */
struct sim_disk *sim_disk_create(uint64_t seed);
/* Stores and connections on it must be closed first. Takes NULL. */
void sim_disk_destroy(struct sim_disk *disk);
const struct rw_disk *sim_disk_table(struct sim_disk *disk); /* lives as long as the disk */

void sim_disk_set_capacity(struct sim_disk *disk, int64_t bytes); /* default: 1 GiB */
void sim_disk_set_inodes(struct sim_disk *disk, int count);       /* default: no limit */
void sim_disk_set_read_only(struct sim_disk *disk, bool read_only);
int64_t sim_disk_used(const struct sim_disk *disk);

/* --- the end --- */

/* Changes so far: every write, sync, allocation, name made, renamed or taken, by the table or by
 * SQLite. Reads do not count. */
uint64_t sim_disk_operations(const struct sim_disk *disk);
/* The n-th operation from now (1: the next) is interrupted, and everything after it fails with EIO
 * until the power is on again. 0: not at all. */
void sim_disk_cut_at(struct sim_disk *disk, uint64_t n);
/* The same, but only the process dies there: what was written stays, synced or not. */
void sim_disk_kill_at(struct sim_disk *disk, uint64_t n);
void sim_disk_cut(struct sim_disk *disk);  /* now */
void sim_disk_kill(struct sim_disk *disk); /* now */
bool sim_disk_dead(const struct sim_disk *disk);
/* Builds what survived. Cuts what was not cut yet. Faults, limits and read_only stay. */
void sim_disk_power_on(struct sim_disk *disk);

/* --- faults --- */

enum sim_operation { SIM_READ, SIM_WRITE, SIM_SYNC, SIM_ALLOCATE, SIM_NAME };

struct sim_fault {
    enum sim_operation operation; /* SIM_SYNC: of files and of folders */
    int error;                    /* errno; 0: a write that says yes and lands elsewhere, in this
                                   * file or in another one of its folder */
    int after;                    /* so many still succeed */
    int times;                    /* then so many fail; 0: all */
    char prefix[128];             /* of paths; "": any */
};
/* A sync that fails loses what it should have written: some of it is on disk, later reads see the
 * rest or do not, and the next sync says yes. */
void sim_disk_add_fault(struct sim_disk *disk, const struct sim_fault *fault);
void sim_disk_clear_faults(struct sim_disk *disk);
int sim_disk_faults_seen(const struct sim_disk *disk); /* operations that were refused or misled */

/* Flips one bit of what the disk holds, at a seeded place in [from, to) (to 0: the file's end).
 * The byte's offset, or -1: no such file or place. */
int64_t sim_disk_flip_bit(struct sim_disk *disk, const char *path, int64_t from, int64_t to);

/* --- what a carver finds --- */

/* From now on the bytes of files that go away stay on the medium, as blocks that nobody owns. */
void sim_disk_bury(struct sim_disk *disk);
/* Calls fn for every run of bytes that the medium holds: of files by their path, of those that have
 * no name any more by "". A file with changes that are not durable comes twice. */
void sim_disk_carve(struct sim_disk *disk,
                    void (*fn)(void *arg, const char *path, const uint8_t *bytes, size_t size),
                    void *arg);
