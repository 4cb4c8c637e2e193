/* Sentences and lines: nothing a stranger sends may end, colour or garble them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/err.h"
#include "base/log.h"

static void a_failure_has_a_code_and_a_sentence_and_returns_minus_one(void **state)
{
    (void)state;
    struct rw_err err = {0};
    assert_int_equal(rw_fail(&err, RW_ENET, "%s: port %d", "gate", 554), -1);
    assert_int_equal(err.code, RW_ENET);
    assert_string_equal(err.text, "gate: port 554");
    assert_int_equal(rw_fail(NULL, RW_EIO, "nobody asks"), -1);
    assert_int_equal(rw_fail_in(NULL, "nobody"), -1);
}

static void control_characters_of_a_stranger_become_question_marks(void **state)
{
    (void)state;
    struct rw_err err;
    rw_fail(&err, RW_EFORMAT, "it says %s", "a\nb\r\x1b[31mc\x7f\td");
    assert_string_equal(err.text, "it says a?b??[31mc??d");
    rw_fail(&err, RW_EFORMAT, "%s",
            "csi \xc2\x9b"
            "31m"); /* ESC [ in one character, U+009B */
    assert_string_equal(err.text, "csi ??31m");
}

static void vietnamese_passes_and_bytes_that_are_no_utf8_do_not(void **state)
{
    (void)state;
    struct rw_err err;
    rw_fail(&err, RW_EINVAL, "%s", "Cổng làng… 𝄞");
    assert_string_equal(err.text, "Cổng làng… 𝄞");
    static const char *const bad[] = {"\x80",         "\xc3",
                                      "\xc0\xaf",     "\xe0\x80\xaf",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff\xfe",     "\xe1\xbb",
                                      "\xf0\x9d\x84", "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rw_fail(&err, RW_EINVAL, "[%s]", bad[i]);
        assert_int_equal(strlen(err.text), strlen(bad[i]) + 2);
        for (size_t k = 1; k + 1 < strlen(err.text); k++)
            assert_int_equal(err.text[k], '?');
    }
}

/* JSON takes UTF-8 alone: a sentence cut in the middle of a letter would be lost whole. */
static void a_long_sentence_is_cut_and_stays_utf8(void **state)
{
    (void)state;
    char name[600];
    for (int lead = 0; lead < 4; lead++) {
        memset(name, 'x', sizeof name);
        for (size_t i = (size_t)lead; i + 4 < sizeof name; i += 3)
            memcpy(name + i, "ổ", 3);
        name[sizeof name - 1] = 0;
        struct rw_err err;
        rw_fail(&err, RW_EINVAL, "%s", name);
        assert_int_equal(strlen(err.text), sizeof err.text - 1);
        json_t *json = json_string(err.text);
        assert_non_null(json);
        json_decref(json);
    }
}

static void a_prefix_goes_before_the_sentence_and_the_code_stays(void **state)
{
    (void)state;
    struct rw_err err;
    rw_fail(&err, RW_ENOSPC, "the ring does not fit");
    assert_int_equal(rw_fail_in(&err, "gate"), -1);
    assert_int_equal(rw_fail_in(&err, "site"), -1);
    assert_int_equal(err.code, RW_ENOSPC);
    assert_string_equal(err.text, "site: gate: the ring does not fit");
}

static void a_sentence_may_be_made_from_the_one_before(void **state)
{
    (void)state;
    struct rw_err err;
    rw_fail(&err, RW_EIO, "slot %d", 12);
    rw_fail(&err, err.code, "%s and %s", err.text, err.text);
    assert_string_equal(err.text, "slot 12 and slot 12");
    for (int i = 0; i < 10; i++)
        rw_fail(&err, RW_EIO, "%s, %s", err.text, err.text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void an_errno_has_its_code(void **state)
{
    (void)state;
    assert_int_equal(rw_code_of_errno(ENOSPC), RW_ENOSPC);
    assert_int_equal(rw_code_of_errno(EDQUOT), RW_ENOSPC);
    assert_int_equal(rw_code_of_errno(EROFS), RW_EROFS);
    assert_int_equal(rw_code_of_errno(ENOENT), RW_ENOTFOUND);
    assert_int_equal(rw_code_of_errno(ETIMEDOUT), RW_ETIMEOUT);
    assert_int_equal(rw_code_of_errno(EIO), RW_EIO);
    assert_int_equal(rw_code_of_errno(12345), RW_EIO);
}

/* --- the log --- */

struct capture {
    int saved, fds[2];
};

static void capture_begin(struct capture *capture)
{
    assert_int_equal(pipe2(capture->fds, O_CLOEXEC), 0);
    fcntl(capture->fds[0], F_SETFL, O_NONBLOCK);
    capture->saved = dup(STDERR_FILENO);
    dup2(capture->fds[1], STDERR_FILENO);
}

/* What was written, with its NUL; returns the number of bytes. */
static size_t capture_end(struct capture *capture, char *out, size_t size)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    ssize_t got = read(capture->fds[0], out, size - 1);
    close(capture->fds[0]);
    close(capture->fds[1]);
    out[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t)got : 0;
}

static void a_line_for_the_journal_begins_with_its_level(void **state)
{
    (void)state;
    struct capture capture;
    char line[2000];
    setenv("JOURNAL_STREAM", "8:1234", 1);
    capture_begin(&capture);
    rw_log(RW_LOG_WARNING, "gate", "the camera is away since %d s", 12);
    capture_end(&capture, line, sizeof line);
    assert_string_equal(line, "<4>gate: the camera is away since 12 s\n");
}

static void a_line_for_a_terminal_begins_with_the_time(void **state)
{
    (void)state;
    struct capture capture;
    char line[2000];
    int hours, minutes, seconds, ms, used = 0;
    unsetenv("JOURNAL_STREAM");
    capture_begin(&capture);
    rw_log(RW_LOG_INFO, "alerts", "connected");
    capture_end(&capture, line, sizeof line);
    assert_int_equal(sscanf(line, "%2d:%2d:%2d.%3d %n", &hours, &minutes, &seconds, &ms, &used), 4);
    assert_string_equal(line + used, "alerts: connected\n");
}

static void one_call_is_one_line_whatever_is_in_it(void **state)
{
    (void)state;
    struct capture capture;
    char line[3000], text[2500];
    setenv("JOURNAL_STREAM", "8:1234", 1);
    capture_begin(&capture);
    rw_log(RW_LOG_ERROR, "ga\nte", "it says %s", "a\n<0>kernel: fire\x1b[31m\r");
    size_t size = capture_end(&capture, line, sizeof line);
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
    assert_null(strchr(line, '\x1b'));
    assert_null(strchr(line, '\r'));
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = 0;
    capture_begin(&capture);
    rw_log(RW_LOG_ERROR, text, "%s", text);
    size = capture_end(&capture, line, sizeof line);
    assert_in_range(size, 900, 1024);
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
    unsetenv("JOURNAL_STREAM");
}

static void debug_lines_come_only_when_asked_for(void **state)
{
    (void)state;
    struct capture capture;
    char line[2000];
    unsetenv("ROADWATCH_DEBUG");
    capture_begin(&capture);
    rw_log(RW_LOG_DEBUG, "gate", "a detail");
    assert_int_equal(capture_end(&capture, line, sizeof line), 0);
    setenv("ROADWATCH_DEBUG", "1", 1);
    capture_begin(&capture);
    rw_log(RW_LOG_DEBUG, "gate", "a detail");
    capture_end(&capture, line, sizeof line);
    assert_non_null(strstr(line, "gate: a detail\n"));
    unsetenv("ROADWATCH_DEBUG");
}

static void a_log_that_nobody_reads_harms_nobody(void **state)
{
    (void)state;
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    rw_log(RW_LOG_ERROR, "gate", "is anybody there?");
    dup2(saved, STDERR_FILENO);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_has_a_code_and_a_sentence_and_returns_minus_one),
        cmocka_unit_test(control_characters_of_a_stranger_become_question_marks),
        cmocka_unit_test(vietnamese_passes_and_bytes_that_are_no_utf8_do_not),
        cmocka_unit_test(a_long_sentence_is_cut_and_stays_utf8),
        cmocka_unit_test(a_prefix_goes_before_the_sentence_and_the_code_stays),
        cmocka_unit_test(a_sentence_may_be_made_from_the_one_before),
        cmocka_unit_test(an_errno_has_its_code),
        cmocka_unit_test(a_line_for_the_journal_begins_with_its_level),
        cmocka_unit_test(a_line_for_a_terminal_begins_with_the_time),
        cmocka_unit_test(one_call_is_one_line_whatever_is_in_it),
        cmocka_unit_test(debug_lines_come_only_when_asked_for),
        cmocka_unit_test(a_log_that_nobody_reads_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
