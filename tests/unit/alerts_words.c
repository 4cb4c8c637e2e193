#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts/sentences.h"
#include "base/units.h"

#define NOON_US INT64_C(1795435200123000) /* 2026-11-23T12:00:00.123Z, 19:00 in Vietnam */

static struct rw_config site = {.site = {.vietnamese = true}};

#define NAME(key, vietnamese, english) #key,
static const char *const names[] = {RW_WORDS(NAME)};

/* Bit n: %n stands in the text. Anything else behind a % is an error. */
static unsigned marks_of(const char *name, const char *text)
{
    unsigned marks = 0;
    for (const char *at = text; (at = strchr(at, '%')); at += 2) {
        if (at[1] < '1' || at[1] > '9')
            fail_msg("%s: \"%s\" has a %% that stands for nothing", name, text);
        marks |= 1u << (at[1] - '0');
    }
    return marks;
}

static void every_key_has_words_that_agree_in_every_language(void **state)
{
    (void)state;
    assert_int_equal(sizeof names / sizeof *names, RW_WORDS_COUNT);
    for (int key = 0; key < RW_WORDS_COUNT; key++) {
        unsigned expected = marks_of(names[key], rw_words(key, RW_VIETNAMESE));
        if (expected & (expected + 2)) /* not one run of bits from 1 on */
            fail_msg("%s leaves a number out", names[key]);
        for (enum rw_language language = 0; language < RW_LANGUAGES; language++) {
            const char *text = rw_words(key, language);
            if (!text || !*text)
                fail_msg("%s has no words in language %d", names[key], (int)language);
            if (marks_of(names[key], text) != expected)
                fail_msg("%s: \"%s\" and \"%s\" do not say the same", names[key],
                         rw_words(key, RW_VIETNAMESE), text);
        }
    }
}

/* A sentence without marks on its letters would be an English one that someone forgot. */
static void vietnamese_is_written_in_vietnamese(void **state)
{
    (void)state;
    for (int key = 0; key < RW_WORDS_COUNT; key++) {
        const char *vietnamese = rw_words(key, RW_VIETNAMESE);
        bool marked = false;
        for (const char *at = vietnamese; *at; at++)
            marked |= (*at & 0x80) != 0;
        if (!marked && strlen(vietnamese) > strlen("qua %1"))
            fail_msg("%s: \"%s\"", names[key], vietnamese);
        assert_string_not_equal(vietnamese, rw_words(key, RW_ENGLISH));
        for (const char *at = rw_words(key, RW_ENGLISH); *at; at++)
            assert_false(*at & 0x80);
    }
}

static void what_people_wrote_is_not_taken_for_a_placeholder(void **state)
{
    (void)state;
    struct rw_buf out;
    rw_buf_init(&out);
    rw_say(&out, RW_VIETNAMESE, RW_SAY_EVENT, "100%1 %s %9", "%2", "", NULL);
    assert_string_equal((char *)out.data, "100%1 %s %9: %2 lúc ");
    rw_buf_clear(&out);
    rw_say(&out, RW_ENGLISH, RW_SAY_EVENT, "gate", NULL); /* the rest is missing */
    assert_string_equal((char *)out.data, "gate:  at ");
    rw_buf_finish(&out);
}

static void assert_state(const struct rw_status *status, const char *vietnamese,
                         const char *english)
{
    for (int i = 0; i < 2; i++) {
        site.site.vietnamese = !i;
        struct rw_buf out;
        rw_buf_init(&out);
        rw_sentence_status(&out, &site, "Cổng làng", status, NOON_US);
        assert_string_equal((char *)out.data, i ? english : vietnamese);
        rw_buf_finish(&out);
    }
}

static void a_state_is_one_sentence(void **state)
{
    (void)state;
    struct rw_status status = {.state = "online", .recording = true, .since_us = 1};
    assert_state(&status, "Cổng làng: đang ghi hình", "Cổng làng: recording");
    strcpy(status.reason, "the disk refused a write at main slot 3 (Input/output error)");
    status.recording = false;
    assert_state(&status, "Cổng làng: có hình nhưng không ghi được (ổ đĩa có lỗi)",
                 "Cổng làng: has a picture but does not record (something is wrong with the disk)");
    status = (struct rw_status){.state = "connecting"};
    assert_state(&status, "Cổng làng: đang kết nối với camera",
                 "Cổng làng: connecting to the camera");
    status = (struct rw_status){.state = "offline", .since_us = NOON_US};
    assert_state(&status, "Cổng làng: chưa có hình", "Cổng làng: no picture yet");
    status.last_picture_us = NOON_US;
    strcpy(status.reason,
           "no answer from 10.0.0.11 for 10 s; check its address, power and network");
    assert_state(&status,
                 "Cổng làng: mất hình từ lúc 19:00:00 (camera không trả lời, xem lại điện và dây "
                 "mạng)",
                 "Cổng làng: no picture since 19:00:00 (the camera does not answer; look at its "
                 "power and its cable)");
    status.since_us -= 30 * 3600 * RW_SECOND_US;
    strcpy(status.reason, "the moon is in the way");
    assert_state(&status,
                 "Cổng làng: mất hình từ lúc 13:00:00 ngày 22/11 (có trục trặc, nhờ người lắp máy "
                 "xem giúp)",
                 "Cổng làng: no picture since 13:00:00 on 22 Nov (something is wrong; ask the "
                 "installer)");
}

static void a_state_says_when_nobody_is_told(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"hand", "Cổng làng: đang ghi hình, đã tắt báo động",
         "Cổng làng: recording, alerts are switched off"},
        {"snooze", "Cổng làng: đang ghi hình, đang tạm dừng báo động",
         "Cổng làng: recording, alerts are paused"},
        {"schedule", "Cổng làng: đang ghi hình, ngoài giờ báo động",
         "Cổng làng: recording, outside the hours of alerts"},
    };
    struct rw_status status = {.state = "online", .recording = true};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        strcpy(status.arming.disarmed_by, rows[i][0]);
        assert_state(&status, rows[i][1], rows[i][2]);
    }
    status.arming.disarmed_by[0] = 0;
    strcpy(status.watch.on, "covered");
    assert_state(&status, "Cổng làng: đang ghi hình, camera bị che hoặc bị xê dịch",
                 "Cổng làng: recording, the camera is covered or was shifted");
}

static int in_vietnam(void **state)
{
    (void)state;
    setenv("TZ", "ICT-7", 1);
    tzset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_words_that_agree_in_every_language),
        cmocka_unit_test(vietnamese_is_written_in_vietnamese),
        cmocka_unit_test(what_people_wrote_is_not_taken_for_a_placeholder),
        cmocka_unit_test(a_state_is_one_sentence),
        cmocka_unit_test(a_state_says_when_nobody_is_told),
    };
    return cmocka_run_group_tests(tests, in_vietnam, NULL);
}
