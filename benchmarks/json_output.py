"""JSON output beside orjson: the bytes of every document of a snapshot from its decoded tree / `orjson.dumps` of the same tree.

The dataset is made, as in build_documents.py, which gives the same figure with its own. Rounds are interleaved; the figure is the
median of the paired ratios. Ours sorts keys, and indents all but long series, so that two snapshots can be compared line by line.

    python benchmarks/json_output.py                 1,000 types x 40 metrics x 52 weeks
    python benchmarks/json_output.py --types 100
"""

from __future__ import annotations

import argparse

from assay.dataset.build import build_documents
from build_documents import made_content, output_beside_orjson

LIMIT = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=40)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    documents = build_documents(made_content(arguments.types, arguments.metrics, arguments.weeks))
    found = output_beside_orjson(documents, arguments.rounds)
    print(
        f"{found['bytes'] / 1e6:.0f} MB of JSON, ours / orjson.dumps of the same trees: {found['ratio']:.2f} (at most {LIMIT}); "
        f"{found['ours']:.2f} s and {found['orjson']:.2f} s of processor"
    )


if __name__ == "__main__":
    main()
