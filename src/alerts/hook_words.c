#include "alerts/hook_words.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

static char *copy(const char *text)
{
    char *out = strdup(text ? text : "");
    if (!out)
        abort();
    return out;
}

/* "2026-11-23 19:00:00", the box's local time */
static char *local_time(int64_t utc_us)
{
    char text[RW_TIME_SIZE] = "";
    time_t at = (time_t)(utc_us / RW_SECOND_US);
    struct tm local;
    localtime_r(&at, &local);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    return copy(text);
}

static char *wire_time(int64_t utc_us)
{
    char text[RW_TIME_SIZE];
    return copy(utc_us ? rw_format_time(utc_us, text) : "");
}

static char *number(int64_t value)
{
    struct rw_buf text = {0};
    rw_buf_printf(&text, "%lld", (long long)value);
    return (char *)text.data;
}

static char *zones_of(const struct rw_event *event)
{
    struct rw_buf text = {0};
    rw_buf_printf(&text, "%s", "");
    for (int i = 0; i < event->zone_count && i < RW_ZONES_MAX; i++)
        rw_buf_printf(&text, "%s%s", i ? ", " : "", event->zones[i]);
    return (char *)text.data;
}

static void add_event(const struct rw_event *event, char **word)
{
    static const char *const phases[] = {
        [RW_PHASE_START] = "start", [RW_PHASE_UPDATE] = "update", [RW_PHASE_END] = "end"};
    word[RW_WORD_KIND] = copy(event->kind);
    word[RW_WORD_PHASE] = copy(phases[event->phase]);
    word[RW_WORD_ZONE] = zones_of(event);
    word[RW_WORD_TIME] = local_time(event->start_us);
    word[RW_WORD_START] = wire_time(event->start_us);
    word[RW_WORD_END] = wire_time(event->end_us);
    word[RW_WORD_ID] = copy(event->id);
    word[RW_WORD_REVISION] = number(event->revision);
    word[RW_WORD_ACKED_BY] = copy(event->acked_by);
}

static void add_digest(const struct rw_digest *digest, char **word)
{
    word[RW_WORD_KIND] = copy("digest");
    word[RW_WORD_TIME] = local_time(digest->from_us);
    word[RW_WORD_START] = wire_time(digest->from_us);
    word[RW_WORD_END] = wire_time(digest->to_us);
    word[RW_WORD_COUNT] = number(digest->events);
}

static char *sentence_of(const char *json)
{
    json_t *message = json_loads(json, 0, NULL);
    char *text = copy(json_string_value(json_object_get(message, "text")));
    json_decref(message);
    return text;
}

void rw_hook_words_make(const struct rw_config *config, const struct rw_item *item, int64_t sent_us,
                        struct rw_hook_words *out)
{
    const struct rw_camera_config *camera = &config->cameras[item->camera];
    char **word = out->word;
    *out = (struct rw_hook_words){0};
    if (item->kind == RW_ITEM_DIGEST) {
        out->json = rw_payload_digest(config, camera, item->digest, sent_us);
        add_digest(item->digest, word);
    } else {
        out->json = rw_payload_event(config, camera, item->event, item->thumbnail->data,
                                     item->thumbnail->size, sent_us);
        add_event(item->event, word);
    }
    word[RW_WORD_TEXT] = sentence_of(out->json);
    word[RW_WORD_CAMERA] = copy(camera->id);
    word[RW_WORD_CAMERA_NAME] = copy(camera->name);
    word[RW_WORD_SITE] = copy(config->site.id);
    word[RW_WORD_SITE_NAME] = copy(config->site.name);
    for (int i = 0; i < RW_HOOK_WORDS; i++)
        if (!word[i])
            word[i] = copy("");
}

void rw_hook_words_finish(struct rw_hook_words *words)
{
    free(words->json);
    for (int i = 0; i < RW_HOOK_WORDS; i++)
        free(words->word[i]);
    *words = (struct rw_hook_words){0};
}

void rw_hook_words_fill(const struct rw_hook_words *words, const char *template, struct rw_buf *out)
{
    for (const char *at = template; *at;) {
        size_t size = 1;
        enum rw_hook_word word = rw_hook_word_at(at, &size);
        if (word == RW_HOOK_WORDS)
            rw_buf_printf(out, "%c", *at++);
        else
            rw_buf_printf(out, "%s", words->word[word]);
        if (word != RW_HOOK_WORDS)
            at += size;
    }
}
