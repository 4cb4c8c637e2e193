/* How good the detector is: a table over clips that are generated with exact truth.
 *
 *   accuracy [--only GLOB] [--full] [--hours] [--sensitivity N] [--no-codec] [--seed N]
 *            [--kbit N] [--verbose] [--jobs N] [--film PATH] [--write DIR] [--baseline FILE]
 *
 * --full      all clips; without it those that every test run takes
 * --hours     the empty hours as well (alone with --only 'hour*')
 * --film      vtest.avi of Debian's opencv-doc; by default the one that the tests have fetched
 * --write     writes each clip as NAME.mp4, its truth as NAME.json and NAME.gt.mkv (255: moving)
 * --baseline  also prints what changed against FILE, a table printed earlier, and fails when more
 *             is missed or told falsely in all than there
 *
 * Exit 0, 1 when worse than the baseline, 2 for words it does not know, 77 without the film. */
#include "accuracy.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS_MAX = 64 };

struct work {
    const struct options *options;
    const struct scene_stock *stock;
    atomic_int next;
    struct result {
        bool chosen, failed;
        struct score score;
        char *notes;
    } * results;
};

static void *labour(void *arg)
{
    struct work *work = arg;
    const struct options *options = work->options;
    int i;
    while ((i = atomic_fetch_add(&work->next, 1)) < accuracy_clip_count) {
        struct result *result = &work->results[i];
        if (result->chosen)
            result->failed = !play_clip(options, work->stock, &accuracy_clips[i], &result->score,
                                        options->verbose ? &result->notes : NULL);
    }
    return NULL;
}

/* False when nothing was chosen or a codec failed. */
static bool print_table(FILE *out, struct work *work, struct score *all)
{
    int failed = 0, chosen = 0;
    double cost = 0;
    table_head(out);
    for (int i = 0; i < accuracy_clip_count; i++) {
        struct result *result = &work->results[i];
        if (!result->chosen)
            continue;
        table_line(out, accuracy_clips[i].name, &result->score);
        if (result->notes)
            fputs(result->notes, out);
        if (result->failed)
            fprintf(stderr, "accuracy: %s: the codec failed\n", accuracy_clips[i].name);
        failed += result->failed;
        cost += result->score.detector_ns_pixel;
        score_add(all, &result->score);
        chosen++;
    }
    table_line(out, "all", all);
    fprintf(out, "quiet: %.0f s, things move: %.0f s\n", all->quiet_s, all->true_s);
    if (chosen)
        fprintf(stderr, "detector: %.3f ns/pixel\n", cost / chosen);
    return chosen && !failed;
}

/* --- options --- */

static const char *default_film(char *path, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache)
        snprintf(path, size, "%s/roadwatch/vtest.avi", cache);
    else
        snprintf(path, size, "%s/.cache/roadwatch/vtest.avi", home ? home : "");
    return path;
}

/* An option is a row: where its word, its number, or that it was there at all goes. */
struct row {
    const char *name;
    const char **word;
    int *number;
    bool *flag;
};

static bool take_option(const struct row *rows, char **argv, int *at)
{
    for (const struct row *row = rows; row->name; row++) {
        if (strcmp(argv[*at], row->name) != 0)
            continue;
        if (row->flag) {
            *row->flag = true;
            return true;
        }
        const char *value = argv[++*at];
        if (value && row->word)
            *row->word = value;
        else if (value)
            *row->number = atoi(value);
        return value != NULL;
    }
    return false;
}

static bool read_options(struct options *options, char **argv)
{
    const struct row rows[] = {
        {"--only", &options->only, NULL, NULL},
        {"--film", &options->film, NULL, NULL},
        {"--write", &options->write, NULL, NULL},
        {"--baseline", &options->baseline, NULL, NULL},
        {"--seed", NULL, &options->seed, NULL},
        {"--jobs", NULL, &options->jobs, NULL},
        {"--kbit", NULL, &options->kbit, NULL},
        {"--sensitivity", NULL, &options->sensitivity, NULL},
        {"--full", NULL, NULL, &options->full},
        {"--hours", NULL, NULL, &options->hours},
        {"--verbose", NULL, NULL, &options->verbose},
        {"--no-codec", NULL, NULL, &options->no_codec},
        {NULL, NULL, NULL, NULL},
    };
    for (int i = 1; argv[i]; i++)
        if (!take_option(rows, argv, &i))
            return false;
    return options->jobs > 0 && options->jobs <= JOBS_MAX && options->kbit > 0;
}

static bool chosen(const struct options *options, const struct scene_plan *plan)
{
    if (options->only && fnmatch(options->only, plan->name, 0) != 0)
        return false;
    return (!plan->hours || options->hours) && (!plan->full || options->full || options->only);
}

static void work_off(struct work *work)
{
    pthread_t threads[JOBS_MAX];
    int jobs = work->options->jobs;
    for (int i = 1; i < jobs; i++)
        if (pthread_create(&threads[i], NULL, labour, work))
            jobs = i;
    labour(work);
    for (int i = 1; i < jobs; i++)
        pthread_join(threads[i], NULL);
}

/* The exit status. */
static int tell(struct work *work)
{
    char *table = NULL;
    size_t length;
    struct score *all = calloc(1, sizeof *all);
    FILE *out = open_memstream(&table, &length);
    if (!out || !all)
        abort();
    bool well = print_table(out, work, all);
    fclose(out);
    fputs(table, stdout);
    if (well && work->options->baseline)
        well = table_no_worse(work->options->baseline, table);
    free(table);
    free(all);
    return well ? 0 : 1;
}

int main(int argc, char **argv)
{
    char path[512];
    struct options options = {.sensitivity = 50, .jobs = 1, .kbit = 500, .seed = 1};
    (void)argc;
    options.film = default_film(path, sizeof path);
    if (!read_options(&options, argv)) {
        fputs("accuracy: the head of tests/bench/accuracy.c says how to call it\n", stderr);
        return 2;
    }
    struct scene_stock *stock = scene_stock_open(options.film);
    if (!stock) {
        fprintf(stderr, "accuracy: %s: cannot be read (tests/run.sh fetches it)\n", options.film);
        return 77;
    }
    struct work work = {.options = &options, .stock = stock};
    work.results = calloc((size_t)accuracy_clip_count, sizeof *work.results);
    for (int i = 0; work.results && i < accuracy_clip_count; i++)
        work.results[i].chosen = chosen(&options, &accuracy_clips[i]);
    work_off(&work);
    int status = tell(&work);
    for (int i = 0; i < accuracy_clip_count; i++)
        free(work.results[i].notes);
    free(work.results);
    scene_stock_close(stock);
    return status;
}
