/* Memory in huge pages where the system gives them: with small ones a measurement of memory is in part one of address translation. */
#ifndef ASSAY_MEMORY_H
#define ASSAY_MEMORY_H

#include <sys/mman.h>

#include "report.h"

enum { HUGE_PAGE = 2 << 20 };

/* Bytes rounded up to whole huge pages. */
static size_t whole_huge_pages(size_t bytes)
{
    return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* Memory that begins on a huge page, and huge pages asked for if wanted; ends the program if there is not enough. */
static char *get_memory(size_t bytes, int huge)
{
    char *memory = aligned_alloc(HUGE_PAGE, whole_huge_pages(bytes));
    if (!memory) {
        fprintf(stderr, "cannot get %zu bytes\n", bytes);
        exit(EXIT_NO_MEMORY);
    }
    if (huge)
        madvise(memory, whole_huge_pages(bytes), MADV_HUGEPAGE);
    return memory;
}

/* Bytes of this process that lie in transparent huge pages, as the kernel says; 0 where it does not say. */
__attribute__((unused)) static uint64_t huge_bytes(void)
{
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    unsigned long kilobytes = 0;
    while (rollup && fgets(line, sizeof line, rollup))
        if (sscanf(line, "AnonHugePages: %lu kB", &kilobytes) == 1)
            break;
    if (rollup)
        fclose(rollup);
    return (uint64_t)kilobytes * 1024;
}

#endif
