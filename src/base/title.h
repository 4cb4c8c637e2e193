/* What `ps` shows of this process: its arguments, which can be written over as far as their memory
 * goes. For processes that were forked and have another part to play than their parent. */
#pragma once

#include <stddef.h>

/* Bytes that there are for the words, each with the NUL behind it; 0: none can be written. */
size_t rw_title_room(void);
/* Bytes that these need. The list ends with NULL. */
size_t rw_title_size(const char *const words[]);
/* Instead of the arguments. What is larger than the room loses its end. Before there are threads:
 * whoever points into main()'s argv reads these words from then on. */
void rw_title_set(const char *const words[]);
