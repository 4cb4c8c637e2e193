#include "motion/region.h"

#include <stdbool.h>
#include <string.h>

#include "motion/memory.h"

enum {
    ONE = 64, /* coarseness at sensitivity 50 */
    COARSEST = 255,
    LEAST = 2, /* blocks at sensitivity 50 */
};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* The curve of the header. */
static int coarseness(int sensitivity)
{
    int s = clamp(sensitivity, 1, 100);
    int x = s <= 50 ? ONE + 3 * ONE * (50 - s) / 49 : ONE - ONE / 2 * (s - 50) / 50;
    return x < COARSEST ? x : COARSEST;
}

int rw_coarse_least(int coarse)
{
    return (LEAST * coarse + ONE / 2) / ONE;
}

/* Even-odd rule: counts the sides a ray to the right crosses. */
static bool inside(const struct rw_region *region, int points, float x, float y)
{
    bool in = false;
    for (int i = 0, j = points - 1; i < points; j = i++) {
        struct rw_point a = region->polygon[i], b = region->polygon[j];
        if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x)
            in = !in;
    }
    return in;
}

/* Centre of a block along one axis, fraction; the last block may be cut. */
static float middle_of(int index, int side, int pixels)
{
    int end = (index + 1) * side < pixels ? (index + 1) * side : pixels;
    return (float)(index * side + end) / 2 / (float)pixels;
}

static int block_of_middle(const struct rw_grid *grid, const struct rw_region *region, int points)
{
    float x = 0, y = 0;
    for (int i = 0; i < points; i++) {
        x += region->polygon[i].x / (float)points;
        y += region->polygon[i].y / (float)points;
    }
    if (!(x >= 0 && x < 1 && y >= 0 && y < 1))
        return -1;
    int col = (int)(x * (float)grid->width) / grid->side;
    int row = (int)(y * (float)grid->height) / grid->side;
    return row * grid->cols + col;
}

/* Sets covered[block] to 1 for the region's blocks and to 0 for the others. */
static void rasterise(const struct rw_grid *grid, const struct rw_region *region, uint8_t *covered)
{
    int points = clamp(region->points, 0, RW_POLYGON_MAX);
    bool any = false;

    for (int row = 0; row < grid->rows; row++) {
        for (int col = 0; col < grid->cols; col++) {
            bool in = inside(region, points, middle_of(col, grid->side, grid->width),
                             middle_of(row, grid->side, grid->height));
            covered[row * grid->cols + col] = in;
            any |= in;
        }
    }
    int middle = any || points < 3 ? -1 : block_of_middle(grid, region, points);
    if (middle >= 0)
        covered[middle] = 1;
}

/* The place with these zones; a new one where there is room. */
static uint8_t place_of(struct rw_regions *regions, uint16_t zones)
{
    for (int i = 1; i <= regions->places; i++)
        if (regions->zones[i] == zones)
            return (uint8_t)i;
    if (regions->places == RW_PLACES_MAX)
        return RW_PLACES_MAX; /* a block of very many overlaps tells another one's zones */
    regions->zones[++regions->places] = zones;
    return (uint8_t)regions->places;
}

static void add_zone(struct rw_regions *regions, int count, int bit, int sensitivity,
                     const uint8_t *covered)
{
    int coarse = coarseness(sensitivity);
    for (int i = 0; i < count; i++) {
        if (!covered[i])
            continue;
        uint16_t before = regions->zones[regions->place[i]];
        if (!before || coarse < regions->coarse[i])
            regions->coarse[i] = (uint8_t)coarse;
        regions->place[i] = place_of(regions, (uint16_t)(before | 1u << bit));
    }
}

static void add_mask(struct rw_regions *regions, int count, int sensitivity, const uint8_t *covered)
{
    int coarse = coarseness(sensitivity);
    for (int i = 0; i < count; i++) {
        if (!covered[i])
            continue;
        if (sensitivity < 1)
            regions->place[i] = 0;
        else if (coarse > regions->coarse[i])
            regions->coarse[i] = (uint8_t)coarse;
    }
}

static void place_lines(struct rw_regions *regions, const struct rw_grid *grid,
                        const struct rw_motion_options *options)
{
    float x = 16 * (float)grid->width / (float)grid->side;
    float y = 16 * (float)grid->height / (float)grid->side;

    regions->line_count = clamp(options->line_count, 0, RW_LINES_MAX);
    for (int i = 0; i < regions->line_count; i++) {
        const struct rw_line *line = &options->lines[i];
        regions->lines[i] = (struct rw_course){(int)(line->from.x * x), (int)(line->from.y * y),
                                               (int)(line->to.x * x), (int)(line->to.y * y)};
    }
}

void rw_regions_init(struct rw_regions *regions, const struct rw_grid *grid,
                     const struct rw_motion_options *options)
{
    int count = grid->cols * grid->rows;
    int zones = clamp(options->zone_count, 0, RW_REGIONS_MAX);
    int masks = clamp(options->mask_count, 0, RW_REGIONS_MAX);
    uint8_t *covered = rw_zeroed(count, 1);

    *regions = (struct rw_regions){0};
    regions->coarse = rw_zeroed(count, 1);
    regions->place = rw_zeroed(count, 1);
    memset(regions->coarse, coarseness(options->sensitivity), (size_t)count);
    if (!zones)
        memset(regions->place, place_of(regions, 0), (size_t)count);
    for (int zone = 0; zone < zones; zone++) {
        rasterise(grid, &options->zones[zone], covered);
        add_zone(regions, count, zone, options->zones[zone].sensitivity, covered);
    }
    for (int mask = 0; mask < masks; mask++) {
        rasterise(grid, &options->masks[mask], covered);
        add_mask(regions, count, options->masks[mask].sensitivity, covered);
    }
    place_lines(regions, grid, options);
    free(covered);
}

void rw_regions_finish(struct rw_regions *regions)
{
    free(regions->coarse);
    free(regions->place);
}
