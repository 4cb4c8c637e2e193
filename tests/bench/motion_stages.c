/* What watching costs, stage by stage, with the detector compiled for one instruction set
 * (RW_PATH), beside memcpy and a plain difference of two pictures. A noisy picture with one thing
 * moving through it. bench_motion runs this for all of them and prints the table.
 *
 *   motion_stages_avx2 WIDTH HEIGHT PICTURES
 *
 * Prints for each stage: nanoseconds per pixel (mean), the same (best picture), its name; and for
 * the memory of one detector 0, bytes, name. */
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "motion/internal.h"
#include "motion/memory.h"
#include "paths.h"

enum { LOOP = 16, STEP_US = 66667, SKIPPED = 77 };

struct bench {
    int width, height, pixels;
    uint8_t *pictures; /* LOOP of them */
    uint8_t *copy;
    uint16_t *columns;
    uint16_t *means;
    uint16_t *stack;
    struct rw_grid grid;
    struct rw_regions regions;
    struct rw_background background;
    struct rw_blobs blobs;
    struct rw_tracks tracks;
    struct rw_motion *motion;
    uint64_t checksum; /* so that nothing is optimised away */
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct rw_luma picture(const struct bench *bench, int i)
{
    return (struct rw_luma){
        .data = bench->pictures + (ptrdiff_t)(i % LOOP) * bench->pixels,
        .width = bench->width,
        .height = bench->height,
        .stride = bench->width,
    };
}

static void draw(struct bench *bench)
{
    uint32_t state = 1;
    for (int n = 0; n < LOOP; n++) {
        uint8_t *at = bench->pictures + (ptrdiff_t)n * bench->pixels;
        for (int i = 0; i < bench->pixels; i++) {
            state = state * 1664525 + 1013904223;
            int x = i % bench->width * 640 / bench->width,
                y = i / bench->width * 640 / bench->width;
            int thing = x >= 40 + n * 30 && x < 100 + n * 30 && y >= 150 && y < 210;
            at[i] = (uint8_t)(80 + x / 8 + (thing ? 60 : 0) + (int)(state >> 28));
        }
    }
}

static void stage_memcpy(struct bench *bench, int i)
{
    memcpy(bench->copy, picture(bench, i).data, (size_t)bench->pixels);
    bench->checksum += bench->copy[i % bench->pixels];
}

static void stage_difference(struct bench *bench, int i)
{
    const uint8_t *a = picture(bench, i).data, *b = picture(bench, i + 1).data;
    uint32_t sum = 0;
    for (int p = 0; p < bench->pixels; p++)
        sum += (uint32_t)abs(a[p] - b[p]);
    bench->checksum += sum;
}

static void stage_grid(struct bench *bench, int i)
{
    struct rw_luma luma = picture(bench, i);
    rw_grid_means(&bench->grid, &luma, bench->columns, bench->means);
    bench->checksum += bench->means[i % 100];
}

static void stage_background(struct bench *bench, int i)
{
    bench->means[i % 100]++; /* the means of the last picture: the stage alone */
    rw_background_look(&bench->background, bench->means, &bench->regions);
    rw_background_learn(&bench->background, STEP_US);
    rw_background_remember(&bench->background, STEP_US);
    bench->checksum += bench->background.flags[i % 100];
}

static void stage_light(struct bench *bench, int i)
{
    struct rw_background *background = &bench->background;
    bench->checksum += (uint64_t)rw_light_gain(&background->light, bench->means, background->mean);
    rw_light_level(&background->light, background->difference, background->taken);
    bench->checksum += (uint64_t)background->taken[i % 100];
}

static void stage_blobs_and_tracks(struct bench *bench, int i)
{
    memset(bench->background.flags, 0, (size_t)bench->background.count);
    for (int y = 10; y < 18; y++) {
        for (int x = i % 60; x < i % 60 + 8; x++) {
            int block = y * bench->grid.cols + x;
            bench->background.flags[block] = RW_BLOCK_WEAK | RW_BLOCK_ON | RW_BLOCK_ALIVE;
            bench->background.difference[block] = 60 * RW_LUMA_ONE;
        }
    }
    rw_blobs_find(&bench->blobs, &bench->background, &bench->regions, 0, bench->stack);
    struct rw_pace pace = {.now_us = (int64_t)i * STEP_US,
                           .time_us = (int64_t)i * STEP_US,
                           .step_us = STEP_US,
                           .need = rw_tracks_need(16)};
    rw_tracks_follow(&bench->tracks, &bench->blobs, &bench->regions, &pace);
    bench->checksum += (uint64_t)bench->blobs.count;
}

static void stage_all(struct bench *bench, int i)
{
    struct rw_luma luma = picture(bench, i);
    struct rw_motion_run run;
    bench->checksum += rw_motion_look(bench->motion, &luma, (int64_t)i * STEP_US, &run);
}

static void measure(struct bench *bench, const char *name, int pictures,
                    void (*stage)(struct bench *, int))
{
    double best = 1e300, begin = now_ns();
    for (int i = 0; i < pictures; i++) {
        double start = now_ns();
        stage(bench, i);
        double took = now_ns() - start;
        best = took < best ? took : best;
    }
    double mean = (now_ns() - begin) / pictures;
    printf("%.5f %.5f %s\n", mean / bench->pixels, best / bench->pixels, name);
}

/* What must stay from one picture to the next; the rest is scratch and the options. */
static size_t state_bytes(const struct rw_motion *motion)
{
    const struct rw_background *background = &motion->view.background;
    const struct rw_regions *regions = &motion->view.regions;
    const struct rw_scene *scene = &motion->view.scene;
    size_t block = sizeof *background->mean + sizeof *background->spread +
                   sizeof *background->recent + sizeof *background->restless +
                   sizeof *regions->coarse + sizeof *regions->place;
    size_t cells = (size_t)(scene->cols * scene->rows) * sizeof *scene->reference;
    return block * (size_t)background->count + cells + sizeof *motion - sizeof motion->options -
           sizeof motion->blobs;
}

/* What a detector holds after some pictures, its scratch included. */
static void measure_memory(const struct bench *bench)
{
    struct rw_motion_options options = {.sensitivity = 50};
    struct rw_motion_run run;
    size_t before = mallinfo2().uordblks;
    struct rw_motion *motion = rw_motion_create(&options);
    for (int i = 0; i < 3; i++) {
        struct rw_luma luma = picture(bench, i);
        rw_motion_look(motion, &luma, (int64_t)i * STEP_US, &run);
    }
    printf("0 %zu memory, bytes\n", mallinfo2().uordblks - before);
    printf("0 %zu of it state, bytes\n", state_bytes(motion));
    rw_motion_destroy(motion);
}

static struct bench *make_bench(int width, int height)
{
    struct rw_motion_options options = {.sensitivity = 50};
    struct bench *bench = rw_zeroed(1, sizeof *bench);
    bench->width = width;
    bench->height = height;
    bench->pixels = width * height;
    if (rw_grid_plan(&bench->grid, width, height))
        abort();
    int blocks = bench->grid.cols * bench->grid.rows;
    bench->pictures = rw_zeroed(LOOP, (size_t)bench->pixels);
    bench->copy = rw_zeroed(bench->pixels, 1);
    bench->columns = rw_zeroed(width, sizeof *bench->columns);
    bench->means = rw_zeroed(blocks, sizeof *bench->means);
    bench->stack = rw_zeroed(blocks, sizeof *bench->stack);
    rw_regions_init(&bench->regions, &bench->grid, &options);
    rw_background_init(&bench->background, &bench->grid);
    bench->motion = rw_motion_create(&options);
    draw(bench);
    return bench;
}

static void free_bench(struct bench *bench)
{
    rw_motion_destroy(bench->motion);
    rw_background_finish(&bench->background);
    rw_regions_finish(&bench->regions);
    free(bench->stack);
    free(bench->means);
    free(bench->columns);
    free(bench->copy);
    free(bench->pictures);
    free(bench);
}

int main(int argc, char **argv)
{
    if (!path_runs_here())
        return SKIPPED;
    if (argc != 4)
        return 2;
    struct bench *bench = make_bench(atoi(argv[1]), atoi(argv[2]));
    int pictures = atoi(argv[3]);
    measure(bench, "memcpy", pictures, stage_memcpy);
    measure(bench, "plain difference", pictures, stage_difference);
    measure(bench, "grid", pictures, stage_grid);
    measure(bench, "background", pictures, stage_background);
    measure(bench, "  of it light", pictures, stage_light);
    measure(bench, "blobs and tracks", pictures, stage_blobs_and_tracks);
    measure(bench, "all", pictures, stage_all);
    measure_memory(bench);
    fprintf(stderr, "checksum %llx\n", (unsigned long long)bench->checksum); /* keeps it all */
    free_bench(bench);
    return 0;
}
