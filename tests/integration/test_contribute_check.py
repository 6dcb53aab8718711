"""`assay contribute check`: the verdict on somebody's own session, and the workflow that gives it on a pull request."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from assay.contribute.check import Judged, check_contributions
from assay.errors import AssayError
from assay.session import Manifest, SessionKind, hash_folder
from assay.settings import project_root
from importer_samples import shape_b, stream

SAMPLE = Path(__file__).parents[1] / "data" / "assay_agent" / "session"
TEMPLATE = project_root() / "docs" / "templates" / "check-contribution.yml"
OTHER_LICENCE = "CC BY-SA 4.0"


def rewritten(folder: Path, change: Callable[[Manifest], dict[str, Any]]) -> None:
    """Write the manifest again, for the files that are there, with these fields changed."""
    old = Manifest.parse((folder / "manifest.json").read_bytes())
    fields = {name: getattr(old, name) for name in Manifest.__dataclass_fields__} | {"files": hash_folder(folder)} | change(old)
    (folder / "manifest.json").write_bytes(Manifest(**fields).to_bytes())


@pytest.fixture
def contributions(tmp_path: Path) -> Path:
    """One contribution of every kind, good and bad."""
    root = tmp_path / "contributions"
    for name in ("good", "tampered", "unlisted", "incomplete", "linked", "recording", "other-licence"):
        shutil.copytree(SAMPLE, root / name)
    stdout = next((root / "tampered").glob("stream-all/*/stdout.txt"))
    stdout.write_text(stdout.read_text().replace("1", "7"))
    # Of the same bytes only one session can be made: the others start at other times.
    for number, name in enumerate(("tampered", "unlisted", "incomplete", "linked", "recording", "other-licence"), start=1):
        old = Manifest.parse((root / name / "manifest.json").read_bytes())
        moved = {"started_at": old.started_at.replace(minute=number), "ended_at": old.ended_at.replace(hour=23)}
        if name == "recording":
            moved["kind"] = SessionKind.RECORDING
        if name == "other-licence":
            moved["source"] = type(old.source)("assay-agent", "0.1.0", OTHER_LICENCE, "somebody")
        fields = {field: getattr(old, field) for field in Manifest.__dataclass_fields__} | moved
        (root / name / "manifest.json").write_bytes(Manifest(**fields).to_bytes())
    (root / "unlisted" / "notes.txt").write_text("not in the manifest")
    next((root / "incomplete").glob("stream-all/*/stdout.txt")).unlink()
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    linked = next((root / "linked").glob("stream-all/*/stdout.txt"))
    linked.unlink()
    linked.symlink_to(secret)
    with zipfile.ZipFile(root / "packed.zip", "w") as packed:
        shutil.copytree(SAMPLE, tmp_path / "to-pack")
        rewritten(tmp_path / "to-pack", lambda old: {"started_at": old.started_at.replace(minute=30)})
        for path in sorted((tmp_path / "to-pack").rglob("*")):
            packed.write(path, Path("my session") / path.relative_to(tmp_path / "to-pack"))
    with zipfile.ZipFile(root / "tricky.zip", "w") as packed:
        packed.writestr("../../escaped", "x")
    (root / "m7i.json").write_text(json.dumps(shape_b()))
    impossible = {name: {"bandwidth": 90000.0, "unit": "GB/s"} for name in ("copy", "scale", "add", "triad")}
    (root / "impossible.json").write_text(json.dumps(shape_b("c7g.large", stream=stream(**impossible))))
    (root / "poem.txt").write_text("no measurement")
    (root / "broken").mkdir()
    (root / "broken" / "manifest.json").write_text("{")
    return root


def test_every_kind_of_contribution_gets_its_verdict(
    contributions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ASSAY_HOME", str(home))
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql://nowhere.invalid/untouched")
    monkeypatch.setenv("ASSAY_STORAGE_URL", "s3://untouched/by-this")
    checked = check_contributions(sorted(contributions.iterdir()), licence="CC BY 4.0")
    by_name: dict[str, Judged] = {judged.source_file.split("/")[0]: judged for judged in checked.sessions}
    assert by_name.keys() == {path.name for path in contributions.iterdir()}
    rules = {name: {found.rule for found in judged.findings} for name, judged in by_name.items()}
    # The same files in several sessions: each would be accepted alone, together they are copies.
    whole = ("good", "packed.zip", "unlisted")
    assert {by_name[name].subject for name in whole} == {"host-1a2b3c4d"}
    assert any("integrity.repeated-file" in rules[name] for name in whole)
    assert not {"integrity.hash", "integrity.size", "integrity.missing-file"} & set.union(*(rules[name] for name in whole))
    assert (by_name["tampered"].verdict, by_name["incomplete"].verdict) == ("quarantined", "quarantined")
    assert rules["tampered"] & {"integrity.hash", "integrity.size"}
    assert "integrity.missing-file" in rules["incomplete"]
    assert "integrity.missing-file" in rules["linked"]
    assert "integrity.unlisted-file" in rules["unlisted"]
    assert by_name["impossible.json"].verdict == "quarantined"
    assert any(found.severity == "quarantine" and found.expected for found in by_name["impossible.json"].findings)
    assert by_name["m7i.json"].session
    rejected = {name: judged.reason for name, judged in by_name.items() if judged.verdict == "rejected"}
    assert rejected.keys() == {"tricky.zip", "poem.txt", "broken", "recording", "other-licence"}
    assert "inside the folder" in rejected["tricky.zip"]
    assert OTHER_LICENCE in rejected["other-licence"]
    assert checked.verdict == "rejected"
    text = json.dumps(checked.as_document())
    assert "not yours" not in text
    assert "/tmp/" not in text
    assert not home.exists()
    assert not (tmp_path / "escaped").exists()
    assert not list(Path("/tmp").glob("assay-contribution-*/received/*/../../escaped"))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="no such file or folder"):
        check_contributions([tmp_path / "nothing"])


def steps() -> list[dict[str, Any]]:
    return list(yaml.safe_load(TEMPLATE.read_text())["jobs"]["check"]["steps"])


def test_the_workflow_has_no_more_rights_than_it_needs() -> None:
    workflow = yaml.safe_load(TEMPLATE.read_text())
    assert workflow[True].keys() == {"pull_request"}  # YAML 1.1 reads the key `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in workflow["jobs"].values())
    assert "secrets." not in TEMPLATE.read_text()
    for step in steps():
        assert "${{" not in step.get("run", "")  # what stands in a shell line is written here, never filled in by GitHub
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
    targets = (project_root() / "Makefile").read_text()
    for target in re.findall(r"\bmake ([a-z-]+)", " ".join(step.get("run", "") for step in steps())):
        assert f"\n{target}:" in targets


@pytest.mark.full
def test_the_workflow_runs_here_as_it_runs_there(tmp_path: Path) -> None:
    dataset, workspace = tmp_path / "dataset", tmp_path / "workspace"
    (workspace / "assay" / ".venv").mkdir(parents=True)
    (workspace / "assay" / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(dataset))
    (dataset / "contributions").mkdir()
    (dataset / "contributions" / "old.json").write_text("{}")
    base = commit(dataset)
    shutil.copytree(SAMPLE, dataset / "contributions" / "$(touch owned) `touch owned`;touch owned")
    (dataset / "contributions" / "-rf.json").write_text(json.dumps(shape_b()) + "\n")
    commit(dataset)
    judge = next(step for step in steps() if "contribute" in step.get("run", ""))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    environment |= {
        "BASE": base,
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "DATASET_LICENCE": yaml.safe_load(TEMPLATE.read_text())["env"]["DATASET_LICENCE"],
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", judge["run"]]
    done = subprocess.run(command, cwd=dataset, env=environment, capture_output=True, text=True, timeout=300, check=False)
    summary = (tmp_path / "summary.md").read_text()
    assert done.returncode in (0, 123), done.stderr  # 123: xargs, of a program that ended with 1 to 125
    assert summary.startswith("## Contribution: ")
    assert summary.count("host&#45;1a2b3c4d") == 1
    assert "m7i&#46;large" in summary
    assert summary.count("result&#46;json") >= 1
    assert len(re.findall(r"^\| [^|]+\|[^|]+\|[^|]+\| (?:accepted|quarantined|rejected)", summary, re.MULTILINE)) == 2
    assert not list(tmp_path.rglob("owned"))
    clean = subprocess.run(command, cwd=dataset, env=environment | {"BASE": "HEAD"}, capture_output=True, check=False, timeout=60)
    assert (clean.returncode, clean.stdout) == (0, b"")


def test_the_exit_code_is_the_verdict(contributions: Path) -> None:
    command = [sys.executable, "-m", "assay.cli", "contribute", "check", str(contributions / "poem.txt"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 4, done.stderr
    document = json.loads(done.stdout)
    assert document["sessions"][0].keys() == set(Judged.__dataclass_fields__)


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=tester", "-c", "user.email=tester@example.org"]
    return subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "some")
    return git(folder, "rev-parse", "HEAD")
