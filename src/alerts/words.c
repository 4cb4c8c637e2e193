#include "alerts/words.h"

#include <stdarg.h>
#include <string.h>

enum { ARGUMENTS_MAX = 9 };

#define ROW(key, vietnamese, english)                                                              \
    [RW_SAY_##key] = {[RW_VIETNAMESE] = (vietnamese), [RW_ENGLISH] = (english)},
static const char *const table[RW_WORDS_COUNT][RW_LANGUAGES] = {RW_WORDS(ROW)};

enum rw_language rw_language_of(const struct rw_config *config)
{
    return config->site.vietnamese ? RW_VIETNAMESE : RW_ENGLISH;
}

const char *rw_words(enum rw_words key, enum rw_language language)
{
    return table[key][language];
}

static void add_text(struct rw_buf *out, const char *text, size_t size)
{
    rw_buf_printf(out, "%.*s", (int)size, text);
}

void rw_say(struct rw_buf *out, enum rw_language language, enum rw_words key, ...)
{
    const char *given[ARGUMENTS_MAX] = {NULL};
    va_list list;
    va_start(list, key);
    for (int i = 0; i < ARGUMENTS_MAX && (given[i] = va_arg(list, const char *)); i++)
        ;
    va_end(list);

    const char *at = rw_words(key, language);
    for (const char *mark; (mark = strchr(at, '%')); at = mark + 2) {
        add_text(out, at, (size_t)(mark - at));
        const char *text = given[mark[1] - '1'];
        if (text)
            add_text(out, text, strlen(text));
    }
    add_text(out, at, strlen(at));
}
