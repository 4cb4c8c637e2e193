/* Memory that is zeroed and there: sizes are bounded by RW_PICTURE_SIDE_MAX, a box without these
 * few megabytes cannot watch. */
#pragma once

#include <stdlib.h>

static inline void *rw_zeroed(int count, size_t size)
{
    void *memory = calloc((size_t)count, size);
    if (!memory)
        abort();
    return memory;
}
