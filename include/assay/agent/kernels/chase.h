/* A chain of pointers through memory that visits every cache line once, in random order: each load must wait for the one before and no
 * prefetcher can guess the next. */
#ifndef ASSAY_CHASE_H
#define ASSAY_CHASE_H

#include <stddef.h>
#include <stdint.h>

enum { LOADS_A_TURN = 16 };

/* Swap the numbers below 2^bits around: each step can be undone, so no number comes twice. The odd factor is the one of splitmix64
 * (Steele, Lea, Flood 2014). */
static uint64_t shuffled(uint64_t number, unsigned bits)
{
    const uint64_t mask = (UINT64_C(1) << bits) - 1;
    const unsigned shift = bits / 2 + 1;
    for (int round = 0; round < 3; round++) {
        number = (number * UINT64_C(0xbf58476d1ce4e5b9) + UINT64_C(0x632be59bd9b4e019)) & mask;
        number ^= number >> shift;
    }
    return number;
}

/* Link the first `nodes` lines into one cycle, in the order of the cycle: then the lines that were touched longest ago come first in
 * the chase, as if it had gone around once, and no load waits for another while linking. Gives the first line. */
static void *build_cycle(char *memory, size_t nodes, size_t line)
{
    unsigned bits = 1;
    while (UINT64_C(1) << bits < nodes)
        bits++;
    void **first = NULL, **last = NULL;
    for (uint64_t number = 0; number < UINT64_C(1) << bits; number++) {
        const uint64_t node = shuffled(number, bits);
        if (node >= nodes)
            continue;
        void **here = (void **)(memory + node * line);
        if (last)
            *last = here;
        else
            first = here;
        last = here;
    }
    *last = first;
    return first;
}

#define FOLLOW at = *(void **)at;
#define FOLLOW4 FOLLOW FOLLOW FOLLOW FOLLOW

__attribute__((noinline)) static void *chase(void *at, uint64_t turns)
{
    for (; turns > 0; turns--) {
        FOLLOW4 FOLLOW4 FOLLOW4 FOLLOW4
    }
    return at;
}

#endif
