"""Kernels are built with the compiler that is there; what did the building is recorded; without one the reason is said."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from assay.agent.tool import Missing
from assay.agent.toolchain import Workshop, digest, kernel_sources

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler on PATH")


def _program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@needs_compiler
@pytest.mark.parametrize("kernel", ["stream", "latency", "core_clock", "vectors"])
def test_every_kernel_compiles_without_a_warning(kernel: str, tmp_path: Path) -> None:
    for name, source in kernel_sources(kernel).items():
        (tmp_path / name).write_bytes(source)
    strict = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-Wno-pedantic", "-pthread"]
    result = subprocess.run(
        ["cc", *strict, f"{kernel}.c", "-o", kernel, "-lm"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@needs_compiler
def test_a_build_records_compiler_flags_and_source_and_is_used_again(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    build = workshop.build("core_clock")
    assert set(build.document()) == {"compiler", "version", "flags", "source_sha256"}
    assert build.compiler in ("gcc", "clang", "cc")
    assert build.version[0].isdigit()
    assert "-O3 -march=native" in build.document()["flags"]
    assert build.source_sha256 == digest(kernel_sources("core_clock"))
    made = build.program.stat().st_mtime_ns
    assert Workshop(tmp_path).build("core_clock") == build
    assert build.program.stat().st_mtime_ns == made
    assert not list(tmp_path.glob("build-*"))


def test_a_kernel_comes_with_the_headers_that_it_includes() -> None:
    assert set(kernel_sources("stream")) == {"stream.c", "memory.h", "threads.h", "report.h"}


def test_no_compiler_when_told_so(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="told to use none"):
        Workshop(tmp_path, "none").build("stream")


def test_a_command_that_is_no_compiler_is_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="'/nonexistent/cc' does not answer"):
        Workshop(tmp_path, "/nonexistent/cc").build("stream")


@needs_compiler
def test_a_compiler_that_cannot_make_a_program_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which("gcc") or shutil.which("cc")
    assert real is not None
    tools = ["sh", "as", "ld"]
    for tool in tools:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / tool).symlink_to(found)
    _program(
        tmp_path / "bin", "cc", 'if [ "$1" = --version ]; then echo broken 1; else echo "cc: error: no headers" >&2; exit 1; fi'
    )
    _program(tmp_path / "bin", "gcc", f'exec {real} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    build = Workshop(tmp_path / "cache").build("core_clock")
    assert build.program.is_file()
    assert build.version != "1"


def test_a_kernel_that_does_not_compile_says_what_the_compiler_said(tmp_path: Path) -> None:
    compiler = _program(
        tmp_path, "cc", 'if [ "$1" = --version ]; then echo some 1; else echo "stream.c:3: error: no such thing" >&2; exit 1; fi'
    )
    with pytest.raises(Missing, match=r"stream\.c: cc .* did not compile it: stream\.c:3: error: no such thing"):
        Workshop(tmp_path / "cache", str(compiler)).build("stream")


def test_a_child_gets_no_variable_that_could_change_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "LD_PRELOAD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "1")
    environment = Workshop(tmp_path).environment({"OPENBLAS_NUM_THREADS": "2"})
    allowed = {"PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR", "LC_ALL"}
    assert set(environment) <= allowed | {"ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "OPENBLAS_NUM_THREADS"}


@needs_compiler
@pytest.mark.parametrize("arguments", [[], ["--elements", "x"], ["--elements", "-5"], ["--elements", "100000", "--threads", "0"]])
def test_a_kernel_refuses_what_makes_no_sense(arguments: list[str], tmp_path: Path) -> None:
    program = Workshop(tmp_path).build("stream").program
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert result.stderr.startswith("--")
    assert result.stdout == ""


@needs_compiler
def test_a_kernel_ends_with_a_checksum_of_what_it_printed(tmp_path: Path) -> None:
    program = Workshop(tmp_path).build("core_clock").program
    printed = subprocess.run([program, "--milliseconds", "1"], capture_output=True, timeout=60, check=True).stdout
    body, last = printed[: printed.rindex(b"end ")], printed[printed.rindex(b"end ") :].split()
    assert last == [b"end", b"assay-core-clock", b"lines", b"%d" % body.count(b"\n"), b"crc32", b"%08x" % zlib.crc32(body)]
