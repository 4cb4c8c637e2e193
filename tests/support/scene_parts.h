/* What the parts of a scene know of each other. Shades are luma times 16. */
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

enum {
    SHADE = 16,
    SHADE_MAX = 255 * SHADE,
    NODE = 8,
    NOISE_LENGTH = 1 << 17,
    CURVE_LENGTH = 2 * SHADE_MAX + 1,
    STRIP_MAX = 16
};

#define TAU 6.2831853f

/* --- scene_texture.c: numbers and textures that depend on their arguments alone --- */

uint32_t scene_hash(uint32_t a, uint32_t b);
float scene_random(uint32_t a, uint32_t b); /* 0 to 1 */
float scene_wave(float x, uint32_t seed);   /* smooth noise over a line, -1 to 1, one hill a unit */
float scene_noise(float x, float y, uint32_t seed);              /* smooth, -1 to 1 */
float scene_octaves(float x, float y, int count, uint32_t seed); /* about -1 to 1 */
float scene_smooth(float from, float to, float x); /* 0 below from, 1 above to, smooth between */
static inline float scene_clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}
void *scene_memory(size_t count, size_t size); /* zeroed; never NULL */

/* --- scene_stock.c, scene_film.c, scene_sprites.c --- */

/* A picture of a thing with soft edges; levels[1..] are halves of the one before. */
struct sprite {
    struct sprite_level {
        int width, height;
        uint8_t *luma, *alpha;
    } levels[5];
    int level_count;
};

/* One thing in its phases. Looks to the right. */
struct strip {
    int count;
    struct sprite phases[STRIP_MAX];
    float tall;      /* its height in heights of a person */
    float rate;      /* phases a second at walking pace; 0: by the distance */
    float mean;      /* luma */
    bool back_forth; /* phases are played to and fro */
};

struct scene_stock {
    int width, height; /* of the street */
    uint8_t *street;
    struct strip people[8];
    int people_count;
    struct strip walkers[2], cars[4], lorries[2], motorbikes[2], cats[2];
    int16_t *noise; /* NOISE_LENGTH normal numbers, sigma 256 */
    int16_t *curve; /* luma that the sensor makes of light: CURVE_LENGTH shades */
};

void scene_sprite_finish(struct sprite *sprite);
/* Takes luma and alpha (width * height each, from malloc). */
void scene_sprite_init(struct sprite *sprite, int width, int height, uint8_t *luma, uint8_t *alpha);
void scene_strip_measure(struct strip *strip);                    /* its mean */
void scene_draw_things(struct scene_stock *stock);                /* scene_things.c */
bool scene_cut_film(struct scene_stock *stock, const char *path); /* scene_film.c */

/* --- the scene --- */

struct mover {
    const struct scene_mover *plan;
    const struct strip *strip;
    struct scene_key keys[SCENE_KEYS_MAX];
    int key_count;
    int *area;      /* seen pixels, each picture */
    int *whole;     /* pixels that would be seen if nothing hid it, about, each picture */
    uint8_t *state; /* each picture: enum mover_state */
};
enum mover_state { MOVER_AWAY, MOVER_STANDS, MOVER_MOVES, MOVER_SHINES /* only its light */ };

struct scene {
    const struct scene_plan *plan;
    const struct scene_stock *stock;
    uint32_t seed;
    int width, height, fps;
    float scale; /* pixels a pixel of the 640x360 picture */
    int picture; /* index of the one being drawn */
    float t;     /* its time, seconds */

    int16_t *albedo; /* the backdrop in full light, shades */
    int16_t *albedo_infrared;
    uint8_t *leaf; /* how far a pixel goes with the wind, of 255 */
    int16_t *canvas, *spare;
    int16_t *clean; /* what the camera's noise filter remembers */
    uint8_t *mask, *mask_spare;
    uint8_t *luma;

    int cols, rows; /* nodes of the light, NODE pixels apart */
    float *lamps;   /* the light of the hour */
    float *lamps_infrared;
    float *light, *haze; /* of this picture: factor, share of haze */
    float *beam;         /* of this picture: what headlights add */
    float haze_shade;

    bool infrared; /* in this picture */
    float gain;    /* of this picture */
    float noise;
    float shift_x, shift_y; /* of the camera */
    int mover_count;
    struct mover movers[SCENE_MOVERS_MAX];
    struct scene_truth truth;
};

float scene_level(const struct scene *scene, enum scene_effect effect); /* 0: not now */
const struct scene_disturbance *scene_effect_on(const struct scene *scene,
                                                enum scene_effect effect);

void scene_draw_place(struct scene *scene);                    /* scene_place.c */
float scene_person_height(const struct scene *scene, float y); /* scene_place.c; y of 640x360 */
void scene_light_hour(struct scene *scene);                    /* scene_light.c */
void scene_light_compose(struct scene *scene);                 /* light, haze, gain of now */
void scene_light_apply(struct scene *scene);                   /* canvas *= light */
void scene_add_beam(struct scene *scene, float x, float y, float rx, float ry, float amount);

void scene_sway(struct scene *scene);  /* scene_wind.c: canvas = backdrop in the wind */
void scene_cloth(struct scene *scene); /* flag, water, sign: in the world, before movers */
void scene_shake(struct scene *scene); /* moves canvas and mask */

void scene_movers_init(struct scene *scene); /* scene_movers.c */
void scene_movers_finish(struct scene *scene);
void scene_movers_draw(struct scene *scene);  /* bodies and shadows, before the light */
void scene_movers_shine(struct scene *scene); /* what glares, after it */
void scene_movers_tell(struct scene *scene);  /* scene_truth.c: spans, after the last picture */

void scene_weather(struct scene *scene); /* scene_weather.c: between the scene and the glass */
void scene_glass(struct scene *scene);   /* scene_glass.c: on the glass */
void scene_sense(struct scene *scene);   /* scene_sensor.c: canvas to luma */

/* Soft shapes on the canvas, in its pixels; shade, alpha 0 to 1 (scene_shapes.c). */
void scene_disc(struct scene *scene, float x, float y, float rx, float ry, float shade, float alpha,
                float softness);
void scene_line(struct scene *scene, float x0, float y0, float x1, float y1, float radius,
                float shade, float alpha);
void scene_add(struct scene *scene, float x, float y, float rx, float ry, float shade);
