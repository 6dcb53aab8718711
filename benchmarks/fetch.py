"""Fetching raw objects from S3 over a link with a delay: many at once beside one after the other.

Both sides go through assay's own storage: `read` for each key in turn, `read_many` for all. Rounds are interleaved; prints the
median of the paired ratios. The target is at least 30 times as fast for 2,000 objects over 25 ms.

    python benchmarks/fetch.py            2,000 objects, 3 rounds, about three minutes
    python benchmarks/fetch.py --quick    300 objects, 2 rounds
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

from assay.storage import Storage
from slow_s3 import slow_s3


def one_by_one(storage: Storage, keys: list[str]) -> int:
    """Each object after the one before."""
    return sum(len(storage.read(key)) for key in keys)


def many_at_once(storage: Storage, keys: list[str]) -> int:
    """As assay reads a batch of sessions."""
    return sum(len(content) for _, content in storage.read_many(keys))


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--bytes", type=int, default=2_000, help="size of an object (default 2000)")
    parser.add_argument("--delay", type=float, default=25.0, help="delay of the link in milliseconds (default 25)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="300 objects, 2 rounds")
    options = parser.parse_args()
    count, rounds = (300, 2) if options.quick else (options.objects, options.rounds)
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
    keys = [f"raw/instance_benchmark/2025/06/29/session-{number:05d}/result.json" for number in range(count)]
    passes: dict[str, Callable[[Storage, list[str]], int]] = {"one by one": one_by_one, "many at once": many_at_once}
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    with slow_s3(options.bytes, options.delay / 1000) as endpoint:
        storage = Storage.open("s3://bucket/assay", region="us-east-1", endpoint=endpoint)
        many_at_once(storage, keys[:64])
        for number in range(rounds):
            for name in passes if number % 2 == 0 else reversed(passes):
                began = time.perf_counter()
                total = passes[name](storage, keys)
                seconds[name].append(time.perf_counter() - began)
                if total != count * options.bytes:
                    raise SystemExit(f"{name}: read {total} bytes; expected {count * options.bytes}")
    print(f"{count} objects of {options.bytes} bytes, {options.delay:g} ms a request, {rounds} rounds")
    print(f"{'pass':14} {'median s':>9} {'objects/s':>10} {'times as fast':>14}")
    for name, taken in seconds.items():
        ratio = statistics.median(base / each for each, base in zip(taken, seconds["one by one"], strict=True))
        print(f"{name:14} {statistics.median(taken):9.2f} {count / statistics.median(taken):10.0f} {ratio:14.1f}")


if __name__ == "__main__":
    main()
