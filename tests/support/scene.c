/* A scene from its plan, picture by picture. */
#include "scene_parts.h"

const struct scene_disturbance *scene_effect_on(const struct scene *scene, enum scene_effect effect)
{
    for (int i = 0; i < SCENE_DISTURBANCES_MAX; i++) {
        const struct scene_disturbance *d = &scene->plan->disturbances[i];
        if (d->effect == effect && scene->t >= d->from && (d->to <= 0 || scene->t < d->to))
            return d;
    }
    return NULL;
}

float scene_level(const struct scene *scene, enum scene_effect effect)
{
    const struct scene_disturbance *d = scene_effect_on(scene, effect);
    return d ? d->level : 0;
}

static void allocate(struct scene *scene)
{
    size_t pixels = (size_t)scene->width * (size_t)scene->height;
    size_t nodes = (size_t)scene->cols * (size_t)scene->rows;
    scene->albedo = scene_memory(pixels, sizeof *scene->albedo);
    scene->albedo_infrared = scene_memory(pixels, sizeof *scene->albedo_infrared);
    scene->leaf = scene_memory(pixels, 1);
    scene->canvas = scene_memory(pixels, sizeof *scene->canvas);
    scene->spare = scene_memory(pixels, sizeof *scene->spare);
    scene->clean = scene_memory(pixels, sizeof *scene->clean);
    scene->mask = scene_memory(pixels, 1);
    scene->mask_spare = scene_memory(pixels, 1);
    scene->luma = scene_memory(pixels, 1);
    scene->lamps = scene_memory(nodes, sizeof *scene->lamps);
    scene->lamps_infrared = scene_memory(nodes, sizeof *scene->lamps_infrared);
    scene->light = scene_memory(nodes, sizeof *scene->light);
    scene->haze = scene_memory(nodes, sizeof *scene->haze);
    scene->beam = scene_memory(nodes, sizeof *scene->beam);
}

struct scene *scene_create(const struct scene_plan *plan, const struct scene_stock *stock,
                           uint64_t seed)
{
    struct scene *scene = scene_memory(1, sizeof *scene);
    scene->plan = plan;
    scene->stock = stock;
    scene->seed = (uint32_t)(seed ^ seed >> 32) * 977;
    for (const char *c = plan->name; *c; c++)
        scene->seed = scene_hash(scene->seed, (uint32_t)*c);
    scene->width = plan->width ? plan->width : 640;
    scene->height = plan->height ? plan->height : 360;
    scene->fps = plan->fps ? plan->fps : 15;
    scene->scale = (float)scene->width / 640;
    scene->cols = (scene->width + NODE - 1) / NODE + 1;
    scene->rows = (scene->height + NODE - 1) / NODE + 1;
    scene->picture = -1;
    scene->truth.pictures = (int)(plan->seconds * (float)scene->fps);
    scene->truth.cols = (scene->width + SCENE_CELL - 1) / SCENE_CELL;
    scene->truth.rows = (scene->height + SCENE_CELL - 1) / SCENE_CELL;
    scene->truth.cells = scene_memory((size_t)scene->truth.pictures, sizeof *scene->truth.cells);
    allocate(scene);
    scene_draw_place(scene);
    scene_light_hour(scene);
    scene_movers_init(scene);
    return scene;
}

void scene_destroy(struct scene *scene)
{
    if (!scene)
        return;
    scene_movers_finish(scene);
    for (int i = 0; i < scene->truth.pictures; i++)
        free(scene->truth.cells[i]);
    free(scene->truth.cells);
    void *owned[] = {scene->albedo,         scene->albedo_infrared,
                     scene->leaf,           scene->canvas,
                     scene->spare,          scene->clean,
                     scene->mask,           scene->mask_spare,
                     scene->luma,           scene->lamps,
                     scene->lamps_infrared, scene->light,
                     scene->haze,           scene->beam};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(scene);
}

static void keep_cells(struct scene *scene)
{
    struct scene_truth *truth = &scene->truth;
    uint8_t *cells = NULL;
    for (int y = 0; y < scene->height; y++) {
        const uint8_t *row = scene->mask + (ptrdiff_t)y * scene->width;
        for (int x = 0; x < scene->width; x++) {
            if (!row[x])
                continue;
            if (!cells)
                cells = scene_memory((size_t)(truth->cols * truth->rows + 7) / 8, 1);
            int cell = y / SCENE_CELL * truth->cols + x / SCENE_CELL;
            cells[cell / 8] |= (uint8_t)(1 << cell % 8);
        }
    }
    truth->cells[scene->picture] = cells;
}

bool scene_next(struct scene *scene)
{
    if (scene->picture + 1 >= scene->truth.pictures)
        return false;
    scene->picture++;
    scene->t = (float)scene->picture / (float)scene->fps;
    scene_sway(scene);
    scene_cloth(scene);
    scene_movers_draw(scene);
    scene_light_compose(scene);
    scene_light_apply(scene);
    scene_movers_shine(scene);
    scene_shake(scene);
    scene_weather(scene);
    scene_glass(scene);
    scene_sense(scene);
    if (scene->mover_count)
        keep_cells(scene);
    return true;
}

int scene_width(const struct scene *scene)
{
    return scene->width;
}

int scene_height(const struct scene *scene)
{
    return scene->height;
}

int scene_fps(const struct scene *scene)
{
    return scene->fps;
}

int scene_pictures(const struct scene *scene)
{
    return scene->picture + 1;
}

const uint8_t *scene_luma(const struct scene *scene)
{
    return scene->luma;
}

const uint8_t *scene_mask(const struct scene *scene)
{
    return scene->mask;
}

const struct scene_truth *scene_truth(struct scene *scene)
{
    scene_movers_tell(scene);
    return &scene->truth;
}
