/* The light of a scene: a factor at nodes NODE pixels apart, straight between them; and haze. */
#include "scene_parts.h"

struct pool {
    float x, y, rx, ry, amount; /* of a 640x360 picture */
};

static const struct pool pools[3][4] = {
    [SCENE_STREET] = {{380, 190, 230, 130, 0.62f},
                      {90, 110, 130, 80, 0.40f},
                      {600, 90, 110, 70, 0.3f}},
    [SCENE_ROAD] = {{180, 235, 210, 105, 0.72f},
                    {520, 225, 200, 100, 0.62f},
                    {436, 130, 50, 40, 0.3f}},
    [SCENE_YARD] = {{235, 150, 190, 150, 0.70f}, {560, 170, 120, 90, 0.25f}},
};

enum { AMBIENT = 20 /* percent, at night */ };

static float pool_at(const struct pool *pool, float x, float y)
{
    float dx = (x - pool->x) / pool->rx, dy = (y - pool->y) / pool->ry;
    return pool->amount * expf(-1.2f * (dx * dx + dy * dy));
}

/* lamp: how bright the first of the lamps is now. */
static float night(const struct scene *scene, float x, float y, float lamp)
{
    float sum = AMBIENT / 100.0f;
    for (int i = 0; i < 4; i++)
        if (pools[scene->plan->place][i].rx > 0)
            sum += pool_at(&pools[scene->plan->place][i], x, y) * (i ? 1 : lamp);
    return sum;
}

static float infrared(float x, float y)
{
    float dx = (x - 320) / 330, dy = (y - 215) / 230;
    return 0.13f + 0.92f * expf(-1.3f * (dx * dx + dy * dy));
}

void scene_light_hour(struct scene *scene)
{
    for (int row = 0; row < scene->rows; row++) {
        for (int col = 0; col < scene->cols; col++) {
            float x = (float)(col * NODE) / scene->scale, y = (float)(row * NODE) / scene->scale;
            int at = row * scene->cols + col;
            scene->lamps[at] = scene->plan->hour == SCENE_NIGHT ? night(scene, x, y, 1) : 1;
            scene->lamps_infrared[at] = infrared(x, y);
        }
    }
}

void scene_add_beam(struct scene *scene, float x, float y, float rx, float ry, float amount)
{
    for (int row = 0; row < scene->rows; row++) {
        float dy = ((float)(row * NODE) - y) / ry;
        if (dy * dy > 4)
            continue;
        for (int col = 0; col < scene->cols; col++) {
            float dx = ((float)(col * NODE) - x) / rx, d = dx * dx + dy * dy;
            if (d < 4)
                scene->beam[row * scene->cols + col] += amount * expf(-1.5f * d);
        }
    }
}

/* --- what the camera does about the light --- */

/* Every six seconds the gain steps to level and back, at once or within a second. */
static float exposure(const struct scene_disturbance *d, float t, uint32_t seed)
{
    float local = t - d->from, turn = floorf(local / 6), phase = local - 6 * turn;
    float settle = 0.01f + scene_random((uint32_t)turn, seed) * 0.9f;
    settle = scene_random((uint32_t)turn, seed + 1) < 0.4f ? 0.01f : settle;
    float level = (int)turn & 1 ? 1 / d->level : d->level;
    float share =
        scene_smooth(0.5f, 0.5f + settle, phase) * (1 - scene_smooth(3.5f, 3.5f + settle, phase));
    return 1 + (level - 1) * share;
}

static float lightning(const struct scene_disturbance *d, float t, uint32_t seed)
{
    float local = t - d->from, turn = floorf(local / 5);
    float age = local - 5 * turn - 1 - 3 * scene_random((uint32_t)turn, seed);
    float second = age - 0.2f - 0.2f * scene_random((uint32_t)turn, seed + 1);
    float flash = (age >= 0 ? expf(-age * 14) : 0) + (second >= 0 ? 0.7f * expf(-second * 9) : 0);
    return 1 + (d->level - 1) * flash;
}

/* A black moment, then too much light, then as it was. */
static float switching(float age)
{
    if (age < 0 || age > 3)
        return 1;
    return age < 0.4f ? 0.04f : 1 + 0.7f * expf(-(age - 0.4f) * 3);
}

static void compose_gain(struct scene *scene)
{
    scene->gain = 1;
    scene->infrared = scene->plan->hour == SCENE_INFRARED;
    for (int i = 0; i < SCENE_DISTURBANCES_MAX; i++) {
        const struct scene_disturbance *d = &scene->plan->disturbances[i];
        float age = scene->t - d->from, left = d->to > 0 ? d->to - scene->t : 1;
        uint32_t seed = scene->seed + (uint32_t)i * 16;
        if (d->effect == SCENE_SWITCH) {
            scene->infrared = age > 0.3f && scene->t < d->to + 0.3f;
            scene->gain *= switching(age) * switching(scene->t - d->to);
        }
        if (age < 0 || left < 0)
            continue;
        if (d->effect == SCENE_EXPOSURE)
            scene->gain *= exposure(d, scene->t, seed);
        if (d->effect == SCENE_HUNTING)
            scene->gain *= 1 + d->level * sinf(TAU * scene->t / 1.7f) *
                                   (0.5f + 0.5f * scene_wave(scene->t / 5, seed));
        if (d->effect == SCENE_LIGHTNING)
            scene->gain *= lightning(d, scene->t, seed);
    }
}

/* --- the light of now --- */

/* Wider than the picture, soft over a hundred pixels and more, and not on the sky. */
static void compose_clouds(struct scene *scene, float level)
{
    float drift = scene->t * 48, horizon = scene->plan->place == SCENE_STREET ? -50 : 70;
    for (int row = 0; row < scene->rows; row++) {
        float y = (float)(row * NODE) / scene->scale;
        float ground = level * scene_smooth(horizon - 30, horizon + 60, y);
        for (int col = 0; col < scene->cols; col++) {
            float x = (float)(col * NODE) / scene->scale;
            float n =
                scene_octaves((x + drift) / 520, (y + drift * 0.25f) / 260, 2, scene->seed + 3);
            scene->light[row * scene->cols + col] *= 1 - ground * scene_smooth(-0.35f, 0.3f, n);
        }
    }
}

/* Passes every four to six seconds: a wide light along the ground, a second along the walls. */
static void compose_glow(struct scene *scene, const struct scene_disturbance *d)
{
    float local = scene->t - d->from, turn = floorf(local / 5), age = local - 5 * turn - 0.5f;
    uint32_t seed = scene_hash((uint32_t)turn, scene->seed + 5);
    float speed = 120 + 260 * scene_random(seed, 1), size = 90 + 120 * scene_random(seed, 2);
    float y = 130 + 150 * scene_random(seed, 3), x = -100 + age * speed;
    float rise = scene_smooth(0, 0.8f, age) * scene_smooth(4.2f, 3.0f, age) * d->level * 0.75f;
    if (rise <= 0)
        return;
    x = seed & 1 ? 640 - x : x;
    float amounts[] = {rise, rise * 0.5f};
    for (int i = 0; i < 2; i++)
        for (int row = 0; row < scene->rows; row++)
            for (int col = 0; col < scene->cols; col++) {
                float dx = ((float)(col * NODE) / scene->scale - x * (i ? 0.8f : 1)) / size;
                float dy = ((float)(row * NODE) / scene->scale - (i ? y - 90 : y)) / (size * 0.45f);
                float e = dx * dx + dy * dy;
                if (e < 4)
                    scene->light[row * scene->cols + col] += amounts[i] * expf(-1.5f * e);
            }
}

static void compose_lamp(struct scene *scene, const struct scene_disturbance *d)
{
    float fit = scene_wave(scene->t * 0.25f, scene->seed + 8);
    float n = scene_wave(scene->t * 4.3f, scene->seed + 7) + fit;
    float lamp = fit < 0 ? 1 : n > 0.45f ? 1 - d->level : n > 0.25f ? 1 - d->level * 0.5f : 1;
    for (int row = 0; row < scene->rows; row++)
        for (int col = 0; col < scene->cols; col++)
            scene->light[row * scene->cols + col] = night(scene, (float)(col * NODE) / scene->scale,
                                                          (float)(row * NODE) / scene->scale, lamp);
}

static void compose_smoke(struct scene *scene, float level)
{
    float t = scene->t;
    for (int row = 0; row < scene->rows; row++) {
        for (int col = 0; col < scene->cols; col++) {
            float x = (float)(col * NODE) / scene->scale, y = (float)(row * NODE) / scene->scale;
            float n =
                scene_octaves((x - 38 * t) / 110, (y + 9 * t) / 60 + 0.1f * t, 3, scene->seed + 9);
            float where = scene_smooth(60, 190, y) * (0.6f + 0.4f * scene_wave(t / 6, scene->seed));
            scene->haze[row * scene->cols + col] =
                0.8f * level * where * scene_smooth(-0.1f, 0.5f, n);
        }
    }
    scene->haze_shade = 175 * SHADE;
}

void scene_light_compose(struct scene *scene)
{
    size_t nodes = (size_t)scene->cols * (size_t)scene->rows;
    const struct scene_disturbance *d;
    compose_gain(scene);
    memcpy(scene->light, scene->infrared ? scene->lamps_infrared : scene->lamps,
           nodes * sizeof *scene->light);
    memset(scene->haze, 0, nodes * sizeof *scene->haze);
    if (!scene->infrared && (d = scene_effect_on(scene, SCENE_LAMP)))
        compose_lamp(scene, d);
    if ((d = scene_effect_on(scene, SCENE_CLOUDS)))
        compose_clouds(scene, d->level);
    if ((d = scene_effect_on(scene, SCENE_GLOW)))
        compose_glow(scene, d);
    if ((d = scene_effect_on(scene, SCENE_SMOKE)))
        compose_smoke(scene, d->level);
    for (size_t i = 0; i < nodes; i++)
        scene->light[i] = (scene->light[i] + scene->beam[i]) * (1 - scene->haze[i]);
}

static void apply_row(struct scene *scene, int row, const float *light, const float *haze)
{
    int16_t *at = scene->canvas + (ptrdiff_t)row * scene->width;
    for (int col = 0; col * NODE < scene->width; col++) {
        int left = scene->width - col * NODE, count = left < NODE ? left : NODE;
        float l = light[col] * 4096, step = (light[col + 1] - light[col]) * 4096 / NODE;
        float h = haze[col] * scene->haze_shade;
        float rise = (haze[col + 1] - haze[col]) * scene->haze_shade / NODE;
        for (int i = 0; i < count; i++) {
            int factor = (int)(l + step * (float)i);
            int shade = (at[i] * factor >> 12) + (int)(h + rise * (float)i);
            at[i] = (int16_t)(shade > 2 * SHADE_MAX ? 2 * SHADE_MAX : shade);
        }
        at += NODE;
    }
}

void scene_light_apply(struct scene *scene)
{
    float light[512], haze[512];
    for (int row = 0; row < scene->height; row++) {
        const float *l = scene->light + row / NODE * scene->cols;
        const float *h = scene->haze + row / NODE * scene->cols;
        float s = (float)(row % NODE) / NODE;
        for (int col = 0; col < scene->cols; col++) {
            light[col] = l[col] * (1 - s) + l[col + scene->cols] * s;
            haze[col] = h[col] * (1 - s) + h[col + scene->cols] * s;
        }
        apply_row(scene, row, light, haze);
    }
}
