/* The command line: what is understood, and what is refused with a way to help. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"

#define NOON INT64_C(1795435200000000) /* 2026-11-23T12:00:00Z */

enum { WORDS_MAX = 12, SAID_MAX = 8000 };

struct talk {
    struct rw_arguments arguments;
    char line[400];
    char *argv[WORDS_MAX + 1];
    int argc;
    int status;
    char out[SAID_MAX], err[SAID_MAX];
};

static int redirect(FILE *stream, char path[32])
{
    fflush(stream);
    int saved = dup(fileno(stream));
    strcpy(path, "/tmp/roadwatch-cli-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dup2(fd, fileno(stream));
    close(fd);
    return saved;
}

static void restore(FILE *stream, int saved, const char *path, char said[SAID_MAX])
{
    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
    int fd = open(path, O_RDONLY);
    ssize_t got = read(fd, said, SAID_MAX - 1);
    said[got > 0 ? got : 0] = 0;
    close(fd);
    unlink(path);
}

/* The words of the line, split at '|'. */
static void say(struct talk *talk, const char *line)
{
    char out[32], err[32];
    memset(talk, 0, sizeof *talk);
    talk->argv[talk->argc++] = (char *)"roadwatch";
    snprintf(talk->line, sizeof talk->line, "%s", line);
    for (char *word = strtok(talk->line, "|"); word; word = strtok(NULL, "|"))
        talk->argv[talk->argc++] = word;
    int saved_out = redirect(stdout, out), saved_err = redirect(stderr, err);
    talk->status = rw_arguments_parse(&talk->arguments, talk->argc, talk->argv);
    restore(stdout, saved_out, out, talk->out);
    restore(stderr, saved_err, err, talk->err);
}

static void understands(struct talk *talk, const char *line)
{
    say(talk, line);
    if (talk->status != -1)
        fail_msg("%s: %s", line, talk->err);
    assert_string_equal(talk->out, "");
    assert_string_equal(talk->err, "");
}

/* Refused with status 2 and one sentence on standard error that names the thing. */
static void refuses(const char *line, const char *named)
{
    struct talk talk;
    say(&talk, line);
    assert_int_equal(talk.status, 2);
    assert_string_equal(talk.out, "");
    if (!strstr(talk.err, named))
        fail_msg("%s: \"%s\" does not name %s", line, talk.err, named);
    assert_memory_equal(talk.err, "roadwatch: ", 11);
    assert_ptr_equal(strchr(talk.err, '\n'), talk.err + strlen(talk.err) - 1);
}

static void without_a_command_it_says_what_there_is_and_fails(void **state)
{
    (void)state;
    struct talk talk;
    say(&talk, "");
    assert_int_equal(talk.status, 2);
    assert_string_equal(talk.out, "");
    assert_non_null(strstr(talk.err, "status"));
}

static void help_goes_to_standard_output_and_succeeds(void **state)
{
    (void)state;
    struct talk talk;
    static const char *const ways[] = {"--help", "-h", "help"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        say(&talk, ways[i]);
        assert_int_equal(talk.status, 0);
        assert_string_equal(talk.err, "");
        static const char *const commands[] = {"run",    "camera",   "alerts", "check", "status",
                                               "events", "coverage", "detect", "fsck",  "probe"};
        for (size_t k = 0; k < sizeof commands / sizeof *commands; k++)
            assert_non_null(strstr(talk.out, commands[k]));
    }
    say(&talk, "--version");
    assert_int_equal(talk.status, 0);
    assert_string_equal(talk.out, "roadwatch " ROADWATCH_VERSION "\n");
}

static void each_command_helps_with_its_own_options(void **state)
{
    (void)state;
    struct talk talk;
    say(&talk, "coverage|--help");
    assert_int_equal(talk.status, 0);
    assert_non_null(strstr(talk.out, "--from"));
    assert_non_null(strstr(talk.out, "--stream"));
    assert_null(strstr(talk.out, "--rebuild"));
    say(&talk, "fsck|-h");
    assert_int_equal(talk.status, 0);
    assert_non_null(strstr(talk.out, "--rebuild"));
    assert_null(strstr(talk.out, "--from"));
    say(&talk, "camera|--help"); /* without the operand that it needs otherwise */
    assert_int_equal(talk.status, 0);
}

static void a_command_may_take_two_words(void **state)
{
    (void)state;
    struct talk talk;
    understands(&talk, "broker|--dir|/x|phone|ha|--replace");
    assert_string_equal(talk.arguments.operand, "phone");
    assert_string_equal(talk.arguments.name, "ha");
    assert_string_equal(talk.arguments.dir, "/x");
    assert_true(talk.arguments.replace);
    understands(&talk, "broker|setup");
    assert_null(talk.arguments.name);
    refuses("broker", "DO");
    refuses("broker|phone|ha|hoa", "hoa");
    refuses("camera|gate|market", "market");
}

static void takes_every_option_in_any_order(void **state)
{
    (void)state;
    struct talk talk;
    understands(&talk, "coverage|--json|--camera|gate|--from=-1h|--to|now|--stream|sub|-c|a.yaml");
    assert_string_equal(talk.arguments.command->name, "coverage");
    assert_true(talk.arguments.json);
    assert_string_equal(talk.arguments.camera, "gate");
    assert_string_equal(talk.arguments.from, "-1h");
    assert_string_equal(talk.arguments.to, "now");
    assert_string_equal(talk.arguments.stream, "sub");
    assert_string_equal(talk.arguments.config_path, "a.yaml");
    assert_true(talk.arguments.config_given);
    understands(&talk, "events|--from|-15m"); /* a value may begin with a dash */
    assert_string_equal(talk.arguments.from, "-15m");
    understands(&talk, "fsck|--rebuild|--config|b.yaml");
    assert_true(talk.arguments.rebuild);
    assert_string_equal(talk.arguments.config_path, "b.yaml");
    understands(&talk, "check|--live");
    assert_true(talk.arguments.live);
    assert_string_equal(talk.arguments.config_path, "/etc/roadwatch/roadwatch.yaml");
    assert_false(talk.arguments.config_given);
    assert_null(talk.arguments.operand);
}

static void takes_an_operand_before_or_after_the_options(void **state)
{
    (void)state;
    struct talk talk;
    understands(&talk, "camera|gate|-c|a.yaml");
    assert_string_equal(talk.arguments.operand, "gate");
    assert_int_equal(talk.arguments.command->role, RW_ROLE_CAMERA);
    understands(&talk, "camera|-c|a.yaml|gate");
    assert_string_equal(talk.arguments.operand, "gate");
    understands(&talk, "detect|--json|--|-odd-name.avi");
    assert_string_equal(talk.arguments.operand, "-odd-name.avi");
    understands(&talk, "detect|--camera|gate|--from|-24h|--sensitivity|60|--pictures|/tmp/p");
    assert_null(talk.arguments.operand);
    assert_string_equal(talk.arguments.sensitivity, "60");
    assert_string_equal(talk.arguments.pictures, "/tmp/p");
    understands(&talk, "probe|rtsps://h/1|--sub|rtsps://h/2|--no-check-host|--days|3");
    assert_string_equal(talk.arguments.operand, "rtsps://h/1");
    assert_string_equal(talk.arguments.sub, "rtsps://h/2");
    assert_true(talk.arguments.any_host);
    understands(&talk, "detect|a.mp4|--overlay|b.mp4|--try|c.yaml");
    assert_string_equal(talk.arguments.operand, "a.mp4");
    assert_string_equal(talk.arguments.overlay, "b.mp4");
    assert_string_equal(talk.arguments.changed, "c.yaml");
}

static void refuses_what_it_does_not_know(void **state)
{
    (void)state;
    refuses("dance", "\"dance\"");
    refuses("--json", "\"--json\"");
    refuses("Status", "\"Status\"");
    refuses("status|--colour", "--colour");
    refuses("status|--rebuild", "--rebuild"); /* another command's */
    refuses("status|--from|now", "--from");
    refuses("status|-x", "-x");
    refuses("probe|rtsp://h/1|-c|a.yaml", "-c"); /* it reads no configuration */
    refuses("status|-xh", "-x");
    refuses("status|--json=yes", "--json");
    refuses("status|--help=me", "--help=me");
}

static void refuses_a_missing_value_or_operand_and_one_too_many(void **state)
{
    (void)state;
    refuses("status|-c", "-c");
    refuses("status|--config", "--config");
    refuses("coverage|--camera", "--camera");
    refuses("camera", "ID");
    refuses("camera|-c|a.yaml", "ID");
    refuses("detect|a.mp4|b.mp4", "\"b.mp4\"");
    refuses("detect|--sensitivity", "--sensitivity");
    refuses("camera|gate|school", "\"school\"");
    refuses("status|gate", "\"gate\"");
    refuses("coverage|--stream|third", "\"third\"");
}

static void a_span_is_read_and_must_not_end_before_it_begins(void **state)
{
    (void)state;
    struct rw_arguments arguments = {.from = "-15m"};
    int64_t from = 1, to = NOON;
    assert_int_equal(rw_arguments_span(&arguments, NOON, &from, &to), 0);
    assert_int_equal(from, NOON - INT64_C(900000000));
    assert_int_equal(to, NOON); /* the default stays */
    arguments = (struct rw_arguments){.from = "2026-11-23T11:00:00Z", .to = "2026-11-23T11:30:00Z"};
    assert_int_equal(rw_arguments_span(&arguments, NOON, &from, &to), 0);
    assert_int_equal(to - from, INT64_C(1800000000));
}

static void a_span_that_makes_no_sense_is_refused_by_its_option(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *named;
    } bad[] = {{"yesterday", NULL, "--from"},
               {NULL, "tomorrow", "--to"},
               {"now", "-15m", "before"},
               {"2026-02-30T00:00:00Z", NULL, "--from"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rw_arguments arguments = {.from = bad[i].from, .to = bad[i].to};
        int64_t from = NOON - 5, to = NOON;
        char path[32], said[SAID_MAX];
        int saved = redirect(stderr, path);
        int status = rw_arguments_span(&arguments, NOON, &from, &to);
        restore(stderr, saved, path, said);
        assert_int_equal(status, 2);
        assert_non_null(strstr(said, bad[i].named));
    }
}

static void cameras_are_all_or_the_one_named(void **state)
{
    (void)state;
    struct rw_camera_config cameras[] = {{.id = (char *)"gate"}, {.id = (char *)"school"}};
    struct rw_config config = {.camera_count = 2, .cameras = cameras};
    const struct rw_camera_config *list[2];
    struct rw_arguments arguments = {.config_path = "a.yaml"};
    assert_int_equal(rw_arguments_cameras(&arguments, &config, list), 2);
    assert_ptr_equal(list[1], &cameras[1]);
    arguments.camera = "school";
    assert_int_equal(rw_arguments_cameras(&arguments, &config, list), 1);
    assert_ptr_equal(list[0], &cameras[1]);
    arguments.camera = "market";
    char path[32], said[SAID_MAX];
    int saved = redirect(stderr, path);
    int count = rw_arguments_cameras(&arguments, &config, list);
    restore(stderr, saved, path, said);
    assert_int_equal(count, -1);
    assert_non_null(strstr(said, "\"market\""));
    assert_non_null(strstr(said, "a.yaml"));
}

/* --- the configuration handed down by the supervisor --- */

static const char yaml[] = "site: {id: thon-dung, name: Thôn Dùng}\n"
                           "storage: {path: /tmp/nowhere}\n"
                           "cameras:\n"
                           "  - id: gate\n"
                           "    name: Cổng\n"
                           "    main: {url: \"rtsp://10.0.0.11/s\", keep: 1 GiB}\n";

static void a_child_reads_the_configuration_from_its_start_and_closes_it(void **state)
{
    (void)state;
    struct talk talk;
    struct rw_err err = {0};
    char path[] = "/tmp/roadwatch-cli-XXXXXX", number[16];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, yaml, strlen(yaml)), strlen(yaml)); /* its offset is at the end */
    unlink(path);
    snprintf(number, sizeof number, "%d", fd);
    setenv("ROADWATCH_CONFIG_FD", number, 1);
    understands(&talk, "camera|gate|-c|/no/such/file.yaml");
    struct rw_config *config = rw_arguments_config(&talk.arguments, &err);
    if (!config)
        fail_msg("%s", err.text);
    assert_non_null(rw_config_camera(config, "gate"));
    rw_config_free(config);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_null(rw_arguments_config(&talk.arguments, &err)); /* the descriptor is gone */
    understands(&talk, "status|-c|/no/such/file.yaml");      /* no child: the file counts */
    assert_null(rw_arguments_config(&talk.arguments, &err));
    assert_non_null(strstr(err.text, "/no/such/file.yaml"));
    unsetenv("ROADWATCH_CONFIG_FD");
}

static void a_child_is_not_handed_more_than_a_megabyte(void **state)
{
    (void)state;
    struct talk talk;
    struct rw_err err = {0};
    setenv("ROADWATCH_CONFIG_FD", "-1", 1);
    understands(&talk, "alerts");
    assert_null(rw_arguments_config(&talk.arguments, &err));
    char path[] = "/tmp/roadwatch-cli-XXXXXX", number[16];
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    unlink(path);
    snprintf(number, sizeof number, "%d", fd);
    setenv("ROADWATCH_CONFIG_FD", number, 1);
    assert_null(rw_arguments_config(&talk.arguments, &err));
    assert_non_null(strstr(err.text, "handed down"));
    unsetenv("ROADWATCH_CONFIG_FD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_command_it_says_what_there_is_and_fails),
        cmocka_unit_test(help_goes_to_standard_output_and_succeeds),
        cmocka_unit_test(each_command_helps_with_its_own_options),
        cmocka_unit_test(a_command_may_take_two_words),
        cmocka_unit_test(takes_every_option_in_any_order),
        cmocka_unit_test(takes_an_operand_before_or_after_the_options),
        cmocka_unit_test(refuses_what_it_does_not_know),
        cmocka_unit_test(refuses_a_missing_value_or_operand_and_one_too_many),
        cmocka_unit_test(a_span_is_read_and_must_not_end_before_it_begins),
        cmocka_unit_test(a_span_that_makes_no_sense_is_refused_by_its_option),
        cmocka_unit_test(cameras_are_all_or_the_one_named),
        cmocka_unit_test(a_child_reads_the_configuration_from_its_start_and_closes_it),
        cmocka_unit_test(a_child_is_not_handed_more_than_a_megabyte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
