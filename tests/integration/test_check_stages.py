"""Verify, judge and summarize on a real ledger and real storage, with real results where the test data has them."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from assay.check.judge import judge_read, load_batch, recheck
from assay.check.verify import verify_arrived
from assay.collect.imports import import_folder
from assay.process import process_arrived, recheck_all
from assay.read.sessions import load, read_verified
from assay.session import MANIFEST_NAME, Manifest
from assay.summarize import step
from assay.summarize.statistics import summarize
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace
from importer_samples import shape_b, stream, write_result

SOURCE = "aws-instance-benchmarks"
MEASURED = (
    "m7i.large-stream-20250629-231149.json",
    "m7i.large-stream-20250629-232158.json",
    "c7g.large-stream-20250629-232158.json",
)


@pytest.fixture
def results(test_data: Path) -> Path:
    return test_data / "instance-benchmarks"


def some(results: Path, folder: Path, *names: str) -> Path:
    """A folder with these of the real results."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(results / "2025-06-29" / name, folder / name)
    return folder


def verdicts(workspace: Workspace) -> dict[str, str]:
    sessions = workspace.ledger.sessions()
    return {file.rpartition("/")[2]: verdict for file, verdict in zip(sessions["source_file"], sessions["verdict"], strict=True)}


def one_result(workspace: Workspace, folder: Path) -> tuple[str, Path]:
    """A small imported session: its id and its folder in raw storage."""
    write_result(folder, shape_b(), "one.json")
    import_folder(workspace, SOURCE, folder)
    sessions = workspace.ledger.sessions()
    return str(sessions["session"][0]), Path(workspace.storage.uri(str(sessions["prefix"][0])))


def reasons(workspace: Workspace) -> dict[str, str]:
    found = workspace.ledger.findings()
    return dict(zip(found["rule"], found["message"], strict=True))


def test_the_real_results_come_out_as_their_readme_says(workspace: Workspace, results: Path) -> None:
    import_folder(workspace, SOURCE, results)
    outcome = process_arrived(workspace)
    assert (outcome.read, outcome.accepted, outcome.quarantined, outcome.rejected) == (124, 3, 121, 0)
    accepted = {name for name, verdict in verdicts(workspace).items() if verdict != "quarantined"}
    assert accepted == set(MEASURED)
    findings = workspace.ledger.findings()
    held = findings[findings["severity"] == "quarantine"]
    assert held[held["rule"].str.startswith("fabrication.")]["session"].nunique() == 120
    accounting = workspace.ledger.accounting()
    assert accounting.read == accounting.accepted + accounting.quarantined + accounting.rejected == 124
    statistics = workspace.ledger.statistics()
    assert set(statistics["subject"]) == {"m7i.large", "c7g.large"}
    assert set(statistics.loc[statistics["subject"] == "m7i.large", "n"]) == {2}
    assert statistics["ci_low"].isna().all()  # no interval under three executions


def test_a_later_batch_reveals_an_earlier_fabrication(workspace: Workspace, results: Path, tmp_path: Path) -> None:
    first, second = "c7g.large-stream-20250629-081539.json", "r7i.large-stream-20250629-081451.json"
    import_folder(workspace, SOURCE, some(results, tmp_path / "a", first, *MEASURED))
    assert process_arrived(workspace).quarantined == 0
    before = workspace.ledger.statistics()
    import_folder(workspace, SOURCE, some(results, tmp_path / "b", second))
    outcome = process_arrived(workspace)
    assert (outcome.read, outcome.quarantined, len(outcome.changed)) == (1, 1, 1)
    assert {name for name, verdict in verdicts(workspace).items() if verdict == "quarantined"} == {first, second}
    after = workspace.ledger.statistics()
    assert before.loc[before["subject"] == "c7g.large", "n"].tolist() == [2] * 4
    assert after.loc[after["subject"] == "c7g.large", "n"].tolist() == [1] * 4


@pytest.mark.full
def test_one_by_one_gives_the_same_verdicts_as_all_at_once(workspace: Workspace, results: Path, tmp_path: Path) -> None:
    names = [
        "m7i.large-stream-20250629-213332.json",
        "c7g.large-stream-20250629-232158.json",
        "m7i.large-hpl-20250629-082020.json",
        "c7a.large-stream-20250629-081535.json",
        "m7i.large-stream-20250629-231149.json",
        "r7i.large-stream-20250629-081451.json",
    ]
    for name in names:
        import_folder(workspace, SOURCE, some(results, tmp_path / name, name))
        process_arrived(workspace)
    one_by_one, reasons_then = verdicts(workspace), workspace.ledger.findings()
    recheck_all(workspace)
    assert verdicts(workspace) == one_by_one
    assert workspace.ledger.findings().equals(reasons_then)
    assert {name for name, verdict in one_by_one.items() if verdict != "quarantined"} == {names[1], names[4]}


def test_verify_accepts_what_is_as_it_was_stored_and_is_done_once(workspace: Workspace, tmp_path: Path) -> None:
    session, _ = one_result(workspace, tmp_path / "in")
    assert verify_arrived(workspace) == [session]
    assert verify_arrived(workspace) == []
    assert workspace.ledger.findings().empty


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("integrity.hash", lambda file: file.write_bytes(file.read_bytes().replace(b"11.5", b"99.5"))),
        ("integrity.size", lambda file: file.write_bytes(file.read_bytes()[:-20])),
        ("integrity.missing-file", lambda file: file.unlink()),
    ],
)
def test_verify_quarantines_a_file_that_is_not_what_the_manifest_lists(
    workspace: Workspace, tmp_path: Path, rule: str, spoil: object
) -> None:
    _, folder = one_result(workspace, tmp_path / "in")
    spoil(folder / "result.json")  # type: ignore[operator]
    assert verify_arrived(workspace) == []
    assert set(reasons(workspace)) == {rule}
    assert "result.json" in reasons(workspace)[rule]
    assert verdicts(workspace) == {"one.json": "quarantined"}
    assert (folder / MANIFEST_NAME).is_file()  # the raw bytes stay


def test_verify_hashes_the_manifest_too(workspace: Workspace, tmp_path: Path) -> None:
    _, folder = one_result(workspace, tmp_path / "in")
    manifest = Manifest.parse((folder / MANIFEST_NAME).read_bytes())
    (folder / MANIFEST_NAME).write_bytes(replace(manifest, labels={**manifest.labels, "added": "later"}).to_bytes())
    assert verify_arrived(workspace) == []
    assert verdicts(workspace) == {"one.json": "quarantined"}


def test_verify_warns_of_a_file_that_no_manifest_lists(workspace: Workspace, tmp_path: Path) -> None:
    session, folder = one_result(workspace, tmp_path / "in")
    (folder / "extra.txt").write_text("later")
    assert verify_arrived(workspace) == [session]
    assert "extra.txt" in reasons(workspace)["integrity.unlisted-file"]


def test_verify_quarantines_a_file_over_the_limit(workspace: Workspace, tmp_path: Path) -> None:
    one_result(workspace, tmp_path / "in")
    strict = replace(workspace, settings=workspace.settings.model_copy(update={"max_raw_file_bytes": 100}))
    assert verify_arrived(strict) == []
    assert set(reasons(workspace)) == {"integrity.size-limit"}


def test_verify_quarantines_a_session_from_the_future(workspace: Workspace, tmp_path: Path) -> None:
    _, folder = one_result(workspace, tmp_path / "in")
    manifest = Manifest.parse((folder / MANIFEST_NAME).read_bytes())
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    future = replace(manifest, started_at=later, ended_at=later)
    put(workspace, future, (folder / "result.json").read_bytes())
    assert future.session not in verify_arrived(workspace)
    assert "integrity.clock" in reasons(workspace)


def test_the_sweep_registers_what_the_ledger_does_not_know(workspace: Workspace, tmp_path: Path) -> None:
    _, folder = one_result(workspace, tmp_path / "in")
    manifest = Manifest.parse((folder / MANIFEST_NAME).read_bytes())
    lost = replace(manifest, started_at=manifest.started_at - timedelta(days=1))
    put(workspace, lost, (folder / "result.json").read_bytes())
    assert sorted(verify_arrived(workspace)) == sorted([lost.session, manifest.session])


def test_a_manifest_that_is_none_is_rejected_and_its_bytes_stay(workspace: Workspace) -> None:
    key = f"raw/instance_benchmark/2025/06/29/20250629T000000Z-000000000000/{MANIFEST_NAME}"
    workspace.storage.write(key, b"{not json")
    assert verify_arrived(workspace) == []
    assert verify_arrived(workspace) == []
    [row] = workspace.ledger.rejections().to_dict("records")
    assert row["source_file"] == key
    assert "not JSON" in row["reason"]
    assert workspace.storage.read(key) == b"{not json"


def test_a_session_without_its_manifest_has_not_arrived(workspace: Workspace) -> None:
    workspace.storage.write("raw/instance_benchmark/2025/06/29/20250629T000000Z-000000000000/result.json", b"{}")
    assert verify_arrived(workspace) == []
    assert workspace.ledger.sessions().empty


def test_judging_again_changes_nothing_and_leaves_data_docs_that_need_no_network(workspace: Workspace, tmp_path: Path) -> None:
    one_result(workspace, tmp_path / "in")
    verify_arrived(workspace)
    read_verified(workspace)
    decided = judge_read(workspace)
    assert decided["verdict"].tolist() == ["accepted with warnings"]
    assert judge_read(workspace).empty
    findings = workspace.ledger.findings()
    recheck(workspace)
    assert workspace.ledger.findings().equals(findings)
    pages = list((workspace.settings.home / "data_docs" / "default").glob("*.html"))
    assert len(pages) == 6
    assert not any("src=" in page.read_text() or "<link" in page.read_text() for page in pages)


def test_a_session_that_was_held_while_reading_keeps_its_one_reason(workspace: Workspace, tmp_path: Path) -> None:
    write_result(tmp_path / "in", shape_b(stream=stream(triad=None)), "part.json")
    import_folder(workspace, SOURCE, tmp_path / "in")
    process_arrived(workspace)
    found = workspace.ledger.findings()
    assert found.loc[found["severity"] == "quarantine", "rule"].tolist() == ["reading.missing-metric"]
    assert verdicts(workspace) == {"part.json": "quarantined"}


def test_statistics_are_the_same_whether_rows_are_loaded_or_sorted_where_they_lie(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        rates = {name: 11.5 + number / 7 + place / 3 for place, name in enumerate(("copy", "scale", "add", "triad"))}
        kernels = {name: {"bandwidth": rate, "unit": "GB/s"} for name, rate in rates.items()}
        document = shape_b("m7i.large" if number % 2 else "c7g.large", stream=kernels)
        document["metadata"]["timestamp"] = f"2025-06-{20 + number}T12:00:01Z"
        write_result(tmp_path / "in", document, f"{number}.json")
    import_folder(workspace, SOURCE, tmp_path / "in")
    process_arrived(workspace)
    loaded = workspace.ledger.statistics()
    assert set(loaded["n"]) == {3, 4}
    monkeypatch.setattr(step, "MANY_SESSIONS", 1)
    assert refresh_statistics(workspace) == len(loaded) == 8
    pd.testing.assert_frame_equal(workspace.ledger.statistics(), loaded, check_exact=True)
    measurements, _ = load(workspace, workspace.ledger.sessions())
    pd.testing.assert_frame_equal(summarize(measurements)[loaded.columns], loaded, check_exact=True, check_dtype=False)


def test_without_an_accepted_session_there_are_no_statistics(workspace: Workspace) -> None:
    assert refresh_statistics(workspace) == 0
    assert workspace.ledger.statistics().empty
    assert load_batch(workspace).sessions.empty


def put(workspace: Workspace, manifest: Manifest, result: bytes) -> None:
    """A session in raw storage that nobody told the ledger of."""
    prefix = f"raw/{manifest.kind.value}/{manifest.started_at:%Y/%m/%d}/{manifest.session}/"
    workspace.storage.write_once(f"{prefix}result.json", result, hashlib.sha256(result).hexdigest())
    content = manifest.to_bytes()
    workspace.storage.write_once(f"{prefix}{MANIFEST_NAME}", content, hashlib.sha256(content).hexdigest())
