#include "base/cancel.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct rw_cancel {
    atomic_bool requested;
    int fd;
};

struct rw_cancel *rw_cancel_create(void)
{
    struct rw_cancel *cancel = calloc(1, sizeof *cancel);
    if (!cancel)
        abort();
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd < 0)
        abort();
    return cancel;
}

void rw_cancel_destroy(struct rw_cancel *cancel)
{
    if (!cancel)
        return;
    close(cancel->fd);
    free(cancel);
}

void rw_cancel_request(struct rw_cancel *cancel)
{
    int saved = errno;
    atomic_store(&cancel->requested, true);
    const uint64_t one = 1;
    if (write(cancel->fd, &one, sizeof one) < 0)
        errno = saved; /* the counter is full: it is readable already */
    errno = saved;
}

bool rw_cancel_requested(const struct rw_cancel *cancel)
{
    return atomic_load(&cancel->requested);
}

bool rw_cancel_wait(struct rw_cancel *cancel, int timeout_ms)
{
    struct pollfd poller = {.fd = cancel->fd, .events = POLLIN};
    if (!rw_cancel_requested(cancel))
        poll(&poller, 1, timeout_ms);
    return rw_cancel_requested(cancel);
}

int rw_cancel_fd(const struct rw_cancel *cancel)
{
    return cancel->fd;
}
