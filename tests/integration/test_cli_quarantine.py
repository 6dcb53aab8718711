"""`assay quarantine`: an operator sees why a session is kept out, and decides; the accounting follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from assay.collect.imports import import_folder
from assay.errors import AssayError
from assay.process import process_arrived
from assay.workspace import Workspace
from commands_run import done, run, settle_in
from importer_samples import shape_b, stream, write_result


@pytest.fixture
def quarantined(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Two sessions of six that say what no memory can do; their ids."""
    settle_in(workspace.settings, monkeypatch)
    for number in range(6):
        value = 12.5 + number / 10 if number % 3 else 90_000.0
        document = shape_b("m7i.large", stream=stream(triad={"bandwidth": value, "unit": "GB/s"}))
        document["metadata"]["timestamp"] = f"2025-06-29T12:00:{number:02}Z"
        write_result(tmp_path / "results", document, f"m7i.large-stream-{number}.json")
    import_folder(workspace, "aws-instance-benchmarks", tmp_path / "results")
    process_arrived(workspace)
    found = workspace.ledger.sessions(verdicts=["quarantined"])
    assert len(found) == 2
    return sorted(found["session"])


def counts(workspace: Workspace) -> tuple[int, int, int, int]:
    found = workspace.ledger.accounting()
    return found.read, found.accepted, found.quarantined, found.rejected


def test_a_session_is_explained_by_file_value_and_what_was_expected(quarantined: list[str]) -> None:
    rows = json.loads(done("quarantine", "list", "--json"))
    assert sorted(row["session"] for row in rows) == quarantined
    listed = done("quarantine", "list")
    for row in rows:
        assert row["session"] in listed
        reason = row["reasons"][0]
        shown = done("quarantine", "show", row["session"])
        assert f"{reason['file'] or row['source_file']}: {reason['rule']}: {reason['message']}" in shown
        assert f"found {reason['value']}; expected {reason['expected']}" in shown
        assert json.loads(done("quarantine", "show", row["session"], "--json")) == row


def test_one_is_released_and_one_rejected_and_the_sums_still_close(workspace: Workspace, quarantined: list[str]) -> None:
    assert counts(workspace) == (6, 4, 2, 0)
    good, bad = quarantined
    assert f"{good}: released" in done("quarantine", "release", good, "--why", "the metric is not needed", "--who", "ada")
    assert f"{bad}: rejected" in done("quarantine", "reject", bad, "--why", "a broken disk")
    assert counts(workspace) == (6, 5, 0, 1)
    assert "nothing is in quarantine" in done("quarantine", "list")
    kept = workspace.ledger.decisions().set_index("session")
    assert (kept.loc[good, "who"], kept.loc[good, "why"]) == ("ada", "the metric is not needed")
    assert kept.loc[bad, "why"] == "a broken disk"
    assert kept.loc[bad, "who"], "the user of the shell"
    process_arrived(workspace)
    assert counts(workspace) == (6, 5, 0, 1)


def test_a_decision_about_what_is_not_there_or_without_a_reason_changes_nothing(
    workspace: Workspace, quarantined: list[str]
) -> None:
    accepted = workspace.ledger.sessions(verdicts=["accepted", "accepted with warnings"])["session"].iloc[0]
    for arguments, message in (
        (("show", accepted), "is not in quarantine; `assay quarantine list` shows what is"),
        (("show", "nosuch"), "is not in quarantine"),
        (("release", "nosuch", "--why", "please"), "nosuch"),
        (("release", quarantined[0], "--why", "  "), "expected a reason"),
    ):
        with pytest.raises(AssayError, match=message):
            raise run("quarantine", *arguments).exception or AssertionError(f"{arguments} was taken")
    assert run("quarantine", "release", quarantined[0]).exit_code == 2, "a reason is asked for"
    assert counts(workspace) == (6, 4, 2, 0)
