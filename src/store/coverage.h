/* The ledger of a span: what is recorded, what is missing and why, what was overwritten. Pure. */
#pragma once

#include "store/reader.h"

struct rw_ledger_gap {
    int64_t from_us, to_us;
    enum rw_cause cause;
    bool open; /* from_us: what was recorded before it ends there; to_us: that is not known */
};

/* Filled in the order of the recording: where the clock was set back, not the order of time. */
struct rw_ledger {
    struct rw_span *spans;
    struct rw_ledger_gap *gaps;
    struct rw_span *damages;
    int span_count, span_capacity, gap_count, gap_capacity, damage_count, damage_capacity;
    int64_t end_us; /* of the span that was added last */
};

void rw_ledger_add_span(struct rw_ledger *ledger, int64_t from_us, int64_t to_us);
/* Part of a span that came damaged. */
void rw_ledger_add_damage(struct rw_ledger *ledger, int64_t from_us, int64_t to_us);
/* Of the span that is added next, at whose start they end: oldest first. A part of length
 * RW_GAP_OPEN explains all that nothing else does, back to what was recorded before it. */
void rw_ledger_add_gaps(struct rw_ledger *ledger, int64_t end_us, const struct rw_gap_part *parts,
                        int count);
void rw_ledger_finish(struct rw_ledger *ledger);

/* What bounds the recording: outside of it the cause is clear without a row. */
struct rw_ledger_bounds {
    int64_t born_us, newest_us; /* 0: nothing recorded */
    int64_t aged_us;            /* unexplained before this: deleted by its age; 0: none */
    int64_t deleted_us;         /* and before this: overwritten */
    int64_t power_us;           /* after newest_us up to here: the box was off; 0: it was not */
    enum rw_cause open_cause;   /* of what is missing after both */
    int64_t now_us; /* after this only footage of before the clock was set back; 0: there is none */
};
/* The end of what is recorded; INT64_MIN: nothing is. */
int64_t rw_ledger_end(const struct rw_ledger *ledger);
/* Fills out (from_us and to_us are set by the caller). Every microsecond of it lands in one of
 * recorded, gap, deleted. */
void rw_ledger_settle(struct rw_ledger *ledger, const struct rw_ledger_bounds *bounds,
                      struct rw_coverage *out);
