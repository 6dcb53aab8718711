"""The AWS emulator behind a small server of our own, which adds what the emulator lacks.

In S3 a conditional write is atomic; moto checks and writes in two steps, so here conditional writes take turns. S3 checks the
signature of a presigned request and the checksum of a body, and lists the checksums of parts; moto does not. moto reads the whole
object for each range of it, which for large ones is most of the work; here a range is read from where the object lies. And S3
fails now and then: the next requests that match can be answered with an error instead.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server


@dataclass
class Fault:
    """The answer to the next `times` requests of a method whose path and query contain a text."""

    method: str
    contains: str
    status: str
    code: str
    times: int = 1


@dataclass
class AwsServer:
    """The emulator on 127.0.0.1. `requests` notes method, path with query, and headers of everything that was asked."""

    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._emulator = DomainDispatcherApplication(create_backend_app)
        self._one_at_a_time = threading.Lock()
        self._part_checksums: dict[tuple[str, str], str] = {}
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws-emulator", daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()

    def forget(self) -> None:
        """Drop the notes and the faults that were not used up."""
        self.requests.clear()
        self.faults.clear()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        self.requests.append((environ["REQUEST_METHOD"], path, headers))
        for fault in self.faults:
            if fault.times > 0 and fault.method == environ["REQUEST_METHOD"] and fault.contains in path:
                fault.times -= 1
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                return _error(start_response, fault.status, fault.code, "injected")
        if "X-Amz-Signature=" in path and (wrong := _wrong_signature(environ)):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _error(start_response, "403 Forbidden", wrong, "see SigV4")
        if stated := environ.get("HTTP_X_AMZ_CHECKSUM_SHA256"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            if base64.b64encode(hashlib.sha256(body).digest()).decode() != stated:
                return _error(start_response, "400 Bad Request", "BadDigest", "the body has another checksum")
            environ["wsgi.input"] = io.BytesIO(body)
        if environ["REQUEST_METHOD"] == "GET" and (span := re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))):
            return _part_of(environ, start_response, int(span[1]), int(span[2]))
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        if "uploadId" in query and environ["REQUEST_METHOD"] == "PUT" and stated:
            self._part_checksums[query["uploadId"], query["partNumber"]] = stated
        if "uploadId" in query and environ["REQUEST_METHOD"] == "GET":
            return self._with_checksums(environ, start_response, query["uploadId"])
        if "HTTP_IF_NONE_MATCH" in environ and environ["REQUEST_METHOD"] in ("PUT", "POST"):
            with self._one_at_a_time:
                return list(self._emulator(environ, start_response))
        return self._emulator(environ, start_response)  # type: ignore[no-any-return]

    def _with_checksums(self, environ: dict[str, Any], start_response: Callable[..., Any], upload: str) -> Iterable[bytes]:
        said: list[Any] = []

        def note(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            said.extend((status, headers))

        body = b"".join(self._emulator(environ, note)).decode()
        body = re.sub(
            r"<PartNumber>(\d+)</PartNumber>",
            lambda found: f"{found[0]}<ChecksumSHA256>{self._part_checksums.get((upload, found[1]), '')}</ChecksumSHA256>",
            body,
        )
        status, headers = said
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body.encode())))])
        return [body.encode()]


def _part_of(environ: dict[str, Any], start_response: Callable[..., Any], first: int, last: int) -> Iterable[bytes]:
    """Bytes of an object, asked for as `/bucket/key`, from the file or the memory that the emulator keeps it in."""
    bucket, _, key = environ["PATH_INFO"].encode("latin-1").decode().lstrip("/").partition("/")
    found = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key)
    if found is None:
        return _error(start_response, "404 Not Found", "NoSuchKey", "there is no such key")
    if environ.get("HTTP_IF_MATCH", found.etag) != found.etag:
        return _error(start_response, "412 Precondition Failed", "PreconditionFailed", "it is another object")
    with found.lock:
        found._value_buffer.seek(first)
        content = found._value_buffer.read(last - first + 1)
    if not content:
        return _error(start_response, "416 Requested Range Not Satisfiable", "InvalidRange", "behind the end")
    headers = [
        ("Content-Type", "binary/octet-stream"),
        ("Content-Length", str(len(content))),
        ("Content-Range", f"bytes {first}-{first + len(content) - 1}/{found.size}"),
        ("ETag", found.etag),
        ("Last-Modified", found.last_modified_RFC1123),
    ]
    start_response("206 Partial Content", headers)
    return [content]


SECRET = "testing"  # noqa: S105 - of an account that is nobody's
"""The secret key of the only account there is."""


def _error(start_response: Callable[..., Any], status: str, code: str, message: str) -> list[bytes]:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _wrong_signature(environ: dict[str, Any]) -> str:
    """The code of S3's refusal of a presigned request, empty if it is good. Source: S3 API reference, SigV4 query parameters."""
    given = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    signature = given.pop("X-Amz-Signature")
    made = datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if made + timedelta(seconds=int(given["X-Amz-Expires"])) < datetime.now(UTC):
        return "AccessDenied"
    headers = {
        name[5:].replace("_", "-").lower(): str(value).strip() for name, value in environ.items() if name.startswith("HTTP_")
    }
    headers["content-length"] = str(environ.get("CONTENT_LENGTH") or "")
    signed = given["X-Amz-SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            environ["REQUEST_METHOD"],
            environ["REQUEST_URI"].partition("?")[0],
            "&".join(sorted(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in given.items())),
            *(f"{name}:{headers.get(name, '')}" for name in signed),
            "",
            ";".join(signed),
            "UNSIGNED-PAYLOAD",
        ]
    )
    scope = given["X-Amz-Credential"].split("/", 1)[1]
    text = "\n".join(["AWS4-HMAC-SHA256", given["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.digest(key, text.encode(), "sha256").hex()
    return "" if hmac.compare_digest(expected, signature) else "SignatureDoesNotMatch"
