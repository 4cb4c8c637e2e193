#include "alerts/escalation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"

#define OLDEST_US (3600 * RW_SECOND_US) /* what was told later than that calls nobody */
#define REFUSED_PAUSE_US (10 * RW_SECOND_US)

enum { NAME_SIZE = 64, EXPIRY_S = 3600 };

/* What is kept of a camera; UTC, 0: nothing is followed. */
enum row { FIRST, DUE, STEP, FROM, ROWS };

static const char *const row_names[ROWS] = {
    [FIRST] = "chain",      /* when the alert that is followed began */
    [DUE] = "chain-due",    /* when the next one is told */
    [STEP] = "chain-step",  /* how many were */
    [FROM] = "chain-from"}; /* alerts that began up to then are settled */

struct chain {
    int64_t row[ROWS];
    int64_t looked; /* revision up to which all was told at the last look */
    uint64_t ticket;
    bool refused; /* logged */
};

struct rw_escalation {
    const struct rw_config *config;
    struct rw_outbox_source source;
    const struct rw_outbox *outbox;
    struct rw_sink sink;
    const struct rw_clock *clock;
    bool connected;
    struct chain cameras[];
};

static void row_name(const struct rw_escalation *escalation, int camera, enum row row,
                     char out[static NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%s/%s", row_names[row], escalation->config->cameras[camera].id);
}

static void restore(struct rw_escalation *escalation, int camera)
{
    struct chain *chain = &escalation->cameras[camera];
    char name[NAME_SIZE];
    for (enum row row = 0; row < ROWS; row++) {
        row_name(escalation, camera, row, name);
        chain->row[row] = escalation->source.cursor(escalation->source.self, name);
    }
    chain->looked = -1;
}

static void keep(struct rw_escalation *escalation, int camera)
{
    char names[ROWS][NAME_SIZE];
    struct rw_cursor rows[ROWS];
    for (enum row row = 0; row < ROWS; row++) {
        row_name(escalation, camera, row, names[row]);
        rows[row] = (struct rw_cursor){names[row], escalation->cameras[camera].row[row]};
    }
    escalation->source.keep(escalation->source.self, rows, ROWS);
}

struct rw_escalation *rw_escalation_create(const struct rw_config *config,
                                           const struct rw_outbox_source *source,
                                           const struct rw_outbox *outbox,
                                           const struct rw_sink *sink, const struct rw_clock *clock)
{
    size_t count = (size_t)config->camera_count;
    struct rw_escalation *escalation =
        calloc(1, sizeof *escalation + count * sizeof escalation->cameras[0]);
    if (!escalation)
        abort();
    escalation->config = config;
    escalation->source = *source;
    escalation->outbox = outbox;
    escalation->sink = *sink;
    escalation->clock = clock;
    for (int i = 0; config->escalation.count && i < config->camera_count; i++)
        restore(escalation, i);
    return escalation;
}

void rw_escalation_destroy(struct rw_escalation *escalation)
{
    free(escalation);
}

void rw_escalation_connected(struct rw_escalation *escalation, bool connected)
{
    escalation->connected = connected;
    for (int i = 0; i < escalation->config->camera_count; i++) {
        escalation->cameras[i].ticket = 0;
        escalation->cameras[i].refused = false;
    }
}

struct search {
    const struct rw_escalation *escalation;
    int camera;
    struct rw_event first; /* that may be, or is, followed */
    bool found, acked;
};

/* The first alert that is told and not settled. */
static int find_first(void *arg, const struct rw_event *event)
{
    struct search *search = arg;
    const struct chain *chain = &search->escalation->cameras[search->camera];
    if (event->start_us <= chain->row[FROM] || event->acked_by[0] ||
        !rw_outbox_has_told(search->escalation->outbox, search->camera, event))
        return 0;
    search->first = *event;
    search->found = true;
    return 1;
}

/* What is followed, and whether anybody has acknowledged it or what came after. */
static int find_answer(void *arg, const struct rw_event *event)
{
    struct search *search = arg;
    int64_t first_us = search->escalation->cameras[search->camera].row[FIRST];
    if (event->start_us < first_us || !event->armed)
        return 0;
    if (event->start_us == first_us && !search->found) {
        search->first = *event;
        search->found = true;
    }
    search->acked |= event->acked_by[0] != 0;
    return search->acked;
}

static bool walk(struct search *search, int64_t from_us, int64_t to_us,
                 int (*fn)(void *arg, const struct rw_event *event))
{
    const struct rw_outbox_source *source = &search->escalation->source;
    return !source->events_between(source->self, search->camera, from_us, to_us, fn, search);
}

static void finish(struct rw_escalation *escalation, int camera, int64_t now_us)
{
    struct chain *chain = &escalation->cameras[camera];
    memcpy(chain->row, (int64_t[ROWS]){[FROM] = now_us}, sizeof chain->row);
    keep(escalation, camera);
}

static void begin(struct rw_escalation *escalation, int camera, int64_t now_us)
{
    struct chain *chain = &escalation->cameras[camera];
    struct search search = {.escalation = escalation, .camera = camera};
    if (!walk(&search, now_us - OLDEST_US, now_us + 1, find_first) || !search.found)
        return;
    chain->row[FIRST] = search.first.start_us;
    chain->row[DUE] = now_us + escalation->config->escalation.after_us;
    chain->row[STEP] = 0;
    keep(escalation, camera);
}

static void call(struct rw_escalation *escalation, int camera, const struct rw_event *event,
                 int64_t now_us)
{
    struct chain *chain = &escalation->cameras[camera];
    char *text = rw_payload_escalate(escalation->config, &escalation->config->cameras[camera],
                                     event, (int)chain->row[STEP], now_us);
    struct rw_message message = {.topic = "escalate",
                                 .payload = text,
                                 .size = strlen(text),
                                 .type = "application/json",
                                 .expiry_s = EXPIRY_S,
                                 .about = event->id};
    chain->ticket = escalation->sink.publish(escalation->sink.self, &message);
    free(text);
}

static void follow(struct rw_escalation *escalation, int camera, int64_t now_us)
{
    struct chain *chain = &escalation->cameras[camera];
    struct search search = {.escalation = escalation, .camera = camera};
    if (!walk(&search, chain->row[FIRST], now_us + 1, find_answer))
        return;
    bool due = now_us >= chain->row[DUE];
    if (search.acked || !search.found ||
        (due && chain->row[STEP] >= escalation->config->escalation.count))
        finish(escalation, camera, now_us);
    else if (due && escalation->connected && !chain->ticket)
        call(escalation, camera, &search.first, now_us);
}

static void look_at(struct rw_escalation *escalation, int camera)
{
    struct chain *chain = &escalation->cameras[camera];
    int64_t now_us = rw_now(escalation->clock).utc_us;
    int64_t told = rw_outbox_told(escalation->outbox, camera);
    if (chain->row[DUE] > now_us + escalation->config->escalation.after_us) /* the clock was set */
        chain->row[DUE] = now_us + escalation->config->escalation.after_us;
    if (chain->row[FROM] > now_us)
        chain->row[FROM] = now_us;
    bool due = chain->row[FIRST] && now_us >= chain->row[DUE];
    if (told == chain->looked && !due)
        return;
    chain->looked = told;
    if (chain->row[FIRST])
        follow(escalation, camera, now_us);
    if (!chain->row[FIRST])
        begin(escalation, camera, now_us);
}

void rw_escalation_look(struct rw_escalation *escalation)
{
    for (int i = 0; escalation->config->escalation.count && i < escalation->config->camera_count;
         i++)
        look_at(escalation, i);
}

static void refuse(struct rw_escalation *escalation, struct chain *chain, const char *why)
{
    if (!chain->refused)
        rw_log(RW_LOG_WARNING, "alerts",
               "the broker refuses the topic escalate (%s); see its access rules", why);
    chain->refused = true;
    chain->row[DUE] = rw_now(escalation->clock).utc_us + REFUSED_PAUSE_US;
}

void rw_escalation_acked(struct rw_escalation *escalation, uint64_t ticket, const char *refused)
{
    for (int i = 0; ticket && i < escalation->config->camera_count; i++) {
        struct chain *chain = &escalation->cameras[i];
        if (chain->ticket != ticket)
            continue;
        chain->ticket = 0;
        if (refused) {
            refuse(escalation, chain, refused);
            return;
        }
        chain->row[STEP]++;
        chain->row[DUE] =
            rw_now(escalation->clock).utc_us + escalation->config->escalation.after_us;
        keep(escalation, i);
        return;
    }
}
