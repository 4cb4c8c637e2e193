#include "motion/internal.h"

struct rw_box rw_box_of(const struct rw_grid *grid, const struct rw_blob *blob)
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

void rw_motion_see(const struct rw_motion *motion, struct rw_motion_view *view)
{
    *view = (struct rw_motion_view){.weather = (float)motion->weather.tiny / 256};
    if (!motion->viewing)
        return;
    const struct rw_grid *grid = &motion->view.grid;
    view->cols = grid->cols;
    view->rows = grid->rows;
    view->side = grid->side;
    view->smallest = 2 + rw_weather_extra(&motion->weather);
    for (int i = 0; i < RW_TRACKS_MAX; i++) {
        const struct rw_track *track = &motion->tracks.track[i];
        if (!track->used || track->blob < 0 || motion->blobs.count <= track->blob)
            continue;
        view->things[view->thing_count++] = (struct rw_seen_thing){
            .box = rw_box_of(grid, &motion->blobs.blob[track->blob]),
            .sure = track->sure,
            .evidence = (float)track->evidence / 16,
            .evidence_needed = (float)motion->need / 16,
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
