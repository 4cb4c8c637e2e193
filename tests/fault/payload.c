#include "payload.h"

#include <string.h>

#include "base/buf.h"

enum { HEAD = 24, MARK = 12, MARK_EVERY = 64 };
static const uint8_t mark_begins[4] = "RwPx";

/* The same bytes wherever they are made; `key` shifts them. */
static void pattern(uint32_t key, uint8_t *out, size_t size)
{
    uint32_t state = key * 2654435761u + 1;
    for (size_t i = 0; i < size; i += 4) {
        state = state * 1664525u + 1013904223u;
        uint32_t word = state ^ state >> 15;
        memcpy(out + i, &word, size - i < 4 ? size - i : 4);
    }
}

static void put_marks(enum payload_kind kind, int number, uint8_t *out, size_t size)
{
    uint32_t whose = (uint32_t)number << 2 | (uint32_t)kind;
    for (size_t at = 0; at + MARK <= size; at += MARK_EVERY) {
        memcpy(out + at, mark_begins, 4);
        rw_put_be32(out + at + 4, whose);
        rw_put_be32(out + at + 8, ~whose); /* half of a mark is none */
    }
}

size_t payload_carve(const uint8_t *bytes, size_t size, size_t at, enum payload_kind *kind,
                     int *number)
{
    while (at + MARK <= size) {
        const uint8_t *found = memmem(bytes + at, size - at, mark_begins, 4);
        if (!found || found + MARK > bytes + size)
            return 0;
        uint32_t whose = rw_get_be32(found + 4);
        at = (size_t)(found - bytes) + 4;
        *kind = (enum payload_kind)(whose & 3);
        *number = (int)(whose >> 2);
        if (whose == ~rw_get_be32(found + 8))
            return at;
    }
    return 0;
}

void payload_make(enum rw_stream stream, int serial, uint8_t *out, size_t size)
{
    rw_put_be32(out, (uint32_t)size);
    memcpy(out + 4, "moof", 4);
    rw_put_be64(out + 8, (uint64_t)serial);
    rw_put_be64(out + 16, (uint64_t)stream);
    pattern((uint32_t)serial * 2 + (uint32_t)stream, out + HEAD, size - HEAD);
    put_marks(stream == RW_MAIN ? PAYLOAD_MAIN : PAYLOAD_SUB, serial, out + HEAD, size - HEAD);
}

int payload_serial(enum rw_stream stream, const uint8_t *bytes, size_t size)
{
    static uint8_t again[1 << 16];
    uint64_t serial = size >= PAYLOAD_MIN ? rw_get_be64(bytes + 8) : UINT64_MAX;
    if (serial > INT32_MAX || size > sizeof again)
        return -1;
    payload_make(stream, (int)serial, again, size);
    return memcmp(bytes, again, size) ? -1 : (int)serial;
}

void payload_make_init(enum rw_stream stream, int kind, uint8_t *out, size_t size)
{
    pattern((uint32_t)kind * 2 + (uint32_t)stream + 77, out, size);
    rw_put_be32(out, 40);
    memcpy(out + 4, "ftyp", 4);
    rw_put_be32(out + 40, (uint32_t)size - 40);
    memcpy(out + 44, "moov", 4);
}

void payload_make_picture(int picture, uint8_t *out, size_t size)
{
    pattern((uint32_t)picture + 1234567, out, size);
    put_marks(PAYLOAD_PICTURE, picture, out, size);
}
