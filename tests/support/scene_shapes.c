/* Soft shapes blended into a scene's canvas. */
#include "scene_parts.h"

static void blend(int16_t *at, float shade, float alpha)
{
    *at = (int16_t)(*at + (shade - *at) * alpha);
}

/* The rows and columns that a shape around (x, y) may touch. */
struct window {
    int left, right, top, bottom;
};
static struct window window_of(const struct scene *scene, float x0, float x1, float y0, float y1)
{
    struct window w = {(int)floorf(x0), (int)ceilf(x1) + 1, (int)floorf(y0), (int)ceilf(y1) + 1};
    w.left = w.left < 0 ? 0 : w.left;
    w.top = w.top < 0 ? 0 : w.top;
    w.right = w.right > scene->width ? scene->width : w.right;
    w.bottom = w.bottom > scene->height ? scene->height : w.bottom;
    return w;
}

void scene_disc(struct scene *scene, float x, float y, float rx, float ry, float shade, float alpha,
                float softness)
{
    struct window w = window_of(scene, x - rx, x + rx, y - ry, y + ry);
    for (int row = w.top; row < w.bottom; row++) {
        for (int col = w.left; col < w.right; col++) {
            float dx = ((float)col - x) / rx, dy = ((float)row - y) / ry;
            float d = dx * dx + dy * dy;
            if (d < 1)
                blend(&scene->canvas[row * scene->width + col], shade,
                      alpha * scene_clamp((1 - d) / softness, 0, 1));
        }
    }
}

void scene_line(struct scene *scene, float x0, float y0, float x1, float y1, float radius,
                float shade, float alpha)
{
    struct window w = window_of(scene, fminf(x0, x1) - radius, fmaxf(x0, x1) + radius,
                                fminf(y0, y1) - radius, fmaxf(y0, y1) + radius);
    float vx = x1 - x0, vy = y1 - y0, length = vx * vx + vy * vy + 1e-6f;
    for (int row = w.top; row < w.bottom; row++) {
        for (int col = w.left; col < w.right; col++) {
            float px = (float)col - x0, py = (float)row - y0;
            float along = scene_clamp((px * vx + py * vy) / length, 0, 1);
            float dx = px - along * vx, dy = py - along * vy;
            float d = (dx * dx + dy * dy) / (radius * radius);
            if (d < 1)
                blend(&scene->canvas[row * scene->width + col], shade, alpha * (1 - d));
        }
    }
}

void scene_add(struct scene *scene, float x, float y, float rx, float ry, float shade)
{
    struct window w = window_of(scene, x - rx, x + rx, y - ry, y + ry);
    for (int row = w.top; row < w.bottom; row++) {
        for (int col = w.left; col < w.right; col++) {
            float dx = ((float)col - x) / rx, dy = ((float)row - y) / ry;
            float d = 1 - dx * dx - dy * dy;
            int16_t *at = &scene->canvas[row * scene->width + col];
            if (d > 0)
                *at = (int16_t)fminf(*at + shade * d * d, SHADE_MAX * 2);
        }
    }
}
