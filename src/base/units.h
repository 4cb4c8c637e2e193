/* Words that people write, and the numbers behind them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RW_SECOND_US INT64_C(1000000)
#define RW_TIME_SIZE 32

/* "64 MiB", "200GiB", "1024": bytes. KiB MiB GiB TiB are powers of 1024, kB (or KB) MB GB TB of 1000. */
int rw_parse_size(const char *text, int64_t *bytes, struct rw_err *err);
/* "5s", "250ms", "5m", "12h", "30d", "0": microseconds. */
int rw_parse_duration(const char *text, int64_t *us, struct rw_err *err);
/* RFC 3339 with a zone, local "2026-11-23 19:00[:30]", "now", "-15m", "+15m": UTC microseconds. A
 * local time that comes twice, when clocks are set back in autumn, is the first of them, or the
 * last. */
int rw_parse_time(const char *text, int64_t now_us, int64_t *us, struct rw_err *err);
int rw_parse_last_time(const char *text, int64_t now_us, int64_t *us, struct rw_err *err);

/* "2026-11-23T12:00:00.123Z" */
const char *rw_format_time(int64_t utc_us, char out[RW_TIME_SIZE]);
/* "19:00:00", the box's local time */
const char *rw_format_local_clock(int64_t utc_us, char out[RW_TIME_SIZE]);
/* "200 GiB", "1.5 MiB" */
const char *rw_format_size(int64_t bytes, char out[RW_TIME_SIZE]);

/* Copies text into out of this size, cut before a letter that does not fit whole. */
void rw_copy_text(char *out, size_t size, const char *text);

/* [a-z0-9-]{1,32} */
bool rw_id_valid(const char *id);
