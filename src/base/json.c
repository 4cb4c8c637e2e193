#include "base/json.h"

#include <string.h>

bool rw_json_copy_text(const json_t *json, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(json, key));
    if (!text || strlen(text) >= size)
        return false;
    strcpy(out, text);
    return true;
}
