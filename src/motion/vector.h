/* Marks a loop worth compiling twice: once for every x86-64, once for those with AVX2 and what came
 * with it, chosen when the program is loaded. Elsewhere the compiler's own vectors do. (A third
 * time for AVX-512 made single stages 5 % faster, the detector as a whole no faster, and the code a
 * third larger; bench_motion measures it.) RW_VECTOR_OFF: once, for what the compiler was told; the
 * tests build every set so and compare. Not under ThreadSanitizer: it instruments the choosing
 * functions too, which run before its runtime is there. */
#pragma once

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_THREAD__) &&              \
    !defined(RW_VECTOR_OFF)
#define RW_VECTOR __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define RW_VECTOR
#endif
