/* Clocks that step, and a box without a battery that boots in 1970. */
#include <stdio.h>

#include "check.h"
#include "store/fragment.h"
#include "store/ring.h"

#define HOUR (3600 * SECOND)

/* The run of pictures ends; the next fragment tells of it. */
static void step(struct world *world, int64_t us)
{
    sim_clock_step(&world->clock, us);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        world->camera[stream].running = false;
        world->camera[stream].step_us += us;
    }
}

void world_step_clock(struct world *world)
{
    struct sim_random *random = &world->random;
    int64_t us = sim_random_chance(random, 1, 2)
                     ? sim_random_between(random, 70, 5 * 3600) * SECOND
                     : -sim_random_between(random, 2, 24 * 3600) * SECOND;
    if (!world->battery) /* the truth of a boot in 1970 is what comes first after it */
        return;
    world->stepped = true;
    step(world, us);
    world_tell(world, "the clock steps by %.0f s", (double)us / 1e6);
}

void world_set_clock(struct world *world)
{
    if (world->clock.state.trust != RW_CLOCK_UNVERIFIED)
        return;
    if (world->store)
        world_change_event(world, true); /* as the watcher has it: its times are of one clock */
    step(world, world->clock_off_us);
    world->clock_off_us = 0;
    world->clock.state = (struct rw_clock_state){RW_CLOCK_SYNCED, 12000};
    world_tell(world, "the clock is set");
}

/* --- checks --- */

bool check_time_pends(const struct world *world)
{
    for (int stream = 0; stream < RW_STREAMS && !world->clock_off_us; stream++) {
        const struct stream_notes *notes = &world->witness.stream[stream];
        for (int i = notes->count; i-- > 0 && notes->list[i].boot == world->clock.boot;)
            if (notes->list[i].start_us != notes->list[i].true_us)
                return true;
    }
    return false;
}

/* What the record itself says. */
static int64_t told_on_disk(struct world *world, enum rw_stream stream, const struct rw_fragment *f)
{
    char dir[64];
    uint8_t head[RW_RECORD_SIZE];
    struct rw_record record = {.start_us = -1};
    int64_t size;
    snprintf(dir, sizeof dir, DIR "/%s", rw_stream_name(stream));
    int fd = rw_slot_open(world->table, dir, f->slot, &size);
    if (rw_disk_read_full(world->table, fd, head, sizeof head, f->offset - RW_RECORD_SIZE) ||
        rw_record_unpack(head, &record, NULL))
        record.start_us = -1;
    world->table->close(world->disk, fd);
    return record.start_us;
}

void check_time(struct world *world, enum rw_stream stream, const struct sighting *sighting)
{
    struct note *note = &world->witness.stream[stream].list[sighting->serial];
    const struct rw_fragment *f = &sighting->fragment;
    if (f->start_us != note->told_us && f->start_us != note->true_us) {
        world_blame(world, "%s fragment %d begins at %.3f s, was told as %.3f s, and is of %.3f s",
                    rw_stream_name(stream), sighting->serial, world_seconds(f->start_us),
                    world_seconds(note->told_us), world_seconds(note->true_us));
        return;
    }
    note->start_us = f->start_us;
    if (note->unverified && told_on_disk(world, stream, f) != note->told_us)
        world_blame(world, "the record of %s fragment %d does not keep the time that it was told",
                    rw_stream_name(stream), sighting->serial);
}

/* A good time of the same boot that is synced corrects what came before it. */
void check_corrected(struct world *world, enum rw_stream stream, const struct sightings *seen)
{
    const struct stream_notes *notes = &world->witness.stream[stream];
    uint64_t good_boot = 0;
    for (int i = seen->count; i-- > 0 && !world->rotten;) {
        if (seen->list[i].serial < 0)
            continue;
        const struct note *note = &notes->list[seen->list[i].serial];
        if (!note->unverified && note->promise == PROMISED)
            good_boot = note->boot;
        if (note->unverified && note->boot == good_boot && note->start_us != note->true_us)
            world_blame(world, "%s fragment %d is still told as of %.3f s, it is of %.3f s",
                        rw_stream_name(stream), seen->list[i].serial, world_seconds(note->start_us),
                        world_seconds(note->true_us));
    }
}

static void check_list(struct world *world, const struct rw_span *list, int count,
                       const struct rw_coverage *coverage)
{
    for (int i = 0; i < count; i++)
        if (list[i].from_us >= list[i].to_us || list[i].from_us < coverage->from_us ||
            list[i].to_us > coverage->to_us || (i && list[i].from_us < list[i - 1].to_us))
            world_blame(world, "the ledger has a span from %.3f s to %.3f s",
                        world_seconds(list[i].from_us), world_seconds(list[i].to_us));
}

void check_spans(struct world *world, const struct rw_coverage *coverage)
{
    check_list(world, coverage->spans, coverage->span_count, coverage);
    check_list(world, coverage->gaps, coverage->gap_count, coverage);
    check_list(world, coverage->deletions, coverage->deletion_count, coverage);
}
