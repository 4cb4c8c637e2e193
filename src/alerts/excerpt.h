/* The film that goes out after an event: some seconds of what was recorded around it. */
#pragma once

#include "roadwatch/event.h"
#include "store/reader.h"

struct rw_excerpt {
    enum rw_stream stream;
    int64_t length_us; /* at most so long, and */
    size_t max_bytes;  /* so large */
    int64_t now_us;    /* UTC */
};

enum rw_excerpt_found {
    RW_EXCERPT_FAILED = -1, /* with *err */
    RW_EXCERPT_MADE = 0,    /* or there is nothing to make it of, then out is empty */
    RW_EXCERPT_LATER = 1,   /* its last second is not on the disk yet */
};

/* Begins a little before the event, or, where that is too long or too heavy, nearer to its best
 * picture. Appends an MP4 to out. */
enum rw_excerpt_found rw_excerpt_make(struct rw_reader *reader, const struct rw_event *event,
                                      const struct rw_excerpt *wanted, struct rw_buf *out,
                                      struct rw_err *err);
