/* The plain OpenMP program that the agent's bandwidth is compared with: arrays in static memory, one loop a kernel.
 * Compile with -O3 -march=native -fopenmp -DN=<elements>; the argument is the number of passes, the first is not counted.
 * It prints the best triad in GB/s. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static double a[N], b[N], c[N];

int main(int count, char **words)
{
    const int passes = count > 1 ? atoi(words[1]) : 10;
    const double scalar = 3.0;
    double best = 1e30;
#pragma omp parallel for
    for (long i = 0; i < N; i++)
        a[i] = 2.0, b[i] = 2.0, c[i] = 0.0;
    for (int pass = 0; pass < passes; pass++) {
#pragma omp parallel for
        for (long i = 0; i < N; i++)
            c[i] = a[i];
#pragma omp parallel for
        for (long i = 0; i < N; i++)
            b[i] = scalar * c[i];
#pragma omp parallel for
        for (long i = 0; i < N; i++)
            c[i] = a[i] + b[i];
        const double began = omp_get_wtime();
#pragma omp parallel for
        for (long i = 0; i < N; i++)
            a[i] = b[i] + scalar * c[i];
        const double took = omp_get_wtime() - began;
        if (pass > 0 && took < best)
            best = took;
    }
    printf("%.6f %g\n", 24.0 * N / best / 1e9, a[N / 2]);
    return 0;
}
