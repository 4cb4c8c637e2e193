/* getaddrinfo(3) cannot be interrupted, and waits long where the network is away. So a thread asks,
 * and who gives up on it leaves it the answer to throw away. */
#include "media/resolve.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

struct lookup {
    atomic_int refs; /* the asker's and the thread's */
    int done_fd;     /* eventfd: rc and found are there */
    int rc;          /* getaddrinfo's */
    struct addrinfo *found;
    struct rw_url url;
};

static void lookup_unref(struct lookup *lookup)
{
    if (atomic_fetch_sub(&lookup->refs, 1) != 1)
        return;
    if (lookup->found)
        freeaddrinfo(lookup->found);
    close(lookup->done_fd);
    free(lookup);
}

static int look_up(const struct rw_url *url, int flags, struct addrinfo **found)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    *found = NULL;
    return getaddrinfo(url->host, url->port, &hints, found);
}

static void *lookup_main(void *arg)
{
    struct lookup *lookup = arg;
    lookup->rc = look_up(&lookup->url, 0, &lookup->found);
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

static struct addrinfo *take_found(struct lookup *lookup)
{
    struct addrinfo *found = lookup->found;
    lookup->found = NULL;
    return found;
}

struct addrinfo *rw_resolve(const struct rw_url *url, const struct rw_patience *patience,
                            struct rw_err *err)
{
    struct addrinfo *found = NULL;
    if (look_up(url, AI_NUMERICHOST, &found) == 0)
        return found;
    struct lookup *lookup = lookup_start(url);
    if (!lookup) {
        rw_fail(err, RW_ENOMEM, "no memory to look up a name");
        return NULL;
    }
    struct pollfd ready[2] = {{.fd = lookup->done_fd, .events = POLLIN}, {.fd = -1}};
    if (patience->cancel)
        ready[1] = (struct pollfd){.fd = rw_cancel_fd(patience->cancel), .events = POLLIN};
    int64_t left_ms = (patience->deadline_us - rw_monotonic_us()) / 1000;
    poll(ready, 2, left_ms > 0 ? (int)left_ms : 0);
    int rc = ready[0].revents ? lookup->rc : EAI_AGAIN;
    if (ready[0].revents)
        found = take_found(lookup);
    lookup_unref(lookup);
    if (found)
        return found;
    if (ready[1].revents)
        rw_fail(err, RW_ECANCELED, "given up on request");
    else if (rc == EAI_AGAIN)
        rw_fail(err, RW_ENET,
                "the name \"%s\" cannot be looked up; check the network, or "
                "write the camera's address as a number",
                url->host);
    else
        rw_fail(err, RW_ENET, "the name \"%s\" is not known here (%s); check the url", url->host,
                gai_strerror(rc));
    return NULL;
}
