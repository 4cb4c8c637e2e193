#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/check.h"

/* In memory that both processes have at one address. Only what is written to is ever there. */
struct handover {
    struct rw_err err;
    struct rw_config *config; /* NULL: see err */
    size_t used;
    _Alignas(16) uint8_t room[];
};

/* A file of 1 MiB makes no more than this of 16 bytes for each `[0,0],`. */
enum { HANDOVER_SIZE = 64 << 20, STEP = 16 };

static void *take_room(size_t size, void *arg)
{
    struct handover *over = arg;
    size_t at = over->used, whole = (size + STEP - 1) / STEP * STEP;
    if (whole > HANDOVER_SIZE - sizeof *over - at)
        _exit(1); /* told by the other process */
    over->used += whole;
    return over->room + at;
}

static void *take_heap(size_t size, void *arg)
{
    (void)arg;
    void *block = malloc(size);
    if (!block)
        abort();
    return block;
}

/* --- in the other process --- */

static int keep_text(int fd, const struct rw_buf *text, struct rw_err *err)
{
    if (pwrite(fd, text->data, text->size, 0) == (ssize_t)text->size)
        return 0;
    return rw_fail(err, RW_ENOMEM, "the configuration cannot be kept in memory (%s)",
                   strerror(errno));
}

/* From its start, whatever others did with the same open file. */
static int read_kept(int fd, struct rw_buf *text, struct rw_err *err)
{
    for (;;) {
        uint8_t *at = rw_buf_grow(text, 4096);
        ssize_t got = pread(fd, at, 4096, (off_t)(text->size - 4096));
        text->size -= 4096 - (size_t)(got > 0 ? got : 0);
        if (!got)
            return 0;
        if (got < 0 || text->size > RW_CONFIG_FILE_MAX)
            return rw_fail(err, RW_EIO, "the configuration handed down cannot be read (%s)",
                           strerror(got < 0 ? errno : EFBIG));
    }
}

static struct rw_config *read_config(const struct rw_apart *apart, struct rw_err *err)
{
    struct rw_buf text = {0};
    if (apart->text >= 0 && !apart->fill) {
        if (read_kept(apart->text, &text, err))
            return NULL;
    } else if (rw_config_read(apart->path, &text, err) ||
               (apart->fill && keep_text(apart->text, &text, err))) {
        return NULL;
    }
    return rw_config_parse(apart->path, text.data, text.size, err);
}

static void add_digests(struct rw_config *config)
{
    for (int i = 0; i < config->camera_count; i++)
        rw_config_camera_digest(config, &config->cameras[i], config->cameras[i].digest);
    rw_config_alerts_digest(config, config->mqtt.digest);
}

/* Its memory is not freed: it ends. */
static _Noreturn void hand_over(const struct rw_apart *apart, struct handover *over, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* what it reads is for nobody else */
    if (getppid() != parent)
        _exit(0);
    struct rw_config *config = read_config(apart, &over->err);
    if (config && apart->digests)
        add_digests(config);
    if (config) {
        rw_config_forget(config, apart->kept);
        over->config = rw_config_copy(config, take_room, over);
    }
    _exit(0);
}

/* --- in this one --- */

static struct rw_config *take_over(const struct rw_apart *apart, struct handover *over,
                                   struct rw_err *err)
{
    int status = 0;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        hand_over(apart, over, parent);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        rw_fail(err, RW_ENOMEM, "the configuration %s cannot be read by a process of its own (%s)",
                apart->path, strerror(errno));
    else if (status)
        rw_fail(err, RW_EINVAL, "the configuration %s cannot be read: the process that did died",
                apart->path);
    else if (over->config)
        return rw_config_copy(over->config, take_heap, NULL);
    else
        *err = over->err;
    return NULL;
}

struct rw_config *rw_config_load_apart(const struct rw_apart *apart, struct rw_err *err)
{
    struct handover *over = mmap(NULL, HANDOVER_SIZE, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (over == MAP_FAILED) {
        rw_fail(err, RW_ENOMEM, "there is no memory to read the configuration %s", apart->path);
        return NULL;
    }
    struct rw_config *config = take_over(apart, over, err);
    munmap(over, HANDOVER_SIZE);
    return config;
}
