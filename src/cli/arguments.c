#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/units.h"
#include "cli/cli.h"

static const char default_config[] = "/etc/roadwatch/roadwatch.yaml";

#define CONFIG RW_OPTION_CONFIG

static const struct rw_command commands[] = {
    {"run", "", "the service, in the foreground", RW_ROLE_RUN, NULL, CONFIG},
    {"camera", "ID", "one camera's role by itself", RW_ROLE_CAMERA, NULL, CONFIG},
    {"alerts", "", "the MQTT role by itself", RW_ROLE_ALERTS, NULL, CONFIG},
    {"check", "", "is the file right, and what does the disk promise", RW_ROLE_NONE,
     rw_command_check, CONFIG | RW_OPTION_LIVE},
    {"probe", "URL", "a camera, measured for ten seconds, and what to write in the file",
     RW_ROLE_NONE, rw_command_probe, RW_OPTION_PROBE | RW_OPTION_JSON},
    {"status", "", "is each camera recording now, how far back, what is wrong", RW_ROLE_NONE,
     rw_command_status, CONFIG | RW_OPTION_JSON},
    {"events", "", "events, one JSON object a line", RW_ROLE_NONE, rw_command_events,
     CONFIG | RW_OPTION_CAMERA | RW_OPTION_SPAN | RW_OPTION_JSON},
    {"coverage", "", "recorded spans, and gaps with their causes", RW_ROLE_NONE,
     rw_command_coverage,
     CONFIG | RW_OPTION_CAMERA | RW_OPTION_SPAN | RW_OPTION_STREAM | RW_OPTION_JSON},
    {"detect", "[FILE]", "the detector over a recording, or over what a camera has recorded",
     RW_ROLE_NONE, rw_command_detect,
     CONFIG | RW_OPTION_CAMERA | RW_OPTION_SPAN | RW_OPTION_TUNE | RW_OPTION_JSON},
    {"fsck", "", "checks the recordings and their index", RW_ROLE_NONE, rw_command_fsck,
     CONFIG | RW_OPTION_CAMERA | RW_OPTION_REBUILD | RW_OPTION_JSON},
    {"hold", "", "keeps footage from being overwritten, past or to come; prints the hold's id",
     RW_ROLE_NONE, rw_command_hold,
     CONFIG | RW_OPTION_CAMERA | RW_OPTION_SPAN | RW_OPTION_HOLD | RW_OPTION_BY | RW_OPTION_JSON},
    {"release", "HOLD", "ends a hold", RW_ROLE_NONE, rw_command_release,
     CONFIG | RW_OPTION_BY | RW_OPTION_JSON},
    {"broker", "DO [NAME]",
     "mosquitto's set-up and logins: setup, phone NAME, home NAME, village SITE, join FILE, "
     "remove NAME",
     RW_ROLE_NONE, rw_command_broker, CONFIG | RW_OPTION_BROKER | RW_OPTION_JSON},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

struct option_row {
    const char *name, *value, *help; /* value NULL: a flag */
    unsigned option;
    size_t at; /* in struct rw_arguments: a const char *, or a flag's bool */
};
#define AT(field) offsetof(struct rw_arguments, field)

static const struct option_row option_rows[] = {
    {"config", "FILE", "the configuration (-c); default /etc/roadwatch/roadwatch.yaml", CONFIG,
     AT(config_path)},
    {"camera", "ID", "only this camera", RW_OPTION_CAMERA, AT(camera)},
    {"from", "TIME", "2026-11-23T12:00:00Z, \"2026-11-23 19:00\" local, now, -15m, +2h",
     RW_OPTION_SPAN, AT(from)},
    {"to", "TIME", "the same; default now", RW_OPTION_SPAN, AT(to)},
    {"stream", "main|sub", "which stream; default main", RW_OPTION_STREAM, AT(stream)},
    {"reason", "TEXT", "why it is held: a case number, what happened", RW_OPTION_HOLD, AT(reason)},
    {"by", "NAME", "who asks for it; default the user's name", RW_OPTION_BY, AT(by)},
    {"dry-run", NULL, "only says what it would cost", RW_OPTION_HOLD, AT(dry_run)},
    {"list", NULL, "the holds in force", RW_OPTION_HOLD, AT(list)},
    {"all", NULL, "with --list: released ones too", RW_OPTION_HOLD, AT(all)},
    {"sensitivity", "1-100", "instead of the camera's; zones with one of their own keep it",
     RW_OPTION_TUNE, AT(sensitivity)},
    {"try", "FILE", "another configuration to compare with: \"31 -> 6 events\"", RW_OPTION_TUNE,
     AT(changed)},
    {"pictures", "DIR", "a JPEG of each event that would go or be new", RW_OPTION_TUNE,
     AT(pictures)},
    {"overlay", "OUT.mp4", "a film of what the detector sees, and why it decides", RW_OPTION_TUNE,
     AT(overlay)},
    {"sub", "URL", "its small stream", RW_OPTION_PROBE, AT(sub)},
    {"username", "NAME", "whose password is read from the terminal or standard input",
     RW_OPTION_PROBE, AT(username)},
    {"transport", "tcp|udp", "how pictures come; default tcp", RW_OPTION_PROBE, AT(transport)},
    {"ca-file", "FILE", "of rtsps: whose certificate is trusted", RW_OPTION_PROBE, AT(ca_file)},
    {"no-check-host", NULL, "of rtsps: whatever host the certificate is for", RW_OPTION_PROBE,
     AT(any_host)},
    {"days", "N", "to keep; default 14", RW_OPTION_PROBE, AT(days)},
    {"json", NULL, "for programs", RW_OPTION_JSON, AT(json)},
    {"rebuild", NULL, "makes the index anew from the slots", RW_OPTION_REBUILD, AT(rebuild)},
    {"live", NULL, "looks at each camera for some seconds", RW_OPTION_LIVE, AT(live)},
    {"dir", "DIR", "mosquitto's folder; default /etc/mosquitto", RW_OPTION_BROKER, AT(dir)},
    {"host", "NAMES", "setup: this machine's names and addresses, as phones reach it",
     RW_OPTION_BROKER, AT(host)},
    {"port", "N", "setup: of MQTT with TLS; default 8883", RW_OPTION_BROKER, AT(port)},
    {"websockets", "N", "setup: for pages, with TLS; default 8884; 0: none", RW_OPTION_BROKER,
     AT(websockets)},
    {"commune", NULL, "setup: for the alerts of many villages; reads no configuration",
     RW_OPTION_BROKER, AT(commune)},
    {"site", "ID", "phone, home: of this village; default all of this broker", RW_OPTION_BROKER,
     AT(site)},
    {"replace", NULL, "writes anew what is there; setup keeps the authority and all logins",
     RW_OPTION_BROKER, AT(replace)},
};
enum { OPTIONS = sizeof option_rows / sizeof *option_rows };

int rw_complain(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("roadwatch: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return status;
}

static void print_help(FILE *out)
{
    fputs("roadwatch " ROADWATCH_VERSION ": records road cameras, notices motion, tells of it.\n\n"
          "roadwatch COMMAND [-c FILE] …\n\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-9s %-9s %s\n", commands[i].name, commands[i].operand,
                commands[i].summary);
    fputs("\nroadwatch COMMAND --help says more of one.\n", out);
}

static int print_command_help(const struct rw_command *command)
{
    printf("roadwatch %s %s\n  %s\n\n", command->name, command->operand, command->summary);
    for (int i = 0; i < OPTIONS; i++) {
        const struct option_row *row = &option_rows[i];
        if (command->options & row->option)
            printf("  --%s %-*s %s\n", row->name, (int)(18 - strlen(row->name)),
                   row->value ? row->value : "", row->help);
    }
    return 0;
}

static const struct rw_command *find_command(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void take_option(struct rw_arguments *arguments, const struct option_row *row,
                        const char *value)
{
    char *at = (char *)arguments + row->at;
    if (row->value)
        memcpy(at, &value, sizeof value);
    else
        *(bool *)at = true;
    arguments->config_given |= row->option == CONFIG;
}

static int operands_taken(const struct rw_command *command)
{
    return !*command->operand ? 0 : strchr(command->operand, ' ') ? 2 : 1;
}

static bool needs_operand(const struct rw_command *command)
{
    return *command->operand && *command->operand != '[';
}

static int check_operand(struct rw_arguments *arguments, int argc, char **argv)
{
    const struct rw_command *command = arguments->command;
    int left = argc - optind;
    if (needs_operand(command) && left < 1)
        return rw_complain(2, "%s needs %s; see roadwatch %s --help", command->name,
                           command->operand, command->name);
    if (left > operands_taken(command))
        return rw_complain(2, "%s does not take \"%s\"; see roadwatch %s --help", command->name,
                           argv[optind + operands_taken(command)], command->name);
    if (left)
        arguments->operand = argv[optind];
    if (left > 1)
        arguments->name = argv[optind + 1];
    if (arguments->stream && strcmp(arguments->stream, "main") && strcmp(arguments->stream, "sub"))
        return rw_complain(2, "--stream is main or sub, not \"%s\"", arguments->stream);
    return -1;
}

/* A single letter may be one of several behind one dash: getopt still stands before that word. */
static int complain_of_option(const struct rw_command *command, const char *word)
{
    char letter[3] = {'-', (char)optopt, 0};
    bool is_letter = optopt > ' ' && optopt != 'h'; /* --help=x */
    return rw_complain(2, "%s does not know %s; see roadwatch %s --help", command->name,
                       is_letter ? letter : word, command->name);
}

static int parse_options(struct rw_arguments *arguments, int argc, char **argv)
{
    const struct rw_command *command = arguments->command;
    struct option list[OPTIONS + 2] = {{0}};
    int count = 0;
    for (int i = 0; i < OPTIONS; i++)
        if (command->options & option_rows[i].option)
            list[count++] = (struct option){option_rows[i].name,
                                            option_rows[i].value ? required_argument : no_argument,
                                            NULL, i + 1};
    list[count] = (struct option){"help", no_argument, NULL, 'h'};
    opterr = 0;
    optind = 0; /* getopt begins anew */
    int got;
    const char *letters = command->options & CONFIG ? ":hc:" : ":h";
    while ((got = getopt_long(argc, argv, letters, list, NULL)) != -1) {
        if (got == 'h')
            return print_command_help(command);
        if (got == ':')
            return rw_complain(2, "%s needs a value; see roadwatch %s --help", argv[optind - 1],
                               command->name);
        if (got == '?')
            return complain_of_option(command, argv[optind - 1]);
        take_option(arguments, &option_rows[got == 'c' ? 0 : got - 1], optarg); /* 0: config */
    }
    return check_operand(arguments, argc, argv);
}

int rw_arguments_parse(struct rw_arguments *arguments, int argc, char **argv)
{
    *arguments = (struct rw_arguments){.config_path = default_config};
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_help(stderr);
        return 2;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_help(stdout);
        return 0;
    }
    if (!strcmp(name, "--version")) {
        puts("roadwatch " ROADWATCH_VERSION);
        return 0;
    }
    arguments->command = find_command(name);
    if (!arguments->command)
        return rw_complain(2, "there is no command \"%s\"; see roadwatch --help", name);
    return parse_options(arguments, argc - 1, argv + 1);
}

struct rw_config *rw_arguments_config(const struct rw_arguments *arguments, struct rw_err *err)
{
    enum rw_role role = arguments->command->role;
    const char *number = getenv(RW_CONFIG_FD);
    if (role != RW_ROLE_CAMERA && role != RW_ROLE_ALERTS)
        return rw_config_load(arguments->config_path, err);
    struct rw_apart apart = {.path = arguments->config_path, .text = number ? atoi(number) : -1};
    if (role == RW_ROLE_CAMERA)
        apart.kept.camera = arguments->operand;
    else
        apart.kept.broker = true;
    struct rw_config *config = rw_config_load_apart(&apart, err);
    if (number)
        close(apart.text);
    return config;
}

int rw_arguments_span(const struct rw_arguments *arguments, int64_t now_us, int64_t *from_us,
                      int64_t *to_us)
{
    struct rw_err err;
    if (arguments->from && rw_parse_time(arguments->from, now_us, from_us, &err))
        return rw_complain(2, "--from %s", err.text);
    if (arguments->to && rw_parse_last_time(arguments->to, now_us, to_us, &err))
        return rw_complain(2, "--to %s", err.text);
    if (*from_us > *to_us)
        return rw_complain(2, "--from must be before --to");
    return 0;
}

int rw_arguments_sensitivity(const struct rw_arguments *arguments)
{
    const char *text = arguments->sensitivity;
    if (!text)
        return 0;
    size_t length = strspn(text, "0123456789");
    int value = length && length <= 3 && !text[length] ? atoi(text) : 0;
    if (value < 1 || value > 100)
        return rw_complain(-1, "--sensitivity is a number from 1 to 100, not \"%s\"", text);
    return value;
}

int rw_arguments_cameras(const struct rw_arguments *arguments, const struct rw_config *config,
                         const struct rw_camera_config **list)
{
    if (arguments->camera) {
        list[0] = rw_config_camera(config, arguments->camera);
        return list[0] ? 1
                       : rw_complain(-1, "%s has no camera \"%s\"", arguments->config_path,
                                     arguments->camera);
    }
    for (int i = 0; i < config->camera_count; i++)
        list[i] = &config->cameras[i];
    return config->camera_count;
}

const char *rw_days_in_words(double days, char out[RW_TIME_SIZE])
{
    if (days >= 10)
        snprintf(out, RW_TIME_SIZE, "%.0f days", days);
    else if (days >= 0.5)
        snprintf(out, RW_TIME_SIZE, "%.1f days", days);
    else
        snprintf(out, RW_TIME_SIZE, "%.2g days (%.0f minutes)", days, days * 1440);
    return out;
}
