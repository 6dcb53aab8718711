"""LAPACK dgesv as people call it: through scipy and through numpy, each on its own OpenBLAS.

    OPENBLAS_NUM_THREADS=2 python dgesv.py ORDER

Prints GFLOPS by library as JSON; only the solve is timed.
"""

import json
import sys
import time

import numpy as np
from scipy.linalg.lapack import dgesv


def main() -> None:
    order = int(sys.argv[1])
    random = np.random.default_rng(1)
    operations = 2 / 3 * order**3 + 2 * order**2
    warm = random.random((512, 512))
    dgesv(warm, warm[0])
    np.linalg.solve(warm, warm[0])
    matrix, right_side = np.asfortranarray(random.random((order, order)) - 0.5), random.random(order) - 0.5
    began = time.perf_counter()
    np.linalg.solve(matrix, right_side)
    with_numpy = operations / (time.perf_counter() - began) / 1e9
    began = time.perf_counter()
    _, _, _, info = dgesv(matrix, right_side, overwrite_a=1)
    with_scipy = operations / (time.perf_counter() - began) / 1e9
    assert info == 0
    print(json.dumps({"numpy": with_numpy, "scipy": with_scipy}))


if __name__ == "__main__":
    main()
