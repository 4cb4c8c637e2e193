/* A courier to one webhook. A thread of its own makes the requests, one after the other, so that
 * one that hangs holds back nobody; everything here is the main thread's and never blocks, except
 * destroy. Main and that thread meet in two mailboxes, bounded in bytes.
 *
 * A webhook has no connection. It counts as connected until a request fails that would do later;
 * then what waits in the mailbox is forgotten (the outbox reads it again), and after some patience
 * it counts as connected again. What it refuses for good is passed over. */
#pragma once

#include "alerts/courier.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mailbox.h"

enum rw_hook_news_kind {
    RW_HOOK_UP,   /* items can go */
    RW_HOOK_DOWN, /* they cannot, or this one could not; text: why, one sentence */
    RW_HOOK_TOLD,
    RW_HOOK_PASSED,      /* nothing had to be told */
    RW_HOOK_TURNED_AWAY, /* refused for good; text: why */
};

struct rw_hook_news {
    struct rw_mail mail; /* first */
    enum rw_hook_news_kind kind;
    unsigned connection;
    uint64_t ticket; /* not of UP */
    bool pictured;   /* a picture was in it */
    bool unwanted;   /* DOWN: because of that, it seems */
    char about[96];  /* TURNED_AWAY: "the event 01JD… of gate" */
    char text[200];
};

struct rw_hook;

/* Borrows all of it. ready: an eventfd that is written to when there is news, shared by all hooks.
 * After curl_global_init(). NULL with *err. */
struct rw_hook *rw_hook_create(const struct rw_config *config, const struct rw_hook_config *hook,
                               const struct rw_clock *clock, int ready, struct rw_err *err);
/* What it is doing is broken off; then destroy is quick. */
void rw_hook_stop(struct rw_hook *hook);
/* Waits until the thread has ended, or until this time of CLOCK_BOOTTIME: then the thread, which a
 * name look-up holds, is left behind for the process's end, with the eventfd: false. */
bool rw_hook_destroy(struct rw_hook *hook, int64_t until_us);

struct rw_courier rw_hook_courier(struct rw_hook *hook);
/* The next news, the caller's for free(), or NULL. */
struct rw_hook_news *rw_hook_take(struct rw_hook *hook);
