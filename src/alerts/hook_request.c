#include "alerts/hook_request.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/hook_words.h"
#include "alerts/outbox.h"
#include "base/id.h"
#include "base/units.h"

/* Bytes; a character is one or more, so these are never too long for what the services say:
 * https://core.telegram.org/bots/api (1024 and 4096 characters),
 * https://bot.zaloplatforms.com/docs (2000), https://docs.ntfy.sh/publish (4096 bytes). */
enum { CAPTION_MAX = 1024, MESSAGE_MAX = 4000, ZALO_MAX = 2000, TITLE_MAX = 200 };

/* What a request is made of. */
struct making {
    const struct rw_hook_config *hook;
    const struct rw_item *item;
    const struct rw_buf *picture; /* NULL: none, or it goes without */
    struct rw_hook_words words;
    struct rw_hook_request *out;
};

static void add_head(struct making *making, const char *name, const char *value)
{
    rw_buf_printf(&making->out->head, "%s: %s\n", name, value);
}

static void set_type(struct making *making, const char *type)
{
    add_head(making, "Content-Type", type);
}

static const char *text_of(const struct rw_buf *text)
{
    return text->size ? (const char *)text->data : "";
}

/* The template filled in, at most so many bytes of it. The caller's for free(). */
static char *fill(const struct making *making, const char *template, size_t max)
{
    struct rw_buf whole = {0};
    rw_hook_words_fill(&making->words, template, &whole);
    char *cut = malloc(max + 1);
    if (!cut)
        abort();
    rw_copy_text(cut, max + 1, text_of(&whole));
    rw_buf_finish(&whole);
    return cut;
}

/* -- bodies ----------------------------------------------------------------------------------- */

static void set_json(struct making *making, json_t *owned)
{
    char *text = json_dumps(owned, JSON_COMPACT);
    json_decref(owned);
    if (!text)
        abort();
    rw_buf_printf(&making->out->body, "%s", text);
    free(text);
    set_type(making, "application/json");
}

/* Templates may hold bytes of names that are no UTF-8. */
static json_t *json_words(const char *text)
{
    json_t *value = json_string(text);
    return value ? value : json_string("?");
}

/* application/x-www-form-urlencoded, https://url.spec.whatwg.org */
static void add_urlencoded(struct rw_buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == ' ')
            rw_buf_printf(out, "+");
        else if (c < 0x80 && (isalnum(c) || strchr("*-._", c)))
            rw_buf_printf(out, "%c", c);
        else
            rw_buf_printf(out, "%%%02X", c);
    }
}

/* multipart/form-data, RFC 7578. A random boundary of 128 bits stands in no body. */
static void begin_multipart(struct making *making, char boundary[static RW_UUID_TEXT_SIZE])
{
    uint8_t uuid[16];
    char type[80];
    rw_uuid_make(uuid);
    rw_uuid_format(uuid, boundary);
    snprintf(type, sizeof type, "multipart/form-data; boundary=%s", boundary);
    set_type(making, type);
}

static void add_part(struct making *making, const char *boundary, const char *name,
                     const char *value)
{
    rw_buf_printf(&making->out->body,
                  "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary,
                  name, value);
}

static void add_picture(struct making *making, const char *boundary, const char *name)
{
    struct rw_buf *body = &making->out->body;
    rw_buf_printf(body,
                  "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s.jpg\"\r\n"
                  "Content-Type: image/jpeg\r\n\r\n",
                  boundary, name, making->words.word[RW_WORD_CAMERA]);
    rw_buf_add(body, making->picture->data, making->picture->size);
    rw_buf_printf(body, "\r\n");
    making->out->pictured = true;
}

static void end_multipart(struct making *making, const char *boundary)
{
    rw_buf_printf(&making->out->body, "--%s--\r\n", boundary);
}

/* -- the types -------------------------------------------------------------------------------- */

static void make_json(struct making *making)
{
    const struct rw_hook_config *hook = making->hook;
    if (!hook->field_count) { /* the message as the broker gets it */
        rw_buf_printf(&making->out->body, "%s", making->words.json);
        set_type(making, "application/json");
        return;
    }
    json_t *object = json_object();
    for (int i = 0; i < hook->field_count; i++) {
        char *value = fill(making, hook->fields[i].value, MESSAGE_MAX);
        json_object_set_new(object, hook->fields[i].name, json_words(value));
        free(value);
    }
    set_json(making, object);
}

static void make_form(struct making *making)
{
    const struct rw_hook_config *hook = making->hook;
    for (int i = 0; i < hook->field_count; i++) {
        char *value = fill(making, hook->fields[i].value, MESSAGE_MAX);
        rw_buf_printf(&making->out->body, "%s", i ? "&" : "");
        add_urlencoded(&making->out->body, hook->fields[i].name);
        rw_buf_printf(&making->out->body, "=");
        add_urlencoded(&making->out->body, value);
        free(value);
    }
    set_type(making, "application/x-www-form-urlencoded");
}

static void make_multipart(struct making *making)
{
    const struct rw_hook_config *hook = making->hook;
    char boundary[RW_UUID_TEXT_SIZE];
    begin_multipart(making, boundary);
    for (int i = 0; i < hook->field_count; i++) {
        char *value = fill(making, hook->fields[i].value, MESSAGE_MAX);
        add_part(making, boundary, hook->fields[i].name, value);
        free(value);
    }
    if (making->picture)
        add_picture(making, boundary, hook->photo);
    end_multipart(making, boundary);
}

/* "{base}/bot{token}/{method}", of Telegram and of Zalo, which has the same shape */
static void set_method(struct making *making, const char *method)
{
    struct rw_buf *url = &making->out->url;
    const char *base = making->hook->url;
    size_t size = strlen(base);
    while (size && base[size - 1] == '/')
        size--;
    rw_buf_clear(url);
    rw_buf_printf(url, "%.*s/bot%s/%s", (int)size, base, making->hook->token, method);
}

static void make_message(struct making *making, size_t max)
{
    char *text = fill(making, making->hook->text, max);
    json_t *object = json_object();
    json_object_set_new(object, "chat_id", json_words(making->hook->chat_id));
    json_object_set_new(object, "text", json_words(text));
    free(text);
    set_json(making, object);
    set_method(making, "sendMessage");
}

static void make_telegram(struct making *making)
{
    if (!making->picture) {
        make_message(making, MESSAGE_MAX);
        return;
    }
    char boundary[RW_UUID_TEXT_SIZE];
    char *caption = fill(making, making->hook->text, CAPTION_MAX);
    begin_multipart(making, boundary);
    add_part(making, boundary, "chat_id", making->hook->chat_id);
    add_part(making, boundary, "caption", caption);
    add_picture(making, boundary, "photo");
    end_multipart(making, boundary);
    free(caption);
    set_method(making, "sendPhoto");
}

/* A header is ASCII: what is not goes as RFC 2047 has it, which ntfy understands since 2.4.0. In
 * one word, as it reads it. */
static void add_head_words(struct making *making, const char *name, char *text)
{
    bool ascii = true;
    for (char *at = text; *at; at++) {
        ascii &= (unsigned char)*at < 0x80;
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    if (ascii) {
        add_head(making, name, text);
        return;
    }
    size_t size = strlen(text);
    unsigned char *coded = malloc((size + 2) / 3 * 4 + 1);
    if (!coded)
        abort();
    EVP_EncodeBlock(coded, (const unsigned char *)text, (int)size);
    rw_buf_printf(&making->out->head, "%s: =?UTF-8?B?%s?=\n", name, (char *)coded);
    free(coded);
}

/* https://docs.ntfy.sh/publish: PUT of a file with its message in a header, else POST of the words.
 * "camera" is a picture of one there; the kind stands beside it. */
static void make_ntfy(struct making *making)
{
    char tags[RW_KIND_SIZE + 16], file[64];
    bool digest = making->item->kind == RW_ITEM_DIGEST;
    char *title = fill(making, "{camera_name}", TITLE_MAX);
    char *text = fill(making, making->hook->text, making->picture ? CAPTION_MAX : MESSAGE_MAX);
    snprintf(tags, sizeof tags, "camera,%s", making->words.word[RW_WORD_KIND]);
    snprintf(file, sizeof file, "%.40s.jpg", making->words.word[RW_WORD_CAMERA]);
    add_head_words(making, "Title", title);
    add_head(making, "Priority", digest ? "default" : "high");
    add_head(making, "Tags", tags);
    if (making->picture) {
        making->out->put = making->out->pictured = true;
        add_head_words(making, "Message", text);
        add_head(making, "Filename", file);
        set_type(making, "image/jpeg");
        rw_buf_add(&making->out->body, making->picture->data, making->picture->size);
    } else {
        set_type(making, "text/plain; charset=utf-8");
        rw_buf_printf(&making->out->body, "%s", text);
    }
    free(title);
    free(text);
}

static const struct rw_buf *picture_of(const struct rw_item *item)
{
    if (item->kind != RW_ITEM_EVENT)
        return NULL;
    if (item->snapshot->size && item->snapshot->size <= RW_SNAPSHOT_MAX)
        return item->snapshot;
    return item->thumbnail->size ? item->thumbnail : NULL;
}

void rw_hook_request_make(const struct rw_config *config, const struct rw_hook_config *hook,
                          const struct rw_item *item, bool with_picture, int64_t sent_us,
                          struct rw_hook_request *out)
{
    static void (*const make[])(struct making * making) = {
        [RW_HOOK_TELEGRAM] = make_telegram,   [RW_HOOK_NTFY] = make_ntfy,
        [RW_HOOK_JSON] = make_json,           [RW_HOOK_FORM] = make_form,
        [RW_HOOK_MULTIPART] = make_multipart,
    };
    struct making making = {
        .hook = hook, .item = item, .picture = with_picture ? picture_of(item) : NULL, .out = out};
    rw_hook_words_make(config, item, sent_us, &making.words);
    rw_buf_printf(&out->url, "%s", hook->url);
    if (hook->type == RW_HOOK_ZALO)
        make_message(&making, ZALO_MAX);
    else
        make[hook->type](&making);
    if (*hook->token && hook->type != RW_HOOK_ZALO && hook->type != RW_HOOK_TELEGRAM)
        rw_buf_printf(&out->head, "Authorization: Bearer %s\n", hook->token);
    rw_hook_words_finish(&making.words);
}

void rw_hook_request_finish(struct rw_hook_request *request)
{
    rw_buf_finish(&request->url);
    rw_buf_finish(&request->head);
    rw_buf_finish(&request->body);
}
