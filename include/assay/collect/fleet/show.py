"""A plan as rows for a table, as text for a log, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from assay.collect.fleet.plan import Plan

COLUMNS = ("machine", "vcpu", "market", "first_place", "places", "on_demand", "spot", "minutes", "life", "usd", "at_most_usd")


def machine_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row a machine, columns COLUMNS."""
    return [
        {
            "machine": machine.slot,
            "vcpu": machine.vcpus,
            "market": machine.market,
            "first_place": machine.places[0].zone,
            "places": len(machine.places),
            "on_demand": f"{machine.places[0].on_demand:.4f}",
            "spot": "" if machine.places[0].spot is None else f"{machine.places[0].spot:.4f}",
            "minutes": f"{machine.minutes:.0f}",
            "life": machine.life_minutes,
            "usd": f"{machine.dollars:.4f}",
            "at_most_usd": f"{machine.most_dollars:.4f}",
        }
        for machine in plan.machines
    ]


def excluded_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row for each type that was asked for and is not measured: `type`, `reason`."""
    return [{"type": each.instance_type, "reason": each.reason} for each in plan.excluded]


def quota_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row for each quota that the plan touches: `quota`, `allowed`, `running`, `planned`, all in vCPU."""
    return [
        {
            "quota": f"{quota.region}: {quota.quota_class}, {quota.market}",
            "allowed": "not known" if quota.allowed is None else f"{quota.allowed:g}",
            "running": quota.running,
            "planned": quota.planned,
        }
        for quota in plan.quotas
    ]


def summary(plan: Plan) -> str:
    """The plan in a sentence."""
    return (
        f"{len(plan.machines)} machines, about {max((machine.minutes for machine in plan.machines), default=0):.0f} minutes each "
        f"side by side: about {plan.dollars:.2f} USD, at most {plan.most_dollars:.2f} USD; {len(plan.excluded)} types excluded; "
        f"facts from {plan.source}"
    )


def as_lines(plan: Plan) -> list[str]:
    """The plan for a log: the tables as aligned text, then the summary, notes and what stops it."""
    lines = []
    for rows in (machine_rows(plan), quota_rows(plan), excluded_rows(plan)):
        lines += _aligned(rows)
    return [*lines, summary(plan), *(f"note: {note}" for note in plan.notes), *(f"STOPS IT: {stop}" for stop in plan.stops)]


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for scripts. Dollars are USD, prices USD an hour."""
    return {
        "source": plan.source,
        "startable": plan.live and not plan.stops,
        "stops": list(plan.stops),
        "notes": list(plan.notes),
        "dollars": plan.dollars,
        "most_dollars": plan.most_dollars,
        "machines": [machine.to_document() for machine in plan.machines],
        "excluded": [asdict(each) for each in plan.excluded],
        "quotas": [asdict(quota) for quota in plan.quotas],
        "limits": asdict(plan.request.limits),
    }


def _aligned(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    columns = list(rows[0])
    widths = {name: max(len(name), *(len(str(row[name])) for row in rows)) for name in columns}
    head = "  ".join(name.replace("_", " ").ljust(widths[name]) for name in columns)
    return [head.rstrip(), *("  ".join(str(row[name]).ljust(widths[name]) for name in columns).rstrip() for row in rows), ""]
