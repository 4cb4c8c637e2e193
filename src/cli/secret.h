/* A password that stands in no command line. */
#pragma once

#include <stddef.h>

enum { RW_SECRET_SIZE = 257 };

/* From the terminal, where it is not shown, or the first line of standard input. 0, or the exit
 * status after a complaint. Wipe it after use. */
int rw_secret_read(const char *username, char out[RW_SECRET_SIZE]);
