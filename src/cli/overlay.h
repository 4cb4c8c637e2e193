/* A film of what the detector sees and why it decides, for people who tune it. */
#pragma once

#include "config/config.h"
#include "media/decode.h"
#include "motion/motion.h"

struct rw_overlay;

/* The file is opened with the first picture. options: what the detector was told; names: of the
 * zones and masks in the same order, or NULL. Both are borrowed until closed. local: picture times
 * are UTC and shown as local time; otherwise as seconds. */
struct rw_overlay *rw_overlay_create(const char *path, const struct rw_motion_options *options,
                                     const struct rw_detect_config *names, bool local);
void rw_overlay_destroy(struct rw_overlay *overlay); /* takes NULL; an unfinished film is removed */
/* The picture that the detector just looked at, and what it said of it. */
int rw_overlay_add(struct rw_overlay *overlay, const struct rw_picture *picture,
                   const struct rw_motion *motion, enum rw_motion_change change,
                   const struct rw_motion_run *run, struct rw_err *err);
/* Another run ended without a picture: a hole. */
void rw_overlay_break(struct rw_overlay *overlay);
/* Gives the film its name. RW_EEND: there was no picture. */
int rw_overlay_finish(struct rw_overlay *overlay, struct rw_err *err);
/* Says on standard error when the film is of a kind that not every browser plays. */
void rw_overlay_tell_codec(const struct rw_overlay *overlay);

/* A box of the picture, as alerts have it, drawn on a canvas of that picture alone. */
struct rw_canvas;
void rw_overlay_mark(struct rw_canvas *canvas, struct rw_box box);
