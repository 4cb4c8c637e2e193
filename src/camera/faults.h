/* Events of the camera itself: `fault` (it sent what no camera should, or is dead but talking) and
 * `camera_changed` (what names it is other than remembered: it may have been swapped). Of each kind
 * at most one is open. Whoever sees something tells it from any thread; the main thread looks twice
 * a second, decides, and mails the events to the recorder, so that they are in the index, go out
 * and stand in the recording.
 *
 *   well --bad--> open --well for `cooldown`--> over --bad soon--> open, with twice the cooldown
 *
 * A fault that comes and goes every second is one event that lasts. One that comes back soon after
 * it was over makes the next cooldown twice as long, up to an hour, and news within an event are
 * told ever more seldom: whatever a camera does, it cannot flood a phone. */
#pragma once

#include "base/clock.h"
#include "base/mailbox.h"
#include "camera/alarm.h"
#include "camera/board.h"
#include "config/config.h"
#include "roadwatch/event.h"

/* --- any thread --- */

/* The camera sent what no camera should: a sentence of err, which may quote it. The event begins at
 * once; it goes on while this is told again. */
void rw_faults_tell(struct rw_board *board, enum rw_stream stream, const struct rw_err *err);
/* A SHA-256 of what names the camera, each time that it is seen. The first is remembered silently;
 * another one makes the event and is remembered then. Memory outlives the process, in the index; it
 * is forgotten when the stream's url changes, and with a rebuilt index. */
void rw_faults_identify(struct rw_board *board, enum rw_stream stream, enum rw_identity what,
                        const uint8_t hash[32]);

/* --- when an event begins and ends; pure --- */

#define RW_SPELL_COOLDOWN_US INT64_C(60000000)
#define RW_SPELL_COOLDOWN_MAX_US INT64_C(3600000000)

/* Begins as {0}. */
struct rw_spell {
    bool open;
    int64_t cooldown_us;
    int64_t news_us;                   /* no news are told before; CLOCK_BOOTTIME, as those here */
    int64_t patience_us;               /* between news */
    int64_t bad_boot_us, over_boot_us; /* when it was last bad, and when the last event ended */
    int64_t start_us, end_us;          /* UTC; end: when it was last bad */
    char reason[RW_EVENT_REASON_SIZE];
    char told[RW_EVENT_REASON_SIZE]; /* the reason as last told */
};
/* reason: what is bad just now, NULL when nothing is. */
enum rw_alarm_word rw_spell_feed(struct rw_spell *spell, const char *reason, struct rw_now now);
/* The process ends. RW_ALARM_END or RW_ALARM_NONE. */
enum rw_alarm_word rw_spell_close(struct rw_spell *spell);

/* --- main thread --- */

struct rw_faults_options {
    const struct rw_camera_config *camera;
    struct rw_board *board;
    struct rw_mailbox *recorder;
    const struct rw_clock *clock;
};

struct rw_faults;

/* Borrows everything in the options; recalls from the store what names the camera, and must do so
 * before the recorder owns it. */
struct rw_faults *rw_faults_create(const struct rw_faults_options *options, struct rw_store *store);
void rw_faults_look(struct rw_faults *faults);
/* Ends the events that are open, while the recorder still runs. Takes NULL. */
void rw_faults_destroy(struct rw_faults *faults);
