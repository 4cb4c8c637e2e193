/* Identifiers. */
#pragma once

#include <stdint.h>

#define RW_ULID_SIZE 27 /* 26 characters and NUL */
#define RW_UUID_TEXT_SIZE 37

/* A ULID: 48 bits of milliseconds since 1970, 80 random bits, Crockford base 32, sortable by time.
 * https://github.com/ulid/spec */
void rw_ulid_make(int64_t utc_us, char out[RW_ULID_SIZE]);
void rw_uuid_make(uint8_t out[16]); /* RFC 4122 version 4 */
const char *rw_uuid_format(const uint8_t uuid[16], char out[RW_UUID_TEXT_SIZE]);
int rw_uuid_parse(const char *text, uint8_t out[16]); /* 0, or -1 */
void rw_random(void *bytes, int size); /* the kernel's random source; aborts when there is none */
