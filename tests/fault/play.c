#include "play.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- faults --- */

static void add_fault(struct world *world, enum sim_operation operation, int error)
{
    static const char *const prefixes[] = {"", DIR "/main/", DIR "/sub/", DIR "/index.db",
                                           DIR "/index.db-wal"};
    struct sim_random *random = &world->random;
    struct sim_fault fault = {.operation = operation,
                              .error = error,
                              .after = (int)sim_random_below(random, 12),
                              .times = (int)sim_random_below(random, 5)};
    snprintf(fault.prefix, sizeof fault.prefix, "%s", prefixes[sim_random_below(random, 5)]);
    sim_disk_add_fault(world->disk, &fault);
    if (!error && !strstr(fault.prefix, DIR "/main/") && !strstr(fault.prefix, DIR "/sub/"))
        world->rotten_index = true;
    world_tell(world, "fault: operation %d of \"%s\", error %d, after %d, %d times", operation,
               fault.prefix, error, fault.after, fault.times);
}

static void bad_weather(struct world *world)
{
    world->faulty = true;
    switch (sim_random_below(&world->random, 8)) {
    case 0:
        sim_disk_set_read_only(world->disk, true);
        world_tell(world, "the disk is read-only");
        break;
    case 1:
        sim_disk_set_capacity(world->disk, sim_disk_used(world->disk));
        world_tell(world, "the disk is full");
        break;
    case 2:
        sim_disk_set_inodes(world->disk, 1);
        world_tell(world, "the disk has no inodes");
        break;
    case 3:
        add_fault(world, SIM_READ, EIO);
        break;
    case 4:
        add_fault(world, SIM_WRITE, sim_random_chance(&world->random, 1, 3) ? ENOSPC : EIO);
        break;
    default:
        add_fault(world, SIM_SYNC, EIO);
    }
}

static void good_weather(struct world *world)
{
    if (!world->faulty)
        return;
    sim_disk_clear_faults(world->disk);
    sim_disk_set_read_only(world->disk, false);
    sim_disk_set_capacity(world->disk, 64 << 20);
    sim_disk_set_inodes(world->disk, 0);
    world->faulty = false;
    world_tell(world, "the disk is well again");
}

/* The disk lies: from now on nothing that it holds is promised, but nothing may crash. */
static void rot(struct world *world)
{
    struct sim_random *random = &world->random;
    char path[64];
    world->rotten = true;
    if (sim_random_chance(random, 1, 3)) {
        add_fault(world, SIM_WRITE, 0);
        return;
    }
    if (sim_random_chance(random, 1, 3))
        snprintf(path, sizeof path, DIR "/index.db");
    else
        snprintf(path, sizeof path, DIR "/main/%05d.mp4", (int)sim_random_below(random, 6));
    world->rotten_index |= strstr(path, "index.db") != NULL;
    int64_t at = sim_disk_flip_bit(world->disk, path, 0, 0);
    world_tell(world, "a bit of %s flips at %lld", path, (long long)at);
}

/* --- deeds --- */

static void record_a_while(struct world *world)
{
    /* as the recorder has it: a fragment is no longer than half of what a cut may cost */
    int64_t most =
        world->options.sync_us / 2 < 2 * SECOND ? world->options.sync_us / 2 : 2 * SECOND;
    int64_t duration_us = sim_random_between(&world->random, 1, 8) * most / 8;
    int count = (int)sim_random_between(&world->random, 1, 12);
    for (int i = 0; i < count && !sim_disk_dead(world->disk) && world_well(world); i++) {
        world_record(world, duration_us);
        if (sim_random_chance(&world->random, 2, 3))
            world_tick(world);
    }
}

/* Deeds that a disk which refuses makes promise less: they are for calm scenarios. */
static void do_something_rare(struct world *world)
{
    switch (sim_random_below(&world->random, 6)) {
    case 0:
    case 1:
        world_hold(world);
        break;
    case 2:
    case 3:
        world_release(world);
        break;
    case 4:
        world->steps ? world_step_clock(world) : world_let_age(world);
        break;
    default:
        world_let_age(world);
    }
}

static void do_something(struct world *world)
{
    struct sim_random *random = &world->random;
    if (!world->battery && sim_random_chance(random, 1, 8))
        world_set_clock(world);
    if (world->calm && sim_random_chance(random, 1, 6)) {
        do_something_rare(world);
        return;
    }
    switch (sim_random_below(random, 20)) {
    case 0:
        world_lose_camera(world, sim_random_between(random, 1, 900) * SECOND / 10);
        break;
    case 1:
        world_change_camera(world, sim_random_chance(random, 1, 2) ? RW_MAIN : RW_SUB);
        break;
    case 2:
    case 3:
        if (world->open_event < 0)
            world_begin_event(world);
        else
            world_change_event(world, false);
        break;
    case 4:
    case 5:
        world_change_event(world, true);
        break;
    case 6:
        world_put_word(world);
        break;
    case 7:
        if (sim_random_chance(random, 1, 3))
            world_check(world, false);
        break;
    case 8:
        if (sim_random_chance(random, 1, 4) && !world->faulty)
            world_fsck(world, false);
        break;
    case 9:
        world_pass(world, SECOND);
        world_tick(world);
        break;
    default:
        record_a_while(world);
    }
}

/* --- sessions --- */

static uint64_t choose_cut(struct world *world)
{
    int64_t most = sim_random_chance(&world->random, 1, 2) ? 200 : 1200;
    return (uint64_t)sim_random_between(&world->random, 1, most);
}

/* Until the end comes, by a cut, a kill, or a clean close. *killed: not by the power. */
static void session(struct world *world, int deeds, bool storms)
{
    struct sim_random *random = &world->random;
    if (!world_open(world))
        return;
    if (sim_random_chance(random, 2, 3))
        world_end_open_events(world);
    for (int i = 0; i < deeds && !sim_disk_dead(world->disk) && world_well(world); i++) {
        if (storms && world->storms && sim_random_chance(random, 1, 12))
            bad_weather(world);
        else if (world->faulty && sim_random_chance(random, 1, 3))
            good_weather(world);
        do_something(world);
    }
}

/* The box comes up again, and may be cut again while it does. */
static void come_back(struct world *world, bool killed)
{
    world_power_on(world, killed);
    while (world_well(world) && sim_random_chance(&world->random, 1, 2)) {
        bool kill = sim_random_chance(&world->random, 1, 5);
        uint64_t n = (uint64_t)sim_random_between(&world->random, 1, 40);
        if (kill)
            sim_disk_kill_at(world->disk, n);
        else
            sim_disk_cut_at(world->disk, n);
        world_open(world);
        if (!sim_disk_dead(world->disk) && kill)
            sim_disk_kill(world->disk);
        else if (!sim_disk_dead(world->disk))
            sim_disk_cut(world->disk);
        world_power_on(world, kill);
    }
}

/* The session's end. */
static void end_session(struct world *world, bool kill)
{
    bool dead = sim_disk_dead(world->disk);
    if (!dead && sim_random_chance(&world->random, 1, 3)) {
        sim_disk_cut_at(world->disk, 0);
        world_close(world); /* in whatever weather */
        good_weather(world);
        world_pass(world, SECOND);
        return;
    }
    if (!dead && kill)
        sim_disk_kill(world->disk);
    else if (!dead)
        sim_disk_cut(world->disk);
    world_close(world);
    good_weather(world);
    come_back(world, kill);
}

/* fsck --rebuild, and the power goes meanwhile. */
static void rebuild_cut(struct world *world)
{
    bool kill = sim_random_chance(&world->random, 1, 4);
    uint64_t n = (uint64_t)sim_random_between(&world->random, 1, 200);
    if (!world_well(world) || !world->opened)
        return;
    if (kill)
        sim_disk_kill_at(world->disk, n);
    else
        sim_disk_cut_at(world->disk, n);
    world_tell(world, "the index is made anew");
    world_fsck(world, true);
    world_events_are_back(world);
    if (sim_disk_dead(world->disk))
        world_power_on(world, kill);
    sim_disk_cut_at(world->disk, 0);
}

static void look_again(struct world *world)
{
    good_weather(world);
    if (!world_well(world) || !world_open(world))
        return;
    world_check(world, true);
    world_end_open_events(world);
    record_a_while(world);
    world_tick(world);
    if (sim_random_chance(&world->random, 1, 3))
        world_release_all(world);
    world_check(world, true);
    world_close(world);
    world_pass(world, SECOND);
    world_check_files(world);
    if (!world_well(world) || !world_open(world))
        return;
    record_a_while(world);
    world_check(world, true);
    world_close(world);
    if (world->witness.hold_count)
        world_fsck(world, false);
}

void play_random(struct world *world)
{
    struct sim_random *random = &world->random;
    bool storms = sim_random_chance(random, 1, 3);
    bool rots = sim_random_chance(random, 1, 10);
    int sessions = (int)sim_random_between(random, 1, 3);
    world->calm = !(storms && world->storms);
    world->steps = world->calm && sim_random_chance(random, 1, 3);
    for (int i = 0; i < sessions && world_well(world); i++) {
        bool kill = sim_random_chance(random, 1, 4);
        if (kill)
            sim_disk_kill_at(world->disk, choose_cut(world));
        else if (sim_random_chance(random, 3, 4))
            sim_disk_cut_at(world->disk, choose_cut(world));
        session(world, (int)sim_random_between(random, 3, 40), storms);
        end_session(world, kill);
        if (world->calm && sim_random_chance(random, 1, 6))
            world_change_geometry(world);
        if (world->calm && sim_random_chance(random, 1, 8))
            rebuild_cut(world);
        if (rots)
            world->storms ? rot(world) : world_pass(world, SECOND);
        if (world_well(world) && sim_random_chance(random, 1, 4) && world_open(world)) {
            world_check(world, true);
            world_close(world);
        }
    }
    look_again(world);
}

/* --- the script --- */

static void script_record(struct world *world, int count)
{
    for (int i = 0; i < count && !sim_disk_dead(world->disk); i++) {
        world_record(world, SECOND);
        world_tick(world);
    }
}

static void script_part(struct world *world, int part)
{
    world_end_open_events(world);
    script_record(world, 3);
    world_begin_event(world);
    script_record(world, 2);
    world_change_event(world, false);
    world_put_word(world);
    if (part == 1) { /* a second one asks for a rate that is known */
        world_hold_span(world, -3 * SECOND, -2 * SECOND);
        world_hold_span(world, -SECOND, 8 * SECOND);
    }
    world_lose_camera(world, 3 * SECOND);
    script_record(world, 4);
    if (part != 1)
        world_change_event(world, true);
    if (part == 2)
        world_release(world);
    world_change_camera(world, RW_MAIN);
    script_record(world, 3);
}

/* Everything that a recorder does, once around its ring and a bit; what a technician does, between:
 * the index made anew, a hold, another ring; and what is too old goes. */
static void script(struct world *world)
{
    for (int part = 0; part < 3 && !sim_disk_dead(world->disk); part++) {
        if (!world_open(world))
            return;
        script_part(world, part);
        if (part == 2)
            world_let_age(world);
        world_close(world);
        world_pass(world, 5 * SECOND);
        if (part == 0 && !sim_disk_dead(world->disk))
            world_fsck(world, true);
        if (part == 1 && !sim_disk_dead(world->disk))
            world_change_geometry(world);
    }
}

static void script_options(struct world *world)
{
    world->options.slots[RW_MAIN] = 4;
    world->options.slots[RW_SUB] = 3;
    world->options.slot_size = 4 * 4096;
    world->options.sync_us = 2 * SECOND;
    world->options.max_age_us = 25 * SECOND;
    sim_disk_bury(world->disk);
    world->battery = true;
    world->slots_sure[RW_MAIN] = 4;
    world->slots_sure[RW_SUB] = 3;
}

bool play_script(struct world *world, const struct script_cut *cut, uint64_t *recovery)
{
    script_options(world);
    if (cut->kill)
        sim_disk_kill_at(world->disk, cut->at);
    else
        sim_disk_cut_at(world->disk, cut->at);
    script(world);
    bool ended = sim_disk_dead(world->disk);
    *recovery = 0;
    if (!ended)
        sim_disk_cut_at(world->disk, 0);
    world_close(world);
    if (ended)
        world_power_on(world, cut->kill);
    sim_disk_cut_at(world->disk, cut->again);
    uint64_t start = sim_disk_operations(world->disk);
    if (ended && world_open(world)) {
        script_record(world, 1);
        *recovery = sim_disk_operations(world->disk) - start;
    }
    if (cut->again)
        world_power_on(world, false);
    world_close(world);
    look_again(world);
    return ended;
}
