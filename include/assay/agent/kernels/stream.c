/* Sustained memory bandwidth under the run rules of STREAM 5.10: copy c = a, scale b = s c, add c = a + b, triad a = b + s c over
 * arrays of doubles that are much larger than the caches; every pass is timed and printed, the first is not counted by the reader,
 * and the arrays are compared with what arithmetic says they must hold. Each thread touches its own part of the arrays first.
 *
 *     stream --elements N [--threads T] [--iterations I] [--milliseconds M] [--pin 1] [--huge 1]
 *
 * It stops before I passes once M milliseconds are over, but not before the third pass. */
#define _GNU_SOURCE
#include <math.h>

#include "memory.h"
#include "threads.h"

enum { KERNELS = 4, LEAST_ITERATIONS = 3, MOST_ITERATIONS = 200 };

/* What STREAM calls OFFSET: arrays that begin at the same place of a memory page compete for the same banks and cache sets. With huge
 * pages, where physical addresses follow virtual ones, that cost a third of the bandwidth on an EPYC of 2023. */
enum { OFFSET_BYTES = 4096 + 1024 };

static const double SCALAR = 3.0;
static const double EPSILON = 1e-13;

static double *a, *b, *c;
static size_t elements;
static unsigned threads, iterations, done, pinned;
static double seconds_allowed, took[MOST_ITERATIONS][KERNELS];
static double *errors; /* per thread: sums of the absolute errors of a, b and c */

static void copy(double *restrict to, const double *restrict from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
}

static void scale(double *restrict to, const double *restrict from, double scalar, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = scalar * from[i];
}

static void add(double *restrict to, const double *restrict one, const double *restrict two, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = one[i] + two[i];
}

static void triad(double *restrict to, const double *restrict one, const double *restrict two, double scalar, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = one[i] + scalar * two[i];
}

static void pass(unsigned kernel, size_t first, size_t count)
{
    switch (kernel) {
    case 0: copy(c + first, a + first, count); break;
    case 1: scale(b + first, c + first, SCALAR, count); break;
    case 2: add(c + first, a + first, b + first, count); break;
    default: triad(a + first, b + first, c + first, SCALAR, count);
    }
}

static void expected(double *at, double *bt, double *ct)
{
    *at = 2.0, *bt = 2.0, *ct = 0.0;
    for (unsigned i = 0; i < done; i++) {
        *ct = *at;
        *bt = SCALAR * *ct;
        *ct = *at + *bt;
        *at = *bt + SCALAR * *ct;
    }
}

static void *work(void *argument)
{
    const unsigned number = (unsigned)(uintptr_t)argument;
    const size_t first = elements / threads * number + (number < elements % threads ? number : elements % threads);
    const size_t count = elements / threads + (number < elements % threads ? 1 : 0);
    if (pinned)
        pin(number);
    for (size_t i = first; i < first + count; i++)
        a[i] = 1.0, b[i] = 2.0, c[i] = 0.0;
    meet();
    for (size_t i = first; i < first + count; i++)
        a[i] = 2.0 * a[i];
    meet();
    const double start = wall_seconds();
    for (;;) {
        const unsigned iteration = done;
        for (unsigned kernel = 0; kernel < KERNELS; kernel++) {
            meet();
            const double began = wall_seconds();
            pass(kernel, first, count);
            meet();
            if (number == 0)
                took[iteration][kernel] = wall_seconds() - began;
        }
        if (number == 0) {
            done = iteration + 1;
            if (done >= LEAST_ITERATIONS && wall_seconds() - start > seconds_allowed)
                iterations = done;
        }
        meet();
        if (done >= iterations)
            break;
    }
    double at, bt, ct, wrong[3] = {0, 0, 0};
    expected(&at, &bt, &ct);
    for (size_t i = first; i < first + count; i++) {
        wrong[0] += fabs(a[i] - at);
        wrong[1] += fabs(b[i] - bt);
        wrong[2] += fabs(c[i] - ct);
    }
    memcpy(errors + 3 * (size_t)number, wrong, sizeof wrong);
    return NULL;
}

static int verify(void)
{
    double want[3], total[3] = {0, 0, 0};
    int right = 1;
    expected(&want[0], &want[1], &want[2]);
    for (unsigned number = 0; number < threads; number++)
        for (int array = 0; array < 3; array++)
            total[array] += errors[3 * (size_t)number + array];
    for (int array = 0; array < 3; array++) {
        const double error = total[array] / (double)elements / fabs(want[array]);
        const int passed = error <= EPSILON; /* false for NaN as well */
        say("validation %c %.3e %.0e %s", 'a' + array, error, EPSILON, passed ? "passed" : "failed");
        right = right && passed;
    }
    return right;
}

int main(int count, char **words)
{
    elements = option(count, words, "--elements", 0, 1000, UINT64_C(1) << 40);
    threads = (unsigned)option(count, words, "--threads", 1, 1, MAX_THREADS);
    iterations = (unsigned)option(count, words, "--iterations", 10, LEAST_ITERATIONS, MOST_ITERATIONS);
    seconds_allowed = 1e-3 * (double)option(count, words, "--milliseconds", 3600000, 1, 86400000);
    pinned = (unsigned)option(count, words, "--pin", 0, 0, 1);
    const int huge = (int)option(count, words, "--huge", 0, 0, 1);
    const size_t bytes = whole_huge_pages(elements * sizeof(double)) + OFFSET_BYTES;
    char *memory = get_memory(3 * bytes, huge);
    errors = calloc(3 * (size_t)threads, sizeof *errors);
    if (!errors) {
        fprintf(stderr, "cannot get memory for %u threads\n", threads);
        return EXIT_NO_MEMORY;
    }
    a = (double *)memory, b = (double *)(memory + bytes), c = (double *)(memory + 2 * bytes);
    run_threads(threads, work);

    say("assay-stream 1");
    say("elements %zu", elements);
    say("array_bytes %zu", elements * sizeof(double));
    say("threads %u", threads);
    say("pinned %u", pinned);
    say("offset_bytes %d", OFFSET_BYTES);
    say("huge_bytes %" PRIu64, huge_bytes());
    say("iterations %u", done);
    say("columns iteration copy_s scale_s add_s triad_s");
    for (unsigned i = 0; i < done; i++)
        say("pass %u %.9f %.9f %.9f %.9f", i, took[i][0], took[i][1], took[i][2], took[i][3]);
    const int right = verify();
    finish("assay-stream");
    return right ? EXIT_SUCCESS : EXIT_WRONG_RESULT;
}
