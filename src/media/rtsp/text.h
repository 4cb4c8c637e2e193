/* Runs of text inside somebody else's memory, and the little grammar that RTSP headers and session
 * descriptions have in common. Each step takes something off the front of a run, so that all of it
 * is linear in its length. No run need end in NUL, and none is changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct rw_span {
    const char *at;
    size_t size;
};

struct rw_span rw_span_of(const char *text); /* a NUL-terminated one */
/* Without spaces, tabs and carriage returns at both ends. */
struct rw_span rw_span_trim(struct rw_span span);
/* ASCII letters of either case are the same. */
bool rw_span_is(struct rw_span span, const char *word);
bool rw_span_begins(struct rw_span span, const char *word);
/* Up to the first of the stops, trimmed; *rest is what stands behind that stop. */
struct rw_span rw_span_take(struct rw_span *rest, const char *stops);
/* The decimal number that *rest begins with, most where it is larger, -1 where there is none. */
int64_t rw_span_number(struct rw_span *rest, int64_t most);
/* The next of "name=value;name;..." as Transport, Session and fmtp have them. The value is "" where
 * there is none, and without its quotes. False: no more. */
bool rw_span_parameter(struct rw_span *rest, struct rw_span *name, struct rw_span *value);
/* False when it does not fit with a NUL behind it; then out is "". */
bool rw_span_copy(struct rw_span span, char *out, size_t size);

/* Appends what the base64 (RFC 4648, section 4; padding may be missing) stands for. False: it is
 * none, and out is as before. */
bool rw_base64_decode(struct rw_span span, struct rw_buf *out);
