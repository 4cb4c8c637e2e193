#include "motion/scene.h"

#include <string.h>

#include "motion/memory.h"

enum {
    CELL = 2,               /* blocks a side */
    LEAST = 6,              /* cells a side */
    LOOK_US = 250000,       /* while all is well, and covered */
    FOLLOW_US = 30000000,   /* time constant of the reference */
    SURE_US = 130000,       /* another texture for two pictures: told */
    SURE_BARE_US = 1000000, /* none at all: a camera that switches to infrared is blind for less */
    SETTLED_US = 2000000,   /* another for so long, and still: what is it now? */
    STILL_US = 1500000,
    STILL_PERCENT = 15,
    PATIENCE_US = 10000000, /* the same when it is never still */
    STEP_MAX = 20,          /* luma; a step between cells says no more */
    TEXTURE_LEAST = 1,      /* luma^2 a cell: below there is nothing to compare */
    BARE_SHARE = 10,        /* of the reference's texture is left: nothing to be seen */
    BACK_SHARE = 3,
    ALIKE_PERCENT = 45, /* correlation */
    SHIFT_MAX = 7,      /* cells a turned camera is looked for */
};

/* Sums over steps between neighbouring cells of reference and picture. */
struct texture {
    int64_t reference, now, both;
};

void rw_scene_init(struct rw_scene *scene, const struct rw_grid *grid)
{
    *scene = (struct rw_scene){.cols = grid->cols / CELL,
                               .rows = grid->rows / CELL,
                               .grid_cols = grid->cols,
                               .grid_rows = grid->rows};
    if (scene->cols < LEAST || scene->rows < LEAST)
        scene->cols = scene->rows = 0;
    scene->reference = rw_zeroed(scene->cols * scene->rows + 1, sizeof *scene->reference);
    scene->now = rw_zeroed(scene->cols * scene->rows + 1, sizeof *scene->now);
}

void rw_scene_finish(struct rw_scene *scene)
{
    free(scene->reference);
    free(scene->now);
}

void rw_scene_forget(struct rw_scene *scene)
{
    scene->state = RW_SCENE_IS_WELL;
}

static void shrink(struct rw_scene *scene, const uint16_t *means)
{
    for (int y = 0; y < scene->rows; y++) {
        const uint16_t *up = means + y * CELL * scene->grid_cols, *down = up + scene->grid_cols;
        uint16_t *now = scene->now + y * scene->cols;
        for (int x = 0; x < scene->cols; x++)
            now[x] = (uint16_t)((up[2 * x] + up[2 * x + 1] + down[2 * x] + down[2 * x + 1]) * 4);
    }
}

static inline int step_between(int from, int to)
{
    int step = (to - from) / 256;
    return step < -STEP_MAX ? -STEP_MAX : step > STEP_MAX ? STEP_MAX : step;
}

/* Compares the picture, moved by (dx, dy) cells, with the reference where both are. */
static struct texture compare(const struct rw_scene *scene, int dx, int dy)
{
    struct texture t = {0};
    int cols = scene->cols, rows = scene->rows;
    int left = dx < 0 ? -dx : 0, right = dx > 0 ? cols - dx : cols;
    int top = dy < 0 ? -dy : 0, bottom = dy > 0 ? rows - dy : rows;

    for (int y = top; y + 1 < bottom; y++) {
        const uint16_t *a = scene->reference + y * cols;
        const uint16_t *b = scene->now + (y + dy) * cols + dx;
        int aa = 0, bb = 0, ab = 0;
        for (int x = left; x + 1 < right; x++) {
            int across_a = step_between(a[x], a[x + 1]), down_a = step_between(a[x], a[x + cols]);
            int across_b = step_between(b[x], b[x + 1]), down_b = step_between(b[x], b[x + cols]);
            aa += across_a * across_a + down_a * down_a;
            bb += across_b * across_b + down_b * down_b;
            ab += across_a * across_b + down_a * down_b;
        }
        t.reference += aa;
        t.now += bb;
        t.both += ab;
    }
    return t;
}

/* Correlation in percent; without texture 0. */
static int correlation(const struct texture *t)
{
    if (t->both <= 0 || !t->reference || !t->now)
        return 0;
    int percent = 0;
    while (percent < 100 && t->both * t->both * 10000 / t->reference / t->now >=
                                (int64_t)(percent + 1) * (percent + 1))
        percent++;
    return percent;
}

static bool is_bare(const struct texture *t)
{
    return t->now * BARE_SHARE < t->reference;
}

/* Without texture in the reference nothing can be compared. */
static bool is_alike(const struct rw_scene *scene, const struct texture *t)
{
    return t->reference < (int64_t)TEXTURE_LEAST * scene->cols * scene->rows ||
           (!is_bare(t) && correlation(t) >= ALIKE_PERCENT);
}

static bool is_elsewhere(const struct rw_scene *scene)
{
    for (int dy = -SHIFT_MAX; dy <= SHIFT_MAX; dy++) {
        for (int dx = -SHIFT_MAX; dx <= SHIFT_MAX; dx++) {
            if (dx > scene->cols / 2 || -dx > scene->cols / 2 || dy > scene->rows / 2 ||
                -dy > scene->rows / 2)
                continue;
            struct texture t = compare(scene, dx, dy);
            if (correlation(&t) >= ALIKE_PERCENT)
                return true;
        }
    }
    return false;
}

static void enter(struct rw_scene *scene, int state)
{
    scene->state = state;
    scene->since_us = scene->still_us = 0;
}

static void take_reference(struct rw_scene *scene)
{
    memcpy(scene->reference, scene->now,
           (size_t)(scene->cols * scene->rows) * sizeof *scene->reference);
    scene->known = true;
}

static void follow(struct rw_scene *scene, int step_us)
{
    for (int i = 0; i < scene->cols * scene->rows; i++) {
        int64_t away = (int64_t)(scene->now[i] - scene->reference[i]) * step_us;
        scene->reference[i] = (uint16_t)(scene->reference[i] + away / FOLLOW_US);
    }
}

/* It stays another: what is it? */
static enum rw_scene_news settle(struct rw_scene *scene, const struct texture *t)
{
    if (is_bare(t)) {
        enter(scene, RW_SCENE_IS_COVERED);
        return RW_SCENE_COVERED;
    }
    bool moved = is_elsewhere(scene);
    take_reference(scene);
    enter(scene, RW_SCENE_IS_WELL);
    return moved ? RW_SCENE_MOVED : RW_SCENE_OVER;
}

static enum rw_scene_news look_when_well(struct rw_scene *scene, const uint16_t *means,
                                         bool changed)
{
    if (!changed && scene->look_us < LOOK_US)
        return RW_SCENE_NOTHING;
    shrink(scene, means);
    if (!scene->known)
        take_reference(scene);
    struct texture t = compare(scene, 0, 0);
    if ((changed || is_bare(&t)) && !is_alike(scene, &t)) {
        enter(scene, RW_SCENE_IS_DOUBTFUL);
        return RW_SCENE_NOTHING;
    }
    follow(scene, scene->look_us);
    scene->look_us = 0;
    return changed ? RW_SCENE_LIGHT : RW_SCENE_NOTHING;
}

static enum rw_scene_news look_when_doubtful(struct rw_scene *scene, const uint16_t *means)
{
    shrink(scene, means);
    struct texture t = compare(scene, 0, 0);
    if (is_alike(scene, &t)) {
        enter(scene, RW_SCENE_IS_WELL);
        return RW_SCENE_LIGHT;
    }
    if (scene->since_us < (is_bare(&t) ? SURE_BARE_US : SURE_US))
        return RW_SCENE_NOTHING;
    enter(scene, RW_SCENE_IS_CHANGED);
    return RW_SCENE_CHANGED;
}

static enum rw_scene_news look_when_changed(struct rw_scene *scene, const uint16_t *means)
{
    shrink(scene, means);
    struct texture t = compare(scene, 0, 0);
    if (is_alike(scene, &t)) {
        enter(scene, RW_SCENE_IS_WELL);
        return RW_SCENE_OVER;
    }
    bool settled = scene->since_us >= SETTLED_US && scene->still_us >= STILL_US;
    return settled || scene->since_us >= PATIENCE_US ? settle(scene, &t) : RW_SCENE_NOTHING;
}

static enum rw_scene_news look_when_covered(struct rw_scene *scene, const uint16_t *means)
{
    if (scene->look_us < LOOK_US)
        return RW_SCENE_NOTHING;
    scene->look_us = 0;
    shrink(scene, means);
    struct texture t = compare(scene, 0, 0);
    if (t.now * BACK_SHARE < t.reference)
        return RW_SCENE_NOTHING;
    if (!is_alike(scene, &t))
        take_reference(scene);
    enter(scene, RW_SCENE_IS_WELL);
    return RW_SCENE_OVER;
}

enum rw_scene_news rw_scene_look(struct rw_scene *scene, const uint16_t *means, bool changed,
                                 int on_percent, int step_us)
{
    if (!scene->cols)
        return RW_SCENE_NOTHING;
    const int long_us = 1 << 30;
    scene->since_us += scene->since_us < long_us ? step_us : 0;
    scene->look_us += step_us;
    scene->still_us = changed || on_percent > STILL_PERCENT ? 0
                      : scene->still_us < long_us           ? scene->still_us + step_us
                                                            : scene->still_us;
    switch (scene->state) {
    case RW_SCENE_IS_DOUBTFUL:
        return look_when_doubtful(scene, means);
    case RW_SCENE_IS_CHANGED:
        return look_when_changed(scene, means);
    case RW_SCENE_IS_COVERED:
        return look_when_covered(scene, means);
    default:
        return look_when_well(scene, means, changed);
    }
}
