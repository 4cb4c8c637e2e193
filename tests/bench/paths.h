/* The ways in which the build compiles the detector's sources; RW_PATH names this program's. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* Compiled for what this processor can do? */
static inline bool path_runs_here(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!strcmp(RW_PATH, "avx2"))
        return __builtin_cpu_supports("x86-64-v3");
    if (!strcmp(RW_PATH, "avx512"))
        return __builtin_cpu_supports("x86-64-v4");
#endif
    return true;
}
