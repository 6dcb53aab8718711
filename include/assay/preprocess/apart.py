"""A processor in a process of its own: what its libraries take of memory is bounded by them alone, and where a file of somebody
else's brings one of them down, it is the file that is broken and not the pipeline.

The process is this module as a program. It imports neither the database nor pandas; it is asked with one line of JSON for each
file, and answers with one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.errors import ProcessorDied
from assay.preprocess.memory import give_back, resident_bytes
from assay.preprocess.processor import Broken, Made, Output, Processor, RawInput
from assay.preprocess.registry import processor_named

_BY_ITS_FILE = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}
"""What ends a library that trips over what it reads. SIGKILL is none of them: that is a person, or a kernel short of memory."""


_NICE = 10
"""Who computes for minutes gives way to who must answer in a second: the scheduler and the APIs of the same machine."""

_SPENT_BYTES = 225 * 1024 * 1024
"""What draws the previews keeps about 20 MB of every picture; a process that holds so much is followed by a fresh one."""


class Workshop:
    """Runs processors, those that ask for it apart: as many processes as run at the same time, each for file after file
    until it has grown.

    `scratch`: where files lie on their way.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        while not self._idle.empty():
            _end(self._idle.get())

    def process(self, processor: Processor, raw: RawInput, folder: Path) -> Made:
        """Make files of a raw file. Raises Broken, also for a file that ends its processor; ProcessorDied for any other end."""
        if not processor.APART:
            return processor.process(raw, folder)
        with self._one() as worker:
            answer = _ask(worker, processor.NAME, raw, folder)
            if answer["spent"]:
                _end(worker)
        if "broken" in answer:
            raise Broken(answer["broken"])
        outputs = tuple(Output(name, Path(file), media_type) for name, file, media_type in answer["outputs"])
        return Made(outputs, tuple(answer["flags"]), answer["facts"])

    @contextlib.contextmanager
    def _one(self) -> Iterator[subprocess.Popen[bytes]]:
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = _start()
        try:
            yield worker
        except BaseException:
            _end(worker)
            raise
        if worker.returncode is None:
            self._idle.put(worker)


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _end(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.kill()
    worker.wait()
    with contextlib.suppress(BrokenPipeError):
        worker.stdin.close()
    worker.stdout.close()


def _ask(worker: subprocess.Popen[bytes], name: str, raw: RawInput, folder: Path) -> dict[str, Any]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    asked = {"processor": name, "raw": [raw.session, raw.path, str(raw.file), raw.sha256], "folder": str(folder)}
    with contextlib.suppress(BrokenPipeError):
        worker.stdin.write(json.dumps(asked).encode() + b"\n")
        worker.stdin.flush()
    said = worker.stdout.readline()
    if said:
        answer: dict[str, Any] = json.loads(said)
        return answer
    code = worker.wait()
    if -code in _BY_ITS_FILE:
        raise Broken(f"{raw.path}: ended its processor {name} by {signal.Signals(-code).name}; expected a file that it can read")
    raise ProcessorDied(
        f"{raw.path}: the process of the processor {name} ended with {code}; the log above says why, or the kernel's, where "
        "memory ran short; nothing is half done, run again"
    )


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    session, path, file, sha256 = asked["raw"]
    try:
        made = processor_named(asked["processor"]).process(RawInput(session, path, Path(file), sha256), Path(asked["folder"]))
    except Broken as error:
        return {"broken": str(error)}
    outputs = [[output.name, str(output.file), output.media_type] for output in made.outputs]
    return {"outputs": outputs, "flags": made.flags, "facts": made.facts}


def main() -> None:
    """Answer until nobody asks any more."""
    os.nice(_NICE)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    for line in sys.stdin.buffer:
        answer = _answer(json.loads(line))
        give_back()
        answer["spent"] = resident_bytes() > _SPENT_BYTES
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
