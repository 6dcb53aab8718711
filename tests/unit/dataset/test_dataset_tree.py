"""A published tree on disk: checked whole, and migrated with every size and hash that its documents state of each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from assay.cli import app, main
from assay.dataset.api import api_documents
from assay.dataset.build import build_documents
from assay.dataset.encode import sha256, to_json
from assay.dataset.migrations.tree import migrate_tree
from assay.dataset.models import v1_0_0
from assay.dataset.schema import schema_files, schemas
from assay.dataset.tree import validate_tree
from assay.errors import SchemaMismatch
from dataset_content import make_content
from typer.testing import CliRunner

DATED = "data/processed/v1.0/2024-11-20"
LATEST = "data/processed/latest"


def write(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


@pytest.fixture(scope="module")
def past() -> dict[str, bytes]:
    """The documents over time, by path below data/processed/."""
    made: dict[str, bytes] = {}
    build_documents(make_content(), made.__setitem__)
    return made


@pytest.fixture(scope="module")
def built(past: dict[str, bytes]) -> dict[str, bytes]:
    return build_documents(make_content(), lambda path, raw: None)


@pytest.fixture
def tree(built: dict[str, bytes], past: dict[str, bytes], tmp_path: Path) -> Path:
    """A tree as it is published: latest, a dated snapshot, the documents over time, the index and the schemas."""
    root = tmp_path / "tree"
    write(root, {f"data/processed/{path}": data for path, data in past.items()})
    for folder in (LATEST, DATED):
        write(root, {f"{folder}/{name}": data for name, data in built.items()})
    write(root, {f"data/api/{name}": data for name, data in api_documents(built).items()})
    write(root, {f"data/{path}": text.encode() for path, text in schema_files().items()})
    write(root, {"README.md": b"# Dataset\n", "data/api/examples/result.json": b"[1]"})
    return root


def older_snapshot() -> dict[str, bytes]:
    """A snapshot as it was published under 1.0.0: every document, with the hashes of the others."""
    documents: dict[str, Any] = {
        name: schemas("1.0.0")[schema]["examples"][0]
        for name, (schema, _) in v1_0_0.DOCUMENTS.items()
        if name not in ("endpoints.json", "filters.json")
    }
    documents = json.loads(json.dumps(documents))
    for entry in documents["memory-benchmarks.json"]["benchmarks"]["stream"].values():
        del entry["triad_bandwidth"]["confidence_interval"]
    files = {name: to_json(document) for name, document in documents.items() if name not in ("metadata.json", "manifest.json")}
    documents["metadata.json"]["documents"] = listing(files, "../../schemas/v1.0.0/")
    files["metadata.json"] = to_json(documents["metadata.json"])
    files["statistics.parquet"] = b"PAR1"
    documents["manifest.json"]["files"] = listing(files)
    return {**files, "manifest.json": to_json(documents["manifest.json"])}


def listing(files: dict[str, bytes], schema: str = "") -> list[dict[str, Any]]:
    more = {"schema": f"{schema}some.schema.json"} if schema else {}
    return [{"path": name, "bytes": len(data), "sha256": sha256(data), **more} for name, data in sorted(files.items())]


@pytest.fixture
def older(tmp_path: Path) -> Path:
    root = tmp_path / "older"
    files = older_snapshot()
    for folder in (LATEST, DATED):
        write(root, {f"{folder}/{name}": data for name, data in files.items()})
    endpoints = {
        "schema_version": "1.0.0",
        "base": f"{LATEST}/",
        "endpoints": [{**entry, "title": "", "parameters": []} for entry in listing(files)],
    }
    filters = {"schema_version": "1.0.0", "architecture": ["intel"], "family": ["m7i"], "metric": ["stream.triad_bandwidth"]}
    write(root, {"data/api/endpoints.json": to_json(endpoints), "data/api/filters.json": to_json(filters)})
    write(root, {"data/schemas/v1.0.0/README": b"", "README.md": b"# Dataset\n"})
    return root


def test_a_published_tree_is_valid_and_every_stated_hash_is_checked(
    tree: Path, built: dict[str, bytes], past: dict[str, bytes]
) -> None:
    report = validate_tree(tree)
    assert report.faults == []
    documents = [name for name in built if name.endswith(".json")]
    assert len(report.documents) == 2 * len(documents) + 2 + len(past)
    assert any(path.startswith("data/processed/historical/") for path in report.documents)
    assert set(report.documents.values()) == {"1.1.0"}
    assert report.files >= 3 * len(built)
    assert report.unknown == []


def test_one_folder_of_a_tree_is_checked_alone(tree: Path) -> None:
    assert validate_tree(tree / LATEST).faults == []
    assert validate_tree(tree / "data/api").faults == []


def spoil(tree: Path, how: str) -> tuple[str, str]:
    memory = tree / LATEST / "memory-benchmarks.json"
    if how == "changed byte":
        memory.write_bytes(memory.read_bytes().replace(b'"rank": 1', b'"rank": 2', 1))
        return "manifest.json", "SHA-256 of memory-benchmarks.json"
    if how == "cut short":
        memory.write_bytes(memory.read_bytes()[:100])
        return "memory-benchmarks.json", "not JSON"
    if how == "missing":
        (tree / LATEST / "statistics.parquet").unlink()
        return "manifest.json", "statistics.parquet, which is not there"
    if how == "stray":
        (tree / LATEST / "notes.txt").write_text("mine")
        return "manifest.json", "no entry for notes.txt"
    if how == "unknown version":
        memory.write_bytes(memory.read_bytes().replace(b'"schema_version": "1.1.0"', b'"schema_version": "9.0.0"'))
        return "memory-benchmarks.json", "'9.0.0'; expected a version"
    if how == "no version":
        (tree / LATEST / "trends.json").write_bytes(b'{"series": {}}')
        return "trends.json", "None; expected a version"
    if how == "no object":
        (tree / LATEST / "quarantine.json").write_bytes(b"3")
        return "quarantine.json", "expected a version"
    if how == "changed history":
        series = next((tree / "data/processed/historical/trends").glob("*.json"))
        series.write_bytes(series.read_bytes() + b"\n")
        return "manifest.json", f"the size of historical/trends/{series.name}"
    raise AssertionError(how)


@pytest.mark.parametrize(
    "how", ["changed byte", "changed history", "cut short", "missing", "stray", "unknown version", "no version", "no object"]
)
def test_whatever_is_wrong_is_named_with_file_field_found_and_expected(tree: Path, how: str) -> None:
    document, says = spoil(tree, how)
    faults = [str(fault) for fault in validate_tree(tree).faults]
    assert any(document in fault and says in fault for fault in faults), faults


def test_a_path_that_leaves_the_folder_is_refused(tree: Path) -> None:
    manifest = orjson.loads((tree / LATEST / "manifest.json").read_bytes())
    manifest["files"][0]["path"] = "../../../README.md"
    (tree / LATEST / "manifest.json").write_bytes(to_json(manifest))
    assert any("a file below latest/" in str(fault) for fault in validate_tree(tree).faults)


def test_a_document_keeps_the_contract_that_it_names(older: Path) -> None:
    report = validate_tree(older)
    assert report.faults == []
    assert set(report.documents.values()) == {"1.0.0"}


def test_a_migrated_tree_is_valid_and_its_hashes_are_new(older: Path, tmp_path: Path) -> None:
    output = tmp_path / "newer"
    done = migrate_tree(older, "1.0.0", "1.1.0", output)
    report = validate_tree(output)
    assert report.faults == []
    assert set(report.documents.values()) == {"1.1.0"}
    assert set(done.moved) == set(report.documents)
    assert (output / "README.md").read_bytes() == b"# Dataset\n"
    assert (output / LATEST / "statistics.parquet").read_bytes() == b"PAR1"
    assert (output / "data/schemas/v1.1.0/memory-benchmark.schema.json").is_file()
    memory = orjson.loads((output / LATEST / "memory-benchmarks.json").read_bytes())
    assert list(memory["provisional"]["stream"]) == ["m7i.large"]
    metadata = orjson.loads((output / LATEST / "metadata.json").read_bytes())
    assert {entry["schema"] for entry in metadata["documents"]} == {"../../schemas/v1.1.0/some.schema.json"}
    assert validate_tree(older).faults == []


def test_there_and_back_gives_the_same_documents(older: Path, tmp_path: Path) -> None:
    migrate_tree(older, "1.0.0", "1.1.0", tmp_path / "newer")
    migrate_tree(tmp_path / "newer", "1.1.0", "1.0.0", tmp_path / "back")
    assert validate_tree(tmp_path / "back").faults == []
    for name, data in older_snapshot().items():
        if name not in ("metadata.json", "manifest.json"):
            assert (tmp_path / "back" / LATEST / name).read_bytes() == data


def test_in_place_a_dated_snapshot_never_changes(older: Path) -> None:
    before = {path: path.read_bytes() for path in (older / DATED).iterdir()}
    done = migrate_tree(older, "1.0.0", "1.1.0")
    assert {path: path.read_bytes() for path in (older / DATED).iterdir()} == before
    assert all(path.startswith((LATEST, "data/api")) for path in done.moved)
    assert any("dated snapshot" in why for why in done.left.values())
    assert validate_tree(older).faults == []


def test_a_dry_run_writes_nothing(older: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in older.rglob("*") if path.is_file()}
    assert migrate_tree(older, "1.0.0", "1.1.0", dry_run=True).moved
    assert migrate_tree(older, "1.0.0", "1.1.0", tmp_path / "out", dry_run=True).moved
    assert {path: path.read_bytes() for path in older.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "out").exists()


def test_a_built_tree_has_a_view_of_the_older_form(tree: Path, tmp_path: Path) -> None:
    done = migrate_tree(tree, "1.1.0", "1.0.0", tmp_path / "view")
    assert done.left[f"{LATEST}/bundle.json"] == "not a document of 1.0.0"
    assert not (tmp_path / "view" / LATEST / "bundle.json").exists()
    report = validate_tree(tmp_path / "view")
    assert report.faults == []
    assert set(report.documents.values()) == {"1.0.0"}


@pytest.mark.parametrize(
    ("versions", "says"),
    [
        (("1.1.0", "2.0.0"), "no migration leads from 1.1.0 to 2.0.0"),
        (("1.1.0", "1.0.0"), "--output"),
        (("1.0.0", "1.1.0"), "found no document of 1.0.0"),
    ],
)
def test_a_migration_that_cannot_be_is_refused(tree: Path, versions: tuple[str, str], says: str) -> None:
    with pytest.raises(SchemaMismatch, match=says):
        migrate_tree(tree, *versions)


def test_an_output_that_holds_something_or_lies_inside_is_refused(older: Path, tree: Path) -> None:
    with pytest.raises(SchemaMismatch, match="new or empty"):
        migrate_tree(older, "1.0.0", "1.1.0", tree)
    with pytest.raises(SchemaMismatch, match="lies inside"):
        migrate_tree(older, "1.0.0", "1.1.0", older / "out")


def test_a_damaged_tree_is_not_migrated(older: Path, tmp_path: Path) -> None:
    (older / LATEST / "statistics.parquet").write_bytes(b"PAR2")
    with pytest.raises(SchemaMismatch, match=r"statistics\.parquet"):
        migrate_tree(older, "1.0.0", "1.1.0", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_in_json_what_it_found(tree: Path, older: Path) -> None:
    good = CliRunner().invoke(app, ["schema", "validate", str(tree), "--json"])
    assert good.exit_code == 0
    assert json.loads(good.stdout)["valid"] is True
    spoil(tree, "changed byte")
    bad = CliRunner().invoke(app, ["schema", "validate", str(tree), "--json"])
    assert bad.exit_code == 1
    (first, *_) = json.loads(bad.stdout)["faults"]
    assert set(first) == {"document", "field", "found", "expected", "schema"}
    said = CliRunner().invoke(app, ["schema", "validate", str(tree)])
    assert said.exit_code == 1
    assert "faults" in said.output
    moved = CliRunner().invoke(app, ["schema", "migrate", str(older), "--from", "1.0.0", "--to", "1.1.0", "--dry-run", "--json"])
    assert moved.exit_code == 0
    assert f"{LATEST}/memory-benchmarks.json" in json.loads(moved.stdout)["migrated"]


def test_the_command_says_in_words_what_it_did(older: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "out")
    done = CliRunner().invoke(app, ["schema", "migrate", str(older), "--from", "1.0.0", "--to", "1.1.0", "--output", target])
    assert done.exit_code == 0
    assert f"{LATEST}/memory-benchmarks.json: 1.0.0 -> 1.1.0" in done.stdout
    said = CliRunner().invoke(app, ["schema", "validate", target])
    assert said.exit_code == 0
    assert "documents are valid (contract 1.1.0)" in said.stdout


def test_a_folder_without_documents_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["assay", "schema", "validate", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert "no document of the dataset found" in capsys.readouterr().err
    assert CliRunner().invoke(app, ["schema", "validate", str(tmp_path / "none")]).exit_code == 2
