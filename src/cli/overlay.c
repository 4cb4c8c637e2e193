#include "cli/overlay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/font.h"
#include "cli/paint.h"
#include "media/film.h"

enum {
    WIDTH_LEAST = 640, /* smaller pictures are shown larger */
    SCALE_MAX = 8,
    TEXT_EVERY = 400, /* pixels of width that make the letters a dot larger */
    PANEL_LINES = 4,
    FLASH_US = 700000, /* how long a decision is marked */
    STEP_MAX_US = 2000000,
    STEP_HOLE_US = 40000, /* of the film, where time makes a larger step */
    LINE_SIZE = 96,
};

static const char *const kinds[] = {[RW_KIND_MOTION] = "MOTION",
                                    [RW_KIND_SCENE_CHANGE] = "SCENE CHANGE",
                                    [RW_KIND_CAMERA_MOVED] = "CAMERA MOVED",
                                    [RW_KIND_COVERED] = "COVERED"};

struct rw_overlay {
    const char *path;
    const struct rw_motion_options *options;
    const struct rw_detect_config *names; /* NULL: none */
    bool local;
    struct rw_film *film;     /* NULL before the first picture */
    struct rw_canvas *canvas; /* the picture, and the panel below it */
    int picture_height;       /* of the canvas */
    int letter;               /* scale of the text */
    int width, height;        /* of the picture now as shown, pixels of the canvas */
    int scale;
    int64_t film_us, last_us; /* the film's time; the last picture's */
    bool running;
    struct rw_motion_run run; /* that is on, or was */
    int64_t said_us;          /* when it began or ended; INT64_MIN: never */
    struct rw_motion_view view;
};

struct rw_overlay *rw_overlay_create(const char *path, const struct rw_motion_options *options,
                                     const struct rw_detect_config *names, bool local)
{
    struct rw_overlay *overlay = calloc(1, sizeof *overlay);
    if (!overlay)
        abort();
    *overlay = (struct rw_overlay){
        .path = path, .options = options, .names = names, .local = local, .said_us = INT64_MIN};
    return overlay;
}

void rw_overlay_destroy(struct rw_overlay *overlay)
{
    if (!overlay)
        return;
    rw_film_close(overlay->film);
    rw_canvas_destroy(overlay->canvas);
    free(overlay);
}

static struct rw_colour white(void)
{
    return rw_colour_of(255, 255, 255);
}
static struct rw_colour grey(void)
{
    return rw_colour_of(150, 150, 150);
}
static struct rw_colour red(void)
{
    return rw_colour_of(235, 40, 30);
}
static struct rw_colour yellow(void)
{
    return rw_colour_of(255, 225, 40);
}

/* --- what is watched --- */

static int at_x(const struct rw_overlay *overlay, float x)
{
    return x > 0 ? (int)(fminf(x, 1) * (float)(overlay->width - 1)) : 0;
}

static int at_y(const struct rw_overlay *overlay, float y)
{
    return y > 0 ? (int)(fminf(y, 1) * (float)(overlay->height - 1)) : 0;
}

static void draw_segment(struct rw_overlay *overlay, struct rw_point from, struct rw_point to,
                         struct rw_colour colour)
{
    rw_paint_line(overlay->canvas, at_x(overlay, from.x), at_y(overlay, from.y),
                  at_x(overlay, to.x), at_y(overlay, to.y), overlay->letter, colour);
}

static void draw_region(struct rw_overlay *overlay, const struct rw_region *region,
                        const char *name, struct rw_colour colour)
{
    struct rw_point low = region->polygon[0];
    for (int i = 0; i < region->points; i++) {
        struct rw_point point = region->polygon[i];
        draw_segment(overlay, point, region->polygon[(i + 1) % region->points], colour);
        if (point.y > low.y || (point.y == low.y && point.x < low.x))
            low = point;
    }
    int letter = overlay->letter > 1 ? overlay->letter - 1 : 1;
    int x = at_x(overlay, low.x) + 3 * letter, wide = rw_paint_text_width(letter, name);
    rw_paint_text(overlay->canvas, x + wide > overlay->width ? overlay->width - wide : x,
                  at_y(overlay, low.y) - (RW_FONT_LINE + 2) * letter, letter, colour, name);
}

static const char *name_of(const struct rw_zone_config *list, int count, int i, const char *other)
{
    return i < count && list[i].name && *list[i].name ? list[i].name : other;
}

static void draw_regions(struct rw_overlay *overlay)
{
    const struct rw_motion_options *options = overlay->options;
    const struct rw_detect_config *names = overlay->names;
    for (int i = 0; i < options->mask_count; i++)
        draw_region(overlay, &options->masks[i],
                    names ? name_of(names->masks, names->mask_count, i, "mask") : "mask",
                    rw_colour_of(130, 150, 230));
    for (int i = 0; i < options->zone_count; i++)
        draw_region(overlay, &options->zones[i],
                    names ? name_of(names->zones, names->zone_count, i, "zone") : "zone",
                    rw_colour_of(80, 230, 120));
    for (int i = 0; i < options->line_count; i++)
        draw_segment(overlay, options->lines[i].from, options->lines[i].to,
                     rw_colour_of(255, 120, 255));
}

/* --- blocks --- */

/* How far a block is changed: 1 is its threshold. */
static float heat_of(struct rw_seen_block block)
{
    float heat = block.threshold > 0 ? fabsf(block.difference) / block.threshold : 0;
    return heat >= 0 ? fminf(heat, 3) : 0;
}

static void tint(struct rw_overlay *overlay, int col, int row, struct rw_seen_block block)
{
    int side = overlay->view.side * overlay->scale;
    int x = col * side, y = row * side;
    int w = x + side > overlay->width ? overlay->width - x : side;
    int h = y + side > overlay->height ? overlay->height - y : side;
    float heat = heat_of(block);
    bool watched = block.flags & RW_SEEN_WATCHED;
    if (!watched)
        rw_paint_fill(overlay->canvas, x, y, w, h, rw_colour_of(20, 25, 60), 90);
    if (block.flags & RW_SEEN_ON)
        rw_paint_fill(overlay->canvas, x, y, w, h,
                      watched ? rw_colour_of(255, 60, 0) : rw_colour_of(130, 150, 230),
                      90 + (int)(25 * heat));
    else if (heat >= 0.5F && watched)
        rw_paint_fill(overlay->canvas, x, y, w, h, yellow(),
                      heat < 1 ? (int)(120 * (heat - 0.4F)) : 75);
}

static void draw_blocks(struct rw_overlay *overlay, const struct rw_motion *motion)
{
    for (int row = 0; row < overlay->view.rows; row++)
        for (int col = 0; col < overlay->view.cols; col++)
            tint(overlay, col, row, rw_motion_see_block(motion, col, row));
}

/* Pixels of a block in the map of thresholds, which is about a quarter of the film's width. */
static int threshold_dot(const struct rw_motion_view *view, int width)
{
    int dot = view->cols ? width / 4 / view->cols : 1;
    return dot > 1 ? dot : 1;
}

/* The thresholds of all blocks as a small map, and between what they lie. */
static void draw_thresholds(struct rw_overlay *overlay, const struct rw_motion *motion, int x,
                            int y, int dot)
{
    char text[LINE_SIZE];
    const struct rw_motion_view *view = &overlay->view;
    float low = INFINITY, high = 0;
    for (int i = 0; i < view->rows * view->cols; i++) {
        float threshold = rw_motion_see_block(motion, i % view->cols, i / view->cols).threshold;
        low = fminf(low, threshold);
        high = fmaxf(high, threshold);
    }
    for (int row = 0; row < view->rows; row++) {
        for (int col = 0; col < view->cols; col++) {
            float threshold = rw_motion_see_block(motion, col, row).threshold;
            float part = high > low ? (threshold - low) / (high - low) : 0;
            int light = 30 + (int)(225 * sqrtf(fmaxf(part, 0)));
            rw_paint_fill(overlay->canvas, x + col * dot, y + row * dot, dot, dot,
                          rw_colour_of(light, light / 2, 255 - light), RW_OPAQUE);
        }
    }
    if (isfinite(low)) {
        snprintf(text, sizeof text, "thresholds %.0f-%.0f", (double)low, (double)high);
        rw_paint_text(overlay->canvas, x + 2, y + 2, overlay->letter > 2 ? overlay->letter - 1 : 1,
                      white(), text);
    }
}

/* --- things --- */

static void draw_bar(struct rw_overlay *overlay, int x, int y, int w, float part,
                     struct rw_colour colour)
{
    int thick = 2 * overlay->letter;
    int full = part > 0 ? (int)(fminf(part, 1) * (float)(w - 2)) : 0;
    rw_paint_fill(overlay->canvas, x, y, w, thick + 2, rw_colour_of(0, 0, 0), RW_OPAQUE);
    rw_paint_fill(overlay->canvas, x + 1, y + 1, full, thick, colour, RW_OPAQUE);
}

static void draw_thing(struct rw_overlay *overlay, const struct rw_seen_thing *thing)
{
    char text[LINE_SIZE];
    int letter = overlay->letter > 1 ? overlay->letter - 1 : 1;
    int x = at_x(overlay, thing->box.x), y = at_y(overlay, thing->box.y);
    int right = at_x(overlay, thing->box.x + thing->box.w) + 1;
    int bottom = at_y(overlay, thing->box.y + thing->box.h) + 1;
    int wide = right - x > 30 * letter ? right - x : 30 * letter;
    struct rw_colour colour = thing->sure ? red() : yellow();
    rw_paint_box(overlay->canvas, x, y, right - x, bottom - y,
                 thing->sure ? 2 * overlay->letter : 1, colour);
    float part = thing->evidence_needed > 0 ? thing->evidence / thing->evidence_needed : 0;
    int bar = bottom + 2 + 2 * overlay->letter < overlay->height ? bottom + 1
                                                                 : bottom - 3 - 2 * overlay->letter;
    draw_bar(overlay, x, bar, wide, thing->sure ? 1 : part, colour);
    if (thing->sure)
        snprintf(text, sizeof text, "SURE went %.1f", (double)thing->travel);
    else
        snprintf(text, sizeof text, "%.0f%% went %.1f", (double)fminf(part * 100, 999),
                 (double)thing->travel);
    int over = y - RW_FONT_LINE * letter;
    rw_paint_text(overlay->canvas, x + letter, over > 0 ? over : y + 2 * letter, letter,
                  thing->sure ? white() : colour, text);
}

static void draw_path(struct rw_overlay *overlay)
{
    const struct rw_motion_run *run = &overlay->run;
    struct rw_colour colour = rw_colour_of(60, 240, 255);
    int dot = 3 * overlay->letter;
    if (!overlay->running)
        return;
    for (int i = 0; i < run->path_count; i++) {
        if (i)
            draw_segment(overlay, run->path[i - 1], run->path[i], colour);
        rw_paint_fill(overlay->canvas, at_x(overlay, run->path[i].x) - dot / 2,
                      at_y(overlay, run->path[i].y) - dot / 2, dot, dot, colour, RW_OPAQUE);
    }
}

/* --- words --- */

static const char *clock_text(const struct rw_overlay *overlay, int64_t time_us,
                              char out[LINE_SIZE])
{
    struct tm local;
    time_t second = (time_t)(time_us / RW_SECOND_US);
    if (overlay->local && localtime_r(&second, &local))
        snprintf(out, LINE_SIZE, "%04d-%02d-%02d %02d:%02d:%02d.%02d", local.tm_year + 1900,
                 local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                 (int)(time_us % RW_SECOND_US / 10000));
    else
        snprintf(out, LINE_SIZE, "%.2f s", (double)time_us / 1e6);
    return out;
}

static bool just_now(const struct rw_overlay *overlay, int64_t now_us)
{
    return overlay->said_us != INT64_MIN && now_us >= overlay->said_us &&
           now_us - overlay->said_us < FLASH_US;
}

static void list_zones(const struct rw_overlay *overlay, char *out, size_t size)
{
    size_t length = 0;
    out[0] = 0;
    for (int i = 0; overlay->names && i < overlay->names->zone_count && length < size; i++)
        if (overlay->run.zones >> i & 1)
            length +=
                (size_t)snprintf(out + length, size - length, " %s", overlay->names->zones[i].name);
}

/* The decision: a bar over the picture while it stands, with a frame when it was taken. */
static void draw_decision(struct rw_overlay *overlay, int64_t now_us)
{
    char text[2 * LINE_SIZE], zones[LINE_SIZE];
    const struct rw_motion_run *run = &overlay->run;
    bool now = just_now(overlay, now_us);
    int letter = overlay->letter, high = (RW_FONT_LINE + 2) * letter;
    if (!overlay->running && !now)
        return;
    list_zones(overlay, zones, sizeof zones);
    if (!overlay->running)
        snprintf(text, sizeof text, "%s ended, lasted %.1f s", kinds[run->kind],
                 (double)(run->last_us - run->start_us) / 1e6);
    else if (now)
        snprintf(text, sizeof text, "%s decided +%.2f s, score %.2f%s", kinds[run->kind],
                 (double)(run->decided_us - run->start_us) / 1e6, (double)run->score, zones);
    else
        snprintf(text, sizeof text, "%s for %.1f s, score %.2f%s%s", kinds[run->kind],
                 (double)(now_us - run->start_us) / 1e6, (double)run->score, zones,
                 run->peak_us == now_us ? "  BEST PICTURE" : "");
    if (overlay->running && now)
        rw_paint_box(overlay->canvas, 0, 0, overlay->width, overlay->height, 4 * letter, red());
    rw_paint_fill(overlay->canvas, 0, 0, overlay->canvas->width, high,
                  overlay->running ? red() : grey(), 200);
    rw_paint_text(overlay->canvas, 4 * letter, 2 * letter, letter, white(), text);
}

/* What the colours mean. */
static void draw_legend(struct rw_overlay *overlay, int x, int y)
{
    int letter = overlay->letter, side = 7 * letter;
    static const struct {
        const char *text;
        int strength, green;
    } steps[] = {{"near ", 75, 225}, {"over ", 115, 60}, {"far over threshold", 165, 60}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct rw_colour colour = rw_colour_of(255, steps[i].green, steps[i].green > 100 ? 40 : 0);
        rw_paint_fill(overlay->canvas, x, y, side, side, grey(), RW_OPAQUE);
        rw_paint_fill(overlay->canvas, x, y, side, side, colour, steps[i].strength);
        x = rw_paint_text(overlay->canvas, x + side + 3 * letter, y, letter, grey(), steps[i].text);
    }
}

static void draw_panel(struct rw_overlay *overlay, const struct rw_motion *motion, int64_t now_us)
{
    char text[LINE_SIZE];
    const struct rw_motion_view *view = &overlay->view;
    struct rw_canvas *canvas = overlay->canvas;
    int letter = overlay->letter, line = RW_FONT_LINE * letter, x = 4 * letter;
    int top = overlay->picture_height, y = top + 3 * letter;
    rw_paint_fill(canvas, 0, top, canvas->width, canvas->height - top, rw_colour_of(12, 12, 16),
                  RW_OPAQUE);
    int state = rw_paint_text(canvas, x, y, letter, white(), clock_text(overlay, now_us, text));
    bool on = overlay->running;
    rw_paint_text(canvas, state + 2 * RW_FONT_ADVANCE * letter, y, letter, on ? red() : grey(),
                  on ? kinds[overlay->run.kind] : "nothing sure");
    snprintf(text, sizeof text, "weather %.1f  smallest thing %d", (double)view->weather,
             view->smallest);
    rw_paint_text(canvas, x, y + line, letter, white(), text);
    draw_legend(overlay, x, y + 2 * line);
    rw_paint_text(canvas, x, y + 3 * line, letter, grey(),
                  "bar: evidence until sure; went: blocks");
    int dot = threshold_dot(view, canvas->width);
    draw_thresholds(overlay, motion, canvas->width - view->cols * dot - 2, top + 2, dot);
}

/* --- the film --- */

/* Four lines, or the map of thresholds. */
static int panel_height(const struct rw_overlay *overlay, int width)
{
    const struct rw_motion_view *view = &overlay->view;
    int lines = (PANEL_LINES * RW_FONT_LINE + 6) * overlay->letter;
    int map = view->cols ? view->rows * threshold_dot(view, width) + 4 : 0;
    return map > lines ? map : lines;
}

static int open_film(struct rw_overlay *overlay, const struct rw_picture *picture,
                     struct rw_err *err)
{
    int scale = (WIDTH_LEAST + picture->luma.width - 1) / picture->luma.width;
    scale = scale > SCALE_MAX ? SCALE_MAX : scale;
    int width = picture->luma.width * scale;
    overlay->letter = (width + TEXT_EVERY / 2) / TEXT_EVERY;
    overlay->letter = overlay->letter > 0 ? overlay->letter : 1;
    overlay->picture_height = picture->luma.height * scale;
    overlay->canvas =
        rw_canvas_create(width, overlay->picture_height + panel_height(overlay, width));
    overlay->film =
        rw_film_open(overlay->path, overlay->canvas->width, overlay->canvas->height, err);
    return overlay->film ? 0 : -1;
}

/* Pictures may change their size under way: the film does not. */
static void show_picture(struct rw_overlay *overlay, const struct rw_picture *picture)
{
    int scale = overlay->canvas->width / picture->luma.width;
    overlay->scale = scale < 1 ? 1 : scale > SCALE_MAX ? SCALE_MAX : scale;
    overlay->width = picture->luma.width * overlay->scale;
    overlay->height = picture->luma.height * overlay->scale;
    rw_paint_fill(overlay->canvas, 0, 0, overlay->canvas->width, overlay->picture_height,
                  rw_colour_of(0, 0, 0), RW_OPAQUE);
    rw_canvas_show(overlay->canvas, picture, overlay->scale);
}

static void take_change(struct rw_overlay *overlay, enum rw_motion_change change,
                        const struct rw_motion_run *run, int64_t now_us)
{
    if (change == RW_MOTION_NONE)
        return;
    overlay->run = *run;
    overlay->running = change != RW_MOTION_END;
    if (change != RW_MOTION_BETTER)
        overlay->said_us = now_us;
}

static void pass_time(struct rw_overlay *overlay, int64_t now_us, bool first)
{
    int64_t step = now_us - overlay->last_us;
    if (!first)
        overlay->film_us += step > 0 && step <= STEP_MAX_US ? step : STEP_HOLE_US;
    overlay->last_us = now_us;
}

int rw_overlay_add(struct rw_overlay *overlay, const struct rw_picture *picture,
                   const struct rw_motion *motion, enum rw_motion_change change,
                   const struct rw_motion_run *run, struct rw_err *err)
{
    bool first = !overlay->film;
    rw_motion_see(motion, &overlay->view);
    if (first && open_film(overlay, picture, err))
        return -1;
    take_change(overlay, change, run, picture->utc_us);
    pass_time(overlay, picture->utc_us, first);
    show_picture(overlay, picture);
    draw_blocks(overlay, motion);
    draw_regions(overlay);
    for (int i = 0; i < overlay->view.thing_count; i++)
        draw_thing(overlay, &overlay->view.things[i]);
    draw_path(overlay);
    draw_decision(overlay, picture->utc_us);
    draw_panel(overlay, motion, picture->utc_us);
    return rw_film_add(overlay->film, overlay->canvas, overlay->film_us, err);
}

void rw_overlay_break(struct rw_overlay *overlay)
{
    overlay->running = false;
    overlay->said_us = INT64_MIN;
}

int rw_overlay_finish(struct rw_overlay *overlay, struct rw_err *err)
{
    if (!overlay->film)
        return rw_fail(err, RW_EEND, "there is no picture to make a film of");
    return rw_film_finish(overlay->film, err);
}

void rw_overlay_tell_codec(const struct rw_overlay *overlay)
{
    if (strcmp(rw_film_codec(overlay->film), "h264") != 0)
        rw_complain(0, "libavcodec has no libx264 here: %s is %s, which not every browser plays",
                    overlay->path, rw_film_codec(overlay->film));
}

void rw_overlay_mark(struct rw_canvas *canvas, struct rw_box box)
{
    struct rw_overlay whole = {.canvas = canvas, .width = canvas->width, .height = canvas->height};
    if (!(box.w > 0))
        return;
    int x = at_x(&whole, box.x), y = at_y(&whole, box.y);
    int thick = canvas->width / 300 > 2 ? canvas->width / 300 : 2;
    rw_paint_box(canvas, x, y, at_x(&whole, box.x + box.w) - x + 1,
                 at_y(&whole, box.y + box.h) - y + 1, thick, red());
}
