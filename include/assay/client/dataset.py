"""One snapshot of a published dataset, opened for reading."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from assay.client import frames
from assay.client.cache import DEFAULT_FOLDER, Cache
from assay.client.compare import compare, some_of
from assay.client.errors import ClientError, Corrupt, NotPublished, Superseded
from assay.client.http import ATTEMPTS
from assay.client.source import Folder, Host, Source, folder_of, is_url, split_base

LATEST = "latest"
MANIFEST = "manifest.json"
MAX_BYTES = 256 * 1024 * 1024

Wanted = str | Sequence[str] | None
"""What a filter lets pass: one value, several, or (None) everything."""

_DOCUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+")
_SNAPSHOT = re.compile(r"latest|\d{4}-\d{2}-\d{2}(?:\.\d{1,4})?")


class Dataset:
    """A snapshot behind a base URL, or in a folder. Nothing is fetched before it is asked for; what was fetched is kept.

    `base`: the root of the site or of a clone, or the folder of a snapshot below it. `snapshot`: `latest`, or the name of one,
    such as `2024-11-20`, which never changes. `cache`: folder for copies, None for none; a copy is used only where the host
    says by ETag or date that it is still the newest, or offline. `offline`: never asks the host. `headers`: sent to that host
    only, such as `{"Authorization": "Bearer ..."}`. `timeout_s`: of one wait for the host. `max_bytes`: of one document.

    A dataset shows one snapshot: what is published while it is open is not mixed in, but refused with Superseded.
    Methods raise ClientError, with what to do: Unreachable, NotPublished, NotCached, Corrupt, Superseded.
    """

    def __init__(
        self,
        base: str | Path,
        *,
        snapshot: str | None = None,
        cache: str | Path | None = DEFAULT_FOLDER,
        offline: bool = False,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        max_bytes: int = MAX_BYTES,
        attempts: int = ATTEMPTS,
    ) -> None:
        text = str(base)
        hosted = is_url(text) and not text.startswith("file:")
        root, named = split_base(text)
        self._named = snapshot or named
        self.snapshot = self._named or LATEST
        if not _SNAPSHOT.fullmatch(self.snapshot):
            raise ClientError(f"snapshot: found {self.snapshot!r}; expected `latest` or a day such as 2024-11-20, 2024-11-20.2")
        if min(timeout_s, max_bytes, attempts) <= 0:
            raise ClientError("timeout_s, max_bytes and attempts: expected more than 0")
        self._source: Source
        if hosted:
            kept = Cache(Path(cache)) if cache is not None else None
            self._source = Host(
                root,
                cache=kept,
                offline=offline,
                headers=headers or {},
                timeout_s=timeout_s,
                max_bytes=max_bytes,
                attempts=attempts,
            )
        else:
            self._source = Folder(folder_of(root), max_bytes=max_bytes)
        self._folder = f"data/processed/{LATEST if self.snapshot == LATEST else f'v1.0/{self.snapshot}'}/"
        self._documents: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Dataset({self._source.name!r}, snapshot={self.snapshot!r})"

    @property
    def metadata(self) -> dict[str, Any]:
        """metadata.json: licence, attribution, counts, accounting, what the quality grades mean."""
        return dict(self.document("metadata.json"))

    @property
    def attribution(self) -> str:
        """The credit to keep with any copy of the numbers, in a sentence."""
        credits = [f"{credit['attribution']} ({credit['licence']})" for credit in self.metadata.get("attribution", [])]
        return "; ".join(credits)

    @property
    def documents(self) -> list[str]:
        """The names of the snapshot's files, as its manifest lists them."""
        return sorted(self._listed)

    def document(self, name: str) -> Any:
        """A JSON document, decoded; its bytes are those that the manifest names."""
        try:
            return json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise Corrupt(f"{self._path(name)} at {self._source.name}: is not JSON: {error}") from None

    def read(self, name: str) -> bytes:
        """A file of the snapshot as bytes, checked against size and SHA-256 in the manifest.

        Where the two contradict each other both are fetched anew, once: a snapshot may be published in between, and a cache on
        the way may be old. Raises Corrupt where they still do.
        """
        if not _DOCUMENT.fullmatch(name):
            raise NotPublished(f"{name!r}: is no name of a document; {some_of(self._listed)}")
        if name == MANIFEST:
            return self._manifest
        if name not in self._documents:
            self._documents[name] = self._verified(name)
        return self._documents[name]

    def table(self, name: str) -> pd.DataFrame:
        """`statistics` or `measurements`: the numbers at full precision, from the Parquet file. Needs pyarrow."""
        import pyarrow
        from pyarrow.parquet import ParquetFile

        # Without threads: one that gives Python its memory back aborts a script that ends at that moment (apache/arrow#34314).
        file = ParquetFile(pyarrow.BufferReader(self.read(f"{name}.parquet")))
        frame: pd.DataFrame = file.read(use_threads=False).to_pandas(use_threads=False)
        return frame

    def results(
        self,
        *,
        instance: Wanted = None,
        family: Wanted = None,
        architecture: Wanted = None,
        benchmark: Wanted = None,
        metric: Wanted = None,
        provisional: bool = True,
        variants: bool = False,
    ) -> pd.DataFrame:
        """The numbers, one row each, filtered; columns as assay.client.frames.RESULT_COLUMNS, `value` in the row's `unit`.

        `provisional`: with those from fewer than three executions, which have no interval. `variants`: with those of other
        configurations than the one that fills a benchmark's container.
        """
        frame = self._results
        wanted = {"instance": instance, "family": family, "architecture": architecture, "benchmark": benchmark, "metric": metric}
        if not provisional:
            frame = frame[~frame["provisional"]]
        if not variants:
            frame = frame[~frame["variant"]]
        return _passing(frame, wanted)

    def rankings(self, ranking: str | None = None) -> pd.DataFrame:
        """The rankings (or one of them), best first; columns as assay.client.frames.RANKING_COLUMNS.

        Types share a rank where their intervals overlap that of the rank's first. Nothing is compared across rankings.
        """
        frame = frames.rankings(self.document("instance-rankings.json"))
        if ranking is None:
            return frame
        if ranking not in set(frame["ranking"]):
            raise NotPublished(f"{ranking!r}: no such ranking; {some_of(frame['ranking'].unique())}")
        return frame[frame["ranking"] == ranking].reset_index(drop=True)

    def best(self, ranking: str, count: int = 10, *, family: Wanted = None, architecture: Wanted = None) -> pd.DataFrame:
        """The first types of a ranking, those of a family or architecture where one is asked for; ranks stay."""
        frame = self.rankings(ranking)
        machines = self._results.drop_duplicates("instance").set_index("instance")[["family", "architecture"]]
        return _passing(frame.join(machines, on="instance"), {"family": family, "architecture": architecture}).head(count)

    def compare(self, instances: Sequence[str], *, benchmark: Wanted = None, metric: Wanted = None) -> pd.DataFrame:
        """Types side by side, with the ratio to the first, its interval, and whether there is a difference beyond noise.

        Columns as assay.client.compare.COMPARISON_COLUMNS; only what was measured in the same configuration has a ratio.
        """
        return _passing(compare(self._results, list(instances)), {"benchmark": benchmark, "metric": metric})

    def prices(self, *, region: Wanted = None) -> pd.DataFrame:
        """Hourly prices and what a dollar buys, by type, region and metric; columns as assay.client.frames.PRICE_COLUMNS."""
        return _passing(frames.prices(self.document("price-performance.json")), {"region": region})

    def trends(self) -> pd.DataFrame:
        """Every metric of every type, day by day; columns as assay.client.frames.TREND_COLUMNS."""
        return frames.trends(self.document("trends.json"))

    def change_points(self) -> pd.DataFrame:
        """Where a level changed; columns as assay.client.frames.CHANGE_COLUMNS."""
        return frames.change_points(self.document("trends.json"))

    def quarantine(self) -> pd.DataFrame:
        """What was kept out and why, one row a reason; columns as assay.client.frames.QUARANTINE_COLUMNS."""
        return frames.quarantine(self.document("quarantine.json"))

    def verify(self) -> int:
        """Fetch every file of the snapshot and compare it with the manifest; gives their number. Raises Corrupt."""
        for name in self.documents:
            self.read(name)
        return len(self._listed)

    @cached_property
    def _results(self) -> pd.DataFrame:
        return frames.results({name: self.document(name) for name in frames.CORE})

    @cached_property
    def _listed(self) -> dict[str, tuple[int, str]]:
        """Size and SHA-256 of every file by name."""
        try:
            files = json.loads(self._manifest)["files"]
            return {str(file["path"]): (int(file["bytes"]), str(file["sha256"])) for file in files}
        except (ValueError, KeyError, TypeError, RecursionError):
            where = f"{self._path(MANIFEST)} at {self._source.name}"
            raise Corrupt(f"{where}: is no manifest of a snapshot; is the base the root of a published dataset?") from None

    @cached_property
    def _manifest(self) -> bytes:
        try:
            return self._source.read(self._path(MANIFEST))
        except NotPublished as missing:
            if self._named:
                raise
            # The base may be a folder that holds the documents themselves.
            try:
                manifest = self._source.read(MANIFEST)
            except NotPublished:
                raise missing from None
            self._folder = ""
            return manifest

    def _path(self, name: str) -> str:
        return f"{self._folder}{name}"

    def _verified(self, name: str) -> bytes:
        if name in self._listed:
            data = self._source.read(self._path(name))
            if self._is_listed(name, data):
                return data
        self._renew(name)
        if name not in self._listed:
            raise NotPublished(f"{name}: no such document in snapshot {self.snapshot}; {some_of(self._listed)}")
        data = self._source.read(self._path(name), fresh=True)
        if self._is_listed(name, data):
            return data
        size, digest = self._listed[name]
        raise Corrupt(
            f"{self._path(name)} at {self._source.name}: has {len(data)} bytes and SHA-256 {_sha256(data)}; the manifest says "
            f"{size} and {digest}. If a snapshot is being published at this moment, try again in a minute"
        )

    def _is_listed(self, name: str, data: bytes) -> bool:
        return self._listed[name] == (len(data), _sha256(data))

    def _renew(self, name: str) -> None:
        """Fetch the manifest anew. Raises Superseded where it changed and documents of the snapshot before were read already."""
        manifest = self._source.read(self._path(MANIFEST), fresh=True)
        if manifest != self._manifest and self._documents:
            raise Superseded(
                f"{name}: a new snapshot was published at {self._source.name} since this dataset was opened, and two are not "
                "mixed: open it again, or name a snapshot, which never changes"
            )
        self.__dict__.pop("_listed", None)
        self.__dict__["_manifest"] = manifest


def _passing(frame: pd.DataFrame, wanted: Mapping[str, Wanted]) -> pd.DataFrame:
    """The rows whose columns have one of the wanted values."""
    for column, values in wanted.items():
        if values is not None:
            frame = frame[frame[column].isin([values] if isinstance(values, str) else list(values))]
    return frame.reset_index(drop=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
