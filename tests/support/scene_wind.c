/* What moves in its place: foliage, a puddle, laundry, a sign; and the camera on its pole. */
#include "scene_parts.h"

static int sample(const int16_t *at, int stride, int fx, int fy)
{
    int top = at[0] * (16 - fx) + at[1] * fx, bottom = at[stride] * (16 - fx) + at[stride + 1] * fx;
    return (top * (16 - fy) + bottom * fy) >> 8;
}

/* Gusts go through the picture: a wave along x. 0.15 to 1. */
static float gust(const struct scene *scene, float x)
{
    float n = scene_wave(scene->t * 0.28f - x / 400, scene->seed + 20);
    return 0.15f + 0.85f * scene_smooth(-0.4f, 0.8f, n);
}

/* Displacement of a node, in 1/16 pixel. */
static void displace(const struct scene *scene, int col, int row, float level, float out[2])
{
    float x = (float)(col * NODE) / scene->scale, y = (float)(row * NODE) / scene->scale;
    float g = gust(scene, x) * level * 16 * scene->scale, t = scene->t;
    float p = 3 * scene_noise(x / 45, y / 45, 21), q = 3 * scene_noise(x / 18, y / 18, 22);
    out[0] = g * (0.55f * sinf(TAU * 0.45f * t + p) + 0.3f * sinf(TAU * 1.3f * t + q * 2) +
                  0.15f * sinf(TAU * 3.1f * t + q * 5));
    out[1] = g * (0.3f * sinf(TAU * 0.6f * t + p * 2) + 0.25f * sinf(TAU * 1.9f * t + q * 3));
}

static void sway_cell(struct scene *scene, const int16_t *from, int col, int row, float (*field)[2])
{
    const float *a = field[row * scene->cols + col], *b = field[row * scene->cols + col + 1];
    const float *c = field[(row + 1) * scene->cols + col],
                *d = field[(row + 1) * scene->cols + col + 1];
    for (int k = 0; k < NODE * NODE; k++) {
        int i = k % NODE, j = k / NODE, x = col * NODE + i, y = row * NODE + j;
        if (x >= scene->width || y >= scene->height || !scene->leaf[y * scene->width + x])
            continue;
        float s = (float)i / NODE, r = (float)j / NODE,
              w = scene->leaf[y * scene->width + x] / 255.0f;
        float fx = ((a[0] * (1 - s) + b[0] * s) * (1 - r) + (c[0] * (1 - s) + d[0] * s) * r) * w;
        float fy = ((a[1] * (1 - s) + b[1] * s) * (1 - r) + (c[1] * (1 - s) + d[1] * s) * r) * w;
        int sx = (int)(scene_clamp((float)x + fx / 16, 0, (float)scene->width - 1.1f) * 16);
        int sy = (int)(scene_clamp((float)y + fy / 16, 0, (float)scene->height - 1.1f) * 16);
        scene->canvas[y * scene->width + x] = (int16_t)sample(
            from + (ptrdiff_t)(sy >> 4) * scene->width + (sx >> 4), scene->width, sx & 15, sy & 15);
    }
}

static bool has_leaves(const struct scene *scene, int col, int row)
{
    for (int k = 0; k < 4; k++) {
        int x = col * NODE + (k & 1) * (NODE - 1), y = row * NODE + (k >> 1) * (NODE - 1);
        if (x < scene->width && y < scene->height && scene->leaf[y * scene->width + x])
            return true;
    }
    return false;
}

void scene_sway(struct scene *scene)
{
    const int16_t *from = scene->infrared ? scene->albedo_infrared : scene->albedo;
    size_t pixels = (size_t)scene->width * (size_t)scene->height;
    float level = scene_level(scene, SCENE_SWAY);
    memcpy(scene->canvas, from, pixels * sizeof *from);
    if (level <= 0)
        return;
    float(*field)[2] = scene_memory((size_t)scene->cols * (size_t)scene->rows, sizeof *field);
    for (int row = 0; row < scene->rows; row++)
        for (int col = 0; col < scene->cols; col++)
            if (has_leaves(scene, col, row) || (col && has_leaves(scene, col - 1, row)) ||
                (row && has_leaves(scene, col, row - 1)) ||
                (col && row && has_leaves(scene, col - 1, row - 1)))
                displace(scene, col, row, level, field[row * scene->cols + col]);
    for (int row = 0; row < scene->rows - 1; row++)
        for (int col = 0; col < scene->cols - 1; col++)
            if (has_leaves(scene, col, row))
                sway_cell(scene, from, col, row, field);
    free(field);
}

/* --- in the world --- */

static void shimmer(struct scene *scene, float level)
{
    float s = scene->scale, x0 = 250 * s, y0 = 285 * s, rx = 85 * s, ry = 17 * s;
    for (int y = (int)(y0 - ry); y < (int)(y0 + ry) && y < scene->height; y++) {
        for (int x = (int)(x0 - rx); x < (int)(x0 + rx); x++) {
            float dx = ((float)x - x0) / rx, dy = ((float)y - y0) / ry;
            float inside = scene_smooth(1, 0.8f, dx * dx + dy * dy);
            if (inside <= 0)
                continue;
            float n =
                scene_noise((float)x / 22 / s + scene->t, (float)y / 3 / s - scene->t * 3, 25);
            float luma = 120 + 70 * level * n * fabsf(n) + 25 * dy;
            int16_t *at = &scene->canvas[y * scene->width + x];
            *at = (int16_t)(*at + (luma * SHADE - *at) * inside * 0.85f);
        }
    }
}

/* One hanging cloth, held at its upper edge, its lower part swinging. */
static void hang(struct scene *scene, float x, float y, float width, float height, float luma,
                 uint32_t seed, float level)
{
    float s = scene->scale,
          wind = level *
                 (0.25f + 0.75f * scene_smooth(-0.3f, 0.8f, scene_wave(scene->t * 0.4f, seed)));
    for (int j = 0; j < (int)(height * s); j++) {
        float down = (float)j / (height * s);
        float swing = wind * 9 * s * down * sinf(TAU * 0.9f * scene->t + down * 1.5f + (float)seed);
        int left = (int)(x * s + swing), row = (int)(y * s) + j;
        for (int i = 0; i < (int)(width * s) && row < scene->height; i++) {
            float fold =
                sinf((float)i / s * 0.35f + wind * 2.5f * sinf(TAU * 0.7f * scene->t + down * 3));
            float shade = luma + 22 * fold + 5 * scene_noise((float)i, (float)j, seed);
            if (left + i >= 0 && left + i < scene->width)
                scene->canvas[row * scene->width + left + i] =
                    (int16_t)(scene_clamp(shade, 8, 245) * SHADE);
        }
    }
}

static void sign(struct scene *scene, float level)
{
    float s = scene->scale;
    float luma = scene_wave(scene->t * 1.9f, scene->seed + 27) > 0 ? 60 : 60 + 170 * level;
    for (int y = (int)(66 * s); y < (int)(92 * s); y++)
        for (int x = (int)(306 * s); x < (int)(352 * s); x++) {
            float n =
                scene_noise((float)x / s / 9 + floorf(scene->t * 2) * 7, (float)y / s / 9, 28);
            scene->canvas[y * scene->width + x] =
                (int16_t)(scene_clamp(luma + 30 * n, 5, 250) * SHADE);
        }
}

void scene_cloth(struct scene *scene)
{
    float level;
    if ((level = scene_level(scene, SCENE_WATER)) > 0)
        shimmer(scene, level);
    if ((level = scene_level(scene, SCENE_CLOTH)) > 0) {
        scene_line(scene, 300 * scene->scale, 60 * scene->scale, 438 * scene->scale,
                   68 * scene->scale, 1.2f, 60 * SHADE, 0.9f);
        hang(scene, 322, 62, 30, 52, 200, 3, level);
        hang(scene, 360, 64, 22, 40, 80, 4, level);
        hang(scene, 392, 66, 34, 58, 150, 5, level);
    }
    if ((level = scene_level(scene, SCENE_SIGN)) > 0)
        sign(scene, level);
}

/* --- the camera on its pole --- */

static float bump(const struct scene *scene, const struct scene_disturbance *d)
{
    float local = scene->t - d->from, turn = floorf(local / 7);
    float age = local - 7 * turn - 3 * scene_random((uint32_t)turn, scene->seed + 30);
    return age < 0 ? 0 : d->level * expf(-age * 1.6f) * sinf(TAU * 4.3f * age);
}

static void find_shift(struct scene *scene)
{
    const struct scene_disturbance *d;
    float t = scene->t, x = 0, y = 0;
    if ((d = scene_effect_on(scene, SCENE_SHAKE))) {
        float wind =
            0.15f + 0.85f * scene_smooth(-0.3f, 0.9f, scene_wave(t * 0.3f, scene->seed + 31));
        x += d->level * wind * (0.7f * sinf(TAU * 0.83f * t) + 0.3f * sinf(TAU * 2.9f * t + 1));
        y += d->level * wind * (0.3f * sinf(TAU * 1.1f * t + 2) + 0.15f * sinf(TAU * 3.7f * t));
    }
    if ((d = scene_effect_on(scene, SCENE_BUMP))) {
        y += bump(scene, d);
        x += 0.4f * bump(scene, d);
    }
    if ((d = scene_effect_on(scene, SCENE_TURN))) {
        float s = scene_smooth(0, 0.7f, t - d->from);
        x += d->level * s;
        y += 0.3f * d->level * s;
    }
    scene->shift_x = x * scene->scale;
    scene->shift_y = y * scene->scale;
}

/* Beyond the edge the picture is its mirror. */
static int mirror(int i, int count)
{
    i = i < 0 ? -1 - i : i;
    return i >= count ? 2 * count - 1 - i : i;
}

void scene_shake(struct scene *scene)
{
    find_shift(scene);
    int x16 = (int)lrintf(scene->shift_x * 16), y16 = (int)lrintf(scene->shift_y * 16);
    if (!x16 && !y16)
        return;
    int dx = x16 >> 4, dy = y16 >> 4, fx = x16 & 15, fy = y16 & 15, w = scene->width,
        h = scene->height;
    for (int y = 0; y < h; y++) {
        const int16_t *a = scene->canvas + (ptrdiff_t)mirror(y + dy, h) * w;
        const int16_t *b = scene->canvas + (ptrdiff_t)mirror(y + dy + 1, h) * w;
        const uint8_t *m = scene->mask + (ptrdiff_t)mirror(y + dy, h) * w;
        for (int x = 0; x < w; x++) {
            bool inside = x + dx >= 0 && x + dx + 1 < w;
            int l = inside ? x + dx : mirror(x + dx, w), r = inside ? l + 1 : mirror(x + dx + 1, w);
            int top = a[l] * (16 - fx) + a[r] * fx, bottom = b[l] * (16 - fx) + b[r] * fx;
            scene->spare[y * w + x] = (int16_t)((top * (16 - fy) + bottom * fy) >> 8);
            scene->mask_spare[y * w + x] = m[l];
        }
    }
    int16_t *canvas = scene->canvas;
    uint8_t *mask = scene->mask;
    scene->canvas = scene->spare;
    scene->spare = canvas;
    scene->mask = scene->mask_spare;
    scene->mask_spare = mask;
}
