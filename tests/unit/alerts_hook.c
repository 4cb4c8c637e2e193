/* What a webhook is sent, and what its answer means. That whole requests are as the services
 * document them is for tests/e2e/webhooks_of_each_kind.py; here is what seldom happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts/hook_request.h"
#include "alerts/hook_words.h"
#include "alerts/hooks.h"

#define NOON_US INT64_C(1795435200123000) /* 2026-11-23T12:00:00.123Z, 19:00 in Vietnam */

static char none[] = "", base[] = "http://h/base//", token[] = "12:secret", chat[] = "-7",
            text[] = "{text}";
static struct rw_camera_config cameras[] = {{.id = (char *)"gate", .name = (char *)"Cổng\nlàng"}};
static const struct rw_config config = {
    .site = {.id = (char *)"thon-dung", .name = (char *)"Thôn Dùng", .vietnamese = true},
    .camera_count = 1,
    .cameras = cameras,
};
static const struct rw_event event = {
    .id = "01JDBS7K3M5N7P9Q1R3S5T7V9X",
    .revision = 7,
    .phase = RW_PHASE_END,
    .kind = "motion",
    .start_us = NOON_US,
    .end_us = NOON_US + 9000000,
    .armed = true,
    .zone_count = 2,
    .zones = {"đường", "cổng"},
};
static const struct rw_digest digest = {
    .events = 31, .of_kind = {31}, .from_us = NOON_US - 1000000, .to_us = NOON_US};
static uint8_t bytes[] = "picture";
static const struct rw_buf picture = {bytes, 7, 8}, empty = {NULL, 0, 0};

static struct rw_hook_config hook_of(enum rw_hook_type type)
{
    return (struct rw_hook_config){.id = none,
                                   .type = type,
                                   .url = base,
                                   .host = none,
                                   .token = token,
                                   .ca_file = none,
                                   .chat_id = chat,
                                   .text = text,
                                   .photo = none};
}

static struct rw_item item_of(bool pictured)
{
    return (struct rw_item){.kind = RW_ITEM_EVENT,
                            .event = &event,
                            .snapshot = pictured ? &picture : &empty,
                            .thumbnail = &empty};
}

static struct rw_hook_request make(enum rw_hook_type type, const struct rw_item *item,
                                   bool with_picture)
{
    struct rw_hook_config hook = hook_of(type);
    struct rw_hook_request request = {0};
    rw_hook_request_make(&config, &hook, item, with_picture, NOON_US, &request);
    return request;
}

static const char *text_of(const struct rw_buf *buf)
{
    return (const char *)buf->data;
}

static void assert_has(const char *whole, const char *part)
{
    if (!strstr(whole, part))
        fail_msg("\"%s\" does not have \"%s\"", whole, part);
}

static void words_stand_for_the_fields_of_an_event(void **state)
{
    (void)state;
    struct rw_item item = item_of(false);
    struct rw_hook_words words;
    struct rw_buf out = {0};
    rw_hook_words_make(&config, &item, NOON_US, &words);
    rw_hook_words_fill(&words,
                       "{camera}|{kind}|{phase}|{zone}|{time}|{start}|{end}|{id}|{revision}|{site}|"
                       "{site_name}|{acked_by}|{count}|{{camera}|{",
                       &out);
    assert_string_equal(text_of(&out),
                        "gate|motion|end|đường, cổng|2026-11-23 19:00:00|2026-11-23T12:00:00.123Z|"
                        "2026-11-23T12:00:09.123Z|01JDBS7K3M5N7P9Q1R3S5T7V9X|7|thon-dung|Thôn Dùng"
                        "|||{gate|{");
    rw_buf_finish(&out);
    rw_hook_words_finish(&words);
}

static void without_a_picture_telegram_gets_a_message(void **state)
{
    (void)state;
    struct rw_item with = item_of(true), without = item_of(false);
    const struct rw_item *items[] = {&with, &without};
    for (int i = 0; i < 2; i++) {
        struct rw_hook_request request = make(RW_HOOK_TELEGRAM, items[i], i > 0);
        assert_string_equal(text_of(&request.url), "http://h/base/bot12:secret/sendMessage");
        assert_string_equal(text_of(&request.head), "Content-Type: application/json\n");
        json_t *json = json_loadb(text_of(&request.body), request.body.size, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(json, "chat_id")), "-7");
        assert_has(json_string_value(json_object_get(json, "text")), "hết lúc 19:00:09");
        assert_false(request.pictured || request.put);
        json_decref(json);
        rw_hook_request_finish(&request);
    }
}

static void without_a_picture_ntfy_gets_the_words(void **state)
{
    (void)state;
    struct rw_item item = item_of(false);
    struct rw_hook_request request = make(RW_HOOK_NTFY, &item, true);
    assert_false(request.pictured || request.put);
    assert_string_equal(text_of(&request.url), base);
    assert_has(text_of(&request.body), "Cổng\nlàng: có người");
    assert_has(text_of(&request.head), "Content-Type: text/plain; charset=utf-8\n");
    assert_null(strstr(text_of(&request.head), "Filename"));
    rw_hook_request_finish(&request);
}

/* "Cổng làng" with a space for what would have ended the header. */
static void a_name_cannot_add_a_header(void **state)
{
    (void)state;
    struct rw_item item = item_of(true);
    struct rw_hook_request request = make(RW_HOOK_NTFY, &item, true);
    assert_true(request.pictured && request.put);
    assert_has(text_of(&request.head), "Title: =?UTF-8?B?Q+G7lW5nIGzDoG5n?=\n");
    int lines = 0;
    for (const char *at = text_of(&request.head); *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 7); /* title, priority, tags, message, filename, type, login */
    rw_hook_request_finish(&request);
}

static void a_digest_is_one_sentence(void **state)
{
    (void)state;
    struct rw_item item = {.kind = RW_ITEM_DIGEST, .digest = &digest};
    struct rw_hook_request request = make(RW_HOOK_ZALO, &item, true);
    assert_has(text_of(&request.body), "31 cảnh báo chưa gửi được");
    rw_hook_request_finish(&request);
    request = make(RW_HOOK_NTFY, &item, true);
    assert_has(text_of(&request.head), "Priority: default\nTags: camera,digest\n");
    rw_hook_request_finish(&request);
}

static void a_long_text_is_cut_at_a_letter(void **state)
{
    (void)state;
    char longest[1024];
    struct rw_hook_config hook = hook_of(RW_HOOK_ZALO);
    memset(longest, 0, sizeof longest);
    for (size_t i = 0; i + 10 < sizeof longest; i += 9)
        strcat(longest, "{zone}ộ");
    hook.text = longest;
    struct rw_item item = item_of(false);
    struct rw_hook_request request = {0};
    rw_hook_request_make(&config, &hook, &item, false, NOON_US, &request);
    json_t *json = json_loadb(text_of(&request.body), request.body.size, 0, NULL);
    size_t size = strlen(json_string_value(json_object_get(json, "text")));
    assert_true(size > 1990 && size <= 2000);
    json_decref(json);
    rw_hook_request_finish(&request);
}

static void an_answer_means(enum rw_hook_type type, int status, const char *body, bool pictured,
                            enum rw_hook_verdict expected, int expected_wait_s, const char *says)
{
    struct rw_hook_config hook = hook_of(type);
    struct rw_hook_answer answer = {.status = status, .body = body, .size = strlen(body)};
    char why[200];
    int wait_s;
    enum rw_hook_verdict verdict =
        rw_hook_judge(&hook, &answer, pictured, why, sizeof why, &wait_s);
    if (verdict != expected || wait_s != expected_wait_s)
        fail_msg("%d %s: %d, %d s", status, body, (int)verdict, wait_s);
    assert_has(why, says);
    assert_null(strstr(why, token));
}

static void answers_mean_what_they_say(void **state)
{
    (void)state;
    static const char ok[] = "{\"ok\":true,\"result\":{}}", page[] = "<html>Buy credit</html>";
    an_answer_means(RW_HOOK_JSON, 204, "", false, RW_HOOK_DELIVERED, 0, "204");
    an_answer_means(RW_HOOK_JSON, 302, "", false, RW_HOOK_NOT_NOW, 0, "redirect");
    an_answer_means(RW_HOOK_JSON, 404, "", false, RW_HOOK_REFUSED, 0, "HTTP 404");
    an_answer_means(RW_HOOK_JSON, 408, "", false, RW_HOOK_NOT_NOW, 0, "HTTP 408");
    an_answer_means(RW_HOOK_JSON, 500, "", false, RW_HOOK_NOT_NOW, 0, "HTTP 500");
    an_answer_means(RW_HOOK_MULTIPART, 413, "", true, RW_HOOK_UNWANTED, 0, "HTTP 413");
    an_answer_means(RW_HOOK_MULTIPART, 413, "", false, RW_HOOK_REFUSED, 0, "HTTP 413");
    an_answer_means(RW_HOOK_MULTIPART, 401, "", true, RW_HOOK_REFUSED, 0, "HTTP 401");
    an_answer_means(RW_HOOK_ZALO, 200, ok, false, RW_HOOK_DELIVERED, 0, "");
    an_answer_means(RW_HOOK_NTFY, 200, "{\"id\":\"a\"}", true, RW_HOOK_DELIVERED, 0, "");
    an_answer_means(RW_HOOK_NTFY, 200, page, true, RW_HOOK_NOT_NOW, 0, "something else");
    an_answer_means(RW_HOOK_TELEGRAM, 200, page, true, RW_HOOK_NOT_NOW, 0, "something else");
}

/* Zalo's bots tell errors with a status of 200. */
static void errors_inside_an_answer_count(void **state)
{
    (void)state;
    an_answer_means(RW_HOOK_ZALO, 200,
                    "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}", false,
                    RW_HOOK_REFUSED, 0, "HTTP 401: Unauthorized");
    an_answer_means(RW_HOOK_ZALO, 200, "{\"ok\":false,\"error_code\":429}", false, RW_HOOK_NOT_NOW,
                    0, "HTTP 429");
    an_answer_means(RW_HOOK_ZALO, 200, "{\"ok\":false,\"error_code\":-3}", false, RW_HOOK_REFUSED,
                    0, "HTTP 400");
    an_answer_means(RW_HOOK_TELEGRAM, 429,
                    "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":17}}", true,
                    RW_HOOK_NOT_NOW, 17, "HTTP 429");
    an_answer_means(RW_HOOK_TELEGRAM, 404,
                    "{\"ok\":false,\"description\":\"no bot 12:secret here\"}", true,
                    RW_HOOK_REFUSED, 0, "HTTP 404");
}

/* Somebody who takes the role over must not find ways out that nobody asked for. */
static void the_sandbox_opens_for_webhooks_alone(void **state)
{
    (void)state;
    static char name[] = "h.example", number[] = "10.0.0.9", ca[] = "ca.pem";
    struct rw_hook_config hooks[] = {hook_of(RW_HOOK_JSON), hook_of(RW_HOOK_JSON),
                                     hook_of(RW_HOOK_JSON)};
    hooks[0].host = hooks[1].host = number;
    hooks[0].port = hooks[1].port = 81;
    hooks[2].host = name;
    hooks[2].port = 443;
    hooks[2].ca_file = ca;
    struct rw_config with = config;
    with.hooks = hooks;
    struct rw_sandbox sandbox = {0}, untouched = {0};
    rw_hooks_confine(&config, &sandbox);
    assert_memory_equal(&sandbox, &untouched, sizeof sandbox);
    with.hook_count = 2;
    rw_hooks_confine(&with, &sandbox);
    assert_int_equal(sandbox.may, 0);
    assert_int_equal(sandbox.ports[0], 81);
    assert_int_equal(sandbox.ports[1], 0);
    with.hook_count = 3;
    rw_hooks_confine(&with, &sandbox);
    assert_int_equal(sandbox.may, RW_MAY_LOOK_UP);
    assert_int_equal(sandbox.ports[1], 443);
    bool found = false;
    for (int i = 0; i < RW_PATHS_MAX; i++)
        found |= sandbox.paths[i].path == ca;
    assert_true(found);
}

int main(void)
{
    setenv("TZ", "ICT-7", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_for_the_fields_of_an_event),
        cmocka_unit_test(without_a_picture_telegram_gets_a_message),
        cmocka_unit_test(without_a_picture_ntfy_gets_the_words),
        cmocka_unit_test(a_name_cannot_add_a_header),
        cmocka_unit_test(a_digest_is_one_sentence),
        cmocka_unit_test(a_long_text_is_cut_at_a_letter),
        cmocka_unit_test(answers_mean_what_they_say),
        cmocka_unit_test(errors_inside_an_answer_count),
        cmocka_unit_test(the_sandbox_opens_for_webhooks_alone),
    };
    return cmocka_run_group_tests_name("alerts_hook", tests, NULL, NULL);
}
