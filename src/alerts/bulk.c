#include "alerts/bulk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "base/units.h"

#define PATIENCE_US                                                                                \
    (60 * RW_SECOND_US) /* without the second connection, though the first stands                  \
                         */
#define RECENT_US (10 * RW_SECOND_US)

struct rw_bulk {
    const struct rw_clock *clock;
    struct rw_broker *words, *behind;
    bool up;
    int64_t missed_us; /* CLOCK_BOOTTIME since which it is missed */
    int64_t asked_us;  /* CLOCK_BOOTTIME when that was last found */
    bool logged;
    char reason[200]; /* why there is none */
};

struct rw_bulk *rw_bulk_create(const struct rw_config *config, struct rw_broker *words,
                               const struct rw_clock *clock, struct rw_err *err)
{
    struct rw_bulk *bulk = calloc(1, sizeof *bulk);
    if (!bulk)
        abort();
    bulk->clock = clock;
    bulk->words = words;
    bulk->behind = rw_broker_create(config, words, err);
    if (bulk->behind)
        return bulk;
    free(bulk);
    return NULL;
}

void rw_bulk_destroy(struct rw_bulk *bulk)
{
    if (!bulk)
        return;
    rw_broker_destroy(bulk->behind);
    free(bulk);
}

int rw_bulk_fd(const struct rw_bulk *bulk)
{
    return rw_broker_fd(bulk->behind);
}

static void handle(struct rw_bulk *bulk, const struct rw_report *report, struct rw_outbox *outbox)
{
    switch (report->kind) {
    case RW_REPORT_UP:
        bulk->up = true;
        break;
    case RW_REPORT_DOWN:
        if (bulk->up)
            rw_outbox_pictures_lost(outbox);
        bulk->up = false;
        memcpy(bulk->reason, report->text, sizeof bulk->reason);
        break;
    case RW_REPORT_ACKED:
        rw_outbox_acked(outbox, report->ticket, report->text[0] ? report->text : NULL);
        break;
    case RW_REPORT_COMMAND:
    case RW_REPORT_FOUND:
        break; /* it subscribes to nothing */
    }
}

void rw_bulk_handle(struct rw_bulk *bulk, struct rw_outbox *outbox)
{
    eventfd_t ignored;
    eventfd_read(rw_broker_fd(bulk->behind), &ignored);
    struct rw_report *report;
    while ((report = rw_broker_take(bulk->behind))) {
        handle(bulk, report, outbox);
        free(report);
    }
}

/* Some brokers let a login, or an address, connect but once. */
static bool do_without(struct rw_bulk *bulk)
{
    int64_t now_us = rw_now(bulk->clock).boot_us;
    if (now_us - bulk->asked_us > RECENT_US)
        bulk->missed_us = now_us;
    bulk->asked_us = now_us;
    if (now_us - bulk->missed_us < PATIENCE_US)
        return false;
    if (!bulk->logged)
        rw_log(
            RW_LOG_WARNING, "alerts",
            "the broker does not take a second connection for films and late pictures (%s); they "
            "go over the first, and alerts wait behind them on a slow line",
            bulk->reason);
    bulk->logged = true;
    return true;
}

uint64_t rw_bulk_publish(void *self, const struct rw_message *message)
{
    struct rw_bulk *bulk = self;
    if (bulk->up)
        return rw_broker_publish(bulk->behind, message);
    return do_without(bulk) ? rw_broker_publish(bulk->words, message) : 0;
}
