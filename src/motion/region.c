#include "motion/region.h"

#include <stdbool.h>
#include <string.h>

#include "motion/memory.h"

enum {
    FLOOR = 5 * RW_LUMA_ONE, /* threshold at sensitivity 50 */
    LEAST = 2,               /* blocks at sensitivity 50 */
    ONE = 256,               /* of the curve */
};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* The curve of the header, 1/256. */
static int coarseness(int sensitivity)
{
    int s = clamp(sensitivity, 1, 100);
    return s <= 50 ? ONE + 3 * ONE * (50 - s) / 49 : ONE - ONE / 2 * (s - 50) / 50;
}

static void set_sensitivity(struct rw_regions *regions, int block, int sensitivity)
{
    int x = coarseness(sensitivity);
    regions->floor[block] = (uint16_t)(FLOOR * x / ONE);
    regions->multiple[block] = (uint16_t)(2 * ONE + 4 * x);
    regions->least[block] = (uint8_t)((LEAST * x + ONE / 2) / ONE);
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

static void add_zone(struct rw_regions *regions, int count, int bit, int sensitivity,
                     const uint8_t *covered)
{
    for (int i = 0; i < count; i++) {
        if (!covered[i])
            continue;
        uint16_t before = regions->floor[i];
        bool first = regions->zones[i] == 0;
        regions->watched[i] = 0xff;
        regions->zones[i] = (uint16_t)(regions->zones[i] | 1u << bit);
        if (first || FLOOR * coarseness(sensitivity) / ONE < before)
            set_sensitivity(regions, i, sensitivity);
    }
}

void rw_regions_init(struct rw_regions *regions, const struct rw_grid *grid,
                     const struct rw_motion_options *options)
{
    int count = grid->cols * grid->rows;
    int zones = clamp(options->zone_count, 0, RW_REGIONS_MAX);
    int masks = clamp(options->mask_count, 0, RW_REGIONS_MAX);
    uint8_t *covered = rw_zeroed(count, 1);

    regions->watched = rw_zeroed(count, sizeof *regions->watched);
    regions->zones = rw_zeroed(count, sizeof *regions->zones);
    regions->floor = rw_zeroed(count, sizeof *regions->floor);
    regions->multiple = rw_zeroed(count, sizeof *regions->multiple);
    regions->least = rw_zeroed(count, sizeof *regions->least);
    memset(regions->watched, zones ? 0 : 0xff, (size_t)count);
    for (int i = 0; i < count; i++)
        set_sensitivity(regions, i, options->sensitivity);
    for (int zone = 0; zone < zones; zone++) {
        rasterise(grid, &options->zones[zone], covered);
        add_zone(regions, count, zone, options->zones[zone].sensitivity, covered);
    }
    for (int mask = 0; mask < masks; mask++) {
        rasterise(grid, &options->masks[mask], covered);
        for (int i = 0; i < count; i++)
            if (covered[i])
                regions->watched[i] = 0;
    }
    free(covered);
}

void rw_regions_finish(struct rw_regions *regions)
{
    free(regions->watched);
    free(regions->zones);
    free(regions->floor);
    free(regions->multiple);
    free(regions->least);
}
