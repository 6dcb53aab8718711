/* Threads that work in step, and the clocks they are timed with. */
#ifndef ASSAY_THREADS_H
#define ASSAY_THREADS_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "report.h"

enum { MAX_THREADS = 4096, SPINS_BEFORE_YIELD = 2000 };

/* A kernel uses some of these, not all. */
#define MAYBE_UNUSED __attribute__((unused))

MAYBE_UNUSED static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Time that this thread spent on a core. For a loop that never waits it is the loop's own time, whoever else used the core. */
MAYBE_UNUSED static double core_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A barrier that spins before it yields: waking a sleeping thread takes long enough to show in a pass of a millisecond. */
static struct {
    unsigned threads;
    atomic_uint waiting;
    atomic_uint round;
} barrier;

MAYBE_UNUSED static void meet(void)
{
    unsigned round = atomic_load(&barrier.round);
    if (atomic_fetch_add(&barrier.waiting, 1) + 1 == barrier.threads) {
        atomic_store(&barrier.waiting, 0);
        atomic_fetch_add(&barrier.round, 1);
        return;
    }
    for (unsigned spins = 0; atomic_load(&barrier.round) == round; spins++)
        if (spins >= SPINS_BEFORE_YIELD)
            sched_yield();
}

/* Keep the calling thread on the number-th core that the process may use. Without it threads and their memory part on machines with
 * several NUMA nodes. */
MAYBE_UNUSED static void pin(unsigned number)
{
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    unsigned seen = 0;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &allowed) || seen++ != number)
            continue;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        return;
    }
}

/* Run work(number) on this many threads; the caller is number 0. */
MAYBE_UNUSED static void run_threads(unsigned threads, void *(*work)(void *))
{
    pthread_t *others = calloc(threads, sizeof *others);
    barrier.threads = threads;
    for (unsigned number = 1; number < threads; number++)
        if (!others || pthread_create(&others[number], NULL, work, (void *)(uintptr_t)number) != 0) {
            fprintf(stderr, "cannot start thread %u of %u\n", number + 1, threads);
            exit(EXIT_FAILURE);
        }
    work((void *)(uintptr_t)0);
    for (unsigned number = 1; number < threads; number++)
        pthread_join(others[number], NULL);
    free(others);
}

#endif
