/* getaddrinfo(3) cannot be interrupted, and waits long where the network is away. So a thread asks,
 * and who gives up on it leaves it the answer to throw away. */
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "media/source_internal.h"

struct lookup {
    atomic_int refs; /* the asker's and the thread's */
    int done_fd;     /* eventfd: rc is there */
    int rc;          /* getaddrinfo's */
    struct rw_url url;
};

static void lookup_unref(struct lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->refs, 1) != 1)
        return;
    close(lookup->done_fd);
    free(lookup);
}

static int look_up(const struct rw_url *url, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(url->host, url->port, &hints, &found);
    if (rc == 0)
        freeaddrinfo(found);
    return rc;
}

static void *lookup_main(void *arg)
{
    struct lookup *lookup = arg;
    lookup->rc = look_up(&lookup->url, 0);
    eventfd_write(lookup->done_fd, 1);
    lookup_unref(lookup);
    return NULL;
}

static struct lookup *lookup_start(const struct rw_url *url)
{
    pthread_t thread;
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    lookup->url = *url;
    lookup->done_fd = eventfd(0, EFD_CLOEXEC);
    atomic_init(&lookup->refs, 2);
    if (lookup->done_fd < 0 || pthread_create(&thread, NULL, lookup_main, lookup) != 0) {
        if (lookup->done_fd >= 0)
            close(lookup->done_fd);
        free(lookup);
        return NULL;
    }
    pthread_detach(thread);
    return lookup;
}

int rw_url_resolve(const struct rw_url *url, const struct rw_watchdog *watchdog, struct rw_err *err)
{
    if (look_up(url, AI_NUMERICHOST) == 0)
        return 0;
    struct lookup *lookup = lookup_start(url);
    if (!lookup)
        return rw_fail(err, RW_ENOMEM, "no memory to look up a name");
    struct pollfd ready[2] = {{.fd = lookup->done_fd, .events = POLLIN}, {.fd = -1}};
    if (watchdog->cancel)
        ready[1] = (struct pollfd){.fd = rw_cancel_fd(watchdog->cancel), .events = POLLIN};
    int64_t left_ms = (watchdog->deadline_us - rw_monotonic_us()) / 1000;
    poll(ready, 2, left_ms > 0 ? (int)left_ms : 0);
    int rc = ready[0].revents ? lookup->rc : EAI_AGAIN;
    lookup_unref(lookup);
    if (ready[1].revents)
        return rw_fail(err, RW_ECANCELED, "given up on request");
    if (rc == EAI_AGAIN)
        return rw_fail(err, RW_ENET,
                       "the name \"%s\" cannot be looked up; check the network, or "
                       "write the camera's address as a number",
                       url->host);
    if (rc != 0)
        return rw_fail(err, RW_ENET, "the name \"%s\" is not known here (%s); check the url",
                       url->host, gai_strerror(rc));
    return 0;
}
