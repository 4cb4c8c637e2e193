#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Length of the UTF-8 sequence at text (RFC 3629, section 4), 0 where there is none. */
static int sequence_length(const unsigned char *text)
{
    int more = text[0] < 0x80 ? 0 : text[0] < 0xe0 ? 1 : text[0] < 0xf0 ? 2 : 3;
    if ((text[0] >= 0x80 && text[0] < 0xc2) || text[0] > 0xf4)
        return 0;
    for (int i = 1; i <= more; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool wrong = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
                 (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f);
    return wrong ? 0 : more + 1;
}

/* Bytes that would end or colour a log line, or are no UTF-8, become '?'. So does the half of a
 * character that the end of the buffer cut off. */
static void make_printable(char *text)
{
    while (*text) {
        unsigned char *at = (unsigned char *)text;
        int length = sequence_length(at);
        bool control = *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0);
        for (int i = 0; i < length && control; i++)
            text[i] = '?';
        if (!length)
            *text = '?';
        text += length ? length : 1;
    }
}

int rw_fail(struct rw_err *err, enum rw_code code, const char *format, ...)
{
    if (!err)
        return -1;
    va_list args;
    va_start(args, format);
    char text[sizeof err->text]; /* the arguments may point into *err */
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);
    err->code = code;
    memcpy(err->text, text, sizeof text);
    return -1;
}

int rw_fail_in(struct rw_err *err, const char *prefix)
{
    if (err)
        rw_fail(err, err->code, "%s: %s", prefix, err->text);
    return -1;
}

enum rw_code rw_code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return RW_ENOSPC;
    case EROFS:
        return RW_EROFS;
    case ENOENT:
    case ENOTDIR:
        return RW_ENOTFOUND;
    case EBUSY:
    case EAGAIN:
        return RW_EBUSY;
    case ENOMEM:
        return RW_ENOMEM;
    case ETIMEDOUT:
        return RW_ETIMEOUT;
    case EINVAL:
        return RW_EINVAL;
    default:
        return RW_EIO;
    }
}
