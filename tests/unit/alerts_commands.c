#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "alerts/commands.h"

#define EVENT "01JDBS7K3M5N7P9Q1R3S5T7V9X"
#define ACK_TOPIC "event/" EVENT "/ack"

static struct rw_camera_config cameras[] = {{.id = (char *)"gate"}, {.id = (char *)"event"}};
static const struct rw_config config = {.camera_count = 2, .cameras = cameras};

static int parse(const char *topic, const char *payload, struct rw_command *command)
{
    struct rw_err err = {0};
    int failed = rw_command_parse(&config, topic, payload, strlen(payload), command, &err);
    if (failed)
        assert_true(err.text[0] != 0);
    return failed;
}

static void assert_refused(const char *topic, const char *payload)
{
    struct rw_command command;
    if (!parse(topic, payload, &command))
        fail_msg("%s with %s was taken", topic, payload);
}

static void arms_and_disarms(void **state)
{
    (void)state;
    struct rw_command command;
    assert_int_equal(parse("gate/armed/set", "ON", &command), 0);
    assert_int_equal(command.kind, RW_COMMAND_ARM);
    assert_string_equal(command.camera, "gate");
    assert_true(command.on);
    assert_int_equal(parse("event/armed/set", "OFF", &command), 0);
    assert_string_equal(command.camera, "event");
    assert_false(command.on);
}

static void snoozes_for_at_most_a_week(void **state)
{
    (void)state;
    struct rw_command command;
    assert_int_equal(parse("gate/snooze/set", "0", &command), 0);
    assert_int_equal(command.kind, RW_COMMAND_SNOOZE);
    assert_int_equal(command.seconds, 0);
    assert_int_equal(parse("gate/snooze/set", "604800", &command), 0);
    assert_int_equal(command.seconds, 604800);
    assert_refused("gate/snooze/set", "604801");
}

static void acknowledges_with_a_name_in_vietnamese(void **state)
{
    (void)state;
    struct rw_command command;
    assert_int_equal(parse(ACK_TOPIC, "{\"by\":\"Hà\"}", &command), 0);
    assert_int_equal(command.kind, RW_COMMAND_ACK);
    assert_string_equal(command.event, EVENT);
    assert_string_equal(command.by, "Hà");
}

static void takes_a_name_of_64_bytes_and_no_longer(void **state)
{
    (void)state;
    char payload[128];
    struct rw_command command;
    snprintf(payload, sizeof payload, "{\"by\":\"%064d\"}", 0);
    assert_int_equal(parse(ACK_TOPIC, payload, &command), 0);
    assert_int_equal(strlen(command.by), 64);
    snprintf(payload, sizeof payload, "{\"by\":\"%065d\"}", 0);
    assert_refused(ACK_TOPIC, payload);
}

static void refuses_what_is_not_quite_a_switch(void **state)
{
    (void)state;
    const char *payloads[] = {"", "on", "ON ", " ON", "ON\n", "OFFF", "1", "true", "{}"};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        assert_refused("gate/armed/set", payloads[i]);
}

static void refuses_what_is_not_quite_a_number_of_seconds(void **state)
{
    (void)state;
    const char *payloads[] = {
        "", "-1", "+5", " 5", "5s", "1.5", "0x10", "9999999", "1e3", "５", "999999999999999999999"};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        assert_refused("gate/snooze/set", payloads[i]);
}

static void refuses_an_acknowledgement_that_is_not_just_a_name(void **state)
{
    (void)state;
    const char *payloads[] = {
        "",
        "null",
        "[]",
        "{}",
        "\"by\"",
        "{\"by\":5}",
        "{\"by\":null}",
        "{\"by\":\"\"}",
        "{\"by\":\"a\\u0000b\"}",
        "{\"by\":\"a\\nb\"}",
        "{\"by\":\"a\\u007f\"}",
        "{\"by\":\"\xff\"}",
        "{\"by\":\"a\"} x",
        "{\"by\":\"a\",\"by\":\"b\"}",
        "{\"by\":\"a\",\"cmd\":\"arm\"}",
        "{\"by\":\"a\"",
    };
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        assert_refused(ACK_TOPIC, payloads[i]);
}

static void refuses_topics_that_take_no_command(void **state)
{
    (void)state;
    const char *topics[] = {
        "",
        "/",
        "/armed/set",
        "gate",
        "gate/armed",
        "gate/armed/set/",
        "/gate/armed/set",
        "gate/gate/armed/set",
        "GATE/armed/set",
        "nowhere/armed/set",
        "../armed/set",
        "gate/event",
        "gate/status",
        "event//ack",
        "event/ack",
        "armed/set",
    };
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        assert_refused(topics[i], "ON");
}

static void refuses_event_ids_that_are_none(void **state)
{
    (void)state;
    assert_refused("event/01JD/ack", "{\"by\":\"a\"}");
    assert_refused("event/01jdbs7k3m5n7p9q1r3s5t7v9x/ack", "{\"by\":\"a\"}");
    assert_refused("event/01JDBS7K3M5N7P9Q1R3S5T7V9XX/ack", "{\"by\":\"a\"}");
    assert_refused("event/../../../../../../etc/pass/ack", "{\"by\":\"a\"}");
    assert_refused("event/01JDBS7K3M5N7P9Q1R3S5T7V9I/ack", "{\"by\":\"a\"}");
}

static void refuses_what_is_too_long_without_reading_it(void **state)
{
    (void)state;
    char topic[RW_COMMAND_TOPIC_MAX + 2];
    memset(topic, 'a', sizeof topic - 1);
    topic[sizeof topic - 1] = 0;
    assert_refused(topic, "ON");
    struct rw_command command;
    struct rw_err err = {0};
    assert_int_equal(rw_command_parse(&config, "gate/armed/set", "ON", RW_COMMAND_PAYLOAD_MAX + 1,
                                      &command, &err),
                     -1);
    assert_int_equal(rw_command_parse(&config, "gate/armed/set", NULL, 0, &command, &err), -1);
}

static void sentence_repeats_none_of_the_senders_bytes(void **state)
{
    (void)state;
    struct rw_command command;
    struct rw_err err = {0};
    assert_int_equal(rw_command_parse(&config, "evil\x1b[2J/armed/set", "ON", 2, &command, &err),
                     -1);
    assert_null(strstr(err.text, "evil"));
    assert_int_equal(rw_command_parse(&config, "gate/armed/set", "evil", 4, &command, &err), -1);
    assert_null(strstr(err.text, "evil"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_and_disarms),
        cmocka_unit_test(snoozes_for_at_most_a_week),
        cmocka_unit_test(acknowledges_with_a_name_in_vietnamese),
        cmocka_unit_test(takes_a_name_of_64_bytes_and_no_longer),
        cmocka_unit_test(refuses_what_is_not_quite_a_switch),
        cmocka_unit_test(refuses_what_is_not_quite_a_number_of_seconds),
        cmocka_unit_test(refuses_an_acknowledgement_that_is_not_just_a_name),
        cmocka_unit_test(refuses_topics_that_take_no_command),
        cmocka_unit_test(refuses_event_ids_that_are_none),
        cmocka_unit_test(refuses_what_is_too_long_without_reading_it),
        cmocka_unit_test(sentence_repeats_none_of_the_senders_bytes),
    };
    return cmocka_run_group_tests_name("alerts_commands", tests, NULL, NULL);
}
