/* Bytes that tell whose they are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum { PAYLOAD_MIN = 64, PICTURE_MAX = 4096 };

void payload_make(enum rw_stream stream, int serial, uint8_t *out, size_t size);
/* The serial number of a payload, -1: it is not as it was made. */
int payload_serial(enum rw_stream stream, const uint8_t *bytes, size_t size);
void payload_make_init(enum rw_stream stream, int kind, uint8_t *out, size_t size);
void payload_make_picture(int picture, uint8_t *out, size_t size);

/* Finds the next piece of a payload or a picture at or behind `at`, by marks that stand every 64
 * bytes. Where it ends, 0: there is none. */
enum payload_kind { PAYLOAD_MAIN, PAYLOAD_SUB, PAYLOAD_PICTURE };
size_t payload_carve(const uint8_t *bytes, size_t size, size_t at, enum payload_kind *kind,
                     int *number);
