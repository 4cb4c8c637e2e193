#include "media/rtsp/patience.h"

#include <poll.h>
#include <stdbool.h>

#include "base/clock.h"

int64_t rw_patience_left_us(const struct rw_patience *patience)
{
    int64_t left = patience->deadline_us - rw_monotonic_us();
    return left > 0 ? left : 0;
}

int rw_patience_wait(const struct rw_patience *patience, int fd, short events, int timeout_ms,
                     struct rw_err *err)
{
    struct pollfd ready[2] = {{.fd = fd, .events = events}, {.fd = -1}};
    if (patience->cancel)
        ready[1] = (struct pollfd){.fd = rw_cancel_fd(patience->cancel), .events = POLLIN};
    int64_t left_ms = (rw_patience_left_us(patience) + 999) / 1000;
    bool by_deadline = timeout_ms < 0 || left_ms < timeout_ms;
    if (!left_ms)
        ready[0].fd = -1; /* whatever is there: the time is over */
    int rc = poll(ready, 2, by_deadline ? (int)left_ms : timeout_ms);
    if (ready[1].revents)
        return rw_fail(err, RW_ECANCELED, "given up on request");
    if (rc > 0)
        return 1;
    if (rc == 0 && by_deadline)
        return rw_fail(err, RW_ETIMEOUT, "it took too long");
    return 0;
}
