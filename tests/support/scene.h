/* Clips that a test generates itself, with exact truth: a backdrop, things that move through it,
 * disturbances that must not be told, and a sensor. The same plan and seed give the same pictures.
 * Lengths and speeds are in pixels of a 640x360 picture, whatever the size that is drawn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SCENE_DISTURBANCES_MAX = 8,
    SCENE_MOVERS_MAX = 24,
    SCENE_KEYS_MAX = 8,
    SCENE_EXPECTS_MAX = 4,
    SCENE_SPANS_MAX = 128,
    SCENE_CELL = 4, /* pixels: what truth is kept in */
};

enum scene_place { SCENE_STREET /* vtest.avi, empty */, SCENE_ROAD, SCENE_YARD };
enum scene_hour { SCENE_DAY, SCENE_NIGHT /* street lamps */, SCENE_INFRARED };

enum scene_thing {
    SCENE_NOTHING,
    SCENE_PERSON, /* cut from vtest.avi */
    SCENE_WALKER, /* drawn, dark clothes, legs swing */
    SCENE_CAR,
    SCENE_LORRY,
    SCENE_MOTORBIKE,
    SCENE_CAT,
};

enum scene_effect {
    SCENE_CALM,
    SCENE_RAIN,
    SCENE_SNOW,
    SCENE_SWAY,      /* foliage in the wind; level: pixels */
    SCENE_SHAKE,     /* the pole; level: pixels */
    SCENE_BUMP,      /* a lorry passes outside of the picture; level: pixels */
    SCENE_EXPOSURE,  /* gain steps by the factor level and back, settling within a second */
    SCENE_HUNTING,   /* gain swings; level: share */
    SCENE_CLOUDS,    /* soft shadows; level: share of the light they take */
    SCENE_GLOW,      /* headlights of a car that is not in the picture sweep over the scene */
    SCENE_LIGHTNING, /* level: factor */
    SCENE_SWITCH,    /* to infrared at from, back at to */
    SCENE_LAMP,      /* a street lamp flickers; level: share of its light */
    SCENE_INSECTS,   /* near the lamp of the camera */
    SCENE_CRAWLER,   /* an insect walks on the glass */
    SCENE_WEB,       /* threads in the wind before the lens */
    SCENE_BANDING,   /* 50 Hz light; level: share */
    SCENE_WATER,     /* a puddle shimmers */
    SCENE_CLOTH,     /* a flag, laundry */
    SCENE_SMOKE,     /* or fog, drifting */
    SCENE_DROP,      /* runs down the glass */
    SCENE_SIGN,      /* a shop sign or a television behind a window */
    SCENE_CLOCK,     /* the camera's own text, new every second */
    SCENE_COVER,     /* a hand, or something for good */
    SCENE_TORCH,     /* into the lens */
    SCENE_TURN,      /* the camera is turned by level pixels and stays */
};

/* Levels: 1 is hard, about 0.4 moderate, 0.15 mild, where the effect names no unit. */
struct scene_disturbance {
    enum scene_effect effect;
    float from, to; /* seconds; to == 0: to the end */
    float level;
};

/* Where a thing's feet are. Between keys straight; keys at the same place: it stands. */
struct scene_key {
    float t, x, y; /* seconds, pixels */
    float height;  /* of a person there; 0: as perspective has it */
};

struct scene_mover {
    enum scene_thing thing;
    int look; /* variant */
    /* crosses from one side to the other, beginning outside the picture */
    float from;     /* seconds */
    float y, slope; /* of the feet in the middle; rise per pixel to the right */
    float speed;    /* pixels a second; < 0: to the left */
    float height;   /* of a person at that place; 0: as perspective has it */
    float stop_x, stop_s;
    /* or goes where the keys say, and is seen only between the first and the last */
    struct scene_key keys[SCENE_KEYS_MAX];
    float contrast;   /* luma against what is behind it; 0: as it is */
    float hidden_to;  /* what is left of this column hides it; 0: nothing does */
    bool lit;         /* headlights on */
    bool part_of_all; /* the clip expects another kind for it: its box is not asked for */
};

/* A happening of another kind than motion that must be told (or may, if optional). */
struct scene_expect {
    unsigned kinds; /* bit: enum rw_motion_kind */
    float from, to; /* seconds: when it may begin to be told */
    bool optional;
};

struct scene_plan {
    const char *name;
    enum scene_place place;
    enum scene_hour hour;
    int width, height, fps; /* 0: 640x360 at 15 */
    float seconds;
    float noise; /* sigma of the sensor, luma */
    float smear; /* 0 to 1: how strongly the camera cleans noise over time */
    struct scene_disturbance disturbances[SCENE_DISTURBANCES_MAX];
    struct scene_mover movers[SCENE_MOVERS_MAX];
    struct scene_expect expects[SCENE_EXPECTS_MAX];
    bool full;  /* only in the full set */
    bool hours; /* only when hours are asked for */
};

struct scene_span {
    float from, to; /* seconds */
    bool box;       /* the place is asked for */
};

struct scene_truth {
    int motion_count, ignore_count;
    struct scene_span motion[SCENE_SPANS_MAX], ignore[SCENE_SPANS_MAX];
    int cols, rows, pictures; /* cells */
    uint8_t **cells; /* a bit a cell, row after row, for every picture; NULL: nothing moves */
};

/* What all scenes share: the empty street, people, drawn things. Immutable once open. */
struct scene_stock;
/* NULL when path is no film that can be used. */
struct scene_stock *scene_stock_open(const char *path);
void scene_stock_close(struct scene_stock *stock); /* takes NULL */

struct scene;
/* plan and stock must outlive the scene. */
struct scene *scene_create(const struct scene_plan *plan, const struct scene_stock *stock,
                           uint64_t seed);
void scene_destroy(struct scene *scene); /* takes NULL */
/* Draws the next picture; false after the last. */
bool scene_next(struct scene *scene);
int scene_width(const struct scene *scene);
int scene_height(const struct scene *scene);
int scene_fps(const struct scene *scene);
int scene_pictures(const struct scene *scene);        /* drawn so far */
const uint8_t *scene_luma(const struct scene *scene); /* width * height, of the last picture */
const uint8_t *scene_mask(const struct scene *scene); /* 255: something that moves */
/* Of the pictures drawn so far; owned by the scene. */
const struct scene_truth *scene_truth(struct scene *scene);
