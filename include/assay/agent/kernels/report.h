/* What every kernel of ours prints: plain lines of words and numbers, then one last line that counts the lines before it and carries
 * their CRC-32. A reader can so tell a whole output from a part of one, or from two that were mixed. */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_NO_MEMORY = 3, EXIT_WRONG_RESULT = 4 };

static uint32_t report_crc = UINT32_MAX;
static unsigned long report_lines;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[512];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    if (length < 0 || length >= (int)sizeof line - 1) {
        fprintf(stderr, "a line of the report is longer than %zu bytes\n", sizeof line);
        exit(EXIT_FAILURE);
    }
    line[length] = '\n';
    line[length + 1] = '\0';
    for (const char *at = line; *at; at++) {
        report_crc ^= (unsigned char)*at;
        for (int bit = 0; bit < 8; bit++)
            report_crc = report_crc >> 1 ^ (report_crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    report_lines++;
    fputs(line, stdout);
}

static void finish(const char *kernel)
{
    printf("end %s lines %lu crc32 %08" PRIx32 "\n", kernel, report_lines, ~report_crc);
    fflush(stdout);
}

/* The value of `--name` among the arguments, or the default; ends the program if it is not a whole number within the bounds. */
static uint64_t option(int count, char **words, const char *name, uint64_t otherwise, uint64_t least, uint64_t most)
{
    uint64_t value = otherwise;
    for (int at = 1; at + 1 < count; at++) {
        if (strcmp(words[at], name) != 0)
            continue;
        char *end;
        value = strtoull(words[at + 1], &end, 10);
        if (*end != '\0' || words[at + 1][0] < '0' || words[at + 1][0] > '9') {
            fprintf(stderr, "%s: found '%s'; expected a whole number\n", name, words[at + 1]);
            exit(EXIT_USAGE);
        }
    }
    if (value < least || value > most) {
        fprintf(stderr, "%s: found %" PRIu64 "; expected %" PRIu64 " to %" PRIu64 "\n", name, value, least, most);
        exit(EXIT_USAGE);
    }
    return value;
}

#endif
