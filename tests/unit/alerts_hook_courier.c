/* What a webhook is not told, and what it is told again: the courier and its thread, with a service
 * of a few lines behind a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alerts/hook.h"
#include "base/units.h"

#define NOW_US INT64_C(1795435200000000)
#define HOUR_US (3600 * RW_SECOND_US)
enum { PATIENCE_MS = 20000 };

struct world {
    int listener, ready;
    pthread_t thread;
    atomic_int status; /* what the service answers */
    int64_t boot_us;
    char url[64];
    struct rw_hook_config hook_config;
    struct rw_hook *hook;
};

static char none[] = "", host[] = "127.0.0.1", text[] = "{text}";
static struct rw_camera_config cameras[] = {{.id = (char *)"gate", .name = (char *)"Gate"}};
static const struct rw_config config = {
    .site = {.id = (char *)"a", .name = (char *)"A"}, .camera_count = 1, .cameras = cameras};
static const struct rw_buf empty;
static uint8_t bytes[] = "picture";
static const struct rw_buf picture = {bytes, 7, 8};

/* -- the service ------------------------------------------------------------------------------ */

/* One request a connection: so much of it as says that it is whole. */
static void serve(struct world *world, int fd)
{
    char in[4096] = "", out[128];
    size_t size = 0, whole = 1;
    while (size < whole) {
        ssize_t got = recv(fd, in + size, sizeof in - 1 - size, 0);
        if (got <= 0)
            return;
        in[size += (size_t)got] = 0;
        const char *end = strstr(in, "\r\n\r\n"), *length = strstr(in, "Content-Length: ");
        whole = end ? (size_t)(end + 4 - in) + (size_t)atoi(length ? length + 16 : "0") : size + 1;
    }
    int made = snprintf(out, sizeof out,
                        "HTTP/1.1 %d It\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                        atomic_load(&world->status));
    send(fd, out, (size_t)made, MSG_NOSIGNAL);
}

static void *serve_all(void *arg)
{
    struct world *world = arg;
    for (int fd; (fd = accept(world->listener, NULL, NULL)) >= 0; close(fd))
        serve(world, fd);
    return NULL;
}

static struct rw_now world_now(void *self)
{
    struct world *world = self;
    return (struct rw_now){.utc_us = NOW_US + world->boot_us, .boot_us = world->boot_us};
}

static struct rw_clock world_clock;

static struct rw_hook_news *next_news(struct world *world)
{
    struct rw_hook_news *news;
    while (!(news = rw_hook_take(world->hook))) {
        struct pollfd fd = {.fd = world->ready, .events = POLLIN};
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
        eventfd_t ignored;
        eventfd_read(world->ready, &ignored);
    }
    return news;
}

static void expect(struct world *world, enum rw_hook_news_kind kind)
{
    struct rw_hook_news *news = next_news(world);
    enum rw_hook_news_kind got = news->kind;
    free(news);
    assert_int_equal(got, kind);
}

static void start(struct world *world, enum rw_hook_type type)
{
    world->hook_config = (struct rw_hook_config){.id = none,
                                                 .type = type,
                                                 .url = world->url,
                                                 .host = host,
                                                 .token = none,
                                                 .ca_file = none,
                                                 .chat_id = none,
                                                 .text = text,
                                                 .photo = none};
    struct rw_err err = {0};
    world->hook = rw_hook_create(&config, &world->hook_config, &world_clock, world->ready, &err);
    assert_non_null(world->hook);
    expect(world, RW_HOOK_UP);
}

static int begin(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(world->listener, (struct sockaddr *)&address, size) || listen(world->listener, 8) ||
        getsockname(world->listener, (struct sockaddr *)&address, &size))
        return -1;
    snprintf(world->url, sizeof world->url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    world->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    world->boot_us = 1000 * RW_SECOND_US;
    atomic_store(&world->status, 200);
    world_clock = (struct rw_clock){.self = world, .now = world_now};
    *state = world;
    return pthread_create(&world->thread, NULL, serve_all, world);
}

static int end(void **state)
{
    struct world *world = *state;
    bool ended = rw_hook_destroy(world->hook, world->boot_us + 10 * RW_SECOND_US);
    shutdown(world->listener, SHUT_RDWR);
    pthread_join(world->thread, NULL);
    close(world->listener);
    close(world->ready);
    free(world);
    return ended ? 0 : -1;
}

/* -- items ------------------------------------------------------------------------------------ */

static uint64_t send_event(struct world *world, const char *id, int64_t at_us, bool pictured)
{
    struct rw_event event = {.kind = "motion", .start_us = at_us, .end_us = at_us, .armed = true};
    snprintf(event.id, sizeof event.id, "%s", id);
    struct rw_courier courier = rw_hook_courier(world->hook);
    return courier.send(courier.self, &(struct rw_item){.kind = RW_ITEM_EVENT,
                                                        .event = &event,
                                                        .snapshot = pictured ? &picture : &empty,
                                                        .thumbnail = &empty});
}

static void send_digest(struct world *world, bool rate, int64_t from_us, int64_t to_us)
{
    struct rw_digest digest = {
        .rate = rate, .events = 30, .of_kind = {30}, .from_us = from_us, .to_us = to_us};
    struct rw_courier courier = rw_hook_courier(world->hook);
    assert_int_not_equal(
        courier.send(courier.self, &(struct rw_item){.kind = RW_ITEM_DIGEST, .digest = &digest}),
        0);
}

static int64_t ago(const struct world *world, int64_t us)
{
    return NOW_US + world->boot_us - us;
}

/* -- tests ------------------------------------------------------------------------------------ */

static void people_are_told_once_and_programs_always(void **state)
{
    struct world *world = *state;
    start(world, RW_HOOK_JSON);
    send_event(world, "E1", ago(world, 0), false);
    send_event(world, "E1", ago(world, 0), false); /* while the first is on its way */
    int told = 0, passed = 0;
    for (int i = 0; i < 2; i++) { /* in either order */
        struct rw_hook_news *news = next_news(world);
        told += news->kind == RW_HOOK_TOLD;
        passed += news->kind == RW_HOOK_PASSED;
        free(news);
    }
    assert_true(told == 1 && passed == 1);
    send_event(world, "E1", ago(world, 0), false);
    expect(world, RW_HOOK_PASSED);
    world->hook_config.updates = true;
    send_event(world, "E1", ago(world, 0), false);
    expect(world, RW_HOOK_TOLD);
}

static void what_did_not_arrive_is_told_again(void **state)
{
    struct world *world = *state;
    start(world, RW_HOOK_JSON);
    atomic_store(&world->status, 503);
    send_event(world, "E1", ago(world, 0), false);
    expect(world, RW_HOOK_DOWN);
    assert_int_equal(send_event(world, "E1", ago(world, 0), false), 0);
    atomic_store(&world->status, 200);
    expect(world, RW_HOOK_UP);
    send_event(world, "E1", ago(world, 0), false);
    expect(world, RW_HOOK_TOLD);
}

static void what_is_refused_is_not_told_again(void **state)
{
    struct world *world = *state;
    start(world, RW_HOOK_JSON);
    atomic_store(&world->status, 403);
    send_event(world, "E1", ago(world, 0), false);
    struct rw_hook_news *news = next_news(world);
    assert_int_equal(news->kind, RW_HOOK_TURNED_AWAY);
    assert_string_equal(news->about, "the event E1 of gate");
    assert_string_equal(news->text, "HTTP 403");
    free(news);
    send_event(world, "E1", ago(world, 0), false);
    expect(world, RW_HOOK_PASSED);
}

static void old_events_that_a_digest_has_counted_are_passed_over(void **state)
{
    struct world *world = *state;
    start(world, RW_HOOK_JSON);
    send_event(world, "E0", ago(world, 2 * HOUR_US), false); /* nobody has counted it */
    expect(world, RW_HOOK_TOLD);
    send_digest(world, false, ago(world, 9 * HOUR_US), ago(world, 0));
    expect(world, RW_HOOK_TOLD);
    send_event(world, "E1", ago(world, 2 * HOUR_US), false);
    expect(world, RW_HOOK_PASSED);
    send_event(world, "E2", ago(world, HOUR_US - 1), false);
    expect(world, RW_HOOK_TOLD);
}

static void a_digest_comes_once_an_hour_but_one_of_too_many_always(void **state)
{
    struct world *world = *state;
    start(world, RW_HOOK_JSON);
    int64_t from_us = ago(world, HOUR_US);
    send_digest(world, false, from_us, ago(world, 0));
    expect(world, RW_HOOK_TOLD);
    send_digest(world, false, from_us, ago(world, 0));
    expect(world, RW_HOOK_PASSED);
    send_digest(world, true, from_us, ago(world, 0));
    expect(world, RW_HOOK_TOLD);
    world->boot_us += HOUR_US + 1;
    send_digest(world, false, from_us, ago(world, 0));
    expect(world, RW_HOOK_TOLD);
}

static void a_picture_that_is_refused_is_left_away(void **state)
{
    struct world *world = *state;
    start(world, RW_HOOK_MULTIPART);
    atomic_store(&world->status, 413);
    send_event(world, "E1", ago(world, 0), true);
    struct rw_hook_news *news = next_news(world);
    assert_true(news->kind == RW_HOOK_DOWN && news->pictured && news->unwanted);
    free(news);
    expect(world, RW_HOOK_UP);
    atomic_store(&world->status, 200);
    send_event(world, "E1", ago(world, 0), true);
    news = next_news(world);
    assert_true(news->kind == RW_HOOK_TOLD && !news->pictured);
    free(news);
    send_event(world, "E2", ago(world, 0), true); /* the next gets its chance */
    news = next_news(world);
    assert_true(news->kind == RW_HOOK_TOLD && news->pictured);
    free(news);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        TEST(people_are_told_once_and_programs_always),
        TEST(what_did_not_arrive_is_told_again),
        TEST(what_is_refused_is_not_told_again),
        TEST(old_events_that_a_digest_has_counted_are_passed_over),
        TEST(a_digest_comes_once_an_hour_but_one_of_too_many_always),
        TEST(a_picture_that_is_refused_is_left_away),
    };
    int failed = cmocka_run_group_tests_name("alerts_hook_courier", tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
