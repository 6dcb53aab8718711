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

/* The empty statement may read and write all memory for all the compiler knows. After each store it keeps a loop from being turned
 * into one over vectors, after each pass it keeps passes from being left out; the processor sees nothing of it. */
#define KEEP() __asm__ volatile("" : : : "memory")

enum { UNROLLED = 4 };

#if defined(__ARM_FEATURE_SVE)
#include <arm_sve.h>

/* How wide they are, the processor says. */
static size_t vector_bytes(void)
{
    return svcntb();
}

__attribute__((noinline)) static void triad_of_vectors(double *a, const double *b, const double *c, double scalar, size_t n)
{
    const svbool_t all = svptrue_b64();
    const size_t lanes = svcntd();
    for (size_t i = 0; i < n; i += UNROLLED * lanes)
        for (size_t part = 0; part < UNROLLED; part++) {
            const size_t at = i + part * lanes;
            svst1_f64(all, a + at, svmla_n_f64_x(all, svld1_f64(all, b + at), svld1_f64(all, c + at), scalar));
        }
    KEEP();
}

#else
/* Named by width and not left to the compiler, which prefers narrower vectors than a processor has where it deems them faster. */
#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64 };
#elif defined(__AVX__)
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif
enum { LANES = VECTOR_BYTES / sizeof(double) };
typedef double vector __attribute__((vector_size(VECTOR_BYTES)));

static size_t vector_bytes(void)
{
    return VECTOR_BYTES;
}

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

/* Numbers that the triad takes at a time: arrays hold a multiple of it. */
static size_t whole_vectors(void)
{
    return UNROLLED * vector_bytes() / sizeof(double);
}

#endif
