#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtsp/pieces.h"
#include "media/rtsp/rtp.h"

enum {
    START_SIZE = 4,     /* of a start code */
    DROPOUT_MAX = 3000, /* RFC 3550, A.1: a wider hole is another stream */
    MISORDER_MAX = 100,
    UNITS_MAX = 2,   /* that one datagram ends: the picture before, and its own */
    NALS_MAX = 1024, /* of one picture: decoders take kilobytes for each */
};

static const int64_t TICKS_MAX = INT64_C(1) << 48;

struct ended {
    size_t at, size; /* in bytes */
    int64_t ticks;
    bool damaged;
};

/* The access unit that is gathered. */
struct gathering {
    size_t start; /* in bytes, up to their end */
    uint32_t timestamp;
    int64_t ticks;
    int nals;
    bool picture; /* a slice is whole */
    bool damaged;
    size_t
        tail; /* where NAL units begin that are the next picture's if no slice follows; 0: none */
};

/* The NAL unit that fragments still lengthen. */
struct fragments {
    bool open;
    size_t at; /* in bytes */
    uint32_t timestamp;
    enum rw_nal_kind kind;
};

/* What is known of the camera's marker bit. */
struct marker {
    bool seen; /* behind a slice, and no slice since */
    bool used; /* it ended a unit */
    uint32_t timestamp;
    bool proven, lies;
};

struct rw_rtp_assembler {
    enum rw_codec_id codec;
    size_t most;
    struct rw_buf bytes; /* the ended units, then what is gathered */
    struct ended ended[UNITS_MAX];
    int ended_count, taken;
    struct gathering gathering;
    struct fragments nal;
    struct marker marker;
    bool started; /* the numbers below are set */
    uint32_t ssrc;
    uint16_t next_sequence;
    bool leapt; /* the last datagram was far off, and left out; after_leap would follow it */
    uint16_t after_leap;
    bool timed; /* those below are set */
    uint32_t timestamp;
    int64_t ticks;
    bool hole; /* this datagram came behind missing ones */
    uint64_t lost;
};

struct rw_rtp_assembler *rw_rtp_assembler_create(enum rw_codec_id codec, size_t most)
{
    struct rw_rtp_assembler *a = calloc(1, sizeof *a);
    if (!a)
        abort();
    a->codec = codec;
    a->most = most;
    return a;
}

void rw_rtp_assembler_destroy(struct rw_rtp_assembler *assembler)
{
    if (!assembler)
        return;
    rw_buf_finish(&assembler->bytes);
    free(assembler);
}

static bool is_slice(enum rw_nal_kind kind)
{
    return kind == RW_NAL_SLICE || kind == RW_NAL_KEY_SLICE;
}

/* Forgets the ended units: what is gathered moves to the front. Little does: a datagram's bytes. */
static void forget_ended(struct rw_rtp_assembler *a)
{
    struct rw_buf *bytes = &a->bytes;
    size_t start = a->gathering.start;
    a->ended_count = a->taken = 0;
    if (!start)
        return;
    memmove(bytes->data, bytes->data + start, bytes->size - start);
    bytes->size -= start;
    a->gathering.start = 0;
    a->gathering.tail -= a->gathering.tail ? start : 0;
    a->nal.at -= a->nal.open ? start : 0;
}

static void end_unit(struct rw_rtp_assembler *a)
{
    struct gathering *g = &a->gathering;
    size_t stop = g->tail ? g->tail : a->bytes.size;
    assert(g->picture && !a->nal.open && a->ended_count < UNITS_MAX);
    a->ended[a->ended_count++] = (struct ended){
        .at = g->start, .size = stop - g->start, .ticks = g->ticks, .damaged = g->damaged};
    *g = (struct gathering){.start = stop, .damaged = a->hole};
}

/* Some cameras send the parameter sets of the next picture with the time of the one before, others
 * repeat them between the slices of one. So they are the next picture's when no slice follows. */
static void note_tail(struct rw_rtp_assembler *a, enum rw_nal_kind kind, size_t at)
{
    struct gathering *g = &a->gathering;
    if (is_slice(kind))
        g->tail = 0;
    else if (g->picture && !g->tail &&
             (kind == RW_NAL_DELIMITER || kind == RW_NAL_VPS || kind == RW_NAL_SPS))
        g->tail = at;
}

/* The open NAL unit is whole: its end was seen, or another thing came and nothing was missing. */
static void close_nal(struct rw_rtp_assembler *a)
{
    if (!a->nal.open)
        return;
    a->nal.open = false;
    note_tail(a, a->nal.kind, a->nal.at);
    a->gathering.picture |= is_slice(a->nal.kind);
}

static void drop_nal(struct rw_rtp_assembler *a)
{
    if (!a->nal.open)
        return;
    a->nal.open = false;
    a->bytes.size = a->nal.at;
    a->gathering.damaged = true;
}

/* A slice tells whether the marker before it was right: it must begin the next picture. */
static void judge_marker(struct rw_rtp_assembler *a, bool begins, uint32_t timestamp)
{
    struct marker *marker = &a->marker;
    if (!marker->seen)
        return;
    marker->seen = false;
    if (begins || timestamp != marker->timestamp) {
        marker->proven = true;
        return;
    }
    marker->lies = true;
    a->gathering.damaged |= marker->used; /* the first part of this picture has gone out already */
}

static int append(struct rw_rtp_assembler *a, const void *data, size_t size, struct rw_err *err)
{
    if (size > a->most - (a->bytes.size - a->gathering.start))
        return rw_fail(err, RW_EHOSTILE, "the camera sent a picture larger than %zu KiB",
                       a->most >> 10);
    rw_buf_add(&a->bytes, data, size);
    return 0;
}

/* Lengthens the NAL unit that the fragments before began; one without its beginning is left out. */
static int add_fragment(struct rw_rtp_assembler *a, const struct rw_rtp_piece *piece,
                        uint32_t timestamp, struct rw_err *err)
{
    if (!a->nal.open || rw_rtp_piece_kind(a->codec, piece) != a->nal.kind) {
        a->gathering.damaged = true;
        return 0;
    }
    if (is_slice(a->nal.kind))
        judge_marker(a, false, timestamp);
    if (append(a, piece->data, piece->size, err) < 0)
        return -1;
    if (piece->last)
        close_nal(a);
    return 0;
}

/* The first piece of a NAL unit. */
static int add_nal(struct rw_rtp_assembler *a, const struct rw_rtp_piece *piece, int64_t ticks,
                   uint32_t timestamp, struct rw_err *err)
{
    static const uint8_t START[START_SIZE] = {0, 0, 0, 1};
    struct gathering *g = &a->gathering;
    a->nal = (struct fragments){.open = true,
                                .at = a->bytes.size,
                                .timestamp = timestamp,
                                .kind = rw_rtp_piece_kind(a->codec, piece)};
    if (++g->nals > NALS_MAX)
        return rw_fail(err, RW_EHOSTILE, "the camera sent a picture of more than %d units",
                       NALS_MAX);
    if (!g->picture) {
        g->timestamp = timestamp;
        g->ticks = ticks;
    }
    if (is_slice(a->nal.kind))
        judge_marker(a, rw_rtp_piece_begins(a->codec, piece), timestamp);
    if (append(a, START, sizeof START, err) < 0 ||
        append(a, piece->header, rw_rtp_header_size(a->codec), err) < 0 ||
        append(a, piece->data, piece->size, err) < 0)
        return -1;
    if (piece->last)
        close_nal(a);
    return 0;
}

/* All that the datagram carries. A slice that begins a picture ends the one before even where the
 * timestamp stands still; of one datagram only its first slice does. */
static int add_pieces(struct rw_rtp_assembler *a, const struct rw_rtp_packet *packet, int64_t ticks,
                      struct rw_err *err)
{
    struct rw_rtp_pieces pieces;
    struct rw_rtp_piece piece;
    bool sliced = false;
    int rc = 0;
    rw_rtp_pieces_init(&pieces, a->codec, packet->data, packet->size);
    while (!rc && rw_rtp_pieces_next(&pieces, &piece)) {
        if (!piece.first) {
            rc = add_fragment(a, &piece, packet->timestamp, err);
            continue;
        }
        close_nal(a);
        if (!sliced && a->gathering.picture && rw_rtp_piece_begins(a->codec, &piece))
            end_unit(a);
        sliced |= is_slice(rw_rtp_piece_kind(a->codec, &piece));
        rc = add_nal(a, &piece, ticks, packet->timestamp, err);
    }
    a->gathering.damaged |= pieces.malformed;
    return rc;
}

/* Another stream, as far as can be told: what is gathered of the old one ends here. */
static void begin_anew(struct rw_rtp_assembler *a)
{
    drop_nal(a);
    if (a->gathering.picture)
        end_unit(a);
    a->bytes.size = a->gathering.start;
    a->gathering = (struct gathering){.start = a->bytes.size, .damaged = true};
    a->marker.seen = false;
}

/* Looks for missing datagrams before this one. False: it was here before, or comes too late. */
static bool follow_sequence(struct rw_rtp_assembler *a, const struct rw_rtp_packet *packet)
{
    uint16_t ahead = (uint16_t)(packet->sequence - a->next_sequence);
    bool same = a->started && packet->ssrc == a->ssrc;
    bool follows_leap = a->leapt && packet->sequence == a->after_leap;
    a->hole = same && ahead > 0 && ahead < DROPOUT_MAX;
    if (same && ahead >= UINT16_MAX + 1 - MISORDER_MAX)
        return false;
    a->leapt = same && ahead >= DROPOUT_MAX && !follows_leap;
    a->after_leap = (uint16_t)(packet->sequence + 1);
    if (a->leapt)
        return false; /* one alone is a stray (RFC 3550, A.1) */
    if (a->hole) {
        a->lost += ahead;
        drop_nal(a);
        a->gathering.damaged = true;
    } else if (a->started && (!same || ahead)) {
        begin_anew(a);
    }
    a->started = true;
    a->ssrc = packet->ssrc;
    a->next_sequence = (uint16_t)(packet->sequence + 1);
    return true;
}

static int64_t unwrap(struct rw_rtp_assembler *a, uint32_t timestamp)
{
    a->ticks += (int32_t)(timestamp - a->timestamp);
    if (!a->timed || a->ticks > TICKS_MAX || a->ticks < -TICKS_MAX)
        a->ticks = timestamp;
    a->timed = true;
    a->timestamp = timestamp;
    return a->ticks;
}

/* Ends the picture that was gathered when this datagram bears another time. */
static void leave_picture(struct rw_rtp_assembler *a, uint32_t timestamp)
{
    if (a->nal.open && a->nal.timestamp != timestamp)
        close_nal(a);
    if (a->gathering.picture && a->gathering.timestamp != timestamp)
        end_unit(a);
}

static void note_marker(struct rw_rtp_assembler *a, uint32_t timestamp)
{
    const struct gathering *g = &a->gathering;
    struct marker *marker = &a->marker;
    if (a->nal.open ? !is_slice(a->nal.kind) : !g->picture || g->timestamp != timestamp)
        return;
    marker->seen = true;
    marker->timestamp = timestamp;
    marker->used = !a->nal.open && marker->proven && !marker->lies;
    if (marker->used)
        end_unit(a);
}

/* Memory for a picture that was too large is not kept. */
static void drop_all(struct rw_rtp_assembler *a)
{
    rw_buf_finish(&a->bytes);
    a->ended_count = a->taken = 0;
    a->gathering = (struct gathering){.damaged = true};
    a->nal.open = a->marker.seen = false;
}

int rw_rtp_assembler_add(struct rw_rtp_assembler *assembler, const struct rw_rtp_packet *packet,
                         struct rw_err *err)
{
    struct rw_rtp_assembler *a = assembler;
    forget_ended(a);
    if (!follow_sequence(a, packet) || !packet->size)
        return 0;
    int64_t ticks = unwrap(a, packet->timestamp);
    leave_picture(a, packet->timestamp);
    if (add_pieces(a, packet, ticks, err) < 0) {
        drop_all(a);
        return -1;
    }
    a->hole = false;
    if (packet->marker)
        note_marker(a, packet->timestamp);
    return 0;
}

bool rw_rtp_assembler_take(struct rw_rtp_assembler *assembler, struct rw_rtp_unit *out)
{
    if (assembler->taken == assembler->ended_count)
        return false;
    const struct ended *ended = &assembler->ended[assembler->taken++];
    *out = (struct rw_rtp_unit){.data = assembler->bytes.data + ended->at,
                                .size = ended->size,
                                .ticks = ended->ticks,
                                .damaged = ended->damaged};
    return true;
}

void rw_rtp_assembler_end(struct rw_rtp_assembler *assembler)
{
    forget_ended(assembler);
    begin_anew(assembler);
    assembler->started = false;
}

uint64_t rw_rtp_assembler_lost(const struct rw_rtp_assembler *assembler)
{
    return assembler->lost;
}
