"""Reads the memory bandwidth of every type into pandas, with nothing of Assay installed.

python read_with_pandas.py https://example.org/dataset/
"""

import json
import sys
from urllib.request import urlopen

import pandas as pd

base = sys.argv[1].rstrip("/") + "/data/processed/latest/"
with urlopen(base + "memory-benchmarks.json", timeout=30) as answer:
    memory = json.load(answer)

table = pd.DataFrame(
    {
        "instance": instance,
        "family": entry["metadata"]["instance_family"],
        "architecture": entry["metadata"]["architecture"],
        "triad": entry["triad_bandwidth"]["value"],
        "unit": entry["triad_bandwidth"]["unit"],
        "low": entry["triad_bandwidth"]["confidence_interval"][0],
        "high": entry["triad_bandwidth"]["confidence_interval"][1],
        "n": entry["triad_bandwidth"]["sample_size"],
    }
    for instance, entry in memory["benchmarks"]["stream"].items()
)
if table.empty:
    print("no type has three executions of STREAM yet")
else:
    print(table.sort_values("triad", ascending=False).to_string(index=False))
