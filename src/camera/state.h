/* How the camera is, in one word and one sentence, from the notice board. Pure. */
#pragma once

#include "camera/board.h"
#include "config/config.h"
#include "motion/motion.h"

struct rw_state {
    char word[16];    /* "online", "connecting", "offline" */
    char reason[200]; /* "" when all is well */
    int64_t since_us; /* UTC */
};

/* started_boot_us: when this process began. Changes *state and returns true when word or reason
 * are others than before. */
bool rw_state_update(struct rw_state *state, const struct rw_notice *notice,
                     int64_t started_boot_us, struct rw_now now);
/* Why a happening of this kind is kept quietly at this moment: "hand", "snooze" or "schedule".
 * NULL: it is announced. Asked anew for each event: none of them takes a restart. Disarming by hand
 * and snoozing silence all kinds. The schedule is for the hours when people are about: it does not
 * silence that the camera was covered or moved, which is nobody's business at any hour. */
const char *rw_state_disarmed_by(const struct rw_notice *notice,
                                 const struct rw_detect_config *detect, enum rw_motion_kind kind,
                                 int64_t now_utc_us);
/* Is it announced at this moment that the camera is at fault, or was swapped? As of tampering, the
 * schedule has no say. */
bool rw_state_announces_faults(const struct rw_notice *notice, int64_t now_utc_us);
/* Does none of them? */
bool rw_state_armed(const struct rw_notice *notice, const struct rw_detect_config *detect,
                    enum rw_motion_kind kind, int64_t now_utc_us);
/* Is the main stream (the only one, else) on disk up to a few seconds ago? */
bool rw_state_recording(const struct rw_notice *notice, int64_t now_utc_us);
