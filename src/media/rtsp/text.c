#include "media/rtsp/text.h"

#include <string.h>
#include <strings.h>

struct rw_span rw_span_of(const char *text)
{
    return (struct rw_span){text, strlen(text)};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct rw_span rw_span_trim(struct rw_span span)
{
    while (span.size > 0 && is_blank(span.at[span.size - 1]))
        span.size--;
    while (span.size > 0 && is_blank(*span.at)) {
        span.at++;
        span.size--;
    }
    return span;
}

bool rw_span_begins(struct rw_span span, const char *word)
{
    size_t size = strlen(word);
    return span.size >= size && strncasecmp(span.at, word, size) == 0;
}

bool rw_span_is(struct rw_span span, const char *word)
{
    return span.size == strlen(word) && rw_span_begins(span, word);
}

static struct rw_span drop(struct rw_span span, size_t size)
{
    return (struct rw_span){span.at + size, span.size - size};
}

/* How many bytes stand before the first of the stops. A NUL is none of them. */
static size_t size_before(struct rw_span span, const char *stops)
{
    size_t size = 0;
    while (size < span.size && !(span.at[size] && strchr(stops, span.at[size])))
        size++;
    return size;
}

struct rw_span rw_span_take(struct rw_span *rest, const char *stops)
{
    size_t size = size_before(*rest, stops);
    struct rw_span taken = {rest->at, size};
    *rest = drop(*rest, size < rest->size ? size + 1 : size);
    return rw_span_trim(taken);
}

int64_t rw_span_number(struct rw_span *rest, int64_t most)
{
    int64_t value = -1;
    size_t i = 0;
    for (; i < rest->size && rest->at[i] >= '0' && rest->at[i] <= '9'; i++) {
        int digit = rest->at[i] - '0';
        value = value < 0 ? 0 : value;
        value = value > (most - digit) / 10 ? most : 10 * value + digit;
    }
    *rest = drop(*rest, i);
    return value;
}

/* What stands in quotes at the front of *rest, if only the first of them. */
static struct rw_span take_quoted(struct rw_span *rest)
{
    *rest = drop(*rest, 1);
    return rw_span_take(rest, "\"");
}

bool rw_span_parameter(struct rw_span *rest, struct rw_span *name, struct rw_span *value)
{
    *value = (struct rw_span){"", 0};
    do {
        if (rest->size == 0)
            return false;
        size_t size = size_before(*rest, "=;");
        bool has_value = size < rest->size && rest->at[size] == '=';
        *name = rw_span_take(rest, "=;");
        if (!has_value)
            continue;
        *rest = rw_span_trim(*rest);
        if (rest->size > 0 && *rest->at == '"') {
            *value = take_quoted(rest);
            (void)rw_span_take(rest, ";");
        } else {
            *value = rw_span_take(rest, ";");
        }
    } while (name->size == 0);
    return true;
}

bool rw_span_copy(struct rw_span span, char *out, size_t size)
{
    bool fits = span.size < size;
    if (fits && span.size)
        memcpy(out, span.at, span.size);
    out[fits ? span.size : 0] = '\0';
    return fits;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool rw_base64_decode(struct rw_span span, struct rw_buf *out)
{
    for (int i = 0; i < 2 && span.size > 0 && span.at[span.size - 1] == '='; i++)
        span.size--;
    if (span.size == 0 || span.size % 4 == 1)
        return false;
    size_t before = out->size;
    uint8_t *to = rw_buf_grow(out, span.size / 4 * 3 + (span.size % 4 ? span.size % 4 - 1 : 0));
    uint32_t bits = 0;
    for (size_t i = 0; i < span.size; i++) {
        int value = base64_value(span.at[i]);
        if (value < 0) {
            out->size = before;
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4) /* each letter but the first of four brings a byte to its end */
            *to++ = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return true;
}
