#include "media/canvas.h"

#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>

#include "media/internal.h"

enum { BLACK = 16, NO_COLOUR = 128 };

struct rw_canvas *rw_canvas_create(int width, int height)
{
    struct rw_canvas *canvas = calloc(1, sizeof *canvas);
    if (!canvas)
        abort();
    canvas->width = (width + 1) & ~1;
    canvas->height = (height + 1) & ~1;
    for (int i = 0; i < 3; i++) {
        canvas->stride[i] = i ? canvas->width / 2 : canvas->width;
        size_t size = (size_t)canvas->stride[i] * (size_t)(i ? canvas->height / 2 : canvas->height);
        canvas->plane[i] = malloc(size ? size : 1);
        if (!canvas->plane[i])
            abort();
        memset(canvas->plane[i], i ? NO_COLOUR : BLACK, size);
    }
    return canvas;
}

void rw_canvas_destroy(struct rw_canvas *canvas)
{
    if (!canvas)
        return;
    for (int i = 0; i < 3; i++)
        free(canvas->plane[i]);
    free(canvas);
}

/* One plane of a frame: its samples are 1 << shift pixels apart. */
struct source_plane {
    const uint8_t *data; /* NULL: the frame has no colour */
    int stride, shift_x, shift_y;
};

static struct source_plane plane_of(const AVFrame *frame, int i)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (!i)
        return (struct source_plane){frame->data[0], frame->linesize[0], 0, 0};
    if (format->nb_components < 3 || format->comp[i].plane != i || format->comp[i].step != 1)
        return (struct source_plane){.data = NULL};
    return (struct source_plane){frame->data[i], frame->linesize[i], format->log2_chroma_w,
                                 format->log2_chroma_h};
}

static uint8_t narrow_range(uint8_t value, bool luma)
{
    return (uint8_t)(luma ? 16 + (value * 219 + 127) / 255 : 128 + (value - 128) * 224 / 255);
}

static void show_plane(struct rw_canvas *canvas, const AVFrame *frame, int i, int scale)
{
    struct source_plane from = plane_of(frame, i);
    bool full = rw_frame_is_full_range(frame);
    int step = i ? 2 : 1; /* pixels of the canvas that a sample covers */
    int width = frame->width * scale, height = frame->height * scale;
    width = width < canvas->width ? width : canvas->width;
    height = height < canvas->height ? height : canvas->height;
    for (int y = 0; y < height; y += step) {
        uint8_t *out = canvas->plane[i] + (ptrdiff_t)(y / step) * canvas->stride[i];
        const uint8_t *in =
            from.data ? from.data + (ptrdiff_t)(y / scale >> from.shift_y) * from.stride : NULL;
        for (int x = 0; x < width; x += step) {
            uint8_t value = in ? in[x / scale >> from.shift_x] : NO_COLOUR;
            *out++ = full ? narrow_range(value, !i) : value;
        }
    }
}

void rw_canvas_show(struct rw_canvas *canvas, const struct rw_picture *picture, int scale)
{
    for (int i = 0; i < 3; i++)
        show_plane(canvas, rw_picture_frame(picture), i, scale);
}
