/* Things that move: where they are and how they look. */
#include "scene_parts.h"

enum {
    SHUTTER = 50, /* 1/s: what moves is smeared over this time */
    TAPS_MAX = 6,
};

#define FILLED 0.4f /* how much of its box a thing fills, about */

static const struct strip *strip_of(const struct scene_stock *stock, const struct scene_mover *plan)
{
    switch (plan->thing) {
    case SCENE_PERSON:
        return &stock->people[plan->look % stock->people_count];
    case SCENE_WALKER:
        return &stock->walkers[plan->look % 2];
    case SCENE_CAR:
        return &stock->cars[plan->look % 4];
    case SCENE_LORRY:
        return &stock->lorries[plan->look % 2];
    case SCENE_MOTORBIKE:
        return &stock->motorbikes[plan->look % 2];
    default:
        return &stock->cats[plan->look % 2];
    }
}

static float slope_at(const struct scene_mover *plan, float x)
{
    return plan->y + (x - 320) * plan->slope;
}

/* The keys of a thing that crosses the picture. */
static void cross(const struct scene *scene, struct mover *mover)
{
    const struct scene_mover *plan = mover->plan;
    const struct sprite_level *level = &mover->strip->phases[0].levels[0];
    float person = plan->height > 0 ? plan->height : scene_person_height(scene, plan->y);
    float half = person * mover->strip->tall * (float)level->width / (float)level->height / 2 + 2;
    float begin = plan->speed > 0 ? -half : 640 + half, end = 640 - begin;
    float speed = fabsf(plan->speed), t = plan->from;
    float xs[3] = {begin, plan->stop_x, end};
    int stops = plan->stop_s > 0 ? 3 : 2;
    xs[1] = stops == 3 ? plan->stop_x : end;
    for (int i = 0; i < stops; i++) {
        t += i ? fabsf(xs[i] - xs[i - 1]) / speed : 0;
        mover->keys[mover->key_count++] =
            (struct scene_key){t, xs[i], slope_at(plan, xs[i]), plan->height};
        if (stops == 3 && i == 1) {
            t += plan->stop_s;
            mover->keys[mover->key_count] = mover->keys[mover->key_count - 1];
            mover->keys[mover->key_count++].t = t;
        }
    }
}

static void init_mover(struct scene *scene, const struct scene_mover *plan)
{
    struct mover *mover = &scene->movers[scene->mover_count++];
    int pictures = scene->truth.pictures;
    *mover = (struct mover){.plan = plan, .strip = strip_of(scene->stock, plan)};
    mover->area = scene_memory((size_t)pictures, sizeof *mover->area);
    mover->whole = scene_memory((size_t)pictures, sizeof *mover->whole);
    mover->state = scene_memory((size_t)pictures, 1);
    if (plan->keys[1].t > 0) {
        memcpy(mover->keys, plan->keys, sizeof mover->keys);
        mover->key_count = 1;
        while (mover->key_count < SCENE_KEYS_MAX &&
               plan->keys[mover->key_count].t > plan->keys[mover->key_count - 1].t)
            mover->key_count++;
    } else {
        cross(scene, mover);
    }
    for (int i = 0; i < mover->key_count; i++)
        if (mover->keys[i].height <= 0)
            mover->keys[i].height = scene_person_height(scene, mover->keys[i].y);
}

void scene_movers_init(struct scene *scene)
{
    for (int i = 0; i < SCENE_MOVERS_MAX; i++)
        if (scene->plan->movers[i].thing != SCENE_NOTHING)
            init_mover(scene, &scene->plan->movers[i]);
}

void scene_movers_finish(struct scene *scene)
{
    for (int i = 0; i < scene->mover_count; i++) {
        free(scene->movers[i].area);
        free(scene->movers[i].whole);
        free(scene->movers[i].state);
    }
}

/* --- where it is now --- */

struct pose {
    float x, y;          /* feet, pixels of the picture that is drawn */
    float width, height; /* of the sprite */
    float vx;            /* pixels a second */
    float travelled;     /* pixels since the first key */
    bool left;           /* looks to the left */
    bool moves;
};

static bool find_pose(const struct scene *scene, const struct mover *mover, struct pose *pose)
{
    const struct scene_key *k = mover->keys;
    float t = scene->t, gone = 0;
    int i = 0, last = mover->key_count - 1;
    if (t < k[0].t || t > k[last].t)
        return false;
    *pose = (struct pose){0};
    for (; i + 1 < last && t >= k[i + 1].t; i++) {
        gone += hypotf(k[i + 1].x - k[i].x, k[i + 1].y - k[i].y);
        if (fabsf(k[i + 1].x - k[i].x) > 1)
            pose->left = k[i + 1].x < k[i].x;
    }
    float s = (t - k[i].t) / (k[i + 1].t - k[i].t), dx = k[i + 1].x - k[i].x,
          dy = k[i + 1].y - k[i].y;
    float person = k[i].height + (k[i + 1].height - k[i].height) * s;
    const struct sprite_level *level = &mover->strip->phases[0].levels[0];
    if (fabsf(dx) > 1)
        pose->left = dx < 0;
    pose->moves = fabsf(dx) + fabsf(dy) > 0.5f;
    pose->vx = dx / (k[i + 1].t - k[i].t) * scene->scale;
    pose->travelled = (gone + hypotf(dx, dy) * s) * scene->scale;
    pose->x = (k[i].x + dx * s) * scene->scale;
    pose->y = (k[i].y + dy * s) * scene->scale;
    pose->height = person * mover->strip->tall * scene->scale;
    pose->width = pose->height * (float)level->width / (float)level->height;
    return true;
}

static const struct sprite *phase_of(const struct mover *mover, const struct pose *pose, float t)
{
    const struct strip *strip = mover->strip;
    float phase = strip->rate > 0 ? t * strip->rate
                                  : pose->travelled / pose->height * (float)strip->count * 1.2f;
    int i = pose->moves || strip->rate <= 0 ? (int)phase : 3;
    if (strip->back_forth) {
        int turn = 2 * strip->count - 2;
        i %= turn;
        i = i < strip->count ? i : turn - i;
    }
    return &strip->phases[i % strip->count];
}

/* --- drawing --- */

struct brush {
    const struct sprite_level *level;
    float left, top, step_x, step_y; /* of the sprite, and its pixels a pixel of the canvas */
    bool mirrored;
    int taps;
    float tap;            /* pixels of the canvas between taps */
    float base, contrast; /* luma' = base + (luma - mean) * contrast */
    float mean;
};

static float look_up(const struct brush *brush, float x, float y, float *luma)
{
    const struct sprite_level *level = brush->level;
    float sx = (x - brush->left) * brush->step_x - 0.5f,
          sy = (y - brush->top) * brush->step_y - 0.5f;
    if (brush->mirrored)
        sx = (float)level->width - 1 - sx;
    if (sx < 0 || sy < 0 || sx >= (float)level->width - 1 || sy >= (float)level->height - 1)
        return 0;
    int ix = (int)sx, iy = (int)sy, at = iy * level->width + ix;
    float fx = sx - (float)ix, fy = sy - (float)iy, alpha = 0, light = 0;
    const float weights[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy};
    for (int k = 0; k < 4; k++) {
        int i = at + (k & 1) + (k >> 1) * level->width;
        float a = weights[k] * level->alpha[i];
        alpha += a;
        light += a * level->luma[i];
    }
    *luma = alpha > 0 ? light / alpha : 0;
    return alpha / 255;
}

static bool paint_pixel(int16_t *at, const struct brush *brush, float x, float y)
{
    float alpha = 0, light = 0;
    for (int k = 0; k < brush->taps; k++) {
        float luma, a = look_up(brush, x - (float)k * brush->tap, y, &luma);
        alpha += a;
        if (a > 0)
            light += a * luma;
    }
    if (alpha <= 0)
        return false;
    float luma = brush->base + (light / alpha - brush->mean) * brush->contrast;
    alpha /= (float)brush->taps;
    *at = (int16_t)(*at + (scene_clamp(luma, 6, 248) * SHADE - *at) * alpha);
    return alpha >= 0.4f;
}

/* Returns the pixels that show the thing. */
static int paint(struct scene *scene, const struct brush *brush, const struct pose *pose,
                 float hidden_to, bool masked)
{
    float blur = fabsf(brush->tap) * (float)(brush->taps - 1);
    int left = (int)fmaxf(hidden_to, pose->x - pose->width / 2 - blur), seen = 0;
    int right = (int)fminf((float)scene->width, pose->x + pose->width / 2 + blur + 1);
    int top = (int)fmaxf(0, pose->y - pose->height);
    int bottom = (int)fminf((float)scene->height, pose->y + 1);
    for (int y = top; y < bottom; y++) {
        for (int x = left < 0 ? 0 : left; x < right; x++) {
            int at = y * scene->width + x;
            if (!paint_pixel(&scene->canvas[at], brush, (float)x, (float)y))
                continue;
            seen++;
            if (masked)
                scene->mask[at] = 255;
        }
    }
    return seen;
}

static float light_at(const struct scene *scene, float x, float y)
{
    int col = (int)scene_clamp(x / NODE, 0, (float)scene->cols - 1);
    int row = (int)scene_clamp(y / NODE, 0, (float)scene->rows - 1);
    return fmaxf(0.05f, scene->light[row * scene->cols + col]);
}

/* Mean luma of the canvas behind a pose. */
static float behind(const struct scene *scene, const struct pose *pose)
{
    int sum = 0, count = 0;
    for (int k = 0; k < 64; k++) {
        int x = (int)(pose->x + pose->width * ((float)(k % 8) / 8 - 0.5f));
        int y = (int)(pose->y - pose->height * (float)(k / 8) / 8);
        if (x < 0 || y < 0 || x >= scene->width || y >= scene->height)
            continue;
        sum += scene->canvas[y * scene->width + x];
        count++;
    }
    return count ? (float)sum / (float)count / SHADE : 100;
}

static struct brush brush_of(const struct scene *scene, const struct mover *mover,
                             const struct pose *pose)
{
    const struct sprite *sprite = phase_of(mover, pose, scene->t);
    int l = 0;
    while (l + 1 < sprite->level_count && (float)sprite->levels[l + 1].height >= pose->height)
        l++;
    const struct sprite_level *level = &sprite->levels[l];
    float smear = fminf(pose->vx / SHUTTER, pose->width), mean = mover->strip->mean;
    int taps = 1 + (int)(fabsf(smear) / 2);
    struct brush brush = {.level = level, .mean = mean, .base = mean, .contrast = 1};
    brush.taps = taps > TAPS_MAX ? TAPS_MAX : taps;
    brush.tap = brush.taps > 1 ? smear / (float)(brush.taps - 1) : 0;
    brush.left = pose->x - pose->width / 2;
    brush.top = pose->y - pose->height;
    brush.step_x = (float)level->width / pose->width;
    brush.step_y = (float)level->height / pose->height;
    brush.mirrored = pose->left;
    if (fabsf(mover->plan->contrast) > 0) {
        float light = light_at(scene, pose->x, pose->y - pose->height / 2);
        brush.base = behind(scene, pose) + mover->plan->contrast / light;
        brush.contrast = 0.3f;
    }
    return brush;
}

static void draw_shadow(struct scene *scene, const struct pose *pose)
{
    float rx = pose->width * 0.55f + 1, ry = pose->height * 0.07f + 1;
    int top = (int)fmaxf(0, pose->y - ry), bottom = (int)fminf((float)scene->height, pose->y + ry);
    int left = (int)fmaxf(0, pose->x - rx), right = (int)fminf((float)scene->width, pose->x + rx);
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            float dx = ((float)x - pose->x) / rx, dy = ((float)y - pose->y) / ry;
            float dark = 0.4f * scene_clamp(1 - dx * dx - dy * dy, 0, 1);
            int16_t *at = &scene->canvas[y * scene->width + x];
            *at = (int16_t)((float)*at * (1 - dark));
        }
    }
}

static void draw_mover(struct scene *scene, struct mover *mover)
{
    struct pose pose;
    if (!find_pose(scene, mover, &pose))
        return;
    float hidden = mover->plan->hidden_to * scene->scale;
    struct brush brush = brush_of(scene, mover, &pose);
    if (fabsf(mover->plan->contrast) <= 0 && hidden <= 0)
        draw_shadow(scene, &pose);
    int seen = paint(scene, &brush, &pose, hidden, pose.moves);
    mover->area[scene->picture] = seen;
    mover->whole[scene->picture] = (int)(pose.width * pose.height * FILLED);
    if (seen)
        mover->state[scene->picture] = pose.moves ? MOVER_MOVES : MOVER_STANDS;
}

/* --- headlights --- */

static void mask_beam(struct scene *scene)
{
    for (int y = 0; y < scene->height; y++)
        for (int x = 0; x < scene->width; x++)
            if (scene->beam[y / NODE * scene->cols + x / NODE] > 0.12f)
                scene->mask[y * scene->width + x] = 255;
}

static void light_mover(struct scene *scene, struct mover *mover)
{
    struct pose pose;
    if (!mover->plan->lit || !find_pose(scene, mover, &pose))
        return;
    float ahead = pose.left ? -1 : 1, person = pose.height / mover->strip->tall;
    float front = pose.x + ahead * pose.width * 0.5f;
    scene_add_beam(scene, front + ahead * person * 1.6f, pose.y + person * 0.05f, person * 1.9f,
                   person * 0.35f, 0.8f);
    if (pose.moves)
        mover->state[scene->picture] = MOVER_SHINES;
}

void scene_movers_draw(struct scene *scene)
{
    size_t nodes = (size_t)scene->cols * (size_t)scene->rows;
    bool any = false;
    memset(scene->mask, 0, (size_t)scene->width * (size_t)scene->height);
    memset(scene->beam, 0, nodes * sizeof *scene->beam);
    for (int i = 0; i < scene->mover_count; i++) {
        light_mover(scene, &scene->movers[i]);
        any |= scene->movers[i].state[scene->picture] == MOVER_SHINES;
    }
    if (any)
        mask_beam(scene);
    for (int i = 0; i < scene->mover_count; i++)
        draw_mover(scene, &scene->movers[i]);
}

void scene_movers_shine(struct scene *scene)
{
    for (int i = 0; i < scene->mover_count; i++) {
        struct mover *mover = &scene->movers[i];
        struct pose pose;
        if (!mover->plan->lit || !find_pose(scene, mover, &pose))
            continue;
        float front = pose.x + (pose.left ? -0.46f : 0.46f) * pose.width;
        float y = pose.y - pose.height * (mover->strip->tall > 1.5f ? 0.25f : 0.42f);
        float r = 0.16f * pose.height / mover->strip->tall;
        scene_add(scene, front, y, r * 2.2f, r * 2.2f, 90 * SHADE);
        scene_add(scene, front, y, r, r, 220 * SHADE);
    }
}
