/* Rain, snow and insects between the scene and the glass. What is drawn depends on the time alone.
 */
#include "scene_parts.h"

/* How strong it blows and pours just now, 0.4 to 1. */
static float squall(const struct scene *scene, float speed)
{
    return 0.4f + 0.6f * scene_smooth(-0.6f, 0.7f, scene_wave(scene->t * speed, scene->seed + 40));
}

/* Drops fall through the picture within one or two pictures: every picture has its own. */
static void rain(struct scene *scene, float level)
{
    float s = scene->scale, strength = level * squall(scene, 0.35f);
    float wind = 0.12f + 0.35f * scene_wave(scene->t * 0.25f, scene->seed + 41);
    int count = (int)(330 * strength);
    float glow = scene->infrared ? 225 : scene->plan->hour == SCENE_NIGHT ? 120 : 205;
    for (int i = 0; i < count; i++) {
        uint32_t h =
            scene_hash((uint32_t)i, scene_hash((uint32_t)scene->picture, scene->seed + 42));
        float near = scene_random(h, 1);
        near = near * near * near;
        float x = scene_random(h, 2) * 700 - 30, y = scene_random(h, 3) * 400 - 40;
        float length = 7 + 34 * near + 5 * scene_random(h, 4), radius = 0.8f + 1.4f * near;
        float alpha = (0.30f - 0.14f * near) * (0.6f + 0.8f * scene_random(h, 5));
        float lean = wind + 0.08f * (scene_random(h, 6) - 0.5f);
        scene_line(scene, x * s, y * s, (x + length * lean) * s, (y + length) * s,
                   fmaxf(0.8f, radius * s), glow * SHADE, alpha);
    }
    /* splashes on the ground */
    for (int i = 0; i < count / 3; i++) {
        uint32_t h =
            scene_hash((uint32_t)i, scene_hash((uint32_t)scene->picture, scene->seed + 43));
        float y = 200 + 160 * scene_random(h, 1);
        scene_disc(scene, scene_random(h, 2) * 640 * s, y * s, 2.5f * s, 1.3f * s, glow * SHADE,
                   0.3f, 0.7f);
    }
}

/* One flake that falls again and again, somewhere else each time. */
static void flake(struct scene *scene, uint32_t i, float speed, float radius, float alpha,
                  float sway)
{
    float s = scene->scale, room = 360 + 2 * radius + 20;
    float way = scene->t * speed + scene_random(i, scene->seed + 45) * room,
          turn = floorf(way / room);
    uint32_t h = scene_hash(i, scene->seed + 46 + (uint32_t)turn);
    float y = way - turn * room - radius - 10,
          drift = 40 * scene_wave(scene->t * 0.2f, scene->seed + 47);
    float x =
        scene_random(h, 1) * 760 - 60 + drift * (y / 120) + sway * sinf(scene->t * 2 + (float)i);
    float glow = scene->infrared ? 240 : scene->plan->hour == SCENE_NIGHT ? 130 : 225;
    float long_y = radius + speed / 110; /* smeared by the shutter */
    scene_disc(scene, x * s, y * s, fmaxf(1.1f, radius * s), fmaxf(1.1f, long_y * s), glow * SHADE,
               alpha, radius > 4 ? 0.9f : 0.5f);
}

static void snow(struct scene *scene, float level)
{
    int far = (int)(220 * level), near = (int)(14 * level * squall(scene, 0.3f));
    for (int i = 0; i < far; i++) {
        float size = scene_random((uint32_t)i, 50);
        flake(scene, (uint32_t)i, 50 + 90 * size, 0.9f + 1.6f * size * size, 0.5f, 8);
    }
    for (int i = 0; i < near; i++) {
        float size = scene_random((uint32_t)i, 51);
        flake(scene, 1000 + (uint32_t)i, 180 + 260 * size, 5 + 9 * size, 0.42f - 0.16f * size, 14);
    }
}

/* One insect: a short erratic flight through the light, blurred and bright, then nothing. */
static void insect(struct scene *scene, uint32_t i, float level)
{
    float s = scene->scale, period = 1.1f + 2.2f * scene_random(i, 60);
    float turn = floorf(scene->t / period), age = scene->t - turn * period;
    uint32_t h = scene_hash(i, scene->seed + 61 + (uint32_t)turn);
    float life = (1 + 5 * scene_random(h, 1) * (0.5f + 0.5f * level)) / 15;
    if (age > life)
        return;
    float heading = TAU * scene_random(h, 2), speed = 150 + 700 * scene_random(h, 3);
    float bend = 9 * (scene_random(h, 4) - 0.5f), x0 = scene_random(h, 5) * 640,
          y0 = scene_random(h, 6) * 360;
    float a = heading + bend * age, x = x0 + cosf(a) * speed * age, y = y0 + sinf(a) * speed * age;
    float radius = 2.5f + 9 * scene_random(h, 7) * scene_random(h, 8);
    float long_x = cosf(a) * speed / 60, long_y = sinf(a) * speed / 60;
    float wings = 1 + 0.5f * sinf(scene->t * 130 + (float)i);
    scene_line(scene, (x - long_x) * s, (y - long_y) * s, (x + long_x) * s, (y + long_y) * s,
               radius * s * wings, 235 * SHADE, 0.65f - 0.03f * radius);
}

void scene_weather(struct scene *scene)
{
    float level;
    if ((level = scene_level(scene, SCENE_RAIN)) > 0)
        rain(scene, level);
    if ((level = scene_level(scene, SCENE_SNOW)) > 0)
        snow(scene, level);
    if ((level = scene_level(scene, SCENE_INSECTS)) > 0)
        for (uint32_t i = 0; (float)i < 12 * level; i++)
            insect(scene, i, level);
}
