#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payload.h"

#define T0 INT64_C(1790000000000000)
#define BOOTS_AT_US (7 * SECOND) /* in 1970; see sim_clock_boot() */

/* --- the world itself --- */

static void new_init(struct world *world, enum rw_stream stream)
{
    struct camera *camera = &world->camera[stream];
    camera->kind++;
    camera->init_size = (size_t)sim_random_between(&world->random, 100, INIT_MAX);
    payload_make_init(stream, camera->kind, camera->init, camera->init_size);
    camera->running = false;
}

static void choose_options(struct world *world)
{
    struct sim_random *random = &world->random;
    world->options = (struct rw_store_options){
        .dir = DIR,
        .site = "thon-dung",
        .camera = "gate",
        .slots = {(int)sim_random_between(random, 3, 6),
                  sim_random_chance(random, 1, 3) ? 0 : (int)sim_random_between(random, 3, 5)},
        .slot_size = sim_random_between(random, 4, 16) * 4096,
        .sync_us = sim_random_between(random, 2, 8) * SECOND / 2,
        .max_age_us = !world->storms && sim_random_chance(random, 1, 4)
                          ? sim_random_between(random, 20, 150) * SECOND
                          : 0,
        .disk = world->table,
        .clock = &world->clock.table};
}

void world_init(struct world *world, uint64_t seed, bool verbose, bool storms)
{
    *world = (struct world){.verbose = verbose, .open_event = -1};
    world->random.state = seed * 0x2545f4914f6cdd1du + 1;
    world->disk = sim_disk_create(sim_random_next(&world->random));
    world->table = sim_disk_table(world->disk);
    sim_disk_set_capacity(world->disk, 64 << 20);
    sim_clock_init(&world->clock, T0);
    world->storms = storms;
    choose_options(world);
    memcpy(world->slots_sure, world->options.slots, sizeof world->slots_sure);
    world->battery = world->storms || sim_random_chance(&world->random, 4, 5);
    if (world->options.max_age_us)
        sim_disk_bury(world->disk);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        new_init(world, (enum rw_stream)stream);
    world->table->mkdir(world->disk, ROOT, 0750);
    world->table->sync_dir(world->disk, "/");
}

void world_finish(struct world *world)
{
    rw_store_close(world->store);
    sim_disk_destroy(world->disk);
    witness_finish(&world->witness);
}

bool world_well(const struct world *world)
{
    return !*world->failure;
}

void world_blame(struct world *world, const char *format, ...)
{
    if (*world->failure)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(world->failure, sizeof world->failure, format, args);
    va_end(args);
}

double world_seconds(int64_t utc_us)
{
    return (double)(utc_us - T0) / 1e6;
}

void world_tell(struct world *world, const char *format, ...)
{
    if (!world->verbose)
        return;
    va_list args;
    va_start(args, format);
    printf("%6llu %8.1f s  ", (unsigned long long)sim_disk_operations(world->disk),
           world_seconds(world->clock.now.utc_us));
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

static bool may_fail(const struct world *world)
{
    return world->faulty || world->rotten || sim_disk_dead(world->disk);
}

void world_refuse(struct world *world, const char *what, const struct rw_err *err)
{
    world_tell(world, "%s is refused: %s", what, err->text);
    if (!may_fail(world))
        world_blame(world, "%s is refused in good weather: %s", what, err->text);
}

/* --- what a call did beyond what was asked --- */

struct before {
    struct rw_store_counters counters;
    bool dead;
};

static struct before look_before(const struct world *world)
{
    return (struct before){rw_store_counters(world->store), sim_disk_dead(world->disk)};
}

/* Slots that were begun beyond those asked for, when a disk refuses, or for fragments that waited.
 * Which ring's is not told. */
static void count_turns(struct world *world, const struct before *before, int asked, bool failed)
{
    struct rw_store_counters after = rw_store_counters(world->store);
    int more = (int)(after.slots_begun - before->counters.slots_begun) - asked;
    int turns = (more > 0 ? 2 * more : 0) + (failed ? 4 : 0);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        witness_turn(&world->witness, (enum rw_stream)stream, turns);
        if (more > 0)
            witness_renumber(&world->witness, (enum rw_stream)stream);
    }
}

/* A disk that is dead refuses too: what waits then was lost by the end, not by the weather. */
static void look_after(struct world *world, const struct before *before, int asked, bool failed)
{
    count_turns(world, before, asked, failed);
    if (before->dead || (sim_disk_dead(world->disk) && !world->faulty))
        return;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        world->camera[stream].waits =
            world->options.slots[stream] && rw_store_waits(world->store, (enum rw_stream)stream);
}

/* --- opening and closing --- */

static void set_slots(struct world *world)
{
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (world->options.slots[stream])
            witness_set_slots(&world->witness, (enum rw_stream)stream, world->slots_sure[stream]);
}

bool world_open(struct world *world)
{
    struct rw_err err = {0};
    world->witness.session++;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        world->camera[stream].running = world->camera[stream].waits = false;
    set_slots(world);
    world->store = rw_store_open(&world->options, &err);
    if (!world->store) {
        world_refuse(world, "opening", &err);
        return false;
    }
    world->opened = true;
    world_tell(world, "opened");
    if (!sim_disk_dead(world->disk) && !may_fail(world))
        world_check_holds(world);
    return true;
}

void world_close(struct world *world)
{
    if (!world->store)
        return;
    bool alive = !sim_disk_dead(world->disk);
    rw_store_close(world->store);
    world->store = NULL;
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (alive && world->camera[stream].waits)
            witness_renumber(&world->witness, (enum rw_stream)stream);
    if (alive && !world->faulty)
        witness_promise_all(&world->witness);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        if (alive && world->faulty) /* it may have tried three slots: those and the next are out */
            witness_turn(&world->witness, (enum rw_stream)stream, 4);
        if (alive || world->camera[stream].waits)
            witness_loosen(&world->witness, (enum rw_stream)stream, ASKED);
    }
    world_tell(world, "closed");
}

void world_power_on(struct world *world, bool killed)
{
    world_close(world);
    sim_disk_power_on(world->disk);
    world->faulty = false;
    world->open_event = -1;
    /* longer than the 7 s that it has been up when the program starts */
    int64_t down = sim_random_between(&world->random, 8, 97) * SECOND;
    if (killed) {
        sim_clock_pass(&world->clock, down);
    } else {
        world->clock_off_us += world->battery ? 0 : world->clock.now.utc_us + down - BOOTS_AT_US;
        sim_clock_boot(&world->clock, down, world->battery);
        for (int stream = 0; stream < RW_STREAMS; stream++)
            witness_loosen(&world->witness, (enum rw_stream)stream, LOOSE);
    }
    world_tell(world, killed ? "the program starts again" : "the power is on again");
}

/* --- time --- */

void world_pass(struct world *world, int64_t us)
{
    sim_clock_pass(&world->clock, us);
}

static void promise(struct world *world, enum rw_stream stream, int64_t boot_us)
{
    if (!world->camera[stream].waits)
        witness_promise(&world->witness, stream, boot_us - world->options.sync_us);
}

/* As the recorder does before each fragment: those that wait in memory first, and all of them. */
static bool revive(struct world *world, enum rw_stream stream)
{
    struct rw_err err = {0};
    if (!rw_store_waits(world->store, stream))
        return true;
    struct before before = look_before(world);
    int failed = rw_store_revive(world->store, stream, &err);
    look_after(world, &before, 0, failed);
    if (rw_store_waits(world->store, stream)) {
        world_refuse(world, "what waits", &err);
        return false;
    }
    world_tell(world, "%s: nothing waits any more", rw_stream_name(stream));
    witness_promise(&world->witness, stream, INT64_MAX);
    return true;
}

void world_tick(struct world *world)
{
    struct rw_err err = {0};
    int64_t boot_us = world->clock.now.boot_us;
    if (!world->store)
        return;
    struct before before = look_before(world);
    world_note_age(world);
    int failed = rw_store_tick(world->store, boot_us, &err);
    look_after(world, &before, 0, failed);
    for (int stream = 0; stream < RW_STREAMS && !failed; stream++)
        if (world->options.slots[stream])
            promise(world, (enum rw_stream)stream, boot_us);
    if (failed)
        world_refuse(world, "a tick", &err);
}

/* --- pictures --- */

static bool begin(struct world *world, enum rw_stream stream, int64_t start_us)
{
    struct rw_err err = {0};
    const struct camera *camera = &world->camera[stream];
    witness_turn(&world->witness, stream, 1);
    struct before before = look_before(world);
    int failed =
        rw_store_begin(world->store, stream, camera->init, camera->init_size, start_us, &err);
    look_after(world, &before, 1, failed);
    if (failed) {
        world_refuse(world, "a turn", &err);
        return false;
    }
    world->begun[stream]++;
    world_tell(world, "%s begins a slot", rw_stream_name(stream));
    witness_promise(&world->witness, stream, INT64_MAX);
    return true;
}

/* Is there an open slot with room for this run of pictures? */
static bool make_room(struct world *world, enum rw_stream stream, size_t size, int64_t start_us)
{
    struct camera *camera = &world->camera[stream];
    int64_t base_us;
    bool room = rw_store_room(world->store, stream) >= size;
    if (room && !camera->running)
        room = rw_store_resumable(world->store, stream, camera->init, camera->init_size, start_us,
                                  &base_us);
    camera->running = room || begin(world, stream, start_us);
    return camera->running;
}

static void record(struct world *world, enum rw_stream stream, int64_t duration_us)
{
    static uint8_t bytes[PAYLOAD_MAX];
    struct camera *camera = &world->camera[stream];
    struct rw_err err = {0};
    int64_t most = world->options.slot_size / (stream == RW_MAIN ? 4 : 12);
    int64_t start_us = world->clock.now.utc_us - duration_us;
    struct note note = {.start_us = start_us,
                        .told_us = start_us,
                        .true_us = start_us + world->clock_off_us,
                        .boot = world->clock.boot,
                        .unverified = world->clock.state.trust == RW_CLOCK_UNVERIFIED,
                        .boot_us = world->clock.now.boot_us - duration_us,
                        .duration_us = duration_us,
                        .size = (uint32_t)sim_random_between(&world->random, PAYLOAD_MIN, most),
                        .keyframe = sim_random_chance(&world->random, 3, 4),
                        .slots = world->slots_sure[stream]};
    note.came_damaged = note.size % 5 == 0;
    if (!revive(world, stream) || !make_room(world, stream, note.size, note.start_us)) {
        camera->cause = RW_CAUSE_DISK;
        return;
    }
    struct note *asked = witness_ask(&world->witness, stream, &note);
    payload_make(stream, world->witness.stream[stream].count - 1, bytes, note.size);
    struct rw_fragment_in in = {.bytes = bytes,
                                .size = note.size,
                                .start_us = note.start_us,
                                .boot_us = note.boot_us,
                                .duration_us = duration_us,
                                .keyframe = note.keyframe,
                                .came_damaged = note.came_damaged,
                                .step_us = camera->step_us,
                                .cause = camera->cause};
    bool moved;
    struct before before = look_before(world);
    int failed = rw_store_append(world->store, stream, &in, &moved, &err);
    look_after(world, &before, 0, failed);
    if (failed)
        world_refuse(world, failed > 0 ? "a slot" : "a fragment", &err);
    if (failed < 0 || (failed && sim_disk_dead(world->disk))) {
        camera->cause = RW_CAUSE_DISK;
        return;
    }
    asked->promise = TAKEN; /* 1: into memory, see revive() */
    camera->step_us = 0;
    camera->cause = RW_CAUSE_NONE;
    promise(world, stream, note.boot_us);
}

void world_record(struct world *world, int64_t duration_us)
{
    world_pass(world, duration_us);
    for (int stream = 0; stream < RW_STREAMS; stream++)
        if (world->store && world->options.slots[stream])
            record(world, (enum rw_stream)stream, duration_us);
}

void world_lose_camera(struct world *world, int64_t us)
{
    world_tell(world, "the camera is away for %.1f s", (double)us / 1e6);
    for (int stream = 0; stream < RW_STREAMS; stream++) {
        world->camera[stream].running = false;
        world->camera[stream].cause = RW_CAUSE_CAMERA_LOST;
    }
    for (; us > SECOND && sim_random_chance(&world->random, 3, 4); us -= SECOND) {
        world_pass(world, SECOND);
        world_tick(world);
    }
    world_pass(world, us);
}

void world_change_camera(struct world *world, enum rw_stream stream)
{
    world_tell(world, "the %s camera changes", rw_stream_name(stream));
    new_init(world, stream);
}

/* --- events and words --- */

static void put_event(struct world *world, int index, struct version *as, bool with_pictures)
{
    static uint8_t jpeg[PICTURE_MAX];
    struct rw_err err = {0};
    struct rw_pictures pictures = {jpeg, as->picture_size, jpeg, as->picture_size / 4};
    payload_make_picture(as->picture, jpeg, (size_t)as->picture_size);
    struct event_note *note = witness_ask_event(&world->witness, index, as);
    struct version *asked = &note->list[note->count - 1];
    if (rw_store_put_event(world->store, &as->event, with_pictures ? &pictures : NULL, &err)) {
        world_refuse(world, "an event", &err);
        return;
    }
    asked->event.revision = as->event.revision;
    note->kept = note->count - 1;
    world_tell(world, "event %s is kept with revision %lld", as->event.id,
               (long long)as->event.revision);
    if (as->event.revision <= world->witness.revision && !world->rotten)
        world_blame(world, "event %s gets revision %lld after %lld", as->event.id,
                    (long long)as->event.revision, (long long)world->witness.revision);
    world->witness.revision = as->event.revision;
}

/* The bound of the clock's error numbers the versions of an event, so that what is kept tells which
 * one it is: nothing corrects it. */
enum { FIRST_VERSION = 12000 };

int world_version(const struct rw_event *event)
{
    return (int)(event->clock_error_us - FIRST_VERSION);
}

/* Without pictures none begins. */
static bool sees_something(const struct world *world)
{
    const struct stream_notes *notes = &world->witness.stream[RW_MAIN];
    return notes->count &&
           world->clock.now.boot_us - notes->list[notes->count - 1].boot_us < 4 * SECOND &&
           notes->list[notes->count - 1].boot == world->clock.boot;
}

void world_begin_event(struct world *world)
{
    if (!world->battery && !sees_something(world))
        return;
    int64_t now = world->clock.now.utc_us;
    int index = world->witness.event_count;
    struct version first = {.event = {.kind = "motion",
                                      .start_us = now,
                                      .peak_us = now,
                                      .score = 0.5f,
                                      .armed = true,
                                      .clock_trust = (int)world->clock.state.trust,
                                      .clock_error_us = FIRST_VERSION},
                            .picture = index,
                            .picture_size = (int)sim_random_between(&world->random, 0, 3000)};
    snprintf(first.event.id, sizeof first.event.id, "%026d", index);
    world->open_event = index;
    put_event(world, index, &first, true);
}

void world_change_event(struct world *world, bool end)
{
    int index = world->open_event;
    if (index < 0)
        return;
    struct event_note *note = &world->witness.events[index];
    struct version next = note->list[note->count - 1];
    /* pictures stay as they were only where it is sure which those are */
    bool redraw = note->kept != note->count - 1 || sim_random_chance(&world->random, 1, 3);
    if (redraw) {
        next.picture = index + 1000 * note->count;
        next.picture_size = (int)sim_random_between(&world->random, 1, 3000);
    }
    next.event.clock_error_us = FIRST_VERSION + note->count;
    next.event.phase = end ? RW_PHASE_END : RW_PHASE_UPDATE;
    next.event.end_us = end ? world->clock.now.utc_us : 0;
    if (end && next.event.end_us < next.event.start_us)
        next.event.end_us = next.event.start_us; /* as the store will keep it */
    put_event(world, index, &next, redraw);
    if (end)
        world->open_event = -1;
}

void world_put_word(struct world *world)
{
    struct rw_err err = {0};
    int64_t value = world->witness.word_asked + 1;
    world->witness.word_asked = value;
    if (rw_store_put_word(world->store, "disarmed", value, &err))
        world_refuse(world, "a word", &err);
    else
        world->witness.word = value;
}

static void end_event(void *arg, struct rw_event *event)
{
    struct world *world = arg;
    int index = atoi(event->id);
    if (index >= world->witness.event_count) {
        world_blame(world, "event %s was never asked for", event->id);
        return;
    }
    world->open_event = index;
    world_change_event(world, true);
}

void world_end_open_events(struct world *world)
{
    struct rw_err err = {0};
    if (rw_store_open_events(world->store, end_event, world, &err))
        world_refuse(world, "looking for open events", &err);
}
