"""S3 as a store: obstore for everything, and boto3 for what obstore cannot do: a file that is sent from the disk and written only
once, and objects deleted with their versions.

A small object goes up in one conditional PUT (`If-None-Match: *`). A large file goes up in parts, and the same condition stands
on the request that completes them, so neither can ever replace what is there. Every upload carries a SHA-256 that S3 checks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import boto3
import obstore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store
from s3transfer.utils import ReadFileChunk

from assay.errors import StorageError, TooLarge
from assay.session import hash_file
from assay.storage.interface import Storage, StoredObject, check_hash, check_key
from assay.storage.parallel import ByteBudget, in_background
from assay.storage.uploads import hash_part, part_sizes, whole_checksum

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, ObjectIdentifierTypeDef

IN_FLIGHT = 64
_MIB = 1024 * 1024
_MULTIPART_FROM = 32 * _MIB
_PARTS_IN_FLIGHT = 4
_RANGE_BYTES = 4 * _MIB
_STREAMED_FROM = _MIB
_READ_BUDGET = 64 * _MIB
"""Bytes that readers may hold ahead of the consumer. While obstore hands an object over, it is in memory up to three times."""
_DELETE_AT_ONCE = 1_000
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
"""Something is there, or somebody is writing it just now."""


class S3Storage(Storage):
    """Objects in a bucket, below a prefix."""

    def __init__(self, bucket: str, prefix: str = "", *, region: str | None = None, endpoint: str | None = None) -> None:
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        self.url = f"s3://{bucket}/{prefix}".rstrip("/")
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        session = boto3.Session(region_name=region)
        try:
            credentials = Boto3CredentialProvider(session)
        except (ValueError, BotoCoreError) as error:
            raise StorageError(
                f"{self.url}: no AWS credentials found ({error}); set AWS_PROFILE or AWS_ACCESS_KEY_ID, or use an instance role"
            ) from None
        self._session, self._endpoint, self._bucket_seen = session, endpoint, False
        self._region = session.region_name or "us-east-1"
        try:
            self._store = S3Store(
                bucket,
                prefix=prefix or None,
                region=self._region,
                **({"endpoint": endpoint} if endpoint else {}),
                config={"checksum_algorithm": "SHA256"},
                client_options={
                    "allow_http": (endpoint or "").startswith("http://"),
                    "connect_timeout": timedelta(seconds=10),
                    "timeout": timedelta(minutes=2),
                },
                retry_config={"max_retries": 5, "retry_timeout": timedelta(minutes=2)},
                credential_provider=credentials,
            )
        except (BaseError, ValueError) as error:
            raise StorageError(f"{self.url}: {_reason(error)}") from None

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{key}"

    def write(self, key: str, data: bytes) -> None:
        check_key(key)
        with self._plain_words(key):
            obstore.put(self._store, key, data, use_multipart=len(data) > _MULTIPART_FROM)

    def _create(self, key: str, data: bytes | Path, sha256: str) -> bool:
        with self._plain_words(key):
            if isinstance(data, Path):
                if data.stat().st_size > _MULTIPART_FROM:
                    return self.size(key) is None and self._create_in_parts(key, data, sha256)
                if data.stat().st_size > _STREAMED_FROM:
                    return self._create_from_file(key, data, sha256)
                source, data = str(data), data.read_bytes()
            else:
                source = "content"
            check_hash(source, hashlib.sha256(data).hexdigest(), sha256)
            try:
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def read(self, key: str, *, limit: int | None = None) -> bytes:
        check_key(key)
        with self._plain_words(key):
            answer = obstore.get(self._store, key)
            self._refuse_over(limit, key, answer)
            return bytes(answer.bytes())

    def read_many(self, keys: Iterable[str], *, limit: int | None = None) -> Iterator[tuple[str, bytes]]:
        # One thread with many requests in flight, not many threads: each thread would keep memory of its own for large objects.
        waiting, running = iter(keys), 0
        budget = ByteBudget(_READ_BUDGET)
        answers: SimpleQueue[tuple[str, bytes, BaseException | None]] = SimpleQueue()

        async def fetch(key: str) -> None:
            try:
                answers.put((key, await self._fetch(key, limit, budget), None))
            except Exception as error:  # noqa: BLE001 - raised again in the consumer's thread
                answers.put((key, b"", error))

        with in_background() as start:
            while True:
                for key in islice(waiting, IN_FLIGHT - running):
                    check_key(key)
                    start(fetch(key))
                    running += 1
                if not running:
                    return
                key, content, error = answers.get()
                running -= 1
                if error is not None:
                    raise error
                start(budget.give(len(content)))
                yield key, content
                del content

    async def _fetch(self, key: str, limit: int | None, budget: ByteBudget) -> bytes:
        with self._plain_words(key):
            answer = await obstore.get_async(self._store, key)
            self._refuse_over(limit, key, answer)
            size = answer.meta["size"]
            if not budget.take_now(size):
                # Not with the answer half read: the server would lose patience while the consumer works.
                del answer
                await budget.take(size)
                answer = await obstore.get_async(self._store, key)
                self._refuse_over(size, key, answer)
                await budget.give(size - answer.meta["size"])
                size = answer.meta["size"]
            try:
                return bytes(await answer.bytes_async())
            except BaseException:
                await budget.give(size)
                raise

    def _refuse_over(self, limit: int | None, key: str, answer: obstore.GetResult) -> None:
        if limit is not None and answer.meta["size"] > limit:
            raise TooLarge(f"{self.uri(key)}: {answer.meta['size']} bytes; expected at most {limit}")

    def chunks(self, key: str) -> Iterator[bytes]:
        # Ranges, not one long answer: each is retried by itself and none outlives the time limit of a request.
        check_key(key)
        with self._plain_words(key):
            meta = obstore.head(self._store, key)
            for start in range(0, meta["size"], _RANGE_BYTES):
                end = min(start + _RANGE_BYTES, meta["size"])
                options = {"range": (start, end), "if_match": meta["e_tag"]}
                yield bytes(obstore.get(self._store, key, options=options).bytes())  # type: ignore[arg-type]

    def size(self, key: str) -> int | None:
        check_key(key)
        with self._plain_words(key):
            try:
                return obstore.head(self._store, key)["size"]
            except FileNotFoundError:
                self._require_bucket(key)
                return None

    def _require_bucket(self, key: str) -> None:
        """HEAD does not tell a missing bucket from a missing key; one GET does, once."""
        if self._bucket_seen:
            return
        try:
            obstore.get(self._store, key)
        except FileNotFoundError as error:
            _raise_without_bucket(error)
        self._bucket_seen = True

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        prefix = prefix.strip("/")
        if prefix:
            check_key(prefix)
        with self._plain_words(prefix):
            for page in obstore.list(self._store, prefix or None, chunk_size=1_000):
                for meta in page:
                    yield StoredObject(meta["path"], meta["size"])

    def delete(self, keys: Iterable[str]) -> None:
        waiting = iter(keys)
        while batch := list(islice(waiting, _DELETE_AT_ONCE)):
            for key in batch:
                check_key(key)
            with self._plain_words(batch[0]):
                obstore.delete(self._store, batch)

    def erase(self, *groups: Sequence[str]) -> None:
        for key in chain(*groups):
            check_key(key)
        if not any(groups):
            return
        with self._plain_words(min(chain(*groups))):
            wanted = {self.prefix + key for key in chain(*groups)}
            versions = self._versions(wanted) if self._has_versions else None
            for group in groups:
                for batch in _batched(_objects(map(self.prefix.__add__, group), versions)):
                    answer = self._boto3.delete_objects(Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True})
                    if refused := answer.get("Errors"):
                        said = " ".join(str(refused[0].get(name, "")) for name in ("Key", "Code", "Message"))
                        raise StorageError(f"{self.url}: S3 refuses to delete {len(refused)} objects, such as {said}")

    def _versions(self, wanted: set[str]) -> Mapping[str, set[str]]:
        """Every version and every mark of a deletion of the keys; listed as far as the last of them."""
        found: dict[str, set[str]] = {key: set() for key in wanted}
        first, last = min(wanted), max(wanted)
        common = next(longest for at in range(len(first), -1, -1) if last.startswith(longest := first[:at]))
        marker: dict[str, str] = {}
        while True:
            page = self._boto3.list_object_versions(Bucket=self.bucket, Prefix=common, **marker)  # type: ignore[arg-type]
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                if one["Key"] in found:
                    found[one["Key"]].add(one["VersionId"])
            if not page["IsTruncated"] or page["NextKeyMarker"] > last:
                return found
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    @cached_property
    def _has_versions(self) -> bool:
        """Whether the bucket keeps versions, or did once."""
        return "Status" in self._boto3.get_bucket_versioning(Bucket=self.bucket)

    @cached_property
    def _boto3(self) -> S3Client:
        return self.client()

    def client(self) -> S3Client:
        """A boto3 client of this store's S3, for what obstore cannot do: large files written once, presigned addresses."""
        retries = Config(retries={"mode": "standard", "max_attempts": 6}, signature_version="s3v4")
        return self._session.client("s3", region_name=self._region, endpoint_url=self._endpoint, config=retries)

    def _create_from_file(self, key: str, path: Path, sha256: str) -> bool:
        """In one request, whose body is read from the disk while it is sent: no file is ever held whole."""
        check_hash(str(path), hash_file(path), sha256)
        where, checksum = {"Bucket": self.bucket, "Key": self.prefix + key}, whole_checksum(sha256)
        try:
            with path.open("rb") as stream:
                self._boto3.put_object(**where, Body=stream, ChecksumSHA256=checksum, IfNoneMatch="*")  # type: ignore[arg-type]
        except ClientError as error:
            if _is_taken(error):
                return False
            raise
        return True

    def _create_in_parts(self, key: str, path: Path, sha256: str) -> bool:
        client, where = self._boto3, {"Bucket": self.bucket, "Key": self.prefix + key}
        upload = client.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]  # type: ignore[arg-type]

        def send(number: int, body: ReadFileChunk, checksum: str) -> CompletedPartTypeDef:
            with body:
                answer = client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body, ChecksumSHA256=checksum)  # type: ignore[arg-type]
            return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

        try:
            parts, found = _send_parts(path, send)
            check_hash(str(path), found, sha256)
            client.complete_multipart_upload(
                **where,  # type: ignore[arg-type]
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                IfNoneMatch="*",
            )
        except BaseException as error:
            # What was sent costs money until it is taken back; a kill leaves it to the bucket's lifecycle rule.
            with contextlib.suppress(ClientError, BotoCoreError):
                client.abort_multipart_upload(**where, UploadId=upload)  # type: ignore[arg-type]
            if isinstance(error, ClientError) and _is_taken(error):
                return False
            raise
        return True

    @contextlib.contextmanager
    def _plain_words(self, key: str) -> Iterator[None]:
        """What obstore and boto3 raise becomes a StorageError of one sentence; a missing key stays a FileNotFoundError."""
        try:
            yield
        except FileNotFoundError as error:
            _raise_without_bucket(error)
            raise FileNotFoundError(2, "no such object", self.uri(key)) from None
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise StorageError(f"{self.uri(key)}: S3 refuses access; check the credentials and the bucket policy") from error
        except (BaseError, ClientError, BotoCoreError) as error:
            _raise_without_bucket(error)
            raise StorageError(f"{self.uri(key)}: {_reason(error)}; nothing is half written, run again") from error


def _objects(keys: Iterable[str], versions: Mapping[str, set[str]] | None) -> Iterator[ObjectIdentifierTypeDef]:
    """Keys as S3 wants them for deletion: each version of a key, or the key alone where there are none."""
    for key in keys:
        if versions is None:
            yield {"Key": key}
            continue
        for version in sorted(versions[key]):
            yield {"Key": key, "VersionId": version}


def _batched(objects: Iterator[ObjectIdentifierTypeDef]) -> Iterator[list[ObjectIdentifierTypeDef]]:
    while batch := list(islice(objects, _DELETE_AT_ONCE)):
        yield batch


def _is_taken(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") in _TAKEN


def _send_parts(
    path: Path, send: Callable[[int, ReadFileChunk, str], CompletedPartTypeDef]
) -> tuple[list[CompletedPartTypeDef], str]:
    """Send a file in parts, a few at a time, and give the parts in order and the SHA-256 of everything that was sent.

    A part is read twice, for its hash and by who sends it, and never held: S3 refuses what is not what was hashed.
    """
    sizes, whole = part_sizes(path.stat().st_size), hashlib.sha256()
    done: list[CompletedPartTypeDef] = []
    running: deque[Future[CompletedPartTypeDef]] = deque()
    with path.open("rb") as stream, ThreadPoolExecutor(_PARTS_IN_FLIGHT, thread_name_prefix="assay-send") as pool:
        for number, size in enumerate(sizes, 1):
            if len(running) >= _PARTS_IN_FLIGHT:
                done.append(running.popleft().result())
            start = stream.tell()
            try:
                checksum = whole_checksum(hash_part(stream, size, whole))
            except EOFError:
                raise StorageError(f"{path}: became shorter while it was sent; nothing is half written, run again") from None
            running.append(pool.submit(send, number, ReadFileChunk.from_filename(str(path), start, size), checksum))
        done.extend(future.result() for future in running)
    return done, whole.hexdigest()


def _raise_without_bucket(error: Exception) -> None:
    """obstore says "not found" for a missing bucket too; that is not a missing key."""
    if "NoSuchBucket" in str(error):
        raise StorageError("the bucket of ASSAY_STORAGE_URL does not exist; make it, or correct the URL") from None


def _reason(error: Exception) -> str:
    """What S3 says in its answer, or else the first line of what the library says."""
    said = re.search(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", str(error), re.DOTALL)
    return f"S3 says {said[1]}: {said[2]}" if said else str(error).partition("\n")[0].strip()
