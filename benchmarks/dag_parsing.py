"""What parsing all our DAG files costs, beside parsing one empty DAG file.

Each round parses both in fresh processes, one after the other, in turns first; the figure is the median of the rounds' ratios of
CPU seconds. A process does what everything does that needs the DAGs: import Airflow, then run the files of a folder. Airflow's
own import is most of both sides, so the ratio says what our files add to it. The promise is at most 1.3.

    python benchmarks/dag_parsing.py --rounds 15
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 1.3
DAGS = Path(__file__).resolve().parents[1] / "dags"
EMPTY = """from airflow.sdk import dag


@dag(schedule=None)
def empty():
    pass


empty()
"""
PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
assert len(bag.dags) == int(sys.argv[2]), bag.dags
"""


def seconds(folder: Path, dags: int, environment: dict[str, str]) -> float:
    """CPU seconds, user and system, of one process that parses the folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", PARSE, str(folder), str(dags)], env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Run the rounds and print the figure; 1 if the promise is not held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="paired rounds (default: %(default)s)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "dags"
        empty.mkdir()
        (empty / "empty.py").write_text(EMPTY)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "ASSAY_"))}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or both sides do little else than compile Airflow
        environment |= {"AIRFLOW_HOME": folder, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        ours = len(list(DAGS.glob("*.py")))
        sides = {"all of ours": (DAGS, ours), "one empty": (empty, 1)}
        for side in sides.values():  # bytecode and page cache
            seconds(*side, environment)
        ratios = []
        for number in range(rounds):
            order = list(sides) if number % 2 else list(reversed(sides))
            took = {name: seconds(*sides[name], environment) for name in order}
            ratios.append(took["all of ours"] / took["one empty"])
            print(f"round {number + 1}: {took['all of ours']:.2f} s / {took['one empty']:.2f} s = {ratios[-1]:.3f}", flush=True)
    ratio = statistics.median(ratios)
    said = f"parsing {ours} DAG files / parsing one empty DAG file: median {ratio:.2f} of {rounds} rounds"
    print(f"{said} (promised: at most {LIMIT})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
