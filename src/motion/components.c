#include "motion/components.h"

#include <limits.h>

enum {
    WEIGHT_MAX = 60 * RW_LUMA_ONE, /* brighter does not draw the centre more */
    CONTRAST_MAX = 16 * 16,        /* 16 thresholds */
};

/* One component while it is filled. */
struct fill {
    struct rw_blob blob;
    int64_t weight, x, y, ratio; /* sums over its blocks */
    int least;                   /* smallest thing that counts, blocks */
};

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
        if ((background->flags[at] & RW_BLOCK_ON) && regions->place[at])
            measure(fill, background, regions, at);
        height = push_neighbours(background, at, stack, height);
    }
    struct rw_blob *blob = &fill->blob;
    if (!blob->area)
        return;
    blob->x = (int)(fill->x / fill->weight);
    blob->y = (int)(fill->y / fill->weight);
    int64_t contrast = fill->ratio / blob->area;
    blob->contrast = contrast > CONTRAST_MAX ? CONTRAST_MAX : (int)contrast;
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

void rw_blobs_find(struct rw_blobs *blobs, struct rw_background *background,
                   const struct rw_regions *regions, int extra, uint16_t *stack)
{
    const uint8_t seed = RW_BLOCK_WEAK | RW_BLOCK_ON;
    blobs->count = 0;
    blobs->tiny = 0;
    for (int i = 0; i < background->count; i++) {
        if ((background->flags[i] & seed) != seed || !regions->place[i])
            continue;
        struct fill fill;
        fill_from(&fill, background, regions, i, stack);
        blobs->tiny += fill.blob.area <= RW_BLOB_TINY;
        if (fill.blob.area >= fill.least + extra)
            keep(blobs, &fill.blob);
    }
}
