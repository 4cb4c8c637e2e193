/* What the readers of one file share. */
#pragma once

#include "base/err.h"

struct rw_reading {
    const char *path;   /* the file's, as given */
    struct rw_err *err; /* takes the sentence */
};

struct rw_node;

/* Fails with "file:line: where sentence"; where names the key, for example
 * cameras[gate].main.keep. Returns -1. The sentence must not quote a secret. */
int rw_fail_at(const struct rw_reading *reading, const struct rw_node *node, const char *format,
               ...) __attribute__((format(printf, 3, 4)));
/* The same with no key to name: "file:line: sentence". */
int rw_fail_on_line(const struct rw_reading *reading, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

char *rw_text_copy(const char *text); /* NULL: "". The caller's; aborts without memory */
void rw_text_wipe(char **text);       /* zeroes and frees; *text becomes NULL */
/* The path as it is seen from the folder of the configuration file. The caller's. */
char *rw_text_beside(const struct rw_reading *reading, const char *path);
