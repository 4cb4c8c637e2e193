/* Memory that grows: a run of bytes, a list. Both abort where there is no memory.
 *
 * A run of bytes. Caller's memory: init (or zero it), then finish. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rw_buf {
    uint8_t *data; /* owned */
    size_t size, capacity;
};

void rw_buf_init(struct rw_buf *buf);
void rw_buf_finish(struct rw_buf *buf); /* frees; buf may be used again */
void rw_buf_clear(struct rw_buf *buf);  /* keeps the memory */
void rw_buf_add(struct rw_buf *buf, const void *bytes, size_t size);
void rw_buf_printf(struct rw_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3),
                   nonnull(2))); /* not NUL-terminated in size, but in memory */
uint8_t *rw_buf_grow(struct rw_buf *buf, size_t size); /* size unset bytes at the end;
                                                        * never NULL */

/* A list of `count` entries of `size` bytes, with room for one more: the list, or where it is now.
 * Begins with NULL and a capacity of 0; free it with free(). */
void *rw_list_grow(void *list, int count, int *capacity, size_t size);

/* Big-endian fields, as MP4 has them. */
void rw_put_be16(uint8_t *at, uint16_t value);
void rw_put_be32(uint8_t *at, uint32_t value);
void rw_put_be64(uint8_t *at, uint64_t value);
uint16_t rw_get_be16(const uint8_t *at);
uint32_t rw_get_be32(const uint8_t *at);
uint64_t rw_get_be64(const uint8_t *at);
