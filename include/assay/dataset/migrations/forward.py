"""1.0.0 -> 1.1.0: types without interval and sample size go under `provisional`; nothing is made up and nothing is lost.

What 1.0.0 did not tell stays absent, and what carries such a gap is marked `migrated_from`. What has no place in 1.1.0 stands in
the document's `migration.kept`, by its JSON pointer in the older document, so `backward` gives the older document again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from assay.dataset.migrations.pointers import find, pointer, take
from assay.dataset.models import v1_0_0
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.models.migrated import MIGRATED, MIGRATION
from assay.dataset.place import MICROARCH, REQUIRED
from assay.dataset.schema import schema_of, schemas
from assay.dataset.select import MIN_SAMPLE
from assay.dataset.validate import faults_of
from assay.errors import SchemaMismatch

FROM, TO = v1_0_0.VERSION, SCHEMA_VERSION

Document: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]

_ARCHITECTURES = ("intel", "amd", "graviton")
_CONTAINERS = {
    "memory-benchmark": ("stream", "stream_cache"),
    "cpu-benchmark": ("hpl", "hpl_mkl"),
    "view": ("stream", "stream_cache", "hpl", "hpl_mkl"),
}
HOMES: Mapping[str, Mapping[str, str]] = {
    "memory-benchmark": {"provisional": "benchmarks"},
    "cpu-benchmark": {"provisional": "benchmarks"},
    "microarch-benchmark": {"provisional": "microarchitecture"},
    "view": {"provisional": "benchmarks", "provisional_microarchitecture": "microarchitecture"},
}
"""Schema -> field that 1.1.0 moves types to -> field that they come from."""
_ROUNDS = 100


def upgrade(name: str, document: Any) -> Any:
    """A document of 1.0.0 as one of 1.1.0. `name`: its file name. The document that is given stays as it is.

    Raises SchemaMismatch where the document is not valid 1.0.0.
    """
    found = faults_of(name, document, FROM)
    if found:
        raise SchemaMismatch(f"{found[0]}; only a valid document of {FROM} can be migrated")
    if isinstance(document, list):  # quarantine.json is the same in both
        return copy.deepcopy(document)
    return _Upgrade(name, copy.deepcopy(document)).run()


class _Upgrade:
    def __init__(self, name: str, document: Document) -> None:
        self.name, self.document = name, document
        self.schema = schema_of(name, FROM)
        self.added: list[str] = []
        self.kept: dict[str, Any] = {}

    def run(self) -> Document:
        for path in list(_marked(self.document)):
            # Nothing has moved yet: a field of the older document may have the name of a place that things move to.
            mark = (*path, MIGRATED)
            self.kept[pointer(mark)] = take(self.document, mark)
        for field in _new_fields(self.schema):
            if field in self.document:
                self.keep((field,))
        self.document["schema_version"] = TO
        for provisional, home in HOMES.get(self.schema or "", {}).items():
            if home == "benchmarks":
                self.containers(provisional)
            else:
                self.microarchitecture(provisional)
        if self.schema in ("memory-benchmark", "cpu-benchmark"):
            self.core()
        if self.schema == "instance-rankings":
            self.full_rankings()
        if self.schema in (*_CONTAINERS, "microarch-benchmark", "numa-performance"):
            self.add(("configurations",), {})
        if self.schema in (*_CONTAINERS, "microarch-benchmark"):
            self.add(("variants",), {})
        self.document[MIGRATION] = {"from": FROM, "added": self.added, "kept": self.kept}
        self.settle()
        self.added.sort()
        return self.document

    def add(self, path: Path, value: Any) -> None:
        """Set what the older document did not have."""
        parent = find(self.document, path[:-1])
        if path[-1] not in parent:
            parent[path[-1]] = value
            self.added.append(pointer(path))

    def keep(self, path: Path) -> None:
        """Take out what has no place, and remember it by where it stood in the older document."""
        value, before = take(self.document, path), _before(path, self.schema)
        for marked in list(_marked(value)):
            del find(value, marked)[MIGRATED]  # our own mark: those of the older document were taken out first
        if not any(pointer(before[:length]) in self.kept for length in range(1, len(before))):
            self.kept[pointer(before)] = value

    def containers(self, provisional: str) -> None:
        benchmarks, few = self.document["benchmarks"], self.document.setdefault(provisional, {})
        for container in _CONTAINERS[self.schema or ""]:
            self.add(("benchmarks", container), {})
            few[container] = {}
        for benchmark, entries in benchmarks.items():
            _split(entries, few.setdefault(benchmark, {}), REQUIRED.get(benchmark, frozenset()))

    def microarchitecture(self, provisional: str) -> None:
        few = self.document.setdefault(provisional, {})
        for architecture, analyses in self.document["microarchitecture"].items():
            for analysis, entries in analyses.items():
                moved: Document = {}
                _split(entries, moved, frozenset())
                if moved:
                    few.setdefault(architecture, {})[analysis] = moved
        if self.name == MICROARCH:
            for architecture in _ARCHITECTURES:
                self.add((architecture,), {})

    def core(self) -> None:
        types = {it for part in ("benchmarks", "provisional") for entries in self.document[part].values() for it in entries}
        self.add(("total_instances",), len(types))
        self.add(("rankings",), {})
        measured = self.document["benchmarks"]
        for metric, ranks in self.document["rankings"].items():
            stay = {it for entries in measured.values() for it, entry in entries.items() if _is_counted(entry.get(metric))}
            self.rerank(("rankings", metric), [rank for rank in ranks if rank["instance"] in stay])

    def full_rankings(self) -> None:
        for name, ranking in self.document["rankings"].items():
            with_interval = [rank for rank in ranking["ranks"] if _is_interval(rank.get("confidence_interval"))]
            self.rerank(("rankings", name, "ranks"), with_interval)

    def rerank(self, path: Path, stay: list[Document]) -> None:
        """A type without an interval is in no ranking; the places of the others stay dense."""
        ranks = find(self.document, path)
        if len(stay) == len(ranks):
            return
        self.kept[pointer(path)] = copy.deepcopy(ranks)
        places = {place: number for number, place in enumerate(sorted({rank["rank"] for rank in stay}), start=1)}
        find(self.document, path[:-1])[path[-1]] = [{**rank, "rank": places[rank["rank"]]} for rank in stay]

    def settle(self) -> None:
        """Mark every part that lacks what 1.0.0 did not tell; take out what 1.1.0 has no place for."""
        for _ in range(_ROUNDS):
            found = faults_of(self.name, self.document, TO)
            if not found:
                return
            for path in sorted({fault.path for fault in found}, key=len, reverse=True):
                self.mend(path)
        raise SchemaMismatch(f"{self.name}: {faults_of(self.name, self.document, TO)[0]}; this document cannot be migrated")

    def mend(self, path: Path) -> None:
        try:
            value = find(self.document, path)
        except LookupError:
            return  # taken out together with another part
        if isinstance(value, dict) and path and MIGRATED not in value:
            value[MIGRATED] = FROM
            return
        while path and isinstance(path[-1], int):
            path = path[:-1]  # a member of a list: without it the others would have other numbers
        if path:
            self.keep(path)


def _marked(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of the parts that have a field of the name of our mark."""
    if isinstance(value, dict):
        if MIGRATED in value:
            yield path
        for key, below in value.items():
            if key != MIGRATED:  # it is taken out whole, with what is inside
                yield from _marked(below, (*path, key))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _marked(below, (*path, number))


def _new_fields(schema: str | None) -> list[str]:
    """Fields of a document that 1.1.0 knows and 1.0.0 does not."""
    older, newer = (set(schemas(version)[schema or ""]["properties"]) for version in (FROM, TO))
    return sorted(newer - older)


def _before(path: Path, schema: str | None) -> Path:
    """Where a part of the migrated document stood in the older one."""
    home = HOMES.get(schema or "", {}).get(str(path[0]))
    return (home, *path[1:]) if home and len(path) > 1 else path


def _split(entries: Document, provisional: Document, required: frozenset[str]) -> None:
    """Move to `provisional` the types, and of the types that stay the quantities, that have no interval or no sample size."""
    for it in list(entries):
        entry = entries[it]
        quantities = {
            name: value for name, value in entry.items() if isinstance(value, dict) and {"value", "unit"} <= value.keys()
        }
        counted = {name for name, value in quantities.items() if _is_counted(value)}
        if not counted or not required <= counted:
            provisional[it] = entries.pop(it)
        elif len(counted) < len(quantities):
            provisional[it] = {name: entry.pop(name) for name in quantities if name not in counted}


def _is_counted(quantity: Any) -> bool:
    if not isinstance(quantity, Mapping):
        return False
    size = quantity.get("sample_size")
    enough = isinstance(size, int) and not isinstance(size, bool) and size >= MIN_SAMPLE
    return enough and _is_interval(quantity.get("confidence_interval"))


def _is_interval(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and all(isinstance(x, int | float) and not isinstance(x, bool) for x in value)
    )
