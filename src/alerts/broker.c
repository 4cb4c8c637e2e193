#include "alerts/broker.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alerts/broker_inside.h"
#include "alerts/discovery.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/units.h"

enum {
    END_TIMEOUT_MS = 1000,
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MAX_MS = 10000,
    BEHIND_MS = 250, /* so often the second connection looks whether the first stands */
    OUTGOING_MAX = 16 * 1024 * 1024, /* bytes */
    REPORTS_MAX = 64 * 1024,         /* bytes of commands; other reports always fit */
    BURST_MIN = 4 * 1024,            /* bytes; less says more of the way there than of its width */
};

#define BURST_US RW_SECOND_US              /* one that does not end is measured so often */
#define TICKETS_BEHIND (UINT64_C(1) << 62) /* the second connection's begin here */

/* -- the thread ------------------------------------------------------------------------------- */

/* Waits for the time of the next attempt, or to be stopped. */
static void pause_thread(struct rw_broker *broker, int wait_ms)
{
    int64_t until_us = rw_now(rw_clock_system()).boot_us + (int64_t)wait_ms * 1000;
    for (int64_t left_us; (left_us = until_us - rw_now(rw_clock_system()).boot_us) > 0 &&
                          !atomic_load(&broker->stop);) {
        struct pollfd fd = {.fd = broker->wake, .events = POLLIN};
        poll(&fd, 1, (int)(left_us / 1000) + 1);
        eventfd_t ignored;
        eventfd_read(broker->wake, &ignored);
    }
}

/* Between three quarters of the time and five quarters: boxes that lost the same broker do not all
 * come back in one moment. */
static int jittered(int wait_ms)
{
    unsigned random;
    rw_random(&random, sizeof random);
    return wait_ms * 3 / 4 + (int)(random % (unsigned)(wait_ms / 2));
}

/* One connection. True: it was up. *again: try at once with the older version. */
static bool connect_once(struct rw_broker *broker, int version, bool *again)
{
    struct rw_link_end end;
    rw_link_run(broker, version, &end);
    *again = !end.was_up && end.other_version && version == MQTT_PROTOCOL_V5;
    if (!*again)
        rw_report_send(broker, RW_REPORT_DOWN, end.reason);
    return end.was_up;
}

static void *run(void *arg)
{
    struct rw_broker *broker = arg;
    int wait_ms = BACKOFF_FIRST_MS;
    while (!atomic_load(&broker->stop)) {
        if (broker->ahead && !atomic_load(&broker->ahead->stands)) {
            pause_thread(broker, BEHIND_MS);
            continue;
        }
        bool again = false;
        bool was_up = connect_once(broker, MQTT_PROTOCOL_V5, &again);
        if (again && !atomic_load(&broker->stop))
            was_up = connect_once(broker, MQTT_PROTOCOL_V311, &again);
        if (was_up)
            wait_ms = BACKOFF_FIRST_MS;
        if (!atomic_load(&broker->stop))
            pause_thread(broker, jittered(wait_ms));
        wait_ms = wait_ms * 2 < BACKOFF_MAX_MS ? wait_ms * 2 : BACKOFF_MAX_MS;
    }
    eventfd_write(broker->done, 1);
    return NULL;
}

/* -- main thread ------------------------------------------------------------------------------ */

static void empty(struct rw_mailbox *box)
{
    struct rw_mail *mail;
    while ((mail = rw_mailbox_take(box, 0)))
        free(mail);
    rw_mailbox_destroy(box);
}

static void broker_free(struct rw_broker *broker)
{
    empty(broker->outgoing);
    empty(broker->reports);
    if (broker->wake >= 0)
        close(broker->wake);
    if (broker->ready >= 0)
        close(broker->ready);
    if (broker->done >= 0)
        close(broker->done);
    free(broker->base);
    free(broker->discovery);
    free(broker);
    mosquitto_lib_cleanup();
}

static int check_names(const struct rw_broker *broker, struct rw_err *err)
{
    if (strlen(broker->base) > 120 || mosquitto_pub_topic_check(broker->base))
        return rw_fail(err, RW_EINVAL,
                       "mqtt.prefix cannot stand in an MQTT topic; use a short "
                       "word without + and #");
    return 0;
}

struct rw_broker *rw_broker_create(const struct rw_config *config, const struct rw_broker *ahead,
                                   struct rw_err *err)
{
    struct rw_broker *broker = calloc(1, sizeof *broker);
    if (!broker)
        abort();
    mosquitto_lib_init();
    broker->mqtt = &config->mqtt;
    /* Always the same: the broker ends the last session, and sends its will, before this one
     * begins, so a late "offline" never covers an "online". */
    snprintf(broker->client_id, sizeof broker->client_id, "roadwatch-%s%s", config->site.id,
             ahead ? "-pictures" : "");
    broker->ahead = ahead;
    broker->tickets = ahead ? TICKETS_BEHIND : 0;
    if (asprintf(&broker->base, "%s/%s/", config->mqtt.prefix, config->site.id) < 0)
        abort();
    if (asprintf(&broker->discovery, "%s%s/", RW_DISCOVERY_BASE, config->site.id) < 0)
        abort();
    broker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    broker->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    broker->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    broker->outgoing = rw_mailbox_create(OUTGOING_MAX);
    broker->reports = rw_mailbox_create(REPORTS_MAX);
    if (check_names(broker, err))
        goto fail;
    if (broker->wake < 0 || broker->ready < 0 || broker->done < 0 ||
        pthread_create(&broker->thread, NULL, run, broker)) {
        rw_fail(err, RW_ENOMEM, "the system has no thread or descriptor left for the alerts role");
        goto fail;
    }
    return broker;
fail:
    broker_free(broker);
    return NULL;
}

void rw_broker_destroy(struct rw_broker *broker)
{
    if (!broker)
        return;
    atomic_store(&broker->stop, true);
    eventfd_write(broker->wake, 1);
    struct pollfd done = {.fd = broker->done, .events = POLLIN};
    if (poll(&done, 1, END_TIMEOUT_MS) < 1) {
        pthread_detach(broker->thread); /* all that it uses is left to it */
        return;
    }
    pthread_join(broker->thread, NULL);
    broker_free(broker);
}

int rw_broker_fd(const struct rw_broker *broker)
{
    return broker->ready;
}

/* -- how much the line takes ------------------------------------------------------------------ */

static int64_t boot_now(void)
{
    return rw_now(rw_clock_system()).boot_us;
}

static void burst_begin(struct rw_broker *broker)
{
    broker->burst_us = boot_now();
    broker->burst = 0;
}

static void burst_confirm(struct rw_broker *broker, size_t bytes)
{
    bool last = atomic_fetch_sub(&broker->under_way, 1) == 1;
    broker->burst += bytes;
    int64_t took_us = boot_now() - broker->burst_us + 1;
    if (broker->burst < BURST_MIN || (!last && took_us < BURST_US))
        return;
    int64_t rate = (int64_t)broker->burst * RW_SECOND_US / took_us, before = broker->rate;
    atomic_store(&broker->rate, before ? (before + rate) / 2 : rate);
    burst_begin(broker);
}

bool rw_broker_is_thin(const struct rw_broker *broker)
{
    int64_t rate = atomic_load(&broker->rate);
    return rate && rate < RW_RATE_THIN;
}

/* -- main thread again ------------------------------------------------------------------------ */

struct rw_report *rw_broker_take(struct rw_broker *broker)
{
    struct rw_report *report = (struct rw_report *)rw_mailbox_take(broker->reports, 0);
    if (!report)
        return NULL;
    if (report->kind == RW_REPORT_UP) {
        broker->up = true;
        atomic_store(&broker->stands, true);
        broker->connection++;
    } else if (report->kind == RW_REPORT_DOWN) {
        broker->up = false;
        atomic_store(&broker->stands, false);
        atomic_store(&broker->under_way, 0);
    } else if (report->kind == RW_REPORT_ACKED) {
        burst_confirm(broker, report->bytes);
    }
    return report;
}

uint64_t rw_broker_publish(void *self, const struct rw_message *message)
{
    struct rw_broker *broker = self;
    if (!broker->up)
        return 0;
    size_t base = message->whole ? 0 : strlen(broker->base), leaf = strlen(message->topic),
           size = message->size;
    size_t bytes = sizeof(struct rw_parcel) + size + base + leaf + 1;
    struct rw_parcel *parcel = malloc(bytes);
    if (!parcel)
        return 0;
    *parcel = (struct rw_parcel){
        .mail.bytes = bytes,
        .ticket = ++broker->tickets,
        .connection = broker->connection,
        .retain = message->retain,
        .type = message->type,
        .expiry_s = message->expiry_s,
        .topic = (char *)parcel->payload + size,
        .size = size,
    };
    if (message->about)
        rw_copy_text(parcel->about, sizeof parcel->about, message->about);
    memcpy(parcel->payload, message->payload, size);
    memcpy(parcel->topic, broker->base, base);
    memcpy(parcel->topic + base, message->topic, leaf + 1);
    if (rw_mailbox_put(broker->outgoing, &parcel->mail)) {
        free(parcel);
        return 0;
    }
    if (!atomic_fetch_add(&broker->under_way, 1))
        burst_begin(broker);
    eventfd_write(broker->wake, 1);
    return broker->tickets;
}
