#include "alerts/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define REPEAT_US (60 * RW_SECOND_US)

enum armed { ARMED_UNKNOWN = -1, ARMED_OFF = 0, ARMED_ON = 1 };

struct told {
    struct rw_status status; /* as last read */
    struct rw_watch watch;   /* as last told */
    int64_t gone_us;         /* UTC when this role first saw it gone; 0: since is known */
    struct rw_arming arming; /* as last heard */
    bool read;
    bool changed;    /* since it was last sent on this connection */
    int64_t sent_us; /* CLOCK_BOOTTIME */
    uint64_t ticket; /* of the status on its way, 0: none */
    enum armed armed;
    bool armed_changed;
    uint64_t armed_ticket;
};

struct rw_states {
    const struct rw_config *config;
    rw_status_read read;
    void *self;
    struct rw_sink sink;
    const struct rw_clock *clock;
    bool connected;
    int64_t online_us; /* CLOCK_BOOTTIME when "online" was last sent, 0: not on this connection */
    uint64_t online_ticket;
    struct told cameras[];
};

static void make_offline(struct rw_status *out)
{
    snprintf(out->state, sizeof out->state, "offline");
    snprintf(out->reason, sizeof out->reason, "the recorder of this camera is not running");
    out->since_us = out->last_picture_us;
    out->recording = false;
}

void rw_status_make(const struct rw_camera_state *state, const struct rw_extent *extent,
                    int64_t now_us, struct rw_status *out)
{
    *out = (struct rw_status){0};
    if (extent && extent->any) {
        int64_t age_us = now_us - extent->newest_us;
        out->last_picture_us = extent->newest_us;
        out->recording = age_us < RW_RECORDING_US;
        out->days_kept = rw_extent_days(extent);
    }
    if (!state || !state->writer_alive) {
        make_offline(out);
        return;
    }
    snprintf(out->state, sizeof out->state, "%s", state->state[0] ? state->state : "connecting");
    snprintf(out->reason, sizeof out->reason, "%s", state->reason);
    out->since_us = state->since_us;
}

bool rw_status_differs(const struct rw_status *a, const struct rw_status *b)
{
    return strcmp(a->state, b->state) != 0 || strcmp(a->reason, b->reason) != 0 ||
           a->recording != b->recording || a->since_us != b->since_us ||
           a->watch.known != b->watch.known ||
           rw_watch_blind(&a->watch) != rw_watch_blind(&b->watch) ||
           a->arming.known != b->arming.known ||
           strcmp(a->arming.disarmed_by, b->arming.disarmed_by) != 0;
}

struct rw_states *rw_states_create(const struct rw_config *config, rw_status_read read, void *self,
                                   const struct rw_sink *sink, const struct rw_clock *clock)
{
    size_t count = (size_t)config->camera_count;
    struct rw_states *states = calloc(1, sizeof *states + count * sizeof states->cameras[0]);
    if (!states)
        abort();
    states->config = config;
    states->read = read;
    states->self = self;
    states->sink = *sink;
    states->clock = clock;
    for (int i = 0; i < config->camera_count; i++)
        states->cameras[i].armed = ARMED_UNKNOWN;
    return states;
}

void rw_states_destroy(struct rw_states *states)
{
    free(states);
}

static uint64_t publish(struct rw_states *states, int camera, const char *leaf, const char *text)
{
    char topic[64];
    snprintf(topic, sizeof topic, "%s/%s", states->config->cameras[camera].id, leaf);
    struct rw_message message = {.topic = topic,
                                 .payload = text,
                                 .size = strlen(text),
                                 .retain = true,
                                 .type = *text == '{' ? "application/json" : "text/plain"};
    return states->sink.publish(states->sink.self, &message);
}

static void read_status(struct rw_states *states, int camera)
{
    struct told *told = &states->cameras[camera];
    struct rw_status now;
    states->read(states->self, camera, &now);
    if (now.since_us)
        told->gone_us = 0;
    else if (!told->gone_us)
        told->gone_us = rw_now(states->clock).utc_us;
    if (!now.since_us)
        now.since_us = told->gone_us;
    if (!strcmp(now.state, "offline"))
        told->watch.known = false;
    if (told->watch.known)
        now.watch = told->watch;
    now.arming = told->arming;
    told->changed |= !told->read || rw_status_differs(&now, &told->status);
    told->status = now;
    told->read = true;
}

static void send_status(struct rw_states *states, int camera, int64_t boot_us)
{
    struct told *told = &states->cameras[camera];
    if (told->ticket || (!told->changed && boot_us - told->sent_us < REPEAT_US))
        return;
    char *text = rw_payload_status(states->config, &states->config->cameras[camera], &told->status,
                                   rw_now(states->clock).utc_us);
    told->ticket = publish(states, camera, "status", text);
    free(text);
    if (told->ticket) {
        told->changed = false;
        told->sent_us = boot_us;
    }
}

static void send_armed(struct rw_states *states, int camera)
{
    struct told *told = &states->cameras[camera];
    if (told->armed_ticket || !told->armed_changed)
        return;
    told->armed_ticket = publish(states, camera, "armed", told->armed == ARMED_ON ? "ON" : "OFF");
    told->armed_changed = !told->armed_ticket;
}

/* Again every minute, in case something else wrote to the topic. */
static void send_online(struct rw_states *states, int64_t boot_us)
{
    if (states->online_ticket || (states->online_us && boot_us - states->online_us < REPEAT_US))
        return;
    struct rw_message message = {.topic = "status", .payload = "online", .size = 6, .retain = true};
    states->online_ticket = states->sink.publish(states->sink.self, &message);
    if (states->online_ticket)
        states->online_us = boot_us;
}

void rw_states_look(struct rw_states *states)
{
    int64_t boot_us = rw_now(states->clock).boot_us;
    if (states->connected)
        send_online(states, boot_us);
    for (int i = 0; i < states->config->camera_count; i++) {
        read_status(states, i);
        if (!states->connected)
            continue;
        send_status(states, i, boot_us);
        send_armed(states, i);
    }
}

static void begin(struct rw_states *states, bool connected)
{
    states->connected = connected;
    states->online_us = 0;
    states->online_ticket = 0;
    for (int i = 0; i < states->config->camera_count; i++) {
        struct told *told = &states->cameras[i];
        told->ticket = told->armed_ticket = 0;
        told->changed = true;
        told->armed_changed = told->armed != ARMED_UNKNOWN;
    }
}

void rw_states_connected(struct rw_states *states)
{
    begin(states, true);
    rw_states_look(states);
}

void rw_states_lost(struct rw_states *states)
{
    begin(states, false);
}

void rw_states_acked(struct rw_states *states, uint64_t ticket)
{
    if (ticket && ticket == states->online_ticket)
        states->online_ticket = 0;
    for (int i = 0; ticket && i < states->config->camera_count; i++) {
        struct told *told = &states->cameras[i];
        if (ticket != told->ticket && ticket != told->armed_ticket)
            continue;
        if (ticket == told->ticket)
            told->ticket = 0;
        else
            told->armed_ticket = 0;
        send_status(states, i, rw_now(states->clock).boot_us);
        send_armed(states, i);
    }
}

bool rw_states_settled(const struct rw_states *states)
{
    bool settled = !states->online_ticket;
    for (int i = 0; i < states->config->camera_count; i++) {
        const struct told *told = &states->cameras[i];
        settled &= !told->changed && !told->ticket && !told->armed_changed && !told->armed_ticket;
    }
    return settled || !states->connected;
}

void rw_states_watch(struct rw_states *states, int camera, const struct rw_watch *watch)
{
    states->cameras[camera].watch = *watch;
}

void rw_states_arming(struct rw_states *states, int camera, const struct rw_arming *arming)
{
    struct told *told = &states->cameras[camera];
    enum armed now = arming->by_hand ? ARMED_ON : ARMED_OFF;
    told->arming = *arming;
    if (arming->known && told->armed != now) {
        told->armed = now;
        told->armed_changed = true;
    }
    read_status(states, camera);
    if (!states->connected)
        return;
    if (told->changed)
        send_status(states, camera, rw_now(states->clock).boot_us);
    send_armed(states, camera);
}
