/* a = b + s c with the widest vectors of the build, for arrays that stay in a cache. */
#ifndef ASSAY_TRIAD_H
#define ASSAY_TRIAD_H

#include <stddef.h>

enum { PAGE = 4096 };

/* Bytes from one of three arrays of n doubles to the next: a third of a page more than whole pages, because a load whose address
 * ends like that of a store before it has to wait for that store. */
static size_t bytes_apart(size_t n)
{
    return (n * sizeof(double) + PAGE - 1) / PAGE * PAGE + PAGE / 3 / 64 * 64;
}

/* Named by width and not left to the compiler, which prefers narrower vectors than a processor has where it deems them faster. */
#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64 };
#elif defined(__AVX__)
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif
typedef double vector __attribute__((vector_size(VECTOR_BYTES)));

enum { LANES = VECTOR_BYTES / sizeof(double), UNROLLED = 4 };

/* The empty statement may read and write all memory for all the compiler knows. After each store it keeps a loop from being turned
 * into one over vectors, after each pass it keeps passes from being left out; the processor sees nothing of it. */
#define KEEP() __asm__ volatile("" : : : "memory")

__attribute__((noinline)) static void triad_of_vectors(double *a, const double *b, const double *c, double scalar, size_t n)
{
    const vector factor = (vector){0} + scalar;
    for (size_t i = 0; i < n; i += UNROLLED * LANES)
        for (size_t part = 0; part < UNROLLED; part++) {
            const size_t at = i + part * LANES;
            *(vector *)(a + at) = *(const vector *)(b + at) + factor * *(const vector *)(c + at);
        }
    KEEP();
}

#endif
