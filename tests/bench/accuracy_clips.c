/* The clips. Times in seconds, lengths in pixels of a 640x360 picture, speeds in pixels a second.
 */
#include "accuracy.h"

#define MOTION (1u << RW_KIND_MOTION)
#define CHANGE (1u << RW_KIND_SCENE_CHANGE)
#define MOVED (1u << RW_KIND_CAMERA_MOVED)
#define COVERED (1u << RW_KIND_COVERED)

const struct scene_plan accuracy_clips[] = {
    {.name = "calm-street",
     .place = SCENE_STREET,
     .seconds = 48,
     .noise = 2.5f,
     .smear = 0.5f,
     .movers = {{SCENE_PERSON, 0, .from = 5, .y = 235, .speed = 55, .slope = 0.1f},
                {SCENE_PERSON, 1, .from = 22, .y = 130, .speed = -45},
                {SCENE_MOTORBIKE, 0, .from = 40, .y = 150, .speed = 260}}},
    {.name = "calm-road",
     .place = SCENE_ROAD,
     .seconds = 60,
     .noise = 2,
     .smear = 0.4f,
     .movers = {{SCENE_CAR, 0, .from = 6, .y = 230, .speed = 300},
                {SCENE_PERSON, 2, .from = 13, .y = 325, .speed = -60},
                {SCENE_CAT, 0, .from = 30, .y = 262, .speed = 70, .height = 42},
                {SCENE_LORRY, 0, .from = 45, .y = 275, .speed = -240},
                {SCENE_MOTORBIKE, 1, .from = 54, .y = 225, .speed = 500}}},
    {.name = "rain",
     .place = SCENE_ROAD,
     .seconds = 60,
     .noise = 3,
     .smear = 0.4f,
     .disturbances = {{SCENE_RAIN, 0, 0, 0.5f}},
     .movers = {{SCENE_PERSON, 3, .from = 18, .y = 188, .speed = 60},
                {SCENE_CAR, 1, .from = 34, .y = 270, .speed = -200},
                {SCENE_MOTORBIKE, 0, .from = 48, .y = 225, .speed = 280}}},
    {.name = "foliage",
     .place = SCENE_ROAD,
     .seconds = 60,
     .noise = 2,
     .smear = 0.4f,
     .disturbances = {{SCENE_SWAY, 0, 0, 4}},
     .movers = {{SCENE_WALKER, 0, .from = 20, .y = 320, .speed = -55},
                {SCENE_CAR, 2, .from = 42, .y = 225, .speed = 320}}},
    {.name = "night",
     .place = SCENE_ROAD,
     .hour = SCENE_NIGHT,
     .seconds = 60,
     .noise = 4,
     .smear = 0.6f,
     .disturbances = {{SCENE_GLOW, 3, 30, 0.6f}},
     .movers = {{SCENE_CAR, 0, .from = 32, .y = 270, .speed = -220, .lit = true},
                {SCENE_WALKER, 1, .from = 40, .y = 322, .speed = 60}}},
    {.name = "snow-infrared",
     .place = SCENE_YARD,
     .hour = SCENE_INFRARED,
     .seconds = 50,
     .noise = 4,
     .smear = 0.5f,
     .disturbances = {{SCENE_SNOW, 0, 0, 0.5f}},
     .movers = {{SCENE_PERSON, 4, .from = 22, .y = 250, .speed = 60}}},
};

const int accuracy_clip_count = sizeof accuracy_clips / sizeof *accuracy_clips;
