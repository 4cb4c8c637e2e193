#include "alerts/lane.h"

#include <assert.h>

void rw_lane_begin(struct rw_lane *lane, int64_t told)
{
    *lane = (struct rw_lane){.told = told, .read = told, .more = true};
}

void rw_lane_put(struct rw_lane *lane, const struct rw_letter *letter)
{
    assert(lane->count < RW_LANE_MAX);
    lane->letters[(lane->first + lane->count++) % RW_LANE_MAX] = *letter;
    lane->read = letter->revision;
}

void rw_lane_pass(struct rw_lane *lane, int64_t revision)
{
    lane->read = revision;
    if (!lane->count)
        lane->told = revision;
}

enum rw_lane_part rw_lane_confirm(struct rw_lane *lane, uint64_t ticket)
{
    for (int i = 0; ticket && i < lane->count; i++) {
        struct rw_letter *letter = &lane->letters[(lane->first + i) % RW_LANE_MAX];
        if (letter->words == ticket) {
            letter->words = 0;
            return RW_LANE_WORDS;
        }
        if (letter->picture == ticket) {
            letter->picture = 0;
            return RW_LANE_PICTURE;
        }
    }
    return RW_LANE_NONE;
}

int rw_lane_settle(struct rw_lane *lane)
{
    int settled = 0;
    for (; lane->count; settled++) {
        const struct rw_letter *letter = &lane->letters[lane->first];
        if (letter->words || letter->picture)
            return settled;
        lane->told = letter->revision;
        lane->first = (lane->first + 1) % RW_LANE_MAX;
        lane->count--;
    }
    lane->told = lane->read;
    return settled;
}

bool rw_lane_carries_picture(const struct rw_lane *lane)
{
    for (int i = 0; i < lane->count; i++)
        if (lane->letters[(lane->first + i) % RW_LANE_MAX].picture)
            return true;
    return false;
}
