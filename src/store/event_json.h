/* An event as it is kept: JSON with times in microseconds, in the index and in the ring. */
#pragma once

#include "base/buf.h"
#include "roadwatch/event.h"

/* The text is the caller's, for free(). */
char *rw_event_to_json(const struct rw_event *event);
/* 0, or -1 when the text is not such an event; then *event is untouched. Records of before there
 * was a path, a whole box, crossed lines or a reason are read as having none. */
int rw_event_from_json(const char *text, size_t size, struct rw_event *event);

/* The payload of an event record in the ring: u32 length and JSON, u32 length and JPEG, u32 length
 * and thumbnail, big-endian. */
void rw_event_pack(const char *json, const struct rw_pictures *pictures, struct rw_buf *out);
/* Pointers into payload. -1 when it is not well formed. */
int rw_event_unpack(const uint8_t *payload, size_t size, const char **json, size_t *json_size,
                    struct rw_pictures *pictures);
