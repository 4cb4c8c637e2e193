/* Holds: see hold.h. The order of a hold is its safety: room first, then its file, which is the
 * promise, then the moves, which opening repeats after a cut. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "store/parts.h"

/* The record of an event comes into the ring a little after its footage. */
#define AFTER_US INT64_C(5000000)

/* --- which slots --- */

struct touched {
    const struct rw_ring *ring;
    bool *slots; /* by number; owned */
};

static void touch(void *arg, int slot)
{
    struct touched *touched = arg;
    if (slot >= 0 && slot < touched->ring->count)
        touched->slots[slot] = true;
}

/* Marks the slots with footage of the span. Free with free(). */
static bool *slots_of(struct rw_store *store, int stream, int64_t from_us, int64_t to_us,
                      struct rw_err *err)
{
    struct touched touched = {.ring = &store->ring[stream]};
    touched.slots = calloc((size_t)touched.ring->count + 1, sizeof *touched.slots);
    if (!touched.slots)
        abort();
    if (!rw_index_slots_between(store->index, (enum rw_stream)stream, from_us, to_us + AFTER_US,
                                touch, &touched, err))
        return touched.slots;
    free(touched.slots);
    return NULL;
}

/* At the least as many slots as can be written into must stay. */
static bool can_spare(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    if (rw_ring_slots(ring) > RW_SLOTS_MIN)
        return true;
    return !rw_ring_fill_to(ring, rw_ring_bytes(ring) + ring->slot_size, err);
}

static int keep_slots(struct rw_store *store, int stream, const struct rw_hold *hold,
                      struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    bool *slots = slots_of(store, stream, hold->from_us, hold->to_us, err);
    int failed = slots ? 0 : -1, count = ring->count;
    for (int number = 0; number < count && !failed; number++)
        if (slots[number] && ring->slot[number].size && !ring->slot[number].held &&
            number != ring->open && number != ring->left)
            failed = !can_spare(store, stream, err) || rw_ring_hold(ring, number, true, err);
    free(slots);
    return failed ? -1 : 0;
}

/* --- room --- */

static int held_slots(struct rw_store *store, int stream, const struct rw_hold *hold)
{
    bool *slots = slots_of(store, stream, hold->from_us, hold->to_us, NULL);
    int held = 0;
    for (int number = 0; slots && number < store->ring[stream].count; number++)
        held += slots[number] && store->ring[stream].slot[number].held;
    free(slots);
    return held;
}

/* What is still to be recorded begins here: a clock that went back is behind the newest picture. */
static int64_t reached(const struct rw_store *store, int stream)
{
    int64_t now = rw_now(store->clock).utc_us, newest = store->ring[stream].newest.utc_us;
    return newest < now ? newest : now;
}

static bool goes_on(const struct rw_store *store, int stream, const struct rw_hold *hold)
{
    const struct rw_ring *ring = &store->ring[stream];
    bool open = ring->open >= 0 && ring->base_us < hold->to_us + AFTER_US &&
                ring->newest.utc_us > hold->from_us;
    return open || reached(store, stream) < hold->to_us + AFTER_US;
}

/* Slots that were promised to the hold and that it has not got yet. */
static int slots_to_come(struct rw_store *store, int stream, const struct rw_hold *hold)
{
    int left = hold->slots[stream] - held_slots(store, stream, hold);
    return left > 0 && goes_on(store, stream, hold) ? left : 0;
}

/* Holds of what is being recorded now share the slots that are written next. */
static bool runs(const struct rw_store *store, int stream, const struct rw_hold *hold)
{
    return hold->from_us <= reached(store, stream);
}

/* Slots that were promised to holds and are still to come: to those that run, and to all. */
static int promised_slots(struct rw_store *store, int stream, int *running)
{
    int later = 0;
    *running = 0;
    for (int i = 0; i < store->hold_count; i++) {
        int coming = slots_to_come(store, stream, &store->holds[i]);
        if (!runs(store, stream, &store->holds[i]))
            later += coming;
        else if (coming > *running)
            *running = coming;
    }
    return later + *running;
}

/* The ring's room: `keep`, and what was promised to holds that still take slots. */
static void set_budget(struct rw_store *store, int stream)
{
    int running;
    store->ring[stream].budget = store->keep[stream] + promised_slots(store, stream, &running) *
                                                           store->ring[stream].slot_size;
}

/* Recording is sacred, and so is the reserve: where the disk is nearly full the ring goes on with
 * what it has. */
static int fill_ring(struct rw_ring *ring, struct rw_err *err)
{
    int64_t missing = ring->budget - rw_ring_bytes(ring);
    int64_t available = ring->disk->free_bytes(ring->disk->self, ring->dir);
    return missing + RW_DISK_RESERVE <= available ? rw_ring_fill(ring, err) : 0;
}

static void fit_ring(struct rw_store *store, int stream)
{
    struct rw_err err = {0};
    struct rw_ring *ring = &store->ring[stream];
    set_budget(store, stream);
    if (rw_store_shrink(store, stream, &err) || fill_ring(ring, &err))
        rw_log(RW_LOG_WARNING, store->camera, "%s; the %s ring keeps less than promised", err.text,
               rw_stream_name(ring->stream));
}

static double bytes_per_us(struct rw_store *store, int stream)
{
    int64_t bytes, recorded_us;
    double assumed = rw_stream_bits((enum rw_stream)stream) / 8e6;
    if (rw_index_totals(store->index, (enum rw_stream)stream, &bytes, &recorded_us, NULL))
        return assumed;
    return recorded_us > 10 * RW_SECOND_US ? (double)bytes / (double)recorded_us : assumed;
}

/* Slots that the stream must give, in all and beyond those already held. rate: bytes a microsecond.
 */
static int count_slots(struct rw_store *store, int stream, const struct rw_hold *hold, double rate,
                       int *total, int *fresh, struct rw_err *err)
{
    int64_t from_us = hold->from_us, to_us = hold->to_us;
    const struct rw_ring *ring = &store->ring[stream];
    bool *slots = slots_of(store, stream, from_us, to_us, err);
    if (!slots)
        return -1;
    *total = *fresh = 0;
    for (int number = 0; number < ring->count; number++)
        if (slots[number] && number != ring->open) {
            *total += 1;
            *fresh += !ring->slot[number].held;
        }
    int ahead = ring->open >= 0 && slots[ring->open], running;
    free(slots);
    int64_t newest = reached(store, stream), begin = from_us > newest ? from_us : newest;
    if (to_us + AFTER_US > newest) {
        double bytes = (double)(to_us + AFTER_US - begin) * rate;
        double beyond = bytes - (double)rw_ring_room(ring);
        ahead = 1 + (beyond > 0 ? (int)(beyond / (double)ring->slot_size) + 1 : 0);
    }
    promised_slots(store, stream, &running);
    int paid = runs(store, stream, hold) ? running : 0;
    *total += ahead;
    *fresh += ahead > paid ? ahead - paid : 0;
    return 0;
}

static int cost_of(struct rw_store *store, struct rw_hold *hold, int fresh[RW_STREAMS],
                   struct rw_hold_cost *cost, struct rw_err *err)
{
    *cost =
        (struct rw_hold_cost){.free_bytes = store->disk->free_bytes(store->disk->self, store->dir)};
    int total = 0;
    double sum = 0;
    if (rw_store_flush(store, err)) /* the newest minute is not in the index yet */
        return -1;
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (!store->has[stream])
            continue;
        double rate = bytes_per_us(store, stream);
        if (count_slots(store, stream, hold, rate, &hold->slots[stream], &fresh[stream], err))
            return -1;
        total += hold->slots[stream];
        cost->slots += fresh[stream];
        cost->bytes += fresh[stream] * store->ring[stream].slot_size;
        sum += rate;
    }
    cost->days = (double)cost->bytes / sum / 86400e6;
    return total ? 0
                 : rw_fail(err, RW_ENOTFOUND,
                           "nothing of that time is kept here any more; ask for another span");
}

int rw_store_hold_cost(struct rw_store *store, int64_t from_us, int64_t to_us,
                       struct rw_hold_cost *cost, struct rw_err *err)
{
    struct rw_hold hold = {.from_us = from_us, .to_us = to_us};
    int fresh[RW_STREAMS] = {0};
    return cost_of(store, &hold, fresh, cost, err);
}

/* --- holding --- */

static int check_room(const struct rw_store *store, const struct rw_hold_cost *cost,
                      struct rw_err *err)
{
    char want[RW_TIME_SIZE], have[RW_TIME_SIZE];
    if (!cost->bytes || cost->bytes + RW_DISK_RESERVE <= cost->free_bytes)
        return 0;
    return rw_fail(
        err, RW_ENOSPC,
        "the hold needs %d new slots (%s) and the disk of %s has %s free; hold a shorter "
        "span, release another hold, or lower `keep`",
        cost->slots, rw_format_size(cost->bytes + RW_DISK_RESERVE, want), store->dir,
        rw_format_size(cost->free_bytes, have));
}

static int take_room(struct rw_store *store, const int fresh[RW_STREAMS], struct rw_err *err)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct rw_ring *ring = &store->ring[stream];
        if (!store->has[stream])
            continue;
        ring->budget += fresh[stream] * ring->slot_size;
        if (rw_ring_fill(ring, err))
            return -1;
    }
    return 0;
}

static void add_hold(struct rw_store *store, const struct rw_hold *hold)
{
    store->holds = realloc(store->holds, (size_t)(store->hold_count + 1) * sizeof *store->holds);
    if (!store->holds)
        abort();
    store->holds[store->hold_count++] = *hold;
}

static void fit_rings(struct rw_store *store)
{
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (store->has[stream])
            fit_ring(store, stream);
}

int rw_store_hold(struct rw_store *store, struct rw_hold *hold, struct rw_hold_cost *cost,
                  struct rw_err *err)
{
    int fresh[RW_STREAMS] = {0};
    if (hold->from_us >= hold->to_us)
        return rw_fail(err, RW_EINVAL, "a hold must begin before it ends");
    if (cost_of(store, hold, fresh, cost, err) || check_room(store, cost, err))
        return -1;
    hold->created_us = rw_now(store->clock).utc_us;
    rw_ulid_make(hold->created_us, hold->id);
    if (take_room(store, fresh, err) || rw_hold_write(store->disk, store->dir, hold, err)) {
        fit_rings(store); /* gives back what was taken */
        return -1;
    }
    add_hold(store, hold);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        struct rw_err why = {0};
        if (store->has[stream] && keep_slots(store, stream, hold, &why))
            rw_log(RW_LOG_ERROR, store->camera, "hold %s: %s; the next turn tries again", hold->id,
                   why.text);
    }
    fit_rings(store);
    return 0;
}

/* --- letting go --- */

bool *rw_store_asked_for(struct rw_store *store, int stream, struct rw_err *err)
{
    const struct rw_ring *ring = &store->ring[stream];
    bool *kept = calloc((size_t)ring->count + 1, sizeof *kept);
    if (!kept)
        abort();
    for (int i = 0; i < store->hold_count; i++) {
        const struct rw_hold *hold = &store->holds[i];
        bool *slots = slots_of(store, stream, hold->from_us, hold->to_us, err);
        if (!slots) {
            free(kept);
            return NULL;
        }
        for (int number = 0; number < ring->count; number++)
            kept[number] |= slots[number];
        free(slots);
    }
    return kept;
}

static bool read_first(const struct rw_ring *ring, int number, struct rw_record *record)
{
    struct rw_scan scan;
    int64_t offset;
    if (rw_slot_scan(&scan, ring->disk, ring->dir, number, ring->id, NULL) <= 0)
        return false;
    bool any = rw_scan_next(&scan, record, &offset, NULL) == 1;
    rw_slot_end(&scan);
    return any;
}

static bool has_link(const struct rw_ring *ring, int number, const uint8_t *link)
{
    struct rw_scan scan;
    if (rw_slot_scan(&scan, ring->disk, ring->dir, number, ring->id, NULL) <= 0)
        return false;
    bool found = rw_scan_find_link(&scan, link);
    rw_slot_end(&scan);
    return found;
}

static int oldest_of_ring(struct rw_store *store, int stream)
{
    const struct rw_ring *ring = &store->ring[stream];
    int oldest = -1;
    for (int number = 0; number < ring->count; number++) {
        const struct rw_slot *slot = &ring->slot[number];
        if (slot->size && !slot->held && slot->last_seq &&
            rw_index_first_seq(store->index, ring->stream, number, NULL) > 0 &&
            (oldest < 0 || slot->last_seq < ring->slot[oldest].last_seq))
            oldest = number;
    }
    return oldest;
}

/* The held slot with the newest records below this number, but for these (NULL: none); -1: there is
 * no such slot. */
static int newest_held(const struct rw_ring *ring, uint64_t below_seq, const bool *but)
{
    int best = -1;
    for (int number = 0; number < ring->count; number++) {
        const struct rw_slot *slot = &ring->slot[number];
        if (slot->held && slot->last_seq < below_seq && !(but && but[number]) &&
            (best < 0 || slot->last_seq > ring->slot[best].last_seq))
            best = number;
    }
    return best;
}

/* Does the ring's oldest footage follow on this slot's, with nothing overwritten between them? The
 * chain of links says so; what stands between them may be held by others. */
static bool is_next_to_ring(struct rw_store *store, int stream, int number)
{
    const struct rw_ring *ring = &store->ring[stream];
    struct rw_record next = {.seq = ring->next_seq};
    int after = oldest_of_ring(store, stream);
    memcpy(next.previous_link, ring->synced_link, RW_HASH_SIZE); /* where the ring has none yet */
    if (after >= 0 && ring->slot[number].last_seq > ring->slot[after].last_seq)
        return true;
    while (after < 0 || read_first(ring, after, &next)) {
        if (has_link(ring, number, next.previous_link))
            return true;
        after = newest_held(ring, next.seq, NULL);
        if (after < 0 || after == number || !has_link(ring, after, next.previous_link))
            return false;
    }
    return false;
}

/* Slots that no hold asks for go back into the ring, the newest first; what is older than anything
 * there would have been overwritten long ago, and goes. What the index knows nothing of stays while
 * there is any hold: it may be just what is held. */
static int free_slots(struct rw_store *store, int stream, struct rw_err *err)
{
    struct rw_ring *ring = &store->ring[stream];
    bool *kept = rw_store_asked_for(store, stream, err);
    int failed = kept ? 0 : -1, number;
    while (!failed && (number = newest_held(ring, UINT64_MAX, kept)) >= 0) {
        int64_t first = rw_index_first_seq(store->index, ring->stream, number, err);
        kept[number] = true; /* looked at */
        if (first < 0)
            failed = -1;
        else if (!first && store->hold_count)
            continue;
        else if (is_next_to_ring(store, stream, number))
            failed = rw_ring_hold(ring, number, false, err);
        else
            failed = rw_store_remove_slot(store, stream, number, err);
    }
    free(kept);
    return failed ? -1 : 0;
}

static int put_right(struct rw_store *store, struct rw_err *err)
{
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (!store->has[stream])
            continue;
        for (int i = 0; i < store->hold_count; i++)
            if (keep_slots(store, stream, &store->holds[i], err))
                return -1;
        if (free_slots(store, stream, err))
            return -1;
    }
    fit_rings(store);
    return 0;
}

int rw_store_release(struct rw_store *store, const char *id, const char *by, struct rw_err *err)
{
    int found = 0;
    while (found < store->hold_count && strcmp(store->holds[found].id, id) != 0)
        found++;
    if (found == store->hold_count)
        return rw_fail(err, RW_ENOTFOUND, "there is no hold %s in force; see hold --list", id);
    struct rw_hold released = store->holds[found];
    released.released_us = rw_now(store->clock).utc_us;
    rw_copy_text(released.released_by, sizeof released.released_by, by);
    if (rw_hold_write(store->disk, store->dir, &released, err))
        return -1;
    store->holds[found] = store->holds[--store->hold_count];
    struct rw_err why = {0};
    if (rw_store_flush(store, &why) || put_right(store, &why))
        rw_log(RW_LOG_ERROR, store->camera, "hold %s: %s; the next start tries again", id,
               why.text);
    return 0;
}

void rw_store_keep_closed(struct rw_store *store, int stream)
{
    struct rw_err err = {0};
    int failed = 0;
    if (!store->hold_count)
        return;
    for (int i = 0; i < store->hold_count; i++)
        if (keep_slots(store, stream, &store->holds[i], &err)) {
            rw_log(RW_LOG_ERROR, store->camera, "hold %s: %s; what it asks for may be overwritten",
                   store->holds[i].id, err.text);
            failed = 1;
        }
    if (!failed)
        fit_ring(store, stream);
}

static int take_hold(void *arg, const struct rw_hold *hold)
{
    if (!hold->released_us)
        add_hold(arg, hold);
    return 0;
}

int rw_store_open_holds(struct rw_store *store, struct rw_err *err)
{
    struct rw_err why = {0};
    if (rw_holds_sync(store->disk, store->dir, err))
        return -1;
    if (rw_holds_each(store->disk, store->dir, take_hold, store, &why)) {
        /* Recording is sacred: what stands in held/ stays there. */
        rw_log(RW_LOG_ERROR, store->camera, "%s; no hold is let go until then", why.text);
        fit_rings(store);
        return 0;
    }
    return put_right(store, err);
}

void rw_store_free_holds(struct rw_store *store)
{
    free(store->holds);
    store->holds = NULL;
    store->hold_count = 0;
}
