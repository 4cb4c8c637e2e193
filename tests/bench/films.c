#include "films.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { THINGS = 3, SPOTS = 60 };

struct dice {
    uint32_t state; /* xorshift: Marsaglia, 2003 */
};

static uint32_t roll(struct dice *dice)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 17;
    dice->state ^= dice->state << 5;
    return dice->state;
}

static struct dice dice_for(const struct film *film, int i)
{
    uint32_t seed = (uint32_t)(film->width * 7919 + film->height * 31 + film->kind);
    return (struct dice){(seed * 2654435761u) ^ ((uint32_t)(i + 1) * 0x9e3779b9u) ^ 1};
}

static uint8_t clipped(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* A texture with edges, in 1/256 of light, and a little noise that is new in every picture. */
static void draw_ground(const struct film *film, int light, struct dice *dice, uint8_t *at,
                        int stride)
{
    for (int y = 0; y < film->height; y++) {
        uint8_t *row = at + (ptrdiff_t)y * stride;
        for (int x = 0; x < film->width; x++) {
            int ground = 60 + (x / 37 % 3) * 30 + (y / 29 % 4) * 12 + x * 20 / film->width;
            row[x] = clipped((ground * light >> 8) + (int)(roll(dice) >> 29) - 4);
        }
    }
}

static void draw_rectangle(const struct film *film, int left, int top, int size, int brighter,
                           uint8_t *at, int stride)
{
    for (int y = top < 0 ? 0 : top; y < top + size && y < film->height; y++)
        for (int x = left < 0 ? 0 : left; x < left + size && x < film->width; x++)
            at[(ptrdiff_t)y * stride + x] = clipped(at[(ptrdiff_t)y * stride + x] + brighter);
}

static void draw_traffic(const struct film *film, int i, uint8_t *at, int stride)
{
    struct dice dice = dice_for(film, i);
    int ms = i * 1000 / film->fps;
    draw_ground(film, 240 + ms / 200 % 32, &dice, at, stride);
    for (int k = 0; k < THINGS; k++) { /* each crosses in some seconds, then there is a pause */
        int way = film->width * (ms - 1500 * (k + 1)) / (2500 + 1000 * k);
        int size = film->width / (12 + 6 * k) + 1;
        draw_rectangle(film, k & 1 ? film->width - way : way, film->height * (k + 1) / 5, size,
                       k & 1 ? -45 : 60, at, stride);
    }
}

static void draw_storm(const struct film *film, int i, uint8_t *at, int stride)
{
    struct dice dice = dice_for(film, i);
    int ms = i * 1000 / film->fps;
    static const int lights[] = {256, 256, 150, 310, 256, 512};
    draw_ground(film, lights[ms / 1700 % 6], &dice, at, stride);
    for (int k = 0; k < SPOTS; k++) {
        int x = (int)(roll(&dice) % (uint32_t)film->width);
        int y = (int)(roll(&dice) % (uint32_t)film->height);
        draw_rectangle(film, x, y, 2 + (int)(roll(&dice) % 14), 80, at, stride);
    }
    int glow = ms % 2000 / 40; /* grows over the right half, then goes out */
    for (int y = 0; y < film->height; y++)
        for (int x = film->width / 2; x < film->width; x++)
            at[(ptrdiff_t)y * stride + x] =
                clipped(at[(ptrdiff_t)y * stride + x] +
                        glow * (x - film->width / 2) / (film->width - film->width / 2));
}

static void draw_wild(const struct film *film, int i, uint8_t *at, int stride)
{
    struct dice dice = dice_for(film, i);
    for (int y = 0; y < film->height; y++)
        for (int x = 0; x < film->width; x++)
            at[(ptrdiff_t)y * stride + x] = (uint8_t)(roll(&dice) >> 24);
    if (i % 7 >= 5) /* the ends of the scale: sums are largest there */
        for (int y = 0; y < film->height; y++)
            memset(at + (ptrdiff_t)y * stride, i % 7 == 5 ? 255 : 0, (size_t)film->width);
}

struct rw_luma film_draw(const struct film *film, int i, uint8_t *at)
{
    static void (*const draw[])(const struct film *, int, uint8_t *, int) = {
        [FILM_TRAFFIC] = draw_traffic, [FILM_STORM] = draw_storm, [FILM_WILD] = draw_wild};
    int stride = film->width + film->padding;
    for (int y = 0; y < film->height && film->padding; y++)
        memset(at + (ptrdiff_t)y * stride + film->width, i * 41 + y, (size_t)film->padding);
    draw[film->kind](film, i, at, stride);
    return (struct rw_luma){
        .data = at, .width = film->width, .height = film->height, .stride = stride};
}
