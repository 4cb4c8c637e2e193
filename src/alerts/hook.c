#include "alerts/hook.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alerts/hook_inside.h"
#include "base/units.h"

enum {
    OUTGOING_MAX = 4 * 1024 * 1024, /* bytes; one request of any size fits */
    NEWS_MAX = 64 * 1024,           /* not asked: there are as many as letters */
    PICTURE_LOSSES_MAX = 2,         /* then a message goes without: the line has a limit */
};

#define OLD_US (3600 * RW_SECOND_US)

void rw_hook_letter_free(struct rw_hook_letter *letter)
{
    rw_hook_request_finish(&letter->request);
    free(letter);
}

void rw_hook_tell(struct rw_hook *hook, const struct rw_hook_news *news)
{
    struct rw_hook_news *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *news;
    copy->mail = (struct rw_mail){.bytes = sizeof *copy};
    if (rw_mailbox_force(hook->news, &copy->mail))
        free(copy);
    eventfd_write(hook->ready, 1);
}

/* -- what was said ---------------------------------------------------------------------------- */

static bool is_said(const struct rw_hook_said *said, const char *id)
{
    for (int i = 0; i < RW_HOOK_SAID_MAX; i++)
        if (!strcmp(said->events[i].id, id))
            return true;
    return false;
}

/* An event whose id is there already keeps its place: then its updates are told too. */
static void note_sent(struct rw_hook *hook, const struct rw_item *item, uint64_t ticket)
{
    struct rw_hook_said *said = &hook->said[item->camera];
    if (item->kind == RW_ITEM_DIGEST && !item->digest->rate) {
        said->digest = ticket;
        said->digest_us = item->digest->to_us;
    } else if (item->kind == RW_ITEM_EVENT && !is_said(said, item->event->id)) {
        rw_copy_text(said->events[said->next].id, RW_EVENT_ID_SIZE, item->event->id);
        said->events[said->next].ticket = ticket;
        said->next = (said->next + 1) % RW_HOOK_SAID_MAX;
    }
}

static void note_settled(struct rw_hook *hook, uint64_t ticket)
{
    for (int i = 0; i < hook->whole->camera_count; i++) {
        struct rw_hook_said *said = &hook->said[i];
        if (said->digest == ticket) {
            said->digest = 0;
            said->counted_us = said->digest_us;
            said->told_us = rw_now(hook->clock).boot_us;
        }
        for (int k = 0; k < RW_HOOK_SAID_MAX; k++)
            if (said->events[k].ticket == ticket)
                said->events[k].ticket = 0;
    }
}

static void forget_unsettled(struct rw_hook *hook)
{
    for (int i = 0; i < hook->whole->camera_count; i++) {
        struct rw_hook_said *said = &hook->said[i];
        said->digest = 0;
        for (int k = 0; k < RW_HOOK_SAID_MAX; k++)
            if (said->events[k].ticket) {
                said->events[k].ticket = 0;
                said->events[k].id[0] = 0;
            }
    }
}

/* Nothing has to be told: the people who read know of the event already, or a digest has counted it
 * and it is old by now. A service that takes a backlog in small helpings is given no digest with
 * each of them. */
static bool is_passed_over(const struct rw_hook *hook, const struct rw_item *item)
{
    const struct rw_hook_said *said = &hook->said[item->camera];
    if (item->kind == RW_ITEM_DIGEST)
        return !item->digest->rate && item->digest->from_us <= said->counted_us &&
               rw_now(hook->clock).boot_us - said->told_us < OLD_US;
    const struct rw_event *event = item->event;
    int64_t at_us = event->end_us ? event->end_us : event->start_us;
    if (!hook->config->updates && is_said(said, event->id))
        return true;
    return at_us <= said->counted_us && rw_now(hook->clock).utc_us - at_us > OLD_US;
}

/* -- the courier ------------------------------------------------------------------------------ */

static bool takes_picture(struct rw_hook *hook, const struct rw_item *item)
{
    bool takes = hook->picture_losses < PICTURE_LOSSES_MAX;
    bool has = item->kind == RW_ITEM_EVENT && (item->snapshot->size || item->thumbnail->size);
    if (!takes && has)
        hook->picture_losses = PICTURE_LOSSES_MAX - 1; /* the next one gets one chance */
    return takes;
}

static void describe(const struct rw_hook *hook, const struct rw_item *item, char *out, size_t size)
{
    const char *camera = hook->whole->cameras[item->camera].id;
    if (item->kind == RW_ITEM_DIGEST)
        snprintf(out, size, "the digest of %s", camera);
    else
        snprintf(out, size, "the event %s of %s", item->event->id, camera);
}

static struct rw_hook_letter *write_letter(struct rw_hook *hook, const struct rw_item *item)
{
    struct rw_hook_letter *letter = calloc(1, sizeof *letter);
    if (!letter)
        abort();
    struct rw_hook_request *request = &letter->request;
    letter->ticket = hook->tickets + 1;
    letter->connection = hook->connection;
    describe(hook, item, letter->about, sizeof letter->about);
    rw_hook_request_make(hook->whole, hook->config, item, takes_picture(hook, item),
                         rw_now(hook->clock).utc_us, request);
    letter->mail.bytes =
        sizeof *letter + request->url.size + request->head.size + request->body.size;
    return letter;
}

static uint64_t send(void *self, const struct rw_item *item)
{
    struct rw_hook *hook = self;
    if (!hook->up)
        return 0;
    if (is_passed_over(hook, item)) {
        rw_hook_tell(hook,
                     &(struct rw_hook_news){.kind = RW_HOOK_PASSED, .ticket = ++hook->tickets});
        return hook->tickets;
    }
    struct rw_hook_letter *letter = write_letter(hook, item);
    if (rw_mailbox_put(hook->outgoing, &letter->mail)) {
        rw_hook_letter_free(letter);
        return 0;
    }
    eventfd_write(hook->wake, 1);
    note_sent(hook, item, ++hook->tickets);
    return hook->tickets;
}

struct rw_courier rw_hook_courier(struct rw_hook *hook)
{
    return (struct rw_courier){
        .self = hook,
        .name = hook->config->id,
        .carries = RW_ITEM_EVENT | RW_ITEM_DIGEST,
        .send = send,
    };
}

struct rw_hook_news *rw_hook_take(struct rw_hook *hook)
{
    struct rw_hook_news *news = (struct rw_hook_news *)rw_mailbox_take(hook->news, 0);
    if (!news)
        return NULL;
    if (news->kind == RW_HOOK_UP) {
        hook->up = true;
        hook->connection = news->connection;
    } else if (news->kind == RW_HOOK_DOWN) {
        hook->up = false;
        forget_unsettled(hook);
        if (news->pictured)
            hook->picture_losses = news->unwanted ? PICTURE_LOSSES_MAX : hook->picture_losses + 1;
    } else {
        note_settled(hook, news->ticket);
        if (news->pictured)
            hook->picture_losses = 0;
    }
    return news;
}

/* -- beginning and end ------------------------------------------------------------------------ */

static void hook_free(struct rw_hook *hook)
{
    struct rw_mail *mail;
    while ((mail = rw_mailbox_take(hook->outgoing, 0)))
        rw_hook_letter_free((struct rw_hook_letter *)mail);
    rw_mailbox_destroy(hook->outgoing);
    while ((mail = rw_mailbox_take(hook->news, 0)))
        free(mail);
    rw_mailbox_destroy(hook->news);
    if (hook->wake >= 0)
        close(hook->wake);
    if (hook->done >= 0)
        close(hook->done);
    free(hook->said);
    free(hook);
}

struct rw_hook *rw_hook_create(const struct rw_config *config, const struct rw_hook_config *of,
                               const struct rw_clock *clock, int ready, struct rw_err *err)
{
    struct rw_hook *hook = calloc(1, sizeof *hook);
    if (hook)
        hook->said = calloc((size_t)config->camera_count, sizeof *hook->said);
    if (!hook || !hook->said)
        abort();
    hook->whole = config;
    hook->config = of;
    hook->clock = clock;
    hook->ready = ready;
    hook->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hook->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hook->outgoing = rw_mailbox_create(OUTGOING_MAX);
    hook->news = rw_mailbox_create(NEWS_MAX);
    if (hook->wake >= 0 && hook->done >= 0 &&
        !pthread_create(&hook->thread, NULL, rw_hook_thread, hook))
        return hook;
    rw_fail(err, RW_ENOMEM, "the system has no thread or descriptor left for the webhook %s",
            of->id);
    hook_free(hook);
    return NULL;
}

void rw_hook_stop(struct rw_hook *hook)
{
    atomic_store(&hook->stop, true);
    eventfd_write(hook->wake, 1);
}

bool rw_hook_destroy(struct rw_hook *hook, int64_t until_us)
{
    rw_hook_stop(hook);
    int64_t left_ms = (until_us - rw_now(hook->clock).boot_us) / 1000;
    struct pollfd done = {.fd = hook->done, .events = POLLIN};
    if (poll(&done, 1, left_ms > 0 ? (int)left_ms : 0) < 1) {
        pthread_detach(hook->thread); /* all that it uses is left to it */
        return false;
    }
    pthread_join(hook->thread, NULL);
    hook_free(hook);
    return true;
}
