"""The ingestion API over real HTTP in this process, and folders for a shipper to send."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from assay.recording import Lab
from assay.ship.api import Api
from assay.ship.journal import Journal
from assay.ship.send import Work
from assay.ship.throttle import Throttle
from made_recordings import LAB

METADATA = "fatigue: 3\nhardware_model: X1\n"


class IngestServer:
    """An application behind uvicorn on a port of its own; may be stopped and started again on the same port."""

    def __init__(self, app: Any) -> None:
        self._app = app
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        self._server = uvicorn.Server(uvicorn.Config(self._app, port=self.port, log_level="warning", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)


def make_folder(directory: Path, name: str, seed: int, *sizes: int, metadata: str = METADATA) -> dict[str, bytes]:
    """A recording's folder with files of these sizes, an hour old; its contents by path."""
    folder = directory / name
    folder.mkdir(parents=True)
    made = random.Random(seed)
    contents = {"metadata.txt": metadata.encode()} | {f"eeg #{n}.bin": made.randbytes(size) for n, size in enumerate(sizes, 1)}
    for path, content in contents.items():
        (folder / path).write_bytes(content)
    for path in (*(folder / name for name in contents), folder):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    return contents


def make_work(url: str, key: str, home: Path, **changes: object) -> Work:
    """What a shipper with a state folder of its own works with; its pauses are short."""
    work = {
        "api": Api(url, key, sleep=lambda seconds: time.sleep(min(seconds, 0.05))),
        "journal": Journal(home / "journal.sqlite3"),
        "lab": Lab(LAB, "UTC", "default", "CC BY 4.0", LAB),
        "schema": None,
        "throttle": Throttle(None),
    }
    return Work(**{**work, **changes})  # type: ignore[arg-type]
