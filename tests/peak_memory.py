"""The peak memory of every process that others start while a context lasts, as the kernel keeps it."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil


class PeakMemory:
    """Looks at the descendants of some processes five times a second. `peaks`: MB by process id, `commands`: what each is."""

    def __init__(self, *roots: psutil.Process) -> None:
        self.peaks: dict[int, float] = {}
        self.commands: dict[int, str] = {}
        self._roots = roots
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="peak-memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def of(self, command: str) -> list[float]:
        """The peaks of processes whose command line holds this text, greatest first."""
        return sorted((peak for pid, peak in self.peaks.items() if command in self.commands[pid]), reverse=True)

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for root in self._roots:
                self._look(root)

    def _look(self, root: psutil.Process) -> None:
        try:
            found = root.children(recursive=True)
        except psutil.NoSuchProcess:
            return
        for process in found:
            try:
                command = " ".join(process.cmdline())
                status = Path(f"/proc/{process.pid}/status").read_text()
            except (OSError, psutil.Error):
                continue
            # One that is just ending has no memory any more, or no command line: what was seen of it before stands.
            if command and (peak := re.search(r"VmHWM:\s+(\d+)", status)):
                self.commands[process.pid], self.peaks[process.pid] = command, int(peak[1]) / 1024
