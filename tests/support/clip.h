/* A film in memory, as a camera sends it: access units in Annex B, parameter sets before every
 * keyframe. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct picture {
    GBytes *bytes;          /* one access unit */
    int64_t pts_us, dts_us; /* since the clip's first dts */
    bool key;
};

struct clip {
    bool hevc;
    GArray *pictures;    /* of struct picture, at least one; the first is a keyframe */
    int64_t duration_us; /* until the clip begins again */
};

/* Reads the H.264 or H.265 video of any file that libavformat reads. NULL with *error, a sentence
 * that is the caller's to g_free(). */
struct clip *clip_load(const char *file, char **error);
void clip_destroy(struct clip *clip); /* takes NULL */

/* The keyframe at or before position_us, which may lie laps ahead. */
guint clip_keyframe(const struct clip *clip, int64_t position_us);
const struct picture *clip_picture(const struct clip *clip, guint index);
