/* What a camera's encoder makes of a picture: H.264 there and back, so that a test sees the blocks,
 * the blur and the pulse of keyframes that a detector sees. Grey. One thread. */
#pragma once

#include <stdint.h>

struct codec;
/* kbit: a second, held within one second; a keyframe every two seconds. NULL: no such encoder. */
struct codec *codec_create(int width, int height, int fps, int kbit);
void codec_destroy(struct codec *codec); /* takes NULL */
/* luma: width * height. Returns the picture that comes out, *stride its row length; borrowed until
 * the next call. NULL when the codec failed. */
const uint8_t *codec_pass(struct codec *codec, const uint8_t *luma, int *stride);

struct codec_file;
/* A film that is written: mask == 0: H.264 in MP4 as above; otherwise lossless grey in Matroska.
 * NULL when path cannot be written. */
struct codec_file *codec_file_create(const char *path, int width, int height, int fps, int kbit,
                                     int mask);
void codec_file_write(struct codec_file *file, const uint8_t *luma);
void codec_file_close(struct codec_file *file); /* takes NULL */
