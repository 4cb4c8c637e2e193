#include "cli/compare.h"

#include <stdlib.h>

struct rw_happening *rw_happenings_add(struct rw_happenings *happenings)
{
    happenings->list = rw_list_grow(happenings->list, happenings->count, &happenings->capacity,
                                    sizeof *happenings->list);
    struct rw_happening *added = &happenings->list[happenings->count++];
    *added = (struct rw_happening){.start_us = 0};
    return added;
}

static void empty(struct rw_happening *happening)
{
    free(happening->picture);
    rw_buf_finish(&happening->jpeg);
}

void rw_happenings_drop(struct rw_happenings *happenings)
{
    empty(&happenings->list[--happenings->count]);
}

void rw_happenings_finish(struct rw_happenings *happenings)
{
    while (happenings->count)
        rw_happenings_drop(happenings);
    free(happenings->list);
    *happenings = (struct rw_happenings){.list = NULL};
}

static int64_t end_of(const struct rw_happening *happening)
{
    return happening->end_us ? happening->end_us : INT64_MAX;
}

bool rw_happening_overlaps(const struct rw_happening *a, const struct rw_happening *b)
{
    return a->start_us <= end_of(b) && b->start_us <= end_of(a);
}

bool rw_happenings_have(const struct rw_happenings *happenings, const struct rw_happening *one)
{
    for (int i = happenings->count - 1; i >= 0; i--) /* the newest are asked for most */
        if (rw_happening_overlaps(&happenings->list[i], one))
            return true;
    return false;
}

int rw_happenings_unmatched(const struct rw_happenings *happenings)
{
    int count = 0;
    for (int i = 0; i < happenings->count; i++)
        count += !happenings->list[i].matched;
    return count;
}

int rw_happenings_armed(const struct rw_happenings *happenings)
{
    int count = 0;
    for (int i = 0; i < happenings->count; i++)
        count += happenings->list[i].armed;
    return count;
}
