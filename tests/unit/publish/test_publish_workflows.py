"""The workflow templates of the dataset repository: well-formed, of least privilege, and their steps do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from assay.cli import app
from assay.dataset.build import build_documents
from assay.settings import project_root
from dataset_content import make_content

FOLDER = project_root() / "docs/templates"
TEMPLATES = sorted(FOLDER.glob("*.yml"))
MAY = {"contents": "read", "pages": "write", "id-token": "write"}
"""The most that a workflow may; the last two only where Pages is deployed."""
LATEST = "data/processed/latest"
DATED = "data/processed/v1.0/2024-11-20"


def load(path: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_is_well_formed_bounded_and_may_not_write_to_the_repository(path: Path) -> None:
    workflow = load(path)
    assert workflow["name"]
    assert workflow[True]  # the key `on`, as YAML 1.1 reads it
    assert workflow["permissions"] == (MAY if path.name == "pages.yml" else {"contents": "read"})
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert set(workflow[True]) <= {"pull_request", "push", "workflow_dispatch"}  # never pull_request_target, which holds secrets
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 30
        assert job["runs-on"] == "ubuntu-24.04"
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    for step in steps(path):
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1"))
        # What comes from a pull request reaches a shell through the environment only.
        assert "${{" not in step.get("run", "")
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


def test_every_assay_command_in_the_templates_and_on_the_page_exists() -> None:
    texts = [step["run"] for path in TEMPLATES for step in steps(path) if "run" in step]
    texts.append((project_root() / "docs/dataset-repository.md").read_text(encoding="utf-8"))
    found = 0
    for text in texts:
        for said in re.findall(r"(?:bin/|`)assay ([a-z][a-z -]*)", text):
            words = said.split()
            command: Any = typer.main.get_command(app)
            while words and words[0] in getattr(command, "commands", {}):
                command = command.commands[words.pop(0)]
            assert not getattr(command, "commands", None), said
            found += 1
    assert found >= 4


def test_every_make_target_in_the_templates_exists() -> None:
    makefile = (project_root() / "Makefile").read_text(encoding="utf-8")
    targets = [step["run"].split()[-1] for path in TEMPLATES for step in steps(path) if step.get("run", "").startswith("make ")]
    assert targets
    assert all(f"\n{target}: " in makefile for target in targets)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """What a runner has after the first steps: a clone of the dataset, and Assay installed beside it."""
    dataset = tmp_path / "dataset"
    documents = build_documents(make_content())
    for folder in (LATEST, DATED):
        (dataset / folder).mkdir(parents=True)
        for name, data in documents.items():
            (dataset / folder / name).write_bytes(data)
    (tmp_path / "assay/.venv/bin").mkdir(parents=True)
    (tmp_path / "assay/.venv/bin/assay").symlink_to(Path(sys.executable).parent / "assay")
    git(dataset, "init", "-q", "-b", "main")
    commit(dataset)
    return tmp_path


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(dataset: Path) -> str:
    git(dataset, "add", "-A")
    git(dataset, "commit", "-q", "-m", "change")
    return git(dataset, "rev-parse", "HEAD")


def run_steps(work: Path, base: str) -> list[tuple[int, str]]:
    found = []
    for step in steps(FOLDER / "validate-dataset.yml"):
        if "run" in step and not step["run"].startswith("make "):
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(shell, cwd=work, env={**os.environ, "BASE": base}, capture_output=True, text=True, check=False)
            found.append((done.returncode, done.stdout + done.stderr))
    return found


def test_a_pull_request_that_adds_a_file_passes_and_one_that_changes_a_snapshot_does_not(work: Path) -> None:
    dataset = work / "dataset"
    base = git(dataset, "rev-parse", "HEAD")
    (dataset / "NOTES.md").write_text("hello\n")
    commit(dataset)
    assert [code for code, _ in run_steps(work, base)] == [0, 0]
    metadata = dataset / DATED / "metadata.json"
    metadata.write_bytes(metadata.read_bytes() + b"\n")
    commit(dataset)
    (dated, said), (valid, why) = run_steps(work, base)
    assert (dated, valid) == (1, 1)
    assert f"{DATED}/metadata.json" in said
    assert "the size of metadata.json" in why


def test_a_removed_snapshot_is_refused(work: Path) -> None:
    dataset = work / "dataset"
    base = git(dataset, "rev-parse", "HEAD")
    git(dataset, "rm", "-q", "-r", DATED)
    commit(dataset)
    assert run_steps(work, base)[0][0] == 1
