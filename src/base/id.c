#include "base/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void rw_random(void *bytes, int size)
{
    if (getrandom(bytes, (size_t)size, 0) != size)
        abort(); /* up to 256 bytes always come whole */
}

void rw_ulid_make(int64_t utc_us, char out[RW_ULID_SIZE])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t bytes[16];
    uint64_t ms = (uint64_t)(utc_us > 0 ? utc_us / 1000 : 0);
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    rw_random(bytes + 6, 10);
    /* 26 digits of 5 bits are 130: the first digit holds the top 3 of 128. */
    for (int digit = 0; digit < 26; digit++) {
        unsigned value = 0;
        for (int bit = digit * 5 - 2; bit < digit * 5 + 3; bit++)
            value = value << 1 | (bit < 0 ? 0u : (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1u);
        out[digit] = digits[value];
    }
    out[26] = 0;
}

void rw_uuid_make(uint8_t out[16])
{
    rw_random(out, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

const char *rw_uuid_format(const uint8_t uuid[16], char out[RW_UUID_TEXT_SIZE])
{
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        at += sprintf(at, "%02x", uuid[i]);
    }
    return out;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    char lower = (char)(digit | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int rw_uuid_parse(const char *text, uint8_t out[16])
{
    uint8_t uuid[16];
    for (int i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return -1;
        int high = hex_value(*text), low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return -1;
        uuid[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text)
        return -1;
    memcpy(out, uuid, sizeof uuid);
    return 0;
}
