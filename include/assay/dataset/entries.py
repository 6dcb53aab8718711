"""Entries of types: quantities of one benchmark put together, measured apart from provisional, with their machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

import pandas as pd

from assay.dataset.place import REQUIRED
from assay.dataset.quantity import Placed, Quantity, quantities
from assay.dataset.select import CONFIGURATION

Entry: TypeAlias = dict[str, Any]
Container: TypeAlias = dict[str, Entry]


class Workbench:
    """What every document is assembled from: placed quantities by benchmark, the machines, and who warned.

    `placed`: statistics with places. `subjects`: published metadata by subject. `warnings`: rule ids by session.
    """

    def __init__(
        self, placed: pd.DataFrame, subjects: Mapping[str, Mapping[str, Any]], warnings: Mapping[str, Collection[str]]
    ) -> None:
        self.subjects = subjects
        self._warnings = warnings
        self.items: dict[str, list[Placed]] = {}
        for item in quantities(placed):
            self.items.setdefault(item.benchmark, []).append(item)
        self._configurations = _configurations(placed)
        self._fields: dict[tuple[str, bool], dict[str, dict[str, Quantity]]] = {}

    @property
    def benchmarks(self) -> list[str]:
        """Every benchmark that has a value, sorted."""
        return sorted(self.items)

    def published(self) -> set[str]:
        """Every subject that has a value in any document."""
        return {item.subject for items in self.items.values() for item in items}

    def units(self, benchmark: str) -> set[str]:
        """The units that a benchmark's values have."""
        return {item.quantity["unit"] for item in self.items.get(benchmark, [])}

    def fields(self, benchmark: str, *, measured: bool) -> dict[str, dict[str, Quantity]]:
        """Quantities by subject and field: those with n >= 3, or those with fewer."""
        if (benchmark, measured) in self._fields:
            return self._fields[benchmark, measured]
        table: dict[str, dict[str, Quantity]] = {}
        for item in self.items.get(benchmark, []):
            if item.main and item.measured == measured:
                table.setdefault(item.subject, {})[item.field] = item.quantity
        self._fields[benchmark, measured] = table
        return table

    def stands(self, benchmark: str, subject: str) -> bool:
        """Whether a type has every field that its benchmark requires, each from n >= 3."""
        measured = self.fields(benchmark, measured=True).get(subject, {})
        return bool(measured) and REQUIRED.get(benchmark, frozenset()) <= measured.keys()

    def containers(self, benchmark: str) -> tuple[Container, Container]:
        """A benchmark's entries by subject: (measured, provisional).

        All that a type has is provisional where a required field is missing; a field with n < 3 is provisional anywhere.
        """
        full, few = self.fields(benchmark, measured=True), self.fields(benchmark, measured=False)
        measured: Container = {}
        provisional: Container = {}
        for subject in sorted({*full, *few}):
            enough, rest = full.get(subject, {}), few.get(subject, {})
            if self.stands(benchmark, subject):
                measured[subject] = self.entry(subject, enough)
            else:
                rest = {**enough, **rest}
            if rest:
                provisional[subject] = self.entry(subject, rest)
        return measured, provisional

    def entry(self, subject: str, fields: Mapping[str, Quantity]) -> Entry:
        """One type's entry: its quantities, its machine, the sessions behind it and the rules that warned there."""
        sources = sorted({session for quantity in fields.values() for session in quantity["sources"]})
        entry: Entry = {**fields, "metadata": dict(self.subjects[subject]), "sources": sources}
        counts: dict[str, int] = {}
        for session in sources:
            for rule in sorted(self._warnings.get(session, ())):
                counts[rule] = counts.get(rule, 0) + 1
        if counts:
            entry["warnings"] = counts
        return entry

    def variants(self, benchmarks: Iterable[str]) -> dict[str, Any]:
        """What fills no container: by benchmark, configuration, type and field."""
        result: dict[str, Any] = {}
        for benchmark in sorted(set(benchmarks)):
            for item in self.items.get(benchmark, []):
                if item.main:
                    continue
                variant = result.setdefault(benchmark, {}).setdefault(item.configuration, {"instances": {}})
                fields = variant["instances"].setdefault(item.subject, {})
                # The same metric in two units is two statistics: nothing is dropped, the second is numbered.
                name, number = item.field, 1
                while name in fields:
                    number += 1
                    name = f"{item.field} #{number}"
                fields[name] = item.quantity
        return result

    def configurations(self, benchmarks: Iterable[str]) -> dict[str, dict[str, str]]:
        """The configurations that the quantities of these benchmarks name, by name."""
        names = {item.configuration for benchmark in set(benchmarks) for item in self.items.get(benchmark, [])}
        return {name: self._configurations[name] for name in sorted(names)}


def _configurations(placed: pd.DataFrame) -> dict[str, dict[str, str]]:
    rows = placed.drop_duplicates("configuration")
    columns = [rows[name].tolist() for name in CONFIGURATION]
    return {
        name: dict(zip(CONFIGURATION, parts, strict=True))
        for name, *parts in zip(rows["configuration"].tolist(), *columns, strict=True)
    }
