/* libFuzzer: a row of the index with any numbers in it, and any bytes as its packed records. First
 * the row (ROW_SIZE bytes, as take_row() reads them), then how many records are cut away, then the
 * records. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROW_SIZE = 60, LIST_MAX = 512 };

struct list {
    struct rw_fragment fragments[LIST_MAX];
    enum rw_record_kind kinds[LIST_MAX];
    int count;
};

static int64_t take_i64(const uint8_t **at)
{
    *at += 8;
    return (int64_t)rw_get_be64(*at - 8);
}

static void take_row(struct rw_chunk *chunk, const uint8_t *at)
{
    chunk->first_seq = (uint64_t)take_i64(&at);
    chunk->offset = take_i64(&at);
    chunk->start_us = take_i64(&at);
    chunk->end_us = take_i64(&at);
    chunk->boot_us = take_i64(&at);
    chunk->boot = (uint64_t)take_i64(&at);
    chunk->span = take_i64(&at);
    chunk->slot = rw_get_be16(at);
    chunk->count = at[2];
    chunk->unverified = at[3] & 1;
}

static int note(void *arg, const struct rw_fragment *fragment, enum rw_record_kind kind)
{
    struct list *list = arg;
    assert(kind == RW_RECORD_FRAGMENT || kind == RW_RECORD_EVENT);
    assert(fragment->gap_count >= 0 && fragment->gap_count <= RW_GAPS_MAX);
    assert(list->count < LIST_MAX);
    list->kinds[list->count] = kind;
    list->fragments[list->count++] = *fragment;
    return 0;
}

static void check_order(const struct list *list)
{
    for (int i = 0; i < list->count; i++) {
        const struct rw_fragment *now = &list->fragments[i];
        assert(now->start_us >= 0 && now->start_us + now->duration_us >= now->start_us);
        assert(now->offset >= RW_RECORD_SIZE);
        assert(!i || now->seq == now[-1].seq + 1);
        assert(!i || now->offset == now[-1].offset + now[-1].size + RW_RECORD_SIZE);
    }
}

/* What is left says the same of the records that it says anything of. */
static void check_cut(const struct list *before, const struct list *after)
{
    int skip = before->count - after->count;
    assert(skip >= 0);
    for (int i = 0; i < after->count; i++) {
        const struct rw_fragment *a = &before->fragments[skip + i], *b = &after->fragments[i];
        assert(before->kinds[skip + i] == after->kinds[i]);
        assert(a->seq == b->seq && a->offset == b->offset && a->size == b->size);
        if (before->kinds[skip + i] == RW_RECORD_EVENT)
            continue; /* these have no time of their own */
        assert(a->start_us == b->start_us && a->duration_us == b->duration_us);
        assert(a->gap_count == b->gap_count && a->keyframe == b->keyframe);
        assert(a->came_damaged == b->came_damaged);
    }
}

static void try_cut(struct rw_chunk *chunk, const struct list *before, uint64_t seq)
{
    struct list *after = calloc(1, sizeof *after);
    if (!after)
        abort();
    if (!rw_chunk_cut(chunk, seq)) {
        assert(!rw_chunk_each(chunk, note, after));
        assert(after->count == chunk->count);
        check_order(after);
        check_cut(before, after);
    }
    free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < ROW_SIZE + 1)
        return 0;
    struct rw_chunk chunk;
    struct list *list = calloc(1, sizeof *list);
    if (!list)
        abort();
    rw_chunk_init(&chunk, RW_MAIN);
    take_row(&chunk, data);
    rw_buf_add(&chunk.entries, data + ROW_SIZE + 1, size - ROW_SIZE - 1);
    int failed = rw_chunk_each(&chunk, note, list);
    assert(failed ? list->count <= chunk.count : list->count == chunk.count);
    check_order(list);
    uint64_t seq = chunk.first_seq + data[ROW_SIZE];
    try_cut(&chunk, list, seq);
    rw_chunk_finish(&chunk);
    free(list);
    return 0;
}
