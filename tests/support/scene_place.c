/* The backdrops: albedo in full light, and where foliage is. Coordinates are those of a 640x360
 * picture. */
#include "scene_parts.h"

struct crown {
    float x, y, rx, ry;
};

static const struct crown road_crowns[] = {
    {85, 118, 88, 66}, {585, 112, 90, 70}, {345, 166, 52, 16}, {40, 352, 90, 26}, {0, 0, 0, 0}};
static const struct crown yard_crowns[] = {{560, 118, 110, 62}, {395, 158, 34, 30}, {0, 0, 0, 0}};
static const struct crown street_crowns[] = {{95, 60, 110, 70}, {520, 330, 90, 45}, {0, 0, 0, 0}};

static float box(float x, float y, float left, float top, float right, float bottom)
{
    float d = fminf(fminf(x - left, right - x), fminf(y - top, bottom - y));
    return scene_clamp(d + 0.5f, 0, 1);
}

static float mix(float a, float b, float share)
{
    return a + (b - a) * share;
}

/* Windows in rows; x, y within the wall. */
static float windows(float x, float y, float luma)
{
    float wx = x - 34 * floorf(x / 34), wy = y - 46 * floorf(y / 46);
    float frame = box(wx, wy, 9, 10, 27, 34), pane = box(wx, wy, 11, 12, 25, 32);
    float cross = 1 - box(wx, wy, 17.2f, 12, 18.8f, 32);
    luma = mix(luma, 190, frame);
    return mix(luma, 55 + 20 * scene_random((uint32_t)(x / 34), (uint32_t)(y / 46) + 9),
               pane * cross);
}

/* Trunks of the two trees. */
static float trunk(float x, float y, float luma)
{
    float bark = 48 + 14 * scene_noise(x / 2, y / 9, 33), bend = 2 * scene_noise(0, y / 20, 34);
    luma = mix(luma, bark, box(x + bend, y, 78, 120, 90, 188));
    return mix(luma, bark, box(x + bend, y, 584, 120, 595, 184));
}

static float houses(float x, float y)
{
    static const float left[] = {-10, 128, 262, 420, 470, 700}, top[] = {62, 48, 80, 130, 58},
                       shade[] = {150, 176, 128, 190, 142};
    float luma = 205 - y * 0.25f + 14 * scene_octaves(x / 90, y / 40, 3, 31);
    for (int i = 0; i < 5; i++) {
        if (x < left[i] || x >= left[i + 1] || i == 3)
            continue;
        float wall = shade[i] + 5 * scene_octaves(x / 5, y / 5, 2, 40 + (uint32_t)i);
        wall = windows(x - left[i], y - top[i] - 8, wall);
        float roof = 84 + 10 * scene_noise(x / 3, y / 2, 50) - 18 * (float)((int)y % 5 == 0);
        luma = mix(luma, roof, box(x, y, left[i] - 4, top[i] - 14, left[i + 1] - 4, top[i]));
        luma = mix(luma, wall, box(x, y, left[i], top[i], left[i + 1] - 8, 200));
        luma = mix(luma, 60, box(x, y, left[i + 1] - 8, top[i] + 20, left[i + 1], 200));
    }
    return luma;
}

static float side_street(float x, float y, float luma)
{
    if (y < 118)
        return luma;
    float s = (y - 118) / 78, half = 5 + 52 * s, middle = 436 + 6 * s;
    float inside = scene_clamp(half - fabsf(x - middle) + 0.5f, 0, 1);
    float kerb = scene_clamp(1.5f - fabsf(half - fabsf(x - middle)), 0, 1);
    float asphalt = 112 - 12 * s + 7 * scene_octaves(x / (2 + 4 * s), y / (1 + 2 * s), 2, 60);
    return mix(mix(luma, asphalt, inside), 165, kerb * 0.7f);
}

static float road(float x, float y)
{
    y += (x - 320) * 0.035f;
    if (y < 178)
        return trunk(x, y, side_street(x, y, houses(x, y)));
    float depth = (y - 100) / 200,
          grain = scene_octaves(x / (3 * depth), y / (1.5f * depth), 3, 61);
    if (y < 196 || y > 303) {
        float joint = x / depth - 22 * floorf(x / depth / 22) < 1.2f ? 26 : 0;
        float pavement = 146 + 6 * grain - joint - (y > 303 ? 8 : 0);
        if (y > 337)
            pavement = 88 + 26 * scene_octaves(x / 4, y / 3, 3, 62);
        return y < 196 ? trunk(x, y, side_street(x, y, pavement)) : pavement;
    }
    float luma = 98 + 9 * grain + 8 * scene_octaves(x / 120, y / 40, 2, 63);
    luma += 7 * scene_smooth(4, 0, fabsf(y - 222)) + 7 * scene_smooth(5, 0, fabsf(y - 272));
    float dash = x / depth - 70 * floorf(x / depth / 70);
    luma = mix(luma, 186 + 8 * grain, box(dash, y, 4, 243.0f, 38, 246.5f));
    luma = mix(luma, 172, box(x, y, -99, 194.5f, 740, 197.5f));
    luma = mix(luma, 178, box(x, y, -99, 299, 740, 303));
    return mix(luma, 55, box(x, y, -99, 297.5f, 740, 299) * 0.7f);
}

static float brick(float x, float y, float luma)
{
    float row = floorf(y / 7), bx = x + (((int)row & 1) ? 9 : 0);
    bool mortar = y - 7 * row < 1.3f || bx - 18 * floorf(bx / 18) < 1.3f;
    float tint =
        14 * (scene_random((uint32_t)(int)floorf(bx / 18), (uint32_t)(int)row + 77) - 0.5f);
    return mortar ? luma + 26 : luma + tint + 4 * scene_noise(x, y, 70);
}

static float fence(float x, float y, float behind)
{
    float bar = x - 13 * floorf(x / 13);
    behind = mix(behind, 58, box(bar, y, 4, 78, 6.5f, 176) * (x > 440 ? 1 : 0));
    return mix(behind, 62, (box(x, y, 440, 84, 700, 87) + box(x, y, 440, 164, 700, 168)));
}

static float yard(float x, float y)
{
    float foot = 150 + (x > 300 ? (x - 300) * 0.08f : 0);
    if (x < 112 - (y - 60) * 0.18f) {
        float wall = brick(x * 0.8f, y + x * 0.35f, 168);
        wall = mix(wall, 70, box(x, y + x * 0.35f, 28, 110, 78, 190));
        return wall - 12;
    }
    if (y < foot) {
        float wall =
            x > 440 ? 186 - 0.2f * y + 10 * scene_octaves(x / 60, y / 30, 3, 71) : brick(x, y, 118);
        wall = mix(wall, 60, box(x, y, 258, 82, 296, 150));
        wall = mix(wall, 92, box(x, y, 261, 86, 293, 150) * 0.7f);
        wall = mix(wall, 215, box(x, y, 150, 72, 206, 116));
        wall = mix(wall, 48, box(x, y, 154, 76, 202, 112) * (fabsf(x - 178) > 1.5f ? 1 : 0));
        wall = mix(wall, 205, box(x, y, 432, 30, 442, 175));
        return fence(x, y, wall);
    }
    float depth = (y - 90) / 160, gx = (x - 320) / depth / 46, gy = 9 / depth;
    float luma = 138 + 9 * scene_octaves(x / (4 * depth), y / (2 * depth), 3, 72);
    luma += 12 * scene_octaves(x / 70, y / 30, 2, 73);
    if (gx - floorf(gx) < 0.03f || gy - floorf(gy) < 0.05f)
        luma -= 40;
    luma -= 30 * scene_smooth(12, 0, y - foot);
    return y < 178 ? fence(x, y, luma) : luma;
}

static float street(const struct scene *scene, float x, float y)
{
    const struct scene_stock *stock = scene->stock;
    float fx = scene_clamp(x, 0, (float)stock->width - 1.01f);
    float fy = scene_clamp(y, 0, (float)stock->height - 1.01f);
    const uint8_t *at = stock->street + (int)fy * stock->width + (int)fx;
    fx -= floorf(fx);
    fy -= floorf(fy);
    return mix(mix(at[0], at[1], fx), mix(at[stock->width], at[stock->width + 1], fx), fy);
}

/* How much of a pixel is foliage: crowns with ragged edges. *moves: how far it goes with the wind,
 * a little beyond the edge, so that the edge itself moves. */
static float foliage(const struct crown *crowns, float x, float y, float *moves)
{
    float most = 0;
    *moves = 0;
    for (; crowns->rx > 0; crowns++) {
        float dx = (x - crowns->x) / crowns->rx, dy = (y - crowns->y) / crowns->ry;
        float d = dx * dx + dy * dy;
        if (d > 1.8f)
            continue;
        d += 0.30f * scene_octaves(x / 22, y / 22, 4, 80);
        most = fmaxf(most, scene_smooth(1.0f, 0.86f, d));
        *moves = fmaxf(*moves, scene_smooth(1.4f, 0.9f, d));
    }
    return most;
}

static float leaves(float x, float y)
{
    float n = scene_octaves(x / 13, y / 11, 4, 90);
    return scene_clamp(78 + 62 * n, 18, 190);
}

static const struct crown *crowns_of(const struct scene *scene)
{
    static const struct crown none[] = {{0, 0, 0, 0}};
    bool sways = false;
    for (int i = 0; i < SCENE_DISTURBANCES_MAX; i++)
        sways |= scene->plan->disturbances[i].effect == SCENE_SWAY;
    switch (scene->plan->place) {
    case SCENE_ROAD:
        return road_crowns;
    case SCENE_YARD:
        return yard_crowns;
    default:
        return sways ? street_crowns : none;
    }
}

static float ground(const struct scene *scene, float x, float y)
{
    switch (scene->plan->place) {
    case SCENE_ROAD:
        return road(x, y);
    case SCENE_YARD:
        return yard(x, y);
    default:
        return street(scene, x, y);
    }
}

void scene_draw_place(struct scene *scene)
{
    const struct crown *crowns = crowns_of(scene);
    for (int row = 0; row < scene->height; row++) {
        for (int col = 0; col < scene->width; col++) {
            float x = (float)col / scene->scale, y = (float)row / scene->scale;
            int at = row * scene->width + col;
            float moves, leaf = foliage(crowns, x, y, &moves), luma = ground(scene, x, y);
            float green = leaf > 0 ? leaves(x, y) : 0;
            scene->leaf[at] = (uint8_t)(moves * 255);
            scene->albedo[at] = (int16_t)(scene_clamp(mix(luma, green, leaf), 4, 250) * SHADE);
            float bright = scene_clamp(mix(40 + luma * 0.75f, green * 1.5f + 35, leaf), 4, 250);
            scene->albedo_infrared[at] = (int16_t)(bright * SHADE);
        }
    }
}

float scene_person_height(const struct scene *scene, float y)
{
    switch (scene->plan->place) {
    case SCENE_ROAD:
        return 0.36f * (y - 100);
    case SCENE_YARD:
        return 0.52f * (y - 40);
    default:
        return 0.27f * (y + 77);
    }
}
