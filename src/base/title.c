#include "base/title.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

size_t rw_title_room(void)
{
    char bytes[512];
    size_t room = 0;
    ssize_t got;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        room += (size_t)got;
    close(fd);
    return got ? 0 : room;
}

size_t rw_title_size(const char *const words[])
{
    size_t size = 0;
    for (int i = 0; words[i]; i++)
        size += strlen(words[i]) + 1;
    return size;
}

/* The C library keeps argv[0], with which the arguments begin. */
void rw_title_set(const char *const words[])
{
    char *at = program_invocation_name;
    size_t room = rw_title_room();
    if (!room)
        return;
    memset(at, 0, room);
    char *last = at + room - 1; /* stays NUL */
    for (int i = 0; words[i] && at < last; i++) {
        size_t size = strlen(words[i]), left = (size_t)(last - at);
        memcpy(at, words[i], size < left ? size : left);
        at += size + 1;
    }
}
