/* Runs of motion against the truth. A hit is a run over a true interval, its box at the right
 * place; what is told in quiet time is a false alarm. */
#include "accuracy.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LATE 0.7f   /* s: a run may begin so long after the interval */
#define PEAK 1.0f   /* s: the box must be over the thing within this time of the peak */
#define LARGE 0.5f  /* of the picture: a larger box tells no place */
#define BEFORE 0.3f /* s around spans that are not quiet */
#define AFTER_MOTION 2.5f
#define AFTER_IGNORED 1.0f
#define LEARNING 3.0f
#define SAME_ALARM 2.0f

static const char *const kind_names[] = {"motion", "scene_change", "camera_moved", "covered"};

static void note(char **notes, const char *format, ...)
{
    char line[200];
    if (!notes)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    size_t had = *notes ? strlen(*notes) : 0, more = strlen(line);
    char *grown = realloc(*notes, had + more + 1);
    if (!grown)
        return;
    memcpy(grown + had, line, more + 1);
    *notes = grown;
}

static float seconds(int64_t us)
{
    return (float)us / 1e6f;
}

/* --- places --- */

static bool cell_on(const struct scene_truth *truth, int picture, int cell)
{
    return truth->cells[picture] && truth->cells[picture][cell / 8] >> cell % 8 & 1;
}

static bool box_touches(const struct take *take, const struct rw_box *box, int picture)
{
    const struct scene_truth *truth = take->truth;
    int left = (int)(box->x * (float)take->width) / SCENE_CELL;
    int top = (int)(box->y * (float)take->height) / SCENE_CELL;
    int right = (int)((box->x + box->w) * (float)take->width - 0.5f) / SCENE_CELL;
    int bottom = (int)((box->y + box->h) * (float)take->height - 0.5f) / SCENE_CELL;
    for (int row = top < 0 ? 0 : top; row <= bottom && row < truth->rows; row++)
        for (int col = left < 0 ? 0 : left; col <= right && col < truth->cols; col++)
            if (cell_on(truth, picture, row * truth->cols + col))
                return true;
    return false;
}

static bool in_place(const struct take *take, const struct rw_motion_run *run)
{
    int peak = (int)lrintf(seconds(run->peak_us) * (float)take->fps);
    int reach = (int)(PEAK * (float)take->fps);
    if (run->box.w * run->box.h > LARGE)
        return false;
    for (int p = peak - reach; p <= peak + reach; p++)
        if (p >= 0 && p < take->truth->pictures && box_touches(take, &run->box, p))
            return true;
    return false;
}

/* --- kinds --- */

static const struct scene_expect *expected(const struct take *take, const struct rw_motion_run *run)
{
    for (int i = 0; i < SCENE_EXPECTS_MAX; i++) {
        const struct scene_expect *e = &take->plan->expects[i];
        if (e->kinds >> run->kind & 1 && seconds(run->last_us) >= e->from &&
            seconds(run->start_us) <= e->to)
            return e;
    }
    return NULL;
}

static void score_kinds(const struct take *take, struct score *score, char **notes)
{
    for (int i = 0; i < SCENE_EXPECTS_MAX; i++) {
        const struct scene_expect *e = &take->plan->expects[i];
        bool seen = false;
        for (int r = 0; r < take->run_count; r++)
            seen |= expected(take, &take->runs[r]) == e;
        if (!e->kinds || e->optional)
            continue;
        score->kinds_expected++;
        score->kinds_seen += seen;
        if (!seen)
            note(notes, "    not told: kinds %x in %.1f .. %.1f\n", e->kinds, e->from, e->to);
    }
    for (int r = 0; r < take->run_count; r++) {
        const struct rw_motion_run *run = &take->runs[r];
        if (run->kind == RW_KIND_MOTION || expected(take, run))
            continue;
        score->kinds_false++;
        note(notes, "    wrong kind: %s at %.2f\n", kind_names[run->kind], seconds(run->start_us));
    }
}

/* --- true intervals --- */

static bool over(const struct rw_motion_run *run, const struct scene_span *span)
{
    return seconds(run->start_us) <= span->to + LATE && seconds(run->last_us) >= span->from;
}

static void score_interval(const struct take *take, const struct scene_span *span,
                           struct score *score, char **notes)
{
    bool found = false, placed = false;
    float decided = 1e9f;
    for (int r = 0; r < take->run_count; r++) {
        const struct rw_motion_run *run = &take->runs[r];
        if (!over(run, span) || (run->kind != RW_KIND_MOTION && span->box))
            continue;
        found = true;
        placed |= !span->box || in_place(take, run);
        decided = fminf(decided, seconds(run->decided_us));
        float from = fmaxf(seconds(run->start_us), span->from);
        float to = fminf(seconds(run->last_us), span->to);
        score->covered_s += to > from ? to - from : 0;
    }
    score->intervals++;
    score->true_s += span->to - span->from;
    score->hits += placed;
    score->misplaced += found && !placed;
    if (placed && score->delay_count == DELAYS_MAX)
        abort(); /* a figure over a part would be another figure */
    if (placed)
        score->delays[score->delay_count++] = fmaxf(0, decided - span->from);
    if (!placed)
        note(notes, "    %s %.2f .. %.2f\n", found ? "misplaced" : "MISSED", span->from, span->to);
}

/* --- quiet time --- */

static void clear_span(bool *quiet, const struct take *take, float from, float to)
{
    int begin = (int)floorf(from * (float)take->fps), end = (int)ceilf(to * (float)take->fps);
    for (int p = begin < 0 ? 0 : begin; p <= end && p < take->truth->pictures; p++)
        quiet[p] = false;
}

static bool *find_quiet(const struct take *take)
{
    bool *quiet = malloc((size_t)take->truth->pictures);
    if (!quiet)
        abort();
    memset(quiet, true, (size_t)take->truth->pictures);
    clear_span(quiet, take, 0, LEARNING);
    for (int i = 0; i < take->truth->motion_count; i++) {
        const struct scene_span *span = &take->truth->motion[i];
        clear_span(quiet, take, span->from - BEFORE, span->to + AFTER_MOTION);
    }
    for (int i = 0; i < take->truth->ignore_count; i++) {
        const struct scene_span *span = &take->truth->ignore[i];
        clear_span(quiet, take, span->from - BEFORE, span->to + AFTER_IGNORED);
    }
    for (int i = 0; i < SCENE_EXPECTS_MAX; i++) {
        const struct scene_expect *e = &take->plan->expects[i];
        if (e->kinds)
            clear_span(quiet, take, e->from - BEFORE, e->to + AFTER_MOTION);
    }
    return quiet;
}

static bool flagged(const struct take *take, int picture, int *which)
{
    int64_t us = (int64_t)picture * 1000000 / take->fps;
    for (int r = 0; r < take->run_count; r++) {
        const struct rw_motion_run *run = &take->runs[r];
        if (run->kind == RW_KIND_MOTION && us >= run->start_us - 1000 &&
            us <= run->last_us + 1000) {
            *which = r;
            return true;
        }
    }
    return false;
}

static void score_quiet(const struct take *take, struct score *score, char **notes)
{
    bool *quiet = find_quiet(take);
    int last = -1000000, which = 0;
    for (int p = 0; p < take->truth->pictures; p++) {
        if (!quiet[p])
            continue;
        score->quiet_pictures++;
        score->quiet_s += 1.0 / take->fps;
        if (!flagged(take, p, &which))
            continue;
        score->flagged++;
        if ((float)(p - last) > SAME_ALARM * (float)take->fps) {
            const struct rw_motion_run *run = &take->runs[which];
            score->false_alarms++;
            note(notes, "    FALSE at %.2f (run %d, box %.0f,%.0f %.0fx%.0f)\n",
                 (double)p / take->fps, which, run->box.x * (float)take->width,
                 run->box.y * (float)take->height, run->box.w * (float)take->width,
                 run->box.h * (float)take->height);
        }
        last = p;
    }
    free(quiet);
}

void score_take(const struct take *take, struct score *score, char **notes)
{
    score->seconds = (double)take->truth->pictures / take->fps;
    for (int r = 0; notes && r < take->run_count; r++) {
        const struct rw_motion_run *run = &take->runs[r];
        note(notes,
             "    run %d %s %.2f .. %.2f decided %.2f peak %.2f box %.0f,%.0f %.0fx%.0f score "
             "%.2f\n",
             r, kind_names[run->kind], seconds(run->start_us), seconds(run->last_us),
             seconds(run->decided_us), seconds(run->peak_us), run->box.x * (float)take->width,
             run->box.y * (float)take->height, run->box.w * (float)take->width,
             run->box.h * (float)take->height, run->score);
    }
    for (int i = 0; i < take->truth->motion_count; i++)
        score_interval(take, &take->truth->motion[i], score, notes);
    score_quiet(take, score, notes);
    score_kinds(take, score, notes);
}

void score_add(struct score *all, const struct score *one)
{
    all->seconds += one->seconds;
    all->intervals += one->intervals;
    all->hits += one->hits;
    all->misplaced += one->misplaced;
    all->false_alarms += one->false_alarms;
    all->quiet_pictures += one->quiet_pictures;
    all->flagged += one->flagged;
    all->quiet_s += one->quiet_s;
    all->true_s += one->true_s;
    all->covered_s += one->covered_s;
    all->kinds_expected += one->kinds_expected;
    all->kinds_seen += one->kinds_seen;
    all->kinds_false += one->kinds_false;
    if (all->delay_count + one->delay_count > DELAYS_MAX)
        abort();
    for (int i = 0; i < one->delay_count; i++)
        all->delays[all->delay_count++] = one->delays[i];
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

float score_delay(struct score *score, float share)
{
    if (!score->delay_count)
        return 0;
    qsort(score->delays, (size_t)score->delay_count, sizeof *score->delays, by_size);
    return score->delays[(int)(share * (float)(score->delay_count - 1) + 0.5f)];
}
