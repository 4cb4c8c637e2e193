#include "config/reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/tree.h"

enum { WHERE_SIZE = 160, SENTENCE_SIZE = 280, PATH_SHOWN = 140 };

/* A path that would leave no room for the sentence keeps its end. */
static const char *shown_path(const char *path)
{
    size_t size = strlen(path);
    return size > PATH_SHOWN ? path + size - PATH_SHOWN : path;
}

int rw_fail_on_line(const struct rw_reading *reading, int line, const char *format, ...)
{
    char sentence[SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return rw_fail(reading->err, RW_EINVAL, "%s:%d: %s", shown_path(reading->path), line, sentence);
}

int rw_fail_at(const struct rw_reading *reading, const struct rw_node *node, const char *format,
               ...)
{
    char where[WHERE_SIZE], sentence[SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    rw_node_where(node, where, sizeof where);
    return rw_fail_on_line(reading, node->line, "%s %s", where, sentence);
}

char *rw_text_copy(const char *text)
{
    char *copy = strdup(text ? text : "");
    if (!copy)
        abort();
    return copy;
}

void rw_text_wipe(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

char *rw_text_beside(const struct rw_reading *reading, const char *path)
{
    const char *slash = strrchr(reading->path, '/');
    if (*path == '/' || !slash)
        return rw_text_copy(path);
    struct rw_buf joined = {0};
    rw_buf_printf(&joined, "%.*s/%s", (int)(slash - reading->path), reading->path, path);
    char *copy = rw_text_copy((char *)joined.data);
    rw_buf_finish(&joined);
    return copy;
}
