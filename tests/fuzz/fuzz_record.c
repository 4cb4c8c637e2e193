/* libFuzzer: any bytes as a record header, as a packed row of the index, as an event's record in a
 * slot and as an event's text. The first byte says as which of them. */
#include <assert.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/event_json.h"
#include "store/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header that is taken packs to the same bytes, but for those that mean nothing. */
static void try_header(const uint8_t *data, size_t size)
{
    struct rw_record record, again;
    struct rw_err err = {0};
    uint8_t header[RW_RECORD_SIZE] = {0};
    memcpy(header, data, size < sizeof header ? size : sizeof header);
    if (rw_record_unpack(header, &record, &err)) {
        assert(err.code == RW_EFORMAT && err.text[0]);
        return;
    }
    assert(record.gap_count >= 0 && record.gap_count <= RW_GAPS_MAX);
    assert(rw_record_span(&record) <= RW_RECORD_SIZE + (UINT64_C(1) << 30));
    rw_record_pack(&record, header);
    assert(!rw_record_unpack(header, &again, &err));
    assert(again.seq == record.seq && again.start_us == record.start_us);
}

/* The same with a right link, so that what stands behind that check is reached. */
static void try_sealed_header(const uint8_t *data, size_t size)
{
    struct rw_record seed = {.kind = RW_RECORD_FRAGMENT}, record;
    uint8_t header[RW_RECORD_SIZE];
    rw_record_pack(&seed, header);
    size_t most = RW_RECORD_SIZE - RW_HASH_SIZE - 24;
    memcpy(header + 24, data, size < most ? size : most);
    SHA256(header, RW_RECORD_SIZE - RW_HASH_SIZE, header + RW_RECORD_SIZE - RW_HASH_SIZE);
    try_header(header, sizeof header);
    if (rw_record_unpack(header, &record, NULL))
        return;
    struct rw_chunk chunk;
    rw_chunk_init(&chunk, RW_MAIN);
    assert(rw_chunk_add(&chunk, 0, &record, 0));
    rw_chunk_finish(&chunk);
}

static int count_fragment(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    assert(kind == RW_RECORD_FRAGMENT || kind == RW_RECORD_EVENT);
    assert(fragment->gap_count >= 0 && fragment->gap_count <= RW_GAPS_MAX);
    (*(int *)arg)++;
    return 0;
}

static void try_chunk(const uint8_t *data, size_t size)
{
    struct rw_chunk chunk;
    int count = 0;
    if (!size)
        return;
    rw_chunk_init(&chunk, RW_MAIN);
    chunk.count = data[0];
    chunk.start_us = chunk.end_us = INT64_C(1790000000000000);
    rw_buf_add(&chunk.entries, data + 1, size - 1);
    int failed = rw_chunk_each(&chunk, count_fragment, &count);
    assert(failed ? count < chunk.count : count == chunk.count);
    rw_chunk_finish(&chunk);
}

static void try_event_text(const char *text, size_t size)
{
    struct rw_event event, again;
    memset(&event, 0x5a, sizeof event);
    if (rw_event_from_json(text, size, &event))
        return;
    assert(event.zone_count >= 0 && event.zone_count <= RW_ZONES_MAX);
    assert(event.crossing_count >= 0 && event.crossing_count <= RW_CROSSINGS_MAX);
    assert(event.path_count >= 0 && event.path_count <= RW_EVENT_PATH_MAX);
    assert(memchr(event.id, 0, sizeof event.id) && memchr(event.kind, 0, sizeof event.kind));
    char *back = rw_event_to_json(&event);
    assert(!rw_event_from_json(back, strlen(back), &again));
    assert(!strcmp(event.id, again.id) && event.start_us == again.start_us);
    free(back);
}

static void try_event_record(const uint8_t *data, size_t size)
{
    const char *json;
    size_t json_size;
    struct rw_pictures pictures;
    if (rw_event_unpack(data, size, &json, &json_size, &pictures))
        return;
    assert(json_size + (size_t)pictures.jpeg_size + (size_t)pictures.thumbnail_size + 12 == size);
    for (int i = 0; i < pictures.jpeg_size; i++) /* readable to the last byte */
        assert(pictures.jpeg + i < data + size);
    try_event_text(json, json_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *bytes = malloc(size); /* no byte beyond it is ours */
    if (!bytes)
        abort();
    memcpy(bytes, data + 1, size - 1);
    static void (*const tries[])(const uint8_t *data, size_t size) = {try_header, try_sealed_header,
                                                                      try_chunk, try_event_record};
    size_t choice = data[0] % (sizeof tries / sizeof *tries + 1);
    if (choice < sizeof tries / sizeof *tries)
        tries[choice](bytes, size - 1);
    else
        try_event_text((const char *)bytes, size - 1);
    free(bytes);
    return 0;
}
