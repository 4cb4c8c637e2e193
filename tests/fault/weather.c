/* Power cuts, refusing disks and time, thrown at the store by seed.
 *
 *   weather [--seeds N] [--from S] [--jobs J]   plays N scenarios, the first with seed S
 *   weather --seed S                            plays one and tells every step
 *   weather --storms …                          a tenth as many, with disks that refuse and lie
 *   weather --exhaustive [--step N] [--jobs J]  one scenario, cut at every N-th of its operations
 *   weather --cut N[k][,M]                      one of those: cut (k: killed) at N, then at M
 *
 * A line for every scenario that broke a promise; it plays it again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "play.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS = 400, SEEDS_LONG = 5000, STEP = 15, STEP_LONG = 5 };
#else
enum { SEEDS = 4000, SEEDS_LONG = 100000, STEP = 7, STEP_LONG = 2 };
#endif
enum { JOBS_MAX = 64, PATIENCE_S = 60, FAILURES_MAX = 25 };

struct options {
    uint64_t from, seeds, step;
    int jobs;
    bool verbose, exhaustive, one_cut, storms;
    struct script_cut cut;
};

struct worker {    /* shared with the parent */
    uint64_t next; /* seed or cut to be played */
    uint64_t played;
    int failures;
    bool done;
    char playing[80]; /* the arguments that play it again */
    int log;          /* a file in memory: standard error of the scenario */
};

static void report(struct worker *worker, const char *failure)
{
    if (!*failure)
        return;
    worker->failures++;
    printf("weather %s: %s\n", worker->playing, failure);
    fflush(stdout);
}

/* --- one scenario --- */

static void begin_scenario(struct worker *worker)
{
    alarm(PATIENCE_S);
    if (worker->log >= 0 && ftruncate(worker->log, 0))
        abort();
}

static void play_seed(struct worker *worker, uint64_t seed, bool verbose, bool storms)
{
    struct world world;
    snprintf(worker->playing, sizeof worker->playing, "%s--seed %llu", storms ? "--storms " : "",
             (unsigned long long)seed);
    begin_scenario(worker);
    world_init(&world, seed, verbose, storms);
    play_random(&world);
    world_finish(&world);
    worker->played++;
    report(worker, world.failure);
}

/* False: the script ended before the cut. */
static bool play_cut(struct worker *worker, const struct script_cut *cut, bool verbose,
                     uint64_t *recovery)
{
    struct world world;
    char again[24] = "";
    if (cut->again)
        snprintf(again, sizeof again, ",%llu", (unsigned long long)cut->again);
    snprintf(worker->playing, sizeof worker->playing, "--cut %llu%s%s", (unsigned long long)cut->at,
             cut->kill ? "k" : "", again);
    begin_scenario(worker);
    world_init(&world, 1000 * cut->at + cut->again, verbose, false);
    bool came = play_script(&world, cut, recovery);
    world_finish(&world);
    worker->played++;
    report(worker, world.failure);
    return came;
}

/* The cut at n, a kill there, and second cuts at some operations of what follows. */
static bool play_cuts_at(struct worker *worker, uint64_t n)
{
    uint64_t recovery, ignored;
    struct script_cut cut = {.at = n};
    if (!play_cut(worker, &cut, false, &recovery))
        return false;
    for (int kill = 0; kill < 2; kill++) {
        cut = (struct script_cut){.at = n, .kill = kill};
        if (kill)
            play_cut(worker, &cut, false, &recovery);
        for (cut.again = 1 + n % 3; cut.again <= recovery; cut.again += 1 + recovery / 4)
            play_cut(worker, &cut, false, &ignored);
    }
    return true;
}

/* --- workers --- */

static void work(struct worker *worker, const struct options *options)
{
    while (worker->failures < FAILURES_MAX) {
        uint64_t at = worker->next;
        worker->next += (uint64_t)options->jobs * (options->exhaustive ? options->step : 1);
        if (options->exhaustive) {
            if (!play_cuts_at(worker, at))
                break;
        } else if (at < options->from + options->seeds) {
            play_seed(worker, at, false, options->storms);
        } else {
            break;
        }
    }
    worker->done = true;
}

/* Returns the process, which ends with this one. */
static pid_t start(struct worker *worker, const struct options *options)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid > 0)
        return pid;
    if (pid < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL))
        abort();
    dup2(worker->log, STDERR_FILENO);
    work(worker, options);
    exit(0);
}

static void show_log(const struct worker *worker)
{
    char text[8192];
    off_t size = lseek(worker->log, 0, SEEK_END);
    off_t from = size > (off_t)sizeof text ? size - (off_t)sizeof text : 0;
    ssize_t got = pread(worker->log, text, sizeof text, from);
    if (got > 0)
        fwrite(text, 1, (size_t)got, stdout);
}

/* A scenario that crashes or hangs is told of, and the worker goes on behind it in a new process,
 * which is returned. */
static pid_t look_after(struct worker *worker, pid_t pid, const struct options *options)
{
    int status;
    if (waitpid(pid, &status, 0) < 0)
        abort();
    if (worker->done)
        return pid;
    char how[80];
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "%s",
                 WTERMSIG(status) == SIGALRM ? "does not end" : strsignal(WTERMSIG(status)));
    else
        snprintf(how, sizeof how, "ends with status %d", WEXITSTATUS(status));
    show_log(worker);
    report(worker, how);
    worker->done = worker->failures >= FAILURES_MAX;
    return worker->done ? pid : start(worker, options);
}

static int play_all(const struct options *options)
{
    uint64_t played = 0;
    int failures = 0;
    pid_t pids[JOBS_MAX];
    struct timespec begun, ended;
    struct worker *workers = mmap(NULL, JOBS_MAX * sizeof *workers, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (workers == MAP_FAILED)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int i = 0; i < options->jobs; i++) {
        workers[i] = (struct worker){.next = options->from + (uint64_t)i,
                                     .log = memfd_create("scenario", MFD_CLOEXEC)};
        if (options->exhaustive)
            workers[i].next = 1 + (uint64_t)i * options->step;
        fcntl(workers[i].log, F_SETFL, O_APPEND);
        pids[i] = start(&workers[i], options);
    }
    for (int i = 0; i < options->jobs; i++) {
        while (!workers[i].done)
            pids[i] = look_after(&workers[i], pids[i], options);
        played += workers[i].played;
        failures += workers[i].failures;
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    double seconds =
        (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9;
    printf("%llu scenarios in %.1f s (%.0f a second), %d broke a promise\n",
           (unsigned long long)played, seconds, (double)played / seconds, failures);
    munmap(workers, JOBS_MAX * sizeof *workers);
    return failures ? 1 : 0;
}

static int play_one(const struct options *options)
{
    struct worker alone = {.log = -1};
    uint64_t ignored;
    if (options->one_cut)
        play_cut(&alone, &options->cut, true, &ignored);
    else
        play_seed(&alone, options->from, true, options->storms);
    return alone.failures ? 1 : 0;
}

/* --- arguments --- */

static void take_cut(const char *text, struct script_cut *cut)
{
    char *end;
    cut->at = strtoull(text, &end, 10);
    cut->kill = *end == 'k';
    end += cut->kill;
    cut->again = *end == ',' ? strtoull(end + 1, NULL, 10) : 0;
}

static bool take_option(const char *name, const char *value, struct options *options)
{
    uint64_t number = strtoull(value, NULL, 10);
    if (!strcmp(name, "--seeds"))
        options->seeds = number;
    else if (!strcmp(name, "--step") && number >= 1)
        options->step = number;
    else if (!strcmp(name, "--from") || !strcmp(name, "--seed"))
        options->from = number;
    else if (!strcmp(name, "--jobs") && number >= 1 && number <= JOBS_MAX)
        options->jobs = (int)number;
    else if (!strcmp(name, "--cut"))
        take_cut(value, &options->cut);
    else
        return false;
    options->verbose |= !strcmp(name, "--seed") || !strcmp(name, "--cut");
    options->one_cut |= !strcmp(name, "--cut");
    return true;
}

/* A scenario is one thread: SQLite need not count its memory, nor lock anything. */
static void hurry(void)
{
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int main(int argc, char **argv)
{
    hurry();
    const char *switched = getenv("ROADWATCH_LONG");
    bool patient = switched && !strcmp(switched, "1");
    struct options options = {.from = 1, .jobs = 2};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--exhaustive")) {
            options.exhaustive = true;
        } else if (!strcmp(argv[i], "--storms")) {
            options.storms = true;
        } else if (i + 1 == argc || !take_option(argv[i], argv[i + 1], &options)) {
            fprintf(stderr, "weather: what is %s?\n", argv[i]);
            return 2;
        } else {
            i++;
        }
    }
    if (!options.seeds)
        options.seeds = (uint64_t)(patient ? SEEDS_LONG : SEEDS) / (options.storms ? 10 : 1);
    if (!options.step)
        options.step = patient ? STEP_LONG : STEP;
    return options.verbose ? play_one(&options) : play_all(&options);
}
