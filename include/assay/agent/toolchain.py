"""Find a C compiler and build the kernels with it. A build is kept and used again for the same source and compiler."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from assay.agent.tool import Build, Missing

FLAGS = ("-O3", "-march=native", "-std=gnu11", "-pthread")
LIBRARIES = ("-lm",)
BUILD_TIMEOUT_S = 180.0  # the first build with zig also builds its own run-time library
PROBE_TIMEOUT_S = 60.0

_KEPT_VARIABLES = ("PATH", "HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR")
_INCLUDE = re.compile(rb'^#include "([a-z_]+\.h)"', re.MULTILINE)
_LOOKED_FOR = "cc, gcc and clang on PATH and `python -m ziglang`"


@dataclass(frozen=True)
class Compiler:
    """A command that compiles C, its name and its version."""

    command: tuple[str, ...]
    name: str
    version: str


class Workshop:
    """Where programs come from on this machine: the compiler, the kernels' sources, and the folder of finished builds.

    `compiler`: `auto`, `none`, or a command to use instead of looking for one.
    """

    def __init__(self, cache: Path, compiler: str = "auto") -> None:
        self._cache = cache
        self._wanted = compiler

    @cached_property
    def compiler(self) -> Compiler:
        """The compiler. Raises Missing if there is none."""
        if self._wanted == "none":
            raise Missing("no C compiler: the agent was told to use none")
        if self._wanted != "auto":
            found = _identify(tuple(self._wanted.split()), self.environment())
            if found is None:
                raise Missing(f"no C compiler: {self._wanted!r} does not answer to --version")
            return found
        for name in ("cc", "gcc", "clang"):
            path = shutil.which(name)
            found = _identify((path,), self.environment()) if path else None
            if found is not None and self._compiles(found):
                return found
        zig = _identify((sys.executable, "-m", "ziglang", "cc"), self.environment())
        if zig is None or not self._compiles(zig):
            raise Missing(f"no C compiler: looked for {_LOOKED_FOR}; install one, or `pip install ziglang`")
        return zig

    def build(self, kernel: str) -> Build:
        """The kernel as a program. Raises Missing if there is no compiler or if it fails, with its first complaint."""
        compiler = self.compiler
        sources = kernel_sources(kernel)
        source_sha256 = digest(sources)
        key = digest({"": "\n".join((*compiler.command, compiler.version, *FLAGS, _cpu_key())).encode(), **sources})
        program = self._cache / f"{kernel}-{key[:16]}"
        if not program.is_file():
            self._compile(compiler, kernel, sources, program)
        return Build(program, compiler.name, compiler.version, FLAGS, source_sha256)

    def script(self, name: str) -> Path:
        """A kernel that is a Python script, as a file that an interpreter can be started with."""
        source = _resource(name)
        target = self._cache / f"{Path(name).stem}-{hashlib.sha256(source).hexdigest()[:16]}.py"
        if not target.is_file():
            self._cache.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(f".{os.getpid()}")
            partial.write_bytes(source)
            partial.replace(target)
        return target

    def environment(self, own: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a child process is given: where programs and libraries are, plain messages, and its own variables.

        Nothing else, so that a stray OMP_NUM_THREADS cannot change a result unseen.
        """
        kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        zig = str(self._cache / "zig")
        return {**kept, "LC_ALL": "C", "ZIG_GLOBAL_CACHE_DIR": zig, "ZIG_LOCAL_CACHE_DIR": zig, **(own or {})}

    def _compiles(self, compiler: Compiler) -> bool:
        """Whether it can make a program: a compiler without its linker or headers answers to --version all the same."""
        try:
            self._compile(compiler, "probe", {"probe.c": b'#include <stdio.h>\nint main(void) { return puts("") < 0; }\n'}, None)
        except Missing:
            return False
        return True

    def _compile(self, compiler: Compiler, kernel: str, sources: Mapping[str, bytes], program: Path | None) -> None:
        folder = self._cache / f"build-{kernel}-{os.getpid()}"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for name, source in sources.items():
                (folder / name).write_bytes(source)
            command = [*compiler.command, *FLAGS, f"{kernel}.c", "-o", kernel, *LIBRARIES]
            try:
                result = subprocess.run(
                    command, cwd=folder, env=self.environment(), capture_output=True, timeout=BUILD_TIMEOUT_S, check=False
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Missing(f"{kernel}.c: {compiler.name} {compiler.version} did not compile it: {error}") from None
            if result.returncode != 0:
                complaint = _first_complaint(result.stderr)
                raise Missing(f"{kernel}.c: {compiler.name} {compiler.version} did not compile it: {complaint}")
            if program is not None:
                (folder / kernel).replace(program)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def kernel_sources(kernel: str) -> dict[str, bytes]:
    """A kernel's C file and the headers of ours that it includes, directly or not, by name."""
    sources: dict[str, bytes] = {}
    waiting = [f"{kernel}.c"]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        sources[name] = _resource(name)
        waiting.extend(found.decode() for found in _INCLUDE.findall(sources[name]))
    return dict(sorted(sources.items()))


def digest(sources: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, in the order of the names."""
    total = hashlib.sha256()
    for name in sorted(sources):
        total.update(f"{name} {len(sources[name])}\n".encode())
        total.update(sources[name])
    return total.hexdigest()


def _resource(name: str) -> bytes:
    return (files("assay.agent") / "kernels" / name).read_bytes()


def _identify(command: Sequence[str], environment: Mapping[str, str]) -> Compiler | None:
    """Name and version of a compiler by what it says of itself; None if it does not run."""
    zig = tuple(command[1:]) == ("-m", "ziglang", "cc")
    ask = [*command[:-1], "version"] if zig else [*command, "--version"]
    said = _output(ask, environment)
    if said is None:
        return None
    if zig:
        return Compiler(tuple(command), "zig cc", said.strip().splitlines()[-1])
    name = "clang" if "clang" in said else "gcc" if "Free Software Foundation" in said else Path(command[0]).name
    version = _output([*command, "-dumpfullversion" if name == "gcc" else "-dumpversion"], environment)
    return Compiler(tuple(command), name, (version or said).strip().splitlines()[0])


def _output(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    try:
        result = subprocess.run(command, env=dict(environment), capture_output=True, timeout=PROBE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = result.stdout.decode("utf-8", "replace")
    return text if result.returncode == 0 and text.strip() else None


def _first_complaint(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it printed nothing"])[0][:300]


def _cpu_key() -> str:
    """What `-march=native` depends on: a cache that is carried to another processor must not be used there."""
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""
    kept = [
        line
        for line in text.split("\n\n", 1)[0].splitlines()
        if re.match(r"(flags|Features|model|CPU (implementer|part))\b", line)
    ]
    return "\n".join(kept)
