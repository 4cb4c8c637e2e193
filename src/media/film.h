/* Drawn pictures in, a film out: H.264 in MP4 with its index in front, as every browser plays it.
 * One thread. */
#pragma once

#include "base/err.h"
#include "media/canvas.h"

struct rw_film;

/* Writes path.part, which rw_film_finish() renames. Both sides even. */
struct rw_film *rw_film_open(const char *path, int width, int height, struct rw_err *err);
/* "h264"; "mpeg4" where this libavcodec comes without x264, and not every browser plays it. */
const char *rw_film_codec(const struct rw_film *film);
/* A picture at this time, from wherever the first one was; time grows at least a little. Borrows
 * the canvas for the call. */
int rw_film_add(struct rw_film *film, const struct rw_canvas *canvas, int64_t time_us,
                struct rw_err *err);
/* The film is whole and has its name. Then close. */
int rw_film_finish(struct rw_film *film, struct rw_err *err);
void rw_film_close(struct rw_film *film); /* takes NULL; removes what was not finished */
