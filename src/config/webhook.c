/* Webhooks: other ways out than the broker. No sentence here quotes a URL or a token. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "config/check.h"

enum { URL_MAX = 1024, TOKEN_MAX = 256, HTTP_PORT = 80, HTTPS_PORT = 443 };

static const char *const word_names[] = {
    [RW_WORD_TEXT] = "text",
    [RW_WORD_CAMERA] = "camera",
    [RW_WORD_CAMERA_NAME] = "camera_name",
    [RW_WORD_KIND] = "kind",
    [RW_WORD_PHASE] = "phase",
    [RW_WORD_ZONE] = "zone",
    [RW_WORD_TIME] = "time",
    [RW_WORD_START] = "start",
    [RW_WORD_END] = "end",
    [RW_WORD_ID] = "id",
    [RW_WORD_REVISION] = "revision",
    [RW_WORD_SITE] = "site",
    [RW_WORD_SITE_NAME] = "site_name",
    [RW_WORD_ACKED_BY] = "acked_by",
    [RW_WORD_COUNT] = "count",
};

_Static_assert(sizeof word_names / sizeof *word_names == RW_HOOK_WORDS, "every word has a name");

enum rw_hook_word rw_hook_word_at(const char *text, size_t *size)
{
    enum rw_hook_word word = RW_HOOK_WORDS;
    size_t length = *text == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
    if (!length || text[1 + length] != '}')
        return word;
    for (word = 0; word < RW_HOOK_WORDS; word++)
        if (strlen(word_names[word]) == length && !strncmp(word_names[word], text + 1, length))
            break;
    *size = length + 2;
    return word;
}

/* Whatever looks like a word must be one: who misspells it would find out in the night. */
static int check_template(const struct rw_reading *reading, const struct rw_node *node,
                          const char *text)
{
    for (const char *at = text; (at = strchr(at, '{')); at++) {
        size_t size = 0;
        if (rw_hook_word_at(at, &size) != RW_HOOK_WORDS || !size)
            continue;
        struct rw_buf known = {0};
        for (int i = 0; i < RW_HOOK_WORDS; i++)
            rw_buf_printf(&known, "%s{%s}", i ? " " : "", word_names[i]);
        rw_fail_at(reading, node, "has %.*s in it; known are %s", size < 24 ? (int)size : 24, at,
                   (char *)known.data);
        rw_buf_finish(&known);
        return -1;
    }
    return 0;
}

static int refuse_url(const struct rw_reading *reading, const struct rw_node *node)
{
    return rw_fail_at(
        reading, node,
        "must be https:// (or http://), a host and perhaps a port and a path, without "
        "spaces and without a login, for example %s",
        rw_schema_example_in("webhooks", "url"));
}

/* Plain ASCII without a space: what else there is must be percent-encoded. */
static bool is_printable(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static int split_url(const struct rw_reading *reading, const struct rw_node *node,
                     struct rw_hook_config *out)
{
    bool tls = !strncasecmp(out->url, "https://", 8);
    if ((!tls && strncasecmp(out->url, "http://", 7) != 0) || !is_printable(out->url))
        return refuse_url(reading, node);
    const char *authority = out->url + (tls ? 8 : 7);
    struct rw_buf words = {0};
    rw_buf_printf(&words, "%.*s", (int)strcspn(authority, "/?#"), authority);
    const char *bracket = strrchr((char *)words.data, ']');
    if (!strchr(bracket ? bracket : (char *)words.data, ':'))
        rw_buf_printf(&words, ":%d", tls ? HTTPS_PORT : HTTP_PORT);
    char *host = NULL;
    int failed = rw_parse_host_port((char *)words.data, &host, &out->port);
    rw_buf_finish(&words);
    if (failed)
        return refuse_url(reading, node);
    free(out->host);
    out->host = host;
    return 0;
}

static const char *default_url(enum rw_hook_type type)
{
    return type == RW_HOOK_ZALO       ? "https://bot-api.zaloplatforms.com"
           : type == RW_HOOK_TELEGRAM ? "https://api.telegram.org"
                                      : NULL;
}

/* A value here, or a file with it. *at: which of the two keys stands there; NULL: none does. */
static int take_secret(const struct rw_reading *reading, const struct rw_node *node,
                       const char *const keys[2], const char *const raw[2], size_t max, char **out,
                       const struct rw_node **at)
{
    *at = rw_node_get(node, keys[raw[1] ? 1 : 0]);
    if (raw[0] && raw[1])
        return rw_fail_at(reading, *at, "stands beside %s; keep one of them", keys[0]);
    if (raw[1])
        return rw_check_secret(reading, *at, raw[1], keys[0], max, out);
    if (raw[0]) {
        rw_text_wipe(out);
        *out = rw_text_copy(raw[0]);
    }
    return 0;
}

static int check_url(const struct rw_reading *reading, const struct rw_node *node,
                     const struct rw_raw_hook *raw, struct rw_hook_config *out)
{
    static const char *const keys[] = {"url", "url_file"};
    const char *const given[] = {raw->url, raw->url_file};
    const struct rw_node *at;
    if (take_secret(reading, node, keys, given, URL_MAX, &out->url, &at))
        return -1;
    if (!*out->url && !default_url(raw->type))
        return rw_fail_at(reading, node, "needs url or url_file, for example url: %s",
                          rw_schema_example_in("webhooks", "url"));
    if (!*out->url) {
        rw_text_wipe(&out->url);
        out->url = rw_text_copy(default_url(raw->type));
    }
    return split_url(reading, at ? at : node, out);
}

static int check_token(const struct rw_reading *reading, const struct rw_node *node,
                       const struct rw_raw_hook *raw, struct rw_hook_config *out)
{
    static const char *const keys[] = {"token", "token_file"};
    const char *const given[] = {raw->token, raw->token_file};
    const struct rw_node *at;
    if (take_secret(reading, node, keys, given, TOKEN_MAX, &out->token, &at))
        return -1;
    bool chat = raw->type == RW_HOOK_ZALO || raw->type == RW_HOOK_TELEGRAM;
    if (chat && !*out->token)
        return rw_fail_at(reading, node,
                          "needs token_file (or token), the bot's token as the service gave it");
    if (!is_printable(out->token) || (chat && strpbrk(out->token, "/?#%")))
        return rw_fail_at(reading, at, "must be the token alone, without spaces");
    if (chat && !raw->chat_id)
        return rw_fail_at(reading, node, "needs chat_id, where the bot is to write, for example %s",
                          rw_schema_example("chat_id"));
    return 0;
}

/* Keys that this type has no use for would be believed to work. */
static int check_use(const struct rw_reading *reading, const struct rw_node *node,
                     const struct rw_raw_hook *raw)
{
    enum { ZALO = 1, TELEGRAM = 2, NTFY = 4, JSON = 8, FORM = 16, MULTIPART = 32 };
    static const struct {
        const char *key, *types;
        unsigned of;
    } uses[] = {
        {"chat_id", "zalo and telegram", ZALO | TELEGRAM},
        {"text", "zalo, telegram and ntfy", ZALO | TELEGRAM | NTFY},
        {"fields", "json, form and multipart", JSON | FORM | MULTIPART},
        {"photo", "multipart", MULTIPART},
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        const struct rw_node *at = rw_node_get(node, uses[i].key);
        if (at && !(uses[i].of & 1U << raw->type))
            return rw_fail_at(reading, at, "is a key of the type %s only", uses[i].types);
    }
    return 0;
}

static int check_fields(const struct rw_reading *reading, const struct rw_node *node,
                        const struct rw_raw_hook *raw, struct rw_hook_config *out)
{
    const struct rw_node *list = rw_node_get(node, "fields");
    if (!list && (raw->type == RW_HOOK_FORM || raw->type == RW_HOOK_MULTIPART))
        return rw_fail_at(reading, node, "needs fields, for example fields: %s",
                          rw_schema_example("fields"));
    if (!list)
        return 0;
    out->fields = calloc(raw->fields_count, sizeof *out->fields);
    if (!out->fields)
        abort();
    out->field_count = (int)raw->fields_count;
    const struct rw_node *entry = list->first;
    for (int i = 0; i < out->field_count; i++, entry = entry->next) {
        out->fields[i].name = rw_text_copy(raw->fields[i].name);
        out->fields[i].value = rw_text_copy(raw->fields[i].value);
        if (strpbrk(out->fields[i].name, "\"\\"))
            return rw_fail_at(reading, rw_node_get(entry, "name"), "must be without quotes");
        if (check_template(reading, rw_node_get(entry, "value"), out->fields[i].value))
            return -1;
    }
    return 0;
}

static int check_hook_id(const struct rw_reading *reading, const struct rw_node *node,
                         const struct rw_config *config, const char *id)
{
    if (rw_check_id(reading, node, id))
        return -1;
    for (int i = 0; i < config->hook_count; i++)
        if (config->hooks[i].id && !strcmp(config->hooks[i].id, id))
            return rw_fail_at(reading, rw_node_get(node, "id"),
                              "is the id of the webhook in line %d already; every webhook needs "
                              "its own",
                              config->hooks[i].line);
    return 0;
}

static int check_hook(const struct rw_reading *reading, const struct rw_node *node,
                      const struct rw_raw_hook *raw, const struct rw_config *config,
                      struct rw_hook_config *out)
{
    out->line = node->line;
    out->type = raw->type;
    out->host = rw_text_copy("");
    out->url = rw_text_copy("");
    out->token = rw_text_copy("");
    out->ca_file = rw_path_beside(reading, raw->ca_file);
    out->chat_id = rw_text_copy(raw->chat_id);
    out->text = rw_text_copy(raw->text ? raw->text : "{text}");
    out->photo = rw_text_copy(raw->photo ? raw->photo : "photo");
    out->updates = raw->updates ? *raw->updates : raw->type >= RW_HOOK_JSON;
    if (check_hook_id(reading, node, config, raw->id))
        return -1;
    out->id = rw_text_copy(raw->id);
    if (strpbrk(out->photo, "\"\\"))
        return rw_fail_at(reading, rw_node_get(node, "photo"), "must be without quotes");
    return check_use(reading, node, raw) || check_url(reading, node, raw, out) ||
                   check_token(reading, node, raw, out) ||
                   check_template(reading, rw_node_get(node, "text"), out->text) ||
                   check_fields(reading, node, raw, out)
               ? -1
               : 0;
}

int rw_check_hooks(const struct rw_reading *reading, const struct rw_node *node,
                   const struct rw_raw *raw, struct rw_config *out)
{
    if (!raw->webhooks_count)
        return 0;
    out->hooks = calloc(raw->webhooks_count, sizeof *out->hooks);
    if (!out->hooks)
        abort();
    const struct rw_node *entry = node->first;
    for (unsigned i = 0; i < raw->webhooks_count; i++, entry = entry->next) {
        out->hook_count = (int)i + 1;
        if (check_hook(reading, entry, &raw->webhooks[i], out, &out->hooks[i]))
            return -1;
    }
    return 0;
}
