#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes that would end or colour a log line become '?'; UTF-8 passes. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
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
