/* What vector units add: the same triad over arrays that stay in the L1 cache, once with the widest vectors of this build and once one
 * number at a time, on one core, several times each in turns. Time is the thread's own time on its core.
 *
 *     vectors [--elements N] [--repetitions R] [--milliseconds M]
 */
#define _GNU_SOURCE
#include "threads.h"
#include "triad.h"

enum { MOST_REPETITIONS = 1000, MOST_ELEMENTS = 1 << 20 };

__attribute__((noinline)) static void triad_of_scalars(double *a, const double *b, const double *c, double scalar, size_t n)
{
    for (size_t i = 0; i < n; i += UNROLLED) {
        a[i] = b[i] + scalar * c[i];
        KEEP();
        a[i + 1] = b[i + 1] + scalar * c[i + 1];
        KEEP();
        a[i + 2] = b[i + 2] + scalar * c[i + 2];
        KEEP();
        a[i + 3] = b[i + 3] + scalar * c[i + 3];
        KEEP();
    }
}

typedef void triad(double *, const double *, const double *, double, size_t);

static triad *const kernels[] = {triad_of_vectors, triad_of_scalars};
static const char *const names[] = {"vector", "scalar"};

static double time_passes(triad *kernel, double *a, const double *b, const double *c, size_t n, uint64_t passes)
{
    const double began = core_seconds();
    for (uint64_t pass = 0; pass < passes; pass++)
        kernel(a, b, c, 3.0, n);
    return core_seconds() - began;
}

int main(int count, char **words)
{
    const size_t whole = whole_vectors();
    const size_t n = (size_t)option(count, words, "--elements", 1024, 64, MOST_ELEMENTS) / whole * whole;
    const unsigned repetitions = (unsigned)option(count, words, "--repetitions", 7, 1, MOST_REPETITIONS);
    const double seconds_wanted = 1e-3 * (double)option(count, words, "--milliseconds", 20, 1, 60000);
    const size_t apart = bytes_apart(n);
    char *memory = aligned_alloc(PAGE, (3 * apart + PAGE - 1) / PAGE * PAGE);
    if (!memory) {
        fprintf(stderr, "cannot get %zu bytes\n", 3 * apart);
        return EXIT_NO_MEMORY;
    }
    double *a = (double *)memory, *b = (double *)(memory + apart), *c = (double *)(memory + 2 * apart);
    for (size_t i = 0; i < n; i++)
        b[i] = (double)(i % 7), c[i] = (double)(i % 5);

    uint64_t passes[2];
    for (int k = 0; k < 2; k++) {
        passes[k] = 100;
        double took = 0;
        while ((took = time_passes(kernels[k], a, b, c, n, passes[k])) < 1e-3)
            passes[k] *= 2;
        passes[k] = (uint64_t)((double)passes[k] * seconds_wanted / took) + 1;
    }
    say("assay-vectors 1");
    say("vector_bits %zu", 8 * vector_bytes());
    say("elements %zu", n);
    say("repetitions %u", repetitions);
    say("columns repetition kernel passes core_s");
    int broken = 0;
    for (unsigned repetition = 0; repetition < repetitions; repetition++)
        for (int k = 0; k < 2; k++) {
            memset(a, 0, n * sizeof *a);
            say("time %u %s %" PRIu64 " %.9f", repetition, names[k], passes[k], time_passes(kernels[k], a, b, c, n, passes[k]));
            for (size_t i = 0; i < n; i++)
                broken |= a[i] != b[i] + 3.0 * c[i];
        }
    finish("assay-vectors");
    free(memory);
    return broken ? EXIT_WRONG_RESULT : EXIT_SUCCESS;
}
