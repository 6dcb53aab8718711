"""Requests signed for S3 (Signature Version 4): whoever has one needs no credentials, and can do nothing else with it."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from assay.errors import StorageError
from assay.storage.interface import check_key
from assay.storage.uploads import SIGNED_FOR_S, Part, Signed, Stated, UploadGone, UploadStore, other_content, whole_checksum

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
_GONE = ("NoSuchUpload",)
_MISSING = ("404", "NoSuchKey", "NotFound")


class S3Uploads(UploadStore):
    """Uploads into a bucket, below a prefix."""

    def __init__(self, bucket: str, prefix: str = "", *, region: str | None = None, endpoint: str | None = None) -> None:
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        session = boto3.Session(region_name=region)
        self._client: S3Client = session.client(
            "s3",
            region_name=session.region_name or "us-east-1",
            endpoint_url=endpoint,
            config=Config(
                retries={"mode": "standard", "max_attempts": 6},
                signature_version="s3v4",
                max_pool_connections=32,
                # An emulator has no names for its buckets.
                s3={"addressing_style": "path" if endpoint else "virtual"},
            ),
        )

    def put(self, key: str, size: int, sha256: str) -> Signed:
        headers = {
            "Content-Length": str(size),
            "If-None-Match": "*",
            "x-amz-checksum-sha256": whole_checksum(sha256),
            "x-amz-sdk-checksum-algorithm": "SHA256",  # a bucket with Object Lock asks for it
        }
        with self._plain_words(key):
            url = self._client.generate_presigned_url(
                "put_object",
                Params={
                    **self._where(key),
                    "ContentLength": size,
                    "IfNoneMatch": "*",
                    "ChecksumSHA256": headers["x-amz-checksum-sha256"],
                    "ChecksumAlgorithm": "SHA256",
                },
                ExpiresIn=SIGNED_FOR_S,
            )
        return Signed("PUT", url, headers)

    def begin(self, key: str) -> str:
        with self._plain_words(key):
            return self._client.create_multipart_upload(**self._where(key), ChecksumAlgorithm="SHA256")["UploadId"]  # type: ignore[arg-type]

    def put_part(self, key: str, upload: str, part: Part) -> Signed:
        headers = {
            "Content-Length": str(part.size),
            "x-amz-checksum-sha256": whole_checksum(part.sha256),
            "x-amz-sdk-checksum-algorithm": "SHA256",
        }
        with self._plain_words(key):
            url = self._client.generate_presigned_url(
                "upload_part",
                Params={
                    **self._where(key),
                    "UploadId": upload,
                    "PartNumber": part.number,
                    "ContentLength": part.size,
                    "ChecksumSHA256": headers["x-amz-checksum-sha256"],
                    "ChecksumAlgorithm": "SHA256",
                },
                ExpiresIn=SIGNED_FOR_S,
            )
        return Signed("PUT", url, headers)

    def parts(self, key: str, upload: str) -> list[Part]:
        return [part for part, _ in self._parts(key, upload)]

    def _parts(self, key: str, upload: str) -> list[tuple[Part, str]]:
        with self._plain_words(key):
            pages = self._client.get_paginator("list_parts").paginate(**self._where(key), UploadId=upload)  # type: ignore[arg-type]
            return sorted(
                (
                    Part(each["PartNumber"], each["Size"], base64.b64decode(each.get("ChecksumSHA256", "")).hex()),
                    each["ETag"],
                )
                for page in pages
                for each in page.get("Parts", [])
            )

    def complete(self, key: str, upload: str, parts: Sequence[Part], sha256: str) -> bool:
        tags = dict(self._parts(key, upload))
        try:
            with self._plain_words(key):
                self._client.complete_multipart_upload(
                    **self._where(key),  # type: ignore[arg-type]
                    UploadId=upload,
                    MultipartUpload={
                        "Parts": [
                            {
                                "PartNumber": part.number,
                                "ETag": tags.get(part, ""),
                                "ChecksumSHA256": whole_checksum(part.sha256),
                            }
                            for part in parts
                        ]
                    },
                    IfNoneMatch="*",
                )
        except _Taken:
            return False
        return True

    def abort(self, key: str, upload: str) -> None:
        with contextlib.suppress(UploadGone), self._plain_words(key):
            self._client.abort_multipart_upload(**self._where(key), UploadId=upload)  # type: ignore[arg-type]

    def stated(self, key: str) -> Stated | None:
        try:
            with self._plain_words(key):
                head = self._client.head_object(**self._where(key), ChecksumMode="ENABLED")  # type: ignore[arg-type]
        except FileNotFoundError:
            return None
        return Stated(head["ContentLength"], head.get("ChecksumSHA256", "").partition("-")[0])

    def seal(self, key: str, content: bytes) -> bool:
        try:
            with self._plain_words(key):
                self._client.put_object(**self._where(key), Body=content, ChecksumAlgorithm="SHA256", IfNoneMatch="*")  # type: ignore[arg-type]
        except _Taken:
            with self._plain_words(key):
                there = self._client.get_object(**self._where(key))  # type: ignore[arg-type]
                same = there["ContentLength"] == len(content) and there["Body"].read() == content
            if not same:
                raise other_content(f"s3://{self.bucket}/{self.prefix}{key}") from None
            return False
        return True

    def get(self, key: str) -> Signed:
        with self._plain_words(key):
            return Signed(
                "GET", self._client.generate_presigned_url("get_object", Params=self._where(key), ExpiresIn=SIGNED_FOR_S)
            )

    def _where(self, key: str) -> dict[str, str]:
        check_key(key)
        return {"Bucket": self.bucket, "Key": self.prefix + key}

    @contextlib.contextmanager
    def _plain_words(self, key: str) -> Iterator[None]:
        where = f"s3://{self.bucket}/{self.prefix}{key}"
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _TAKEN:
                raise _Taken from None
            if code in _GONE:
                raise UploadGone(f"{where}: the upload in parts is not known any more; begin it anew") from None
            if code in _MISSING:
                raise FileNotFoundError(2, "no such object", where) from None
            raise StorageError(f"{where}: S3 says {code}: {error.response.get('Error', {}).get('Message', '')}") from error
        except BotoCoreError as error:
            raise StorageError(f"{where}: {str(error).partition(chr(10))[0]}") from error


class _Taken(Exception):
    """Something is there, or somebody is writing it just now."""
