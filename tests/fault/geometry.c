/* `keep` and `slot_size` change under a ring that is in use: what was told as done is so, and no
 * promised fragment is lost that is younger than the ring. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

/* Slots of two sizes: what is surely there is counted in the largest. Of these one is written, one
 * has left the index, and one's bytes may be missing where the next size does not divide the rest.
 */
static int sure_slots(const struct world *world, int stream)
{
    int slots = world->options.slots[stream];
    if (world->largest == 0 || !slots)
        return slots;
    return (int)(slots * world->options.slot_size / world->largest) - 2;
}

void world_change_geometry(struct world *world)
{
    struct rw_store_options *options = &world->options;
    struct sim_random *random = &world->random;
    if (sim_random_chance(random, 1, 2)) {
        int64_t before = options->slot_size;
        options->slot_size = sim_random_between(random, 4, 16) * 4096;
        int64_t larger = before > options->slot_size ? before : options->slot_size;
        world->largest = larger > world->largest ? larger : world->largest;
    }
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (options->slots[stream])
            options->slots[stream] = (int)sim_random_between(random, 3, 9);
        world->slots_sure[stream] = sure_slots(world, stream);
        world->begun[stream] = 0;
        witness_set_slots(&world->witness, (enum rw_stream)stream, world->slots_sure[stream]);
    }
    world_tell(world, "the ring is to have %d and %d slots of %lld bytes", options->slots[RW_MAIN],
               options->slots[RW_SUB], (long long)options->slot_size);
}

/* --- what is there --- */

struct weighing {
    struct world *world;
    const char *folder;
    int64_t bytes;
    int count, others; /* others: of another size than asked for */
};

static void weigh(void *arg, const char *name)
{
    struct weighing *w = arg;
    char path[160];
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".mp4"))
        return;
    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    int fd = w->world->table->open(w->world->disk, path, O_RDONLY, 0);
    int64_t size = w->world->table->size(w->world->disk, fd);
    w->world->table->close(w->world->disk, fd);
    w->bytes += size;
    w->count++;
    w->others += size != w->world->options.slot_size;
}

static void check_ring(struct world *world, enum rw_stream stream)
{
    char folder[64];
    int64_t keep = world->options.slots[stream] * world->options.slot_size;
    int64_t most = keep + check_reserved(world, stream);
    struct weighing w = {.world = world, .folder = folder};
    snprintf(folder, sizeof folder, DIR "/%s", rw_stream_name(stream));
    world->table->list(world->disk, folder, weigh, &w);
    bool few = w.count <= 3 && w.others; /* so many stay, whatever their size */
    int64_t least = w.others ? keep - world->options.slot_size + 1 : keep;
    if (w.bytes < least || (w.bytes > most && !few))
        world_blame(world, "the %s ring takes %lld bytes, keep is %lld", rw_stream_name(stream),
                    (long long)w.bytes, (long long)keep);
    /* one that a hold has kept comes back as it was, and empty ones of any age are taken first */
    if (w.others && world->begun[stream] > w.count && !world->witness.hold_count &&
        !world->options.max_age_us)
        world_blame(world, "%d slots of the %s ring have another size after %d turns", w.others,
                    rw_stream_name(stream), world->begun[stream]);
}

void world_check_geometry(struct world *world)
{
    for (int stream = 0; stream < RW_STREAMS && !world->rotten; stream++)
        if (world->options.slots[stream])
            check_ring(world, (enum rw_stream)stream);
}
