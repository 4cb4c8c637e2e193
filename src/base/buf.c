#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rw_buf_init(struct rw_buf *buf)
{
    *buf = (struct rw_buf){0};
}

void rw_buf_finish(struct rw_buf *buf)
{
    free(buf->data);
    rw_buf_init(buf);
}

void rw_buf_clear(struct rw_buf *buf)
{
    buf->size = 0;
}

uint8_t *rw_buf_grow(struct rw_buf *buf, size_t size)
{
    if (!buf->data || buf->capacity - buf->size < size) {
        size_t capacity = buf->capacity + buf->capacity / 2;
        if (capacity < buf->size + size)
            capacity = buf->size + size;
        if (capacity < 64)
            capacity = 64;
        uint8_t *data = realloc(buf->data, capacity);
        if (!data)
            abort();
        buf->data = data;
        buf->capacity = capacity;
    }
    uint8_t *at = buf->data + buf->size;
    buf->size += size;
    return at;
}

void *rw_list_grow(void *list, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity ? 2 * *capacity : 8;
    list = realloc(list, (size_t)*capacity * size);
    if (!list)
        abort();
    return list;
}

void rw_buf_add(struct rw_buf *buf, const void *bytes, size_t size)
{
    if (size)
        memcpy(rw_buf_grow(buf, size), bytes, size);
}

void rw_buf_printf(struct rw_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size >= 0) {
        char *at = (char *)rw_buf_grow(buf, (size_t)size + 1);
        vsnprintf(at, (size_t)size + 1, format, again);
        buf->size--;
    }
    va_end(again);
}

void rw_put_be16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void rw_put_be32(uint8_t *at, uint32_t value)
{
    rw_put_be16(at, (uint16_t)(value >> 16));
    rw_put_be16(at + 2, (uint16_t)value);
}

void rw_put_be64(uint8_t *at, uint64_t value)
{
    rw_put_be32(at, (uint32_t)(value >> 32));
    rw_put_be32(at + 4, (uint32_t)value);
}

uint16_t rw_get_be16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t rw_get_be32(const uint8_t *at)
{
    return (uint32_t)rw_get_be16(at) << 16 | rw_get_be16(at + 2);
}

uint64_t rw_get_be64(const uint8_t *at)
{
    return (uint64_t)rw_get_be32(at) << 32 | rw_get_be32(at + 4);
}
