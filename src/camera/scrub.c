#include "camera/scrub.h"

#include <linux/ioprio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "camera/post.h"
#include "store/reader.h"

/* Records are read one after the other and then waited for, so that a pass is spread evenly;
 * shorter waits than this are added up. */
enum { WAIT_MIN_MS = 50 };
/* After a pass, and where nothing was there to read, so many of its parts are waited for. */
enum { PAUSE_PART = 100, PAUSE_MIN_MS = 1000, PAUSE_MAX_MS = 60000 };

struct rw_scrub {
    struct rw_scrub_options options;
    pthread_t thread;
    /* scrub thread only */
    double us_per_byte; /* of this pass */
    int64_t owed_us;    /* waiting that is due */
};

struct record {
    uint64_t seq;
    int64_t offset; /* of the record */
    uint32_t length;
    bool damaged;
};

struct slot {
    struct record *records; /* owned */
    int count, capacity;
};

/* Linux has idle priority for a thread's reads, and a nice value for its hashing. */
static void step_back(void)
{
    setpriority(PRIO_PROCESS, 0, 19); /* 0: this thread */
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static int take_record(void *arg, const struct rw_fragment *fragment)
{
    struct slot *slot = arg;
    slot->records =
        rw_list_grow(slot->records, slot->count, &slot->capacity, sizeof *slot->records);
    slot->records[slot->count++] = (struct record){fragment->seq, fragment->offset - RW_RECORD_SIZE,
                                                   fragment->size, fragment->damaged};
    return 0;
}

/* True: the thread is to end. */
static bool pay(struct rw_scrub *scrub, uint32_t bytes)
{
    scrub->owed_us += (int64_t)(scrub->us_per_byte * bytes);
    if (scrub->owed_us < WAIT_MIN_MS * 1000)
        return rw_cancel_requested(scrub->options.cancel);
    int wait = scrub->owed_us < 60000000 ? (int)(scrub->owed_us / 1000) : 60000;
    scrub->owed_us = 0;
    return rw_cancel_wait(scrub->options.cancel, wait);
}

/* Does the index still tell of this record, in this slot? */
struct looked_up {
    uint64_t seq;
    bool there;
};

static int find_record(void *arg, const struct rw_fragment *fragment)
{
    struct looked_up *looked_up = arg;
    looked_up->there |= fragment->seq == looked_up->seq;
    return looked_up->there;
}

static void tell(struct rw_scrub *scrub, struct rw_reader *reader, enum rw_stream stream, int slot,
                 uint64_t seq)
{
    struct looked_up looked_up = {.seq = seq};
    if (rw_reader_slot(reader, stream, slot, find_record, &looked_up, NULL) || !looked_up.there)
        return; /* the ring has turned meanwhile */
    struct rw_post *post = rw_post_create(RW_POST_DAMAGED, stream);
    post->slot = slot;
    post->number = (int64_t)seq;
    rw_post_send(scrub->options.recorder, post);
}

static bool scrub_slot(struct rw_scrub *scrub, struct rw_reader *reader, enum rw_stream stream,
                       int number)
{
    struct slot slot = {0};
    bool end = false;
    rw_reader_slot(reader, stream, number, take_record, &slot, NULL);
    for (int i = 0; i < slot.count && !end; i++) {
        const struct record *record = &slot.records[i];
        struct rw_err err = {0};
        int good = rw_reader_check(reader, stream, number, record->offset, record->seq,
                                   record->length, &err);
        if (!good && !record->damaged)
            tell(scrub, reader, stream, number, record->seq);
        else if (good < 0)
            rw_log(RW_LOG_WARNING, "scrub", "%s slot %d cannot be read (%s)",
                   rw_stream_name(stream), number, err.text);
        if (good < 0)
            break;
        end = pay(scrub, record->length);
    }
    free(slot.records);
    return end;
}

static bool scrub_stream(struct rw_scrub *scrub, struct rw_reader *reader, enum rw_stream stream)
{
    int slots = rw_reader_slot_count(reader, stream);
    for (int number = 0; number < slots; number++)
        if (scrub_slot(scrub, reader, stream, number))
            return true;
    return false;
}

/* A pass: both rings. */
static void scrub_all(struct rw_scrub *scrub)
{
    struct rw_reader *reader = rw_reader_open_on(scrub->options.disk, scrub->options.dir, NULL);
    int64_t bytes = 0;
    struct rw_extent extent;
    if (!reader)
        return;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (!rw_reader_extent(reader, (enum rw_stream)stream, &extent, NULL) && extent.present)
            bytes += extent.slots * extent.slot_size;
    scrub->us_per_byte = bytes ? (double)scrub->options.pass_us / (double)bytes : 0;
    bool end = false;
    for (int stream = 0; stream < RW_STREAMS && !end; stream++)
        end = scrub_stream(scrub, reader, (enum rw_stream)stream);
    rw_reader_close(reader);
}

static void *scrub_main(void *arg)
{
    struct rw_scrub *scrub = arg;
    int64_t part_ms = scrub->options.pass_us / 1000 / PAUSE_PART;
    int pause_ms = part_ms < PAUSE_MIN_MS   ? PAUSE_MIN_MS
                   : part_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS
                                            : (int)part_ms;
    step_back();
    do
        scrub_all(scrub);
    while (!rw_cancel_wait(scrub->options.cancel, pause_ms));
    return NULL;
}

struct rw_scrub *rw_scrub_start(const struct rw_scrub_options *options, struct rw_err *err)
{
    struct rw_scrub *scrub = calloc(1, sizeof *scrub);
    if (!scrub)
        abort();
    scrub->options = *options;
    if (!pthread_create(&scrub->thread, NULL, scrub_main, scrub))
        return scrub;
    free(scrub);
    rw_fail(err, RW_ENOMEM, "the scrub thread cannot be started");
    return NULL;
}

void rw_scrub_stop(struct rw_scrub *scrub)
{
    if (!scrub)
        return;
    pthread_join(scrub->thread, NULL);
    free(scrub);
}
