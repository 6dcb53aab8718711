"""Folders of other people's results into a real ledger and real storage."""

from __future__ import annotations

import dataclasses
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from assay.collect import imports
from assay.collect.importers import FoundSession, finder
from assay.collect.imports import ImportReport, import_folder
from assay.database.ledger import Ledger
from assay.errors import AssayError, DatasetConflict
from assay.read.sessions import load, read_verified
from assay.session import MANIFEST_NAME, Manifest
from assay.storage import Storage, store_files
from assay.workspace import Workspace
from importer_samples import WHOLE, meta, shape_a, shape_b, write_result, write_run

BENCHMARKS = "aws-instance-benchmarks"
CORES = "spare-cores"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three results, one of them twice, and one that is none."""
    folder = tmp_path / "results"
    write_result(folder / "a", shape_a(), "one.json")
    write_result(folder / "b", shape_b(), "two.json")
    write_result(folder / "c", shape_b(), "again.json")
    write_result(folder, shape_b("c7g.large"), "three.json")
    write_result(folder, b"{}", "none.json")
    return folder


def in_dataset(workspace: Workspace, dataset: str) -> Workspace:
    ledger = Ledger(workspace.engine, dataset)
    ledger.open_dataset()
    return dataclasses.replace(workspace, dataset=dataset, ledger=ledger)


def test_everything_that_is_found_is_counted_once(workspace: Workspace, results: Path) -> None:
    assert import_folder(workspace, BENCHMARKS, results) == ImportReport(read=5, imported=3, already_there=1, rejected=1)
    sessions = workspace.ledger.sessions()
    assert set(sessions["state"]) == {"arrived"}
    assert set(sessions["source_file"]) == {"a/one.json", "b/two.json", "three.json"}
    assert set(sessions["licence"]) == {"CC BY 4.0"}
    assert list(workspace.ledger.rejections()["source_file"]) == ["none.json"]
    assert "`metadata` is missing" in workspace.ledger.rejections()["reason"][0]


def test_importing_again_changes_nothing(workspace: Workspace, results: Path) -> None:
    import_folder(workspace, BENCHMARKS, results)
    before = workspace.ledger.sessions()
    assert import_folder(workspace, BENCHMARKS, results) == ImportReport(read=5, imported=0, already_there=4, rejected=1)
    assert workspace.ledger.sessions().equals(before)
    assert len(workspace.ledger.rejections()) == 1


def test_the_accounting_of_every_import_closes(workspace: Workspace, results: Path) -> None:
    for _ in range(2):
        import_folder(workspace, BENCHMARKS, results)
    runs = workspace.ledger.runs()
    assert list(runs["read"]) == [5, 5]
    assert list(runs["already_there"]) == [1, 5]
    assert list(runs["rejected"]) == [1, 0]
    assert list(runs["pending"]) == [3, 0]
    assert list(runs["what"]) == ["import aws-instance-benchmarks"] * 2


def test_bytes_are_stored_untouched_and_the_manifest_with_them(workspace: Workspace, results: Path) -> None:
    import_folder(workspace, BENCHMARKS, results)
    for row in workspace.ledger.sessions().itertuples():
        raw = workspace.storage.read(f"{row.prefix}result.json")
        assert raw == (results / str(row.source_file)).read_bytes()
        manifest = Manifest.parse(workspace.storage.read(f"{row.prefix}{MANIFEST_NAME}"))
        assert manifest.session == row.session
        assert manifest.source.name == BENCHMARKS
        assert workspace.storage.sha256(f"{row.prefix}{MANIFEST_NAME}") == row.manifest_sha256


def test_any_order_and_any_division_of_the_files_give_the_same_sessions(
    workspace: Workspace, results: Path, tmp_path: Path
) -> None:
    import_folder(workspace, BENCHMARKS, results)
    other = in_dataset(workspace, "one-by-one")
    files = sorted(results.rglob("*.json"))
    random.Random(7).shuffle(files)
    for number, path in enumerate(files):
        write_result(tmp_path / f"part{number}", path.read_bytes(), f"{number}.json")
        import_folder(other, BENCHMARKS, tmp_path / f"part{number}")
    assert set(other.ledger.sessions()["session"]) == set(workspace.ledger.sessions()["session"])


def test_a_run_with_all_its_files_is_one_session(workspace: Workspace, tmp_path: Path) -> None:
    for task, files in WHOLE.items():
        folder = "timing/123" if task == "timing_marks" else task
        write_run(tmp_path / "aws" / "m7i.large" / folder, files)
    write_run(tmp_path / "aws-repeats" / "m7i.large" / "bw_mem" / "20240608T082257Z", WHOLE["bw_mem"])
    write_run(tmp_path / "aws" / "m7i.large" / "broken", {"meta.json": b"{}"})
    report = import_folder(workspace, CORES, tmp_path)
    assert report == ImportReport(read=len(WHOLE) + 2, imported=len(WHOLE), already_there=1, rejected=1)
    assert workspace.ledger.licence() == "CC BY-SA 4.0"


def test_data_under_another_licence_is_refused_before_anything_is_stored(
    workspace: Workspace, results: Path, tmp_path: Path
) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    import_folder(workspace, BENCHMARKS, results)
    before = list(workspace.storage.list("raw"))
    with pytest.raises(DatasetConflict, match=r"CC BY-SA 4\.0.*--dataset spare-cores"):
        import_folder(workspace, CORES, tmp_path / "aws")
    assert list(workspace.storage.list("raw")) == before
    assert import_folder(in_dataset(workspace, "spare-cores"), CORES, tmp_path / "aws").imported == 1


def test_two_datasets_may_hold_the_same_session(workspace: Workspace, results: Path) -> None:
    import_folder(workspace, BENCHMARKS, results)
    other = in_dataset(workspace, "other")
    assert import_folder(other, BENCHMARKS, results).imported == 3
    assert set(other.ledger.sessions()["manifest_sha256"]) == set(workspace.ledger.sessions()["manifest_sha256"])


def test_an_import_that_was_killed_is_made_up_by_a_rerun(workspace: Workspace, results: Path) -> None:
    everything = [one for one in finder(BENCHMARKS)(results, "default", None) if isinstance(one, FoundSession)]
    store_files(workspace.storage, everything[0].paths, everything[0].manifest)
    prefix = f"raw/instance_benchmark/2025/06/29/{everything[1].manifest.session}/"
    workspace.storage.write_once(
        prefix + "result.json", everything[1].paths["result.json"], everything[1].manifest.files[0].sha256
    )
    assert import_folder(workspace, BENCHMARKS, results).imported == 3


def test_many_results_are_imported_in_batches_and_progress_is_told(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_BATCH", 4)
    for number in range(10):
        write_result(tmp_path / "results", shape_b(f"m7i.{number + 2}xlarge"), f"{number}.json")
    told: list[int] = []
    assert import_folder(workspace, BENCHMARKS, tmp_path / "results", progress=told.append).imported == 10
    assert told == [4, 8, 10]


def test_a_folder_without_results_is_no_error_and_nothing_is_read(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert import_folder(workspace, CORES, tmp_path) == ImportReport(0, 0, 0, 0)
    assert "holds no result of spare-cores" in caplog.text


def test_our_own_state_below_the_folder_is_not_imported(workspace: Workspace, tmp_path: Path) -> None:
    write_result(tmp_path / "results", shape_b())
    assert workspace.settings.home.parent == tmp_path
    for already_there in (0, 1):
        report = import_folder(workspace, BENCHMARKS, tmp_path)
        assert report == ImportReport(read=1, imported=1 - already_there, already_there=already_there, rejected=0)


@pytest.mark.parametrize(
    ("source", "folder", "message"),
    [("somewhere", "", "expected one of"), (CORES, "not-there", "not a folder"), (CORES, "file", "not a folder")],
)
def test_a_wrong_source_or_folder_is_one_sentence(
    workspace: Workspace, tmp_path: Path, source: str, folder: str, message: str
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(AssayError, match=message):
        import_folder(workspace, source, tmp_path / folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_one_sentence(workspace: Workspace, results: Path) -> None:
    (results / "three.json").chmod(0)
    with pytest.raises(AssayError, match=r"three\.json: Permission denied"):
        import_folder(workspace, BENCHMARKS, results)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_one_sentence_and_not_left_out(workspace: Workspace, results: Path) -> None:
    (results / "a").chmod(0)
    with pytest.raises(AssayError, match=r"a: Permission denied"):
        import_folder(workspace, BENCHMARKS, results)
    (results / "a").chmod(0o755)


def test_what_is_imported_is_read_by_its_source_s_reader(workspace: Workspace, tmp_path: Path) -> None:
    write_run(tmp_path / "aws" / "m7i.large" / "bw_mem", WHOLE["bw_mem"])
    write_run(tmp_path / "aws" / "m7i.large" / "redis", {"meta.json": meta(exit_code=None)})
    import_folder(workspace, CORES, tmp_path)
    workspace.ledger.mark_verified(workspace.ledger.sessions()["session"])
    assert len(read_verified(workspace)) == 2
    sessions = workspace.ledger.sessions()
    assert sorted(sessions["state"]) == ["judged", "read"]
    assert list(workspace.ledger.findings()["rule"]) == ["reading.never-finished"]
    measurements, _ = load(workspace, sessions)
    assert len(measurements) == 33


@pytest.mark.enable_socket
def test_the_same_import_runs_against_s3(workspace: Workspace, results: Path, bucket: str) -> None:
    on_s3 = dataclasses.replace(workspace, storage=Storage.open(f"s3://{bucket}/assay"))
    assert import_folder(on_s3, BENCHMARKS, results).imported == 3
    assert import_folder(on_s3, BENCHMARKS, results).already_there == 4
    assert Counter(Path(one.key).name for one in on_s3.storage.list("raw")) == {"result.json": 3, MANIFEST_NAME: 3}


@pytest.mark.full
def test_the_real_results_of_both_sources_are_imported_and_read(workspace: Workspace, test_data: Path) -> None:
    cores = in_dataset(workspace, "spare-cores")
    assert import_folder(workspace, BENCHMARKS, test_data / "instance-benchmarks") == ImportReport(124, 124, 0, 0)
    assert import_folder(cores, CORES, test_data / "spare-cores") == ImportReport(2284, 2214, 68, 2)
    for each in (workspace, cores):
        each.ledger.mark_verified(each.ledger.sessions()["session"])
        read_verified(each)
    assert Counter(workspace.ledger.sessions()["state"]) == {"read": 124}
    states = Counter(cores.ledger.sessions()["state"])
    assert states == {"read": 2050, "judged": 164}
    assert cores.ledger.accounting().read == 2216
