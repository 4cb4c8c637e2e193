/* The command line: what can be asked for, and the commands that are not roles. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/units.h"
#include "config/config.h"

enum rw_role { RW_ROLE_NONE, RW_ROLE_RUN, RW_ROLE_CAMERA, RW_ROLE_ALERTS };

struct rw_arguments;

struct rw_command {
    const char *name, *operand, *summary; /* operand: "ID", "[FILE]", "DO [NAME]", or "" */
    enum rw_role role;
    int (*run)(const struct rw_arguments *arguments); /* returns the exit status */
    unsigned options;                                 /* of enum rw_option */
};

enum rw_option {
    RW_OPTION_CONFIG = 1,
    RW_OPTION_CAMERA = 2,
    RW_OPTION_SPAN = 4,
    RW_OPTION_STREAM = 8,
    RW_OPTION_JSON = 16,
    RW_OPTION_REBUILD = 32,
    RW_OPTION_LIVE = 64,
    RW_OPTION_HOLD = 128, /* reason, by, list, all, dry-run */
    RW_OPTION_BY = 256,
    RW_OPTION_TUNE = 512, /* sensitivity, try, pictures, overlay */
    RW_OPTION_BROKER = 1024,
    RW_OPTION_PROBE = 2048, /* sub, username, transport, ca-file, no-check-host, days */
};

struct rw_arguments {
    const struct rw_command *command;
    const char *config_path; /* -c, or the default */
    bool config_given;
    const char *operand, *name;              /* the first and the second; NULL: none */
    const char *camera, *from, *to, *stream; /* NULL: not given */
    const char *reason, *by;                 /* NULL: not given */
    const char *sensitivity, *changed, *pictures, *overlay;
    const char *dir, *host, *port, *websockets, *site;
    const char *sub, *username, *transport, *ca_file, *days;
    bool json, rebuild, live, list, all, dry_run, commune, replace, any_host;
};

/* -1: go on with arguments->command. Otherwise everything was said (help, version, wrong use) and
 * this is the exit status. Strings point into argv. */
int rw_arguments_parse(struct rw_arguments *arguments, int argc, char **argv);
/* The configuration that the arguments name, or the one the supervisor handed down. The caller's.
 */
struct rw_config *rw_arguments_config(const struct rw_arguments *arguments, struct rw_err *err);

/* One sentence on standard error; returns the status. */
int rw_complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

int rw_command_check(const struct rw_arguments *arguments);
int rw_command_probe(const struct rw_arguments *arguments);
int rw_command_status(const struct rw_arguments *arguments);
int rw_command_events(const struct rw_arguments *arguments);
int rw_command_coverage(const struct rw_arguments *arguments);
int rw_command_detect(const struct rw_arguments *arguments);
/* --sensitivity, 1 to 100; 0 where it is not given, -1 after a complaint. */
int rw_arguments_sensitivity(const struct rw_arguments *arguments);
int rw_command_fsck(const struct rw_arguments *arguments);
int rw_command_hold(const struct rw_arguments *arguments);
int rw_command_release(const struct rw_arguments *arguments);
int rw_command_broker(const struct rw_arguments *arguments);

/* "19 days", "1.5 days"; little in words that do not say 0. */
const char *rw_days_in_words(double days, char out[RW_TIME_SIZE]);

/* --from and --to, with these defaults (UTC us). 0, or the exit status after a complaint. */
int rw_arguments_span(const struct rw_arguments *arguments, int64_t now_us, int64_t *from_us,
                      int64_t *to_us);
/* The cameras that --camera names (all without it): fills list of config->camera_count. Returns
 * how many, or -1 after a complaint. */
int rw_arguments_cameras(const struct rw_arguments *arguments, const struct rw_config *config,
                         const struct rw_camera_config **list);
