/* What all scenes share. */
#include "scene_parts.h"

static void halve(const struct sprite_level *from, struct sprite_level *to)
{
    to->width = from->width / 2;
    to->height = from->height / 2;
    size_t size = (size_t)to->width * (size_t)to->height;
    to->luma = scene_memory(size, 1);
    to->alpha = scene_memory(size, 1);
    for (int y = 0; y < to->height; y++) {
        for (int x = 0; x < to->width; x++) {
            int light = 0, alpha = 0, plain = 0;
            for (int k = 0; k < 4; k++) {
                int at = (y * 2 + k / 2) * from->width + x * 2 + k % 2;
                alpha += from->alpha[at];
                light += from->luma[at] * from->alpha[at];
                plain += from->luma[at];
            }
            to->alpha[y * to->width + x] = (uint8_t)(alpha / 4);
            to->luma[y * to->width + x] = (uint8_t)(alpha ? light / alpha : plain / 4);
        }
    }
}

void scene_sprite_init(struct sprite *sprite, int width, int height, uint8_t *luma, uint8_t *alpha)
{
    *sprite = (struct sprite){.levels[0] = {width, height, luma, alpha}, .level_count = 1};
    while (sprite->level_count < 5) {
        struct sprite_level *last = &sprite->levels[sprite->level_count - 1];
        if (last->width < 8 || last->height < 8)
            break;
        halve(last, last + 1);
        sprite->level_count++;
    }
}

void scene_sprite_finish(struct sprite *sprite)
{
    for (int i = 0; i < sprite->level_count; i++) {
        free(sprite->levels[i].luma);
        free(sprite->levels[i].alpha);
    }
    sprite->level_count = 0;
}

void scene_strip_measure(struct strip *strip)
{
    double light = 0, weight = 1e-9;
    for (int i = 0; i < strip->count; i++) {
        const struct sprite_level *level = &strip->phases[i].levels[0];
        for (int k = 0; k < level->width * level->height; k++) {
            light += level->luma[k] * level->alpha[k];
            weight += level->alpha[k];
        }
    }
    strip->mean = (float)(light / weight);
}

static void finish_strips(struct strip *strips, int count)
{
    for (int i = 0; i < count; i++)
        for (int k = 0; k < strips[i].count; k++)
            scene_sprite_finish(&strips[i].phases[k]);
}

/* Linear up to 200, then ever flatter. */
static int16_t curve(float shade)
{
    float luma = shade / SHADE;
    if (luma > 200)
        luma = 200 + 52 * (1 - expf((200 - luma) / 52));
    return (int16_t)(scene_clamp(luma, 0, 252) * SHADE);
}

struct scene_stock *scene_stock_open(const char *path)
{
    struct scene_stock *stock = scene_memory(1, sizeof *stock);
    if (!scene_cut_film(stock, path)) {
        scene_stock_close(stock);
        return NULL;
    }
    scene_draw_things(stock);
    stock->curve = scene_memory(CURVE_LENGTH, sizeof *stock->curve);
    for (int i = 0; i < CURVE_LENGTH; i++)
        stock->curve[i] = curve((float)i);
    stock->noise = scene_memory(NOISE_LENGTH, sizeof *stock->noise);
    for (uint32_t i = 0; i < NOISE_LENGTH; i++) { /* Box and Muller */
        float u = scene_random(i, 1) + 1e-7f, v = scene_random(i, 2);
        float n = sqrtf(-2 * logf(u)) * cosf(TAU * v);
        stock->noise[i] = (int16_t)(scene_clamp(n, -4, 4) * 256);
    }
    return stock;
}

void scene_stock_close(struct scene_stock *stock)
{
    if (!stock)
        return;
    finish_strips(stock->people, stock->people_count);
    finish_strips(stock->walkers, 2);
    finish_strips(stock->cars, 4);
    finish_strips(stock->lorries, 2);
    finish_strips(stock->motorbikes, 2);
    finish_strips(stock->cats, 2);
    free(stock->street);
    free(stock->noise);
    free(stock->curve);
    free(stock);
}
