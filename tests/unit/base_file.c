/* Small files, folders and locks, in a real folder. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

struct folder {
    char dir[64], path[100];
    struct rw_buf bytes;
    struct rw_err err;
};

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    strcpy(folder->dir, "/tmp/roadwatch-file-XXXXXX");
    assert_non_null(mkdtemp(folder->dir));
    snprintf(folder->path, sizeof folder->path, "%s/word", folder->dir);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    struct folder *folder = *state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder->dir);
    assert_int_equal(system(command), 0);
    rw_buf_finish(&folder->bytes);
    free(folder);
    return 0;
}

static void put(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static bool there(const char *path)
{
    return !access(path, F_OK);
}

static void reads_whole_files_of_any_size_with_a_nul_behind(void **state)
{
    struct folder *folder = *state;
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 100000};
    uint8_t *bytes = malloc(100000);
    for (size_t i = 0; i < 100000; i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        put(folder->path, bytes, sizes[i]);
        assert_int_equal(rw_file_read(folder->path, sizes[i], &folder->bytes, &folder->err), 0);
        assert_int_equal(folder->bytes.size, sizes[i]);
        assert_memory_equal(folder->bytes.data, bytes, sizes[i]);
        assert_int_equal(folder->bytes.data[sizes[i]], 0);
        if (!sizes[i])
            continue;
        assert_int_equal(rw_file_read(folder->path, sizes[i] - 1, &folder->bytes, &folder->err),
                         -1);
        assert_int_equal(folder->err.code, RW_EFORMAT);
        assert_non_null(strstr(folder->err.text, folder->path));
    }
    free(bytes);
}

static void what_cannot_be_read_is_named_with_the_reason(void **state)
{
    struct folder *folder = *state;
    assert_int_equal(rw_file_read(folder->path, 10, &folder->bytes, &folder->err), -1);
    assert_int_equal(folder->err.code, RW_ENOTFOUND);
    assert_non_null(strstr(folder->err.text, folder->path));
    assert_int_equal(rw_file_read(folder->dir, 10, &folder->bytes, &folder->err), -1);
    assert_non_null(strstr(folder->err.text, "directory"));
    assert_int_equal(rw_file_read("/dev/zero", 100000, &folder->bytes, &folder->err), -1);
    assert_int_equal(folder->err.code, RW_EFORMAT);
}

static void a_pipe_that_nobody_writes_to_is_not_waited_for(void **state)
{
    struct folder *folder = *state;
    assert_int_equal(mkfifo(folder->path, 0600), 0);
    rw_file_read(folder->path, 10, &folder->bytes, &folder->err);
    assert_int_equal(folder->bytes.size, 0);
}

static void replaces_a_file_whole_and_leaves_nothing_beside_it(void **state)
{
    struct folder *folder = *state;
    char fresh[120];
    snprintf(fresh, sizeof fresh, "%s.new", folder->path);
    for (int durable = 0; durable < 2; durable++) {
        put(fresh, "left by a crash, longer than what comes", 39);
        assert_int_equal(rw_file_replace(folder->path, "first", 5, durable, &folder->err), 0);
        assert_int_equal(rw_file_replace(folder->path, "second!", 7, durable, &folder->err), 0);
        assert_int_equal(rw_file_read(folder->path, 100, &folder->bytes, &folder->err), 0);
        assert_string_equal((char *)folder->bytes.data, "second!");
        assert_false(there(fresh));
        assert_int_equal(rw_file_replace(folder->path, "", 0, durable, &folder->err), 0);
        assert_int_equal(rw_file_read(folder->path, 100, &folder->bytes, &folder->err), 0);
        assert_int_equal(folder->bytes.size, 0);
    }
    struct stat st;
    assert_int_equal(stat(folder->path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
}

static void a_reader_that_had_it_open_keeps_the_old_file(void **state)
{
    struct folder *folder = *state;
    char got[10] = "";
    put(folder->path, "old", 3);
    int fd = open(folder->path, O_RDONLY);
    assert_int_equal(rw_file_replace(folder->path, "new", 3, 0, &folder->err), 0);
    assert_int_equal(read(fd, got, sizeof got), 3);
    assert_string_equal(got, "old");
    close(fd);
}

static void a_failed_replacement_keeps_the_old_file_and_cleans_up(void **state)
{
    struct folder *folder = *state;
    char fresh[120], missing[120];
    snprintf(missing, sizeof missing, "%s/no/such/file", folder->dir);
    assert_int_equal(rw_file_replace(missing, "x", 1, 1, &folder->err), -1);
    assert_int_equal(folder->err.code, RW_ENOTFOUND);
    assert_non_null(strstr(folder->err.text, missing));
    snprintf(fresh, sizeof fresh, "%s.new", folder->dir);
    assert_int_equal(rw_file_replace(folder->dir, "x", 1, 0, &folder->err), -1); /* is a folder */
    assert_false(there(fresh));
    if (!access("/dev/full", W_OK)) { /* the disk is full */
        put(folder->path, "old", 3);
        snprintf(fresh, sizeof fresh, "%s.new", folder->path);
        assert_int_equal(symlink("/dev/full", fresh), 0);
        assert_int_equal(rw_file_replace(folder->path, "new", 3, 0, &folder->err), -1);
        assert_int_equal(folder->err.code, RW_ENOSPC);
        assert_false(there(fresh));
        assert_int_equal(rw_file_read(folder->path, 100, &folder->bytes, &folder->err), 0);
        assert_string_equal((char *)folder->bytes.data, "old");
    }
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct folder *folder = *state;
    char *path = malloc(PATH_MAX + 100);
    for (int size = PATH_MAX - 6; size < PATH_MAX + 50; size++) {
        memset(path, 'x', (size_t)size);
        path[0] = '/';
        path[size] = 0;
        assert_int_equal(rw_file_replace(path, "x", 1, 0, &folder->err), -1);
        assert_int_equal(rw_make_path(path, &folder->err), -1);
    }
    assert_non_null(strstr(folder->err.text, "too long"));
    free(path);
}

static void makes_folders_all_the_way_and_again(void **state)
{
    struct folder *folder = *state;
    char path[200];
    struct stat st;
    snprintf(path, sizeof path, "%s/a//b/thôn Dùng/", folder->dir);
    for (int i = 0; i < 2; i++)
        assert_int_equal(rw_make_path(path, &folder->err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
    assert_int_equal(rw_make_path("/", &folder->err), 0);
    assert_int_equal(rw_make_path(".", &folder->err), 0);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    struct folder *folder = *state;
    char path[200];
    assert_int_equal(rw_make_path("", &folder->err), -1);
    put(folder->path, "x", 1);
    assert_int_equal(rw_make_path(folder->path, &folder->err), -1); /* a file has that name */
    assert_non_null(strstr(folder->err.text, folder->path));
    snprintf(path, sizeof path, "%s/below", folder->path);
    assert_int_equal(rw_make_path(path, &folder->err), -1);
    assert_non_null(strstr(folder->err.text, folder->path));
}

static void one_holds_a_lock_and_the_next_is_told(void **state)
{
    struct folder *folder = *state;
    assert_int_equal(rw_lock_held(folder->path), 0); /* no such file */
    int fd = rw_lock_take(folder->path, &folder->err);
    assert_true(fd >= 0);
    assert_int_equal(rw_lock_held(folder->path), 1);
    assert_int_equal(rw_lock_take(folder->path, &folder->err), -1);
    assert_int_equal(folder->err.code, RW_EBUSY);
    assert_non_null(strstr(folder->err.text, folder->path));
    assert_int_equal(rw_lock_held(folder->path), 1); /* looking does not let go of it */
    close(fd);
    assert_int_equal(rw_lock_held(folder->path), 0);
    fd = rw_lock_take(folder->path, &folder->err);
    assert_true(fd >= 0);
    close(fd);
    char missing[120];
    snprintf(missing, sizeof missing, "%s/no/lock", folder->dir);
    assert_int_equal(rw_lock_take(missing, &folder->err), -1);
    assert_int_equal(folder->err.code, RW_ENOTFOUND);
}

static void a_lock_dies_with_its_process(void **state)
{
    struct folder *folder = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (!child) {
        if (rw_lock_take(folder->path, NULL) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(rw_lock_held(folder->path), 1);
    assert_int_equal(rw_lock_take(folder->path, &folder->err), -1);
    assert_int_equal(folder->err.code, RW_EBUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    int fd = rw_lock_take(folder->path, &folder->err);
    assert_true(fd >= 0);
    close(fd);
    close(ready[0]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(reads_whole_files_of_any_size_with_a_nul_behind),
        CASE(what_cannot_be_read_is_named_with_the_reason),
        CASE(a_pipe_that_nobody_writes_to_is_not_waited_for),
        CASE(replaces_a_file_whole_and_leaves_nothing_beside_it),
        CASE(a_reader_that_had_it_open_keeps_the_old_file),
        CASE(a_failed_replacement_keeps_the_old_file_and_cleans_up),
        CASE(a_path_that_is_too_long_is_refused),
        CASE(makes_folders_all_the_way_and_again),
        CASE(a_folder_that_cannot_be_made_is_named),
        CASE(one_holds_a_lock_and_the_next_is_told),
        CASE(a_lock_dies_with_its_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
