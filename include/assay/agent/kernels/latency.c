/* Latency of memory by working set: one thread follows a chain of pointers that visits every cache line of the working set once, in
 * random order, so that each load must wait for the one before and no prefetcher can guess the next.
 * Time is the thread's own time on its core, so that another program on the machine takes nothing from it.
 *
 *     latency --sizes BYTES,BYTES,... [--line BYTES] [--repetitions R] [--milliseconds M] [--huge 1]
 *             [--l1 BYTES] [--l2 BYTES] [--l3 BYTES] [--dram BYTES]
 *
 * --l1 to --dram name the working set that stands for a level; they are only printed. */
#define _GNU_SOURCE
#include "chase.h"
#include "memory.h"
#include "threads.h"

enum { MOST_SIZES = 200, MOST_REPETITIONS = 100, MOST_WARMED = 1 << 20 };

static size_t parse_sizes(int count, char **words, size_t *sizes)
{
    size_t found = 0;
    for (int at = 1; at + 1 < count; at++) {
        if (strcmp(words[at], "--sizes") != 0)
            continue;
        for (char *text = words[at + 1]; *text;) {
            char *end;
            const uint64_t size = strtoull(text, &end, 10);
            if (end == text || (*end != ',' && *end != '\0') || found >= MOST_SIZES || size > UINT64_C(1) << 40) {
                fprintf(stderr, "--sizes: found '%s'; expected up to %d numbers of bytes with commas between\n", text, MOST_SIZES);
                exit(EXIT_USAGE);
            }
            sizes[found++] = (size_t)size;
            text = *end ? end + 1 : end;
        }
    }
    return found;
}

int main(int count, char **words)
{
    static const char *const levels[] = {"l1", "l2", "l3", "dram"};
    static size_t sizes[MOST_SIZES];
    const size_t found = parse_sizes(count, words, sizes);
    const size_t line = option(count, words, "--line", 64, sizeof(void *), 4096);
    const unsigned repetitions = (unsigned)option(count, words, "--repetitions", 5, 1, MOST_REPETITIONS);
    const double seconds_wanted = 1e-3 * (double)option(count, words, "--milliseconds", 10, 1, 60000);
    const int huge = (int)option(count, words, "--huge", 0, 0, 1);
    size_t largest = 0;
    for (size_t i = 0; i < found; i++) {
        largest = sizes[i] > largest ? sizes[i] : largest;
        if (sizes[i] < 2 * line || (i > 0 && sizes[i] <= sizes[i - 1])) {
            fprintf(stderr, "--sizes: found %zu; expected rising sizes of two lines or more\n", sizes[i]);
            return EXIT_USAGE;
        }
    }
    if (!found) {
        fprintf(stderr, "--sizes: expected one or more numbers of bytes\n");
        return EXIT_USAGE;
    }
    const size_t bytes = whole_huge_pages(largest);
    char *memory = get_memory(bytes, huge);
    memset(memory, 0, bytes);

    say("assay-latency 1");
    say("line_bytes %zu", line);
    say("repetitions %u", repetitions);
    say("memory_bytes %zu", bytes);
    say("huge_bytes %" PRIu64, huge_bytes());
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        char name[16];
        snprintf(name, sizeof name, "--%s", levels[i]);
        const uint64_t size = option(count, words, name, 0, 0, UINT64_MAX);
        if (size)
            say("level %s %" PRIu64, levels[i], size);
    }
    say("working_sets %zu", found);
    say("columns chase working_set_bytes repetition loads core_s");
    for (size_t i = 0; i < found; i++) {
        const size_t nodes = sizes[i] / line;
        void *at = build_cycle(memory, nodes, line);
        if (nodes <= MOST_WARMED) {
            void *const start = at;
            for (size_t load = 0; load < nodes; load++) {
                FOLLOW
                if (at == start && load + 1 < nodes)
                    return EXIT_WRONG_RESULT;
            }
            if (at != start)
                return EXIT_WRONG_RESULT;
        }
        uint64_t turns = 64;
        for (double took = 0;;) {
            const double began = core_seconds();
            at = chase(at, turns);
            took = core_seconds() - began;
            if (took >= seconds_wanted / 8) {
                turns = (uint64_t)((double)turns * seconds_wanted / took) + 1;
                break;
            }
            turns *= 2;
        }
        for (unsigned repetition = 0; repetition < repetitions; repetition++) {
            const double began = core_seconds();
            at = chase(at, turns);
            const double took = core_seconds() - began;
            say("chase %zu %u %" PRIu64 " %.9f", sizes[i], repetition, turns * LOADS_A_TURN, took);
        }
        if (!at)
            return EXIT_WRONG_RESULT;
    }
    finish("assay-latency");
    free(memory);
    return EXIT_SUCCESS;
}
