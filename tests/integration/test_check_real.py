"""Other people's real results, from folder to statistics: a fixed sample in `make test`, the whole in `make test-full`."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from assay.collect.imports import import_folder
from assay.database.ledger import Ledger
from assay.process import process_arrived
from assay.read.compaction import MANY
from assay.read.sessions import load
from assay.workspace import Workspace
from sqlalchemy import Engine

MEASURED = [
    "c7g.large-stream-20250629-232158.json",
    "m7i.large-stream-20250629-231149.json",
    "m7i.large-stream-20250629-232158.json",
]
NOT_HPL = "m7i.large-hpl-20250629-235723.json"
SCALED = "m7i.large-stream-20250629-213332.json"
MISLABELLED = "i3.large-hpl-20250629-095154.json"
COPIES = 12
"""Fabricated files in the sample beside those that are named."""

ALONE = 24
"""Files that come one by one before the rest comes at once: more than a compaction waits for."""

AWKWARD = {
    "aws/t3.micro/bw_mem": "reading.interleaved-output",
    "aws/c8g.medium/geekbench": "reading.incomplete-result",
    "aws/c7g.large/redis": None,
    "aws/c8a.metal-48xl/geekbench": None,
    "aws/x8i.24xlarge/openssl": None,
    "aws-repeats/t3a.small/redis/20240823T173724Z": "reading.unknown-format",
    "aws-repeats/t4g.nano/bw_mem/20240815T145839Z": "reading.interleaved-output",
}
"""Runs of the sample, and the rule that quarantines them; None: accepted."""


def reasons(workspace: Workspace) -> dict[str, set[str]]:
    """The rules that quarantine, by source file."""
    names = workspace.ledger.sessions().set_index("session")["source_file"]
    found = workspace.ledger.findings()
    found = found[found["severity"] == "quarantine"]
    return {str(names[session]): set(group) for session, group in found.groupby("session")["rule"]}


def accepted(workspace: Workspace) -> list[str]:
    sessions = workspace.ledger.sessions()
    return sorted(sessions.loc[sessions["verdict"].str.startswith("accepted"), "source_file"])


def test_a_sample_of_the_real_results_a_later_part_reveals_the_earlier(
    workspace: Workspace, test_data: Path, tmp_path: Path
) -> None:
    files = sorted((test_data / "instance-benchmarks" / "2025-06-29").glob("*.json"))
    named = {*MEASURED, NOT_HPL, SCALED, MISLABELLED}
    copies = [file for file in files if file.name not in named and "-stream-" in file.name][:: 100 // COPIES][:COPIES]
    parts = [copies[:1] + [f for f in files if f.name in MEASURED], copies[1:] + [f for f in files if f.name in named]]
    for number, part in enumerate(parts):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in part:
            shutil.copy(file, folder)
        import_folder(workspace, "aws-instance-benchmarks", folder)
        process_arrived(workspace)
    assert accepted(workspace) == MEASURED
    why = reasons(workspace)
    assert "integrity.suite-payload" in why[MISLABELLED]
    assert why[NOT_HPL] == {"physics.hpl-size", "physics.hpl-work"}
    assert "fabrication.constant-multiple" in why[SCALED]
    assert all("fabrication.same-vector" in why[file.name] for file in copies)
    accounting = workspace.ledger.accounting()
    assert (accounting.read, accounting.accepted, accounting.quarantined) == (COPIES + 6, 3, COPIES + 3)


def test_a_sample_of_awkward_runs_ends_in_the_right_verdicts(workspace: Workspace, test_data: Path, tmp_path: Path) -> None:
    for place in AWKWARD:
        shutil.copytree(test_data / "spare-cores" / place, tmp_path / "sample" / place)
    import_folder(workspace, "spare-cores", tmp_path / "sample")
    process_arrived(workspace)
    why = reasons(workspace)
    assert why == {place: {rule} for place, rule in AWKWARD.items() if rule}
    assert accepted(workspace) == sorted(place for place, rule in AWKWARD.items() if rule is None)


@pytest.mark.full
def test_one_by_one_in_any_order_rows_reasons_and_statistics_are_those_of_one_batch(
    workspace: Workspace, engine: Engine, test_data: Path, tmp_path: Path
) -> None:
    files = sorted((test_data / "instance-benchmarks" / "2025-06-29").glob("*.json"))
    random.Random(3).shuffle(files)
    for number, part in enumerate([*([file] for file in files[:ALONE]), files[ALONE:]]):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        for file in part:
            shutil.copy(file, folder)
        import_folder(workspace, "aws-instance-benchmarks", folder)
        process_arrived(workspace)
    assert accepted(workspace) == MEASURED
    assert len(list(workspace.storage.list("processed/measurements"))) <= MANY
    other = replace(workspace, dataset="at-once", ledger=Ledger(engine, "at-once"))
    other.ledger.open_dataset()
    import_folder(other, "aws-instance-benchmarks", test_data / "instance-benchmarks")
    process_arrived(other)
    assert {Path(name).name: rules for name, rules in reasons(other).items()} == reasons(workspace)
    tables = [(each.ledger.statistics(), load(each, each.ledger.sessions())[0]) for each in (workspace, other)]
    for one, two in zip(*tables, strict=True):
        order = [name for name in one.columns if one[name].dtype == "string"]
        pd.testing.assert_frame_equal(one.sort_values(order, ignore_index=True), two.sort_values(order, ignore_index=True))


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2])
def test_the_real_results_in_any_order_and_several_runs_end_alike(
    workspace: Workspace, test_data: Path, tmp_path: Path, seed: int
) -> None:
    files = sorted((test_data / "instance-benchmarks" / "2025-06-29").glob("*.json"))
    random.Random(seed).shuffle(files)
    for number in range(0, len(files), 25):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file in files[number : number + 25]:
            shutil.copy(file, folder)
        import_folder(workspace, "aws-instance-benchmarks", folder)
        process_arrived(workspace)
        accounting = workspace.ledger.accounting()
        assert accounting.read == accounting.accepted + accounting.quarantined + accounting.rejected
    assert accepted(workspace) == MEASURED
    findings = workspace.ledger.findings()
    made_up = findings[(findings["severity"] == "quarantine") & findings["rule"].str.startswith("fabrication.")]
    assert made_up["session"].nunique() == 120


@pytest.mark.full
def test_spare_cores_raises_no_false_alarm_and_repeats_have_intervals(workspace: Workspace, test_data: Path) -> None:
    report = import_folder(workspace, "spare-cores", test_data / "spare-cores")
    outcome = process_arrived(workspace)
    assert outcome.read == outcome.accepted + outcome.quarantined == report.imported
    findings = workspace.ledger.findings()
    held_in_check = findings[(findings["severity"] == "quarantine") & (findings["stage"] == "check")]
    assert held_in_check.empty
    statistics = workspace.ledger.statistics()
    repeated = statistics[statistics["n"] >= 3]
    assert len(repeated) > 100
    assert repeated["ci_low"].notna().all()
    assert statistics.loc[statistics["n"] < 3, "ci_low"].isna().all()
