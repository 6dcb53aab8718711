"""Memory does not grow with the size of a file, nor with the number of objects."""

from __future__ import annotations

import hashlib
import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest
from assay.storage import Storage
from ledger_walk import CONTEXT

MIB = 1024 * 1024


def _peak(work: Any, given: tuple[Any, ...], environment: dict[str, str], answer: Any) -> None:
    os.environ.update(environment)
    try:
        work(*given[:1])  # what the libraries themselves take
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work(*given)
        answer.put((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    except BaseException as error:
        answer.put(repr(error))
        raise


def grown(work: Any, *given: Any) -> float:
    """How many MiB the peak memory of a process of its own grows by."""
    answer = CONTEXT.Queue()
    process = CONTEXT.Process(target=_peak, args=(work, given, dict(os.environ), answer), daemon=True)
    process.start()
    result = answer.get(timeout=300)
    process.join()
    assert isinstance(result, float), result
    return result


def store_and_hash(url: str, path: Path | None = None, sha256: str = "") -> None:
    storage = Storage.open(url)
    if path is None:
        storage.write("warm", b"x")
        storage.sha256("warm")
        return
    assert storage.write_once("raw/big", path, sha256)
    assert storage.sha256("raw/big") == sha256


def read_all(url: str, count: int = 1) -> None:
    storage = Storage.open(url)
    read = 0
    for _, content in storage.read_many(f"a/{number}" for number in range(count)):
        read += len(content)
        time.sleep(0.05)
    assert read == count * 16 * MIB


@pytest.fixture(params=["local", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return (tmp_path / "storage").as_uri()
    return f"s3://{request.getfixturevalue('bucket')}/x"


@pytest.mark.full
@pytest.mark.enable_socket
def test_a_file_of_600_megabytes_is_stored_and_hashed_within_200(url: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.bin"
    block = os.urandom(4 * MIB)
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for _ in range(150):
            stream.write(block)
            digest.update(block)
    assert grown(store_and_hash, url, path, digest.hexdigest()) < 200


@pytest.mark.full
@pytest.mark.enable_socket
def test_many_objects_are_read_with_bounded_memory_even_by_a_slow_consumer(url: str) -> None:
    storage = Storage.open(url)
    for number in range(40):
        storage.write(f"a/{number}", b"x" * 16 * MIB)
    assert grown(read_all, url, 40) < 400
