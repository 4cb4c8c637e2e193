/* The simulated disk: that it loses what a disk may lose, and keeps what a disk must keep. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_clock.h"
#include "sim_disk.h"
#include "sim_random.h"
#include "store/db.h"
#include "store/index.h"

enum { SEEDS = 300, SIZE = 8 * 512 };

struct fixture {
    struct sim_disk *disk;
    const struct rw_disk *table;
};

static void start(struct fixture *f, uint64_t seed)
{
    f->disk = sim_disk_create(seed);
    f->table = sim_disk_table(f->disk);
    assert_int_equal(f->table->mkdir(f->disk, "/d", 0750), 0);
    assert_int_equal(f->table->sync_dir(f->disk, "/"), 0);
}

static int set_up(void **state)
{
    static struct fixture f;
    start(&f, 1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sim_disk_destroy(f->disk);
    return 0;
}

static int open_file(struct fixture *f, const char *path)
{
    int fd = f->table->open(f->disk, path, O_RDWR | O_CREAT, 0640);
    assert_true(fd >= 0);
    return fd;
}

/* SIZE bytes of this value. */
static void fill(struct fixture *f, int fd, int value)
{
    uint8_t bytes[SIZE];
    memset(bytes, value, sizeof bytes);
    assert_int_equal(f->table->pwrite(f->disk, fd, bytes, sizeof bytes, 0), sizeof bytes);
}

static void make_synced(struct fixture *f, const char *path, int value)
{
    int fd = open_file(f, path);
    fill(f, fd, value);
    assert_int_equal(f->table->fdatasync(f->disk, fd), 0);
    assert_int_equal(f->table->sync_dir(f->disk, "/d"), 0);
    assert_int_equal(f->table->close(f->disk, fd), 0);
}

/* The file's bytes; their count, -1: no such file. */
static ssize_t look(struct fixture *f, const char *path, uint8_t bytes[SIZE])
{
    memset(bytes, 0xee, SIZE);
    int fd = f->table->open(f->disk, path, O_RDONLY, 0);
    if (fd < 0)
        return -1;
    ssize_t got = f->table->pread(f->disk, fd, bytes, SIZE, 0);
    f->table->close(f->disk, fd);
    return got;
}

static int count_sectors(const uint8_t bytes[SIZE], int value)
{
    int count = 0;
    for (int at = 0; at < SIZE; at += 512)
        count += bytes[at] == value && !memcmp(bytes + at, bytes + at + 1, 511);
    return count;
}

static void what_was_synced_is_kept_and_what_was_not_may_be_lost_sector_by_sector(void **state)
{
    int mixed = 0, old = 0, new = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t bytes[SIZE];
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        make_synced(&f, "/d/b", 3);
        int fd = open_file(&f, "/d/a");
        fill(&f, fd, 2);
        assert_int_equal(look(&f, "/d/a", bytes), SIZE);
        assert_int_equal(count_sectors(bytes, 2), 8); /* seen before the cut */
        sim_disk_cut(f.disk);
        assert_int_equal(f.table->fdatasync(f.disk, fd), -1);
        assert_int_equal(errno, EIO);
        sim_disk_power_on(f.disk);
        assert_int_equal(f.table->fdatasync(f.disk, fd), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(look(&f, "/d/a", bytes), SIZE);
        int fresh = count_sectors(bytes, 2);
        assert_int_equal(count_sectors(bytes, 1) + fresh, 8);
        mixed += fresh > 0 && fresh < 8;
        old += fresh == 0;
        new += fresh == 8;
        assert_int_equal(look(&f, "/d/b", bytes), SIZE);
        assert_int_equal(count_sectors(bytes, 3), 8);
        sim_disk_destroy(f.disk);
    }
    assert_true(mixed > SEEDS / 4 && old > SEEDS / 16 && new > SEEDS / 16);
    (void)state;
}

static void a_sector_is_as_it_was_after_one_of_its_writes(void **state)
{
    int seen[3] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t bytes[SIZE];
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        int fd = open_file(&f, "/d/a");
        memset(bytes, 2, 200);
        f.table->pwrite(f.disk, fd, bytes, 100, 0);
        f.table->pwrite(f.disk, fd, bytes, 100, 100);
        sim_disk_power_on(f.disk);
        look(&f, "/d/a", bytes);
        assert_true(bytes[100] == 1 || bytes[0] == 2); /* never the second without the first */
        seen[(bytes[0] == 2) + (bytes[100] == 2)]++;
        sim_disk_destroy(f.disk);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    (void)state;
}

static void an_appended_file_is_any_of_its_lengths_and_never_longer(void **state)
{
    int shorter = 0, whole = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t bytes[SIZE] = {0};
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        int fd = open_file(&f, "/d/a");
        f.table->pwrite(f.disk, fd, bytes, 512, SIZE);
        f.table->pwrite(f.disk, fd, bytes, 512, SIZE + 512);
        sim_disk_power_on(f.disk);
        fd = open_file(&f, "/d/a");
        int64_t size = f.table->size(f.disk, fd);
        assert_true(size == SIZE || size == SIZE + 512 || size == SIZE + 1024);
        shorter += size == SIZE;
        whole += size == SIZE + 1024;
        sim_disk_destroy(f.disk);
    }
    assert_true(shorter && whole);
    (void)state;
}

static void a_name_without_a_sync_of_its_folder_may_be_lost_with_its_synced_bytes(void **state)
{
    int lost = 0, kept = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t bytes[SIZE];
        start(&f, seed);
        int fd = open_file(&f, "/d/a");
        fill(&f, fd, 1);
        f.table->fdatasync(f.disk, fd);
        sim_disk_power_on(f.disk);
        ssize_t size = look(&f, "/d/a", bytes);
        assert_true(size == -1 || (size == SIZE && count_sectors(bytes, 1) == 8));
        lost += size == -1;
        kept += size == SIZE;
        sim_disk_destroy(f.disk);
    }
    assert_true(lost && kept);
    (void)state;
}

static void a_rename_is_whole_and_a_replaced_file_is_the_old_or_the_new_one(void **state)
{
    int old = 0, new = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t bytes[SIZE];
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        int fd = open_file(&f, "/d/a.new");
        fill(&f, fd, 2);
        f.table->fdatasync(f.disk, fd);
        f.table->rename(f.disk, "/d/a.new", "/d/a");
        sim_disk_power_on(f.disk);
        assert_int_equal(look(&f, "/d/a", bytes), SIZE);
        int fresh = count_sectors(bytes, 2);
        assert_true(fresh == 8 || count_sectors(bytes, 1) == 8);
        assert_true(!fresh || !f.table->exists(f.disk, "/d/a.new"));
        old += fresh == 0;
        new += fresh == 8;
        sim_disk_destroy(f.disk);
    }
    assert_true(old && new);
    (void)state;
}

static void a_file_moved_between_folders_is_in_one_of_them(void **state)
{
    int here = 0, there = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        f.table->mkdir(f.disk, "/d/held", 0750);
        f.table->sync_dir(f.disk, "/d");
        f.table->rename(f.disk, "/d/a", "/d/held/a");
        if (seed % 3 == 0)
            f.table->sync_dir(f.disk, "/d/held");
        sim_disk_power_on(f.disk);
        bool first = f.table->exists(f.disk, "/d/a"), second = f.table->exists(f.disk, "/d/held/a");
        assert_true(first != second);
        assert_true(second || seed % 3);
        here += first;
        there += second && seed % 3;
        sim_disk_destroy(f.disk);
    }
    assert_true(here && there);
    (void)state;
}

static void every_operation_can_be_the_last(void **state)
{
    uint64_t operations = 0;
    for (uint64_t n = 1; !operations || n <= operations + 1; n++) {
        struct fixture f;
        start(&f, n);
        sim_disk_cut_at(f.disk, n);
        uint64_t before = sim_disk_operations(f.disk);
        int fd = f.table->open(f.disk, "/d/a", O_RDWR | O_CREAT, 0640);
        bool failed = fd < 0 || f.table->allocate(f.disk, fd, 4096) ||
                      f.table->pwrite(f.disk, fd, "x", 1, 0) != 1 ||
                      f.table->fdatasync(f.disk, fd) || f.table->rename(f.disk, "/d/a", "/d/b") ||
                      f.table->sync_dir(f.disk, "/d") || f.table->unlink(f.disk, "/d/b");
        assert_true(failed == (n <= 7));
        assert_true(sim_disk_dead(f.disk) == failed);
        if (!failed)
            operations = sim_disk_operations(f.disk) - before;
        sim_disk_power_on(f.disk);
        assert_true(f.table->exists(f.disk, "/d"));
        assert_false(f.table->exists(f.disk, "/d/a") && n > 7);
        sim_disk_destroy(f.disk);
    }
    assert_int_equal(operations, 7);
    (void)state;
}

static void a_killed_process_loses_its_descriptors_and_no_byte(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[SIZE];
    int fd = open_file(f, "/d/a"), lock = f->table->lock(f->disk, "/d/lock", false);
    fill(f, fd, 7);
    assert_int_equal(f->table->lock(f->disk, "/d/lock", false), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(f->table->locked(f->disk, "/d/lock"), 1);
    sim_disk_kill(f->disk);
    assert_int_equal(f->table->close(f->disk, lock), -1);
    sim_disk_power_on(f->disk);
    assert_int_equal(f->table->locked(f->disk, "/d/lock"), 0);
    assert_int_equal(look(f, "/d/a", bytes), SIZE);
    assert_int_equal(count_sectors(bytes, 7), 8);
    assert_int_equal(f->table->pwrite(f->disk, fd, "x", 1, 0), -1);
}

static void a_failed_sync_drops_what_it_should_have_written_and_the_next_one_says_yes(void **state)
{
    int seen = 0, gone = 0, lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t bytes[SIZE];
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        int fd = open_file(&f, "/d/a");
        fill(&f, fd, 2);
        sim_disk_add_fault(f.disk,
                           &(struct sim_fault){SIM_SYNC, EIO, .times = 1, .prefix = "/d/a"});
        assert_int_equal(f.table->fdatasync(f.disk, fd), -1);
        assert_int_equal(errno, EIO);
        assert_int_equal(f.table->fdatasync(f.disk, fd), 0);
        look(&f, "/d/a", bytes);
        seen += count_sectors(bytes, 2) == 8;
        gone += count_sectors(bytes, 2) < 8;
        f.table->forget(f.disk, fd, 0, 0);
        look(&f, "/d/a", bytes);
        int there = count_sectors(bytes, 2);
        sim_disk_power_on(f.disk);
        look(&f, "/d/a", bytes);
        assert_int_equal(count_sectors(bytes, 2), there);
        lost += there < 8;
        sim_disk_destroy(f.disk);
    }
    assert_true(seen > SEEDS / 4 && gone > SEEDS / 4 && lost > SEEDS / 2);
    (void)state;
}

static void what_is_not_written_yet_is_not_forgotten(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[SIZE];
    make_synced(f, "/d/a", 1);
    int fd = open_file(f, "/d/a");
    fill(f, fd, 2);
    f->table->forget(f->disk, fd, 0, 0);
    look(f, "/d/a", bytes);
    assert_int_equal(count_sectors(bytes, 2), 8);
}

static void faults_strike_when_where_and_as_often_as_they_were_told(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[SIZE];
    int a = open_file(f, "/d/a"), b = open_file(f, "/d/b");
    sim_disk_add_fault(
        f->disk, &(struct sim_fault){SIM_WRITE, EIO, .after = 1, .times = 2, .prefix = "/d/a"});
    ssize_t got[4];
    for (int i = 0; i < 4; i++) {
        got[i] = f->table->pwrite(f->disk, a, "x", 1, 0);
        assert_int_equal(f->table->pwrite(f->disk, b, "x", 1, 0), 1);
    }
    assert_true(got[0] == 1 && got[1] == -1 && got[2] == -1 && got[3] == 1);
    assert_int_equal(sim_disk_faults_seen(f->disk), 2);
    sim_disk_add_fault(f->disk, &(struct sim_fault){SIM_READ, EIO, .times = 0});
    assert_int_equal(f->table->pread(f->disk, b, bytes, 1, 0), -1);
    assert_int_equal(f->table->pread(f->disk, b, bytes, 1, 0), -1);
    sim_disk_clear_faults(f->disk);
    assert_int_equal(f->table->pread(f->disk, b, bytes, 1, 0), 1);
}

static void a_misdirected_write_lands_elsewhere_in_the_folder(void **state)
{
    int same = 0, other = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        uint8_t a[SIZE], b[SIZE], bytes[512];
        start(&f, seed);
        make_synced(&f, "/d/a", 1);
        make_synced(&f, "/d/b", 1);
        int fd = open_file(&f, "/d/a");
        memset(bytes, 2, sizeof bytes);
        sim_disk_add_fault(f.disk, &(struct sim_fault){SIM_WRITE, 0, .times = 1});
        assert_int_equal(f.table->pwrite(f.disk, fd, bytes, 512, SIZE - 512), 512);
        look(&f, "/d/a", a);
        look(&f, "/d/b", b);
        assert_int_equal(a[SIZE - 1], 1);
        assert_int_equal(count_sectors(a, 2) + count_sectors(b, 2), 1);
        same += count_sectors(a, 2);
        other += count_sectors(b, 2);
        sim_disk_destroy(f.disk);
    }
    assert_true(same && other);
    (void)state;
}

static void a_full_disk_refuses_what_was_not_reserved_and_takes_what_was(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[SIZE] = {0};
    int a = open_file(f, "/d/a"), b = open_file(f, "/d/b");
    sim_disk_set_capacity(f->disk, 64 << 10);
    assert_int_equal(f->table->allocate(f->disk, a, 40 << 10), 0);
    assert_int_equal(f->table->size(f->disk, a), 40 << 10);
    assert_int_equal(f->table->reserve(f->disk, b, 16 << 10), 0);
    assert_int_equal(f->table->size(f->disk, b), 0);
    assert_int_equal(f->table->free_bytes(f->disk, "/d"), 8 << 10);
    int c = open_file(f, "/d/c");
    assert_int_equal(f->table->allocate(f->disk, c, 16 << 10), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(f->table->pwrite(f->disk, c, bytes, SIZE, 4096), SIZE);
    assert_int_equal(f->table->pwrite(f->disk, c, bytes, SIZE, 8192), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(f->table->pwrite(f->disk, b, bytes, SIZE, 12 << 10), SIZE);
    f->table->unlink(f->disk, "/d/a");
    assert_int_equal(f->table->free_bytes(f->disk, "/d"), 0); /* it is open */
    f->table->close(f->disk, a);
    assert_int_equal(f->table->free_bytes(f->disk, "/d"), 40 << 10);
}

static void a_disk_without_inodes_makes_no_file_and_a_read_only_one_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[SIZE];
    make_synced(f, "/d/a", 1);
    int fd = open_file(f, "/d/a");
    sim_disk_set_inodes(f->disk, 3); /* "/", "/d", "/d/a" */
    assert_int_equal(f->table->open(f->disk, "/d/b", O_RDWR | O_CREAT, 0640), -1);
    assert_int_equal(errno, ENOSPC);
    sim_disk_set_inodes(f->disk, 0);
    sim_disk_set_read_only(f->disk, true);
    assert_int_equal(f->table->open(f->disk, "/d/b", O_RDWR | O_CREAT, 0640), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(f->table->pwrite(f->disk, fd, "x", 1, 0), -1);
    assert_int_equal(errno, EROFS);
    assert_int_equal(f->table->unlink(f->disk, "/d/a"), -1);
    assert_int_equal(look(f, "/d/a", bytes), SIZE);
}

static void a_flipped_bit_is_on_the_disk(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[SIZE];
    make_synced(f, "/d/a", 1);
    int64_t at = sim_disk_flip_bit(f->disk, "/d/a", 1000, 1100);
    assert_in_range(at, 1000, 1099);
    sim_disk_power_on(f->disk);
    look(f, "/d/a", bytes);
    for (int i = 0; i < SIZE; i++)
        assert_true((bytes[i] == 1) == (i != at));
    assert_int_equal(sim_disk_flip_bit(f->disk, "/d/none", 0, 0), -1);
}

static void note(void *arg, const char *name)
{
    strcat(arg, name);
}

static void paths_go_up_and_down_and_folders_are_listed(void **state)
{
    struct fixture *f = *state;
    char names[64] = "";
    struct rw_err err;
    assert_int_equal(rw_disk_make_path(f->table, "/d/e/f", &err), 0);
    f->table->close(f->disk, open_file(f, "/d/e/f/../x"));
    assert_true(f->table->exists(f->disk, "/d/e/x"));
    assert_true(f->table->exists(f->disk, "/d/e/"));
    assert_false(f->table->exists(f->disk, "/d/e/x/"));
    assert_int_equal(f->table->mkdir(f->disk, "/d/e", 0750), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(f->table->open(f->disk, "/none/x", O_RDWR | O_CREAT, 0640), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(f->table->list(f->disk, "/d/e", note, names), 0);
    assert_true(!strcmp(names, "fx") || !strcmp(names, "xf"));
    assert_int_equal(f->table->free_bytes(f->disk, "/none"), -1);
}

/* --- SQLite --- */

static int64_t one_number(sqlite3 *db, const char *sql)
{
    int64_t value = -1;
    sqlite3_stmt *query = rw_db_query(db, NULL, sql, "");
    if (query && rw_db_step(query, NULL) == 1)
        value = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return value;
}

static const char schema[] = "CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, b BLOB);";

/* Inserts until the power is cut, and says how many commits said yes. */
static int64_t commit_until_cut(struct fixture *f, const char *pragma, int64_t from)
{
    struct rw_err err;
    sqlite3 *db = rw_db_open(f->table, "/d/x.db", true, schema, &err);
    int64_t n = from;
    if (db && !rw_db_exec(db, pragma, &err))
        while (n < from + 200 &&
               !rw_db_run(db, &err, "INSERT INTO t VALUES(?, randomblob(300))", "i", n))
            n++;
    rw_db_close(db);
    return n;
}

/* Rows that were acknowledged and are not there. A database that was never made lost nothing. */
static int64_t lost_rows(struct fixture *f, int64_t acknowledged)
{
    struct rw_err err;
    sqlite3 *db = rw_db_open(f->table, "/d/x.db", true, schema, &err);
    if (!db)
        fail_msg("%s", err.text);
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM t WHERE n<%lld", (long long)acknowledged);
    assert_int_equal(one_number(db, "SELECT count(*) FROM pragma_integrity_check "
                                    "WHERE integrity_check='ok'"),
                     1);
    int64_t there = one_number(db, sql);
    rw_db_close(db);
    return acknowledged - there;
}

static int64_t losses(const char *pragma, const char *checkpoint)
{
    int64_t lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct fixture f;
        struct sim_random random = {seed};
        int64_t acknowledged = 0;
        start(&f, seed);
        for (int cuts = 0; cuts < 2; cuts++) {
            char sql[160];
            snprintf(sql, sizeof sql, "%s %s", pragma, checkpoint);
            sim_disk_cut_at(f.disk, (uint64_t)sim_random_between(&random, 1, 400));
            int64_t n = commit_until_cut(&f, sql, acknowledged);
            sim_disk_power_on(f.disk);
            int64_t gone = lost_rows(&f, n);
            lost += gone;
            acknowledged = n - gone;
            /* the one that was cut may have come through */
            sqlite3 *db = rw_db_open(f.table, "/d/x.db", true, schema, NULL);
            acknowledged += one_number(db, "SELECT count(*) FROM t") - acknowledged;
            rw_db_close(db);
        }
        sim_disk_destroy(f.disk);
    }
    return lost;
}

static void a_wal_database_with_full_syncs_keeps_every_row_that_it_promised(void **state)
{
    (void)state;
    assert_int_equal(losses("PRAGMA synchronous=FULL;", ""), 0);
    assert_int_equal(losses("PRAGMA synchronous=FULL;", "PRAGMA wal_autocheckpoint=4;"), 0);
}

static void a_wal_database_with_normal_syncs_loses_some(void **state)
{
    (void)state;
    assert_true(losses("PRAGMA synchronous=NORMAL;", "") > SEEDS);
}

static void a_rollback_journal_keeps_every_row_too(void **state)
{
    (void)state;
    assert_int_equal(losses("PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;", ""), 0);
}

static int64_t take_revision(struct rw_index *index)
{
    struct rw_err err = {0};
    if (rw_index_begin(index, &err))
        return -1;
    int64_t revision = rw_index_next_revision(index, &err);
    return rw_index_end(index, revision < 0, &err) ? -1 : revision;
}

/* What another connection has changed is read again. */
static void a_revision_that_cannot_be_read_is_refused_and_not_begun_anew(void **state)
{
    struct fixture *f = *state;
    int refused = 0;
    struct rw_index *index = rw_index_create(f->table, "/d/x.db", NULL);
    struct rw_index *other = rw_index_create(f->table, "/d/x.db", NULL);
    for (int64_t last = 1; last < 40; last++) {
        assert_int_equal(take_revision(other), last);
        sim_disk_add_fault(f->disk, &(struct sim_fault){SIM_READ, EIO, .after = (int)last % 4,
                                                        .times = 1, .prefix = "/d/x.db"});
        int64_t got = take_revision(index);
        sim_disk_clear_faults(f->disk);
        assert_true(got == -1 || got == last + 1);
        refused += got == -1;
        last += got != -1;
    }
    assert_true(refused > 3);
    rw_index_close(other);
    rw_index_close(index);
}

static void a_reader_reads_beside_a_writer_and_each_sees_whole_commits(void **state)
{
    struct fixture *f = *state;
    struct rw_err err;
    sqlite3 *writer = rw_db_open(f->table, "/d/x.db", true, schema, &err);
    sqlite3 *reader = rw_db_open(f->table, "/d/x.db", false, NULL, &err);
    assert_non_null(writer);
    assert_non_null(reader);
    rw_db_exec(writer, "INSERT INTO t VALUES(1,'')", &err);
    assert_int_equal(one_number(reader, "SELECT count(*) FROM t"), 1);
    rw_db_exec(reader, "BEGIN", &err);
    assert_int_equal(one_number(reader, "SELECT count(*) FROM t"), 1);
    assert_int_equal(rw_db_exec(writer, "INSERT INTO t VALUES(2,'')", &err), 0);
    assert_int_equal(one_number(reader, "SELECT count(*) FROM t"), 1); /* its moment */
    rw_db_exec(reader, "COMMIT", &err);
    assert_int_equal(one_number(reader, "SELECT count(*) FROM t"), 2);
    assert_int_not_equal(rw_db_exec(reader, "INSERT INTO t VALUES(3,'')", &err), 0);
    sqlite3 *second = rw_db_open(f->table, "/d/x.db", true, schema, &err);
    rw_db_exec(writer, "BEGIN IMMEDIATE", &err);
    assert_int_not_equal(rw_db_exec(second, "BEGIN IMMEDIATE", &err), 0);
    assert_int_equal(err.code, RW_EBUSY);
    rw_db_exec(writer, "COMMIT", &err);
    rw_db_close(second);
    rw_db_close(writer);
    rw_db_close(reader);
    assert_true(f->table->exists(f->disk, "/d/x.db-wal")); /* kept: PERSIST_WAL */
    reader = rw_db_open(f->table, "/d/x.db", false, NULL, &err);
    assert_int_equal(one_number(reader, "SELECT count(*) FROM t"), 2);
    rw_db_close(reader);
}

static void a_database_on_a_full_or_refusing_disk_says_so_and_stays_whole(void **state)
{
    struct fixture *f = *state;
    struct rw_err err;
    sqlite3 *db = rw_db_open(f->table, "/d/x.db", true, schema, &err);
    assert_int_equal(rw_db_exec(db, "INSERT INTO t VALUES(1,'')", &err), 0);
    sim_disk_set_capacity(f->disk, sim_disk_used(f->disk));
    assert_int_not_equal(rw_db_exec(db, "INSERT INTO t VALUES(2,randomblob(90000))", &err), 0);
    assert_int_equal(err.code, RW_ENOSPC);
    sim_disk_set_capacity(f->disk, 1 << 30);
    sim_disk_add_fault(f->disk, &(struct sim_fault){SIM_SYNC, EIO, .times = 1});
    assert_int_not_equal(rw_db_exec(db, "INSERT INTO t VALUES(3,'')", &err), 0);
    assert_int_equal(err.code, RW_EIO);
    assert_int_equal(rw_db_exec(db, "INSERT INTO t VALUES(4,'')", &err), 0);
    rw_db_close(db);
    db = rw_db_open(f->table, "/d/x.db", true, schema, &err);
    assert_int_equal(one_number(db, "SELECT count(*) FROM t WHERE n IN (1,4)"), 2);
    rw_db_close(db);
}

/* --- the clock --- */

static void the_clock_goes_as_it_is_wound(void **state)
{
    (void)state;
    struct sim_clock clock;
    uint8_t first[16], second[16];
    sim_clock_init(&clock, 1000);
    struct rw_now before = rw_now(&clock.table);
    clock.table.boot_id(clock.table.self, first);
    sim_clock_pass(&clock, 7);
    sim_clock_step(&clock, -3);
    struct rw_now after = rw_now(&clock.table);
    assert_int_equal(after.utc_us - before.utc_us, 4);
    assert_int_equal(after.boot_us - before.boot_us, 7);
    sim_clock_boot(&clock, 60000000, true);
    clock.table.boot_id(clock.table.self, second);
    assert_memory_not_equal(first, second, 16);
    assert_int_equal(rw_now(&clock.table).utc_us, 60001004);
    assert_int_equal(clock.table.state(clock.table.self).trust, RW_CLOCK_SYNCED);
    sim_clock_boot(&clock, 1, false);
    assert_true(rw_now(&clock.table).utc_us < 86400000000);
    assert_int_equal(clock.table.state(clock.table.self).trust, RW_CLOCK_UNVERIFIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_synced_is_kept_and_what_was_not_may_be_lost_sector_by_sector),
        TEST(a_sector_is_as_it_was_after_one_of_its_writes),
        TEST(an_appended_file_is_any_of_its_lengths_and_never_longer),
        TEST(a_name_without_a_sync_of_its_folder_may_be_lost_with_its_synced_bytes),
        TEST(a_rename_is_whole_and_a_replaced_file_is_the_old_or_the_new_one),
        TEST(a_file_moved_between_folders_is_in_one_of_them),
        TEST(every_operation_can_be_the_last),
        TEST(a_killed_process_loses_its_descriptors_and_no_byte),
        TEST(a_failed_sync_drops_what_it_should_have_written_and_the_next_one_says_yes),
        TEST(what_is_not_written_yet_is_not_forgotten),
        TEST(faults_strike_when_where_and_as_often_as_they_were_told),
        TEST(a_misdirected_write_lands_elsewhere_in_the_folder),
        TEST(a_full_disk_refuses_what_was_not_reserved_and_takes_what_was),
        TEST(a_disk_without_inodes_makes_no_file_and_a_read_only_one_changes_nothing),
        TEST(a_flipped_bit_is_on_the_disk),
        TEST(paths_go_up_and_down_and_folders_are_listed),
        TEST(a_wal_database_with_full_syncs_keeps_every_row_that_it_promised),
        TEST(a_wal_database_with_normal_syncs_loses_some),
        TEST(a_rollback_journal_keeps_every_row_too),
        TEST(a_revision_that_cannot_be_read_is_refused_and_not_begun_anew),
        TEST(a_reader_reads_beside_a_writer_and_each_sees_whole_commits),
        TEST(a_database_on_a_full_or_refusing_disk_says_so_and_stays_whole),
        TEST(the_clock_goes_as_it_is_wound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
