/* Marks a loop worth compiling twice: once for every x86-64, once for AVX2, chosen when the program
 * is loaded. Elsewhere the compiler's own vectors do. */
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__)
#define RW_VECTOR __attribute__((target_clones("default", "avx2")))
#else
#define RW_VECTOR
#endif
