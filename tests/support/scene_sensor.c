/* From light to luma: exposure, mains hum, noise, the camera's own noise filter, its clock. */
#include "scene_parts.h"

static void expose_row(struct scene *scene, int row, float hum)
{
    const int16_t *table = scene->stock->curve;
    int16_t *at = scene->canvas + (ptrdiff_t)row * scene->width;
    int gain = (int)(scene->gain * hum * 4096);
    for (int x = 0; x < scene->width; x++) {
        int shade = at[x] * gain >> 12;
        at[x] = table[shade < 0 ? 0 : shade >= CURVE_LENGTH ? CURVE_LENGTH - 1 : shade];
    }
}

/* The sum of two neighbours is what demosaicing leaves of white noise. */
static void noise_row(struct scene *scene, int row, int sigma)
{
    uint32_t h = scene_hash((uint32_t)row, scene_hash((uint32_t)scene->picture, scene->seed + 100));
    const int16_t *noise = scene->stock->noise + h % (NOISE_LENGTH - 4096);
    int16_t *at = scene->canvas + (ptrdiff_t)row * scene->width;
    for (int x = 0; x < scene->width; x++)
        at[x] = (int16_t)(at[x] + ((noise[x] + (noise[x + 1] >> 1)) * sigma >> 12));
}

/* keep: of 256. A small step is smoothed, a large one is taken as it is. */
static void clean_row(struct scene *scene, int row, int keep)
{
    const int16_t *at = scene->canvas + (ptrdiff_t)row * scene->width;
    int16_t *old = scene->clean + (ptrdiff_t)row * scene->width;
    int limit = (int)(3.5f * scene->noise * SHADE) + 2 * SHADE;
    for (int x = 0; x < scene->width; x++) {
        int d = at[x] - old[x], size = d < 0 ? -d : d;
        old[x] = (int16_t)(size > limit ? at[x] : old[x] + ((d * (256 - keep)) >> 8));
    }
}

static void finish_row(struct scene *scene, int row)
{
    const int16_t *at = scene->clean + (ptrdiff_t)row * scene->width;
    uint8_t *to = scene->luma + (ptrdiff_t)row * scene->width;
    for (int x = 0; x < scene->width; x++) {
        int luma = (at[x] + SHADE / 2) / SHADE;
        to[x] = (uint8_t)(luma < 0 ? 0 : luma > 255 ? 255 : luma);
    }
}

/* Digits of 5 rows by 3 columns. */
static void write_digit(struct scene *scene, int digit, int left, int top, int size)
{
    static const uint16_t shapes[11] = {0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF,
                                        0x79EF, 0x7249, 0x7BEF, 0x7BCF, 0x0410};
    for (int k = 0; k < 15 * size * size; k++) {
        int i = k % (3 * size), j = k / (3 * size), bit = 14 - (j / size * 3 + i / size);
        int x = left + i, y = top + j;
        if (shapes[digit] >> bit & 1 && x < scene->width && y < scene->height)
            scene->luma[y * scene->width + x] = 235;
    }
}

static void write_clock(struct scene *scene)
{
    int seconds = (int)scene->t + 14 * 3600 + 59 * 60 + 31, size = (int)fmaxf(1, 3 * scene->scale);
    int parts[3] = {seconds / 3600 % 24, seconds / 60 % 60, seconds % 60};
    int x = (int)(490 * scene->scale), y = (int)(12 * scene->scale);
    for (int i = 0; i < 3; i++) {
        write_digit(scene, parts[i] / 10, x, y, size);
        write_digit(scene, parts[i] % 10, x + 4 * size, y, size);
        if (i < 2)
            write_digit(scene, 10, x + 8 * size, y, size);
        x += 12 * size;
    }
}

void scene_sense(struct scene *scene)
{
    float band = scene_level(scene, SCENE_BANDING), noise = scene->plan->noise;
    noise *= scene->infrared && scene->plan->hour != SCENE_INFRARED ? 1.8f : 1;
    scene->noise = noise;
    for (int row = 0; row < scene->height; row++) {
        float hum =
            1 + band * sinf(TAU * ((float)row / (float)scene->height * 1.7f + scene->t * 3.7f));
        expose_row(scene, row, hum);
        noise_row(scene, row, (int)(noise * 229)); /* the sum of both is 1.118 times one */
        clean_row(scene, row, scene->picture ? (int)(scene->plan->smear * 256) : 0);
        finish_row(scene, row);
    }
    if (scene_level(scene, SCENE_CLOCK) > 0)
        write_clock(scene);
}
