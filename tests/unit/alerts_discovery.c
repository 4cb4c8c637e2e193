#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/discovery.h"
#include "base/units.h"

enum { SENT_MAX = 16 };

/* The broker, played by the test. */
struct world {
    int room; /* so many messages more */
    int sent;
    char topics[SENT_MAX][128];
    char payloads[SENT_MAX][4096];
};

static struct rw_camera_config cameras[] = {
    {.id = (char *)"gate", .name = (char *)"Cổng \"làng\"", .alert = {.max_us = 5 * RW_SECOND_US}},
    {.id = (char *)"b", .name = (char *)"\xff"},
};
static struct rw_config config = {
    .site = {.id = (char *)"a", .name = (char *)"Thôn Dùng", .vietnamese = true},
    .mqtt = {.prefix = (char *)"roadwatch", .home_assistant = true},
    .camera_count = 2,
    .cameras = cameras,
};

static uint64_t world_publish(void *self, const struct rw_message *message)
{
    struct world *world = self;
    assert_true(message->retain && message->whole && !message->expiry_s);
    assert_true(world->sent < SENT_MAX && message->size < sizeof world->payloads[0]);
    if (!world->room)
        return 0;
    world->room--;
    snprintf(world->topics[world->sent], sizeof world->topics[0], "%s", message->topic);
    memcpy(world->payloads[world->sent], message->payload, message->size);
    return (uint64_t)++world->sent;
}

static struct rw_discovery *begin(struct world *world, int room)
{
    *world = (struct world){.room = room};
    struct rw_sink sink = {world, world_publish};
    return rw_discovery_create(&config, &sink);
}

static void the_site_goes_first_and_all_of_it_once_a_connection(void **state)
{
    (void)state;
    struct world world;
    struct rw_discovery *discovery = begin(&world, 2);
    rw_discovery_look(discovery);
    assert_int_equal(world.sent, 0); /* not connected */
    rw_discovery_connected(discovery);
    assert_int_equal(world.sent, 2); /* there was no room for more */
    world.room = 9;
    rw_discovery_look(discovery);
    rw_discovery_look(discovery);
    assert_int_equal(world.sent, 3);
    assert_string_equal(world.topics[0], "homeassistant/device/roadwatch_a/config");
    assert_string_equal(world.topics[1], "homeassistant/device/roadwatch_a/gate/config");
    assert_string_equal(world.topics[2], "homeassistant/device/roadwatch_a/b/config");
    rw_discovery_lost(discovery);
    rw_discovery_look(discovery);
    assert_int_equal(world.sent, 3);
    rw_discovery_connected(discovery);
    assert_int_equal(world.sent, 6);
    rw_discovery_destroy(discovery);
}

static void any_name_makes_json_and_motion_ends_by_itself(void **state)
{
    (void)state;
    struct world world;
    struct rw_discovery *discovery = begin(&world, 9);
    rw_discovery_connected(discovery);
    static const char *const names[] = {"Thôn Dùng", "Cổng \"làng\"", "?"};
    for (int i = 0; i < 3; i++) {
        json_t *json = json_loads(world.payloads[i], JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        const char *name;
        assert_int_equal(json_unpack(json, "{s:{s:s}}", "device", "name", &name), 0);
        assert_string_equal(name, names[i]);
        int delay;
        if (i == 1) {
            assert_int_equal(
                json_unpack(json, "{s:{s:{s:i}}}", "components", "motion", "off_delay", &delay), 0);
            assert_int_equal(delay, 65);
        }
        json_decref(json);
    }
    rw_discovery_destroy(discovery);
}

static void what_is_not_in_the_configuration_is_emptied(void **state)
{
    (void)state;
    struct world world;
    struct rw_discovery *discovery = begin(&world, 9);
    rw_discovery_connected(discovery);
    for (int i = 0; i < 3; i++)
        rw_discovery_found(discovery, world.topics[i]);
    assert_int_equal(world.sent, 3);
    rw_discovery_found(discovery, "homeassistant/device/roadwatch_a/gat/config");
    assert_int_equal(world.sent, 4);
    assert_string_equal(world.topics[3], "homeassistant/device/roadwatch_a/gat/config");
    assert_string_equal(world.payloads[3], "");
    rw_discovery_destroy(discovery);
}

static void switched_off_it_tells_nothing_and_takes_back_what_it_told(void **state)
{
    (void)state;
    struct world world;
    config.mqtt.home_assistant = false;
    struct rw_discovery *discovery = begin(&world, 9);
    rw_discovery_connected(discovery);
    assert_int_equal(world.sent, 0);
    rw_discovery_found(discovery, "homeassistant/device/roadwatch_a/gate/config");
    assert_int_equal(world.sent, 1);
    assert_string_equal(world.payloads[0], "");
    rw_discovery_destroy(discovery);
    config.mqtt.home_assistant = true;
}

/* How many lines the refusal of this ticket puts into the log. */
static int lines_after(struct rw_discovery *discovery, uint64_t ticket, const char *refused)
{
    char said[2048];
    int fds[2], saved = dup(STDERR_FILENO), lines = 0;
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    rw_discovery_acked(discovery, ticket, refused);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fds[1]);
    ssize_t size = read(fds[0], said, sizeof said);
    close(fds[0]);
    for (ssize_t i = 0; i < size; i++)
        lines += said[i] == '\n';
    return lines;
}

static void a_refusal_is_told_once_a_connection(void **state)
{
    (void)state;
    struct world world;
    struct rw_discovery *discovery = begin(&world, 9);
    rw_discovery_connected(discovery);
    assert_int_equal(lines_after(discovery, 1, NULL), 0);
    assert_int_equal(lines_after(discovery, 77, "Not authorized"), 0); /* another's ticket */
    assert_int_equal(lines_after(discovery, 2, "Not authorized"), 1);
    assert_int_equal(lines_after(discovery, 3, "Not authorized"), 0);
    rw_discovery_lost(discovery);
    rw_discovery_connected(discovery);
    assert_int_equal(lines_after(discovery, 4, "Not authorized"), 1);
    rw_discovery_destroy(discovery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_site_goes_first_and_all_of_it_once_a_connection),
        cmocka_unit_test(any_name_makes_json_and_motion_ends_by_itself),
        cmocka_unit_test(what_is_not_in_the_configuration_is_emptied),
        cmocka_unit_test(a_refusal_is_told_once_a_connection),
        cmocka_unit_test(switched_off_it_tells_nothing_and_takes_back_what_it_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
