#include "camera/faults.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/log.h"
#include "base/units.h"
#include "camera/post.h"
#include "camera/state.h"

/* A spell that begins within so many cooldowns of the last one's end has come back. */
enum { BACK_PART = 10, KEY_SIZE = 48 };
/* Words go to the index at most this often: a camera that changes all the time must not wear out
 * the disk. */
#define REMEMBER_US (60 * RW_SECOND_US)

enum kind { FAULT, CHANGED, KINDS };

/* The event of a kind that is on. */
struct happening {
    struct rw_spell spell;
    struct rw_event event;
};

struct rw_faults {
    struct rw_faults_options options;
    struct happening happenings[KINDS];
    struct rw_pulse_heard heard[RW_STREAMS];
    struct rw_pulse_loss loss[RW_STREAMS];
    unsigned deaf[RW_STREAMS]; /* what was last said of it */
    unsigned counted[RW_STREAMS];
    int64_t known[RW_STREAMS][RW_IDENTITIES];
    bool unwritten[RW_STREAMS][RW_IDENTITIES];
    int64_t write_us;                        /* CLOCK_BOOTTIME: not before */
    unsigned changed[RW_STREAMS];            /* bits of enum rw_identity, in the event that is on */
    int64_t before[RW_STREAMS];              /* the certificate, before that event */
    char sentence[RW_EVENT_REASON_SIZE * 2]; /* scratch */
};

static const char *const kind_names[KINDS] = {[FAULT] = "fault", [CHANGED] = "camera_changed"};

/* --- any thread --- */

void rw_faults_tell(struct rw_board *board, enum rw_stream stream, const struct rw_err *err)
{
    rw_board_fault(board, stream, err->text);
}

/* Words of the index are integers, and 0 is one that was never put. */
static int64_t print_of(const uint8_t hash[32])
{
    int64_t print = (int64_t)(((uint64_t)rw_get_be32(hash) << 32 | rw_get_be32(hash + 4)) >> 1);
    return print ? print : 1;
}

/* The first four bytes of the SHA-256. */
static uint32_t print_begins(int64_t print)
{
    return (uint32_t)((uint64_t)print >> 31);
}

void rw_faults_identify(struct rw_board *board, enum rw_stream stream, enum rw_identity what,
                        const uint8_t hash[32])
{
    rw_board_identity(board, stream, what, print_of(hash));
}

/* --- when an event begins and ends --- */

static enum rw_alarm_word tell_reason(struct rw_spell *spell, enum rw_alarm_word word)
{
    memcpy(spell->told, spell->reason, sizeof spell->told);
    return word;
}

static enum rw_alarm_word begin(struct rw_spell *spell, struct rw_now now)
{
    bool back =
        spell->over_boot_us && now.boot_us - spell->over_boot_us < BACK_PART * spell->cooldown_us;
    spell->cooldown_us = back ? 2 * spell->cooldown_us : RW_SPELL_COOLDOWN_US;
    if (spell->cooldown_us > RW_SPELL_COOLDOWN_MAX_US)
        spell->cooldown_us = RW_SPELL_COOLDOWN_MAX_US;
    spell->open = true;
    spell->start_us = now.utc_us;
    spell->patience_us = RW_SPELL_COOLDOWN_US;
    spell->news_us = now.boot_us + spell->patience_us;
    return tell_reason(spell, RW_ALARM_START);
}

static enum rw_alarm_word go_on(struct rw_spell *spell, struct rw_now now)
{
    if (!strcmp(spell->reason, spell->told) || now.boot_us < spell->news_us)
        return RW_ALARM_NONE;
    if (spell->patience_us < RW_SPELL_COOLDOWN_MAX_US)
        spell->patience_us *= 2;
    spell->news_us = now.boot_us + spell->patience_us;
    return tell_reason(spell, RW_ALARM_UPDATE);
}

enum rw_alarm_word rw_spell_feed(struct rw_spell *spell, const char *reason, struct rw_now now)
{
    if (reason) {
        rw_copy_text(spell->reason, sizeof spell->reason, reason);
        spell->bad_boot_us = now.boot_us;
        spell->end_us = now.utc_us;
        return spell->open ? go_on(spell, now) : begin(spell, now);
    }
    if (!spell->open)
        return RW_ALARM_NONE;
    if (now.boot_us - spell->bad_boot_us < spell->cooldown_us)
        return go_on(spell, now);
    spell->over_boot_us = now.boot_us;
    return rw_spell_close(spell);
}

enum rw_alarm_word rw_spell_close(struct rw_spell *spell)
{
    bool was_open = spell->open;
    spell->open = false;
    return was_open ? tell_reason(spell, RW_ALARM_END) : RW_ALARM_NONE;
}

/* --- events --- */

static void new_event(struct rw_faults *faults, enum kind kind, struct rw_now now)
{
    const struct rw_clock *clock = faults->options.clock;
    struct happening *happening = &faults->happenings[kind];
    struct rw_clock_state state = clock->state(clock->self);
    struct rw_notice notice;
    rw_board_read(faults->options.board, &notice);
    happening->event = (struct rw_event){.start_us = happening->spell.start_us,
                                         .seen_us = now.utc_us,
                                         .decided_us = now.utc_us,
                                         .armed = rw_state_announces_faults(&notice, now.utc_us),
                                         .clock_trust = (int)state.trust,
                                         .clock_error_us = state.error_us};
    rw_copy_text(happening->event.kind, sizeof happening->event.kind, kind_names[kind]);
    rw_ulid_make(happening->event.start_us, happening->event.id);
}

static void tell(struct rw_faults *faults, enum kind kind, enum rw_alarm_word word,
                 struct rw_now now)
{
    struct happening *happening = &faults->happenings[kind];
    struct rw_event *event = &happening->event;
    const char *id = faults->options.camera->id;
    if (word == RW_ALARM_NONE)
        return;
    if (word == RW_ALARM_START)
        new_event(faults, kind, now);
    event->phase = word == RW_ALARM_START ? RW_PHASE_START
                   : word == RW_ALARM_END ? RW_PHASE_END
                                          : RW_PHASE_UPDATE;
    event->end_us = word == RW_ALARM_END ? happening->spell.end_us : 0;
    rw_copy_text(event->reason, sizeof event->reason, happening->spell.told);
    if (word == RW_ALARM_END)
        rw_log(RW_LOG_INFO, id, "event %s (%s) ends", event->id, event->kind);
    else
        rw_log(RW_LOG_WARNING, id, "event %s (%s): %s", event->id, event->kind, event->reason);
    struct rw_post *post = rw_post_event(event);
    rw_post_send(faults->options.recorder, post);
}

/* --- faults --- */

/* Of the two streams' counts: do data come, and no pictures? */
static void look_at_heard(struct rw_faults *faults, const struct rw_notice *notice, int64_t boot_us)
{
    static const enum rw_ail mine[] = {RW_AIL_NO_PICTURES, RW_AIL_NO_KEYFRAME};
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        const struct rw_stream_notice *of = &notice->stream[stream];
        unsigned deaf = rw_pulse_heard_feed(&faults->heard[stream], of->heard_bytes,
                                            of->heard_units, of->picture_boot_us, boot_us);
        for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
            if ((deaf ^ faults->deaf[stream]) & mine[i])
                rw_board_ail(faults->options.board, (enum rw_stream)stream, mine[i],
                             deaf & mine[i]);
        faults->deaf[stream] = deaf;
    }
}

/* How many of the datagrams do not come? A picture that is damaged is no fault of the camera. */
static void look_at_loss(struct rw_faults *faults, const struct rw_notice *notice)
{
    for (int i = 0; i < RW_STREAMS; i++) {
        enum rw_stream stream = (enum rw_stream)i;
        struct rw_pulse_loss *loss = &faults->loss[stream];
        const struct rw_stream_notice *of = &notice->stream[stream];
        bool was = loss->lossy;
        double percent = rw_pulse_loss_feed(loss, of->heard_datagrams, of->lost_datagrams);
        if (percent != of->lost_percent)
            rw_board_loss(faults->options.board, stream, percent);
        if (loss->lossy != was)
            rw_board_ail(faults->options.board, stream, RW_AIL_LOSSY, loss->lossy);
    }
}

/* What is bad just now, or has been since the last look. NULL: nothing. */
static const char *bad_now(struct rw_faults *faults, const struct rw_notice *notice)
{
    const char *found = NULL, *said;
    for (int stream = RW_STREAMS - 1; stream >= 0; stream--) {
        const struct rw_stream_notice *of = &notice->stream[stream];
        bool told = of->fault_count != faults->counted[stream];
        unsigned ails = of->ails & RW_AILS_FAULTS;
        faults->counted[stream] = of->fault_count;
        if (!told && !ails)
            continue;
        said = told ? of->fault : rw_ail_sentence(ails);
        snprintf(faults->sentence, sizeof faults->sentence, "%s stream: %s",
                 rw_stream_name((enum rw_stream)stream), said);
        found = faults->sentence;
    }
    return found;
}

/* --- identity --- */

static const char *const identity_keys[RW_IDENTITIES] = {
    [RW_IDENTITY_CERTIFICATE] = "certificate",
    [RW_IDENTITY_DESCRIPTION] = "description",
    [RW_IDENTITY_SETS] = "sets",
};
static const char *const identity_words[RW_IDENTITIES] = {
    [RW_IDENTITY_CERTIFICATE] = "another certificate",
    [RW_IDENTITY_DESCRIPTION] = "another description of itself",
    [RW_IDENTITY_SETS] = "other parameter sets",
};

static void make_key(enum rw_stream stream, const char *what, char out[KEY_SIZE])
{
    snprintf(out, KEY_SIZE, "identity.%s.%s", rw_stream_name(stream), what);
}

static void keep_word(struct rw_faults *faults, enum rw_stream stream, const char *what,
                      int64_t value)
{
    struct rw_post *post = rw_post_create(RW_POST_WORD, RW_MAIN);
    char key[KEY_SIZE];
    make_key(stream, what, key);
    rw_copy_text(post->text, sizeof post->text, key);
    post->number = value;
    rw_post_send(faults->options.recorder, post);
}

static void write_words(struct rw_faults *faults, int64_t boot_us)
{
    bool wrote = false;
    if (boot_us < faults->write_us)
        return;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        for (int what = 0; what < RW_IDENTITIES; what++) {
            if (!faults->unwritten[stream][what])
                continue;
            keep_word(faults, (enum rw_stream)stream, identity_keys[what],
                      faults->known[stream][what]);
            faults->unwritten[stream][what] = false;
            wrote = true;
        }
    }
    if (wrote && boot_us < INT64_MAX - REMEMBER_US) /* that is the end: all is written */
        faults->write_us = boot_us + REMEMBER_US;
}

/* What is at another url is another camera, and nobody's surprise. */
static void recall(struct rw_faults *faults, struct rw_store *store, enum rw_stream stream,
                   const char *url)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char key[KEY_SIZE];
    SHA256((const uint8_t *)url, strlen(url), hash);
    make_key(stream, "url", key);
    bool same = rw_store_get_word(store, key) == print_of(hash);
    for (int what = 0; what < RW_IDENTITIES; what++) {
        make_key(stream, identity_keys[what], key);
        int64_t known = rw_store_get_word(store, key);
        faults->known[stream][what] = same ? known : 0;
        faults->unwritten[stream][what] = !same && known;
    }
    if (!same && *url)
        keep_word(faults, stream, "url", print_of(hash));
}

static bool note_change(struct rw_faults *faults, enum rw_stream stream, enum rw_identity what)
{
    if (what == RW_IDENTITY_CERTIFICATE && !(faults->changed[stream] >> what & 1))
        faults->before[stream] = faults->known[stream][what];
    faults->changed[stream] |= 1u << what;
    return true;
}

/* Takes what is new. True when something is other than it was known. */
static bool has_changed(struct rw_faults *faults, const struct rw_notice *notice)
{
    bool changed = false;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        for (int what = 0; what < RW_IDENTITIES; what++) {
            int64_t seen = notice->stream[stream].identity[what];
            int64_t *known = &faults->known[stream][what];
            if (!seen || seen == *known)
                continue;
            if (*known && !changed && !faults->happenings[CHANGED].spell.open)
                memset(faults->changed, 0, sizeof faults->changed);
            if (*known)
                changed = note_change(faults, (enum rw_stream)stream, (enum rw_identity)what);
            *known = seen;
            faults->unwritten[stream][what] = true;
        }
    }
    return changed;
}

/* Whoever has both certificates can tell which is which. */
static void add_prints(struct rw_faults *faults, enum rw_stream stream, struct rw_buf *text)
{
    rw_buf_printf(text, " (SHA-256 %08" PRIX32 ", was %08" PRIX32 ")",
                  print_begins(faults->known[stream][RW_IDENTITY_CERTIFICATE]),
                  print_begins(faults->before[stream]));
}

/* "main stream: another certificate (SHA-256 01234567, was 89ABCDEF), other parameter sets;
 * look whether it is still your camera" */
static const char *changed_sentence(struct rw_faults *faults)
{
    struct rw_buf text = {0};
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        const char *before = ": ";
        if (!faults->changed[stream])
            continue;
        rw_buf_printf(&text, "%s%s stream", text.size ? "; " : "",
                      rw_stream_name((enum rw_stream)stream));
        for (int what = 0; what < RW_IDENTITIES; what++) {
            if (!(faults->changed[stream] >> what & 1))
                continue;
            rw_buf_printf(&text, "%s%s", before, identity_words[what]);
            if (what == RW_IDENTITY_CERTIFICATE)
                add_prints(faults, (enum rw_stream)stream, &text);
            before = ", ";
        }
    }
    rw_buf_printf(&text, "; look whether it is still your camera");
    rw_copy_text(faults->sentence, sizeof faults->sentence, (const char *)text.data);
    rw_buf_finish(&text);
    return faults->sentence;
}

/* --- its life --- */

struct rw_faults *rw_faults_create(const struct rw_faults_options *options, struct rw_store *store)
{
    struct rw_faults *faults = calloc(1, sizeof *faults);
    if (!faults)
        abort();
    faults->options = *options;
    recall(faults, store, RW_MAIN, options->camera->main.url);
    recall(faults, store, RW_SUB, options->camera->sub.url);
    return faults;
}

void rw_faults_look(struct rw_faults *faults)
{
    struct rw_notice notice;
    struct rw_now now = rw_now(faults->options.clock);
    rw_board_read(faults->options.board, &notice);
    look_at_heard(faults, &notice, now.boot_us);
    look_at_loss(faults, &notice);
    const char *reason = bad_now(faults, &notice);
    tell(faults, FAULT, rw_spell_feed(&faults->happenings[FAULT].spell, reason, now), now);
    reason = has_changed(faults, &notice) ? changed_sentence(faults) : NULL;
    tell(faults, CHANGED, rw_spell_feed(&faults->happenings[CHANGED].spell, reason, now), now);
    write_words(faults, now.boot_us);
}

void rw_faults_destroy(struct rw_faults *faults)
{
    if (!faults)
        return;
    struct rw_now now = rw_now(faults->options.clock);
    for (int kind = 0; kind < KINDS; kind++)
        tell(faults, (enum kind)kind, rw_spell_close(&faults->happenings[kind].spell), now);
    write_words(faults, INT64_MAX);
    free(faults);
}
