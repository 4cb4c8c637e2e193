/* What the two threads of a webhook share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "alerts/hook.h"
#include "alerts/hook_request.h"

/* main to thread */
struct rw_hook_letter {
    struct rw_mail mail; /* first */
    uint64_t ticket;
    unsigned connection;
    char about[96];
    struct rw_hook_request request;
};
void rw_hook_letter_free(struct rw_hook_letter *letter);

/* The last events of a camera of which something was sent. */
enum { RW_HOOK_SAID_MAX = 64 };
struct rw_hook_said {
    int next;
    struct {
        char id[RW_EVENT_ID_SIZE];
        uint64_t ticket; /* 0: it was told */
    } events[RW_HOOK_SAID_MAX];
    uint64_t digest;    /* of a backlog: its ticket, 0: none is on its way */
    int64_t digest_us;  /* UTC to which that one counts */
    int64_t told_us;    /* CLOCK_BOOTTIME of the last that was told */
    int64_t counted_us; /* UTC to which a digest has told: what is older than an hour then is not
                         * told one by one */
};

struct rw_hook {
    /* set before the thread starts */
    const struct rw_config *whole;
    const struct rw_hook_config *config;
    const struct rw_clock *clock;
    int ready;      /* borrowed */
    int wake, done; /* eventfds: to the thread; the thread has nothing more to do */
    struct rw_mailbox *outgoing, *news;
    pthread_t thread;
    atomic_bool stop;

    /* main thread only */
    bool up;
    unsigned connection;
    uint64_t tickets;
    int picture_losses;        /* in a row; at two, one goes without */
    struct rw_hook_said *said; /* of each camera */
};

/* Either thread. */
void rw_hook_tell(struct rw_hook *hook, const struct rw_hook_news *news);
void *rw_hook_thread(void *hook);
