#include "motion/internal.h"
#include "motion/memory.h"

enum {
    STEP_FIRST_US = 66667, /* until two pictures tell */
    STEP_MIN_US = 1000,
    STEP_MAX_US = 500000,
    HOLE_US = 5000000,   /* a longer step, or one backwards, ends the run */
    PAUSE_US = 700000,   /* after a change of scene nothing begins */
    CHANGED_LEAST = 100, /* blocks; fewer are no scene */
    GOES_FAR = 3 * 16,   /* 1/16 block: farther than branches swing */
    CAUTION = 16,        /* the usual, see rw_tracks_need */
    CAUTION_LEARNING = 16,
    CAUTION_SETTLING = 32,
    CAUTION_MORE_MAX = 32,
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
    struct rw_view *view = &motion->view;
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
    struct rw_view *view = &motion->view;
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
    motion->weather = (struct rw_weather){0};
}

enum rw_motion_change rw_motion_break(struct rw_motion *motion, struct rw_motion_run *run)
{
    bool was_running = motion->running;

    if (motion->viewing)
        rw_background_forget(&motion->view.background);
    rw_run_forget(motion);
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

/* More evidence is asked while the background is learned or the exposure moves, and in bad weather.
 */
static int need_of(const struct rw_motion *motion)
{
    const struct rw_background *background = &motion->view.background;
    int more = rw_weather_caution(&motion->weather);
    more += rw_background_learning(background) ? CAUTION_LEARNING : 0;
    more += rw_background_settling(background) ? CAUTION_SETTLING : 0;
    return rw_tracks_need(CAUTION + (more < CAUTION_MORE_MAX ? more : CAUTION_MORE_MAX));
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

static void follow(struct rw_motion *motion)
{
    struct rw_view *view = &motion->view;
    struct rw_background *background = &view->background;
    motion->need = need_of(motion);
    struct rw_pace pace = {.now_us = motion->now_us,
                           .time_us = motion->time_us,
                           .step_us = motion->step_us,
                           .need = motion->need,
                           .settling = rw_background_settling(background),
                           .min_duration_us = motion->options.min_duration_us,
                           .proof_us = rw_weather_proof_us(&motion->weather),
                           .proof_area = rw_weather_proof_area(&motion->weather)};
    rw_blobs_find(&motion->blobs, background, &view->regions, rw_weather_extra(&motion->weather),
                  view->stack);
    rw_tracks_follow(&motion->tracks, &motion->blobs, &view->regions, &pace);
    rw_weather_feed(&motion->weather, &motion->blobs, &motion->tracks, background->count,
                    background->learned_us, motion->step_us);
    mark_goers(motion);
    rw_background_remember(background, motion->step_us);
}

static struct rw_box box_of_changed(const struct rw_view *view)
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
    return rw_box_of(&view->grid, &all);
}

/* Background, components and tracks of one picture. */
static void look(struct rw_motion *motion, const struct rw_luma *luma)
{
    struct rw_view *view = &motion->view;
    struct rw_background *background = &view->background;

    rw_grid_means(&view->grid, luma, view->columns, view->means);
    int on = rw_background_look(background, view->means, &view->regions);
    int percent = (int)((int64_t)on * 100 / background->count);
    bool changed = percent > RW_CHANGED_PERCENT && background->count > CHANGED_LEAST;
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
        rw_run_forget(motion);
        *run = motion->run;
        change = RW_MOTION_END;
    }
    look(motion, luma);
    if (change == RW_MOTION_NONE) {
        change = rw_run_judge(motion, luma);
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
