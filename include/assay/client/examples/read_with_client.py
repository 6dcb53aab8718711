"""Compares types with Assay's client: verified, kept on disk, and careful about noise.

    python read_with_client.py https://example.org/dataset/ m7i.large c7g.large

Without types: the first two of the ranking.
"""

import sys

from assay.client import ClientError, Dataset

try:
    dataset = Dataset(sys.argv[1])
    print(dataset.attribution)
    print(dataset.best("triad_bandwidth", 10)[["rank", "instance", "value", "unit", "ci_low", "ci_high"]].to_string(index=False))
    types = sys.argv[2:] or list(dataset.rankings("triad_bandwidth")["instance"].head(2))
    if len(types) > 1:
        shown = ["benchmark", "metric", "instance", "value", "unit", "ratio", "ratio_low", "ratio_high", "verdict"]
        print(dataset.compare(types)[shown].to_string(index=False))
except ClientError as error:
    sys.exit(str(error))
