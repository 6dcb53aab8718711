"""How often the fabrication rules suspect honest machines.

Simulates fleets of real EC2 instance types that measure STREAM honestly: every processor has a level and a ratio between its
kernels, every session its own noise, every source its own way to print. Runs the rules over each fleet as over any batch and
counts the sessions that they quarantine. The target is under 1 in 1,000.

    python benchmarks/false_alarms.py            five minutes
    python benchmarks/false_alarms.py --quick    20 seconds
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable

import numpy as np
import synthetic
from assay.check.rule import Batch, Severity
from assay.check.rules.fabrication import RULES
from assay.reference import catalogue

METRICS = ("copy_bandwidth", "scale_bandwidth", "add_bandwidth", "triad_bandwidth")
PRINTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1 decimal": lambda value: np.round(value, 1),
    "2 decimals": lambda value: np.round(value, 2),
    "4 digits": lambda value: np.array([float(f"{each:.4g}") for each in value.ravel()]).reshape(value.shape),
    "6 digits": lambda value: np.array([float(f"{each:.6g}") for each in value.ravel()]).reshape(value.shape),
    "as computed": lambda value: value,
}
NOISE = {"quiet 0.3 %": (0.0, 0.003), "usual 1 %": (0.0, 0.01), "noisy 5 %": (0.0, 0.05), "shared 3+0.1 %": (0.03, 0.001)}
"""Noise of a session as a whole, and of each kernel by itself: of the last kind, sessions of a machine are nearly multiples."""
SHAPES = {"processors alike (1 %)": 0.01, "processors differ (4 %)": 0.04}


def fleet(rng: np.random.Generator, types: int, sessions: int, noise: tuple[float, float], shape: float, spelled: str) -> Batch:
    """An honest fleet: `types` instance types, 1 to `sessions` sessions each."""
    known = catalogue.frame()
    chosen = known.iloc[rng.choice(len(known), types, replace=False)]
    processors = {name: number for number, name in enumerate(chosen["processor"].fillna(chosen["instance_family"]).unique())}
    level = np.exp(rng.normal(3.0, 0.5, len(processors)))
    ratios = np.exp(rng.normal(0.0, shape, (len(processors), len(METRICS))))
    rows = []
    for subject, processor, vcpus in zip(
        chosen["instance_type"], chosen["processor"].fillna(chosen["instance_family"]), chosen["vcpus"], strict=True
    ):
        number = processors[processor]
        true = level[number] * min(float(vcpus), 32.0) ** 0.5 * ratios[number]
        count = int(rng.integers(1, sessions + 1))
        disturbed = rng.normal(0.0, noise[0], (count, 1)) + rng.normal(0.0, noise[1], (count, len(METRICS)))
        values = PRINTS[spelled](true * np.exp(disturbed))
        rows += [(str(subject), values[session]) for session in range(count)]
    return synthetic.batch([subject for subject, _ in rows], METRICS, np.array([values for _, values in rows]))


def suspected(batch: Batch) -> set[str]:
    """The sessions that a fabrication rule quarantines."""
    judged = [rule.judge(batch) for rule in RULES if rule.severity is Severity.QUARANTINE and rule.judge is not None]
    return {str(session) for findings in judged for session in findings["session"]}


def main() -> None:
    """Run the simulation and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fleets", type=int, default=40, help="fleets for each way to print, noise and similarity (default 40)")
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument("--quick", action="store_true", help="two fleets each")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print(f"{'printed':14} {'noise':14} {'processors':24} {'fleets':>6} {'sessions':>8} {'suspected':>9} {'fleets hit':>10}")
    every = hit = fleets = fleets_hit = 0
    for spelled, (noise_name, noise), (shape_name, shape) in itertools.product(PRINTS, NOISE.items(), SHAPES.items()):
        sessions = alarms = struck = 0
        count = 2 if options.quick else options.fleets
        for _ in range(count):
            batch = fleet(rng, int(rng.integers(10, 300)), int(rng.integers(1, 6)), noise, shape, spelled)
            found = suspected(batch)
            sessions, alarms, struck = sessions + len(batch.sessions), alarms + len(found), struck + bool(found)
        print(f"{spelled:14} {noise_name:14} {shape_name:24} {count:6} {sessions:8} {alarms:9} {struck:10}")
        every, hit, fleets, fleets_hit = every + sessions, hit + alarms, fleets + count, fleets_hit + struck
    print(f"suspected: {hit} of {every} honest sessions ({1000 * hit / every:.3f} in 1,000), in {fleets_hit} of {fleets} fleets")


if __name__ == "__main__":
    main()
