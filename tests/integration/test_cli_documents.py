"""The commands that users of the older tool know, over a real ledger and a real published tree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from assay.client import Dataset
from assay.dataset.validate import validate_folder
from assay.errors import AssayError, PublicationError
from assay.publish.approval import Cause, NotApproved
from assay.publish.snapshot import ask_about_snapshot, build_snapshot, commit_snapshot, publish_snapshot
from assay.settings import Settings
from assay.storage import Storage
from assay.workspace import Workspace
from commands_run import done, run, settle_in
from dataset_content import Series, simple, stream
from dataset_ledger import fill
from published_site import check_out

LATEST = "data/processed/latest"


def fleet(factor: float = 1.0, sessions: int = 3) -> list[Series]:
    return [
        *stream("m7i.large", 47.9 * factor, sessions),
        *stream("c7g.large", 55.1, sessions),
        *stream("m7i.xlarge", 92.0, sessions),
        simple("m7i.large", "hpl", "gflops", "GFLOPS", 40.0, sessions),
    ]


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in(settings, monkeypatch)


@pytest.fixture(scope="module")
def _trees() -> dict[str, Path]:
    return {}


@pytest.fixture
def tree(_trees: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A published tree, the same for all tests that only read it."""
    if "tree" not in _trees:
        workspace: Workspace = request.getfixturevalue("workspace")
        fill(workspace, fleet())
        publish_snapshot(workspace)
        _trees["tree"] = check_out(workspace, tmp_path_factory.mktemp("published") / "tree")
    return _trees["tree"]


def document(tree: Path, name: str) -> Any:
    return orjson.loads((tree / LATEST / name).read_bytes())


def test_rank_gives_again_what_is_published(tree: Path, tmp_path: Path) -> None:
    done("rank", "--input", tree / LATEST, "--output", tmp_path / "out" / "rankings.json")
    assert (tmp_path / "out/rankings.json").read_bytes() == (tree / LATEST / "instance-rankings.json").read_bytes()
    some = json.loads(done("rank", "--input", tree, "--metrics", "gflops, triad_bandwidth"))
    assert list(some["rankings"]) == ["gflops", "triad_bandwidth"]
    assert some["rankings"]["triad_bandwidth"]["ranks"][0]["instance"] == "m7i.xlarge"
    refused = run("rank", "--input", tree, "--metrics", "speed")
    assert refused.exit_code == 1
    assert "no ranking speed; there are" in str(refused.exception)


def test_summarize_gives_again_what_is_published_and_groups_by_more(tree: Path) -> None:
    for group, name in (("family", "family-summary.json"), ("architecture", "architectural-summary.json")):
        assert json.loads(done("summarize", "--input", tree / LATEST, "--group-by", group)) == document(tree, name)
    sizes = json.loads(done("summarize", "--input", tree / LATEST, "--group-by", "vcpus"))["sizes"]
    assert sizes["2"]["triad_bandwidth"]["types"] == 2
    assert sizes["4"]["triad_bandwidth"]["best"] == "m7i.xlarge"
    assert run("summarize", "--input", tree, "--group-by", "colour").exit_code == 2


def test_trends_follow_every_snapshot_in_a_folder(tree: Path, tmp_path: Path) -> None:
    assert json.loads(done("trends", "--historical", tree / LATEST)) == document(tree, "trends.json")
    assert json.loads(done("trends", "--historical", tree)) == document(tree, "trends.json"), (
        "a session in two snapshots counts once"
    )
    refused = run("trends", "--historical", tmp_path)
    assert refused.exit_code == 1
    assert "no snapshot found" in str(refused.exception)


def test_generate_indices_gives_again_what_is_published(tree: Path, tmp_path: Path) -> None:
    said = json.loads(done("generate-indices", "--input", tree / LATEST, "--output", tmp_path / "api", "--json"))
    assert "endpoints.json" in said["files"]
    assert json.loads((tmp_path / "api/filters.json").read_bytes()) == json.loads((tree / "data/api/filters.json").read_bytes())
    index, published = (
        {entry["path"]: entry["sha256"] for entry in json.loads((place / "endpoints.json").read_bytes())["endpoints"]}
        for place in (tmp_path / "api", tree / "data/api")
    )
    assert index.items() <= published.items()
    assert (tmp_path / "api/assay.js").read_bytes() == (tree / "data/api/assay.js").read_bytes()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run("generate-indices", "--input", empty, "--output", tmp_path / "api").exit_code == 1


@pytest.mark.parametrize("spoilt", ["manifest.json", "statistics.parquet", "measurements.parquet"])
def test_a_spoilt_input_is_named(tree: Path, tmp_path: Path, spoilt: str) -> None:
    shutil.copytree(tree / LATEST, tmp_path / "copy")
    (tmp_path / "copy" / spoilt).write_bytes(b"<html>")
    refused = run("rank", "--input", tmp_path / "copy")
    assert isinstance(refused.exception, AssayError)
    assert spoilt in str(refused.exception)
    (tmp_path / "copy" / spoilt).unlink()
    assert spoilt in str(run("rank", "--input", tmp_path / "copy").exception) or spoilt == "manifest.json"


@pytest.mark.usefixtures("environment")
def test_process_daily_writes_the_dataset_as_of_the_end_of_a_day(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, fleet())
    out = tmp_path / "out"
    said = json.loads(done("process", "daily", "--date", "2024-11-20", "--output", out, "--json"))
    assert {"memory-benchmarks.json", "manifest.json", "statistics.parquet"} <= set(said["documents"])
    assert not {"instance-rankings.json", "trends.json"} & set(said["documents"])
    assert "memory-benchmarks.json" in validate_folder(out)
    dataset = Dataset(out, cache=None)
    assert dataset.verify() == len(said["documents"]) - 1
    assert set(dataset.results(metric="triad_bandwidth")["instance"]) == {"m7i.large", "m7i.xlarge", "c7g.large"}
    told = done(
        *("process", "daily", "--date", "2024-11-20", "--output", tmp_path / "all"),
        *("--generate-rankings", "--calculate-trends"),
    )
    assert "documents as of 2024-11-20" in told
    publish_snapshot(workspace)
    published = check_out(workspace, tmp_path / "tree") / LATEST
    for name in ("memory-benchmarks.json", "instance-rankings.json", "statistics.parquet"):
        assert (tmp_path / "all" / name).read_bytes() == (published / name).read_bytes()
    refused = run("process", "daily", "--date", "2024-11-19", "--output", tmp_path / "before")
    assert "no accepted session started on 2024-11-19 or before" in str(refused.exception)
    assert not (tmp_path / "before").exists()
    assert run("process", "daily", "--date", "yesterday", "--output", out).exit_code == 2
    assert run("process", "daily").exit_code == 2


@pytest.mark.usefixtures("environment")
def test_a_day_knows_nothing_of_what_came_later(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, fleet(sessions=3))
    done("process", "daily", "--date", "2024-11-20", "--output", tmp_path / "first")
    # Sessions are an hour apart from nine o'clock on: the last ten start on the next day.
    fill(workspace, [*stream("m7i.2xlarge", 99.0, sessions=25)])
    done("process", "daily", "--date", "2024-11-20", "--output", tmp_path / "day")
    done("process", "daily", "--date", "2024-11-21", "--output", tmp_path / "next")

    def executions(folder: str) -> Any:
        frame = Dataset(tmp_path / folder).results(metric="triad_bandwidth").set_index("instance")
        return frame["n"].to_dict()

    assert "m7i.2xlarge" not in executions("first")
    assert executions("day")["m7i.2xlarge"] == 30
    assert executions("next")["m7i.2xlarge"] == 50
    assert executions("day")["m7i.large"] == executions("first")["m7i.large"]


@pytest.mark.enable_socket
@pytest.mark.usefixtures("environment")
def test_process_daily_takes_sessions_from_a_bucket(workspace: Workspace, aws: str, bucket: str, tmp_path: Path) -> None:
    storage = Storage.open(f"s3://{bucket}/lab")
    fill(Workspace(workspace.settings, "default", storage, workspace.engine, workspace.ledger), fleet())
    said = json.loads(
        done("process", "daily", "--s3-bucket", f"{bucket}/lab", "--output", tmp_path / "out", "--generate-rankings", "--json")
    )
    assert "instance-rankings.json" in said["documents"]
    assert len(Dataset(tmp_path / "out").rankings("triad_bandwidth")) == 3


@pytest.mark.usefixtures("environment")
def test_plain_process_works_as_ever() -> None:
    assert json.loads(done("process", "--json")) == {"read": 0, "accepted": 0, "quarantined": 0, "rejected": 0}
    assert run("process", "weekly").exit_code == 2


@pytest.mark.usefixtures("environment")
def test_what_moved_beyond_noise_is_published_only_with_a_yes(workspace: Workspace) -> None:
    fill(workspace, fleet(sessions=3))
    first = json.loads(done("publish", "--json"))
    assert first["changed"]
    assert first["needs_approval"] == [], "the first snapshot needs no approval"
    fill(workspace, stream("m7i.large", 90.0, sessions=12))
    foreseen = json.loads(done("publish", "--dry-run", "--json"))
    (reason,) = foreseen["needs_approval"]
    assert "values moved beyond noise since 2024-11-20: m7i.large stream." in reason
    refused = run("publish")
    assert isinstance(refused.exception, PublicationError)
    assert "publish with `--yes`" in str(refused.exception)
    published = json.loads(done("publish", "--yes", "--json"))
    assert published["changed"]
    assert published["needs_approval"] == [reason]
    assert "nothing to publish" in done("publish")


@pytest.mark.usefixtures("environment")
def test_under_the_quality_threshold_nothing_is_published_without_a_yes(
    workspace: Workspace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, fleet(), quarantined=["c7g.large"])
    strict = settings.model_copy(update={"quality_threshold": 0.9})
    watchless = Workspace(strict, "default", workspace.storage, workspace.engine, workspace.ledger)
    said = r"quality_score is 0\.66.*under the threshold of 0\.9"
    with pytest.raises(NotApproved, match=f"{said}.*quarantine list"):
        publish_snapshot(watchless)
    digest = build_snapshot(watchless)
    question = ask_about_snapshot(watchless, digest)
    assert question is not None
    assert [reason.cause for reason in question.reasons] == [Cause.QUALITY]
    with pytest.raises(NotApproved, match=f"{said}.*not approved on top of nothing"):
        commit_snapshot(watchless, digest)
    monkeypatch.setenv("ASSAY_QUALITY_THRESHOLD", "0.9")
    assert "under the threshold of 0.9" in str(run("publish").exception)
    assert json.loads(done("publish", "--yes", "--json"))["changed"]
    assert publish_snapshot(watchless).changed is False, "what is published already needs no approval"
