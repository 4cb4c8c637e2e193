#include <stddef.h>
#include <string.h>

#include "motion/internal.h"

enum {
    END_US = 1750000,        /* nothing moved for so long: the run ends */
    LEAD_MAX_US = 3000000,   /* a run starts at most so long before it was sure */
    BETTER_US = 1000000,     /* between two better pictures */
    BETTER_SOON_US = 330000, /* when it is twice as good */
    MOVED_US = 2000000,      /* so long a moved camera is told */
    SHARP_ROWS = 64,
};

void rw_run_forget(struct rw_motion *motion)
{
    rw_tracks_clear(&motion->tracks);
    if (motion->viewing)
        rw_scene_forget(&motion->view.scene);
    motion->news = motion->pending = RW_SCENE_NOTHING;
    motion->running = motion->moving = false;
}

/* How well a picture shows the thing: large, clear, not cut by the edge. */
static int64_t quality_of(const struct rw_blob *blob)
{
    int contrast = blob->contrast < 64 ? blob->contrast : 64;
    return (int64_t)blob->area * contrast * (blob->cut ? 1 : 2);
}

static void put_point(struct rw_motion_run *run, const struct rw_grid *grid, int x, int y)
{
    float right = (float)(x * grid->side) / (float)(16 * grid->width);
    float down = (float)(y * grid->side) / (float)(16 * grid->height);
    run->path[run->path_count++] = (struct rw_point){right < 1 ? right : 1, down < 1 ? down : 1};
}

static void copy_path(struct rw_motion_run *run, const struct rw_grid *grid,
                      const struct rw_track *track)
{
    const struct rw_path *path = &track->path;
    int kept = path->count < RW_PATH_MAX ? path->count : RW_PATH_MAX - 1;
    run->path_count = 0;
    for (int i = 0; i < kept; i++)
        put_point(run, grid, path->at[i].x, path->at[i].y);
    put_point(run, grid, track->x, track->y);
}

/* Mean step from pixel to pixel along the rows, 1/16 luma; of a large box every n-th row. A thing
 * that is blurred by its own speed has less. */
static int sharpness_in(const struct rw_motion *motion, const struct rw_luma *luma, int best)
{
    const struct rw_blob *blob = &motion->blobs.blob[motion->tracks.track[best].blob];
    int side = motion->view.grid.side;
    int left = blob->left * side, right = blob->right * side;
    int top = blob->top * side, bottom = blob->bottom * side;
    int every = (bottom - top) / SHARP_ROWS + 1;
    int64_t sum = 0, count = 0;

    right = right < luma->width ? right : luma->width;
    bottom = bottom < luma->height ? bottom : luma->height;
    for (int y = top; y < bottom; y += every) {
        const uint8_t *row = luma->data + (ptrdiff_t)y * luma->stride;
        for (int x = left; x + 1 < right; x++)
            sum += row[x + 1] > row[x] ? row[x + 1] - row[x] : row[x] - row[x + 1];
        count += right - left;
    }
    return count ? (int)(sum * 16 / count) : 0;
}

static void show(struct rw_motion *motion, const struct rw_luma *luma, int best)
{
    struct rw_motion_run *run = &motion->run;
    const struct rw_blob *blob = &motion->blobs.blob[motion->tracks.track[best].blob];
    float power = (float)blob->area * (float)blob->contrast / (16 * 8);

    run->box = rw_box_of(&motion->view.grid, blob);
    run->score = power / (1 + power);
    run->peak_us = motion->time_us;
    motion->shown_us = motion->now_us;
    motion->quality = quality_of(blob);
    motion->sharpness = sharpness_in(motion, luma, best);
    motion->best = best;
}

static bool moves_now(const struct rw_motion *motion, const struct rw_track *track)
{
    return track->used && track->sure && track->blob >= 0 && track->alive_us == motion->now_us;
}

/* Adds what moves in this picture to *run; returns the track that shows best, -1: nothing. */
static int gather(struct rw_motion *motion, struct rw_motion_run *run)
{
    int64_t quality = -1;
    int best = -1;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        const struct rw_track *track = &motion->tracks.track[i];
        if (!moves_now(motion, track))
            continue;
        const struct rw_blob *blob = &motion->blobs.blob[track->blob];
        struct rw_order order = {.count = (uint8_t)run->order_count};
        memcpy(order.zone, run->order, sizeof order.zone);
        for (int k = 0; k < track->order.count; k++) {
            rw_order_add(&order, UINT32_C(1) << track->order.zone[k]);
            run->zones |= UINT32_C(1) << track->order.zone[k];
        }
        memcpy(run->order, order.zone, sizeof order.zone);
        run->order_count = order.count;
        run->crossed_right |= track->right;
        run->crossed_left |= track->left;
        run->whole = rw_box_around(run->whole, rw_box_of(&motion->view.grid, blob));
        if (track->start_us < run->start_us)
            run->start_us = track->start_us;
        if (quality_of(blob) > quality) {
            quality = quality_of(blob);
            best = i;
        }
    }
    return best;
}

static bool shows_better(const struct rw_motion *motion, const struct rw_luma *luma, int best)
{
    const struct rw_blob *blob = &motion->blobs.blob[motion->tracks.track[best].blob];
    int64_t since = motion->now_us - motion->shown_us;
    int64_t quality = quality_of(blob);
    bool better = (since >= BETTER_US && quality * 4 > motion->quality * 5) ||
                  (since >= BETTER_SOON_US && quality > motion->quality * 2);
    /* larger but blurred is not better */
    return better &&
           quality * sharpness_in(motion, luma, best) > motion->quality * motion->sharpness;
}

static void begin_run(struct rw_motion *motion, const struct rw_luma *luma,
                      const struct rw_motion_run *run, int best)
{
    int64_t earliest = motion->time_us - LEAD_MAX_US;
    motion->running = true;
    motion->run = *run;
    motion->run.decided_us = motion->time_us;
    if (motion->run.start_us < earliest)
        motion->run.start_us = earliest;
    show(motion, luma, best);
}

/* The place of a change of scene is what differed; a camera that moved or is blind is all of it. */
static enum rw_motion_change begin_scene(struct rw_motion *motion, enum rw_scene_news news)
{
    const struct rw_box all = {0, 0, 1, 1};
    motion->running = true;
    motion->pending = RW_SCENE_NOTHING;
    motion->best = -1;
    motion->run = (struct rw_motion_run){
        .kind = news == RW_SCENE_MOVED     ? RW_KIND_CAMERA_MOVED
                : news == RW_SCENE_COVERED ? RW_KIND_COVERED
                                           : RW_KIND_SCENE_CHANGE,
        .start_us = motion->time_us,
        .decided_us = motion->time_us,
        .last_us = motion->time_us,
        .peak_us = motion->time_us,
        .box = news == RW_SCENE_CHANGED ? motion->changed : all,
        .whole = news == RW_SCENE_CHANGED ? motion->changed : all,
        .score = 1,
    };
    return RW_MOTION_BEGIN;
}

static enum rw_motion_change end_run(struct rw_motion *motion)
{
    motion->running = false;
    return RW_MOTION_END;
}

/* A run of another kind than motion is on. */
static enum rw_motion_change go_on(struct rw_motion *motion)
{
    struct rw_motion_run *run = &motion->run;
    bool told =
        run->kind == RW_KIND_CAMERA_MOVED && motion->time_us - run->start_us >= (int64_t)MOVED_US;
    if (motion->news == RW_SCENE_OVER || told)
        return end_run(motion);
    run->last_us = motion->time_us;
    return RW_MOTION_NONE;
}

/* True when the scene itself decides what is told; then *change is it. */
static bool judge_scene(struct rw_motion *motion, enum rw_motion_change *change)
{
    enum rw_scene_news news = motion->pending ? motion->pending : motion->news;
    bool lasts = news == RW_SCENE_MOVED || news == RW_SCENE_COVERED;
    bool other = motion->running && motion->run.kind != RW_KIND_MOTION;

    motion->moving &= !other;
    if (motion->running && lasts) {
        motion->pending = news;
        *change = end_run(motion);
    } else if (!motion->running && (lasts || news == RW_SCENE_CHANGED)) {
        *change = begin_scene(motion, news);
    } else if (other) {
        *change = go_on(motion);
    } else {
        return false;
    }
    return true;
}

enum rw_motion_change rw_run_judge(struct rw_motion *motion, const struct rw_luma *luma)
{
    enum rw_motion_change scene;
    if (judge_scene(motion, &scene))
        return scene;

    struct rw_motion_run run = {.start_us = motion->time_us};
    if (motion->running)
        run = motion->run;
    int best = gather(motion, &run);

    motion->moving = best >= 0;
    if (!motion->moving) {
        if (!motion->running || motion->now_us - motion->moved_us < END_US)
            return RW_MOTION_NONE;
        motion->running = false;
        return RW_MOTION_END;
    }
    run.last_us = motion->time_us;
    motion->moved_us = motion->now_us;
    enum rw_motion_change change = RW_MOTION_NONE;
    if (!motion->running) {
        begin_run(motion, luma, &run, best);
        change = RW_MOTION_BEGIN;
    } else {
        bool more = run.zones != motion->run.zones ||
                    run.crossed_right != motion->run.crossed_right ||
                    run.crossed_left != motion->run.crossed_left;
        run.start_us = motion->run.start_us;
        motion->run = run;
        if (shows_better(motion, luma, best))
            show(motion, luma, best);
        else if (!more)
            best = -1;
        change = best >= 0 ? RW_MOTION_BETTER : RW_MOTION_NONE;
    }
    if (motion->best >= 0 && moves_now(motion, &motion->tracks.track[motion->best]))
        copy_path(&motion->run, &motion->view.grid, &motion->tracks.track[motion->best]);
    else
        motion->best = -1; /* its path is as long as it will be */
    return change;
}
