/* What the tests of the store stand on: a store on a real file system in a temporary folder, with a
 * clock of our own and a disk that refuses when told. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/fsck.h"
#include "store/reader.h"

#define T0 INT64_C(1790000000000000)
#define SECOND INT64_C(1000000)

struct weather {
    int64_t utc_us, boot_us;
    uint8_t boot;
    int fail_after; /* writes that still succeed; -1: all */
    bool fail_sync;
    bool no_sync; /* says yes and does nothing: for speed */
    enum rw_clock_trust trust;
};

static inline struct rw_now weather_now(void *self)
{
    struct weather *w = self;
    return (struct rw_now){w->utc_us, w->boot_us};
}
static inline struct rw_clock_state weather_state(void *self)
{
    return (struct rw_clock_state){((struct weather *)self)->trust, 12000};
}
static inline void weather_boot(void *self, uint8_t id[16])
{
    memset(id, ((struct weather *)self)->boot, 16);
}

static inline ssize_t failing_pwrite(void *self, int fd, const void *bytes, size_t size,
                                     int64_t offset)
{
    struct weather *w = self;
    if (w->fail_after == 0) {
        errno = EIO;
        return -1;
    }
    if (w->fail_after > 0)
        w->fail_after--;
    const struct rw_disk *disk = rw_disk_system();
    return disk->pwrite(disk->self, fd, bytes, size, offset);
}
static inline int failing_sync(void *self, int fd)
{
    struct weather *w = self;
    if (w->fail_sync) {
        w->fail_sync = false;
        errno = EIO;
        return -1;
    }
    const struct rw_disk *disk = rw_disk_system();
    return w->no_sync ? 0 : disk->fdatasync(disk->self, fd);
}

struct box {
    char root[64], dir[160];
    struct weather weather;
    struct rw_clock clock;
    struct rw_disk disk;
    struct rw_store *store;
    int slots;
    int64_t slot_size, max_age_us;
    bool came_damaged; /* what is appended */
};

static inline int set_up(void **state)
{
    struct box *box = calloc(1, sizeof *box);
    strcpy(box->root, "/tmp/roadwatch-store-XXXXXX");
    assert_non_null(mkdtemp(box->root));
    snprintf(box->dir, sizeof box->dir, "%s/gate", box->root);
    box->weather =
        (struct weather){.utc_us = T0, .boot_us = 5 * SECOND, .boot = 1, .fail_after = -1};
    box->clock = (struct rw_clock){&box->weather, weather_now, weather_state, weather_boot};
    box->disk = *rw_disk_system();
    box->disk.self = &box->weather;
    box->disk.pwrite = failing_pwrite;
    box->disk.fdatasync = failing_sync;
    box->slots = 4;
    box->slot_size = 1 << 20;
    *state = box;
    return 0;
}

static inline int tear_down(void **state)
{
    struct box *box = *state;
    rw_store_close(box->store);
    char command[200];
    snprintf(command, sizeof command, "rm -rf %s", box->root);
    assert_int_equal(system(command), 0);
    free(box);
    return 0;
}

/* A test with a box of its own. */
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static inline struct rw_store_options options_of(struct box *box)
{
    return (struct rw_store_options){.dir = box->dir,
                                     .site = "thon-dung",
                                     .camera = "gate",
                                     .slots = {box->slots, 0},
                                     .slot_size = box->slot_size,
                                     .max_age_us = box->max_age_us,
                                     .sync_us = 2 * SECOND,
                                     .disk = &box->disk,
                                     .clock = &box->clock};
}

static inline void open_store(struct box *box)
{
    struct rw_store_options options = options_of(box);
    struct rw_err err = {0};
    box->store = rw_store_open(&options, &err);
    if (!box->store)
        fail_msg("%s", err.text);
}

/* What a killed process leaves: descriptors closed, nothing flushed. The store's memory is lost on
 * purpose, so its lock is dropped through a copy of the folder. */
static inline void crash(struct box *box)
{
    char command[600], next[160];
    snprintf(next, sizeof next, "%.150s.after", box->dir);
    snprintf(command, sizeof command, "rm -rf %s && cp -a --sparse=always %s %s", next, box->dir,
             next);
    assert_int_equal(system(command), 0);
    rw_store_close(box->store);
    box->store = NULL;
    strcpy(box->dir, next);
}

static uint8_t init_segment[200];
static uint8_t picture[400000];

static inline void make_bytes(void)
{
    memset(init_segment, 7, sizeof init_segment);
    rw_put_be32(init_segment, 40);
    memcpy(init_segment + 4, "ftyp", 4);
    rw_put_be32(init_segment + 40, 160);
    memcpy(init_segment + 44, "moov", 4);
    for (size_t i = 0; i < sizeof picture; i++)
        picture[i] = (uint8_t)(i * 2654435761u >> 13);
}

static inline void begin(struct box *box)
{
    struct rw_err err = {0};
    if (rw_store_begin(box->store, RW_MAIN, init_segment, sizeof init_segment, box->weather.utc_us,
                       &err))
        fail_msg("%s", err.text);
}

/* So much of picture, `size` bytes of it; the clock goes on by as much. */
static inline void append_lasting(struct box *box, size_t size, int64_t duration_us)
{
    struct rw_err err = {0};
    bool moved;
    if (rw_store_room(box->store, RW_MAIN) < size)
        begin(box);
    struct rw_fragment_in in = {.bytes = picture,
                                .size = size,
                                .start_us = box->weather.utc_us,
                                .boot_us = box->weather.boot_us,
                                .duration_us = duration_us,
                                .keyframe = true,
                                .came_damaged = box->came_damaged,
                                .cause = RW_CAUSE_CAMERA_LOST};
    if (rw_store_append(box->store, RW_MAIN, &in, &moved, &err))
        fail_msg("%s", err.text);
    box->weather.utc_us += duration_us;
    box->weather.boot_us += duration_us;
    assert_int_equal(rw_store_tick(box->store, box->weather.boot_us, &err), 0);
}

static inline void append(struct box *box, size_t size)
{
    append_lasting(box, size, SECOND);
}

static inline void pass(struct box *box, int64_t seconds)
{
    box->weather.utc_us += seconds * SECOND;
    box->weather.boot_us += seconds * SECOND;
}

static inline void say(void *arg, const char *sentence)
{
    (void)arg;
    print_message("fsck: %s\n", sentence);
}

static inline struct rw_fsck_report check(struct box *box, bool rebuild)
{
    struct rw_fsck_report report;
    struct rw_err err = {0};
    if (rw_fsck(box->dir, rw_disk_system(), rebuild, say, NULL, &report, &err))
        fail_msg("%s", err.text);
    return report;
}

static inline struct rw_coverage cover(struct box *box, int64_t from, int64_t to)
{
    struct rw_err err = {0};
    struct rw_coverage coverage;
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    struct rw_asked asked = {.now_us = box->weather.utc_us, .open_cause = RW_CAUSE_RECORDER_OFF};
    if (!reader || rw_reader_coverage(reader, RW_MAIN, from, to, &asked, &coverage, &err))
        fail_msg("%s", err.text);
    rw_reader_close(reader);
    assert_int_equal(coverage.recorded_us + coverage.gap_us + coverage.deleted_us,
                     coverage.to_us - coverage.from_us);
    return coverage;
}

/* The program ends well and its box stays on. */
static inline void close_store(struct box *box)
{
    rw_store_close(box->store);
    box->store = NULL;
}

/* What the reader gives of [from, to), by number. */
static inline int count_fragment(void *arg, const struct rw_fragment *fragment)
{
    (void)fragment;
    ++*(int *)arg;
    return 0;
}

static inline int count_fragments(struct box *box, int64_t from, int64_t to)
{
    struct rw_err err = {0};
    int count = 0;
    struct rw_reader *reader = rw_reader_open(box->dir, &err);
    if (!reader || rw_reader_fragments(reader, RW_MAIN, from, to, count_fragment, &count, &err))
        fail_msg("%s", err.text);
    rw_reader_close(reader);
    return count;
}
