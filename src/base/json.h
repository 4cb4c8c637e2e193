/* What jansson lacks. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Copies a member that is text and fits, its NUL included. False: it is none, or too long, and out
 * stays as it was. */
bool rw_json_copy_text(const json_t *json, const char *key, char *out, size_t size);
