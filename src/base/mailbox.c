#include "base/mailbox.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct rw_mailbox {
    size_t capacity;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    struct rw_mail *first, **last;
    size_t bytes;
    bool closed;
};

struct rw_mailbox *rw_mailbox_create(size_t capacity_bytes)
{
    struct rw_mailbox *box = calloc(1, sizeof *box);
    if (!box)
        abort();
    box->capacity = capacity_bytes;
    box->last = &box->first;
    pthread_mutex_init(&box->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&box->changed, &attr);
    pthread_condattr_destroy(&attr);
    return box;
}

void rw_mailbox_destroy(struct rw_mailbox *box)
{
    if (!box)
        return;
    assert(!box->first);
    pthread_cond_destroy(&box->changed);
    pthread_mutex_destroy(&box->lock);
    free(box);
}

static int post(struct rw_mailbox *box, struct rw_mail *mail, size_t capacity, bool wake)
{
    pthread_mutex_lock(&box->lock);
    bool refused = box->closed || box->bytes > capacity || mail->bytes > capacity - box->bytes;
    if (!refused) {
        mail->next = NULL;
        *box->last = mail;
        box->last = &mail->next;
        box->bytes += mail->bytes;
    }
    pthread_mutex_unlock(&box->lock);
    if (wake && !refused)
        pthread_cond_signal(&box->changed); /* who wakes finds the lock free */
    return refused ? -1 : 0;
}

int rw_mailbox_put(struct rw_mailbox *box, struct rw_mail *mail)
{
    return post(box, mail, box->capacity, true);
}

int rw_mailbox_put_quietly(struct rw_mailbox *box, struct rw_mail *mail)
{
    return post(box, mail, box->capacity, false);
}

void rw_mailbox_wake(struct rw_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool waiting = box->first != NULL;
    pthread_mutex_unlock(&box->lock);
    if (waiting)
        pthread_cond_signal(&box->changed);
}

int rw_mailbox_force(struct rw_mailbox *box, struct rw_mail *mail)
{
    return post(box, mail, (size_t)-1, true);
}

static struct timespec deadline_in(int timeout_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

struct rw_mail *rw_mailbox_take(struct rw_mailbox *box, int timeout_ms)
{
    struct timespec deadline = timeout_ms > 0 ? deadline_in(timeout_ms) : (struct timespec){0};
    pthread_mutex_lock(&box->lock);
    int failed = 0;
    while (!box->first && !box->closed && !failed && timeout_ms)
        failed = timeout_ms < 0 ? pthread_cond_wait(&box->changed, &box->lock)
                                : pthread_cond_timedwait(&box->changed, &box->lock, &deadline);
    struct rw_mail *mail = box->first;
    if (mail) {
        box->first = mail->next;
        if (!box->first)
            box->last = &box->first;
        box->bytes -= mail->bytes;
        mail->next = NULL;
    }
    pthread_mutex_unlock(&box->lock);
    return mail;
}

void rw_mailbox_close(struct rw_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    box->closed = true;
    pthread_cond_broadcast(&box->changed);
    pthread_mutex_unlock(&box->lock);
}

bool rw_mailbox_closed(struct rw_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool closed = box->closed;
    pthread_mutex_unlock(&box->lock);
    return closed;
}

size_t rw_mailbox_bytes(struct rw_mailbox *box)
{
    pthread_mutex_lock(&box->lock);
    size_t bytes = box->bytes;
    pthread_mutex_unlock(&box->lock);
    return bytes;
}
