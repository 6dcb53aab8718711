/* Memory of the own NUMA node against memory of another: the cores of one node run the triad over arrays that are bound to a node, and
 * one of them follows a chain of pointers through them; first for the own node, then for the other. Where the pages really lie is asked
 * of the kernel and printed. Threads are kept on their cores; memory is bound with mbind(2), which needs no library.
 *
 *     numa --cpus C,C,... --local NODE [--remote NODE] --elements N [--line BYTES] [--repetitions R] [--milliseconds M] [--huge 1] */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

#include "chase.h"
#include "memory.h"
#include "threads.h"

enum { MOST_NODES = 1024, MOST_REPETITIONS = 100, PAGES_ASKED = 64, BIND = 2, OF_ADDRESS = 3, NO_NODE = MOST_NODES };
enum { OFFSET_BYTES = 4096 + 1024 }; /* as in stream.c */

static int cpus[MAX_THREADS];
static unsigned threads, repetitions;
static double *a, *b, *c, took[MOST_REPETITIONS + 1];
static size_t elements;
static atomic_int broken;

static void keep_on(int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (pthread_setaffinity_np(pthread_self(), sizeof one, &one) != 0)
        atomic_store(&broken, 1);
}

static void *triad(void *argument)
{
    const unsigned number = (unsigned)(uintptr_t)argument;
    const size_t first = elements / threads * number + (number < elements % threads ? number : elements % threads);
    const size_t after = first + elements / threads + (number < elements % threads ? 1 : 0);
    keep_on(cpus[number]);
    for (size_t i = first; i < after; i++)
        a[i] = 0.0, b[i] = (double)(i % 7), c[i] = (double)(i % 5);
    for (unsigned pass = 0; pass <= repetitions; pass++) {
        meet();
        const double began = wall_seconds();
        for (size_t i = first; i < after; i++)
            a[i] = b[i] + 3.0 * c[i];
        __asm__ volatile("" : : : "memory");
        meet();
        if (number == 0)
            took[pass] = wall_seconds() - began;
    }
    for (size_t i = first; i < after; i++)
        if (a[i] != b[i] + 3.0 * c[i])
            atomic_store(&broken, 1);
    return NULL;
}

/* Bind memory that nobody has touched to a node. */
static void bind_to(char *memory, size_t bytes, unsigned node)
{
    unsigned long mask[MOST_NODES / (8 * sizeof(unsigned long))] = {0};
    mask[node / (8 * sizeof *mask)] |= 1UL << node % (8 * sizeof *mask);
    if (syscall(SYS_mbind, memory, bytes, BIND, mask, (unsigned long)MOST_NODES, 0UL) != 0) {
        perror("mbind");
        exit(EXIT_FAILURE);
    }
}

/* How many of some pages, spread over the memory, lie on the node. */
static unsigned pages_on(const char *memory, size_t bytes, unsigned node)
{
    unsigned found = 0;
    for (size_t page = 0; page < PAGES_ASKED; page++) {
        int lies = -1;
        const char *at = memory + bytes / PAGES_ASKED * page;
        if (syscall(SYS_get_mempolicy, &lies, NULL, 0UL, at, (unsigned long)OF_ADDRESS) == 0 && lies == (int)node)
            found++;
    }
    return found;
}

static void measure(const char *place, unsigned node, size_t line, double seconds_wanted, int huge)
{
    const size_t each = whole_huge_pages(elements * sizeof(double)) + OFFSET_BYTES;
    char *memory = get_memory(3 * each, huge);
    bind_to(memory, whole_huge_pages(3 * each), node);
    a = (double *)memory, b = (double *)(memory + each), c = (double *)(memory + 2 * each);
    run_threads(threads, triad);
    say("place %s %u pages %d on_node %u", place, node, PAGES_ASKED, pages_on(memory, 3 * each, node));
    for (unsigned pass = 0; pass <= repetitions; pass++)
        say("triad %s %u %.9f", place, pass, took[pass]);

    void *at = build_cycle(memory, elements * sizeof(double) / line, line);
    uint64_t turns = 64;
    for (double spent = 0;;) {
        const double began = core_seconds();
        at = chase(at, turns);
        spent = core_seconds() - began;
        if (spent >= seconds_wanted / 8) {
            turns = (uint64_t)((double)turns * seconds_wanted / spent) + 1;
            break;
        }
        turns *= 2;
    }
    for (unsigned repetition = 0; repetition < repetitions; repetition++) {
        const double began = core_seconds();
        at = chase(at, turns);
        say("chase %s %u %" PRIu64 " %.9f", place, repetition, turns * LOADS_A_TURN, core_seconds() - began);
    }
    if (!at)
        atomic_store(&broken, 1);
    free(memory);
}

static unsigned parse_cpus(int count, char **words)
{
    unsigned found = 0;
    for (int at = 1; at + 1 < count; at++) {
        if (strcmp(words[at], "--cpus") != 0)
            continue;
        for (char *text = words[at + 1]; *text;) {
            char *end;
            const uint64_t cpu = strtoull(text, &end, 10);
            if (end == text || (*end != ',' && *end != '\0') || found >= MAX_THREADS || cpu >= CPU_SETSIZE) {
                fprintf(stderr, "--cpus: found '%s'; expected numbers of cores with commas between\n", text);
                exit(EXIT_USAGE);
            }
            cpus[found++] = (int)cpu;
            text = *end ? end + 1 : end;
        }
    }
    return found;
}

int main(int count, char **words)
{
    threads = parse_cpus(count, words);
    const unsigned local = (unsigned)option(count, words, "--local", NO_NODE, 0, MOST_NODES - 1);
    const unsigned remote = (unsigned)option(count, words, "--remote", NO_NODE, 0, NO_NODE);
    elements = option(count, words, "--elements", 0, 1000, UINT64_C(1) << 40);
    const size_t line = option(count, words, "--line", 64, sizeof(void *), 4096);
    repetitions = (unsigned)option(count, words, "--repetitions", 5, 1, MOST_REPETITIONS);
    const double seconds_wanted = 1e-3 * (double)option(count, words, "--milliseconds", 10, 1, 60000);
    const int huge = (int)option(count, words, "--huge", 0, 0, 1);
    if (!threads) {
        fprintf(stderr, "--cpus: expected the cores of one node\n");
        return EXIT_USAGE;
    }
    say("assay-numa 1");
    say("cpu_node %u", local);
    say("threads %u", threads);
    say("elements %zu", elements);
    say("repetitions %u", repetitions);
    say("columns place node, triad place pass wall_s, chase place repetition loads core_s");
    measure("local", local, line, seconds_wanted, huge);
    if (remote != NO_NODE)
        measure("remote", remote, line, seconds_wanted, huge);
    finish("assay-numa");
    return broken ? EXIT_WRONG_RESULT : EXIT_SUCCESS;
}
