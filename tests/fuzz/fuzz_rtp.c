/* libFuzzer: datagrams as a camera might send them. The first byte says which codec (1), whether
 * they go through the order of UDP (2), and whether each is given a sequence number that follows
 * the one before (4); then each datagram behind its length of two bytes. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "media/nal.h"
#include "media/rtsp/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 3000, HEVC = 1, ORDERED = 2, NUMBERED = 4, STEP_US = 10000, PATIENCE_US = 30000 };

struct run {
    enum rw_codec_id codec;
    struct rw_rtp_assembler *assembler;
};

static void check_unit(const struct run *run, const struct rw_rtp_unit *unit)
{
    static const uint8_t START[4] = {0, 0, 0, 1};
    assert(unit->size > sizeof START && unit->size <= MOST);
    assert(!memcmp(unit->data, START, sizeof START));
    assert(unit->ticks >= -(INT64_C(1) << 48) && unit->ticks <= INT64_C(1) << 48);
    assert(rw_nal_summarize(run->codec, unit->data, unit->size).picture);
}

static void take_units(struct run *run, int most)
{
    struct rw_rtp_unit unit;
    int count = 0;
    for (; rw_rtp_assembler_take(run->assembler, &unit); count++)
        check_unit(run, &unit);
    assert(count <= most);
}

/* In memory of its very size: no byte beyond it is ours. */
static void add(struct run *run, const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes)
        abort();
    memcpy(bytes, data, size);
    struct rw_rtp_packet packet;
    struct rw_err err = {0};
    uint64_t lost = rw_rtp_assembler_lost(run->assembler);
    if (rw_rtp_parse(bytes, size, &packet)) {
        assert(packet.data >= bytes + 12 && packet.size <= size - (size_t)(packet.data - bytes));
        if (rw_rtp_assembler_add(run->assembler, &packet, &err) < 0)
            assert((err.code == RW_EFORMAT || err.code == RW_EHOSTILE) && err.text[0]);
        assert(rw_rtp_assembler_lost(run->assembler) - lost < UINT16_MAX);
    }
    free(bytes); /* a unit borrows nothing of its datagrams */
    take_units(run, 2);
}

static void take_ordered(struct run *run, struct rw_rtp_order *order, int64_t now_us)
{
    const uint8_t *bytes;
    size_t size;
    int count = 0;
    for (; (size = rw_rtp_order_take(order, now_us, PATIENCE_US, &bytes)); count++)
        add(run, bytes, size);
    assert(count <= RW_RTP_ORDER_MAX);
}

static void run_all(struct run *run, int choice, const uint8_t *at, const uint8_t *end)
{
    struct rw_rtp_order *order = choice & ORDERED ? rw_rtp_order_create() : NULL;
    uint8_t datagram[UINT16_MAX];
    uint16_t sequence = 65530;
    int64_t now_us = 0;
    for (; end - at > 2; now_us += STEP_US) {
        size_t size = rw_get_be16(at);
        at += 2;
        if (size > (size_t)(end - at))
            size = (size_t)(end - at);
        memcpy(datagram, at, size);
        at += size;
        if (choice & NUMBERED && size >= 4)
            rw_put_be16(datagram + 2, sequence++);
        if (!order) {
            add(run, datagram, size);
            continue;
        }
        rw_rtp_order_add(order, datagram, size, now_us);
        take_ordered(run, order, now_us);
    }
    if (order)
        take_ordered(run, order, INT64_MAX);
    rw_rtp_order_destroy(order);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct run run = {.codec = data[0] & HEVC ? RW_CODEC_HEVC : RW_CODEC_H264};
    run.assembler = rw_rtp_assembler_create(run.codec, MOST);
    run_all(&run, data[0], data + 1, data + size);
    rw_rtp_assembler_end(run.assembler);
    take_units(&run, 1);
    rw_rtp_assembler_destroy(run.assembler);
    return 0;
}
