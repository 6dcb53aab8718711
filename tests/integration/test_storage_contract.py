"""One contract, two stores: a local folder, and S3 through an emulator over real HTTP."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from assay.emulator.aws import AwsServer, Fault
from assay.errors import StorageConflict, StorageError, TooLarge
from assay.storage import Storage, StoredObject

pytestmark = pytest.mark.enable_socket

BIG = 40 * 1024 * 1024


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return Storage.open((tmp_path / "storage").as_uri())
    return Storage.open(f"s3://{request.getfixturevalue('bucket')}/some/prefix")


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "recording.bin"
    path.write_bytes(os.urandom(1024 * 1024) * (BIG // (1024 * 1024)))
    return path


def test_the_same_bytes_again_are_no_second_write(storage: Storage) -> None:
    assert storage.write_once("raw/a", b"x", sha256(b"x")) is True
    assert storage.write_once("raw/a", b"x", sha256(b"x")) is False
    assert storage.read("raw/a") == b"x"


def test_other_bytes_are_a_conflict_that_names_the_key_and_both_hashes(storage: Storage) -> None:
    storage.write_once("raw/a", b"x", sha256(b"x"))
    with pytest.raises(StorageConflict) as caught:
        storage.write_once("raw/a", b"y", sha256(b"y"))
    for part in ("raw/a", sha256(b"x"), sha256(b"y")):
        assert part in str(caught.value)
    assert storage.read("raw/a") == b"x"


@pytest.mark.parametrize("size", [7, 3_000_000], ids=["small", "streamed"])
def test_bytes_that_are_not_what_was_announced_are_not_stored(storage: Storage, tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    for data in (b"x" * size, file):
        with pytest.raises(StorageError, match="changed after it was hashed"):
            storage.write_once("raw/a", data, sha256(b"as hashed"))
    assert storage.size("raw/a") is None


@pytest.mark.parametrize("size", [7, 3_000_000], ids=["small", "streamed"])
def test_a_file_is_written_once_as_bytes_are(storage: Storage, tmp_path: Path, size: int) -> None:
    file, other, content = tmp_path / "file", tmp_path / "other", b"x" * size
    file.write_bytes(content)
    other.write_bytes(b"y" * size)
    assert storage.write_once("raw/a", file, sha256(content)) is True
    assert storage.write_once("raw/a", content, sha256(content)) is False
    assert storage.write_once("raw/a", file, sha256(content)) is False
    with pytest.raises(StorageConflict):
        storage.write_once("raw/a", other, sha256(b"y" * size))
    assert storage.read("raw/a") == content


def test_empty_objects_are_objects(storage: Storage) -> None:
    assert storage.write_once("raw/empty", b"", sha256(b"")) is True
    assert storage.size("raw/empty") == 0
    assert storage.read("raw/empty") == b""
    assert list(storage.chunks("raw/empty")) == []


def test_of_two_writers_with_other_bytes_exactly_one_wins(storage: Storage) -> None:
    for attempt in range(10):
        start = threading.Barrier(2)

        def write(data: bytes, key: str = f"raw/{attempt}", start: threading.Barrier = start) -> bool | str:
            start.wait()
            try:
                return storage.write_once(key, data, sha256(data))
            except StorageConflict:
                return "conflict"

        with ThreadPoolExecutor(2) as pool:
            outcomes = list(pool.map(write, [b"one", b"two"]))
        assert sorted(map(str, outcomes)) == ["True", "conflict"]
        assert storage.read(f"raw/{attempt}") == (b"one" if outcomes[0] is True else b"two")


def test_of_two_writers_with_the_same_bytes_exactly_one_wrote(storage: Storage) -> None:
    for attempt in range(10):
        start = threading.Barrier(2)

        def write(data: bytes, key: str = f"raw/{attempt}", start: threading.Barrier = start) -> bool:
            start.wait()
            return storage.write_once(key, data, sha256(data))

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(write, [b"same", b"same"])) == [False, True]


def test_the_processed_layer_is_replaced(storage: Storage) -> None:
    storage.write("processed/a", b"old")
    storage.write("processed/a", b"new")
    assert storage.read("processed/a") == b"new"


def test_a_missing_key_is_a_file_not_found(storage: Storage) -> None:
    assert storage.size("raw/nothing") is None
    with pytest.raises(FileNotFoundError, match="raw/nothing"):
        storage.read("raw/nothing")
    with pytest.raises(FileNotFoundError, match="raw/nothing"):
        list(storage.chunks("raw/nothing"))
    with pytest.raises(FileNotFoundError, match="raw/nothing"):
        storage.sha256("raw/nothing")
    with pytest.raises(FileNotFoundError, match="raw/nothing"):
        list(storage.read_many(["raw/nothing"]))


def test_an_object_over_the_limit_is_not_read(storage: Storage) -> None:
    storage.write("a", b"x" * 11)
    assert storage.read("a", limit=11) == b"x" * 11
    with pytest.raises(TooLarge, match=r"a: 11 bytes; expected at most 10"):
        storage.read("a", limit=10)
    with pytest.raises(TooLarge):
        list(storage.read_many(["a"], limit=10))


@pytest.mark.parametrize(
    "key", ["日本/é", "e\u0301", "a b", "h#1", "100%", "50%25", "q?x*", "a+b&c", "t~/[x]/{y}", 'p|<r>"`^', "kind=x/d=1"]
)
def test_a_key_is_kept_letter_by_letter(storage: Storage, key: str) -> None:
    assert storage.write_once(key, b"x", sha256(b"x")) is True
    assert storage.write_once(key, b"x", sha256(b"x")) is False
    assert storage.read(key) == b"x"
    assert storage.size(key) == 1
    assert list(storage.list()) == [StoredObject(key, 1)]
    storage.delete([key])
    assert list(storage.list()) == []


def test_s3_keys_are_those_that_other_clients_see(bucket: str, s3: object) -> None:
    storage = Storage.open(f"s3://{bucket}/pre fix")
    storage.write_once("h#1/50%25 é", b"x", sha256(b"x"))
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]  # type: ignore[attr-defined]
    assert [found["Key"] for found in listed] == ["pre fix/h#1/50%25 é"]
    assert storage.uri("h#1/50%25 é") == f"s3://{bucket}/pre fix/h#1/50%25 é"


@pytest.mark.parametrize("number", [1_100, pytest.param(2_500, marks=pytest.mark.full)])
def test_more_objects_than_a_page_holds_are_listed_in_the_order_of_their_keys(storage: Storage, number: int) -> None:
    keys = [f"raw/{i % 7}{'-./x'[i % 4]}{i}" for i in range(number - 1)] + ["raw/ü"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: storage.write(key, key.encode()), keys))
    storage.write("raw2/x", b"")
    storage.write("rav", b"")
    listed = list(storage.list("raw"))
    assert [found.key for found in listed] == sorted(keys, key=str.encode)
    assert all(found.size == len(found.key.encode()) for found in listed)
    assert list(storage.list("raw/")) == listed
    assert list(storage.list("nothing/here")) == []
    assert len(list(storage.list())) == number + 2
    assert dict(storage.read_many(found.key for found in listed)) == {key: key.encode() for key in keys}
    storage.delete(found.key for found in listed)
    assert [found.key for found in storage.list()] == ["rav", "raw2/x"]
    storage.delete(["raw/never-there"])


def test_a_consumer_that_stops_reading_stops_the_readers(storage: Storage) -> None:
    for number in range(200):
        storage.write(f"a/{number}", b"x")
    reading = storage.read_many(f"a/{number}" for number in range(200))
    next(reading)
    reading.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("assay-read") and thread.is_alive()]


def test_one_missing_object_among_many_is_not_passed_over(storage: Storage) -> None:
    for number in range(150):
        storage.write(f"a/{number}", b"x")
    with pytest.raises(FileNotFoundError, match="a/missing"):
        list(storage.read_many([*(f"a/{number}" for number in range(150)), "a/missing"]))


def test_a_big_file_is_written_once_too(storage: Storage, big_file: Path) -> None:
    digest = sha256(big_file.read_bytes())
    assert storage.write_once("raw/big", big_file, digest) is True
    assert storage.write_once("raw/big", big_file, digest) is False
    assert storage.size("raw/big") == BIG
    assert storage.sha256("raw/big") == digest
    assert max(len(chunk) for chunk in storage.chunks("raw/big")) <= 16 * 1024 * 1024
    with pytest.raises(StorageError, match="changed after it was hashed"):
        storage.write_once("raw/other", big_file, sha256(b""))
    assert storage.size("raw/other") is None


def test_of_two_writers_of_big_files_exactly_one_wins(storage: Storage, big_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(big_file.read_bytes()[:-1] + b"?")
    start = threading.Barrier(2)

    def write(path: Path) -> bool | str:
        start.wait()
        try:
            return storage.write_once("raw/big", path, sha256(path.read_bytes()))
        except StorageConflict:
            return "conflict"

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(write, [big_file, other]))
    assert sorted(map(str, outcomes)) == ["True", "conflict"]


def test_nothing_of_a_refused_big_file_stays_in_the_bucket(bucket: str, s3: object, big_file: Path) -> None:
    storage = Storage.open(f"s3://{bucket}")
    with pytest.raises(StorageError):
        storage.write_once("raw/big", big_file, sha256(b""))
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)  # type: ignore[attr-defined]


def test_every_upload_to_s3_carries_its_sha256_and_the_condition(bucket: str, aws_emulator: AwsServer, big_file: Path) -> None:
    storage = Storage.open(f"s3://{bucket}")
    aws_emulator.forget()
    storage.write_once("small", b"x", sha256(b"x"))
    storage.write_once("big", big_file, sha256(big_file.read_bytes()))
    puts = [(path, headers) for method, path, headers in aws_emulator.requests if method == "PUT"]
    assert len(puts) == 4
    assert all("x-amz-checksum-sha256" in headers for _, headers in puts)
    small = next(headers for path, headers in puts if "small" in path)
    completed = next(headers for method, path, headers in aws_emulator.requests if method == "POST" and "uploadId" in path)
    assert small["if-none-match"] == completed["if-none-match"] == "*"


@pytest.mark.parametrize("file", [False, True], ids=["small", "big"])
def test_a_write_of_another_that_is_just_under_way_is_waited_for(
    bucket: str, aws_emulator: AwsServer, big_file: Path, file: bool
) -> None:
    storage = Storage.open(f"s3://{bucket}")
    aws_emulator.faults.append(
        Fault("POST" if file else "PUT", "uploadId" if file else "/raw/a", "409 Conflict", "ConditionalRequestConflict")
    )
    data: bytes | Path = big_file if file else b"x"
    assert storage.write_once("raw/a", data, sha256(big_file.read_bytes() if file else b"x")) is True
    assert aws_emulator.faults[0].times == 0


@pytest.mark.parametrize("status", ["500 Internal Server Error", "503 Slow Down"])
def test_a_hiccup_of_s3_is_ridden_out(bucket: str, aws_emulator: AwsServer, big_file: Path, status: str) -> None:
    storage = Storage.open(f"s3://{bucket}")
    aws_emulator.faults += [Fault(method, "raw", status, "SlowDown") for method in ("PUT", "GET", "HEAD", "POST")]
    assert storage.write_once("raw/a", b"x", sha256(b"x")) is True
    assert storage.write_once("raw/b", big_file, sha256(big_file.read_bytes())) is True
    assert storage.read("raw/a") == b"x"
    assert [found.key for found in storage.list("raw")] == ["raw/a", "raw/b"]
    assert all(fault.times == 0 for fault in aws_emulator.faults)


def test_access_denied_is_a_clear_message_and_no_missing_key(bucket: str, aws_emulator: AwsServer, big_file: Path) -> None:
    storage = Storage.open(f"s3://{bucket}")
    for method, ask in (
        ("GET", lambda: storage.read("raw/a")),
        ("HEAD", lambda: storage.size("raw/a")),
        ("PUT", lambda: storage.write_once("raw/a", b"", sha256(b""))),
        ("POST", lambda: storage.write_once("raw/a", big_file, sha256(big_file.read_bytes()))),
    ):
        aws_emulator.faults.append(Fault(method, "raw/a", "403 Forbidden", "AccessDenied", times=10))
        with pytest.raises(StorageError, match=r"raw/a: .*(refuses access|AccessDenied)"):
            ask()
        aws_emulator.forget()


def test_a_bucket_that_does_not_exist_is_a_clear_message_and_no_missing_key(aws: str) -> None:
    storage = Storage.open("s3://no-such-bucket-of-ours")
    for ask in (
        lambda: storage.read("a"),
        lambda: storage.size("a"),
        lambda: list(storage.list()),
        lambda: storage.write("a", b""),
        lambda: storage.write_once("a", b"", sha256(b"")),
        lambda: list(storage.read_many(["a"])),
    ):
        with pytest.raises(StorageError, match=r"bucket .*does not exist"):
            ask()


def test_an_endpoint_that_does_not_answer_is_a_clear_message(aws: str) -> None:
    storage = Storage.open("s3://bucket-x", endpoint="http://127.0.0.1:9")
    with pytest.raises(StorageError, match=r"s3://bucket-x/a: .*"):
        storage.read("a")


def test_without_credentials_the_message_says_where_to_put_them(
    aws: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(StorageError, match=r"no AWS credentials found.*AWS_PROFILE"):
        Storage.open("s3://bucket-x")


def test_plain_http_is_refused_where_the_endpoint_does_not_ask_for_it(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    storage = Storage.open("s3://bucket-x", endpoint="https://127.0.0.1:9")
    with pytest.raises(StorageError):
        storage.read("a")


def test_what_is_erased_is_gone_and_nothing_else(storage: Storage) -> None:
    keys = [f"raw/day/session-{number:03}/{name}" for number in range(4) for name in ("a#1.txt", "manifest.json", "z/ü.txt")]
    for key in (*keys, "raw/day/session-0030", "raw/day2/x", "raw/day/session-0"):
        storage.write(key, b"x")
    storage.erase()
    storage.erase([], ["raw/none"])
    storage.erase(keys[1:2], keys[:6])
    assert [one.key for one in storage.list("raw")] == sorted(
        [*keys[6:], "raw/day/session-0030", "raw/day2/x", "raw/day/session-0"]
    )
    storage.erase(keys)
    storage.erase(keys)
    assert [one.key for one in storage.list("raw")] == ["raw/day/session-0", "raw/day/session-0030", "raw/day2/x"]


def test_where_versions_are_kept_all_of_them_are_erased(s3: object, bucket: str, aws_emulator: AwsServer) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})  # type: ignore[attr-defined]
    storage = Storage.open(f"s3://{bucket}/p")
    keys = [f"raw/day/s{number:04}/{name}" for number in range(600) for name in ("manifest.json", "x")]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: storage.write(key, b"x"), keys))
    for key in keys[:8]:
        storage.write(key, b"y")
    storage.delete(keys[:4])
    aws_emulator.requests.clear()
    storage.erase(keys[:1100:2], keys[1:1100:2])
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)  # type: ignore[attr-defined]
    left = [one["Key"] for page in pages for one in (*page.get("Versions", []), *page.get("DeleteMarkers", []))]
    assert left == [f"p/{key}" for key in keys[1100:]]
    asked = [(method, path.partition("?")[2].partition("&")[0]) for method, path, _ in aws_emulator.requests]
    assert [what for what in asked if what[0] == "POST"] == [("POST", "delete")] * 2
    assert {query for method, query in asked if method == "GET"} == {"versions", "versioning"}


def test_an_object_that_s3_will_not_delete_is_named(s3: object, bucket: str) -> None:
    locked = f"{bucket}-locked"
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)  # type: ignore[attr-defined]
    storage = Storage.open(f"s3://{locked}")
    s3.put_object(  # type: ignore[attr-defined]
        Bucket=locked, Key="raw/a", Body=b"x", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate="2099-01-01T00:00:00Z"
    )
    with pytest.raises(StorageError, match="refuses to delete 1 objects, such as raw/a "):
        storage.erase(["raw/a"])
    assert storage.size("raw/a") == 1
