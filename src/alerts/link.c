#include <errno.h>
#include <linux/tcp.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "alerts/broker_inside.h"
#include "alerts/commands.h"
#include "alerts/tls.h"
#include "base/clock.h"
#include "base/units.h"

enum {
    KEEPALIVE_S = 20,
    KEEPALIVE_BEHIND_S = 240, /* of the connection for pictures: a dead one costs little */
    GIVE_WAY_MS = 20,         /* while it gives way it looks so often whether it may go on */
    NARROW_BUFFER = 4096,     /* bytes in the kernel's hands, as SO_SNDBUF counts them */
    WIDE_BUFFER = 256 * 1024,
    CONNECT_TIMEOUT_US = 10 * 1000000, /* from the first packet to CONNACK */
    STALL_US = 15 * 1000000,           /* something waits for the broker and nothing moves */
    GOODBYE_US = 900000,
    INFLIGHT_MAX = 20,
    REFUSED = 0x80, /* MQTT 5 section 2.4: reason codes from here on are failures */
};

struct waiting {
    int mid;
    uint64_t ticket;
    size_t bytes;
};

struct link {
    struct rw_broker *broker;
    struct mosquitto *client;
    int version;
    bool up, ended;
    bool other_version;
    char reason[200];
    struct rw_tls_trouble tls;
    uint64_t offline;        /* ticket of the goodbye */
    struct waiting *waiting; /* sent, not confirmed */
    int waiting_count, waiting_room;
    uint64_t progress; /* a number that changes when the broker or its kernel takes something */
    uint64_t heard;
    int64_t progress_us; /* CLOCK_BOOTTIME */
    uint64_t pace;       /* that the socket is set up for */
};

static int64_t boot_now(void)
{
    return rw_now(rw_clock_system()).boot_us;
}

static struct rw_report *report_make(enum rw_report_kind kind, size_t payload_size)
{
    struct rw_report *report = calloc(1, sizeof *report + payload_size);
    if (!report)
        abort();
    report->mail.bytes = sizeof *report + payload_size;
    report->kind = kind;
    report->payload_size = payload_size;
    return report;
}

static void post(struct rw_broker *broker, struct rw_report *report, const char *text)
{
    snprintf(report->text, sizeof report->text, "%s", text);
    if (rw_mailbox_force(broker->reports, &report->mail))
        free(report);
    eventfd_write(broker->ready, 1);
}

void rw_report_send(struct rw_broker *broker, enum rw_report_kind kind, const char *text)
{
    post(broker, report_make(kind, 0), text);
}

static void report_acked(struct link *link, const struct waiting *message, const char *refused)
{
    struct rw_report *report = report_make(RW_REPORT_ACKED, 0);
    report->ticket = message->ticket;
    report->bytes = message->bytes;
    post(link->broker, report, refused);
}

/* -- the client's callbacks, broker thread ---------------------------------------------------- */

static const char *reason_text(int reason)
{
    return mosquitto_reason_string(reason);
}

static void link_end(struct link *link, const char *reason)
{
    if (!link->ended)
        snprintf(link->reason, sizeof link->reason, "%s", reason);
    link->ended = true;
}

static void subscribe(struct link *link)
{
    const char *leaves[] = {"+/armed/set", "+/snooze/set", "event/+/ack"};
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        char filter[256];
        snprintf(filter, sizeof filter, "%s%s", link->broker->base, leaves[i]);
        mosquitto_subscribe(link->client, NULL, filter, 1);
    }
    char ours[256];
    snprintf(ours, sizeof ours, "%s#", link->broker->discovery);
    mosquitto_subscribe(link->client, NULL, ours, 1);
}

static bool login_refused(int reason)
{
    return reason == CONNACK_REFUSED_BAD_USERNAME_PASSWORD ||
           reason == CONNACK_REFUSED_NOT_AUTHORIZED || reason == MQTT_RC_BAD_USERNAME_OR_PASSWORD ||
           reason == MQTT_RC_NOT_AUTHORIZED;
}

static void on_connect(struct mosquitto *client, void *self, int reason, int flags,
                       const mosquitto_property *properties)
{
    (void)client, (void)flags, (void)properties;
    struct link *link = self;
    char text[160];
    if (!reason) {
        link->up = true;
        if (!link->broker->ahead)
            subscribe(link);
        return;
    }
    link->other_version = reason == CONNACK_REFUSED_PROTOCOL_VERSION ||
                          reason == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
    if (login_refused(reason))
        snprintf(text, sizeof text,
                 "the broker refused the login; check mqtt.username and mqtt.password");
    else
        snprintf(text, sizeof text, "the broker refused the connection (%s)",
                 reason < REFUSED ? mosquitto_connack_string(reason) : reason_text(reason));
    link_end(link, text);
}

static void on_disconnect(struct mosquitto *client, void *self, int reason,
                          const mosquitto_property *properties)
{
    (void)client, (void)properties;
    struct link *link = self;
    char text[160];
    if (reason == MQTT_RC_SESSION_TAKEN_OVER)
        snprintf(text, sizeof text,
                 "another program took over the client id %s; is there a "
                 "second box with the same site id?",
                 link->broker->client_id);
    else if (reason >= REFUSED)
        snprintf(text, sizeof text, "the broker ended the connection (%s)", reason_text(reason));
    else
        return; /* what the loop returned says more */
    link_end(link, text);
}

static void on_publish(struct mosquitto *client, void *self, int mid, int reason,
                       const mosquitto_property *properties)
{
    (void)client, (void)properties;
    struct link *link = self;
    link->heard++;
    for (int i = 0; i < link->waiting_count; i++) {
        if (link->waiting[i].mid != mid)
            continue;
        struct waiting message = link->waiting[i];
        link->waiting[i] = link->waiting[--link->waiting_count];
        if (message.ticket == link->offline)
            link->offline = 0;
        else
            report_acked(link, &message, reason >= REFUSED ? reason_text(reason) : "");
        return;
    }
}

static void hear(struct link *link, enum rw_report_kind kind, const char *topic,
                 const void *payload, size_t size)
{
    struct rw_broker *broker = link->broker;
    if (strlen(topic) >= sizeof((struct rw_report *)0)->topic || size > RW_COMMAND_PAYLOAD_MAX)
        return;
    struct rw_report *report = report_make(kind, size);
    strcpy(report->topic, topic);
    if (size)
        memcpy(report->payload, payload, size);
    if (rw_mailbox_put(broker->reports, &report->mail))
        free(report); /* a flood */
    eventfd_write(broker->ready, 1);
}

/* Retained commands are old: whoever left them there must not arm a camera at every reconnect. What
 * is for Home Assistant matters only when it is old: otherwise it came from here. */
static void on_message(struct mosquitto *client, void *self, const struct mosquitto_message *in)
{
    (void)client;
    struct link *link = self;
    const struct rw_broker *broker = link->broker;
    link->heard++;
    size_t base = strlen(broker->base), size = in->payloadlen > 0 ? (size_t)in->payloadlen : 0;
    if (!in->retain && !strncmp(in->topic, broker->base, base))
        hear(link, RW_REPORT_COMMAND, in->topic + base, in->payload, size);
    else if (in->retain && size &&
             !strncmp(in->topic, broker->discovery, strlen(broker->discovery)))
        hear(link, RW_REPORT_FOUND, in->topic, NULL, 0);
}

static void on_log(struct mosquitto *client, void *self, int level, const char *text)
{
    struct link *link = self;
    if (level == MOSQ_LOG_ERR)
        rw_tls_heard(&link->tls, client, text);
}

/* -- one connection, broker thread ------------------------------------------------------------ */

static int use_tls(struct link *link)
{
    char why[sizeof link->reason];
    if (!rw_tls_use(link->client, link->broker->mqtt, why, sizeof why))
        return 0;
    link_end(link, why);
    return -1;
}

static int client_make(struct link *link)
{
    struct rw_broker *broker = link->broker;
    const struct rw_mqtt_config *mqtt = broker->mqtt;
    char will[256];
    snprintf(will, sizeof will, "%sstatus", broker->base);
    link->client = mosquitto_new(broker->client_id, true, link);
    if (!link->client)
        abort(); /* no memory */
    mosquitto_connect_v5_callback_set(link->client, on_connect);
    mosquitto_disconnect_v5_callback_set(link->client, on_disconnect);
    mosquitto_publish_v5_callback_set(link->client, on_publish);
    mosquitto_message_callback_set(link->client, on_message);
    mosquitto_log_callback_set(link->client, on_log);
    mosquitto_int_option(link->client, MOSQ_OPT_PROTOCOL_VERSION, link->version);
    mosquitto_int_option(link->client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_int_option(link->client, MOSQ_OPT_RECEIVE_MAXIMUM, INFLIGHT_MAX);
    mosquitto_int_option(link->client, MOSQ_OPT_SEND_MAXIMUM, INFLIGHT_MAX);
    if (!broker->ahead)
        mosquitto_will_set(link->client, will, 7, "offline", 1, true);
    if (mqtt->username[0])
        mosquitto_username_pw_set(link->client, mqtt->username,
                                  mqtt->password[0] ? mqtt->password : NULL);
    return use_tls(link);
}

/* What a library call returned, as a sentence. */
static void link_fail(struct link *link, int rc)
{
    int saved = errno;
    const struct rw_mqtt_config *mqtt = link->broker->mqtt;
    const char *why = rc == MOSQ_ERR_ERRNO ? strerror(saved) : mosquitto_strerror(rc);
    int length = (int)strcspn(why, ".");
    char text[sizeof link->reason];
    bool lost = rc == MOSQ_ERR_CONN_LOST;
    bool refused = lost || (rc == MOSQ_ERR_ERRNO && saved == EPROTO); /* during TLS */
    bool tls = !link->up && rw_tls_words(&link->tls, mqtt, refused, text, sizeof text);
    if (tls)
        link->other_version = lost && !*link->tls.said;
    else if (lost)
        snprintf(text, sizeof text, "the broker closed the connection");
    else if (rc == MOSQ_ERR_KEEPALIVE)
        snprintf(text, sizeof text, "the broker has stopped answering");
    else if (link->up)
        snprintf(text, sizeof text, "the connection broke (%.*s)", length, why);
    else if (rc == MOSQ_ERR_EAI)
        snprintf(text, sizeof text, "the name %s cannot be looked up", mqtt->host);
    else
        snprintf(text, sizeof text, "no connection to %s:%d (%.*s)", mqtt->host, mqtt->port, length,
                 why);
    if (!link->up && !tls)
        link->other_version = lost || rc == MOSQ_ERR_PROTOCOL || rc == MOSQ_ERR_MALFORMED_PACKET ||
                              rc == MOSQ_ERR_NOT_SUPPORTED;
    link_end(link, text);
}

static void wait_for(struct link *link, const struct waiting *message)
{
    link->waiting = rw_list_grow(link->waiting, link->waiting_count, &link->waiting_room,
                                 sizeof *link->waiting);
    link->waiting[link->waiting_count++] = *message;
}

/* Of a parcel, the caller's; NULL: none, as with a broker that does not know any. */
static mosquitto_property *properties_of(const struct link *link, const struct rw_parcel *parcel)
{
    mosquitto_property *list = NULL;
    if (link->version != MQTT_PROTOCOL_V5)
        return NULL;
    if (parcel->type)
        mosquitto_property_add_string(&list, MQTT_PROP_CONTENT_TYPE, parcel->type);
    if (parcel->expiry_s)
        mosquitto_property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, parcel->expiry_s);
    if (parcel->about[0])
        mosquitto_property_add_binary(&list, MQTT_PROP_CORRELATION_DATA, parcel->about,
                                      (uint16_t)strlen(parcel->about));
    return list;
}

static void send_parcel(struct link *link, const struct rw_parcel *parcel)
{
    struct waiting message = {.ticket = parcel->ticket, .bytes = parcel->size};
    mosquitto_property *properties = properties_of(link, parcel);
    int rc = mosquitto_publish_v5(link->client, &message.mid, parcel->topic, (int)parcel->size,
                                  parcel->payload, 1, parcel->retain, properties);
    mosquitto_property_free_all(&properties);
    if (!rc)
        wait_for(link, &message);
    else if (rc == MOSQ_ERR_OVERSIZE_PACKET || rc == MOSQ_ERR_PAYLOAD_SIZE ||
             rc == MOSQ_ERR_INVAL || rc == MOSQ_ERR_MALFORMED_UTF8)
        report_acked(link, &message, mosquitto_strerror(rc));
    else
        link_fail(link, rc);
}

/* Messages that were meant for an earlier connection are dropped. */
static void send_waiting(struct link *link)
{
    struct rw_parcel *parcel;
    while (!link->ended &&
           (parcel = (struct rw_parcel *)rw_mailbox_take(link->broker->outgoing, 0))) {
        if (parcel->connection == link->broker->link_number)
            send_parcel(link, parcel);
        free(parcel);
    }
}

static bool gives_way(const struct link *link)
{
    const struct rw_broker *ahead = link->broker->ahead;
    return link->up && ahead && atomic_load(&ahead->under_way) > 0;
}

/* Bytes a second that the kernel may send: a narrow line has a short queue somewhere, and what we
 * push into it at once is lost there, or stands before the next alert. */
static uint64_t pace_for(const struct link *link, int64_t rate)
{
    if (!rate || rate >= RW_RATE_NARROW)
        return UINT64_MAX;
    if (link->broker->ahead)
        return (uint64_t)rate * (gives_way(link) ? 1 : 3) / 4;
    return rate * 2 > RW_RATE_THIN ? (uint64_t)rate * 2 : RW_RATE_THIN;
}

static void fit_socket(struct link *link)
{
    const struct rw_broker *broker = link->broker;
    int64_t rate = atomic_load(broker->ahead ? &broker->ahead->rate : &broker->rate);
    uint64_t pace = pace_for(link, rate);
    if (pace == link->pace || !link->up)
        return;
    link->pace = pace;
    int socket = mosquitto_socket(link->client);
    int size = pace == UINT64_MAX ? WIDE_BUFFER : NARROW_BUFFER;
    setsockopt(socket, SOL_SOCKET, SO_MAX_PACING_RATE, &pace, sizeof pace);
    if (broker->ahead)
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* Bytes that the other side's kernel confirmed, and packets that came. */
static uint64_t measure_progress(const struct link *link)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    getsockopt(mosquitto_socket(link->client), IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_bytes_acked + link->heard;
}

/* A broker that takes bytes but never answers, or takes none, is as good as gone. */
static void check_progress(struct link *link)
{
    int64_t now_us = boot_now();
    uint64_t progress = measure_progress(link);
    bool idle = link->up && (!link->waiting_count || gives_way(link));
    if (idle || (link->up && progress != link->progress)) {
        link->progress = progress;
        link->progress_us = now_us;
    }
    if (!link->up && now_us - link->progress_us > CONNECT_TIMEOUT_US)
        link_end(link, "the broker does not answer");
    else if (link->up && now_us - link->progress_us > STALL_US)
        link_end(link, "the broker has stopped answering");
}

/* Reads only: what is half written stays so. */
static int hold_still(struct link *link, bool readable)
{
    int rc = readable ? mosquitto_loop_read(link->client, 1) : 0;
    return rc ? rc : mosquitto_loop_misc(link->client);
}

/* Waits for the broker or for main, and lets the library do what is to be done. */
static void link_turn(struct link *link, int timeout_ms)
{
    bool still = gives_way(link);
    struct pollfd fds[] = {
        {.fd = mosquitto_socket(link->client), .events = POLLIN},
        {.fd = link->broker->wake, .events = POLLIN},
    };
    if (!still && mosquitto_want_write(link->client))
        fds[0].events |= POLLOUT;
    poll(fds, 2, still ? GIVE_WAY_MS : timeout_ms);
    if (fds[1].revents) {
        eventfd_t ignored;
        eventfd_read(link->broker->wake, &ignored);
    }
    bool was_up = link->up;
    int rc = still ? hold_still(link, fds[0].revents != 0) : mosquitto_loop(link->client, 0, 1);
    if (rc && !link->ended)
        link_fail(link, rc);
    if (link->up && !was_up && !link->ended) {
        link->progress_us = boot_now();
        link->broker->link_number++;
        rw_report_send(link->broker, RW_REPORT_UP,
                       link->version == MQTT_PROTOCOL_V5 ? "MQTT 5" : "MQTT 3.1.1");
    }
}

static void say_goodbye(struct link *link)
{
    char topic[256];
    snprintf(topic, sizeof topic, "%sstatus", link->broker->base);
    if (link->broker->ahead) {
        mosquitto_disconnect(link->client);
        return;
    }
    send_waiting(link);
    struct waiting message = {.ticket = UINT64_MAX};
    link->offline = message.ticket;
    if (mosquitto_publish(link->client, &message.mid, topic, 7, "offline", 1, true))
        return;
    wait_for(link, &message);
    int64_t deadline_us = boot_now() + GOODBYE_US;
    while (!link->ended && link->offline && boot_now() < deadline_us)
        link_turn(link, 100);
    if (!link->ended)
        mosquitto_disconnect(link->client);
}

/* From the look-up to the loss. */
static void run(struct link *link)
{
    struct rw_broker *broker = link->broker;
    if (client_make(link))
        return;
    errno = 0;
    int rc = mosquitto_connect_async(link->client, broker->mqtt->host, broker->mqtt->port,
                                     broker->ahead ? KEEPALIVE_BEHIND_S : KEEPALIVE_S);
    if (rc) {
        link_fail(link, rc);
        return;
    }
    link->progress_us = boot_now();
    while (!link->ended && !atomic_load(&broker->stop)) {
        link_turn(link, 1000);
        fit_socket(link);
        if (link->up && !link->ended && !gives_way(link))
            send_waiting(link);
        if (!link->ended)
            check_progress(link);
    }
    if (link->up && !link->ended)
        say_goodbye(link);
}

void rw_link_run(struct rw_broker *broker, int version, struct rw_link_end *end)
{
    struct link link = {.broker = broker, .version = version, .pace = UINT64_MAX};
    run(&link);
    mosquitto_destroy(link.client);
    free(link.waiting);
    *end = (struct rw_link_end){.was_up = link.up, .other_version = link.other_version};
    memcpy(end->reason, link.reason, sizeof end->reason);
}
