"""JSON output beside orjson: the bytes of every document of a snapshot from its decoded tree / `orjson.dumps` of the same tree.

The dataset is made, as in build_documents.py. Rounds are interleaved; the figure is the median of the paired ratios. Ours sorts
keys, and indents all but long series, so that two snapshots can be compared line by line.

    python benchmarks/json_output.py                 1,000 types x 40 metrics x 52 weeks
    python benchmarks/json_output.py --types 100
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson
from assay.dataset.build import build_documents
from assay.dataset.encode import to_json
from build_documents import made_content

LIMIT = 2.0


def timed(work: Callable[[], Any]) -> float:
    """Processor seconds of a call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def compare_output(types: int, metrics: int, weeks: int, rounds: int) -> tuple[float, float]:
    """Median of the paired ratios, and the bytes written in a round."""
    documents = build_documents(made_content(types, metrics, weeks))
    # A document with no line break but the last is one that is published without indentation.
    trees = [(orjson.loads(raw), raw.count(b"\n") == 1) for name, raw in documents.items() if name.endswith(".json")]
    size = sum(len(raw) for name, raw in documents.items() if name.endswith(".json"))
    del documents

    def ours() -> None:
        for tree, compact in trees:
            to_json(tree, compact=compact)

    def peer() -> None:
        for tree, _ in trees:
            orjson.dumps(tree)

    ratios = []
    for number in range(rounds):
        first, second = (ours, peer) if number % 2 == 0 else (peer, ours)
        one, two = timed(first), timed(second)
        ratios.append(one / two if number % 2 == 0 else two / one)
    return median(ratios), size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    ratio, size = compare_output(arguments.types, arguments.metrics, arguments.weeks, arguments.rounds)
    print(f"{size / 1e6:.0f} MB of JSON, ours / orjson.dumps of the same trees: {ratio:.2f} (at most {LIMIT})")


if __name__ == "__main__":
    main()
