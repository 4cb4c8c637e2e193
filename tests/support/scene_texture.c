/* Numbers and textures that depend on their arguments alone: no state, so that a scene draws the
 * same whatever was drawn before. */
#include <stdio.h>

#include "scene_parts.h"

void *scene_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory) {
        fputs("scene: out of memory\n", stderr);
        abort();
    }
    return memory;
}

uint32_t scene_hash(uint32_t a, uint32_t b)
{
    uint32_t h = a * 0x9E3779B1u ^ (b + 0x7F4A7C15u) * 0x85EBCA77u;
    h ^= h >> 15;
    h *= 0xC2B2AE3Du;
    h ^= h >> 13;
    h *= 0x27D4EB2Fu;
    return h ^ h >> 16;
}

float scene_random(uint32_t a, uint32_t b)
{
    return (float)(scene_hash(a, b) >> 8) / 16777216.0f;
}

float scene_smooth(float from, float to, float x)
{
    float s = scene_clamp((x - from) / (to - from), 0, 1);
    return s * s * (3 - 2 * s);
}

float scene_wave(float x, uint32_t seed)
{
    float floor_x = floorf(x);
    uint32_t i = (uint32_t)(int)floor_x;
    float s = scene_smooth(0, 1, x - floor_x);
    return (scene_random(i, seed) * (1 - s) + scene_random(i + 1, seed) * s) * 2 - 1;
}

float scene_noise(float x, float y, uint32_t seed)
{
    float floor_y = floorf(y);
    uint32_t i = (uint32_t)(int)floor_y;
    float s = scene_smooth(0, 1, y - floor_y);
    return scene_wave(x, scene_hash(i, seed)) * (1 - s) +
           scene_wave(x, scene_hash(i + 1, seed)) * s;
}

float scene_octaves(float x, float y, int count, uint32_t seed)
{
    float sum = 0, weight = 0.6f;
    for (int i = 0; i < count; i++) {
        sum += weight * scene_noise(x, y, seed + (uint32_t)i);
        weight *= 0.6f;
        x *= 2.1f;
        y *= 2.1f;
    }
    return sum;
}
