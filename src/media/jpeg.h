/* JPEG by TurboJPEG, from the decoder's own planes; limited-range luma is expanded on the way. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "media/canvas.h"
#include "media/decode.h"

/* The whole picture. quality 1 to 100. out is replaced. */
int rw_jpeg_encode(const struct rw_picture *picture, int quality, struct rw_buf *out,
                   struct rw_err *err);
/* What was drawn. */
int rw_jpeg_encode_canvas(const struct rw_canvas *canvas, int quality, struct rw_buf *out,
                          struct rw_err *err);
/* A crop around the box with some of its surroundings (the whole picture where box.w is 0), scaled
 * and compressed until it fits into max_bytes. */
int rw_jpeg_crop(const struct rw_picture *picture, struct rw_box box, size_t max_bytes,
                 struct rw_buf *out, struct rw_err *err);
