#include "camera/ask.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct asked {
    struct rw_ask ask; /* first: the pointer handed out */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;      /* under lock */
    int references; /* under lock */
};

struct rw_ask *rw_ask_create(enum rw_ask_word word)
{
    struct asked *asked = calloc(1, sizeof *asked);
    if (!asked)
        abort();
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_mutex_init(&asked->lock, NULL);
    pthread_cond_init(&asked->answered, &steady);
    pthread_condattr_destroy(&steady);
    asked->ask.word = word;
    asked->references = 2;
    return &asked->ask;
}

void rw_ask_unref(struct rw_ask *ask)
{
    struct asked *asked = (struct asked *)ask;
    if (!asked)
        return;
    pthread_mutex_lock(&asked->lock);
    int left = --asked->references;
    pthread_mutex_unlock(&asked->lock);
    if (left)
        return;
    pthread_cond_destroy(&asked->answered);
    pthread_mutex_destroy(&asked->lock);
    free(asked);
}

static void perform(struct rw_ask *ask, struct rw_store *store)
{
    switch (ask->word) {
    case RW_ASK_COST:
        ask->failed =
            rw_store_hold_cost(store, ask->hold.from_us, ask->hold.to_us, &ask->cost, &ask->err);
        break;
    case RW_ASK_HOLD:
        ask->failed = rw_store_hold(store, &ask->hold, &ask->cost, &ask->err);
        break;
    case RW_ASK_RELEASE:
        ask->failed = rw_store_release(store, ask->hold.id, ask->hold.by, &ask->err);
        break;
    }
}

void rw_ask_answer(struct rw_ask *ask, struct rw_store *store)
{
    struct asked *asked = (struct asked *)ask;
    perform(ask, store);
    pthread_mutex_lock(&asked->lock);
    asked->done = true;
    pthread_cond_signal(&asked->answered);
    pthread_mutex_unlock(&asked->lock);
    rw_ask_unref(ask);
}

bool rw_ask_wait(struct rw_ask *ask, int timeout_ms)
{
    struct asked *asked = (struct asked *)ask;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&asked->lock);
    int late = 0;
    while (!asked->done && !late)
        late = pthread_cond_timedwait(&asked->answered, &asked->lock, &until) == ETIMEDOUT;
    bool done = asked->done;
    pthread_mutex_unlock(&asked->lock);
    return done;
}
