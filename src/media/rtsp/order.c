#include <stdlib.h>
#include <string.h>

#include "media/rtsp/rtp.h"

enum {
    HEADER_SIZE = 12,
    DROPOUT_MAX = 3000, /* RFC 3550, A.1 */
    MISORDER_MAX = 100,
};

/* A datagram that waits. */
struct waiting {
    uint16_t sequence;
    uint8_t slot;
    uint16_t size;
    int64_t arrival_us;
};

struct rw_rtp_order {
    struct waiting queue[RW_RTP_ORDER_MAX]; /* in order */
    int count;
    int ripe; /* of them, those from the front on whose turn it is, holes or not */
    bool started;
    uint32_t ssrc;
    uint16_t next; /* the sequence number whose turn it is, behind the ripe ones */
    uint8_t free_slots[RW_RTP_ORDER_MAX];
    uint8_t slots[RW_RTP_ORDER_MAX][RW_RTP_DATAGRAM_MAX];
};

struct rw_rtp_order *rw_rtp_order_create(void)
{
    struct rw_rtp_order *order = calloc(1, sizeof *order);
    if (!order)
        abort();
    for (int i = 0; i < RW_RTP_ORDER_MAX; i++)
        order->free_slots[i] = (uint8_t)i;
    return order;
}

void rw_rtp_order_destroy(struct rw_rtp_order *order)
{
    free(order);
}

/* Where in the queue the number belongs, -1 when it is there already. */
static int find_place(const struct rw_rtp_order *order, uint16_t sequence)
{
    int place = order->count;
    for (; place > order->ripe; place--) {
        int16_t after = (int16_t)(sequence - order->queue[place - 1].sequence);
        if (after == 0)
            return -1;
        if (after > 0)
            break;
    }
    return place;
}

/* False: its turn is over. */
static bool follow_sequence(struct rw_rtp_order *order, uint32_t ssrc, uint16_t sequence)
{
    uint16_t ahead = (uint16_t)(sequence - order->next);
    bool same = order->started && order->ssrc == ssrc;
    if (same && ahead >= UINT16_MAX + 1 - MISORDER_MAX)
        return false;
    if (same && ahead < DROPOUT_MAX)
        return true;
    order->started = true;
    order->ssrc = ssrc;
    order->next = sequence;
    order->ripe = order->count;
    return true;
}

void rw_rtp_order_add(struct rw_rtp_order *order, const uint8_t *bytes, size_t size, int64_t now_us)
{
    if (size < HEADER_SIZE || size > RW_RTP_DATAGRAM_MAX || bytes[0] >> 6 != 2 ||
        order->count == RW_RTP_ORDER_MAX)
        return;
    uint16_t sequence = rw_get_be16(bytes + 2);
    if (!follow_sequence(order, rw_get_be32(bytes + 8), sequence))
        return;
    int place = find_place(order, sequence);
    if (place < 0)
        return;
    struct waiting *at = &order->queue[place];
    uint8_t slot = order->free_slots[RW_RTP_ORDER_MAX - 1 - order->count];
    memmove(at + 1, at, (size_t)(order->count - place) * sizeof *at);
    *at = (struct waiting){
        .sequence = sequence, .slot = slot, .size = (uint16_t)size, .arrival_us = now_us};
    memcpy(order->slots[slot], bytes, size);
    order->count++;
}

/* True when the first that waits need not wait longer for those before it. */
static bool gives_up(const struct rw_rtp_order *order, int64_t now_us, int64_t patience_us)
{
    if (order->count == RW_RTP_ORDER_MAX)
        return true;
    for (int i = 0; i < order->count; i++) {
        if (now_us - order->queue[i].arrival_us >= patience_us)
            return true;
    }
    return false;
}

size_t rw_rtp_order_take(struct rw_rtp_order *order, int64_t now_us, int64_t patience_us,
                         const uint8_t **bytes)
{
    if (!order->count)
        return 0;
    struct waiting first = order->queue[0];
    if (order->ripe > 0)
        order->ripe--;
    else if (first.sequence == order->next || gives_up(order, now_us, patience_us))
        order->next = (uint16_t)(first.sequence + 1);
    else
        return 0;
    order->count--;
    memmove(order->queue, order->queue + 1, (size_t)order->count * sizeof first);
    order->free_slots[RW_RTP_ORDER_MAX - 1 - order->count] = first.slot;
    *bytes = order->slots[first.slot];
    return first.size;
}
