"""From published folders back to the content that they were built from, so that anybody can make documents of them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow.parquet as pq

from assay.database.words import FINDING_COLUMNS
from assay.dataset.content import DEFAULT_REGION, Counts, DatasetContent
from assay.dataset.cost import NAME as COST_EFFICIENCY
from assay.dataset.place import CPU, MEMORY, MICROARCH
from assay.dataset.prices import PRICE_COLUMNS
from assay.dataset.tables import MEASUREMENTS, STATISTICS
from assay.errors import PublicationError
from assay.measurement import MEASUREMENT_COLUMNS, typed
from assay.session import parse_time
from assay.summarize.statistics import summarize

MANIFEST, METADATA = "manifest.json", "metadata.json"
PRICES, RANKINGS = "price-performance.json", "instance-rankings.json"
NEEDED = (MANIFEST, METADATA, MEMORY, CPU, MICROARCH, STATISTICS, MEASUREMENTS)
MAX_FILE_BYTES = 1 << 30

_STARTED = "%Y%m%dT%H%M%SZ"


def snapshot_folders_in(folder: Path) -> list[Path]:
    """The folders of snapshots in a tree, oldest first by their names: the folder itself, or those below it."""
    if (folder / MANIFEST).is_file():
        return [folder]
    found = [path.parent for path in folder.rglob(MANIFEST) if (path.parent / MEASUREMENTS).is_file()]
    return sorted(found, key=lambda path: (path.name == "latest", path.name))


def content_of(folder: Path) -> DatasetContent:
    """The content behind the documents of one snapshot's folder. What stands in quarantine is not in it; prices are where
    price-performance.json is.

    Raises PublicationError with the file that is missing, too large or unreadable.
    """
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise PublicationError(
            f"{folder}: {', '.join(missing)} missing; expected the documents of a snapshot, such as data/processed/latest of a "
            "published dataset, or what `assay process daily --output` wrote"
        )
    manifest, metadata = _json(folder / MANIFEST), _json(folder / METADATA)
    try:
        sessions = _sessions(manifest, metadata, _profiles(folder))
        files = [
            (entry["session"], file["path"], file["bytes"], file["sha256"])
            for entry in manifest["sessions"]
            for file in entry["files"]
        ]
        prices, region = _prices(folder)
        accounting = Counts(**{name: metadata["accounting"][name] for name in ("read", "accepted", "quarantined", "rejected")})
        dataset, licence = str(metadata["dataset"]), str(metadata["licence"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise PublicationError(f"{folder}: {MANIFEST}, {METADATA} or {PRICES} are not those of a snapshot: {error!r}") from None
    return DatasetContent(
        dataset=dataset,
        licence=licence,
        statistics=_statistics(folder),
        sessions=sessions,
        raw_files=pd.DataFrame(files, columns=["session", "path", "size", "sha256"]),
        quarantined=pd.DataFrame(columns=["session", "kind", "subject", "started_at", "ended_at"]),
        findings=pd.DataFrame(columns=list(FINDING_COLUMNS)),
        accounting=accounting,
        grades=metadata.get("grades", {}),
        measurements=typed(_table(folder / MEASUREMENTS), MEASUREMENT_COLUMNS),
        prices=prices,
        cost_region=region,
    )


def merged(contents: list[DatasetContent]) -> DatasetContent:
    """Several snapshots' contents as one: of a session that is in more than one, what the last says.

    Raises PublicationError if there is none, or if they are of several datasets.
    """
    if not contents:
        raise PublicationError(
            "no snapshot found; expected a folder with manifest.json and measurements.parquet, or folders of such"
        )
    if len({content.dataset for content in contents}) > 1:
        raise PublicationError(f"several datasets: {', '.join(sorted({c.dataset for c in contents}))}; name the folder of one")
    if len(contents) == 1:
        return contents[0]
    newest = {session: number for number, content in enumerate(contents) for session in content.sessions["session"]}

    def latest(name: str) -> pd.DataFrame:
        parts = []
        for number, content in enumerate(contents):
            frame: pd.DataFrame = getattr(content, name)
            parts.append(frame[[newest.get(session) == number for session in frame["session"]]])
        return pd.concat(parts, ignore_index=True)

    measurements = latest("measurements")
    return replace(
        contents[-1],
        statistics=summarize(measurements),
        sessions=latest("sessions"),
        raw_files=latest("raw_files"),
        measurements=measurements,
    )


def _sessions(manifest: Mapping[str, Any], metadata: Mapping[str, Any], profiles: Mapping[str, Any]) -> pd.DataFrame:
    credit = metadata["attribution"][0]
    rows = []
    for entry in manifest["sessions"]:
        started = datetime.strptime(str(entry["session"]).partition("-")[0], _STARTED).replace(tzinfo=UTC)
        ended = parse_time(entry["ended_at"]) if "ended_at" in entry else started
        rows.append(
            {
                **{name: str(entry[name]) for name in ("session", "kind", "subject", "manifest_sha256")},
                "started_at": started,
                "ended_at": ended,
                "source": str(credit["source"]),
                "licence": str(credit["licence"]),
                "attribution": str(credit["attribution"]),
                "url": str(credit.get("url", "")),
                "profile": dict(profiles.get(str(entry["subject"]), {})),
            }
        )
    if rows and "ended_at" not in manifest["sessions"][-1]:
        # Older snapshots do not tell when each session ended, but the end of the newest.
        rows[-1]["ended_at"] = parse_time(metadata["last_updated"])
    return pd.DataFrame(rows)


def _prices(folder: Path) -> tuple[pd.DataFrame, str]:
    """PRICE_COLUMNS, and the region of the ranking by cost; empty where nothing says it."""
    rows = []
    instances = _json(folder / PRICES)["instances"] if (folder / PRICES).is_file() else {}
    for instance, regions in instances.items():
        for region, entry in regions.items():
            price = entry["hourly_price"] or {}
            facts = (float(price["value"]) if price else None, entry.get("reason"), price.get("source"), price.get("as_of"))
            rows.append((str(instance), str(region), *facts))
    rankings = _json(folder / RANKINGS)["rankings"] if (folder / RANKINGS).is_file() else {}
    return pd.DataFrame(rows, columns=list(PRICE_COLUMNS)), str(rankings.get(COST_EFFICIENCY, {}).get("region", DEFAULT_REGION))


def _profiles(folder: Path) -> dict[str, Any]:
    """What is published of every machine."""
    found: dict[str, Any] = {}

    def look(value: Any) -> None:
        if not isinstance(value, Mapping):
            return
        for name, below in value.items():
            if isinstance(below, Mapping) and isinstance(below.get("metadata"), Mapping):
                found[str(name)] = below["metadata"]
            else:
                look(below)

    for name in (MEMORY, CPU, MICROARCH):
        look(_json(folder / name))
    return found


def _statistics(folder: Path) -> pd.DataFrame:
    frame = _table(folder / STATISTICS)
    if "session_ids" not in frame:
        raise PublicationError(f"{folder / STATISTICS}: no column session_ids; expected the statistics of a snapshot")
    return frame.assign(session_ids=pd.Series([list(map(str, ids)) for ids in frame["session_ids"]], dtype=object))


def _table(path: Path) -> pd.DataFrame:
    _check_size(path)
    try:
        frame: pd.DataFrame = pq.ParquetFile(path).read().to_pandas()
        return frame
    except (OSError, ValueError) as error:
        raise PublicationError(f"{path}: is no Parquet table: {error}") from None


def _json(path: Path) -> Any:
    _check_size(path)
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise PublicationError(f"{path}: is not JSON: {error}") from None


def _check_size(path: Path) -> None:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise PublicationError(f"{path}: is larger than {MAX_FILE_BYTES} bytes; not read")
