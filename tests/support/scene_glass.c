/* On the glass or just before it: out of focus, and not moved by the pole. */
#include "scene_parts.h"

static void crawler(struct scene *scene, const struct scene_disturbance *d)
{
    float s = scene->scale, local = scene->t - d->from, way = 0;
    for (int i = 0; (float)i < local * 60; i++) /* it walks and stops */
        way += 0.43f * scene_smooth(-0.3f, -0.1f, scene_wave((float)i * 0.012f, scene->seed + 70));
    float a = way / 90 + 1.5f * scene_wave(way / 120, scene->seed + 71);
    float x = -30 + way * 0.9f, y = 190 + 70 * scene_wave(way / 130, scene->seed + 72);
    float wag = 3 * sinf(way * 0.5f);
    scene_disc(scene, x * s, y * s, 26 * s, 19 * s, 25 * SHADE, 0.75f * d->level, 1);
    scene_disc(scene, (x + 18 * cosf(a)) * s, (y + wag) * s, 14 * s, 13 * s, 25 * SHADE,
               0.6f * d->level, 1);
    for (int i = -1; i <= 1; i++) {
        float reach = 4 * sinf(way * 0.6f + (float)i * 2);
        scene_line(scene, (x + (float)i * 9) * s, (y - 26 + reach) * s,
                   (x + (float)i * 9 - reach) * s, (y + 26 + reach) * s, 6 * s, 30 * SHADE,
                   0.28f * d->level);
    }
}

/* A thread from edge to edge, hanging through, swinging in the middle. */
static void thread(struct scene *scene, uint32_t i, float level)
{
    float s = scene->scale, t = scene->t;
    float x0 = scene_random(i, 80) * 300, y0 = -10, x1 = x0 + 150 + 260 * scene_random(i, 81);
    float y1 = 150 + 220 * scene_random(i, 82),
          wind = scene_smooth(-0.5f, 0.8f, scene_wave(t * 0.35f, scene->seed + 83));
    float swing =
        level * 16 * wind * (sinf(TAU * 0.8f * t + (float)i) + 0.4f * sinf(TAU * 2.3f * t));
    float shade = scene->infrared || scene->plan->hour == SCENE_NIGHT ? 200 : 175;
    float px = x0, py = y0;
    for (int k = 1; k <= 14; k++) {
        float u = (float)k / 14, sag = 4 * u * (1 - u);
        float x = x0 + (x1 - x0) * u + swing * sag,
              y = y0 + (y1 - y0) * u + (18 + 0.5f * swing) * sag;
        float glint = 0.55f + 0.45f * scene_wave(u * 6 + t * 0.8f, i + 84);
        scene_line(scene, px * s, py * s, x * s, y * s, 2.2f * s, shade * SHADE, 0.38f * glint);
        px = x;
        py = y;
    }
}

/* A drop sits, then runs down in jerks; through it the picture is bright and blurred. */
static void drop(struct scene *scene, const struct scene_disturbance *d)
{
    float s = scene->scale, local = scene->t - d->from, turn = floorf(local / 9),
          age = local - 9 * turn;
    uint32_t h = scene_hash((uint32_t)turn, scene->seed + 90);
    float run = fmaxf(0, age - 2.5f), y = 30 + 200 * scene_random(h, 1);
    y += 55 * run + 18 * scene_wave(run * 1.3f, h);
    float x = 60 + 520 * scene_random(h, 2) + 5 * scene_wave(run, h + 1);
    float r = (11 + 8 * scene_random(h, 3)) * scene_smooth(0, 0.15f, age);
    scene_disc(scene, x * s, y * s, r * s + 0.1f, r * 1.25f * s + 0.1f, 165 * SHADE,
               0.45f * d->level, 0.6f);
    scene_disc(scene, (x - r * 0.3f) * s, (y - r * 0.4f) * s, r * 0.4f * s + 0.1f,
               r * 0.4f * s + 0.1f, 230 * SHADE, 0.4f * d->level, 0.9f);
}

/* A hand comes from below, stays, goes; the picture is dark and its edge is soft. */
static void cover(struct scene *scene, const struct scene_disturbance *d)
{
    float local = scene->t - d->from, left = d->to > 0 ? d->to - scene->t : 99;
    float in = scene_smooth(0, 0.5f, local) * scene_smooth(0, 0.5f, left);
    float edge = (float)scene->height * (1.15f - 1.4f * in), soft = 60 * scene->scale;
    for (int y = 0; y < scene->height; y++) {
        for (int x = 0; x < scene->width; x++) {
            float bow = 40 * scene->scale * sinf((float)x / (float)scene->width * 7);
            float alpha = scene_clamp(((float)y - edge - bow) / soft, 0, 1);
            int16_t *at = &scene->canvas[y * scene->width + x];
            float shade = (22 + 10 * (float)y / (float)scene->height) * SHADE;
            *at = (int16_t)(*at + (shade - *at) * alpha * 0.97f);
        }
    }
}

static void torch(struct scene *scene, const struct scene_disturbance *d)
{
    float s = scene->scale, local = scene->t - d->from;
    float in = scene_smooth(0, 0.25f, local) * scene_smooth(0, 0.25f, d->to - scene->t);
    float x = (320 + 90 * scene_wave(local * 0.8f, scene->seed + 95)) * s;
    float y = (190 + 50 * scene_wave(local * 0.9f, scene->seed + 96)) * s;
    scene_add(scene, x, y, 620 * s, 470 * s, 200 * SHADE * in);
    scene_add(scene, x, y, 90 * s, 90 * s, 255 * SHADE * in);
}

void scene_glass(struct scene *scene)
{
    const struct scene_disturbance *d;
    if ((d = scene_effect_on(scene, SCENE_WEB)))
        for (uint32_t i = 0; i < 3; i++)
            thread(scene, i, d->level);
    if ((d = scene_effect_on(scene, SCENE_DROP)))
        drop(scene, d);
    if ((d = scene_effect_on(scene, SCENE_CRAWLER)))
        crawler(scene, d);
    if ((d = scene_effect_on(scene, SCENE_COVER)))
        cover(scene, d);
    if ((d = scene_effect_on(scene, SCENE_TORCH)))
        torch(scene, d);
}
