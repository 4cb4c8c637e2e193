#include "store/coverage.h"

#include <stdlib.h>

#include "store/index.h"

static void push(struct rw_span **list, int *count, int *capacity, struct rw_span span)
{
    *list = rw_list_grow(*list, *count, capacity, sizeof **list);
    (*list)[(*count)++] = span;
}

void rw_ledger_add_span(struct rw_ledger *ledger, int64_t from_us, int64_t to_us)
{
    struct rw_span *last = ledger->span_count ? &ledger->spans[ledger->span_count - 1] : NULL;
    ledger->end_us = to_us;
    if (last && from_us >= last->from_us && from_us <= last->to_us + RW_GAP_TOLERANCE_US) {
        if (to_us > last->to_us)
            last->to_us = to_us;
        return;
    }
    push(&ledger->spans, &ledger->span_count, &ledger->span_capacity,
         (struct rw_span){from_us, to_us, RW_CAUSE_NONE});
}

void rw_ledger_add_damage(struct rw_ledger *ledger, int64_t from_us, int64_t to_us)
{
    struct rw_span *last = ledger->damage_count ? &ledger->damages[ledger->damage_count - 1] : NULL;
    if (last && from_us >= last->from_us && from_us <= last->to_us) {
        if (to_us > last->to_us)
            last->to_us = to_us;
        return;
    }
    push(&ledger->damages, &ledger->damage_count, &ledger->damage_capacity,
         (struct rw_span){from_us, to_us, RW_CAUSE_NONE});
}

void rw_ledger_add_gaps(struct rw_ledger *ledger, int64_t end_us, const struct rw_gap_part *parts,
                        int count)
{
    for (int i = count - 1; i >= 0; i--) {
        bool open = parts[i].length_us == RW_GAP_OPEN;
        bool known = open && ledger->span_count && ledger->end_us < end_us;
        int64_t from = known ? ledger->end_us : end_us - parts[i].length_us;
        ledger->gaps = rw_list_grow(ledger->gaps, ledger->gap_count, &ledger->gap_capacity,
                                    sizeof *ledger->gaps);
        ledger->gaps[ledger->gap_count++] =
            (struct rw_ledger_gap){from, end_us, parts[i].cause, open};
        end_us -= parts[i].length_us;
    }
}

void rw_ledger_finish(struct rw_ledger *ledger)
{
    free(ledger->spans);
    free(ledger->gaps);
    free(ledger->damages);
    *ledger = (struct rw_ledger){0};
}

int64_t rw_ledger_end(const struct rw_ledger *ledger)
{
    int64_t end = INT64_MIN;
    for (int i = 0; i < ledger->span_count; i++)
        if (ledger->spans[i].to_us > end)
            end = ledger->spans[i].to_us;
    return end;
}

static int by_start(const void *a, const void *b)
{
    const struct rw_span *left = a, *right = b;
    int order = (left->from_us > right->from_us) - (left->from_us < right->from_us);
    return order ? order : (left->to_us > right->to_us) - (left->to_us < right->to_us);
}

/* What an open gap explains is what the others have left. */
static int by_reach(const void *a, const void *b)
{
    const struct rw_ledger_gap *left = a, *right = b;
    int64_t from = left->open ? left->to_us : left->from_us;
    int64_t other = right->open ? right->to_us : right->from_us;
    int order = (from > other) - (from < other);
    return order ? order : (left->to_us > right->to_us) - (left->to_us < right->to_us);
}

struct settling {
    const struct rw_ledger *ledger;
    const struct rw_ledger_bounds *bounds;
    struct rw_coverage *out;
    int span_capacity, gap_capacity, deletion_capacity;
};

static void put(struct rw_span **list, int *count, int *capacity, struct rw_span span)
{
    struct rw_span *last = *count ? &(*list)[*count - 1] : NULL;
    if (last && last->to_us == span.from_us && last->cause == span.cause)
        last->to_us = span.to_us;
    else
        push(list, count, capacity, span);
}

static void put_cause(struct settling *s, int64_t from, int64_t to, enum rw_cause cause)
{
    struct rw_coverage *out = s->out;
    struct rw_span span = {from, to, cause};
    if (from >= to)
        return;
    if (cause == RW_CAUSE_OVERWRITTEN || cause == RW_CAUSE_AGED) {
        out->deleted_us += to - from;
        put(&out->deletions, &out->deletion_count, &s->deletion_capacity, span);
    } else {
        out->gap_us += to - from;
        put(&out->gaps, &out->gap_count, &s->gap_capacity, span);
    }
}

/* A hole that no row explains: before the first picture, deleted, after the newest, or a mystery,
 * which fsck reports. */
static void put_unexplained(struct settling *s, int64_t from, int64_t to)
{
    const struct rw_ledger_bounds *b = s->bounds;
    const struct {
        int64_t end;
        enum rw_cause cause;
    } steps[] = {{b->born_us, RW_CAUSE_BEFORE_FIRST},
                 {b->aged_us, RW_CAUSE_AGED},
                 {b->deleted_us, RW_CAUSE_OVERWRITTEN},
                 {b->newest_us, RW_CAUSE_UNKNOWN},
                 {b->power_us, RW_CAUSE_POWER}};
    enum rw_cause last = b->open_cause == RW_CAUSE_NONE ? RW_CAUSE_UNKNOWN : b->open_cause;
    if (!b->newest_us && !b->deleted_us)
        last = RW_CAUSE_BEFORE_FIRST;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && from < to; i++) {
        int64_t end = steps[i].end < to ? steps[i].end : to;
        if (end <= from)
            continue;
        put_cause(s, from, end, steps[i].cause);
        from = end;
    }
    int64_t reached = b->now_us && b->now_us < to ? b->now_us : to;
    put_cause(s, from, reached, last);
    put_cause(s, from > reached ? from : reached, to, RW_CAUSE_CLOCK);
}

/* An open gap at `to`: all of [from, to) but what was deleted; what was there before that, and its
 * gaps, nobody knows any more. */
static void put_open_gap(struct settling *s, int64_t from, int64_t to, enum rw_cause cause)
{
    const struct rw_ledger_bounds *b = s->bounds;
    int64_t deleted = b->deleted_us > b->aged_us ? b->deleted_us : b->aged_us;
    if (deleted > to)
        deleted = to;
    if (deleted > from) {
        put_unexplained(s, from, deleted);
        from = deleted;
    }
    put_cause(s, from, to, cause);
}

/* Nothing is recorded in [from, to): explain it. */
static void explain(struct settling *s, int64_t from, int64_t to)
{
    for (int i = 0; i < s->ledger->gap_count && from < to; i++) {
        const struct rw_ledger_gap *gap = &s->ledger->gaps[i];
        bool reaches = gap->from_us < to || (gap->open && gap->to_us <= to);
        if (gap->to_us <= from || !reaches)
            continue;
        if (gap->open) {
            int64_t end = gap->to_us < to ? gap->to_us : to;
            put_open_gap(s, from, end, gap->cause);
            from = end;
            continue;
        }
        if (gap->from_us > from)
            put_unexplained(s, from, gap->from_us);
        int64_t start = gap->from_us > from ? gap->from_us : from;
        int64_t end = gap->to_us < to ? gap->to_us : to;
        put_cause(s, start, end, gap->cause);
        from = end;
    }
    put_unexplained(s, from, to);
}

/* Damage is told once where spans overlap, and never beyond what was asked for. */
static void settle_damage(struct rw_ledger *ledger, struct rw_coverage *out)
{
    int capacity = 0;
    int64_t at = out->from_us;
    if (ledger->damage_count)
        qsort(ledger->damages, (size_t)ledger->damage_count, sizeof *ledger->damages, by_start);
    for (int i = 0; i < ledger->damage_count; i++) {
        struct rw_span span = ledger->damages[i];
        span.from_us = span.from_us > at ? span.from_us : at;
        span.to_us = span.to_us < out->to_us ? span.to_us : out->to_us;
        if (span.from_us >= span.to_us)
            continue;
        put(&out->damages, &out->damage_count, &capacity, span);
        out->damaged_us += span.to_us - span.from_us;
        at = span.to_us;
    }
}

void rw_ledger_settle(struct rw_ledger *ledger, const struct rw_ledger_bounds *bounds,
                      struct rw_coverage *out)
{
    struct settling s = {.ledger = ledger, .bounds = bounds, .out = out};
    if (ledger->span_count)
        qsort(ledger->spans, (size_t)ledger->span_count, sizeof *ledger->spans, by_start);
    if (ledger->gap_count)
        qsort(ledger->gaps, (size_t)ledger->gap_count, sizeof *ledger->gaps, by_reach);
    int64_t at = out->from_us;
    for (int i = 0; i < ledger->span_count; i++) {
        int64_t from = ledger->spans[i].from_us, to = ledger->spans[i].to_us;
        if (to > out->to_us)
            to = out->to_us;
        if (to <= at)
            continue;
        bool joins = out->span_count && from <= at + RW_GAP_TOLERANCE_US;
        if (joins || from < at)
            from = at;
        if (from >= to)
            continue;
        explain(&s, at, from);
        if (joins)
            out->spans[out->span_count - 1].to_us = to;
        else
            push(&out->spans, &out->span_count, &s.span_capacity,
                 (struct rw_span){from, to, RW_CAUSE_NONE});
        out->recorded_us += to - from;
        at = to;
    }
    explain(&s, at, out->to_us);
    settle_damage(ledger, out);
}

void rw_coverage_finish(struct rw_coverage *coverage)
{
    free(coverage->spans);
    free(coverage->gaps);
    free(coverage->deletions);
    free(coverage->damages);
    *coverage = (struct rw_coverage){0};
}
