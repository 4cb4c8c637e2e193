/* The watcher thread: decodes one stream, looks for motion, makes events with their pictures and
 * mails them to the recorder. Where the processor is not enough it looks at fewer pictures, and
 * says so on the board; all other threads go first. */
#pragma once

#include "base/clock.h"
#include "base/mailbox.h"
#include "camera/alarm.h"
#include "camera/board.h"
#include "config/config.h"
#include "motion/motion.h"

struct rw_watcher_options {
    const struct rw_camera_config *camera;
    struct rw_mailbox *mailbox;
    struct rw_mailbox *recorder;
    struct rw_board *board;
    const struct rw_clock *clock;
};

struct rw_watcher;

/* Borrows everything in the options until stopped. */
struct rw_watcher *rw_watcher_start(const struct rw_watcher_options *options, struct rw_err *err);
/* Closes the mailbox, ends an event that is on, waits. Takes NULL. */
void rw_watcher_stop(struct rw_watcher *watcher);

/* What the detector is told of the camera's zones, masks and sensitivity. */
void rw_watcher_motion_options(const struct rw_detect_config *config,
                               struct rw_motion_options *out);
/* Writes what the alarm has gathered so far into the event: end, peak, boxes, score, path, and
 * zones and lines by their names. */
void rw_watcher_fill_event(const struct rw_detect_config *detect, const struct rw_alarm *alarm,
                           struct rw_event *event);
