"""Archiving and cleaning many raw objects in S3: memory by their number, and deleting beside what others delete with.

The objects lie in an emulator of S3 (moto) in a process of its own, which is filled directly, not over HTTP; everything that is
timed goes over HTTP. Sessions have ten objects: nine raw files and a manifest. Ledger (PostgreSQL) and commit are real ones.

First `assay archive` and `assay clean` in a process of their own, with more and more objects: seconds, objects a second, and by
how much memory grew. Then only deleting, rounds interleaved: what `assay clean` does with each batch,
`aws s3 rm --recursive` (give its program with --aws; it lives in an environment of its own), and a pool of 16 threads that
delete one object at a time with boto3.

    python benchmarks/archive.py --aws /tmp/aws/bin/aws      10,000 to 100,000 objects, half an hour: most of it is the emulator's
    python benchmarks/archive.py --quick                     500 and 5,000 objects
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

FILES, BYTES, SESSIONS_AT_ONCE = 9, 20_000, 500
STARTED = datetime(2025, 6, 29, tzinfo=UTC)


def session(number: int) -> tuple[Any, dict[str, bytes]]:
    """A made session: its manifest, and its raw files by path."""
    from assay.session import Manifest, RawFile, SessionKind, Source

    files = {}
    for file in range(FILES):
        # Large and without repetition: what is compressed and sent in pieces fills every buffer with the smallest number already.
        files[f"tool-{file}/1/stdout.txt"] = random.Random(f"{number}/{file}").randbytes(BYTES // 2).hex().encode()
    raw = tuple(RawFile(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items())
    started, source = STARTED + timedelta(seconds=number), Source("assay-agent", "1", "CC BY 4.0", "made")
    ended = started + timedelta(minutes=5)
    return Manifest(SessionKind.INSTANCE_BENCHMARK, "m7i.large", started, ended, source, raw), files


def objects(sessions: int) -> Iterator[tuple[str, bytes]]:
    """Every raw object of so many sessions."""
    from assay.session import raw_prefix

    for number in range(sessions):
        manifest, files = session(number)
        prefix = raw_prefix(manifest.kind, manifest.started_at.date(), manifest.session)
        yield from ((prefix + path, data) for path, data in files.items())
        yield prefix + "manifest.json", manifest.to_bytes()


def _serve(pipe: Connection) -> None:
    """The emulator; fills a bucket where it is told to."""
    import logging

    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    pipe.send("http://{}:{}".format(*server.get_host_and_port()))
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    while (order := pipe.recv()) is not None:
        bucket, sessions = order
        backend.create_bucket(bucket, "us-east-1")
        for key, data in objects(sessions):
            backend.put_object(bucket, key, data)
        pipe.send("done")
    server.stop()


def prepare(sessions: int, home: Path, database_url: str) -> None:
    """A ledger and a repository in which these sessions are judged and published."""
    from assay.database.arrivals import Arrival
    from assay.database.engine import connect
    from assay.database.ledger import Ledger
    from assay.dataset.encode import sha256
    from assay.publish.local import LocalRepository
    from assay.publish.target import Change
    from assay.session import raw_prefix

    engine = connect(database_url)
    ledger = Ledger(engine, "default")
    ledger.open_dataset("CC BY 4.0")
    listed, numbers = [], iter(range(sessions))
    while some := [session(number)[0] for number in islice(numbers, SESSIONS_AT_ONCE)]:
        hashes = {one.session: sha256(one.to_bytes()) for one in some}
        ledger.register_many(
            Arrival(one, hashes[one.session], raw_prefix(one.kind, one.started_at.date(), one.session)) for one in some
        )
        names = list(hashes)
        ledger.mark_verified(names)
        ledger.mark_read(dict.fromkeys(names, "none"), {})
        ledger.record_verdicts(pd.DataFrame({"session": names, "verdict": "accepted"}))
        for one in some:
            files = [{"path": file.path, "bytes": file.size, "sha256": file.sha256} for file in one.files]
            listed.append({"session": one.session, "manifest_sha256": hashes[one.session], "files": files})
    documents: dict[str, Any] = {
        "metadata.json": {"licence": "CC BY 4.0", "accounting": {"accepted": sessions, "rejected": 0}},
        "quarantine.json": [],
        "changes.json": {"since": ""},
        "instance-rankings.json": {"rankings": {}},
        "price-performance.json": {"instances": {}},
    }
    files = {name: orjson.dumps(document) for name, document in documents.items()}
    entries = [{"path": name, "bytes": len(data), "sha256": sha256(data)} for name, data in files.items()]
    manifest = {"content_digest": "made", "files": entries, "history": [], "sessions": listed}
    files["manifest.json"] = orjson.dumps(manifest)
    folders = ("data/processed/latest", "data/processed/v1.0/2025-06-29")
    tree = {f"{folder}/{name}": data for folder in folders for name, data in files.items()}
    target = LocalRepository(home / "dataset.git")
    commit = target.commit(Change(tree), "made", expected=None, tag="2025-06-29")
    ledger.begin_snapshot("2025-06-29", content_digest="made", sessions=[one["session"] for one in listed])
    ledger.commit_snapshot("2025-06-29", commit=commit, manifest_sha256=sha256(files["manifest.json"]))
    ledger.finish_snapshot("2025-06-29")
    engine.dispose()


def _work(home: Path, database_url: str, storage_url: str, answer: Connection) -> None:
    """Archive and clean; tells the seconds of each and by how many MB memory grew."""
    from assay.archive.clean import clean
    from assay.archive.make import archive_published
    from assay.database.engine import connect
    from assay.database.ledger import Ledger
    from assay.settings import Settings
    from assay.storage import Storage
    from assay.workspace import Workspace

    settings = Settings(home=home, database_url=database_url, storage_url=storage_url)  # type: ignore[arg-type]
    storage, engine = Storage.open(storage_url), connect(database_url)
    workspace = Workspace(settings, "default", storage, engine, Ledger(engine, "default"))
    warm = [one.key for one in islice(storage.list("raw"), 100)]
    sum(len(data) for _, data in storage.read_many(warm))
    storage.erase(["made/nothing"])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    (made,) = archive_published(workspace)
    archived = time.perf_counter()
    done = clean(workspace, days=0)
    ended = time.perf_counter()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    answer.send((archived - began, ended - archived, done.cleaned.objects, made.bytes, made.content_bytes, before / 1024, grown))


def whole_path(pipe: Connection, endpoint: str, urls: Any, sessions: int) -> None:
    """Archive and clean so many sessions, and print what it took."""
    from assay.database import migrate
    from assay.database.engine import connect

    bucket = f"whole-{sessions}"
    pipe.send((bucket, sessions))
    pipe.recv()
    with tempfile.TemporaryDirectory() as folder:
        url = _database(urls, bucket.replace("-", "_"))
        engine = connect(url)
        migrate.upgrade(engine)
        engine.dispose()
        prepare(sessions, Path(folder), url)
        ours, theirs = multiprocessing.Pipe()
        given = (Path(folder), url, f"s3://{bucket}", theirs)
        worker = multiprocessing.get_context("spawn").Process(target=_work, args=given)
        worker.start()
        packing, deleting, count, packed, unpacked, before, grown = ours.recv()
        worker.join()
    print(
        f"{count:8} objects: archived and read back in {packing:6.1f} s ({count / packing:6.0f} a second, {unpacked / 1e6:.0f} "
        f"MB into {packed / 1e6:.1f}), cleaned in {deleting:5.1f} s ({count / deleting:6.0f} a second); memory {before:.0f} MB "
        f"and {grown:.0f} more",
        flush=True,
    )


def _database(urls: Any, name: str) -> str:
    import psycopg2
    from sqlalchemy import make_url

    url = make_url(urls.airflow)
    connection = psycopg2.connect(host=url.query["host"], user=url.username, dbname=url.database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return make_url(urls.assay).set(database=name).render_as_string(hide_password=False)


def by_erase(endpoint: str, bucket: str, keys: list[str], _aws: str) -> None:
    """What `assay clean` does with every batch of sessions."""
    from assay.storage import Storage

    storage = Storage.open(f"s3://{bucket}")
    for start in range(0, len(keys), 1_000):
        batch = keys[start : start + 1_000]
        manifests = [key for key in batch if key.endswith("/manifest.json")]
        storage.erase(manifests, [key for key in batch if not key.endswith("/manifest.json")])


def by_pool(endpoint: str, bucket: str, keys: list[str], _aws: str) -> None:
    """A pool of 16 threads on boto3, one object a request."""
    import boto3
    from botocore.config import Config

    client = boto3.client("s3", endpoint_url=endpoint, config=Config(max_pool_connections=16))
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: client.delete_object(Bucket=bucket, Key=key), keys))


def by_cli(endpoint: str, bucket: str, _keys: list[str], aws: str) -> None:
    """`aws s3 rm --recursive`."""
    command = [aws, "--endpoint-url", endpoint, "s3", "rm", "--recursive", "--only-show-errors", f"s3://{bucket}/raw"]
    subprocess.run(command, check=True)


def deleting(pipe: Connection, endpoint: str, sessions: int, rounds: int, aws: str | None) -> None:
    """Delete the same objects in each way, and print how long it took."""
    import boto3

    ways: dict[str, Callable[[str, str, list[str], str], None]] = {"assay clean": by_erase, "boto3, 16 threads": by_pool}
    if aws:
        ways["aws s3 rm --recursive"] = by_cli
    keys = sorted(key for key, _ in objects(sessions))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for place, name in enumerate(ways if number % 2 == 0 else reversed(ways)):
            bucket = f"round-{number}-{place}"
            pipe.send((bucket, sessions))
            pipe.recv()
            began = time.perf_counter()
            ways[name](endpoint, bucket, keys, aws or "")
            seconds[name].append(time.perf_counter() - began)
            left = boto3.client("s3", endpoint_url=endpoint).list_objects_v2(Bucket=bucket)["KeyCount"]
            if left:
                raise SystemExit(f"{name}: left {left} objects; expected none")
    print(f"\ndeleting {len(keys)} objects, {rounds} rounds")
    print(f"{'way':24} {'median s':>9} {'objects/s':>10} {'assay is so many times as fast':>31}")
    for name, taken in seconds.items():
        ratio = statistics.median(each / ours for each, ours in zip(taken, seconds["assay clean"], strict=True))
        print(f"{name:24} {statistics.median(taken):9.2f} {len(keys) / statistics.median(taken):10.0f} {ratio:31.1f}")


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--objects",
        type=int,
        nargs="+",
        default=[10_000, 100_000],
        help="raw objects that are archived and cleaned, each in turn",
    )
    parser.add_argument("--delete", type=int, default=10_000, help="objects that each way deletes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--aws", help="the program of the AWS command line; without it that way is left out")
    parser.add_argument("--quick", action="store_true", help="500 and 5,000 objects; 2,000 deleted in each way, one round")
    options = parser.parse_args()
    counts, delete, rounds = ([500, 5_000], 2_000, 1) if options.quick else (options.objects, options.delete, options.rounds)
    environment = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(environment | {"AWS_EC2_METADATA_DISABLED": "true"})
    from assay.database import embedded

    ours, theirs = multiprocessing.Pipe()
    emulator = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    emulator.start()
    endpoint = ours.recv()
    os.environ["AWS_ENDPOINT_URL"] = endpoint
    home = Path(tempfile.mkdtemp(prefix="assay-benchmark-"))
    home.chmod(0o755)
    with embedded.server(home) as urls:
        for count in counts:
            whole_path(ours, endpoint, urls, count // (FILES + 1))
    embedded.remove(home)
    deleting(ours, endpoint, delete // (FILES + 1), rounds, options.aws)
    ours.send(None)
    emulator.join(10)


if __name__ == "__main__":
    main()
