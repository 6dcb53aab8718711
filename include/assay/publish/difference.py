"""What a planned snapshot would change for those who read the dataset, in numbers: what an approval is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from assay.dataset.build import METADATA, QUARANTINE
from assay.dataset.changes import CHANGES
from assay.dataset.manifest import MANIFEST
from assay.dataset.place import CPU, MEMORY, MICROARCH
from assay.dataset.walk import quantities
from assay.publish.plan import Plan

_SCHEMAS, _SCHEMA_SUFFIX = "data/schemas/", ".schema.json"


@dataclass(frozen=True)
class Movement:
    """A value that moved beyond noise: its median and interval before and now, in its unit.

    `apart`: the gap between the two intervals, in the unit; more than 0, or it would not be beyond noise.
    """

    instance: str
    metric: str
    unit: str
    before: float
    now: float
    interval_before: tuple[float, float]
    interval_now: tuple[float, float]

    @property
    def apart(self) -> float:
        """The gap between the intervals."""
        return max(self.interval_now[0] - self.interval_before[1], self.interval_before[0] - self.interval_now[1])

    @property
    def percent(self) -> float | None:
        """How far the median moved, in percent of what it was; None where that was 0."""
        return self.share(self.now - self.before)

    def share(self, of: float) -> float | None:
        """A number in the unit as percent of the former median; None where that was 0."""
        return 100 * of / abs(self.before) if self.before else None


@dataclass(frozen=True)
class KeptOut:
    """A session that is in quarantine and was not in the snapshot before, and the rules that say why."""

    session: str
    subject: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A snapshot beside the one before it. `since` is that one's name; empty for the first of a dataset."""

    name: str
    since: str
    dataset: str
    content_digest: str
    same_content: bool
    new: tuple[str, ...]
    gone: tuple[str, ...]
    moved: tuple[Movement, ...]
    moved_within: int
    replaced: int
    quarantined: tuple[KeptOut, ...]
    released: int
    new_sessions: int
    accounting: Mapping[str, int]
    accounting_before: Mapping[str, int]
    quality: float
    schema_version: str
    schema_version_before: str
    schema_files: tuple[str, ...]
    documents: tuple[int, int]
    documents_before: tuple[int, int]
    files: int

    @property
    def quarantined_share(self) -> float:
        """Of the sessions that are new in this snapshot or newly in quarantine, the share that is in quarantine; 0 to 1."""
        judged = self.new_sessions + len(self.quarantined)
        return len(self.quarantined) / judged if judged else 0.0


def difference_of(planned: Plan) -> Difference:
    """What a planned snapshot changes. Its largest movement comes first, by the gap between the intervals in percent."""
    documents = {name: orjson.loads(planned.documents[name]) for name in (CHANGES, METADATA, MANIFEST, QUARANTINE)}
    before = {} if planned.before is None else {n: orjson.loads(planned.before.documents[n]) for n in _there(planned)}
    changes, metadata = documents[CHANGES], documents[METADATA]
    known = {entry["session"] for name in (MANIFEST, QUARANTINE) for entry in _sessions(before, name)}
    return Difference(
        name=planned.name,
        since=changes["since"],
        dataset=metadata["dataset"],
        content_digest=documents[MANIFEST]["content_digest"],
        same_content=planned.before is not None and planned.before.digest == documents[MANIFEST]["content_digest"],
        new=tuple(changes["new"]),
        gone=tuple(changes["gone"]),
        moved=_movements(planned, changes["moved"]),
        moved_within=sum(not row["beyond_noise"] for row in changes["moved"]),
        replaced=len(changes["replaced"]),
        quarantined=_kept_out(documents[QUARANTINE], set(changes["quarantined"])),
        released=len(changes["released"]),
        new_sessions=sum(entry["session"] not in known for entry in documents[MANIFEST]["sessions"]),
        accounting=metadata["accounting"],
        accounting_before=before.get(METADATA, {}).get("accounting", {}),
        quality=metadata["quality_score"],
        schema_version=metadata["schema_version"],
        schema_version_before=before.get(METADATA, {}).get("schema_version", ""),
        schema_files=_schema_files(planned),
        documents=_size(planned.documents),
        documents_before=(0, 0) if planned.before is None else _size(planned.before.documents),
        files=len(planned.files),
    )


def rules_of(sessions: tuple[KeptOut, ...]) -> list[tuple[str, int]]:
    """How many of the sessions each rule kept out, most first."""
    counts = Counter(rule for session in sessions for rule in session.rules)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _there(planned: Plan) -> list[str]:
    assert planned.before is not None
    return [name for name in (METADATA, MANIFEST, QUARANTINE) if name in planned.before.documents]


def _sessions(documents: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = documents.get(name, [])
    return list(found["sessions"] if isinstance(found, Mapping) else found)


def _movements(planned: Plan, moved: list[Mapping[str, Any]]) -> tuple[Movement, ...]:
    beyond = [row for row in moved if row["beyond_noise"]]
    if not beyond or planned.before is None:
        return ()
    old, new = (_intervals(documents) for documents in (planned.before.documents, planned.documents))
    found = []
    for row in beyond:
        key = (row["instance"], row["metric"])
        found.append(Movement(*key, row["unit"], row["from"], row["to"], old[key], new[key]))
    return tuple(sorted(found, key=lambda one: (-(one.share(one.apart) or 0.0), one.instance, one.metric)))


def _intervals(documents: Mapping[str, bytes]) -> dict[tuple[str, str], tuple[float, float]]:
    decoded = {name: orjson.loads(documents[name]) for name in (MEMORY, CPU, MICROARCH) if name in documents}
    found = {}
    for one in quantities(decoded):
        low, high = one.quantity["confidence_interval"]
        found[one.instance, one.metric] = (low, high)
    return found


def _kept_out(quarantine: list[Mapping[str, Any]], wanted: set[str]) -> tuple[KeptOut, ...]:
    return tuple(
        KeptOut(entry["session"], entry["subject"], tuple(sorted({reason["rule"] for reason in entry["reasons"]})))
        for entry in quarantine
        if entry["session"] in wanted
    )


def _schema_files(planned: Plan) -> tuple[str, ...]:
    found = [path for path in planned.files if path.startswith(_SCHEMAS) and path.endswith(_SCHEMA_SUFFIX)]
    return tuple(path.removeprefix(_SCHEMAS) for path in found)


def _size(documents: Mapping[str, bytes]) -> tuple[int, int]:
    return len(documents), sum(len(data) for data in documents.values())
