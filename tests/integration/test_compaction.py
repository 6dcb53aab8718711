"""Compaction: the rows stay, the files become few, and a kill at any point does no harm."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest
from assay.check.judge import judge_read
from assay.check.verify import verify_arrived
from assay.collect.imports import import_folder
from assay.database.ledger import Ledger
from assay.publish.snapshot import publish_snapshot
from assay.read import compaction
from assay.read.batches import EXECUTIONS, MEASUREMENTS
from assay.read.compaction import compact, compact_many
from assay.read.sessions import SessionRows, load, located, read_verified
from assay.summarize.step import refresh_statistics
from assay.workspace import Workspace
from dying import died
from importer_samples import shape_b, stream, write_result
from typer.testing import CliRunner

TYPES = ("m7i.large", "c7g.large", "r7a.large")


def arrive(workspace: Workspace, folder: Path, numbers: Iterable[int], *, day: str = "2025-06-29") -> None:
    """Sessions enter one by one and are read: a batch each."""
    for number in numbers:
        values = {name: 10.0 + number * 0.37 + place * 0.11 for place, name in enumerate(("copy", "scale", "add", "triad"))}
        payload = stream(**{name: {"bandwidth": round(value, 3), "unit": "GB/s"} for name, value in values.items()})
        document = shape_b(TYPES[number % len(TYPES)], stream=payload)
        document["metadata"]["timestamp"] = f"{day}T12:{number // 60:02d}:{number % 60:02d}Z"
        place = folder / f"{day}-{number}"
        write_result(place, document)
        import_folder(workspace, "aws-instance-benchmarks", place)
        verify_arrived(workspace)
        read_verified(workspace)


def rows(workspace: Workspace) -> tuple[pd.DataFrame, ...]:
    """Everything that a pass loads, in an order of its own."""
    tables = load(workspace, workspace.ledger.sessions())
    return tuple(table.sort_values(["session", "file"], kind="stable", ignore_index=True) for table in tables)


def same(one: tuple[pd.DataFrame, ...], other: tuple[pd.DataFrame, ...]) -> None:
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right)


def files(workspace: Workspace, layer: str = MEASUREMENTS) -> list[str]:
    return [found.key.removeprefix(f"{layer}/") for found in workspace.storage.list(layer)]


def named(workspace: Workspace) -> list[str]:
    return sorted(workspace.ledger.batches()["batch"].unique())


def test_many_small_files_become_one_a_day_with_the_same_rows(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(5))
    arrive(workspace, tmp_path, range(4), day="2025-06-30")
    arrive(workspace, tmp_path, [1], day="2025-07-01")
    before, alone = rows(workspace), files(workspace)[-1]
    done = compact(workspace)
    assert (done.partitions, done.batches, done.into, done.removed) == (2, 9, 2, 9)
    assert done.bytes > done.into_bytes > 0
    assert files(workspace) == files(workspace, EXECUTIONS) == named(workspace)
    assert len(files(workspace)) == 3
    assert files(workspace)[-1] == alone
    same(rows(workspace), before)


def test_again_there_is_nothing_to_do(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(3))
    compact(workspace)
    there = {found.key: workspace.storage.sha256(found.key) for found in workspace.storage.list("processed")}
    again = compact(workspace)
    assert (again.batches, again.into, again.removed) == (0, 0, 0)
    assert {found.key: workspace.storage.sha256(found.key) for found in workspace.storage.list("processed")} == there


def test_files_that_are_large_enough_stay_and_small_ones_join_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(4))
    assert compact(workspace, full_bytes=1_000).batches == 0
    compact(workspace)
    (large,) = named(workspace)
    arrive(workspace, tmp_path, [4, 5])
    size = workspace.storage.size(f"{MEASUREMENTS}/{large}")
    assert size is not None
    before = rows(workspace)
    assert compact(workspace, full_bytes=2 * size).batches == 2
    assert large in named(workspace)
    assert len(named(workspace)) == 2
    same(rows(workspace), before)


def test_a_dry_run_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(3))
    there = files(workspace)
    done = compact(workspace, dry_run=True)
    assert (done.partitions, done.batches, done.into, done.removed) == (1, 3, 0, 0)
    assert files(workspace) == there == named(workspace)


def test_by_itself_it_waits_until_many_have_gathered(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(compaction.MANY - 1))
    assert compact_many(workspace).batches == 0
    arrive(workspace, tmp_path, [40])
    assert compact_many(workspace).batches == compaction.MANY
    assert len(files(workspace)) == 1


def test_what_is_published_is_the_same_to_the_byte(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(9))
    arrive(workspace, tmp_path, range(9, 12), day="2025-06-30")
    judge_read(workspace)
    refresh_statistics(workspace)
    before = publish_snapshot(workspace)
    statistics = workspace.ledger.statistics()
    compact(workspace)
    refresh_statistics(workspace)
    pd.testing.assert_frame_equal(workspace.ledger.statistics(), statistics)
    again = publish_snapshot(workspace)
    assert before.changed
    assert not again.changed
    assert again.name == before.name


def test_a_file_that_another_dataset_names_stays(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(workspace.settings, "other", workspace.storage, workspace.engine, Ledger(workspace.engine, "other"))
    other.ledger.open_dataset()
    for one in (workspace, other):
        arrive(one, tmp_path / one.dataset, range(3))
    shared = named(workspace)
    assert shared == named(other)
    before = rows(other)
    assert compact(workspace).removed == 0
    same(rows(other), before)
    assert compact(other).removed == 3
    assert files(workspace) == named(workspace) == named(other)


def test_nothing_is_removed_under_a_reader_and_the_next_compaction_removes_it(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(3))
    with located(workspace, workspace.ledger.sessions()) as there:
        assert compact(workspace).removed == 0
        assert set(there["batch"]) < set(files(workspace))
    assert compact(workspace).removed == 3
    assert files(workspace) == named(workspace)


def test_rows_that_moved_after_the_ledger_was_asked_are_found(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(3))
    sessions, before = workspace.ledger.sessions(), rows(workspace)[0]
    compact(workspace)
    found = load(workspace, sessions)[0].sort_values(["session", "file"], kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(found, before)
    parts = pd.concat(list(SessionRows(workspace, sessions).parts(["session", "value"])))
    assert sorted(zip(parts["session"], parts["value"], strict=True)) == sorted(
        zip(found["session"], found["value"], strict=True)
    )


def test_a_file_that_is_gone_is_named(workspace: Workspace, tmp_path: Path) -> None:
    arrive(workspace, tmp_path, range(3))
    gone = named(workspace)[1]
    workspace.storage.delete([f"{MEASUREMENTS}/{gone}"])
    with pytest.raises(FileNotFoundError, match=gone.rpartition("/")[2]):
        compact(workspace)


@pytest.mark.parametrize("steps", [(2, 4, 6), pytest.param(range(1, 30), marks=pytest.mark.full)], ids=["some", "all"])
def test_killed_at_any_step_nothing_is_lost_and_the_next_run_finishes(
    workspace: Workspace, database_url: str, tmp_path: Path, steps: Iterable[int]
) -> None:
    root = Path(workspace.storage.uri("x")).parent
    number, kills = 0, 0
    for step in steps:
        for after in (False, True):
            arrive(workspace, tmp_path, range(number, number + 2))
            number += 2
            before = rows(workspace)
            kills += died(workspace.settings.home, database_url, root, step, after=after)
            same(rows(workspace), before)
    assert kills >= 5
    compact(workspace)
    same(rows(workspace), before)
    assert files(workspace) == files(workspace, EXECUTIONS) == named(workspace)
    assert len(files(workspace)) == 1
    assert workspace.ledger.loose_batches() == []


def test_the_command_says_what_it_would_do_and_did(
    workspace: Workspace, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.cli import app

    monkeypatch.setenv("ASSAY_HOME", str(workspace.settings.home))
    monkeypatch.setenv("ASSAY_DATABASE_URL", database_url)
    arrive(workspace, tmp_path, range(3))

    def call(*options: str) -> str:
        done = CliRunner().invoke(app, ["compact", *options], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "would put 3 files" in call("--dry-run")
    planned = json.loads(call("--dry-run", "--json"))
    assert (planned["batches"], planned["into"], planned["removed"]) == (3, None, 0)
    done = json.loads(call("--json"))
    assert (done["partitions"], done["batches"], done["into"], done["removed"]) == (1, 3, 1, 3)
    assert call() == "nothing to put together\n"
