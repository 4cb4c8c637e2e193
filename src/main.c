/* The entrance: the first argument says which role this process plays. */
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "alerts/alerts.h"
#include "camera/camera.h"
#include "cli/cli.h"
#include "supervisor/supervisor.h"

static int run_child_role(const struct rw_arguments *arguments)
{
    struct rw_err err;
    struct rw_config *config = rw_arguments_config(arguments, &err);
    if (!config)
        return rw_complain(1, "%s", err.text);
    int status = arguments->command->role == RW_ROLE_CAMERA
                     ? rw_camera_run(config, arguments->operand)
                     : rw_alerts_run(config);
    rw_config_free(config);
    return status;
}

/* The supervisor reads its file again on SIGHUP. A child that gets one (pkill, a closed terminal)
 * goes on; the supervisor that gets one before it listens goes on, too. */
static void ignore_hangups(enum rw_role role)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    if (role == RW_ROLE_RUN)
        sigprocmask(SIG_BLOCK, &set, NULL);
    else
        signal(SIGHUP, SIG_IGN);
}

/* Sanitizers count on a process's beginning: children are executed then, never just forked. */
#ifdef ROADWATCH_SANITIZED
#define FORKED_MAIN NULL
#else
#define FORKED_MAIN main
#endif

int main(int argc, char **argv)
{
    struct rw_arguments arguments;
    prctl(PR_SET_NAME, "roadwatch"); /* a re-executed child would be called "exe" */
    int status = rw_arguments_parse(&arguments, argc, argv);
    if (status >= 0)
        return status;
    if (arguments.command->role != RW_ROLE_NONE)
        ignore_hangups(arguments.command->role);
    switch (arguments.command->role) {
    case RW_ROLE_NONE:
        return arguments.command->run(&arguments);
    case RW_ROLE_RUN:
        return rw_supervisor_run(arguments.config_path, FORKED_MAIN);
    case RW_ROLE_CAMERA:
    case RW_ROLE_ALERTS:
        break;
    }
    return run_child_role(&arguments);
}
