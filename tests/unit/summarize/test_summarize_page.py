"""docs/statistics.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from assay.check.fabrication.chance import OTHER_MACHINES, SAME_MACHINE, SAME_PROCESSOR
from assay.summarize.grades import definitions
from assay.summarize.intervals import median_interval

PAGE = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text(encoding="utf-8")


def test_the_page_states_the_grades() -> None:
    for grade, meaning in definitions().items():
        assert f"| {grade} | {meaning} |" in PAGE


def test_the_page_states_the_intervals() -> None:
    for n in (3, 4, 5, 6, 8, 10, 12, 30):
        found = median_interval(n)
        assert found is not None
        assert f"| {n} | {found.low + 1} to {found.high + 1} | {float(f'{found.level:.4f}'):g}" in PAGE


def test_the_page_states_the_spreads() -> None:
    for name, spread in (
        ("other processors", OTHER_MACHINES),
        ("same processor", SAME_PROCESSOR),
        ("same machine", SAME_MACHINE),
    ):
        assert f"| {name} | {100 * spread.level:g} % | {100 * spread.shape:g} % | {100 * spread.few:g} % |" in PAGE
