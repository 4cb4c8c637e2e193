#include "camera/track.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* A fragment is written at the latest with so many pictures, or bytes. */
enum { PICTURES_MAX = 512, FRAGMENT_BYTES = 4 << 20 };
/* What waits in memory while the disk refuses: 40 s at 2.4 Mbit/s. */
enum { WAITING_BYTES = 12 << 20 };
/* Two pictures further apart than this have a hole between them. */
#define PICTURE_MAX_US INT64_C(3000000)
/* How long the last picture before a hole lasts, where nothing tells. */
#define PICTURE_US INT64_C(66667)
/* A slot left less than half full costs old footage that was promised. Whatever a camera sends,
 * that happens this many times in a row, then once in this time; pictures beyond that are lost. */
enum { EARLY_TURNS_MAX = 4 };
#define SAY_AGAIN_US INT64_C(60000000)
#define EARLY_TURN_US INT64_C(60000000)

struct piece {
    struct rw_packet *packet; /* owned */
    int64_t duration_us;
};

/* A picture, or the source's end (packet NULL), that waits for a disk which refuses. */
struct waiting {
    struct waiting *next;
    struct rw_packet *packet; /* owned */
    enum rw_cause cause;
};

struct rw_track {
    /* recorder thread only */
    struct rw_store *store;
    enum rw_stream stream;
    int64_t fragment_us;
    const char *camera;
    struct rw_board *board;
    const struct rw_codec *codec; /* owned; of the muxer */
    struct rw_mux *mux;           /* NULL: the next fragment begins a run */
    struct rw_packet *held;       /* newest picture, its duration not known yet */
    struct piece piece[PICTURES_MAX];
    int pieces;
    int64_t duration_us;             /* of the pieces */
    size_t bytes, bytes_max;         /* of the pieces; and when they must be written */
    size_t gop_bytes, largest_gop;   /* since the last keyframe; of late */
    int64_t interval_us;             /* between the last two pictures */
    enum rw_cause cause, next_cause; /* of a hole before the pieces, and behind them */
    int64_t end_utc_us, end_boot_us; /* of the fragment before: tells clock steps */
    bool spoiled;                    /* something was lost since the last whole keyframe */
    bool came_damaged;               /* and pieces build on it */
    bool refused;                    /* the last fragment was lost, or waits */
    bool blocked;                    /* the disk refuses: the pieces and what comes now wait */
    struct waiting *first, *last;    /* what came meanwhile; owned */
    size_t waiting_bytes;
    bool wants_key;        /* there is no room for more: the next that is kept is a keyframe */
    bool said;             /* and the log says so */
    int64_t said_boot_us;  /* when; 0: never */
    int early_turns;       /* from slots not half full, that may still be made */
    int64_t early_boot_us; /* when early_turns was counted up last */
    struct rw_buf init, fragment; /* scratch */
};

struct rw_track *rw_track_create(struct rw_store *store, enum rw_stream stream, const char *camera,
                                 struct rw_board *board)
{
    struct rw_track *track = calloc(1, sizeof *track);
    if (!track)
        abort();
    track->store = store;
    track->stream = stream;
    track->fragment_us = rw_store_fragment_us(store);
    track->camera = camera;
    track->board = board;
    track->interval_us = PICTURE_US;
    track->early_turns = EARLY_TURNS_MAX;
    size_t quarter = rw_store_capacity(store, 4096) / 4;
    track->bytes_max = quarter < FRAGMENT_BYTES ? quarter : FRAGMENT_BYTES;
    return track;
}

static void drop_pieces(struct rw_track *track)
{
    for (int i = 0; i < track->pieces; i++)
        rw_packet_unref(track->piece[i].packet);
    track->pieces = 0;
    track->duration_us = 0;
    track->bytes = 0;
    track->came_damaged = false;
}

static void drop_mux(struct rw_track *track)
{
    rw_mux_destroy(track->mux);
    track->mux = NULL;
}

static void drop_waiting(struct rw_track *track)
{
    while (track->first) {
        struct waiting *next = track->first->next;
        rw_packet_unref(track->first->packet);
        free(track->first);
        track->first = next;
    }
    track->last = NULL;
    track->waiting_bytes = 0;
}

void rw_track_destroy(struct rw_track *track)
{
    if (!track)
        return;
    drop_waiting(track);
    drop_pieces(track);
    drop_mux(track);
    rw_packet_unref(track->held);
    rw_codec_unref((struct rw_codec *)track->codec);
    rw_buf_finish(&track->init);
    rw_buf_finish(&track->fragment);
    free(track);
}

/* A new muxer for the pieces' codec, its init segment in track->init. */
static int make_mux(struct rw_track *track, struct rw_err *err)
{
    drop_mux(track);
    rw_codec_unref((struct rw_codec *)track->codec);
    track->codec = rw_codec_ref(track->piece[0].packet->codec);
    rw_buf_clear(&track->init);
    track->mux = rw_mux_create(track->codec, &track->init, err);
    return track->mux ? 0 : -1;
}

/* A slot begins with a keyframe where it can: at a keyframe the whole coming GOP must fit. */
static size_t room_wanted(const struct rw_track *track)
{
    size_t bytes = track->bytes + rw_mux_overhead(track->pieces);
    size_t gop = track->largest_gop + track->largest_gop / 4;
    bool key = track->piece[0].packet->keyframe;
    return key && gop > bytes && gop < rw_store_capacity(track->store, 4096) / 2 ? gop : bytes;
}

static bool may_turn_early(struct rw_track *track, int64_t boot_us)
{
    if (boot_us < track->early_boot_us)
        track->early_boot_us = boot_us;
    while (track->early_turns < EARLY_TURNS_MAX &&
           boot_us - track->early_boot_us >= EARLY_TURN_US) {
        track->early_turns++;
        track->early_boot_us += EARLY_TURN_US;
    }
    if (track->early_turns == EARLY_TURNS_MAX)
        track->early_boot_us = boot_us;
    return track->early_turns > 0;
}

static int turn_slot(struct rw_track *track, const struct rw_packet *first, struct rw_err *err)
{
    bool early = rw_store_room(track->store, track->stream) >
                 rw_store_capacity(track->store, track->init.size) / 2;
    if (early && !may_turn_early(track, first->boot_us))
        return rw_fail(err, RW_ERESTLESS,
                       "the camera changes its stream or its clock again and again; see what it "
                       "sends");
    if (early)
        track->early_turns--;
    return rw_store_begin(track->store, track->stream, track->init.data, track->init.size,
                          first->dts_us, err);
}

/* Sees to a muxer and to room in the open slot, or in the next one. */
static int prepare_slot(struct rw_track *track, struct rw_err *err)
{
    const struct rw_packet *first = track->piece[0].packet;
    size_t want = room_wanted(track);
    int64_t base_us;
    if (track->mux && rw_store_room(track->store, track->stream) >= want)
        return 0;
    bool same_run = track->mux != NULL;
    if (make_mux(track, err))
        return -1;
    if (track->bytes + rw_mux_overhead(track->pieces) >
        rw_store_capacity(track->store, track->init.size))
        return rw_fail(err, RW_EINVAL,
                       "one second of pictures (%zu bytes) does not fit into a slot; raise "
                       "storage.slot_size",
                       track->bytes);
    if (!same_run && rw_store_room(track->store, track->stream) >= want &&
        rw_store_resumable(track->store, track->stream, track->init.data, track->init.size,
                           first->dts_us, &base_us)) {
        rw_mux_start_at(track->mux, first->dts_us - base_us);
        return 0;
    }
    return turn_slot(track, first, err);
}

static int mux_pieces(struct rw_track *track, struct rw_err *err)
{
    rw_buf_clear(&track->fragment);
    for (int i = 0; i < track->pieces; i++)
        if (rw_mux_add(track->mux, track->piece[i].packet, track->piece[i].duration_us, err))
            return -1;
    return rw_mux_flush(track->mux, &track->fragment, err);
}

/* How far the clock of day moved against the steady one since the fragment before. */
static int64_t clock_step(const struct rw_track *track, const struct rw_packet *first)
{
    if (!track->end_boot_us || !first->after_jump)
        return 0;
    int64_t step = (first->utc_us - track->end_utc_us) - (first->boot_us - track->end_boot_us);
    return step > 100000 || step < -100000 ? step : 0;
}

/* As rw_store_append(): 1 taken, but it waits. */
static int store_pieces(struct rw_track *track, struct rw_err *err)
{
    const struct rw_packet *first = track->piece[0].packet;
    bool moved;
    if (rw_store_revive(track->store, track->stream, err) || prepare_slot(track, err) ||
        mux_pieces(track, err))
        return -1;
    struct rw_fragment_in in = {.bytes = track->fragment.data,
                                .size = track->fragment.size,
                                .start_us = first->dts_us,
                                .boot_us = first->boot_us,
                                .duration_us = track->duration_us,
                                .keyframe = first->keyframe,
                                .came_damaged = track->came_damaged,
                                .step_us = clock_step(track, first),
                                .cause = track->cause};
    return rw_store_append(track->store, track->stream, &in, &moved, err);
}

/* A trouble that comes and goes with every picture is told once a minute. */
static void say_refused(struct rw_track *track, const struct rw_err *err, const char *meaning)
{
    int64_t now = track->piece[0].packet->boot_us, since = now - track->said_boot_us;
    rw_board_disk(track->board, err);
    if (!track->refused) {
        track->said = !track->said_boot_us || since > SAY_AGAIN_US || since < 0;
        if (track->said)
            rw_log(RW_LOG_ERROR, track->camera, "%s stream: %s; %s", rw_stream_name(track->stream),
                   err->text, meaning);
        if (track->said)
            track->said_boot_us = now;
    }
    track->refused = true;
    drop_mux(track);
}

static void say_kept(struct rw_track *track)
{
    if (track->refused && track->said)
        rw_log(RW_LOG_INFO, track->camera, "%s stream: pictures are kept again",
               rw_stream_name(track->stream));
    if (track->refused)
        rw_board_disk(track->board, NULL);
    track->refused = false;
}

/* The camera's fault, which waiting does not mend. */
static bool is_hopeless(enum rw_code code)
{
    return code == RW_ERESTLESS || code == RW_EINVAL || code == RW_EFORMAT || code == RW_EFULL;
}

static void forget_fragment(struct rw_track *track)
{
    const struct rw_packet *first = track->piece[0].packet;
    track->end_utc_us = first->dts_us + track->duration_us;
    track->end_boot_us = first->boot_us + track->duration_us;
    drop_pieces(track);
    if (track->next_cause != RW_CAUSE_NONE)
        track->cause = track->next_cause;
    track->next_cause = RW_CAUSE_NONE;
}

static void write_fragment(struct rw_track *track)
{
    struct rw_err err = {0};
    if (!track->pieces)
        return;
    const struct rw_packet *first = track->piece[0].packet;
    int failed = store_pieces(track, &err);
    if (failed < 0 && is_hopeless(err.code)) {
        say_refused(track, &err, "pictures are being lost");
        track->cause = err.code == RW_ERESTLESS ? RW_CAUSE_CAMERA_LOST : RW_CAUSE_DISK;
        forget_fragment(track);
        return;
    }
    track->blocked = failed != 0;
    if (failed)
        say_refused(track, &err, "pictures wait in memory");
    if (failed < 0)
        return;
    if (!failed) {
        say_kept(track);
        rw_board_written(track->board, track->stream, first->dts_us + track->duration_us);
    }
    track->cause = RW_CAUSE_NONE;
    forget_fragment(track);
}

/* --- what waits --- */

/* Is there room for it? What has none is lost, up to the next keyframe that has. */
static bool may_come(struct rw_track *track, const struct rw_packet *packet)
{
    bool room = !track->blocked || track->waiting_bytes + packet->size <= WAITING_BYTES;
    if (room && (packet->keyframe || !track->wants_key))
        return true;
    if (!track->wants_key)
        rw_log(RW_LOG_ERROR, track->camera,
               "%s stream: the disk has refused for too long; pictures are being lost",
               rw_stream_name(track->stream));
    track->wants_key = true;
    return false;
}

/* Takes the packet's reference; NULL is the source's end. */
static void let_wait(struct rw_track *track, struct rw_packet *packet, enum rw_cause cause)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting)
        abort();
    *waiting = (struct waiting){.packet = packet, .cause = cause};
    if (track->last)
        track->last->next = waiting;
    else
        track->first = waiting;
    track->last = waiting;
    track->waiting_bytes += packet ? packet->size : 0;
}

/* The held picture becomes a piece that lasts this long. */
static void settle_held(struct rw_track *track, int64_t duration_us)
{
    struct rw_packet *packet = track->held;
    track->held = NULL;
    if (!packet)
        return;
    if (packet->keyframe) {
        if (track->gop_bytes > track->largest_gop)
            track->largest_gop = track->gop_bytes;
        else
            track->largest_gop -= (track->largest_gop - track->gop_bytes) / 16;
        track->gop_bytes = 0;
        track->spoiled = false;
    }
    track->spoiled |= packet->damaged; /* and all that builds on it */
    track->came_damaged |= track->spoiled;
    track->gop_bytes += packet->size;
    track->piece[track->pieces++] = (struct piece){packet, duration_us};
    track->duration_us += duration_us;
    track->bytes += packet->size;
}

static bool breaks_run(const struct rw_track *track, const struct rw_packet *packet,
                       int64_t interval_us)
{
    return packet->after_jump || interval_us <= 0 || interval_us > PICTURE_MAX_US ||
           packet->codec != track->held->codec;
}

/* Of a hole before the held picture: behind the pieces that still wait. */
static void note_cause(struct rw_track *track, enum rw_cause cause)
{
    if (track->pieces)
        track->next_cause = cause;
    else
        track->cause = cause;
}

static void take_packet(struct rw_track *track, struct rw_packet *packet, enum rw_cause cause)
{
    if (track->held) {
        int64_t interval = packet->dts_us - track->held->dts_us;
        bool broken = breaks_run(track, packet, interval) || cause != RW_CAUSE_NONE;
        if (!broken)
            track->interval_us = interval;
        bool sooner = interval > 0 && interval < track->interval_us;
        settle_held(track, sooner ? interval : track->interval_us);
        if (broken) {
            write_fragment(track);
            drop_mux(track);
        } else if (packet->keyframe || track->pieces == PICTURES_MAX ||
                   track->bytes >= track->bytes_max ||
                   track->duration_us + track->interval_us / 2 >= track->fragment_us) {
            write_fragment(track);
        }
    }
    if (cause != RW_CAUSE_NONE)
        note_cause(track, cause);
    track->held = packet;
}

static void take_end(struct rw_track *track)
{
    if (!track->held)
        return;
    settle_held(track, track->interval_us);
    write_fragment(track);
    drop_mux(track);
    note_cause(track, RW_CAUSE_CAMERA_LOST);
}

void rw_track_add(struct rw_track *track, struct rw_packet *packet, enum rw_cause cause)
{
    if (!may_come(track, packet)) {
        rw_packet_unref(packet);
        return;
    }
    if (track->wants_key)
        cause = RW_CAUSE_DISK;
    track->wants_key = false;
    if (track->blocked)
        let_wait(track, packet, cause);
    else
        take_packet(track, packet, cause);
}

void rw_track_end(struct rw_track *track)
{
    if (track->blocked)
        let_wait(track, NULL, RW_CAUSE_NONE);
    else
        take_end(track);
}

/* A camera that has stopped in the middle of a fragment: what came of it is for the disk. */
static void write_stalled(struct rw_track *track, int64_t boot_us)
{
    if (track->pieces && boot_us - track->piece[0].packet->boot_us >= 3 * track->fragment_us / 2)
        write_fragment(track);
}

void rw_track_tick(struct rw_track *track, int64_t boot_us)
{
    if (!track->blocked) {
        write_stalled(track, boot_us);
        return;
    }
    struct rw_err err = {0};
    if (track->pieces)
        write_fragment(track);
    else if (!rw_store_revive(track->store, track->stream, &err))
        track->blocked = false;
    if (track->blocked)
        return;
    say_kept(track);
    while (!track->blocked && track->first) {
        struct waiting *waiting = track->first;
        track->first = waiting->next;
        if (!track->first)
            track->last = NULL;
        if (waiting->packet) {
            track->waiting_bytes -= waiting->packet->size;
            take_packet(track, waiting->packet, waiting->cause);
        } else {
            take_end(track);
        }
        free(waiting);
    }
}

bool rw_track_waits(const struct rw_track *track)
{
    return track->blocked;
}
