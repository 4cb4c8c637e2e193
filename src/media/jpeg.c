#include "media/jpeg.h"

#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "media/internal.h"

enum {
    CROP_WIDTH_MAX = 320,
    CROP_QUALITY = 80,
    CROP_QUALITY_MIN = 30,
    CROP_WIDTH_MIN = 48,
    LIMITED_LOW = 16,
    LIMITED_LUMA = 219, /* steps from black to white, ITU-R BT.601 */
    LIMITED_CHROMA = 224,
};

/* Whole pixels of the picture. */
struct region {
    int x, y, w, h;
};

/* Three planes as TurboJPEG takes them. */
struct planes {
    const uint8_t *data[3];
    int stride[3];
    int width, height;
    int sampling; /* TJSAMP_* */
};

struct range_table {
    uint8_t luma[256], chroma[256];
};

static uint8_t clamp_byte(int value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void fill_range_table(struct range_table *table)
{
    for (int i = 0; i < 256; i++) {
        int above = i - LIMITED_LOW, off = i - 128;
        table->luma[i] = clamp_byte((above * 255 + LIMITED_LUMA / 2) / LIMITED_LUMA);
        table->chroma[i] = clamp_byte(128 + (int)lround(off * 255.0 / LIMITED_CHROMA));
    }
}

static void map_plane(uint8_t *restrict to, int to_stride, const uint8_t *from, int from_stride,
                      int width, int height, const uint8_t table[256])
{
    for (int y = 0; y < height; y++) {
        const uint8_t *in = from + (ptrdiff_t)y * from_stride;
        uint8_t *out = to + (ptrdiff_t)y * to_stride;
        for (int x = 0; x < width; x++)
            out[x] = table[in[x]];
    }
}

bool rw_frame_is_full_range(const AVFrame *frame)
{
    return frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
           frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P ||
           frame->format == AV_PIX_FMT_YUVJ440P;
}

static int sampling_of(const AVFrame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (format->nb_components < 3 || format->comp[1].plane != 1 || format->comp[2].plane != 2)
        return TJSAMP_GRAY;
    static const int SAMPLING[3][2] = {
        {TJSAMP_444, TJSAMP_440}, {TJSAMP_422, TJSAMP_420}, {TJSAMP_411, TJSAMP_GRAY}};
    if (format->log2_chroma_w > 2 || format->log2_chroma_h > 1)
        return TJSAMP_GRAY;
    return SAMPLING[format->log2_chroma_w][format->log2_chroma_h];
}

static void planes_of(const AVFrame *frame, struct planes *planes)
{
    *planes = (struct planes){
        .width = frame->width, .height = frame->height, .sampling = sampling_of(frame)};
    for (int i = 0; i < (planes->sampling == TJSAMP_GRAY ? 1 : 3); i++) {
        planes->data[i] = frame->data[i];
        planes->stride[i] = frame->linesize[i];
    }
}

static int plane_width(const struct planes *planes, int i)
{
    return tjPlaneWidth(i, planes->width, planes->sampling);
}

static int plane_height(const struct planes *planes, int i)
{
    return tjPlaneHeight(i, planes->height, planes->sampling);
}

/* Planes in full range, in memory of their own (the caller's to free). NULL without memory. */
static uint8_t *expand_range(const struct planes *from, struct planes *to)
{
    struct range_table table;
    int count = from->sampling == TJSAMP_GRAY ? 1 : 3;
    size_t size = 0;
    fill_range_table(&table);
    for (int i = 0; i < count; i++)
        size += (size_t)plane_width(from, i) * (size_t)plane_height(from, i);
    uint8_t *memory = malloc(size), *at = memory;
    if (!memory)
        return NULL;
    *to = *from;
    for (int i = 0; i < count; i++) {
        int width = plane_width(from, i), height = plane_height(from, i);
        to->data[i] = at;
        to->stride[i] = width;
        map_plane(at, width, from->data[i], from->stride[i], width, height,
                  i ? table.chroma : table.luma);
        at += (size_t)width * (size_t)height;
    }
    return memory;
}

static int compress(const struct planes *planes, int quality, struct rw_buf *out,
                    struct rw_err *err)
{
    tjhandle handle = tjInitCompress();
    unsigned char *jpeg = NULL;
    unsigned long size = 0;
    int rc = -1;
    if (!handle) {
        rw_fail(err, RW_ENOMEM, "no memory for a JPEG");
        goto out;
    }
    rw_buf_clear(out);
    if (tjCompressFromYUVPlanes(handle, (const unsigned char **)planes->data, planes->width,
                                planes->stride, planes->height, planes->sampling, &jpeg, &size,
                                quality, 0) < 0) {
        rw_fail(err, RW_EFORMAT, "a picture cannot be made a JPEG (%s)", tjGetErrorStr2(handle));
        goto out;
    }
    rw_buf_add(out, jpeg, size);
    rc = 0;
out:
    tjFree(jpeg);
    if (handle)
        tjDestroy(handle);
    return rc;
}

static int compress_limited(const struct planes *planes, int quality, struct rw_buf *out,
                            struct rw_err *err)
{
    struct planes full;
    uint8_t *memory = expand_range(planes, &full);
    if (!memory)
        return rw_fail(err, RW_ENOMEM, "no memory for a JPEG");
    int rc = compress(&full, quality, out, err);
    free(memory);
    return rc;
}

int rw_jpeg_encode(const struct rw_picture *picture, int quality, struct rw_buf *out,
                   struct rw_err *err)
{
    const AVFrame *frame = rw_picture_frame(picture);
    struct planes planes;
    planes_of(frame, &planes);
    return rw_frame_is_full_range(frame) ? compress(&planes, quality, out, err)
                                         : compress_limited(&planes, quality, out, err);
}

int rw_jpeg_encode_canvas(const struct rw_canvas *canvas, int quality, struct rw_buf *out,
                          struct rw_err *err)
{
    struct planes planes = {
        .width = canvas->width, .height = canvas->height, .sampling = TJSAMP_420};
    for (int i = 0; i < 3; i++) {
        planes.data[i] = canvas->plane[i];
        planes.stride[i] = canvas->stride[i];
    }
    return compress_limited(&planes, quality, out, err);
}

static double clamp_double(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Start and length of one side of the crop: centred on the box where the picture allows it. */
static void place_side(double start, double length, double wanted, int limit, int *at, int *span)
{
    double size = clamp_double(wanted, 2, limit);
    double first = clamp_double(start + (length - size) / 2, 0, limit - size);
    *at = (int)first & ~1;
    *span = (int)ceil(size);
    if (*span > limit - *at)
        *span = limit - *at;
}

/* The box with 40 % of itself on each side, at least a fifth of the picture wide, neither a ribbon
 * nor a pole. */
static struct region crop_region(const struct planes *planes, struct rw_box box)
{
    double width = planes->width, height = planes->height;
    struct region region = {0, 0, planes->width, planes->height};
    if (!(box.w > 0) || !(box.h > 0) || !isfinite(box.x) || !isfinite(box.y))
        return region;
    double x = clamp_double(box.x, 0, 1) * width, y = clamp_double(box.y, 0, 1) * height;
    double w = clamp_double(box.w, 0, 1) * width, h = clamp_double(box.h, 0, 1) * height;
    double wanted_w = fmax(w * 1.8, width / 5), wanted_h = fmax(h * 1.8, height / 5);
    wanted_w = fmin(fmax(wanted_w, wanted_h * 0.75), width);
    wanted_h = fmin(fmax(wanted_h, wanted_w * 0.5625), height);
    place_side(x, w, wanted_w, planes->width, &region.x, &region.w);
    place_side(y, h, wanted_h, planes->height, &region.y, &region.h);
    return region;
}

static uint8_t average(const uint8_t *from, int stride, int x0, int x1, int y0, int y1)
{
    uint32_t sum = 0;
    for (int y = y0; y < y1; y++) {
        const uint8_t *row = from + (ptrdiff_t)y * stride;
        for (int x = x0; x < x1; x++)
            sum += row[x];
    }
    uint32_t count = (uint32_t)(x1 - x0) * (uint32_t)(y1 - y0);
    return (uint8_t)((sum + count / 2) / count);
}

/* Each sample of `to` is the mean of the samples of `in` that it covers, at least one. */
static void scale_plane(const uint8_t *from, int stride, struct region in, uint8_t *to, int width,
                        int height)
{
    for (int y = 0; y < height; y++) {
        int y0 = in.y + (int)((int64_t)y * in.h / height);
        int y1 = in.y + (int)((int64_t)(y + 1) * in.h / height);
        for (int x = 0; x < width; x++) {
            int x0 = in.x + (int)((int64_t)x * in.w / width);
            int x1 = in.x + (int)((int64_t)(x + 1) * in.w / width);
            *to++ = average(from, stride, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1);
        }
    }
}

/* The same region in a plane with fewer samples, at least one. */
static struct region region_in_plane(const struct planes *planes, int i, struct region region)
{
    int pw = plane_width(planes, i), ph = plane_height(planes, i);
    struct region in = {(int)((int64_t)region.x * pw / planes->width),
                        (int)((int64_t)region.y * ph / planes->height),
                        (int)((int64_t)region.w * pw / planes->width),
                        (int)((int64_t)region.h * ph / planes->height)};
    in.w = in.w < 1 ? 1 : in.w;
    in.h = in.h < 1 ? 1 : in.h;
    return in;
}

/* The region as 4:2:0 (or gray) of width x height, both even. Memory is the caller's to free. */
static uint8_t *scale(const struct planes *from, struct region region, int width, int height,
                      struct planes *to)
{
    uint8_t *memory = malloc((size_t)width * (size_t)height * 3 / 2), *at = memory;
    if (!memory)
        return NULL;
    *to = (struct planes){.width = width,
                          .height = height,
                          .sampling = from->sampling == TJSAMP_GRAY ? TJSAMP_GRAY : TJSAMP_420};
    for (int i = 0; i < (from->sampling == TJSAMP_GRAY ? 1 : 3); i++) {
        int w = plane_width(to, i), h = plane_height(to, i);
        to->data[i] = at;
        to->stride[i] = w;
        scale_plane(from->data[i], from->stride[i], region_in_plane(from, i, region), at, w, h);
        at += (size_t)w * (size_t)h;
    }
    return memory;
}

int rw_jpeg_crop(const struct rw_picture *picture, struct rw_box box, size_t max_bytes,
                 struct rw_buf *out, struct rw_err *err)
{
    const AVFrame *frame = rw_picture_frame(picture);
    struct planes planes, small;
    bool full_range = rw_frame_is_full_range(frame);
    planes_of(frame, &planes);
    struct region region = crop_region(&planes, box);
    int width = region.w < CROP_WIDTH_MAX ? region.w : CROP_WIDTH_MAX;
    for (; width >= CROP_WIDTH_MIN || width == region.w; width = width * 3 / 4) {
        int even_width = width < 2 ? 2 : width & ~1;
        int height = (int)((int64_t)region.h * even_width / region.w) & ~1;
        uint8_t *memory = scale(&planes, region, even_width, height < 2 ? 2 : height, &small);
        if (!memory)
            return rw_fail(err, RW_ENOMEM, "no memory for a JPEG");
        int rc = 0;
        for (int quality = CROP_QUALITY; rc == 0 && quality >= CROP_QUALITY_MIN; quality -= 10) {
            rc = full_range ? compress(&small, quality, out, err)
                            : compress_limited(&small, quality, out, err);
            if (rc == 0 && out->size <= max_bytes)
                break;
        }
        free(memory);
        if (rc < 0 || out->size <= max_bytes)
            return rc;
    }
    rw_buf_clear(out);
    return rw_fail(err, RW_EINVAL, "no JPEG of this picture fits into %zu bytes", max_bytes);
}
