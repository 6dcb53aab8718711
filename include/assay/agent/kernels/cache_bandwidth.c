/* Bandwidth by cache level: the triad of one core over arrays that fit into L1, into L2, and into L3, with the widest vectors of the
 * build, in turns, several times each. Time is the thread's own time on its core.
 *
 *     cache_bandwidth [--l1 BYTES] [--l2 BYTES] [--l3 BYTES] [--repetitions R] [--milliseconds M] [--huge 1]
 *
 * BYTES are those of the three arrays of a level together. */
#define _GNU_SOURCE
#include "memory.h"
#include "threads.h"
#include "triad.h"

enum { LEVELS = 3, MOST_REPETITIONS = 1000 };

static const char *const names[LEVELS] = {"l1", "l2", "l3"};

typedef struct {
    double *a, *b, *c;
    size_t n;
    uint64_t passes;
} arrays;

static double time_passes(const arrays *at, uint64_t passes)
{
    const double began = core_seconds();
    for (uint64_t pass = 0; pass < passes; pass++)
        triad_of_vectors(at->a, at->b, at->c, 3.0, at->n);
    return core_seconds() - began;
}

int main(int count, char **words)
{
    const size_t whole = whole_vectors();
    const unsigned repetitions = (unsigned)option(count, words, "--repetitions", 5, 1, MOST_REPETITIONS);
    const double seconds_wanted = 1e-3 * (double)option(count, words, "--milliseconds", 10, 1, 60000);
    const int huge = (int)option(count, words, "--huge", 0, 0, 1);
    arrays levels[LEVELS];
    say("assay-cache-bandwidth 1");
    say("vector_bits %zu", 8 * vector_bytes());
    say("repetitions %u", repetitions);
    for (int level = 0; level < LEVELS; level++) {
        char name[16];
        snprintf(name, sizeof name, "--%s", names[level]);
        const uint64_t bytes = option(count, words, name, 0, 0, UINT64_C(1) << 40);
        arrays *const at = &levels[level];
        at->n = (size_t)bytes / (3 * sizeof(double)) / whole * whole;
        if (!at->n)
            continue;
        const size_t apart = bytes_apart(at->n);
        char *memory = get_memory(3 * apart, huge);
        at->a = (double *)memory, at->b = (double *)(memory + apart), at->c = (double *)(memory + 2 * apart);
        for (size_t i = 0; i < at->n; i++)
            at->a[i] = 0.0, at->b[i] = (double)(i % 7), at->c[i] = (double)(i % 5);
        at->passes = 1;
        double took = time_passes(at, 1);
        while ((took = time_passes(at, at->passes)) < seconds_wanted / 8)
            at->passes *= 2;
        at->passes = (uint64_t)((double)at->passes * seconds_wanted / took) + 1;
        say("level %s %zu", names[level], at->n);
    }
    say("columns time level repetition passes core_s");
    for (unsigned repetition = 0; repetition < repetitions; repetition++)
        for (int level = 0; level < LEVELS; level++) {
            const arrays *const at = &levels[level];
            if (!at->n)
                continue;
            time_passes(at, 1); /* what the other levels pushed out comes back */
            say("time %s %u %" PRIu64 " %.9f", names[level], repetition, at->passes, time_passes(at, at->passes));
        }
    int broken = 0;
    for (int level = 0; level < LEVELS; level++)
        for (size_t i = 0; i < levels[level].n; i++)
            broken |= levels[level].a[i] != levels[level].b[i] + 3.0 * levels[level].c[i];
    finish("assay-cache-bandwidth");
    return broken ? EXIT_WRONG_RESULT : EXIT_SUCCESS;
}
