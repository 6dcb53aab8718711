"""predictions.json: estimates for the sizes of a family that were not measured, from those that were. In no other document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from assay.dataset.encode import rounded
from assay.dataset.entries import Workbench
from assay.dataset.models.base import SCHEMA_VERSION
from assay.dataset.rankings import list_names
from assay.dataset.updated import Ends
from assay.measurement import RANKING_KEY
from assay.reference import catalogue
from assay.reference.catalogue import InstanceType
from assay.summarize import scaling
from assay.summarize.scaling import Fit, NotEstimable, fit_scaling

METHOD: Mapping[str, Any] = {
    "model": "log(value) = a + b log(vcpus) + error, by least squares, within one family and one ranking key",
    "source": "Montgomery, Peck and Vining, Introduction to Linear Regression Analysis, 2.5 (intervals), 4.3.1 (left-out errors)",
    "level": scaling.LEVEL,
    "min_sizes": scaling.MIN_SIZES,
    "reach": scaling.REACH,
    "max_left_out_percent": scaling.MAX_LEFT_OUT_PERCENT,
}

BURSTABLE = "burstable: how much it gives depends on the credits that it has left, not on its size"

Refused: TypeAlias = dict[tuple[str, tuple[str, ...]], list[str]]


@dataclass
class _Group:
    """The measured values of one metric in one family, under one ranking key."""

    family: str
    name: str
    key: Mapping[str, str]
    unit: str
    values: dict[str, float] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)


def predictions_document(workbench: Workbench, ends: Ends) -> dict[str, Any]:
    """The document. Every value counts, provisional ones too: how far they miss is part of the interval.

    Of a family that the catalogue does not know nothing is said, and nothing of hosts, which have no sizes.
    """
    families = _families()
    estimates: dict[str, dict[str, Any]] = {}
    refused: dict[str, Refused] = {}
    used: set[str] = set()
    for group in _groups(workbench):
        missing = {name: known for name, known in families[group.family].items() if name not in group.values}
        if not missing:
            continue
        used |= group.sources
        law, reasons = _law(group, families[group.family], missing)
        if law is not None:
            estimates.setdefault(group.family, {})[group.name] = law
        for reason, instances in reasons.items():
            refused.setdefault(group.family, {}).setdefault((reason, tuple(sorted(instances))), []).append(group.name)
    return {
        "schema_version": SCHEMA_VERSION,
        "last_updated": ends.newest(used),
        "estimated": True,
        "method": dict(METHOD),
        "estimates": estimates,
        "refused": {family: _refusals(found) for family, found in refused.items()},
    }


def _law(
    group: _Group, family: Mapping[str, InstanceType], missing: Mapping[str, InstanceType]
) -> tuple[dict[str, Any] | None, dict[str, list[str]]]:
    """The published law of a group, and the instances without an estimate by reason."""
    if any(known.burstable for known in family.values()):
        return None, {BURSTABLE: list(missing)}
    measured = sorted(group.values, key=lambda name: (family[name].vcpus, name))
    try:
        fit = fit_scaling([family[name].vcpus for name in measured], [group.values[name] for name in measured])
    except NotEstimable as refusal:
        return None, {str(refusal): list(missing)}
    instances: dict[str, Any] = {}
    beyond: dict[str, list[str]] = {}
    for name, known in missing.items():
        try:
            found = fit.at(known.vcpus)
        except NotEstimable as refusal:
            beyond.setdefault(str(refusal), []).append(name)
            continue
        instances[name] = {
            "estimate": rounded(found.value),
            "prediction_interval": [rounded(found.low), rounded(found.high)],
            "vcpus": known.vcpus,
        }
    return (_published(group, fit, measured, family, instances) if instances else None), beyond


def _published(
    group: _Group, fit: Fit, measured: list[str], family: Mapping[str, InstanceType], instances: dict[str, Any]
) -> dict[str, Any]:
    return {
        "key": dict(group.key),
        "unit": group.unit,
        "exponent": _few(fit.exponent),
        "residual_sd": _few(fit.residual_sd),
        "mean_left_out_percent": _few(fit.mean_left_out_percent),
        "based_on": [
            {"instance": name, "vcpus": family[name].vcpus, "left_out_percent": _few(error)}
            for name, error in zip(measured, fit.left_out_percent, strict=True)
        ],
        "instances": instances,
    }


def _few(value: float) -> float:
    """Nine decimals: below that a residual is the rounding noise of a sum, which differs between processors."""
    return rounded(round(value, 9)) + 0.0


def _groups(workbench: Workbench) -> Iterator[_Group]:
    """Every metric of every family, by family and name; values of one ranking key and unit."""
    items = [item for benchmark in workbench.benchmarks for item in workbench.items[benchmark]]
    names = list_names(items)
    configurations = workbench.configurations(workbench.benchmarks)
    groups: dict[tuple[str, str], _Group] = {}
    for item in items:
        known = catalogue.lookup(item.subject)
        if known is None:
            continue
        unit = item.quantity["unit"]
        _, name = names[item.benchmark, item.metric, item.configuration, unit]
        parts = {"benchmark": item.benchmark, "metric": item.metric, **configurations[item.configuration]}
        key = {part: parts[part] for part in RANKING_KEY}
        group = groups.setdefault((known.instance_family, name), _Group(known.instance_family, name, key, unit))
        group.values[item.subject] = item.quantity["value"]
        group.sources.update(item.quantity["sources"])
    for place in sorted(groups):
        yield groups[place]


def _families() -> dict[str, dict[str, InstanceType]]:
    families: dict[str, dict[str, InstanceType]] = {}
    for name in catalogue.names():
        known = catalogue.lookup(name)
        if known is not None:
            families.setdefault(known.instance_family, {})[name] = known
    return families


def _refusals(found: Refused) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "metrics": sorted(metrics), "instances": list(instances)}
        for (reason, instances), metrics in sorted(found.items())
    ]
