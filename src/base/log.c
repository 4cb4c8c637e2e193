#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int write_stamp(enum rw_level level, char *out, size_t size)
{
    if (getenv("JOURNAL_STREAM"))
        return snprintf(out, size, "<%d>", (int)level);
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t used = strftime(out, size, "%H:%M:%S", &local);
    return (int)used + snprintf(out + used, size - used, ".%03ld ", now.tv_nsec / 1000000);
}

void rw_log(enum rw_level level, const char *subject, const char *format, ...)
{
    if (level == RW_LOG_DEBUG && !getenv("ROADWATCH_DEBUG"))
        return;
    char line[1024];
    int used = write_stamp(level, line, 32);
    used += snprintf(line + used, 80, "%.64s: ", subject);
    va_list args;
    va_start(args, format);
    int text = vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, args);
    va_end(args);
    int room = (int)sizeof line - 2 - used;
    used += text < room ? text : room;
    for (int i = 0; i < used; i++)
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)used) < 0)
        return; /* nobody listens: there is nowhere to say so */
}
