/* The role `run`: starts the other roles, restarts them when they die, tells systemd. Touches
 * nothing but its children. */
#pragma once

/* The environment variable through which a child is given the configuration that is in force: the
 * number of a descriptor holding the file's text. A file that has been spoilt meanwhile cannot
 * keep a child from being restarted. */
#define RW_CONFIG_FD "ROADWATCH_CONFIG_FD"

/* Runs until SIGTERM or SIGINT; SIGHUP reads the file again. Returns the process's exit status. */
int rw_supervisor_run(const char *config_path);
