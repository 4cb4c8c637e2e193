/* Does the detector, compiled for this instruction set, see and decide what it does compiled for
 * none? Prints a line for every film: a fingerprint of what it told (changes and runs) and one of
 * what it saw (every block of every picture). RW_PATH says which set this program is.
 *
 *   decides_alike_avx2                         prints
 *   decides_alike_avx2 decides_alike_scalar    compares with what that one prints: 0 alike, 1 not,
 *                                              77 when this processor cannot run it */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "films.h"
#include "paths.h"

enum { SKIPPED = 77, LINE_SIZE = 200 };

struct print {
    uint64_t told, saw; /* FNV-1a */
    int begun, ended, on;
};

static void add(uint64_t *hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ at[i]) * UINT64_C(0x100000001b3);
}

/* Field by field: what lies between them is nobody's. */
#define ADD(hash, field) add(hash, &(field), sizeof(field))

static void add_run(uint64_t *hash, const struct rw_motion_run *run)
{
    ADD(hash, run->kind);
    ADD(hash, run->start_us);
    ADD(hash, run->decided_us);
    ADD(hash, run->last_us);
    ADD(hash, run->peak_us);
    ADD(hash, run->box);
    ADD(hash, run->whole);
    ADD(hash, run->score);
    ADD(hash, run->zones);
    ADD(hash, run->order_count);
    add(hash, run->order, (size_t)run->order_count);
    ADD(hash, run->crossed_left);
    ADD(hash, run->crossed_right);
    ADD(hash, run->path_count);
    add(hash, run->path, (size_t)run->path_count * sizeof run->path[0]);
}

static void add_view(struct print *print, const struct rw_motion *motion)
{
    struct rw_motion_view view;
    rw_motion_see(motion, &view);
    ADD(&print->saw, view.weather);
    ADD(&print->saw, view.smallest);
    for (int i = 0; i < view.thing_count; i++) {
        ADD(&print->saw, view.things[i].box);
        ADD(&print->saw, view.things[i].sure);
        ADD(&print->saw, view.things[i].evidence);
        ADD(&print->saw, view.things[i].travel);
    }
    for (int row = 0; row < view.rows; row++) {
        for (int col = 0; col < view.cols; col++) {
            struct rw_seen_block block = rw_motion_see_block(motion, col, row);
            ADD(&print->saw, block.difference);
            ADD(&print->saw, block.threshold);
            ADD(&print->saw, block.flags);
            print->on += (block.flags & RW_SEEN_ON) != 0;
        }
    }
}

static struct rw_motion *make_detector(void)
{
    struct rw_motion_options options = {
        .sensitivity = 60,
        .zone_count = 1,
        .zones = {{4, {{0, 0.1f}, {1, 0.2f}, {1, 1}, {0, 0.9f}}, 70}},
        .mask_count = 1,
        .masks = {{3, {{0.8f, 0}, {1, 0}, {1, 0.3f}}, 0}},
        .line_count = 1,
        .lines = {{{0.5f, 0}, {0.5f, 1}}},
    };
    return rw_motion_create(&options);
}

static struct print watch(const struct film *film, int pictures)
{
    struct print print = {UINT64_C(0xcbf29ce484222325), UINT64_C(0xcbf29ce484222325), 0, 0, 0};
    struct rw_motion *motion = make_detector();
    uint8_t *bytes = calloc((size_t)(film->width + film->padding), (size_t)film->height);
    if (!bytes)
        abort();
    for (int i = 0; i < pictures; i++) {
        struct rw_motion_run run = {0};
        struct rw_luma luma = film_draw(film, i, bytes);
        enum rw_motion_change change =
            rw_motion_look(motion, &luma, (int64_t)i * 1000000 / film->fps, &run);
        ADD(&print.told, change);
        if (change != RW_MOTION_NONE)
            add_run(&print.told, &run);
        print.begun += change == RW_MOTION_BEGIN;
        print.ended += change == RW_MOTION_END;
        add_view(&print, motion);
    }
    free(bytes);
    rw_motion_destroy(motion);
    return print;
}

/* Line by line what is to be compared. False: there are no more. */
static bool next_line(int number, char line[LINE_SIZE])
{
    static const struct film films[] = {
        {640, 360, 0, 15, FILM_TRAFFIC}, {640, 360, 24, 25, FILM_STORM},
        {640, 360, 0, 15, FILM_WILD},    {704, 576, 0, 25, FILM_TRAFFIC},
        {704, 576, 0, 5, FILM_STORM},    {1920, 1080, 64, 10, FILM_TRAFFIC},
        {1920, 1080, 0, 10, FILM_WILD},  {641, 361, 7, 30, FILM_TRAFFIC},
        {641, 361, 0, 15, FILM_STORM},   {641, 361, 1, 15, FILM_WILD},
        {320, 180, 0, 6, FILM_TRAFFIC},  {17, 9, 15, 15, FILM_TRAFFIC},
        {17, 9, 0, 15, FILM_WILD},       {1, 1, 0, 15, FILM_WILD},
        {8191, 16, 1, 15, FILM_WILD},    {9, 1000, 0, 15, FILM_STORM},
    };
    static const char *const names[] = {"traffic", "storm", "wild"};
    if (number >= (int)(sizeof films / sizeof *films))
        return false;
    const struct film *film = &films[number];
    int pictures = film->width * film->height > 1000000 ? 40 : 9 * film->fps;
    struct print print = watch(film, pictures);
    snprintf(line, LINE_SIZE,
             "%4dx%-4d+%-2d %2d fps %-7s %3d pictures: told %016llx saw %016llx (%d begin, %d end, "
             "%d blocks on)\n",
             film->width, film->height, film->padding, film->fps, names[film->kind], pictures,
             (unsigned long long)print.told, (unsigned long long)print.saw, print.begun,
             print.ended, print.on);
    return true;
}

static int print_all(void)
{
    char line[LINE_SIZE];
    for (int i = 0; next_line(i, line); i++)
        fputs(line, stdout);
    return 0;
}

static int compare_with(const char *program)
{
    char mine[LINE_SIZE], other[LINE_SIZE];
    int differ = 0;
    FILE *pipe = popen(program, "r");
    for (int i = 0; pipe && next_line(i, mine); i++) {
        bool there = fgets(other, sizeof other, pipe);
        if (!there || strcmp(mine, other)) {
            printf("%s:\n%sbut %s:\n%s", RW_PATH, mine, program, there ? other : "nothing\n");
            differ = 1;
        }
    }
    if (!pipe || pclose(pipe)) {
        printf("%s did not run to its end\n", program);
        differ = 1;
    }
    return differ;
}

int main(int argc, char **argv)
{
    if (!path_runs_here()) {
        printf("skipped: this processor does not have what %s needs\n", RW_PATH);
        return SKIPPED;
    }
    return argc > 1 ? compare_with(argv[1]) : print_all();
}
