#include "camera/pulse.h"

#include "base/units.h"

/* Ten seconds are promised; the state is looked at twice a second. */
#define SURE_US (8 * RW_SECOND_US)
/* A failed read, the wait before the next try and the connection take less. */
#define SILENCE_US (15 * RW_SECOND_US)
/* Of a hundred datagrams: a picture is some ten, a GOP some hundred. */
#define LOSSY_PERCENT 1.0
#define WELL_PERCENT 0.2
#define CLOCK_SURE_US (6 * RW_SECOND_US)
#define CLOCK_PART 8
#define CLOCK_SLACK_US INT64_C(100000)
#define CLOCK_GAP_US (2 * RW_SECOND_US)
/* A lossy network spoils a keyframe now and then. */
#define BLIND_SURE_US (6 * RW_SECOND_US)
enum { BLIND_KEYS = 2 };

const char *rw_ail_sentence(unsigned ails)
{
    if (ails & (RW_AIL_NO_PICTURES | RW_AIL_VAIN))
        return "the camera sends data but no pictures; restart it and set its stream to H.264 or "
               "H.265 anew";
    if (ails & RW_AIL_NO_KEYFRAME)
        return "the camera sends pictures but no keyframe; set its I-frame interval to 2 seconds";
    if (ails & RW_AIL_UNDECODABLE)
        return "its pictures are recorded but cannot be decoded, so nothing is watched; restart "
               "the camera or set its profile to Main";
    if (ails & (RW_AIL_SAME_CODED | RW_AIL_SAME_SEEN))
        return "the camera repeats one and the same picture; restart it";
    if (ails & RW_AIL_CLOCK_STILL)
        return "the clock of its stream stands still, pictures are dated by their arrival; restart "
               "the camera or renew its firmware";
    if (ails & RW_AIL_LOSSY)
        return "part of what the camera sends is lost on the way, and its recordings are damaged; "
               "set transport to tcp, or look at its cable, its Wi-Fi and its bitrate";
    return "";
}

unsigned rw_pulse_heard_feed(struct rw_pulse_heard *heard, uint64_t bytes, uint64_t units,
                             int64_t picture_us, int64_t now_us)
{
    bool spoke = bytes != heard->bytes, counted = units != heard->units;
    bool good = picture_us != heard->picture_us;
    heard->bytes = bytes;
    heard->units = units;
    heard->picture_us = picture_us;
    if (good || now_us - heard->bytes_us > SILENCE_US)
        heard->bytes_since_us = heard->units_since_us = 0;
    if (spoke)
        heard->bytes_us = now_us;
    if (good)
        return 0;
    if (spoke && !heard->bytes_since_us)
        heard->bytes_since_us = now_us;
    if (counted && !heard->units_since_us)
        heard->units_since_us = now_us;
    if (heard->units_since_us && now_us - heard->units_since_us >= SURE_US)
        return RW_AIL_NO_KEYFRAME;
    return heard->bytes_since_us && now_us - heard->bytes_since_us >= SURE_US ? RW_AIL_NO_PICTURES
                                                                              : 0;
}

double rw_pulse_loss_feed(struct rw_pulse_loss *loss, uint64_t datagrams, uint64_t lost)
{
    uint64_t came = datagrams - loss->past[loss->next].datagrams;
    uint64_t missing = lost - loss->past[loss->next].lost;
    loss->past[loss->next].datagrams = datagrams;
    loss->past[loss->next].lost = lost;
    loss->next = (loss->next + 1) % RW_PULSE_LOOKS;
    double percent = missing ? 100.0 * (double)missing / (double)(came + missing) : 0;
    loss->lossy = percent >= (loss->lossy ? WELL_PERCENT : LOSSY_PERCENT);
    return percent;
}

/* How far the camera's time moved since the anchor, either way; false: farther than can be told. */
static bool camera_moved_by(const struct rw_pulse_clock *clock, int64_t camera_us, int64_t *us)
{
    if (__builtin_sub_overflow(camera_us, clock->camera_us, us) || *us == INT64_MIN)
        return false;
    *us = *us < 0 ? -*us : *us;
    return true;
}

bool rw_pulse_clock_feed(struct rw_pulse_clock *clock, int64_t camera_us, int64_t arrival_us)
{
    int64_t moved_us, passed_us = arrival_us - clock->from_us;
    bool steady =
        clock->known && arrival_us >= clock->last_us && arrival_us - clock->last_us <= CLOCK_GAP_US;
    if (camera_us == INT64_MIN)
        camera_us = 0; /* no time is one that stands still */
    bool still = steady && camera_moved_by(clock, camera_us, &moved_us) &&
                 moved_us <= passed_us / CLOCK_PART + CLOCK_SLACK_US;
    clock->last_us = arrival_us;
    if (still && passed_us < CLOCK_SURE_US)
        return clock->still;
    *clock = (struct rw_pulse_clock){.known = true,
                                     .still = still,
                                     .camera_us = camera_us,
                                     .from_us = arrival_us,
                                     .last_us = arrival_us};
    return still;
}

bool rw_pulse_blind_feed(struct rw_pulse_blind *blind, bool keyframe_given, bool seen,
                         int64_t arrival_us)
{
    if (seen)
        *blind = (struct rw_pulse_blind){0};
    else if (keyframe_given && !blind->keys++)
        blind->since_us = arrival_us;
    return blind->keys >= BLIND_KEYS && arrival_us - blind->since_us >= BLIND_SURE_US;
}
