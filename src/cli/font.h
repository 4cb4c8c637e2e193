/* Letters for drawn pictures: ASCII, 5 x 8 dots each. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RW_FONT_COLS = 5, RW_FONT_ROWS = 8, RW_FONT_ADVANCE = 6, RW_FONT_LINE = 10 };

/* RW_FONT_ROWS bytes, from the top; bit 4 is the leftmost dot. '?' for what there is no letter of.
 */
const uint8_t *rw_font_rows(char letter);
/* UTF-8 as the font can show it: letters without their marks ("Cổng làng": "Cong lang"), '?' for
 * all others. */
void rw_font_plain(const char *text, char *out, size_t size);
