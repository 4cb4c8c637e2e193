#include "camera/board.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"

struct rw_board {
    pthread_mutex_t lock;
    struct rw_notice notice; /* under lock */
    atomic_int patience_ms;
    struct rw_heard heard[RW_STREAMS];
};

struct rw_board *rw_board_create(void)
{
    struct rw_board *board = calloc(1, sizeof *board);
    if (!board)
        abort();
    pthread_mutex_init(&board->lock, NULL);
    board->notice.armed_by_hand = true;
    return board;
}

void rw_board_destroy(struct rw_board *board)
{
    if (!board)
        return;
    pthread_mutex_destroy(&board->lock);
    free(board);
}

static struct rw_notice *lock(struct rw_board *board)
{
    pthread_mutex_lock(&board->lock);
    return &board->notice;
}

static void unlock(struct rw_board *board)
{
    pthread_mutex_unlock(&board->lock);
}

void rw_board_read(struct rw_board *board, struct rw_notice *out)
{
    *out = *lock(board);
    unlock(board);
    for (int i = 0; i < RW_STREAMS; i++) {
        struct rw_heard *heard = &board->heard[i];
        out->stream[i].heard_bytes = atomic_load_explicit(&heard->bytes, memory_order_relaxed);
        out->stream[i].heard_units = atomic_load_explicit(&heard->units, memory_order_relaxed);
        out->stream[i].heard_datagrams =
            atomic_load_explicit(&heard->datagrams, memory_order_relaxed);
        out->stream[i].lost_datagrams = atomic_load_explicit(&heard->lost, memory_order_relaxed);
    }
}

void rw_board_use(struct rw_board *board, enum rw_stream stream)
{
    lock(board)->stream[stream].used = true;
    unlock(board);
}

void rw_board_connected(struct rw_board *board, enum rw_stream stream)
{
    struct rw_stream_notice *notice = &lock(board)->stream[stream];
    notice->connected = true;
    notice->reason[0] = 0;
    unlock(board);
}

void rw_board_lost(struct rw_board *board, enum rw_stream stream, const char *reason)
{
    struct rw_stream_notice *notice = &lock(board)->stream[stream];
    notice->connected = false;
    rw_copy_text(notice->reason, sizeof notice->reason, reason);
    unlock(board);
}

void rw_board_picture(struct rw_board *board, enum rw_stream stream, int64_t boot_us,
                      int64_t utc_us)
{
    struct rw_stream_notice *notice = &lock(board)->stream[stream];
    notice->picture_boot_us = boot_us;
    notice->picture_utc_us = utc_us;
    unlock(board);
}

void rw_board_written(struct rw_board *board, enum rw_stream stream, int64_t end_us)
{
    lock(board)->stream[stream].written_utc_us = end_us;
    unlock(board);
}

void rw_board_ail(struct rw_board *board, enum rw_stream stream, enum rw_ail ail, bool on)
{
    struct rw_stream_notice *notice = &lock(board)->stream[stream];
    notice->ails = on ? notice->ails | (unsigned)ail : notice->ails & ~(unsigned)ail;
    unlock(board);
}

void rw_board_loss(struct rw_board *board, enum rw_stream stream, double percent)
{
    lock(board)->stream[stream].lost_percent = percent;
    unlock(board);
}

struct rw_heard *rw_board_heard(struct rw_board *board, enum rw_stream stream)
{
    return &board->heard[stream];
}

void rw_board_fault(struct rw_board *board, enum rw_stream stream, const char *sentence)
{
    struct rw_stream_notice *notice = &lock(board)->stream[stream];
    notice->fault_count++;
    rw_copy_text(notice->fault, sizeof notice->fault, sentence);
    unlock(board);
}

void rw_board_identity(struct rw_board *board, enum rw_stream stream, enum rw_identity what,
                       int64_t print)
{
    lock(board)->stream[stream].identity[what] = print;
    unlock(board);
}

static const char *advice(enum rw_code code)
{
    switch (code) {
    case RW_EIO:
        return "; look at the disk and its cable";
    case RW_ENOSPC:
        return "; make room on the disk, or lower keep";
    case RW_EROFS:
        return "; the disk is read-only: stop the service, repair it with fsck, mount it again";
    default:
        return ""; /* the sentence says it */
    }
}

void rw_board_disk(struct rw_board *board, const struct rw_err *err)
{
    char text[sizeof err->text + 100] = "";
    if (err)
        snprintf(text, sizeof text, "%s%s", err->text, advice(err->code));
    struct rw_notice *notice = lock(board);
    rw_copy_text(notice->disk_reason, sizeof notice->disk_reason, text);
    unlock(board);
}

void rw_board_watch(struct rw_board *board, const struct rw_watch_notice *watch)
{
    lock(board)->watch = *watch;
    unlock(board);
}

void rw_board_set_patience(struct rw_board *board, int ms)
{
    atomic_store_explicit(&board->patience_ms, ms, memory_order_relaxed);
}

int rw_board_patience(struct rw_board *board)
{
    return atomic_load_explicit(&board->patience_ms, memory_order_relaxed);
}

void rw_board_arm(struct rw_board *board, bool armed, int64_t snoozed_until_us)
{
    struct rw_notice *notice = lock(board);
    notice->armed_by_hand = armed;
    notice->snoozed_until_us = snoozed_until_us;
    unlock(board);
}
