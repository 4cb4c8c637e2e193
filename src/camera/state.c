#include "camera/state.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* No picture for this long: whatever the connection says, the camera is away. */
#define STALE_US INT64_C(10000000)

/* Without numbers: a state is told anew whenever it is another. */
static const char thinned[] = "the processor is not enough to watch every picture; let the watched "
                              "stream have 8 pictures a second of 640x360, or watch fewer cameras";

static void put(struct rw_state *out, const char *word, const char *stream, const char *reason)
{
    snprintf(out->word, sizeof out->word, "%s", word);
    char text[sizeof out->reason + 32];
    snprintf(text, sizeof text, "%s%s", stream, reason);
    rw_copy_text(out->reason, sizeof out->reason, text);
}

static bool fresh(const struct rw_stream_notice *stream, int64_t boot_us)
{
    return stream->picture_boot_us && boot_us - stream->picture_boot_us < STALE_US;
}

static void judge(struct rw_state *out, const struct rw_notice *notice, int64_t started_boot_us,
                  int64_t boot_us)
{
    const struct rw_stream_notice *main = &notice->stream[RW_MAIN], *sub = &notice->stream[RW_SUB];
    unsigned grave = ~(unsigned)RW_AIL_LOSSY;
    if (main->ails & RW_AILS_DEAF)
        put(out, "offline", "", rw_ail_sentence(main->ails));
    else if (!fresh(main, boot_us) && *main->reason)
        put(out, "offline", "", main->reason);
    else if (!fresh(main, boot_us) && boot_us - started_boot_us < STALE_US &&
             !main->picture_boot_us)
        put(out, "connecting", "", "");
    else if (!fresh(main, boot_us))
        put(out, "offline", "", "no picture has come for 10 s");
    else if (!main->connected)
        put(out, "connecting", "", main->reason);
    else if (*notice->disk_reason)
        put(out, "online", "", notice->disk_reason);
    else if (main->ails & grave)
        put(out, "online", "", rw_ail_sentence(main->ails));
    else if (sub->ails & grave)
        put(out, "online", "sub stream: ", rw_ail_sentence(sub->ails));
    else if (sub->used && !sub->connected)
        put(out, "online", "sub stream: ", *sub->reason ? sub->reason : "connecting");
    else if (main->ails)
        put(out, "online", "", rw_ail_sentence(main->ails));
    else if (sub->ails)
        put(out, "online", "sub stream: ", rw_ail_sentence(sub->ails));
    else if (notice->watch.thinned)
        put(out, "online", "", thinned);
    else
        put(out, "online", "", "");
}

bool rw_state_update(struct rw_state *state, const struct rw_notice *notice,
                     int64_t started_boot_us, struct rw_now now)
{
    struct rw_state next = {.since_us = state->since_us};
    judge(&next, notice, started_boot_us, now.boot_us);
    bool other = strcmp(next.word, state->word) != 0;
    bool changed = other || strcmp(next.reason, state->reason) != 0;
    if (other)
        next.since_us = now.utc_us;
    *state = next;
    return changed;
}

const char *rw_state_disarmed_by(const struct rw_notice *notice,
                                 const struct rw_detect_config *detect, enum rw_motion_kind kind,
                                 int64_t now_utc_us)
{
    bool tampering = kind == RW_KIND_CAMERA_MOVED || kind == RW_KIND_COVERED;
    if (!notice->armed_by_hand)
        return "hand";
    if (now_utc_us < notice->snoozed_until_us)
        return "snooze";
    return tampering || rw_schedule_armed(detect, now_utc_us) ? NULL : "schedule";
}

bool rw_state_announces_faults(const struct rw_notice *notice, int64_t now_utc_us)
{
    return notice->armed_by_hand && now_utc_us >= notice->snoozed_until_us;
}

bool rw_state_armed(const struct rw_notice *notice, const struct rw_detect_config *detect,
                    enum rw_motion_kind kind, int64_t now_utc_us)
{
    return !rw_state_disarmed_by(notice, detect, kind, now_utc_us);
}

bool rw_state_recording(const struct rw_notice *notice, int64_t now_utc_us)
{
    int64_t age = now_utc_us - notice->stream[RW_MAIN].written_utc_us;
    return notice->stream[RW_MAIN].written_utc_us && age < RW_RECORDING_US &&
           age > -RW_RECORDING_US;
}
