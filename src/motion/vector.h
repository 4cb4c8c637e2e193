/* Marks a loop worth compiling twice: once for every x86-64, once for AVX2, chosen when the program
 * is loaded. Elsewhere the compiler's own vectors do. Not under ThreadSanitizer: it instruments the
 * choosing functions too, which run before its runtime is there. */
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_THREAD__)
#define RW_VECTOR __attribute__((target_clones("default", "avx2")))
#else
#define RW_VECTOR
#endif
