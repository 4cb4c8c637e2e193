#include "camera/thinning.h"

#include "base/units.h"

/* In bursts pictures wait for less than this, and for a keyframe of a large stream. */
#define ON_TIME_US INT64_C(300000)
#define BEHIND_US INT64_C(700000)
/* A processor that is enough makes up for any pause in this time. */
#define SURE_US RW_SECOND_US
#define CALM_FIRST_US (5 * RW_SECOND_US)
#define CALM_MAX_US (40 * RW_SECOND_US)
/* Up to the next keyframe no more is looked at then, whatever the level. */
#define FAR_BEHIND_US INT64_C(1500000)
/* In this time what piled up before the level rose has been worked off. */
#define SETTLED_US (3 * RW_SECOND_US)
/* On time for so long: the level is right. */
#define PROVEN_US (10 * RW_SECOND_US)
/* A keyframe so long after the last picture is looked at in any case. */
#define APART_US INT64_C(900000)

enum { WHOLE = 8 }; /* eighths: the share of the last level before keyframes */

static void watch_the_wait(struct rw_thinning *thinning, int64_t waited_us, int64_t now_us)
{
    if (waited_us <= BEHIND_US)
        thinning->behind_since_us = 0;
    else if (!thinning->behind_since_us)
        thinning->behind_since_us = now_us;
    if (waited_us >= ON_TIME_US)
        thinning->calm_since_us = 0;
    else if (!thinning->calm_since_us)
        thinning->calm_since_us = now_us;
    if (!thinning->calm_us)
        thinning->calm_us = CALM_FIRST_US;
}

static void thin_more(struct rw_thinning *thinning, int64_t now_us)
{
    if (thinning->level < RW_THINNING_KEYFRAMES)
        thinning->level++;
    thinning->on = true;
    thinning->behind_since_us = thinning->thinned_us = now_us;
    if (thinning->tried_us && thinning->calm_us < CALM_MAX_US)
        thinning->calm_us *= 2;
    thinning->tried_us = 0;
}

void rw_thinning_pace(struct rw_thinning *thinning, bool keyframe, int64_t waited_us,
                      int64_t now_us)
{
    thinning->far_behind = thinning->level && waited_us >= FAR_BEHIND_US;
    if (thinning->far_behind && now_us - thinning->thinned_us >= SETTLED_US)
        thin_more(thinning, now_us);
    if (thinning->level && !keyframe)
        return; /* of what is left of a GOP some has to wait; by the next it is made up for */
    watch_the_wait(thinning, waited_us, now_us);
    int64_t behind_us = thinning->behind_since_us ? now_us - thinning->behind_since_us : 0;
    int64_t calm_us = thinning->calm_since_us ? now_us - thinning->calm_since_us : 0;
    if (behind_us >= SURE_US) {
        thin_more(thinning, now_us);
    } else if (thinning->level && calm_us >= thinning->calm_us) {
        thinning->level--;
        thinning->tried_us = thinning->calm_since_us = now_us;
    } else if (thinning->tried_us && calm_us >= PROVEN_US) {
        thinning->tried_us = 0;
        thinning->calm_us = CALM_FIRST_US;
        thinning->on = thinning->level != 0;
    }
}

/* Of each GOP as many as the level allows, by the length of the last. */
static void begin_gop(struct rw_thinning *thinning)
{
    int share = thinning->level < RW_THINNING_KEYFRAMES ? WHOLE >> thinning->level : 0;
    int left = thinning->credit < WHOLE ? thinning->credit : WHOLE;
    thinning->credit = share ? left + share * thinning->pictures : 0;
    thinning->pictures = 0;
}

static bool allowed(const struct rw_thinning *thinning, bool keyframe, int64_t arrival_us)
{
    if (thinning->far_behind || (!keyframe && thinning->broken))
        return false;
    return !thinning->level || thinning->credit >= WHOLE ||
           (keyframe && arrival_us - thinning->taken_us >= APART_US);
}

enum rw_thinning_word rw_thinning_choose(struct rw_thinning *thinning, bool keyframe,
                                         bool disposable, int64_t arrival_us)
{
    if (keyframe)
        begin_gop(thinning);
    thinning->pictures++;
    if (thinning->level && disposable)
        return RW_THINNING_SKIP;
    if (!allowed(thinning, keyframe, arrival_us)) {
        bool first = !thinning->broken;
        thinning->broken = true;
        return first ? RW_THINNING_STOP : RW_THINNING_SKIP;
    }
    thinning->broken = false;
    thinning->credit = thinning->credit > WHOLE && thinning->level ? thinning->credit - WHOLE : 0;
    thinning->taken_us = arrival_us;
    return RW_THINNING_TAKE;
}
