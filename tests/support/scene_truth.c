/* When something moves that must be told, from what was seen of each thing in each picture. */
#include "scene_parts.h"

enum { SMALLEST = 30 /* pixels, a person 12 pixels high: what is smaller need not be told */ };

#define TOUCH 1.0f /* seconds */

static bool is_vehicle(const struct mover *mover)
{
    return mover->plan->thing == SCENE_CAR || mover->plan->thing == SCENE_LORRY ||
           mover->plan->thing == SCENE_MOTORBIKE;
}

/* Large enough, and more than a seventh of it within the picture. */
static bool must_be_told(const struct mover *mover, int picture)
{
    int seen = mover->area[picture], share = mover->whole[picture] / 7;
    return mover->state[picture] == MOVER_MOVES && seen >= SMALLEST && seen >= share;
}

static bool may_be_told(const struct mover *mover, int picture)
{
    if (mover->state[picture] == MOVER_STANDS)
        return !is_vehicle(mover);
    return mover->state[picture] != MOVER_AWAY && !must_be_told(mover, picture);
}

static void add_spans(struct scene *scene, const struct mover *mover, struct scene_span *spans,
                      int *count, bool (*told)(const struct mover *, int))
{
    int begin = -1, pictures = scene->picture + 1;
    for (int i = 0; i <= pictures; i++) {
        bool on = i < pictures && told(mover, i);
        if (on && begin < 0)
            begin = i;
        if (on || begin < 0)
            continue;
        struct scene_span span = {(float)begin / (float)scene->fps,
                                  (float)(i - 1) / (float)scene->fps, !mover->plan->part_of_all};
        if (*count == SCENE_SPANS_MAX)
            abort(); /* truth with holes is none */
        spans[(*count)++] = span;
        begin = -1;
    }
}

/* Spans that touch, of one thing or several, are one. */
static void join_spans(struct scene_span *spans, int *count)
{
    for (int i = 0; i < *count; i++) {
        for (int k = i + 1; k < *count; k++) {
            if (spans[k].from > spans[i].to + TOUCH || spans[i].from > spans[k].to + TOUCH)
                continue;
            spans[i].from = fminf(spans[i].from, spans[k].from);
            spans[i].to = fmaxf(spans[i].to, spans[k].to);
            spans[i].box &= spans[k].box;
            spans[k] = spans[--*count];
            k = i;
        }
    }
}

static int by_time(const void *a, const void *b)
{
    float x = ((const struct scene_span *)a)->from, y = ((const struct scene_span *)b)->from;
    return (x > y) - (x < y);
}

void scene_movers_tell(struct scene *scene)
{
    struct scene_truth *truth = &scene->truth;
    truth->motion_count = truth->ignore_count = 0;
    for (int i = 0; i < scene->mover_count; i++) {
        add_spans(scene, &scene->movers[i], truth->motion, &truth->motion_count, must_be_told);
        add_spans(scene, &scene->movers[i], truth->ignore, &truth->ignore_count, may_be_told);
    }
    join_spans(truth->motion, &truth->motion_count);
    join_spans(truth->ignore, &truth->ignore_count);
    qsort(truth->motion, (size_t)truth->motion_count, sizeof *truth->motion, by_time);
    qsort(truth->ignore, (size_t)truth->ignore_count, sizeof *truth->ignore, by_time);
}
