/* The empty street and the people of vtest.avi: what is left of the film when everything that
 * moves is taken away, and what was taken away. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "scene_parts.h"

enum {
    EVERY = 8,      /* pictures: of these the median is taken */
    SEARCHED = 500, /* pictures in which people are looked for */
    HALF = 2,       /* blobs are looked for at half the size */
    BLOBS_MAX = 64,
    TRACKS_MAX = 64,
    DIFFERENT = 24, /* luma, of a blob */
    CUT = 22,       /* luma, of a pixel that is cut out: above that of a shadow */
    CROP_TOP = 72,  /* 16:9 of 4:3 */
    STREET_WIDTH = 640,
    STREET_HEIGHT = 360,
};

struct film {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
};

static void film_close(struct film *film)
{
    avcodec_free_context(&film->codec);
    avformat_close_input(&film->format);
    av_packet_free(&film->packet);
    av_frame_free(&film->frame);
}

static bool film_open(struct film *film, const char *path)
{
    const AVCodec *codec = NULL;
    *film = (struct film){.packet = av_packet_alloc(), .frame = av_frame_alloc()};
    if (avformat_open_input(&film->format, path, NULL, NULL) < 0 ||
        (film->stream = av_find_best_stream(film->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0)) <
            0)
        return false;
    film->codec = avcodec_alloc_context3(codec);
    avcodec_parameters_to_context(film->codec, film->format->streams[film->stream]->codecpar);
    film->codec->thread_count = 1;
    return avcodec_open2(film->codec, codec, NULL) >= 0;
}

static bool film_next(struct film *film)
{
    while (avcodec_receive_frame(film->codec, film->frame) < 0) {
        if (av_read_frame(film->format, film->packet) < 0)
            return false;
        if (film->packet->stream_index == film->stream)
            avcodec_send_packet(film->codec, film->packet);
        av_packet_unref(film->packet);
    }
    return film->frame->width >= 640 && film->frame->height >= 480;
}

static void copy_luma(const AVFrame *frame, uint8_t *to)
{
    for (int y = 0; y < frame->height; y++)
        memcpy(to + (ptrdiff_t)y * frame->width, frame->data[0] + y * frame->linesize[0],
               (size_t)frame->width);
}

/* --- the empty street --- */

static uint8_t median(const uint8_t *at, size_t stride, int count)
{
    uint16_t histogram[256] = {0};
    int seen = 0, value = 0;
    for (int i = 0; i < count; i++)
        histogram[at[(size_t)i * stride]]++;
    while ((seen += histogram[value]) * 2 < count)
        value++;
    return (uint8_t)value;
}

/* width * height luma, the caller's; NULL when the film cannot be read. */
static uint8_t *empty_street(const char *path, int *width, int *height)
{
    struct film film;
    uint8_t *samples = NULL, *street = NULL;
    size_t size = 0;
    int count = 0;
    bool open = film_open(&film, path);
    for (int n = 0; open && count < 100 && film_next(&film); n++) {
        size = (size_t)film.frame->width * (size_t)film.frame->height;
        *width = film.frame->width;
        *height = film.frame->height;
        if (!samples)
            samples = scene_memory(100, size);
        if (n % EVERY == 0)
            copy_luma(film.frame, samples + size * (size_t)count++);
    }
    film_close(&film);
    if (count > 10) {
        street = scene_memory(size, 1);
        for (size_t i = 0; i < size; i++)
            street[i] = median(samples + i, size, count);
    }
    free(samples);
    return street;
}

static void crop_street(struct scene_stock *stock, const uint8_t *full, int width)
{
    stock->width = STREET_WIDTH;
    stock->height = STREET_HEIGHT;
    stock->street = scene_memory(STREET_WIDTH * STREET_HEIGHT, 1);
    float step = (float)width / STREET_WIDTH;
    for (int y = 0; y < STREET_HEIGHT; y++) {
        for (int x = 0; x < STREET_WIDTH; x++) {
            float fx = (float)x * step, fy = CROP_TOP + (float)y * step;
            const uint8_t *at = full + (ptrdiff_t)fy * width + (ptrdiff_t)fx;
            fx -= floorf(fx);
            fy -= floorf(fy);
            float top = (float)at[0] * (1 - fx) + (float)at[1] * fx;
            float bottom = (float)at[width] * (1 - fx) + (float)at[width + 1] * fx;
            stock->street[y * STREET_WIDTH + x] = (uint8_t)(top * (1 - fy) + bottom * fy + 0.5f);
        }
    }
}

/* --- people --- */

struct blob {
    int left, top, right, bottom, area; /* half size */
};

struct track {
    struct blob last;
    int count; /* pictures in a row */
    int first_left;
    bool seen; /* in this picture */
    struct sprite phases[STRIP_MAX];
};

struct search {
    struct scene_stock *stock;
    const uint8_t *street;
    int width, height;
    uint8_t *different; /* half size */
    int *stack;
    struct blob blobs[BLOBS_MAX];
    int blob_count;
    struct track tracks[TRACKS_MAX];
};

static void mark_different(struct search *search, const AVFrame *frame)
{
    int cols = search->width / HALF, rows = search->height / HALF;
    for (int y = 0; y < rows; y++) {
        const uint8_t *a = frame->data[0] + y * HALF * frame->linesize[0];
        const uint8_t *b = search->street + (ptrdiff_t)y * HALF * search->width;
        for (int x = 0; x < cols; x++) {
            int d = abs(a[x * 2] - b[x * 2]) + abs(a[x * 2 + 1] - b[x * 2 + 1]);
            search->different[y * cols + x] = d > 2 * DIFFERENT;
        }
    }
}

static struct blob flood(struct search *search, int start)
{
    int cols = search->width / HALF, rows = search->height / HALF, depth = 0;
    struct blob blob = {cols, rows, 0, 0, 0};
    search->stack[depth++] = start;
    search->different[start] = 0;
    while (depth) {
        int at = search->stack[--depth], x = at % cols, y = at / cols;
        blob.area++;
        blob.left = x < blob.left ? x : blob.left;
        blob.right = x > blob.right ? x : blob.right;
        blob.top = y < blob.top ? y : blob.top;
        blob.bottom = y > blob.bottom ? y : blob.bottom;
        for (int dy = -2; dy <= 2; dy++) { /* parts of one body may be two pixels apart */
            for (int dx = -1; dx <= 1; dx++) {
                int to = at + dy * cols + dx;
                if (x + dx < 0 || x + dx >= cols || y + dy < 0 || y + dy >= rows ||
                    !search->different[to])
                    continue;
                search->different[to] = 0;
                search->stack[depth++] = to;
            }
        }
    }
    return blob;
}

static bool may_be_person(const struct search *search, const struct blob *blob)
{
    int w = blob->right - blob->left + 1, h = blob->bottom - blob->top + 1;
    return h >= 27 && h <= 75 && w * 10 >= h * 2 && w * 10 <= h * 6 &&
           blob->area * 10 > w * h * 4 && blob->left > 3 && blob->top > 3 &&
           blob->right < search->width / HALF - 4 && blob->bottom < search->height / HALF - 4;
}

static void find_blobs(struct search *search)
{
    int count = search->width / HALF * (search->height / HALF);
    search->blob_count = 0;
    for (int i = 0; i < count && search->blob_count < BLOBS_MAX; i++) {
        if (!search->different[i])
            continue;
        struct blob blob = flood(search, i);
        if (may_be_person(search, &blob))
            search->blobs[search->blob_count++] = blob;
    }
}

/* Grows (or shrinks) what is not 0 by one pixel. */
static void grow(uint8_t *at, int width, int height, bool shrink)
{
    uint8_t *old = scene_memory((size_t)width * (size_t)height, 1);
    memcpy(old, at, (size_t)width * (size_t)height);
    for (int y = 1; y < height - 1; y++) {
        for (int x = 1; x < width - 1; x++) {
            const uint8_t *o = &old[y * width + x];
            at[y * width + x] = shrink ? o[0] & o[-1] & o[1] & o[-width] & o[width]
                                       : o[0] | o[-1] | o[1] | o[-width] | o[width];
        }
    }
    free(old);
}

static void soften(uint8_t *at, int width, int height)
{
    uint8_t *old = scene_memory((size_t)width * (size_t)height, 1);
    memcpy(old, at, (size_t)width * (size_t)height);
    for (int y = 1; y < height - 1; y++) {
        for (int x = 1; x < width - 1; x++) {
            int sum = 0;
            for (int k = 0; k < 9; k++)
                sum += old[(y + k / 3 - 1) * width + x + k % 3 - 1];
            at[y * width + x] = (uint8_t)(sum / 9);
        }
    }
    free(old);
}

/* The part of a cut that shows something, and a pixel around it. */
static void trim(struct sprite *sprite, const uint8_t *luma, const uint8_t *alpha, int width,
                 int height)
{
    struct blob b = {width - 1, height - 1, 0, 0, 0};
    for (int k = 0; k < width * height; k++) {
        int x = k % width, y = k / width;
        if (alpha[k] < 100)
            continue;
        b.left = x < b.left ? x : b.left;
        b.right = x > b.right ? x : b.right;
        b.top = y < b.top ? y : b.top;
        b.bottom = y > b.bottom ? y : b.bottom;
    }
    b.right = b.right > b.left ? b.right : b.left;
    b.bottom = b.bottom > b.top ? b.bottom : b.top;
    int w = b.right - b.left + 3, h = b.bottom - b.top + 3;
    uint8_t *l = scene_memory((size_t)w * (size_t)h, 1),
            *a = scene_memory((size_t)w * (size_t)h, 1);
    for (int k = 0; k < w * h; k++) {
        int x = b.left - 1 + k % w, y = b.top - 1 + k / w;
        if (x < 0 || y < 0 || x >= width || y >= height)
            continue;
        l[k] = luma[y * width + x];
        a[k] = alpha[y * width + x];
    }
    scene_sprite_init(sprite, w, h, l, a);
}

/* Cuts a blob out of the picture; the alpha is what differs, holes closed, edges soft. */
static void cut(const struct search *search, const struct blob *blob, const AVFrame *frame,
                struct sprite *sprite)
{
    int left = blob->left * HALF - 4, top = blob->top * HALF - 4;
    int width = (blob->right - blob->left + 1) * HALF + 8;
    int height = (blob->bottom - blob->top + 1) * HALF + 8;
    uint8_t *luma = scene_memory((size_t)width * (size_t)height, 1);
    uint8_t *alpha = scene_memory((size_t)width * (size_t)height, 1);
    for (int y = 0; y < height; y++) {
        const uint8_t *from = frame->data[0] + (top + y) * frame->linesize[0] + left;
        const uint8_t *empty = search->street + (ptrdiff_t)(top + y) * search->width + left;
        memcpy(luma + y * width, from, (size_t)width);
        for (int x = 3; x < width - 3 && y > 2 && y < height - 3; x++)
            alpha[y * width + x] = abs(from[x] - empty[x]) > CUT ? 255 : 0;
    }
    static const bool shrink[] = {true, false, false, false, true, true, true};
    for (size_t i = 0; i < sizeof shrink; i++) /* specks away, holes closed, the rim off */
        grow(alpha, width, height, shrink[i]);
    soften(alpha, width, height);
    trim(sprite, luma, alpha, width, height);
    free(luma);
    free(alpha);
}

static void track_forget(struct track *track)
{
    for (int i = 0; i < track->count; i++)
        scene_sprite_finish(&track->phases[i]);
    *track = (struct track){0};
}

static bool follows(const struct track *track, const struct blob *blob)
{
    int dx = blob->left + blob->right - track->last.left - track->last.right;
    int dy = blob->bottom - track->last.bottom;
    int dh = (blob->bottom - blob->top) - (track->last.bottom - track->last.top);
    return abs(dx) < 16 && abs(dy) < 6 && abs(dh) < 6;
}

/* A track that is long enough is a person of the stock. */
static void track_keep(struct search *search, struct track *track)
{
    struct scene_stock *stock = search->stock;
    int travel = track->last.left - track->first_left;
    if (abs(travel) < 20) {
        track_forget(track);
        return;
    }
    struct strip *strip = &stock->people[stock->people_count++];
    *strip = (struct strip){.count = track->count, .tall = 1, .rate = 10, .back_forth = true};
    memcpy(strip->phases, track->phases, sizeof strip->phases);
    for (int i = 0; travel < 0 && i < strip->count; i++) {
        struct sprite *sprite = &strip->phases[i];
        for (int l = 0; l < sprite->level_count; l++) {
            struct sprite_level *level = &sprite->levels[l];
            for (int k = 0; k < level->height * level->width; k++) {
                int x = k % level->width, mirrored = k - x + level->width - 1 - x;
                if (x >= level->width / 2)
                    continue;
                uint8_t a = level->luma[k], b = level->alpha[k];
                level->luma[k] = level->luma[mirrored];
                level->alpha[k] = level->alpha[mirrored];
                level->luma[mirrored] = a;
                level->alpha[mirrored] = b;
            }
        }
    }
    scene_strip_measure(strip);
    *track = (struct track){0};
}

static void track_blob(struct search *search, const struct blob *blob, const AVFrame *frame)
{
    struct track *track = NULL, *unused = NULL;
    for (int i = 0; i < TRACKS_MAX && !track; i++) {
        struct track *t = &search->tracks[i];
        if (!t->count)
            unused = t;
        else if (!t->seen && follows(t, blob))
            track = t;
    }
    track = track ? track : unused;
    if (!track || search->stock->people_count == 8)
        return;
    if (!track->count)
        track->first_left = blob->left;
    cut(search, blob, frame, &track->phases[track->count++]);
    track->last = *blob;
    track->seen = true;
    if (track->count == STRIP_MAX)
        track_keep(search, track);
}

static void find_people(struct search *search, const char *path)
{
    struct film film;
    bool open = film_open(&film, path);
    for (int n = 0; open && n < SEARCHED && search->stock->people_count < 8 && film_next(&film);
         n++) {
        mark_different(search, film.frame);
        find_blobs(search);
        for (int i = 0; i < search->blob_count; i++)
            track_blob(search, &search->blobs[i], film.frame);
        for (int i = 0; i < TRACKS_MAX; i++) {
            if (search->tracks[i].count && !search->tracks[i].seen)
                track_forget(&search->tracks[i]);
            search->tracks[i].seen = false;
        }
    }
    film_close(&film);
    for (int i = 0; i < TRACKS_MAX; i++)
        track_forget(&search->tracks[i]);
}

bool scene_cut_film(struct scene_stock *stock, const char *path)
{
    struct search *search = scene_memory(1, sizeof *search);
    uint8_t *street = empty_street(path, &search->width, &search->height);
    if (street) {
        size_t cells = (size_t)search->width * (size_t)search->height;
        search->stock = stock;
        search->street = street;
        search->different = scene_memory(cells, 1);
        search->stack = scene_memory(cells, sizeof *search->stack);
        crop_street(stock, street, search->width);
        find_people(search, path);
        free(search->different);
        free(search->stack);
    }
    free(street);
    free(search);
    return stock->people_count > 0;
}
