"""The agent ships as one file: the same bytes from the same sources, and nothing but the standard library behind them."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import assay
import pytest
from assay.agent import package
from assay.agent.package import build_zipapp, zipapp_bytes
from assay.errors import AssayError

PACKAGE = Path(assay.__file__).parent


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("zipapp") / "agent.pyz"
    build_zipapp(target)
    return target


def _archive(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(path.read_bytes()))


def test_the_same_sources_give_the_same_bytes_whenever_and_wherever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "elsewhere" / "assay"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (number * 1e6, number * 1e6))
    first = build_zipapp(tmp_path / "one.pyz")
    assert first == hashlib.sha256((tmp_path / "one.pyz").read_bytes()).hexdigest()
    monkeypatch.setattr(package, "__file__", str(copy / "agent" / "package.py"))
    assert build_zipapp(tmp_path / "deep" / "two.pyz") == first
    assert (tmp_path / "one.pyz").read_bytes() == (tmp_path / "deep" / "two.pyz").read_bytes()


def test_another_source_gives_another_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "assay"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "agent" / "kernels" / "stream.c").open("a") as source:
        source.write("/* changed */\n")
    before = zipapp_bytes()
    monkeypatch.setattr(package, "__file__", str(copy / "agent" / "package.py"))
    assert zipapp_bytes() != before


def test_it_holds_the_agent_its_kernels_and_of_assay_only_what_the_agent_shares(zipapp: Path) -> None:
    names = set(_archive(zipapp).namelist())
    sources = (
        "stream.c",
        "latency.c",
        "core_clock.c",
        "vectors.c",
        "numa.c",
        "cache_bandwidth.c",
        "chase.h",
        "lapack_solve.py",
        "dgemm.py",
    )
    kernels = {f"assay/agent/kernels/{name}" for name in sources}
    assert kernels <= names
    others = {name for name in names if not name.startswith("assay/agent/")}
    assert others == {"__main__.py", "assay/__init__.py", "assay/errors.py", "assay/session.py"}


def test_every_import_is_of_the_standard_library_or_of_the_agent(zipapp: Path) -> None:
    archive = _archive(zipapp)
    found: set[str] = set()
    for name in archive.namelist():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(archive.read(name))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                found.add(str(node.module))
    ours = {module for module in found if module.split(".")[0] == "assay"}
    assert {module.split(".")[0] for module in found - ours} <= sys.stdlib_module_names
    assert all(module in ("assay", "assay.errors", "assay.session") or module.startswith("assay.agent") for module in ours)


def test_it_runs_isolated_from_every_installed_package(zipapp: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-S", "-I", str(zipapp), "--help"], capture_output=True, text=True, timeout=60, check=True, env={}
    )
    assert "examples:" in result.stdout
    assert "python agent.pyz run --out" in result.stdout


def test_it_is_an_executable_file_with_a_shebang(zipapp: Path) -> None:
    assert zipapp.read_bytes().startswith(b"#!/usr/bin/env python3\n")
    assert os.access(zipapp, os.X_OK)


def test_a_zipapp_is_not_built_from_a_zipapp(zipapp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "__file__", str(zipapp / "assay" / "agent" / "package.py"))
    with pytest.raises(AssayError, match="checkout or an installed package"):
        zipapp_bytes()
