/* One clip: drawn, coded, watched, scored, and written if asked for. */
#include "accuracy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "codec.h"

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

static void keep_run(struct player *player)
{
    struct take *take = &player->take;
    size_t size = (size_t)(take->run_count + 1) * sizeof *take->runs;
    struct rw_motion_run *runs = realloc(take->runs, size);
    if (!runs)
        abort();
    runs[take->run_count++] = player->run;
    take->runs = runs;
}

static void look(struct player *player, const uint8_t *luma, int stride, int64_t us)
{
    struct rw_luma picture = {luma, player->take.width, player->take.height, stride};
    double start = now_ns();
    enum rw_motion_change change = rw_motion_look(player->motion, &picture, us, &player->run);
    player->detector_ns += now_ns() - start;
    player->pictures++;
    if (change == RW_MOTION_END)
        keep_run(player);
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
    if (rw_motion_break(player->motion, &player->run) == RW_MOTION_END)
        keep_run(player);
    return true;
}

bool play_clip(const struct options *options, const struct scene_stock *stock,
               const struct scene_plan *plan, struct score *score, char **notes)
{
    struct rw_motion_options watch = {.sensitivity = options->sensitivity};
    struct scene *scene = scene_create(plan, stock, (uint64_t)options->seed);
    int width = scene_width(scene), height = scene_height(scene), fps = scene_fps(scene);
    int kbit = (int)((int64_t)options->kbit * width * height / (640 * 360));
    struct codec *codec = options->no_codec ? NULL : codec_create(width, height, fps, kbit);
    struct player *player = calloc(1, sizeof *player);
    struct films films = {0};
    bool well = false;
    if (player && (codec || options->no_codec)) {
        player->motion = rw_motion_create(&watch);
        player->take = (struct take){.plan = plan, .fps = fps, .width = width, .height = height};
        films_open(&films, options, scene, plan->name);
        well = play(player, scene, codec, &films);
        player->take.truth = scene_truth(scene);
        films_close(&films, plan->name, player->take.truth, fps);
        score_take(&player->take, score, notes);
        score->detector_ns_pixel = player->detector_ns / (double)player->pictures / width / height;
        rw_motion_destroy(player->motion);
        free(player->take.runs);
    }
    free(player);
    codec_destroy(codec);
    scene_destroy(scene);
    return well;
}
