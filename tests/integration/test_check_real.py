"""The whole of other people's real results, from folder to statistics. Long: part of `make test-full`."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from assay.collect.imports import import_folder
from assay.process import process_arrived
from assay.workspace import Workspace

pytestmark = pytest.mark.full


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
    sessions = workspace.ledger.sessions()
    accepted = sessions.loc[sessions["verdict"] != "quarantined", "source_file"]
    assert sorted(accepted) == [
        "c7g.large-stream-20250629-232158.json",
        "m7i.large-stream-20250629-231149.json",
        "m7i.large-stream-20250629-232158.json",
    ]
    findings = workspace.ledger.findings()
    made_up = findings[(findings["severity"] == "quarantine") & findings["rule"].str.startswith("fabrication.")]
    assert made_up["session"].nunique() == 120


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
