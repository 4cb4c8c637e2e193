/* The role `run`: starts the other roles, restarts them when they die, tells systemd. Touches
 * nothing but its children. */
#pragma once

/* Runs until SIGTERM or SIGINT; SIGHUP reads the file again. Returns the process's exit status.
 * play: main(), in which the children that are forked go on; NULL: all are executed. */
int rw_supervisor_run(const char *config_path, int (*play)(int argc, char **argv));
