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

#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "codec.h"

enum { JOBS_MAX = 64, TEXT_MAX = 1 << 16 };

struct options {
    const char *only, *film, *write, *baseline;
    bool full, hours, no_codec, verbose;
    int sensitivity, jobs, kbit, seed;
};

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

/* --- one clip --- */

struct films {
    struct codec_file *film, *truth;
    char json[512];
};

static void films_open(struct films *films, const struct options *options, struct scene *scene,
                       const char *name)
{
    char path[512];
    if (!options->write)
        return;
    mkdir(options->write, 0777);
    snprintf(films->json, sizeof films->json, "%s/%s.json", options->write, name);
    snprintf(path, sizeof path, "%s/%s.mp4", options->write, name);
    int width = scene_width(scene), height = scene_height(scene), fps = scene_fps(scene);
    films->film = codec_file_create(path, width, height, fps, options->kbit, 0);
    snprintf(path, sizeof path, "%s/%s.gt.mkv", options->write, name);
    films->truth = codec_file_create(path, width, height, fps, 0, 1);
    if (!films->film || !films->truth)
        fprintf(stderr, "accuracy: %s: cannot be written\n", path);
}

static void films_write(struct films *films, const struct scene *scene)
{
    if (films->film)
        codec_file_write(films->film, scene_luma(scene));
    if (films->truth)
        codec_file_write(films->truth, scene_mask(scene));
}

static void write_spans(FILE *file, const char *name, const struct scene_span *spans, int count)
{
    fprintf(file, ", \"%s\": [", name);
    for (int i = 0; i < count; i++)
        fprintf(file, "%s[%.3f, %.3f]", i ? ", " : "", (double)spans[i].from, (double)spans[i].to);
    fputc(']', file);
}

static void films_close(struct films *films, const char *name, const struct scene_truth *truth,
                        int fps)
{
    if (!films->json[0])
        return;
    codec_file_close(films->film);
    codec_file_close(films->truth);
    FILE *file = fopen(films->json, "w");
    if (!file)
        return;
    fprintf(file, "{\"fps\": %d, \"frames\": %d", fps, truth->pictures);
    write_spans(file, "motion", truth->motion, truth->motion_count);
    write_spans(file, "ignore", truth->ignore, truth->ignore_count);
    fprintf(file, ", \"pixel_gt\": \"%s.gt.mkv\"}\n", name);
    fclose(file);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

struct player {
    struct take take;
    struct rw_motion *motion;
    struct rw_motion_run run;
    double detector_ns;
    long pictures;
};

static void look(struct player *player, const uint8_t *luma, int stride, int64_t us)
{
    struct rw_luma picture = {luma, player->take.width, player->take.height, stride};
    double start = now_ns();
    enum rw_motion_change change = rw_motion_look(player->motion, &picture, us, &player->run);
    player->detector_ns += now_ns() - start;
    player->pictures++;
    if (change == RW_MOTION_END && player->take.run_count < RUNS_MAX)
        player->take.runs[player->take.run_count++] = player->run;
}

static bool play(struct player *player, struct scene *scene, struct codec *codec,
                 struct films *films)
{
    while (scene_next(scene)) {
        int stride = scene_width(scene);
        const uint8_t *luma = scene_luma(scene);
        if (codec && !(luma = codec_pass(codec, luma, &stride)))
            return false;
        look(player, luma, stride,
             (int64_t)(scene_pictures(scene) - 1) * 1000000 / scene_fps(scene));
        films_write(films, scene);
    }
    if (rw_motion_break(player->motion, &player->run) == RW_MOTION_END &&
        player->take.run_count < RUNS_MAX)
        player->take.runs[player->take.run_count++] = player->run;
    return true;
}

static void score_clip(struct work *work, const struct scene_plan *plan, struct result *result)
{
    const struct options *options = work->options;
    struct rw_motion_options watch = {.sensitivity = options->sensitivity};
    struct scene *scene = scene_create(plan, work->stock, (uint64_t)options->seed);
    int width = scene_width(scene), height = scene_height(scene), fps = scene_fps(scene);
    int kbit = (int)((int64_t)options->kbit * width * height / (640 * 360));
    struct codec *codec = options->no_codec ? NULL : codec_create(width, height, fps, kbit);
    struct player *player = calloc(1, sizeof *player);
    struct films films = {0};
    if (player && (codec || options->no_codec)) {
        player->motion = rw_motion_create(&watch);
        player->take = (struct take){.plan = plan, .fps = fps, .width = width, .height = height};
        films_open(&films, options, scene, plan->name);
        result->failed = !play(player, scene, codec, &films);
        player->take.truth = scene_truth(scene);
        films_close(&films, plan->name, player->take.truth, fps);
        score_take(&player->take, &result->score, options->verbose ? &result->notes : NULL);
        result->score.detector_ns_pixel =
            player->detector_ns / (double)player->pictures / width / height;
        rw_motion_destroy(player->motion);
    } else {
        result->failed = true;
    }
    free(player);
    codec_destroy(codec);
    scene_destroy(scene);
}

static void *labour(void *arg)
{
    struct work *work = arg;
    int i;
    while ((i = atomic_fetch_add(&work->next, 1)) < accuracy_clip_count)
        if (work->results[i].chosen)
            score_clip(work, &accuracy_clips[i], &work->results[i]);
    return NULL;
}

/* --- the table --- */

static void print_head(FILE *out)
{
    fprintf(out, "%-20s %6s %7s %5s %6s %7s %6s %6s %6s %6s %5s\n", "clip", "s", "found", "mispl",
            "false", "flagged", "median", "p95", "cover", "kinds", "wrong");
}

static void print_score(FILE *out, const char *name, struct score *s)
{
    char found[32], kinds[32];
    double flagged = s->quiet_pictures ? (double)s->flagged / (double)s->quiet_pictures : 0;
    double covered = s->true_s > 0 ? s->covered_s / s->true_s : 0;
    snprintf(found, sizeof found, "%d/%d", s->hits, s->intervals);
    snprintf(kinds, sizeof kinds, "%d/%d", s->kinds_seen, s->kinds_expected);
    fprintf(out, "%-20s %6.0f %7s %5d %6d %6.2f%% %6.2f %6.2f %5.1f%% %6s %5d\n", name, s->seconds,
            found, s->misplaced, s->false_alarms, 100 * flagged, (double)score_delay(s, 0.5f),
            (double)score_delay(s, 0.95f), 100 * covered, kinds, s->kinds_false);
}

/* False when nothing was chosen or a codec failed. */
static bool print_table(FILE *out, struct work *work, struct score *all)
{
    int failed = 0, chosen = 0;
    double cost = 0;
    print_head(out);
    for (int i = 0; i < accuracy_clip_count; i++) {
        struct result *result = &work->results[i];
        if (!result->chosen)
            continue;
        print_score(out, accuracy_clips[i].name, &result->score);
        if (result->notes)
            fputs(result->notes, out);
        if (result->failed)
            fprintf(stderr, "accuracy: %s: the codec failed\n", accuracy_clips[i].name);
        failed += result->failed;
        cost += result->score.detector_ns_pixel;
        score_add(all, &result->score);
        chosen++;
    }
    print_score(out, "all", all);
    fprintf(out, "quiet: %.0f s, things move: %.0f s\n", all->quiet_s, all->true_s);
    if (chosen)
        fprintf(stderr, "detector: %.3f ns/pixel\n", cost / chosen);
    return chosen && !failed;
}

/* --- the table of last time --- */

/* The line of text that begins with the same word; NULL when there is none. */
static const char *same_clip(const char *text, const char *line)
{
    size_t word = strcspn(line, " \n") + 1;
    for (; *text; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] != 0))
        if (strncmp(text, line, word) == 0)
            return text;
    return NULL;
}

static void print_changes(const char *old, const char *now)
{
    for (const char *line = now; *line; line += strcspn(line, "\n") + 1) {
        int length = (int)strcspn(line, "\n");
        const char *was = same_clip(old, line);
        int old_length = was ? (int)strcspn(was, "\n") : 0;
        if (was && old_length == length && strncmp(was, line, (size_t)length) == 0)
            continue;
        if (was)
            printf("- %.*s\n", old_length, was);
        printf("+ %.*s\n", length, line);
    }
}

struct totals {
    int hits, intervals, misplaced, alarms, seen, expected, wrong;
};

static bool read_totals(const char *table, struct totals *t)
{
    const char *line = same_clip(table, "all ");
    return line &&
           sscanf(line, "all %*f %d/%d %d %d %*f%% %*f %*f %*f%% %d/%d %d", &t->hits, &t->intervals,
                  &t->misplaced, &t->alarms, &t->seen, &t->expected, &t->wrong) == 7;
}

/* The caller's; NULL when it cannot be read. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, TEXT_MAX);
    if (file && text)
        text[fread(text, 1, TEXT_MAX - 1, file)] = 0;
    else
        fprintf(stderr, "accuracy: %s: %s\n", path, strerror(errno));
    if (file)
        fclose(file);
    return text;
}

/* Prints what is other than in the file; false when the totals are worse, or of other clips. */
static bool no_worse(const char *path, const char *table)
{
    struct totals was, is;
    char *old = read_text(path);
    bool known = old && read_totals(old, &was) && read_totals(table, &is);
    if (old)
        print_changes(old, table);
    free(old);
    if (!known || was.intervals != is.intervals || was.expected != is.expected) {
        printf("the clips are not those of %s: put this table there\n", path);
        return false;
    }
    bool worse =
        is.hits < was.hits || is.alarms > was.alarms || is.seen < was.seen || is.wrong > was.wrong;
    printf("%s than %s\n", worse ? "worse" : "no worse", path);
    return !worse;
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
        well = no_worse(work->options->baseline, table);
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
