#include "motion/motion.h"

#include <string.h>

#include "motion/memory.h"
#include "motion/scene.h"
#include "motion/track.h"

enum {
    STEP_FIRST_US = 66667, /* until two pictures tell */
    STEP_MIN_US = 1000,
    STEP_MAX_US = 500000,
    HOLE_US = 5000000,       /* a longer step, or one backwards, ends the run */
    END_US = 1750000,        /* nothing moved for so long: the run ends */
    PAUSE_US = 700000,       /* after a change of scene nothing begins */
    LEAD_MAX_US = 3000000,   /* a run starts at most so long before it was sure */
    BETTER_US = 1000000,     /* between two better pictures */
    BETTER_SOON_US = 330000, /* when it is twice as good */
    CHANGED_PERCENT = 45,    /* of the blocks: the scene is another */
    CHANGED_LEAST = 100,     /* blocks; fewer are no scene */
    FAILURES_US = 6000000,   /* time constant */
    PROOF_PER_FAILURE_US = 200000,
    PROOF_PER_TINY_US = 45000,
    PROOF_MAX_US = 1500000,
    PROOF_TIMES_AREA = 7, /* as large as what comes to nothing: not one of these */
    MOVED_US = 2000000,   /* so long a moved camera is told */
    GOES_FAR = 3 * 16,    /* 1/16 block: farther than branches swing */
    WEATHER_US = 2000000, /* time constant of the count of tiny components */
    WEATHER_BLOCKS = 3600,
    WEATHER_EXTRA_MAX = 8, /* blocks */
    WEATHER_PER_BLOCK = 4, /* tiny components that raise the smallest thing by a block */
};

/* What depends on the size of the pictures. */
struct view {
    struct rw_grid grid;
    struct rw_regions regions;
    struct rw_background background;
    struct rw_scene scene;
    uint16_t *columns; /* scratch */
    uint16_t *means;
    uint16_t *stack; /* scratch */
};

struct rw_motion {
    struct rw_motion_options options;
    struct view view;
    bool viewing;          /* view is made */
    int64_t time_us;       /* of the last picture, the caller's */
    bool timed;            /* time_us is set */
    int step_us;           /* the last step that was one */
    int64_t now_us;        /* sum of all steps: a clock that cannot jump */
    int64_t pause_us;      /* now_us until which nothing begins */
    int weather;           /* running mean of tiny components per 3600 blocks, 1/256 */
    int failed_area;       /* of such a track, 1/256 block, running mean */
    int failures;          /* tracks that came to nothing, 1/256 a second, running mean */
    struct rw_blobs blobs; /* of the last picture */
    struct rw_tracks tracks;
    enum rw_scene_news news;    /* of the last picture */
    enum rw_scene_news pending; /* to be told as soon as the run that was on has ended */
    struct rw_box changed;      /* around what differed when the scene changed last */
    bool running, moving;
    struct rw_motion_run run;
    int64_t moved_us; /* now_us of the last motion */
    int64_t shown_us; /* now_us of the best picture */
    int64_t quality;  /* of the best picture */
    int best;         /* track of the best picture; -1: none, or it is gone */
};

struct rw_motion *rw_motion_create(const struct rw_motion_options *options)
{
    struct rw_motion *motion = rw_zeroed(1, sizeof *motion);
    motion->options = *options;
    motion->step_us = STEP_FIRST_US;
    motion->best = -1;
    return motion;
}

static void close_view(struct rw_motion *motion)
{
    struct view *view = &motion->view;
    if (!motion->viewing)
        return;
    rw_regions_finish(&view->regions);
    rw_background_finish(&view->background);
    rw_scene_finish(&view->scene);
    free(view->columns);
    free(view->means);
    free(view->stack);
    motion->viewing = false;
}

void rw_motion_destroy(struct rw_motion *motion)
{
    if (!motion)
        return;
    close_view(motion);
    free(motion);
}

static void open_view(struct rw_motion *motion, const struct rw_grid *grid)
{
    struct view *view = &motion->view;
    int count = grid->cols * grid->rows;

    close_view(motion);
    view->grid = *grid;
    rw_regions_init(&view->regions, grid, &motion->options);
    rw_background_init(&view->background, grid);
    rw_scene_init(&view->scene, grid);
    view->columns = rw_zeroed(grid->width, sizeof *view->columns);
    view->means = rw_zeroed(count, sizeof *view->means);
    view->stack = rw_zeroed(count, sizeof *view->stack);
    motion->viewing = true;
    motion->weather = 0;
}

static void forget_runs(struct rw_motion *motion)
{
    rw_tracks_clear(&motion->tracks);
    if (motion->viewing)
        rw_scene_forget(&motion->view.scene);
    motion->news = motion->pending = RW_SCENE_NOTHING;
    motion->running = motion->moving = false;
}

enum rw_motion_change rw_motion_break(struct rw_motion *motion, struct rw_motion_run *run)
{
    bool was_running = motion->running;

    if (motion->viewing)
        rw_background_forget(&motion->view.background);
    forget_runs(motion);
    motion->timed = false;
    if (!was_running)
        return RW_MOTION_NONE;
    *run = motion->run;
    return RW_MOTION_END;
}

/* Moves the clock on. False: time made a step that no picture explains. */
static bool advance(struct rw_motion *motion, int64_t time_us)
{
    bool smooth = true;
    if (motion->timed) {
        int64_t step = (int64_t)((uint64_t)time_us - (uint64_t)motion->time_us);
        smooth = step >= 0 && step <= HOLE_US;
        if (smooth)
            motion->step_us = step < STEP_MIN_US   ? STEP_MIN_US
                              : step > STEP_MAX_US ? STEP_MAX_US
                                                   : (int)step;
        motion->now_us += step > STEP_MAX_US && smooth ? step : motion->step_us;
    }
    motion->time_us = time_us;
    motion->timed = true;
    return smooth;
}

/* Tiny components that are no part of anything sure, as many as there would be at 640x360: what
 * makes them meet by chance is how close together they are. */
static void feed_weather(struct rw_motion *motion)
{
    int tiny = motion->blobs.tiny;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        const struct rw_track *track = &motion->tracks.track[i];
        tiny -= track->used && track->sure && track->blob >= 0 && track->area <= RW_BLOB_TINY;
    }
    int blocks = motion->view.background.count;
    tiny = tiny * WEATHER_BLOCKS / (blocks > WEATHER_BLOCKS / 4 ? blocks : WEATHER_BLOCKS / 4);
    int64_t seen_us = motion->view.background.learned_us;
    int64_t constant_us = seen_us < WEATHER_US ? seen_us + motion->step_us : WEATHER_US;
    int64_t change = (int64_t)(tiny * 256 - motion->weather) * motion->step_us;
    motion->weather += (int)(change / constant_us);
}

static int weather_extra(const struct rw_motion *motion)
{
    int extra = motion->weather / (256 * WEATHER_PER_BLOCK);
    return extra < WEATHER_EXTRA_MAX ? extra : WEATHER_EXTRA_MAX;
}

/* Evidence asked, 16: the usual. More while the background is learned, and in bad weather. */
static int caution(const struct rw_motion *motion)
{
    int weather = motion->weather / 256;
    int learning = rw_background_learning(&motion->view.background) ? 16 : 0;
    learning += rw_background_settling(&motion->view.background) ? 32 : 0;
    return 16 + (weather + learning < 32 ? weather + learning : 32);
}

/* How well a picture shows the thing: large, clear, not cut by the edge. */
static int64_t quality_of(const struct rw_blob *blob)
{
    int contrast = blob->contrast < 64 ? blob->contrast : 64;
    return (int64_t)blob->area * contrast * (blob->cut ? 1 : 2);
}

static struct rw_box box_of(const struct rw_grid *grid, const struct rw_blob *blob)
{
    int side = grid->side;
    int right = blob->right * side < grid->width ? blob->right * side : grid->width;
    int bottom = blob->bottom * side < grid->height ? blob->bottom * side : grid->height;
    return (struct rw_box){
        .x = (float)(blob->left * side) / (float)grid->width,
        .y = (float)(blob->top * side) / (float)grid->height,
        .w = (float)(right - blob->left * side) / (float)grid->width,
        .h = (float)(bottom - blob->top * side) / (float)grid->height,
    };
}

static struct rw_box around(struct rw_box a, struct rw_box b)
{
    if (!(a.w > 0))
        return b;
    float right = a.x + a.w > b.x + b.w ? a.x + a.w : b.x + b.w;
    float bottom = a.y + a.h > b.y + b.h ? a.y + a.h : b.y + b.h;
    float x = a.x < b.x ? a.x : b.x, y = a.y < b.y ? a.y : b.y;
    return (struct rw_box){x, y, right - x, bottom - y};
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

static void show(struct rw_motion *motion, int best)
{
    struct rw_motion_run *run = &motion->run;
    const struct rw_blob *blob = &motion->blobs.blob[motion->tracks.track[best].blob];
    float power = (float)blob->area * (float)blob->contrast / (16 * 8);

    run->box = box_of(&motion->view.grid, blob);
    run->score = power / (1 + power);
    run->peak_us = motion->time_us;
    motion->shown_us = motion->now_us;
    motion->quality = quality_of(blob);
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
        for (int k = 0; k < track->order.count; k++)
            rw_order_add(&order, UINT32_C(1) << track->order.zone[k]);
        memcpy(run->order, order.zone, sizeof order.zone);
        run->order_count = order.count;
        run->zones |= track->zones;
        run->crossed_right |= track->right;
        run->crossed_left |= track->left;
        run->whole = around(run->whole, box_of(&motion->view.grid, blob));
        if (track->start_us < run->start_us)
            run->start_us = track->start_us;
        if (quality_of(blob) > quality) {
            quality = quality_of(blob);
            best = i;
        }
    }
    return best;
}

static bool shows_better(const struct rw_motion *motion, int best)
{
    const struct rw_blob *blob = &motion->blobs.blob[motion->tracks.track[best].blob];
    int64_t since = motion->now_us - motion->shown_us;
    int64_t quality = quality_of(blob);
    return (since >= BETTER_US && quality * 4 > motion->quality * 5) ||
           (since >= BETTER_SOON_US && quality > motion->quality * 2);
}

static void begin_run(struct rw_motion *motion, const struct rw_motion_run *run, int best)
{
    int64_t earliest = motion->time_us - LEAD_MAX_US;
    motion->running = true;
    motion->run = *run;
    motion->run.decided_us = motion->time_us;
    if (motion->run.start_us < earliest)
        motion->run.start_us = earliest;
    show(motion, best);
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

static enum rw_motion_change judge(struct rw_motion *motion)
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
        begin_run(motion, &run, best);
        change = RW_MOTION_BEGIN;
    } else {
        run.start_us = motion->run.start_us;
        motion->run = run;
        if (shows_better(motion, best)) {
            show(motion, best);
            change = RW_MOTION_BETTER;
        }
    }
    if (motion->best >= 0 && moves_now(motion, &motion->tracks.track[motion->best]))
        copy_path(&motion->run, &motion->view.grid, &motion->tracks.track[motion->best]);
    else
        motion->best = -1; /* its path is as long as it will be */
    return change;
}

/* Marks what goes somewhere, so that it is not remembered as restless. */
static void mark_goers(struct rw_motion *motion)
{
    struct rw_background *background = &motion->view.background;
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        const struct rw_track *track = &motion->tracks.track[i];
        if (!track->used || !track->sure || track->blob < 0 || track->way < GOES_FAR)
            continue;
        const struct rw_blob *blob = &motion->blobs.blob[track->blob];
        for (int y = blob->top; y < blob->bottom; y++)
            for (int x = blob->left; x < blob->right; x++)
                background->flags[y * background->cols + x] |= RW_BLOCK_GOES;
    }
}

/* Flakes and insects come in numbers and are gone within a second. */
static int64_t proof_us(const struct rw_motion *motion)
{
    int64_t proof = ((int64_t)motion->failures * PROOF_PER_FAILURE_US +
                     (int64_t)motion->weather * PROOF_PER_TINY_US) /
                    256;
    return proof < PROOF_MAX_US ? proof : PROOF_MAX_US;
}

static void feed_failures(struct rw_motion *motion)
{
    int64_t rate = motion->tracks.failed * INT64_C(256) * 1000000 / motion->step_us;
    motion->failures += (int)((rate - motion->failures) * motion->step_us / FAILURES_US);
    if (motion->tracks.failed > 0) {
        int area = motion->tracks.failed_area * 256 / motion->tracks.failed;
        motion->failed_area += (area - motion->failed_area) / 8;
    }
}

static void follow(struct rw_motion *motion)
{
    struct view *view = &motion->view;
    struct rw_pace pace = {.now_us = motion->now_us,
                           .time_us = motion->time_us,
                           .step_us = motion->step_us,
                           .need = rw_tracks_need(caution(motion)),
                           .settling = rw_background_settling(&view->background),
                           .min_duration_us = motion->options.min_duration_us,
                           .proof_us = proof_us(motion),
                           .proof_area = motion->failed_area * PROOF_TIMES_AREA / 256};
    rw_blobs_find(&motion->blobs, &view->background, &view->regions, weather_extra(motion),
                  view->stack);
    rw_tracks_follow(&motion->tracks, &motion->blobs, &view->regions, &pace);
    feed_weather(motion);
    feed_failures(motion);
    mark_goers(motion);
    rw_background_remember(&view->background, motion->step_us);
}

static struct rw_box box_of_changed(const struct view *view)
{
    const struct rw_background *background = &view->background;
    struct rw_blob all = {.left = background->cols, .top = background->rows};
    for (int i = 0; i < background->count; i++) {
        int x = i % background->cols, y = i / background->cols;
        if (!(background->flags[i] & RW_BLOCK_ON))
            continue;
        all.left = x < all.left ? x : all.left;
        all.right = x >= all.right ? x + 1 : all.right;
        all.top = y < all.top ? y : all.top;
        all.bottom = y + 1;
    }
    return box_of(&view->grid, &all);
}

/* Background, components and tracks of one picture. */
static void look(struct rw_motion *motion, const struct rw_luma *luma)
{
    struct view *view = &motion->view;
    struct rw_background *background = &view->background;

    rw_grid_means(&view->grid, luma, view->columns, view->means);
    int on = rw_background_look(background, view->means, &view->regions);
    int percent = (int)((int64_t)on * 100 / background->count);
    bool changed = percent > CHANGED_PERCENT && background->count > CHANGED_LEAST;
    motion->blobs.count = 0;
    motion->news = rw_scene_look(&view->scene, view->means, changed, percent, motion->step_us);
    if (changed) {
        motion->changed = box_of_changed(view);
        rw_background_take(background, view->means);
        if (!motion->running) {
            rw_tracks_clear(&motion->tracks);
            motion->pause_us = motion->now_us + PAUSE_US;
        }
    } else {
        rw_background_learn(background, motion->step_us);
    }
    if (motion->now_us >= motion->pause_us)
        follow(motion);
}

enum rw_motion_change rw_motion_look(struct rw_motion *motion, const struct rw_luma *luma,
                                     int64_t time_us, struct rw_motion_run *run)
{
    struct rw_grid grid;
    if (!luma->data || rw_grid_plan(&grid, luma->width, luma->height) < 0)
        return RW_MOTION_NONE;

    enum rw_motion_change change = RW_MOTION_NONE;
    bool other_size = !motion->viewing || grid.width != motion->view.grid.width ||
                      grid.height != motion->view.grid.height;
    if (other_size) {
        change = rw_motion_break(motion, run);
        open_view(motion, &grid);
    }
    if (!advance(motion, time_us) && motion->running) {
        forget_runs(motion);
        *run = motion->run;
        change = RW_MOTION_END;
    }
    look(motion, luma);
    if (change == RW_MOTION_NONE) {
        change = judge(motion);
        if (change != RW_MOTION_NONE)
            *run = motion->run;
    }
    return change;
}

bool rw_motion_running(const struct rw_motion *motion)
{
    return motion->running;
}

bool rw_motion_moving(const struct rw_motion *motion)
{
    return motion->moving;
}

void rw_motion_see(const struct rw_motion *motion, struct rw_motion_view *view)
{
    *view = (struct rw_motion_view){.weather = (float)motion->weather / 256};
    if (!motion->viewing)
        return;
    const struct rw_grid *grid = &motion->view.grid;
    view->cols = grid->cols;
    view->rows = grid->rows;
    view->side = grid->side;
    view->smallest = 2 + weather_extra(motion);
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        const struct rw_track *track = &motion->tracks.track[i];
        if (!track->used || track->blob < 0 || motion->blobs.count <= track->blob)
            continue;
        view->things[view->thing_count++] = (struct rw_seen_thing){
            .box = box_of(grid, &motion->blobs.blob[track->blob]),
            .sure = track->sure,
            .evidence = (float)track->evidence / 16,
            .evidence_needed = (float)rw_tracks_need(caution(motion)) / 16,
            .travel = (float)rw_track_travel(track) / 16,
        };
    }
}

struct rw_seen_block rw_motion_see_block(const struct rw_motion *motion, int col, int row)
{
    const struct rw_background *background = &motion->view.background;
    int block = row * motion->view.grid.cols + col;
    unsigned flags = 0;
    if (background->flags[block] & RW_BLOCK_ON)
        flags |= RW_SEEN_ON;
    if (motion->view.regions.place[block])
        flags |= RW_SEEN_WATCHED;
    return (struct rw_seen_block){
        .difference = (float)background->difference[block] / RW_LUMA_ONE,
        .threshold = (float)background->threshold[block] / RW_LUMA_ONE,
        .flags = flags,
    };
}
