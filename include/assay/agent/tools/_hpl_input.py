"""The input file of HPC Challenge: one HPL problem, and the smallest of everything else that cannot be left out."""

from __future__ import annotations

import math

BLOCK = 192


def process_grid(processes: int) -> tuple[int, int]:
    """The most nearly square grid P x Q with P <= Q, as HPL's own guide advises."""
    rows = max(divisor for divisor in range(1, math.isqrt(processes) + 1) if processes % divisor == 0)
    return rows, processes // rows


def hpcc_input(order: int, processes: int) -> bytes:
    """`hpccinf.txt` for one solve of this order: each line is a value and what it is, in the order that HPL reads them."""
    rows, columns = process_grid(processes)
    lines = [
        ("", "Assay: one HPL problem"),
        ("", "written by the agent"),
        ("HPL.out", "output file name (unused)"),
        ("8", "device out"),
        ("1", "problem sizes"),
        (str(order), "N"),
        ("1", "block sizes"),
        (str(BLOCK), "NB"),
        ("0", "row-major process mapping"),
        ("1", "process grids"),
        (str(rows), "P"),
        (str(columns), "Q"),
        ("16.0", "residual threshold"),
        ("1", "panel factorizations"),
        ("2", "right-looking"),
        ("1", "recursive stopping criteria"),
        ("4", "NBMIN"),
        ("1", "panels in recursion"),
        ("2", "NDIV"),
        ("1", "recursive panel factorizations"),
        ("1", "Crout"),
        ("1", "broadcasts"),
        ("1", "increasing ring, modified"),
        ("1", "lookahead depths"),
        ("1", "depth"),
        ("2", "swap: mixed"),
        ("64", "swapping threshold"),
        ("0", "L1 transposed"),
        ("0", "U transposed"),
        ("1", "equilibration"),
        ("8", "alignment in doubles"),
        ("", "additional lines of PTRANS"),
        ("0", "additional problem sizes for PTRANS"),
        ("", "no sizes"),
        ("0", "additional block sizes for PTRANS"),
        ("", "no sizes"),
    ]
    return "".join(f"{value:<12} {meaning}\n" for value, meaning in lines).encode()
