"""What the ingestion API does: announce, sign, assemble, complete. Every step may be asked again and ends in the same state."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Container, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from assay.database import uploads as table
from assay.database.keys import ApiKey
from assay.database.uploads import Upload
from assay.database.words import UploadState
from assay.errors import ManifestError, StorageConflict, StorageError
from assay.serve.ingest.bodies import FileUpload, ManifestBody, PartBody, PartUpload, SignedRequest, Standing
from assay.serve.problems import FieldProblem, Refusal
from assay.session import MANIFEST_NAME, Manifest, RawFile, raw_prefix
from assay.storage import Storage
from assay.storage.interface import check_key
from assay.storage.uploads import (
    PART_BYTES,
    Part,
    Signed,
    UploadGone,
    UploadStore,
    part_bytes,
    part_sizes,
    parts_checksum,
    whole_checksum,
)

log = logging.getLogger(__name__)

_HEADS_AT_ONCE = 16
_SHOWN = 20
_MAX_NAME_BYTES = 255


@dataclass(frozen=True)
class Intake:
    """The ingestion API without HTTP.

    `store` signs and completes, `storage` lists; `arrived` is told of every session that became complete, and need not succeed:
    a sweep finds what it missed.
    """

    engine: Engine
    store: UploadStore
    storage: Storage
    max_file_bytes: int
    max_session_bytes: int
    arrived: Callable[[Upload], None] | None = None

    def announce(self, key: ApiKey, body: ManifestBody) -> tuple[Standing, bool]:
        """Enter a session; gives where it stands, and whether it is new."""
        manifest = self._manifest(key, body)
        prefix = raw_prefix(manifest.kind, datetime.now(UTC).date(), manifest.session)
        _check_paths(prefix, manifest)
        with self.engine.begin() as connection:
            upload, new = table.announce(connection, manifest, lab=key.lab, key=key.key, prefix=prefix)
        if upload.lab != key.lab or upload.dataset != key.dataset or upload.files_digest != manifest.files_digest:
            raise Refusal(
                409, "session-taken", "The session id is taken", "Another session has this id; it is not yours to send."
            )
        return self.standing(upload), new

    def find(self, key: ApiKey, session: str) -> Upload:
        """A session of the caller's lab; those of others are not there for it."""
        with self.engine.connect() as connection:
            upload = table.find_upload(connection, session)
        if upload is None or upload.lab != key.lab or upload.dataset != key.dataset:
            raise Refusal(404, "unknown-session", "There is no such session", "POST /v1/sessions announces one.")
        return upload

    def standing(self, upload: Upload) -> Standing:
        """Where a session stands, from what lies in the store."""
        if upload.state == UploadState.COMPLETE:
            return Standing(session=upload.session, state="complete", prefix=upload.prefix, stored=[], missing=0)
        files, there = _files(upload), self._there(upload)
        with self.engine.connect() as connection:
            whole = table.part_checksums(connection, upload.session)
        stored = sorted(path for path, file in files.items() if _is_stored(file, there.get(path), whole))
        return Standing(
            session=upload.session, state="announced", prefix=upload.prefix, stored=stored, missing=len(files) - len(stored)
        )

    def sign(self, upload: Upload, paths: Sequence[str]) -> list[FileUpload]:
        """How to send each of these files."""
        files = _files(upload)
        unknown = [path for path in paths if path not in files]
        if unknown:
            raise _unknown_paths(unknown)
        with self.engine.connect() as connection:
            whole = table.part_checksums(connection, upload.session)
        return [self._sign_one(upload, files[path], whole) for path in paths]

    def sign_parts(self, upload: Upload, path: str, wanted: Sequence[PartBody]) -> list[PartUpload]:
        """How to send each of these parts of a large file."""
        file, sizes = self._large(upload, path)
        wrong = [part for part in wanted if part.number > len(sizes)]
        if wrong:
            raise Refusal(
                422,
                "invalid-parameter",
                "A part does not exist",
                f"{path} has {len(sizes)} parts.",
                [FieldProblem(field="parts", found=str(part.number), expected=f"1 to {len(sizes)}") for part in wrong[:_SHOWN]],
            )
        number = self._open(upload, file)
        key = upload.prefix + path
        return [
            PartUpload(
                number=part.number,
                request=_request(self.store.put_part(key, number, Part(part.number, sizes[part.number - 1], part.sha256))),
            )
            for part in wanted
        ]

    def assemble(self, upload: Upload, path: str, hashes: Sequence[str]) -> None:
        """Make a large file out of its parts, where nothing is yet."""
        file, sizes = self._large(upload, path)
        key, checksum = upload.prefix + path, parts_checksum(hashes)
        with self.engine.connect() as connection:
            known = table.find_file(connection, upload.session, path)
        if known is None or len(hashes) != len(sizes):
            raise Refusal(409, "parts-missing", "Not all parts are there", f"{path} has {len(sizes)} parts; send them first.")
        number, done = known
        if done is not None:
            if done != checksum:
                raise _other_checksum([path])
            return
        parts = [Part(n, size, sha256) for n, (size, sha256) in enumerate(zip(sizes, hashes, strict=True), 1)]
        try:
            missing = sorted(set(parts) - set(self.store.parts(key, number)))
            if missing:
                numbers = ", ".join(str(part.number) for part in missing[:_SHOWN])
                detail = f"{path}: of {len(parts)} parts, {len(missing)} are not there as stated: {numbers}. Send them again."
                raise Refusal(409, "parts-missing", "Not all parts are there", detail)
            written = self.store.complete(key, number, parts, file.sha256)
        except UploadGone:
            written = False
        except StorageConflict as error:
            self.store.abort(key, number)
            self._forget(upload, path, number)
            raise Refusal(409, "wrong-checksum", "The parts are not the announced file", str(error).partition(": ")[2]) from error
        if not written:
            # Completed before a crash, or by another process; or taken back after a week.
            stated = self.store.stated(key)
            if stated is None:
                self._forget(upload, path, number)
                raise Refusal(409, "upload-gone", "The upload was taken back", f"{path}: ask for it again and send all parts.")
            if stated.size != file.size or stated.checksum not in (checksum, whole_checksum(file.sha256)):
                raise _other_checksum([path])
        with self.engine.begin() as connection:
            table.finish_file(connection, upload.session, path, checksum)

    def complete(self, upload: Upload) -> Standing:
        """Write the manifest when every file is there as announced, by what the store itself states."""
        if upload.state == UploadState.ANNOUNCED:
            manifest = Manifest.parse(upload.manifest.encode())
            self._verify(upload, manifest)
            try:
                self.store.seal(upload.prefix + MANIFEST_NAME, upload.manifest.encode())
            except StorageConflict as error:
                log.error("ingest: %s", error)
                raise Refusal(
                    409, "manifest-taken", "Another manifest is there", "Tell the people who run the server."
                ) from error
            with self.engine.begin() as connection:
                new = table.complete(connection, upload.session)
            if new and self.arrived is not None:
                self._tell(upload)
        return Standing(session=upload.session, state="complete", prefix=upload.prefix, stored=[], missing=0)

    def _manifest(self, key: ApiKey, body: ManifestBody) -> Manifest:
        try:
            manifest = Manifest.parse(json.dumps(body.model_dump()).encode())
        except ManifestError as error:
            raise Refusal(422, "invalid-manifest", "The manifest cannot be used", str(error)) from error
        if manifest.subject != key.lab or manifest.dataset != key.dataset:
            raise Refusal(
                403,
                "other-lab",
                "Not the lab of this key",
                "The manifest must name the lab and the dataset of the API key.",
                [
                    FieldProblem(field="subject", found=manifest.subject, expected=key.lab),
                    FieldProblem(field="dataset", found=manifest.dataset, expected=key.dataset),
                ],
            )
        large = [file for file in manifest.files if file.size > self.max_file_bytes]
        total = sum(file.size for file in manifest.files)
        if large or total > self.max_session_bytes:
            found = f"{large[0].path} has {large[0].size} bytes" if large else f"the session has {total} bytes"
            raise Refusal(
                413,
                "too-large",
                "The session is too large",
                f"Found: {found}; expected at most {self.max_file_bytes} a file and {self.max_session_bytes} a session.",
            )
        return manifest

    def _there(self, upload: Upload) -> dict[str, int]:
        return {item.key.removeprefix(upload.prefix): item.size for item in self.storage.list(upload.prefix)}

    def _sign_one(self, upload: Upload, file: RawFile, whole: Container[str]) -> FileUpload:
        key = upload.prefix + file.path
        size = self.storage.size(key)
        if _is_stored(file, size, whole):
            return FileUpload(path=file.path, how="stored")
        if not _is_large(file):
            return FileUpload(path=file.path, how="whole", request=_request(self.store.put(key, file.size, file.sha256)))
        number = self._open(upload, file)
        try:
            arrived = self.store.parts(key, number)
        except UploadGone:
            if size == file.size:
                # Made of its parts by somebody who was killed before writing down the checksum, which only the sender knows.
                return FileUpload(path=file.path, how="assemble")
            self._forget(upload, file.path, number)
            number = self._open(upload, file)
            arrived = []
        return FileUpload(
            path=file.path,
            how="parts",
            part_bytes=part_bytes(file.size),
            arrived=[PartBody(number=part.number, sha256=part.sha256) for part in arrived],
        )

    def _open(self, upload: Upload, file: RawFile) -> str:
        with self.engine.connect() as connection:
            known = table.find_file(connection, upload.session, file.path)
        if known is not None:
            return known[0]
        begun = self.store.begin(upload.prefix + file.path)
        with self.engine.begin() as connection:
            number = table.open_file(connection, upload.session, file.path, begun)
        if number != begun:
            self.store.abort(upload.prefix + file.path, begun)
        return number

    def _forget(self, upload: Upload, path: str, number: str) -> None:
        with self.engine.begin() as connection:
            table.forget_file(connection, upload.session, path, number)

    def _large(self, upload: Upload, path: str) -> tuple[RawFile, list[int]]:
        file = _files(upload).get(path)
        if file is None or not _is_large(file):
            raise _unknown_paths([path])
        return file, part_sizes(file.size)

    def _verify(self, upload: Upload, manifest: Manifest) -> None:
        with self.engine.connect() as connection:
            in_parts = table.part_checksums(connection, upload.session)
        with ThreadPoolExecutor(_HEADS_AT_ONCE, thread_name_prefix="assay-verify") as pool:
            stated = list(pool.map(lambda file: self.store.stated(upload.prefix + file.path), manifest.files))
        missing, other = [], []
        for file, found in zip(manifest.files, stated, strict=True):
            if found is None:
                missing.append(file.path)
            elif found.size != file.size or found.checksum not in (whole_checksum(file.sha256), in_parts.get(file.path)):
                other.append(file.path)
        if other:
            raise _other_checksum(other)
        if missing:
            detail = f"{len(missing)} of {len(manifest.files)} files are not there; send them, then complete again."
            found_fields = [FieldProblem(field=path, found="nothing", expected="the file") for path in missing[:_SHOWN]]
            raise Refusal(409, "files-missing", "Not all files are there", detail, found_fields)

    def _tell(self, upload: Upload) -> None:
        assert self.arrived is not None
        try:
            self.arrived(upload)
        except Exception:
            log.exception("ingest: session %s is complete; its processing could not be started, the sweep will", upload.session)


def _files(upload: Upload) -> dict[str, RawFile]:
    # Parsed already when it was announced, so only read here: a manifest may list ten thousand files.
    return {file["path"]: RawFile(file["path"], file["size"], file["sha256"]) for file in json.loads(upload.manifest)["files"]}


def _is_large(file: RawFile) -> bool:
    """Whether a file goes up in parts."""
    return file.size > PART_BYTES


def _is_stored(file: RawFile, size: int | None, whole: Container[str]) -> bool:
    """Whether an object of this size is the file: of one that went up in parts the checksum must be known too (`whole`)."""
    return size == file.size and (not _is_large(file) or file.path in whole)


def _check_paths(prefix: str, manifest: Manifest) -> None:
    wrong = []
    for file in manifest.files:
        parts = file.path.split("/")
        try:
            check_key(prefix + file.path)
        except StorageError:
            wrong.append(file.path)
            continue
        if parts[0] == MANIFEST_NAME or any(len(part.encode()) > _MAX_NAME_BYTES for part in parts):
            wrong.append(file.path)
    if wrong:
        expected = f"a key of at most 1024 bytes, names of at most {_MAX_NAME_BYTES}, and not below {MANIFEST_NAME}"
        raise Refusal(
            422,
            "invalid-manifest",
            "A path cannot be stored",
            "See `errors`.",
            [FieldProblem(field="files", found=path[:80], expected=expected) for path in wrong[:_SHOWN]],
        )


def _request(signed: Signed) -> SignedRequest:
    return SignedRequest(method="PUT" if signed.method == "PUT" else "GET", url=signed.url, headers=dict(signed.headers))


def _unknown_paths(paths: Iterable[str]) -> Refusal:
    fields = [
        FieldProblem(field="path", found=path[:80], expected="a file of the announced manifest that goes up this way")
        for path in paths
    ]
    return Refusal(
        422, "unknown-path", "There is no such file", "The announced manifest lists what may be sent.", fields[:_SHOWN]
    )


def _other_checksum(paths: Sequence[str]) -> Refusal:
    fields = [
        FieldProblem(field=path, found="other content", expected="the announced size and SHA-256") for path in paths[:_SHOWN]
    ]
    detail = "What lies there is not what was announced and is never replaced. Tell the people who run the server."
    return Refusal(409, "wrong-checksum", "The store holds other content", detail, fields)
