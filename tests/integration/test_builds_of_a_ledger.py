"""What a ledger says is what is published: the same ledger gives the same tree, one more session changes what it touches."""

from __future__ import annotations

from assay.publish.snapshot import open_target, publish_snapshot
from assay.workspace import Workspace
from dataset_content import Series, simple, stream
from dataset_ledger import fill

LATEST = "data/processed/latest/"
OVER_TIME = ("data/processed/historical/", "data/processed/v1.0/weekly-aggregates/")


def machines(graviton_sessions: int) -> list[Series]:
    """An Intel type with memory and LU solve, and a Graviton type with LU solve alone."""
    return [
        *stream("m7i.large", 47.9),
        simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0),
        simple("c7g.large", "hpl", "gflops", "GFLOPS", 55.0, graviton_sessions),
    ]


def tree(workspace: Workspace) -> dict[str, str]:
    """Git's hash of every published file, by path."""
    target = open_target(workspace)
    return dict(target.tree(target.head() or ""))


def test_two_builds_of_one_ledger_are_the_same_to_the_last_byte(workspace: Workspace) -> None:
    fill(workspace, machines(3))
    publish_snapshot(workspace)
    first = tree(workspace)
    repository = workspace.settings.git_repository(workspace.dataset)
    repository.rename(repository.with_name("elsewhere.git"))
    again = publish_snapshot(workspace)
    assert again.name == "2024-11-20.2", "a name is never given twice"
    second = {path.replace("/2024-11-20.2/", "/2024-11-20/"): blob for path, blob in tree(workspace).items()}
    assert second == first
    assert sum(path.startswith(OVER_TIME) for path in first) == 4
    assert sum(path.startswith(LATEST) for path in first) > 25


def test_one_more_session_changes_only_the_published_files_that_it_touches(workspace: Workspace) -> None:
    fill(workspace, machines(3))
    publish_snapshot(workspace)
    before = tree(workspace)
    fill(workspace, machines(4))
    publish_snapshot(workspace)
    after = {path: blob for path, blob in tree(workspace).items() if "/v1.0/2024-11-20" not in path}
    changed = {path for path, blob in after.items() if before.get(path) != blob}
    of_the_type = (
        "cpu-benchmarks.json",
        "hpl-results.json",
        "graviton-instances.json",
        "compute-optimized.json",
        "instance-rankings.json",
        "family-summary.json",
        "architectural-summary.json",
        "price-performance.json",
        "predictions.json",
        "trends.json",
    )
    of_every_session = (
        "metadata.json",
        "changes.json",
        "manifest.json",
        "bundle.json",
        "statistics.parquet",
        "measurements.parquet",
    )
    assert {path for path in changed if path.startswith("data/processed/")} == {
        *(LATEST + name for name in (*of_the_type, *of_every_session)),
        "data/processed/historical/2024-Q4/aggregates.json",
        "data/processed/historical/trends/c7g.json",
        "data/processed/v1.0/weekly-aggregates/2024-W47.json",
    }
    assert {path for path in changed if not path.startswith("data/processed/")} <= {"README.md", "data/api/endpoints.json"}
