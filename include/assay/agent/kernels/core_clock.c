/* The clock that the cores sustain: every thread times a chain of dependent additions, all threads at once, several times.
 * Time is each thread's own time on its core, so another program on the machine takes nothing from it.
 *
 *     core_clock [--threads T] [--repetitions R] [--milliseconds M]
 */
#define _GNU_SOURCE
#include "threads.h"

enum { MOST_REPETITIONS = 1000, ADDS_A_TURN = 64 };

/* A chain of additions in which each needs the one before: a core does one of them a cycle, so their rate is its clock.
 * The empty statement may change x for all the compiler knows, so it cannot add two steps of the chain into one. The step is a
 * register, not a constant, because some cores fold chains of constants before they reach an adder. */
#define STEP(x, step) x += step; __asm__ volatile("" : "+r"(x));
#define STEP8(x, s) STEP(x, s) STEP(x, s) STEP(x, s) STEP(x, s) STEP(x, s) STEP(x, s) STEP(x, s) STEP(x, s)

__attribute__((noinline)) static uint64_t chain_of_additions(uint64_t turns, uint64_t step)
{
    uint64_t x = 0;
    __asm__ volatile("" : "+r"(step));
    for (; turns > 0; turns--) {
        STEP8(x, step) STEP8(x, step) STEP8(x, step) STEP8(x, step)
        STEP8(x, step) STEP8(x, step) STEP8(x, step) STEP8(x, step)
    }
    return x;
}

static unsigned threads, repetitions;
static double seconds_wanted;
static uint64_t *turns; /* [repetition][thread] */
static double *seconds;
static atomic_int broken;

static void *work(void *argument)
{
    const unsigned number = (unsigned)(uintptr_t)argument;
    uint64_t guess = 1000;
    for (double took = 0; took < 1e-3; guess *= 2) {
        const double began = core_seconds();
        chain_of_additions(guess, 1);
        took = core_seconds() - began;
        if (took >= 1e-3)
            guess = (uint64_t)((double)guess * seconds_wanted / took / 2) + 1;
    }
    for (unsigned repetition = 0; repetition < repetitions; repetition++) {
        const size_t at = (size_t)repetition * threads + number;
        meet();
        const double began = core_seconds();
        const uint64_t sum = chain_of_additions(guess, 1);
        seconds[at] = core_seconds() - began;
        turns[at] = guess;
        if (sum != guess * ADDS_A_TURN)
            atomic_store(&broken, 1);
    }
    return NULL;
}

int main(int count, char **words)
{
    threads = (unsigned)option(count, words, "--threads", 1, 1, MAX_THREADS);
    repetitions = (unsigned)option(count, words, "--repetitions", 5, 1, MOST_REPETITIONS);
    seconds_wanted = 1e-3 * (double)option(count, words, "--milliseconds", 40, 1, 60000);
    turns = calloc((size_t)threads * repetitions, sizeof *turns);
    seconds = calloc((size_t)threads * repetitions, sizeof *seconds);
    if (!turns || !seconds) {
        fprintf(stderr, "cannot get memory for %u repetitions of %u threads\n", repetitions, threads);
        return EXIT_NO_MEMORY;
    }
    run_threads(threads, work);

    say("assay-core-clock 1");
    say("threads %u", threads);
    say("repetitions %u", repetitions);
    say("columns repetition thread additions core_s");
    for (unsigned repetition = 0; repetition < repetitions; repetition++)
        for (unsigned number = 0; number < threads; number++) {
            const size_t at = (size_t)repetition * threads + number;
            say("clock %u %u %" PRIu64 " %.9f", repetition, number, turns[at] * ADDS_A_TURN, seconds[at]);
        }
    finish("assay-core-clock");
    return broken ? EXIT_WRONG_RESULT : EXIT_SUCCESS;
}
