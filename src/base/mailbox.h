/* A mailbox: many threads put, one takes. Bounded in bytes; what happens at the bound is the
 * putter's decision, which is why rw_mailbox_put() refuses instead of dropping. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct rw_mail {
    struct rw_mail *next; /* the mailbox's */
    size_t bytes;         /* what it weighs, set by the putter */
};

struct rw_mailbox;

struct rw_mailbox *rw_mailbox_create(size_t capacity_bytes);
void rw_mailbox_destroy(struct rw_mailbox *box); /* must be empty: take until NULL first */

/* 0: the mailbox owns the mail. -1: full or closed, the caller still owns it. */
int rw_mailbox_put(struct rw_mailbox *box, struct rw_mail *mail);
/* The same without waking the taker: it finds the mail when its waiting time is over, other mail
 * wakes it or rw_mailbox_wake() does. For packets that come often: waking costs more than handling.
 */
int rw_mailbox_put_quietly(struct rw_mailbox *box, struct rw_mail *mail);
void rw_mailbox_wake(struct rw_mailbox *box); /* the taker, if mail is waiting */
/* For the few small words of command that must arrive: ignores the bound. -1 only when closed. */
int rw_mailbox_force(struct rw_mailbox *box, struct rw_mail *mail);
/* Waits at most timeout_ms (-1: for ever) for a mail, which then is the caller's. NULL: none came,
 * or the mailbox is closed and empty. */
struct rw_mail *rw_mailbox_take(struct rw_mailbox *box, int timeout_ms);
/* No more puts; the taker still gets what is in it, then NULL at once. */
void rw_mailbox_close(struct rw_mailbox *box);
bool rw_mailbox_closed(struct rw_mailbox *box);
size_t rw_mailbox_bytes(struct rw_mailbox *box); /* weight of what waits now */
