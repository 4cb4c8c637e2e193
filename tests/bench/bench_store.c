/* What recording costs on the disk, and what questions to a full index cost. Prints, asserts
 * nothing.
 *
 *   bench_store index FOLDER      30 days of two streams in one-second fragments: size, questions
 *   bench_store bytes FOLDER      three laps of a ring at 2 + 0.3 Mbit/s: bytes, syncs, blocks
 *   bench_store recovery FOLDER [GiB]  start-up, an open slot, a rebuild beside a plain read
 *
 * FOLDER is made, and must not be there before. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "store/fsck.h"
#include "store/index.h"
#include "store/reader.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define T0 INT64_C(1790000000000000)

static void die(const char *what, const struct rw_err *err)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, err ? err->text : strerror(errno));
    exit(1);
}

static double now_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* --- a clock that runs as fast as the disk --- */

struct box {
    int64_t utc_us, boot_us;
    uint64_t syncs; /* of slots and files; SQLite's are counted apart */
};

static struct rw_now box_now(void *self)
{
    const struct box *box = self;
    return (struct rw_now){box->utc_us, box->boot_us};
}

static struct rw_clock_state box_state(void *self)
{
    (void)self;
    return (struct rw_clock_state){RW_CLOCK_SYNCED, 1000};
}

static void box_boot(void *self, uint8_t id[16])
{
    (void)self;
    memset(id, 1, 16);
}

static int counting_sync(void *self, int fd)
{
    struct box *box = self;
    box->syncs++;
    return rw_disk_system()->fdatasync(NULL, fd);
}

/* --- index --- */

static void write_label(const char *dir, const char *stream)
{
    char path[600], text[300];
    struct rw_err err;
    snprintf(path, sizeof path, "%s/%s", dir, stream);
    if (rw_make_path(path, &err))
        die(path, &err);
    snprintf(path, sizeof path, "%s/%s/ring.json", dir, stream);
    snprintf(text, sizeof text,
             "{\"format\":1,\"ring\":\"00000000-0000-4000-8000-000000000000\",\"site\":\"s\","
             "\"camera\":\"c\",\"stream\":\"%s\",\"slot_size\":67108864,\"slots\":3000}",
             stream);
    if (rw_file_replace(path, text, strlen(text), 0, &err))
        die(path, &err);
}

/* 64 MiB hold so many fragments: 2 Mbit/s main, 0.3 Mbit/s sub. */
static const int per_slot[RW_STREAMS] = {268, 1790};
static const uint32_t fragment_bytes[RW_STREAMS] = {250000, 37500};

static void put_stream(struct rw_index *index, enum rw_stream stream, int days)
{
    struct rw_chunk chunk;
    struct rw_err err;
    int64_t offset = 700;
    rw_chunk_init(&chunk, stream);
    if (rw_index_begin(index, &err))
        die("index", &err);
    for (int64_t i = 0; i < (int64_t)days * 86400; i++) {
        int slot = (int)(i / per_slot[stream]);
        if (i % per_slot[stream] == 0)
            offset = 700;
        struct rw_record record = {.kind = RW_RECORD_FRAGMENT,
                                   .keyframe = i % 2 == 0,
                                   .seq = (uint64_t)i + 1,
                                   .start_us = T0 + i * SECOND + (int64_t)(i * 7919 % 2000),
                                   .boot_us = i * SECOND,
                                   .duration_us = 1000000 - (uint32_t)(i * 31 % 900),
                                   .length =
                                       fragment_bytes[stream] + (uint32_t)(i * 2654435761u % 9999)};
        if (rw_index_add_record(index, &chunk, slot, &record, offset, &err))
            die("index", &err);
        offset += (int64_t)rw_record_span(&record);
    }
    struct rw_ring_row row = {
        .born_us = T0, .open_slot = -1, .last_seq = (uint64_t)days * 86400, .deleted_us = T0};
    memset(row.ring, 0, sizeof row.ring);
    if (rw_index_put_chunk(index, &chunk, &err) || rw_index_put_ring(index, stream, &row, &err) ||
        rw_index_commit(index, &err))
        die("index", &err);
    rw_chunk_finish(&chunk);
}

static int first_only(void *arg, const struct rw_fragment *fragment)
{
    *(struct rw_fragment *)arg = *fragment;
    return 1;
}

static void ask(struct rw_reader *reader, int days)
{
    enum { QUESTIONS = 300 };
    double took[QUESTIONS];
    struct rw_err err;
    for (int i = 0; i < QUESTIONS; i++) {
        struct rw_fragment found = {0};
        int64_t at = T0 + (int64_t)(i * 2654435761u % (unsigned)(days * 86400 - 60)) * SECOND;
        double began = now_s();
        if (rw_reader_fragments(reader, RW_MAIN, at, at + SECOND, first_only, &found, &err))
            die("fragments", &err);
        took[i] = (now_s() - began) * 1e3;
    }
    qsort(took, QUESTIONS, sizeof *took, by_value);
    printf("which bytes are this second: median %.3f ms, worst of %d %.3f ms\n",
           took[QUESTIONS / 2], QUESTIONS, took[QUESTIONS - 1]);
    for (int i = 0; i < days; i++) {
        struct rw_coverage coverage;
        struct rw_asked asked = {.now_us = T0 + days * DAY};
        double began = now_s();
        if (rw_reader_coverage(reader, RW_MAIN, T0 + i * DAY, T0 + (i + 1) * DAY, &asked, &coverage,
                               &err))
            die("coverage", &err);
        took[i] = (now_s() - began) * 1e3;
        rw_coverage_finish(&coverage);
    }
    qsort(took, (size_t)days, sizeof *took, by_value);
    printf("coverage of a day: median %.2f ms, worst of %d %.2f ms\n", took[days / 2], days,
           took[days - 1]);
}

static void bench_index(const char *dir)
{
    enum { DAYS = 30 };
    char path[600];
    struct rw_err err;
    struct stat st;
    write_label(dir, "main");
    write_label(dir, "sub");
    snprintf(path, sizeof path, "%s/index.db", dir);
    struct rw_index *index = rw_index_create(rw_disk_system(), path, &err);
    if (!index)
        die(path, &err);
    put_stream(index, RW_MAIN, DAYS);
    put_stream(index, RW_SUB, DAYS);
    rw_index_settle(index, &err);
    rw_index_close(index);
    if (stat(path, &st))
        die(path, NULL);
    double minutes = 2.0 * DAYS * 1440;
    printf("index: %.1f MB for %.0f stream-minutes: %.0f bytes each\n", (double)st.st_size / 1e6,
           minutes, (double)st.st_size / minutes);
    struct rw_reader *reader = rw_reader_open(dir, &err);
    if (!reader)
        die(dir, &err);
    ask(reader, DAYS);
    rw_reader_close(reader);
}

/* --- a store --- */

static uint8_t init_segment[700];
static uint8_t picture[1 << 20];

static void make_bytes(void)
{
    rw_put_be32(init_segment, 40);
    memcpy(init_segment + 4, "ftyp", 4);
    rw_put_be32(init_segment + 40, 660);
    memcpy(init_segment + 44, "moov", 4);
    for (size_t i = 0; i < sizeof picture; i++)
        picture[i] = (uint8_t)(i * 2654435761u >> 13);
}

struct world {
    struct box box;
    struct rw_clock clock;
    struct rw_disk disk;
    struct rw_store *store;
    char dir[400];
    uint64_t stream_bytes;
};

static void open_world(struct world *world, int main_slots, int sub_slots)
{
    struct rw_err err = {0};
    world->clock = (struct rw_clock){&world->box, box_now, box_state, box_boot};
    world->disk = *rw_disk_system();
    world->disk.self = &world->box;
    world->disk.fdatasync = counting_sync;
    struct rw_store_options options = {.dir = world->dir,
                                       .site = "s",
                                       .camera = "c",
                                       .slots = {main_slots, sub_slots},
                                       .slot_size = 64 << 20,
                                       .sync_us = 2 * SECOND,
                                       .disk = &world->disk,
                                       .clock = &world->clock};
    world->store = rw_store_open(&options, &err);
    if (!world->store)
        die(world->dir, &err);
}

static void append(struct world *world, enum rw_stream stream)
{
    struct rw_err err = {0};
    bool moved;
    size_t size = fragment_bytes[stream];
    if (rw_store_room(world->store, stream) < size &&
        rw_store_begin(world->store, stream, init_segment, sizeof init_segment, world->box.utc_us,
                       &err))
        die("turning", &err);
    struct rw_fragment_in in = {.bytes = picture + world->box.utc_us / SECOND % 1000,
                                .size = size,
                                .start_us = world->box.utc_us,
                                .boot_us = world->box.boot_us,
                                .duration_us = SECOND,
                                .keyframe = true};
    if (rw_store_append(world->store, stream, &in, &moved, &err))
        die("writing", &err);
    world->stream_bytes += size;
}

static void put_event(struct world *world)
{
    struct rw_err err = {0};
    struct rw_event event = {.kind = "motion", .phase = RW_PHASE_END, .armed = true};
    struct rw_pictures pictures = {picture, 60000, picture, 9000};
    snprintf(event.id, sizeof event.id, "01ARZ3NDEK%016" PRId64, world->box.utc_us / SECOND);
    event.start_us = world->box.utc_us - 5 * SECOND;
    event.end_us = world->box.utc_us;
    if (rw_store_put_event(world->store, &event, &pictures, &err))
        die("event", &err);
}

/* events_s: one event in so many seconds, 0: none. */
static void record(struct world *world, int seconds, int events_s, bool sub)
{
    struct rw_err err = {0};
    for (int i = 0; i < seconds; i++) {
        append(world, RW_MAIN);
        if (sub)
            append(world, RW_SUB);
        world->box.utc_us += SECOND;
        world->box.boot_us += SECOND;
        if (events_s && i % events_s == 0)
            put_event(world);
        if (rw_store_tick(world->store, world->box.boot_us, &err))
            die("tick", &err);
    }
}

/* --- bytes --- */

static int64_t field_of_io(const char *name)
{
    char line[100];
    long long value = -1;
    FILE *file = fopen("/proc/self/io", "r");
    size_t length = strlen(name);
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, length))
            value = atoll(line + length + 1);
    if (file)
        fclose(file);
    return value;
}

/* Bytes that the block device below the folder has written, whoever asked for it; -1: not told. */
static int64_t written_by_device(const char *dir)
{
    struct stat st;
    char path[80];
    long long sectors = -1;
    if (stat(dir, &st))
        die(dir, NULL);
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u/stat", major(st.st_dev), minor(st.st_dev));
    FILE *file = fopen(path, "r"); /* Documentation/block/stat.rst: the seventh field */
    if (file && fscanf(file, "%*d %*d %*d %*d %*d %*d %lld", &sectors) != 1)
        sectors = -1;
    if (file)
        fclose(file);
    return sectors < 0 ? -1 : sectors * 512;
}

static long blocks_of(const char *dir)
{
    char command[600], line[64] = "0";
    snprintf(command, sizeof command, "find %s -type f -printf '%%b\n' | paste -sd+ | bc", dir);
    FILE *pipe = popen(command, "r");
    if (pipe && fgets(line, sizeof line, pipe))
        line[strcspn(line, "\n")] = 0;
    if (pipe)
        pclose(pipe);
    return atol(line);
}

static void bench_bytes(struct world *world)
{
    enum { LAP = 4 * 268 }; /* seconds in which both rings of 4 and 3 slots have turned */
    open_world(world, 4, 3);
    record(world, 6 * LAP, 120, true); /* the sub ring's lap is the longer one */
    rw_store_close(world->store);
    open_world(world, 4, 3);
    long blocks = blocks_of(world->dir);
    sync();
    int64_t wchar = field_of_io("wchar"), written = written_by_device(world->dir);
    uint64_t syncs = world->box.syncs, stream = world->stream_bytes,
             commits = rw_store_counters(world->store).index_commits;
    record(world, 18 * LAP, 120, true);
    commits = rw_store_counters(world->store).index_commits - commits;
    stream = world->stream_bytes - stream;
    printf("%d s of 2 + 0.3 Mbit/s and an event of 69 KB every 2 minutes:\n", 18 * LAP);
    printf("bytes given to write(2) / stream bytes: %.4f\n",
           (double)(field_of_io("wchar") - wchar) / (double)stream);
    sync();
    printf("bytes written by the block device, also for others / stream bytes: %.4f\n",
           (double)(written_by_device(world->dir) - written) / (double)stream);
    printf("syncs per camera-minute: %.1f of slots, %.2f SQLite commits\n",
           (double)(world->box.syncs - syncs) / (18.0 * LAP / 60),
           (double)commits / (18.0 * LAP / 60));
    printf("blocks of 512 bytes before %ld, after %ld: %+ld\n", blocks, blocks_of(world->dir),
           blocks_of(world->dir) - blocks);
    rw_store_close(world->store);
}

/* --- recovery --- */

static void drop_caches(void)
{
    sync();
    FILE *file = fopen("/proc/sys/vm/drop_caches", "w");
    if (!file || fputs("3\n", file) < 0)
        fprintf(stderr, "bench_store: caches stay warm (not root?)\n");
    if (file)
        fclose(file);
}

static double read_all(const char *dir, int slots)
{
    static uint8_t bytes[1 << 20];
    double began = now_s();
    for (int number = 0; number < slots; number++) {
        char path[600];
        snprintf(path, sizeof path, "%s/main/%05d.mp4", dir, number);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            die(path, NULL);
        while (read(fd, bytes, sizeof bytes) > 0)
            ;
        close(fd);
    }
    return now_s() - began;
}

static void mute(void *arg, const char *sentence)
{
    (void)arg;
    fprintf(stderr, "%s\n", sentence);
}

static void rebuild(struct world *world, int slots)
{
    struct rw_err err;
    struct rw_fsck_report report;
    drop_caches();
    double plain = read_all(world->dir, slots);
    drop_caches();
    double began = now_s();
    if (rw_fsck(world->dir, rw_disk_system(), true, mute, NULL, &report, &err))
        die("rebuild", &err);
    double took = now_s() - began, gib = (double)slots * 64 / 1024;
    printf("rebuild of %.1f GiB (%d records, %d problems): %.2f s, a plain read of the same files "
           "%.2f s: %.2f of its speed\n",
           gib, report.records, report.problems, took, plain, plain / took);
}

/* A slot full to the end whose rows are not yet in the index, as a killed program leaves it. */
static void open_slot(const struct world *like)
{
    struct world world = {.box = like->box}, killed;
    char command[2000];
    snprintf(world.dir, sizeof world.dir, "%.380s/open", like->dir);
    open_world(&world, 4, 0);
    while (rw_store_room(world.store, RW_MAIN) > 600000 || world.stream_bytes < 1 << 20)
        record(&world, 1, 0, false);
    killed = world;
    snprintf(killed.dir, sizeof killed.dir, "%.380s/killed", like->dir);
    snprintf(command, sizeof command, "cp -a %s %s && rm %s/index.db*", world.dir, killed.dir,
             killed.dir);
    if (system(command))
        die(command, NULL);
    rw_store_close(world.store);
    drop_caches();
    double began = now_s();
    open_world(&killed, 4, 0);
    printf("start-up with a full open slot of 64 MiB, all of it to be hashed: %.3f s\n",
           now_s() - began);
    rw_store_close(killed.store);
}

static void bench_recovery(struct world *world, int gib)
{
    int slots = gib * 16;
    open_slot(world);
    snprintf(world->dir + strlen(world->dir), 10, "/ring");
    open_world(world, slots, 0);
    record(world, (slots - 1) * 268, 120, false);
    rw_store_close(world->store);
    drop_caches();
    double began = now_s();
    open_world(world, slots, 0);
    printf("start-up with a clean index of %d slots: %.3f s\n", slots, now_s() - began);
    rw_store_close(world->store);
    rebuild(world, slots);
}

int main(int argc, char **argv)
{
    static struct world world = {.box = {.utc_us = T0, .boot_us = SECOND}};
    if (argc < 3 || strlen(argv[2]) >= 380 || mkdir(argv[2], 0750)) {
        fprintf(stderr, "usage: bench_store index|bytes|recovery FOLDER [GiB]\n");
        return 2;
    }
    make_bytes();
    strcpy(world.dir, argv[2]);
    if (!strcmp(argv[1], "index"))
        bench_index(argv[2]);
    else if (!strcmp(argv[1], "bytes"))
        bench_bytes(&world);
    else
        bench_recovery(&world, argc > 3 ? atoi(argv[3]) : 4);
    return 0;
}
