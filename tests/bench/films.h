/* Pictures for the detector to look at, made of integers alone: the same everywhere. */
#pragma once

#include "motion/motion.h"

struct film {
    int width, height;
    int padding; /* bytes after each row, never the same */
    int fps;
    enum film_kind {
        FILM_TRAFFIC, /* noise, things that cross, light that drifts */
        FILM_STORM,   /* flickering spots, soft glow, exposure in steps */
        FILM_WILD,    /* no two pictures have anything in common, black and white at times */
    } kind;
};

/* Draws picture number i (0, 1, ...) into at: height rows of width + padding bytes. */
struct rw_luma film_draw(const struct film *film, int i, uint8_t *at);
