/* Drawn things, seen from the side, looking to the right. Each is painted once, large, by shapes
 * whose edges are soft over a pixel. Lengths are shares of the sprite's height. */
#include "scene_parts.h"

struct paper {
    int width, height;
    float unit; /* pixels a length of 1 */
    uint8_t *luma, *alpha;
};

static struct paper paper_of(float width, int height)
{
    struct paper paper = {(int)(width * (float)height), height, (float)height, NULL, NULL};
    size_t size = (size_t)paper.width * (size_t)paper.height;
    paper.luma = scene_memory(size, 1);
    paper.alpha = scene_memory(size, 1);
    return paper;
}

/* inside: in pixels, positive within the shape. */
static void paint(struct paper *paper, int x, int y, float inside, float luma)
{
    float cover = scene_clamp(inside + 0.5f, 0, 1);
    if (cover <= 0)
        return;
    uint8_t *l = &paper->luma[y * paper->width + x], *a = &paper->alpha[y * paper->width + x];
    float under = *a ? *l : luma;
    *l = (uint8_t)scene_clamp(under + (luma - under) * cover, 0, 255);
    *a = (uint8_t)fmaxf(*a, cover * 255);
}

/* A limb: from (x0, y0) to (x1, y1), thick. */
static void limb(struct paper *paper, float x0, float y0, float x1, float y1, float thick,
                 float luma)
{
    float vx = x1 - x0, vy = y1 - y0, length = vx * vx + vy * vy + 1e-9f, edge = thick + 0.02f;
    int left = (int)fmaxf(0, (fminf(x0, x1) - edge) * paper->unit);
    int right = (int)fminf((float)paper->width, (fmaxf(x0, x1) + edge) * paper->unit + 1);
    int top = (int)fmaxf(0, (fminf(y0, y1) - edge) * paper->unit);
    int bottom = (int)fminf((float)paper->height, (fmaxf(y0, y1) + edge) * paper->unit + 1);
    for (int y = top; y < bottom; y++) {
        for (int x = left; x < right; x++) {
            float px = ((float)x + 0.5f) / paper->unit - x0;
            float py = ((float)y + 0.5f) / paper->unit - y0;
            float along = scene_clamp((px * vx + py * vy) / length, 0, 1);
            float d = hypotf(px - along * vx, py - along * vy);
            float shade = luma * (1 - 0.25f * (py - along * vy) / thick);
            shade += 8 * scene_noise((float)x * 0.15f, (float)y * 0.15f, 5);
            paint(paper, x, y, (thick - d) * paper->unit, shade);
        }
    }
}

/* A box whose top is narrower: left and right edges at the bottom and at the top. */
static void body(struct paper *paper, const float bottom[2], const float top[2], float y0, float y1,
                 float luma)
{
    for (int y = 0; y < paper->height; y++) {
        float fy = ((float)y + 0.5f) / paper->unit, s = (fy - y0) / (y1 - y0);
        float left = top[0] + (bottom[0] - top[0]) * s, right = top[1] + (bottom[1] - top[1]) * s;
        float round = 0.03f * (1 - scene_clamp(8 * fminf(s, 1 - s), 0, 1));
        float inside_y = fminf(fy - y0, y1 - fy);
        for (int x = 0; x < paper->width; x++) {
            float fx = ((float)x + 0.5f) / paper->unit;
            float inside = fminf(inside_y, fminf(fx - left - round, right - round - fx));
            float shade = luma * (1.1f - 0.3f * s) + 6 * scene_noise(fx * 9, fy * 9, 7);
            shade += s < 0.12f ? luma * 0.12f : 0;
            paint(paper, x, y, inside * paper->unit, shade);
        }
    }
}

static void wheel(struct paper *paper, float x, float y, float radius, int phase)
{
    limb(paper, x, y, x, y, radius, 28);
    limb(paper, x, y, x, y, radius * 0.55f, 120);
    for (int i = 0; i < 3; i++) {
        float a = TAU * ((float)i / 3 + (float)phase / 12);
        limb(paper, x, y, x + cosf(a) * radius * 0.5f, y + sinf(a) * radius * 0.5f, radius * 0.1f,
             50);
    }
}

static struct sprite finished(struct paper *paper)
{
    struct sprite sprite;
    scene_sprite_init(&sprite, paper->width, paper->height, paper->luma, paper->alpha);
    return sprite;
}

static struct sprite car(float luma, float roof, int phase)
{
    struct paper paper = paper_of(3.0f, 96);
    body(&paper, (float[]){0.62f, 2.35f}, (float[]){0.95f, 1.85f}, roof, 0.50f, luma);
    body(&paper, (float[]){0.10f, 2.92f}, (float[]){0.16f, 2.84f}, 0.44f, 0.84f, luma);
    body(&paper, (float[]){0.80f, 1.42f}, (float[]){1.02f, 1.42f}, roof + 0.06f, 0.46f, 45);
    body(&paper, (float[]){1.48f, 2.18f}, (float[]){1.48f, 1.80f}, roof + 0.06f, 0.46f, 60);
    body(&paper, (float[]){0.12f, 2.90f}, (float[]){0.12f, 2.90f}, 0.78f, 0.86f, luma * 0.5f);
    limb(&paper, 1.45f, 0.5f, 1.45f, 0.8f, 0.01f, luma * 0.6f);
    limb(&paper, 2.84f, 0.54f, 2.86f, 0.57f, 0.04f, 235);
    limb(&paper, 0.14f, 0.53f, 0.14f, 0.58f, 0.03f, 70);
    wheel(&paper, 0.62f, 0.82f, 0.17f, phase);
    wheel(&paper, 2.36f, 0.82f, 0.17f, phase);
    return finished(&paper);
}

static struct sprite lorry(float luma, int phase)
{
    struct paper paper = paper_of(2.5f, 128);
    body(&paper, (float[]){0.03f, 1.82f}, (float[]){0.03f, 1.82f}, 0.03f, 0.80f, luma);
    for (int i = 1; i < 6; i++)
        limb(&paper, 0.3f * (float)i, 0.06f, 0.3f * (float)i, 0.78f, 0.006f, luma * 0.7f);
    body(&paper, (float[]){1.88f, 2.47f}, (float[]){1.90f, 2.36f}, 0.25f, 0.84f, luma * 0.7f);
    body(&paper, (float[]){2.06f, 2.42f}, (float[]){2.06f, 2.36f}, 0.31f, 0.52f, 50);
    body(&paper, (float[]){0.1f, 2.47f}, (float[]){0.1f, 2.47f}, 0.79f, 0.88f, 40);
    limb(&paper, 2.42f, 0.72f, 2.43f, 0.74f, 0.03f, 235);
    wheel(&paper, 0.35f, 0.88f, 0.11f, phase);
    wheel(&paper, 0.62f, 0.88f, 0.11f, phase);
    wheel(&paper, 2.12f, 0.88f, 0.11f, phase);
    return finished(&paper);
}

static struct sprite motorbike(float coat, int phase)
{
    struct paper paper = paper_of(1.2f, 96);
    wheel(&paper, 0.24f, 0.84f, 0.15f, phase);
    wheel(&paper, 0.96f, 0.84f, 0.15f, phase);
    limb(&paper, 0.30f, 0.66f, 0.62f, 0.72f, 0.07f, 60);
    limb(&paper, 0.62f, 0.72f, 0.86f, 0.62f, 0.07f, 130);
    limb(&paper, 0.86f, 0.50f, 0.95f, 0.82f, 0.035f, 90);
    limb(&paper, 0.46f, 0.58f, 0.70f, 0.64f, 0.07f, 55);
    limb(&paper, 0.70f, 0.64f, 0.68f, 0.84f, 0.05f, 50);
    limb(&paper, 0.46f, 0.55f, 0.53f, 0.27f, 0.10f, coat);
    limb(&paper, 0.55f, 0.30f, 0.82f, 0.47f, 0.04f, coat * 0.9f);
    limb(&paper, 0.56f, 0.12f, 0.56f, 0.13f, 0.10f, 150);
    limb(&paper, 0.62f, 0.13f, 0.63f, 0.14f, 0.05f, 40);
    return finished(&paper);
}

static struct sprite walker(float coat, float trousers, int phase)
{
    struct paper paper = paper_of(0.5f, 120);
    float swing = sinf(TAU * (float)phase / 12), other = -swing,
          lift = cosf(TAU * (float)phase / 12);
    float bob = 0.012f * fabsf(swing), hip = 0.52f + bob;
    float far_x = 0.25f + 0.13f * other, near_x = 0.25f + 0.13f * swing;
    float far_y = 0.97f - 0.05f * fmaxf(0, -lift), near_y = 0.97f - 0.05f * fmaxf(0, lift);
    limb(&paper, 0.25f, hip, far_x * 0.5f + 0.14f, 0.74f, 0.05f, trousers * 0.8f);
    limb(&paper, far_x * 0.5f + 0.14f, 0.74f, far_x, far_y, 0.04f, trousers * 0.8f);
    limb(&paper, 0.26f, 0.26f, 0.25f + 0.10f * swing, 0.52f, 0.035f, coat * 0.8f);
    limb(&paper, 0.25f, 0.24f + bob, 0.25f, 0.50f + bob, 0.085f, coat);
    limb(&paper, 0.25f, hip, near_x * 0.5f + 0.14f, 0.74f, 0.055f, trousers);
    limb(&paper, near_x * 0.5f + 0.14f, 0.74f, near_x, near_y, 0.042f, trousers);
    limb(&paper, near_x, near_y, near_x + 0.05f, near_y, 0.025f, 30);
    limb(&paper, 0.25f, 0.26f, 0.25f + 0.10f * other, 0.52f, 0.038f, coat * 1.1f);
    limb(&paper, 0.265f, 0.085f + bob, 0.265f, 0.10f + bob, 0.062f, 130);
    limb(&paper, 0.25f, 0.065f + bob, 0.24f, 0.08f + bob, 0.06f, 40);
    return finished(&paper);
}

static struct sprite cat(float luma, int phase)
{
    struct paper paper = paper_of(1.6f, 64);
    for (int i = 0; i < 4; i++) {
        float s = sinf(TAU * ((float)phase / 8 + (float)i * 0.3f));
        float x = i < 2 ? 0.45f : 1.05f;
        limb(&paper, x, 0.55f, x + 0.14f * s, 0.93f, 0.07f, luma * 0.8f);
    }
    limb(&paper, 0.45f, 0.48f, 1.05f, 0.46f, 0.16f, luma);
    limb(&paper, 1.25f, 0.32f, 1.28f, 0.33f, 0.13f, luma);
    limb(&paper, 1.20f, 0.18f, 1.20f, 0.24f, 0.04f, luma);
    limb(&paper, 0.36f, 0.44f, 0.10f, 0.15f, 0.04f, luma * 0.9f);
    return finished(&paper);
}

static struct strip strip_of(float tall, int count)
{
    return (struct strip){.tall = tall, .count = count};
}

void scene_draw_things(struct scene_stock *stock)
{
    static const float paints[4] = {205, 60, 140, 95};
    for (int i = 0; i < 4; i++) {
        stock->cars[i] = strip_of(i == 3 ? 1.05f : 0.88f, 4);
        for (int k = 0; k < 4; k++)
            stock->cars[i].phases[k] = car(paints[i], i == 3 ? 0.02f : 0.10f, k);
        scene_strip_measure(&stock->cars[i]);
    }
    for (int i = 0; i < 2; i++) {
        stock->lorries[i] = strip_of(1.9f, 4);
        stock->motorbikes[i] = strip_of(0.98f, 4);
        for (int k = 0; k < 4; k++) {
            stock->lorries[i].phases[k] = lorry(i ? 90 : 190, k);
            stock->motorbikes[i].phases[k] = motorbike(i ? 60 : 170, k);
        }
        stock->walkers[i] = strip_of(1, 12);
        for (int k = 0; k < 12; k++)
            stock->walkers[i].phases[k] = walker(i ? 45 : 150, i ? 60 : 50, k);
        stock->cats[i] = strip_of(0.2f, 8);
        for (int k = 0; k < 8; k++)
            stock->cats[i].phases[k] = cat(i ? 170 : 50, k);
        scene_strip_measure(&stock->lorries[i]);
        scene_strip_measure(&stock->motorbikes[i]);
        scene_strip_measure(&stock->walkers[i]);
        scene_strip_measure(&stock->cats[i]);
    }
}
