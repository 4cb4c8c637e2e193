#include "alerts/sentences.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

enum { WHEN_SIZE = 2 * RW_TIME_SIZE + 32 };

static const struct rw_happening happenings[] = {
    {"motion", RW_SAY_MOTION, true, false},
    {"scene_change", RW_SAY_SCENE_CHANGE, true, false},
    {"camera_moved", RW_SAY_CAMERA_MOVED, true, false},
    {"covered", RW_SAY_COVERED, true, false},
    {"fault", RW_SAY_FAULT, false, false},
    {"camera_changed", RW_SAY_CAMERA_CHANGED, false, true},
};

_Static_assert(sizeof happenings / sizeof *happenings == RW_DIGEST_KINDS,
               "a digest counts every kind that has words");

int rw_happening_index(const char *kind)
{
    int i = RW_DIGEST_KINDS - 1;
    while (i > 0 && strcmp(kind, happenings[i].kind) != 0)
        i--;
    return i;
}

const struct rw_happening *rw_happening_at(int index)
{
    return &happenings[index];
}

static const char *text_of(const struct rw_buf *buf)
{
    return buf->size ? (const char *)buf->data : "";
}

/* "19:00:00", and the day too when it is not the day that the reader has. */
static const char *when(enum rw_language language, int64_t at_us, int64_t sent_us,
                        char out[static WHEN_SIZE])
{
    rw_format_local_clock(at_us, out);
    time_t at = (time_t)(at_us / RW_SECOND_US), sent = (time_t)(sent_us / RW_SECOND_US);
    struct tm day, today;
    localtime_r(&at, &day);
    localtime_r(&sent, &today);
    if (day.tm_year == today.tm_year && day.tm_yday == today.tm_yday)
        return out;
    char date[RW_TIME_SIZE];
    strftime(date, sizeof date, language == RW_VIETNAMESE ? "%-d/%-m" : "%-d %b", &day);
    struct rw_buf text;
    rw_buf_init(&text);
    rw_say(&text, language, RW_SAY_ON_DAY, out, date, NULL);
    rw_copy_text(out, WHEN_SIZE, text_of(&text));
    rw_buf_finish(&text);
    return out;
}

/* -- events ----------------------------------------------------------------------------------- */

/* " (road → gate, across the line)": where it went, as far as that tells a way. The phone's first
 * line has room for a few names. */
static void add_way(struct rw_buf *out, enum rw_language language, const struct rw_event *event)
{
    enum { SHOWN = 4 };
    bool zones = event->zone_count > 1, crossed = event->crossing_count > 0;
    if (!zones && !crossed)
        return;
    for (int i = 0; zones && i < event->zone_count && i < SHOWN; i++)
        rw_buf_printf(out, "%s%s", i ? " → " : " (", event->zones[i]);
    if (event->zone_count > SHOWN)
        rw_buf_printf(out, " → …");
    if (crossed) {
        rw_buf_printf(out, "%s", zones ? ", " : " (");
        rw_say(out, language, RW_SAY_ACROSS, event->crossings[0].line, NULL);
    }
    rw_buf_printf(out, ")");
}

static void add_end(struct rw_buf *out, enum rw_language language, const struct rw_event *event,
                    int64_t sent_us)
{
    char clock[WHEN_SIZE];
    if (event->phase != RW_PHASE_END || !event->end_us ||
        happenings[rw_happening_index(event->kind)].momentary)
        return;
    rw_say(out, language, event->lasting ? RW_SAY_STILL_SO : RW_SAY_OVER,
           when(language, event->end_us, sent_us, clock), NULL);
}

/* "Cổng làng: có người hoặc xe chuyển động lúc 19:00:00" */
static void add_what(struct rw_buf *out, enum rw_language language, const char *camera,
                     const struct rw_event *event, int64_t sent_us)
{
    char clock[WHEN_SIZE];
    struct rw_buf what;
    rw_buf_init(&what);
    rw_say(&what, language, happenings[rw_happening_index(event->kind)].words, NULL);
    add_way(&what, language, event);
    rw_say(out, language, RW_SAY_EVENT, camera, text_of(&what),
           when(language, event->start_us, sent_us, clock), NULL);
    rw_buf_finish(&what);
}

void rw_sentence_event(struct rw_buf *out, const struct rw_config *config, const char *camera,
                       const struct rw_event *event, int64_t sent_us)
{
    enum rw_language language = rw_language_of(config);
    add_what(out, language, camera, event, sent_us);
    add_end(out, language, event, sent_us);
    if (event->acked_by[0])
        rw_say(out, language, RW_SAY_ACKED, event->acked_by, NULL);
}

void rw_sentence_call(struct rw_buf *out, const struct rw_config *config, const char *camera,
                      const struct rw_event *event, const char *to, int64_t sent_us)
{
    enum rw_language language = rw_language_of(config);
    struct rw_buf what;
    rw_buf_init(&what);
    add_what(&what, language, camera, event, sent_us);
    rw_say(out, language, RW_SAY_CALL, to, text_of(&what), NULL);
    rw_buf_finish(&what);
}

/* -- digests ---------------------------------------------------------------------------------- */

/* "a person or vehicle moved (35), the camera was turned or shifted (2)" */
static void add_kinds(struct rw_buf *out, enum rw_language language, const struct rw_digest *digest)
{
    for (int i = 0; i < RW_DIGEST_KINDS; i++)
        if (digest->of_kind[i])
            rw_buf_printf(out, "%s%s (%lld)", out->size ? ", " : "",
                          rw_words(happenings[i].words, language), (long long)digest->of_kind[i]);
}

static const char *number(int64_t value, char out[static 24])
{
    snprintf(out, 24, "%lld", (long long)value);
    return out;
}

void rw_sentence_digest(struct rw_buf *out, const struct rw_config *config, const char *camera,
                        const struct rw_digest *digest, int64_t sent_us)
{
    enum rw_language language = rw_language_of(config);
    char from[WHEN_SIZE], to[WHEN_SIZE], count[24], minutes[24];
    struct rw_buf kinds;
    rw_buf_init(&kinds);
    add_kinds(&kinds, language, digest);
    number(digest->events, count);
    if (digest->rate)
        rw_say(out, language, RW_SAY_OFTEN, camera, count,
               number((sent_us - digest->from_us) / (60 * RW_SECOND_US) + 1, minutes),
               text_of(&kinds), NULL);
    else
        rw_say(out, language, RW_SAY_BACKLOG, camera, count,
               when(language, digest->from_us, sent_us, from),
               when(language, digest->to_us, sent_us, to), text_of(&kinds), NULL);
    rw_buf_finish(&kinds);
}

/* -- states ----------------------------------------------------------------------------------- */

/* Which part of a reason's sentence tells what. The reason itself is for the installer.
 * tests/unit/words_of_reasons.py sees that each is a part of a sentence in the sources. */
static const struct {
    const char *part;
    enum rw_words words;
} reasons[] = {
    {"the recorder of this camera is not running", RW_SAY_WHY_STOPPED},
    {"cannot be reached", RW_SAY_WHY_SILENT},
    {"no answer from", RW_SAY_WHY_SILENT},
    {"refused the connection", RW_SAY_WHY_REFUSED},
    {"asks for a login", RW_SAY_WHY_LOGIN},
    {"refused the login", RW_SAY_WHY_LOGIN},
    {"cannot be looked up", RW_SAY_WHY_ADDRESS},
    {"is not known here", RW_SAY_WHY_ADDRESS},
    {"has no stream at", RW_SAY_WHY_ADDRESS},
    {"closed the connection", RW_SAY_WHY_BROKE},
    {"the connection to the camera broke", RW_SAY_WHY_BROKE},
    {"ended the stream", RW_SAY_WHY_BROKE},
    {"no picture has come", RW_SAY_WHY_NO_PICTURE},
    {"no picture for", RW_SAY_WHY_NO_PICTURE},
    {"no picture in it for", RW_SAY_WHY_NO_PICTURE},
    {"sends data but no pictures", RW_SAY_WHY_NO_PICTURE},
    {"one and the same picture", RW_SAY_WHY_STILL},
    {"is lost on the way", RW_SAY_WHY_LOSSY},
    {"the processor is not enough", RW_SAY_WHY_BUSY},
    {"the disk refused", RW_SAY_WHY_DISK},
    {"the disk at ", RW_SAY_WHY_DISK},
    {"the disk with ", RW_SAY_WHY_DISK},
};

static enum rw_words why(const char *reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strstr(reason, reasons[i].part))
            return reasons[i].words;
    return RW_SAY_WHY_OTHER;
}

static void add_state(struct rw_buf *out, enum rw_language language, const char *camera,
                      const struct rw_status *status, int64_t now_us)
{
    char since[WHEN_SIZE];
    bool online = !strcmp(status->state, "online");
    if (!strcmp(status->state, "connecting"))
        rw_say(out, language, RW_SAY_CONNECTING, camera, NULL);
    else if (online)
        rw_say(out, language, status->recording ? RW_SAY_RECORDING : RW_SAY_NOT_RECORDING, camera,
               NULL);
    else if (status->since_us && status->last_picture_us)
        rw_say(out, language, RW_SAY_OFFLINE, camera,
               when(language, status->since_us, now_us, since), NULL);
    else
        rw_say(out, language, RW_SAY_OFFLINE_ALWAYS, camera, NULL);
}

static void add_arming(struct rw_buf *out, enum rw_language language, const char *disarmed_by)
{
    if (!strcmp(disarmed_by, "hand"))
        rw_say(out, language, RW_SAY_DISARMED, NULL);
    else if (!strcmp(disarmed_by, "snooze"))
        rw_say(out, language, RW_SAY_SNOOZED, NULL);
    else if (*disarmed_by)
        rw_say(out, language, RW_SAY_OFF_DUTY, NULL);
}

void rw_sentence_status(struct rw_buf *out, const struct rw_config *config, const char *camera,
                        const struct rw_status *status, int64_t now_us)
{
    enum rw_language language = rw_language_of(config);
    add_state(out, language, camera, status, now_us);
    if (status->reason[0])
        rw_say(out, language, why(status->reason), NULL);
    if (rw_watch_blind(&status->watch))
        rw_say(out, language, RW_SAY_BLIND, NULL);
    add_arming(out, language, status->arming.disarmed_by);
}
