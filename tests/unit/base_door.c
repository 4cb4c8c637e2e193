/* The doors on real sockets: whatever knocks, the owner answers or goes on. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cancel.h"
#include "base/door.h"

struct house {
    char dir[64], path[100];
    int listener;
    int asked; /* how often answer() was called */
};

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof *house);
    struct rw_err err;
    strcpy(house->dir, "/tmp/roadwatch-door-XXXXXX");
    assert_non_null(mkdtemp(house->dir));
    snprintf(house->path, sizeof house->path, "%s/gate.sock", house->dir);
    house->listener = rw_door_listen(house->path, &err);
    if (house->listener < 0)
        fail_msg("%s", err.text);
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;
    char command[100];
    if (house->listener >= 0)
        close(house->listener);
    snprintf(command, sizeof command, "rm -rf %s", house->dir);
    assert_int_equal(system(command), 0);
    free(house);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* "add": the sum; "long": a reply of `size` bytes and some; "silent": nothing. */
static json_t *answer(void *arg, const json_t *request)
{
    struct house *house = arg;
    house->asked++;
    const char *command = json_string_value(json_object_get(request, "cmd"));
    if (command && !strcmp(command, "add"))
        return json_pack("{s:I}", "sum",
                         json_integer_value(json_object_get(request, "a")) +
                             json_integer_value(json_object_get(request, "b")));
    if (command && !strcmp(command, "long")) {
        size_t size = (size_t)json_integer_value(json_object_get(request, "size"));
        char *text = malloc(size + 1);
        memset(text, 'x', size);
        text[size] = 0;
        json_t *reply = json_pack("{s:s}", "text", text);
        free(text);
        return reply;
    }
    return NULL;
}

/* --- by hand: a client that is as rude as it likes --- */

static int knock(const struct house *house)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, house->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends as much as the socket takes without waiting. */
static size_t send_some(int fd, const char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = send(fd, bytes + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put <= 0)
            break;
        done += (size_t)put;
    }
    return done;
}

/* The answer until the other side closes. */
static void hear(int fd, char *out, size_t size)
{
    size_t used = 0;
    ssize_t got;
    while (used < size - 1 && (got = read(fd, out + used, size - 1 - used)) > 0)
        used += (size_t)got;
    out[used] = 0;
}

static void serve(struct house *house)
{
    int64_t before = now_ms();
    rw_door_serve(house->listener, answer, house);
    assert_true(now_ms() - before < 10000); /* a second, on a machine that has other work */
}

static void expect_answer(struct house *house, const char *request, size_t size,
                          const char *expected)
{
    char heard[1000];
    int fd = knock(house);
    assert_int_equal(send_some(fd, request, size), size);
    serve(house);
    hear(fd, heard, sizeof heard);
    assert_string_equal(heard, expected);
    close(fd);
}

static void a_question_gets_its_answer_on_one_line(void **state)
{
    struct house *house = *state;
    static const char question[] = "{\"cmd\":\"add\",\"a\":40,\"b\":2}\n";
    expect_answer(house, question, strlen(question), "{\"sum\":42}\n");
    static const char spaced[] = " { \"cmd\" : \"add\", \"a\": -1 } \r\nand more";
    expect_answer(house, spaced, strlen(spaced), "{\"sum\":-1}\n");
}

static void garbage_is_told_so_and_never_reaches_the_owner(void **state)
{
    struct house *house = *state;
    static const char *const bad[] = {
        "\n",     "hello\n",      "[1,2]\n", "\"add\"\n",  "{\n",
        "{}{}\n", "{\"cmd\":}\n", "nan\n",   "\xff\xfe\n", "{\"cmd\":\"\xc3\x28\"}\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_answer(house, bad[i], strlen(bad[i]), "{\"error\":\"unknown request\"}\n");
    char deep[20001];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\n';
    expect_answer(house, deep, sizeof deep, "{\"error\":\"unknown request\"}\n");
    assert_int_equal(house->asked, 0);
    expect_answer(house, "{}\n", 3, "{\"error\":\"unknown request\"}\n");
    assert_int_equal(house->asked, 1); /* an object, of which the owner knew nothing */
}

static void a_question_cut_by_a_zero_byte_is_garbage(void **state)
{
    struct house *house = *state;
    static const char question[] = "{\"cmd\":\"add\"}\0, and a tail\n";
    expect_answer(house, question, sizeof question - 1, "{\"error\":\"unknown request\"}\n");
    assert_int_equal(house->asked, 0);
}

static void a_client_that_dawdles_is_sent_away(void **state)
{
    struct house *house = *state;
    char heard[100];
    int fd = knock(house);
    assert_int_equal(send_some(fd, "{\"cmd\":", 7), 7);
    serve(house);
    hear(fd, heard, sizeof heard); /* returns, because the other side closed */
    assert_string_equal(heard, "");
    assert_int_equal(house->asked, 0);
    close(fd);
}

static void a_client_that_does_not_listen_is_left(void **state)
{
    struct house *house = *state;
    static const char question[] = "{\"cmd\":\"long\",\"size\":4000000}\n";
    int fd = knock(house);
    assert_int_equal(send_some(fd, question, strlen(question)), strlen(question));
    serve(house);
    assert_int_equal(house->asked, 1);
    close(fd);
}

static void a_client_that_went_away_harms_nobody(void **state)
{
    struct house *house = *state;
    static const char question[] = "{\"cmd\":\"long\",\"size\":4000000}\n";
    int fd = knock(house);
    assert_int_equal(send_some(fd, question, strlen(question)), strlen(question));
    close(fd);
    serve(house); /* a write to nobody, without SIGPIPE */
    close(knock(house));
    serve(house);
    serve(house); /* nobody waits at all */
    assert_int_equal(house->asked, 1);
}

static void a_line_without_end_is_not_read_for_ever(void **state)
{
    struct house *house = *state;
    char *line = malloc(4 * RW_DOOR_MAX), heard[100];
    memset(line, ' ', 4 * RW_DOOR_MAX);
    int fd = knock(house);
    assert_true(send_some(fd, line, 4 * RW_DOOR_MAX) > RW_DOOR_MAX);
    serve(house);
    assert_int_equal(house->asked, 0);
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poller, 1, 10000), 1);
    assert_true(recv(fd, heard, sizeof heard, 0) <= 0);
    close(fd);
    free(line);
}

static void a_question_of_just_the_bound_is_read_and_one_more_is_not(void **state)
{
    struct house *house = *state;
    char *line = malloc(RW_DOOR_MAX + 1);
    for (int size = RW_DOOR_MAX; size <= RW_DOOR_MAX + 1; size++) {
        memset(line, ' ', (size_t)size);
        memcpy(line, "{}", 2);
        line[size - 1] = '\n';
        int fd = knock(house);
        assert_int_equal(send_some(fd, line, (size_t)size), size);
        serve(house);
        close(fd);
        assert_int_equal(house->asked, 1);
    }
    free(line);
}

/* --- asking, with the owner on a thread of its own --- */

struct owner {
    struct house *house;
    struct rw_cancel *cancel;
    pthread_t thread;
};

static void *owner_main(void *arg)
{
    struct owner *owner = arg;
    for (;;) {
        struct pollfd pollers[2] = {{.fd = owner->house->listener, .events = POLLIN},
                                    {.fd = rw_cancel_fd(owner->cancel), .events = POLLIN}};
        poll(pollers, 2, -1);
        if (rw_cancel_requested(owner->cancel))
            return NULL;
        rw_door_serve(owner->house->listener, answer, owner->house);
    }
}

static void owner_start(struct owner *owner, struct house *house)
{
    *owner = (struct owner){.house = house, .cancel = rw_cancel_create()};
    assert_int_equal(pthread_create(&owner->thread, NULL, owner_main, owner), 0);
}

static void owner_stop(struct owner *owner)
{
    rw_cancel_request(owner->cancel);
    assert_int_equal(pthread_join(owner->thread, NULL), 0);
    rw_cancel_destroy(owner->cancel);
}

static json_t *ask_for_sum(const char *path, int a, int b, struct rw_err *err)
{
    json_t *request = json_pack("{s:s, s:i, s:i}", "cmd", "add", "a", a, "b", b);
    json_t *reply = rw_door_ask(path, request, 20000, err);
    json_decref(request);
    return reply;
}

static void asks_and_is_answered(void **state)
{
    struct house *house = *state;
    struct owner owner;
    struct rw_err err = {0};
    owner_start(&owner, house);
    for (int i = 0; i < 50; i++) {
        json_t *reply = ask_for_sum(house->path, i, 1, &err);
        assert_non_null(reply);
        assert_int_equal(json_integer_value(json_object_get(reply, "sum")), i + 1);
        json_decref(reply);
    }
    owner_stop(&owner);
    assert_int_equal(house->asked, 50);
}

enum { ASKERS = 4, QUESTIONS = 40 };

static void *ask_many(void *arg)
{
    const struct house *house = arg;
    intptr_t wrong = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        struct rw_err err;
        json_t *reply = ask_for_sum(house->path, i, i, &err);
        wrong += json_integer_value(json_object_get(reply, "sum")) != 2 * i || !reply;
        json_decref(reply);
    }
    return (void *)wrong;
}

static void many_may_ask_at_once(void **state)
{
    struct house *house = *state;
    struct owner owner;
    pthread_t threads[ASKERS];
    owner_start(&owner, house);
    for (int i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, house), 0);
    for (int i = 0; i < ASKERS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    owner_stop(&owner);
    assert_int_equal(house->asked, ASKERS * QUESTIONS);
}

static void an_answer_beyond_the_bound_is_refused_by_the_asker(void **state)
{
    struct house *house = *state;
    struct owner owner;
    struct rw_err err = {0};
    owner_start(&owner, house);
    json_t *request = json_pack("{s:s, s:i}", "cmd", "long", "size", RW_DOOR_MAX - 100);
    json_t *reply = rw_door_ask(house->path, request, 20000, &err);
    assert_non_null(reply);
    json_decref(reply);
    json_object_set_new(request, "size", json_integer(RW_DOOR_MAX));
    assert_null(rw_door_ask(house->path, request, 20000, &err));
    assert_non_null(strstr(err.text, house->path));
    json_decref(request);
    owner_stop(&owner);
}

static void nobody_at_home_is_said_at_once(void **state)
{
    struct house *house = *state;
    struct rw_err err = {0};
    close(house->listener); /* its socket's name stays, as after a crash */
    house->listener = -1;
    assert_null(ask_for_sum(house->path, 1, 1, &err));
    assert_int_equal(err.code, RW_ENOTFOUND);
    assert_non_null(strstr(err.text, house->path));
    assert_int_equal(unlink(house->path), 0);
    assert_null(ask_for_sum(house->path, 1, 1, &err));
    assert_int_equal(err.code, RW_ENOTFOUND);
}

static void an_owner_that_sleeps_is_not_waited_for_longer_than_said(void **state)
{
    struct house *house = *state;
    struct rw_err err = {0};
    json_t *request = json_pack("{s:s}", "cmd", "add");
    int64_t before = now_ms();
    assert_null(rw_door_ask(house->path, request, 60, &err));
    assert_true(now_ms() - before >= 60);
    assert_int_equal(err.code, RW_ETIMEOUT);
    json_decref(request);
}

static void a_dead_socket_is_replaced_and_a_file_is_not(void **state)
{
    struct house *house = *state;
    struct rw_err err = {0};
    struct stat st;
    close(house->listener);
    house->listener = rw_door_listen(house->path, &err);
    assert_true(house->listener >= 0);
    assert_int_equal(stat(house->path, &st), 0);
    assert_int_equal(st.st_mode & 07, 0); /* not the whole world's */
    char file[120];
    snprintf(file, sizeof file, "%s/precious", house->dir);
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(rw_door_listen(file, &err), -1);
    assert_non_null(strstr(err.text, file));
    assert_int_equal(stat(file, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void a_path_that_no_socket_can_have_is_refused_with_advice(void **state)
{
    struct house *house = *state;
    char path[300];
    struct rw_err err = {0};
    int used = snprintf(path, sizeof path, "%s/", house->dir);
    memset(path + used, 'x', sizeof path - (size_t)used);
    path[sizeof path - 1] = 0;
    assert_int_equal(rw_door_listen(path, &err), -1);
    assert_int_equal(err.code, RW_EINVAL);
    assert_non_null(strstr(err.text, "too long"));
    assert_null(ask_for_sum(path, 1, 1, &err));
    assert_int_equal(err.code, RW_EINVAL);
    assert_int_equal(rw_poke_listen(path, &err), -1);
    rw_poke(path);
    path[107] = 0; /* the longest that there is */
    int fd = rw_door_listen(path, &err);
    assert_true(fd >= 0);
    close(fd);
}

static void a_socket_deep_in_folders_is_reached_all_the_same(void **state)
{
    struct house *house = *state;
    char folder[300], path[400];
    struct rw_err err = {0};
    int used = snprintf(folder, sizeof folder, "%s/", house->dir);
    memset(folder + used, 'y', 150);
    folder[used + 150] = 0;
    snprintf(path, sizeof path, "%s/gate.sock", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    int pokes = rw_poke_listen(path, &err);
    assert_true(pokes >= 0);
    rw_poke(path);
    char byte;
    assert_int_equal(recv(pokes, &byte, 1, MSG_DONTWAIT), 0);
    close(pokes);
    int listener = rw_door_listen(path, &err); /* in the place of the dead one */
    assert_true(listener >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    close(listener);
}

/* --- pokes --- */

static bool readable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

static void a_poke_is_felt_until_it_is_drained(void **state)
{
    struct house *house = *state;
    struct rw_err err = {0};
    char path[120];
    snprintf(path, sizeof path, "%s/alerts.sock", house->dir);
    int fd = rw_poke_listen(path, &err);
    assert_true(fd >= 0);
    assert_false(readable(fd));
    rw_poke(path);
    assert_true(readable(fd));
    rw_poke(path);
    rw_poke_drain(fd);
    assert_false(readable(fd));
    rw_poke_drain(fd);             /* and does not wait for one */
    for (int i = 0; i < 2000; i++) /* more than the socket holds: none of them waits */
        rw_poke(path);
    rw_poke_drain(fd);
    assert_false(readable(fd));
    rw_poke(path);
    assert_true(readable(fd));
    close(fd);
}

static void a_poke_at_nobody_is_lost_in_peace(void **state)
{
    struct house *house = *state;
    struct rw_err err = {0};
    char path[120];
    snprintf(path, sizeof path, "%s/alerts.sock", house->dir);
    rw_poke(path);
    int fd = rw_poke_listen(path, &err);
    assert_true(fd >= 0);
    close(fd);
    rw_poke(path);        /* a dead socket */
    rw_poke(house->path); /* a socket of the other kind */
    fd = rw_poke_listen(path, &err);
    assert_true(fd >= 0);
    assert_false(readable(fd));
    rw_poke(path);
    assert_true(readable(fd));
    close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_question_gets_its_answer_on_one_line),
        CASE(garbage_is_told_so_and_never_reaches_the_owner),
        CASE(a_question_cut_by_a_zero_byte_is_garbage),
        CASE(a_client_that_dawdles_is_sent_away),
        CASE(a_client_that_does_not_listen_is_left),
        CASE(a_client_that_went_away_harms_nobody),
        CASE(a_line_without_end_is_not_read_for_ever),
        CASE(a_question_of_just_the_bound_is_read_and_one_more_is_not),
        CASE(asks_and_is_answered),
        CASE(many_may_ask_at_once),
        CASE(an_answer_beyond_the_bound_is_refused_by_the_asker),
        CASE(nobody_at_home_is_said_at_once),
        CASE(an_owner_that_sleeps_is_not_waited_for_longer_than_said),
        CASE(a_dead_socket_is_replaced_and_a_file_is_not),
        CASE(a_path_that_no_socket_can_have_is_refused_with_advice),
        CASE(a_socket_deep_in_folders_is_reached_all_the_same),
        CASE(a_poke_is_felt_until_it_is_drained),
        CASE(a_poke_at_nobody_is_lost_in_peace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
