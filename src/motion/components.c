#include "motion/components.h"

#include <limits.h>
#include <string.h>

enum {
    WEIGHT_MAX = 60 * RW_LUMA_ONE, /* brighter does not draw the centre more */
    EIGHT = 8,                     /* blocks looked at in one go */
    CONTRAST_MAX = 16 * 16,        /* 16 thresholds */
    CLEAR = 2 * 16,                /* no streak of rain */
    EDGE_REACH = 2,                /* blocks in which a thing ends: one may be half covered */
    EDGE_PERCENT = 70,             /* of the contrast is gone there */
    HARD = 60 * RW_LUMA_ONE,       /* an edge of so much is no glow: a lamp, a reflection */
    DARK = 32 * RW_LUMA_ONE,       /* below, the relative difference is mostly noise */
};

/* One component while it is filled. */
struct fill {
    struct rw_blob blob;
    int64_t weight, x, y, ratio; /* sums over its blocks */
    int sharp, peak;             /* of relative differences: sum where it ends, the largest */
    bool hard;
    int least; /* smallest thing that counts, blocks */
};

/* Difference relative to the brightness, 1/1024: light on a white line and on the road beside it
 * is the same light. With the local light in it: what is left without looks as if it ended. */
static int relative(const struct rw_background *background, int block)
{
    int whole = background->difference[block] + background->taken[block];
    return whole * 1024 / ((background->mean[block] >> 4) + DARK);
}

/* Does the block's difference end within two blocks in any direction? */
static bool ends_at(const struct rw_background *background, int x, int y, int size, int sign)
{
    static const int8_t ways[4][2] = {
        {EDGE_REACH, 0}, {-EDGE_REACH, 0}, {0, EDGE_REACH}, {0, -EDGE_REACH}};
    for (int i = 0; i < 4; i++) {
        int nx = x + ways[i][0], ny = y + ways[i][1];
        if (nx < 0 || ny < 0 || nx >= background->cols || ny >= background->rows)
            continue;
        int beside = relative(background, ny * background->cols + nx) * sign;
        if ((size - beside) * 100 >= size * EDGE_PERCENT)
            return true;
    }
    return false;
}

static void measure_edge(struct fill *fill, const struct rw_background *background, int block)
{
    int e = relative(background, block);
    int size = e < 0 ? -e : e;
    int d = background->difference[block];

    fill->peak = size > fill->peak ? size : fill->peak;
    if (!ends_at(background, block % background->cols, block / background->cols, size,
                 e < 0 ? -1 : 1))
        return;
    fill->sharp += size;
    fill->hard |= d > HARD || d < -HARD;
}

static void measure(struct fill *fill, const struct rw_background *background,
                    const struct rw_regions *regions, int block)
{
    int x = block % background->cols, y = block / background->cols;
    int size = background->difference[block];
    struct rw_blob *blob = &fill->blob;

    size = size < 0 ? -size : size;
    fill->ratio += size * 16 / background->threshold[block];
    size = size > WEIGHT_MAX ? WEIGHT_MAX : size;
    fill->weight += size;
    fill->x += (int64_t)size * (x * 16 + 8);
    fill->y += (int64_t)size * (y * 16 + 8);
    blob->area++;
    blob->alive += (background->flags[block] & RW_BLOCK_ALIVE) != 0;
    blob->zones |= regions->zones[regions->place[block]];
    blob->left = x < blob->left ? x : blob->left;
    blob->right = x >= blob->right ? x + 1 : blob->right;
    blob->top = y < blob->top ? y : blob->top;
    blob->bottom = y >= blob->bottom ? y + 1 : blob->bottom;
    int least = rw_coarse_least(regions->coarse[block]);
    fill->least = least < fill->least ? least : fill->least;
}

/* Puts the block's neighbours that are part of it on the stack; returns its new height. */
static int push_neighbours(struct rw_background *background, int block, uint16_t *stack, int height)
{
    int cols = background->cols;
    int x = block % cols, y = block / cols;
    int right = x + 1 < cols ? x + 1 : x, bottom = y + 1 < background->rows ? y + 1 : y;

    for (int ny = y ? y - 1 : 0; ny <= bottom; ny++) {
        for (int nx = x ? x - 1 : 0; nx <= right; nx++) {
            int next = ny * cols + nx;
            if (!(background->flags[next] & RW_BLOCK_WEAK))
                continue;
            background->flags[next] &= (uint8_t)~RW_BLOCK_WEAK; /* each block once */
            stack[height++] = (uint16_t)next;
        }
    }
    return height;
}

static void fill_from(struct fill *fill, struct rw_background *background,
                      const struct rw_regions *regions, int block, uint16_t *stack)
{
    *fill = (struct fill){.blob = {.left = INT_MAX, .top = INT_MAX}, .least = INT_MAX};
    background->flags[block] &= (uint8_t)~RW_BLOCK_WEAK;
    stack[0] = (uint16_t)block;
    for (int height = 1; height > 0;) {
        int at = stack[--height];
        if ((background->flags[at] & RW_BLOCK_ON) && regions->place[at]) {
            measure(fill, background, regions, at);
            measure_edge(fill, background, at);
        }
        height = push_neighbours(background, at, stack, height);
    }
    struct rw_blob *blob = &fill->blob;
    if (!blob->area)
        return;
    blob->x = (int)(fill->x / fill->weight);
    blob->y = (int)(fill->y / fill->weight);
    int64_t contrast = fill->ratio / blob->area;
    blob->contrast = contrast > CONTRAST_MAX ? CONTRAST_MAX : (int)contrast;
    int sides = blob->right - blob->left + blob->bottom - blob->top;
    blob->soft = !fill->hard && fill->sharp * 4 < sides * fill->peak;
    blob->vast = (blob->right - blob->left) * (blob->bottom - blob->top) * 2 > background->count;
    blob->cut = blob->left == 0 || blob->top == 0 || blob->right == background->cols ||
                blob->bottom == background->rows;
}

static void keep(struct rw_blobs *blobs, const struct rw_blob *blob)
{
    int at = blobs->count;
    if (at == RW_BLOBS_MAX) {
        at = 0;
        for (int i = 1; i < RW_BLOBS_MAX; i++)
            if (blobs->blob[i].area < blobs->blob[at].area)
                at = i;
        if (blobs->blob[at].area >= blob->area)
            return;
    } else {
        blobs->count++;
    }
    blobs->blob[at] = *blob;
}

/* In bad weather what is small must be clear as well. */
static bool counts(const struct fill *fill, int extra)
{
    const struct rw_blob *blob = &fill->blob;
    return blob->area >= fill->least + extra ||
           (blob->area >= fill->least &&
            blob->area * blob->contrast >= (fill->least + extra) * CLEAR);
}

/* The next block from here whose eight have anything in them. at: a multiple of eight. */
static int skip_quiet(const uint8_t *flags, int at, int count)
{
    uint64_t eight;
    while (at + EIGHT <= count && (memcpy(&eight, flags + at, EIGHT), eight == 0))
        at += EIGHT;
    return at;
}

void rw_blobs_find(struct rw_blobs *blobs, struct rw_background *background,
                   const struct rw_regions *regions, int extra, uint16_t *stack)
{
    const uint8_t seed = RW_BLOCK_WEAK | RW_BLOCK_ON;
    blobs->count = 0;
    blobs->tiny = 0;
    for (int i = 0; i < background->count; i++) {
        if (i % EIGHT == 0)
            i = skip_quiet(background->flags, i, background->count);
        if (i >= background->count)
            break;
        if ((background->flags[i] & seed) != seed || !regions->place[i])
            continue;
        struct fill fill;
        fill_from(&fill, background, regions, i, stack);
        blobs->tiny += fill.blob.area <= RW_BLOB_TINY;
        if (counts(&fill, extra))
            keep(blobs, &fill.blob);
    }
}
