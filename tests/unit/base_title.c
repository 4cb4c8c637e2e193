#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/title.h"

enum { SHOWN_MAX = 4096 };

static size_t read_shown(pid_t pid, char shown[SHOWN_MAX])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t size = read(fd, shown, SHOWN_MAX);
    close(fd);
    assert_true(size > 0 && size < SHOWN_MAX);
    return (size_t)size;
}

/* What is shown of a child that takes these titles, one after the other. Returns the size. */
static size_t show(char shown[SHOWN_MAX], const char *const *first, const char *const *second)
{
    int ready[2], done[2], status;
    char byte;
    assert_int_equal(pipe(ready) | pipe(done), 0);
    pid_t pid = fork();
    if (!pid) {
        rw_title_set(first);
        if (second)
            rw_title_set(second);
        _exit(write(ready[1], "x", 1) != 1 || read(done[0], &byte, 1) != 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    size_t size = read_shown(pid, shown);
    assert_int_equal(write(done[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(done[i]);
    }
    return size;
}

static void the_words_stand_where_the_arguments_were(void **state)
{
    static const char *const title[] = {"a", "b", NULL};
    char shown[SHOWN_MAX], before[SHOWN_MAX];
    (void)state;
    size_t room = rw_title_room(), size = show(shown, title, NULL);
    assert_int_equal(rw_title_size(title), 4);
    assert_int_equal(size, room);
    assert_memory_equal(shown, "a\0b\0", 4);
    for (size_t i = 4; i < size; i++)
        assert_int_equal(shown[i], 0);
    assert_int_equal(read_shown(getpid(), before), room); /* ours are as they were */
    assert_non_null(strstr(before, "base_title"));
}

static void a_title_can_be_exchanged_and_has_the_same_room_again(void **state)
{
    static const char *const first[] = {"a", NULL}, *const second[] = {"longer", "b", NULL};
    char shown[SHOWN_MAX];
    (void)state;
    assert_int_equal(show(shown, first, second), rw_title_room());
    assert_memory_equal(shown, "longer\0b", 9);
}

static void a_title_without_room_loses_its_end(void **state)
{
    char shown[SHOWN_MAX], longer[SHOWN_MAX];
    const char *const title[] = {"roadwatch", longer, "unseen", NULL};
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    size_t room = rw_title_room();
    assert_true(rw_title_size(title) > room);
    assert_int_equal(show(shown, title, NULL), room);
    assert_memory_equal(shown, "roadwatch", 10);
    assert_int_equal(strspn(shown + 10, "x"), room - 11);
    assert_int_equal(shown[room - 1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_stand_where_the_arguments_were),
        cmocka_unit_test(a_title_can_be_exchanged_and_has_the_same_room_again),
        cmocka_unit_test(a_title_without_room_loses_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
